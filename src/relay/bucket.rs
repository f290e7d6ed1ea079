//! How much one user may ask for (`docs/PROTOCOL.md` section 10.5).

use crate::relay::RelayOptions;

/// Requests that are left, in thousandths: so many a millisecond come back as the options grant a second.
///
/// It is the user's and not the connection's, so that a new connection brings nothing new.
pub(super) struct Bucket {
    /// Below zero after what turned out to cost more than it was taken for.
    level: i64,
    filled_ms: u64,
}

const REQUEST: i64 = 1_000;

impl Default for Bucket {
    /// Full, whatever the options say that is.
    fn default() -> Self {
        Self { level: i64::MAX, filled_ms: 0 }
    }
}

impl Bucket {
    /// Takes some requests, or tells after how many milliseconds they can be taken. More than a burst count as one; what
    /// costs nothing is always taken.
    pub(super) fn take(
        &mut self,
        requests: usize,
        options: &RelayOptions,
        now_ms: u64,
    ) -> core::result::Result<(), u32> {
        self.fill(options, now_ms);
        let cost = cost(requests, options);
        if cost == 0 || cost <= self.level {
            self.level -= cost;
            return Ok(());
        }
        let rate = i64::from(options.requests_per_second).max(1);
        let after_ms = (cost - self.level + rate - 1) / rate;
        Err(u32::try_from(after_ms).unwrap_or(u32::MAX))
    }

    /// Takes what a request cost beyond what was taken for it, which may leave less than nothing. More than a burst
    /// counts as one.
    pub(super) fn charge(&mut self, requests: usize, options: &RelayOptions) {
        self.level = self.level.saturating_sub(cost(requests, options));
    }

    fn fill(&mut self, options: &RelayOptions, now_ms: u64) {
        let elapsed_ms = now_ms.saturating_sub(self.filled_ms);
        let earned = elapsed_ms.saturating_mul(u64::from(options.requests_per_second));
        let earned = i64::try_from(earned).unwrap_or(i64::MAX);
        self.level = self.level.saturating_add(earned).min(burst(options));
        // A clock that is set back earns nothing, and earns again from there on.
        self.filled_ms = now_ms;
    }
}

fn burst(options: &RelayOptions) -> i64 {
    REQUEST * i64::from(options.requests_burst)
}

fn cost(requests: usize, options: &RelayOptions) -> i64 {
    i64::try_from(requests).unwrap_or(i64::MAX).saturating_mul(REQUEST).min(burst(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_after_the_time_that_was_told() {
        let options = RelayOptions { requests_per_second: 3, requests_burst: 2, ..RelayOptions::default() };
        let mut bucket = Bucket::default();
        assert_eq!(bucket.take(1, &options, 5), Ok(()));
        assert_eq!(bucket.take(1, &options, 5), Ok(()));
        let after = bucket.take(1, &options, 5).unwrap_err();
        assert_eq!(after, 334);
        assert_eq!(bucket.take(1, &options, 5 + 333), Err(1));
        assert_eq!(bucket.take(1, &options, 5 + 334), Ok(()));
    }

    #[test]
    fn what_costs_nothing_is_taken_from_who_owes() {
        let options = RelayOptions { requests_per_second: 1, requests_burst: 2, ..RelayOptions::default() };
        let mut bucket = Bucket::default();
        assert_eq!(bucket.take(2, &options, 0), Ok(()));
        bucket.charge(1, &options);
        assert_eq!(bucket.take(0, &options, 0), Ok(()));
        assert_eq!(bucket.take(1, &options, 0), Err(2_000));
    }

    #[test]
    fn no_silence_earns_more_than_a_burst_and_none_costs_more() {
        let options =
            RelayOptions { requests_per_second: 1_000, requests_burst: 5, ..RelayOptions::default() };
        let mut bucket = Bucket::default();
        assert_eq!(bucket.take(1_000, &options, u64::MAX / 2), Ok(()));
        assert_eq!(bucket.take(1, &options, u64::MAX / 2), Err(1));
    }

    #[test]
    fn a_clock_that_is_set_back_earns_nothing_and_then_as_before() {
        let options =
            RelayOptions { requests_per_second: 1_000, requests_burst: 1, ..RelayOptions::default() };
        let mut bucket = Bucket::default();
        assert_eq!(bucket.take(1, &options, 3_600_000), Ok(()));
        assert_eq!(bucket.take(1, &options, 1_000), Err(1));
        assert_eq!(bucket.take(1, &options, 1_001), Ok(()));
    }

    #[test]
    fn what_cost_more_than_was_left_is_earned_before_anything_else_is_taken() {
        let options =
            RelayOptions { requests_per_second: 1_000, requests_burst: 5, ..RelayOptions::default() };
        let mut bucket = Bucket::default();
        assert_eq!(bucket.take(1, &options, 0), Ok(()));
        bucket.charge(1_000, &options);
        assert_eq!(bucket.take(1, &options, 0), Err(2));
        assert_eq!(bucket.take(1, &options, 2), Ok(()));
    }
}
