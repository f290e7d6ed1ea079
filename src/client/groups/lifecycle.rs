//! What the application asks for: to found, join, change, leave and end groups. Every call answers a number that
//! exactly one event carries, done or refused, also if the client dies in between.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use crate::client::Client;
use crate::client::ask::Ask;
use crate::client::event::Event;
use crate::client::groups::group::Standing;
use crate::client::groups::request::{Request, What};
use crate::client::groups::{GroupEvent, GroupId};
use crate::client::outbox::Target;
use crate::client::records;
use crate::client::sessions::{backoff_ms, is_passing};
use crate::error::{Error, Result};
use crate::identity::Card;
use crate::limits::{CLIENT_STALE_MAX, GROUP_MEMBERS_MAX};
use crate::roster::{Roster, RosterPolicy};
use crate::wire::client::Invitation;
use crate::wire::content::ContentKind;
use crate::wire::frame::Groups as Found;
use crate::wire::name::{check_label, check_user};
use crate::wire::roster::{Entry, Role};

/// What came of a step of a request.
enum Step {
    /// Something was asked, or is waited for.
    Waits,
    Done(GroupId),
    Refused(Error, Option<Box<str>>),
}

impl Client {
    /// Founds a group with these members, whose owner we are. Anybody may join an `open` one, the relay among them.
    ///
    /// This and the other requests answer a number that one event ends: [`Event::Done`] or [`Event::Refused`].
    /// [`Error::InvalidText`], [`Error::TooLarge`] for a label or user id that is none; [`Error::InvalidArgument`] for a
    /// user named twice, or ourselves; [`Error::LimitReached`] for too many.
    pub fn create_group(&mut self, label: &str, open: bool, members: &[&str], now_ms: u64) -> Result<u64> {
        self.advance(now_ms)?;
        check_label(label.as_bytes())?;
        let members = self.check_users(members)?;
        self.request(What::Create { label: label.into(), open, members }, None)
    }

    /// Joins the oldest open group with this label. A label proves nothing: whoever knows the group's id names that.
    pub fn join_labelled(&mut self, label: &str, now_ms: u64) -> Result<u64> {
        self.advance(now_ms)?;
        check_label(label.as_bytes())?;
        if label.is_empty() {
            return Err(Error::InvalidText);
        }
        self.request(What::Join { label: label.into() }, None)
    }

    /// Joins an open group.
    pub fn join_group(&mut self, group: &GroupId, now_ms: u64) -> Result<u64> {
        self.advance(now_ms)?;
        self.request(What::Join { label: "".into() }, Some(*group))
    }

    /// Adds members.
    pub fn add_members(&mut self, group: &GroupId, users: &[&str], role: Role, now_ms: u64) -> Result<u64> {
        self.advance(now_ms)?;
        let users = self.check_users(users)?;
        if users.is_empty() {
            return Err(Error::InvalidArgument);
        }
        self.request(What::Add { users, role }, Some(*group))
    }

    /// Removes a member: it reads nothing that is sent from then on.
    pub fn remove_member(&mut self, group: &GroupId, user: &str, now_ms: u64) -> Result<u64> {
        self.advance(now_ms)?;
        check_user(user.as_bytes())?;
        self.request(What::Remove { user: user.into() }, Some(*group))
    }

    /// Gives a member a role.
    pub fn set_role(&mut self, group: &GroupId, user: &str, role: Role, now_ms: u64) -> Result<u64> {
        self.advance(now_ms)?;
        check_user(user.as_bytes())?;
        self.request(What::Role { user: user.into(), role }, Some(*group))
    }

    /// Gives a member whose identity changed the keys of the identity that counts for us, which the application has
    /// accepted.
    pub fn replace_member(&mut self, group: &GroupId, user: &str, now_ms: u64) -> Result<u64> {
        self.advance(now_ms)?;
        check_user(user.as_bytes())?;
        self.request(What::Replace { user: user.into() }, Some(*group))
    }

    /// Leaves a group.
    pub fn leave_group(&mut self, group: &GroupId, now_ms: u64) -> Result<u64> {
        self.advance(now_ms)?;
        self.request(What::Leave, Some(*group))
    }

    /// Ends a group.
    pub fn delete_group(&mut self, group: &GroupId, now_ms: u64) -> Result<u64> {
        self.advance(now_ms)?;
        self.request(What::Delete, Some(*group))
    }

