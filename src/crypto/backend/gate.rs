//! Keeps forks and AWS-LC's generator apart.
//!
//! In a forked child the generator takes a lock for writing, to note the fork. If another thread of the parent was
//! inside and held that lock for reading, nobody in the child ever releases it. So a fork waits until no other
//! thread is inside, and no thread goes in while one is under way. The generator of the FIPS module has such locks
//! too, one of them around its source of entropy, which the first draw of a process waits for.
//!
//! What no gate of ours reaches: when a thread that has drawn ends, AWS-LC takes it off a list, under a lock that is
//! held for a few instructions.

use core::cell::Cell;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Threads inside the generator.
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// Forks under way.
static FORKING: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Whether this thread is inside: a signal handler may fork in the midst of a visit.
    static HERE: Cell<usize> = const { Cell::new(0) };
}

/// Both sides go ahead after this. A visit takes some microseconds, or tens of milliseconds where a FIPS module seeds
/// itself, and a fork waits for nobody else: what lasts as long is a fork that waits, in somebody else's hook, for a
/// lock which the visitor holds.
const PATIENCE: Duration = Duration::from_secs(2);

fn wait_while(since: Instant, busy: impl Fn() -> bool) {
    while busy() && since.elapsed() < PATIENCE {
        thread::yield_now();
    }
}

/// Runs what draws from the generator.
pub(super) fn inside<T>(visit: impl FnOnce() -> T) -> T {
    let _visit = Visit::begin();
    visit()
}

struct Visit;

impl Visit {
    fn begin() -> Self {
        let mut visit = Self::enter();
        if FORKING.load(Ordering::SeqCst) == 0 {
            return visit;
        }
        let since = Instant::now();
        loop {
            drop(visit);
            wait_while(since, || FORKING.load(Ordering::SeqCst) != 0);
            visit = Self::enter();
            if FORKING.load(Ordering::SeqCst) == 0 || since.elapsed() >= PATIENCE {
                return visit;
            }
        }
    }

    fn enter() -> Self {
        INSIDE.fetch_add(1, Ordering::SeqCst);
        HERE.set(HERE.get() + 1);
        Self
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        HERE.set(HERE.get().saturating_sub(1));
        INSIDE.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Closes the gate and waits until nobody else is inside.
pub(in crate::crypto) fn before_fork() {
    FORKING.fetch_add(1, Ordering::SeqCst);
    wait_while(Instant::now(), || INSIDE.load(Ordering::SeqCst) > HERE.get());
}

/// Opens the gate in the parent.
pub(in crate::crypto) fn after_fork_in_parent() {
    // Hooks that were installed in the middle of a fork of another thread may miss its beginning.
    let _ = FORKING.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |forks| forks.checked_sub(1));
}

/// Opens the gate in the child: no fork is under way there, and nobody but its one thread is left to be inside.
pub(in crate::crypto) fn after_fork_in_child() {
    INSIDE.store(HERE.get(), Ordering::SeqCst);
    FORKING.store(0, Ordering::SeqCst);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_waits_for_those_inside_and_keeps_others_out() {
        let (entered, left) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let visit = || {
            inside(|| {
                entered.fetch_add(1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(10));
                left.fetch_add(1, Ordering::SeqCst);
            });
        };
        thread::scope(|scope| {
            scope.spawn(visit);
            while entered.load(Ordering::SeqCst) == 0 {
                thread::yield_now();
            }
            before_fork();
            assert_eq!(left.load(Ordering::SeqCst), 1);
            scope.spawn(visit);
            thread::sleep(Duration::from_millis(20));
            assert_eq!(entered.load(Ordering::SeqCst), 1);
            after_fork_in_parent();
        });
        assert_eq!(left.load(Ordering::SeqCst), 2);
    }
}
