//! Layouts of `docs/PROTOCOL.md`, byte by byte. No keys here.
//!
//! Every object starts with the same five bytes (section 2.1): version, draft, suite, kind.

pub mod attachment;
pub mod card;
pub mod client;
pub mod codec;
pub mod content;
pub mod envelope;
pub mod frame;
pub mod group;
pub mod name;
pub mod prekeys;
pub mod recent;
pub mod roster;
pub mod session;

use crate::error::{Error, Result};
use codec::{Put, Reader};

/// The version of the protocol.
pub const PROTOCOL_VERSION: u8 = 1;
/// Until release 0.1.0, layouts of one version may change, and each change counts this up; from then on it is 0.
pub const DRAFT: u8 = 1;
/// P-256, HKDF-SHA-256, AES-256-GCM, ECDSA-SHA-256.
pub const SUITE: u16 = 0x0001;
/// Bytes before the fields of an object: version, draft, suite, kind.
pub const PREFIX_LEN: usize = 5;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A session message.
    Session = 0x01,
    /// A session message that also carries the handshake.
    SessionFirst = 0x02,
    /// A group message.
    Group = 0x05,
    /// An entry of a roster.
    RosterEntry = 0x06,
    /// A card.
    Card = 0x20,
    /// A bundle of prekeys.
    Prekeys = 0x21,
    /// State at rest.
    Sealed = 0x40,
    /// An attachment.
    Attachment = 0x50,
    /// What opens an attachment.
    AttachmentReference = 0x51,
    /// A frame between a client and a relay.
    Frame = 0x60,
}

impl TryFrom<u8> for Kind {
    type Error = Error;

    fn try_from(byte: u8) -> Result<Self> {
        Ok(match byte {
            0x01 => Self::Session,
            0x02 => Self::SessionFirst,
            0x05 => Self::Group,
            0x06 => Self::RosterEntry,
            0x20 => Self::Card,
            0x21 => Self::Prekeys,
            0x40 => Self::Sealed,
            0x50 => Self::Attachment,
            0x51 => Self::AttachmentReference,
            0x60 => Self::Frame,
            _ => return Err(Error::Malformed),
        })
    }
}

/// Writes the five bytes that start an object of this kind.
pub fn put_prefix(out: &mut (impl Put + ?Sized), kind: Kind) {
    out.put_u8(PROTOCOL_VERSION);
    out.put_u8(DRAFT);
    out.put_u16(SUITE);
    out.put_u8(kind as u8);
}

/// Reads the five bytes that start every object.
///
/// [`Error::UnsupportedVersion`] for another version or draft, [`Error::UnsupportedSuite`] for another suite,
/// [`Error::Malformed`] for an unknown kind.
pub fn read_prefix(reader: &mut Reader<'_>) -> Result<Kind> {
    let [version, draft, suite @ .., kind] = *reader.array::<PREFIX_LEN>()?;
    if version != PROTOCOL_VERSION || draft != DRAFT {
        return Err(Error::UnsupportedVersion);
    }
    if u16::from_be_bytes(suite) != SUITE {
        return Err(Error::UnsupportedSuite);
    }
    Kind::try_from(kind)
}

/// [`read_prefix`] where one kind is expected; [`Error::WrongKind`] for any other.
pub fn expect_prefix(reader: &mut Reader<'_>, kind: Kind) -> Result<()> {
    if read_prefix(reader)? == kind { Ok(()) } else { Err(Error::WrongKind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back() {
        let mut known = 0;
        for byte in 0..=u8::MAX {
            let prefix = [1, 1, 0, 1, byte];
            match read_prefix(&mut Reader::new(&prefix)) {
                Ok(kind) => {
                    let mut written = Vec::new();
                    put_prefix(&mut written, kind);
                    assert_eq!(written, prefix);
                    known += 1;
                }
                Err(error) => assert_eq!(error, Error::Malformed),
            }
        }
        assert_eq!(known, 10);
    }

    #[test]
    fn foreign_versions_drafts_and_suites_are_told_apart() {
        let read = |bytes: &[u8]| read_prefix(&mut Reader::new(bytes));
        assert_eq!(read(&[2, 1, 0, 1, 1]), Err(Error::UnsupportedVersion));
        assert_eq!(read(&[1, 0, 0, 1, 1]), Err(Error::UnsupportedVersion));
        assert_eq!(read(&[1, 1, 0, 2, 1]), Err(Error::UnsupportedSuite));
        assert_eq!(read(&[1, 1, 1, 1, 1]), Err(Error::UnsupportedSuite));
        assert_eq!(read(&[1, 1, 0, 1]), Err(Error::Malformed));
    }

    #[test]
    fn another_kind_than_expected_is_named_so() {
        let prefix = [1, 1, 0, 1, 0x20];
        assert_eq!(expect_prefix(&mut Reader::new(&prefix), Kind::Card), Ok(()));
        assert_eq!(expect_prefix(&mut Reader::new(&prefix), Kind::Prekeys), Err(Error::WrongKind));
    }
}
