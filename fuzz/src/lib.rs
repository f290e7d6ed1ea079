//! What is fuzzed: one function for each target, which takes any bytes and panics where the library breaks a promise.
//!
//! `docs/TESTING.md` says how they are run. The same file is a test of the library, which gives each target what is in
//! its corpus.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unit_arg,
    clippy::unwrap_used,
    reason = "a panic is how a target says that something is wrong"
)]

#[path = "../../tests/common/mod.rs"]
mod common;

// The models of the tests, and what they are made of, of which not all is needed here.
#[allow(dead_code)]
#[path = "../../tests/client/bed.rs"]
mod bed;
#[allow(dead_code)]
#[path = "../../tests/groups/circle.rs"]
mod circle;
#[path = "../../tests/groups/model.rs"]
mod group_model;
#[allow(dead_code)]
#[path = "../../tests/session/pair.rs"]
mod pair;
#[path = "../../tests/session/model.rs"]
mod session_model;
#[allow(dead_code)]
#[path = "../../tests/relay_engine/town.rs"]
mod town;

pub mod client;
pub mod models;
pub mod options;
pub mod relay;
pub mod roster;
pub mod state;
pub mod store;
pub mod stream;
pub mod wire;

#[cfg(test)]
mod replay;
#[cfg(test)]
mod seeds;

/// A value that all runs of a target share.
macro_rules! lazy {
    ($(#[$doc:meta])* $visible:vis $name:ident: $type:ty = $value:expr) => {
        $(#[$doc])*
        $visible static $name: std::sync::LazyLock<$type> = std::sync::LazyLock::new(|| $value);
    };
}
use lazy;

/// A target: its name, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("attachment", stream::attachment),
    ("attachment_header", wire::attachment_header),
    ("card", wire::card),
    ("client", client::client),
    ("content", wire::content),
    ("distribution", wire::distribution),
    ("envelope", wire::envelope),
    ("frame", wire::frame),
    ("groups", models::groups),
    ("identity_state", state::identity_state),
    ("name", wire::name),
    ("options", options::options),
    ("prekeys", wire::prekeys),
    ("receiver_state", state::receiver_state),
    ("relay", relay::relay),
    ("relay_records", relay::relay_records),
    ("roster_acts", roster::roster_acts),
    ("roster_log", roster::roster_log),
    ("sealed", state::sealed),
    ("sender_state", state::sender_state),
    ("session_state", state::session_state),
    ("sessions", models::sessions),
    ("store", store::store),
];
