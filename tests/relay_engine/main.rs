//! A relay and its connections: frames in, frames out (`docs/PROTOCOL.md` sections 10.2 to 10.5).
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may"
)]

#[path = "../common/mod.rs"]
mod common;

mod clock;
mod cut_off;
mod founding;
mod handshake;
mod limits;
mod model;
mod presence;
mod rates;
mod requests;
mod restart;
mod town;
