//! What a call on a relay gives its host to send and to store.

use std::sync::Arc;

use crate::relay::item::{EnvelopeId, Item};
use crate::relay::members::Recipients;
use crate::relay::record::{Change, Record, RecordName};

/// What came of a call: records to store first, then deliveries to send.
///
/// The copies of one envelope for many recipients are kept as one item and a number a recipient; deliveries and
/// records are made from that when they are asked for.
#[derive(Default)]
pub struct Outcome {
    changes: Vec<Change>,
    handed: Vec<Handed>,
    copies: Option<Copies>,
}

/// Something that waited in a queue; the end of the queue without an item.
struct Handed {
    user: Arc<str>,
    sequence: u64,
    item: Option<Arc<Item>>,
}

/// One item that went into the queues of many.
struct Copies {
    item: Arc<Item>,
    recipients: Recipients,
    placed: Vec<Placed>,
    online: usize,
}

/// Where one copy stands, and whether it is delivered at once.
pub(super) struct Placed {
    /// Position among the recipients.
    recipient: u32,
    is_online: bool,
    sequence: u64,
}

impl Placed {
    pub(super) fn new(recipient: usize, sequence: u64, is_online: bool) -> Self {
        Self { recipient: u32::try_from(recipient).unwrap_or(u32::MAX), is_online, sequence }
    }
}

/// Something for a user who is online.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    /// Whom it is for.
    pub user: &'a str,
    /// Its place in the user's queue, from 1 on; 0 at the end of the queue.
    pub sequence: u64,
    item: Option<&'a Item>,
}

impl<'a> Delivery<'a> {
    /// The envelope or roster entry, one copy for all recipients; empty at the end of the queue.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        self.item.map_or(&[], Item::payload)
    }

    /// Names the payload; zero at the end of the queue.
    #[must_use]
    pub fn envelope_id(&self) -> EnvelopeId {
        self.item.map_or([0; 16], |item| *item.id())
    }

    /// Whether it says that all that had gathered offline comes before it.
    #[must_use]
    pub const fn is_queue_end(&self) -> bool {
        self.item.is_none()
    }
}

impl Outcome {
    /// A record.
    pub(super) fn change(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// That records are gone from a queue.
    pub(super) fn deletions(&mut self, user: &Arc<str>, sequences: impl Iterator<Item = u64>) {
        let name = |sequence| RecordName::Queue(Arc::clone(user), sequence);
        self.changes.extend(sequences.map(|sequence| Change::deletion(name(sequence), 1)));
    }

    /// What waited in a queue, for its user.
    pub(super) fn hand(&mut self, user: &Arc<str>, queue: impl Iterator<Item = (u64, Arc<Item>)>) {
        let handed = |sequence, item| Handed { user: Arc::clone(user), sequence, item };
        self.handed.extend(queue.map(|(sequence, item)| handed(sequence, Some(item))));
        self.handed.push(handed(0, None));
    }

    /// The copies of an item.
    pub(super) fn copy(&mut self, item: &Arc<Item>, recipients: Recipients, placed: Vec<Placed>) {
        let online = placed.iter().filter(|placed| placed.is_online).count();
        self.copies = Some(Copies { item: Arc::clone(item), recipients, placed, online });
    }

    /// To the connections of their users, in this order.
    pub fn deliveries(&self) -> impl Iterator<Item = Delivery<'_>> {
        let handed = self.handed.iter().map(|handed| Delivery {
            user: &handed.user,
            sequence: handed.sequence,
            item: handed.item.as_deref(),
        });
        let copies = self.copies.iter().flat_map(|copies| {
            copies.placed.iter().filter(|placed| placed.is_online).map(|placed| Delivery {
                user: copies.recipients.name(placed.recipient as usize),
                sequence: placed.sequence,
                item: Some(&copies.item),
            })
        });
        handed.chain(copies)
    }

    /// How many [`Outcome::deliveries`] there are.
    #[must_use]
    pub fn deliveries_len(&self) -> usize {
        self.handed.len() + self.copies.as_ref().map_or(0, |copies| copies.online)
    }

    /// To a store, all or none of them where it can, otherwise in this order.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let copies = self.copies.iter().flat_map(|copies| {
            copies.placed.iter().map(|placed| {
                let user = copies.recipients.name(placed.recipient as usize);
                Record::queued(user, placed.sequence, &copies.item)
            })
        });
        self.changes.iter().map(Change::as_record).chain(copies)
    }

    /// Bytes of the names of all records, or some more: so that room for them is made once.
    #[must_use]
    pub fn names_len(&self) -> usize {
        let copies = self.copies.as_ref().map_or(0, |copies| {
            let each = RecordName::Queue("", 0).text_len();
            copies.recipients.names_len().saturating_add(copies.placed.len().saturating_mul(each))
        });
        let changes = self.changes.iter().map(|change| change.as_record().name.text_len());
        changes.fold(copies, usize::saturating_add)
    }

    /// How many [`Outcome::records`] there are.
    #[must_use]
    pub fn records_len(&self) -> usize {
        self.changes.len() + self.copies.as_ref().map_or(0, |copies| copies.placed.len())
    }
}
