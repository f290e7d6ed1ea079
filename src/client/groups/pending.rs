//! Group messages whose key has not come (`docs/PROTOCOL.md` section 16.4): kept, read once it comes, given up when it
//! cannot come any more.

use std::collections::{BTreeMap, BTreeSet};

use crate::client::Client;
use crate::client::groups::group::{KeyId, Standing};
use crate::client::groups::receive::Read;
use crate::client::groups::{GroupEvent, GroupId};
use crate::client::records;
use crate::client::timers::{ceiling, earliest};
use crate::error::{Error, Result};
use crate::limits::{
    CLIENT_KEY_REQUEST_MS, CLIENT_PENDING_BYTES_MAX, CLIENT_PENDING_MAX, CLIENT_PENDING_SENDER_MAX,
    ENVELOPE_MAX, HOUR_MS, QUEUE_AGE_MAX_MS,
};
use crate::roster::Standing as Membership;
use crate::store::{Part, Store};
use crate::wire::codec::{Put as _, Reader};
use crate::wire::group::GroupMessage;

/// Messages of one group that wait, and the keys that they wait for.
#[derive(Default)]
pub(super) struct Pending {
    messages: BTreeMap<u64, Message>,
    next: u64,
    /// By sender and key.
    wants: BTreeMap<(Box<str>, KeyId), Want>,
}

/// A sender takes no more than one of so many shares of the bytes.
const SHARES: usize = 8;

/// How much of the room so many messages and bytes take: each message as much as its part of the bytes.
const fn weight((count, bytes): (usize, usize)) -> usize {
    let each = CLIENT_PENDING_BYTES_MAX / CLIENT_PENDING_MAX;
    bytes.saturating_add(count.saturating_mul(each))
}

/// A message that waits.
struct Message {
    sender: Box<str>,
    key_id: KeyId,
    since_ms: u64,
    envelope: Vec<u8>,
}

/// When a key is asked for, and how often it was.
struct Want {
    ask_ms: u64,
    times: u32,
}

impl Pending {
    pub(super) fn load(store: &Store, id: &GroupId, now_ms: u64) -> Result<Self> {
        let mut pending = Self::default();
        for record in store.scan(&records::all_pending(id))? {
            let record = record?;
            let number = records::number(&record.name)?;
            let mut message = records::read(&record.value, Message::read)?;
            message.since_ms = message.since_ms.min(now_ms);
            pending.next = number.saturating_add(1);
            pending.messages.insert(number, message);
        }
        Ok(pending)
    }

    /// No time of it is ahead: keys are asked for like those that are missing for the first time.
    pub(super) fn correct_clock(&mut self, now_ms: u64) {
        for message in self.messages.values_mut() {
            message.since_ms = message.since_ms.min(ceiling(now_ms));
        }
        for want in self.wants.values_mut() {
            want.ask_ms = want.ask_ms.min(now_ms.saturating_add(CLIENT_KEY_REQUEST_MS));
        }
    }

    /// How many there are, and their bytes.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.messages.len(), self.messages.values().map(|message| message.envelope.len()).sum())
    }

    /// What was loaded is asked for like what has just come.
    pub(super) fn start_asking(&mut self, now_ms: u64) {
        for message in self.messages.values() {
            let want = Want { ask_ms: now_ms.saturating_add(CLIENT_KEY_REQUEST_MS), times: 0 };
            self.wants.entry((message.sender.clone(), message.key_id)).or_insert(want);
        }
    }

    /// How many there are of a sender, and their bytes.
    fn size_of(&self, sender: &str) -> (usize, usize) {
        let of = self.messages.values().filter(|message| *message.sender == *sender);
        of.fold((0, 0), |(count, bytes): (usize, usize), message| {
            (count.saturating_add(1), bytes.saturating_add(message.envelope.len()))
        })
    }

    /// When a key is to be asked for, or a message is too old.
    pub(super) fn due_ms(&self) -> Option<u64> {
        let asks = self.wants.values().map(|want| want.ask_ms).min();
        let oldest =
            self.messages.values().next().map(|message| message.since_ms.saturating_add(QUEUE_AGE_MAX_MS));
        earliest([asks, oldest])
    }

    /// Keys that nothing waits for any more are not asked for.
    fn forget_wants(&mut self) {
        let Self { messages, wants, .. } = self;
        wants.retain(|(sender, key_id), _| {
            messages.values().any(|message| message.sender == *sender && message.key_id == *key_id)
        });
    }
}

