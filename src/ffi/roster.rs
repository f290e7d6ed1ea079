//! Rosters.

use core::ffi::{c_char, c_void};
use std::sync::{Mutex, PoisonError, Weak};

use serde_json::{Value, json};

use super::argument::{HandleOut, Outputs};
use super::cell::{self, Object, Opaque};
use super::guard::guard;
use super::identity::sealwax_identity;
use super::options::{Choice, Flag, Table};
use super::sizes::SEALWAX_GROUP_ID_LEN;
use super::status::sealwax_status;
use crate::crypto::rng::SystemRandom;
use crate::error::Error;
use crate::identity::Card;
use crate::json::{hex, integer, text};
use crate::limits;
use crate::roster::{Roster, RosterPolicy};
use crate::wire::roster::Role;

/// The signed membership log of one group. It holds no key.
#[allow(non_camel_case_types, reason = "the name in the C header")]
pub struct sealwax_roster(());

impl Object for Roster {
    type Links = Dependants;
}

impl Opaque for sealwax_roster {
    type Object = Roster;
}

/// What follows a roster: it is told of every change before the call that made it returns.
pub(super) trait RosterDependant: Send + Sync {
    /// Does what the roster now asks for. The roster is not locked.
    fn sync(&self, now_ms: u64);
}

/// Objects that were made from a roster and live.
#[derive(Default)]
pub(super) struct Dependants(Mutex<Vec<Weak<dyn RosterDependant>>>);

impl Dependants {
    /// Adds one; it leaves by itself when it is gone.
    pub(super) fn enlist(&self, dependant: Weak<dyn RosterDependant>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|one| one.strong_count() > 0);
        all.push(dependant);
    }

    /// Tells all. Its own lock is not held meanwhile: a dependant locks itself and the roster.
    fn sync(&self, now_ms: u64) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for dependant in all.iter().filter_map(Weak::upgrade) {
            dependant.sync(now_ms);
        }
    }
}

/// @section Roles of a group's members
///
/// Reads and writes.
pub const SEALWAX_ROLE_MEMBER: u32 = 1;
/// Also adds and removes members.
pub const SEALWAX_ROLE_ADMIN: u32 = 2;
/// Also gives roles, settles forks and deletes the group.
pub const SEALWAX_ROLE_OWNER: u32 = 3;

const _: () = {
    assert!(SEALWAX_ROLE_MEMBER == Role::Member as u32);
    assert!(SEALWAX_ROLE_ADMIN == Role::Admin as u32);
    assert!(SEALWAX_ROLE_OWNER == Role::Owner as u32);
};

const OPEN: Flag = Flag { name: "open", default: false };
const ADD_ROLE: Choice<Role> = Choice {
    name: "add_role",
    default: ("admin", Role::Admin),
    others: &[("member", Role::Member), ("owner", Role::Owner)],
};

/// Of `sealwax_roster_create`.
pub(super) static OPTIONS: Table = Table { functions: &["sealwax_roster_create"], keys: &[&OPEN, &ADD_ROLE] };

/// Bytes of the cards of a whole group.
pub(super) const CARDS_MAX: usize = limits::CARD_MAX * limits::GROUP_MEMBERS_MAX;

