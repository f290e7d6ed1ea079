//! The layout of a roster entry (`docs/PROTOCOL.md` section 7.1). Nothing is verified here.

use crate::error::{Error, Result};
use crate::limits::{ENTRY_MAX, ROSTER_BRANCHES_MAX};
use crate::wire::codec::{Put, Reader};
use crate::wire::{Kind, expect_prefix, name, put_prefix};

/// Most bytes of a body, and of a list of members in it.
const BODY_MAX: usize = (1 << 22) - 1;
/// What stands for "none" where a hash is due.
const ZERO: [u8; 32] = [0; 32];

/// What a member may do in its group, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Role {
    /// Reads and writes.
    Member = 1,
    /// Also adds and removes members.
    Admin = 2,
    /// Also gives roles, settles forks and deletes the group.
    Owner = 3,
}

impl TryFrom<u8> for Role {
    type Error = Error;

    fn try_from(byte: u8) -> Result<Self> {
        Ok(match byte {
            1 => Self::Member,
            2 => Self::Admin,
            3 => Self::Owner,
            _ => return Err(Error::Malformed),
        })
    }
}

/// A member as an entry names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemberFields<'a> {
    /// Who it is.
    pub user: &'a str,
    /// SEC1 bytes, not yet known to be a point.
    pub sign_key: &'a [u8; 65],
    /// SEC1 bytes, not yet known to be a point.
    pub agree_key: &'a [u8; 65],
    /// What it may do.
    pub role: Role,
}

impl<'a> MemberFields<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self> {
        Ok(Self {
            user: name::read_user(reader)?,
            sign_key: reader.array()?,
            agree_key: reader.array()?,
            role: reader.u8()?.try_into()?,
        })
    }

    fn read_list(reader: &mut Reader<'a>) -> Result<Vec<Self>> {
        let mut list = Reader::new(reader.bytes32(1..=BODY_MAX)?);
        let mut members = Vec::new();
        while list.remaining() > 0 {
            members.push(Self::read(&mut list)?);
        }
        Ok(members)
    }

    fn put(&self, out: &mut impl Put) -> Result<()> {
        out.put_bytes8(self.user.as_bytes())?;
        out.put(self.sign_key);
        out.put(self.agree_key);
        out.put_u8(self.role as u8);
        Ok(())
    }

    fn put_list(members: &[Self], out: &mut impl Put) -> Result<()> {
        let mut list = Vec::new();
        for member in members {
            member.put(&mut list)?;
        }
        out.put_bytes32(&list)
    }
}

