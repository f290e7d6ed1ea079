//! How entries are made. A proposal changes nothing: whoever settles races takes it, then everybody applies it.

use std::collections::BTreeSet;

use crate::crypto::kdf::Label;
use crate::crypto::rng::Random;
use crate::error::{Error, Result};
use crate::identity::{Card, Identity};
use crate::limits::{ENTRY_MAX, GROUP_MEMBERS_MAX};
use crate::roster::state::{Proof, State};
use crate::roster::{Member, Roster, RosterPolicy};
use crate::wire::name;
use crate::wire::roster::{Action, EntryFields, Role};

impl Roster {
    /// Founds a group: `identity` is its owner, `initial` are members.
    ///
    /// `label` is what people call the group; it identifies nothing. [`Error::InvalidText`] or [`Error::TooLarge`]
    /// for a label that is none, [`Error::InvalidArgument`] for a user named twice, [`Error::LimitReached`] for
    /// too many members.
    pub fn create(
        identity: &Identity,
        label: &str,
        initial: &[Card],
        policy: RosterPolicy,
        now_ms: u64,
        rng: &mut dyn Random,
    ) -> Result<Self> {
        let label = name::check_label(label.as_bytes())?;
        if initial.len() >= GROUP_MEMBERS_MAX {
            return Err(Error::LimitReached);
        }
        let owner = Member::fields(identity.card(), Role::Owner);
        let others = initial.iter().map(|card| Member::fields(card, Role::Member));
        let members: Vec<_> = core::iter::once(owner).chain(others).collect();
        let mut users = BTreeSet::new();
        if !members.iter().all(|member| users.insert(member.user)) {
            return Err(Error::InvalidArgument);
        }
        let mut random = [0; 32];
        rng.fill(&mut random)?;
        let RosterPolicy { open, add_role } = policy;
        let action = Action::Create { label, open, add_role, random: &random, members };
        let fingerprint = identity.fingerprint();
        let fields = EntryFields {
            group_id: &[0; 32],
            epoch: 0,
            previous: &[0; 32],
            actor: identity.user(),
            actor_fingerprint: fingerprint.as_bytes(),
            timestamp_ms: now_ms,
            action,
        };
        Self::open(&sign(identity, &fields, rng)?)
    }

    /// An entry that adds the owners of `cards` in one role. [`Error::InvalidArgument`] without a card.
    ///
    /// This and the other proposals answer what [`Roster::apply`] would answer to the entry, and
    /// [`Error::RosterForked`] while the roster is forked.
    pub fn propose_add(
        &self,
        identity: &Identity,
        cards: &[Card],
        role: Role,
        now_ms: u64,
        rng: &mut dyn Random,
    ) -> Result<Vec<u8>> {
        if cards.is_empty() {
            return Err(Error::InvalidArgument);
        }
        let members = cards.iter().map(|card| Member::fields(card, role)).collect();
        self.propose(identity, Action::Add(members), now_ms, rng)
    }

    /// An entry with which `identity` enters an open group.
    pub fn propose_join(&self, identity: &Identity, now_ms: u64, rng: &mut dyn Random) -> Result<Vec<u8>> {
        let member = Member::fields(identity.card(), Role::Member);
        self.propose(identity, Action::Join(member), now_ms, rng)
    }

    /// An entry that removes another member.
    pub fn propose_remove(
        &self,
        identity: &Identity,
        user: &str,
        now_ms: u64,
        rng: &mut dyn Random,
    ) -> Result<Vec<u8>> {
        self.propose(identity, Action::Remove(user), now_ms, rng)
    }

    /// An entry with which `identity` leaves.
    pub fn propose_leave(&self, identity: &Identity, now_ms: u64, rng: &mut dyn Random) -> Result<Vec<u8>> {
        self.propose(identity, Action::Leave, now_ms, rng)
    }

    /// An entry that gives a member a role.
    pub fn propose_role(
        &self,
        identity: &Identity,
        user: &str,
        role: Role,
        now_ms: u64,
        rng: &mut dyn Random,
    ) -> Result<Vec<u8>> {
        self.propose(identity, Action::Role(user, role), now_ms, rng)
    }

