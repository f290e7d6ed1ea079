//! Pure Rust: `p256` and `aes-gcm`.

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut as _, Aes256Gcm, KeyInit as _};
use ecdsa::hazmat;
use p256::ecdsa::Signature;
use p256::elliptic_curve::ff::PrimeField as _;
use p256::elliptic_curve::scalar::IsHigh as _;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{NistP256, NonZeroScalar, PublicKey, ecdh};
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

use super::{Message, PrivateKey};
use crate::crypto::rng::Random;
use crate::crypto::secret::Secret;

/// The name in `sealwax_build_info`.
pub(in crate::crypto) const NAME: &str = "rustcrypto";

/// A point of the curve, neither off it nor its identity.
#[derive(Clone)]
pub struct Point {
    bytes: [u8; 65],
    key: PublicKey,
}

impl Point {
    /// From uncompressed SEC1; the caller has checked the tag byte.
    pub(in crate::crypto) fn parse(bytes: &[u8; 65]) -> Option<Self> {
        Some(Self { bytes: *bytes, key: PublicKey::from_sec1_bytes(bytes).ok()? })
    }

    /// Uncompressed SEC1.
    pub(in crate::crypto) fn as_bytes(&self) -> &[u8; 65] {
        &self.bytes
    }
}

/// Keys that agree.
pub(in crate::crypto) type AgreeKey = Scalar;
/// Keys that sign.
pub(in crate::crypto) type SignKey = Scalar;

/// A private scalar within 1 and the order of the curve less one. On the heap, so that moving it leaves no copy.
pub struct Scalar(Box<Zeroizing<NonZeroScalar>>);

impl PrivateKey for Scalar {
    type Point = Point;

    fn parse(bytes: &[u8; 32]) -> Option<Self> {
        scalar(bytes).map(|scalar| Self(Box::new(scalar)))
    }

    fn to_bytes(&self) -> Secret<32> {
        let mut repr = self.0.to_repr();
        let mut bytes = Secret::zeroed();
        bytes.as_mut_bytes().copy_from_slice(&repr);
        repr.zeroize();
        bytes
    }

    fn public(&self) -> Point {
        let key = PublicKey::from_secret_scalar(&self.0);
        let mut bytes = [0; 65];
        // An uncompressed point of this curve has 65 bytes, so this copies all of them.
        for (to, from) in bytes.iter_mut().zip(key.to_sec1_point(false).as_bytes()) {
            *to = *from;
        }
        Point { bytes, key }
    }

    fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Scalar {
    /// The x-coordinate of the product. Always there.
    pub(in crate::crypto) fn agree(&self, public: &Point) -> Option<Secret<32>> {
        let shared = ecdh::diffie_hellman::<NistP256>(&**self.0, public.key.as_affine());
        let mut secret = Secret::zeroed();
        secret.as_mut_bytes().copy_from_slice(shared.raw_secret_bytes());
        Some(secret)
    }

    /// ECDSA with SHA-256, low-S, its nonce by RFC 6979 with the source's entropy as additional data; `None` if the
    /// source fails.
    pub(in crate::crypto) fn sign(&self, rng: &mut dyn Random, message: &Message<'_>) -> Option<[u8; 64]> {
        sign(&self.0, rng, message)
    }
}

/// A scalar that nobody moves.
pub(super) fn scalar(bytes: &[u8; 32]) -> Option<Zeroizing<NonZeroScalar>> {
    let mut repr = (*bytes).into();
    let scalar = NonZeroScalar::from_repr(repr).into_option();
    repr.zeroize();
    scalar.map(Zeroizing::new)
}

/// [`Scalar::sign`].
pub(super) fn sign(key: &NonZeroScalar, rng: &mut dyn Random, message: &Message<'_>) -> Option<[u8; 64]> {
    let entropy = rng.signature_entropy().ok()?.map(Zeroizing::new);
    let entropy = entropy.as_ref().map_or([].as_slice(), |entropy| entropy.as_slice());
    let (signature, _) = hazmat::sign_prehashed_rfc6979::<NistP256, Sha256>(key, &message.digest(), entropy);
    Some(signature.normalize_s().to_bytes().into())
}

/// Whether the signature holds, high-S or not.
pub(in crate::crypto) fn verify(public: &Point, message: &Message<'_>, signature: &[u8; 64]) -> bool {
    Signature::from_slice(signature).is_ok_and(|signature| {
        hazmat::verify_prehashed(&public.key.to_projective(), &message.digest(), &signature).is_ok()
    })
}

/// Whether r and s are in range and s is at most half the order.
pub(in crate::crypto) fn is_low_s(signature: &[u8; 64]) -> bool {
    Signature::from_slice(signature).is_ok_and(|signature| !bool::from(signature.s().is_high()))
}

/// The same signature with the lower of its two values of s; `None` if r or s is out of range.
pub(in crate::crypto) fn normalise_s(signature: &[u8; 64]) -> Option<[u8; 64]> {
    Some(Signature::from_slice(signature).ok()?.normalize_s().to_bytes().into())
}

/// Encrypts in place; `None` only for more than 64 GiB.
pub(in crate::crypto) fn aead_seal(
    key: &[u8; 32],
    nonce: &[u8; 12],
    aad: &[u8],
    buffer: &mut [u8],
) -> Option<[u8; 16]> {
    Aes256Gcm::new(key.into()).encrypt_inout_detached(nonce.into(), aad, buffer.into()).ok().map(Into::into)
}

/// Decrypts in place; on false, what the buffer holds is unspecified.
pub(in crate::crypto) fn aead_open(
    key: &[u8; 32],
    nonce: &[u8; 12],
    aad: &[u8],
    buffer: &mut [u8],
    tag: &[u8; 16],
) -> bool {
    Aes256Gcm::new(key.into()).decrypt_inout_detached(nonce.into(), aad, buffer.into(), tag.into()).is_ok()
}

/// A key for many uses. Its schedule is made for each of them: one that was kept would take along what lay on the stack
/// where it was made, in room for processors of other kinds, which nobody wipes.
pub(in crate::crypto) struct AeadKey(Secret<32>);

impl AeadKey {
    pub(in crate::crypto) fn new(key: &[u8; 32]) -> Self {
        let mut kept = Secret::zeroed();
        kept.as_mut_bytes().copy_from_slice(key);
        Self(kept)
    }

    /// Encrypts from one place to another; `None` for more than 64 GiB, or places of different lengths.
    pub(in crate::crypto) fn seal(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Option<[u8; 16]> {
        let buffer = InOutBuf::new(plaintext, out).ok()?;
        self.cipher().encrypt_inout_detached(nonce.into(), aad, buffer).ok().map(Into::into)
    }

    /// Decrypts from one place to another; on false, what `out` holds is unspecified.
    pub(in crate::crypto) fn open(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        ciphertext: &[u8],
        tag: &[u8; 16],
        out: &mut [u8],
    ) -> bool {
        InOutBuf::new(ciphertext, out).is_ok_and(|buffer| {
            self.cipher().decrypt_inout_detached(nonce.into(), aad, buffer, tag.into()).is_ok()
        })
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(self.0.as_bytes().into())
    }
}