/// What an entry does: the action's number and its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action<'a> {
    /// Founds the group.
    Create {
        /// What people call it; it identifies nothing.
        label: &'a str,
        /// Whether anybody may join.
        open: bool,
        /// The lowest role that may add members.
        add_role: Role,
        /// Makes the group id unique.
        random: &'a [u8; 32],
        /// The founder first.
        members: Vec<MemberFields<'a>>,
    },
    /// Adds members.
    Add(Vec<MemberFields<'a>>),
    /// The actor enters an open group.
    Join(MemberFields<'a>),
    /// Removes a member.
    Remove(&'a str),
    /// The actor leaves.
    Leave,
    /// Gives a member a role.
    Role(&'a str, Role),
    /// Gives a member new keys.
    Replace(MemberFields<'a>),
    /// Ends the group.
    Delete,
    /// Settles a fork.
    Resolve {
        /// The head of the branch that goes on: the entry before this one.
        chosen: &'a [u8; 32],
        /// The first entry of each other branch, in byte order.
        rejected: Vec<&'a [u8; 32]>,
    },
}

impl<'a> Action<'a> {
    /// The number of the action.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::Create { .. } => 0,
            Self::Add(_) => 1,
            Self::Join(_) => 2,
            Self::Remove(_) => 3,
            Self::Leave => 4,
            Self::Role(..) => 5,
            Self::Replace(_) => 6,
            Self::Delete => 7,
            Self::Resolve { .. } => 8,
        }
    }

    /// The action's name in the table of section 7.1.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Add(_) => "add",
            Self::Join(_) => "join",
            Self::Remove(_) => "remove",
            Self::Leave => "leave",
            Self::Role(..) => "role",
            Self::Replace(_) => "replace",
            Self::Delete => "delete",
            Self::Resolve { .. } => "resolve",
        }
    }

    fn read(code: u8, body: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(body);
        let action = match code {
            0 => Self::Create {
                label: name::read_label(&mut reader)?,
                open: match reader.u8()? {
                    0 => false,
                    1 => true,
                    _ => return Err(Error::Malformed),
                },
                add_role: reader.u8()?.try_into()?,
                random: reader.array()?,
                members: MemberFields::read_list(&mut reader)?,
            },
            1 => Self::Add(MemberFields::read_list(&mut reader)?),
            2 => Self::Join(MemberFields::read(&mut reader)?),
            3 => Self::Remove(name::read_user(&mut reader)?),
            4 => Self::Leave,
            5 => Self::Role(name::read_user(&mut reader)?, reader.u8()?.try_into()?),
            6 => Self::Replace(MemberFields::read(&mut reader)?),
            7 => Self::Delete,
            8 => Self::Resolve { chosen: reader.array()?, rejected: read_rejected(&mut reader)? },
            _ => return Err(Error::Malformed),
        };
        reader.finish()?;
        Ok(action)
    }

    fn put_body(&self, out: &mut impl Put) -> Result<()> {
        match self {
            Self::Create { label, open, add_role, random, members } => {
                out.put_bytes8(label.as_bytes())?;
                out.put_u8(u8::from(*open));
                out.put_u8(*add_role as u8);
                out.put(*random);
                MemberFields::put_list(members, out)
            }
            Self::Add(members) => MemberFields::put_list(members, out),
            Self::Join(member) | Self::Replace(member) => member.put(out),
            Self::Remove(user) => out.put_bytes8(user.as_bytes()),
            Self::Role(user, role) => {
                out.put_bytes8(user.as_bytes())?;
                out.put_u8(*role as u8);
                Ok(())
            }
            Self::Leave | Self::Delete => Ok(()),
            Self::Resolve { chosen, rejected } => {
                out.put(*chosen);
                let hashes: Vec<u8> = rejected.iter().copied().flatten().copied().collect();
                out.put_bytes8(&hashes)
            }
        }
    }
}

fn read_rejected<'a>(reader: &mut Reader<'a>) -> Result<Vec<&'a [u8; 32]>> {
    let mut list = Reader::new(reader.bytes8(32..=32 * ROSTER_BRANCHES_MAX)?);
    let mut rejected: Vec<&[u8; 32]> = Vec::new();
    while list.remaining() > 0 {
        let hash = list.array()?;
        if rejected.last().is_some_and(|before| *before >= hash) {
            return Err(Error::Malformed);
        }
        rejected.push(hash);
    }
    Ok(rejected)
}

/// The signed fields of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryFields<'a> {
    /// The group; zero in the create entry, whose hash it is.
    pub group_id: &'a [u8; 32],
    /// The entry's number.
    pub epoch: u64,
    /// The hash of the entry before; zero in the create entry.
    pub previous: &'a [u8; 32],
    /// Who signed it.
    pub actor: &'a str,
    /// The identity under which the actor signed it.
    pub actor_fingerprint: &'a [u8; 32],
    /// The actor's clock; informative.
    pub timestamp_ms: u64,
    /// What it does.
    pub action: Action<'a>,
}

