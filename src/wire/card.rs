//! The layout of a card (`docs/PROTOCOL.md` section 3.1). Nothing is verified here.

use crate::error::{Error, Result};
use crate::wire::codec::{Put, Reader};
use crate::wire::{Kind, expect_prefix, name, put_prefix};

/// Flag: the owner takes no handshake without a signed prekey.
pub const PREKEYS_REQUIRED: u8 = 0x01;

/// The signed fields of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardFields<'a> {
    /// Whose card it is.
    pub user: &'a str,
    /// SEC1 bytes, not yet known to be a point.
    pub sign_key: &'a [u8; 65],
    /// SEC1 bytes, not yet known to be a point.
    pub agree_key: &'a [u8; 65],
    /// [`PREKEYS_REQUIRED`] or 0.
    pub flags: u8,
    /// When it was made.
    pub created_ms: u64,
}

impl<'a> CardFields<'a> {
    /// Reads the fields that the signature covers, extension included.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self> {
        expect_prefix(reader, Kind::Card)?;
        let fields = Self {
            user: name::read_user(reader)?,
            sign_key: reader.array()?,
            agree_key: reader.array()?,
            flags: reader.u8()?,
            created_ms: reader.u64()?,
        };
        if fields.flags & !PREKEYS_REQUIRED != 0 {
            return Err(Error::Malformed);
        }
        reader.bytes16(0..=0)?;
        Ok(fields)
    }

    /// Writes what [`CardFields::read`] reads; [`Error::TooLarge`] for a user id that is too long.
    pub fn put(&self, out: &mut impl Put) -> Result<()> {
        put_prefix(out, Kind::Card);
        out.put_bytes8(self.user.as_bytes())?;
        out.put(self.sign_key);
        out.put(self.agree_key);
        out.put_u8(self.flags);
        out.put_u64(self.created_ms);
        out.put_bytes16(&[])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(user: &str) -> CardFields<'_> {
        CardFields { user, sign_key: &[1; 65], agree_key: &[2; 65], flags: 1, created_ms: 3 }
    }

    #[test]
    fn fields_read_back_and_leave_the_signature() {
        let mut bytes = Vec::new();
        fields("alice").put(&mut bytes).unwrap();
        bytes.extend([9; 64]);
        let mut reader = Reader::new(&bytes);
        assert_eq!(CardFields::read(&mut reader), Ok(fields("alice")));
        assert_eq!(reader.remaining(), 64);
    }

    #[test]
    fn unknown_flags_and_extensions_are_malformed() {
        let mut bytes = Vec::new();
        fields("a").put(&mut bytes).unwrap();
        let flags = bytes.len() - 2 - 8 - 1;
        for flag in 1..8 {
            let mut other = bytes.clone();
            other[flags] |= 1 << flag;
            assert_eq!(CardFields::read(&mut Reader::new(&other)), Err(Error::Malformed));
        }
        let at = bytes.len() - 1;
        bytes[at] = 1;
        bytes.push(0);
        assert_eq!(CardFields::read(&mut Reader::new(&bytes)), Err(Error::Malformed));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            let after_prefix = [&[1, 1, 0, 1, 0x20], &bytes[..]].concat();
            let _ = CardFields::read(&mut Reader::new(&bytes));
            let _ = CardFields::read(&mut Reader::new(&after_prefix));
        }
    }
}
