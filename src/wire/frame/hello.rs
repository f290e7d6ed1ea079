//! How a connection starts (`docs/PROTOCOL.md` section 10.2).

use crate::error::{Error, Result};
use crate::wire::codec::{Put, Reader};
use crate::wire::frame::SHORT_MAX;

/// Bytes of the random name of a store, and of one numbering of sequences.
pub const STORE_ID_LEN: usize = 16;
/// Bytes of a challenge.
pub const CHALLENGE_LEN: usize = 32;

/// How a client shows that it is the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Method {
    /// The host has authenticated the user by other means.
    Host = 0,
    /// It signs a challenge.
    Proof = 1,
}

/// Comes first on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hello<'a> {
    /// How the client shows that it is the user.
    pub method: Method,
    /// The user's card.
    pub card: &'a [u8],
    /// Drawn with the client's store.
    pub store_id: &'a [u8; STORE_ID_LEN],
    /// The number of the store's last commit.
    pub commit: u64,
    /// That of the last welcome, or zero.
    pub relay_id: &'a [u8; STORE_ID_LEN],
    /// The highest sequence of that relay that the client has stored for good.
    pub seen: u64,
}

impl<'a> Hello<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self> {
        let method = match reader.u8()? {
            0 => Method::Host,
            1 => Method::Proof,
            // Of a later version.
            _ => return Err(Error::Unsupported),
        };
        Ok(Self {
            method,
            card: reader.bytes16(1..=SHORT_MAX)?,
            store_id: reader.array()?,
            commit: reader.u64()?,
            relay_id: reader.array()?,
            seen: reader.u64()?,
        })
    }

    pub(super) fn put(&self, out: &mut (impl Put + ?Sized)) -> Result<()> {
        out.put_u8(self.method as u8);
        out.put_bytes16(self.card)?;
        out.put(self.store_id);
        out.put_u64(self.commit);
        out.put(self.relay_id);
        out.put_u64(self.seen);
        Ok(())
    }

    pub(super) const fn encoded_len(&self) -> usize {
        1 + 2 + self.card.len() + STORE_ID_LEN + 8 + STORE_ID_LEN + 8
    }
}

/// The connection is the user's from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Welcome<'a> {
    /// The relay's clock.
    pub time_ms: u64,
    /// Names the numbering of sequences.
    pub relay_id: &'a [u8; STORE_ID_LEN],
    /// The highest commit of the client's store that the relay has seen.
    pub commit: u64,
    /// Everything up to this sequence is gone from the queue.
    pub acknowledged: u64,
    /// The highest sequence that was given out.
    pub last: u64,
    /// When the published signed prekey dies; 0 without a bundle.
    pub signed_prekey_expires_ms: u64,
    /// One-time prekeys that are left.
    pub one_time_prekeys: u16,
    /// Bytes of the longest frame that the relay takes.
    pub frame_max: u32,
}

impl<'a> Welcome<'a> {
    /// Bytes of the fields.
    pub(super) const LEN: usize = 8 + STORE_ID_LEN + 4 * 8 + 2 + 4;

    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self> {
        Ok(Self {
            time_ms: reader.u64()?,
            relay_id: reader.array()?,
            commit: reader.u64()?,
            acknowledged: reader.u64()?,
            last: reader.u64()?,
            signed_prekey_expires_ms: reader.u64()?,
            one_time_prekeys: reader.u16()?,
            frame_max: reader.u32()?,
        })
    }

    pub(super) fn put(&self, out: &mut (impl Put + ?Sized)) {
        out.put_u64(self.time_ms);
        out.put(self.relay_id);
        out.put_u64(self.commit);
        out.put_u64(self.acknowledged);
        out.put_u64(self.last);
        out.put_u64(self.signed_prekey_expires_ms);
        out.put_u16(self.one_time_prekeys);
        out.put_u32(self.frame_max);
    }
}
