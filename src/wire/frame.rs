//! Frames between a client and a relay (`docs/PROTOCOL.md` section 10.3).

use crate::error::{Error, Result};
use crate::limits::FRAME_MAX;
use crate::wire::codec::{Put, Reader};
use crate::wire::envelope::read_user;
use crate::wire::{Kind, PREFIX_LEN, expect_prefix, put_prefix};

const SHORT_MAX: usize = u16::MAX as usize;
const BUNDLE_MAX: usize = (1 << 20) - 1;
const LONG_MAX: usize = (1 << 23) - 1;

const QUEUE_END: u8 = 1;

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Chosen by the client and echoed in the answer; 0 in what the relay sends unasked.
    pub request: u32,
    /// What it asks, answers or brings.
    pub body: Body<'a>,
}

/// What a frame asks, answers or brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body<'a> {
    /// Comes first on a connection. Method 0: the host has authenticated the user.
    Hello {
        /// Whose connection this is.
        user: &'a str,
    },
    /// The request was done.
    Ok,
    /// The request was refused.
    Error {
        /// A code of the C ABI.
        status: u32,
        /// For a person; may be empty.
        text: &'a str,
    },
    /// Registers the own card.
    Card {
        /// The card.
        card: &'a [u8],
    },
    /// Publishes the own prekeys.
    Prekeys {
        /// The bundle.
        bundle: &'a [u8],
    },
    /// Asks for a user's card and prekeys.
    Lookup {
        /// The user.
        user: &'a str,
    },
    /// Answers a lookup.
    Found {
        /// The user's card.
        card: &'a [u8],
        /// The user's bundle; empty if there is none.
        bundle: &'a [u8],
    },
    /// Proposes a roster entry.
    Commit {
        /// The entry.
        entry: &'a [u8],
    },
    /// Asks for roster entries.
    FetchLog {
        /// Of this group.
        group_id: &'a [u8; 32],
        /// From this epoch on.
        from_epoch: u64,
    },
    /// Answers with roster entries.
    Log {
        /// One after another, as many as fit.
        entries: &'a [u8],
    },
    /// Sends an envelope.
    Send {
        /// The envelope.
        envelope: &'a [u8],
    },
    /// Brings an envelope or a roster entry.
    Deliver {
        /// Its place in the queue of the receiving user, from 1 on.
        sequence: u64,
        /// The envelope or entry.
        payload: &'a [u8],
    },
    /// A deliver that says: what had gathered offline has been delivered.
    QueueEnd,
    /// Drops what was delivered.
    Acknowledge {
        /// Up to and with this one.
        sequence: u64,
    },
}

impl Body<'_> {
    const fn type_byte(&self) -> u8 {
        match self {
            Self::Hello { .. } => 1,
            Self::Ok => 2,
            Self::Error { .. } => 3,
            Self::Card { .. } => 4,
            Self::Prekeys { .. } => 5,
            Self::Lookup { .. } => 6,
            Self::Found { .. } => 7,
            Self::Commit { .. } => 8,
            Self::FetchLog { .. } => 9,
            Self::Log { .. } => 10,
            Self::Send { .. } => 11,
            Self::Deliver { .. } | Self::QueueEnd => 12,
            Self::Acknowledge { .. } => 13,
        }
    }

    fn encoded_len(&self) -> usize {
        match self {
            Self::Hello { user } => 1 + 1 + user.len(),
            Self::Ok => 0,
            Self::Error { text, .. } => 4 + 1 + text.len(),
            Self::Card { card } => 2 + card.len(),
            Self::Prekeys { bundle: bytes }
            | Self::Commit { entry: bytes }
            | Self::Log { entries: bytes }
            | Self::Send { envelope: bytes } => 4 + bytes.len(),
            Self::Lookup { user } => 1 + user.len(),
            Self::Found { card, bundle } => 2 + card.len() + 4 + bundle.len(),
            Self::FetchLog { .. } => 32 + 8,
            Self::Deliver { payload, .. } => 8 + 1 + 4 + payload.len(),
            Self::QueueEnd => 8 + 1 + 4,
            Self::Acknowledge { .. } => 8,
        }
    }
}

