//! Groups among several members, as an application sees them (`docs/PROTOCOL.md` section 8). Distributions are handed
//! over directly; that they travel in sessions is the C ABI's to enforce.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may"
)]

#[path = "../common/mod.rs"]
mod common;

mod batch;
mod budget;
mod circle;
mod delivery;
mod distributions;
mod forger;
mod history;
mod links;
mod membership;
mod model;
mod secrecy;
mod sending;
mod state;
mod stories;
mod tampering;
mod windows;
