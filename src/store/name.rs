//! What records are called, and the rows that they lie in.

use crate::crypto::Secret;
use crate::crypto::kdf::{self, Label};
use crate::error::{Error, Result};
use crate::limits::{NAME_MAX, STORE_PARTS_MAX};
use crate::wire::codec::{Put as _, Reader};

/// The name of a record: a kind, which the layer above chooses, and parts.
///
/// A name also stands for all names that continue it: that is how records are scanned. Whoever holds the file sees
/// kinds and numbers, how many parts a name has, and which names share their first parts; it does not see the
/// bytes of a part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    kind: u8,
    parts: Vec<Part>,
}

/// One part of a [`Name`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A number, visible in the file. A scan meets numbers in ascending order.
    Number(u64),
    /// A user id, a group id: at most 255 bytes, hidden. A scan meets them in an order of its own, always the same.
    Bytes(Box<[u8]>),
}

const NUMBER: u8 = 1;
const BYTES: u8 = 2;

/// Bytes that stand for a hidden part in the file: enough that no two parts of a store ever share them.
const PSEUDONYM_LEN: usize = 16;

impl Name {
    /// The name of a kind without parts.
    #[must_use]
    pub const fn new(kind: u8) -> Self {
        Self { kind, parts: Vec::new() }
    }

    /// Continued by a number.
    #[must_use]
    pub fn number(mut self, number: u64) -> Self {
        self.parts.push(Part::Number(number));
        self
    }

    /// Continued by bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.parts.push(Part::Bytes(bytes.as_ref().into()));
        self
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        self.kind
    }

    /// The parts.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The form inside a sealed record. No encoding of a name and its parts starts that of another, unless its
    /// name does. [`Error::TooLarge`] beyond the limits.
    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        let mut out = vec![self.kind];
        self.each_part(&mut out, |_, _| ())?;
        Ok(out)
    }

    /// The key of the row where a record of this name lies, and the start of the keys of all that continue it.
    pub(super) fn row(&self, key: &Secret<32>, space: u8) -> Result<Vec<u8>> {
        let mut row = vec![space, self.kind];
        self.each_part(&mut vec![self.kind], |part, encoded| match part {
            Part::Number(number) => {
                row.put_u8(NUMBER);
                row.put_u64(*number);
            }
            Part::Bytes(_) => {
                // Of the whole name so far: the same user in two places looks like two.
                let mut pseudonym = [0; PSEUDONYM_LEN];
                kdf::expand(key, Label::Store, encoded, &mut pseudonym);
                row.put_u8(BYTES);
                row.put(&pseudonym);
            }
        })?;
        Ok(row)
    }

    /// Encodes part by part; `visit` is given each with the encoding up to its end.
    fn each_part(&self, out: &mut Vec<u8>, mut visit: impl FnMut(&Part, &[u8])) -> Result<()> {
        if self.parts.len() > STORE_PARTS_MAX {
            return Err(Error::TooLarge);
        }
        for part in &self.parts {
            match part {
                Part::Number(number) => {
                    out.put_u8(NUMBER);
                    out.put_u64(*number);
                }
                Part::Bytes(bytes) => {
                    out.put_u8(BYTES);
                    out.put_bytes8(bytes)?;
                }
            }
            visit(part, out);
        }
        Ok(())
    }

    /// Reads what [`Name::encode`] wrote; anything else is [`Error::Malformed`].
    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let mut name = Self::new(reader.u8()?);
        while reader.remaining() > 0 {
            if name.parts.len() == STORE_PARTS_MAX {
                return Err(Error::Malformed);
            }
            name.parts.push(match reader.u8()? {
                NUMBER => Part::Number(reader.u64()?),
                BYTES => Part::Bytes(reader.bytes8(0..=NAME_MAX)?.into()),
                _ => return Err(Error::Malformed),
            });
        }
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<Name> {
        let group = Name::new(7).bytes(b"group");
        vec![
            Name::new(0),
            Name::new(7),
            Name::new(7).number(0),
            Name::new(7).number(u64::MAX).bytes(b""),
            group.clone(),
            group.clone().bytes(b"alice"),
            group.clone().number(1),
            group.bytes(b"alice").number(1),
            Name::new(7).bytes(b"groupalice"),
            Name::new(7).bytes([1; NAME_MAX]),
        ]
    }

    #[test]
    fn names_survive_their_encoding() {
        for name in names() {
            let bytes = name.encode().unwrap();
            assert_eq!(Name::decode(&bytes), Ok(name.clone()));
            assert_eq!(Name::decode(&[&bytes[..], &[0]].concat()), Err(Error::Malformed));
        }
        assert_eq!(Name::decode(b""), Err(Error::Malformed));
    }

    #[test]
    fn a_row_starts_another_exactly_if_its_name_does() {
        let key = Secret::new([3; 32]);
        for one in names() {
            for other in names() {
                let continues = one.kind == other.kind && other.parts.starts_with(&one.parts);
                let (row, longer) = (one.row(&key, 2).unwrap(), other.row(&key, 2).unwrap());
                assert_eq!(longer.starts_with(&row), continues, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn numbers_lie_in_their_order() {
        let key = Secret::new([3; 32]);
        let row = |number| Name::new(1).bytes(b"queue").number(number).row(&key, 2).unwrap();
        let numbers = [0, 1, 255, 256, 1 << 40, u64::MAX];
        assert!(numbers.map(row).is_sorted());
    }

    #[test]
    fn a_row_shows_no_byte_of_a_part_and_depends_on_the_key() {
        let name = Name::new(1).bytes(b"alice-in-wonderland");
        let rows = [3, 4].map(|key| name.row(&Secret::new([key; 32]), 2).unwrap());
        assert_ne!(rows[0], rows[1]);
        for row in rows {
            assert!(!row.windows(3).any(|bytes| b"alice-in-wonderland".windows(3).any(|part| part == bytes)));
        }
    }

    #[test]
    fn more_than_the_limits_is_too_large() {
        let long = Name::new(1).bytes([0; NAME_MAX + 1]);
        let mut deep = Name::new(1);
        for at in 0..=STORE_PARTS_MAX as u64 {
            deep = deep.number(at);
        }
        for name in [long, deep] {
            assert_eq!(name.encode(), Err(Error::TooLarge));
            assert_eq!(name.row(&Secret::new([3; 32]), 2), Err(Error::TooLarge));
        }
    }
}
