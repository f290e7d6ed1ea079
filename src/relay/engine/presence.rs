//! Who is shown to whom (`docs/PROTOCOL.md` section 10.4).

use core::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use super::connection::Connection;
use crate::crypto::kdf::{Label, hash};
use crate::error::{Error, Result};
use crate::limits::{
    RELAY_HIDDEN_MS, RELAY_INTRODUCED_MAX, RELAY_PRESENCE_GROUPS_MAX, RELAY_PRESENCE_MEMBERS_MAX,
    RELAY_VISITS_MAX, RELAY_WATCHES_MAX,
};
use crate::relay::Relay;
use crate::relay::clock::Now;
use crate::relay::counters::Counter;
use crate::relay::outcome::Outcome;
use crate::relay::user::User;
use crate::relay::watching::Watching;
use crate::roster::Standing;
use crate::wire::frame::{Body, Frame, Users};
use crate::wire::roster::{Action, Entry};

/// Users, each once, in the order of their names.
pub(super) type Circle = Vec<Arc<User>>;

impl Relay {
    /// Whom a user watches who watches it, and whom it shares a group with.
    fn contacts(&self, user: &Arc<User>, outcome: &mut Outcome) -> Circle {
        let (contacts, visits) = self.contacts_but(user, None, RELAY_VISITS_MAX);
        outcome.visit(visits);
        contacts
    }

    /// [`Relay::contacts`] without those of one group, and how many users were looked at for that. After the group at
    /// which those are `most`, those remain whom the user chose, and those of the groups that are oldest: nobody
    /// pushes them out by putting it into others.
    fn contacts_but(&self, user: &Arc<User>, except: Option<&[u8; 32]>, most: usize) -> (Circle, usize) {
        let watching: Vec<_> = user.watching().users.iter().take(most).map(Arc::clone).collect();
        let mut visits = watching.len();
        let watched = watching.iter().filter_map(|name| self.users.get(name));
        let mut contacts: Circle = watched.filter(|watched| watched.watching().names(&user.name)).collect();
        let mut known: HashSet<*const User> = contacts.iter().map(Arc::as_ptr).collect();
        known.insert(Arc::as_ptr(user));
        for group_id in &user.groups(RELAY_PRESENCE_GROUPS_MAX) {
            if visits >= most {
                break;
            }
            if Some(group_id) != except {
                let members = self.co_members(user, group_id);
                visits += members.len();
                contacts.extend(members.into_iter().filter(|member| known.insert(Arc::as_ptr(member))));
            }
        }
        contacts.sort_unstable_by(by_name);
        contacts.retain(|contact| !Arc::ptr_eq(contact, user));
        (contacts, visits)
    }

    /// The members of a group that shows them to each other, if the user is one of them.
    fn co_members(&self, user: &User, group_id: &[u8; 32]) -> Circle {
        let Some(group) = self.groups.get(group_id) else { return Circle::new() };
        let state = group.read();
        let shows = state.roster().is_ok_and(|roster| {
            !roster.is_deleted()
                && roster.members().len() <= RELAY_PRESENCE_MEMBERS_MAX
                && roster.standing(&user.name) == Standing::Member
        });
        let members = if shows { state.members(&|name| self.user(name)).ok() } else { None };
        members.map(|members| members.iter().map(Arc::clone).collect()).unwrap_or_default()
    }

    /// To whom a user is shown now: nobody, unless it is online and may be seen.
    pub(super) fn viewers(&self, user: &Arc<User>, outcome: &mut Outcome) -> Circle {
        if is_shown(user) { self.contacts(user, outcome) } else { Circle::new() }
    }

    /// Tells some that a user came or went.
    pub(super) fn tell(
        &self,
        user: &User,
        is_online: bool,
        viewers: &[Arc<User>],
        outcome: &mut Outcome,
    ) -> Result<()> {
        if viewers.is_empty() {
            return Ok(());
        }
        let body = Body::Presence { is_online, user: &user.name };
        let frame: Arc<[u8]> = Frame { request: 0, body }.to_bytes()?.into();
        for viewer in viewers {
            self.send_presence(viewer, &frame, outcome);
        }
        Ok(())
    }

    fn send_presence(&self, viewer: &User, frame: &Arc<[u8]>, outcome: &mut Outcome) {
        let connection = viewer.inbox().connection().unwrap_or(0);
        // Whom the host serves otherwise, it tells otherwise.
        if connection != 0 {
            outcome.send(connection, &viewer.name, Arc::clone(frame), false);
            self.counters.add(Counter::Presence, 1);
        }
    }

    /// A user came: tells those to whom it was not shown before, those to whom it is shown no more, and the user who is
    /// there.
    pub(super) fn appear(&self, user: &Arc<User>, before: &Circle, outcome: &mut Outcome) -> Result<()> {
        let (contacts, nobody) = (self.contacts(user, outcome), Circle::new());
        self.show_to(user, before, if is_shown(user) { &contacts } else { &nobody }, outcome)?;
        self.tell_of(&contacts, user, outcome)
    }

    /// Tells those to whom a user is shown now and was not before, and those of whom it is the other way round.
    fn show_to(
        &self,
        user: &User,
        before: &[Arc<User>],
        now: &[Arc<User>],
        outcome: &mut Outcome,
    ) -> Result<()> {
        self.tell(user, true, &without(now, before), outcome)?;
        self.tell(user, false, &without(before, now), outcome)
    }

