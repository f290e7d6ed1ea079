//! How entries get in (`docs/PROTOCOL.md` sections 7.2 and 7.3).

use crate::crypto::kdf::{self, Label};
use crate::error::{Error, Result};
use crate::limits::{LOG_MAX, ROSTER_BRANCHES_MAX};
use crate::roster::branch::{Branch, replay};
use crate::roster::log::Log;
use crate::roster::state::{Change, Proof, State};
use crate::roster::{Member, Roster};
use crate::wire::roster::{Action, Entry, EntryFields, Role};

/// What [`Roster::apply`] changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// The roster's own log changed.
    pub changed: bool,
    /// A new membership epoch began: sender keys rotate.
    pub membership_changed: bool,
}

/// What [`Roster::check`] found of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// It is valid and follows the head.
    Extends,
    /// The log holds it.
    Known,
}

/// Where the entry before another one stands.
#[derive(Debug, Clone, Copy)]
enum Place {
    Head,
    BranchHead(usize),
    /// Within the roster's own log.
    Inside,
    BranchInside(usize),
}

impl Roster {
    /// Takes one or several entries, one after another.
    ///
    /// Entries that are held already change nothing. All or none of the others are taken. An entry that competes
    /// with a held one, or follows such a one, is remembered as a branch and answered with [`Error::RosterForked`]
    /// once all entries are taken; that error alone leaves the roster changed.
    ///
    /// [`Error::TooLarge`] above [`LOG_MAX`] bytes; [`Error::RosterBehind`] if the entry before is not held;
    /// [`Error::StaleEpoch`] for a branch that a resolve rejected; [`Error::LimitReached`] for a fifth branch or
    /// more than the log may hold; and the errors of `docs/PROTOCOL.md` section 7.2.
    pub fn apply(&mut self, entries: &[u8], now_ms: u64) -> Result<Applied> {
        if entries.len() > LOG_MAX {
            return Err(Error::TooLarge);
        }
        let mut fresh = Vec::new();
        let mut branched = false;
        let mut rest = entries;
        loop {
            let (entry, after) = Entry::parse_first(rest)?;
            let hash = entry_hash(&entry);
            match self.holds(&entry.fields, &hash)? {
                Some(in_branch) => branched |= in_branch,
                None => fresh.push((entry, hash)),
            }
            if after.is_empty() {
                break;
            }
            rest = after;
        }
        let (head, membership_epoch) = (self.state.head, self.state.membership_epoch);
        match fresh.as_slice() {
            [] => {}
            [(entry, hash)] => branched |= self.take(entry, *hash)?,
            several => {
                let mut draft = self.clone();
                branched |= draft.take_all(several)?;
                *self = draft;
            }
        }
        let changed = head != self.state.head;
        if changed {
            let members = &self.state.members;
            self.claims.advance(self.state.epoch, now_ms, |user| members.contains_key(user));
        }
        if branched && self.is_forked() {
            return Err(Error::RosterForked);
        }
        Ok(Applied { changed, membership_changed: membership_epoch != self.state.membership_epoch })
    }

    /// What a relay asks before it takes an entry: the first one of an epoch wins. Nothing changes.
    ///
    /// [`Error::StaleEpoch`] if the epoch is taken, otherwise the errors of [`Roster::apply`].
    pub fn check(&self, entry: &[u8]) -> Result<Checked> {
        let entry = Entry::parse(entry)?;
        Ok(match self.inspect(&entry, &entry_hash(&entry))? {
            Some(_) => Checked::Extends,
            None => Checked::Known,
        })
    }

    /// How a relay takes an entry: as [`Roster::check`], and then it is in. It never forks.
    pub fn settle(&mut self, entry: &[u8]) -> Result<Checked> {
        let entry = Entry::parse(entry)?;
        let hash = entry_hash(&entry);
        let Some(change) = self.inspect(&entry, &hash)? else { return Ok(Checked::Known) };
        self.extend(&entry, hash, change);
        Ok(Checked::Extends)
    }

