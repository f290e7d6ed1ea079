//! One thing to be sent, and its record.

use zeroize::Zeroizing;

use crate::client::event::MessageId;
use crate::client::records::{self, Value};
use crate::error::{Error, Result};
use crate::limits::{CLIENT_RETRY_MS, ENVELOPE_MAX};
use crate::wire::codec::{Put as _, Reader};
use crate::wire::content::ContentKind;
use crate::wire::name::read_user;

/// For whom something is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::client) enum Target {
    /// One peer.
    User(Box<str>),
}

/// Something to be sent.
pub(in crate::client) struct Entry {
    pub(in crate::client) target: Target,
    pub(in crate::client) kind: ContentKind,
    pub(in crate::client) message_id: MessageId,
    /// When it was asked for.
    pub(super) created_ms: u64,
    /// How often it was sent before; then the application hears no more of it.
    pub(super) again: u8,
    pub(super) state: State,
}

pub(super) enum State {
    /// The content's body.
    Open(Zeroizing<Vec<u8>>),
    /// The envelope.
    Sealed(Vec<u8>),
}

impl Entry {
    pub(super) fn to_value(&self) -> Result<Value> {
        let mut value = records::begin();
        match &self.target {
            Target::User(user) => {
                value.put_u8(0);
                value.put_bytes8(user.as_bytes())?;
            }
        }
        value.put_u8(self.kind as u8);
        value.put(&self.message_id);
        value.put_u64(self.created_ms);
        value.put_u8(self.again);
        match &self.state {
            State::Open(body) => {
                value.put_u8(0);
                value.put_bytes32(body)?;
            }
            State::Sealed(envelope) => {
                value.put_u8(1);
                value.put_bytes32(envelope)?;
            }
        }
        Ok(value)
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            target: match reader.u8()? {
                0 => Target::User(read_user(reader)?.into()),
                _ => return Err(Error::Malformed),
            },
            kind: ContentKind::try_from(reader.u8()?)?,
            message_id: *reader.array()?,
            created_ms: reader.u64()?,
            again: reader.u8()?,
            state: match reader.u8()? {
                0 => State::Open(Zeroizing::new(reader.bytes32(0..=usize::MAX)?.to_vec())),
                1 => State::Sealed(reader.bytes32(1..=ENVELOPE_MAX)?.to_vec()),
                _ => return Err(Error::Malformed),
            },
        })
    }

    pub(super) fn len(&self) -> usize {
        match &self.state {
            State::Open(body) => body.len(),
            State::Sealed(envelope) => envelope.len(),
        }
    }

    /// When it is given up, if it cannot be sent.
    pub(super) const fn end_ms(&self) -> u64 {
        self.created_ms.saturating_add(CLIENT_RETRY_MS)
    }

    /// Whether the application waits to hear of it.
    pub(super) fn is_message(&self) -> bool {
        self.kind == ContentKind::Data && self.again == 0
    }
}