impl<'a> EntryFields<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self> {
        expect_prefix(reader, Kind::RosterEntry)?;
        let group_id = reader.array()?;
        let epoch = reader.u64()?;
        let previous = reader.array()?;
        let actor = name::read_user(reader)?;
        let actor_fingerprint = reader.array()?;
        let timestamp_ms = reader.u64()?;
        let code = reader.u8()?;
        let action = Action::read(code, reader.bytes32(0..=BODY_MAX)?)?;
        let first = matches!(action, Action::Create { .. });
        if first != (epoch == 0) || (first && (group_id, previous) != (&ZERO, &ZERO)) {
            return Err(Error::Malformed);
        }
        Ok(Self { group_id, epoch, previous, actor, actor_fingerprint, timestamp_ms, action })
    }

    /// Writes what is signed; [`Error::TooLarge`] for a name or body beyond its bound.
    pub fn put(&self, out: &mut impl Put) -> Result<()> {
        let mut body = Vec::new();
        self.action.put_body(&mut body)?;
        if body.len() > BODY_MAX {
            return Err(Error::TooLarge);
        }
        put_prefix(out, Kind::RosterEntry);
        out.put(self.group_id);
        out.put_u64(self.epoch);
        out.put(self.previous);
        out.put_bytes8(self.actor.as_bytes())?;
        out.put(self.actor_fingerprint);
        out.put_u64(self.timestamp_ms);
        out.put_u8(self.action.code());
        out.put_bytes32(&body)
    }
}