    fn inspect(&self, entry: &Entry<'_>, hash: &[u8; 32]) -> Result<Option<Change>> {
        let fields = &entry.fields;
        if self.holds(fields, hash)?.is_some() {
            return Ok(None);
        }
        if self.state.deleted {
            return Err(Error::GroupDeleted);
        }
        let next = self.state.epoch + 1;
        if fields.epoch < next || (fields.epoch == next && fields.previous != &self.state.head) {
            return Err(Error::StaleEpoch);
        }
        let change = self.state.check(fields, &Proof::Signature(entry))?;
        self.room_for(entry.bytes.len())?;
        Ok(Some(change))
    }

    /// Whether an entry is held: in the roster's own log (`false`), or in a branch (`true`).
    fn holds(&self, fields: &EntryFields<'_>, hash: &[u8; 32]) -> Result<Option<bool>> {
        if self.log.hash_at(fields.epoch) == Some(hash) {
            return Ok(Some(false));
        }
        if fields.epoch == 0 || fields.group_id != &self.state.group_id {
            return Err(Error::WrongGroup);
        }
        let in_branch = self.branches.iter().any(|branch| branch.log.hash_at(fields.epoch) == Some(hash));
        Ok(in_branch.then_some(true))
    }

    /// Takes entries in order; whether any belongs to a branch. On an error the roster is of no use any more.
    pub(super) fn take_all(&mut self, entries: &[(Entry<'_>, [u8; 32])]) -> Result<bool> {
        let mut branched = false;
        for (entry, hash) in entries {
            branched |= match self.holds(&entry.fields, hash)? {
                Some(in_branch) => in_branch,
                None => self.take(entry, *hash)?,
            };
        }
        Ok(branched)
    }

    /// Takes one entry that is not held, or changes nothing; whether it belongs to a branch.
    fn take(&mut self, entry: &Entry<'_>, hash: [u8; 32]) -> Result<bool> {
        let fields = &entry.fields;
        if self.state.deleted {
            return Err(Error::GroupDeleted);
        }
        if self.state.rejected.contains(&hash) {
            return Err(Error::StaleEpoch);
        }
        let place =
            self.place_of(fields.epoch.saturating_sub(1), fields.previous).ok_or(Error::RosterBehind)?;
        let proof = Proof::Signature(entry);
        let at = match place {
            Place::Head => {
                let change = self.state.check(fields, &proof)?;
                self.room_for(entry.bytes.len())?;
                self.extend(entry, hash, change);
                return Ok(false);
            }
            Place::BranchHead(at) => {
                let branch = self.branches.get(at).ok_or(Error::Internal)?;
                let change = branch.state.check(fields, &proof)?;
                self.room_for(entry.bytes.len())?;
                let branch = self.branches.get_mut(at).ok_or(Error::Internal)?;
                branch.state.make(change, hash);
                branch.log.push(entry.bytes, hash);
                at
            }
            Place::Inside | Place::BranchInside(_) => {
                if self.branches.len() >= ROSTER_BRANCHES_MAX {
                    return Err(Error::LimitReached);
                }
                let mut branch = self.branch_at(place, fields.epoch)?;
                let change = branch.state.check(fields, &proof)?;
                // What it shares with another branch is held, and stored, once for each.
                self.room_for(branch.log.len().saturating_add(entry.bytes.len()))?;
                branch.state.make(change, hash);
                branch.log.push(entry.bytes, hash);
                self.branches.push(branch);
                self.branches.len() - 1
            }
        };
        self.turn_if_settled(at, fields);
        Ok(true)
    }

    fn place_of(&self, epoch: u64, hash: &[u8; 32]) -> Option<Place> {
        if self.log.hash_at(epoch) == Some(hash) {
            return Some(if epoch == self.state.epoch { Place::Head } else { Place::Inside });
        }
        let at = self.branches.iter().position(|branch| branch.log.hash_at(epoch) == Some(hash))?;
        let head = self.branches.get(at)?.state.epoch;
        Some(if epoch == head { Place::BranchHead(at) } else { Place::BranchInside(at) })
    }

    /// A new branch that ends just before `epoch`, with the membership of that point.
    fn branch_at(&self, place: Place, epoch: u64) -> Result<Branch> {
        let (fork, log) = match place {
            Place::BranchInside(at) => {
                let parent = self.branches.get(at).ok_or(Error::Internal)?;
                let mut log = parent.log.clone();
                log.split_off(epoch);
                (parent.fork, log)
            }
            _ => (epoch - 1, Log::new(epoch)),
        };
        let shared = usize::try_from(fork).map_err(|_| Error::Internal)?.saturating_add(1);
        let own = self.log.entries().zip(self.log.hashes()).take(shared);
        let state = replay(own.chain(log.entries().zip(log.hashes())))?;
        Ok(Branch { log, fork, state })
    }

    fn room_for(&self, bytes: usize) -> Result<()> {
        if self.log_len(0).saturating_add(bytes) > LOG_MAX { Err(Error::LimitReached) } else { Ok(()) }
    }

    fn extend(&mut self, entry: &Entry<'_>, hash: [u8; 32], change: Change) {
        self.log.push(entry.bytes, hash);
        self.state.make(change, hash);
        self.drop_settled();
    }

    /// Forgets branches that were rejected, and all once the group has ended.
    fn drop_settled(&mut self) {
        let State { rejected, deleted, .. } = &self.state;
        self.branches.retain(|branch| !deleted && branch.root().is_some_and(|root| !rejected.contains(root)));
    }

    /// Goes on with a branch if its newest entry is a resolve that rejects the roster's own history, and who signed
    /// it is an owner in that history too: else somebody who lost that role could still undo its loss. What an
    /// earlier resolve rejected does not count, or any later entry of an owner would complete it.
    fn turn_if_settled(&mut self, at: usize, newest: &EntryFields<'_>) {
        let Action::Resolve { rejected, .. } = &newest.action else { return };
        let is_owner_here = self.state.members.get(newest.actor).is_some_and(|member: &Member| {
            member.role() == Role::Owner && member.fingerprint().as_bytes() == newest.actor_fingerprint
        });
        let rejects_own = self.branches.get(at).is_some_and(|branch| {
            let own = self.log.hash_at(branch.fork + 1);
            own.is_some_and(|own| rejected.contains(&own))
        });
        if is_owner_here && rejects_own {
            self.turn_to(at);
        }
    }

    fn turn_to(&mut self, at: usize) {
        let turned = self.branches.remove(at);
        let left = self.log.split_off(turned.fork + 1);
        self.log.append(&turned.log);
        let branches = core::mem::take(&mut self.branches);
        self.branches = branches.into_iter().map(|branch| branch.seen_from(&turned, &left)).collect();
        self.state = turned.state;
        self.drop_settled();
    }
}

pub(super) fn entry_hash(entry: &Entry<'_>) -> [u8; 32] {
    kdf::hash(Label::Entry, &[entry.bytes])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::rng::scripted::ScriptedRandom;
    use crate::identity::{Identity, IdentityOptions};
    use crate::roster::RosterPolicy;

    #[test]
    fn what_a_further_branch_repeats_of_another_counts_against_the_log() {
        let mut rng = ScriptedRandom::new("branches");
        let owner = Identity::generate(&mut rng, "owner", IdentityOptions::default(), 0).unwrap();
        let other = Identity::generate(&mut rng, "other", IdentityOptions::default(), 0).unwrap();
        let cards = [other.card().clone()];
        let mut roster = Roster::create(&owner, "", &cards, RosterPolicy::default(), 0, &mut rng).unwrap();
        let mut entry =
            |roster: &Roster, role| roster.propose_role(&owner, "other", role, 0, &mut rng).unwrap();
        let (own, first) = (entry(&roster, Role::Admin), entry(&roster, Role::Owner));
        let mut branch = roster.clone();
        branch.apply(&first, 0).unwrap();
        let (second, again) = (entry(&branch, Role::Admin), entry(&branch, Role::Member));
        roster.apply(&own, 0).unwrap();
        assert_eq!(roster.apply(&first, 0), Err(Error::RosterForked));
        assert_eq!(roster.apply(&second, 0), Err(Error::RosterForked));

        // Just the room for the entry itself.
        let filler = LOG_MAX - roster.log_len(0) - again.len();
        roster.log.push(&vec![0; filler], [0; 32]);
        assert_eq!(roster.apply(&again, 0), Err(Error::LimitReached));
        assert!(roster.log_len(0) <= LOG_MAX);
    }
}
