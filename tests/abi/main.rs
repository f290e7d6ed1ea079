//! The C ABI as a whole: the committed header is the one that the sources render, the library exports exactly what
//! it declares, nothing of the committed ABI is lost, and no export can let a panic out.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod artifact;
mod dump;
mod header;
mod sources;
