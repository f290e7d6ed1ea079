//! How roster entries come in, and what follows when members change (`docs/PROTOCOL.md` sections 7 and 16.5).

use std::collections::BTreeMap;

use crate::client::Client;
use crate::client::groups::disputes::Disputes;
use crate::client::groups::group::{Dirty, Invited, Receiver, Standing};
use crate::client::groups::{GroupEvent, GroupId};
use crate::client::outbox::Target;
use crate::client::records;
use crate::crypto::kdf::{self, Label};
use crate::error::{Error, Result};
use crate::group::{GroupReceiver, GroupReceiverOptions};
use crate::identity::Fingerprint;
use crate::roster::Roster;
use crate::wire::client::Invitation;
use crate::wire::roster::{Action, Entry, Role};

impl Client {
    /// The relay delivered an entry. Its signature counts, not the relay.
    pub(in crate::client) fn entry_delivered(&mut self, payload: &[u8]) -> Result<()> {
        let Ok(entry) = Entry::parse(payload) else {
            self.drop_garbage();
            return Ok(());
        };
        let founds = matches!(entry.fields.action, Action::Create { .. });
        let id = if founds { kdf::hash(Label::Entry, &[payload]) } else { *entry.fields.group_id };
        if self.group(&id)?.is_none() && !(brings(&entry, self.identity.user()) && self.meet_group(&id)) {
            self.drop_garbage();
            return Ok(());
        }
        let has_log = self.groups.loaded(&id).is_some_and(|group| group.roster.is_some());
        if !has_log && !founds {
            self.fetch_log(&id, Some(entry.fields.epoch));
            return Ok(());
        }
        self.entry_taken(&id, payload)?;
        self.note_shown(&id, payload);
        Ok(())
    }

    /// Takes an entry that the relay has taken; what it follows is fetched.
    pub(super) fn entry_taken(&mut self, id: &GroupId, entry: &[u8]) -> Result<()> {
        if !self.meet_group(id) {
            return Ok(());
        }
        self.group(id)?;
        match self.take_entries(id, entry)? {
            Ok(()) | Err(Error::StaleEpoch) => {}
            Err(Error::RosterBehind) => self.fetch_log(id, None),
            Err(_) => self.drop_garbage(),
        }
        Ok(())
    }

    /// Takes entries in their order. The inner error is that of the first that is refused; those before it count.
    pub(super) fn take_entries(&mut self, id: &GroupId, entries: &[u8]) -> Result<Result<()>> {
        let mut rest = entries;
        // Who brought us in or out, last.
        let mut by: Option<(Box<str>, bool)> = None;
        let mut taken = Ok(());
        while !rest.is_empty() {
            let (entry, after) = match Entry::parse_first(rest) {
                Ok(parsed) => parsed,
                Err(error) => {
                    taken = Err(error);
                    break;
                }
            };
            rest = after;
            match self.take_entry(id, &entry)? {
                Ok(true) => {
                    let fields = &entry.fields;
                    if concerns(&entry, self.identity.user()) || by.is_none() {
                        by = Some((fields.actor.into(), matches!(fields.action, Action::Create { .. })));
                    }
                }
                Ok(false) => {}
                Err(error) => {
                    taken = Err(error);
                    break;
                }
            }
        }
        if let Some((by, founded)) = by {
            self.changed_members(id, &by, founded)?;
        }
        Ok(taken)
    }

