//! What a client knows of its groups.

use core::ffi::c_void;

use super::argument::Outputs;
use super::cell;
use super::client::{look, sealwax_client};
use super::guard::guard;
use super::membership::{sealwax_group_state, sealwax_member};
use super::roster::describe;
use super::sizes::SEALWAX_GROUP_ID_LEN;
use super::status::sealwax_status;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::json::text;
use crate::roster::{Member, Roster};

/// What is known of a group: its log as we hold it, or held it last.
fn roster_of<'a>(client: &'a mut Client, group: &[u8; SEALWAX_GROUP_ID_LEN]) -> Result<&'a Roster> {
    client.roster(group)?.ok_or(Error::UnknownGroup)
}

/// Lists the groups that we are a member of.
///
/// @param client   the client
/// @param out      their ids, one after another, SEALWAX_GROUP_ID_LEN bytes each
/// @param out_cap  bytes of room at out; 0 asks for the size
/// @param out_len  bytes of the ids; 0 if there is none
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_groups(
    client: *mut sealwax_client,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        outputs.inputs()?;
        let client = cell::exclusive(client)?;
        let groups = look(&mut client.lock()?, |client| client.groups())?;
        out.put(groups.as_flattened())
    })
}

/// Tells how a group stands that we are, or were, a member of. Once we are out of it, what is told is what we knew
/// last, and `role` is 0.
///
/// @param client     the client
/// @param group      id of the group
/// @param group_len  SEALWAX_GROUP_ID_LEN
/// @param out_state  the state; of `branch_heads` one is for sealwax_client_resolve_group()
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         group_len is above SEALWAX_GROUP_ID_LEN
/// @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN
/// @retval SEALWAX_BUFFER_OVERLAP    the output overlaps the input
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_UNKNOWN_GROUP     we were never a member, as far as we know
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_group_state(
    client: *mut sealwax_client,
    group: *const c_void,
    group_len: usize,
    out_state: *mut sealwax_group_state,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.value(out_state);
        let inputs = outputs.inputs()?;
        let group = inputs.exactly::<SEALWAX_GROUP_ID_LEN>(group, group_len)?;
        let client = cell::exclusive(client)?;
        let state = look(&mut client.lock()?, |client| {
            let is_member = client.groups()?.contains(group);
            let own = client.card().user().to_owned();
            let roster = roster_of(client, group)?;
            Ok(sealwax_group_state::new(roster, is_member.then_some(&*own)))
        })?;
        out.put(state);
        Ok(())
    })
}

/// Lists the members of a group that we are, or were, a member of; then it is what we knew last.
///
/// @param client     the client
/// @param group      id of the group
/// @param group_len  SEALWAX_GROUP_ID_LEN
/// @param out        an array of sealwax_member, in the order of the user ids, at any address; we are among them
/// @param out_cap    bytes of room at out; 0 asks for the size
/// @param out_len    bytes of the array: sizeof(sealwax_member) for each
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind, or out_cap more than memory holds
/// @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_UNKNOWN_GROUP     we were never a member, as far as we know
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_group_members(
    client: *mut sealwax_client,
    group: *const c_void,
    group_len: usize,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        let inputs = outputs.inputs()?;
        let group = inputs.exactly::<SEALWAX_GROUP_ID_LEN>(group, group_len)?;
        let client = cell::exclusive(client)?;
        let members: Vec<Member> =
            look(&mut client.lock()?, |client| Ok(roster_of(client, group)?.members().cloned().collect()))?;
        out.put_all(members.iter().map(sealwax_member::new))
    })
}

/// Describes a group that we are, or were, a member of. Once we are out of it, what is told is what we knew last.
///
/// @param client     the client
/// @param group      id of the group
/// @param group_len  SEALWAX_GROUP_ID_LEN
/// @param out        JSON, as that of sealwax_roster_info(): its label, epoch, members and their roles; and
///                   "is_member", whether we are one still
/// @param out_cap    bytes of room at out; 0 asks for the size
/// @param out_len    bytes of JSON, without a NUL
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind, or out_cap more than memory holds
/// @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_UNKNOWN_GROUP     we were never a member, as far as we know
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_group_info(
    client: *mut sealwax_client,
    group: *const c_void,
    group_len: usize,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        let inputs = outputs.inputs()?;
        let group = inputs.exactly::<SEALWAX_GROUP_ID_LEN>(group, group_len)?;
        let client = cell::exclusive(client)?;
        let info = look(&mut client.lock()?, |client| {
            let is_member = client.groups()?.contains(group);
            let mut info = describe(roster_of(client, group)?);
            if let Some(info) = info.as_object_mut() {
                info.insert("is_member".into(), is_member.into());
            }
            Ok(info)
        })?;
        out.put(text(&info).as_bytes())
    })
}
