//! What a call on a relay gives its host to send and to store.

use std::sync::Arc;

use crate::limits::{RELAY_PRESENCE_PER_REQUEST, RELAY_VISITS_PER_REQUEST};
use crate::relay::item::{EnvelopeId, Item};
use crate::relay::members::Recipients;
use crate::relay::record::{Change, Record, RecordName};
use crate::wire::frame::{DELIVER_HEAD_LEN, deliver_head, queue_end};

/// What came of a call: records to store first, then deliveries to send.
///
/// The copies of one envelope for many recipients are kept as one item and a number a recipient; deliveries and
/// records are made from that when they are asked for.
#[derive(Default)]
pub struct Outcome {
    changes: Vec<Change>,
    frames: Vec<Sent>,
    handed: Vec<Handed>,
    copies: Option<Copies>,
    /// Of further items.
    more: Vec<Copies>,
    /// How many users and groups were looked at to find those that a user is to be told of.
    visits: usize,
}

/// A frame of the relay itself, to one connection.
struct Sent {
    connection: u64,
    user: Arc<str>,
    frame: Arc<[u8]>,
    closes: bool,
}

/// Something that waited in a queue; the end of the queue without an item.
struct Handed {
    user: Arc<str>,
    connection: u64,
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
    connection: u64,
}

impl Placed {
    pub(super) fn new(recipient: usize, sequence: u64, connection: Option<u64>) -> Self {
        let recipient = u32::try_from(recipient).unwrap_or(u32::MAX);
        Self { recipient, is_online: connection.is_some(), sequence, connection: connection.unwrap_or(0) }
    }
}

/// Something for a connection, or for a user whom the host said to be online.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    /// Which connection it is for; 0 if the host carries frames otherwise.
    pub connection: u64,
    /// Whom it is for; empty if the connection is nobody's yet.
    pub user: &'a str,
    /// Its place in the user's queue, from 1 on; 0 at the end of the queue and in frames of the relay itself.
    pub sequence: u64,
    part: Part<'a>,
}

/// What a delivery brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// Something out of the user's queue.
    Queued {
        /// The envelope or roster entry, one copy for all recipients.
        payload: &'a [u8],
        /// Names it.
        envelope_id: &'a EnvelopeId,
    },
    /// All that had gathered offline comes before it.
    QueueEnd,
    /// A frame of the relay itself.
    Frame {
        /// The frame; empty for a connection that is closed without a word.
        bytes: &'a [u8],
        /// Whether the connection is to be closed once it is sent.
        closes: bool,
    },
}

