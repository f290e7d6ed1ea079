//! Everything that waits, by its target.

use std::collections::{BTreeMap, BTreeSet};

use zeroize::Zeroizing;

use crate::client::event::MessageId;
use crate::client::groups::GroupId;
use crate::client::outbox::entry::{Entry, State, Target};
use crate::client::records;
use crate::client::timers::{corrected, earliest};
use crate::error::{Error, Result};
use crate::limits::{
    CLIENT_AUTOMATIC_MAX, CLIENT_AUTOMATIC_PEER_MAX, ENVELOPE_MAX, HOUR_MS, RELAY_SEND_MANY_MAX,
};
use crate::store::Store;
use crate::wire::content::ContentKind;

/// Envelopes of one target in one request: an order is kept within a request alone.
const TARGET_ENVELOPES_MAX: usize = 64;

/// What waits for one target.
#[derive(Default)]
pub(super) struct Queue {
    pub(super) numbers: BTreeSet<u64>,
    /// Those of them that may be dropped.
    spare: BTreeSet<u64>,
    /// A request with some of them is not answered.
    pub(super) in_flight: bool,
    /// Nothing is tried before, after so many failures in a row and for this reason.
    pub(super) after_ms: u64,
    pub(super) failures: u32,
    pub(super) trouble: Option<Error>,
    /// The peer is not asked for contents again before, if some wait for that.
    asks_after_ms: u64,
}

/// A content that is sealed at once or never.
pub(super) struct Once {
    pub(super) target: Target,
    pub(super) kind: ContentKind,
    pub(super) message_id: MessageId,
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// Everything that waits.
#[derive(Default)]
pub(in crate::client) struct Outbox {
    pub(super) entries: BTreeMap<u64, Entry>,
    pub(super) queues: BTreeMap<Target, Queue>,
    pub(super) once: Vec<Once>,
    /// Of what the application sends: how many, and their bytes.
    messages: (usize, usize),
    /// Targets nothing for which will be sent, and why: the rest of it goes with the next commit.
    pub(super) failing: BTreeMap<Target, Error>,
    /// Nothing becomes too old before; none if nothing waits.
    look_ms: Option<u64>,
}

impl Outbox {
    pub(in crate::client) fn load(store: &Store, now_ms: u64) -> Result<Self> {
        let mut outbox = Self::default();
        for record in store.scan(&records::all_out())? {
            let record = record?;
            outbox.insert(records::number(&record.name)?, records::read(&record.value, Entry::read)?);
        }
        for record in store.scan(&records::all_envelopes())? {
            let record = record?;
            let number = records::number(&record.name)?;
            let envelope =
                records::read(&record.value, |reader| Ok(reader.bytes32(1..=ENVELOPE_MAX)?.to_vec()))?;
            if !outbox.holds(number) {
                return Err(Error::StoreDamaged);
            }
            outbox.change(number, |entry| entry.seal_over(envelope));
        }
        outbox.correct_clock(now_ms);
        Ok(outbox)
    }

    /// No time of it is ahead, nor from before the clock was set.
    pub(in crate::client) fn correct_clock(&mut self, now_ms: u64) {
        for entry in self.entries.values_mut() {
            entry.created_ms = corrected(entry.created_ms, now_ms);
        }
        self.look_ms = self.entries.values().map(Entry::end_ms).min();
        for queue in self.queues.values_mut() {
            queue.after_ms = queue.after_ms.min(now_ms);
            queue.asks_after_ms = queue.asks_after_ms.min(now_ms);
        }
    }

    pub(super) fn insert(&mut self, number: u64, entry: Entry) {
        let queue = self.queues.entry(entry.target.clone()).or_default();
        queue.numbers.insert(number);
        if entry.is_spare() {
            queue.spare.insert(number);
        }
        if entry.is_message() {
            let (count, bytes) = self.messages;
            self.messages = (count.saturating_add(1), bytes.saturating_add(entry.len()));
        }
        self.look_ms = earliest([self.look_ms, Some(entry.end_ms())]);
        self.entries.insert(number, entry);
    }

    /// Changes something that waits, and counts its bytes anew.
    pub(super) fn change(&mut self, number: u64, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.entries.get_mut(&number) {
            let before = entry.len();
            change(entry);
            if entry.is_message() {
                self.messages.1 = self.messages.1.saturating_sub(before).saturating_add(entry.len());
            }
        }
    }

    /// What the application sends: how many messages, and their bytes.
    pub(super) const fn messages(&self) -> (usize, usize) {
        self.messages
    }

    /// Whether no more should be answered and handed out unasked.
    pub(in crate::client) fn is_crowded(&self) -> bool {
        self.entries.len().saturating_sub(self.messages.0) >= CLIENT_AUTOMATIC_MAX
    }