    /// Settles a fork for the history with the head `chosen`, one of those that [`Client::roster`] shows.
    pub fn resolve_group(&mut self, group: &GroupId, chosen: &[u8; 32], now_ms: u64) -> Result<u64> {
        self.advance(now_ms)?;
        self.request(What::Resolve { chosen: *chosen }, Some(*group))
    }

    fn check_users(&self, users: &[&str]) -> Result<Vec<Box<str>>> {
        let mut named = BTreeSet::from([self.identity.user()]);
        for user in users {
            check_user(user.as_bytes())?;
            if !named.insert(user) {
                return Err(Error::InvalidArgument);
            }
        }
        if named.len() > GROUP_MEMBERS_MAX {
            return Err(Error::LimitReached);
        }
        Ok(users.iter().copied().map(Into::into).collect())
    }

    pub(super) fn request(&mut self, what: What, group: Option<GroupId>) -> Result<u64> {
        if let What::Create { members: users, .. } | What::Add { users, .. } = &what {
            users.iter().try_for_each(|user| self.accept_by_writing(user))?;
        }
        let (number, store) = self.settings.draw_out();
        self.journal.settings |= store;
        let request = Request::new(what, group, self.now_ms);
        self.journal.put(records::request(number), request.to_value()?);
        self.groups.requests.insert(number, request);
        Ok(number)
    }

    /// Goes on with every request that waits for nothing. Those about one group are done in the order of the calls.
    pub(super) fn tend_requests(&mut self) -> Result<()> {
        self.end_old_requests()?;
        if !self.groups.is_caught_up || !self.connection.takes_requests(self.now_ms) {
            return Ok(());
        }
        let mut busy = BTreeSet::new();
        let now_ms = self.now_ms;
        let all: Vec<(u64, Option<GroupId>, bool)> = self
            .groups
            .requests
            .iter()
            .map(|(number, request)| {
                // A group that is being founded is nobody else's.
                let founds = matches!(request.what, What::Create { .. });
                let group = request.group.filter(|_| !founds);
                (*number, group, !request.is_asked && now_ms >= request.after_ms)
            })
            .collect();
        for (number, group, is_free) in all {
            let is_first = group.is_none_or(|group| busy.insert(group));
            if is_first && is_free {
                let step = self.step(number)?;
                self.conclude(number, step)?;
            }
        }
        Ok(())
    }

    /// Ends what has waited for too long, whether there is a connection or not.
    fn end_old_requests(&mut self) -> Result<()> {
        if self.is_patient() {
            return Ok(());
        }
        let now_ms = self.now_ms;
        let is_old = |request: &Request| request.end_ms().is_some_and(|end_ms| end_ms <= now_ms);
        let old = self.groups.requests.iter().filter(|(_, request)| is_old(request));
        let old: Vec<u64> = old.map(|(number, _)| *number).collect();
        old.into_iter().try_for_each(|number| self.conclude(number, Step::Refused(Error::Expired, None)))
    }

    fn conclude(&mut self, number: u64, step: Step) -> Result<()> {
        match step {
            Step::Waits => Ok(()),
            Step::Done(group) => {
                self.end_request(number);
                self.emit(Event::Done { request: number, group })
            }
            Step::Refused(status, user) => {
                let request = self.end_request(number);
                let group = request.and_then(|request| request.group);
                self.emit(Event::Refused { request: number, group, status, user })?;
                if let Some(group) = group {
                    self.forget_if_outside(&group)?;
                }
                Ok(())
            }
        }
    }

    fn end_request(&mut self, number: u64) -> Option<Request> {
        self.journal.delete(records::request(number));
        self.groups.requests.remove(&number)
    }

    fn ask_for(&mut self, number: u64, ask: Ask) -> Step {
        if let Some(request) = self.groups.requests.get_mut(&number) {
            request.is_asked = true;
        }
        self.ask(ask);
        Step::Waits
    }

