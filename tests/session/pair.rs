//! Two sides and what they do to each other.

use sealwax::Error;
use sealwax::identity::{Identity, IdentityOptions, PrekeyBundle};
use sealwax::session::{InnerInfo, Level, Opening, Session, SessionOptions};
use sealwax::wire::content::{ContentKind, Padding};
use sealwax::wire::session::SessionMessage;

use crate::common::ScriptedRandom;

/// When the tests begin.
pub(crate) const START: u64 = 1_700_000_000_000;
pub(crate) const MINUTE: u64 = 60_000;
pub(crate) const HOUR: u64 = 60 * MINUTE;
pub(crate) const DAY: u64 = 24 * HOUR;

/// One device: its identity, and its session with the one peer.
pub(crate) struct Side {
    pub(crate) identity: Identity,
    pub(crate) session: Option<Session>,
    pub(crate) options: SessionOptions,
    pub(crate) rng: ScriptedRandom,
    pub(crate) now: u64,
}

pub(crate) fn hidden(hidden_header: bool) -> SessionOptions {
    SessionOptions { hidden_header, ..SessionOptions::default() }
}

pub(crate) fn padded(padding: Padding) -> SessionOptions {
    SessionOptions { padding, ..SessionOptions::default() }
}

impl Side {
    pub(crate) fn new(user: &str, seed: &str, options: SessionOptions) -> Self {
        Self::with_prekeys(user, seed, options, false)
    }

    pub(crate) fn with_prekeys(user: &str, seed: &str, options: SessionOptions, required: bool) -> Self {
        let mut rng = ScriptedRandom::new(&format!("{user} {seed}"));
        let prekeys = IdentityOptions { prekeys_required: required };
        let identity = Identity::generate(&mut rng, user, prekeys, START).unwrap();
        Self { identity, session: None, options, rng, now: START }
    }

    /// A fresh bundle, as a relay hands it out.
    pub(crate) fn bundle(&mut self, level: Level) -> Option<PrekeyBundle> {
        let one_time = match level {
            Level::Plain => return None,
            Level::Signed => 0,
            Level::OneTime => 1,
        };
        let bytes = self.identity.prekeys(&mut self.rng, one_time, self.now).unwrap();
        Some(PrekeyBundle::parse(&bytes, self.identity.card()).unwrap())
    }

    /// Starts a session with the peer.
    pub(crate) fn initiate(&mut self, peer: &mut Self, level: Level) {
        let bundle = peer.bundle(level);
        self.try_initiate(peer, bundle.as_ref()).unwrap();
    }

    pub(crate) fn try_initiate(&mut self, peer: &Self, bundle: Option<&PrekeyBundle>) -> Result<(), Error> {
        let (card, options) = (peer.identity.card(), self.options);
        let session = Session::initiate(&self.identity, card, bundle, options, self.now, &mut self.rng)?;
        self.session = Some(session);
        Ok(())
    }

    pub(crate) fn renew(&mut self, peer: &mut Self, level: Level) -> Result<(), Error> {
        let bundle = peer.bundle(level);
        let session = self.session.as_mut().unwrap();
        session.renew(&self.identity, peer.identity.card(), bundle.as_ref(), self.now, &mut self.rng)
    }

    pub(crate) fn session(&self) -> &Session {
        self.session.as_ref().unwrap()
    }

    pub(crate) fn try_send(&mut self, text: &str) -> Result<Vec<u8>, Error> {
        let body: [&[u8]; 2] = [&[1], text.as_bytes()];
        let session = self.session.as_mut().unwrap();
        let mut out = vec![0; session.encrypt_len(1 + text.len())];
        let written = session.encrypt(ContentKind::Data, &body, self.now, &mut self.rng, &mut out)?;
        assert_eq!(written, out.len(), "the length is exact");
        Ok(out)
    }

    pub(crate) fn send(&mut self, text: &str) -> Vec<u8> {
        self.try_send(text).unwrap()
    }

    /// Reads an envelope, accepting the session first if there is none.
    pub(crate) fn receive(&mut self, envelope: &[u8]) -> Result<String, Error> {
        if self.session.is_none() {
            let accepted = Session::accept(&mut self.identity, envelope, self.options, self.now)?;
            self.session = Some(accepted);
        }
        let session = self.session.as_mut().unwrap();
        let opening = session.open(Some(&self.identity), envelope, self.now)?;
        let text = text(&opening);
        session.commit(Some(&mut self.identity), opening).unwrap();
        Ok(text)
    }

