//! End-to-end encryption over P-256, HKDF-SHA-256 and AES-256-GCM, behind a C ABI.
//!
//! The C header `include/sealwax.h` is the product; `docs/PROTOCOL.md` specifies every byte. This crate's
//! Rust modules are layers, each importing only those below it:
//!
//! ```text
//! ffi        the C ABI
//! client     engine of an application           relay    routing of what cannot be read
//! session    handshake and double ratchet      group   sender keys      stream   attachments
//! roster     signed membership log
//! identity   key pairs, cards, prekeys
//! store      durable records, in a file or in memory
//! sealed     state at rest
//! crypto     ecc, aead, kdf, rng, secrets      wire    codec, envelopes, frames
//! ```
//!
//! No layer does I/O but the store, and none reads a clock, starts a thread or logs: bytes and `now_ms` come in, bytes
//! go out.

pub mod client;
pub mod crypto;
pub mod error;
pub mod ffi;
pub mod group;
pub mod identity;
mod json;
pub mod limits;
pub mod relay;
pub mod roster;
pub mod sealed;
pub mod session;
pub mod store;
pub mod stream;
pub mod wire;

pub use error::Error;