    fn step(&mut self, number: u64) -> Result<Step> {
        let Some(request) = self.groups.requests.get(&number) else { return Ok(Step::Waits) };
        let what = request.what.clone();
        if !request.entry().is_empty() {
            return Ok(self.ask_for(number, Ask::Commit(number)));
        }
        let proposed = match (&what, request.group) {
            (What::Create { label, open, members }, _) => self.found_group(number, label, *open, members)?,
            (What::Join { .. }, None) => return Ok(self.ask_for(number, Ask::Find(number))),
            (What::Join { .. }, Some(group)) => self.propose_joining(&group)?,
            (What::Share { user }, Some(group)) => match self.share_past(&group, user)? {
                Ok(()) => Err(Step::Done(group)),
                Err(refused) => Err(Step::Refused(refused, Some(user.clone()))),
            },
            (_, Some(group)) => self.propose(&group, &what)?,
            (_, None) => return Err(Error::Internal),
        };
        let entry = match proposed {
            Ok(entry) => entry,
            Err(step) => return Ok(step),
        };
        let Some(request) = self.groups.requests.get_mut(&number) else { return Err(Error::Internal) };
        request.set_entry(entry);
        self.journal.put(records::request(number), request.to_value()?);
        Ok(self.ask_for(number, Ask::Commit(number)))
    }

    /// The cards of these users, or what has to happen before.
    fn cards(&mut self, users: &[Box<str>]) -> Result<core::result::Result<Vec<Card>, Step>> {
        // This is asked again at each card that comes, so that nothing is copied before all are there.
        let mut are_there = true;
        for user in users {
            if self.peer(user)?.card.is_none() {
                are_there = false;
                self.look_up(user)?;
            }
        }
        if !are_there {
            return Ok(Err(Step::Waits));
        }
        let cards = users.iter().map(|user| self.peers.get(user)?.card.clone());
        Ok(Ok(cards.collect::<Option<_>>().ok_or(Error::Internal)?))
    }

    fn found_group(
        &mut self,
        number: u64,
        label: &str,
        open: bool,
        members: &[Box<str>],
    ) -> Result<core::result::Result<Vec<u8>, Step>> {
        let cards = match self.cards(members)? {
            Ok(cards) => cards,
            Err(step) => return Ok(Err(step)),
        };
        let policy = RosterPolicy { open, ..RosterPolicy::default() };
        let roster = match Roster::create(&self.identity, label, &cards, policy, self.now_ms, &mut *self.rng)
        {
            Ok(roster) => roster,
            Err(error) => return Ok(Err(refused(error, None)?)),
        };
        if let Some(request) = self.groups.requests.get_mut(&number) {
            request.group = Some(*roster.group_id());
        }
        Ok(Ok(roster.entries(0).to_vec()))
    }

    fn propose_joining(&mut self, id: &GroupId) -> Result<core::result::Result<Vec<u8>, Step>> {
        if !self.meet_group(id) {
            return Ok(Err(Step::Refused(Error::LimitReached, None)));
        }
        let (now_ms, user) = (self.now_ms, self.identity.user().to_owned());
        let Some(group) = self.group(id)? else { return Err(Error::Internal) };
        if group.standing == Standing::Member {
            return Ok(Err(Step::Done(*id)));
        }
        if group.fetch.is_asked() {
            return Ok(Err(Step::Waits));
        }
        if !group.fetch.is_whole {
            self.fetch_log(id, None);
            return Ok(Err(Step::Waits));
        }
        let Self { groups, identity, rng, .. } = self;
        let roster = groups.loaded(id).and_then(|group| group.roster.as_ref());
        let Some(roster) = roster else { return Ok(Err(Step::Refused(Error::UnknownGroup, None))) };
        // Whoever is in already under another identity has to be replaced.
        if roster.member(&user).is_some() {
            return Ok(Err(Step::Refused(Error::IdentityChanged, None)));
        }
        match roster.propose_join(identity, now_ms, &mut **rng) {
            Ok(entry) => Ok(Ok(entry)),
            Err(error) => Ok(Err(refused(error, None)?)),
        }
    }

