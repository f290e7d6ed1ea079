//! Proposals of roster entries. Each makes one and changes nothing.

use core::ffi::{c_char, c_void};

use super::argument::{BytesOut, Outputs};
use super::cell::{self, ConstHandle};
use super::guard::guard;
use super::identity::sealwax_identity;
use super::lock::lock;
use super::roster::{CARDS_MAX, sealwax_roster};
use super::status::{Status, sealwax_status};
use crate::crypto::rng::SystemRandom;
use crate::error::Result;
use crate::identity::{Card, Identity};
use crate::limits;
use crate::roster::Roster;
use crate::wire::roster::Role;

const HASH_LEN: usize = 32;

/// @section Roster proposals: entries to be signed and settled
///
/// Proposes to add members. A proposal changes nothing: send it to the relay, which takes the first one of an
/// epoch, and apply it with sealwax_roster_apply() once it is accepted. Whether a card belongs to whom it says
/// is for the actor to know: all others take its word.
///
/// @param roster        the roster; it does not change
/// @param actor         who adds them: the policy's "add_role" or higher
/// @param cards         their cards, one after another
/// @param cards_len     bytes of them
/// @param role          one of SEALWAX_ROLE_MEMBER, SEALWAX_ROLE_ADMIN, SEALWAX_ROLE_OWNER, for all of them;
///                      other roles than member are an owner's to give
/// @param now_ms        the time
/// @param out           the entry
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of the entry
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              cards are longer than those of a whole group
/// @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
/// @retval SEALWAX_INVALID_ARGUMENT       no card, or role is not a role
/// @retval SEALWAX_INVALID_HANDLE         roster or actor is not one that is open
/// @retval SEALWAX_POISONED               one of the objects broke; free it
/// @retval SEALWAX_FORKED                 a handle belongs to the parent process; free it
/// @retval SEALWAX_MALFORMED              not cards, or a user is named twice or a member already
/// @retval SEALWAX_UNSUPPORTED_VERSION    a card of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE      a card of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_KIND             another object than a card
/// @retval SEALWAX_AUTHENTICATION_FAILED  the signature of a card does not hold
/// @retval SEALWAX_NOT_A_MEMBER           actor is no member under this identity
/// @retval SEALWAX_NOT_PERMITTED          actor may not add, or not in this role
/// @retval SEALWAX_LIMIT_REACHED          more than 10,000 members, or the log is full
/// @retval SEALWAX_ROSTER_FORKED          the roster is forked: an owner must resolve first
/// @retval SEALWAX_GROUP_DELETED          the group has ended
/// @retval SEALWAX_BUFFER_TOO_SMALL       *out_len is the size that would do
/// @retval SEALWAX_INTERNAL               the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_roster_propose_add(
    roster: *const sealwax_roster,
    actor: *const sealwax_identity,
    cards: *const c_void,
    cards_len: usize,
    role: u32,
    now_ms: u64,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        let inputs = outputs.inputs()?;
        let cards = inputs.bytes(cards, cards_len, CARDS_MAX)?;
        let parties = Parties::resolve(roster, actor)?;
        let role = role_of(role)?;
        let cards = Card::parse_many(cards)?;
        parties
            .propose(out, |roster, actor| roster.propose_add(actor, &cards, role, now_ms, &mut SystemRandom))
    })
}

/// Proposes that the actor itself becomes a member of an open group.
///
/// @param roster        the roster; it does not change
/// @param actor         who joins
/// @param now_ms        the time
/// @param out           the entry
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of the entry
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE    roster or actor is not one that is open
/// @retval SEALWAX_POISONED          one of the objects broke; free it
/// @retval SEALWAX_FORKED            a handle belongs to the parent process; free it
/// @retval SEALWAX_MALFORMED         actor is a member already
/// @retval SEALWAX_NOT_PERMITTED     the group is not open
/// @retval SEALWAX_LIMIT_REACHED     more than 10,000 members, or the log is full
/// @retval SEALWAX_ROSTER_FORKED     the roster is forked: an owner must resolve first
/// @retval SEALWAX_GROUP_DELETED     the group has ended
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
/// @retval SEALWAX_INTERNAL          the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_roster_propose_join(
    roster: *const sealwax_roster,
    actor: *const sealwax_identity,
    now_ms: u64,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        outputs.inputs()?;
        Parties::resolve(roster, actor)?
            .propose(out, |roster, actor| roster.propose_join(actor, now_ms, &mut SystemRandom))
    })
}

