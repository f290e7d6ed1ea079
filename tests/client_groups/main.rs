//! Clients in groups (`docs/PROTOCOL.md` sections 7, 8 and 16).
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may"
)]

#[path = "../common/mod.rs"]
mod common;

#[path = "../client/bed.rs"]
#[allow(dead_code, reason = "shared with the tests of clients without groups")]
mod bed;
mod bounds;
mod circle;
mod crashes;
mod history;
mod hostile;
mod identities;
mod lifecycle;
mod messages;
mod missing;
mod storm;
mod swallowed;