    /// Takes one entry. Answers whether it is new to us.
    fn take_entry(&mut self, id: &GroupId, entry: &Entry<'_>) -> Result<Result<bool>> {
        let now_ms = self.now_ms;
        let Some(group) = self.groups.loaded(id) else { return Err(Error::Internal) };
        let is_member = group.standing == Standing::Member;
        let Some(roster) = &mut group.roster else {
            return Ok(match Roster::open(entry.bytes) {
                Ok(roster) if roster.group_id() == id => {
                    group.roster = Some(roster);
                    Ok(true)
                }
                Ok(_) => Err(Error::WrongGroup),
                Err(error) => Err(error),
            });
        };
        if roster.has(entry) {
            return Ok(Ok(false));
        }
        let was_forked = roster.is_forked();
        // Only then it can turn to another history, with other members.
        let before = was_forked.then(|| members(roster));
        let (epoch, head) = (roster.epoch(), *roster.hash());
        let applied = match roster.apply(entry.bytes, now_ms) {
            Ok(applied) => applied.changed,
            Err(Error::RosterForked) => false,
            Err(error) => return Ok(Err(error)),
        };
        let turned = roster.hash_at(epoch) != Some(&head);
        let forks = roster.is_forked() && !was_forked;
        if group.standing != Standing::Outside {
            self.store_entry(id, entry, turned);
        }
        if is_member && forks {
            self.tell_group(id, GroupEvent::Forked { user: None })?;
        }
        if is_member
            && turned
            && let Some(before) = before
        {
            self.tell_difference(id, &before, entry.fields.actor)?;
        } else if is_member && applied {
            self.tell_entry(id, entry)?;
        }
        Ok(Ok(true))
    }

    /// Appends an entry to the stored log, or writes all of it anew if another history is the own one now.
    fn store_entry(&mut self, id: &GroupId, entry: &Entry<'_>, turned: bool) {
        if turned {
            self.store_log(id);
            return;
        }
        let Self { groups, journal, .. } = self;
        if let Some(group) = groups.loaded(id) {
            group.stored.append(id, entry.bytes, journal);
            groups.dirty.insert(*id);
        }
    }

    fn store_log(&mut self, id: &GroupId) {
        let Self { groups, journal, .. } = self;
        if let Some(group) = groups.loaded(id)
            && let Some(roster) = &group.roster
        {
            group.stored.rewrite(id, roster, journal);
            groups.dirty.insert(*id);
        }
    }

    fn tell_entry(&mut self, id: &GroupId, entry: &Entry<'_>) -> Result<()> {
        let (me, by) = (self.identity.user().to_owned(), entry.fields.actor);
        let event = match &entry.fields.action {
            Action::Add(members) => {
                for member in members.iter().filter(|member| member.user != me) {
                    let (user, by) = (member.user.into(), by.into());
                    self.tell_group(id, GroupEvent::MemberJoined { user, by })?;
                }
                return Ok(());
            }
            Action::Join(member) => GroupEvent::MemberJoined { user: member.user.into(), by: by.into() },
            Action::Remove(user) if *user != me => {
                GroupEvent::MemberLeft { user: (*user).into(), by: by.into() }
            }
            Action::Leave if by != me => GroupEvent::MemberLeft { user: by.into(), by: by.into() },
            Action::Role(user, role) => {
                GroupEvent::RoleChanged { user: (*user).into(), role: *role, by: by.into() }
            }
            Action::Replace(member) => GroupEvent::MemberReplaced { user: member.user.into(), by: by.into() },
            // Told with what they mean for us.
            Action::Remove(_) | Action::Leave | Action::Delete | Action::Create { .. } => return Ok(()),
            Action::Resolve { .. } => return Ok(()),
        };
        self.tell_group(id, event)
    }

    /// Another history is the own one from now on.
    fn tell_difference(&mut self, id: &GroupId, before: &Members, by: &str) -> Result<()> {
        let Some(roster) = self.groups.loaded(id).and_then(|group| group.roster.as_ref()) else {
            return Ok(());
        };
        let (after, me) = (members(roster), self.identity.user().to_owned());
        for (user, (fingerprint, role)) in &after {
            let (user, by): (Box<str>, Box<str>) = (user.clone(), by.into());
            let event = match before.get(&user) {
                None if *user != *me => GroupEvent::MemberJoined { user, by },
                Some((known, _)) if known != fingerprint => GroupEvent::MemberReplaced { user, by },
                Some((_, known)) if known != role => GroupEvent::RoleChanged { user, role: *role, by },
                _ => continue,
            };
            self.tell_group(id, event)?;
        }
        for user in before.keys().filter(|user| !after.contains_key(*user) && ***user != *me) {
            self.tell_group(id, GroupEvent::MemberLeft { user: user.clone(), by: by.into() })?;
        }
        Ok(())
    }

