//! Who is a member at the head of one history, and what may follow (`docs/PROTOCOL.md` sections 7.1 and 7.2).
//!
//! Checking gives a [`Change`], making it cannot fail: so an entry is either refused or taken whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::crypto::ecc::SignPublic;
use crate::crypto::kdf::Label;
use crate::error::{Error, Result};
use crate::limits::{GROUP_MEMBERS_MAX, ROSTER_ENTRIES_MAX};
use crate::roster::Member;
use crate::wire::roster::{Action, Entry, EntryFields, MemberFields, Role};

/// Why an entry may be believed to come from its actor.
pub(super) enum Proof<'a> {
    /// This signature has to verify.
    Signature(&'a Entry<'a>),
    /// The log verified it before, or the actor is about to sign it.
    Known,
}

impl Proof<'_> {
    pub(super) fn verify(&self, key: &SignPublic) -> Result<()> {
        match self {
            Self::Signature(entry) => key.verify(Label::Roster, &[entry.signed], entry.signature),
            Self::Known => Ok(()),
        }
    }
}

/// What an entry that was checked does to the state it was checked against.
pub(super) enum Change {
    Add(Vec<Arc<Member>>),
    Remove(Arc<str>),
    Role(Arc<str>, Role),
    Replace(Arc<Member>),
    Delete,
    Resolve(Vec<[u8; 32]>),
}

/// The membership at one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) group_id: [u8; 32],
    pub(super) label: Arc<str>,
    pub(super) open: bool,
    pub(super) add_role: Role,
    pub(super) epoch: u64,
    pub(super) head: [u8; 32],
    pub(super) membership_epoch: u64,
    pub(super) deleted: bool,
    /// Shared by the histories and drafts that have them, and a sixth of the size while the map grows.
    pub(super) members: BTreeMap<Arc<str>, Arc<Member>>,
    /// Everybody who was removed or left, ever.
    pub(super) former: BTreeSet<Arc<str>>,
    /// The keys that users had who are gone or have others now, by the fingerprint.
    past_keys: BTreeMap<[u8; 32], SignPublic>,
    /// The first entries of branches that this history has settled against.
    pub(super) rejected: BTreeSet<[u8; 32]>,
    /// The number of the newest entry that settled a fork; 0 for none.
    pub(super) settled_epoch: u64,
    owners: usize,
}

impl State {
    /// The state after a create entry with this hash.
    pub(super) fn found(fields: &EntryFields<'_>, hash: [u8; 32], proof: &Proof<'_>) -> Result<Self> {
        let Action::Create { label, open, add_role, members: listed, .. } = &fields.action else {
            return Err(Error::Malformed);
        };
        let (first, others) = listed.split_first().ok_or(Error::Malformed)?;
        let founder = Member::read(first, 0)?;
        if &**founder.user() != fields.actor
            || founder.fingerprint().as_bytes() != fields.actor_fingerprint
            || founder.role() != Role::Owner
        {
            return Err(Error::Malformed);
        }
        proof.verify(founder.sign_key())?;
        let mut state = Self {
            group_id: hash,
            label: Arc::from(*label),
            open: *open,
            add_role: *add_role,
            epoch: 0,
            head: hash,
            membership_epoch: 0,
            deleted: false,
            members: BTreeMap::new(),
            former: BTreeSet::new(),
            past_keys: BTreeMap::new(),
            rejected: BTreeSet::new(),
            settled_epoch: 0,
            owners: 0,
        };
        state.enter(vec![Arc::new(founder)]);
        let others = state.newcomers(others, 0)?;
        state.enter(others);
        Ok(state)
    }

    /// Everything that section 7.2 asks of the entry after the head. The state does not change.
    pub(super) fn check(&self, fields: &EntryFields<'_>, proof: &Proof<'_>) -> Result<Change> {
        if fields.group_id != &self.group_id {
            return Err(Error::WrongGroup);
        }
        if self.deleted {
            return Err(Error::GroupDeleted);
        }
        if fields.epoch.checked_sub(1) != Some(self.epoch) || fields.previous != &self.head {
            return Err(Error::RosterBehind);
        }
        if fields.epoch >= ROSTER_ENTRIES_MAX {
            return Err(Error::LimitReached);
        }
        if let Action::Join(joiner) = &fields.action {
            return self.check_join(joiner, fields, proof);
        }
        let actor = self.members.get(fields.actor).ok_or(Error::NotAMember)?;
        if actor.fingerprint().as_bytes() != fields.actor_fingerprint {
            return Err(Error::NotAMember);
        }
        proof.verify(actor.sign_key())?;
        match &fields.action {
            Action::Create { .. } | Action::Join(_) => Err(Error::Malformed),
            Action::Add(members) => self.check_add(actor, members, fields.epoch),
            Action::Remove(user) => {
                let target = self.target(user)?;
                permit(may_remove(actor, target), Change::Remove(target.user().clone()))
            }
            Action::Leave => permit(!self.is_last_owner(actor), Change::Remove(actor.user().clone())),
            Action::Role(user, role) => {
                let target = self.target(user)?;
                let keeps_owner = *role == Role::Owner || !self.is_last_owner(target);
                let change = Change::Role(target.user().clone(), *role);
                permit(actor.role() == Role::Owner && keeps_owner, change)
            }
            Action::Replace(fields_of) => {
                let target = self.target(fields_of.user)?;
                let member = Member::read(fields_of, fields.epoch)?;
                if member.role() != target.role() || member.fingerprint() == target.fingerprint() {
                    return Err(Error::Malformed);
                }
                permit(
                    actor.user() == target.user() || may_remove(actor, target),
                    Change::Replace(Arc::new(member)),
                )
            }
            Action::Delete => permit(actor.role() == Role::Owner, Change::Delete),
            Action::Resolve { chosen, rejected } => {
                if *chosen != fields.previous {
                    return Err(Error::Malformed);
                }
                let change = Change::Resolve(rejected.iter().map(|hash| **hash).collect());
                permit(actor.role() == Role::Owner, change)
            }
        }
    }

