//! What a message seals, and how its length is hidden (`docs/PROTOCOL.md` section 6).

use core::fmt;
use core::ops::Range;

use crate::error::{Error, Result};
use crate::limits::MESSAGE_MAX;
use crate::wire::codec::{Put, Reader};

/// Bytes of a message id.
pub const MESSAGE_ID_LEN: usize = 16;
/// Bytes of a content with an empty body and no padding.
pub const CONTENT_MIN: usize = 1 + MESSAGE_ID_LEN + 4;

/// What a content is for. Whether it may stand in a session or in a group, section 6 says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ContentKind {
    /// A payload of the application: [`Data`].
    Data = 1,
    /// A sender key, from its owner.
    Distribution = 2,
    /// A retired sender key, shared on purpose.
    History = 3,
    /// Asks for a sender key; of the client engine.
    KeyRequest = 4,
    /// Says that a sender key is withheld; of the client engine.
    Withheld = 5,
    /// Says that messages were delivered or read; of the client engine.
    Ack = 6,
    /// Says that a sender key was installed; of the client engine.
    Installed = 7,
    /// Tells of a group; of the client engine.
    Invitation = 8,
    /// Asks for what could not be opened; of the client engine.
    Resend = 9,
}

impl ContentKind {
    /// Whether a session message may carry it.
    #[must_use]
    pub const fn in_sessions(self) -> bool {
        true
    }

    /// Whether a group message may carry it.
    #[must_use]
    pub const fn in_groups(self) -> bool {
        matches!(self, Self::Data)
    }
}

impl TryFrom<u8> for ContentKind {
    type Error = Error;

    /// [`Error::WrongKind`] for a kind of a later version.
    fn try_from(byte: u8) -> Result<Self> {
        Ok(match byte {
            1 => Self::Data,
            2 => Self::Distribution,
            3 => Self::History,
            4 => Self::KeyRequest,
            5 => Self::Withheld,
            6 => Self::Ack,
            7 => Self::Installed,
            8 => Self::Invitation,
            9 => Self::Resend,
            _ => return Err(Error::WrongKind),
        })
    }
}

/// What a message seals, without its padding.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Content<'a> {
    /// What the body is.
    pub kind: ContentKind,
    /// Random; names the message to people and engines.
    pub message_id: &'a [u8; MESSAGE_ID_LEN],
    /// As its kind says.
    pub body: &'a [u8],
}

/// Shows no body.
impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("kind", &self.kind)
            .field("message_id", self.message_id)
            .field("body_len", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl<'a> Content<'a> {
    /// Reads an opened content. [`Error::Malformed`] also for padding other than zeros.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(bytes);
        let kind = reader.u8()?;
        let message_id = reader.array()?;
        let body = reader.bytes32(0..=usize::MAX)?;
        if reader.take(reader.remaining())?.iter().fold(0, |any, byte| any | byte) != 0 {
            return Err(Error::Malformed);
        }
        Ok(Self { kind: ContentKind::try_from(kind)?, message_id, body })
    }
}

/// How the length of a content is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Padding {
    /// Not at all.
    #[default]
    None,
    /// Padmé: at most 12 % more, less for longer ones; leaks O(log log) bits of the length.
    Padme,
}

impl Padding {
    /// The length that a content of `length` bytes gets.
    #[must_use]
    pub const fn padded(self, length: usize) -> usize {
        match self {
            Self::None => length,
            Self::Padme => padme(length),
        }
    }
}

const fn padme(length: usize) -> usize {
    if length < 2 {
        return length;
    }
    let exponent = length.ilog2();
    let mantissa_bits = exponent.ilog2() + 1;
    // Of the lengths with this exponent, those remain that need no more mantissa bits than the exponent has.
    let mask = (1_usize << exponent.saturating_sub(mantissa_bits)) - 1;
    length.saturating_add(mask) & !mask
}

/// Bytes of the content of a body of `body_len` bytes, padded.
#[must_use]
pub const fn content_len(body_len: usize, padding: Padding) -> usize {
    padding.padded(CONTENT_MIN.saturating_add(body_len))
}

/// Writes a content of `total` bytes ([`content_len`]) with a body of several parts, then its padding.
/// [`Error::TooLarge`] if the body does not fit into `total`.
pub fn put_content(
    out: &mut (impl Put + ?Sized),
    kind: ContentKind,
    message_id: &[u8; MESSAGE_ID_LEN],
    body: &[&[u8]],
    total: usize,
) -> Result<()> {
    const ZEROS: [u8; 256] = [0; 256];
    let body_len = body.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
    let length = u32::try_from(body_len).map_err(|_| Error::TooLarge)?;
    let mut padding = total.checked_sub(CONTENT_MIN.saturating_add(body_len)).ok_or(Error::TooLarge)?;
    out.put_u8(kind as u8);
    out.put(message_id);
    out.put_u32(length);
    for part in body {
        out.put(part);
    }
    while let Some(zeros) = ZEROS.get(..padding.min(ZEROS.len())).filter(|zeros| !zeros.is_empty()) {
        out.put(zeros);
        padding -= zeros.len();
    }
    Ok(())
}

/// Bytes of a [`Data`] before its payload.
pub const DATA_TYPE_LEN: usize = 1;

