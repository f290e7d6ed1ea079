//! Runs of many seeds, or of one.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::chance::Chance;
use crate::plan::{Kind, Plan};
use crate::trace::Deeds;
use crate::world::World;

const SEEDS: u64 = 1_000;
const THREADS: usize = 2;

/// What happens in some of so many runs, or they show less than they say.
const DEEDS: [&str; 13] = [
    "group_created",
    "group_deleted",
    "join an open group",
    "member_left",
    "role_changed",
    "member_replaced",
    "key_withheld",
    "begin anew with another identity",
    "accept another identity",
    "show members two histories",
    "read what another history stands behind",
    "seal for a swapped identity, knowing no other",
    "read the past in another's word",
];

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| value.parse().expect("a number"))
}

/// What a run came to.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    /// The hash of its trace.
    hash: u64,
    deeds: Deeds,
}

/// Runs a seed. What goes wrong is told with how to see it again.
fn run(seed: u64) -> Result<Run, String> {
    let mut world = World::new(seed, env::var_os("SEALWAX_SIM_TRACE").is_some());
    let run = catch_unwind(AssertUnwindSafe(|| world.run()));
    run.map(|()| Run { hash: world.trace.hash(), deeds: world.trace.deeds.clone() }).map_err(|_| {
        format!(
            "seed {seed} fails at step {}: SEALWAX_SIM_SEED={seed} SEALWAX_SIM_TRACE=1 cargo test --test sim",
            world.trace.steps
        )
    })
}

/// Whether the run of a seed is of this kind.
fn is_of(seed: u64, kind: &str) -> bool {
    format!("{:?}", Plan::draw(&mut Chance::new(seed)).kind) == kind
}

/// Runs seeds on all threads, and tells of every one that fails.
fn run_all(seeds: u64) {
    let next = AtomicU64::new(0);
    let work = || {
        let (mut failures, mut deeds) = (Vec::new(), Deeds::new());
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return (failures, deeds);
            }
            if env::var("SEALWAX_SIM_KIND").is_ok_and(|kind| !is_of(seed, &kind)) {
                continue;
            }
            match run(seed) {
                Ok(run) => {
                    run.deeds.into_iter().for_each(|(what, times)| *deeds.entry(what).or_default() += times)
                }
                Err(failure) => {
                    eprintln!("{failure}");
                    failures.push(failure);
                }
            }
        }
    };
    let (mut failures, mut deeds) = (Vec::new(), Deeds::new());
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            let (failed, done) = thread.join().unwrap();
            failures.extend(failed);
            done.into_iter().for_each(|(what, times)| *deeds.entry(what).or_default() += times);
        }
    });
    assert!(failures.is_empty(), "{} of {seeds} seeds fail:\n{}", failures.len(), failures.join("\n"));
    println!("{deeds:#?}");
    if seeds >= SEEDS && env::var_os("SEALWAX_SIM_KIND").is_none() {
        let missing: Vec<&str> = DEEDS.into_iter().filter(|deed| !deeds.contains_key(deed)).collect();
        assert_eq!(missing, [""; 0], "in no run does anybody do this");
    }
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
    let of_kind = |kind: Kind| (0..).find(|seed| Plan::draw(&mut Chance::new(*seed)).kind == kind).unwrap();
    let cheats = [Kind::HostileRelay, Kind::HostileMember, Kind::Conspiracy].map(of_kind);
    for seed in (0..8).chain(cheats) {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
}
