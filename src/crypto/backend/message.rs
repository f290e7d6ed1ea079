//! What is signed.

use super::Hash;

/// Pieces whose concatenation is signed. ECDSA signs its SHA-256; whether the backend or the signing itself computes
/// that is the backend's affair: a FIPS module counts a signature as its service only if it hashed the message too.
pub(in crate::crypto) struct Message<'a> {
    head: [&'a [u8]; 2],
    tail: &'a [&'a [u8]],
}

impl<'a> Message<'a> {
    pub(in crate::crypto) fn new(head: [&'a [u8]; 2], tail: &'a [&'a [u8]]) -> Self {
        Self { head, tail }
    }

    fn pieces(&self) -> impl Iterator<Item = &'a [u8]> {
        self.head.into_iter().chain(self.tail.iter().copied())
    }

    /// Its hash.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut hash = Hash::new();
        self.pieces().for_each(|piece| hash.update(piece));
        hash.finish()
    }

    /// All of it in one piece.
    #[cfg(feature = "fips")]
    pub(super) fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.pieces().map(<[u8]>::len).sum());
        self.pieces().for_each(|piece| bytes.extend_from_slice(piece));
        bytes
    }
}