impl Message {
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let since_ms = reader.u64()?;
        let envelope = reader.bytes32(1..=ENVELOPE_MAX)?;
        let front = GroupMessage::parse(envelope)?.front;
        Ok(Self { sender: front.sender.into(), key_id: *front.key_id, since_ms, envelope: envelope.to_vec() })
    }
}

impl Client {
    /// Keeps a message until its key comes. Answers `false` if there is no room.
    pub(super) fn keep_pending(&mut self, id: &GroupId, envelope: Vec<u8>) -> Result<bool> {
        let now_ms = self.now_ms;
        let length = envelope.len();
        let front = GroupMessage::parse(&envelope)?.front;
        let (sender, key_id): (Box<str>, _) = (front.sender.into(), *front.key_id);
        // In all groups: whoever founds many has no more room for it.
        let of_sender =
            self.groups.all.values().flatten().fold((0, 0), |(count, bytes): (usize, usize), group| {
                let (more, more_bytes) = group.pending.size_of(&sender);
                (count.saturating_add(more), bytes.saturating_add(more_bytes))
            });
        if of_sender.0 >= CLIENT_PENDING_SENDER_MAX
            || of_sender.1.saturating_add(length) > CLIENT_PENDING_BYTES_MAX / SHARES
        {
            return Ok(false);
        }
        let is_full =
            |(count, bytes): (usize, usize)| count >= CLIENT_PENDING_MAX || bytes > CLIENT_PENDING_BYTES_MAX;
        while is_full((self.groups.pending.0, self.groups.pending.1.saturating_add(length))) {
            if !self.make_pending_room(id, &sender, length)? {
                return Ok(false);
            }
        }
        let (count, bytes) = self.groups.pending;
        let Some(group) = self.groups.loaded(id) else { return Err(Error::Internal) };
        let number = group.pending.next;
        group.pending.next = number.saturating_add(1);
        let want = Want { ask_ms: now_ms.saturating_add(CLIENT_KEY_REQUEST_MS), times: 0 };
        group.pending.wants.entry((sender.clone(), key_id)).or_insert(want);
        let mut value = records::begin();
        value.put_u64(now_ms);
        value.put_bytes32(&envelope)?;
        self.journal.put(records::pending(id, number), value);
        group.pending.messages.insert(number, Message { sender, key_id, since_ms: now_ms, envelope });
        // Without a record of the group, nobody would find it.
        group.dirty.record = true;
        self.groups.dirty.insert(*id);
        self.groups.pending = (count.saturating_add(1), bytes.saturating_add(length));
        Ok(true)
    }

    /// Lets go of the last message of whoever takes most: of the group that does, and in it of the sender. Answers
    /// `false` if that is the one for whom there is to be room.
    fn make_pending_room(&mut self, id: &GroupId, sender: &str, length: usize) -> Result<bool> {
        let loaded = self.groups.all.iter().filter_map(|(id, group)| Some((*id, group.as_ref()?)));
        let most = loaded.map(|(id, group)| (weight(group.pending.size()), id)).max();
        let own = self.groups.loaded(id).map_or((0, 0), |group| group.pending.size());
        let wanted = weight((1, length));
        let Some((_, group)) =
            most.filter(|(most, group)| group == id || *most > weight(own).saturating_add(wanted))
        else {
            return Ok(false);
        };
        let Some(pending) = self.groups.loaded(&group).map(|group| &group.pending) else { return Ok(false) };
        let senders: BTreeSet<&str> = pending.messages.values().map(|message| &*message.sender).collect();
        let most = senders.into_iter().map(|sender| (weight(pending.size_of(sender)), sender)).max();
        let of_sender = weight(pending.size_of(sender)).saturating_add(wanted);
        let Some((_, heaviest)) = most.filter(|(most, _)| group != *id || *most > of_sender) else {
            return Ok(false);
        };
        let last = pending.messages.iter().rfind(|(_, message)| *message.sender == *heaviest);
        let Some(number) = last.map(|(number, _)| *number) else { return Ok(false) };
        let Some(sender) = self.remove_pending(&group, number) else { return Ok(false) };
        self.tell_unreadable(&group, vec![(sender, Error::LimitReached)])?;
        Ok(true)
    }

