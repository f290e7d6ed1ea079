//! Clients that talk through a relay: everything that is not about groups (`docs/PROTOCOL.md` sections 10 and 16).
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may"
)]

#[path = "../common/mod.rs"]
mod common;

mod acks;
mod bed;
mod bounds;
mod bursts;
mod clock;
mod crashes;
mod delivery;
mod identity;
mod messages;
mod model;
mod patience;
mod prekeys;
mod relays;
mod repair;
