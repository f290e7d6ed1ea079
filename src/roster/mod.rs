//! The signed membership log of one group (`docs/PROTOCOL.md` section 7).
//!
//! A server cannot add to it: every entry is signed by a member with the right to make it and names the one before.
//! A roster holds no key. Whoever gives sender keys to members asks [`Roster::entitled`] first.

mod apply;
mod branch;
mod claims;
mod log;
mod member;
mod propose;
mod state;

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::identity::Fingerprint;
use crate::limits::LOG_MAX;
use crate::wire::roster::{Entry, Role};

pub use apply::{Applied, Checked};
pub use member::Member;

use apply::entry_hash;
use branch::Branch;
use claims::Claims;
use log::Log;
use state::{Proof, State};

/// Who may enter a group, fixed when it is founded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RosterPolicy {
    /// Anybody may join. Such a group has no protection against a server that joins it.
    pub open: bool,
    /// The lowest role that may add members.
    pub add_role: Role,
}

impl Default for RosterPolicy {
    fn default() -> Self {
        Self { open: false, add_role: Role::Admin }
    }
}

/// What a user has to do with a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Is a member.
    Member,
    /// Was one, and was removed or left.
    Former,
    /// Never was.
    Never,
}

/// A competing history, as [`RosterInfo`] shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BranchInfo {
    /// The hash of its newest entry: what [`Roster::propose_resolve`] takes to choose it.
    pub head: [u8; 32],
    /// The epoch of its newest entry.
    pub epoch: u64,
    /// The epoch of the last entry that it shares with the roster's own history.
    pub fork_epoch: u64,
}

/// A roster's public description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterInfo {
    /// The hash of the create entry.
    pub group_id: [u8; 32],
    /// What people call the group.
    pub label: String,
    /// Who may enter.
    pub policy: RosterPolicy,
    /// The number of the newest entry.
    pub epoch: u64,
    /// The hash of the newest entry.
    pub hash: [u8; 32],
    /// The number of the newest entry that changed who can read.
    pub membership_epoch: u64,
    /// The group has ended.
    pub deleted: bool,
    /// Competing histories; none unless the roster is forked.
    pub branches: Vec<BranchInfo>,
    /// In the order of user ids.
    pub members: Vec<Member>,
}

/// The membership of one group, and the log that proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    log: Log,
    /// The membership at the head of `log`.
    state: State,
    branches: Vec<Branch>,
    claims: Claims,
}

impl Roster {
    /// Checks a whole log, from the first entry on, branches included: what [`Roster::log`] gave from epoch 0. Its
    /// first history becomes the roster's own, whatever its branches say: the roster equals the one that was stored.
    ///
    /// [`Error::TooLarge`] above [`LOG_MAX`] bytes, [`Error::Malformed`] unless it starts with a create entry,
    /// and the errors of [`Roster::apply`], but a forked log is a roster that [is forked](Roster::is_forked).
    pub fn open(log: &[u8]) -> Result<Self> {
        if log.len() > LOG_MAX {
            return Err(Error::TooLarge);
        }
        let (first, mut rest) = Entry::parse_first(log)?;
        let hash = entry_hash(&first);
        let state = State::found(&first.fields, hash, &Proof::Signature(&first))?;
        let mut roster = Self { log: Log::new(0), state, branches: Vec::new(), claims: Claims::default() };
        roster.log.push(first.bytes, hash);
        while !rest.is_empty() {
            let (entry, after) = Entry::parse_first(rest)?;
            rest = after;
            let hash = entry_hash(&entry);
            roster.take_stored(&entry, hash)?;
        }
        Ok(roster)
    }

    /// The group's id: the hash of its create entry.
    #[must_use]
    pub fn group_id(&self) -> &[u8; 32] {
        &self.state.group_id
    }

