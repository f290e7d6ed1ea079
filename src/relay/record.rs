//! What a host stores of a relay, and under which names.

use core::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::relay::item::Item;

/// One change of what a relay needs to be rebuilt by [`Relay::restore`](crate::relay::Relay::restore).
///
/// A store that serves several relays writes it only if the stored version is `replaces`, as version `replaces + 1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// What changed.
    pub name: RecordName<&'a str>,
    /// The version that it replaces; 0 if there was none.
    pub replaces: u64,
    /// What to store, one copy for all queues that an envelope goes into; nothing if the record is to be deleted.
    pub value: Option<&'a [u8]>,
}

/// A [`Record`] that owns what it names.
pub(super) struct Change {
    name: RecordName<Arc<str>>,
    replaces: u64,
    value: Option<Box<[u8]>>,
}

impl Change {
    pub(super) const fn value(name: RecordName<Arc<str>>, replaces: u64, value: Box<[u8]>) -> Self {
        Self { name, replaces, value: Some(value) }
    }

    pub(super) const fn deletion(name: RecordName<Arc<str>>, replaces: u64) -> Self {
        Self { name, replaces, value: None }
    }

    pub(super) fn as_record(&self) -> Record<'_> {
        Record { name: self.name.as_ref(), replaces: self.replaces, value: self.value.as_deref() }
    }
}

impl<'a> Record<'a> {
    /// That an item is queued.
    pub(super) fn queued(user: &'a str, sequence: u64, item: &'a Item) -> Self {
        Self { name: RecordName::Queue(user, sequence), replaces: 0, value: Some(item.stored()) }
    }
}

/// The name of a record. As text it starts with its kind, and the records of one object sort in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordName<S> {
    /// `card/<user>`: the user's card.
    Card(S),
    /// `prekeys/<user>`: what the user published.
    Prekeys(S),
    /// `taken/<user>`: which one-time prekeys are gone.
    Taken(S),
    /// `acknowledged/<user>`: up to where the user's queue is gone.
    Acknowledged(S),
    /// `store/<user>`: the user's store, and the number of its last commit.
    Store(S),
    /// `relay/id`: of relays that kept it. It is not written any more, and means nothing.
    RelayId,
    /// `queue/<user>/<sequence>`: a queued envelope or roster entry.
    Queue(S, u64),
    /// `group/<group id>`: when the relay took the group, and when it took its end.
    Group([u8; 32]),
    /// `roster/<group id>/<epoch>`: a roster entry.
    Roster([u8; 32], u64),
}

/// Digits of a number in a name, with zeros in front.
const DIGITS: usize = 20;

impl<S: AsRef<str>> RecordName<S> {
    /// Borrows what it names.
    pub fn as_ref(&self) -> RecordName<&str> {
        match self {
            Self::Card(user) => RecordName::Card(user.as_ref()),
            Self::Prekeys(user) => RecordName::Prekeys(user.as_ref()),
            Self::Taken(user) => RecordName::Taken(user.as_ref()),
            Self::Acknowledged(user) => RecordName::Acknowledged(user.as_ref()),
            Self::Store(user) => RecordName::Store(user.as_ref()),
            Self::RelayId => RecordName::RelayId,
            Self::Queue(user, sequence) => RecordName::Queue(user.as_ref(), *sequence),
            Self::Group(group_id) => RecordName::Group(*group_id),
            Self::Roster(group_id, epoch) => RecordName::Roster(*group_id, *epoch),
        }
    }

    /// Bytes of its text.
    pub fn text_len(&self) -> usize {
        let (kind, object, has_number) = match self {
            Self::Card(user) => ("card", user.as_ref().len(), false),
            Self::Prekeys(user) => ("prekeys", user.as_ref().len(), false),
            Self::Taken(user) => ("taken", user.as_ref().len(), false),
            Self::Acknowledged(user) => ("acknowledged", user.as_ref().len(), false),
            Self::Store(user) => ("store", user.as_ref().len(), false),
            Self::RelayId => ("relay", "id".len(), false),
            Self::Queue(user, _) => ("queue", user.as_ref().len(), true),
            Self::Group(group_id) => ("group", 2 * group_id.len(), false),
            Self::Roster(group_id, _) => ("roster", 2 * group_id.len(), true),
        };
        kind.len() + 1 + object + if has_number { 1 + DIGITS } else { 0 }
    }

