//! Anything that two sides and a bad network can do, against a simple model of what must be readable.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use arbitrary::{Arbitrary, Unstructured};
use sealwax::Error;
use sealwax::session::{Level, Session, SessionOptions};

use crate::pair::*;

/// Most messages that may be sent between two stores.
const LEASE: u32 = 3;

/// What was stored before and could come back.
const STORED_MAX: usize = 8;

/// Something that one side does, or that happens to it. Numbers choose among what there is.
#[derive(Debug, Clone, Arbitrary)]
pub(crate) enum Act {
    Send,
    Deliver(u16),
    Duplicate(u16),
    Drop(u16),
    /// A message comes with one bit changed.
    Tamper(u16, u16),
    /// The process dies and comes back from what it stored.
    Crash,
    /// It comes back from what it stored before that.
    Restore(u16),
    /// The session is deleted; the identity stays.
    Lose,
    Renew,
    Wait(#[arbitrary(with = a_while)] u64),
}

fn a_while(bytes: &mut Unstructured<'_>) -> arbitrary::Result<u64> {
    bytes.int_in_range(0..=40 * MINUTE)
}

/// One side, what it stored, and what the model knows of it.
struct Modelled {
    side: Side,
    stored: Option<Vec<u8>>,
    /// What was stored before, of the session that is held.
    before: VecDeque<Vec<u8>>,
    sent_since_stored: u32,
    /// Handshakes of the peer that the identity has taken.
    taken: BTreeSet<[u8; 8]>,
    /// What was read in each inner session that is held.
    read: BTreeMap<[u8; 8], BTreeSet<String>>,
    /// On their way to this side, with the text that must come out.
    inbox: Vec<(Vec<u8>, String)>,
}

impl Modelled {
    fn new(user: &str, options: SessionOptions) -> Self {
        Self {
            side: Side::new(user, "model", options),
            stored: None,
            before: VecDeque::new(),
            sent_since_stored: 0,
            taken: BTreeSet::new(),
            read: BTreeMap::new(),
            inbox: Vec::new(),
        }
    }

    fn store(&mut self) {
        self.before.extend(self.stored.take());
        if self.before.len() > STORED_MAX {
            self.before.pop_front();
        }
        self.stored = self.side.session.as_ref().map(|session| session.export(LEASE).unwrap().to_vec());
        self.sent_since_stored = 0;
    }

    fn crash(&mut self) {
        if let Some(stored) = &self.stored {
            let session = Session::import(&self.side.identity, Session::FORMAT, stored).unwrap();
            self.side.session = Some(session);
            self.store();
        }
    }

    /// Comes back as it was some time ago, if there is such a state.
    fn restore(&mut self, at: u16) -> bool {
        let Some(at) = choose(at, self.before.len()) else { return false };
        self.stored = self.before.get(at).cloned();
        self.crash();
        true
    }

    fn lose(&mut self) {
        (self.side.session, self.stored) = (None, None);
        self.before.clear();
        self.read.clear();
    }

    /// What was changed on its way does not open, and leaves everything as it was.
    fn refuse(&mut self, envelope: &[u8], bit: u16) {
        let (mut envelope, before) = (envelope.to_vec(), self.side.digest());
        let bit = usize::from(bit) % (8 * envelope.len());
        envelope[bit / 8] ^= 1 << (bit % 8);
        assert!(self.side.receive(&envelope).is_err(), "bit {bit} does not count");
        assert_eq!(self.side.digest(), before);
    }

    fn held(&self) -> BTreeSet<[u8; 8]> {
        let session = self.side.session.as_ref();
        session
            .map(|session| session.info().inner.iter().map(|inner| inner.key_id).collect())
            .unwrap_or_default()
    }

    fn send(&mut self, peer: &mut Self, count: &mut u32, level: Level) {
        if self.side.session.is_none() {
            self.side.initiate(&mut peer.side, level);
            self.store();
        }
        *count += 1;
        let text = format!("message {count}");
        match self.side.try_send(&text) {
            Ok(envelope) => {
                self.sent_since_stored += 1;
                // The first message of a turn is always stored, further ones once the lease is used up.
                let counter_is_leased = self.sent_since_stored <= LEASE && self.stored_chain_sends();
                if !counter_is_leased {
                    self.store();
                }
                peer.inbox.push((envelope, text));
            }
            Err(error) => assert_eq!(error, Error::RenewalRequired),
        }
    }

    /// Whether a stored state would go on in the chain that the side sends in now.
    fn stored_chain_sends(&self) -> bool {
        let Some(stored) = &self.stored else { return false };
        let session = Session::import(&self.side.identity, Session::FORMAT, stored).unwrap();
        let mut copy = Side::new("copy", "", self.side.options);
        copy.session = Some(session);
        copy.now = self.side.now;
        let mut own = self.side.thief();
        let ratchet_key = |side: &mut Side| side.try_send("").map(|envelope| plain_ratchet_key(&envelope));
        matches!((ratchet_key(&mut copy), ratchet_key(&mut own)), (Ok(Some(a)), Ok(Some(b))) if a == b)
    }