    /// Entries were taken: keys of those who went are wiped, ours has to be made anew, and we may be in or out.
    fn changed_members(&mut self, id: &GroupId, by: &str, founded: bool) -> Result<()> {
        let (now_ms, fingerprint) = (self.now_ms, self.identity.fingerprint());
        let user = self.identity.user().to_owned();
        let Some(group) = self.groups.loaded(id) else { return Ok(()) };
        let Some(roster) = &group.roster else { return Ok(()) };
        let is_in = !roster.is_deleted()
            && roster.member(&user).is_some_and(|member| member.fingerprint() == fingerprint);
        match (group.standing, is_in) {
            (Standing::Member, true) => {
                if let Some(receiver) = &mut group.receiver {
                    receiver.keys.sync(roster, now_ms)?;
                    receiver.changed();
                    group.dirty.receiver = true;
                }
                group.withheld.retain(|user| roster.member(user).is_some());
                group.answered.retain(|(user, _), _| roster.member(user).is_some());
                self.groups.dirty.insert(*id);
                self.drop_outsiders(id, false)?;
                self.retry_early_keys(id)?;
                self.retry_pending(id, None)?;
            }
            (Standing::Member, false) => return self.leave(id, by),
            (_, true) => self.enter(id, by, founded)?,
            (_, false) => {}
        }
        self.stir(id);
        Ok(())
    }

    /// We are a member from now on.
    fn enter(&mut self, id: &GroupId, by: &str, founded: bool) -> Result<()> {
        let (now_ms, restorations) = (self.now_ms, self.settings.restorations);
        let options = GroupReceiverOptions {
            retain_history: self.options.retain_history,
            ..GroupReceiverOptions::default()
        };
        let is_caught_up = self.groups.is_caught_up;
        let Self { groups, identity, .. } = self;
        let Some(group) = groups.loaded(id) else { return Ok(()) };
        let Some(roster) = &group.roster else { return Ok(()) };
        let mut receiver = Receiver::new(GroupReceiver::new(identity, roster, options, now_ms)?);
        receiver.keys.catch_up(!is_caught_up, now_ms);
        group.receiver = Some(receiver);
        group.standing = Standing::Member;
        group.restorations = restorations;
        group.dirty = Dirty { record: true, receiver: true, ..Dirty::default() };
        groups.dirty.insert(*id);
        self.store_log(id);
        self.tell_entered(id, by, founded)?;
        self.retry_early_keys(id)?;
        self.retry_pending(id, None)
    }

    /// We are a member no longer, or the group has ended.
    fn leave(&mut self, id: &GroupId, by: &str) -> Result<()> {
        self.wipe_group(id)?;
        let Some(group) = self.groups.loaded(id) else { return Ok(()) };
        group.standing = Standing::Former;
        group.dirty = Dirty { record: true, ..Dirty::default() };
        let deleted = group.roster.as_ref().is_some_and(Roster::is_deleted);
        self.groups.dirty.insert(*id);
        let (status, event) = if deleted {
            (Error::GroupDeleted, GroupEvent::Deleted { by: by.into() })
        } else {
            (Error::NotAMember, GroupEvent::Left { by: by.into() })
        };
        self.fail_target(&Target::Group(*id), status)?;
        self.tell_group(id, event)
    }