    fn propose(&mut self, id: &GroupId, what: &What) -> Result<core::result::Result<Vec<u8>, Step>> {
        let now_ms = self.now_ms;
        let standing = self.group(id)?.map_or(Standing::Outside, |group| group.standing);
        match (standing, what) {
            (Standing::Outside, _) => return Ok(Err(Step::Refused(Error::UnknownGroup, None))),
            // Made anew because another entry came first, and that one did it.
            (Standing::Former, What::Leave | What::Delete) if self.is_deleted(id) => {
                return Ok(Err(Step::Done(*id)));
            }
            (Standing::Former, _) => {
                let status = if self.is_deleted(id) { Error::GroupDeleted } else { Error::NotAMember };
                return Ok(Err(Step::Refused(status, None)));
            }
            (Standing::Member, _) => {}
        }
        if self.is_fetching(id) {
            return Ok(Err(Step::Waits));
        }
        let mut cards = Vec::new();
        match what {
            What::Add { users, .. } => {
                let missing = self.missing_members(id, users);
                if missing.is_empty() {
                    return Ok(Err(Step::Done(*id)));
                }
                match self.cards(&missing)? {
                    Ok(found) => cards = found,
                    Err(step) => return Ok(Err(step)),
                }
            }
            What::Replace { user } => match self.peer(user)?.card.clone() {
                Some(card) => cards.push(card),
                None => return Ok(Err(Step::Refused(Error::UnknownUser, Some(user.clone())))),
            },
            _ => {}
        }
        let Self { groups, identity, rng, .. } = self;
        let Some(roster) = groups.loaded(id).and_then(|group| group.roster.as_ref()) else {
            return Err(Error::Internal);
        };
        let rng = &mut **rng;
        let (entry, user) = match what {
            What::Add { role, .. } => (roster.propose_add(identity, &cards, *role, now_ms, rng), None),
            What::Remove { user } => (roster.propose_remove(identity, user, now_ms, rng), Some(user)),
            What::Role { user, role } => {
                (roster.propose_role(identity, user, *role, now_ms, rng), Some(user))
            }
            What::Replace { user } => {
                let Some(card) = cards.first() else { return Err(Error::Internal) };
                (roster.propose_replace(identity, card, now_ms, rng), Some(user))
            }
            What::Leave => (roster.propose_leave(identity, now_ms, rng), None),
            What::Delete => (roster.propose_delete(identity, now_ms, rng), None),
            What::Resolve { chosen } => (roster.propose_resolve(identity, chosen, now_ms, rng), None),
            What::Create { .. } | What::Join { .. } | What::Share { .. } => return Err(Error::Internal),
        };
        match entry {
            Ok(entry) => Ok(Ok(entry)),
            Err(error) => Ok(Err(refused(error, user.cloned())?)),
        }
    }

    fn is_deleted(&mut self, id: &GroupId) -> bool {
        let roster = self.groups.loaded(id).and_then(|group| group.roster.as_ref());
        roster.is_some_and(Roster::is_deleted)
    }

    /// Those of them who are no members.
    fn missing_members(&mut self, id: &GroupId, users: &[Box<str>]) -> Vec<Box<str>> {
        let roster = self.groups.loaded(id).and_then(|group| group.roster.as_ref());
        let is_missing = |user: &str| roster.is_none_or(|roster| roster.member(user).is_none());
        users.iter().filter(|user| is_missing(user)).cloned().collect()
    }

    /// The relay has answered about the entry of a request.
    pub(in crate::client) fn committed(&mut self, number: u64, refused: Option<(Error, u64)>) -> Result<()> {
        let Some(request) = self.groups.requests.get_mut(&number) else { return Ok(()) };
        request.is_asked = false;
        let (what, group) = (request.what.clone(), request.group.ok_or(Error::Internal)?);
        match refused {
            None => {
                let entry = request.entry().to_vec();
                let before = self.group(&group)?.and_then(|group| group.roster.as_ref());
                let is_shown =
                    before.is_some_and(|roster| Entry::parse(&entry).is_ok_and(|entry| roster.has(&entry)));
                self.entry_taken(&group, &entry)?;
                if !is_shown {
                    self.note_taken(&group, &entry);
                }
                self.invite(&group, &what)?;
                self.conclude(number, Step::Done(group))
            }
            Some((Error::StaleEpoch, epoch)) if !matches!(what, What::Create { .. }) => {
                request.stale = request.stale.saturating_add(1);
                request.set_entry(Vec::new());
                let too_often = request.stale > CLIENT_STALE_MAX;
                self.journal.put(records::request(number), request.to_value()?);
                if too_often {
                    return self.conclude(number, Step::Refused(Error::StaleEpoch, None));
                }
                self.fetch_log(&group, Some(epoch));
                Ok(())
            }
            // It has lost what this one follows.
            Some((Error::RosterBehind, _)) if self.note_behind(&group) => {
                self.try_later(number);
                Ok(())
            }
            Some((status, _)) if is_passing(status) && status != Error::LimitReached => {
                self.try_later(number);
                Ok(())
            }
            Some((status, _)) => self.conclude(number, Step::Refused(status, None)),
        }
    }

    /// The relay takes the entry of a request after a while.
    pub(in crate::client) fn commit_later(&mut self, number: u64, wait_ms: u64) {
        let now_ms = self.now_ms;
        if let Some(request) = self.groups.requests.get_mut(&number) {
            request.is_asked = false;
            request.after_ms = now_ms.saturating_add(wait_ms);
        }
    }