    pub(crate) fn read(&mut self, envelope: &[u8]) -> String {
        self.receive(envelope).unwrap()
    }

    /// Everything that could change: the state of the session and of the identity.
    pub(crate) fn digest(&self) -> (Vec<u8>, Vec<u8>) {
        let session = self.session.as_ref().map(|session| session.export(0).unwrap().to_vec());
        (session.unwrap_or_default(), self.identity.export().unwrap().to_vec())
    }

    /// The same session as it comes out of storage.
    pub(crate) fn reload(&mut self, lease: u32) {
        let payload = self.session().export(lease).unwrap();
        self.session = Some(Session::import(&self.identity, Session::FORMAT, &payload).unwrap());
    }

    /// Whoever stole the whole state just now.
    pub(crate) fn thief(&self) -> Self {
        let identity = Identity::import(Identity::FORMAT, &self.identity.export().unwrap()).unwrap();
        let payload = self.session().export(0).unwrap();
        let session = Some(Session::import(&identity, Session::FORMAT, &payload).unwrap());
        Self { identity, session, options: self.options, rng: ScriptedRandom::new("thief"), now: self.now }
    }

    /// The inner session that sends.
    pub(crate) fn active(&self) -> InnerInfo {
        self.session().info().inner.into_iter().find(|inner| inner.active).unwrap()
    }

    pub(crate) fn skipped_keys(&self) -> usize {
        self.session().info().inner.iter().map(|inner| inner.skipped_keys).sum()
    }
}

pub(crate) fn text(opening: &Opening) -> String {
    assert_eq!(opening.kind(), ContentKind::Data);
    String::from_utf8(opening.body()[1..].to_vec()).unwrap()
}

pub(crate) fn is_first(envelope: &[u8]) -> bool {
    SessionMessage::parse(envelope).unwrap().front.handshake.is_some()
}

/// Two sides that have not met.
pub(crate) fn strangers(options: SessionOptions) -> (Side, Side) {
    (Side::new("alice", "", options), Side::new("bob", "", options))
}

/// Two sides of which alice has started a session of that level, and bob has read its first message.
pub(crate) fn introduced(options: SessionOptions, level: Level) -> (Side, Side) {
    let (mut alice, mut bob) = strangers(options);
    alice.initiate(&mut bob, level);
    let first = alice.send("hello");
    assert_eq!(bob.read(&first), "hello");
    (alice, bob)
}

/// Two sides that have heard each other.
pub(crate) fn acquainted(options: SessionOptions, level: Level) -> (Side, Side) {
    let (mut alice, mut bob) = introduced(options, level);
    let answer = bob.send("hello back");
    assert_eq!(alice.read(&answer), "hello back");
    (alice, bob)
}

pub(crate) fn key_id(envelope: &[u8]) -> [u8; 8] {
    *SessionMessage::parse(envelope).unwrap().front.key_id
}

/// Both sides talk, with time between, until nothing is left to agree on. Whoever holds no session starts one; whoever
/// may not send, or gets a message of an unknown key, renews.
pub(crate) fn talk(alice: &mut Side, bob: &mut Side, rounds: usize) {
    for _ in 0..rounds {
        for alice_speaks in [true, false] {
            let (from, to) = if alice_speaks { (&mut *alice, &mut *bob) } else { (&mut *bob, &mut *alice) };
            from.now = from.now.max(to.now) + 25 * MINUTE;
            to.now = from.now;
            if from.session.is_none() {
                from.initiate(to, Level::Signed);
            }
            if !from.session().info().sendable && from.renew(to, Level::Signed).is_err() {
                continue;
            }
            let message = from.send("talk");
            if to.receive(&message) == Err(Error::UnknownKey) && to.session.is_some() {
                let _ = to.renew(from, Level::Signed);
            }
        }
    }
}

/// Whether both sides send in the same inner session.
pub(crate) fn agree(alice: &Side, bob: &Side) -> bool {
    alice.active().key_id == bob.active().key_id
}
