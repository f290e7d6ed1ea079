//! What a client has done since its last commit, invisible until the next one.

use std::collections::BTreeSet;
use std::mem;

use crate::client::connection::Outgoing;
use crate::client::event::{Emitted, Event};
use crate::client::groups::GroupId;
use crate::client::{Client, records};
use crate::error::Result;
use crate::identity::Identity;
use crate::store::{Changes, Name};
use crate::wire::codec::Put as _;

/// Confirmed events that wait for a commit that has another reason.
pub(super) const CONFIRMED_MAX: usize = 1_024;

/// Changes of one commit after which nothing that can wait joins them: a quarter of what a store takes.
const CHANGES_MANY: usize = 16_384;

/// Changes, and what may be seen of them once they are durable.
#[derive(Default)]
pub(super) struct Journal {
    changes: Changes,
    frames: Vec<Outgoing>,
    events: Vec<Emitted>,
    /// Something was stored that the relay need not keep any longer.
    pub(super) acknowledge: bool,
    pub(super) settings: bool,
    pub(super) identity: bool,
    peers: BTreeSet<Box<str>>,
    sessions: BTreeSet<Box<str>>,
    acks: BTreeSet<(Box<str>, Option<GroupId>)>,
}

impl Journal {
    pub(super) fn put(&mut self, name: Name, value: records::Value) {
        self.changes.put(name, value);
    }

    pub(super) fn delete(&mut self, name: Name) {
        self.changes.delete(name);
    }

    /// Whether there is enough for one commit.
    pub(super) fn is_long(&self) -> bool {
        self.changes.len() >= CHANGES_MANY
    }

    /// A frame that leaves after the commit.
    pub(super) fn send(&mut self, frame: Outgoing) {
        self.frames.push(frame);
    }

    /// The connection for which frames waited is gone.
    pub(super) fn forget_frames(&mut self) {
        self.frames.clear();
        self.acknowledge = false;
    }

    /// The record of this peer changes.
    pub(super) fn peer(&mut self, user: &str) {
        self.peers.insert(user.into());
    }

    /// The session of this peer changes by more than its lease covers.
    pub(super) fn session(&mut self, user: &str) {
        self.sessions.insert(user.into());
    }

    /// Whether a record of this peer is about to change.
    pub(super) fn concerns(&self, user: &str) -> bool {
        self.peers.contains(user) || self.sessions.contains(user)
    }

    /// What this peer will be told of its messages, direct ones or those in a group, changes.
    pub(super) fn acks(&mut self, user: &str, group: Option<GroupId>) {
        self.acks.insert((user.into(), group));
    }
}

impl Client {
    /// An event that the application is given until it confirms it.
    pub(super) fn emit(&mut self, event: Event) -> Result<()> {
        let number = self.settings.next_event;
        self.settings.next_event = number.saturating_add(1);
        self.journal.settings = true;
        self.journal.put(records::event(number), event.to_value()?);
        self.unconfirmed.insert(number);
        self.journal.events.push(Emitted { number, again: false, event });
        Ok(())
    }

    /// An event that is given once, or never if the client ends before.
    pub(super) fn tell(&mut self, event: Event) {
        self.journal.events.push(Emitted { number: 0, again: false, event });
    }

    /// Makes durable what was done, then lets it be seen.
    pub(super) fn commit(&mut self) -> Result<()> {
        self.collect()?;
        self.forget_confirmed();
        let changes = mem::take(&mut self.journal.changes);
        if !changes.is_empty() {
            self.store.commit(&mut *self.rng, &changes)?;
        }
        self.events.extend(mem::take(&mut self.journal.events));
        if mem::take(&mut self.journal.acknowledge) {
            self.journal.send(Outgoing::Acknowledge);
        }
        for frame in mem::take(&mut self.journal.frames) {
            self.release(frame)?;
        }
        Ok(())
    }

    /// Deletes events that were confirmed, if there is a commit anyway or they are many.
    fn forget_confirmed(&mut self) {
        if self.journal.changes.is_empty() && self.confirmed.len() < CONFIRMED_MAX {
            return;
        }
        self.delete_confirmed();
    }

    /// Deletes as many events that were confirmed as go into one commit.
    pub(super) fn delete_confirmed(&mut self) {
        for _ in 0..CHANGES_MANY {
            let Some(number) = self.confirmed.pop_first() else { return };
            self.journal.delete(records::event(number));
        }
    }

    /// Writes the records that were only marked.
    fn collect(&mut self) -> Result<()> {
        self.let_peers_go()?;
        let Self { journal, settings, identity, peers, .. } = self;
        if mem::take(&mut journal.settings) {
            journal.changes.put(records::settings(), settings.to_value());
        }
        if mem::take(&mut journal.identity) {
            let mut value = records::begin();
            value.put_u16(Identity::FORMAT);
            value.put(&identity.export()?);
            journal.changes.put(records::identity(), value);
        }
        for user in mem::take(&mut journal.peers) {
            if let Some(peer) = peers.get(&user) {
                journal.changes.put(records::peer(&user), peer.to_value()?);
            }
        }
        for user in mem::take(&mut journal.sessions) {
            match peers.get_mut(&user).and_then(|peer| peer.line.as_mut()) {
                Some(line) => journal.changes.put(records::session(&user), line.export()?),
                None => journal.changes.delete(records::session(&user)),
            }
        }
        for (user, group) in mem::take(&mut journal.acks) {
            let name = match &group {
                Some(group) => records::group_acks(&user, group),
                None => records::acks(&user),
            };
            match self.acks.to_value(&user, group)? {
                Some(value) => journal.changes.put(name, value),
                None => journal.changes.delete(name),
            }
        }
        self.collect_groups()
    }
}
