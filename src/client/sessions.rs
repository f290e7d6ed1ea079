//! Sessions of a client: when one is made, made anew, and stored.

use crate::client::Client;
use crate::client::ask::Ask;
use crate::client::event::Event;
use crate::client::outbox::Target;
use crate::client::records;
use crate::error::{Error, Result};
use crate::identity::{Card, Identity, PrekeyBundle};
use crate::limits::{CLIENT_BACKOFF_MAX_MS, CLIENT_LEASE};
use crate::session::{Session, SessionOptions};
use crate::store::Store;
use crate::wire::codec::Put as _;

/// A session, and how far what is stored of it reaches.
pub(super) struct Line {
    pub(super) session: Session,
    /// Messages that may be sealed before it has to be stored again.
    lease: u32,
    /// The next message may begin a turn, so that it has to be stored with that message.
    turn: bool,
}

impl Line {
    pub(super) fn new(session: Session) -> Self {
        Self { session, lease: 0, turn: true }
    }

    pub(super) fn load(store: &Store, identity: &Identity, user: &str, now_ms: u64) -> Result<Option<Self>> {
        let Some(value) = store.get(&records::session(user))? else { return Ok(None) };
        let (format, payload) =
            records::read(&value, |reader| Ok((reader.u16()?, reader.take(reader.remaining())?)))?;
        let mut session = Session::import(identity, format, payload).map_err(|error| match error {
            Error::UnsupportedVersion => Error::StoreNewer,
            _ => Error::StoreDamaged,
        })?;
        session.correct_clock(now_ms);
        if session.peer_user() == user { Ok(Some(Self::new(session))) } else { Err(Error::StoreDamaged) }
    }

    /// What is stored. The lease begins anew.
    pub(super) fn export(&mut self) -> Result<records::Value> {
        self.export_with(CLIENT_LEASE)
    }

    fn export_with(&mut self, lease: u32) -> Result<records::Value> {
        self.lease = lease;
        let mut value = records::begin();
        value.put_u16(Session::FORMAT);
        value.put(&self.session.export(lease)?);
        Ok(value)
    }

    /// What has to be stored before it is let go of, so that no counters are passed over.
    pub(super) fn rest(&mut self) -> Result<Option<records::Value>> {
        if self.lease == 0 { Ok(None) } else { self.export_with(0).map(Some) }
    }

    /// Notes that a message was opened.
    pub(super) fn opened(&mut self) {
        self.turn = true;
    }

    /// Notes that a message was sealed. Answers whether the session has to be stored before it leaves.
    pub(super) fn sealed(&mut self) -> bool {
        let store = self.turn || self.lease == 0;
        self.turn = false;
        self.lease = self.lease.saturating_sub(1);
        store
    }
}

impl Client {
    pub(super) fn session_options(&self, card: &Card) -> SessionOptions {
        SessionOptions {
            hidden_header: self.options.hidden_header,
            padding: self.options.padding,
            peer_fingerprint: Some(card.fingerprint()),
        }
    }

    /// Whether a message to the peer can be sealed now; if not, what is missing was asked for, or waits for its time.
    pub(super) fn prepare(&mut self, user: &str) -> Result<bool> {
        if self.is_blocked(user)? {
            return Ok(false);
        }
        let (now_ms, restorations) = (self.now_ms, self.settings.restorations);
        let peer = self.peer(user)?;
        if peer.looking_up {
            return Ok(false);
        }
        if let Some(line) = &mut peer.line {
            if peer.restorations < restorations {
                // Until a handshake is made: nothing may be sealed in what was used up.
                peer.renew = true;
                if line.session.renewal_due_ms() > 0 {
                    line.session.allow_renewal();
                    self.journal.session(user);
                }
                self.journal.peer(user);
            }
            let peer = self.peer(user)?;
            if !peer.renew {
                return Ok(true);
            }
            let Some(line) = &peer.line else { return Err(Error::Internal) };
            let due_ms = line.session.renewal_due_ms();
            if now_ms < due_ms && peer.renew_early(now_ms) {
                self.journal.session(user);
            } else if now_ms < due_ms {
                let Some(line) = &peer.line else { return Err(Error::Internal) };
                let can_send = line.session.can_send(now_ms);
                if can_send {
                    // One that we made lately will do: the peer has not had the time to lose it too.
                    peer.renew = false;
                    self.journal.peer(user);
                } else {
                    peer.lookup_after_ms = peer.lookup_after_ms.max(due_ms);
                    let after_ms = peer.lookup_after_ms;
                    self.outbox.delay(&Target::User(user.into()), after_ms);
                }
                return Ok(can_send);
            }
        }
        self.look_up(user)?;
        Ok(false)
    }

    /// Asks the relay for a peer's card and prekeys, unless it has just been asked.
    pub(super) fn look_up(&mut self, user: &str) -> Result<()> {
        let now_ms = self.now_ms;
        let peer = self.peer(user)?;
        let after_ms = peer.lookup_after_ms;
        if peer.looking_up {
            return Ok(());
        }
        if now_ms < after_ms {
            self.outbox.delay(&Target::User(user.into()), after_ms);
        } else {
            peer.looking_up = true;
            self.ask(Ask::Lookup(user.into()));
        }
        Ok(())
    }

