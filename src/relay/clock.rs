//! The time, as a host names it call by call.
//!
//! A relay has no clock of its own, so it cannot tell a wrong time from the first call after a quiet week. Either way
//! nobody loses anything: what a call starts, it starts at the time that the call names, and what lies there grows old
//! only by a time that two calls in a row bear out.

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

/// Before this no relay ran: a host that names such a time has a clock that was never set.
const CLOCK_MIN_MS: u64 = 1_767_225_600_000;

/// The time of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Now {
    /// As the call names it.
    pub(super) named_ms: u64,
    /// By which what is durable ages.
    pub(super) kept_ms: u64,
}

impl Now {
    /// By which connections are too late and rates are earned: as the call names it, unless nobody bears that out. It
    /// goes back with the host's clock, so that nothing stands still until a wrong time has come.
    pub(super) const fn near_ms(self) -> u64 {
        let is_near = self.named_ms.abs_diff(self.kept_ms) <= RELAY_CLOCK_STEP_MS;
        if is_near { self.named_ms } else { self.kept_ms }
    }

    /// From which on what this call starts is counted: as the call names it, however late that is. If it is right, a
    /// quiet time before it makes nothing new look old. Far before the kept one it would.
    pub(super) const fn start_ms(self) -> u64 {
        if self.named_ms > self.kept_ms { self.named_ms } else { self.near_ms() }
    }

    /// Whether a stored time cannot have been: it lies far ahead, or is that of a clock that was not set yet. How old
    /// that is which bears it, nobody knows.
    pub(super) const fn is_past(self, stored_ms: u64) -> bool {
        let was_set = stored_ms >= CLOCK_MIN_MS || self.kept_ms < CLOCK_MIN_MS;
        was_set && stored_ms <= self.start_ms().saturating_add(RELAY_CLOCK_STEP_MS)
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

    /// A time far from the kept one, before or after it: the first one ever, or one that is borne out as far as the
    /// call before went in the same direction. So a relay that is called once in hours is one call behind.
    #[cold]
    fn leap(&self, named_ms: u64, kept_ms: u64) -> u64 {
        let rumour_ms = self.rumour_ms.swap(named_ms, Ordering::Relaxed);
        let borne_out_ms = match rumour_ms {
            _ if kept_ms == 0 => named_ms,
            0 => return kept_ms,
            _ if rumour_ms > kept_ms && named_ms > kept_ms => rumour_ms.min(named_ms),
            _ if rumour_ms < kept_ms && named_ms < kept_ms => rumour_ms.max(named_ms),
            _ => return kept_ms,
        };
        let is_far = borne_out_ms.abs_diff(named_ms) > RELAY_CLOCK_STEP_MS;
        let now_ms = if is_far { borne_out_ms } else { named_ms };
        if !is_far {
            self.rumour_ms.store(0, Ordering::Relaxed);
        }
        self.kept_ms.store(now_ms, Ordering::Relaxed);
        now_ms
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
    fn one_step_is_believed_at_once_and_more_only_when_it_is_borne_out() {
        let clock = Clock::default();
        kept(&clock, START_MS);
        let step = START_MS + RELAY_CLOCK_STEP_MS;
        assert_eq!(kept(&clock, step), step);
        assert_eq!(kept(&clock, step - RELAY_CLOCK_STEP_MS), step);
        assert_eq!(kept(&clock, step + RELAY_CLOCK_STEP_MS + 1), step, "more than a step");
        // Who bears it out may be a step from it, and is believed then.
        let later = step + 2 * RELAY_CLOCK_STEP_MS + 1;
        assert_eq!(kept(&clock, later), later);
        assert_eq!(kept(&clock, later + 3 * RELAY_CLOCK_STEP_MS), later);
        let beyond = later + 4 * RELAY_CLOCK_STEP_MS + 1;
        assert_eq!(kept(&clock, beyond), later + 3 * RELAY_CLOCK_STEP_MS, "but not more");
    }

    #[test]
    fn a_stored_time_of_a_clock_that_was_not_set_is_none_once_the_clock_is() {
        let at = |ms| Now { named_ms: ms, kept_ms: ms };
        assert!(at(CLOCK_MIN_MS - 1).is_past(0) && !at(CLOCK_MIN_MS).is_past(0));
        assert!(at(CLOCK_MIN_MS).is_past(CLOCK_MIN_MS) && !at(CLOCK_MIN_MS).is_past(CLOCK_MIN_MS - 1));
        let latest = START_MS + RELAY_CLOCK_STEP_MS;
        assert!(at(START_MS).is_past(latest) && !at(START_MS).is_past(latest + 1));
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

    #[test]
    fn what_the_first_call_after_a_quiet_time_starts_counts_from_then_on() {
        let clock = Clock::default();
        kept(&clock, START_MS);
        let later_ms = START_MS + 8 * DAY_MS;
        let now = clock.hear(later_ms);
        assert_eq!((now.kept_ms, now.near_ms(), now.start_ms()), (START_MS, START_MS, later_ms));
        let now = clock.hear(later_ms + 1);
        assert_eq!((now.kept_ms, now.near_ms(), now.start_ms()), (later_ms + 1, later_ms + 1, later_ms + 1));
        let now = clock.hear(later_ms - 5);
        assert_eq!((now.near_ms(), now.start_ms()), (later_ms - 5, later_ms - 5));
        let now = clock.hear(1);
        assert_eq!((now.near_ms(), now.start_ms()), (later_ms + 1, later_ms + 1), "nothing new is old");
    }

    #[test]
    fn a_relay_that_is_called_once_in_hours_is_one_call_behind() {
        let clock = Clock::default();
        kept(&clock, START_MS);
        for call in 1..10 {
            assert_eq!(kept(&clock, START_MS + 2 * call * HOUR_MS), START_MS + 2 * (call - 1) * HOUR_MS);
        }
    }

    #[test]
    fn of_two_wrong_calls_that_name_different_times_the_nearer_is_believed() {
        let clock = Clock::default();
        kept(&clock, START_MS);
        kept(&clock, u64::MAX);
        assert_eq!(kept(&clock, START_MS + 2 * HOUR_MS), START_MS + 2 * HOUR_MS);
        kept(&clock, 1);
        assert_eq!(kept(&clock, START_MS), START_MS);
    }

    #[test]
    fn a_time_that_lies_ahead_or_before_the_clock_was_set_is_none() {
        let at = |now_ms| Now { named_ms: now_ms, kept_ms: now_ms };
        let now = at(CLOCK_MIN_MS + DAY_MS);
        assert!(now.is_past(now.named_ms + HOUR_MS) && now.is_past(CLOCK_MIN_MS));
        assert!(!now.is_past(now.named_ms + HOUR_MS + 1) && !now.is_past(CLOCK_MIN_MS - 1));
        assert!(at(DAY_MS).is_past(5), "a clock that is still not set says how old things are");
    }
}