impl<'a> Frame<'a> {
    /// Parses a whole frame, without the length that precedes it on a stream.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        if bytes.len() > FRAME_MAX {
            return Err(Error::TooLarge);
        }
        let mut reader = Reader::new(bytes);
        expect_prefix(&mut reader, Kind::Frame)?;
        let type_byte = reader.u8()?;
        let request = reader.u32()?;
        let body = read_body(&mut reader, type_byte)?;
        reader.finish()?;
        if type_byte == 12 && request != 0 {
            return Err(Error::Malformed);
        }
        Ok(Self { request, body })
    }

    /// Bytes that [`Frame::put`] writes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        PREFIX_LEN + 1 + 4 + self.body.encoded_len()
    }

    /// Writes the frame. [`Error::TooLarge`] if it would be longer than frames are.
    pub fn put(&self, out: &mut (impl Put + ?Sized)) -> Result<()> {
        if self.encoded_len() > FRAME_MAX {
            return Err(Error::TooLarge);
        }
        put_prefix(out, Kind::Frame);
        out.put_u8(self.body.type_byte());
        out.put_u32(self.request);
        match self.body {
            Body::Hello { user } => {
                out.put_u8(0);
                out.put_bytes8(user.as_bytes())
            }
            Body::Ok => Ok(()),
            Body::Error { status, text } => {
                out.put_u32(status);
                out.put_bytes8(text.as_bytes())
            }
            Body::Card { card } => out.put_bytes16(card),
            Body::Prekeys { bundle: bytes }
            | Body::Commit { entry: bytes }
            | Body::Log { entries: bytes }
            | Body::Send { envelope: bytes } => out.put_bytes32(bytes),
            Body::Lookup { user } => out.put_bytes8(user.as_bytes()),
            Body::Found { card, bundle } => {
                out.put_bytes16(card)?;
                out.put_bytes32(bundle)
            }
            Body::FetchLog { group_id, from_epoch } => {
                out.put(group_id);
                out.put_u64(from_epoch);
                Ok(())
            }
            Body::Deliver { sequence, payload } => {
                out.put_u64(sequence);
                out.put_u8(0);
                out.put_bytes32(payload)
            }
            Body::QueueEnd => {
                out.put_u64(0);
                out.put_u8(QUEUE_END);
                out.put_bytes32(&[])
            }
            Body::Acknowledge { sequence } => {
                out.put_u64(sequence);
                Ok(())
            }
        }
    }
}

fn read_body<'a>(reader: &mut Reader<'a>, type_byte: u8) -> Result<Body<'a>> {
    Ok(match type_byte {
        1 => {
            // Other methods are reserved (section 10.2).
            if reader.u8()? != 0 {
                return Err(Error::Unsupported);
            }
            Body::Hello { user: read_user(reader)? }
        }
        2 => Body::Ok,
        3 => Body::Error {
            status: reader.u32()?,
            text: core::str::from_utf8(reader.bytes8(0..=255)?).map_err(|_| Error::Malformed)?,
        },
        4 => Body::Card { card: reader.bytes16(1..=SHORT_MAX)? },
        5 => Body::Prekeys { bundle: reader.bytes32(1..=BUNDLE_MAX)? },
        6 => Body::Lookup { user: read_user(reader)? },
        7 => Body::Found { card: reader.bytes16(1..=SHORT_MAX)?, bundle: reader.bytes32(0..=BUNDLE_MAX)? },
        8 => Body::Commit { entry: reader.bytes32(1..=LONG_MAX)? },
        9 => Body::FetchLog { group_id: reader.array()?, from_epoch: reader.u64()? },
        10 => Body::Log { entries: reader.bytes32(0..=LONG_MAX)? },
        11 => Body::Send { envelope: reader.bytes32(1..=LONG_MAX)? },
        12 => {
            let (sequence, flags) = (reader.u64()?, reader.u8()?);
            let payload = reader.bytes32(0..=LONG_MAX)?;
            match (flags, sequence, payload) {
                (0, 1.., [_, ..]) => Body::Deliver { sequence, payload },
                (QUEUE_END, 0, []) => Body::QueueEnd,
                _ => return Err(Error::Malformed),
            }
        }
        13 => Body::Acknowledge { sequence: reader.u64()? },
        _ => return Err(Error::Malformed),
    })
}