    /// The relay gave a user's card and prekeys. None of it is believed: a card says that its keys belong together.
    pub(super) fn found(&mut self, user: &str, card: &[u8], bundle: &[u8]) -> Result<()> {
        self.peer(user)?.looking_up = false;
        let parsed = Card::parse(card).and_then(|card| {
            if card.user() != user {
                return Err(Error::AuthenticationFailed);
            }
            let bundle = (!bundle.is_empty()).then(|| PrekeyBundle::parse(bundle, &card)).transpose()?;
            Ok((card, bundle))
        });
        let (card, bundle) = match parsed {
            Ok(parsed) => parsed,
            Err(status) => {
                self.tell(Event::Error { status });
                return self.look_up_later(user, status);
            }
        };
        match self.peer(user)?.fingerprint() {
            Some(known) if known != card.fingerprint() => {
                self.identity_changed(user, card.clone())?;
                if self.peer(user)?.fingerprint() != Some(card.fingerprint()) {
                    return Ok(());
                }
            }
            _ => {}
        }
        match self.handshake(user, &card, bundle.as_ref()) {
            Ok(()) => Ok(()),
            // Nothing but the bundle, its absence or the pace of renewals can be the reason.
            Err(
                status @ (Error::Expired
                | Error::PrekeysRequired
                | Error::InvalidArgument
                | Error::RateLimited),
            ) => {
                // Who it is, is known all the same: a group need not wait for somebody's prekeys.
                let peer = self.peer(user)?;
                if peer.card.is_none() && matches!(status, Error::Expired | Error::PrekeysRequired) {
                    peer.card = Some(card);
                    self.journal.peer(user);
                }
                self.look_up_later(user, status)
            }
            Err(error) => Err(error),
        }
    }

    fn handshake(&mut self, user: &str, card: &Card, bundle: Option<&PrekeyBundle>) -> Result<()> {
        let options = self.session_options(card);
        let (now_ms, restorations) = (self.now_ms, self.settings.restorations);
        self.peer(user)?;
        let Some(peer) = self.peers.get_mut(user) else { return Err(Error::Internal) };
        match &mut peer.line {
            // The peer may have come first while we asked.
            Some(_) if !peer.renew => return Ok(()),
            Some(line) => {
                line.session.renew(&self.identity, card, bundle, now_ms, &mut *self.rng)?;
                line.turn = true;
            }
            None => {
                let session =
                    Session::initiate(&self.identity, card, bundle, options, now_ms, &mut *self.rng)?;
                peer.line = Some(Line::new(session));
            }
        }
        peer.card = Some(card.clone());
        peer.renew = false;
        peer.asking.start_over();
        let was_restored = peer.restorations < restorations;
        peer.restorations = restorations;
        peer.lookups = 0;
        self.journal.peer(user);
        self.journal.session(user);
        // What the peer has asked for since the copy of this store was made is forgotten.
        if was_restored { self.send_all_again(user) } else { Ok(()) }
    }

    /// The relay did not give a user's card.
    pub(super) fn not_found(&mut self, user: &str, status: Error) -> Result<()> {
        self.peer(user)?.looking_up = false;
        if is_passing(status) {
            return self.look_up_later(user, status);
        }
        self.fail_target(&Target::User(user.into()), status)?;
        self.refuse_user(user, status)?;
        self.forget_stranger(user);
        Ok(())
    }

    fn look_up_later(&mut self, user: &str, status: Error) -> Result<()> {
        let (now_ms, restorations) = (self.now_ms, self.settings.restorations);
        let peer = self.peer(user)?;
        peer.lookups = peer.lookups.saturating_add(1);
        peer.lookup_after_ms = now_ms.saturating_add(backoff_ms(peer.lookups));
        let usable = peer.restorations >= restorations
            && peer.line.as_ref().is_some_and(|line| line.session.can_send(now_ms));
        if usable {
            // Better under the old handshake than not at all; the peer asks for what it cannot open.
            peer.renew = false;
            self.journal.peer(user);
        }
        self.note_trouble(&Target::User(user.into()), status);
        Ok(())
    }
}

/// Whether the same may be taken later.
pub(super) const fn is_passing(status: Error) -> bool {
    matches!(
        status,
        Error::RateLimited
            | Error::QueueFull
            | Error::LimitReached
            | Error::Internal
            | Error::StoreIo
            | Error::StoreInUse
            | Error::WrongState
    )
}

/// How long to wait after so many failures: a second, doubling up to an hour.
pub(super) fn backoff_ms(failures: u32) -> u64 {
    CLIENT_BACKOFF_MAX_MS.min(1_000 << failures.saturating_sub(1).min(16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        assert_eq!(
            [1, 2, 3, 12, 13, 40].map(backoff_ms),
            [1_000, 2_000, 4_000, 2_048_000, 3_600_000, 3_600_000]
        );
    }
}
