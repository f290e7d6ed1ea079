//! The store, as a client engine uses it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may"
)]

mod bed;
mod behaviour;
mod medium;
mod model;

#[cfg(feature = "store")]
mod file;
