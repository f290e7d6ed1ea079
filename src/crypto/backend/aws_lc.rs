//! AWS-LC, through `aws-lc-rs`.
//!
//! Nonces of signatures come from its own generator where the caller's source is the system; a caller's own source is
//! served as in pure Rust, so that vectors are the same. Keys are never made by that generator alone: it is in memory,
//! so two copies of a running machine would make the same ones.

use std::alloc::{Layout, handle_alloc_error};
use std::sync::OnceLock;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, ECDH_P256};
#[cfg(not(feature = "fips"))]
use aws_lc_rs::digest::{Digest, SHA256};
#[cfg(feature = "fips")]
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use zeroize::Zeroizing;

use super::{Message, PrivateKey, gate, rustcrypto};
use crate::crypto::rng::Random;
use crate::crypto::secret::Secret;

/// The name in `sealwax_build_info`.
pub(in crate::crypto) const NAME: &str = "aws-lc";

/// Runs what AWS-LC does once, before any thread can fork in the midst of it.
pub(in crate::crypto) fn initialise() {
    aws_lc_rs::init();
    // The module tests its curve once, at its first use, and whoever comes meanwhile waits.
    #[cfg(feature = "fips")]
    let _ = <agreement::PrivateKey as Native>::import(&[1; 32]);
}

/// A point of the curve, neither off it nor its identity. Bytes alone: AWS-LC parses them again at each use, which
/// costs 1 in 60 of that use, and its own object would cost half a kilobyte a peer.
#[derive(Clone)]
pub struct Point([u8; 65]);

impl Point {
    /// From uncompressed SEC1; the caller has checked the tag byte.
    pub(in crate::crypto) fn parse(bytes: &[u8; 65]) -> Option<Self> {
        #[cfg(feature = "fips")]
        return takes(bytes).then_some(Self(*bytes));
        #[cfg(not(feature = "fips"))]
        rustcrypto::Point::parse(bytes).map(|_| Self(*bytes))
    }

    /// Uncompressed SEC1.
    pub(in crate::crypto) fn as_bytes(&self) -> &[u8; 65] {
        &self.0
    }
}

/// Whether AWS-LC itself takes the bytes for a point.
#[cfg(any(test, feature = "fips"))]
pub(super) fn takes(bytes: &[u8; 65]) -> bool {
    agreement::ParsedPublicKey::try_from(agreement::UnparsedPublicKey::new(&ECDH_P256, bytes)).is_ok()
}

/// Keys that agree.
pub(in crate::crypto) type AgreeKey = Key<agreement::PrivateKey>;
/// Keys that sign.
pub(in crate::crypto) type SignKey = Key<EcdsaKeyPair>;

/// A private key: its scalar, and AWS-LC's object for it from the first use on. Making that object takes two
/// multiplications of the base point, so a key that was loaded and is not used does without.
pub struct Key<N: Native> {
    scalar: Secret<32>,
    native: OnceLock<N>,
}

/// What AWS-LC has for one purpose.
pub trait Native: Sized {
    /// From a scalar that is in range.
    fn import(scalar: &[u8; 32]) -> Option<Self>;
    /// The public half.
    fn public(&self) -> Option<[u8; 65]>;
}

impl<N: Native> PrivateKey for Key<N> {
    type Point = Point;

    fn parse(bytes: &[u8; 32]) -> Option<Self> {
        rustcrypto::scalar(bytes)?;
        let mut scalar = Secret::zeroed();
        scalar.as_mut_bytes().copy_from_slice(bytes);
        Some(Self { scalar, native: OnceLock::new() })
    }

    fn to_bytes(&self) -> Secret<32> {
        self.scalar.duplicate()
    }

    fn public(&self) -> Point {
        Point(self.native().public().unwrap_or_else(|| out_of_memory()))
    }

    fn duplicate(&self) -> Self {
        Self { scalar: self.scalar.duplicate(), native: OnceLock::new() }
    }
}

impl<N: Native> Key<N> {
    fn native(&self) -> &N {
        // A module with self-tests signs with what it imports.
        let import = || gate::inside(|| N::import(self.scalar.as_bytes()));
        self.native.get_or_init(|| import().unwrap_or_else(|| out_of_memory()))
    }
}

/// Nothing else makes AWS-LC refuse a scalar that is in range, and Rust has one answer to it everywhere.
fn out_of_memory() -> ! {
    handle_alloc_error(Layout::new::<[u8; 64]>())
}

impl Native for agreement::PrivateKey {
    fn import(scalar: &[u8; 32]) -> Option<Self> {
        Self::from_private_key(&ECDH_P256, scalar).ok()
    }

    fn public(&self) -> Option<[u8; 65]> {
        self.compute_public_key().ok()?.as_ref().try_into().ok()
    }
}

