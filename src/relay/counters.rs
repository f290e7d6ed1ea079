//! What a relay counts of its traffic.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Counters in stripes, one a thread as far as they go, so that threads on many cores do not share a cache line.
#[derive(Default)]
pub(super) struct Counters {
    stripes: [Stripe; STRIPES],
}

const STRIPES: usize = 16;

/// One counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counter {
    /// Users with a card. May wrap in a stripe, never in the sum.
    Users,
    /// Groups.
    Groups,
    /// Users online.
    Online,
    /// Envelopes and roster entries in queues.
    Queued,
    /// Bytes of them.
    QueuedBytes,
    /// Envelopes and roster entries taken.
    Routed,
    /// Those that were sent again and dropped.
    Duplicates,
    /// Members of groups who were passed over because their queue was full.
    Skipped,
    /// What left a queue by its age.
    Expired,
    /// One-time prekeys handed out.
    PrekeysTaken,
    /// Connections that the host has not ended.
    Connections,
    /// Frames taken.
    Frames,
    /// Frames that were none, or out of place.
    BadFrames,
    /// Requests beyond the rate.
    RateLimited,
    /// Hellos and proofs that were refused.
    Rejected,
    /// Connections that gave way to a newer one.
    Replaced,
    /// Connections that took too long.
    TimedOut,
    /// Presence frames sent.
    Presence,
}

const COUNTERS: usize = Counter::Presence as usize + 1;

#[derive(Default)]
#[repr(align(128))]
struct Stripe([AtomicU64; COUNTERS]);

impl Counters {
    /// Adds to a counter.
    pub(super) fn add(&self, counter: Counter, count: usize) {
        if count > 0 {
            self.cell(counter, |cell| cell.fetch_add(count as u64, Ordering::Relaxed));
        }
    }

    /// Subtracts from a counter.
    pub(super) fn subtract(&self, counter: Counter, count: usize) {
        if count > 0 {
            self.cell(counter, |cell| cell.fetch_sub(count as u64, Ordering::Relaxed));
        }
    }

    /// The value of a counter, while others count on.
    pub(super) fn get(&self, counter: Counter) -> u64 {
        let value =
            |stripe: &Stripe| stripe.0.get(counter as usize).map_or(0, |cell| cell.load(Ordering::Relaxed));
        self.stripes.iter().map(value).fold(0, u64::wrapping_add)
    }

    fn cell(&self, counter: Counter, change: impl FnOnce(&AtomicU64) -> u64) {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static STRIPE: Cell<usize> = const { Cell::new(usize::MAX) };
        }
        let mut stripe = STRIPE.get();
        if stripe == usize::MAX {
            stripe = NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES;
            STRIPE.set(stripe);
        }
        if let Some(cell) = self.stripes.get(stripe).and_then(|stripe| stripe.0.get(counter as usize)) {
            change(cell);
        }
    }
}
