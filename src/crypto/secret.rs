//! Bytes that are wiped when they go.

use core::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::crypto::rng::Random;
use crate::error::{Error, Result};

/// `N` secret bytes.
///
/// They live on the heap, so that moving the value, or growing a collection of them, leaves no copy behind, and
/// they are wiped on drop. There is no `Clone`, no `PartialEq` and no printing: a copy is a [`duplicate`], a
/// comparison is [`ct_eq`].
///
/// [`duplicate`]: Secret::duplicate
/// [`ct_eq`]: Secret::ct_eq
pub struct Secret<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Secret<N> {
    /// All zeros, to be filled through [`Secret::as_mut_bytes`].
    #[must_use]
    pub fn zeroed() -> Self {
        Self(Box::new([0; N]))
    }

    /// Takes the bytes. The caller's own copy, if it keeps one, stays the caller's to wipe.
    #[must_use]
    pub fn new(mut bytes: [u8; N]) -> Self {
        let mut secret = Self::zeroed();
        secret.0.copy_from_slice(&bytes);
        bytes.as_mut_slice().zeroize();
        secret
    }

    /// Copies exactly `N` bytes; [`Error::InvalidArgument`] for any other length.
    pub fn from_slice(bytes: &[u8]) -> Result<Self> {
        if bytes.len() != N {
            return Err(Error::InvalidArgument);
        }
        let mut secret = Self::zeroed();
        secret.0.copy_from_slice(bytes);
        Ok(secret)
    }

    /// Fresh random bytes.
    pub fn random(rng: &mut dyn Random) -> Result<Self> {
        let mut secret = Self::zeroed();
        rng.fill(&mut secret.0[..])?;
        Ok(secret)
    }

    /// A second copy, named so that it is seen.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        let mut copy = Self::zeroed();
        copy.0.copy_from_slice(&self.0[..]);
        copy
    }

    /// A copy of the `M` bytes from `AT` on: how the output of one derivation becomes several keys.
    /// Bounds are checked by the compiler.
    #[must_use]
    pub fn part<const AT: usize, const M: usize>(&self) -> Secret<M> {
        const { assert!(AT <= N && M <= N - AT) };
        let mut part = Secret::zeroed();
        for (to, from) in part.0.iter_mut().zip(self.0.iter().skip(AT)) {
            *to = *from;
        }
        part
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; N] {
        &self.0
    }

    /// The bytes, to be written in place.
    #[must_use]
    pub fn as_mut_bytes(&mut self) -> &mut [u8; N] {
        &mut self.0
    }

    /// Whether both are equal, in time that does not depend on where they differ.
    #[must_use]
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.0[..].ct_eq(&other.0[..]).into()
    }
}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").finish_non_exhaustive()
    }
}

impl<const N: usize> Zeroize for Secret<N> {
    fn zeroize(&mut self) {
        // As a slice: at once, where an array goes byte by byte.
        self.0.as_mut_slice().zeroize();
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl<const N: usize> ZeroizeOnDrop for Secret<N> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_shows_no_byte() {
        assert_eq!(format!("{:?}", Secret::new([0xab; 32])), "Secret { .. }");
    }

    #[test]
    fn another_length_is_refused() {
        for length in [0, 31, 33] {
            assert_eq!(Secret::<32>::from_slice(&vec![1; length]).unwrap_err(), Error::InvalidArgument);
        }
        assert_eq!(Secret::<32>::from_slice(&[1; 32]).unwrap().as_bytes(), &[1; 32]);
    }

    #[test]
    fn comparison_sees_every_byte() {
        let secret = Secret::new([7; 32]);
        assert!(secret.ct_eq(&secret.duplicate()));
        for at in 0..32 {
            let mut other = secret.duplicate();
            other.as_mut_bytes()[at] ^= 1;
            assert!(!secret.ct_eq(&other));
        }
    }

    #[test]
    fn parts_are_the_bytes_at_their_place() {
        let secret = Secret::new(core::array::from_fn::<u8, 96, _>(|i| i as u8));
        let (first, last) = (secret.part::<0, 32>(), secret.part::<64, 32>());
        assert_eq!(first.as_bytes()[..], secret.as_bytes()[..32]);
        assert_eq!(last.as_bytes()[..], secret.as_bytes()[64..]);
    }

    #[test]
    fn dropping_runs_a_wipe_that_leaves_zeros() {
        assert!(core::mem::needs_drop::<Secret<32>>());
        let mut secret = Secret::new([9; 32]);
        secret.zeroize();
        assert_eq!(secret.as_bytes(), &[0; 32]);
    }
}
