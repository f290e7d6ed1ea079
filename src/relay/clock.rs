//! The time, as a host names it call by call.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::RELAY_CLOCK_STEP_MS;

/// What a relay takes the time to be. One call that names a wrong one changes nothing that lasts.
#[derive(Default)]
pub(super) struct Clock {
    /// By which what is queued and handed out ages: it does not go back a little, and goes far only if two calls in a
    /// row say so. Mostly read, so that threads do not share a line they write.
    kept_ms: AtomicU64,
    /// A time far from the kept one that the last call named; 0 for none.
    rumour_ms: AtomicU64,
}

/// The time of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Now {
    /// As the call names it.
    pub(super) named_ms: u64,
    /// By which what is durable ages.
    pub(super) kept_ms: u64,
}

impl Now {
    /// By which connections are too late and rates are earned: as the call names it, unless nobody believes that. It
    /// goes back with the host's clock, so that nothing stands still until a wrong time has come.
    pub(super) const fn near_ms(self) -> u64 {
        let is_near = self.named_ms.abs_diff(self.kept_ms) <= RELAY_CLOCK_STEP_MS;
        if is_near { self.named_ms } else { self.kept_ms }
    }
}

impl Clock {
    /// A call names the time.
    pub(super) fn hear(&self, named_ms: u64) -> Now {
        let kept_ms = self.kept_ms.load(Ordering::Relaxed);
        if kept_ms.abs_diff(named_ms) > RELAY_CLOCK_STEP_MS {
            return Now { named_ms, kept_ms: self.leap(named_ms, kept_ms) };
        }
        if self.rumour_ms.load(Ordering::Relaxed) != 0 {
            self.rumour_ms.store(0, Ordering::Relaxed);
        }
        if named_ms <= kept_ms {
            return Now { named_ms, kept_ms };
        }
        Now { named_ms, kept_ms: self.kept_ms.fetch_max(named_ms, Ordering::Relaxed).max(named_ms) }
    }

    /// A time far from the kept one, before or after it: the first one ever, one that the call before named, too, or
    /// one that nobody repeats.
    #[cold]
    fn leap(&self, named_ms: u64, kept_ms: u64) -> u64 {
        let rumour_ms = self.rumour_ms.swap(named_ms, Ordering::Relaxed);
        let is_repeated = rumour_ms != 0 && rumour_ms.abs_diff(named_ms) <= RELAY_CLOCK_STEP_MS;
        if kept_ms != 0 && !is_repeated {
            return kept_ms;
        }
        self.rumour_ms.store(0, Ordering::Relaxed);
        self.kept_ms.store(named_ms, Ordering::Relaxed);
        named_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{DAY_MS, HOUR_MS};

    const START_MS: u64 = 1_000 * DAY_MS;

    fn kept(clock: &Clock, named_ms: u64) -> u64 {
        let now = clock.hear(named_ms);
        assert_eq!(now.named_ms, named_ms);
        now.kept_ms
    }

    #[test]
    fn time_goes_on_and_not_back_a_little() {
        let clock = Clock::default();
        assert_eq!(kept(&clock, START_MS), START_MS);
        assert_eq!(kept(&clock, START_MS + 5), START_MS + 5);
        assert_eq!(kept(&clock, START_MS), START_MS + 5);
        assert_eq!(kept(&clock, START_MS + HOUR_MS), START_MS + HOUR_MS);
    }

    #[test]
    fn one_call_with_a_wrong_time_is_not_believed() {
        let clock = Clock::default();
        kept(&clock, START_MS);
        for wrong in [u64::MAX, START_MS + 8 * DAY_MS, 0, 1] {
            assert_eq!(kept(&clock, wrong), START_MS);
            assert_eq!(kept(&clock, START_MS), START_MS);
        }
        assert_eq!(kept(&clock, u64::MAX), START_MS);
        assert_eq!(kept(&clock, 1), START_MS, "another one is no repetition");
    }

    #[test]
    fn what_two_calls_say_is_believed_forth_and_back() {
        let clock = Clock::default();
        kept(&clock, START_MS);
        kept(&clock, START_MS + 8 * DAY_MS);
        assert_eq!(kept(&clock, START_MS + 8 * DAY_MS + 1), START_MS + 8 * DAY_MS + 1);
        kept(&clock, START_MS);
        assert_eq!(kept(&clock, START_MS + 1), START_MS + 1);
    }
}
