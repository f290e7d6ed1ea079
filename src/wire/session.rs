//! Session messages (`docs/PROTOCOL.md` section 5.4).
//!
//! A message is a [`Front`], a [`Header`] in the clear or sealed, and a ciphertext. Each part writes itself, so that an
//! encryption puts all of it into the caller's buffer, in place, once:
//! [`Front::put`], the header, [`put_ciphertext_len`], the content, its tag.

use crate::error::{Error, Result};
use crate::wire::codec::{Put, Reader};
use crate::wire::envelope::{CIPHERTEXT_MIN, KEY_LEN, NONCE_LEN, TAG_LEN, check_size, read_user};
use crate::wire::{Kind, PREFIX_LEN, put_prefix, read_prefix};

/// Bytes of a [`RatchetHeader`].
pub const RATCHET_HEADER_LEN: usize = KEY_LEN + 4 + 4;
/// Bytes of a sealed [`RatchetHeader`], with its tag.
pub const SEALED_HEADER_LEN: usize = RATCHET_HEADER_LEN + TAG_LEN;

const HIDDEN_HEADER: u8 = 1;

/// A parsed session message. Nothing in it is authenticated yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionMessage<'a> {
    /// Everything before the ratchet header.
    pub front: Front<'a>,
    /// The ratchet header.
    pub header: Header<'a>,
    /// Content and tag.
    pub ciphertext: &'a [u8],
    /// The bytes of `front`: what the seal of a hidden header covers.
    pub before_header: &'a [u8],
    /// Every byte before `ciphertext`, its length included: what its seal covers.
    pub aad: &'a [u8],
}

impl<'a> SessionMessage<'a> {
    /// Parses a whole envelope of kind 0x01 or 0x02.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        check_size(bytes)?;
        let mut reader = Reader::new(bytes);
        let front = Front::read(&mut reader)?;
        let before_header = bytes.get(..reader.position()).ok_or(Error::Internal)?;
        let header = if front.hidden_header {
            Header::Hidden { nonce: reader.array()?, sealed: reader.array()? }
        } else {
            Header::Plain(RatchetHeader::read(&mut reader)?)
        };
        let ciphertext = reader.bytes32(CIPHERTEXT_MIN..=usize::MAX)?;
        let aad = bytes.get(..reader.position() - ciphertext.len()).ok_or(Error::Internal)?;
        reader.finish()?;
        Ok(Self { front, header, ciphertext, before_header, aad })
    }

    /// Bytes of the content that the ciphertext holds, padding included.
    #[must_use]
    pub fn content_len(&self) -> usize {
        self.ciphertext.len().saturating_sub(TAG_LEN)
    }

    /// Writes the bytes that it was parsed from.
    pub fn put(&self, out: &mut (impl Put + ?Sized)) -> Result<()> {
        self.front.put(out)?;
        self.header.put(out);
        out.put_bytes32(self.ciphertext)
    }
}

/// The public fields of a session message, up to its ratchet header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Front<'a> {
    /// Whether the ratchet header is sealed.
    pub hidden_header: bool,
    /// Who says to have sent it.
    pub sender: &'a str,
    /// Whom it is for.
    pub recipient: &'a str,
    /// Of the inner session.
    pub key_id: &'a [u8; 8],
    /// The sender's clock.
    pub timestamp_ms: u64,
    /// Of the ciphertext.
    pub nonce: &'a [u8; NONCE_LEN],
    /// In a message of kind 0x02.
    pub handshake: Option<Handshake<'a>>,
}

impl<'a> Front<'a> {
    /// [`Kind::SessionFirst`] with a handshake, else [`Kind::Session`].
    #[must_use]
    pub const fn kind(&self) -> Kind {
        if self.handshake.is_some() { Kind::SessionFirst } else { Kind::Session }
    }

    /// Bytes that [`Front::put`] writes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let handshake = self.handshake.as_ref().map_or(0, Handshake::encoded_len);
        PREFIX_LEN + 1 + 1 + self.sender.len() + 1 + self.recipient.len() + 8 + 8 + NONCE_LEN + handshake
    }

    /// Bytes of the whole envelope with a content of `content_len` bytes.
    #[must_use]
    pub fn envelope_len(&self, content_len: usize) -> usize {
        let header = if self.hidden_header { NONCE_LEN + SEALED_HEADER_LEN } else { RATCHET_HEADER_LEN };
        (self.encoded_len() + header + 4 + TAG_LEN).saturating_add(content_len)
    }

    /// Writes the fields.
    pub fn put(&self, out: &mut (impl Put + ?Sized)) -> Result<()> {
        put_prefix(out, self.kind());
        out.put_u8(if self.hidden_header { HIDDEN_HEADER } else { 0 });
        out.put_bytes8(self.sender.as_bytes())?;
        out.put_bytes8(self.recipient.as_bytes())?;
        out.put(self.key_id);
        out.put_u64(self.timestamp_ms);
        out.put(self.nonce);
        self.handshake.as_ref().map_or(Ok(()), |handshake| handshake.put(out))
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self> {
        let first = match read_prefix(reader)? {
            Kind::Session => false,
            Kind::SessionFirst => true,
            Kind::Group
            | Kind::RosterEntry
            | Kind::Card
            | Kind::Prekeys
            | Kind::Sealed
            | Kind::Attachment
            | Kind::AttachmentReference
            | Kind::Frame => {
                return Err(Error::WrongKind);
            }
        };
        let hidden_header = match reader.u8()? {
            0 => false,
            HIDDEN_HEADER => true,
            _ => return Err(Error::Malformed),
        };
        Ok(Self {
            hidden_header,
            sender: read_user(reader)?,
            recipient: read_user(reader)?,
            key_id: reader.array()?,
            timestamp_ms: reader.u64()?,
            nonce: reader.array()?,
            handshake: if first { Some(Handshake::read(reader)?) } else { None },
        })
    }
}