    /// Tells a user who of some is there.
    fn tell_of(&self, contacts: &[Arc<User>], user: &Arc<User>, outcome: &mut Outcome) -> Result<()> {
        for contact in contacts.iter().filter(|contact| is_shown(contact)) {
            self.tell(contact, true, core::slice::from_ref(user), outcome)?;
        }
        Ok(())
    }

    /// A connection watches nobody at first, and shows its user; one who hid remains hidden until it had the time to say
    /// so again.
    pub(super) fn start_watching(&self, connection: &Connection, user: &User, now: Now) {
        let mut watching = user.watching();
        watching.users = Box::default();
        if !watching.is_visible {
            connection.show_at(now.start_ms().saturating_add(RELAY_HIDDEN_MS));
        }
    }

    /// Shows the user of a connection that has not said that it hides.
    pub(super) fn show(
        &self,
        connection: &Connection,
        user: &Arc<User>,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let inbox = user.inbox();
        if inbox.connection() != Some(connection.number) {
            return Ok(());
        }
        user.watching().is_visible = true;
        drop(inbox);
        let contacts = self.contacts(user, outcome);
        self.tell(user, true, &contacts, outcome)
    }

    /// A user has gone: tells those to whom it was shown, unless it has come again.
    pub(super) fn part(&self, user: &Arc<User>, outcome: &mut Outcome) -> Result<()> {
        // Now that it is gone, who meets it from now on is told nothing that would have to be taken back.
        let contacts = if user.watching().is_visible { self.contacts(user, outcome) } else { Circle::new() };
        let inbox = user.inbox();
        if inbox.connection().is_some() {
            return Ok(());
        }
        user.watching().users = Box::default();
        drop(inbox);
        self.tell(user, false, &contacts, outcome)
    }

    /// Takes a watch; one that says what the one before said changes nothing.
    pub(super) fn watch(
        &self,
        connection: &Connection,
        user: &Arc<User>,
        is_visible: bool,
        users: &Users<'_>,
        outcome: &mut Outcome,
    ) -> Result<()> {
        if users.len() > RELAY_WATCHES_MAX {
            return Err(Error::LimitReached);
        }
        connection.show_at(u64::MAX);
        let users: Box<[Arc<str>]> = users.iter().map(Arc::from).collect();
        let (was_visible, is_same) = {
            let watching = user.watching();
            (watching.is_visible, watching.is_visible == is_visible && watching.users == users)
        };
        if is_same {
            return Ok(());
        }
        let seen = self.contacts(user, outcome);
        let inbox = user.inbox();
        if inbox.connection() != Some(connection.number) {
            return Ok(());
        }
        *user.watching() = Watching { is_visible, users };
        drop(inbox);
        let now = self.contacts(user, outcome);
        for gone in without(&seen, &now).iter().filter(|gone| is_shown(gone)) {
            self.tell(gone, false, core::slice::from_ref(user), outcome)?;
        }
        let nobody = Circle::new();
        let before = if was_visible { &seen } else { &nobody };
        self.show_to(user, before, if is_shown(user) { &now } else { &nobody }, outcome)?;
        // Of the others it has been told when they came, or it did.
        self.tell_of(&without(&now, &seen), user, outcome)
    }

    /// A group took in new members: shows them and the others to each other.
    pub(super) fn introduce(&self, entry: &Entry<'_>, outcome: &mut Outcome) -> Result<()> {
        let added: Vec<&str> = match &entry.fields.action {
            Action::Create { members, .. } | Action::Add(members) => {
                members.iter().map(|member| member.user).collect()
            }
            Action::Join(member) => vec![member.user],
            _ => return Ok(()),
        };
        let mut new: Circle = added.iter().filter_map(|name| self.users.get(*name)).collect();
        let Some(first) = new.first() else { return Ok(()) };
        let created;
        let group_id = match &entry.fields.action {
            // The create entry names no group: it is what the group is named by.
            Action::Create { .. } => {
                created = hash(Label::Entry, &[entry.bytes]);
                &created
            }
            _ => entry.fields.group_id,
        };
        let mut members = self.co_members(first, group_id);
        if members.is_empty() {
            // It shows nobody to anybody.
            return Ok(());
        }
        members.sort_unstable_by(by_name);
        new.sort_unstable_by(by_name);
        outcome.visit(members.len());
        let mut left = RELAY_INTRODUCED_MAX;
        for newcomer in new.iter().filter(|newcomer| newcomer.inbox().connection().is_some()) {
            // Whom it shares another group with, it knows; who is in very many is told again.
            let (known, visits) = self.contacts_but(newcomer, Some(group_id), left.min(RELAY_VISITS_MAX));
            outcome.visit(visits);
            left = left.saturating_sub(visits);
            let mut strangers = without(&members, &known);
            strangers.retain(|member| !Arc::ptr_eq(member, newcomer));
            if is_shown(newcomer) {
                self.tell(newcomer, true, &strangers, outcome)?;
            }
            for member in without(&strangers, &new).iter().filter(|member| is_shown(member)) {
                self.tell(member, true, core::slice::from_ref(newcomer), outcome)?;
            }
        }
        Ok(())
    }
}

/// Whether a user is online and may be seen.
fn is_shown(user: &User) -> bool {
    user.inbox().connection().is_some() && user.watching().is_visible
}

fn by_name(one: &Arc<User>, other: &Arc<User>) -> Ordering {
    one.name.cmp(&other.name)
}

/// Those of one circle who are not in another.
fn without(circle: &[Arc<User>], other: &[Arc<User>]) -> Circle {
    let is_in = |user: &Arc<User>| other.binary_search_by(|other| by_name(other, user)).is_ok();
    circle.iter().filter(|user| !is_in(user)).map(Arc::clone).collect()
}