    fn try_later(&mut self, number: u64) {
        let now_ms = self.now_ms;
        if let Some(request) = self.groups.requests.get_mut(&number) {
            request.is_asked = false;
            request.failures = request.failures.saturating_add(1);
            request.after_ms = now_ms.saturating_add(backoff_ms(request.failures));
        }
    }

    /// The relay has answered which groups have a label.
    pub(in crate::client) fn groups_found(
        &mut self,
        number: u64,
        found: core::result::Result<Found<'_>, Error>,
    ) -> Result<()> {
        let Some(request) = self.groups.requests.get_mut(&number) else { return Ok(()) };
        request.is_asked = false;
        let group = match found {
            Ok(found) => {
                found.iter().find(|group| group.is_open && !group.is_member).map(|group| *group.group_id)
            }
            Err(status) if is_passing(status) => {
                self.try_later(number);
                return Ok(());
            }
            Err(status) => return self.conclude(number, Step::Refused(status, None)),
        };
        let Some(group) = group else {
            return self.conclude(number, Step::Refused(Error::UnknownGroup, None));
        };
        request.group = Some(group);
        self.journal.put(records::request(number), request.to_value()?);
        Ok(())
    }

    /// Tells those who were added.
    fn invite(&mut self, id: &GroupId, what: &What) -> Result<()> {
        let (What::Create { members: users, .. } | What::Add { users, .. }) = what else { return Ok(()) };
        let Some(roster) = self.groups.loaded(id).and_then(|group| group.roster.as_ref()) else {
            return Ok(());
        };
        let invitation = Invitation {
            group_id: id,
            epoch: roster.epoch(),
            roster_hash: roster.hash(),
            label: roster.label(),
        };
        let mut body = Zeroizing::new(Vec::new());
        invitation.put(&mut body)?;
        for user in users {
            self.enqueue(Target::User(user.clone()), ContentKind::Invitation, body.clone())?;
        }
        Ok(())
    }

    /// The log of a group cannot be had: requests that want to join it are refused.
    pub(super) fn refuse_joining(&mut self, id: &GroupId, status: Error) -> Result<()> {
        let joins = |request: &Request| {
            matches!(request.what, What::Join { .. })
                && request.group == Some(*id)
                && request.entry().is_empty()
        };
        let numbers: Vec<u64> = self
            .groups
            .requests
            .iter()
            .filter(|(_, request)| joins(request))
            .map(|(number, _)| *number)
            .collect();
        for number in numbers {
            self.conclude(number, Step::Refused(status, None))?;
        }
        Ok(())
    }

    /// Whether a request wants the log of a group that we are no member of.
    pub(super) fn is_wanted(&self, id: &GroupId) -> bool {
        self.groups.requests.values().any(|request| request.group == Some(*id))
    }

    /// A user's card cannot be had: requests that need it are refused.
    pub(in crate::client) fn refuse_user(&mut self, user: &str, status: Error) -> Result<()> {
        let needs = |request: &Request| match &request.what {
            What::Create { members: users, .. } | What::Add { users, .. } => {
                request.entry().is_empty() && users.iter().any(|named| **named == *user)
            }
            _ => false,
        };
        let numbers: Vec<u64> = self
            .groups
            .requests
            .iter()
            .filter(|(_, request)| needs(request))
            .map(|(number, _)| *number)
            .collect();
        for number in numbers {
            self.conclude(number, Step::Refused(status, Some(user.into())))?;
        }
        Ok(())
    }

    /// We have founded a group, or are in one: what the application is told.
    pub(super) fn tell_entered(&mut self, id: &GroupId, by: &str, is_founded: bool) -> Result<()> {
        let roster = self.groups.loaded(id).and_then(|group| group.roster.as_ref());
        let label: Box<str> = roster.map(Roster::label).unwrap_or_default().into();
        let founded = is_founded && by == self.identity.user();
        let event =
            if founded { GroupEvent::Created { label } } else { GroupEvent::Joined { label, by: by.into() } };
        self.tell_group(id, event)
    }
}

/// Why an entry is not made. Errors that are not about the entry are handed on.
fn refused(error: Error, user: Option<Box<str>>) -> Result<Step> {
    match error {
        Error::Internal | Error::StoreIo => Err(error),
        error => Ok(Step::Refused(error, user)),
    }
}
