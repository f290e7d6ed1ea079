//! The groups of a client (`docs/PROTOCOL.md` sections 7, 8 and 16).
//!
//! * [`group`]: what is held of one group, loaded when it is needed, and its records.
//! * [`lifecycle`]: what the application asks for, each a [`request`] that one event ends.
//! * [`roster_sync`]: how entries come in, and what follows when members change. [`log`]: how missing ones are fetched.
//!   [`offers`]: ours that the relay has lost. [`stored_log`]: how they lie in the store. [`disputes`]: members who name
//!   others.
//! * [`keys`]: when our sender key is made, and to whom it goes. [`installs`]: taking in those of others.
//! * [`send`], [`receive`]: messages. [`pending`]: those whose key has not come. [`requests`]: asking for keys, and
//!   answering.
//! * [`history`]: keys of the past, shared on purpose.

mod disputes;
mod event;
mod group;
mod history;
mod installs;
mod keys;
mod lifecycle;
mod log;
mod offers;
mod pending;
mod receive;
mod request;
mod requests;
mod roster_sync;
mod send;
mod stored_log;

use std::collections::{BTreeMap, BTreeSet};

use crate::client::event::Event;
use crate::client::records;
use crate::client::timers::ceiling;
use crate::client::{Client, outbox::Target};
use crate::error::{Error, Result};
use crate::limits::CLIENT_GROUPS_MAX;
use crate::roster::Roster;
use crate::store::{Part, Store};

pub use event::GroupEvent;
pub(super) use keys::distribution_note;

use group::{Group, Standing};
use offers::Offers;
use request::Request;

/// Names a group: the hash of the entry that founded it.
pub type GroupId = [u8; 32];

/// All groups.
#[derive(Default)]
pub(super) struct Groups {
    /// None: there is a record, and it is not loaded yet.
    all: BTreeMap<GroupId, Option<Box<Group>>>,
    /// What the application asked for and was not told of.
    requests: BTreeMap<u64, Request>,
    /// Groups of which something has to be stored.
    dirty: BTreeSet<GroupId>,
    /// Groups in which a key may have to be made or handed out.
    stirred: BTreeSet<GroupId>,
    /// The queue that had gathered at the relay was read.
    is_caught_up: bool,
    /// When all logs were last known to be whole.
    whole_ms: Option<u64>,
    /// Messages that wait for their keys, and their bytes.
    pending: (usize, usize),
}

impl Groups {
    pub(super) fn load(store: &Store, now_ms: u64) -> Result<Self> {
        let stirred = Self::stored(store)?;
        let all = stirred.iter().map(|id| (*id, None)).collect();
        let mut groups = Self { all, stirred, ..Self::default() };
        for record in store.scan(&records::all_requests())? {
            let record = record?;
            let mut request = records::read(&record.value, Request::read)?;
            request.correct_clock(now_ms);
            groups.requests.insert(records::number(&record.name)?, request);
        }
        Ok(groups)
    }

    /// The groups of which there is a record.
    fn stored(store: &Store) -> Result<BTreeSet<GroupId>> {
        let mut stored = BTreeSet::new();
        for record in store.scan(&records::all_groups())? {
            let record = record?;
            let Some(Part::Bytes(id)) = record.name.parts().last() else { return Err(Error::StoreDamaged) };
            stored.insert((**id).try_into().map_err(|_| Error::StoreDamaged)?);
        }
        Ok(stored)
    }

    /// A group that was loaded.
    fn loaded(&mut self, id: &GroupId) -> Option<&mut Group> {
        self.all.get_mut(id).and_then(Option::as_deref_mut)
    }

    /// The groups in which a key is to be made now.
    fn eager_due(&mut self, now_ms: u64) -> impl Iterator<Item = GroupId> {
        self.all.iter_mut().filter_map(move |(id, group)| {
            group.as_mut()?.eager_ms.take_if(|eager_ms| *eager_ms <= now_ms).map(|_| *id)
        })
    }

    /// No time of a request is ahead, nor from before the clock was set.
    pub(super) fn correct_requests(&mut self, now_ms: u64) {
        self.requests.values_mut().for_each(|request| request.correct_clock(now_ms));
    }

    /// When the first request has waited for too long.
    pub(super) fn end_ms(&self) -> Option<u64> {
        self.requests.values().filter_map(Request::end_ms).min()
    }

    /// The entry that a request wants the relay to take.
    pub(super) fn proposal(&self, request: u64) -> Option<&[u8]> {
        self.requests.get(&request).map(Request::entry).filter(|entry| !entry.is_empty())
    }

    /// The label that a request looks for.
    pub(super) fn label_sought(&self, request: u64) -> Option<&str> {
        self.requests.get(&request).and_then(Request::label_sought)
    }
}

impl Client {
    /// A group, loaded.
    fn group(&mut self, id: &GroupId) -> Result<Option<&mut Group>> {
        if matches!(self.groups.all.get(id), Some(None)) {
            let mut group = Group::load(&self.store, &self.identity, id, ceiling(self.now_ms))?;
            let (count, bytes) = group.pending.size();
            self.groups.pending.0 = self.groups.pending.0.saturating_add(count);
            self.groups.pending.1 = self.groups.pending.1.saturating_add(bytes);
            group.pending.start_asking(self.now_ms);
            if let Some(roster) = &group.roster {
                group.offers = Offers::of(roster, self.identity.user(), self.now_ms);
            }
            if !self.groups.is_caught_up {
                group.catch_up(true, self.now_ms);
            }
            self.groups.all.insert(*id, Some(Box::new(group)));
        }
        Ok(self.groups.loaded(id))
    }

