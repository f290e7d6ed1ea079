//! How often a handshake may be made anew (`docs/PROTOCOL.md` section 5.5).

use crate::error::{Error, Result};
use crate::limits::{SESSION_RENEW_MAX_MS, SESSION_RENEW_MS};

/// The pace of our handshakes with one peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Renewal {
    /// When we last made one.
    pub(super) made_ms: Option<u64>,
    /// How many we made since the peer last answered one.
    pub(super) unanswered: u32,
}

impl Renewal {
    /// When the next handshake may be made.
    pub(super) fn due_ms(&self) -> u64 {
        let doublings = self.unanswered.saturating_sub(1).min(16);
        let delay_ms = SESSION_RENEW_MAX_MS.min(SESSION_RENEW_MS << doublings);
        self.made_ms.map_or(0, |made_ms| made_ms.saturating_add(delay_ms))
    }

    /// [`Error::RateLimited`] before its time.
    pub(super) fn check(&self, now_ms: u64) -> Result<()> {
        if now_ms < self.due_ms() { Err(Error::RateLimited) } else { Ok(()) }
    }

    /// Notes a handshake of ours.
    pub(super) fn made(&mut self, now_ms: u64) {
        self.made_ms = Some(now_ms);
        self.unanswered = self.unanswered.saturating_add(1);
    }

    /// Notes an answer of the peer to one of ours.
    pub(super) fn answered(&mut self) {
        self.unanswered = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{DAY_MS, HOUR_MS};

    #[test]
    fn the_wait_doubles_to_a_day_without_answers_and_falls_back_with_one() {
        let mut renewal = Renewal::default();
        assert_eq!(renewal.check(0), Ok(()));
        for hours in [1, 2, 4, 8, 16, 24, 24] {
            renewal.made(DAY_MS);
            assert_eq!(renewal.due_ms(), DAY_MS + hours * HOUR_MS);
            assert_eq!(renewal.check(renewal.due_ms() - 1), Err(Error::RateLimited));
            assert_eq!(renewal.check(renewal.due_ms()), Ok(()));
        }
        renewal.answered();
        assert_eq!(renewal.due_ms(), DAY_MS + HOUR_MS);
        renewal.made(2 * DAY_MS);
        assert_eq!(renewal.due_ms(), 2 * DAY_MS + HOUR_MS);
    }
}