    /// What people call the group; it identifies nothing and may be empty.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.state.label
    }

    /// Who may enter.
    #[must_use]
    pub fn policy(&self) -> RosterPolicy {
        RosterPolicy { open: self.state.open, add_role: self.state.add_role }
    }

    /// The number of the newest entry.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.state.epoch
    }

    /// The roster hash: the hash of the newest entry.
    #[must_use]
    pub fn hash(&self) -> &[u8; 32] {
        &self.state.head
    }

    /// The number of the newest entry that changed who can read.
    #[must_use]
    pub fn membership_epoch(&self) -> u64 {
        self.state.membership_epoch
    }

    /// The roster hash of an epoch; none above the head.
    #[must_use]
    pub fn hash_at(&self, epoch: u64) -> Option<&[u8; 32]> {
        self.log.hash_at(epoch)
    }

    /// Whether a sender key made at this epoch, under this roster hash, still has the right readers: nobody came,
    /// went or changed keys since, and the fork in which it was made, if any, was not settled against it.
    #[must_use]
    pub fn is_current(&self, epoch: u64, hash: &[u8; 32]) -> bool {
        self.state.membership_epoch <= epoch && self.log.hash_at(epoch) == Some(hash)
    }

    /// A member by name.
    #[must_use]
    pub fn member(&self, user: &str) -> Option<&Member> {
        self.state.members.get(user).map(Arc::as_ref)
    }

    /// All members in the order of user ids.
    pub fn members(&self) -> impl ExactSizeIterator<Item = &Member> {
        self.state.members.values().map(Arc::as_ref)
    }

    /// What a user has to do with the group.
    #[must_use]
    pub fn standing(&self, user: &str) -> Standing {
        if self.state.members.contains_key(user) {
            Standing::Member
        } else if self.state.former.contains(user) {
            Standing::Former
        } else {
            Standing::Never
        }
    }

    /// Whether the group has ended.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.state.deleted
    }

    /// Whether a competing history is known and not settled.
    #[must_use]
    pub fn is_forked(&self) -> bool {
        !self.branches.is_empty()
    }

    /// Whether what comes from this identity comes from a member: for receiving its keys.
    ///
    /// [`Error::SenderRemoved`] for a former member, [`Error::NotAMember`] for a stranger,
    /// [`Error::IdentityChanged`] for a member with other keys.
    pub fn vouch(&self, user: &str, fingerprint: &Fingerprint) -> Result<&Member> {
        match (self.state.members.get(user), self.standing(user)) {
            (Some(member), _) if member.fingerprint() == *fingerprint => Ok(member),
            (Some(_), _) => Err(Error::IdentityChanged),
            (None, Standing::Former) => Err(Error::SenderRemoved),
            (None, _) => Err(Error::NotAMember),
        }
    }

    /// The member, if this identity may be given sender keys: it is one in every known branch.
    ///
    /// [`Error::GroupDeleted`]; [`Error::NotAMember`]; [`Error::IdentityChanged`] for a member with other keys;
    /// [`Error::RosterForked`] for one who is no member, or has other keys, in a competing branch.
    pub fn entitled(&self, user: &str, fingerprint: &Fingerprint) -> Result<&Member> {
        if self.state.deleted {
            return Err(Error::GroupDeleted);
        }
        let member = self.member(user).ok_or(Error::NotAMember)?;
        if member.fingerprint() != *fingerprint {
            return Err(Error::IdentityChanged);
        }
        let everywhere = self.branches.iter().all(|branch| {
            let same =
                branch.state.members.get(user).is_some_and(|other| other.fingerprint() == *fingerprint);
            same && !branch.state.deleted
        });
        if everywhere { Ok(member) } else { Err(Error::RosterForked) }
    }

    /// The entries from an epoch on, one after another, and then those of competing branches, all of them: what
    /// another member applies, and with epoch 0 what [`Roster::open`] takes.
    #[must_use]
    pub fn log(&self, from_epoch: u64) -> Vec<u8> {
        let mut log = Vec::with_capacity(self.log_len(from_epoch));
        log.extend_from_slice(self.log.from(from_epoch));
        for branch in &self.branches {
            log.extend_from_slice(branch.log.from(0));
        }
        log
    }

    /// The entries of the roster's own log from an epoch on, one after another.
    #[must_use]
    pub fn entries(&self, from_epoch: u64) -> &[u8] {
        self.log.from(from_epoch)
    }

    /// Bytes that [`Roster::log`] gives.
    #[must_use]
    pub fn log_len(&self, from_epoch: u64) -> usize {
        let branches: usize = self.branches.iter().map(|branch| branch.log.len()).sum();
        self.log.from(from_epoch).len() + branches
    }

    /// Whether an epoch and the first bytes of its roster hash, named in an authenticated message, prove entries
    /// that are not held here.
    #[must_use]
    pub fn is_claim(&self, epoch: u64, hash: &[u8; 16]) -> bool {
        let held = |log: &Log| log.hash_at(epoch).is_some_and(|held| held.starts_with(hash));
        !held(&self.log) && !self.branches.iter().any(|branch| held(&branch.log))
    }

    /// Whether a fork was settled after this epoch: what names another history of it may mean the one that was rejected.
    pub(crate) fn was_settled_after(&self, epoch: u64) -> bool {
        epoch < self.state.settled_epoch
    }

    /// Records that an authenticated message of `claimant` named this epoch and hash. Does nothing unless that
    /// [is a claim](Roster::is_claim) and the claimant a member whose claims are not ignored.
    pub fn note_claim(&mut self, claimant: &str, epoch: u64, hash: &[u8; 16], now_ms: u64) {
        if !self.is_claim(epoch, hash) {
            return;
        }
        if let Some(member) = self.state.members.get(claimant) {
            self.claims.note(member.user(), epoch, now_ms);
        }
    }

    /// Whether a claim holds encryption back ([`Error::RosterBehind`]).
    #[must_use]
    pub fn is_behind(&self, now_ms: u64) -> bool {
        self.claims.any_stands(now_ms)
    }

    /// A description without a secret in it; there is none in a roster.
    #[must_use]
    pub fn info(&self) -> RosterInfo {
        let branches = self.branches.iter().map(|branch| BranchInfo {
            head: branch.state.head,
            epoch: branch.state.epoch,
            fork_epoch: branch.fork,
        });
        RosterInfo {
            group_id: self.state.group_id,
            label: self.label().to_owned(),
            policy: self.policy(),
            epoch: self.state.epoch,
            hash: self.state.head,
            membership_epoch: self.state.membership_epoch,
            deleted: self.state.deleted,
            branches: branches.collect(),
            members: self.members().cloned().collect(),
        }
    }
}
