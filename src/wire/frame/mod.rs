//! Frames between a client and a relay (`docs/PROTOCOL.md` section 10.3).

mod body;
mod hello;
mod list;
#[cfg(test)]
mod tests;

use crate::error::{Error, Result};
use crate::limits::FRAME_MAX;
use crate::wire::codec::{Put, Reader, SliceWriter};
use crate::wire::{Kind, PREFIX_LEN, expect_prefix, put_prefix};

pub use body::Body;
pub use hello::{CHALLENGE_LEN, Hello, Method, STORE_ID_LEN, Welcome};
pub use list::{Element, Envelopes, FoundGroup, Groups, List, Statuses, Users};

const SHORT_MAX: usize = u16::MAX as usize;
const BUNDLE_MAX: usize = (1 << 20) - 1;
const LONG_MAX: usize = (1 << 23) - 1;

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Chosen by the client, not 0, and echoed in the answer; 0 in what is not an answer.
    pub request: u32,
    /// What it asks, answers or brings.
    pub body: Body<'a>,
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
        let body = Body::read(&mut reader, type_byte)?;
        reader.finish()?;
        match body {
            Body::Error { .. } => {}
            Body::Deliver { .. } | Body::QueueEnd | Body::Acknowledge { .. } | Body::Presence { .. } => {
                if request != 0 {
                    return Err(Error::Malformed);
                }
            }
            _ => {
                if request == 0 {
                    return Err(Error::Malformed);
                }
            }
        }
        Ok(Self { request, body })
    }

    /// Bytes that [`Frame::put`] writes.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        HEAD_LEN + self.body.encoded_len()
    }

    /// Writes the frame. [`Error::TooLarge`] if it would be longer than frames are.
    pub fn put(&self, out: &mut (impl Put + ?Sized)) -> Result<()> {
        if self.encoded_len() > FRAME_MAX {
            return Err(Error::TooLarge);
        }
        put_head(out, self.body.type_byte(), self.request);
        self.body.put(out)
    }

    /// The frame as it is sent.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.encoded_len());
        self.put(&mut bytes)?;
        Ok(bytes)
    }
}

/// Bytes before the fields of a type.
const HEAD_LEN: usize = PREFIX_LEN + 1 + 4;

fn put_head(out: &mut (impl Put + ?Sized), type_byte: u8, request: u32) {
    put_prefix(out, Kind::Frame);
    out.put_u8(type_byte);
    out.put_u32(request);
}

/// Bytes of a deliver frame before its payload.
pub const DELIVER_HEAD_LEN: usize = HEAD_LEN + 8 + 1 + 4;

/// A deliver frame up to its payload, which is the last field: so the payload of a fan-out need not be copied.
/// [`Error::TooLarge`] for a payload that frames do not carry.
pub fn deliver_head(sequence: u64, payload_len: usize) -> Result<[u8; DELIVER_HEAD_LEN]> {
    if payload_len > FRAME_MAX - DELIVER_HEAD_LEN {
        return Err(Error::TooLarge);
    }
    let mut head = [0; DELIVER_HEAD_LEN];
    let mut out = SliceWriter::new(&mut head);
    put_head(&mut out, body::DELIVER, 0);
    body::put_deliver_fields(&mut out, sequence, 0, payload_len)?;
    out.finish()?;
    Ok(head)
}

/// A whole deliver frame that marks the end of the queue.
pub fn queue_end() -> Result<[u8; DELIVER_HEAD_LEN]> {
    let mut frame = [0; DELIVER_HEAD_LEN];
    let mut out = SliceWriter::new(&mut frame);
    Frame { request: 0, body: Body::QueueEnd }.put(&mut out)?;
    out.finish()?;
    Ok(frame)
}