/// What the payload of [`Data`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum ContentType {
    /// Any bytes.
    #[default]
    Binary = 0,
    /// UTF-8.
    Text = 1,
}

/// The body of [`ContentKind::Data`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Data<'a> {
    /// What the payload is.
    pub content_type: ContentType,
    /// What the application sent.
    pub payload: &'a [u8],
}

/// Shows no payload.
impl fmt::Debug for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Data")
            .field("content_type", &self.content_type)
            .field("payload_len", &self.payload.len())
            .finish_non_exhaustive()
    }
}

impl<'a> Data<'a> {
    /// Reads a body. [`Error::WrongKind`] for a content type of a later version; [`Error::Malformed`] for a
    /// payload over its limit, or text that is not UTF-8.
    pub fn parse(body: &'a [u8]) -> Result<Self> {
        let (&content_type, payload) = body.split_first().ok_or(Error::Malformed)?;
        let content_type = match content_type {
            0 => ContentType::Binary,
            1 => ContentType::Text,
            _ => return Err(Error::WrongKind),
        };
        let text_is_valid = content_type != ContentType::Text || core::str::from_utf8(payload).is_ok();
        if payload.len() > MESSAGE_MAX || !text_is_valid {
            return Err(Error::Malformed);
        }
        Ok(Self { content_type, payload })
    }

    /// Where the payload of a body lies that was read and stands at this place.
    #[must_use]
    pub fn payload_within(body: Range<usize>) -> Range<usize> {
        body.start.saturating_add(DATA_TYPE_LEN)..body.end
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn padme_is_the_published_function() {
        let padded = |length| Padding::Padme.padded(length);
        for (length, expected) in
            [(0, 0), (1, 1), (2, 2), (3, 3), (9, 10), (21, 22), (100, 104), (1_000, 1_024)]
        {
            assert_eq!(padded(length), expected, "{length}");
        }
        assert_eq!(padded(1_048_598), 1_081_344);
        assert_eq!(padded(usize::MAX), usize::MAX & !((1 << 57) - 1));
    }

    #[test]
    fn bytes_of_padding_do_not_cancel_each_other_out() {
        let mut bytes = Vec::new();
        put_content(&mut bytes, ContentKind::Data, &[7; 16], &[b"\0hello"], 40).unwrap();
        bytes[37..39].copy_from_slice(&[1, 1]);
        assert_eq!(Content::parse(&bytes).unwrap_err(), Error::Malformed);
    }

    #[test]
    fn padding_other_than_zero_is_refused() {
        let mut bytes = Vec::new();
        put_content(&mut bytes, ContentKind::Data, &[7; 16], &[b"\0hello"], 40).unwrap();
        assert_eq!(bytes.len(), 40);
        assert_eq!(Content::parse(&bytes).unwrap().body, b"\0hello");
        for at in 27..40 {
            let mut other = bytes.clone();
            other[at] = 1;
            assert_eq!(Content::parse(&other), Err(Error::Malformed));
        }
    }

    #[test]
    fn a_kind_of_a_later_version_is_told_from_a_malformed_one() {
        let mut bytes = vec![10; 17];
        bytes.extend([0, 0, 0, 0]);
        assert_eq!(Content::parse(&bytes), Err(Error::WrongKind));
        bytes[20] = 1;
        assert_eq!(Content::parse(&bytes), Err(Error::Malformed));
        assert_eq!(Data::parse(&[2]), Err(Error::WrongKind));
        assert_eq!(Data::parse(&[]), Err(Error::Malformed));
        assert_eq!(Data::parse(&[1, 0xff]), Err(Error::Malformed));
    }

    #[test]
    fn a_body_longer_than_the_total_is_refused() {
        let mut out = Vec::new();
        assert_eq!(
            put_content(&mut out, ContentKind::Data, &[0; 16], &[b"ab", b"c"], CONTENT_MIN + 2),
            Err(Error::TooLarge)
        );
        assert!(out.is_empty());
    }

    proptest! {
        #[test]
        fn padded_lengths_are_few_and_grow_little(length in 21_usize..2_000_000) {
            let padded = Padding::Padme.padded(length);
            prop_assert!(padded >= length && padded - length <= length / 8);
            prop_assert_eq!(Padding::Padme.padded(padded), padded);
        }

        #[test]
        fn a_content_reads_back(
            kind in (1..=9_u8).prop_map(|byte| ContentKind::try_from(byte).unwrap()),
            message_id in any::<[u8; 16]>(),
            body in prop::collection::vec(any::<u8>(), 0..600),
            cut in 0..600_usize,
            padme in any::<bool>(),
        ) {
            let padding = if padme { Padding::Padme } else { Padding::None };
            let total = content_len(body.len(), padding);
            let (first, second) = body.split_at(cut.min(body.len()));
            let mut bytes = Vec::new();
            put_content(&mut bytes, kind, &message_id, &[first, second], total).unwrap();
            prop_assert_eq!(bytes.len(), total);
            prop_assert_eq!(Content::parse(&bytes), Ok(Content { kind, message_id: &message_id, body: &body }));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(content) = Content::parse(&bytes) {
                let mut again = Vec::new();
                put_content(&mut again, content.kind, content.message_id, &[content.body], bytes.len()).unwrap();
                prop_assert_eq!(again, bytes);
            }
        }
    }
}
