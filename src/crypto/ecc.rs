//! P-256: key agreement and signatures, each with key types of its own.
//!
//! A key serves one [`Purpose`] and the compiler keeps it there. Public keys are uncompressed SEC1 and were
//! validated when they were made (`docs/PROTOCOL.md` section 1).

use core::fmt;
use core::marker::PhantomData;
use std::sync::OnceLock;

use crate::crypto::backend::{self, Message, PrivateKey as _};
use crate::crypto::kdf::Label;
use crate::crypto::rng::Random;
use crate::crypto::secret::Secret;
use crate::crypto::stack;
use crate::error::{Error, Result};

/// Bytes of a public key: 0x04, x, y.
pub const PUBLIC_LEN: usize = 65;
/// Bytes of a private key.
pub const PRIVATE_LEN: usize = 32;
/// Bytes of a signature: r, s.
pub const SIGNATURE_LEN: usize = 64;

const UNCOMPRESSED: u8 = 0x04;

/// What a key is for.
pub trait Purpose: private::Sealed + Clone {}

/// Keys that agree on a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agree;
/// Keys that sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign;

impl Purpose for Agree {}
impl Purpose for Sign {}

mod private {
    use crate::crypto::backend;

    /// Closes the list of purposes, names the key types in print, and knows what the backend holds for each.
    pub trait Sealed {
        const PUBLIC: &'static str;
        const PRIVATE: &'static str;
        type Key: backend::PrivateKey<Point = backend::Point>;
    }

    impl Sealed for super::Agree {
        type Key = backend::AgreeKey;
        const PUBLIC: &'static str = "AgreePublic";
        const PRIVATE: &'static str = "AgreePrivate";
    }

    impl Sealed for super::Sign {
        type Key = backend::SignKey;
        const PUBLIC: &'static str = "SignPublic";
        const PRIVATE: &'static str = "SignPrivate";
    }
}

/// The public half of an agreement pair.
pub type AgreePublic = Public<Agree>;
/// The private half of an agreement pair.
pub type AgreePrivate = Private<Agree>;
/// The public half of a signing pair.
pub type SignPublic = Public<Sign>;
/// The private half of a signing pair.
pub type SignPrivate = Private<Sign>;

/// A point that lies on the curve and is not its identity.
#[derive(Clone)]
pub struct Public<P: Purpose> {
    point: backend::Point,
    purpose: PhantomData<P>,
}

impl<P: Purpose> Public<P> {
    /// Takes uncompressed SEC1 alone. [`Error::Malformed`] for another length, a compressed or hybrid encoding, the
    /// identity, coordinates out of range and points off the curve.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bytes: [u8; PUBLIC_LEN] = bytes.try_into().map_err(|_| Error::Malformed)?;
        let [UNCOMPRESSED, ..] = bytes else { return Err(Error::Malformed) };
        let point = backend::Point::parse(&bytes).ok_or(Error::Malformed)?;
        Ok(Self { point, purpose: PhantomData })
    }

    /// Uncompressed SEC1.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; PUBLIC_LEN] {
        self.point.as_bytes()
    }
}

impl<P: Purpose> PartialEq for Public<P> {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl<P: Purpose> Eq for Public<P> {}

impl<P: Purpose> fmt::Debug for Public<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, a, b, c, d, ..] = self.as_bytes();
        write!(f, "{}({a:02x}{b:02x}{c:02x}{d:02x}..)", P::PUBLIC)
    }
}

impl Public<Sign> {
    /// Verifies a signature made by [`SignPrivate::sign`] over the same label and parts.
    /// [`Error::AuthenticationFailed`] if it does not hold, or holds with a high s.
    pub fn verify(&self, label: Label, parts: &[&[u8]], signature: &[u8; SIGNATURE_LEN]) -> Result<()> {
        self.verify_message(&Message::new([&label.length_byte(), label.bytes()], parts), signature)
    }

    /// Verifies plain ECDSA-SHA-256, high s refused. For published test vectors; the protocol uses
    /// [`SignPublic::verify`].
    pub fn verify_raw(&self, message: &[u8], signature: &[u8; SIGNATURE_LEN]) -> Result<()> {
        self.verify_message(&Message::new([&[], &[]], &[message]), signature)
    }

