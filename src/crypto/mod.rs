//! Every primitive behind one entry point each. No caller knows which backend ran.
//!
//! [`ecc`] is ECDH and ECDSA over P-256 with validated key types, [`aead`] is AES-256-GCM, [`kdf`] holds HKDF and
//! SHA-256 behind the one table of labels, [`rng`] says where randomness comes from, [`secret`] wipes what goes, and
//! [`stack`] what was left on the way.
//!
//! `docs/PROTOCOL.md` section 1 fixes the suite.

pub mod aead;
mod backend;
pub mod ecc;
pub mod kdf;
pub mod rng;
pub mod secret;
pub mod stack;

pub use secret::Secret;

/// Who computes the curve and the AEAD in this build.
pub const BACKEND: &str = backend::NAME;

/// Whether this is a build for the FIPS module of AWS-LC, and what was linked says that it is that module.
#[must_use]
pub fn fips() -> bool {
    #[cfg(feature = "fips")]
    return backend::is_module();
    #[cfg(not(feature = "fips"))]
    false
}
