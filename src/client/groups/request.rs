//! What the application asked for, from the call to the event that ends it.

use crate::client::groups::GroupId;
use crate::client::records::{self, Value};
use crate::client::timers::corrected;
use crate::error::{Error, Result};
use crate::limits::{CLIENT_RETRY_MS, ENTRY_MAX};
use crate::wire::codec::{Put as _, Reader};
use crate::wire::name::{read_label, read_user};
use crate::wire::roster::Role;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A new group.
    Create { label: Box<str>, open: bool, members: Vec<Box<str>> },
    /// To be a member of an open group with this label, unless the group is known.
    Join { label: Box<str> },
    /// New members.
    Add { users: Vec<Box<str>>, role: Role },
    /// A member less.
    Remove { user: Box<str> },
    /// Another role of a member.
    Role { user: Box<str>, role: Role },
    /// New keys of a member: those that we know.
    Replace { user: Box<str> },
    /// To be a member no longer.
    Leave,
    /// The end of the group.
    Delete,
    /// The end of a fork, for the history with this head.
    Resolve { chosen: [u8; 32] },
    /// Keys of the past for a member.
    Share { user: Box<str> },
}

/// One request.
pub(super) struct Request {
    pub(super) what: What,
    created_ms: u64,
    /// The group, once it is known.
    pub(super) group: Option<GroupId>,
    /// The entry that the relay shall take, once it is made; the same until it has answered.
    entry: Vec<u8>,
    /// How often it was made anew.
    pub(super) stale: u32,
    /// The relay was asked something for it, and has not answered.
    pub(super) is_asked: bool,
    /// Nothing is tried before, after so many failures.
    pub(super) after_ms: u64,
    pub(super) failures: u32,
}

impl Request {
    pub(super) const fn new(what: What, group: Option<GroupId>, created_ms: u64) -> Self {
        Self {
            what,
            created_ms,
            group,
            entry: Vec::new(),
            stale: 0,
            is_asked: false,
            after_ms: 0,
            failures: 0,
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let what = What::read(reader)?;
        let group = match reader.bytes8(0..=32)? {
            [] => None,
            group => Some(group.try_into().map_err(|_| Error::Malformed)?),
        };
        let (created_ms, stale) = (reader.u64()?, reader.u32()?);
        let entry = reader.bytes32(0..=ENTRY_MAX)?.to_vec();
        Ok(Self { stale, entry, ..Self::new(what, group, created_ms) })
    }

    /// No time of it is ahead, nor from before the clock was set.
    pub(super) fn correct_clock(&mut self, now_ms: u64) {
        self.created_ms = corrected(self.created_ms, now_ms);
        self.after_ms = self.after_ms.min(now_ms);
    }

    pub(super) fn to_value(&self) -> Result<Value> {
        let mut value = records::begin();
        self.what.put(&mut value)?;
        value.put_bytes8(self.group.as_ref().map_or(&[], |group| group.as_slice()))?;
        value.put_u64(self.created_ms);
        value.put_u32(self.stale);
        value.put_bytes32(&self.entry)?;
        Ok(value)
    }

    pub(super) fn entry(&self) -> &[u8] {
        &self.entry
    }

    /// Another entry, or none.
    pub(super) fn set_entry(&mut self, entry: Vec<u8>) {
        self.entry = entry;
    }

    /// When it has waited too long for what it needs. An entry that was made may have been taken, so it is asked about
    /// for ever.
    pub(super) fn end_ms(&self) -> Option<u64> {
        self.entry.is_empty().then(|| self.created_ms.saturating_add(CLIENT_RETRY_MS))
    }

    /// The label of the group to find.
    pub(super) fn label_sought(&self) -> Option<&str> {
        match &self.what {
            What::Join { label } if self.group.is_none() => Some(label),
            _ => None,
        }
    }

    /// When it may be tried again.
    pub(super) fn due_ms(&self, now_ms: u64) -> Option<u64> {
        (!self.is_asked && self.after_ms > now_ms).then_some(self.after_ms)
    }
}

impl What {
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(match reader.u8()? {
            1 => Self::Create {
                label: read_label(reader)?.into(),
                open: records::read_bool(reader)?,
                members: read_users(reader)?,
            },
            2 => Self::Join { label: read_label(reader)?.into() },
            3 => Self::Add { role: reader.u8()?.try_into()?, users: read_users(reader)? },
            4 => Self::Remove { user: read_user(reader)?.into() },
            5 => Self::Role { user: read_user(reader)?.into(), role: reader.u8()?.try_into()? },
            6 => Self::Replace { user: read_user(reader)?.into() },
            7 => Self::Leave,
            8 => Self::Delete,
            9 => Self::Resolve { chosen: *reader.array()? },
            10 => Self::Share { user: read_user(reader)?.into() },
            _ => return Err(Error::Malformed),
        })
    }

    fn put(&self, value: &mut Value) -> Result<()> {
        match self {
            Self::Create { label, open, members } => {
                value.put_u8(1);
                value.put_bytes8(label.as_bytes())?;
                records::put_bool(value, *open);
                put_users(value, members)
            }
            Self::Join { label } => put_text(value, 2, label),
            Self::Add { users, role } => {
                value.put_u8(3);
                value.put_u8(*role as u8);
                put_users(value, users)
            }
            Self::Remove { user } => put_text(value, 4, user),
            Self::Role { user, role } => {
                put_text(value, 5, user)?;
                value.put_u8(*role as u8);
                Ok(())
            }
            Self::Replace { user } => put_text(value, 6, user),
            Self::Leave => {
                value.put_u8(7);
                Ok(())
            }
            Self::Delete => {
                value.put_u8(8);
                Ok(())
            }
            Self::Resolve { chosen } => {
                value.put_u8(9);
                value.put(chosen);
                Ok(())
            }
            Self::Share { user } => put_text(value, 10, user),
        }
    }
}

fn put_text(value: &mut Value, kind: u8, text: &str) -> Result<()> {
    value.put_u8(kind);
    value.put_bytes8(text.as_bytes())
}

fn put_users(value: &mut Value, users: &[Box<str>]) -> Result<()> {
    value.put_u32(u32::try_from(users.len()).map_err(|_| Error::TooLarge)?);
    users.iter().try_for_each(|user| value.put_bytes8(user.as_bytes()))
}

fn read_users(reader: &mut Reader<'_>) -> Result<Vec<Box<str>>> {
    (0..reader.u32()?).map(|_| Ok(read_user(reader)?.into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_survives_its_record() {
        let user: Box<str> = "bob".into();
        let users = vec![user.clone(), "carol".into()];
        for what in [
            What::Create { label: "team-42".into(), open: true, members: users.clone() },
            What::Join { label: "".into() },
            What::Add { users, role: Role::Admin },
            What::Remove { user: user.clone() },
            What::Role { user: user.clone(), role: Role::Owner },
            What::Replace { user: user.clone() },
            What::Leave,
            What::Delete,
            What::Resolve { chosen: [7; 32] },
            What::Share { user },
        ] {
            let mut request = Request::new(what.clone(), Some([4; 32]), 9);
            request.set_entry(vec![1, 2, 3]);
            request.stale = 5;
            let value = request.to_value().unwrap();
            let read = records::read(&value, Request::read).unwrap();
            assert_eq!((read.what, read.group, read.stale, read.created_ms), (what, Some([4; 32]), 5, 9));
            assert_eq!(read.entry, [1, 2, 3]);
            for length in 0..value.len() {
                assert!(records::read(&value[..length], Request::read).is_err());
            }
        }
    }
}
