//! Hostile but well-formed input: what the worst that anybody can send costs those who take it. No input of a mebibyte
//! costs more than 10 ms or 4 MiB; what does is measured against limits of its own, and docs/TESTING.md says why.
//!
//! Memory is counted and exact. Time is that on a processor, against ten times what is promised, so that it fails for what
//! grows faster than it should and not for a busy machine; `make abuse` shows it as it is.
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
#[allow(dead_code, reason = "these tests use a part")]
mod bed;
#[path = "../groups/circle.rs"]
#[allow(dead_code, reason = "these tests use a part")]
mod circle;
#[path = "../session/pair.rs"]
#[allow(dead_code, reason = "these tests use a part")]
mod pair;
#[path = "../relay_engine/town.rs"]
#[allow(dead_code, reason = "these tests use a part")]
mod town;

mod clients;
mod groups;
#[allow(unsafe_code, reason = "an allocator that counts, and a clock")]
mod meter;
mod parsers;
mod relay;
mod rosters;
mod sessions;