    /// The key under which an entry must be signed that belongs somewhere before the head, in so far as that is
    /// known from here: the one that this history gave to its actor at any time.
    pub(super) fn signer(&self, fields: &EntryFields<'_>) -> Result<SignPublic> {
        if let Action::Join(joiner) = &fields.action {
            return Ok(self.joiner(joiner, fields)?.sign_key().clone());
        }
        let present = self.members.get(fields.actor);
        if let Some(member) = present.filter(|it| it.fingerprint().as_bytes() == fields.actor_fingerprint) {
            return Ok(member.sign_key().clone());
        }
        let past = self.past_keys.get(fields.actor_fingerprint);
        past.cloned().ok_or(Error::NotAMember)
    }

    /// Who joins. The one entry that proves itself: its key is in its body.
    fn joiner(&self, joiner: &MemberFields<'_>, fields: &EntryFields<'_>) -> Result<Member> {
        if !self.open {
            return Err(Error::NotPermitted);
        }
        let member = Member::read(joiner, fields.epoch)?;
        if joiner.user != fields.actor || member.fingerprint().as_bytes() != fields.actor_fingerprint {
            return Err(Error::Malformed);
        }
        Ok(member)
    }

    fn check_join(
        &self,
        joiner: &MemberFields<'_>,
        fields: &EntryFields<'_>,
        proof: &Proof<'_>,
    ) -> Result<Change> {
        let member = self.joiner(joiner, fields)?;
        proof.verify(member.sign_key())?;
        if self.members.contains_key(joiner.user) || joiner.role != Role::Member {
            return Err(Error::Malformed);
        }
        if self.members.len() >= GROUP_MEMBERS_MAX {
            return Err(Error::LimitReached);
        }
        Ok(Change::Add(vec![Arc::new(member)]))
    }

    fn check_add(&self, actor: &Member, listed: &[MemberFields<'_>], epoch: u64) -> Result<Change> {
        let may_give = |role| role == Role::Member || role < actor.role() || actor.role() == Role::Owner;
        let permitted = actor.role() >= self.add_role && listed.iter().all(|member| may_give(member.role));
        permit(permitted, Change::Add(self.newcomers(listed, epoch)?))
    }

    /// Members that a list would bring in: each new, none twice, and not too many.
    fn newcomers(&self, listed: &[MemberFields<'_>], epoch: u64) -> Result<Vec<Arc<Member>>> {
        if self.members.len().saturating_add(listed.len()) > GROUP_MEMBERS_MAX {
            return Err(Error::LimitReached);
        }
        let mut users = BTreeSet::new();
        listed
            .iter()
            .map(|fields| {
                if self.members.contains_key(fields.user) || !users.insert(fields.user) {
                    return Err(Error::Malformed);
                }
                Member::read(fields, epoch).map(Arc::new)
            })
            .collect()
    }

    fn target(&self, user: &str) -> Result<&Member> {
        self.members.get(user).map(Arc::as_ref).ok_or(Error::NotAMember)
    }

    fn is_last_owner(&self, member: &Member) -> bool {
        member.role() == Role::Owner && self.owners == 1
    }

    /// Makes the change of the entry with this hash, which [`State::check`] gave for this very state.
    pub(super) fn make(&mut self, change: Change, hash: [u8; 32]) {
        self.epoch += 1;
        self.head = hash;
        if !matches!(change, Change::Role(..)) {
            self.membership_epoch = self.epoch;
        }
        match change {
            Change::Add(members) => self.enter(members),
            Change::Remove(user) => {
                if let Some(member) = self.members.remove(&user) {
                    self.owners -= usize::from(member.role() == Role::Owner);
                    self.retire_key(&member);
                }
                self.former.insert(user);
            }
            Change::Role(user, role) => {
                if let Some(member) = self.members.get_mut(&user) {
                    self.owners -= usize::from(member.role() == Role::Owner);
                    self.owners += usize::from(role == Role::Owner);
                    Arc::make_mut(member).set_role(role);
                }
            }
            Change::Replace(member) => {
                if let Some(old) = self.members.insert(member.user().clone(), member) {
                    self.retire_key(&old);
                }
            }
            Change::Delete => self.deleted = true,
            Change::Resolve(rejected) => {
                self.rejected.extend(rejected);
                self.settled_epoch = self.epoch;
            }
        }
    }

    fn retire_key(&mut self, member: &Member) {
        self.past_keys.insert(*member.fingerprint().as_bytes(), member.sign_key().clone());
    }

    fn enter(&mut self, members: Vec<Arc<Member>>) {
        self.owners += members.iter().filter(|member| member.role() == Role::Owner).count();
        self.members.extend(members.into_iter().map(|member| (member.user().clone(), member)));
    }
}

fn may_remove(actor: &Member, target: &Member) -> bool {
    match actor.role() {
        Role::Owner => actor.user() != target.user(),
        Role::Admin => target.role() < Role::Admin,
        Role::Member => false,
    }
}

fn permit(permitted: bool, change: Change) -> Result<Change> {
    if permitted { Ok(change) } else { Err(Error::NotPermitted) }
}
