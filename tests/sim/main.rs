//! A simulated network: clients, a relay and everything that happens to them, decided by a seed
//! (`docs/PROTOCOL.md` sections 10 and 16).
//!
//! `SEALWAX_SIM_SEEDS` says how many seeds are run. `SEALWAX_SIM_SEED=123 cargo test --test sim` runs one alone, exactly as
//! among the others, and `SEALWAX_SIM_TRACE=1` prints each of its steps. `SEALWAX_SIM_KIND=Conspiracy` passes over the seeds
//! of other kinds (`plan::Kind`).
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may"
)]

#[path = "../common/mod.rs"]
mod common;

mod attachments;
mod broken;
mod chance;
mod chronicle;
mod eavesdropper;
mod faults;
mod groups;
mod hear;
mod host;
mod hostile_member;
mod hostile_relay;
mod keys;
mod ledger;
mod life;
mod links;
mod past;
mod person;
mod pins;
mod plan;
mod recovery;
mod rest;
mod sealing;
mod seeds;
mod selves;
mod split;
mod swapped;
mod trace;
mod wishes;
mod world;