#[derive(Clone, Copy)]
enum Part<'a> {
    Item(&'a Item),
    QueueEnd,
    Frame { bytes: &'a [u8], closes: bool },
}

impl<'a> Delivery<'a> {
    fn queued(connection: u64, user: &'a str, sequence: u64, item: Option<&'a Item>) -> Self {
        Self { connection, user, sequence, part: item.map_or(Part::QueueEnd, Part::Item) }
    }

    /// What it brings.
    #[must_use]
    pub fn content(&self) -> Content<'a> {
        match self.part {
            Part::Item(item) => Content::Queued { payload: item.payload(), envelope_id: item.id() },
            Part::QueueEnd => Content::QueueEnd,
            Part::Frame { bytes, closes } => Content::Frame { bytes, closes },
        }
    }

    /// The envelope or roster entry, one copy for all recipients; empty for anything else.
    #[must_use]
    pub fn payload(&self) -> &'a [u8] {
        match self.part {
            Part::Item(item) => item.payload(),
            Part::QueueEnd | Part::Frame { .. } => &[],
        }
    }

    /// Names the payload; zero without one.
    #[must_use]
    pub fn envelope_id(&self) -> EnvelopeId {
        match self.part {
            Part::Item(item) => *item.id(),
            Part::QueueEnd | Part::Frame { .. } => [0; 16],
        }
    }

    /// Whether it says that all that had gathered offline comes before it.
    #[must_use]
    pub const fn is_queue_end(&self) -> bool {
        matches!(self.part, Part::QueueEnd)
    }

    /// Whether the connection is to be closed once this is sent.
    #[must_use]
    pub const fn closes(&self) -> bool {
        matches!(self.part, Part::Frame { closes: true, .. })
    }

    /// A frame of the relay itself, whole; empty for anything else, and for a connection that is closed without a word.
    #[must_use]
    pub const fn frame(&self) -> &'a [u8] {
        match self.part {
            Part::Frame { bytes, .. } => bytes,
            Part::Item(_) | Part::QueueEnd => &[],
        }
    }

    /// What stands before the payload in the frame that brings it; none for a frame of the relay itself, and none
    /// without a connection.
    #[must_use]
    pub fn head(&self) -> Option<[u8; DELIVER_HEAD_LEN]> {
        match self.part {
            _ if self.connection == 0 => None,
            Part::Item(item) => deliver_head(self.sequence, item.payload().len()).ok(),
            Part::QueueEnd => queue_end().ok(),
            Part::Frame { .. } => None,
        }
    }

    /// The frame to send, copied.
    #[must_use]
    pub fn to_frame(&self) -> Vec<u8> {
        let head = self.head();
        let head = head.as_ref().map_or(self.frame(), |head| head.as_slice());
        [head, self.payload()].concat()
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

    /// A frame of the relay itself.
    pub(super) fn send(&mut self, connection: u64, user: &Arc<str>, frame: Arc<[u8]>, closes: bool) {
        self.frames.push(Sent { connection, user: Arc::clone(user), frame, closes });
    }

    /// Takes in what came of another call.
    pub(super) fn append(&mut self, other: Self) {
        let Self { changes, frames, handed, copies, more, visits } = other;
        self.changes.extend(changes);
        self.frames.extend(frames);
        self.handed.extend(handed);
        self.visit(visits);
        for copies in copies.into_iter().chain(more) {
            self.add(copies);
        }
    }

    fn add(&mut self, copies: Copies) {
        if self.copies.is_none() {
            self.copies = Some(copies);
        } else {
            self.more.push(copies);
        }
    }

    fn all_copies(&self) -> impl Iterator<Item = &Copies> {
        self.copies.iter().chain(&self.more)
    }

    /// What waited in a queue, for its user, and perhaps that this is all.
    pub(super) fn hand(
        &mut self,
        user: &Arc<str>,
        connection: u64,
        queue: impl Iterator<Item = (u64, Arc<Item>)>,
        is_end: bool,
    ) {
        let handed = |sequence, item| Handed { user: Arc::clone(user), connection, sequence, item };
        self.handed.extend(queue.map(|(sequence, item)| handed(sequence, Some(item))));
        if is_end {
            self.handed.push(handed(0, None));
        }
    }

    /// The copies of an item.
    pub(super) fn copy(&mut self, item: &Arc<Item>, recipients: Recipients, placed: Vec<Placed>) {
        let online = placed.iter().filter(|placed| placed.is_online).count();
        self.add(Copies { item: Arc::clone(item), recipients, placed, online });
    }

    /// How many copies went into queues.
    pub(super) fn copies_len(&self) -> usize {
        self.all_copies().map(|copies| copies.placed.len()).sum()
    }

    /// That so many users, or groups, were looked at to find those that a user is to be told of.
    pub(super) fn visit(&mut self, number: usize) {
        self.visits = self.visits.saturating_add(number);
    }

    /// How many requests more it was to find whom to tell of whom, and to tell them.
    pub(super) fn visits_cost(&self) -> usize {
        self.frames.len() / RELAY_PRESENCE_PER_REQUEST + self.visits / RELAY_VISITS_PER_REQUEST
    }

    /// To connections, in this order: what the relay itself says, what had gathered, what comes in.
    pub fn deliveries(&self) -> impl Iterator<Item = Delivery<'_>> {
        let frames = self.frames.iter().map(|sent| Delivery {
            connection: sent.connection,
            user: &sent.user,
            sequence: 0,
            part: Part::Frame { bytes: &sent.frame, closes: sent.closes },
        });
        let handed = self.handed.iter().map(|handed| {
            Delivery::queued(handed.connection, &handed.user, handed.sequence, handed.item.as_deref())
        });
        let copies = self.all_copies().flat_map(|copies| {
            copies.placed.iter().filter(|placed| placed.is_online).map(|placed| {
                let user = copies.recipients.name(placed.recipient as usize);
                Delivery::queued(placed.connection, user, placed.sequence, Some(&copies.item))
            })
        });
        frames.chain(handed).chain(copies)
    }

    /// How many [`Outcome::deliveries`] there are.
    #[must_use]
    pub fn deliveries_len(&self) -> usize {
        let copies: usize = self.all_copies().map(|copies| copies.online).sum();
        self.frames.len() + self.handed.len() + copies
    }

    /// To a store, all or none of them where it can, otherwise in this order.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let copies = self.all_copies().flat_map(|copies| {
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
        let copies = self.all_copies().map(|copies| {
            let each = RecordName::Queue("", 0).text_len();
            copies.recipients.names_len().saturating_add(copies.placed.len().saturating_mul(each))
        });
        let changes = self.changes.iter().map(|change| change.as_record().name.text_len());
        copies.chain(changes).fold(0, usize::saturating_add)
    }

    /// How many [`Outcome::records`] there are.
    #[must_use]
    pub fn records_len(&self) -> usize {
        self.changes.len() + self.copies_len()
    }
}
