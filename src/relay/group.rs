//! What a relay holds of one group.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::error::{Error, Result};
use crate::limits::{ENTRY_MAX, HOUR_MS, LOG_MAX};
use crate::relay::members::Members;
use crate::relay::user::User;
use crate::roster::{Checked, Roster, Standing};
use crate::wire::roster::{Action, Entry};

/// One group. Its lock comes after that of an outbox and before those of inboxes.
#[derive(Default)]
pub(super) struct Group(RwLock<GroupState>);

/// The group's log, and who its messages go to.
#[derive(Default)]
pub(super) struct GroupState {
    /// None until the create entry was restored.
    roster: Option<Roster>,
    /// The members, shared with those who are sending; not known until somebody sends in this epoch, so that a long
    /// log is restored entry by entry at no cost a member.
    members: OnceLock<Arc<Members>>,
    /// When those who are no members any more went: the epoch of the entry.
    departed: HashMap<Box<str>, u64>,
    /// Entries that were restored before those that they follow.
    waiting: BTreeMap<u64, Box<[u8]>>,
    /// Bytes of them.
    waiting_bytes: usize,
    /// When users joined within the last hour.
    joins: VecDeque<u64>,
    /// Whether it counts as one of those that its creator may have.
    is_counted: bool,
}

impl Group {
    pub(super) fn read(&self) -> RwLockReadGuard<'_, GroupState> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, GroupState> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Finds the user of a name, or makes room for one.
pub(super) type Find<'a> = &'a dyn Fn(&str) -> Result<Arc<User>>;

impl GroupState {
    /// Everybody that a message of `sender` is queued for, and the sender too.
    ///
    /// [`Error::UnknownGroup`], [`Error::NotAMember`], [`Error::GroupDeleted`].
    pub(super) fn recipients(&self, sender: &str, find: Find<'_>) -> Result<Arc<Members>> {
        let roster = self.roster()?;
        if roster.standing(sender) != Standing::Member {
            return Err(Error::NotAMember);
        }
        if roster.is_deleted() { Err(Error::GroupDeleted) } else { self.members(find) }
    }

    /// The members. All of them were found when their entries came, so this fails no more.
    pub(super) fn members(&self, find: Find<'_>) -> Result<Arc<Members>> {
        if let Some(members) = self.members.get() {
            return Ok(Arc::clone(members));
        }
        let found = self.roster()?.members().map(|member| find(member.user()));
        let members = Arc::new(found.collect::<Result<Members>>()?);
        Ok(Arc::clone(self.members.get_or_init(|| members)))
    }

    /// The number of the newest entry.
    pub(super) fn epoch(&self) -> Result<u64> {
        self.roster().map(Roster::epoch)
    }

    /// The roster; [`Error::UnknownGroup`] until the create entry is known.
    pub(super) fn roster(&self) -> Result<&Roster> {
        self.roster.as_ref().ok_or(Error::UnknownGroup)
    }

    /// Starts with a roster of one entry, unless the group has one already.
    pub(super) fn found(&mut self, roster: Roster, find: Find<'_>) -> Result<Checked> {
        if self.roster.is_some() {
            return Ok(Checked::Known);
        }
        self.take(roster, find)?;
        Ok(Checked::Extends)
    }

    /// Takes a roster whose members have users.
    fn take(&mut self, roster: Roster, find: Find<'_>) -> Result<()> {
        for member in roster.members() {
            find(member.user())?.join(roster.group_id());
        }
        (self.roster, self.members) = (Some(roster), OnceLock::new());
        self.count(find)
    }

    /// Counts it for its creator as long as it is not deleted, whatever it was before.
    fn count(&mut self, find: Find<'_>) -> Result<()> {
        let is_counted = !self.roster()?.is_deleted();
        if is_counted != self.is_counted {
            find(self.creator()?)?.note_created(is_counted);
            self.is_counted = is_counted;
        }
        Ok(())
    }

    /// Takes the next entry; nothing changes on an error.
    pub(super) fn settle(&mut self, entry: &Entry<'_>, find: Find<'_>) -> Result<Checked> {
        let fields = &entry.fields;
        // First, because nothing may fail once the entry is in.
        match &fields.action {
            Action::Add(members) => members.iter().try_for_each(|member| find(member.user).map(drop))?,
            Action::Join(member) => find(member.user).map(drop)?,
            _ => {}
        }
        let roster = self.roster.as_mut().ok_or(Error::UnknownGroup)?;
        let checked = roster.settle(entry.bytes)?;
        if checked == Checked::Extends {
            self.members = OnceLock::new();
            self.note_departure(entry);
            self.note_memberships(entry, find)?;
            self.count(find)?;
        }
        Ok(checked)
    }

    /// Tells users which groups they are in. They were found before, so this fails no more.
    fn note_memberships(&self, entry: &Entry<'_>, find: Find<'_>) -> Result<()> {
        let roster = self.roster()?;
        let group_id = roster.group_id();
        match &entry.fields.action {
            Action::Add(members) => {
                for member in members {
                    find(member.user)?.join(group_id);
                }
            }
            Action::Join(member) => find(member.user)?.join(group_id),
            Action::Delete => {
                for member in roster.members() {
                    find(member.user())?.leave(group_id);
                }
            }
            _ => {}
        }
        if let Some(departing) = departing(entry) {
            find(departing)?.leave(group_id);
        }
        Ok(())
    }