/// What a first message tells of its handshake (section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handshake<'a> {
    /// Of the initiator, not checked yet.
    pub card: &'a [u8],
    /// When the handshake was made, by the initiator's clock.
    pub created_ms: u64,
    /// The initiator's ephemeral key, not checked yet.
    pub ephemeral: &'a [u8; KEY_LEN],
    /// The responder's prekeys that it used; none in the plain flow.
    pub prekeys: Option<PrekeyIds>,
}

/// The prekeys of a handshake. A one-time prekey never comes alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrekeyIds {
    /// Of the signed prekey.
    pub signed: u32,
    /// Of the one-time prekey.
    pub one_time: Option<u32>,
}

impl<'a> Handshake<'a> {
    /// Of the signed prekey, if there is one.
    #[must_use]
    pub fn signed_id(&self) -> Option<u32> {
        self.prekeys.map(|ids| ids.signed)
    }

    /// Of the one-time prekey, if there is one.
    #[must_use]
    pub fn one_time_id(&self) -> Option<u32> {
        self.prekeys.and_then(|ids| ids.one_time)
    }

    /// Bytes that [`Handshake::put`] writes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let ids = 4 * (usize::from(self.signed_id().is_some()) + usize::from(self.one_time_id().is_some()));
        2 + self.card.len() + 8 + KEY_LEN + 1 + 1 + ids + 2
    }

    /// Writes the block.
    pub fn put(&self, out: &mut (impl Put + ?Sized)) -> Result<()> {
        out.put_bytes16(self.card)?;
        out.put_u64(self.created_ms);
        out.put(self.ephemeral);
        put_optional(out, self.signed_id());
        put_optional(out, self.one_time_id());
        out.put_bytes16(&[])
    }

    /// Reads the block.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self> {
        let card = reader.bytes16(1..=usize::from(u16::MAX))?;
        let created_ms = reader.u64()?;
        let ephemeral = reader.array()?;
        let prekeys = match (read_optional(reader)?, read_optional(reader)?) {
            (Some(signed), one_time) => Some(PrekeyIds { signed, one_time }),
            (None, None) => None,
            (None, Some(_)) => return Err(Error::Malformed),
        };
        // The extension belongs to later suites.
        reader.bytes16(0..=0)?;
        Ok(Self { card, created_ms, ephemeral, prekeys })
    }
}

fn put_optional(out: &mut (impl Put + ?Sized), id: Option<u32>) {
    out.put_u8(u8::from(id.is_some()));
    if let Some(id) = id {
        out.put_u32(id);
    }
}

fn read_optional(reader: &mut Reader<'_>) -> Result<Option<u32>> {
    match reader.u8()? {
        0 => Ok(None),
        1 => reader.u32().map(Some),
        _ => Err(Error::Malformed),
    }
}

/// The ratchet header as it travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header<'a> {
    /// In the clear, covered by the seal of the content.
    Plain(RatchetHeader<'a>),
    /// Sealed under a header key.
    Hidden {
        /// Of the seal.
        nonce: &'a [u8; NONCE_LEN],
        /// A [`RatchetHeader`] and its tag.
        sealed: &'a [u8; SEALED_HEADER_LEN],
    },
}

impl Header<'_> {
    /// Writes it.
    pub fn put(&self, out: &mut (impl Put + ?Sized)) {
        match self {
            Self::Plain(header) => header.put(out),
            Self::Hidden { nonce, sealed } => {
                out.put(*nonce);
                out.put(*sealed);
            }
        }
    }
}

/// Where a message stands in its double ratchet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RatchetHeader<'a> {
    /// The sender's ratchet key, not checked yet.
    pub ratchet_key: &'a [u8; KEY_LEN],
    /// Messages of the sender's previous sending chain.
    pub previous_count: u32,
    /// Number of the message in its chain.
    pub counter: u32,
}

impl<'a> RatchetHeader<'a> {
    /// Reads an opened header.
    pub fn parse(bytes: &'a [u8; RATCHET_HEADER_LEN]) -> Result<Self> {
        Self::read(&mut Reader::new(bytes))
    }

    /// Writes it.
    pub fn put(&self, out: &mut (impl Put + ?Sized)) {
        out.put(self.ratchet_key);
        out.put_u32(self.previous_count);
        out.put_u32(self.counter);
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self> {
        Ok(Self { ratchet_key: reader.array()?, previous_count: reader.u32()?, counter: reader.u32()? })
    }
}

/// Writes the length of the ciphertext of a content of `content_len` bytes: the last bytes before the content.
pub fn put_ciphertext_len(out: &mut (impl Put + ?Sized), content_len: usize) -> Result<()> {
    let length = content_len.checked_add(TAG_LEN).and_then(|length| u32::try_from(length).ok());
    out.put_u32(length.ok_or(Error::TooLarge)?);
    Ok(())
}
