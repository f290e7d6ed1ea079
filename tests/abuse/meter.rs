//! What a call costs: the processor time of its thread, and the most memory that it has at once.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

pub(crate) const MIB: usize = 1 << 20;

/// What one input of a mebibyte may cost.
pub(crate) const LIMIT: Cost = Cost { time: Duration::from_millis(10), bytes: 4 * MIB };

/// By how much a test may be slower than what is promised: it is not compiled for speed, and has neighbours. What is of
/// another order shows all the same.
const PATIENCE: u32 = if cfg!(feature = "aws-lc") { 10 } else { 60 };

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// Counts what the thread of a test holds.
struct Counting;

impl Counting {
    fn note(bytes: isize) {
        // A thread that ends has no counters left.
        let _ = LIVE.try_with(|live| {
            live.set(live.get() + bytes);
            let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
        });
    }
}

// SAFETY: the system's allocator does all the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::note(layout.size().cast_signed());
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        Self::note(-layout.size().cast_signed());
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) time: Duration,
    /// Beyond what was there before, at the worst moment.
    pub(crate) bytes: usize,
}

impl Cost {
    pub(crate) const fn new(ms: u64, bytes: usize) -> Self {
        Self { time: Duration::from_millis(ms), bytes }
    }
}

/// Time of this thread on a processor.
fn on_processor() -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock is one of this thread, and the output lives.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) }, 0);
    Duration::new(u64::try_from(now.tv_sec).unwrap(), u32::try_from(now.tv_nsec).unwrap())
}

fn measure<T>(call: impl FnOnce() -> T) -> (T, Cost) {
    let before = LIVE.get();
    PEAK.set(before);
    let since = on_processor();
    let made = call();
    let time = on_processor() - since;
    (made, Cost { time, bytes: usize::try_from(PEAK.get() - before).unwrap() })
}

/// Makes a call with an input of so many bytes, within what is promised of every input of up to a mebibyte.
pub(crate) fn bounded<T>(what: &str, input: usize, call: impl FnOnce() -> T) -> T {
    bounded_by(LIMIT, what, input, call)
}

/// [`bounded`] by limits of its own, which docs/TESTING.md gives a reason for.
pub(crate) fn bounded_by<T>(limit: Cost, what: &str, input: usize, call: impl FnOnce() -> T) -> T {
    let (made, cost) = measure(call);
    report(what, input, cost);
    assert!(input <= 5 * MIB, "{what}: {input} bytes are more than an input has");
    assert!(cost.bytes <= limit.bytes, "{what}: {} bytes of memory for {input}", cost.bytes);
    assert!(cost.time <= limit.time * PATIENCE, "{what}: {:?} for {input} bytes", cost.time);
    made
}

/// A row of the table that `make abuse` collects.
fn report(what: &str, input: usize, cost: Cost) {
    if std::env::var_os("SEALWAX_ABUSE").is_none() {
        return;
    }
    let kib = |bytes: usize| bytes.div_ceil(1024);
    let mut row = String::new();
    let ms = cost.time.as_secs_f64() * 1e3;
    write!(row, "| {what} | {} | {ms:.2} | {} |", kib(input), kib(cost.bytes)).unwrap();
    // Not by the macro, which the test harness would catch.
    writeln!(std::io::stdout().lock(), "{row}").unwrap();
}