/// Proposes to remove another member. Applied, it ends that member's keys at once, and all senders must rotate.
///
/// @param roster        the roster; it does not change
/// @param actor         who removes: an owner, or an admin if user is a member without a higher role
/// @param user          who goes
/// @param user_len      bytes of it
/// @param now_ms        the time
/// @param out           the entry
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of the entry
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         user is too long
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT      user is not UTF-8
/// @retval SEALWAX_INVALID_HANDLE    roster or actor is not one that is open
/// @retval SEALWAX_POISONED          one of the objects broke; free it
/// @retval SEALWAX_FORKED            a handle belongs to the parent process; free it
/// @retval SEALWAX_NOT_A_MEMBER      actor is no member under this identity, or user is none
/// @retval SEALWAX_NOT_PERMITTED     user's role forbids it, or user is the actor: sealwax_roster_propose_leave()
/// @retval SEALWAX_ROSTER_FORKED     the roster is forked: an owner must resolve first
/// @retval SEALWAX_GROUP_DELETED     the group has ended
/// @retval SEALWAX_LIMIT_REACHED     the log is full
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
/// @retval SEALWAX_INTERNAL          the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_roster_propose_remove(
    roster: *const sealwax_roster,
    actor: *const sealwax_identity,
    user: *const c_char,
    user_len: usize,
    now_ms: u64,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        let inputs = outputs.inputs()?;
        let user = inputs.text(user, user_len, limits::NAME_MAX)?;
        Parties::resolve(roster, actor)?
            .propose(out, |roster, actor| roster.propose_remove(actor, user, now_ms, &mut SystemRandom))
    })
}

/// Proposes that the actor leaves. The last owner hands over or deletes the group instead.
///
/// @param roster        the roster; it does not change
/// @param actor         who leaves
/// @param now_ms        the time
/// @param out           the entry
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of the entry
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE    roster or actor is not one that is open
/// @retval SEALWAX_POISONED          one of the objects broke; free it
/// @retval SEALWAX_FORKED            a handle belongs to the parent process; free it
/// @retval SEALWAX_NOT_A_MEMBER      actor is no member under this identity
/// @retval SEALWAX_NOT_PERMITTED     actor is the last owner
/// @retval SEALWAX_ROSTER_FORKED     the roster is forked: an owner must resolve first
/// @retval SEALWAX_GROUP_DELETED     the group has ended
/// @retval SEALWAX_LIMIT_REACHED     the log is full
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
/// @retval SEALWAX_INTERNAL          the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_roster_propose_leave(
    roster: *const sealwax_roster,
    actor: *const sealwax_identity,
    now_ms: u64,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        outputs.inputs()?;
        Parties::resolve(roster, actor)?
            .propose(out, |roster, actor| roster.propose_leave(actor, now_ms, &mut SystemRandom))
    })
}

/// Proposes to give a member a role.
///
/// @param roster        the roster; it does not change
/// @param actor         an owner
/// @param user          who gets it; the actor itself too
/// @param user_len      bytes of it
/// @param role          one of SEALWAX_ROLE_MEMBER, SEALWAX_ROLE_ADMIN, SEALWAX_ROLE_OWNER
/// @param now_ms        the time
/// @param out           the entry
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of the entry
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         user is too long
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT      user is not UTF-8
/// @retval SEALWAX_INVALID_ARGUMENT  role is not a role
/// @retval SEALWAX_INVALID_HANDLE    roster or actor is not one that is open
/// @retval SEALWAX_POISONED          one of the objects broke; free it
/// @retval SEALWAX_FORKED            a handle belongs to the parent process; free it
/// @retval SEALWAX_NOT_A_MEMBER      actor is no member under this identity, or user is none
/// @retval SEALWAX_NOT_PERMITTED     actor is no owner, or user is the last one
/// @retval SEALWAX_ROSTER_FORKED     the roster is forked: an owner must resolve first
/// @retval SEALWAX_GROUP_DELETED     the group has ended
/// @retval SEALWAX_LIMIT_REACHED     the log is full
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
/// @retval SEALWAX_INTERNAL          the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_roster_propose_role(
    roster: *const sealwax_roster,
    actor: *const sealwax_identity,
    user: *const c_char,
    user_len: usize,
    role: u32,
    now_ms: u64,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        let inputs = outputs.inputs()?;
        let user = inputs.text(user, user_len, limits::NAME_MAX)?;
        let parties = Parties::resolve(roster, actor)?;
        let role = role_of(role)?;
        parties
            .propose(out, |roster, actor| roster.propose_role(actor, user, role, now_ms, &mut SystemRandom))
    })
}

