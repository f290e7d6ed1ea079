//! A relay rebuilt from its records.

use std::sync::{Arc, PoisonError};

use crate::error::{Error, Result};
use crate::identity::Card;
use crate::relay::counters::Counter;
use crate::relay::group::{Group, Times};
use crate::relay::item::Item;
use crate::relay::outbox::Known;
use crate::relay::record::RecordName;
use crate::relay::store_mark::StoreMark;
use crate::relay::{Relay, Size};

impl Relay {
    /// Makes the relay hold what the store holds under a name: a value and its version, or nothing.
    ///
    /// At a start, give it every record, in any order, before anything else. Later, give it the stored record when a
    /// [`Record`](crate::relay::Record) could not be written because another relay had changed it: write the others of
    /// that call all the same, send none of its deliveries to the user concerned, and make the call again. After
    /// [`Relay::receive`], which cannot be made again, end the connection instead: its client comes again and repeats
    /// what was not answered.
    ///
    /// A user whose queue gains something by this while it is online, or whose identity goes or changes, is offline
    /// from then on: [`Relay::tick`] closes its connection, and the next one, or [`Relay::set_online`], is given all
    /// that waits, in its order.
    ///
    /// Who is online, and how many one-time prekeys a requester took within the hour, is not recorded. An envelope that
    /// is sent again after a restart is queued for those recipients who lack it, so that a fan-out of which only some
    /// records were stored is completed.
    ///
    /// [`Error::InvalidArgument`] for a name, or a version, that no record has; [`Error::LimitReached`]; and the errors of
    /// the value's parser.
    pub fn restore(&self, name: &str, value: Option<&[u8]>, version: u64) -> Result<()> {
        let name = RecordName::parse(name)?;
        // What is stored has a version from 1 on, what is not has none.
        if value.is_some() != (version > 0) {
            return Err(Error::InvalidArgument);
        }
        match name {
            RecordName::Card(user) => self.restore_card(user, value, version),
            RecordName::Prekeys(user) => self.user(user)?.profile().prekeys.restore(value, version),
            RecordName::Taken(user) => {
                let from_id = value.map(number).transpose()?;
                self.user(user)?.profile().prekeys.restore_taken(from_id, version);
                Ok(())
            }
            RecordName::Acknowledged(user) => {
                let sequence = value.map(number).transpose()?;
                self.user(user)?.inbox().restore_acknowledged(sequence.unwrap_or(0), version);
                Ok(())
            }
            RecordName::Store(user) => {
                let mark = value.map(StoreMark::parse).transpose()?;
                self.user(user)?.store().restore(mark, version);
                Ok(())
            }
            // Each start draws its own.
            RecordName::RelayId => Ok(()),
            RecordName::Queue(user, sequence) => {
                if sequence == 0 || (value.is_some() && version != 1) {
                    return Err(Error::InvalidArgument);
                }
                self.restore_queued(user, sequence, value)
            }
            RecordName::Roster(group_id, epoch) => {
                match value {
                    Some(entry) if version == 1 => self.restore_entry(&group_id, epoch, entry),
                    Some(_) => Err(Error::InvalidArgument),
                    // Another relay has cleared away a group that ended.
                    None => Ok(()),
                }
            }
            RecordName::Group(group_id) => self.restore_group(&group_id, value, version),
        }
    }

    fn restore_card(&self, user: &str, value: Option<&[u8]>, version: u64) -> Result<()> {
        let card = value.map(Card::parse).transpose()?;
        if card.as_ref().is_some_and(|card| card.user() != user) {
            return Err(Error::Malformed);
        }
        let user = self.user(user)?;
        let (before, now, is_other) = user.restore_card(card, version);
        match (before, now) {
            (false, true) => self.counters.add(Counter::Users, 1),
            (true, false) => self.counters.subtract(Counter::Users, 1),
            _ => {}
        }
        if is_other {
            // Whoever holds the identity of before is the user no more.
            self.cut_off(&user);
        }
        Ok(())
    }

    fn restore_queued(&self, user: &str, sequence: u64, value: Option<&[u8]>) -> Result<()> {
        let item = value.map(|value| self.share(Item::restore(value)?)).transpose()?;
        let id = item.as_ref().map(|item| *item.id());
        let user = self.user(user)?;
        let mut inbox = user.inbox();
        let before = inbox.size();
        let replaced = inbox.restore_item(sequence, item);
        let after = inbox.size();
        drop(inbox);
        self.count_size(before, after);
        let is_other = replaced.as_ref().map(|replaced| *replaced.id()) != id;
        if is_other && id.is_some() {
            // It stands before what the connection has been given, and the next acknowledgement would drop it unseen.
            self.cut_off(&user);
        }
        if let Some(replaced) = replaced.filter(|_| is_other) {
            let sender = self.user(replaced.sender())?;
            sender.outbox().incomplete(&replaced);
        }
        Ok(())
    }

    /// The one item for an envelope that several queues hold.
    fn share(&self, item: Arc<Item>) -> Result<Arc<Item>> {
        let is_for_one = item.is_for_one()?;
        let sender = self.user(item.sender())?;
        let mut outbox = sender.outbox();
        match outbox.find(item.id()) {
            Known::Incomplete(shared) => return Ok(shared),
            Known::New if is_for_one => outbox.complete(&item),
            Known::New => outbox.incomplete(&item),
            Known::Complete => {}
        }
        Ok(item)
    }

    fn restore_entry(&self, group_id: &[u8; 32], epoch: u64, entry: &[u8]) -> Result<()> {
        let group = self.groups.get_or_insert(group_id, || (*group_id, Group::default()))?;
        let mut state = group.write();
        state.restore(group_id, epoch, entry, &|name| self.user(name))?;
        self.take_stock(&mut state, 0, None)
    }

    fn restore_group(&self, group_id: &[u8; 32], value: Option<&[u8]>, version: u64) -> Result<()> {
        let times = value.map(|value| Times::parse(value, version)).transpose()?;
        let group = self.groups.get_or_insert(group_id, || (*group_id, Group::default()))?;
        let mut state = group.write();
        state.times = times.unwrap_or_default();
        if state.times.ended_ms > 0 {
            let ended = (state.times.ended_ms, *group_id);
            self.ended.lock().unwrap_or_else(PoisonError::into_inner).insert(ended);
        }
        self.take_stock(&mut state, 0, None)
    }

    fn count_size(&self, before: Size, after: Size) {
        self.counters.subtract(Counter::Queued, before.count);
        self.counters.subtract(Counter::QueuedBytes, before.bytes);
        self.counters.add(Counter::Queued, after.count);
        self.counters.add(Counter::QueuedBytes, after.bytes);
    }
}

fn number(value: &[u8]) -> Result<u64> {
    value.try_into().map(u64::from_be_bytes).map_err(|_| Error::Malformed)
}
