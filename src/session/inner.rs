//! One inner session: a handshake, the ratchet that it started, and what became of it (`docs/PROTOCOL.md` section 5.5).

use crate::crypto::kdf::Hasher;
use crate::error::{Error, Result};
use crate::limits::{SESSION_UNANSWERED_MAX, SESSION_UNANSWERED_MS};
use crate::session::chain::Step;
use crate::session::header::{Found, Header};
use crate::session::ratchet::{Advance, Ratchet, Turn};
use crate::wire::codec::Reader;
use crate::wire::session::{self as wire, Handshake, SessionMessage};

/// Bytes of an inner session's id.
pub(super) const KEY_ID_LEN: usize = 8;

/// How much forward secrecy the handshake gave its first messages (5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Identity keys alone.
    Plain = 0,
    /// With a signed prekey.
    Signed = 1,
    /// With a signed and a one-time prekey.
    OneTime = 2,
}

/// Who made the handshake.
pub(super) enum Role {
    /// We did. The block goes with each message until the peer has answered.
    Initiator { block: Option<Box<[u8]>> },
    /// The peer did; SHA-256 of its block.
    Responder { block: [u8; 32] },
}

/// The least and the greatest `timestamp_ms` of the messages that opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) earliest_ms: u64,
    pub(super) latest_ms: u64,
}

/// An inner session.
pub(super) struct Inner {
    pub(super) hash: [u8; 32],
    pub(super) role: Role,
    pub(super) level: Level,
    /// By the clock of whoever made the handshake.
    pub(super) created_ms: u64,
    pub(super) ratchet: Ratchet,
    /// It will never send again.
    pub(super) retired: bool,
    pub(super) heard: Option<Heard>,
    /// When it was made, last opened a message or last sent one, by our clock.
    pub(super) used_ms: u64,
    /// Messages sent before the peer's first answer.
    pub(super) unanswered: u32,
}

impl Inner {
    pub(super) fn new(
        hash: [u8; 32],
        role: Role,
        level: Level,
        created_ms: u64,
        ratchet: Ratchet,
        now_ms: u64,
    ) -> Self {
        Self {
            hash,
            role,
            level,
            created_ms,
            ratchet,
            retired: false,
            heard: None,
            used_ms: now_ms,
            unanswered: 0,
        }
    }

    /// The first bytes of the handshake hash.
    pub(super) fn key_id(&self) -> &[u8; KEY_ID_LEN] {
        // The hash is longer, so there is always a first chunk.
        self.hash.first_chunk().unwrap_or(&[0; KEY_ID_LEN])
    }

    pub(super) fn initiated(&self) -> bool {
        matches!(self.role, Role::Initiator { .. })
    }

    pub(super) fn hidden(&self) -> bool {
        self.ratchet.headers.is_some()
    }

    /// The handshake block that the next message carries.
    pub(super) fn block(&self) -> Result<Option<Handshake<'_>>> {
        match &self.role {
            Role::Initiator { block: Some(block) } => Handshake::read(&mut Reader::new(block)).map(Some),
            Role::Initiator { block: None } | Role::Responder { .. } => Ok(None),
        }
    }

    /// Whether a message may be sent now; [`Error::RenewalRequired`] if the peer may never read it.
    pub(super) fn check_sending(&self, now_ms: u64) -> Result<()> {
        let unanswered = self.initiated() && self.heard.is_none();
        let old = now_ms.saturating_sub(self.created_ms) >= SESSION_UNANSWERED_MS;
        if unanswered && (old || self.unanswered >= SESSION_UNANSWERED_MAX) || !self.ratchet.can_be_followed()
        {
            return Err(Error::RenewalRequired);
        }
        Ok(())
    }

    /// Takes a message that was sealed, and the turn that it began, if it did.
    pub(super) fn sent(&mut self, turn: Option<Turn>, step: &mut Step, now_ms: u64) {
        self.ratchet.commit_sent(turn, step);
        self.used_ms = now_ms;
        if self.heard.is_none() {
            self.unanswered = self.unanswered.saturating_add(1);
        }
    }

    /// Steps over messages that may have been sent after an export.
    pub(super) fn skip_lease(&mut self, lease: u32) -> Result<()> {
        if self.ratchet.sending.is_some() {
            self.ratchet.pass_sending(lease)?;
            self.unanswered = self.unanswered.saturating_add(if self.heard.is_none() { lease } else { 0 });
        }
        Ok(())
    }

    /// A known inner session takes a handshake block only if it is the one that made it.
    pub(super) fn check_block(&self, block: Option<&Handshake<'_>>) -> Result<()> {
        match (&self.role, block) {
            (_, None) => Ok(()),
            (Role::Responder { block: made_by }, Some(block)) if block_hash(block)? == *made_by => Ok(()),
            _ => Err(Error::AuthenticationFailed),
        }
    }

    /// Finds the key of a message (5.6, steps 4 and 5). Nothing changes. `step` is an empty place.
    pub(super) fn open(&self, message: &SessionMessage<'_>, step: Step) -> Result<Advance> {
        let (header, found) = match (&self.ratchet.headers, message.header) {
            (None, wire::Header::Plain(header)) => (Header::from(header), Found::Plain),
            (Some(headers), wire::Header::Hidden { nonce, sealed }) => {
                headers.find(&self.ratchet.skipped, nonce, message.before_header, sealed)?
            }
            _ => return Err(Error::Malformed),
        };
        self.ratchet.open(&header, found, step)
    }

    /// Takes an authenticated message of that time. Answers the empty place of its step.
    pub(super) fn opened(&mut self, advance: Advance, timestamp_ms: u64, now_ms: u64) -> Step {
        let step = self.ratchet.commit(advance);
        let heard = self.heard.unwrap_or(Heard { earliest_ms: timestamp_ms, latest_ms: timestamp_ms });
        self.heard = Some(Heard {
            earliest_ms: heard.earliest_ms.min(timestamp_ms),
            latest_ms: heard.latest_ms.max(timestamp_ms),
        });
        self.used_ms = now_ms;
        if let Role::Initiator { block } = &mut self.role {
            *block = None;
        }
        step
    }
}

