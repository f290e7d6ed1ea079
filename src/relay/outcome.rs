//! What a call on a relay gives its host to send and to store.

use core::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::relay::item::{EnvelopeId, Item};

/// What came of a call: records to store first, then deliveries to send.
#[derive(Default)]
pub struct Outcome {
    /// To the connections of their users, in this order.
    pub deliveries: Vec<Delivery>,
    /// To a store, all or none of them where it can, otherwise in this order.
    pub records: Vec<Record>,
}

/// Something for a user who is online.
pub struct Delivery {
    /// Whom it is for.
    pub user: Arc<str>,
    /// Its place in the user's queue, from 1 on; 0 at the end of the queue.
    pub sequence: u64,
    item: Option<Arc<Item>>,
}

impl Delivery {
    pub(super) fn new(user: &Arc<str>, sequence: u64, item: &Arc<Item>) -> Self {
        Self { user: Arc::clone(user), sequence, item: Some(Arc::clone(item)) }
    }

    pub(super) fn queue_end(user: &Arc<str>) -> Self {
        Self { user: Arc::clone(user), sequence: 0, item: None }
    }

    /// The envelope or roster entry, one copy for all recipients; empty at the end of the queue.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.item.as_ref().map_or(&[], |item| item.payload())
    }

    /// Names the payload; zero at the end of the queue.
    #[must_use]
    pub fn envelope_id(&self) -> EnvelopeId {
        self.item.as_ref().map_or([0; 16], |item| *item.id())
    }

    /// Whether it says that all that had gathered offline comes before it.
    #[must_use]
    pub const fn is_queue_end(&self) -> bool {
        self.item.is_none()
    }
}

/// One change of what a relay needs to be rebuilt by [`Relay::restore`](crate::relay::Relay::restore).
///
/// A store that serves several relays writes it only if the stored version is `replaces`, as version `replaces + 1`.
pub struct Record {
    /// What changed.
    pub name: RecordName,
    /// The version that it replaces; 0 if there was none.
    pub replaces: u64,
    value: Option<Value>,
}

enum Value {
    Item(Arc<Item>),
    Bytes(Box<[u8]>),
}

impl Record {
    pub(super) const fn bytes(name: RecordName, replaces: u64, value: Box<[u8]>) -> Self {
        Self { name, replaces, value: Some(Value::Bytes(value)) }
    }

    pub(super) fn item(name: RecordName, replaces: u64, item: &Arc<Item>) -> Self {
        Self { name, replaces, value: Some(Value::Item(Arc::clone(item))) }
    }

    pub(super) const fn deletion(name: RecordName, replaces: u64) -> Self {
        Self { name, replaces, value: None }
    }

    /// What to store, one copy for all queues that an envelope goes into; nothing if the record is to be deleted.
    #[must_use]
    pub fn value(&self) -> Option<&[u8]> {
        self.value.as_ref().map(|value| match value {
            Value::Item(item) => item.stored(),
            Value::Bytes(bytes) => bytes,
        })
    }
}

/// The name of a record. As text it starts with its kind, and the records of one object sort in their order.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RecordName {
    /// `card/<user>`: the user's card.
    Card(Arc<str>),
    /// `prekeys/<user>`: what the user published.
    Prekeys(Arc<str>),
    /// `taken/<user>`: which one-time prekeys are gone.
    Taken(Arc<str>),
    /// `acknowledged/<user>`: up to where the user's queue is gone.
    Acknowledged(Arc<str>),
    /// `queue/<user>/<sequence>`: a queued envelope or roster entry.
    Queue(Arc<str>, u64),
    /// `roster/<group id>/<epoch>`: a roster entry.
    Roster(Box<[u8; 32]>, u64),
}

impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Card(user) => write!(f, "card/{user}"),
            Self::Prekeys(user) => write!(f, "prekeys/{user}"),
            Self::Taken(user) => write!(f, "taken/{user}"),
            Self::Acknowledged(user) => write!(f, "acknowledged/{user}"),
            Self::Queue(user, sequence) => write!(f, "queue/{user}/{sequence:020}"),
            Self::Roster(group_id, epoch) => {
                f.write_str("roster/")?;
                group_id.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                write!(f, "/{epoch:020}")
            }
        }
    }
}

impl RecordName {
    /// Reads what [`RecordName`] prints; [`Error::InvalidArgument`] for anything else.
    pub fn parse(name: &str) -> Result<Self> {
        let (kind, rest) = name.split_once('/').ok_or(Error::InvalidArgument)?;
        let parsed = match kind {
            "card" => Self::Card(rest.into()),
            "prekeys" => Self::Prekeys(rest.into()),
            "taken" => Self::Taken(rest.into()),
            "acknowledged" => Self::Acknowledged(rest.into()),
            "queue" | "roster" => {
                // A user id may contain slashes, a number none.
                let (object, number) = rest.rsplit_once('/').ok_or(Error::InvalidArgument)?;
                let number = number.parse().map_err(|_| Error::InvalidArgument)?;
                if kind == "queue" {
                    Self::Queue(object.into(), number)
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

fn parse_group_id(hex: &str) -> Result<Box<[u8; 32]>> {
    let mut group_id = Box::new([0; 32]);
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
            RecordName::Card("a/b".into()),
            RecordName::Prekeys("é".into()),
            RecordName::Taken("a".into()),
            RecordName::Acknowledged("queue/7".into()),
            RecordName::Queue("a/7".into(), 8),
            RecordName::Queue("a".into(), u64::MAX),
            RecordName::Roster(Box::new([0xab; 32]), 9),
        ] {
            assert_eq!(RecordName::parse(&name.to_string()), Ok(name));
        }
    }

    #[test]
    fn queues_and_rosters_sort_in_their_order() {
        let name = |sequence| RecordName::Queue("a".into(), sequence).to_string();
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
            &format!("roster/{}/00000000000000000000", "AB".repeat(32)),
            &format!("roster/{group_id}ab/00000000000000000000"),
            &format!("roster/{}/00000000000000000000", "é".repeat(32)),
        ] {
            assert_eq!(RecordName::parse(name), Err(Error::InvalidArgument), "{name}");
        }
        assert!(RecordName::parse(&format!("roster/{group_id}/00000000000000000000")).is_ok());
    }
}
