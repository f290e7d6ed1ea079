//! One thing to be sent, and its record.

use zeroize::Zeroizing;

use crate::client::event::MessageId;
use crate::client::groups::GroupId;
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
    /// The members of a group. After all peers, so that keys leave before what they open.
    Group(GroupId),
}

/// Something to be sent.
pub(in crate::client) struct Entry {
    pub(in crate::client) target: Target,
    pub(in crate::client) kind: ContentKind,
    pub(in crate::client) message_id: MessageId,
    /// When it was asked for.
    pub(super) created_ms: u64,
    /// How often it was sent before, and [`UNASKED`]; then the application does not hear that it was sent.
    pub(super) again: u8,
    pub(super) state: State,
}

/// With how often something was sent before: the peer has not named it, and may well have it.
pub(in crate::client) const UNASKED: u8 = 0x80;

pub(super) enum State {
    /// The content's body.
    Open(Zeroizing<Vec<u8>>),
    /// The envelope.
    Sealed(Vec<u8>),
    /// The envelope, and the body in case that it has to be sealed anew: for groups. The record holds the body, and
    /// another one the envelope.
    Resealable { envelope: Vec<u8>, body: Zeroizing<Vec<u8>> },
}

impl Target {
    pub(in crate::client) fn put(&self, value: &mut Value) -> Result<()> {
        match self {
            Self::User(user) => {
                value.put_u8(0);
                value.put_bytes8(user.as_bytes())
            }
            Self::Group(group) => {
                value.put_u8(1);
                value.put(group);
                Ok(())
            }
        }
    }

    pub(in crate::client) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(match reader.u8()? {
            0 => Self::User(read_user(reader)?.into()),
            1 => Self::Group(*reader.array()?),
            _ => return Err(Error::Malformed),
        })
    }
}

impl Entry {
    pub(super) fn to_value(&self) -> Result<Value> {
        let mut value = records::begin();
        self.target.put(&mut value)?;
        value.put_u8(self.kind as u8);
        value.put(&self.message_id);
        value.put_u64(self.created_ms);
        value.put_u8(self.again);
        match &self.state {
            State::Open(body) | State::Resealable { body, .. } => {
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
            target: Target::read(reader)?,
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
            State::Resealable { envelope, body } => envelope.len().saturating_add(body.len()),
        }
    }

    /// Puts the envelope to the body of something for a group.
    pub(super) fn seal_over(&mut self, envelope: Vec<u8>) {
        if let State::Open(body) = &mut self.state {
            self.state = State::Resealable { envelope, body: core::mem::take(body) };
        }
    }

    /// Forgets the envelope of something for a group.
    pub(super) fn reopen(&mut self) {
        if let State::Resealable { body, .. } = &mut self.state {
            self.state = State::Open(core::mem::take(body));
        }
    }

    /// The body of what is not sealed yet.
    pub(super) fn open_body(&self) -> Option<&[u8]> {
        match &self.state {
            State::Open(body) => Some(body),
            State::Sealed(_) | State::Resealable { .. } => None,
        }
    }

    /// When it is given up, if it cannot be sent.
    pub(super) const fn end_ms(&self) -> u64 {
        self.created_ms.saturating_add(CLIENT_RETRY_MS)
    }

    /// Whether it may be dropped: whoever misses it asks for it, or is told that it is gone.
    pub(super) const fn is_spare(&self) -> bool {
        matches!(
            self.kind,
            ContentKind::KeyRequest
                | ContentKind::Withheld
                | ContentKind::Installed
                | ContentKind::Ack
                | ContentKind::Distribution
        )
    }

    /// Whether the application waits to hear of it.
    pub(super) fn is_message(&self) -> bool {
        self.kind == ContentKind::Data && self.again == 0
    }

    /// Whether the application is told if it cannot be sent: also of what the peer asked for, though it was sent.
    pub(super) fn is_owed(&self) -> bool {
        self.kind == ContentKind::Data && self.again & UNASKED == 0
    }
}
