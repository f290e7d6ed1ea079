//! The TLS presentation language (RFC 8446 section 3), read and written.
//!
//! Not `tls_codec`, because its derive owns what it reads and knows no bounds per field: this reader borrows, each
//! vector states its exact bounds, and one writer serves buffers, a caller's slice and hashers alike.

use core::fmt;
use core::ops::RangeInclusive;

use zeroize::{Zeroize as _, Zeroizing};

use crate::error::{Error, Result};

/// Reads from the front of a slice. Whatever does not fit is [`Error::Malformed`].
#[derive(Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
}

/// What is read may be a secret.
impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (position, remaining) = (self.position(), self.remaining());
        f.debug_struct("Reader")
            .field("position", &position)
            .field("remaining", &remaining)
            .finish_non_exhaustive()
    }
}

impl<'a> Reader<'a> {
    /// Reads all of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, length: bytes.len() }
    }

    /// Bytes read so far.
    #[must_use]
    pub fn position(&self) -> usize {
        self.length - self.rest.len()
    }

    /// Bytes not read yet.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(Error::Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<&'a [u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Error::Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A `uint8`.
    pub fn u8(&mut self) -> Result<u8> {
        self.array().copied().map(u8::from_be_bytes)
    }

    /// A `uint16`.
    pub fn u16(&mut self) -> Result<u16> {
        self.array().copied().map(u16::from_be_bytes)
    }

    /// A `uint32`.
    pub fn u32(&mut self) -> Result<u32> {
        self.array().copied().map(u32::from_be_bytes)
    }

    /// A `uint64`.
    pub fn u64(&mut self) -> Result<u64> {
        self.array().copied().map(u64::from_be_bytes)
    }

    /// A vector after one length byte, of a length within `bounds`.
    pub fn bytes8(&mut self, bounds: RangeInclusive<usize>) -> Result<&'a [u8]> {
        let length = usize::from(self.u8()?);
        self.bounded(length, &bounds)
    }

    /// A vector after two length bytes, of a length within `bounds`.
    pub fn bytes16(&mut self, bounds: RangeInclusive<usize>) -> Result<&'a [u8]> {
        let length = usize::from(self.u16()?);
        self.bounded(length, &bounds)
    }

    /// A vector after four length bytes, of a length within `bounds`.
    pub fn bytes32(&mut self, bounds: RangeInclusive<usize>) -> Result<&'a [u8]> {
        let length = usize::try_from(self.u32()?).map_err(|_| Error::Malformed)?;
        self.bounded(length, &bounds)
    }

    fn bounded(&mut self, length: usize, bounds: &RangeInclusive<usize>) -> Result<&'a [u8]> {
        if bounds.contains(&length) { self.take(length) } else { Err(Error::Malformed) }
    }

    /// Ends the reading: bytes left over are [`Error::Malformed`].
    pub fn finish(self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(Error::Malformed) }
    }
}

/// Somewhere to write: a buffer, a caller's slice, a hash.
pub trait Put {
    /// Bytes as they are.
    fn put(&mut self, bytes: &[u8]);

    /// A `uint8`.
    fn put_u8(&mut self, value: u8) {
        self.put(&value.to_be_bytes());
    }

    /// A `uint16`.
    fn put_u16(&mut self, value: u16) {
        self.put(&value.to_be_bytes());
    }

    /// A `uint32`.
    fn put_u32(&mut self, value: u32) {
        self.put(&value.to_be_bytes());
    }

    /// A `uint64`.
    fn put_u64(&mut self, value: u64) {
        self.put(&value.to_be_bytes());
    }

    /// A vector after one length byte; [`Error::TooLarge`], and nothing written, where that cannot say its length.
    fn put_bytes8(&mut self, bytes: &[u8]) -> Result<()> {
        self.put_u8(u8::try_from(bytes.len()).map_err(|_| Error::TooLarge)?);
        self.put(bytes);
        Ok(())
    }

    /// A vector after two length bytes; [`Error::TooLarge`], and nothing written, where they cannot say its length.
    fn put_bytes16(&mut self, bytes: &[u8]) -> Result<()> {
        self.put_u16(u16::try_from(bytes.len()).map_err(|_| Error::TooLarge)?);
        self.put(bytes);
        Ok(())
    }

