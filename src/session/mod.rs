//! Sessions: everything shared with one peer (`docs/PROTOCOL.md` sections 5 and 6).
//!
//! A [`Session`] takes every envelope of its peer, first messages too, and holds up to four inner sessions, each
//! made by one handshake. When both sides start at once, or one of them lost its state, it converges inside.
//!
//! Reading is in two halves: [`Session::open`] authenticates and decrypts and changes nothing,
//! [`Session::commit`] takes what was read into the state.

mod chain;
mod export;
mod handshake;
mod header;
mod info;
mod inner;
mod ratchet;
mod receive;
mod renewal;
mod send;
mod skipped;
mod standing;

pub use info::{InnerInfo, SessionInfo};
pub use inner::Level;
pub use receive::Opening;

use core::fmt;

use crate::crypto::rng::Random;
use crate::error::{Error, Result};
use crate::identity::{Card, Fingerprint, Identity, PrekeyBundle};
use crate::limits::{DAY_MS, SESSION_RECENT_MAX};
use crate::session::chain::Step;
use crate::session::inner::Inner;
use crate::session::renewal::Renewal;
use crate::wire::content::Padding;
use crate::wire::recent::Recent;

/// What a session is asked to do differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionOptions {
    /// Hide ratchet keys and counters from the relay, in handshakes that we make.
    pub hidden_header: bool,
    /// Hide the length of what we send.
    pub padding: Padding,
    /// Refuse a peer with another fingerprint.
    pub peer_fingerprint: Option<Fingerprint>,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self { hidden_header: false, padding: Padding::None, peer_fingerprint: None }
    }
}

/// The state shared with one peer.
pub struct Session {
    /// Shared with the identity, and with all of its sessions.
    own: Card,
    peer_user: Box<str>,
    peer_fingerprint: Fingerprint,
    hidden_header: bool,
    padding: Padding,
    inner: Vec<Inner>,
    recent: Recent<SESSION_RECENT_MAX>,
    renewal: Renewal,
    floor: Floor,
    latest_ms: u64,
    /// Counts changes, so that an opening meets the state that it was made from. Not exported.
    revision: u64,
    /// The place of a message's step, empty between messages: so that none allocates, except after one that did not open.
    step: Option<Step>,
}

/// Which handshakes without prekeys are refused (5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Floor {
    /// We made one with prekeys: ours must have them.
    made: bool,
    /// A message opened under one with prekeys: both sides' must have them.
    opened: bool,
}

impl Session {
    /// Starts a session by a handshake with the owner of `card`, with what its relay gave of its prekeys.
    ///
    /// [`Error::InvalidArgument`] with ourselves or with a bundle of another card, [`Error::IdentityChanged`] with
    /// another fingerprint than the options pin, [`Error::Expired`] with a signed prekey past its time,
    /// [`Error::PrekeysRequired`] without prekeys where the card asks for them.
    pub fn initiate(
        identity: &Identity,
        card: &Card,
        prekeys: Option<&PrekeyBundle>,
        options: SessionOptions,
        now_ms: u64,
        rng: &mut dyn Random,
    ) -> Result<Self> {
        let mut session = Self::new(identity, card, options, now_ms)?;
        session.add_handshake(identity, card, prekeys, now_ms, rng)?;
        Ok(session)
    }

    fn new(identity: &Identity, card: &Card, options: SessionOptions, now_ms: u64) -> Result<Self> {
        if options.peer_fingerprint.is_some_and(|pinned| pinned != card.fingerprint()) {
            return Err(Error::IdentityChanged);
        }
        Ok(Self {
            own: identity.card().clone(),
            peer_user: card.user().into(),
            peer_fingerprint: card.fingerprint(),
            hidden_header: options.hidden_header,
            padding: options.padding,
            inner: Vec::new(),
            recent: Recent::default(),
            renewal: Renewal::default(),
            floor: Floor::default(),
            latest_ms: now_ms,
            revision: 0,
            step: Some(Step::new()),
        })
    }

    /// Makes a fresh handshake with the peer, with a freshly fetched bundle, when the old one leads nowhere.
    ///
    /// [`Error::IdentityChanged`] if the card is not the peer's, [`Error::RateLimited`] before
    /// [`SessionInfo::renewal_due_ms`], [`Error::PrekeysRequired`] without prekeys after a handshake with them; else
    /// the errors of [`Session::initiate`]. Nothing changed.
    pub fn renew(
        &mut self,
        identity: &Identity,
        card: &Card,
        prekeys: Option<&PrekeyBundle>,
        now_ms: u64,
        rng: &mut dyn Random,
    ) -> Result<()> {
        self.check_identity(identity)?;
        if card.fingerprint() != self.peer_fingerprint {
            return Err(Error::IdentityChanged);
        }
        if prekeys.is_none() && (self.floor.made || self.floor.opened) {
            return Err(Error::PrekeysRequired);
        }
        self.renewal.check(now_ms)?;
        self.add_handshake(identity, card, prekeys, self.clock(now_ms), rng)?;
        // What messages bear may be ahead of the clock; nobody waits for that.
        self.renewal.made_ms = Some(now_ms);
        Ok(())
    }

