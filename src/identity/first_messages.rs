//! Memory of first messages, so that none is accepted twice (`docs/PROTOCOL.md` section 5.6, steps 3b and 3c).

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::limits::{CLOCK_SKEW_MS, FIRST_MESSAGES_MAX, QUEUE_AGE_MAX_MS};

/// The hash of a handshake's ephemeral key.
pub(super) type EphemeralHash = [u8; 32];

/// First messages under one signed prekey. Forgotten with it, since nothing opens without it.
#[derive(Default)]
pub(super) struct UnderPrekey(BTreeSet<EphemeralHash>);

impl UnderPrekey {
    /// [`Error::Replay`] for one that was accepted, [`Error::LimitReached`] if no more can be remembered.
    pub(super) fn check(&self, hash: &EphemeralHash) -> Result<()> {
        if self.0.contains(hash) {
            return Err(Error::Replay);
        }
        if self.0.len() >= FIRST_MESSAGES_MAX { Err(Error::LimitReached) } else { Ok(()) }
    }

    /// Remembers one, if there is room: without, only those are accepted that use up a one-time prekey, which nobody
    /// can repeat.
    pub(super) fn accept(&mut self, hash: EphemeralHash) {
        if self.0.len() < FIRST_MESSAGES_MAX {
            self.0.insert(hash);
        }
    }

    /// Whether so many are remembered that a successor should take the next ones.
    pub(super) fn is_crowded(&self) -> bool {
        self.0.len() >= FIRST_MESSAGES_MAX / 2
    }

    /// How many are remembered.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// All, in ascending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &EphemeralHash> {
        self.0.iter()
    }
}

/// First messages of the plain flow. Each is forgotten once its time alone refuses it.
#[derive(Default)]
pub(super) struct Plain(BTreeMap<EphemeralHash, u64>);

impl Plain {
    /// [`Error::Expired`] outside the accepted times, [`Error::LimitReached`] if no more can be remembered,
    /// [`Error::Replay`] for one that was accepted.
    pub(super) fn check(&self, hash: &EphemeralHash, created_ms: u64, now_ms: u64) -> Result<()> {
        let oldest = now_ms.saturating_sub(QUEUE_AGE_MAX_MS);
        if created_ms < oldest || created_ms > now_ms.saturating_add(CLOCK_SKEW_MS) {
            return Err(Error::Expired);
        }
        let full = self.0.len() >= FIRST_MESSAGES_MAX;
        if full
            && self.0.values().filter(|created_ms| is_kept(**created_ms, now_ms)).count()
                >= FIRST_MESSAGES_MAX
        {
            return Err(Error::LimitReached);
        }
        if self.0.contains_key(hash) { Err(Error::Replay) } else { Ok(()) }
    }

    /// Remembers one.
    pub(super) fn accept(&mut self, hash: EphemeralHash, created_ms: u64) {
        self.0.insert(hash, created_ms);
    }

    /// Forgets those that their time alone refuses.
    pub(super) fn expire(&mut self, now_ms: u64) {
        self.0.retain(|_, created_ms| is_kept(*created_ms, now_ms));
    }

    /// How many are remembered.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// All with their times, in ascending order of the hashes.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&EphemeralHash, u64)> {
        self.0.iter().map(|(hash, created_ms)| (hash, *created_ms))
    }
}

/// An hour longer than such a message is accepted.
fn is_kept(created_ms: u64, now_ms: u64) -> bool {
    now_ms <= created_ms.saturating_add(QUEUE_AGE_MAX_MS).saturating_add(CLOCK_SKEW_MS)
}
