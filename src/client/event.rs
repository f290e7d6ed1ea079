//! What a client tells its application.

use core::fmt;

use serde_json::Value as Json;
use zeroize::Zeroizing;

use crate::client::groups::{GroupEvent, GroupId};
use crate::client::records::{self, Value};
use crate::client::shown::Shown;
use crate::error::{Error, Result};
use crate::identity::Fingerprint;
use crate::json::text;
use crate::wire::codec::{Put as _, Reader};
use crate::wire::content::{ContentType, MESSAGE_ID_LEN};
use crate::wire::name::{read_label, read_user};

/// Names a message to the application, and to its recipients.
pub type MessageId = [u8; MESSAGE_ID_LEN];

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum MessageState {
    /// The relay has it.
    Sent = 1,
    /// The recipient's client has it.
    Delivered = 2,
    /// The recipient has read it.
    Read = 3,
}

impl MessageState {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(match reader.u8()? {
            1 => Self::Sent,
            2 => Self::Delivered,
            3 => Self::Read,
            _ => return Err(Error::Malformed),
        })
    }
}

/// Something that happened.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// The relay has welcomed us. Transient.
    Connected {
        /// The store is an older copy of itself: keys are made anew.
        restored: bool,
    },
    /// The connection is gone. Transient.
    Disconnected,
    /// The relay says that somebody came or went, which proves nothing. Transient.
    Presence {
        /// Who.
        user: Box<str>,
        /// Whether they came.
        is_online: bool,
    },
    /// A message of a peer.
    Message {
        /// Who sent it, authenticated.
        from: Box<str>,
        /// Its id, authenticated.
        message_id: MessageId,
        /// What the payload is.
        content_type: ContentType,
        /// What was sent.
        payload: Zeroizing<Vec<u8>>,
        /// When it was sent, by the sender's clock.
        sent_ms: u64,
    },
    /// A message of ours has come further.
    Ack {
        /// Our message.
        message_id: MessageId,
        /// To whom it was sent, and who says so unless it is the relay.
        user: Box<str>,
        /// How far.
        state: MessageState,
    },
    /// A message of ours will not be sent; or, though it was sent, the peer cannot read it and it is not kept any longer
    /// ([`Error::LimitReached`]).
    Failed {
        /// Our message.
        message_id: MessageId,
        /// To whom it was to be sent.
        user: Box<str>,
        /// Why not.
        status: Error,
    },
    /// A peer has turned up under another identity: by a message of it, or in what the relay says. Told again after each
    /// opening while it is blocked.
    IdentityChanged {
        /// Who.
        user: Box<str>,
        /// The identity that was known.
        known: Fingerprint,
        /// The new one.
        fingerprint: Fingerprint,
        /// Whether nothing is sent or shown until it is accepted.
        blocked: bool,
    },
    /// Something happened in a group.
    Group {
        /// Which.
        group: GroupId,
        /// What.
        event: GroupEvent,
    },
    /// A request was done.
    Done {
        /// Its number.
        request: u64,
        /// The group that it was about.
        group: GroupId,
    },
    /// A request was refused: nothing of it happened.
    Refused {
        /// Its number.
        request: u64,
        /// The group that it was about, if that is known.
        group: Option<GroupId>,
        /// Why.
        status: Error,
        /// The user that is the reason, if one is.
        user: Option<Box<str>>,
    },
    /// Something went wrong that belongs to no message. Transient.
    Error {
        /// What.
        status: Error,
    },
}

/// An event on its way to the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emitted {
    /// Its place among the events of this store, from 1 on, to be confirmed; 0 for a transient one.
    pub number: u64,
    /// It was not confirmed before the store was opened, so it may have been given before.
    pub again: bool,
    /// What happened.
    pub event: Event,
}

const MESSAGE: u8 = 1;
const ACK: u8 = 2;
const FAILED: u8 = 3;
const IDENTITY_CHANGED: u8 = 4;
const GROUP: u8 = 5;
const DONE: u8 = 6;
const REFUSED: u8 = 7;

