//! What happens by time.

use crate::client::Client;
use crate::error::{Error, Result};

impl Client {
    /// Does what is due.
    pub(super) fn tend(&mut self) -> Result<()> {
        self.tend_connection();
        self.tend_acks()?;
        self.tend_kept()?;
        self.tend_groups_by_time()
    }

    /// When the next thing is due. What an answer of the relay will cause is not among them.
    pub(super) fn due_ms(&self) -> Option<u64> {
        earliest([
            self.connection.due_ms(self.now_ms),
            self.acks.due_ms(),
            self.prekeys_due_ms(),
            self.outbox.due_ms(self.now_ms),
            self.groups_due_ms(),
            self.end_ms().map(|end_ms| end_ms.max(self.patience_ms)),
            Some(self.kept_due_ms()),
        ])
    }

    /// When the next of what waits to be sent or done has waited for too long.
    fn end_ms(&self) -> Option<u64> {
        earliest([self.outbox.end_ms(), self.groups.end_ms()])
    }

    /// Whether what has waited for too long is given up.
    pub(super) const fn is_patient(&self) -> bool {
        self.now_ms < self.patience_ms
    }

    /// The clock has leapt: while nobody looked, or because it was set or is wrong for a moment. What has become too old by
    /// that is not given up at once.
    pub(super) fn leap(&mut self, now_ms: u64) {
        if self.end_ms().is_none_or(|end_ms| self.now_ms < end_ms) {
            self.patience_ms = now_ms.saturating_add(PATIENCE_MS);
        }
        self.outbox.correct_clock(now_ms);
        self.groups.correct_requests(now_ms);
    }
}

/// The earliest of some times. Without an `Option` in the middle: what an empty one holds is not initialised, and a
/// memory checker takes the comparison that the compiler makes of it, and throws away, for a defect.
pub(super) fn earliest<const N: usize>(times: [Option<u64>; N]) -> Option<u64> {
    let earliest = times.into_iter().fold(u64::MAX, |earliest, time| earliest.min(time.unwrap_or(u64::MAX)));
    (earliest < u64::MAX).then_some(earliest)
}

/// Time in which a new connection may send what has become too old while the client was closed or asleep.
pub(super) const PATIENCE_MS: u64 = 60_000;

/// Before this there was no Sealwax: 2026.
const CLOCK_MIN_MS: u64 = 1_767_225_600_000;

/// The latest that a stored time can have been, by the time that a host names; any, where that host's clock was never
/// set: what it holds against it would look very old as soon as it is.
pub(super) const fn ceiling(now_ms: u64) -> u64 {
    if now_ms < CLOCK_MIN_MS { u64::MAX } else { now_ms }
}

/// A stored time by the clock of now: not ahead of it, nor from before a clock was set.
pub(super) const fn corrected(stored_ms: u64, now_ms: u64) -> u64 {
    if now_ms >= CLOCK_MIN_MS && (stored_ms > now_ms || stored_ms < CLOCK_MIN_MS) {
        now_ms
    } else {
        stored_ms
    }
}

/// Counts one more of what may happen so often in a time. [`Error::RateLimited`] if it may not.
pub(super) fn count_within(
    (since_ms, count): &mut (u64, u32),
    now_ms: u64,
    time_ms: u64,
    max: u32,
) -> Result<()> {
    if now_ms.saturating_sub(*since_ms) >= time_ms {
        (*since_ms, *count) = (now_ms, 0);
    }
    if *count >= max {
        return Err(Error::RateLimited);
    }
    *count = count.saturating_add(1);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_is_held_against_nothing() {
        assert_eq!([ceiling(0), ceiling(1_800_000_000_000)], [u64::MAX, 1_800_000_000_000]);
    }

    #[test]
    fn what_was_stored_before_the_clock_was_set_or_ahead_of_it_was_stored_now() {
        let now_ms = 1_800_000_000_000;
        let stored = [0, CLOCK_MIN_MS - 1, CLOCK_MIN_MS, now_ms - 1, now_ms + 1];
        assert_eq!(
            stored.map(|stored_ms| corrected(stored_ms, now_ms)),
            [now_ms, now_ms, CLOCK_MIN_MS, now_ms - 1, now_ms]
        );
        assert_eq!(stored.map(|stored_ms| corrected(stored_ms, 5)), stored);
    }
}
