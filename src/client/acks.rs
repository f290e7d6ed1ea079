//! What peers tell each other of their messages: delivered, read (`docs/PROTOCOL.md` section 16.3). Off unless the
//! application asks for it.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::client::Client;
use crate::client::event::{Event, MessageId, MessageState};
use crate::client::groups::{GroupEvent, GroupId};
use crate::client::outbox::Target;
use crate::client::records::{self, Value};
use crate::error::{Error, Result};
use crate::limits::{CLIENT_ACK_DELAY_MS, CLIENT_SENT_MAX};
use crate::store::Store;
use crate::wire::client::{ACK_MAX, Ack, AckState};
use crate::wire::codec::{Put as _, Reader};
use crate::wire::content::ContentKind;
use crate::wire::name::read_user;

/// A peer, and the group of the messages; none for direct ones.
type Whose = (Box<str>, Option<GroupId>);

/// Messages that one peer will be told of at once: as many as a queue holds.
const PENDING_MAX: usize = 10_000;

/// What peers will be told, and what may be told us.
#[derive(Default)]
pub(super) struct Acks {
    pending: BTreeMap<Whose, Pending>,
    /// What was sent, by message id, and in its order; loaded when it is needed.
    sent: Option<(BTreeMap<MessageId, Sent>, BTreeMap<u64, MessageId>)>,
}

/// What one peer will be told of direct messages, or of those in one group.
#[derive(Default)]
struct Pending {
    delivered: Vec<MessageId>,
    read: Vec<MessageId>,
    /// When: a while after the first of them, and after what it was told last.
    due_ms: u64,
}

/// A message that was sent.
struct Sent {
    number: u64,
    to: Target,
    /// How far it has come with whom, as they say.
    states: BTreeMap<Box<str>, MessageState>,
}

impl Acks {
    pub(super) fn load(store: &Store, now_ms: u64) -> Result<Self> {
        let mut acks = Self::default();
        for record in store.scan(&records::all_acks())? {
            let (whose, pending) = records::read(&record?.value, Pending::read)?;
            acks.pending.insert(whose, pending);
        }
        acks.correct_clock(now_ms);
        Ok(acks)
    }

    /// No time of it is ahead.
    pub(super) fn correct_clock(&mut self, now_ms: u64) {
        for pending in self.pending.values_mut() {
            pending.due_ms = pending.due_ms.min(now_ms.saturating_add(CLIENT_ACK_DELAY_MS));
        }
    }

    /// The record of one peer, of direct messages or of those in a group; none if it will be told nothing.
    pub(super) fn to_value(&self, user: &str, group: Option<GroupId>) -> Result<Option<Value>> {
        let pending = self.pending.get(&(user.into(), group)).filter(|pending| !pending.is_empty());
        pending.map(|pending| pending.to_value(user, group.as_ref())).transpose()
    }

    pub(super) fn due_ms(&self) -> Option<u64> {
        self.pending.values().filter(|pending| !pending.is_empty()).map(|pending| pending.due_ms).min()
    }
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.delivered.is_empty() && self.read.is_empty()
    }

    fn to_value(&self, user: &str, group: Option<&GroupId>) -> Result<Value> {
        let mut value = records::begin();
        value.put_bytes8(user.as_bytes())?;
        value.put_bytes8(group.map_or(&[], |group| group.as_slice()))?;
        value.put_u64(self.due_ms);
        for ids in [&self.delivered, &self.read] {
            value.put_bytes32(ids.as_flattened())?;
        }
        Ok(value)
    }

    fn read(reader: &mut Reader<'_>) -> Result<(Whose, Self)> {
        let user = read_user(reader)?.into();
        let group = match reader.bytes8(0..=32)? {
            [] => None,
            group => Some(group.try_into().map_err(|_| Error::Malformed)?),
        };
        let due_ms = reader.u64()?;
        Ok(((user, group), Self { due_ms, delivered: read_ids(reader)?, read: read_ids(reader)? }))
    }
}

fn read_ids(reader: &mut Reader<'_>) -> Result<Vec<MessageId>> {
    let (ids, rest) = reader.bytes32(0..=usize::MAX)?.as_chunks();
    if rest.is_empty() { Ok(ids.to_vec()) } else { Err(Error::Malformed) }
}

impl Client {
    /// The application has read these messages of a peer, who is told if both have asked for that.
    ///
    /// Ids that the peer did not send lately are passed over, and so is everything without the option `acks`.
    pub fn mark_read(&mut self, user: &str, message_ids: &[MessageId], now_ms: u64) -> Result<()> {
        self.mark_read_in(None, user, message_ids, now_ms)
    }

    /// [`Client::mark_read`] of messages of a member in a group.
    pub fn mark_group_read(
        &mut self,
        group: &GroupId,
        user: &str,
        message_ids: &[MessageId],
        now_ms: u64,
    ) -> Result<()> {
        self.mark_read_in(Some(group), user, message_ids, now_ms)
    }

