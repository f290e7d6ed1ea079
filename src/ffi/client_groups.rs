//! What an application asks of a client about groups: how they begin, change and end, and what is known of them.

use core::ffi::{c_char, c_int, c_void};
use core::str;

use super::argument::{Inputs, Outputs};
use super::cell;
use super::client::{act, sealwax_client};
use super::envelope::sealwax_slice;
use super::guard::guard;
use super::proposals::role_of;
use super::sizes::SEALWAX_GROUP_ID_LEN;
use super::status::{Status, sealwax_status};
use crate::limits;

/// Users of a group, of one call.
fn users(inputs: &Inputs, users: *const sealwax_slice, count: usize) -> Result<Vec<&str>, Status> {
    let (most, total) = (limits::GROUP_MEMBERS_MAX, limits::GROUP_MEMBERS_MAX * limits::NAME_MAX);
    let users: Result<_, _> =
        inputs.slices(users, count, most, total)?.into_iter().map(str::from_utf8).collect();
    users.map_err(|_| Status::INVALID_TEXT)
}

/// @section Groups of a client
///
/// Founds a group, whose owner we are. This and all that give an out_request are requests: they answer a number at
/// once, need no connection, and are done in the order of the calls. Exactly one event carries the number,
/// SEALWAX_EVENT_DONE or SEALWAX_EVENT_ERROR, also if the client dies in between.
///
/// Members are told, and given our key, by themselves; so are those who come later. SEALWAX_EVENT_GROUP_CREATED
/// and SEALWAX_EVENT_DONE name the group's id.
///
/// What passes is tried again: a full relay, or another entry that came first. SEALWAX_EVENT_ERROR says for good:
///
///   SEALWAX_UNKNOWN_USER      create, add: the relay knows no `user` of that name
///   SEALWAX_IDENTITY_CHANGED  create, add: `user` has another identity at the relay than the one that counts for
///                             us; join: we are a member under other keys; share: `user` has a new identity
///   SEALWAX_NOT_PERMITTED     it takes another role: see sealwax_roster_create(); join: the group is not open;
///                             leave: the last owner makes another member an owner first; share: `user` is not
///                             an accepted peer
///   SEALWAX_UNKNOWN_GROUP     there is none with this id, or with this label that is open and not ours already
///   SEALWAX_NOT_A_MEMBER      we are none, or `user` is none; join: the group is not open
///   SEALWAX_GROUP_DELETED     it has ended
///   SEALWAX_ROSTER_FORKED     an owner has to settle two histories first: sealwax_client_resolve_group()
///   SEALWAX_INVALID_ARGUMENT  resolve: not forked, or no head of a history; share: with ourselves
///   SEALWAX_UNKNOWN_KEY       share: nothing was kept, for lack of the option "retain_history" or of a past
///   SEALWAX_LIMIT_REACHED     groups of one user, members of a group, or groups of this client
///   SEALWAX_TOO_LARGE         create, add: the entry would be longer than any; add fewer at once
///   SEALWAX_STALE_EPOCH       others were faster sixteen times
///   SEALWAX_EXPIRED           a week went by without what it needs, such as a connection
///
/// An accepted peer is one to whom we have written, whom we have named as a member or whose identity we have
/// accepted with sealwax_client_accept_identity(): peers who only write to us are not.
///
/// @param client       the client
/// @param label        what people call it, or empty; it identifies nothing
/// @param label_len    bytes of it
/// @param members      user ids of its members besides us; we accept them as peers
/// @param count        how many, below 10,000
/// @param open         1: anybody may join, whom the relay lets in; 0: members are added
/// @param now_ms       the time
/// @param out_request  number of the request
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT      label is none, or one of members is not a user id
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_ARGUMENT  open is neither 1 nor 0; or a user is named twice, or is ourselves
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_LIMIT_REACHED     more members than a group can have
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_create_group(
    client: *mut sealwax_client,
    label: *const c_char,
    label_len: usize,
    members: *const sealwax_slice,
    count: usize,
    open: c_int,
    now_ms: u64,
    out_request: *mut u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.value(out_request);
        let inputs = outputs.inputs()?;
        let label = inputs.text(label, label_len, limits::NAME_MAX)?;
        let members = users(&inputs, members, count)?;
        let client = cell::exclusive(client)?;
        let is_open = match open {
            0 => false,
            1 => true,
            _ => return Err(Status::INVALID_ARGUMENT),
        };
        out.put(act(&client, |client| client.create_group(label, is_open, &members, now_ms))?);
        Ok(())
    })
}