    /// Loads the groups in which messages wait: all that wait share one room.
    pub(in crate::client) fn load_pending(&mut self) -> Result<()> {
        let mut ids = BTreeSet::new();
        for record in self.store.scan(&records::everything_pending())? {
            let name = record?.name;
            let [Part::Bytes(id), _] = name.parts() else {
                return Err(Error::StoreDamaged);
            };
            ids.insert(GroupId::try_from(&**id).map_err(|_| Error::StoreDamaged)?);
        }
        for id in ids {
            self.group(&id)?;
        }
        Ok(())
    }

    /// Reads what waited, of one key or of all.
    pub(super) fn retry_pending(&mut self, id: &GroupId, key: Option<(&str, &KeyId)>) -> Result<()> {
        let Some(group) = self.groups.loaded(id) else { return Ok(()) };
        if group.standing != Standing::Member {
            return Ok(());
        }
        let concerns = |message: &Message| {
            key.is_none_or(|(sender, key_id)| *message.sender == *sender && message.key_id == *key_id)
        };
        let (mut numbers, mut envelopes) = (Vec::new(), Vec::new());
        for (number, message) in group.pending.messages.iter().filter(|(_, message)| concerns(message)) {
            numbers.push(*number);
            envelopes.push(message.envelope.clone());
        }
        if numbers.is_empty() {
            return Ok(());
        }
        let read = self.read_messages(id, &envelopes)?;
        let mut lost = Vec::new();
        for (number, read) in numbers.into_iter().zip(read) {
            match read {
                Read::Waits => {}
                Read::Taken => drop(self.remove_pending(id, number)),
                Read::Refused(status) => {
                    if let Some(sender) = self.remove_pending(id, number) {
                        lost.push((sender, status));
                    }
                }
            }
        }
        self.tell_unreadable(id, lost)
    }

    /// Tells of messages that will not be read, those of one sender together.
    pub(super) fn tell_unreadable(&mut self, id: &GroupId, lost: Vec<(Box<str>, Error)>) -> Result<()> {
        let mut counts: BTreeMap<(Box<str>, u32), (u32, Error)> = BTreeMap::new();
        for (sender, status) in lost {
            let (count, _) = counts.entry((sender, status.code())).or_insert((0, status));
            *count = count.saturating_add(1);
        }
        for ((from, _), (count, status)) in counts {
            self.tell_group(id, GroupEvent::Unreadable { from, count, status })?;
        }
        Ok(())
    }

    /// Forgets one message that waited. Answers whose it was.
    fn remove_pending(&mut self, id: &GroupId, number: u64) -> Option<Box<str>> {
        let group = self.groups.loaded(id)?;
        let message = group.pending.messages.remove(&number)?;
        group.pending.forget_wants();
        self.journal.delete(records::pending(id, number));
        let (count, bytes) = self.groups.pending;
        self.groups.pending = (count.saturating_sub(1), bytes.saturating_sub(message.envelope.len()));
        Some(message.sender)
    }

    /// Forgets all that waits, and tells nobody: the group is none of ours.
    pub(super) fn drop_pending(&mut self, id: &GroupId) {
        let numbers: Vec<u64> = self
            .groups
            .loaded(id)
            .map(|group| group.pending.messages.keys().copied().collect())
            .unwrap_or_default();
        for number in numbers {
            self.remove_pending(id, number);
        }
    }

