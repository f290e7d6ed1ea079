//! Group messages (`docs/PROTOCOL.md` section 8.2).
//!
//! A message is a [`Front`], a ciphertext and a signature. An encryption puts all of it into the caller's buffer, in
//! place, once: [`Front::put`], [`put_ciphertext_len`], the content, its tag, the signature.
//!
//! [`put_ciphertext_len`]: crate::wire::session::put_ciphertext_len

use crate::error::{Error, Result};
use crate::wire::codec::{Put, Reader};
use crate::wire::envelope::{CIPHERTEXT_MIN, NONCE_LEN, TAG_LEN, check_size, read_user};
use crate::wire::{Kind, PREFIX_LEN, expect_prefix, put_prefix};

/// Bytes of a signature.
pub const SIGNATURE_LEN: usize = 64;
/// Bytes of a link.
pub const LINK_LEN: usize = 16;

const RESUMED: u8 = 1;

/// A parsed group message. Nothing in it is authenticated yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupMessage<'a> {
    /// Everything before the ciphertext.
    pub front: Front<'a>,
    /// Content and tag.
    pub ciphertext: &'a [u8],
    /// By the sender key's pair, of the digest.
    pub signature: &'a [u8; SIGNATURE_LEN],
    /// Every byte before `ciphertext`, its length included: what its seal and the digest cover.
    pub aad: &'a [u8],
}

impl<'a> GroupMessage<'a> {
    /// Parses a whole envelope of kind 0x05.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        check_size(bytes)?;
        let mut reader = Reader::new(bytes);
        let front = Front::read(&mut reader)?;
        let ciphertext = reader.bytes32(CIPHERTEXT_MIN..=usize::MAX)?;
        let aad = bytes.get(..reader.position() - ciphertext.len()).ok_or(Error::Internal)?;
        let signature = reader.array()?;
        reader.finish()?;
        Ok(Self { front, ciphertext, signature, aad })
    }

    /// The ciphertext without its tag: as many bytes as the content.
    #[must_use]
    pub fn content(&self) -> &'a [u8] {
        self.ciphertext.split_last_chunk::<TAG_LEN>().map_or(&[], |(content, _)| content)
    }

    /// Writes the bytes that it was parsed from.
    pub fn put(&self, out: &mut (impl Put + ?Sized)) -> Result<()> {
        self.front.put(out)?;
        out.put_bytes32(self.ciphertext)?;
        out.put(self.signature);
        Ok(())
    }
}

/// The public fields of a group message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Front<'a> {
    /// The group.
    pub group_id: &'a [u8; 32],
    /// Who says to have sent it.
    pub sender: &'a str,
    /// Of the sender key.
    pub key_id: &'a [u8; 8],
    /// Of the sender's head when it sent.
    pub epoch: u64,
    /// The first bytes of that head's hash.
    pub roster_hash: &'a [u8; 16],
    /// Number of the message under its sender key.
    pub counter: u32,
    /// The sender's clock.
    pub timestamp_ms: u64,
    /// Of the ciphertext.
    pub nonce: &'a [u8; NONCE_LEN],
    /// What came before.
    pub link: Link<'a>,
}

/// What a group message says of the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link<'a> {
    /// The hash that names it.
    Known(&'a [u8; LINK_LEN]),
    /// The sender loaded a stored state: counters from here up to this message's may never have been sent.
    Resumed {
        /// The first of them.
        from: u32,
    },
}

impl<'a> Front<'a> {
    /// The first counter that was set aside, in the first message after a stored state was loaded.
    #[must_use]
    pub const fn resumed_from(&self) -> Option<u32> {
        match self.link {
            Link::Known(_) => None,
            Link::Resumed { from } => Some(from),
        }
    }

    /// Bytes that [`Front::put`] writes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let resumed = if self.resumed_from().is_some() { 4 } else { 0 };
        PREFIX_LEN + 1 + 32 + 1 + self.sender.len() + (8 + 8 + 16 + 4 + 8) + NONCE_LEN + LINK_LEN + resumed
    }

    /// Bytes of the whole envelope with a content of `content_len` bytes.
    #[must_use]
    pub fn envelope_len(&self, content_len: usize) -> usize {
        (self.encoded_len() + 4 + TAG_LEN + SIGNATURE_LEN).saturating_add(content_len)
    }

    /// Writes the fields.
    pub fn put(&self, out: &mut (impl Put + ?Sized)) -> Result<()> {
        put_prefix(out, Kind::Group);
        out.put_u8(if self.resumed_from().is_some() { RESUMED } else { 0 });
        out.put(self.group_id);
        out.put_bytes8(self.sender.as_bytes())?;
        out.put(self.key_id);
        out.put_u64(self.epoch);
        out.put(self.roster_hash);
        out.put_u32(self.counter);
        out.put_u64(self.timestamp_ms);
        out.put(self.nonce);
        match self.link {
            Link::Known(link) => out.put(link),
            Link::Resumed { from } => {
                out.put(&[0; LINK_LEN]);
                out.put_u32(from);
            }
        }
        Ok(())
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self> {
        expect_prefix(reader, Kind::Group)?;
        let resumed = match reader.u8()? {
            0 => false,
            RESUMED => true,
            _ => return Err(Error::Malformed),
        };
        let mut front = Self {
            group_id: reader.array()?,
            sender: read_user(reader)?,
            key_id: reader.array()?,
            epoch: reader.u64()?,
            roster_hash: reader.array()?,
            counter: reader.u32()?,
            timestamp_ms: reader.u64()?,
            nonce: reader.array()?,
            link: Link::Known(reader.array()?),
        };
        if resumed {
            let from = reader.u32()?;
            if front.link != Link::Known(&[0; LINK_LEN]) || from > front.counter {
                return Err(Error::Malformed);
            }
            front.link = Link::Resumed { from };
        }
        Ok(front)
    }
}