    fn verify_message(&self, message: &Message<'_>, signature: &[u8; SIGNATURE_LEN]) -> Result<()> {
        if backend::is_low_s(signature) && backend::verify(&self.point, message, signature) {
            Ok(())
        } else {
            Err(Error::AuthenticationFailed)
        }
    }
}

/// A private key, wiped on drop. Its public half is computed when it is first asked for.
pub struct Private<P: Purpose> {
    key: P::Key,
    public: OnceLock<Public<P>>,
}

impl<P: Purpose> Private<P> {
    /// A fresh key: draws of 32 bytes until one lies within 1 and the order of the curve less one.
    /// [`Error::Internal`] if the source fails or never gives one.
    pub fn generate(rng: &mut dyn Random) -> Result<Self> {
        stack::used(stack::CURVE);
        let key = P::Key::generate(rng).ok_or(Error::Internal)?;
        Ok(Self { key, public: OnceLock::new() })
    }

    /// Takes a big-endian scalar; [`Error::Malformed`] if it is zero or not below the order of the curve.
    pub fn from_bytes(bytes: &[u8; PRIVATE_LEN]) -> Result<Self> {
        stack::used(stack::CURVE);
        let key = P::Key::parse(bytes).ok_or(Error::Malformed)?;
        Ok(Self { key, public: OnceLock::new() })
    }

    /// The scalar, big-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Secret<PRIVATE_LEN> {
        stack::used(stack::CURVE);
        self.key.to_bytes()
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &Public<P> {
        self.public.get_or_init(|| {
            stack::used(stack::CURVE);
            Public { point: self.key.public(), purpose: PhantomData }
        })
    }

    /// A second copy, named so that it is seen.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self { key: self.key.duplicate(), public: self.public.clone() }
    }
}

impl<P: Purpose> fmt::Debug for Private<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(P::PRIVATE).finish_non_exhaustive()
    }
}

impl Private<Agree> {
    /// ECDH: the x-coordinate of the shared point. It does not depend on the sign of y, so both public keys belong
    /// into whatever is derived from it. [`Error::Internal`] if memory runs out.
    pub fn agree(&self, public: &AgreePublic) -> Result<Secret<32>> {
        stack::used(stack::CURVE);
        self.key.agree(&public.point).ok_or(Error::Internal)
    }
}

impl Private<Sign> {
    /// ECDSA-SHA-256 over `L(label)` and the concatenated `parts`: r and s big-endian, s low. With the system for a
    /// source the nonce is the backend's affair (`docs/PROTOCOL.md` section 1); with any other it is that of RFC
    /// 6979, with the source's [`Random::signature_entropy`] as additional data. [`Error::Internal`] if the source
    /// fails.
    pub fn sign(&self, rng: &mut dyn Random, label: Label, parts: &[&[u8]]) -> Result<[u8; SIGNATURE_LEN]> {
        self.sign_message(rng, &Message::new([&label.length_byte(), label.bytes()], parts))
    }

    /// Plain ECDSA-SHA-256. For published test vectors; the protocol uses [`SignPrivate::sign`].
    pub fn sign_raw(&self, rng: &mut dyn Random, message: &[u8]) -> Result<[u8; SIGNATURE_LEN]> {
        self.sign_message(rng, &Message::new([&[], &[]], &[message]))
    }

    fn sign_message(&self, rng: &mut dyn Random, message: &Message<'_>) -> Result<[u8; SIGNATURE_LEN]> {
        stack::used(stack::CURVE);
        self.key.sign(rng, message).ok_or(Error::Internal)
    }
}

/// The low-s form of a signature made elsewhere, by a hardware key for one. [`Error::Malformed`] if r or s is zero
/// or not below the order of the curve.
pub fn normalise(signature: &[u8; SIGNATURE_LEN]) -> Result<[u8; SIGNATURE_LEN]> {
    backend::normalise_s(signature).ok_or(Error::Malformed)
}

#[cfg(test)]
mod tests;
