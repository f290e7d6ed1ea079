//! What may be shown of a session: no secret among it.

use crate::identity::Fingerprint;
use crate::session::inner::{Inner, KEY_ID_LEN, Level};
use crate::session::{Session, standing};
use crate::wire::content::Padding;

/// A session, for display and for decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// Our user id.
    pub own_user: String,
    /// Our fingerprint.
    pub own_fingerprint: Fingerprint,
    /// The peer's user id.
    pub peer_user: String,
    /// The peer's fingerprint.
    pub peer_fingerprint: Fingerprint,
    /// How lengths are hidden in what we send.
    pub padding: Padding,
    /// Whether the next message may be sent; if not, a renewal is due.
    pub sendable: bool,
    /// When a renewal is allowed.
    pub renewal_due_ms: u64,
    /// The inner sessions, the oldest first.
    pub inner: Vec<InnerInfo>,
}

/// One inner session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InnerInfo {
    /// Its id on the wire.
    pub key_id: [u8; KEY_ID_LEN],
    /// Whether it is the one that sends.
    pub active: bool,
    /// Whether we made the handshake.
    pub initiated: bool,
    /// Whether a message of the peer has opened in it.
    pub answered: bool,
    /// The level of its handshake.
    pub level: Level,
    /// Whether its headers are hidden.
    pub hidden_header: bool,
    /// When its handshake was made, by the maker's clock.
    pub created_ms: u64,
    /// When it last sent or opened a message, by ours.
    pub used_ms: u64,
    /// Messages that it sent before the first answer.
    pub unanswered: u32,
    /// Message keys that it keeps for messages still on their way.
    pub skipped_keys: usize,
}

impl Session {
    /// What may be shown, at the time of the last change.
    #[must_use]
    pub fn info(&self) -> SessionInfo {
        let active = standing::active(&self.inner);
        SessionInfo {
            own_user: self.own.user().to_owned(),
            own_fingerprint: self.own.fingerprint(),
            peer_user: self.peer_user.as_ref().to_owned(),
            peer_fingerprint: self.peer_fingerprint,
            padding: self.padding,
            sendable: self.active().is_some_and(|inner| inner.check_sending(self.latest_ms).is_ok()),
            renewal_due_ms: self.renewal.due_ms(),
            inner: self
                .inner
                .iter()
                .enumerate()
                .map(|(at, inner)| describe(inner, Some(at) == active))
                .collect(),
        }
    }
}

fn describe(inner: &Inner, active: bool) -> InnerInfo {
    InnerInfo {
        key_id: *inner.key_id(),
        active,
        initiated: inner.initiated(),
        answered: inner.heard.is_some(),
        level: inner.level,
        hidden_header: inner.hidden(),
        created_ms: inner.created_ms,
        used_ms: inner.used_ms,
        unanswered: inner.unanswered,
        skipped_keys: inner.ratchet.skipped.count(),
    }
}
