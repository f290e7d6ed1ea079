//! How much one connection may ask for (`docs/PROTOCOL.md` section 10.5).

use crate::relay::RelayOptions;

/// Requests that are left, in thousandths: so many a millisecond come back as the options grant a second.
pub(super) struct Bucket {
    level: u64,
    filled_ms: u64,
}

const REQUEST: u64 = 1_000;

impl Bucket {
    /// Full.
    pub(super) fn new(options: &RelayOptions, now_ms: u64) -> Self {
        Self { level: REQUEST * u64::from(options.requests_burst), filled_ms: now_ms }
    }

    /// Takes some requests, or tells after how many milliseconds they can be taken. More than a burst count as one.
    pub(super) fn take(
        &mut self,
        requests: usize,
        options: &RelayOptions,
        now_ms: u64,
    ) -> core::result::Result<(), u32> {
        let (rate, most) =
            (u64::from(options.requests_per_second), REQUEST * u64::from(options.requests_burst));
        let elapsed_ms = now_ms.saturating_sub(self.filled_ms);
        self.level = elapsed_ms.saturating_mul(rate).saturating_add(self.level).min(most);
        self.filled_ms = self.filled_ms.max(now_ms);
        let cost = u64::try_from(requests).unwrap_or(u64::MAX).saturating_mul(REQUEST).min(most);
        match self.level.checked_sub(cost) {
            Some(left) => {
                self.level = left;
                Ok(())
            }
            None => {
                let missing = cost - self.level;
                Err(u32::try_from(missing.div_ceil(rate.max(1))).unwrap_or(u32::MAX))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_after_the_time_that_was_told() {
        let options = RelayOptions { requests_per_second: 3, requests_burst: 2, ..RelayOptions::default() };
        let mut bucket = Bucket::new(&options, 5);
        assert_eq!(bucket.take(1, &options, 5), Ok(()));
        assert_eq!(bucket.take(1, &options, 5), Ok(()));
        let after = bucket.take(1, &options, 5).unwrap_err();
        assert_eq!(after, 334);
        assert_eq!(bucket.take(1, &options, 5 + 333), Err(1));
        assert_eq!(bucket.take(1, &options, 5 + 334), Ok(()));
    }

    #[test]
    fn no_silence_earns_more_than_a_burst_and_none_costs_more() {
        let options =
            RelayOptions { requests_per_second: 1_000, requests_burst: 5, ..RelayOptions::default() };
        let mut bucket = Bucket::new(&options, 0);
        assert_eq!(bucket.take(1_000, &options, u64::MAX / 2), Ok(()));
        assert_eq!(bucket.take(1, &options, u64::MAX / 2), Err(1));
        assert_eq!(bucket.take(1, &options, 0), Err(1), "a clock that is set back earns nothing");
    }
}
