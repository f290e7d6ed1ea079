//! What several tests share. Each test is a crate of its own and uses its part.
#![allow(dead_code, unused_imports, reason = "each test uses its part")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may"
)]

pub(crate) mod abi;
pub(crate) mod disk;
pub(crate) mod group;
pub(crate) mod host;
pub(crate) mod relay;
pub(crate) mod scripted_random;
pub(crate) mod vectors;

pub(crate) use scripted_random::ScriptedRandom;
