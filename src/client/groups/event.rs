//! What happens in groups, as a client tells its application.

use zeroize::Zeroizing;

use crate::client::event::{MessageId, MessageState, read_content_type, show_message};
use crate::client::records::Value;
use crate::client::shown::Shown;
use crate::error::{Error, Result};
use crate::wire::codec::{Put as _, Reader};
use crate::wire::content::ContentType;
use crate::wire::name::{read_label, read_user};
use crate::wire::roster::Role;

/// Something that happened in a group. Durable, all of it.
#[derive(Clone, PartialEq, Eq)]
pub enum GroupEvent {
    /// We have founded it.
    Created {
        /// What people call it.
        label: Box<str>,
    },
    /// We are a member from now on.
    Joined {
        /// What people call it; it identifies nothing.
        label: Box<str>,
        /// Who added us; we ourselves if we joined.
        by: Box<str>,
    },
    /// We are a member no longer.
    Left {
        /// Who removed us; we ourselves if we left.
        by: Box<str>,
    },
    /// It has ended.
    Deleted {
        /// Who ended it.
        by: Box<str>,
    },
    /// Somebody is a member from now on.
    MemberJoined {
        /// Who.
        user: Box<str>,
        /// Who added them; they themselves if they joined.
        by: Box<str>,
    },
    /// Somebody is a member no longer.
    MemberLeft {
        /// Who.
        user: Box<str>,
        /// Who removed them; they themselves if they left.
        by: Box<str>,
    },
    /// A member has another role.
    RoleChanged {
        /// Who.
        user: Box<str>,
        /// Which.
        role: Role,
        /// Who gave it.
        by: Box<str>,
    },
    /// A member has other keys.
    MemberReplaced {
        /// Who.
        user: Box<str>,
        /// Who says so.
        by: Box<str>,
    },
    /// Two histories of its members are about. Nobody who is not a member in both is given keys, and nobody can change
    /// it but an owner who settles it.
    Forked {
        /// The other history is known only by the word of this member, and the relay does not show it: one of both lies,
        /// or is lied to. There is nothing to settle yet. If it is ourselves, the relay has taken an entry of ours, does
        /// not show it, and refuses it now.
        user: Option<Box<str>>,
    },
    /// A message.
    Message {
        /// Who sent it: authenticated, unless `shared_by` vouches for it.
        from: Box<str>,
        /// Its id.
        message_id: MessageId,
        /// What the payload is.
        content_type: ContentType,
        /// What was sent.
        payload: Zeroizing<Vec<u8>>,
        /// When it was sent, by the sender's clock.
        sent_ms: u64,
        /// Who shared the key that opened it. Then it is this member's word that `from` has sent it.
        shared_by: Option<Box<str>>,
    },
    /// Messages of a member wait for their key, which was asked for.
    Pending {
        /// Whose.
        from: Box<str>,
        /// How many of them.
        count: u32,
    },
    /// Messages that were to be read will not be.
    Unreadable {
        /// Whose, as far as they say themselves.
        from: Box<str>,
        /// How many of them.
        count: u32,
        /// Why: the answer of the sender to a request for their key, or our own.
        status: Error,
    },
    /// We give a member no keys.
    KeyWithheld {
        /// Who.
        user: Box<str>,
        /// [`Error::IdentityChanged`] if its identity is not the one that we know, [`Error::RosterForked`] if it is no
        /// member in another history.
        status: Error,
    },
    /// A message of ours has come further.
    Ack {
        /// Our message.
        message_id: MessageId,
        /// The member who says so; none if it is the relay.
        user: Option<Box<str>>,
        /// How far.
        state: MessageState,
    },
    /// A message of ours will not be sent.
    Failed {
        /// Our message.
        message_id: MessageId,
        /// Why not.
        status: Error,
    },
}

const CREATED: u8 = 1;
const JOINED: u8 = 2;
const LEFT: u8 = 3;
const DELETED: u8 = 4;
const MEMBER_JOINED: u8 = 5;
const MEMBER_LEFT: u8 = 6;
const ROLE_CHANGED: u8 = 7;
const MEMBER_REPLACED: u8 = 8;
const FORKED: u8 = 9;
const MESSAGE: u8 = 10;
const PENDING: u8 = 11;
const UNREADABLE: u8 = 12;
const KEY_WITHHELD: u8 = 13;
const ACK: u8 = 14;
const FAILED: u8 = 15;
const DISPUTED: u8 = 16;

