//! Sessions between two sides, as an application sees them (`docs/PROTOCOL.md` sections 5 and 6).
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may"
)]

#[path = "../common/mod.rs"]
mod common;

mod crossing;
mod exchange;
mod levels;
mod limits;
mod model;
mod order;
mod pair;
mod secrecy;
mod state;
mod stories;
mod tampering;