    /// Makes room for a group of which nothing is known. Answers `false` if there are too many.
    fn meet_group(&mut self, id: &GroupId) -> bool {
        if self.groups.all.contains_key(id) {
            return true;
        }
        if self.groups.all.len() >= CLIENT_GROUPS_MAX {
            return false;
        }
        self.groups.all.insert(*id, Some(Box::default()));
        true
    }

    /// Everything of this group that changed is stored with the next commit.
    fn touch(&mut self, id: &GroupId, change: impl FnOnce(&mut Group)) {
        if let Some(group) = self.groups.loaded(id) {
            change(group);
            self.groups.dirty.insert(*id);
        }
    }

    fn tell_group(&mut self, id: &GroupId, event: GroupEvent) -> Result<()> {
        self.emit(Event::Group { group: *id, event })
    }

    /// The groups that we are a member of.
    pub fn groups(&mut self) -> Result<Vec<GroupId>> {
        self.check()?;
        let ids: Vec<GroupId> = self.groups.all.keys().copied().collect();
        let mut ours = Vec::new();
        for id in ids {
            if self.group(&id)?.is_some_and(|group| group.standing == Standing::Member) {
                ours.push(id);
            }
        }
        Ok(ours)
    }

    /// The members of a group that we are, or were, a member of, and the log that proves it.
    pub fn roster(&mut self, group: &GroupId) -> Result<Option<&Roster>> {
        self.check()?;
        let known = self.group(group)?.filter(|group| group.standing != Standing::Outside);
        Ok(known.and_then(|group| group.roster.as_ref()))
    }

    /// Whether somebody is a member of a group of ours.
    pub(super) fn shares_group(&mut self, user: &str) -> Result<bool> {
        Ok(!self.groups_with(user)?.is_empty())
    }

    /// Whether somebody is a member of this group of ours.
    pub(super) fn is_member_with(&mut self, id: &GroupId, user: &str) -> Result<bool> {
        let group = self.group(id)?.filter(|group| group.standing == Standing::Member);
        let roster = group.and_then(|group| group.roster.as_ref());
        Ok(roster.is_some_and(|roster| roster.member(user).is_some()))
    }

    /// The groups of ours with this member.
    fn groups_with(&mut self, user: &str) -> Result<Vec<GroupId>> {
        let mut with = self.groups()?;
        with.retain(|id| {
            let roster = self.groups.loaded(id).and_then(|group| group.roster.as_ref());
            roster.is_some_and(|roster| roster.member(user).is_some())
        });
        Ok(with)
    }

    /// No time of a group is ahead: those that are not in memory are corrected when they are read.
    pub(super) fn correct_groups_clock(&mut self) {
        let now_ms = self.now_ms;
        let Groups { all, stirred, dirty, whole_ms, .. } = &mut self.groups;
        for (id, group) in all.iter_mut().filter_map(|(id, group)| Some((id, group.as_mut()?))) {
            group.correct_clock(now_ms);
            stirred.insert(*id);
            dirty.insert(*id);
        }
        *whole_ms = whole_ms.map(|at_ms| at_ms.min(now_ms));
        self.groups.correct_requests(now_ms);
    }

    /// What a welcome means for groups: windows stand still until the queue is read.
    pub(super) fn groups_connected(&mut self) -> Result<()> {
        self.groups.is_caught_up = false;
        let now_ms = self.now_ms;
        for group in self.groups.all.values_mut().flatten() {
            group.catch_up(true, now_ms);
        }
        Ok(())
    }

    /// The connection is gone.
    pub(super) fn groups_disconnected(&mut self) {
        if core::mem::take(&mut self.groups.is_caught_up) {
            self.groups.whole_ms = Some(self.now_ms);
        }
    }

    /// The queue that had gathered was read.
    pub(super) fn queue_ended(&mut self) -> Result<()> {
        if self.groups.is_caught_up {
            return Ok(());
        }
        self.groups.is_caught_up = true;
        let now_ms = self.now_ms;
        for (id, group) in &mut self.groups.all {
            if let Some(group) = group {
                group.catch_up(false, now_ms);
                self.groups.stirred.insert(*id);
            }
        }
        self.look_for_entries();
        self.check_logs()
    }

    /// Something may have become possible in a group.
    fn stir(&mut self, id: &GroupId) {
        self.groups.stirred.insert(*id);
        self.outbox.hasten(&Target::Group(*id));
    }

    /// Does what is due in groups by time.
    pub(super) fn tend_groups_by_time(&mut self) -> Result<()> {
        self.tend_pending()?;
        self.tend_windows();
        if self.groups.is_caught_up { self.tend_disputes() } else { Ok(()) }
    }

    /// When something is due in a group.
    pub(super) fn groups_due_ms(&self) -> Option<u64> {
        if !self.groups.is_caught_up {
            return None;
        }
        let of_groups = self.groups.all.values().flatten().filter_map(|group| group.due_ms());
        let of_requests = self.groups.requests.values().filter_map(|request| request.due_ms(self.now_ms));
        of_groups.chain(of_requests).min()
    }

    fn tend_windows(&mut self) {
        let now_ms = self.now_ms;
        if !self.groups.is_caught_up {
            return;
        }
        for (id, group) in &mut self.groups.all {
            if group.as_mut().is_some_and(|group| group.retire(now_ms)) {
                self.groups.dirty.insert(*id);
            }
        }
    }

    /// Writes what changed.
    pub(super) fn collect_groups(&mut self) -> Result<()> {
        for id in core::mem::take(&mut self.groups.dirty) {
            if let Some(group) = self.groups.all.get_mut(&id).and_then(Option::as_deref_mut) {
                group.collect(&id, &mut self.journal)?;
            }
        }
        Ok(())
    }
}