impl GroupEvent {
    /// A short name of its kind, as in the JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "group_created",
            Self::Joined { .. } => "group_joined",
            Self::Left { .. } => "group_left",
            Self::Deleted { .. } => "group_deleted",
            Self::MemberJoined { .. } => "member_joined",
            Self::MemberLeft { .. } => "member_left",
            Self::RoleChanged { .. } => "role_changed",
            Self::MemberReplaced { .. } => "member_replaced",
            Self::Forked { .. } => "group_forked",
            Self::Message { .. } => "group_message",
            Self::Pending { .. } => "message_pending",
            Self::Unreadable { .. } => "message_unreadable",
            Self::KeyWithheld { .. } => "key_withheld",
            Self::Ack { .. } => "ack",
            Self::Failed { .. } => "failed",
        }
    }

    /// Writes it into the record of an event.
    pub(in crate::client) fn put(&self, value: &mut Value) -> Result<()> {
        match self {
            Self::Created { label } => put_texts(value, CREATED, &[label]),
            Self::Joined { label, by } => put_texts(value, JOINED, &[label, by]),
            Self::Left { by } => put_texts(value, LEFT, &[by]),
            Self::Deleted { by } => put_texts(value, DELETED, &[by]),
            Self::MemberJoined { user, by } => put_texts(value, MEMBER_JOINED, &[user, by]),
            Self::MemberLeft { user, by } => put_texts(value, MEMBER_LEFT, &[user, by]),
            Self::RoleChanged { user, role, by } => {
                put_texts(value, ROLE_CHANGED, &[user, by])?;
                value.put_u8(*role as u8);
                Ok(())
            }
            Self::MemberReplaced { user, by } => put_texts(value, MEMBER_REPLACED, &[user, by]),
            Self::Forked { user: None } => put_texts(value, FORKED, &[]),
            Self::Forked { user: Some(user) } => put_texts(value, DISPUTED, &[user]),
            Self::Message { from, message_id, content_type, payload, sent_ms, shared_by } => {
                put_texts(value, MESSAGE, &[from, shared_by.as_deref().unwrap_or_default()])?;
                value.put(message_id);
                value.put_u8(*content_type as u8);
                value.put_u64(*sent_ms);
                value.put_bytes32(payload)
            }
            Self::Pending { from, count } => {
                put_texts(value, PENDING, &[from])?;
                value.put_u32(*count);
                Ok(())
            }
            Self::Unreadable { from, count, status } => {
                put_texts(value, UNREADABLE, &[from])?;
                value.put_u32(*count);
                value.put_u32(status.code());
                Ok(())
            }
            Self::KeyWithheld { user, status } => {
                put_texts(value, KEY_WITHHELD, &[user])?;
                value.put_u32(status.code());
                Ok(())
            }
            Self::Ack { message_id, user, state } => {
                put_texts(value, ACK, &[user.as_deref().unwrap_or_default()])?;
                value.put(message_id);
                value.put_u8(*state as u8);
                Ok(())
            }
            Self::Failed { message_id, status } => {
                value.put_u8(FAILED);
                value.put(message_id);
                value.put_u32(status.code());
                Ok(())
            }
        }
    }

    /// Reads what [`GroupEvent::put`] wrote.
    pub(in crate::client) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(match reader.u8()? {
            CREATED => Self::Created { label: read_label(reader)?.into() },
            JOINED => Self::Joined { label: read_label(reader)?.into(), by: read_user(reader)?.into() },
            LEFT => Self::Left { by: read_user(reader)?.into() },
            DELETED => Self::Deleted { by: read_user(reader)?.into() },
            MEMBER_JOINED => {
                Self::MemberJoined { user: read_user(reader)?.into(), by: read_user(reader)?.into() }
            }
            MEMBER_LEFT => {
                Self::MemberLeft { user: read_user(reader)?.into(), by: read_user(reader)?.into() }
            }
            ROLE_CHANGED => Self::RoleChanged {
                user: read_user(reader)?.into(),
                by: read_user(reader)?.into(),
                role: reader.u8()?.try_into()?,
            },
            MEMBER_REPLACED => {
                Self::MemberReplaced { user: read_user(reader)?.into(), by: read_user(reader)?.into() }
            }
            FORKED => Self::Forked { user: None },
            DISPUTED => Self::Forked { user: Some(read_user(reader)?.into()) },
            MESSAGE => Self::Message {
                from: read_user(reader)?.into(),
                shared_by: read_nobody(reader)?,
                message_id: *reader.array()?,
                content_type: read_content_type(reader)?,
                sent_ms: reader.u64()?,
                payload: Zeroizing::new(reader.bytes32(0..=usize::MAX)?.to_vec()),
            },
            PENDING => Self::Pending { from: read_user(reader)?.into(), count: reader.u32()? },
            UNREADABLE => Self::Unreadable {
                from: read_user(reader)?.into(),
                count: reader.u32()?,
                status: read_status(reader)?,
            },
            KEY_WITHHELD => {
                Self::KeyWithheld { user: read_user(reader)?.into(), status: read_status(reader)? }
            }
            ACK => Self::Ack {
                user: read_nobody(reader)?,
                message_id: *reader.array()?,
                state: MessageState::read(reader)?,
            },
            FAILED => Self::Failed { message_id: *reader.array()?, status: read_status(reader)? },
            _ => return Err(Error::Malformed),
        })
    }

    /// What may be shown and logged: never a payload.
    pub(in crate::client) fn show(&self, shown: &mut Shown) {
        match self {
            Self::Created { label } => shown.text("label", label),
            Self::Joined { label, by } => {
                shown.text("label", label);
                shown.text("by", by);
            }
            Self::Left { by } | Self::Deleted { by } => shown.text("by", by),
            Self::MemberJoined { user, by }
            | Self::MemberLeft { user, by }
            | Self::MemberReplaced { user, by } => {
                shown.text("user", user);
                shown.text("by", by);
            }
            Self::RoleChanged { user, role, by } => {
                shown.text("user", user);
                shown.text("role", role_name(*role));
                shown.text("by", by);
            }
            Self::Forked { user } => shown.anybody("user", user.as_deref()),
            Self::Message { from, message_id, content_type, payload, sent_ms, shared_by } => {
                shown.text("user", from);
                show_message(shown, message_id, *content_type, payload, *sent_ms);
                shown.anybody("by", shared_by.as_deref());
            }
            Self::Pending { from, count } => {
                shown.text("user", from);
                shown.number("count", (*count).into());
            }
            Self::Unreadable { from, count, status } => {
                shown.text("user", from);
                shown.number("count", (*count).into());
                shown.text("status", status.name());
            }
            Self::KeyWithheld { user, status } => {
                shown.text("user", user);
                shown.text("status", status.name());
            }
            Self::Ack { message_id, user, state } => {
                shown.bytes("message_id", message_id);
                shown.anybody("user", user.as_deref());
                shown.text("state", state.name());
            }
            Self::Failed { message_id, status } => {
                shown.bytes("message_id", message_id);
                shown.text("status", status.name());
            }
        }
    }
}