/// Proposes new keys for a member who has a new identity under the same user id. The role stays. Whoever held keys
/// of the old identity sees SEALWAX_IDENTITY_CHANGED until it accepts the new one.
///
/// @param roster        the roster; it does not change
/// @param actor         the member under its old identity, or whoever may remove it
/// @param card          the new card
/// @param card_len      bytes of it
/// @param now_ms        the time
/// @param out           the entry
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of the entry
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              longer than any card
/// @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE         roster or actor is not one that is open
/// @retval SEALWAX_POISONED               one of the objects broke; free it
/// @retval SEALWAX_FORKED                 a handle belongs to the parent process; free it
/// @retval SEALWAX_MALFORMED              not a card, or the member has these keys already
/// @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_KIND             another object than a card
/// @retval SEALWAX_AUTHENTICATION_FAILED  its signature does not hold
/// @retval SEALWAX_NOT_A_MEMBER           actor is no member under this identity, or the card's user is none
/// @retval SEALWAX_NOT_PERMITTED          actor may not do that
/// @retval SEALWAX_ROSTER_FORKED          the roster is forked: an owner must resolve first
/// @retval SEALWAX_GROUP_DELETED          the group has ended
/// @retval SEALWAX_LIMIT_REACHED          the log is full
/// @retval SEALWAX_BUFFER_TOO_SMALL       *out_len is the size that would do
/// @retval SEALWAX_INTERNAL               the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_roster_propose_replace(
    roster: *const sealwax_roster,
    actor: *const sealwax_identity,
    card: *const c_void,
    card_len: usize,
    now_ms: u64,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        let inputs = outputs.inputs()?;
        let card = inputs.bytes(card, card_len, limits::CARD_MAX)?;
        let parties = Parties::resolve(roster, actor)?;
        let card = Card::parse(card)?;
        parties.propose(out, |roster, actor| roster.propose_replace(actor, &card, now_ms, &mut SystemRandom))
    })
}

/// Proposes to end the group. Nothing can follow.
///
/// @param roster        the roster; it does not change
/// @param actor         an owner
/// @param now_ms        the time
/// @param out           the entry
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of the entry
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE    roster or actor is not one that is open
/// @retval SEALWAX_POISONED          one of the objects broke; free it
/// @retval SEALWAX_FORKED            a handle belongs to the parent process; free it
/// @retval SEALWAX_NOT_A_MEMBER      actor is no member under this identity
/// @retval SEALWAX_NOT_PERMITTED     actor is no owner
/// @retval SEALWAX_ROSTER_FORKED     the roster is forked: an owner must resolve first
/// @retval SEALWAX_GROUP_DELETED     the group has ended
/// @retval SEALWAX_LIMIT_REACHED     the log is full
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
/// @retval SEALWAX_INTERNAL          the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_roster_propose_delete(
    roster: *const sealwax_roster,
    actor: *const sealwax_identity,
    now_ms: u64,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        outputs.inputs()?;
        Parties::resolve(roster, actor)?
            .propose(out, |roster, actor| roster.propose_delete(actor, now_ms, &mut SystemRandom))
    })
}

/// Proposes which of the histories of a forked roster goes on. All others that are known here are rejected for
/// good.
///
/// @param roster        the roster; it does not change
/// @param actor         an owner in the chosen history and in the one that this roster follows
/// @param chosen        the hash of its newest entry: "hash", or the "head" of a branch, in sealwax_roster_info()
/// @param chosen_len    32
/// @param now_ms        the time
/// @param out           the entry
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of the entry
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         chosen_len is above 32
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_ARGUMENT  chosen_len is below 32, the roster is not forked, or has no such history
/// @retval SEALWAX_INVALID_HANDLE    roster or actor is not one that is open
/// @retval SEALWAX_POISONED          one of the objects broke; free it
/// @retval SEALWAX_FORKED            a handle belongs to the parent process; free it
/// @retval SEALWAX_NOT_A_MEMBER      actor is no member of the chosen history
/// @retval SEALWAX_NOT_PERMITTED     actor is no owner in both
/// @retval SEALWAX_GROUP_DELETED     the group has ended
/// @retval SEALWAX_LIMIT_REACHED     the log is full
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
/// @retval SEALWAX_INTERNAL          the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_roster_propose_resolve(
    roster: *const sealwax_roster,
    actor: *const sealwax_identity,
    chosen: *const c_void,
    chosen_len: usize,
    now_ms: u64,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        let inputs = outputs.inputs()?;
        let chosen = inputs.exactly::<HASH_LEN>(chosen, chosen_len)?;
        Parties::resolve(roster, actor)?
            .propose(out, |roster, actor| roster.propose_resolve(actor, chosen, now_ms, &mut SystemRandom))
    })
}

/// What all proposals name: a roster, and who proposes. Numbers and content are looked at after these handles.
struct Parties {
    roster: ConstHandle<Roster>,
    actor: ConstHandle<Identity>,
}

impl Parties {
    fn resolve(
        roster: *const sealwax_roster,
        actor: *const sealwax_identity,
    ) -> core::result::Result<Self, Status> {
        Ok(Self { roster: cell::shared(roster)?, actor: cell::shared(actor)? })
    }

    fn propose(
        &self,
        out: BytesOut,
        make: impl FnOnce(&Roster, &Identity) -> Result<Vec<u8>>,
    ) -> core::result::Result<(), Status> {
        let (roster, actor) = lock((&self.roster, &self.actor))?;
        out.put(&make(&roster, &actor)?)
    }
}

pub(super) fn role_of(role: u32) -> core::result::Result<Role, Status> {
    let role = u8::try_from(role).ok().and_then(|role| Role::try_from(role).ok());
    role.ok_or(Status::INVALID_ARGUMENT)
}
