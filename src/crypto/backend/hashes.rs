//! SHA-256, HMAC and HKDF in pure Rust: those of every build but that of the FIPS module.

use hkdf::{Hkdf, HkdfExtract};
use hmac::KeyInit as _;
use hmac::block_api::HmacCore;
use hmac::digest::block_api::{Buffer, FixedOutputCore as _, UpdateCore as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroize as _;

use crate::crypto::secret::Secret;

/// SHA-256, in pieces.
#[derive(Clone)]
pub(in crate::crypto) struct Hash(Sha256);

impl Hash {
    pub(in crate::crypto) fn new() -> Self {
        Self(Sha256::new())
    }

    pub(in crate::crypto) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(in crate::crypto) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// HMAC of the concatenated `parts` under a key of any length.
pub(in crate::crypto) fn hmac(key: &[u8], parts: &[&[u8]]) -> Secret<32> {
    // Hashing a long key and padding a short one is all that the extraction of HKDF adds, so it is the same function.
    let mut context = HkdfExtract::<Sha256>::new(Some(key));
    for part in parts {
        context.input_ikm(part);
    }
    let (mut output, _) = context.finalize();
    let mut secret = Secret::zeroed();
    secret.as_mut_bytes().copy_from_slice(&output);
    output.zeroize();
    secret
}

/// HKDF of the concatenated `ikm` and the concatenated `info`; `None` for more than it gives.
pub(in crate::crypto) fn extract_expand(
    salt: &[u8],
    ikm: &[&[u8]],
    info: &[&[u8]],
    out: &mut [u8],
) -> Option<()> {
    let mut context = HkdfExtract::<Sha256>::new(Some(salt));
    for part in ikm {
        context.input_ikm(part);
    }
    let (mut prk, hkdf) = context.finalize();
    prk.zeroize();
    hkdf.expand_multi_info(info, out).ok()
}

/// The second half of HKDF; `None` for more than it gives.
pub(in crate::crypto) fn expand(prk: &Secret<32>, info: &[&[u8]], out: &mut [u8]) -> Option<()> {
    Hkdf::<Sha256>::from_prk(prk.as_bytes()).ok()?.expand_multi_info(info, out).ok()
}

/// [`expand`] into keys one after another, at most 255.
///
/// The state under the key is made once and the buffer once, where `hkdf` makes and wipes a buffer for each output,
/// which is a fifth of its time for infos this short.
pub(in crate::crypto) fn expand_keys<const N: usize>(
    prk: &Secret<32>,
    [head, tail]: [&[u8]; 2],
    out: [&mut [u8; 32]; N],
) {
    let Ok(keyed) = HmacCore::<Sha256>::new_from_slice(prk.as_bytes()) else {
        unreachable!("HMAC takes keys of any length")
    };
    let mut buffer = Buffer::<HmacCore<Sha256>>::default();
    let mut before: &[u8] = &[];
    for (number, key) in (1_u8..).zip(out) {
        let mut hmac = keyed.clone();
        for part in [before, head, tail, &[number]] {
            buffer.digest_blocks(part, |blocks| hmac.update_blocks(blocks));
        }
        hmac.finalize_fixed_core(&mut buffer, key.into());
        buffer.reset();
        before = key;
    }
}