/// @section Rosters: who is in a group, proven by signatures
///
/// Founds a group. The identity becomes its owner, the others become members. The create entry is the log so far:
/// hand sealwax_roster_log() to the relay and to the members.
///
/// @param identity      the owner
/// @param label         what people call the group, up to SEALWAX_NAME_MAX bytes under the rules of user ids; may
///                      be empty; it identifies nothing
/// @param label_len     bytes of it
/// @param cards         cards of the first members, one after another; empty for none
/// @param cards_len     bytes of them
/// @param options       JSON: "open" (false): anybody may join, and so may the relay; "add_role" ("admin"): the
///                      lowest of "member", "admin", "owner" that may add members; may be NULL if options_len is 0
/// @param options_len   bytes of them
/// @param now_ms        the time
/// @param out_roster    the roster; sealwax_roster_free() ends it
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              label, cards or options are too long
/// @retval SEALWAX_BUFFER_OVERLAP         the output overlaps an input
/// @retval SEALWAX_INVALID_TEXT           label holds what a user id may not hold, or an input is not UTF-8
/// @retval SEALWAX_INVALID_OPTIONS        sealwax_options_check() says why
/// @retval SEALWAX_INVALID_ARGUMENT       a user is named twice, or the owner is among the cards
/// @retval SEALWAX_INVALID_HANDLE         identity is not one that is open
/// @retval SEALWAX_POISONED               the identity broke; free it
/// @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
/// @retval SEALWAX_MALFORMED              not cards
/// @retval SEALWAX_UNSUPPORTED_VERSION    a card of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE      a card of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_KIND             another object than a card
/// @retval SEALWAX_AUTHENTICATION_FAILED  the signature of a card does not hold
/// @retval SEALWAX_LIMIT_REACHED          more than 10,000 members, or too many handles are open
/// @retval SEALWAX_INTERNAL               the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_roster_create(
    identity: *const sealwax_identity,
    label: *const c_char,
    label_len: usize,
    cards: *const c_void,
    cards_len: usize,
    options: *const c_char,
    options_len: usize,
    now_ms: u64,
    out_roster: *mut *mut sealwax_roster,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_roster> = outputs.handle(out_roster);
        let inputs = outputs.inputs()?;
        let label = inputs.text(label, label_len, limits::NAME_MAX)?;
        let cards = inputs.bytes(cards, cards_len, CARDS_MAX)?;
        let options = inputs.text(options, options_len, limits::OPTIONS_MAX)?;
        let identity = cell::shared(identity)?;
        let options = OPTIONS.parse(options)?;
        let policy = RosterPolicy { open: options.get(&OPEN), add_role: options.get(&ADD_ROLE) };
        let cards = Card::parse_many(cards)?;
        let identity = identity.lock()?;
        let roster = Roster::create(&identity, label, &cards, policy, now_ms, &mut SystemRandom)?;
        out.reserve()?.put(roster, Dependants::default());
        Ok(())
    })
}

/// Opens a log and checks every entry of it, from the first one on. What comes from a stranger proves itself, but
/// not that it is the group that was meant: compare the group id with the one that a member gave.
///
/// @param log           entries one after another: what sealwax_roster_log() gave from epoch 0
/// @param log_len       bytes of them
/// @param out_roster    the roster, forked if the log holds two histories; sealwax_roster_free() ends it
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              a log or an entry beyond its limit
/// @retval SEALWAX_BUFFER_OVERLAP         the output overlaps the input
/// @retval SEALWAX_MALFORMED              not a log that starts with a create entry, or an entry makes no sense
/// @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_KIND             another object than a roster entry
/// @retval SEALWAX_WRONG_GROUP            entries of two groups
/// @retval SEALWAX_AUTHENTICATION_FAILED  a signature does not hold
/// @retval SEALWAX_NOT_A_MEMBER           an entry by, or about, somebody who was no member
/// @retval SEALWAX_NOT_PERMITTED          an entry by somebody without the right
/// @retval SEALWAX_ROSTER_BEHIND          an entry in between is missing
/// @retval SEALWAX_STALE_EPOCH            an entry of a branch that the log has settled against
/// @retval SEALWAX_GROUP_DELETED          an entry after the group's end
/// @retval SEALWAX_LIMIT_REACHED          too many members or branches, or too many handles are open
/// @retval SEALWAX_INTERNAL               the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_roster_open(
    log: *const c_void,
    log_len: usize,
    out_roster: *mut *mut sealwax_roster,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_roster> = outputs.handle(out_roster);
        let inputs = outputs.inputs()?;
        let roster = Roster::open(inputs.bytes(log, log_len, limits::LOG_MAX)?)?;
        out.reserve()?.put(roster, Dependants::default());
        Ok(())
    })
}