    fn mark_read_in(
        &mut self,
        group: Option<&GroupId>,
        user: &str,
        message_ids: &[MessageId],
        now_ms: u64,
    ) -> Result<()> {
        self.advance(now_ms)?;
        if !self.options.acks {
            return Ok(());
        }
        let seen = self.seen_of(user)?;
        let known: Vec<MessageId> = message_ids.iter().filter(|id| seen.contains(id)).copied().collect();
        let peer = self.peer(user)?;
        if !peer.accepted {
            if group.is_none() {
                // Told once the application has accepted the peer, of those that are still known then.
                let seen = peer.seen.as_ref();
                peer.read.retain(|id| seen.is_some_and(|seen| seen.contains(id)));
                peer.read.extend(known);
            }
            self.forget_stranger(user);
            return Ok(());
        }
        for id in known {
            self.tell_peer(group, user, AckState::Read, &id)?;
        }
        Ok(())
    }

    /// The application knows a peer from now on, who is told of the messages that came before.
    pub(super) fn tell_of_earlier(&mut self, user: &str) -> Result<()> {
        if !self.options.acks {
            return Ok(());
        }
        let ids = self.seen_of(user)?.in_order();
        let read = core::mem::take(&mut self.peer(user)?.read);
        for id in ids {
            let state = if read.contains(&id) { AckState::Read } else { AckState::Delivered };
            self.tell_peer(None, user, state, &id)?;
        }
        Ok(())
    }

    /// Whether a peer has said that it has a message.
    pub(super) fn is_delivered(&mut self, user: &str, message_id: &MessageId) -> Result<bool> {
        if !self.options.acks {
            return Ok(false);
        }
        self.load_sent()?;
        let sent = self.acks.sent.as_ref().and_then(|(sent, _)| sent.get(message_id));
        Ok(sent.is_some_and(|sent| sent.states.contains_key(user)))
    }

    /// A message of a peer is about to be stored.
    pub(super) fn delivered(&mut self, user: &str, message_id: &MessageId) -> Result<()> {
        self.delivered_in(None, user, message_id)
    }

    /// A message of a member in a group, or of a peer, is about to be stored.
    pub(super) fn delivered_in(
        &mut self,
        group: Option<&GroupId>,
        user: &str,
        message_id: &MessageId,
    ) -> Result<()> {
        if self.options.acks && self.peer(user)?.accepted {
            self.tell_peer(group, user, AckState::Delivered, message_id)?;
        }
        Ok(())
    }

    fn tell_peer(
        &mut self,
        group: Option<&GroupId>,
        user: &str,
        state: AckState,
        message_id: &MessageId,
    ) -> Result<()> {
        let now_ms = self.now_ms;
        let pending = self.acks.pending.entry((user.into(), group.copied())).or_default();
        if pending.is_empty() {
            pending.due_ms = pending.due_ms.max(now_ms.saturating_add(CLIENT_ACK_DELAY_MS));
        }
        let ids = match state {
            AckState::Delivered => &mut pending.delivered,
            AckState::Read => {
                // Who has read it has it.
                pending.delivered.retain(|delivered| delivered != message_id);
                &mut pending.read
            }
        };
        if !ids.contains(message_id) {
            ids.push(*message_id);
        }
        let is_full = ids.len() >= PENDING_MAX;
        self.journal.acks(user, group.copied());
        // As many as a queue holds came within a moment: no more gather.
        if is_full { self.tell_now(user, group.copied()) } else { Ok(()) }
    }

    /// Tells a peer what it will be told, of direct messages or of those in a group.
    fn tell_now(&mut self, user: &str, group: Option<GroupId>) -> Result<()> {
        let now_ms = self.now_ms;
        let Some(pending) = self.acks.pending.get_mut(&(user.into(), group)) else { return Ok(()) };
        let all = [
            (AckState::Delivered, core::mem::take(&mut pending.delivered)),
            (AckState::Read, core::mem::take(&mut pending.read)),
        ];
        // What the peer was told a moment ago, of another group, counts too.
        let all_of_peer = (user.into(), None)..=(user.into(), Some([u8::MAX; 32]));
        for (_, pending) in self.acks.pending.range_mut(all_of_peer) {
            pending.due_ms = now_ms.saturating_add(CLIENT_ACK_DELAY_MS);
        }
        self.journal.acks(user, group);
        for (state, ids) in all.into_iter().filter(|(_, ids)| !ids.is_empty()) {
            for ids in ids.chunks(ACK_MAX) {
                let mut body = Zeroizing::new(Vec::new());
                Ack::new(state, group.as_ref(), ids)?.put(&mut body)?;
                self.enqueue_spare(Target::User(user.into()), ContentKind::Ack, body)?;
            }
        }
        Ok(())
    }