    /// An entry that gives the member named by `card` the keys of that card. `identity` is the member's old
    /// identity, or that of somebody who may remove it.
    pub fn propose_replace(
        &self,
        identity: &Identity,
        card: &Card,
        now_ms: u64,
        rng: &mut dyn Random,
    ) -> Result<Vec<u8>> {
        let role = self.member(card.user()).map_or(Role::Member, Member::role);
        self.propose(identity, Action::Replace(Member::fields(card, role)), now_ms, rng)
    }

    /// An entry that ends the group for good.
    pub fn propose_delete(&self, identity: &Identity, now_ms: u64, rng: &mut dyn Random) -> Result<Vec<u8>> {
        self.propose(identity, Action::Delete, now_ms, rng)
    }

    /// An entry that settles a fork for the branch whose head is `chosen`, against all others known here.
    ///
    /// [`Error::InvalidArgument`] if the roster is not forked or no branch has that head; [`Error::NotPermitted`]
    /// unless `identity` is an owner in that branch and in the roster's own history.
    pub fn propose_resolve(
        &self,
        identity: &Identity,
        chosen: &[u8; 32],
        now_ms: u64,
        rng: &mut dyn Random,
    ) -> Result<Vec<u8>> {
        let (state, rejected) = self.settled_for(chosen).ok_or(Error::InvalidArgument)?;
        let is_owner_here = self.member(identity.user()).is_some_and(|member| {
            member.role() == Role::Owner && member.fingerprint() == identity.fingerprint()
        });
        if !is_owner_here {
            return Err(Error::NotPermitted);
        }
        let action = Action::Resolve { chosen, rejected: rejected.iter().collect() };
        propose_after(state, identity, action, now_ms, rng)
    }

    fn propose(
        &self,
        identity: &Identity,
        action: Action<'_>,
        now_ms: u64,
        rng: &mut dyn Random,
    ) -> Result<Vec<u8>> {
        if self.is_forked() {
            return Err(Error::RosterForked);
        }
        propose_after(&self.state, identity, action, now_ms, rng)
    }

    /// The membership at the head `chosen` of a forked roster, and the first entries of all other branches as seen
    /// from there, in byte order.
    fn settled_for(&self, chosen: &[u8; 32]) -> Option<(&State, BTreeSet<[u8; 32]>)> {
        if !self.is_forked() {
            return None;
        }
        let mut rejected = BTreeSet::new();
        if chosen == &self.state.head {
            rejected.extend(self.branches.iter().filter_map(|branch| branch.root().copied()));
            return Some((&self.state, rejected));
        }
        let turned = self.branches.iter().find(|branch| &branch.state.head == chosen)?;
        let left = self.log.clone().split_off(turned.fork + 1);
        let others = self.branches.iter().filter(|branch| &branch.state.head != chosen);
        let own = left.hash_at(turned.fork + 1).copied();
        let roots = others.filter_map(|branch| branch.clone().seen_from(turned, &left).root().copied());
        rejected.extend(roots.chain(own));
        Some((&turned.state, rejected))
    }
}

fn propose_after(
    state: &State,
    identity: &Identity,
    action: Action<'_>,
    now_ms: u64,
    rng: &mut dyn Random,
) -> Result<Vec<u8>> {
    let fingerprint = identity.fingerprint();
    let fields = EntryFields {
        group_id: &state.group_id,
        epoch: state.epoch.saturating_add(1),
        previous: &state.head,
        actor: identity.user(),
        actor_fingerprint: fingerprint.as_bytes(),
        timestamp_ms: now_ms,
        action,
    };
    state.check(&fields, &Proof::Known)?;
    sign(identity, &fields, rng)
}

fn sign(identity: &Identity, fields: &EntryFields<'_>, rng: &mut dyn Random) -> Result<Vec<u8>> {
    let mut entry = Vec::new();
    fields.put(&mut entry)?;
    let signature = identity.sign(rng, Label::Roster, &[&entry])?;
    entry.extend_from_slice(&signature);
    if entry.len() > ENTRY_MAX { Err(Error::TooLarge) } else { Ok(entry) }
}
