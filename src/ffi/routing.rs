//! What goes through a relay: envelopes, roster entries, presence, acknowledgements, and what was stored.

use core::ffi::{c_char, c_int, c_void};

use super::argument::{HandleOut, Outputs};
use super::cell;
use super::deliveries::sealwax_deliveries;
use super::guard::guard;
use super::relay::sealwax_relay;
use super::sizes::SEALWAX_GROUP_ID_LEN;
use super::status::sealwax_status;
use super::unlocked::Unlocked;
use crate::limits;

/// The longest name of a record: that of a queued envelope.
const NAME_MAX: usize = limits::NAME_MAX + 32;

/// Takes an envelope from its sender: queues it for its recipients (the peer, or all members of the group but the
/// sender) and delivers it to those who are online.
/// An envelope that is sent again, while it is queued or soon after, changes nothing. A member of a group
/// whose queue is full is passed over, so that nobody can silence a group by not reading;
/// sealwax_relay_info() counts it.
///
/// @param relay           the relay
/// @param user            whom the host has authenticated
/// @param user_len        bytes of it
/// @param envelope        a message of a session or group
/// @param envelope_len    bytes of it
/// @param now_ms          the time
/// @param out_deliveries  what is to be stored and then sent; sealwax_deliveries_free() ends it
///
/// @retval SEALWAX_NULL_POINTER         a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE            an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP       an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT         a user id is not UTF-8
/// @retval SEALWAX_INVALID_HANDLE       relay is not one that is open
/// @retval SEALWAX_FORKED               the handle belongs to the parent process; free it
/// @retval SEALWAX_LIMIT_REACHED        too many handles are open
/// @retval SEALWAX_MALFORMED            not a message of a session or group
/// @retval SEALWAX_UNSUPPORTED_VERSION  of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE    of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_KIND           another object than a message of a session or group
/// @retval SEALWAX_NOT_PERMITTED        its sender is another user
/// @retval SEALWAX_UNKNOWN_USER         the user, or the recipient, has no card here
/// @retval SEALWAX_QUEUE_FULL           the recipient of a session message has too much queued, in all
///                                      or of this sender
/// @retval SEALWAX_UNKNOWN_GROUP        there is no such group
/// @retval SEALWAX_NOT_A_MEMBER         the user is no member
/// @retval SEALWAX_GROUP_DELETED        the group is deleted
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_relay_route(
    relay: *const sealwax_relay,
    user: *const c_char,
    user_len: usize,
    envelope: *const c_void,
    envelope_len: usize,
    now_ms: u64,
    out_deliveries: *mut *mut sealwax_deliveries,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_deliveries> = outputs.handle(out_deliveries);
        let inputs = outputs.inputs()?;
        let user = inputs.text(user, user_len, limits::NAME_MAX)?;
        let envelope = inputs.bytes(envelope, envelope_len, limits::ENVELOPE_MAX)?;
        let relay = cell::shared(relay)?;
        let relay = relay.links();
        let place = out.reserve()?;
        place.put(Unlocked::new(), relay.route(user, envelope, now_ms)?.into());
        Ok(())
    })
}

