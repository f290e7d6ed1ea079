//! Entries of ours that the relay has said to have taken and does not show: they are offered again, since nobody else may
//! do it (`docs/PROTOCOL.md` section 16.5).

use crate::client::Client;
use crate::client::ask::Ask;
use crate::client::groups::group::Group;
use crate::client::groups::{GroupEvent, GroupId};
use crate::client::sessions::is_passing;
use crate::crypto::kdf::{self, Label};
use crate::error::{Error, Result};
use crate::limits::{HOUR_MS, QUEUE_AGE_MAX_MS};
use crate::roster::Roster;
use crate::wire::roster::Entry;

/// Time in which a relay that has taken an entry delivers it, to its actor too.
const LOOK_MS: u64 = 60_000;

/// Entries at the end of a log among which ours are looked for.
const TAIL: u64 = 16;

/// What the relay may not have of our entries in one group.
#[derive(Default)]
pub(super) struct Offers {
    /// The first that it has not shown.
    unshown: Option<u64>,
    /// When it is asked for that one.
    look_ms: Option<u64>,
    looks: u32,
    /// It was asked, and has not answered.
    is_looking: bool,
    /// When it was last asked after a connection was lost.
    again_ms: Option<u64>,
}

impl Offers {
    /// Of a log that was stored: the relay may have said of its last entries that it has them, and be another since.
    pub(super) fn of(roster: &Roster, user: &str, now_ms: u64) -> Self {
        let unshown = own_tail(roster, user).filter(|epoch| is_recent(roster, *epoch, now_ms));
        Self { unshown, look_ms: unshown.map(|_| now_ms), ..Self::default() }
    }

    /// On a new connection, the relay may be one that has lost what it has shown.
    fn look_again(&mut self, roster: &Roster, user: &str, now_ms: u64) {
        let lately = self.again_ms.is_some_and(|again_ms| now_ms.abs_diff(again_ms) < HOUR_MS);
        if self.unshown.is_none() && !lately {
            *self = Self { again_ms: Some(now_ms), ..Self::of(roster, user, now_ms) };
        }
    }

    /// When the relay is to be looked at.
    pub(super) const fn due_ms(&self) -> Option<u64> {
        self.look_ms
    }

    /// No time of it is ahead.
    pub(super) fn correct_clock(&mut self, now_ms: u64) {
        self.look_ms = self.look_ms.map(|look_ms| look_ms.min(now_ms));
    }

    /// The relay has said that it has taken an entry of ours.
    fn taken(&mut self, epoch: u64, now_ms: u64) {
        self.unshown = Some(self.unshown.map_or(epoch, |unshown| unshown.min(epoch)));
        self.look_ms.get_or_insert(now_ms.saturating_add(LOOK_MS));
    }

    /// The relay has shown an entry that is in the log.
    fn shown(&mut self, roster: &Roster, user: &str, epoch: u64, now_ms: u64) {
        if self.unshown.is_none_or(|unshown| epoch < unshown) {
            return;
        }
        let next = epoch.saturating_add(1);
        let is_ours = entry_at(roster, next).is_some_and(|entry| entry.fields.actor == user);
        *self = Self { is_looking: self.is_looking, again_ms: self.again_ms, ..Self::default() };
        if is_ours {
            (self.unshown, self.look_ms) = (Some(next), Some(now_ms));
        }
    }
}

/// The entry of an epoch.
fn entry_at(roster: &Roster, epoch: u64) -> Option<Entry<'_>> {
    let (entry, _) = Entry::parse_first(roster.entries(epoch)).ok()?;
    (entry.fields.epoch == epoch).then_some(entry)
}

/// Where the entries at the end of a log begin that this user made.
fn own_tail(roster: &Roster, user: &str) -> Option<u64> {
    let mut rest = roster.entries(roster.epoch().saturating_sub(TAIL));
    let mut from = None;
    while let Ok((entry, after)) = Entry::parse_first(rest) {
        rest = after;
        from = if entry.fields.actor == user { from.or(Some(entry.fields.epoch)) } else { None };
    }
    from
}

/// Whether an entry is of the time in which a relay may still come to take it.
fn is_recent(roster: &Roster, epoch: u64, now_ms: u64) -> bool {
    let made_ms = entry_at(roster, epoch).map_or(0, |entry| entry.fields.timestamp_ms);
    now_ms.saturating_sub(made_ms) < QUEUE_AGE_MAX_MS
}