    /// Wipes every key of a group, ours too, and what waits for one.
    pub(super) fn wipe_group(&mut self, id: &GroupId) -> Result<()> {
        for is_shared in [false, true] {
            for record in self.store.scan(&records::all_receiver(id, is_shared))? {
                self.journal.delete(record?.name);
            }
        }
        for record in self.store.scan(&records::all_disputes(id))? {
            self.journal.delete(record?.name);
        }
        self.journal.delete(records::sender(id));
        self.drop_pending(id);
        let Some(group) = self.groups.loaded(id) else { return Ok(()) };
        (group.own, group.receiver, group.shared) = (None, None, None);
        group.disputes = Disputes::default();
        for number in core::mem::take(&mut group.early).into_keys() {
            self.journal.delete(records::key(id, number));
        }
        Ok(())
    }

    /// A peer says in a session that we are a member of a group whose log reaches some epoch.
    pub(in crate::client) fn invited(&mut self, user: &str, body: &[u8]) -> Result<()> {
        let Ok(Invitation { group_id, epoch, roster_hash, .. }) = Invitation::parse(body) else {
            self.drop_garbage();
            return Ok(());
        };
        if !self.meet_group(group_id) {
            self.drop_garbage();
            return Ok(());
        }
        self.group(group_id)?;
        let hash = *roster_hash.first_chunk().ok_or(Error::Internal)?;
        let invited = Invited { by: user.into(), epoch, hash };
        self.touch(group_id, |group| {
            group.dirty.record |= group.standing == Standing::Outside;
            group.invited = Some(invited);
        });
        match self.groups.loaded(group_id).map(|group| group.standing) {
            Some(Standing::Member) => self.check_invitation(group_id),
            _ => {
                self.fetch_log(group_id, Some(epoch));
                if !self.is_fetching(group_id) {
                    self.check_invitation(group_id)?;
                }
                Ok(())
            }
        }
    }

    /// Whether the log says what we were told when we were invited. If not, and if it was a member who told it,
    /// entries are missing, or there are two histories.
    pub(super) fn check_invitation(&mut self, id: &GroupId) -> Result<()> {
        let now_ms = self.now_ms;
        let Some(group) = self.groups.loaded(id) else { return Ok(()) };
        if group.standing == Standing::Outside {
            return Ok(());
        }
        let Some(Invited { by, epoch, hash }) = group.invited.take() else { return Ok(()) };
        group.dirty.record = true;
        let known = self.peer(&by)?.fingerprint();
        let Some(group) = self.groups.loaded(id) else { return Ok(()) };
        let claims = group.roster.as_mut().is_some_and(|roster| {
            // Whoever bears a member's name and not its keys says nothing for it.
            if known.is_none_or(|known| roster.vouch(&by, &known).is_err()) {
                return false;
            }
            let claims = roster.is_claim(epoch, &hash);
            roster.note_claim(&by, epoch, &hash, now_ms);
            claims
        });
        self.groups.dirty.insert(*id);
        if claims {
            self.note_dispute(id, &by, epoch, &hash)?;
            self.fetch_claimed(id);
        }
        Ok(())
    }
}

/// Members by name.
type Members = BTreeMap<Box<str>, (Fingerprint, Role)>;

fn members(roster: &Roster) -> Members {
    roster.members().map(|member| ((**member.user()).into(), (member.fingerprint(), member.role()))).collect()
}

/// Whether an entry makes this user a member.
fn brings(entry: &Entry<'_>, user: &str) -> bool {
    match &entry.fields.action {
        Action::Create { members, .. } | Action::Add(members) => {
            members.iter().any(|member| member.user == user)
        }
        Action::Join(member) | Action::Replace(member) => member.user == user,
        _ => false,
    }
}

/// Whether an entry brings this user in or out.
fn concerns(entry: &Entry<'_>, user: &str) -> bool {
    let removed = match &entry.fields.action {
        Action::Remove(removed) => *removed == user,
        Action::Leave => entry.fields.actor == user,
        Action::Delete => true,
        _ => false,
    };
    removed || brings(entry, user)
}
