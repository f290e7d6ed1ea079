//! Which bytes lie where: everything about an attachment that follows from its size.

use crate::crypto::aead::{NONCE_LEN, TAG_LEN};
use crate::error::{Error, Result};
use crate::wire::attachment::{ChunkSize, HEADER_LEN};

/// Bytes by which a chunk grows: its nonce and its tag.
pub const OVERHEAD: usize = NONCE_LEN + TAG_LEN;

/// The size of an attachment and of its chunks (`docs/PROTOCOL.md` section 15.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    size: u64,
    chunk_size: ChunkSize,
    chunks: u32,
}

impl Layout {
    /// [`Error::TooLarge`] above 2^30 chunks.
    pub fn new(size: u64, chunk_size: ChunkSize) -> Result<Self> {
        if size > chunk_size.size_max() {
            return Err(Error::TooLarge);
        }
        let chunks = size.div_ceil(chunk_size.bytes() as u64).max(1);
        Ok(Self { size, chunk_size, chunks: u32::try_from(chunks).map_err(|_| Error::TooLarge)? })
    }

    /// Bytes of plaintext.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Of every chunk but the last.
    #[must_use]
    pub fn chunk_size(&self) -> ChunkSize {
        self.chunk_size
    }

    /// At least 1.
    #[must_use]
    pub fn chunks(&self) -> u32 {
        self.chunks
    }

    /// Bytes of the sealed object, header included.
    #[must_use]
    pub fn sealed_size(&self) -> u64 {
        HEADER_LEN as u64 + self.body_size()
    }

    /// Bytes of all sealed chunks.
    pub(super) fn body_size(&self) -> u64 {
        self.size + u64::from(self.chunks) * OVERHEAD as u64
    }

    /// Bytes of plaintext before a chunk, or of all for an index past the end.
    pub(super) fn plaintext_before(&self, index: u32) -> u64 {
        (u64::from(index) << self.chunk_size.bits()).min(self.size)
    }

    /// Bytes of plaintext in a chunk; `None` past the end.
    #[must_use]
    pub fn plaintext_len(&self, index: u32) -> Option<usize> {
        let after = self.plaintext_before(index.checked_add(1)?);
        (index < self.chunks).then_some((after - self.plaintext_before(index)) as usize)
    }

    /// Whether this is the chunk that ends the attachment.
    pub(super) fn is_last(&self, index: u32) -> bool {
        index + 1 == self.chunks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_has_its_chunks() {
        let chunk_size = ChunkSize::from_bytes(4096).unwrap();
        for (size, chunks, last) in
            [(0, 1, 0), (1, 1, 1), (4095, 1, 4095), (4096, 1, 4096), (4097, 2, 1), (8192, 2, 4096)]
        {
            let layout = Layout::new(size, chunk_size).unwrap();
            assert_eq!(layout.chunks(), chunks);
            assert_eq!(layout.plaintext_len(chunks - 1), Some(last));
            assert_eq!(layout.plaintext_len(chunks), None);
            assert_eq!(layout.sealed_size(), 38 + size + 28 * u64::from(chunks));
        }
    }

    #[test]
    fn the_largest_attachment_has_two_to_the_30_chunks() {
        let chunk_size = ChunkSize::from_bytes(65_536).unwrap();
        assert_eq!(Layout::new(1 << 46, chunk_size).unwrap().chunks(), 1 << 30);
        assert_eq!(Layout::new((1 << 46) + 1, chunk_size), Err(Error::TooLarge));
        assert_eq!(Layout::new(u64::MAX, chunk_size), Err(Error::TooLarge));
    }
}
