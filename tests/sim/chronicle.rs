//! Who was a member of which group when: every entry that was made, and what the relay has of them.

use std::collections::BTreeMap;

use sealwax::client::GroupId;
use sealwax::crypto::kdf::{self, Label};
use sealwax::wire::group::GroupMessage;
use sealwax::wire::roster::{Action, Entry, MemberFields, Role};

/// The hash of an entry, which names the state that it leads to.
pub(crate) type StateId = [u8; 32];

/// What a group is after an entry.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) circle: usize,
    pub(crate) epoch: u64,
    pub(crate) members: BTreeMap<String, Membership>,
}

/// How somebody is a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) role: Role,
    /// The entry that made it one: who comes back is another member than before.
    pub(crate) since: u64,
    /// What it signs with.
    pub(crate) key: [u8; 65],
}

/// A group.
pub(crate) struct Circle {
    pub(crate) id: GroupId,
    pub(crate) founder: String,
    pub(crate) is_open: bool,
    /// The state that the relay holds, once it does.
    pub(crate) head: Option<StateId>,
}

/// All groups.
#[derive(Default)]
pub(crate) struct Chronicle {
    pub(crate) circles: Vec<Circle>,
    states: BTreeMap<StateId, State>,
}

impl Chronicle {
    /// Takes an entry that somebody who may do so has made. Answers the state that it leads to, if it follows a known
    /// one.
    pub(crate) fn learn(&mut self, bytes: &[u8]) -> Option<StateId> {
        let entry = Entry::parse(bytes).unwrap();
        let id = kdf::hash(Label::Entry, &[bytes]);
        if self.states.contains_key(&id) {
            return Some(id);
        }
        let fields = &entry.fields;
        let mut state = match &fields.action {
            Action::Create { open, .. } => {
                let founder = fields.actor.to_string();
                self.circles.push(Circle { id, founder, is_open: *open, head: None });
                State { circle: self.circles.len() - 1, epoch: 0, members: BTreeMap::new() }
            }
            _ => State { epoch: fields.epoch, ..self.states.get(fields.previous)?.clone() },
        };
        let since = state.epoch;
        let mut come = |member: &MemberFields<'_>| {
            state
                .members
                .insert(member.user.into(), Membership { role: member.role, since, key: *member.sign_key });
        };
        match &fields.action {
            Action::Create { members, .. } | Action::Add(members) => members.iter().for_each(come),
            Action::Join(member) | Action::Replace(member) => come(member),
            Action::Remove(user) => drop(state.members.remove(*user)),
            Action::Leave => drop(state.members.remove(fields.actor)),
            Action::Role(user, role) => {
                if let Some(membership) = state.members.get_mut(*user) {
                    membership.role = *role;
                }
            }
            Action::Delete => state.members.clear(),
            Action::Resolve { .. } => {}
        }
        self.states.insert(id, state);
        Some(id)
    }

    pub(crate) fn state(&self, id: &StateId) -> &State {
        &self.states[id]
    }

    /// Somebody holds this entry as the last one.
    pub(crate) fn check_head(&self, who: usize, head: &StateId) {
        assert!(self.states.contains_key(head), "p{who} takes members that nobody has made");
    }

    pub(crate) fn circle_of(&self, group: &GroupId) -> Option<usize> {
        self.circles.iter().position(|circle| circle.id == *group)
    }

    /// What the relay holds of a group.
    pub(crate) fn head(&self, circle: usize) -> Option<&State> {
        self.circles[circle].head.map(|head| self.state(&head))
    }

    /// The state that a message names; nothing if nobody has made it.
    pub(crate) fn named_by(&self, message: &GroupMessage<'_>) -> Option<StateId> {
        let front = &message.front;
        let mut from = [0; 32];
        from[..16].copy_from_slice(front.roster_hash);
        let (id, state) = self.states.range(from..).next()?;
        let is_it = id.starts_with(front.roster_hash)
            && state.epoch == front.epoch
            && self.circles[state.circle].id == *front.group_id;
        is_it.then_some(*id)
    }
}
