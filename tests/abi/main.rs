//! The C ABI as a whole: the committed header is the one that the sources render, the library exports exactly what
//! it declares, nothing of the committed ABI is lost, and no export can let a panic out.
#![allow(unsafe_code, reason = "exports are called as C does")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod artifact;
mod dump;
mod header;
mod layout;
mod misuse;
mod options;
mod released;
mod sources;
