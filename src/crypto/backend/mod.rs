//! The seam between the primitives' meaning (`ecc`, `aead`) and whoever computes them.
//!
//! A backend is a module with the items re-exported here. It sees fixed-length bytes and its own opaque types,
//! knows no label, and answers `Option` or `bool`; errors are named above it. Pure Rust is always there: it is a
//! whole backend, it does what is as cheap in one place as in two (the range of a signature's values), and the
//! tests hold the other one against it.

#[cfg(any(feature = "aws-lc", feature = "fips"))]
mod aws_lc;
#[cfg(any(feature = "aws-lc", feature = "fips"))]
mod gate;
// What AWS-LC has taken over is compiled all the same, for the tests.
#[cfg_attr(any(feature = "aws-lc", feature = "fips"), allow(dead_code, unreachable_pub))]
mod rustcrypto;

#[cfg(any(feature = "aws-lc", feature = "fips"))]
pub(super) use aws_lc::{AeadKey, AgreeKey, NAME, Point, SignKey, aead_open, aead_seal, initialise, verify};
#[cfg(any(feature = "aws-lc", feature = "fips"))]
pub(super) use gate::{after_fork_in_child, after_fork_in_parent, before_fork};
#[cfg(not(any(feature = "aws-lc", feature = "fips")))]
pub(super) use rustcrypto::{AeadKey, AgreeKey, NAME, Point, SignKey, aead_open, aead_seal, verify};
pub(super) use rustcrypto::{is_low_s, normalise_s};

use crate::crypto::rng::Random;
use crate::crypto::secret::Secret;

/// A private key, whatever its purpose.
pub trait PrivateKey: Sized {
    /// What its public half is.
    type Point;

    /// A fresh key: draws of 32 bytes until one is a scalar, so that every backend takes the same key from the same
    /// source. `None` if the source fails.
    fn generate(rng: &mut dyn Random) -> Option<Self> {
        for _ in 0..DRAWS_MAX {
            if let Some(key) = Self::parse(Secret::random(rng).ok()?.as_bytes()) {
                return Some(key);
            }
        }
        None
    }

    /// From a big-endian scalar; `None` if it is zero or not below the order of the curve.
    fn parse(bytes: &[u8; 32]) -> Option<Self>;

    /// The scalar, big-endian.
    fn to_bytes(&self) -> Secret<32>;

    /// The public half.
    fn public(&self) -> Self::Point;

    /// A second copy.
    fn duplicate(&self) -> Self;
}

/// Draws before a source is given up as broken. A good one is refused once in 2^32.
const DRAWS_MAX: usize = 16;

#[cfg(test)]
#[cfg(any(feature = "aws-lc", feature = "fips"))]
mod tests;
