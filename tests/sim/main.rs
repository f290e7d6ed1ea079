//! A simulated network: clients, a relay and everything that happens to them, decided by a seed
//! (`docs/PROTOCOL.md` sections 10 and 16).
//!
//! `SEALWAX_SIM_SEEDS` says how many seeds are run. `SEALWAX_SIM_SEED=123 cargo test --test sim` runs one alone, exactly as
//! among the others, and `SEALWAX_SIM_TRACE=1` prints each of its steps.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may"
)]

#[path = "../common/mod.rs"]
mod common;

mod chance;
mod faults;
mod host;
mod keys;
mod ledger;
mod person;
mod plan;
mod seeds;
mod trace;
mod world;