    /// Who made the group.
    fn creator(&self) -> Result<&str> {
        let (create, _) = Entry::parse_first(self.roster()?.entries(0))?;
        Ok(create.fields.actor)
    }

    /// When the group was made, by its creator's clock.
    pub(super) fn created_ms(&self) -> Result<u64> {
        let (create, _) = Entry::parse_first(self.roster()?.entries(0))?;
        Ok(create.fields.timestamp_ms)
    }

    /// When another user may join: 0 for now.
    pub(super) fn join_after_ms(&mut self, per_hour: usize, now_ms: u64) -> u64 {
        while self.joins.front().is_some_and(|joined_ms| now_ms.saturating_sub(*joined_ms) >= HOUR_MS) {
            self.joins.pop_front();
        }
        match self.joins.front() {
            Some(oldest) if self.joins.len() >= per_hour => oldest.saturating_add(HOUR_MS) - now_ms,
            // Nobody ever joins: there is no better time to name.
            None if per_hour == 0 => HOUR_MS,
            _ => 0,
        }
    }

    /// That a user joined.
    pub(super) fn note_join(&mut self, now_ms: u64) {
        self.joins.push_back(now_ms);
    }

    fn note_departure(&mut self, entry: &Entry<'_>) {
        if let Some(user) = departing(entry) {
            self.departed.insert(user.into(), entry.fields.epoch);
        }
    }

    /// The entries from an epoch on, one after another: as many as fit into one frame, at least one if there is one.
    /// Members see all, a former one those up to its departure; [`Error::NotAMember`] for others, unless anybody may
    /// join.
    pub(super) fn log(&self, user: &str, from_epoch: u64) -> Result<Vec<u8>> {
        let roster = self.roster()?;
        let last = match roster.standing(user) {
            Standing::Member => u64::MAX,
            _ if roster.policy().open => u64::MAX,
            _ => *self.departed.get(user).ok_or(Error::NotAMember)?,
        };
        let entries = roster.entries(from_epoch);
        let mut rest = entries;
        while !rest.is_empty() {
            let (entry, after) = Entry::parse_first(rest)?;
            if entry.fields.epoch > last || entries.len() - after.len() > ENTRY_MAX {
                break;
            }
            rest = after;
        }
        let length = entries.len() - rest.len();
        Ok(entries.get(..length).unwrap_or_default().to_vec())
    }

    /// Takes the record of an entry, in any order. An entry that another relay got in first takes the place of ours,
    /// and of those after it.
    pub(super) fn restore(
        &mut self,
        group_id: &[u8; 32],
        epoch: u64,
        value: &[u8],
        find: Find<'_>,
    ) -> Result<()> {
        let entry = Entry::parse(value)?;
        if entry.fields.epoch != epoch || (epoch > 0 && entry.fields.group_id != group_id) {
            return Err(Error::Malformed);
        }
        let Some(roster) = &self.roster else {
            if epoch > 0 {
                return self.wait(epoch, value);
            }
            let roster = Roster::open(value)?;
            if roster.group_id() != group_id {
                return Err(Error::Malformed);
            }
            self.found(roster, find)?;
            return self.settle_waiting(find);
        };
        if epoch > roster.epoch() + 1 {
            return self.wait(epoch, value);
        }
        if epoch <= roster.epoch() {
            self.replace(epoch, value, find)?;
        } else {
            self.settle(&entry, find)?;
        }
        self.settle_waiting(find)
    }

    fn wait(&mut self, epoch: u64, value: &[u8]) -> Result<()> {
        let bytes = self.waiting_bytes.saturating_add(value.len());
        if bytes > LOG_MAX {
            return Err(Error::LimitReached);
        }
        let before = self.waiting.insert(epoch, value.into()).map_or(0, |before| before.len());
        self.waiting_bytes = bytes - before;
        Ok(())
    }

    fn settle_waiting(&mut self, find: Find<'_>) -> Result<()> {
        while let Some(value) = self.waiting.remove(&(self.epoch()? + 1)) {
            self.waiting_bytes -= value.len();
            self.settle(&Entry::parse(&value)?, find)?;
        }
        Ok(())
    }

    fn replace(&mut self, epoch: u64, value: &[u8], find: Find<'_>) -> Result<()> {
        let (before, held) = {
            let log = self.roster()?.entries(0);
            let held = self.roster()?.entries(epoch);
            (log.get(..log.len() - held.len()).unwrap_or_default(), held)
        };
        if held.starts_with(value) {
            return Ok(());
        }
        let log = [before, value].concat();
        let roster = Roster::open(&log)?;
        self.take(roster, find)?;
        self.departed.clear();
        let mut rest = log.as_slice();
        while !rest.is_empty() {
            let (entry, after) = Entry::parse_first(rest)?;
            self.note_departure(&entry);
            rest = after;
        }
        Ok(())
    }
}

/// Whom an entry removes.
pub(super) fn departing<'a>(entry: &Entry<'a>) -> Option<&'a str> {
    match entry.fields.action {
        Action::Remove(user) => Some(user),
        Action::Leave => Some(entry.fields.actor),
        _ => None,
    }
}