    /// Tells peers what is due.
    pub(super) fn tend_acks(&mut self) -> Result<()> {
        let now_ms = self.now_ms;
        let is_due = |pending: &Pending| !pending.is_empty() && now_ms >= pending.due_ms;
        let due = self.acks.pending.iter().filter(|(_, pending)| is_due(pending));
        let due: Vec<Whose> = due.map(|(whose, _)| whose.clone()).collect();
        for (user, group) in due {
            if self.journal.is_long() {
                break;
            }
            // What the peer was told a moment ago, of another group, counts too.
            if self.acks.pending.get(&(user.clone(), group)).is_some_and(is_due) {
                self.tell_now(&user, group)?;
            }
        }
        Ok(())
    }

    /// A message is about to leave; acks of it mean something from now on.
    pub(super) fn note_sent(&mut self, number: u64, message_id: &MessageId, to: &Target) -> Result<()> {
        if !self.options.acks {
            return Ok(());
        }
        self.load_sent()?;
        let sent = Sent { number, to: to.clone(), states: BTreeMap::new() };
        self.journal.put(records::sent(number), sent.to_value(message_id)?);
        if let Some((loaded, order)) = &mut self.acks.sent {
            loaded.insert(*message_id, sent);
            order.insert(number, *message_id);
            while order.len() > CLIENT_SENT_MAX && !self.journal.is_long() {
                let Some((oldest, message_id)) = order.pop_first() else { break };
                loaded.remove(&message_id);
                self.journal.delete(records::sent(oldest));
            }
        }
        Ok(())
    }

    /// A message will not be sent.
    pub(super) fn forget_sent(&mut self, number: u64, message_id: &MessageId) {
        if self.options.acks {
            self.journal.delete(records::sent(number));
            if let Some((loaded, order)) = &mut self.acks.sent {
                loaded.remove(message_id);
                order.remove(&number);
            }
        }
    }

    /// A peer says what became of our messages. What it says of messages to others says nothing.
    pub(super) fn acknowledged(&mut self, user: &str, body: &[u8]) -> Result<()> {
        if !self.options.acks {
            return Ok(());
        }
        let Ok(ack) = Ack::parse(body) else {
            self.drop_garbage();
            return Ok(());
        };
        let to = match ack.group_id {
            None => Target::User(user.into()),
            Some(group) => {
                if !self.is_member_with(group, user)? {
                    return Ok(());
                }
                Target::Group(*group)
            }
        };
        let state = match ack.state {
            AckState::Delivered => MessageState::Delivered,
            AckState::Read => MessageState::Read,
        };
        self.load_sent()?;
        for message_id in ack.message_ids() {
            let sent = self.acks.sent.as_mut().and_then(|(sent, _)| sent.get_mut(message_id));
            let is_news = |sent: &&mut Sent| sent.states.get(user).is_none_or(|known| *known < state);
            let Some(sent) = sent.filter(|sent| sent.to == to).filter(is_news) else { continue };
            sent.states.insert(user.into(), state);
            let (number, value) = (sent.number, sent.to_value(message_id)?);
            self.journal.put(records::sent(number), value);
            let message_id = *message_id;
            self.emit(match &to {
                Target::User(user) => Event::Ack { message_id, user: user.clone(), state },
                Target::Group(group) => {
                    let event = GroupEvent::Ack { message_id, user: Some(user.into()), state };
                    Event::Group { group: *group, event }
                }
            })?;
        }
        Ok(())
    }

    /// What was sent and is durable. An ack can only be about that.
    fn load_sent(&mut self) -> Result<()> {
        if self.acks.sent.is_some() {
            return Ok(());
        }
        let (mut loaded, mut order) = (BTreeMap::new(), BTreeMap::new());
        for record in self.store.scan(&records::all_sent())? {
            let record = record?;
            let number = records::number(&record.name)?;
            let (message_id, sent) = records::read(&record.value, |reader| Sent::read(reader, number))?;
            loaded.insert(message_id, sent);
            order.insert(number, message_id);
        }
        self.acks.sent = Some((loaded, order));
        Ok(())
    }
}

impl Sent {
    fn to_value(&self, message_id: &MessageId) -> Result<Value> {
        let mut value = records::begin();
        value.put(message_id);
        self.to.put(&mut value)?;
        value.put_u32(u32::try_from(self.states.len()).map_err(|_| Error::TooLarge)?);
        for (user, state) in &self.states {
            value.put_bytes8(user.as_bytes())?;
            value.put_u8(*state as u8);
        }
        Ok(value)
    }

    fn read(reader: &mut Reader<'_>, number: u64) -> Result<(MessageId, Self)> {
        let (message_id, to) = (*reader.array()?, Target::read(reader)?);
        let mut states = BTreeMap::new();
        for _ in 0..reader.u32()? {
            states.insert(read_user(reader)?.into(), MessageState::read(reader)?);
        }
        Ok((message_id, Self { number, to, states }))
    }
}