impl Event {
    /// A short name of its kind, as in the JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Connected { .. } => "connected",
            Self::Disconnected => "disconnected",
            Self::Presence { .. } => "presence",
            Self::Message { .. } => "message",
            Self::Ack { .. } => "ack",
            Self::Failed { .. } => "failed",
            Self::IdentityChanged { .. } => "identity_changed",
            Self::Group { event, .. } => event.name(),
            Self::Done { .. } => "done",
            Self::Refused { .. } | Self::Error { .. } => "error",
        }
    }

    /// The record of a durable event. [`Error::Internal`] for a transient one.
    pub(super) fn to_value(&self) -> Result<Value> {
        let mut value = records::begin();
        match self {
            Self::Message { from, message_id, content_type, payload, sent_ms } => {
                value.put_u8(MESSAGE);
                value.put_bytes8(from.as_bytes())?;
                value.put(message_id);
                value.put_u8(*content_type as u8);
                value.put_u64(*sent_ms);
                value.put_bytes32(payload)?;
            }
            Self::Ack { message_id, user, state } => {
                value.put_u8(ACK);
                value.put(message_id);
                value.put_bytes8(user.as_bytes())?;
                value.put_u8(*state as u8);
            }
            Self::Failed { message_id, user, status } => {
                value.put_u8(FAILED);
                value.put(message_id);
                value.put_bytes8(user.as_bytes())?;
                value.put_u32(status.code());
            }
            Self::IdentityChanged { user, known, fingerprint, blocked } => {
                value.put_u8(IDENTITY_CHANGED);
                value.put_bytes8(user.as_bytes())?;
                value.put(known.as_bytes());
                value.put(fingerprint.as_bytes());
                records::put_bool(&mut value, *blocked);
            }
            Self::Group { group, event } => {
                value.put_u8(GROUP);
                value.put(group);
                event.put(&mut value)?;
            }
            Self::Done { request, group } => {
                value.put_u8(DONE);
                value.put_u64(*request);
                value.put(group);
            }
            Self::Refused { request, group, status, user } => {
                value.put_u8(REFUSED);
                value.put_u64(*request);
                value.put_bytes8(group.as_ref().map_or(&[], |group| group.as_slice()))?;
                value.put_u32(status.code());
                value.put_bytes8(user.as_deref().unwrap_or_default().as_bytes())?;
            }
            Self::Connected { .. } | Self::Disconnected | Self::Presence { .. } | Self::Error { .. } => {
                return Err(Error::Internal);
            }
        }
        Ok(value)
    }

    /// Reads what [`Event::to_value`] wrote after the version.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(match reader.u8()? {
            MESSAGE => Self::Message {
                from: read_user(reader)?.into(),
                message_id: *reader.array()?,
                content_type: read_content_type(reader)?,
                sent_ms: reader.u64()?,
                payload: Zeroizing::new(reader.bytes32(0..=usize::MAX)?.to_vec()),
            },
            ACK => Self::Ack {
                message_id: *reader.array()?,
                user: read_user(reader)?.into(),
                state: MessageState::read(reader)?,
            },
            FAILED => Self::Failed {
                message_id: *reader.array()?,
                user: read_user(reader)?.into(),
                status: Error::from_code(reader.u32()?).ok_or(Error::Malformed)?,
            },
            IDENTITY_CHANGED => Self::IdentityChanged {
                user: read_user(reader)?.into(),
                known: Fingerprint::from_bytes(*reader.array()?),
                fingerprint: Fingerprint::from_bytes(*reader.array()?),
                blocked: records::read_bool(reader)?,
            },
            GROUP => Self::Group { group: *reader.array()?, event: GroupEvent::read(reader)? },
            DONE => Self::Done { request: reader.u64()?, group: *reader.array()? },
            REFUSED => Self::Refused {
                request: reader.u64()?,
                group: match reader.bytes8(0..=32)? {
                    [] => None,
                    group => Some(group.try_into().map_err(|_| Error::Malformed)?),
                },
                status: Error::from_code(reader.u32()?).ok_or(Error::Malformed)?,
                user: match read_label(reader)? {
                    "" => None,
                    user => Some(user.into()),
                },
            },
            _ => return Err(Error::Malformed),
        })
    }

    /// What of it holds, by the names that the C header gives its flags.
    fn flags(&self) -> Option<&'static str> {
        match self {
            Self::Connected { restored: true } => Some("restored"),
            Self::Presence { is_online: true, .. } => Some("online"),
            Self::IdentityChanged { blocked: true, .. } => Some("blocked"),
            _ => None,
        }
    }

    fn show(&self, shown: &mut Shown) {
        match self {
            Self::Connected { .. } | Self::Disconnected => {}
            Self::Presence { user, .. } => shown.text("user", user),
            Self::Message { from, message_id, content_type, payload, sent_ms } => {
                shown.text("user", from);
                show_message(shown, message_id, *content_type, payload, *sent_ms);
            }
            Self::Ack { message_id, user, state } => {
                shown.bytes("message_id", message_id);
                shown.text("user", user);
                shown.text("state", state.name());
            }
            Self::Failed { message_id, user, status } => {
                shown.bytes("message_id", message_id);
                shown.text("user", user);
                shown.text("status", status.name());
            }
            Self::IdentityChanged { user, known, fingerprint, .. } => {
                shown.text("user", user);
                shown.bytes("known_fingerprint", known.as_bytes());
                shown.bytes("fingerprint", fingerprint.as_bytes());
            }
            Self::Group { group, event } => {
                shown.bytes("group", group);
                event.show(shown);
            }
            Self::Done { request, group } => {
                shown.number("request", *request);
                shown.bytes("group", group);
            }
            Self::Refused { request, group, status, user } => {
                shown.number("request", *request);
                if let Some(group) = group {
                    shown.bytes("group", group);
                }
                shown.text("status", status.name());
                shown.anybody("user", user.as_deref());
            }
            Self::Error { status } => shown.text("status", status.name()),
        }
    }
}