/// Joins an open group. SEALWAX_EVENT_GROUP_JOINED tells when we are a member.
///
/// @param client       the client
/// @param group        id of the group
/// @param group_len    SEALWAX_GROUP_ID_LEN
/// @param now_ms       the time
/// @param out_request  number of the request
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_join_group(
    client: *mut sealwax_client,
    group: *const c_void,
    group_len: usize,
    now_ms: u64,
    out_request: *mut u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.value(out_request);
        let inputs = outputs.inputs()?;
        let group = inputs.exactly::<SEALWAX_GROUP_ID_LEN>(group, group_len)?;
        let client = cell::exclusive(client)?;
        out.put(act(&client, |client| client.join_group(group, now_ms))?);
        Ok(())
    })
}

/// Joins the oldest open group with a label. A label proves nothing: who knows the id of a group gives that to
/// sealwax_client_join_group().
///
/// @param client       the client
/// @param label        the label
/// @param label_len    bytes of it
/// @param now_ms       the time
/// @param out_request  number of the request
///
/// @retval SEALWAX_NULL_POINTER    a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE       an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP  an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT    label is none, or empty
/// @retval SEALWAX_INVALID_HANDLE  client is not one that is open
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED        the client broke; free it
/// @retval SEALWAX_STORE_IO        the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_join_labelled(
    client: *mut sealwax_client,
    label: *const c_char,
    label_len: usize,
    now_ms: u64,
    out_request: *mut u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.value(out_request);
        let inputs = outputs.inputs()?;
        let label = inputs.text(label, label_len, limits::NAME_MAX)?;
        let client = cell::exclusive(client)?;
        out.put(act(&client, |client| client.join_labelled(label, now_ms))?);
        Ok(())
    })
}

/// Adds members to a group, whom we accept as peers. They read what is sent from then on.
///
/// @param client       the client
/// @param group        id of the group
/// @param group_len    SEALWAX_GROUP_ID_LEN
/// @param members      their user ids
/// @param count        how many, at least one
/// @param role         SEALWAX_ROLE_MEMBER and so on
/// @param now_ms       the time
/// @param out_request  number of the request
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT      one of members is not a user id
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN; role is none; count is 0; or a user
///                                   is named twice, or is ourselves
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_LIMIT_REACHED     more members than a group can have
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_add_members(
    client: *mut sealwax_client,
    group: *const c_void,
    group_len: usize,
    members: *const sealwax_slice,
    count: usize,
    role: u32,
    now_ms: u64,
    out_request: *mut u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.value(out_request);
        let inputs = outputs.inputs()?;
        let group = inputs.exactly::<SEALWAX_GROUP_ID_LEN>(group, group_len)?;
        let members = users(&inputs, members, count)?;
        let client = cell::exclusive(client)?;
        let role = role_of(role)?;
        out.put(act(&client, |client| client.add_members(group, &members, role, now_ms))?);
        Ok(())
    })
}

/// Removes a member from a group: it reads nothing that is sent from then on.
///
/// @param client       the client
/// @param group        id of the group
/// @param group_len    SEALWAX_GROUP_ID_LEN
/// @param user         the member
/// @param user_len     bytes of it
/// @param now_ms       the time
/// @param out_request  number of the request
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT      user is not a user id
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_remove_member(
    client: *mut sealwax_client,
    group: *const c_void,
    group_len: usize,
    user: *const c_char,
    user_len: usize,
    now_ms: u64,
    out_request: *mut u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.value(out_request);
        let inputs = outputs.inputs()?;
        let group = inputs.exactly::<SEALWAX_GROUP_ID_LEN>(group, group_len)?;
        let user = inputs.text(user, user_len, limits::NAME_MAX)?;
        let client = cell::exclusive(client)?;
        out.put(act(&client, |client| client.remove_member(group, user, now_ms))?);
        Ok(())
    })
}

