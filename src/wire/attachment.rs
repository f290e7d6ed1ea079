//! The layouts of an attachment's header and of the reference to it (`docs/PROTOCOL.md` sections 15.1 and 15.3).

use crate::error::{Error, Result};
use crate::limits::{ATTACHMENT_CHUNK_MAX, ATTACHMENT_CHUNK_MIN, ATTACHMENT_CHUNKS_MAX};
use crate::wire::codec::{Put, Reader};
use crate::wire::{Kind, PREFIX_LEN, expect_prefix, put_prefix};

/// Bytes of a header.
pub const HEADER_LEN: usize = PREFIX_LEN + 1 + COMMITMENT_LEN;
/// Bytes of a commitment.
pub const COMMITMENT_LEN: usize = 32;
/// Bytes of a file key.
pub const FILE_KEY_LEN: usize = 32;
/// Bytes of a digest.
pub const DIGEST_LEN: usize = 32;
/// Bytes of the longest reference: one with a digest.
pub const REFERENCE_MAX: usize = PREFIX_LEN + 1 + FILE_KEY_LEN + 8 + 1 + DIGEST_LEN;

/// How much plaintext a chunk holds: a power of two within the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkSize {
    bits: u8,
}

impl ChunkSize {
    /// From its logarithm, as it stands in a header; [`Error::Malformed`] outside the limits.
    pub fn from_bits(bits: u8) -> Result<Self> {
        let allowed = ATTACHMENT_CHUNK_MIN.ilog2()..=ATTACHMENT_CHUNK_MAX.ilog2();
        if allowed.contains(&u32::from(bits)) { Ok(Self { bits }) } else { Err(Error::Malformed) }
    }

    /// From a number of bytes; [`Error::InvalidArgument`] for another power or none.
    pub fn from_bytes(bytes: u64) -> Result<Self> {
        if !bytes.is_power_of_two() {
            return Err(Error::InvalidArgument);
        }
        let bits = u8::try_from(bytes.ilog2()).map_err(|_| Error::InvalidArgument)?;
        Self::from_bits(bits).map_err(|_| Error::InvalidArgument)
    }

    /// Its logarithm.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.bits
    }

    /// Bytes of plaintext.
    #[must_use]
    pub const fn bytes(self) -> usize {
        1 << self.bits
    }

    /// The largest attachment in chunks of this size.
    #[must_use]
    pub const fn size_max(self) -> u64 {
        (ATTACHMENT_CHUNKS_MAX as u64) << self.bits
    }
}

/// What an attachment begins with.
#[derive(Debug, Clone, Copy)]
pub struct Header<'a> {
    /// Of all chunks but the last.
    pub chunk_size: ChunkSize,
    /// To the file key.
    pub commitment: &'a [u8; COMMITMENT_LEN],
}

impl<'a> Header<'a> {
    /// Reads a header and nothing more.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        expect_prefix(&mut reader, Kind::Attachment)?;
        let header = Self { chunk_size: ChunkSize::from_bits(reader.u8()?)?, commitment: reader.array()? };
        reader.finish()?;
        Ok(header)
    }

    /// Writes what [`Header::parse`] reads.
    pub fn put(&self, out: &mut (impl Put + ?Sized)) {
        Self::put_shape(out, self.chunk_size);
        out.put(self.commitment);
    }

    /// Writes what comes before the commitment: what the commitment is made for.
    pub fn put_shape(out: &mut (impl Put + ?Sized), chunk_size: ChunkSize) {
        put_prefix(out, Kind::Attachment);
        out.put_u8(chunk_size.bits());
    }
}

/// What opens an attachment. No `Debug`: it holds a key.
#[derive(Clone, Copy)]
pub struct Reference<'a> {
    /// Of all chunks but the last.
    pub chunk_size: ChunkSize,
    /// The secret.
    pub file_key: &'a [u8; FILE_KEY_LEN],
    /// Bytes of plaintext.
    pub size: u64,
    /// Of the sealed object, if the sealer computed it.
    pub digest: Option<&'a [u8; DIGEST_LEN]>,
}

impl<'a> Reference<'a> {
    /// Reads a reference and nothing more.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        expect_prefix(&mut reader, Kind::AttachmentReference)?;
        let chunk_size = ChunkSize::from_bits(reader.u8()?)?;
        let file_key = reader.array()?;
        let size = reader.u64()?;
        let digest = match reader.bytes8(0..=DIGEST_LEN)? {
            [] => None,
            digest => Some(digest.try_into().map_err(|_| Error::Malformed)?),
        };
        reader.finish()?;
        if size > chunk_size.size_max() {
            return Err(Error::Malformed);
        }
        Ok(Self { chunk_size, file_key, size, digest })
    }

    /// Writes what [`Reference::parse`] reads.
    pub fn put(&self, out: &mut impl Put) -> Result<()> {
        put_prefix(out, Kind::AttachmentReference);
        out.put_u8(self.chunk_size.bits());
        out.put(self.file_key);
        out.put_u64(self.size);
        out.put_bytes8(self.digest.map_or(&[], |digest| &digest[..]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reference(size: u64, digest: Option<&[u8; 32]>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let chunk_size = ChunkSize::from_bits(16).unwrap();
        Reference { chunk_size, file_key: &[7; 32], size, digest }.put(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn what_is_written_reads_back() {
        for (size, digest) in [(0, None), (1 << 46, Some(&[9; 32]))] {
            let bytes = reference(size, digest);
            let read = Reference::parse(&bytes).unwrap();
            assert_eq!((read.size, read.digest, read.file_key), (size, digest, &[7; 32]));
            assert!(bytes.len() <= REFERENCE_MAX);
        }
        let (mut bytes, chunk_size) = (Vec::new(), ChunkSize::from_bytes(4096).unwrap());
        Header { chunk_size, commitment: &[3; 32] }.put(&mut bytes);
        let read = Header::parse(&bytes).unwrap();
        assert_eq!((read.chunk_size.bytes(), read.commitment, bytes.len()), (4096, &[3; 32], HEADER_LEN));
    }

    #[test]
    fn sizes_outside_the_limits_are_refused() {
        for bits in [0, 11, 21, 64, 255] {
            assert_eq!(ChunkSize::from_bits(bits), Err(Error::Malformed));
        }
        for bytes in [0, 1, 2_048, 4_097, 65_535, 1 << 21, u64::MAX] {
            assert_eq!(ChunkSize::from_bytes(bytes), Err(Error::InvalidArgument));
        }
        assert!(Reference::parse(&reference((1 << 46) + 1, None)).is_err());
    }

    #[test]
    fn a_digest_is_whole_or_absent() {
        let whole = reference(5, Some(&[9; 32]));
        let mut short = whole.clone();
        short[46] = 31;
        short.pop();
        assert_eq!(Reference::parse(&short).err(), Some(Error::Malformed));
        let mut longer = whole;
        longer.push(0);
        assert_eq!(Reference::parse(&longer).err(), Some(Error::Malformed));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = Header::parse(&bytes);
            let _ = Reference::parse(&bytes);
        }
    }
}