impl AgreeKey {
    /// The x-coordinate of the product; `None` if memory runs out.
    pub(in crate::crypto) fn agree(&self, public: &Point) -> Option<Secret<32>> {
        let public = agreement::UnparsedPublicKey::new(&ECDH_P256, public.as_bytes());
        agreement::agree(self.native(), public, (), |shared| Secret::from_slice(shared).map_err(drop)).ok()
    }
}

impl Native for EcdsaKeyPair {
    fn import(scalar: &[u8; 32]) -> Option<Self> {
        /// ECPrivateKey of RFC 5915: version 1, a scalar, and the name of the curve; no public key, which is
        /// computed anyway.
        const BEFORE: [u8; 7] = [0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20];
        const AFTER: [u8; 12] = [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
        let mut der = Zeroizing::new([0; BEFORE.len() + 32 + AFTER.len()]);
        let parts = BEFORE.iter().chain(scalar).chain(&AFTER);
        der.iter_mut().zip(parts).for_each(|(to, from)| *to = *from);
        Self::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_slice()).ok()
    }

    fn public(&self) -> Option<[u8; 65]> {
        self.public_key().as_ref().try_into().ok()
    }
}

impl SignKey {
    /// ECDSA with SHA-256, low-S. The nonce is AWS-LC's own if the source is the system, and otherwise that of RFC
    /// 6979 with the source's entropy; `None` if the source fails.
    pub(in crate::crypto) fn sign(&self, rng: &mut dyn Random, message: &Message<'_>) -> Option<[u8; 64]> {
        if !rng.is_system() {
            return rustcrypto::sign(&*rustcrypto::scalar(self.scalar.as_bytes())?, rng, message);
        }
        let (native, input) = (self.native(), input(message)?);
        #[cfg(feature = "fips")]
        let signature = gate::inside(|| native.sign(&SystemRandom::new(), &input)).ok()?;
        #[cfg(not(feature = "fips"))]
        let signature = gate::inside(|| native.sign_digest(&input)).ok()?;
        rustcrypto::normalise_s(signature.as_ref().try_into().ok()?)
    }
}

/// Whether the signature holds, high-S or not.
pub(in crate::crypto) fn verify(public: &Point, message: &Message<'_>, signature: &[u8; 64]) -> bool {
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public.as_bytes());
    let Some(input) = input(message) else { return false };
    #[cfg(feature = "fips")]
    return public.verify(&input, signature).is_ok();
    #[cfg(not(feature = "fips"))]
    public.verify_digest(&input, signature).is_ok()
}

/// A message as AWS-LC is given it: whole to the module, which has to hash it by itself, and else hashed, because that
/// takes no room.
#[cfg(feature = "fips")]
fn input(message: &Message<'_>) -> Option<Vec<u8>> {
    Some(message.to_vec())
}
#[cfg(not(feature = "fips"))]
fn input(message: &Message<'_>) -> Option<Digest> {
    Digest::import_less_safe(&message.digest(), &SHA256).ok()
}

/// Encrypts in place; `None` only for more than 64 GiB.
pub(in crate::crypto) fn aead_seal(
    key: &[u8; 32],
    nonce: &[u8; 12],
    aad: &[u8],
    buffer: &mut [u8],
) -> Option<[u8; 16]> {
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let tag = AeadKey::new(key).0.seal_in_place_separate_tag(nonce, Aad::from(aad), buffer).ok()?;
    tag.as_ref().try_into().ok()
}

/// Decrypts in place; on false, what the buffer holds is unspecified.
pub(in crate::crypto) fn aead_open(
    key: &[u8; 32],
    nonce: &[u8; 12],
    aad: &[u8],
    buffer: &mut [u8],
    tag: &[u8; 16],
) -> bool {
    let nonce = Nonce::assume_unique_for_key(*nonce);
    AeadKey::new(key).0.open_in_place_separate_tag(nonce, Aad::from(aad), tag, buffer).is_ok()
}

/// A key whose schedule is kept. AWS-LC holds it on its heap and wipes it when it goes.
pub(in crate::crypto) struct AeadKey(LessSafeKey);

impl AeadKey {
    pub(in crate::crypto) fn new(key: &[u8; 32]) -> Self {
        Self(UnboundKey::new(&AES_256_GCM, key).map_or_else(|_| out_of_memory(), LessSafeKey::new))
    }

    /// Encrypts from one place to another; `None` for more than 64 GiB, or places of different lengths.
    pub(in crate::crypto) fn seal(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Option<[u8; 16]> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut tag = [0; 16];
        self.0
            .seal_out_of_place_scatter(nonce, Aad::from(aad), plaintext, out, &[], &mut tag)
            .is_ok()
            .then_some(tag)
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
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.0.open_separate_gather(nonce, Aad::from(aad), ciphertext, tag, out).is_ok()
    }
}