/// What a responder remembers of the block: its encoding is the only one, so equal hashes are equal bytes.
pub(super) fn block_hash(block: &Handshake<'_>) -> Result<[u8; 32]> {
    let mut hasher = Hasher::unlabelled();
    block.put(&mut hasher)?;
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::rng::SystemRandom;
    use crate::identity::{Identity, IdentityOptions};
    use crate::limits::SESSION_PAST_RATCHETS;
    use crate::session::handshake;

    const NOW: u64 = 1_700_000_000_000;

    fn initiated() -> Inner {
        let rng = &mut SystemRandom;
        let mut identity =
            |user| Identity::generate(rng, user, IdentityOptions { prekeys_required: false }, NOW).unwrap();
        let (alice, bob) = (identity("alice"), identity("bob"));
        handshake::initiate(&alice, bob.card(), None, false, NOW, &mut SystemRandom).unwrap()
    }

    #[test]
    fn an_idle_inner_session_takes_about_a_kibibyte_at_most() {
        // On the heap: the root, two chains, the private key, four header keys, and the past ratchet keys.
        let heap = 8 * size_of::<[u8; 32]>() + SESSION_PAST_RATCHETS * size_of::<[u8; 8]>();
        let whole = size_of::<Inner>() + heap;
        assert!(whole < 1_100, "{whole}");
    }

    #[test]
    fn only_the_handshake_that_made_it_is_taken_again() {
        let (made, other) = (initiated(), initiated());
        let (block, another) = (made.block().unwrap().unwrap(), other.block().unwrap().unwrap());
        let mut theirs = initiated();
        theirs.role = Role::Responder { block: block_hash(&block).unwrap() };
        assert_eq!(theirs.check_block(None), Ok(()));
        assert_eq!(theirs.check_block(Some(&block)), Ok(()));
        assert_eq!(theirs.check_block(Some(&another)), Err(Error::AuthenticationFailed));
        // The peer does not send us what we made.
        assert_eq!(made.check_block(None), Ok(()));
        assert_eq!(made.check_block(Some(&block)), Err(Error::AuthenticationFailed));
    }

    #[test]
    fn what_the_peer_never_answered_sends_for_seven_days_and_a_thousand_messages() {
        let mut inner = initiated();
        let end = NOW + SESSION_UNANSWERED_MS;
        assert_eq!(
            (inner.check_sending(end - 1), inner.check_sending(end)),
            (Ok(()), Err(Error::RenewalRequired))
        );
        inner.unanswered = SESSION_UNANSWERED_MAX - 1;
        assert_eq!(inner.check_sending(NOW), Ok(()));
        inner.unanswered = SESSION_UNANSWERED_MAX;
        assert_eq!(inner.check_sending(NOW), Err(Error::RenewalRequired));
        inner.heard = Some(Heard { earliest_ms: NOW, latest_ms: NOW });
        assert_eq!(inner.check_sending(end), Ok(()), "once it answered there is no end");
    }

    #[test]
    fn a_lease_counts_as_messages_that_were_not_answered() {
        let mut inner = initiated();
        inner.skip_lease(7).unwrap();
        assert_eq!(inner.unanswered, 7);
        inner.heard = Some(Heard { earliest_ms: NOW, latest_ms: NOW });
        inner.skip_lease(7).unwrap();
        assert_eq!(inner.unanswered, 7);
        inner.ratchet.sending = None;
        inner.heard = None;
        inner.skip_lease(7).unwrap();
        assert_eq!(inner.unanswered, 7, "without a chain there is nothing to skip");
    }
}