    /// A vector after four length bytes; [`Error::TooLarge`], and nothing written, where they cannot say its length.
    fn put_bytes32(&mut self, bytes: &[u8]) -> Result<()> {
        self.put_u32(u32::try_from(bytes.len()).map_err(|_| Error::TooLarge)?);
        self.put(bytes);
        Ok(())
    }
}

impl Put for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// For secrets: growing moves to a new buffer and wipes the old one. Reserve what is known to save the moves.
impl Put for Zeroizing<Vec<u8>> {
    fn put(&mut self, bytes: &[u8]) {
        let needed = self.len().saturating_add(bytes.len());
        if needed > self.capacity() {
            let mut larger = Vec::with_capacity(needed.max(self.capacity().saturating_mul(2)));
            larger.extend_from_slice(self);
            self.zeroize();
            **self = larger;
        }
        self.extend_from_slice(bytes);
    }
}

/// Writes into a caller's slice. Too small a slice shows at [`SliceWriter::finish`], once for all writes.
pub struct SliceWriter<'a> {
    out: &'a mut [u8],
    position: usize,
    overflow: bool,
}

/// What is written may be a secret.
impl fmt::Debug for SliceWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SliceWriter").field("position", &self.position).finish_non_exhaustive()
    }
}

impl<'a> SliceWriter<'a> {
    /// Writes from the start of `out`.
    #[must_use]
    pub fn new(out: &'a mut [u8]) -> Self {
        Self { out, position: 0, overflow: false }
    }

    /// Bytes written so far.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// The bytes written so far: a seal over them can follow them.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        self.out.get(..self.position).unwrap_or_default()
    }

    /// Ends the writing with the number of bytes written. [`Error::Internal`] if any write did not fit, because
    /// capacity is computed before anything is written.
    pub fn finish(self) -> Result<usize> {
        if self.overflow { Err(Error::Internal) } else { Ok(self.position) }
    }
}