impl Client {
    /// The relay has said that it has taken this entry of ours. Whether it has, is seen when it delivers it.
    pub(super) fn note_taken(&mut self, id: &GroupId, entry: &[u8]) {
        let now_ms = self.now_ms;
        if let (Some(group), Ok(entry)) = (self.groups.loaded(id), Entry::parse(entry)) {
            group.offers.taken(entry.fields.epoch, now_ms);
        }
    }

    /// A connection has begun.
    pub(super) fn look_for_entries(&mut self) {
        let Self { groups, identity, now_ms, .. } = self;
        for group in groups.all.values_mut().filter_map(Option::as_deref_mut) {
            if let Group { roster: Some(roster), offers, .. } = group {
                offers.look_again(roster, identity.user(), *now_ms);
            }
        }
    }

    /// The relay has shown these entries.
    pub(super) fn note_shown(&mut self, id: &GroupId, entries: &[u8]) {
        let Self { groups, identity, now_ms, .. } = self;
        let Some(Group { roster: Some(roster), offers, .. }) = groups.loaded(id) else { return };
        let mut rest = entries;
        while offers.unshown.is_some()
            && let Ok((entry, after)) = Entry::parse_first(rest)
        {
            rest = after;
            let epoch = entry.fields.epoch;
            if roster.hash_at(epoch) == Some(&kdf::hash(Label::Entry, &[entry.bytes])) {
                offers.shown(roster, identity.user(), epoch, *now_ms);
            }
        }
    }

    /// The relay lacks entries that another follows. Answers whether they are ours, so that they can be offered.
    pub(super) fn note_behind(&mut self, id: &GroupId) -> bool {
        let Self { groups, identity, now_ms, .. } = self;
        let Some(Group { roster: Some(roster), offers, .. }) = groups.loaded(id) else { return false };
        offers.unshown = offers.unshown.or_else(|| own_tail(roster, identity.user()));
        if offers.unshown.is_some() {
            offers.look_ms = Some(*now_ms);
        }
        offers.unshown.is_some()
    }

    /// Asks the relay for what it should have shown.
    pub(super) fn tend_offers(&mut self) {
        let now_ms = self.now_ms;
        let is_due = |group: &Group| group.offers.look_ms.is_some_and(|look_ms| look_ms <= now_ms);
        let groups = self.groups.all.iter();
        let due = groups.filter(|(_, group)| group.as_ref().is_some_and(|group| is_due(group)));
        let due: Vec<GroupId> = due.map(|(id, _)| *id).collect();
        for id in due {
            let Some(group) = self.groups.loaded(&id) else { continue };
            group.offers.look_ms = None;
            if group.fetch.is_asked() {
                group.offers.look_ms = Some(now_ms.saturating_add(LOOK_MS));
            } else if let Some(from_epoch) = group.offers.unshown {
                group.offers.is_looking = true;
                self.ask_log(&id, None, Some(from_epoch));
            }
        }
    }

    /// The relay was asked, and does not show it: it is offered the first entry that it lacks.
    pub(super) fn offer(&mut self, id: &GroupId) {
        let Self { groups, identity, now_ms, .. } = self;
        let Some(Group { roster: Some(roster), offers, .. }) = groups.loaded(id) else { return };
        let (true, Some(epoch)) = (core::mem::take(&mut offers.is_looking), offers.unshown) else { return };
        let entry = entry_at(roster, epoch).filter(|entry| entry.fields.actor == identity.user());
        let entry = entry.filter(|_| is_recent(roster, epoch, *now_ms));
        // Of two histories one is chosen first.
        let Some(entry) = entry.filter(|_| !roster.is_forked()).map(|entry| entry.bytes.to_vec()) else {
            *offers = Offers::default();
            return;
        };
        let pause_ms = HOUR_MS.min(LOOK_MS << offers.looks.min(6));
        offers.looks = offers.looks.saturating_add(1);
        offers.look_ms = Some(now_ms.saturating_add(pause_ms));
        self.ask(Ask::Offer(*id, entry));
    }

    /// The relay does not take the entry. If it never will, what we hold is a history of our own.
    pub(in crate::client) fn offer_refused(&mut self, id: &GroupId, status: Error) -> Result<()> {
        if is_passing(status) || matches!(status, Error::StaleEpoch | Error::RosterBehind) {
            return Ok(());
        }
        let user = self.identity.user().into();
        let Some(group) = self.groups.loaded(id) else { return Ok(()) };
        group.offers = Offers::default();
        if status == Error::UnknownGroup {
            return Ok(());
        }
        self.tell_group(id, GroupEvent::Forked { user: Some(user) })
    }
}
