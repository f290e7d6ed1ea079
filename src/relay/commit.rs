//! Roster entries on their way in and out (`docs/PROTOCOL.md` sections 7 and 10.1).

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use crate::error::{Error, Result};
use crate::limits::{
    LOG_MAX, QUEUE_AGE_MAX_MS, RELAY_CLEARED_GROUPS, RELAY_CLEARED_RECORDS, RELAY_FOUNDED_PER_DAY,
    RELAY_LOG_RESERVE,
};
use crate::relay::Relay;
use crate::relay::clock::Now;
use crate::relay::counters::Counter;
use crate::relay::group::{Counted, Group, GroupState, departing};
use crate::relay::item::{Item, envelope_id};
use crate::relay::members::Recipients;
use crate::relay::outbox::Known;
use crate::relay::outcome::Outcome;
use crate::relay::record::{Change, RecordName};
use crate::relay::user::User;
use crate::roster::{Checked, Roster};
use crate::wire::roster::{Action, Entry, MemberFields};

impl Relay {
    /// Takes a roster entry of an authenticated user, and delivers it to all members before and after it, the actor
    /// too. A create entry makes a group. An entry that was taken before changes nothing.
    ///
    /// Whoever an entry brings in must be registered, with the keys that the entry names: [`Error::UnknownUser`],
    /// [`Error::IdentityChanged`]. [`Error::NotPermitted`] if the actor is another user, [`Error::IdentityChanged`] if
    /// it is another identity than the registered one; [`Error::StaleEpoch`] if another entry took the epoch first;
    /// [`Error::UnknownGroup`]; [`Error::LimitReached`]; and the other errors of [`Roster::check`].
    pub fn commit(&self, user: &str, entry: &[u8], now_ms: u64) -> Result<Outcome> {
        let now = self.clock.hear(now_ms);
        let parsed = Entry::parse(entry)?;
        if parsed.fields.actor != user {
            return Err(Error::NotPermitted);
        }
        self.commit_from(&self.registered(user)?, &parsed, now)
    }

    /// [`Relay::commit`] of somebody who is registered.
    pub(super) fn commit_from(&self, actor: &Arc<User>, parsed: &Entry<'_>, now: Now) -> Result<Outcome> {
        let now_ms = now.kept_ms;
        let (entry, fields) = (parsed.bytes, &parsed.fields);
        if fields.actor != &*actor.name {
            return Err(Error::NotPermitted);
        }
        if actor.profile().card()?.fingerprint().as_bytes() != fields.actor_fingerprint {
            return Err(Error::IdentityChanged);
        }
        match &fields.action {
            Action::Create { members, .. } | Action::Add(members) => {
                members.iter().try_for_each(|member| self.check_member(member))?;
            }
            Action::Join(member) => self.check_member(member)?,
            // New keys of a member may come before their card: a card replaces no other identity by itself.
            Action::Replace(_) => {}
            Action::Remove(_)
            | Action::Leave
            | Action::Role(..)
            | Action::Delete
            | Action::Resolve { .. } => {}
        }

        let find = |name: &str| self.user(name);
        let id = envelope_id(entry)?;
        let mut outcome = Outcome::default();
        let mut outbox = actor.outbox();
        let (group_id, group, founded) = if matches!(fields.action, Action::Create { .. }) {
            let roster = Roster::open(entry)?;
            let group_id = *roster.group_id();
            if self.groups.get(&group_id).is_none_or(|group| group.read().roster().is_err()) {
                self.check_founding(actor, entry.len(), now_ms)?;
                self.clear_ended(now_ms, &mut outcome);
            }
            (group_id, self.groups.get_or_insert(&group_id, || (group_id, Group::default()))?, Some(roster))
        } else {
            (*fields.group_id, self.groups.get(fields.group_id).ok_or(Error::UnknownGroup)?, None)
        };

        // Held until the entry is queued for everybody, so that all queues have the entries in their order.
        let mut state = group.write();
        let checked = match founded {
            Some(_) if state.is_cleared() => return Err(Error::GroupDeleted),
            Some(roster) => state.found(roster, &find)?,
            None => self.settle(actor, &mut state, parsed, now_ms).map_err(|error| {
                // How far the group is, is for those who may see its log.
                let is_told = matches!(error, Error::Internal | Error::UnknownGroup);
                let is_hidden = !is_told && !state.shows_to(&actor.name);
                if is_hidden { Error::NotAMember } else { error }
            })?,
        };
        if checked == Checked::Extends {
            let name = RecordName::Roster(group_id, fields.epoch);
            outcome.change(Change::value(name, 0, entry.into()));
            self.take_stock(&mut state, now.start_ms(), Some(&mut outcome))?;
        }
        let (item, is_again) = match (checked, outbox.find(&id)) {
            (Checked::Known, Known::Complete) => {
                self.counters.add(Counter::Duplicates, 1);
                return Ok(outcome);
            }
            // What came after it tells members that they miss it.
            (Checked::Known, _) if state.epoch()? != fields.epoch => return Ok(outcome),
            (_, Known::Incomplete(item)) => (item, true),
            _ => (Item::new(&actor.name, entry, id, now.start_ms()), false),
        };
        let departed = departing(parsed).map(|user| self.user(user)).transpose()?;
        let recipients = Recipients::members(&state.members(&find)?, departed);
        self.fan_out(recipients, None, &item, is_again, now, &mut outcome);
        outbox.complete(&item);
        self.counters.add(Counter::Routed, 1);
        Ok(outcome)
    }

