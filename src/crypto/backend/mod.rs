//! The seam between the primitives' meaning (`ecc`, `aead`) and whoever computes them.
//!
//! A backend is a module with the items re-exported here. It sees fixed-length bytes and its own opaque types,
//! knows no label, and answers `Option` or `bool`; errors are named above it.

mod rustcrypto;

pub(super) use rustcrypto::{
    AeadKey, Point, Scalar, aead_open, aead_seal, agree, is_low_s, normalise_s, sign, verify,
};