    /// Delivers a message to a side of which nobody knows any more what it has read.
    fn deliver_astray(&mut self, envelope: &[u8], text: &str) {
        let before = self.side.digest();
        match self.side.receive(envelope) {
            Ok(read) => {
                assert_eq!(read, text);
                self.store();
            }
            Err(_) => assert_eq!(self.side.digest(), before),
        }
    }

    /// Delivers a message and holds the answer against the model.
    fn deliver(&mut self, envelope: &[u8], text: &str) {
        let key = key_id(envelope);
        let (held, before) = (self.held().contains(&key), self.side.digest());
        let was_read = self.read.get(&key).is_some_and(|read| read.contains(text));
        let opens = if held { !was_read } else { is_first(envelope) && !self.taken.contains(&key) };
        match self.side.receive(envelope) {
            Ok(read) => {
                assert!(opens, "{text} must not open");
                assert_eq!(read, text);
                if is_first(envelope) {
                    self.taken.insert(key);
                }
                self.read.entry(key).or_default().insert(text.to_owned());
                self.store();
            }
            Err(error) => {
                assert!(!opens, "{text} must open: {error:?}");
                assert!(matches!(error, Error::UnknownKey | Error::Replay | Error::Duplicate), "{error:?}");
                assert_eq!(self.side.digest(), before);
            }
        }
        let held = self.held();
        self.read.retain(|key, _| held.contains(key));
    }
}

/// `None` with a hidden header: then every message is stored.
fn plain_ratchet_key(envelope: &[u8]) -> Option<[u8; 65]> {
    use sealwax::wire::session::{Header, SessionMessage};
    match SessionMessage::parse(envelope).unwrap().header {
        Header::Plain(header) => Some(*header.ratchet_key),
        Header::Hidden { .. } => None,
    }
}

/// One of so many, by a number.
fn choose(at: u16, count: usize) -> Option<usize> {
    usize::from(at).checked_rem(count)
}

pub(crate) fn run(acts: &[(bool, Act)], hide: bool, level: Level, cross: bool) {
    let mut alice = Modelled::new("alice", hidden(hide));
    let mut bob = Modelled::new("bob", hidden(hide));
    alice.side.initiate(&mut bob.side, level);
    alice.store();
    if cross {
        bob.side.initiate(&mut alice.side, level);
        bob.store();
    }
    let (mut count, mut astray) = (0, false);
    for (alice_acts, act) in acts {
        let (one, other) = if *alice_acts { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
        one.side.now += 1;
        other.side.now += 1;
        let waits = one.inbox.len();
        match *act {
            Act::Send => one.send(other, &mut count, level),
            Act::Deliver(at) | Act::Duplicate(at) => {
                let Some(at) = choose(at, waits) else { continue };
                let (envelope, text) = one.inbox[at].clone();
                if matches!(act, Act::Deliver(_)) {
                    one.inbox.remove(at);
                }
                if astray { one.deliver_astray(&envelope, &text) } else { one.deliver(&envelope, &text) }
            }
            Act::Drop(at) => drop(choose(at, waits).map(|at| one.inbox.remove(at))),
            Act::Tamper(at, bit) => {
                if let Some((envelope, _)) = choose(at, waits).map(|at| one.inbox[at].clone()) {
                    one.refuse(&envelope, bit);
                }
            }
            Act::Crash => one.crash(),
            Act::Restore(at) => astray |= one.restore(at),
            Act::Lose => one.lose(),
            Act::Renew => {
                if one.side.session.is_some() && one.side.renew(&mut other.side, level).is_ok() {
                    one.store();
                }
            }
            Act::Wait(time) => {
                one.side.now += time;
                other.side.now = one.side.now;
            }
        }
    }
    for side in [&mut alice, &mut bob] {
        for (envelope, text) in std::mem::take(&mut side.inbox) {
            if astray { side.deliver_astray(&envelope, &text) } else { side.deliver(&envelope, &text) }
        }
    }
    if astray {
        // Nothing tells a side that its state is an old one; whoever is told renews, when the time for it has come.
        alice.side.now = alice.side.now.max(bob.side.now) + 2 * DAY;
        bob.side.now = alice.side.now;
        if alice.side.session.is_some() {
            alice.side.renew(&mut bob.side, Level::Signed).unwrap();
        } else {
            alice.side.initiate(&mut bob.side, Level::Signed);
        }
        let message = alice.side.send("back");
        assert_eq!(bob.side.read(&message), "back");
    }
    // Both sides come to send in the same inner session, and read each other there.
    talk(&mut alice.side, &mut bob.side, 8);
    assert!(agree(&alice.side, &bob.side));
    let message = alice.side.send("agreed");
    assert_eq!(bob.side.read(&message), "agreed");
    let message = bob.side.send("agreed");
    assert_eq!(alice.side.read(&message), "agreed");
}
