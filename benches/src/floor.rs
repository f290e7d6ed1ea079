//! The floor of a row: the primitives that its work cannot do without, called directly, in this process, from the
//! crates that the library uses. What a row takes beyond it is ours: copies, parsing, locks, bookkeeping.

use std::cell::Cell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut as _, Aes256Gcm, KeyInit as _};
use aws_lc_rs::agreement::{self, ECDH_P256};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, ParsedPublicKey,
    UnparsedPublicKey,
};
use aws_lc_rs::{aead, digest};
use hkdf::Hkdf;
use p256::ecdsa::signature::hazmat::{PrehashSigner as _, PrehashVerifier as _};
use p256::elliptic_curve::Generate as _;
use sha2::{Digest as _, Sha256};

/// Who computes on the curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// AWS-LC.
    AwsLc,
    /// The `p256` crate.
    RustCrypto,
}

/// The primitives, with keys.
pub struct Floor {
    backend: Backend,
    aead: Backend,
    aws: Aws,
    rust: Rust,
    turn: Cell<usize>,
}

struct Aws {
    private: agreement::PrivateKey,
    public: Vec<u8>,
    signing: EcdsaKeyPair,
    verifying: ParsedPublicKey,
    signed: Vec<([u8; 32], Vec<u8>)>,
}

struct Rust {
    secret: p256::SecretKey,
    public: p256::PublicKey,
    signing: p256::ecdsa::SigningKey,
    verifying: p256::ecdsa::VerifyingKey,
    signed: Vec<([u8; 32], p256::ecdsa::Signature)>,
}

/// What is signed.
const DIGEST: [u8; 32] = [3; 32];
/// Signatures that are checked in turn.
const SIGNED: usize = 256;
const KEY: [u8; 32] = [1; 32];
const NONCE: [u8; 12] = [2; 12];

fn digests() -> impl Iterator<Item = [u8; 32]> {
    (0..SIGNED).map(|at| Sha256::digest(at.to_be_bytes()).into())
}

/// A digest in the backend's type.
fn imported(digest: &[u8; 32]) -> digest::Digest {
    digest::Digest::import_less_safe(digest, &digest::SHA256).unwrap()
}