/// What may be shown of a message.
pub(super) fn show_message(
    shown: &mut Shown,
    message_id: &MessageId,
    content_type: ContentType,
    payload: &[u8],
    sent_ms: u64,
) {
    shown.bytes("message_id", message_id);
    shown.text("content_type", content_type_name(content_type));
    shown.put("payload_len", payload.len().into());
    shown.number("time_ms", sent_ms);
}

impl Emitted {
    /// The event as JSON: `"v":1`, its kind, its flags, its number, what may be shown of it. Never a payload.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut shown = Shown::default();
        self.event.show(&mut shown);
        shown.number("v", 1);
        shown.text("kind", self.event.name());
        let again = self.again.then_some("again");
        shown.put("flags", again.into_iter().chain(self.event.flags()).map(Json::from).collect());
        shown.number("number", self.number);
        text(&shown.into_json())
    }
}

/// Shows no payload.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        if let Some(flag) = self.flags() {
            write!(f, " {flag}")?;
        }
        let mut shown = Shown::default();
        self.show(&mut shown);
        write!(f, " {}", text(&shown.into_json()))
    }
}

pub(super) fn read_content_type(reader: &mut Reader<'_>) -> Result<ContentType> {
    match reader.u8()? {
        0 => Ok(ContentType::Binary),
        1 => Ok(ContentType::Text),
        _ => Err(Error::Malformed),
    }
}

const fn content_type_name(content_type: ContentType) -> &'static str {
    match content_type {
        ContentType::Binary => "binary",
        ContentType::Text => "text",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn durable() -> Vec<Event> {
        let (from, message_id) = (Box::<str>::from("bob"), [7; 16]);
        let fingerprint = Fingerprint::from_bytes([9; 32]);
        vec![
            Event::Message {
                from: from.clone(),
                message_id,
                content_type: ContentType::Text,
                payload: Zeroizing::new(b"a secret".to_vec()),
                sent_ms: 5,
            },
            Event::Ack { message_id, user: from.clone(), state: MessageState::Read },
            Event::Failed { message_id, user: from.clone(), status: Error::UnknownUser },
            Event::IdentityChanged { user: from.clone(), known: fingerprint, fingerprint, blocked: true },
            Event::Group { group: [3; 32], event: GroupEvent::Forked { user: None } },
            Event::Done { request: 4, group: [3; 32] },
            Event::Refused { request: 4, group: None, status: Error::UnknownUser, user: Some(from) },
            Event::Refused { request: 4, group: Some([3; 32]), status: Error::NotPermitted, user: None },
        ]
    }

    #[test]
    fn durable_events_survive_their_record() {
        for event in durable() {
            let value = event.to_value().unwrap();
            assert_eq!(records::read(&value, Event::read), Ok(event));
            for length in 0..value.len() {
                assert_eq!(records::read(&value[..length], Event::read), Err(Error::StoreDamaged));
            }
        }
    }

    #[test]
    fn neither_json_nor_debug_shows_a_payload() {
        for event in durable() {
            assert!(!format!("{event:?}").contains("a secret"));
            let emitted = Emitted { number: 3, again: false, event };
            let json: Json = serde_json::from_str(&emitted.to_json()).unwrap();
            assert_eq!((&json["v"], &json["number"]), (&json!(1), &json!(3)));
            assert!(!emitted.to_json().contains("a secret"));
        }
    }
}
