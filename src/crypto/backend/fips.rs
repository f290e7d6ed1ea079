//! What a FIPS build takes from the module beyond the curve and the AEAD: SHA-256, HMAC, HKDF and randomness.
//!
//! HKDF is taken in its two halves, HMAC and the expansion, both of them approved services. In one call, `aws-lc-rs`
//! would leave a copy of the salt on the heap, and the salt of a ratchet's turn is its root key.

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand;
use zeroize::Zeroizing;

use super::gate;
use crate::crypto::secret::Secret;

/// Whether the AWS-LC that was linked says of itself that it is the module, in its mode.
pub(in crate::crypto) fn is_module() -> bool {
    aws_lc_rs::try_fips_mode().is_ok()
}

/// SHA-256, in pieces.
#[derive(Clone)]
pub(in crate::crypto) struct Hash(Context);

impl Hash {
    pub(in crate::crypto) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    pub(in crate::crypto) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(in crate::crypto) fn finish(self) -> [u8; 32] {
        let digest = self.0.finish();
        let Ok(bytes) = digest.as_ref().try_into() else { unreachable!("SHA-256 gives 32 bytes") };
        bytes
    }
}

/// HMAC of the concatenated `parts` under a key of any length.
pub(in crate::crypto) fn hmac(key: &[u8], parts: &[&[u8]]) -> Secret<32> {
    // In one piece, because what signs pieces leaves a copy of the tag, which may be a key, on the stack.
    let message = Zeroizing::new(parts.concat());
    let mut tag = Secret::zeroed();
    let key = hmac::Key::new(HMAC_SHA256, key);
    if hmac::sign_to_buffer(&key, &message, tag.as_mut_bytes()).is_err() {
        unreachable!("HMAC-SHA-256 gives 32 bytes")
    }
    tag
}

/// HKDF of the concatenated `ikm` and the concatenated `info`; `None` for more than it gives.
pub(in crate::crypto) fn extract_expand(
    salt: &[u8],
    ikm: &[&[u8]],
    info: &[&[u8]],
    out: &mut [u8],
) -> Option<()> {
    expand(&hmac(salt, ikm), info, out)
}

/// The second half of HKDF; `None` for more than it gives.
pub(in crate::crypto) fn expand(prk: &Secret<32>, info: &[&[u8]], out: &mut [u8]) -> Option<()> {
    let prk = Prk::new_less_safe(HKDF_SHA256, prk.as_bytes());
    prk.expand(info, Length(out.len())).ok()?.fill(out).ok()
}

/// [`expand`] into keys one after another, at most 255.
pub(in crate::crypto) fn expand_keys<const N: usize>(
    prk: &Secret<32>,
    info: [&[u8]; 2],
    out: [&mut [u8; 32]; N],
) {
    let mut keys = Zeroizing::new([[0; 32]; N]);
    if expand(prk, &info, keys.as_flattened_mut()).is_none() {
        unreachable!("255 keys are the most that HKDF gives");
    }
    for (to, from) in out.into_iter().zip(keys.iter()) {
        *to = *from;
    }
}

/// How much to expand.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// Bytes of the module's that are drawn at once.
const DRAW: usize = 512;

/// Adds the randomness of the module's generator to what the system gave, so that neither alone has to be trusted,
/// and two copies of a running machine, which have the same generator, still part. `None` if the generator fails.
///
/// Section 4 of SP 800-133, revision 2, allows it: a key is the exclusive or of an approved generator's output and of a value that
/// was made independently of it.
pub(in crate::crypto) fn stir(out: &mut [u8]) -> Option<()> {
    let mut drawn = Zeroizing::new([0; DRAW]);
    for chunk in out.chunks_mut(DRAW) {
        let drawn = drawn.get_mut(..chunk.len())?;
        gate::inside(|| rand::fill(drawn)).ok()?;
        chunk.iter_mut().zip(drawn).for_each(|(to, from)| *to ^= *from);
    }
    Some(())
}