/// Ends the handle. Senders and receivers made from the roster keep it as it is.
///
/// @param roster        the roster, or NULL
///
/// @retval SEALWAX_INVALID_HANDLE  roster is not one that is open
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealwax_roster_free(roster: *mut sealwax_roster) -> sealwax_status {
    guard(|| cell::free(roster))
}

/// Takes entries, which are the only way in. Entries that are held already change nothing; of the others all or
/// none are taken. Before it returns, every sender and receiver made from this roster has followed: senders ask
/// for rotation, receivers have wiped the keys that a removed member sent with. Whoever is removed itself still
/// opens what was sent before.
///
/// @param roster        the roster
/// @param entries       one or several entries, one after another
/// @param entries_len   bytes of them
/// @param now_ms        the time
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              more than a whole log, or an entry beyond its limit
/// @retval SEALWAX_INVALID_HANDLE         roster is not one that is open
/// @retval SEALWAX_POISONED               the roster broke; free it
/// @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
/// @retval SEALWAX_MALFORMED              not roster entries, or one makes no sense
/// @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_KIND             another object than a roster entry
/// @retval SEALWAX_WRONG_GROUP            of another group
/// @retval SEALWAX_AUTHENTICATION_FAILED  a signature does not hold
/// @retval SEALWAX_NOT_A_MEMBER           by, or about, somebody who is no member
/// @retval SEALWAX_NOT_PERMITTED          by somebody without the right
/// @retval SEALWAX_ROSTER_BEHIND          an entry before it is missing: fetch the log from "epoch" + 1, or from 0
/// @retval SEALWAX_STALE_EPOCH            of a branch that a resolve has rejected
/// @retval SEALWAX_ROSTER_FORKED          the only failure that changes the roster: all entries were taken, one of
///                                        them competes with another; sealwax_roster_info() shows the
///                                        branches, keys go only to members of all until an owner resolves
/// @retval SEALWAX_GROUP_DELETED          the group has ended
/// @retval SEALWAX_LIMIT_REACHED          more members, branches or entries than a roster may hold
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_roster_apply(
    roster: *mut sealwax_roster,
    entries: *const c_void,
    entries_len: usize,
    now_ms: u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let inputs = unsafe { Outputs::new() }.inputs()?;
        let entries = inputs.bytes(entries, entries_len, limits::LOG_MAX)?;
        let roster = cell::exclusive(roster)?;
        // A fork is a change too: it counts as one, its followers see it, and only then is it a refusal.
        let forked = roster.lock()?.update(|roster| match roster.apply(entries, now_ms) {
            Err(Error::RosterForked) => Ok(true),
            applied => applied.map(|_| false),
        })?;
        roster.links().sync(now_ms);
        if forked { Err(Error::RosterForked.into()) } else { Ok(()) }
    })
}

/// Gives entries to store, or to hand to another member or a relay: the roster's own history from an epoch on, then
/// every competing branch.
///
/// @param roster        the roster
/// @param from_epoch    the first epoch to give; 0 for the whole log, as sealwax_roster_open() takes it
/// @param out           the entries, one after another; empty if there is nothing from that epoch on
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of the entries
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
/// @retval SEALWAX_INVALID_HANDLE    roster is not one that is open
/// @retval SEALWAX_POISONED          the roster broke; free it
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_roster_log(
    roster: *const sealwax_roster,
    from_epoch: u64,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        outputs.inputs()?;
        let roster = cell::shared(roster)?;
        let roster = roster.lock()?;
        let mut out = out.reserve(roster.log_len(from_epoch))?;
        let log = roster.log(from_epoch);
        out.buffer().copy_from_slice(&log);
        out.finish(log.len())
    })
}