/// An entry as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// What was signed, read.
    pub fields: EntryFields<'a>,
    /// What was signed, as bytes.
    pub signed: &'a [u8],
    /// The actor's signature over it.
    pub signature: &'a [u8; 64],
    /// All of it.
    pub bytes: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Reads exactly one entry.
    ///
    /// [`Error::Malformed`] and its kin for anything else, [`Error::TooLarge`] for an entry beyond
    /// [`ENTRY_MAX`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let (entry, rest) = Self::parse_first(bytes)?;
        if rest.is_empty() { Ok(entry) } else { Err(Error::Malformed) }
    }

    /// Reads the first of several entries, one after another, and gives the rest.
    pub fn parse_first(bytes: &'a [u8]) -> Result<(Self, &'a [u8])> {
        let mut reader = Reader::new(bytes);
        let fields = EntryFields::read(&mut reader)?;
        let (signed, rest) = bytes.split_at_checked(reader.position()).ok_or(Error::Malformed)?;
        let (signature, rest) = rest.split_first_chunk().ok_or(Error::Malformed)?;
        let bytes = bytes.get(..signed.len() + signature.len()).ok_or(Error::Malformed)?;
        if bytes.len() > ENTRY_MAX {
            return Err(Error::TooLarge);
        }
        Ok((Self { fields, signed, signature, bytes }, rest))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MEMBER: MemberFields<'_> =
        MemberFields { user: "bob", sign_key: &[1; 65], agree_key: &[2; 65], role: Role::Admin };

    fn actions() -> Vec<Action<'static>> {
        vec![
            Action::Create {
                label: "",
                open: true,
                add_role: Role::Admin,
                random: &[3; 32],
                members: vec![MEMBER, MemberFields { user: "carol", ..MEMBER }],
            },
            Action::Add(vec![MEMBER]),
            Action::Join(MEMBER),
            Action::Remove("bob"),
            Action::Leave,
            Action::Role("bob", Role::Owner),
            Action::Replace(MEMBER),
            Action::Delete,
            Action::Resolve { chosen: &[4; 32], rejected: vec![&[5; 32], &[6; 32]] },
        ]
    }

    fn fields(action: Action<'_>) -> EntryFields<'_> {
        let first = matches!(action, Action::Create { .. });
        EntryFields {
            group_id: if first { &ZERO } else { &[7; 32] },
            epoch: u64::from(!first),
            previous: if first { &ZERO } else { &[8; 32] },
            actor: "alice",
            actor_fingerprint: &[9; 32],
            timestamp_ms: 10,
            action,
        }
    }

    fn bytes(fields: &EntryFields<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        fields.put(&mut bytes).unwrap();
        bytes.extend([11; 64]);
        bytes
    }

    #[test]
    fn every_action_reads_back() {
        for (code, action) in actions().into_iter().enumerate() {
            let written = fields(action);
            let bytes = bytes(&written);
            let entry = Entry::parse(&bytes).unwrap();
            assert_eq!(entry.fields, written);
            assert_eq!(usize::from(written.action.code()), code);
            assert_eq!(entry.signature, &[11; 64]);
            assert_eq!([entry.signed, entry.signature].concat(), bytes);
        }
    }

    #[test]
    fn entries_one_after_another_are_told_apart() {
        let all: Vec<u8> = actions().into_iter().flat_map(|action| bytes(&fields(action))).collect();
        let mut rest = &all[..];
        for action in actions() {
            let (entry, after) = Entry::parse_first(rest).unwrap();
            assert_eq!(entry.fields.action, action);
            rest = after;
        }
        assert!(rest.is_empty());
        assert_eq!(Entry::parse(&all), Err(Error::Malformed));
    }

    #[test]
    fn every_truncation_is_malformed() {
        for action in actions() {
            let bytes = bytes(&fields(action));
            for length in 0..bytes.len() {
                assert_eq!(Entry::parse(&bytes[..length]), Err(Error::Malformed), "{length}");
            }
        }
    }

    #[test]
    fn create_and_no_other_action_is_entry_zero() {
        for action in actions() {
            let mut moved = fields(action);
            moved.epoch ^= 1;
            assert_eq!(Entry::parse(&bytes(&moved)), Err(Error::Malformed));
        }
        let mut create = fields(actions().remove(0));
        create.group_id = &[1; 32];
        assert_eq!(Entry::parse(&bytes(&create)), Err(Error::Malformed));
        create.group_id = &ZERO;
        create.previous = &[1; 32];
        assert_eq!(Entry::parse(&bytes(&create)), Err(Error::Malformed));
    }

    #[test]
    fn rejected_branches_stand_in_order_and_once() {
        for rejected in [vec![], vec![&[5; 32], &[5; 32]], vec![&[6; 32], &[5; 32]]] {
            let resolve = fields(Action::Resolve { chosen: &[4; 32], rejected });
            assert_eq!(Entry::parse(&bytes(&resolve)), Err(Error::Malformed));
        }
    }

    #[test]
    fn an_entry_beyond_the_limit_is_too_large() {
        let room = BODY_MAX - 4;
        let count = room / 387;
        let users: Vec<String> = (0..count).map(|n| format!("{n:0255}")).collect();
        let members = users.iter().map(|user| MemberFields { user, ..MEMBER }).collect();
        let entry = fields(Action::Add(members));
        let length = bytes(&entry).len();
        assert!(length <= ENTRY_MAX && Entry::parse(&bytes(&entry)).is_ok());
        let actor = "a".repeat(255);
        let padding = "b".repeat(room - count * 387 - 132);
        let Action::Add(mut members) = entry.action.clone() else { unreachable!() };
        members.push(MemberFields { user: &padding, ..MEMBER });
        let longer = EntryFields { actor: &actor, action: Action::Add(members), ..entry.clone() };
        assert_eq!(Entry::parse(&bytes(&longer)), Err(Error::TooLarge));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..600),
            code in 0u8..10,
        ) {
            let _ = Entry::parse(&bytes);
            let _ = Action::read(code, &bytes);
            let after_prefix = [&[1, 1, 0, 1, 6], &bytes[..]].concat();
            let _ = Entry::parse_first(&after_prefix);
        }

        #[test]
        fn a_changed_byte_reads_as_another_entry_or_none(which in 0usize..9, at: prop::sample::Index, flip in 1u8..) {
            let original = bytes(&fields(actions().remove(which)));
            let mut changed = original.clone();
            changed[at.index(original.len())] ^= flip;
            if let Ok(entry) = Entry::parse(&changed) {
                prop_assert_eq!(bytes(&entry.fields)[..entry.signed.len()].to_vec(), entry.signed.to_vec());
            }
        }
    }
}