    /// What has to go so that something else that may be dropped can wait for a target: the oldest answer, or else the
    /// oldest key.
    pub(super) fn surplus(&self, target: &Target) -> Option<u64> {
        let spare = &self.queues.get(target)?.spare;
        if spare.len() < CLIENT_AUTOMATIC_PEER_MAX {
            return None;
        }
        let open = spare.iter().filter_map(|number| {
            let entry = self.entries.get(number).filter(|entry| entry.open_body().is_some())?;
            Some((entry.kind == ContentKind::Distribution, *number))
        });
        open.min().map(|(_, number)| number)
    }

    /// Whether one more envelope of that length goes into the same request as these bytes for the same target.
    pub(in crate::client) const fn fits(&self, bytes: usize, length: usize) -> bool {
        bytes.saturating_add(length) <= super::TARGET_BYTES_MAX
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Entry> {
        let entry = self.entries.remove(&number)?;
        if entry.is_message() {
            let (count, bytes) = self.messages;
            self.messages = (count.saturating_sub(1), bytes.saturating_sub(entry.len()));
        }
        if let Some(queue) = self.queues.get_mut(&entry.target) {
            queue.numbers.remove(&number);
            queue.spare.remove(&number);
            if queue.numbers.is_empty() {
                self.queues.remove(&entry.target);
            }
        }
        Some(entry)
    }

    /// The envelope of a number, once it is sealed.
    pub(in crate::client) fn envelope(&self, number: u64) -> Option<&[u8]> {
        match &self.entries.get(&number)?.state {
            State::Sealed(envelope) | State::Resealable { envelope, .. } => Some(envelope),
            State::Open(_) => None,
        }
    }

    pub(in crate::client) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether something of this number waits.
    pub(in crate::client) fn holds(&self, number: u64) -> bool {
        self.entries.contains_key(&number)
    }

    /// Whether something waits for this target.
    pub(in crate::client) fn waits_for(&self, target: &Target) -> bool {
        self.queues.contains_key(target)
    }

    /// The contents of this kind for a target that are not sealed yet.
    pub(in crate::client) fn open(
        &self,
        target: &Target,
        kind: ContentKind,
    ) -> impl Iterator<Item = (u64, &[u8])> {
        let numbers = self.queues.get(target).into_iter().flat_map(|queue| queue.numbers.iter().copied());
        numbers.filter_map(move |number| {
            let entry = self.entries.get(&number).filter(|entry| entry.kind == kind)?;
            entry.open_body().map(|body| (number, body))
        })
    }

    /// Whether something waits for a target, and nothing of it is sealed.
    pub(in crate::client) fn starts_unsealed(&self, target: &Target) -> bool {
        let first = self.queues.get(target).and_then(|queue| queue.numbers.first());
        first.is_some_and(|number| self.envelope(*number).is_none())
    }

    /// At a new connection everything is tried at once.
    pub(in crate::client) fn start_over(&mut self) {
        for queue in self.queues.values_mut() {
            (queue.after_ms, queue.trouble) = (0, None);
        }
    }

    /// The contents of this kind for all peers that are not sealed yet.
    pub(in crate::client) fn open_everywhere(&self, kind: ContentKind) -> Vec<(u64, Box<str>)> {
        let entries =
            self.entries.iter().filter(|(_, entry)| entry.kind == kind && entry.open_body().is_some());
        let to_peer = |(number, entry): (&u64, &Entry)| match &entry.target {
            Target::User(user) => Some((*number, user.clone())),
            Target::Group(_) => None,
        };
        entries.filter_map(to_peer).collect()
    }

    /// The message id and the body of what is not sealed yet.
    pub(in crate::client) fn content(&self, number: u64) -> Option<(MessageId, &[u8])> {
        let entry = self.entries.get(&number)?;
        entry.open_body().map(|body| (entry.message_id, body))
    }

    /// The groups that something waits for.
    pub(in crate::client) fn groups_waiting(&self) -> Vec<GroupId> {
        let group = |target: &Target| match target {
            Target::Group(group) => Some(*group),
            Target::User(_) => None,
        };
        self.queues.range(Target::Group([0; 32])..).filter_map(|(target, _)| group(target)).collect()
    }

    /// What waits for this target because of nothing that the relay said need not wait any longer.
    pub(in crate::client) fn hasten(&mut self, target: &Target) {
        if let Some(queue) = self.queues.get_mut(target).filter(|queue| queue.trouble.is_none()) {
            queue.after_ms = 0;
        }
    }

    /// These are on no connection any more.
    pub(in crate::client) fn land(&mut self, numbers: &[u64]) {
        for number in numbers {
            let target = self.entries.get(number).map(|entry| &entry.target);
            if let Some(queue) = target.and_then(|target| self.queues.get_mut(target)) {
                queue.in_flight = false;
            }
        }
    }

    /// When, after how many failures and why something to a target is tried again.
    pub(super) fn trouble(&self, target: &Target) -> Option<(u64, u32, Option<Error>)> {
        self.queues.get(target).map(|queue| (queue.after_ms, queue.failures, queue.trouble))
    }

    pub(super) fn set_trouble(&mut self, target: &Target, trouble: (u64, u32, Option<Error>)) {
        if let Some(queue) = self.queues.get_mut(target) {
            (queue.after_ms, queue.failures, queue.trouble) = trouble;
        }
    }

    /// Nothing for this target is tried before.
    pub(in crate::client) fn delay(&mut self, target: &Target, after_ms: u64) {
        if let Some(queue) = self.queues.get_mut(target) {
            queue.after_ms = queue.after_ms.max(after_ms);
        }
    }

    /// Whether this asks a peer for contents again.
    pub(super) fn asks(&self, number: u64) -> bool {
        self.entries.get(&number).is_some_and(|entry| entry.kind == ContentKind::Resend)
    }

    /// What asks a peer for contents again waits.
    pub(super) fn hold_asks(&mut self, target: &Target, after_ms: u64) {
        if let Some(queue) = self.queues.get_mut(target) {
            queue.asks_after_ms = after_ms;
        }
    }

    /// The targets that something waits for, and that wait for nothing.
    pub(super) fn ready(&self, now_ms: u64) -> Vec<Target> {
        let ready = |queue: &Queue| !queue.in_flight && now_ms >= queue.after_ms;
        let queues = self.queues.iter().filter(|(_, queue)| ready(queue));
        let targets = queues.map(|(target, _)| target).filter(|target| !self.failing.contains_key(target));
        targets.cloned().collect()
    }

    pub(in crate::client) fn first(&self, target: &Target) -> Vec<u64> {
        let numbers = self.queues.get(target).map(|queue| &queue.numbers);
        numbers.into_iter().flatten().take(TARGET_ENVELOPES_MAX).copied().collect()
    }

    /// When something of it needs a tick, since it may be tried again.
    pub(in crate::client) fn due_ms(&self, now_ms: u64) -> Option<u64> {
        let waiting = self.queues.values().filter(|queue| !queue.in_flight);
        let times = waiting.flat_map(|queue| [queue.after_ms, queue.asks_after_ms]);
        times.filter(|time_ms| *time_ms > now_ms).min()
    }

    /// When the first of it may have waited for too long.
    pub(in crate::client) const fn end_ms(&self) -> Option<u64> {
        self.look_ms
    }

    /// What has waited for too long, and why. What is on its way is waited for: the relay may have it.
    pub(super) fn old(&mut self, now_ms: u64) -> Vec<(u64, Target, Option<Error>)> {
        let mut old = Vec::new();
        if self.look_ms.is_none_or(|look_ms| now_ms < look_ms) {
            return old;
        }
        self.look_ms = None;
        for (number, entry) in &self.entries {
            let Some(queue) = self.queues.get(&entry.target) else { continue };
            let look_ms = match entry.end_ms() {
                end_ms if now_ms < end_ms => end_ms,
                _ if queue.in_flight => now_ms.saturating_add(HOUR_MS),
                _ => {
                    old.push((*number, entry.target.clone(), queue.trouble));
                    continue;
                }
            };
            self.look_ms = earliest([self.look_ms, Some(look_ms)]);
        }
        old
    }

    /// There is more of that.
    pub(super) fn look_again(&mut self) {
        self.look_ms = Some(0);
    }
}

/// Requests that are being filled.
#[derive(Default)]
pub(super) struct Batch {
    requests: Vec<Vec<u64>>,
    open: Vec<u64>,
    bytes: usize,
}

impl Batch {
    /// Takes the envelopes of one target, all in one request.
    pub(super) fn add(&mut self, numbers: &[u64], bytes: usize, bytes_max: usize) {
        let full = self.open.len().saturating_add(numbers.len()) > RELAY_SEND_MANY_MAX
            || self.bytes.saturating_add(bytes) > bytes_max;
        if full && !self.open.is_empty() {
            self.requests.push(core::mem::take(&mut self.open));
            self.bytes = 0;
        }
        self.open.extend_from_slice(numbers);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    pub(super) fn finish(mut self) -> Vec<Vec<u64>> {
        if !self.open.is_empty() {
            self.requests.push(self.open);
        }
        self.requests
    }
}