impl Floor {
    /// For a library with that backend. A short message is sealed with whichever is faster.
    #[must_use]
    pub fn new(backend: Backend) -> Self {
        let private = agreement::PrivateKey::generate(&ECDH_P256).unwrap();
        let signing = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let aws = Aws {
            public: private.compute_public_key().unwrap().as_ref().to_vec(),
            verifying: ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, signing.public_key().as_ref()).unwrap(),
            signed: digests()
                .map(|digest| (digest, signing.sign_digest(&imported(&digest)).unwrap().as_ref().to_vec()))
                .collect(),
            private,
            signing,
        };
        let secret = p256::SecretKey::generate();
        let signing = p256::ecdsa::SigningKey::from(&secret);
        let rust = Rust {
            public: secret.public_key(),
            verifying: *signing.verifying_key(),
            signed: digests().map(|digest| (digest, signing.sign_prehash(&digest).unwrap())).collect(),
            secret,
            signing,
        };
        let mut floor = Self { backend, aead: Backend::RustCrypto, aws, rust, turn: Cell::new(0) };
        let mut times = |aead| (0..5).map(|_| floor.seal_time(aead)).min();
        if times(Backend::AwsLc) < times(Backend::RustCrypto) {
            floor.aead = Backend::AwsLc;
        }
        floor
    }

    /// Who seals short messages here.
    #[must_use]
    pub fn aead_backend(&self) -> Backend {
        self.aead
    }

    fn seal_time(&mut self, aead: Backend) -> Duration {
        self.aead = aead;
        let start = Instant::now();
        for _ in 0..20_000 {
            self.seal(278, 150);
        }
        start.elapsed()
    }

    /// HKDF-Expand from a key, N bytes.
    #[inline]
    pub fn expand<const N: usize>(&self) {
        let mut out = [0; N];
        let hkdf = Hkdf::<Sha256>::from_prk(black_box(&KEY)).unwrap();
        hkdf.expand(black_box(b"\x0fsealwax chain/1"), &mut out).unwrap();
        black_box(out);
    }

    /// HKDF with its extraction.
    #[inline]
    pub fn derive(&self, ikm: usize) {
        let mut out = [0; 96];
        let hkdf = Hkdf::<Sha256>::new(Some(black_box(&KEY)), &[7; 256][..ikm]);
        hkdf.expand(black_box(b"\x11sealwax ratchet/1"), &mut out).unwrap();
        black_box(out);
    }

    /// SHA-256.
    #[inline]
    pub fn digest(bytes: usize) {
        black_box(Sha256::digest(&black_box([7; 1_024])[..bytes]));
    }

    /// AES-256-GCM under a key that was never used before.
    #[inline]
    pub fn seal(&self, bytes: usize, aad: usize) {
        let (mut buffer, header) = ([5; 512], [6; 512]);
        let (buffer, header) = (&mut buffer[..bytes], &header[..aad]);
        match self.aead {
            Backend::AwsLc => {
                let key = aead::UnboundKey::new(&aead::AES_256_GCM, black_box(&KEY)).unwrap();
                let nonce = aead::Nonce::assume_unique_for_key(NONCE);
                let key = aead::LessSafeKey::new(key);
                black_box(
                    key.seal_in_place_separate_tag(nonce, aead::Aad::from(header), buffer).unwrap().as_ref(),
                );
            }
            Backend::RustCrypto => {
                let cipher = Aes256Gcm::new(black_box(&KEY).into());
                black_box(cipher.encrypt_inout_detached(&NONCE.into(), header, buffer.into()).unwrap());
            }
        }
    }

    /// A private key, drawn, and its public one.
    #[inline]
    pub fn generate(&self) {
        match self.backend {
            Backend::AwsLc => {
                let private = agreement::PrivateKey::generate(&ECDH_P256).unwrap();
                black_box(private.compute_public_key().unwrap());
            }
            Backend::RustCrypto => {
                black_box(p256::SecretKey::generate().public_key());
            }
        }
    }

    /// ECDH with a public key that was not seen before.
    #[inline]
    pub fn agree(&self) {
        match self.backend {
            Backend::AwsLc => {
                let public = agreement::UnparsedPublicKey::new(&ECDH_P256, black_box(&self.aws.public));
                agreement::agree(&self.aws.private, public, (), |secret| {
                    black_box(secret);
                    Ok(())
                })
                .unwrap();
            }
            Backend::RustCrypto => {
                let rust = black_box(&self.rust);
                black_box(p256::ecdh::diffie_hellman(
                    rust.secret.to_nonzero_scalar(),
                    rust.public.as_affine(),
                ));
            }
        }
    }

    /// ECDSA.
    #[inline]
    pub fn sign(&self) {
        match self.backend {
            Backend::AwsLc => {
                black_box(self.aws.signing.sign_digest(&imported(black_box(&DIGEST))).unwrap());
            }
            Backend::RustCrypto => {
                let signature: p256::ecdsa::Signature =
                    self.rust.signing.sign_prehash(black_box(&DIGEST)).unwrap();
                black_box(signature);
            }
        }
    }

    /// Checks a signature under a key that was parsed before; another one each time, since the work depends on it and
    /// the processor would learn its course.
    #[inline]
    pub fn verify(&self) {
        let turn = self.next();
        match self.backend {
            Backend::AwsLc => {
                let (digest, signature) = &self.aws.signed[turn];
                self.aws.verifying.verify_digest_sig(&imported(digest), signature).unwrap();
            }
            Backend::RustCrypto => {
                let (digest, signature) = &self.rust.signed[turn];
                self.rust.verifying.verify_prehash(digest, signature).unwrap();
            }
        }
    }

    /// The same under a key that comes with it.
    #[inline]
    pub fn verify_new(&self) {
        match self.backend {
            Backend::AwsLc => {
                let (digest, signature) = &self.aws.signed[self.next()];
                let public = self.aws.signing.public_key().as_ref();
                let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, black_box(public));
                public.verify_digest(&imported(digest), signature).unwrap();
            }
            Backend::RustCrypto => self.verify(),
        }
    }

    fn next(&self) -> usize {
        self.turn.replace((self.turn.get() + 1) % SIGNED)
    }

    /// Randomness of its own.
    #[must_use]
    pub fn random_source(&self) -> RandomSource {
        RandomSource { pool: [0; 192], left: 0 }
    }
}

/// Random bytes out of a buffer that the system fills.
pub struct RandomSource {
    pool: [u8; 192],
    left: usize,
}

impl RandomSource {
    /// That many.
    #[inline]
    pub fn draw(&mut self, bytes: usize) {
        if self.left < bytes {
            getrandom::fill(&mut self.pool).unwrap();
            self.left = self.pool.len();
        }
        self.left -= bytes;
        black_box(&self.pool[self.left..self.left + bytes]);
    }
}

/// A key whose schedule is kept, and SHA-256: what the chunks of an attachment take.
pub enum Kept {
    /// AWS-LC.
    AwsLc(Box<aead::LessSafeKey>),
    /// The `aes-gcm` crate.
    RustCrypto(Box<Aes256Gcm>),
}

impl Kept {
    /// Of the library's backend.
    #[must_use]
    pub fn new(floor: &Floor) -> Self {
        match floor.backend {
            Backend::AwsLc => {
                let key = aead::UnboundKey::new(&aead::AES_256_GCM, &KEY).unwrap();
                Self::AwsLc(Box::new(aead::LessSafeKey::new(key)))
            }
            Backend::RustCrypto => Self::RustCrypto(Box::new(Aes256Gcm::new(&KEY.into()))),
        }
    }

    /// AES-256-GCM from one place to another.
    #[inline]
    pub fn seal(&self, plaintext: &[u8], out: &mut [u8]) {
        match self {
            Self::AwsLc(key) => {
                let nonce = aead::Nonce::assume_unique_for_key(NONCE);
                let mut tag = [0; 16];
                key.seal_out_of_place_scatter(nonce, aead::Aad::empty(), plaintext, out, &[], &mut tag)
                    .unwrap();
                black_box(tag);
            }
            Self::RustCrypto(key) => {
                let buffer = InOutBuf::new(plaintext, out).unwrap();
                black_box(key.encrypt_inout_detached(&NONCE.into(), &[], buffer).unwrap());
            }
        }
    }

    /// SHA-256.
    #[inline]
    pub fn digest(&self, bytes: &[u8]) {
        black_box(Sha256::digest(bytes));
    }
}
