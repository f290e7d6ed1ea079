//! What a relay holds of one group.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::error::{Error, Result};
use crate::limits::{
    HOUR_MS, LOG_MAX, RELAY_ENTRIES_RESERVE, RELAY_JOINS_PER_USER, RELAY_LOG_ANSWER_MAX, ROSTER_ENTRIES_MAX,
};
use crate::relay::members::Members;
use crate::relay::user::User;
use crate::roster::{Checked, Roster, Standing};
use crate::wire::codec::{Put as _, Reader};
use crate::wire::roster::{Action, Entry, Role};

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
    /// Who joined within the last hour, and when.
    joins: VecDeque<(u64, Box<str>)>,
    /// When the relay took it, and when it took its end; 0 for not, or not known.
    pub(super) times: Times,
    /// What the relay counts of it.
    pub(super) counted: Counted,
    /// Entries of a group that ended long ago whose records are still to be deleted.
    leftover: Vec<u64>,
}

/// What the record of a group says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) founded_ms: u64,
    pub(super) ended_ms: u64,
    /// Of the record.
    pub(super) version: u64,
}

/// Where a group counts, so that it is counted out as it was counted in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// As one of the relay's, and of those that its creator may have.
    pub(super) is_live: bool,
    /// As one that can be found, and since when.
    pub(super) listed_ms: Option<u64>,
}

impl Times {
    const LEN: usize = 16;

    /// The value of the record.
    pub(super) fn to_value(self) -> Box<[u8]> {
        let mut value = Vec::with_capacity(Self::LEN);
        value.put_u64(self.founded_ms);
        value.put_u64(self.ended_ms);
        value.into()
    }

    /// Reads the value of a record.
    pub(super) fn parse(value: &[u8], version: u64) -> Result<Self> {
        let mut reader = Reader::new(value);
        let times = Self { founded_ms: reader.u64()?, ended_ms: reader.u64()?, version };
        reader.finish()?;
        Ok(times)
    }
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
    pub(super) fn creator(&self) -> Result<&str> {
        let (create, _) = Entry::parse_first(self.roster()?.entries(0))?;
        Ok(create.fields.actor)
    }

    /// When the relay took it.
    pub(super) const fn founded_ms(&self) -> u64 {
        self.times.founded_ms
    }

    /// Whether a user may learn how far the group is: a member, and anybody if anybody may join.
    pub(super) fn shows_to(&self, user: &str) -> bool {
        self.roster().is_ok_and(|roster| roster.policy().open || roster.standing(user) == Standing::Member)
    }

    /// [`Error::LimitReached`] if an entry would make the log longer than so many bytes, or take what is kept of its
    /// entries, unless it is of those who run the group or one leaves it.
    pub(super) fn check_room(&self, entry: &Entry<'_>, bytes_max: usize) -> Result<()> {
        let roster = self.roster()?;
        let runs = roster.member(entry.fields.actor).is_some_and(|actor| actor.role() >= Role::Admin);
        if runs || matches!(entry.fields.action, Action::Leave) {
            return Ok(());
        }
        let bytes = roster.log_len(0).saturating_add(entry.bytes.len());
        let has_room = bytes <= bytes_max && roster.epoch() < ROSTER_ENTRIES_MAX - RELAY_ENTRIES_RESERVE;
        if has_room { Ok(()) } else { Err(Error::LimitReached) }
    }

    /// When this user may join: 0 for now.
    pub(super) fn join_after_ms(&mut self, user: &str, per_hour: usize, now_ms: u64) -> u64 {
        // An hour from now either way: a clock that was wrong keeps nobody out for longer.
        while self.joins.front().is_some_and(|(joined_ms, _)| now_ms.abs_diff(*joined_ms) >= HOUR_MS) {
            self.joins.pop_front();
        }
        let after = |joined_ms: u64| joined_ms.saturating_add(HOUR_MS).saturating_sub(now_ms);
        let mut own =
            self.joins.iter().filter(|(_, joined)| **joined == *user).map(|(joined_ms, _)| *joined_ms);
        let first = own.next();
        let for_user = if own.count() + 1 < RELAY_JOINS_PER_USER { 0 } else { first.map_or(0, after) };
        let for_group = match self.joins.front() {
            Some((oldest, _)) if self.joins.len() >= per_hour => after(*oldest),
            // Nobody ever joins: there is no better time to name.
            None if per_hour == 0 => HOUR_MS,
            _ => 0,
        };
        for_user.max(for_group)
    }

    /// That a user joined.
    pub(super) fn note_join(&mut self, user: &str, now_ms: u64) {
        self.joins.push_back((now_ms, user.into()));
    }

    /// Whether nothing but its name is left of it.
    pub(super) const fn is_cleared(&self) -> bool {
        self.times.ended_ms > 0 && self.roster.is_none()
    }

    /// Forgets a group that ended long ago, but for that it did: gives some of the entries whose records are to go.
    pub(super) fn clear(&mut self, most: usize) -> Vec<u64> {
        if let Some(roster) = self.roster.take() {
            self.leftover = (0..=roster.epoch()).rev().collect();
            (self.members, self.departed, self.joins) = Default::default();
        }
        // Of one that was not deleted whole before the relay ended.
        self.leftover.extend(core::mem::take(&mut self.waiting).into_keys());
        self.waiting_bytes = 0;
        let rest = self.leftover.len().saturating_sub(most);
        self.leftover.split_off(rest)
    }

    fn note_departure(&mut self, entry: &Entry<'_>) {
        if let Some(user) = departing(entry) {
            self.departed.insert(user.into(), entry.fields.epoch);
        }
    }

    /// The entries from an epoch on, one after another: at least one if there is one, and not many bytes beyond that.
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
            let length = entries.len() - after.len();
            let is_first = rest.len() == entries.len();
            if entry.fields.epoch > last || (length > RELAY_LOG_ANSWER_MAX && !is_first) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::rng::SystemRandom;
    use crate::identity::{Identity, IdentityOptions};
    use crate::roster::RosterPolicy;

    fn person(user: &str) -> Identity {
        Identity::generate(&mut SystemRandom, user, IdentityOptions::default(), 1).unwrap()
    }

    #[test]
    fn members_leave_room_in_a_log_for_those_who_run_the_group_and_those_who_leave() {
        let [alice, bob, carol] = ["alice", "bob", "carol"].map(person);
        let policy = RosterPolicy { open: true, add_role: Role::Member };
        let members = [bob.card().clone()];
        let roster = Roster::create(&alice, "", &members, policy, 1, &mut SystemRandom).unwrap();
        let cards = [carol.card().clone()];
        let add =
            |actor: &Identity| roster.propose_add(actor, &cards, Role::Member, 1, &mut SystemRandom).unwrap();
        let (by_bob, by_alice) = (add(&bob), add(&alice));
        let join = roster.propose_join(&carol, 1, &mut SystemRandom).unwrap();
        let leave = roster.propose_leave(&bob, 1, &mut SystemRandom).unwrap();
        let full = roster.log_len(0) + by_bob.len().max(join.len());
        let state = GroupState { roster: Some(roster), ..GroupState::default() };
        let check = |entry: &[u8], most| state.check_room(&Entry::parse(entry).unwrap(), most);
        assert_eq!((check(&by_bob, full), check(&join, full)), (Ok(()), Ok(())));
        let less = full - by_bob.len().abs_diff(join.len()) - 1;
        assert_eq!(check(&by_bob, less), Err(Error::LimitReached));
        assert_eq!(check(&join, less), Err(Error::LimitReached));
        assert_eq!((check(&by_alice, less), check(&leave, less)), (Ok(()), Ok(())));
    }
}