    /// Appends its text, which is UTF-8.
    pub fn put_text(&self, out: &mut Vec<u8>) {
        let (kind, user) = match self {
            Self::Card(user) => ("card/", user),
            Self::Prekeys(user) => ("prekeys/", user),
            Self::Taken(user) => ("taken/", user),
            Self::Acknowledged(user) => ("acknowledged/", user),
            Self::Store(user) => ("store/", user),
            Self::RelayId => return out.extend_from_slice(b"relay/id"),
            Self::Queue(user, sequence) => {
                out.extend_from_slice(b"queue/");
                out.extend_from_slice(user.as_ref().as_bytes());
                return put_number(out, *sequence);
            }
            Self::Group(group_id) => {
                out.extend_from_slice(b"group/");
                return put_group_id(out, group_id);
            }
            Self::Roster(group_id, epoch) => {
                out.extend_from_slice(b"roster/");
                put_group_id(out, group_id);
                return put_number(out, *epoch);
            }
        };
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(user.as_ref().as_bytes());
    }
}

fn put_group_id(out: &mut Vec<u8>, group_id: &[u8; 32]) {
    out.extend(group_id.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit));
}

/// A slash and all digits.
fn put_number(out: &mut Vec<u8>, number: u64) {
    let mut text = [b'0'; 1 + DIGITS];
    let mut rest = number;
    for digit in text.iter_mut().rev() {
        *digit += u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    text[0] = b'/';
    out.extend_from_slice(&text);
}

const fn hex_digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + value - 10 }
}

impl<S: AsRef<str>> fmt::Display for RecordName<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(self.text_len());
        self.put_text(&mut text);
        f.write_str(core::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl<'a> RecordName<&'a str> {
    /// Reads what [`RecordName`] prints; [`Error::InvalidArgument`] for anything else.
    pub fn parse(name: &'a str) -> Result<Self> {
        let (kind, rest) = name.split_once('/').ok_or(Error::InvalidArgument)?;
        let parsed = match kind {
            "card" => Self::Card(rest),
            "prekeys" => Self::Prekeys(rest),
            "taken" => Self::Taken(rest),
            "acknowledged" => Self::Acknowledged(rest),
            "store" => Self::Store(rest),
            "relay" => Self::RelayId,
            "group" => Self::Group(parse_group_id(rest)?),
            "queue" | "roster" => {
                // A user id may contain slashes, a number none.
                let (object, number) = rest.rsplit_once('/').ok_or(Error::InvalidArgument)?;
                let number = number.parse().map_err(|_| Error::InvalidArgument)?;
                if kind == "queue" {
                    Self::Queue(object, number)
                } else {
                    Self::Roster(parse_group_id(object)?, number)
                }
            }
            _ => return Err(Error::InvalidArgument),
        };
        // One spelling only, so that one record has one name.
        if parsed.to_string() == name { Ok(parsed) } else { Err(Error::InvalidArgument) }
    }
}

fn parse_group_id(hex: &str) -> Result<[u8; 32]> {
    let mut group_id = [0; 32];
    for (at, byte) in group_id.iter_mut().enumerate() {
        let digits = hex.get(2 * at..2 * at + 2).ok_or(Error::InvalidArgument)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| Error::InvalidArgument)?;
    }
    Ok(group_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for name in [
            RecordName::Card("a/b"),
            RecordName::Prekeys("é"),
            RecordName::Taken("a"),
            RecordName::Acknowledged("queue/7"),
            RecordName::Store("a"),
            RecordName::RelayId,
            RecordName::Queue("a/7", 8),
            RecordName::Queue("a", u64::MAX),
            RecordName::Group([0xcd; 32]),
            RecordName::Roster([0xab; 32], 9),
        ] {
            let text = name.to_string();
            assert_eq!(text.len(), name.text_len());
            assert_eq!(RecordName::parse(&text), Ok(name));
        }
    }

    #[test]
    fn numbers_have_all_their_digits() {
        assert_eq!(RecordName::Queue("a", 120).to_string(), "queue/a/00000000000000000120");
        assert_eq!(RecordName::Queue("a", 0).to_string(), "queue/a/00000000000000000000");
        assert_eq!(RecordName::Queue("a", u64::MAX).to_string(), "queue/a/18446744073709551615");
    }

    #[test]
    fn queues_and_rosters_sort_in_their_order() {
        let name = |sequence| RecordName::Queue("a", sequence).to_string();
        assert!(name(9) < name(10) && name(10) < name(u64::MAX));
    }

    #[test]
    fn other_names_are_refused() {
        let group_id = "ab".repeat(32);
        for name in [
            "",
            "card",
            "cards/a",
            "queue/a",
            "queue/a/7",
            "queue/a/+0000000000000000007",
            &format!("group/{}", "AB".repeat(32)),
            "group/ab",
            &format!("roster/{}/00000000000000000000", "AB".repeat(32)),
            &format!("roster/{group_id}ab/00000000000000000000"),
            &format!("roster/{}/00000000000000000000", "é".repeat(32)),
        ] {
            assert_eq!(RecordName::parse(name), Err(Error::InvalidArgument), "{name}");
        }
        assert!(RecordName::parse(&format!("roster/{group_id}/00000000000000000000")).is_ok());
    }
}