    /// Takes an entry that is not the first.
    fn settle(
        &self,
        actor: &User,
        state: &mut GroupState,
        entry: &Entry<'_>,
        now_ms: u64,
    ) -> Result<Checked> {
        let fields = &entry.fields;
        let is_join = matches!(fields.action, Action::Join(_));
        let is_next = state.epoch().is_ok_and(|epoch| fields.epoch > epoch);
        if is_next {
            let per_hour = self.options.joins_per_hour;
            if is_join && state.join_after_ms(&actor.name, per_hour, now_ms) > 0 {
                return Err(Error::RateLimited);
            }
            state.check_room(entry, LOG_MAX - RELAY_LOG_RESERVE)?;
            if matches!(fields.action, Action::Add(_)) {
                actor.note_founded(0, entry.bytes.len(), usize::MAX, now_ms)?;
            }
        }
        let checked = state.settle(entry, &|name| self.user(name))?;
        if is_join && checked == Checked::Extends {
            state.note_join(&actor.name, now_ms);
        }
        Ok(checked)
    }

    /// Whether a user may found another group: [`Error::LimitReached`].
    fn check_founding(&self, creator: &User, bytes: usize, now_ms: u64) -> Result<()> {
        let per_user = self.options.groups_per_user;
        let is_full = self.groups_live.load(Ordering::Relaxed) >= self.options.groups_max;
        if is_full || creator.created() >= per_user {
            return Err(Error::LimitReached);
        }
        creator.note_founded(1, bytes, per_user.saturating_mul(RELAY_FOUNDED_PER_DAY), now_ms)
    }

    /// Counts a group where it is to be counted now, whatever it was before, and lists it where it can be found. With
    /// an outcome, what is new is noted, and recorded there.
    pub(super) fn take_stock(
        &self,
        state: &mut GroupState,
        now_ms: u64,
        outcome: Option<&mut Outcome>,
    ) -> Result<()> {
        let Ok(roster) = state.roster() else { return Ok(()) };
        let (is_live, is_open, group_id) = (!roster.is_deleted(), roster.policy().open, *roster.group_id());
        let label: Box<str> = roster.label().into();
        if let Some(outcome) = outcome {
            let before = state.times;
            if before.version == 0 {
                state.times.founded_ms = now_ms;
            }
            if is_live {
                state.times.ended_ms = 0;
            } else if before.ended_ms == 0 {
                state.times.ended_ms = now_ms.max(1);
            }
            if state.times != before || before.version == 0 {
                let name = RecordName::Group(group_id);
                outcome.change(Change::value(name, before.version, state.times.to_value()));
                state.times.version = before.version.saturating_add(1);
            }
        }
        if !is_live {
            self.ended
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert((state.times.ended_ms, group_id));
        }
        let counted = state.counted;
        if is_live != counted.is_live {
            self.user(state.creator()?)?.note_created(is_live);
            if is_live {
                self.groups_live.fetch_add(1, Ordering::Relaxed);
                self.counters.add(Counter::Groups, 1);
            } else {
                self.groups_live.fetch_sub(1, Ordering::Relaxed);
                self.counters.subtract(Counter::Groups, 1);
            }
        }
        let listed_ms = (is_live && is_open && !label.is_empty()).then(|| state.founded_ms());
        if listed_ms != counted.listed_ms {
            if let Some(before_ms) = counted.listed_ms {
                self.directory.remove(&label, before_ms, &group_id);
            }
            if let Some(founded_ms) = listed_ms {
                self.directory.add(&label, founded_ms, &group_id);
            }
        }
        state.counted = Counted { is_live, listed_ms };
        Ok(())
    }

    /// Clears away some of what is left of groups that ended so long ago that nobody is owed their entries any more.
    fn clear_ended(&self, now_ms: u64, outcome: &mut Outcome) {
        let mut room = RELAY_CLEARED_RECORDS;
        for _ in 0..RELAY_CLEARED_GROUPS {
            let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
            let Some((ended_ms, group_id)) = ended.first().copied() else { return };
            if now_ms.saturating_sub(ended_ms) <= QUEUE_AGE_MAX_MS {
                return;
            }
            ended.pop_first();
            drop(ended);
            let Some(group) = self.groups.get(&group_id) else { continue };
            let mut state = group.write();
            // It may have turned out that another relay took something else for its end.
            if state.times.ended_ms == 0 || state.roster().is_ok_and(|roster| !roster.is_deleted()) {
                continue;
            }
            let epochs = state.clear(room);
            room -= epochs.len();
            for epoch in epochs {
                outcome.change(Change::deletion(RecordName::Roster(group_id, epoch), 1));
            }
            if room == 0 {
                self.ended.lock().unwrap_or_else(PoisonError::into_inner).insert((ended_ms, group_id));
                return;
            }
        }
    }

    /// The entries of a group from an epoch on, one after another: at least one if there is one, and at most 256 KiB
    /// beyond that. For the rest, ask again from the next epoch on.
    ///
    /// A former member gets the entries up to the one that ended its membership. [`Error::NotAMember`] for others, unless
    /// anybody may join; [`Error::UnknownGroup`]; [`Error::UnknownUser`].
    pub fn log(&self, user: &str, group_id: &[u8; 32], from_epoch: u64) -> Result<Vec<u8>> {
        self.registered(user)?;
        let group = self.groups.get(group_id).ok_or(Error::UnknownGroup)?;
        let state = group.read();
        state.log(user, from_epoch)
    }

    fn check_member(&self, member: &MemberFields<'_>) -> Result<()> {
        let card = self.registered(member.user)?.profile().card()?;
        let is_same =
            card.sign_key().as_bytes() == member.sign_key && card.agree_key().as_bytes() == member.agree_key;
        if is_same { Ok(()) } else { Err(Error::IdentityChanged) }
    }
}