impl Put for SliceWriter<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let end = self.position.saturating_add(bytes.len());
        match self.out.get_mut(self.position..end) {
            Some(place) if !self.overflow => {
                place.copy_from_slice(bytes);
                self.position = end;
            }
            _ => self.overflow = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One field of any object.
    #[derive(Debug, Clone)]
    enum Field {
        U8(u8),
        U16(u16),
        U32(u32),
        U64(u64),
        Bytes8(Vec<u8>),
        Bytes16(Vec<u8>),
        Bytes32(Vec<u8>),
        Raw([u8; 7]),
    }

    impl Field {
        fn put(&self, out: &mut dyn Put) {
            match self {
                Self::U8(value) => out.put_u8(*value),
                Self::U16(value) => out.put_u16(*value),
                Self::U32(value) => out.put_u32(*value),
                Self::U64(value) => out.put_u64(*value),
                Self::Bytes8(bytes) => out.put_bytes8(bytes).unwrap(),
                Self::Bytes16(bytes) => out.put_bytes16(bytes).unwrap(),
                Self::Bytes32(bytes) => out.put_bytes32(bytes).unwrap(),
                Self::Raw(bytes) => out.put(bytes),
            }
        }

        /// Reads a field of the same shape; whether it holds the same value.
        fn reads_back(&self, reader: &mut Reader<'_>) -> Result<bool> {
            Ok(match self {
                Self::U8(value) => reader.u8()? == *value,
                Self::U16(value) => reader.u16()? == *value,
                Self::U32(value) => reader.u32()? == *value,
                Self::U64(value) => reader.u64()? == *value,
                Self::Bytes8(bytes) => reader.bytes8(0..=255)? == bytes,
                Self::Bytes16(bytes) => reader.bytes16(0..=400)? == bytes,
                Self::Bytes32(bytes) => reader.bytes32(0..=400)? == bytes,
                Self::Raw(bytes) => reader.array()? == bytes,
            })
        }
    }

    fn field() -> impl Strategy<Value = Field> {
        prop_oneof![
            any::<u8>().prop_map(Field::U8),
            any::<u16>().prop_map(Field::U16),
            any::<u32>().prop_map(Field::U32),
            any::<u64>().prop_map(Field::U64),
            prop::collection::vec(any::<u8>(), 0..=255).prop_map(Field::Bytes8),
            prop::collection::vec(any::<u8>(), 0..=400).prop_map(Field::Bytes16),
            prop::collection::vec(any::<u8>(), 0..=400).prop_map(Field::Bytes32),
            any::<[u8; 7]>().prop_map(Field::Raw),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(fields in prop::collection::vec(field(), 0..12)) {
            let mut bytes = Vec::new();
            fields.iter().for_each(|field| field.put(&mut bytes));
            let mut reader = Reader::new(&bytes);
            for field in &fields {
                prop_assert!(field.reads_back(&mut reader).unwrap());
            }
            prop_assert_eq!(reader.position(), bytes.len());
            prop_assert!(reader.finish().is_ok());
        }

        #[test]
        fn all_writers_write_the_same(fields in prop::collection::vec(field(), 0..12)) {
            let (mut plain, mut wiped) = (Vec::new(), Zeroizing::new(Vec::new()));
            fields.iter().for_each(|field| field.put(&mut plain));
            fields.iter().for_each(|field| field.put(&mut wiped));
            prop_assert_eq!(&plain, &*wiped);

            let mut slice = vec![0; plain.len()];
            let mut writer = SliceWriter::new(&mut slice);
            fields.iter().for_each(|field| field.put(&mut writer));
            prop_assert_eq!(writer.finish(), Ok(plain.len()));
            prop_assert_eq!(plain, slice);
        }

        #[test]
        fn any_bytes_are_read_without_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..600),
            shape in prop::collection::vec(field(), 0..12),
        ) {
            let mut reader = Reader::new(&bytes);
            for field in &shape {
                let before = reader.position();
                if field.reads_back(&mut reader).is_err() {
                    prop_assert!(reader.position() - before <= 4, "a refused vector takes its length at most");
                }
                prop_assert_eq!(reader.position() + reader.remaining(), bytes.len());
            }
        }
    }

    #[test]
    fn a_truncated_field_is_malformed() {
        assert_eq!(Reader::new(&[]).u8(), Err(Error::Malformed));
        assert_eq!(Reader::new(&[1]).u16(), Err(Error::Malformed));
        assert_eq!(Reader::new(&[1, 2, 3]).u32(), Err(Error::Malformed));
        assert_eq!(Reader::new(&[0; 7]).u64(), Err(Error::Malformed));
        assert_eq!(Reader::new(&[2, 0]).bytes8(0..=255), Err(Error::Malformed));
        assert_eq!(Reader::new(&[0xff; 4]).bytes32(0..=usize::MAX), Err(Error::Malformed));
        assert_eq!(Reader::new(&[0; 3]).take(usize::MAX), Err(Error::Malformed));
    }

    #[test]
    fn a_length_outside_its_bounds_is_malformed() {
        for (length, accepted) in [(1, false), (2, true), (3, true), (4, false)] {
            let bytes = [&[0, length], [0; 4].get(..usize::from(length)).unwrap()].concat();
            assert_eq!(Reader::new(&bytes).bytes16(2..=3).is_ok(), accepted);
        }
    }

    #[test]
    fn bytes_left_over_are_malformed() {
        let mut reader = Reader::new(&[1, 2]);
        reader.u8().unwrap();
        assert_eq!(reader.clone().finish(), Err(Error::Malformed));
        reader.u8().unwrap();
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn a_vector_that_its_length_cannot_say_is_too_large() {
        let mut out = Vec::new();
        assert_eq!(out.put_bytes8(&[0; 256]), Err(Error::TooLarge));
        assert_eq!(out.put_bytes16(&[0; 65_536]), Err(Error::TooLarge));
        assert!(out.is_empty());
    }

    #[test]
    fn a_slice_too_small_is_reported_even_if_later_writes_fit() {
        let mut out = [0; 3];
        let mut writer = SliceWriter::new(&mut out);
        writer.put_u16(0x0102);
        writer.put_u16(0x0304);
        writer.put_u8(5);
        assert_eq!(writer.position(), 2);
        assert_eq!(writer.finish(), Err(Error::Internal));
        assert_eq!(out, [1, 2, 0]);
    }
}