/// Takes a roster entry from its actor: the first one of an epoch wins. It is delivered to all members before
/// and after it, the actor too. A group's first entry makes the group. An entry that was taken before changes
/// nothing.
///
/// @param relay           the relay
/// @param user            whom the host has authenticated
/// @param user_len        bytes of it
/// @param entry           the entry
/// @param entry_len       bytes of it
/// @param now_ms          the time
/// @param out_deliveries  what is to be stored and then sent; sealwax_deliveries_free() ends it
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE         relay is not one that is open
/// @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
/// @retval SEALWAX_LIMIT_REACHED          too many handles are open, the relay has no room for another group or
///                                        the user has created too many, in all or within a day, or the log none
///                                        for another entry
/// @retval SEALWAX_RATE_LIMITED           too many joined the group within an hour, or the user too often
/// @retval SEALWAX_MALFORMED              not a roster entry
/// @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_KIND             another object than a roster entry
/// @retval SEALWAX_INVALID_TEXT           a user id or label is none
/// @retval SEALWAX_UNKNOWN_USER           the user, or somebody whom the entry brings in, has no card here
/// @retval SEALWAX_IDENTITY_CHANGED       the actor, or somebody whom the entry brings in, is registered with
///                                        another identity
/// @retval SEALWAX_NOT_PERMITTED          the actor is another user, or lacks the right
/// @retval SEALWAX_NOT_A_MEMBER           the actor is no member; it learns no more of a group that is not open
/// @retval SEALWAX_UNKNOWN_GROUP          there is no such group, or it was deleted more than a week ago
/// @retval SEALWAX_STALE_EPOCH            another entry took the epoch; fetch the log and propose anew
/// @retval SEALWAX_ROSTER_BEHIND          the relay lacks the entry before
/// @retval SEALWAX_GROUP_DELETED          the group is deleted
/// @retval SEALWAX_AUTHENTICATION_FAILED  its signature does not hold
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_relay_commit(
    relay: *const sealwax_relay,
    user: *const c_char,
    user_len: usize,
    entry: *const c_void,
    entry_len: usize,
    now_ms: u64,
    out_deliveries: *mut *mut sealwax_deliveries,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_deliveries> = outputs.handle(out_deliveries);
        let inputs = outputs.inputs()?;
        let user = inputs.text(user, user_len, limits::NAME_MAX)?;
        let entry = inputs.bytes(entry, entry_len, limits::ENTRY_MAX)?;
        let relay = cell::shared(relay)?;
        let relay = relay.links();
        let place = out.reserve()?;
        place.put(Unlocked::new(), relay.commit(user, entry, now_ms)?.into());
        Ok(())
    })
}

/// Gives the entries of a group from an epoch on, one after another: as many as fit into 256 KiB, at least
/// one if there is one. For the rest, ask again from the next epoch on. A former member sees up to the entry
/// that ended its membership.
///
/// @param relay         the relay
/// @param user          whom the host has authenticated
/// @param user_len      bytes of it
/// @param group_id      the group
/// @param group_id_len  SEALWAX_GROUP_ID_LEN
/// @param from_epoch    the first epoch; 0 for all
/// @param out           the entries; empty if there are none
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of the entries
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT      a user id is not UTF-8
/// @retval SEALWAX_INVALID_HANDLE    relay is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_ARGUMENT  group_id_len is below SEALWAX_GROUP_ID_LEN
/// @retval SEALWAX_UNKNOWN_USER      user has no card here
/// @retval SEALWAX_UNKNOWN_GROUP     there is no such group
/// @retval SEALWAX_NOT_A_MEMBER      the user was never a member, and the group is not open
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_relay_log(
    relay: *const sealwax_relay,
    user: *const c_char,
    user_len: usize,
    group_id: *const c_void,
    group_id_len: usize,
    from_epoch: u64,
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
        let group_id = inputs.exactly::<SEALWAX_GROUP_ID_LEN>(group_id, group_id_len)?;
        let relay = cell::shared(relay)?;
        let log = relay.links().log(user, group_id, from_epoch)?;
        out.put(&log)
    })
}

/// Notes that a user came or went. One who comes is given everything that is queued and then the end of the
/// queue; from then on what is queued also comes out at once. It stays queued until it is acknowledged: one
/// who comes again is given it again.
///
/// @param relay           the relay
/// @param user            whom the host has authenticated
/// @param user_len        bytes of it
/// @param online          0: went; otherwise: came
/// @param now_ms          the time
/// @param out_deliveries  what is to be stored and then sent; sealwax_deliveries_free() ends it
///
/// @retval SEALWAX_NULL_POINTER    a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE       an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP  an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT    a user id is not UTF-8
/// @retval SEALWAX_INVALID_HANDLE  relay is not one that is open
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
/// @retval SEALWAX_LIMIT_REACHED   too many handles are open
/// @retval SEALWAX_UNKNOWN_USER    user has no card here
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_relay_set_online(
    relay: *const sealwax_relay,
    user: *const c_char,
    user_len: usize,
    online: c_int,
    now_ms: u64,
    out_deliveries: *mut *mut sealwax_deliveries,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_deliveries> = outputs.handle(out_deliveries);
        let inputs = outputs.inputs()?;
        let user = inputs.text(user, user_len, limits::NAME_MAX)?;
        let relay = cell::shared(relay)?;
        let relay = relay.links();
        let place = out.reserve()?;
        place.put(Unlocked::new(), relay.set_online(user, online != 0, now_ms)?.into());
        Ok(())
    })
}