    /// Lets the next renewal be made at once: our state is an older one than the peer has seen (10.2), so that what we
    /// remember of earlier handshakes says nothing.
    pub fn allow_renewal(&mut self) {
        self.renewal = Renewal::default();
        self.changed(self.latest_ms);
    }

    /// Lets the next renewal be made before its time: the peer seems not to hold the last one. The one after it comes no
    /// sooner for this.
    pub(crate) fn hasten_renewal(&mut self) {
        self.renewal.made_ms = None;
        self.changed(self.latest_ms);
    }

    /// Forgets times more than a day ahead, and that of a handshake that is ahead at all: the clock had been wrong once.
    /// Answers whether that changed anything.
    pub fn correct_clock(&mut self, now_ms: u64) -> bool {
        let is_ahead = self.latest_ms > now_ms.saturating_add(DAY_MS);
        let waits = self.renewal.made_ms.is_some_and(|made_ms| made_ms > now_ms);
        if waits {
            self.renewal.made_ms = Some(now_ms);
        }
        if is_ahead {
            self.inner.iter_mut().for_each(|inner| inner.used_ms = inner.used_ms.min(now_ms));
        }
        if is_ahead || waits {
            self.changed(if is_ahead { now_ms } else { self.latest_ms });
        }
        is_ahead || waits
    }

    /// The peer has said that it cannot open what was sealed in this inner session (16.2): it sends no more, if there is
    /// another that can. Answers whether that changed anything.
    pub fn leave(&mut self, key_id: &[u8; 8]) -> bool {
        let left = standing::leave(&mut self.inner, key_id);
        if left {
            self.changed(self.latest_ms);
        }
        left
    }

    /// The greatest time that the peer has put on a message that opened here, by its clock.
    #[must_use]
    pub fn heard_ms(&self) -> Option<u64> {
        self.inner.iter().filter_map(|inner| inner.heard.map(|heard| heard.latest_ms)).max()
    }

    /// Whether a message may be sent now; if not, only [`Session::renew`] helps.
    #[must_use]
    pub fn can_send(&self, now_ms: u64) -> bool {
        self.active().is_some_and(|inner| inner.check_sending(self.clock(now_ms)).is_ok())
    }

    /// Whether the next message goes on with what was sent before: only then does a lease reach it.
    #[must_use]
    pub(crate) fn is_in_turn(&self) -> bool {
        self.active().is_some_and(|inner| inner.ratchet.sending.is_some())
    }

    /// Whether what is sent goes under a handshake of ours in which the peer has said nothing yet.
    #[must_use]
    pub(crate) fn is_unanswered(&self) -> bool {
        self.active().is_some_and(|inner| inner.initiated() && inner.heard.is_none())
    }

    /// When [`Session::renew`] is allowed.
    #[must_use]
    pub fn renewal_due_ms(&self) -> u64 {
        self.renewal.due_ms()
    }

    fn add_handshake(
        &mut self,
        identity: &Identity,
        card: &Card,
        prekeys: Option<&PrekeyBundle>,
        now_ms: u64,
        rng: &mut dyn Random,
    ) -> Result<()> {
        let made = handshake::initiate(identity, card, prekeys, self.hidden_header, now_ms, rng)?;
        self.floor.made |= made.level > Level::Plain;
        self.renewal.made(now_ms);
        standing::add_ours(&mut self.inner, made);
        // Whatever we send from here on bears a later time, so that the peer sees what was before the handshake.
        self.changed(now_ms.saturating_add(1));
        Ok(())
    }

    /// The user id of the peer.
    #[must_use]
    pub fn peer_user(&self) -> &str {
        &self.peer_user
    }

    /// The peer's fingerprint, the same for the whole life of the session.
    #[must_use]
    pub fn peer_fingerprint(&self) -> Fingerprint {
        self.peer_fingerprint
    }

    /// Our own user id.
    #[must_use]
    pub fn own_user(&self) -> &str {
        self.own.user()
    }

    /// Our own fingerprint.
    #[must_use]
    pub fn own_fingerprint(&self) -> Fingerprint {
        self.own.fingerprint()
    }

    fn check_identity(&self, identity: &Identity) -> Result<()> {
        if identity.fingerprint() == self.own.fingerprint() { Ok(()) } else { Err(Error::InvalidArgument) }
    }

    fn active(&self) -> Option<&Inner> {
        self.inner.get(standing::active(&self.inner)?)
    }

    /// Time never goes back.
    fn clock(&self, now_ms: u64) -> u64 {
        now_ms.max(self.latest_ms)
    }

    /// Ends every change.
    fn changed(&mut self, now_ms: u64) {
        self.latest_ms = now_ms;
        standing::settle(&mut self.inner, now_ms);
        self.revision = self.revision.wrapping_add(1);
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (own, peer) = (self.own.user(), &self.peer_user);
        f.debug_struct("Session").field("own_user", &own).field("peer_user", peer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
