//! Roster entries on their way in and out (`docs/PROTOCOL.md` sections 7 and 10.1).

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::relay::Relay;
use crate::relay::counters::Counter;
use crate::relay::group::{Group, departing};
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
        let now_ms = self.clock.hear(now_ms).kept_ms;
        let parsed = Entry::parse(entry)?;
        if parsed.fields.actor != user {
            return Err(Error::NotPermitted);
        }
        self.commit_from(&self.registered(user)?, &parsed, now_ms)
    }

    /// [`Relay::commit`] of somebody who is registered.
    pub(super) fn commit_from(&self, actor: &Arc<User>, parsed: &Entry<'_>, now_ms: u64) -> Result<Outcome> {
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
        let mut outbox = actor.outbox();
        let (group_id, group, founded) = if matches!(fields.action, Action::Create { .. }) {
            let roster = Roster::open(entry)?;
            let group_id = *roster.group_id();
            let is_new = self.groups.get(&group_id).is_none();
            if is_new && actor.created() >= self.options.groups_per_user {
                return Err(Error::LimitReached);
            }
            (group_id, self.groups.get_or_insert(&group_id, || (group_id, Group::default()))?, Some(roster))
        } else {
            (*fields.group_id, self.groups.get(fields.group_id).ok_or(Error::UnknownGroup)?, None)
        };

        // Held until the entry is queued for everybody, so that all queues have the entries in their order.
        let mut state = group.write();
        let checked = match founded {
            Some(roster) => {
                let checked = state.found(roster, &find)?;
                if checked == Checked::Extends {
                    self.counters.add(Counter::Groups, 1);
                    self.directory.add(&state)?;
                }
                checked
            }
            None => {
                let is_join = matches!(fields.action, Action::Join(_));
                let is_next = state.epoch().is_ok_and(|epoch| fields.epoch > epoch);
                if is_join && is_next && state.join_after_ms(self.options.joins_per_hour, now_ms) > 0 {
                    return Err(Error::RateLimited);
                }
                let checked = state.settle(parsed, &find)?;
                if is_join && checked == Checked::Extends {
                    state.note_join(now_ms);
                }
                checked
            }
        };
        let mut outcome = Outcome::default();
        let (item, is_again) = match (checked, outbox.find(&id)) {
            (Checked::Known, Known::Complete) => {
                self.counters.add(Counter::Duplicates, 1);
                return Ok(outcome);
            }
            // What came after it tells members that they miss it.
            (Checked::Known, _) if state.epoch()? != fields.epoch => return Ok(outcome),
            (_, Known::Incomplete(item)) => (item, true),
            _ => (Item::new(&actor.name, entry, id, now_ms), false),
        };
        if checked == Checked::Extends {
            let name = RecordName::Roster(group_id, fields.epoch);
            outcome.change(Change::value(name, 0, entry.into()));
        }
        let departed = departing(parsed).map(|user| self.user(user)).transpose()?;
        let recipients = Recipients::members(&state.members(&find)?, departed);
        self.fan_out(recipients, None, &item, is_again, now_ms, &mut outcome);
        outbox.complete(&item);
        self.counters.add(Counter::Routed, 1);
        Ok(outcome)
    }

    /// The entries of a group from an epoch on, one after another: as many as fit into one frame, at least one if there
    /// is one. For the rest, ask again from the next epoch on.
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
