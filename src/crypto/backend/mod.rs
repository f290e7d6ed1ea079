//! The seam between the primitives' meaning (`ecc`, `aead`, `kdf`, `rng`) and whoever computes them.
//!
//! A backend is modules with the items re-exported here. It sees bytes and its own opaque types, knows no label, and
//! answers `Option` or `bool`; errors are named above it. Pure Rust is always there: it is a whole backend, it does
//! what is no cryptography of its own (the range of a scalar and of a signature's values), and the tests hold the
//! others against it. AWS-LC takes over the curve and the AEAD; as a FIPS module it takes the hashes and a part in
//! all randomness too.

#[cfg(any(feature = "aws-lc", feature = "fips"))]
mod aws_lc;
#[cfg(feature = "fips")]
mod fips;
#[cfg(any(feature = "aws-lc", feature = "fips"))]
mod gate;
#[cfg_attr(feature = "fips", allow(dead_code, unreachable_pub))]
mod hashes;
mod message;
// What AWS-LC has taken over is compiled all the same, for the tests.
#[cfg_attr(any(feature = "aws-lc", feature = "fips"), allow(dead_code, unreachable_pub))]
mod rustcrypto;

#[cfg(any(feature = "aws-lc", feature = "fips"))]
pub(super) use aws_lc::{AeadKey, AgreeKey, NAME, Point, SignKey, aead_open, aead_seal, initialise, verify};
#[cfg(feature = "fips")]
pub(super) use fips::{Hash, expand, expand_keys, extract_expand, hmac, is_module, stir};
#[cfg(any(feature = "aws-lc", feature = "fips"))]
pub(super) use gate::{after_fork_in_child, after_fork_in_parent, before_fork};
#[cfg(not(feature = "fips"))]
pub(super) use hashes::{Hash, expand, expand_keys, extract_expand, hmac};
pub(super) use message::Message;
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