/// Drops what a user has received. A number that was acknowledged before changes nothing.
///
/// @param relay           the relay
/// @param user            whom the host has authenticated
/// @param user_len        bytes of it
/// @param sequence        everything in the user's queue up to and with this one
/// @param now_ms          the time
/// @param out_deliveries  what is to be stored; sealwax_deliveries_free() ends it
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT      a user id is not UTF-8
/// @retval SEALWAX_INVALID_HANDLE    relay is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_LIMIT_REACHED     too many handles are open
/// @retval SEALWAX_UNKNOWN_USER      user has no card here
/// @retval SEALWAX_INVALID_ARGUMENT  sequence was not given out yet
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_relay_acknowledge(
    relay: *const sealwax_relay,
    user: *const c_char,
    user_len: usize,
    sequence: u64,
    now_ms: u64,
    out_deliveries: *mut *mut sealwax_deliveries,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_deliveries> = outputs.handle(out_deliveries);
        let inputs = outputs.inputs()?;
        let user = inputs.text(user, user_len, limits::NAME_MAX)?;
        let relay = cell::shared(relay)?;
        let relay = relay.links();
        let place = out.reserve()?;
        place.put(Unlocked::new(), relay.acknowledge(user, sequence, now_ms)?.into());
        Ok(())
    })
}

/// Makes the relay hold what the store holds under a name. At a start: give it every record, in any order,
/// before anything else. Later: when a record could not be written because another relay had changed it, give
/// it the stored one; write the other records of that call all the same, send none of its deliveries to the
/// users concerned, and make the call again, or after sealwax_relay_receive() end the connection instead. Who is
/// online is not recorded, and an envelope that is sent again after a restart reaches those who lack it.
///
/// A user whose queue gains something by this while it is online, or whose card is deleted or becomes one of
/// another identity, is offline from then on: sealwax_relay_tick() closes its connection. The next one, or
/// sealwax_relay_set_online(), is given all that waits, in its order.
///
/// Several relays on one store: a relay does not look into it, so whatever one of them stores is given to each
/// other one by this, also where nothing was in the way: what it does not know it does not deliver.
///
/// @param relay      the relay
/// @param name       name of the record
/// @param name_len   bytes of it
/// @param value      its value; NULL if nothing is stored under that name
/// @param value_len  bytes of it
/// @param version    its version; 0 if nothing is stored
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              an input is longer than any of its kind
/// @retval SEALWAX_INVALID_TEXT           the name, or a user id in the value, is none
/// @retval SEALWAX_INVALID_ARGUMENT       no record has that name or version
/// @retval SEALWAX_INVALID_HANDLE         relay is not one that is open
/// @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
/// @retval SEALWAX_LIMIT_REACHED          the relay has no room for another user
/// @retval SEALWAX_MALFORMED              not a value of that name
/// @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_KIND             not a value of that name
/// @retval SEALWAX_AUTHENTICATION_FAILED  a signature in it does not hold
/// @retval SEALWAX_STALE_EPOCH            a roster entry that does not follow the others
/// @retval SEALWAX_NOT_A_MEMBER           likewise
/// @retval SEALWAX_NOT_PERMITTED          likewise
/// @retval SEALWAX_GROUP_DELETED          likewise
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_relay_restore(
    relay: *const sealwax_relay,
    name: *const c_char,
    name_len: usize,
    value: *const c_void,
    value_len: usize,
    version: u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let outputs = unsafe { Outputs::new() };
        let inputs = outputs.inputs()?;
        let name = inputs.text(name, name_len, NAME_MAX)?;
        let stored = inputs.bytes(value, value_len, limits::FRAME_MAX)?;
        let stored = (!value.is_null()).then_some(stored);
        let relay = cell::shared(relay)?;
        relay.links().restore(name, stored, version)?;
        Ok(())
    })
}