    fn drop_pending_if(
        &mut self,
        id: &GroupId,
        status: Error,
        is_lost: impl Fn(&Message) -> bool,
    ) -> Result<()> {
        let lost = self.remove_pending_if(id, is_lost).into_iter().map(|sender| (sender, status)).collect();
        self.tell_unreadable(id, lost)
    }

    fn remove_pending_if(&mut self, id: &GroupId, is_lost: impl Fn(&Message) -> bool) -> Vec<Box<str>> {
        let Some(group) = self.groups.loaded(id) else { return Vec::new() };
        let messages = group.pending.messages.iter();
        let numbers: Vec<u64> =
            messages.filter(|(_, message)| is_lost(message)).map(|(number, _)| *number).collect();
        numbers.into_iter().filter_map(|number| self.remove_pending(id, number)).collect()
    }

    /// The key of these messages will not come.
    pub(super) fn give_up(
        &mut self,
        id: &GroupId,
        sender: &str,
        key_id: &KeyId,
        status: Error,
    ) -> Result<()> {
        self.drop_pending_if(id, status, |message| *message.sender == *sender && message.key_id == *key_id)
    }

    /// Forgets what waits of those who were removed and, once the log is whole, of those who never were members.
    pub(super) fn drop_outsiders(&mut self, id: &GroupId, is_whole: bool) -> Result<()> {
        let Some(group) = self.groups.loaded(id) else { return Ok(()) };
        let Some(roster) = &group.roster else { return Ok(()) };
        let senders: BTreeSet<Box<str>> =
            group.pending.messages.values().map(|message| message.sender.clone()).collect();
        let of = |membership: Membership| -> BTreeSet<Box<str>> {
            senders.iter().filter(|sender| roster.standing(sender) == membership).cloned().collect()
        };
        let (former, never) = (of(Membership::Former), of(Membership::Never));
        self.drop_pending_if(id, Error::SenderRemoved, |message| former.contains(&message.sender))?;
        if is_whole {
            // Nobody who may write here: anybody can put a name on what a relay delivers.
            for _ in self.remove_pending_if(id, |message| never.contains(&message.sender)) {
                self.drop_garbage();
            }
        }
        Ok(())
    }

    /// Asks for keys that did not come, and gives up what has waited for too long.
    pub(super) fn tend_pending(&mut self) -> Result<()> {
        let now_ms = self.now_ms;
        if !self.groups.is_caught_up {
            return Ok(());
        }
        let is_due = |pending: &Pending| pending.due_ms().is_some_and(|due_ms| due_ms <= now_ms);
        let due: Vec<GroupId> = self
            .groups
            .all
            .iter()
            .filter(|(_, group)| group.as_ref().is_some_and(|group| is_due(&group.pending)))
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            self.drop_pending_if(&id, Error::Expired, |message| {
                now_ms.saturating_sub(message.since_ms) >= QUEUE_AGE_MAX_MS
            })?;
            let Some(group) = self.groups.loaded(&id) else { continue };
            let mut asked = Vec::new();
            for ((sender, key_id), want) in &mut group.pending.wants {
                if want.ask_ms > now_ms {
                    continue;
                }
                let pause_ms = CLIENT_KEY_REQUEST_MS.checked_shl(want.times.saturating_add(1).min(16));
                want.ask_ms = now_ms.saturating_add(pause_ms.unwrap_or(HOUR_MS).min(HOUR_MS));
                if group.roster.as_ref().is_some_and(|roster| roster.member(sender).is_some()) {
                    asked.push((sender.clone(), *key_id, want.times == 0));
                    want.times = want.times.saturating_add(1);
                }
            }
            for (sender, key_id, is_first) in asked {
                if is_first {
                    let count = self.groups.loaded(&id).map_or(0, |group| group.pending.size_of(&sender).0);
                    let count = u32::try_from(count).unwrap_or(u32::MAX);
                    self.tell_group(&id, GroupEvent::Pending { from: sender.clone(), count })?;
                }
                self.ask_key(&id, &sender, &key_id)?;
            }
        }
        Ok(())
    }
}