/// Gives a member of a group a role.
///
/// @param client       the client
/// @param group        id of the group
/// @param group_len    SEALWAX_GROUP_ID_LEN
/// @param user         the member
/// @param user_len     bytes of it
/// @param role         SEALWAX_ROLE_MEMBER and so on
/// @param now_ms       the time
/// @param out_request  number of the request
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT      user is not a user id
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN, or role is none
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_set_role(
    client: *mut sealwax_client,
    group: *const c_void,
    group_len: usize,
    user: *const c_char,
    user_len: usize,
    role: u32,
    now_ms: u64,
    out_request: *mut u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.value(out_request);
        let inputs = outputs.inputs()?;
        let group = inputs.exactly::<SEALWAX_GROUP_ID_LEN>(group, group_len)?;
        let user = inputs.text(user, user_len, limits::NAME_MAX)?;
        let client = cell::exclusive(client)?;
        let role = role_of(role)?;
        out.put(act(&client, |client| client.set_role(group, user, role, now_ms))?);
        Ok(())
    })
}

/// Gives a member of a group whose identity changed the keys of the identity that counts for us: accept it first,
/// with sealwax_client_accept_identity().
///
/// @param client       the client
/// @param group        id of the group
/// @param group_len    SEALWAX_GROUP_ID_LEN
/// @param user         the member
/// @param user_len     bytes of it
/// @param now_ms       the time
/// @param out_request  number of the request
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT      user is not a user id
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_replace_member(
    client: *mut sealwax_client,
    group: *const c_void,
    group_len: usize,
    user: *const c_char,
    user_len: usize,
    now_ms: u64,
    out_request: *mut u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.value(out_request);
        let inputs = outputs.inputs()?;
        let group = inputs.exactly::<SEALWAX_GROUP_ID_LEN>(group, group_len)?;
        let user = inputs.text(user, user_len, limits::NAME_MAX)?;
        let client = cell::exclusive(client)?;
        out.put(act(&client, |client| client.replace_member(group, user, now_ms))?);
        Ok(())
    })
}

/// Leaves a group.
///
/// @param client       the client
/// @param group        id of the group
/// @param group_len    SEALWAX_GROUP_ID_LEN
/// @param now_ms       the time
/// @param out_request  number of the request
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_leave_group(
    client: *mut sealwax_client,
    group: *const c_void,
    group_len: usize,
    now_ms: u64,
    out_request: *mut u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.value(out_request);
        let inputs = outputs.inputs()?;
        let group = inputs.exactly::<SEALWAX_GROUP_ID_LEN>(group, group_len)?;
        let client = cell::exclusive(client)?;
        out.put(act(&client, |client| client.leave_group(group, now_ms))?);
        Ok(())
    })
}

/// Ends a group, for all.
///
/// @param client       the client
/// @param group        id of the group
/// @param group_len    SEALWAX_GROUP_ID_LEN
/// @param now_ms       the time
/// @param out_request  number of the request
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_delete_group(
    client: *mut sealwax_client,
    group: *const c_void,
    group_len: usize,
    now_ms: u64,
    out_request: *mut u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.value(out_request);
        let inputs = outputs.inputs()?;
        let group = inputs.exactly::<SEALWAX_GROUP_ID_LEN>(group, group_len)?;
        let client = cell::exclusive(client)?;
        out.put(act(&client, |client| client.delete_group(group, now_ms))?);
        Ok(())
    })
}

/// Settles the fork of a group of which SEALWAX_EVENT_GROUP_FORKED has told, as an owner, for one of its
/// histories.
///
/// @param client       the client
/// @param group        id of the group
/// @param group_len    SEALWAX_GROUP_ID_LEN
/// @param chosen       head of the history that shall count: `hash` or one of `branch_heads` in the state that
///                     sealwax_client_group_state() gives
/// @param chosen_len   32
/// @param now_ms       the time
/// @param out_request  number of the request
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN, or chosen_len below 32
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_resolve_group(
    client: *mut sealwax_client,
    group: *const c_void,
    group_len: usize,
    chosen: *const c_void,
    chosen_len: usize,
    now_ms: u64,
    out_request: *mut u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.value(out_request);
        let inputs = outputs.inputs()?;
        let group = inputs.exactly::<SEALWAX_GROUP_ID_LEN>(group, group_len)?;
        let chosen = inputs.exactly::<32>(chosen, chosen_len)?;
        let client = cell::exclusive(client)?;
        out.put(act(&client, |client| client.resolve_group(group, chosen, now_ms))?);
        Ok(())
    })
}
