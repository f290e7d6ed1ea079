//! Runs of many seeds, or of one.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::world::World;

const SEEDS: u64 = 1_000;
const THREADS: usize = 2;

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| value.parse().expect("a number"))
}

/// Runs a seed, and answers the hash of its trace. What goes wrong is told with how to see it again.
fn run(seed: u64) -> Result<u64, String> {
    let mut world = World::new(seed, env::var_os("SEALWAX_SIM_TRACE").is_some());
    let run = catch_unwind(AssertUnwindSafe(|| world.run()));
    run.map(|()| world.trace.hash()).map_err(|_| {
        format!(
            "seed {seed} fails at step {}: SEALWAX_SIM_SEED={seed} SEALWAX_SIM_TRACE=1 cargo test --test sim",
            world.trace.steps
        )
    })
}

/// Runs seeds on all threads, and tells of every one that fails.
fn run_all(seeds: u64) {
    let next = AtomicU64::new(0);
    let work = || {
        let mut failures = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return failures;
            }
            failures.extend(run(seed).err().inspect(|failure| eprintln!("{failure}")));
        }
    };
    let failures: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{} of {seeds} seeds fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_message_is_shown_once_whatever_happens_on_the_way() {
    match setting("SEALWAX_SIM_SEED") {
        Some(seed) => drop(run(seed).unwrap()),
        None => run_all(setting("SEALWAX_SIM_SEEDS").unwrap_or(SEEDS)),
    }
}

#[test]
fn a_seed_runs_the_same_each_time() {
    for seed in 0..8 {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
}
