//! Fetching the entries of a log that are missing (`docs/PROTOCOL.md` sections 7.4 and 16.5).

use crate::client::Client;
use crate::client::ask::Ask;
use crate::client::event::Event;
use crate::client::groups::group::Standing;
use crate::client::groups::offers::Offers;
use crate::client::groups::{Group, GroupId};
use crate::client::records;
use crate::client::sessions::is_passing;
use crate::error::{Error, Result};
use crate::limits::{CLIENT_LOG_AGAIN_MS, QUEUE_AGE_MAX_MS, RELAY_LOG_ANSWER_MAX};
use crate::wire::roster::Entry;

/// How far a log is being fetched.
#[derive(Default)]
pub(super) struct Fetch {
    asked: Option<Asked>,
    /// The log was fetched to its end, of a group that we are no member of.
    pub(super) is_whole: bool,
    /// It is asked again then: somebody names entries that the relay did not give.
    again_ms: Option<u64>,
    /// When it was last asked because of what somebody named.
    claimed_ms: Option<u64>,
}

struct Asked {
    /// The epoch to reach; none for the end.
    goal: Option<u64>,
    /// The relay's log does not follow ours: it is asked for all of it, from here on now, to see where they part.
    compared: Option<u64>,
}

impl Fetch {
    pub(super) const fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    pub(super) const fn due_ms(&self) -> Option<u64> {
        if self.is_asked() { None } else { self.again_ms }
    }

    /// No time of it is ahead.
    pub(super) fn correct_clock(&mut self, now_ms: u64) {
        for at_ms in self.again_ms.iter_mut().chain(&mut self.claimed_ms) {
            *at_ms = now_ms.min(*at_ms);
        }
    }
}

impl Client {
    /// Whether entries of a group are on their way.
    pub(super) fn is_fetching(&mut self, id: &GroupId) -> bool {
        self.groups.loaded(id).is_some_and(|group| group.fetch.is_asked())
    }

    /// Asks for the entries from our head on, up to an epoch or to the end.
    pub(super) fn fetch_log(&mut self, id: &GroupId, goal: Option<u64>) {
        let Some(group) = self.groups.loaded(id) else { return };
        if let Some(asked) = &mut group.fetch.asked {
            asked.goal = asked.goal.zip(goal).map(|(one, other)| one.max(other));
            return;
        }
        let head = group.roster.as_ref().map(|roster| roster.epoch());
        if goal.is_some_and(|goal| head.is_some_and(|head| head >= goal)) {
            return;
        }
        group.fetch.again_ms = None;
        // Where somebody names another history, the relay's own may be that one, and no longer than ours.
        let compared = group.is_disputed().then_some(0);
        self.ask_log(id, goal, compared);
    }

    /// Somebody names entries that we do not have. Whoever does so again and again causes one question a minute.
    pub(super) fn fetch_claimed(&mut self, id: &GroupId) {
        let now_ms = self.now_ms;
        let Some(group) = self.groups.loaded(id) else { return };
        let lately = |asked_ms: &u64| now_ms.saturating_sub(*asked_ms) < CLIENT_LOG_AGAIN_MS;
        let asked_ms = group.fetch.claimed_ms.filter(lately);
        group.fetch.claimed_ms = Some(asked_ms.unwrap_or(now_ms));
        // What is on its way may not be what shows the other history.
        if let Some(asked_ms) = asked_ms.or((group.is_disputed() && group.fetch.is_asked()).then_some(now_ms))
        {
            group.fetch.again_ms.get_or_insert(asked_ms.saturating_add(CLIENT_LOG_AGAIN_MS));
        } else {
            self.fetch_log(id, None);
        }
    }

    pub(super) fn ask_log(&mut self, id: &GroupId, goal: Option<u64>, compared: Option<u64>) {
        let Some(group) = self.groups.loaded(id) else { return };
        let next = group.roster.as_ref().map_or(0, |roster| roster.epoch().saturating_add(1));
        group.fetch.asked = Some(Asked { goal, compared });
        let from_epoch = compared.unwrap_or(next);
        self.ask(Ask::FetchLog { group: *id, from_epoch });
    }

