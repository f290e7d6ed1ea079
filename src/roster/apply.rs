//! How entries get in (`docs/PROTOCOL.md` sections 7.2 and 7.3).

use crate::crypto::kdf::{self, Label};
use crate::error::{Error, Result};
use crate::limits::{LOG_MAX, ROSTER_BRANCHES_MAX};
use crate::roster::Roster;
use crate::roster::branch::{Branch, replay};
use crate::roster::log::Log;
use crate::roster::state::{Change, Proof, State};
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

/// Where an entry that is not held belongs, found without changing anything.
enum Judged {
    /// After the head.
    Follows(Change),
    /// After the head of a branch.
    FollowsBranch(usize, Change),
    /// Within a history: it ends this new branch.
    Competes(Box<Branch>),
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
            [(entry, hash)] => {
                let judged = self.judge(entry, hash)?;
                branched |= self.take_live(entry, *hash, judged)?;
            }
            [(entry, hash), others @ ..] => {
                // Nothing is copied for those who cannot sign.
                let judged = self.judge(entry, hash)?;
                let mut draft = self.clone();
                branched |= draft.take_live(entry, *hash, judged)?;
                for (entry, hash) in others {
                    branched |= match draft.holds(&entry.fields, hash)? {
                        Some(in_branch) => in_branch,
                        None => {
                            let judged = draft.judge(entry, hash)?;
                            draft.take_live(entry, *hash, judged)?
                        }
                    };
                }
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

    /// Whether the log or a branch holds this entry already.
    #[must_use]
    pub fn has(&self, entry: &Entry<'_>) -> bool {
        matches!(self.holds(&entry.fields, &entry_hash(entry)), Ok(Some(_)))
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

    /// Takes an entry of a stored log, whose first history is the own one: which of them that is was decided when
    /// its entries arrived, and is not decided again.
    pub(super) fn take_stored(&mut self, entry: &Entry<'_>, hash: [u8; 32]) -> Result<()> {
        if self.holds(&entry.fields, &hash)?.is_none() {
            let judged = self.judge(entry, &hash)?;
            self.take(entry, hash, judged)?;
        }
        Ok(())
    }

    /// Takes an entry that just arrived, and turns to the branch that it settles for; whether it was of a branch.
    fn take_live(&mut self, entry: &Entry<'_>, hash: [u8; 32], judged: Judged) -> Result<bool> {
        let branch = self.take(entry, hash, judged)?;
        if let Some(at) = branch {
            self.turn_if_settled(at, &entry.fields);
        }
        Ok(branch.is_some())
    }

    /// Takes an entry where it was judged to belong; in which branch that is, if any.
    fn take(&mut self, entry: &Entry<'_>, hash: [u8; 32], judged: Judged) -> Result<Option<usize>> {
        Ok(match judged {
            Judged::Follows(change) => {
                self.extend(entry, hash, change);
                None
            }
            Judged::FollowsBranch(at, change) => {
                let branch = self.branches.get_mut(at).ok_or(Error::Internal)?;
                branch.state.make(change, hash);
                branch.log.push(entry.bytes, hash);
                Some(at)
            }
            Judged::Competes(branch) => {
                self.branches.push(*branch);
                Some(self.branches.len() - 1)
            }
        })
    }

    /// Checks one entry that is not held.
    fn judge(&self, entry: &Entry<'_>, hash: &[u8; 32]) -> Result<Judged> {
        let fields = &entry.fields;
        if self.state.deleted {
            return Err(Error::GroupDeleted);
        }
        let place =
            self.place_of(fields.epoch.saturating_sub(1), fields.previous).ok_or(Error::RosterBehind)?;
        let proof = Proof::Signature(entry);
        let judged = match place {
            Place::Head => Judged::Follows(self.state.check(fields, &proof)?),
            Place::BranchHead(at) => {
                let branch = self.branches.get(at).ok_or(Error::Internal)?;
                Judged::FollowsBranch(at, branch.state.check(fields, &proof)?)
            }
            Place::Inside | Place::BranchInside(_) => {
                // A branch is rejected by its first entry: none that is held starts with such a one.
                if matches!(place, Place::Inside) && self.state.rejected.contains(hash) {
                    return Err(Error::StaleEpoch);
                }
                if self.branches.len() >= ROSTER_BRANCHES_MAX {
                    return Err(Error::LimitReached);
                }
                // To know the members of that place costs a walk through the log: not for strangers.
                proof.verify(&self.state_at_head(place)?.signer(fields)?)?;
                let mut branch = self.branch_at(place, fields.epoch)?;
                let change = branch.state.check(fields, &Proof::Known)?;
                // What it shares with another branch is held, and stored, once for each.
                self.room_for(branch.log.len().saturating_add(entry.bytes.len()))?;
                branch.state.make(change, *hash);
                branch.log.push(entry.bytes, *hash);
                return Ok(Judged::Competes(Box::new(branch)));
            }
        };
        self.room_for(entry.bytes.len())?;
        Ok(judged)
    }

    /// The membership at the head of the history that this place is in.
    fn state_at_head(&self, place: Place) -> Result<&State> {
        match place {
            Place::Head | Place::Inside => Ok(&self.state),
            Place::BranchHead(at) | Place::BranchInside(at) => {
                self.branches.get(at).map(|branch| &branch.state).ok_or(Error::Internal)
            }
        }
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
        let is_owner_here = self.state.members.get(newest.actor).is_some_and(|member| {
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
    fn a_competing_entry_of_a_stranger_is_refused_before_the_log_is_read() {
        let mut rng = ScriptedRandom::new("strangers");
        let mut person = |user| Identity::generate(&mut rng, user, IdentityOptions::default(), 0).unwrap();
        let (owner, gone, spy) = (person("owner"), person("gone"), person("spy"));
        let namesake = person("owner");
        let cards = [gone.card().clone()];
        let mut roster = Roster::create(&owner, "", &cards, RosterPolicy::default(), 0, &mut rng).unwrap();
        let place = roster.clone();
        for _ in 0..2 {
            let role = roster.propose_role(&owner, "owner", Role::Owner, 0, &mut rng).unwrap();
            roster.apply(&role, 0).unwrap();
        }
        roster.apply(&roster.propose_remove(&owner, "gone", 0, &mut rng).unwrap(), 0).unwrap();

        // The same hashes over bytes that nobody can read: whoever replays them fails.
        let mut unread = Log::new(0);
        roster.log.hashes().for_each(|hash| unread.push(b"?", *hash));
        roster.log = unread;
        let unreadable = roster.clone();
        let signed = |actor: &Identity, signer: &Identity| {
            let (fingerprint, mut bytes) = (actor.fingerprint(), Vec::new());
            let fields = EntryFields {
                group_id: &place.state.group_id,
                epoch: 1,
                previous: &place.state.head,
                actor: actor.user(),
                actor_fingerprint: fingerprint.as_bytes(),
                timestamp_ms: 0,
                action: Action::Leave,
            };
            fields.put(&mut bytes).unwrap();
            let mut rng = ScriptedRandom::new("signature");
            bytes.extend(signer.sign(&mut rng, Label::Roster, &[&bytes]).unwrap());
            bytes
        };
        for (entry, expected) in [
            (signed(&spy, &spy), Error::NotAMember),
            (signed(&namesake, &namesake), Error::NotAMember),
            (signed(&owner, &spy), Error::AuthenticationFailed),
            (signed(&gone, &spy), Error::AuthenticationFailed),
            (signed(&gone, &gone), Error::Malformed),
            (signed(&owner, &owner), Error::Malformed),
        ] {
            assert_eq!(roster.apply(&entry, 0), Err(expected));
            assert_eq!(roster.apply(&[entry, signed(&spy, &owner)].concat(), 0), Err(expected));
            assert_eq!(roster, unreadable);
        }
    }

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