/// Gives the group's id: the hash of its create entry, fixed for its whole life.
///
/// @param roster        the roster
/// @param out_id        SEALWAX_GROUP_ID_LEN bytes
///
/// @retval SEALWAX_NULL_POINTER      out_id is NULL
/// @retval SEALWAX_INVALID_HANDLE    roster is not one that is open
/// @retval SEALWAX_POISONED          the roster broke; free it
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_roster_group_id(
    roster: *const sealwax_roster,
    out_id: *mut u8,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.array::<SEALWAX_GROUP_ID_LEN>(out_id);
        outputs.inputs()?;
        let roster = cell::shared(roster)?;
        out.put(*roster.lock()?.group_id());
        Ok(())
    })
}

/// Tells who is in the group, and how the log stands.
///
/// @param roster        the roster
/// @param out           JSON: "group_id", "label", "open", "add_role", "epoch" (number of the newest entry), "hash"
///                      (of it), "membership_epoch" (the newest entry that changed who can read), "deleted",
///                      "forked", "branches" (competing histories: "head", "epoch", and "fork_epoch", the last one
///                      in common), "members" (by user id: "user", "fingerprint", "role", "since_epoch"); a role is
///                      "member", "admin" or "owner"
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of JSON, without a NUL
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
/// @retval SEALWAX_INVALID_HANDLE    roster is not one that is open
/// @retval SEALWAX_POISONED          the roster broke; free it
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_roster_info(
    roster: *const sealwax_roster,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        outputs.inputs()?;
        let roster = cell::shared(roster)?;
        let roster = roster.lock()?;
        let json = describe(&roster);
        out.put(text(&json).as_bytes())
    })
}

pub(super) fn describe(roster: &Roster) -> Value {
    let info = roster.info();
    let role = |role: Role| match role {
        Role::Member => "member",
        Role::Admin => "admin",
        Role::Owner => "owner",
    };
    let branches = info.branches.iter().map(|branch| {
        json!({
            "head": hex(&branch.head),
            "epoch": integer(branch.epoch),
            "fork_epoch": integer(branch.fork_epoch),
        })
    });
    let members = info.members.iter().map(|member| {
        json!({
            "user": &**member.user(),
            "fingerprint": hex(member.fingerprint().as_bytes()),
            "role": role(member.role()),
            "since_epoch": integer(member.since_epoch()),
        })
    });
    json!({
        "v": 1,
        "group_id": hex(&info.group_id),
        "label": info.label,
        "open": info.policy.open,
        "add_role": role(info.policy.add_role),
        "epoch": integer(info.epoch),
        "hash": hex(&info.hash),
        "membership_epoch": integer(info.membership_epoch),
        "deleted": info.deleted,
        "forked": !info.branches.is_empty(),
        "branches": branches.collect::<Value>(),
        "members": members.collect::<Value>(),
    })
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Arc, Weak};

    use super::{Dependants, RosterDependant};

    #[derive(Default)]
    struct Told(AtomicU64);

    impl RosterDependant for Told {
        fn sync(&self, now_ms: u64) {
            self.0.store(now_ms, Ordering::Relaxed);
        }
    }

    #[test]
    fn whoever_lives_is_told_and_who_is_gone_leaves() {
        let all = Dependants::default();
        let enlist = |told: &Arc<Told>| {
            let told: Weak<Told> = Arc::downgrade(told);
            all.enlist(told);
        };
        let (one, other) = (Arc::new(Told::default()), Arc::new(Told::default()));
        enlist(&one);
        enlist(&other);
        drop(other);
        all.sync(7);
        assert_eq!(one.0.load(Ordering::Relaxed), 7);
        let third = Arc::new(Told::default());
        enlist(&third);
        assert_eq!(all.0.lock().unwrap().len(), 2);
        all.sync(8);
        assert_eq!([&one, &third].map(|told| told.0.load(Ordering::Relaxed)), [8, 8]);
    }
}
