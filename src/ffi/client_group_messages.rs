//! What is said in the groups of a client, and what is shared of their past.

use core::ffi::{c_char, c_void};

use super::argument::Outputs;
use super::cell;
use super::client::{act, sealwax_client};
use super::client_calls::{content, message_ids_of, sending};
use super::envelope::sealwax_slice;
use super::guard::guard;
use super::sizes::{SEALWAX_GROUP_ID_LEN, SEALWAX_ID_LEN};
use super::status::sealwax_status;
use crate::limits;

/// Sends a message to all members of a group. Messages arrive in the order of the calls. SEALWAX_EVENT_ACK tells
/// when the relay has it, and then each member; SEALWAX_EVENT_FAILED if it never will.
///
/// @param client          the client
/// @param group           id of the group
/// @param group_len       SEALWAX_GROUP_ID_LEN
/// @param content_type    SEALWAX_CONTENT_TEXT or SEALWAX_CONTENT_BINARY
/// @param payload         the message
/// @param payload_len     bytes of it, at most SEALWAX_MESSAGE_MAX
/// @param flags           SEALWAX_SEND_TRANSIENT or 0
/// @param now_ms          the time
/// @param out_message_id  SEALWAX_ID_LEN bytes that name the message
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT      the payload is to be text and is not UTF-8
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN; content_type or flags is none
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_UNKNOWN_GROUP     we were never a member, as far as we know
/// @retval SEALWAX_NOT_A_MEMBER      we are a member no longer
/// @retval SEALWAX_GROUP_DELETED     the group has ended
/// @retval SEALWAX_LIMIT_REACHED     65,536 messages or 256 MiB wait to be sent already
/// @retval SEALWAX_INTERNAL          the system has no randomness
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_send_group(
    client: *mut sealwax_client,
    group: *const c_void,
    group_len: usize,
    content_type: u32,
    payload: *const c_void,
    payload_len: usize,
    flags: u32,
    now_ms: u64,
    out_message_id: *mut u8,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.array::<SEALWAX_ID_LEN>(out_message_id);
        let inputs = outputs.inputs()?;
        let group = inputs.exactly::<SEALWAX_GROUP_ID_LEN>(group, group_len)?;
        let payload = inputs.bytes(payload, payload_len, limits::MESSAGE_MAX)?;
        let client = cell::exclusive(client)?;
        let (content, is_transient) = (content(content_type)?, sending(flags)?);
        out.put(act(&client, |client| client.send_group(group, content, payload, is_transient, now_ms))?);
        Ok(())
    })
}

/// As sealwax_client_mark_read(), of messages of one member in a group.
///
/// @param client           the client
/// @param group            id of the group
/// @param group_len        SEALWAX_GROUP_ID_LEN
/// @param user             the member
/// @param user_len         bytes of it
/// @param message_ids      message ids, SEALWAX_ID_LEN bytes each, one after another
/// @param message_ids_len  bytes of them; at most 4,096 ids
/// @param now_ms           the time
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
/// @retval SEALWAX_INVALID_TEXT      user is not UTF-8
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN, or message_ids_len is not a
///                                   multiple of SEALWAX_ID_LEN
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_mark_group_read(
    client: *mut sealwax_client,
    group: *const c_void,
    group_len: usize,
    user: *const c_char,
    user_len: usize,
    message_ids: *const c_void,
    message_ids_len: usize,
    now_ms: u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let inputs = unsafe { Outputs::new() }.inputs()?;
        let group = inputs.exactly::<SEALWAX_GROUP_ID_LEN>(group, group_len)?;
        let user = inputs.text(user, user_len, limits::NAME_MAX)?;
        let ids = inputs.bytes(message_ids, message_ids_len, limits::CLIENT_READ_MAX * SEALWAX_ID_LEN)?;
        let client = cell::exclusive(client)?;
        let ids = message_ids_of(ids)?;
        act(&client, |client| client.mark_group_read(group, user, ids, now_ms))
    })
}

/// Shares what we have kept of a group's past with a member: the keys that are out of use, not the messages. A
/// request, as sealwax_client_create_group() says; that it is done means that the keys are on their way. It takes
/// the option "retain_history" since we entered the group, and that the member is an accepted peer. Our own keys
/// are not among them.
///
/// The messages themselves no client keeps, and the relay keeps none: they are for the hosts. Ours stores what
/// sealwax_frame_envelope() gives of each frame that comes in, as far as it is of SEALWAX_KIND_GROUP, and gives the
/// member those envelopes by whatever way, such as sealwax_client_send_direct(); the member's hands them to
/// sealwax_client_read_shared(), once the keys have come.
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
pub unsafe extern "C" fn sealwax_client_share_history(
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
        out.put(act(&client, |client| client.share_history(group, user, now_ms))?);
        Ok(())
    })
}

/// Reads old messages of a group, which the application has kept or got from elsewhere, with the keys that members
/// have shared. Each is an event, SEALWAX_EVENT_GROUP_MESSAGE, whose `by` is the member in whose word it is, and is
/// read once. What does not open is passed over: its key was not shared, or it is no message of the group.
///
/// @param client     the client
/// @param group      id of the group
/// @param group_len  SEALWAX_GROUP_ID_LEN
/// @param envelopes  the messages, as sealwax_frame_envelope() gave them; no more than SEALWAX_BATCH_BYTES_MAX
///                   together
/// @param count      how many, at most SEALWAX_BATCH_MAX
/// @param now_ms     the time
/// @param out_read   how many of them were read
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         more than SEALWAX_BATCH_MAX envelopes, or than SEALWAX_BATCH_BYTES_MAX bytes
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_ARGUMENT  group_len is below SEALWAX_GROUP_ID_LEN
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_UNKNOWN_GROUP     we are not a member
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_read_shared(
    client: *mut sealwax_client,
    group: *const c_void,
    group_len: usize,
    envelopes: *const sealwax_slice,
    count: usize,
    now_ms: u64,
    out_read: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.value(out_read);
        let inputs = outputs.inputs()?;
        let group = inputs.exactly::<SEALWAX_GROUP_ID_LEN>(group, group_len)?;
        let (most, total) = (limits::GROUP_BATCH_MAX, limits::GROUP_BATCH_BYTES_MAX);
        let envelopes = inputs.slices(envelopes, count, most, total)?;
        let client = cell::exclusive(client)?;
        out.put(act(&client, |client| client.read_shared(group, &envelopes, now_ms))?);
        Ok(())
    })
}