    /// The relay has answered with entries, or why not.
    pub(in crate::client) fn log_fetched(
        &mut self,
        id: &GroupId,
        answer: core::result::Result<&[u8], Error>,
    ) -> Result<()> {
        let now_ms = self.now_ms;
        let Some(group) = self.group(id)? else { return Ok(()) };
        let Some(Asked { goal, compared }) = group.fetch.asked.take() else { return Ok(()) };
        let before = group.roster.as_ref().map(|roster| roster.epoch());
        let entries = match answer {
            Ok([]) => return self.log_ended(id, true),
            Ok(entries) => page(entries),
            Err(status) if is_passing(status) => {
                group.fetch.again_ms = Some(now_ms.saturating_add(CLIENT_LOG_AGAIN_MS));
                self.stir(id);
                return Ok(());
            }
            Err(status) => {
                // Whoever says that we are no member has our last entry, or that of another about us.
                if status != Error::UnknownGroup {
                    group.offers = Offers::default();
                }
                self.refuse_joining(id, status)?;
                return self.log_ended(id, false);
            }
        };
        let taken = self.take_entries(id, entries)?;
        self.note_shown(id, entries);
        match taken {
            Ok(()) => {}
            Err(Error::RosterBehind) if compared.is_none() => {
                self.ask_log(id, goal, Some(0));
                return Ok(());
            }
            Err(status) => {
                self.tell(Event::Error { status });
                self.refuse_joining(id, status)?;
                return self.log_ended(id, false);
            }
        }
        // Where the histories part may be in any page of it.
        let last = last_epoch(entries);
        if let Some(from_epoch) = compared
            && last >= from_epoch
            && !self.is_fetching(id)
        {
            self.ask_log(id, goal, Some(last.saturating_add(1)));
            return Ok(());
        }
        let after =
            self.groups.loaded(id).and_then(|group| group.roster.as_ref()).map(|roster| roster.epoch());
        let reached = goal.zip(after).is_some_and(|(goal, after)| after >= goal);
        if reached || after == before {
            return self.log_ended(id, true);
        }
        if !self.is_fetching(id) {
            self.ask_log(id, goal, None);
        }
        Ok(())
    }

    /// There is no more to fetch now.
    fn log_ended(&mut self, id: &GroupId, is_whole: bool) -> Result<()> {
        if let Some(group) = self.groups.loaded(id) {
            group.fetch.is_whole = is_whole;
        }
        self.offer(id);
        self.check_invitation(id)?;
        self.forget_if_outside(id)?;
        self.retry_early_keys(id)?;
        self.retry_pending(id, None)?;
        self.drop_outsiders(id, is_whole)?;
        self.stir(id);
        Ok(())
    }

    /// Forgets a group that turned out to be none of ours.
    pub(super) fn forget_if_outside(&mut self, id: &GroupId) -> Result<()> {
        let is_wanted = self.is_wanted(id);
        let outside = |group: &Group| group.standing == Standing::Outside && !group.fetch.is_asked();
        if is_wanted || !self.groups.loaded(id).is_some_and(|group| outside(group)) {
            return Ok(());
        }
        self.wipe_group(id)?;
        self.journal.delete(records::group(id));
        self.groups.dirty.remove(id);
        self.groups.all.remove(id);
        Ok(())
    }

    /// Asks for what entries may be missing of all groups, if they may have been dropped before we came to read them.
    pub(super) fn check_logs(&mut self) -> Result<()> {
        let now_ms = self.now_ms;
        let is_new = |whole_ms: u64| now_ms.saturating_sub(whole_ms) < QUEUE_AGE_MAX_MS;
        if self.groups.whole_ms.is_some_and(is_new) {
            return Ok(());
        }
        let ids: Vec<GroupId> = self.groups.all.keys().copied().collect();
        for id in ids {
            let Some(group) = self.group(&id)? else { continue };
            // Of one that we are invited to, none of it is there.
            if group.standing != Standing::Former {
                self.fetch_log(&id, None);
            }
        }
        Ok(())
    }

    /// The store is an older copy of itself: logs may have grown, and keys that it holds were used.
    pub(in crate::client) fn groups_restored(&mut self) {
        self.groups.whole_ms = None;
        self.groups.stirred.extend(self.groups.all.keys().copied());
    }

    /// Asks again for what somebody named.
    pub(super) fn tend_logs(&mut self) {
        let now_ms = self.now_ms;
        let due: Vec<GroupId> = self
            .groups
            .all
            .iter()
            .filter(|(_, group)| {
                group
                    .as_ref()
                    .is_some_and(|group| group.fetch.due_ms().is_some_and(|due_ms| due_ms <= now_ms))
            })
            .map(|(id, _)| *id)
            .collect();
        for id in due {
            self.fetch_log(&id, None);
        }
    }
}

/// The entries of an answer that go into a page, and the first one whatever its size: each costs a signature, so what a
/// relay gives beyond that is asked for again.
fn page(entries: &[u8]) -> &[u8] {
    let mut end = 0;
    while let Some(rest) = entries.get(end..).filter(|rest| !rest.is_empty())
        && let Ok((entry, _)) = Entry::parse_first(rest)
    {
        let next = end.saturating_add(entry.bytes.len());
        if end > 0 && next > RELAY_LOG_ANSWER_MAX {
            return entries.get(..end).unwrap_or(entries);
        }
        end = next;
    }
    entries
}

/// The epoch of the last of these entries.
fn last_epoch(entries: &[u8]) -> u64 {
    let (mut rest, mut last) = (entries, 0);
    while let Ok((entry, after)) = Entry::parse_first(rest) {
        (rest, last) = (after, entry.fields.epoch);
    }
    last
}