fn put_texts(value: &mut Value, kind: u8, texts: &[&str]) -> Result<()> {
    value.put_u8(kind);
    texts.iter().try_for_each(|text| value.put_bytes8(text.as_bytes()))
}

/// A user, or nobody.
fn read_nobody(reader: &mut Reader<'_>) -> Result<Option<Box<str>>> {
    let text = read_label(reader)?;
    Ok((!text.is_empty()).then(|| text.into()))
}

fn read_status(reader: &mut Reader<'_>) -> Result<Error> {
    Error::from_code(reader.u32()?).ok_or(Error::Malformed)
}

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Member => "member",
        Role::Admin => "admin",
        Role::Owner => "owner",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::records;

    #[test]
    fn every_event_survives_its_record() {
        let (user, by): (Box<str>, Box<str>) = ("bob".into(), "alice".into());
        let (message_id, label): ([u8; 16], Box<str>) = ([7; 16], "team-42".into());
        let events = [
            GroupEvent::Created { label: label.clone() },
            GroupEvent::Joined { label: "".into(), by: by.clone() },
            GroupEvent::Left { by: by.clone() },
            GroupEvent::Deleted { by: by.clone() },
            GroupEvent::MemberJoined { user: user.clone(), by: by.clone() },
            GroupEvent::MemberLeft { user: user.clone(), by: by.clone() },
            GroupEvent::RoleChanged { user: user.clone(), role: Role::Admin, by: by.clone() },
            GroupEvent::MemberReplaced { user: user.clone(), by: by.clone() },
            GroupEvent::Forked { user: None },
            GroupEvent::Forked { user: Some(user.clone()) },
            GroupEvent::Message {
                from: user.clone(),
                message_id,
                content_type: ContentType::Text,
                payload: Zeroizing::new(b"a secret".to_vec()),
                sent_ms: 5,
                shared_by: None,
            },
            GroupEvent::Pending { from: user.clone(), count: 3 },
            GroupEvent::Unreadable { from: user.clone(), count: 3, status: Error::RetiredKey },
            GroupEvent::KeyWithheld { user: user.clone(), status: Error::IdentityChanged },
            GroupEvent::Ack { message_id, user: Some(user), state: MessageState::Read },
            GroupEvent::Ack { message_id, user: None, state: MessageState::Sent },
            GroupEvent::Failed { message_id, status: Error::NotAMember },
        ];
        for event in events {
            let mut value = records::begin();
            event.put(&mut value).unwrap();
            assert!(records::read(&value, GroupEvent::read) == Ok(event.clone()), "{}", event.name());
            for length in 0..value.len() {
                assert!(records::read(&value[..length], GroupEvent::read).is_err());
            }
            let mut shown = Shown::default();
            event.show(&mut shown);
            assert!(!shown.into_json().to_string().contains("a secret"));
        }
    }
}
