//! AES-256-GCM with 12-byte nonces and 16-byte tags, nothing shorter.

use zeroize::Zeroize as _;

use crate::crypto::backend;
use crate::crypto::secret::Secret;
use crate::crypto::stack;
use crate::error::{Error, Result};

pub use crate::crypto::rng::NONCE_LEN;

/// Bytes of a key.
pub const KEY_LEN: usize = 32;
/// Bytes of a tag.
pub const TAG_LEN: usize = 16;

/// Encrypts `buffer` in place and returns its tag, which also covers `aad`.
///
/// A nonce must not meet the same key twice. [`Error::TooLarge`] above 64 GiB.
pub fn seal(
    key: &Secret<KEY_LEN>,
    nonce: &[u8; NONCE_LEN],
    aad: &[u8],
    buffer: &mut [u8],
) -> Result<[u8; TAG_LEN]> {
    stack::used(stack::SYMMETRIC);
    backend::aead_seal(key.as_bytes(), nonce, aad, buffer).ok_or(Error::TooLarge)
}

/// Decrypts `buffer` in place if `tag` holds for it and for `aad`; otherwise wipes it and answers
/// [`Error::AuthenticationFailed`].
pub fn open(
    key: &Secret<KEY_LEN>,
    nonce: &[u8; NONCE_LEN],
    aad: &[u8],
    buffer: &mut [u8],
    tag: &[u8; TAG_LEN],
) -> Result<()> {
    stack::used(stack::SYMMETRIC);
    if backend::aead_open(key.as_bytes(), nonce, aad, buffer, tag) {
        Ok(())
    } else {
        buffer.zeroize();
        Err(Error::AuthenticationFailed)
    }
}

/// A key that seals and opens many times, from one place to another. With AWS-LC, its schedule is computed once.
pub struct Key(backend::AeadKey);

impl Key {
    /// Takes the key.
    #[must_use]
    pub fn new(key: &Secret<KEY_LEN>) -> Self {
        stack::used(stack::SYMMETRIC);
        Self(backend::AeadKey::new(key.as_bytes()))
    }

    /// Encrypts `plaintext` to `out`, which is as long, and returns the tag, which also covers `aad`.
    ///
    /// A nonce must not meet the same key twice. [`Error::TooLarge`] above 64 GiB.
    pub fn seal(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut [u8],
    ) -> Result<[u8; TAG_LEN]> {
        stack::used(stack::SYMMETRIC);
        self.0.seal(nonce, aad, plaintext, out).ok_or(Error::TooLarge)
    }

    /// Decrypts `ciphertext` to `out`, which is as long, if `tag` holds for it and for `aad`; otherwise wipes `out`
    /// and answers [`Error::AuthenticationFailed`].
    pub fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        ciphertext: &[u8],
        tag: &[u8; TAG_LEN],
        out: &mut [u8],
    ) -> Result<()> {
        stack::used(stack::SYMMETRIC);
        if self.0.open(nonce, aad, ciphertext, tag, out) {
            Ok(())
        } else {
            out.zeroize();
            Err(Error::AuthenticationFailed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> (Secret<32>, [u8; 12], Vec<u8>, [u8; 16]) {
        let (key, nonce, mut buffer) = (Secret::new([1; 32]), [2; 12], b"plaintext".to_vec());
        let tag = seal(&key, &nonce, b"header", &mut buffer).unwrap();
        (key, nonce, buffer, tag)
    }

    #[test]
    fn what_is_sealed_opens() {
        let (key, nonce, mut buffer, tag) = sealed();
        assert_ne!(buffer, b"plaintext");
        open(&key, &nonce, b"header", &mut buffer, &tag).unwrap();
        assert_eq!(buffer, b"plaintext");
    }

    #[test]
    fn any_change_is_refused_and_wipes_the_buffer() {
        let (key, nonce, buffer, tag) = sealed();
        let refuse = |key: &Secret<32>, nonce: [u8; 12], aad: &[u8], mut buffer: Vec<u8>, tag: [u8; 16]| {
            assert_eq!(open(key, &nonce, aad, &mut buffer, &tag), Err(Error::AuthenticationFailed));
            assert!(buffer.iter().all(|byte| *byte == 0));
        };
        for at in 0..16 {
            let mut other = tag;
            other[at] ^= 0x80;
            refuse(&key, nonce, b"header", buffer.clone(), other);
        }
        for at in 0..buffer.len() {
            let mut other = buffer.clone();
            other[at] ^= 1;
            refuse(&key, nonce, b"header", other, tag);
        }
        refuse(&key, nonce, b"Header", buffer.clone(), tag);
        refuse(&key, [3; 12], b"header", buffer.clone(), tag);
        refuse(&Secret::new([0; 32]), nonce, b"header", buffer, tag);
    }

    #[test]
    fn a_kept_key_gives_what_a_single_use_gives() {
        let (key, nonce, buffer, tag) = sealed();
        let kept = Key::new(&key);
        let (mut out, mut back) = ([0xee; 9], [0xee; 9]);
        assert_eq!(kept.seal(&nonce, b"header", b"plaintext", &mut out), Ok(tag));
        assert_eq!(out[..], buffer[..]);
        kept.open(&nonce, b"header", &out, &tag, &mut back).unwrap();
        assert_eq!(&back, b"plaintext");
    }

    #[test]
    fn a_kept_key_refuses_changes_and_wipes_the_output() {
        let (key, nonce, mut buffer, tag) = sealed();
        buffer[3] ^= 1;
        let mut out = [0xee; 9];
        let refused = Key::new(&key).open(&nonce, b"header", &buffer, &tag, &mut out);
        assert_eq!((refused, out), (Err(Error::AuthenticationFailed), [0; 9]));
        let mut short = [0xee; 8];
        assert!(Key::new(&key).seal(&nonce, b"header", b"plaintext", &mut short).is_err());
    }
}
