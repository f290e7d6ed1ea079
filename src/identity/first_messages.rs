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

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000_000;

    fn hash(number: usize) -> EphemeralHash {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&(number as u64).to_be_bytes());
        hash
    }

    #[test]
    fn a_plain_first_message_is_taken_once_and_within_its_time() {
        let mut plain = Plain::default();
        let check = |plain: &Plain, created_ms| plain.check(&hash(1), created_ms, NOW);
        let (oldest, latest) = (NOW - QUEUE_AGE_MAX_MS, NOW + CLOCK_SKEW_MS);
        for (created_ms, expected) in [
            (oldest - 1, Err(Error::Expired)),
            (oldest, Ok(())),
            (latest, Ok(())),
            (latest + 1, Err(Error::Expired)),
        ] {
            assert_eq!(check(&plain, created_ms), expected);
        }
        plain.accept(hash(1), oldest);
        assert_eq!(check(&plain, oldest), Err(Error::Replay));
        assert_eq!(plain.check(&hash(2), oldest, NOW), Ok(()));
        // It is forgotten an hour after its time alone refuses it.
        plain.expire(NOW + CLOCK_SKEW_MS);
        assert_eq!(plain.len(), 1);
        plain.expire(NOW + CLOCK_SKEW_MS + 1);
        assert_eq!(plain.len(), 0);
    }

    #[test]
    fn of_the_plain_flow_so_many_are_remembered_that_are_not_over() {
        let mut plain = Plain::default();
        (1..FIRST_MESSAGES_MAX).for_each(|number| plain.accept(hash(number), NOW));
        assert_eq!(plain.check(&hash(0), NOW, NOW), Ok(()));
        plain.accept(hash(0), NOW - QUEUE_AGE_MAX_MS);
        let (another, end) = (hash(FIRST_MESSAGES_MAX), NOW + CLOCK_SKEW_MS);
        assert_eq!(plain.check(&another, NOW, end), Err(Error::LimitReached));
        assert_eq!(plain.check(&another, NOW, end + 1), Ok(()), "the oldest of them is over");
    }

    #[test]
    fn under_a_prekey_so_many_are_remembered_and_half_of_them_are_a_crowd() {
        let mut under = UnderPrekey::default();
        for number in 0..FIRST_MESSAGES_MAX {
            assert_eq!(under.is_crowded(), number >= FIRST_MESSAGES_MAX / 2);
            assert_eq!(under.check(&hash(number)), Ok(()));
            under.accept(hash(number));
        }
        assert_eq!(under.check(&hash(0)), Err(Error::Replay));
        assert_eq!(under.check(&hash(FIRST_MESSAGES_MAX)), Err(Error::LimitReached));
        under.accept(hash(FIRST_MESSAGES_MAX));
        assert_eq!(under.len(), FIRST_MESSAGES_MAX);
    }
}
