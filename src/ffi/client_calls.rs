//! What an application asks of a client about people: messages, identities, presence.

use core::ffi::{c_char, c_int, c_void};
use core::str;

use super::argument::Outputs;
use super::cell;
use super::client::{act, look, sealwax_client};
use super::envelope::sealwax_slice;
use super::guard::guard;
use super::identity::terminated;
use super::sizes::{SEALWAX_FINGERPRINT_LEN, SEALWAX_ID_LEN, SEALWAX_SAFETY_DIGITS};
use super::status::{Status, sealwax_status};
use crate::client::{Client, MessageId};
use crate::error::Error;
use crate::identity::{Card, Fingerprint};
use crate::limits;
use crate::wire::content::ContentType;

/// Bytes: what they are is between the applications.
pub const SEALWAX_CONTENT_BINARY: u32 = 0;
/// Text in UTF-8, checked by both clients.
pub const SEALWAX_CONTENT_TEXT: u32 = 1;
/// Flag of sending: the message leaves this client at once or never. The client does not store it or try again,
/// and no event tells of it: for what is worth nothing later, such as "is typing". To all others it is a message as
/// any: the relay keeps it for a recipient who is offline, and the recipient's client tells and stores it. Say in
/// the payload what it is, and look at the event's `time_ms`.
pub const SEALWAX_SEND_TRANSIENT: u32 = 1;

const _: () = {
    assert!(SEALWAX_CONTENT_BINARY == ContentType::Binary as u32);
    assert!(SEALWAX_CONTENT_TEXT == ContentType::Text as u32);
};

pub(super) fn content(content_type: u32) -> Result<ContentType, Status> {
    match content_type {
        SEALWAX_CONTENT_BINARY => Ok(ContentType::Binary),
        SEALWAX_CONTENT_TEXT => Ok(ContentType::Text),
        _ => Err(Status::INVALID_ARGUMENT),
    }
}

/// Whether the message is transient.
pub(super) fn sending(flags: u32) -> Result<bool, Status> {
    match flags {
        0 => Ok(false),
        SEALWAX_SEND_TRANSIENT => Ok(true),
        _ => Err(Status::INVALID_ARGUMENT),
    }
}

/// Sends a message to one user. Messages to one user arrive in the order of the calls. It needs no connection:
/// SEALWAX_EVENT_ACK tells when the relay has it, SEALWAX_EVENT_FAILED if it never will. What the relay does not
/// take for the time being is tried again after a second, then after pauses that double up to an hour (a minute if
/// the recipient's queue is full), and at each new connection. After seven days it fails, connected or not, with
/// the last reason, SEALWAX_EXPIRED or, if the user's identity was not decided on, SEALWAX_IDENTITY_CHANGED. A
/// client that was closed or asleep meanwhile has a minute to send it first; what the relay may have taken is asked
/// about.
///
/// @param client          the client
/// @param user            the recipient, who may be anybody but ourselves; who is an accepted peer from then on
/// @param user_len        bytes of it
/// @param content_type    SEALWAX_CONTENT_TEXT or SEALWAX_CONTENT_BINARY
/// @param payload         the message
/// @param payload_len     bytes of it, at most SEALWAX_MESSAGE_MAX
/// @param flags           SEALWAX_SEND_TRANSIENT or 0
/// @param now_ms          the time
/// @param out_message_id  SEALWAX_ID_LEN bytes that name the message in events, and to the recipient
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP    the output overlaps an input
/// @retval SEALWAX_INVALID_TEXT      user is not a user id, or the payload is to be text and is not UTF-8
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_ARGUMENT  content_type or flags is none; or to ourselves
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_LIMIT_REACHED     65,536 messages or 256 MiB wait to be sent already
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
/// @retval SEALWAX_INTERNAL          the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_send_direct(
    client: *mut sealwax_client,
    user: *const c_char,
    user_len: usize,
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
        let user = inputs.text(user, user_len, limits::NAME_MAX)?;
        let payload = inputs.bytes(payload, payload_len, limits::MESSAGE_MAX)?;
        let client = cell::exclusive(client)?;
        let (content, is_transient) = (content(content_type)?, sending(flags)?);
        out.put(act(&client, |client| client.send_direct(user, content, payload, is_transient, now_ms))?);
        Ok(())
    })
}

/// Says that the application has shown these messages of a peer, who is told if both sides have the option "acks"
/// and we have written to the peer or accepted its identity. Ids that the peer did not send lately are passed
/// over.
///
/// @param client           the client
/// @param user             the peer
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
/// @retval SEALWAX_INVALID_ARGUMENT  message_ids_len is not a multiple of SEALWAX_ID_LEN
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_mark_read(
    client: *mut sealwax_client,
    user: *const c_char,
    user_len: usize,
    message_ids: *const c_void,
    message_ids_len: usize,
    now_ms: u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let inputs = unsafe { Outputs::new() }.inputs()?;
        let user = inputs.text(user, user_len, limits::NAME_MAX)?;
        let ids = inputs.bytes(message_ids, message_ids_len, limits::CLIENT_READ_MAX * SEALWAX_ID_LEN)?;
        let client = cell::exclusive(client)?;
        let ids = message_ids_of(ids)?;
        act(&client, |client| client.mark_read(user, ids, now_ms))
    })
}

pub(super) fn message_ids_of(bytes: &[u8]) -> Result<&[MessageId], Status> {
    let (ids, rest) = bytes.as_chunks();
    if rest.is_empty() { Ok(ids) } else { Err(Status::INVALID_ARGUMENT) }
}

/// Decides on the identity of a peer, by the fingerprint that was shown to the user, so that none that comes
/// later is accepted by mistake: the new one counts from now on, or, with that of the known one, the new one is
/// forgotten. What was held is worked on, and what waits is sent. For a peer whose identity did not change it
/// says that this one is right.
///
/// @param client           the client
/// @param user             the peer
/// @param user_len         bytes of it
/// @param fingerprint      of the identity that shall count, as SEALWAX_EVENT_IDENTITY_CHANGED or
///                         sealwax_card_inspect() gave it
/// @param fingerprint_len  SEALWAX_FINGERPRINT_LEN
/// @param now_ms           the time
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
/// @retval SEALWAX_INVALID_ARGUMENT  fingerprint_len is below SEALWAX_FINGERPRINT_LEN
/// @retval SEALWAX_INVALID_TEXT      user is not UTF-8
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_UNKNOWN_USER      nothing is known of the peer yet
/// @retval SEALWAX_IDENTITY_CHANGED  the fingerprint is neither that of the known identity nor of the new one
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_accept_identity(
    client: *mut sealwax_client,
    user: *const c_char,
    user_len: usize,
    fingerprint: *const c_void,
    fingerprint_len: usize,
    now_ms: u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let inputs = unsafe { Outputs::new() }.inputs()?;
        let user = inputs.text(user, user_len, limits::NAME_MAX)?;
        let fingerprint = inputs.exactly::<SEALWAX_FINGERPRINT_LEN>(fingerprint, fingerprint_len)?;
        let client = cell::exclusive(client)?;
        let fingerprint = Fingerprint::from_bytes(*fingerprint);
        act(&client, |client| client.accept_identity(user, &fingerprint, now_ms))
    })
}

/// Watches these users, and of those who share no group with us no others: SEALWAX_EVENT_PRESENCE tells when they
/// come and go. They have to watch us too. Members of a group of at most 256 are shown to each other without a
/// watch, and go on being so if it names nobody. It is not stored, so say it after each opening; of the connection
/// it is independent.
///
/// @param client  the client
/// @param users   user ids, at most 1,000; none: watch nobody
/// @param count   how many
/// @param now_ms  the time
///
/// @retval SEALWAX_NULL_POINTER    a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE       too many, or one that is longer than any
/// @retval SEALWAX_INVALID_TEXT    one is not a user id
/// @retval SEALWAX_INVALID_HANDLE  client is not one that is open
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED        the client broke; free it
/// @retval SEALWAX_STORE_IO        the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_watch(
    client: *mut sealwax_client,
    users: *const sealwax_slice,
    count: usize,
    now_ms: u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let inputs = unsafe { Outputs::new() }.inputs()?;
        let (most, total) = (limits::CLIENT_WATCH_MAX, limits::CLIENT_WATCH_MAX * limits::NAME_MAX);
        let users = inputs.slices(users, count, most, total)?;
        let client = cell::exclusive(client)?;
        let users: Result<Vec<&str>, _> = users.into_iter().map(str::from_utf8).collect();
        let users = users.map_err(|_| Status::INVALID_TEXT)?;
        act(&client, |client| client.watch(&users, now_ms))
    })
}

/// Says whether the relay shall show others that we are online. It does unless this says otherwise. Not stored.
///
/// @param client   the client
/// @param visible  1 or 0
/// @param now_ms   the time
///
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_ARGUMENT  visible is neither 1 nor 0
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_set_visible(
    client: *mut sealwax_client,
    visible: c_int,
    now_ms: u64,
) -> sealwax_status {
    guard(|| {
        let client = cell::exclusive(client)?;
        let is_visible = match visible {
            0 => false,
            1 => true,
            _ => return Err(Status::INVALID_ARGUMENT),
        };
        act(&client, |client| client.set_visible(is_visible, now_ms))
    })
}

/// The card of a peer that counts, or our own for nobody.
fn card_of(client: &mut Client, user: &str) -> crate::error::Result<Card> {
    if user.is_empty() {
        return Ok(client.card().clone());
    }
    client.peer_card(user)?.ok_or(Error::UnknownUser)
}

/// Gives a card: our own, or that of a peer that counts, which is the first that was seen or the one that was
/// accepted.
///
/// @param client    the client
/// @param user      the peer; empty for our own card
/// @param user_len  bytes of it
/// @param out       the card
/// @param out_cap   bytes of room at out, at most SEALWAX_CARD_MAX are needed; 0 asks for the size
/// @param out_len   bytes of the card
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         user is longer than any, or out_cap more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT      user is not UTF-8
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_UNKNOWN_USER      nothing is known of the peer yet
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_card(
    client: *mut sealwax_client,
    user: *const c_char,
    user_len: usize,
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
        let client = cell::exclusive(client)?;
        let card = look(&mut client.lock()?, |client| card_of(client, user))?;
        out.put(card.as_bytes())
    })
}

/// Gives the card of the identity under which a peer has turned up and that is not decided on: its fingerprint, for
/// sealwax_client_accept_identity(), is in sealwax_card_inspect(), and sealwax_card_safety_number() gives what to
/// compare before.
///
/// @param client    the client
/// @param user      the peer
/// @param user_len  bytes of it
/// @param out       the card
/// @param out_cap   bytes of room at out, at most SEALWAX_CARD_MAX are needed; 0 asks for the size
/// @param out_len   bytes of the card
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         user is longer than any, or out_cap more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT      user is not UTF-8
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_UNKNOWN_USER      there is nothing to decide about the user
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_changed_card(
    client: *mut sealwax_client,
    user: *const c_char,
    user_len: usize,
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
        let client = cell::exclusive(client)?;
        let card = look(&mut client.lock()?, |client| client.changed_card(user)?.ok_or(Error::UnknownUser))?;
        out.put(card.as_bytes())
    })
}

/// Gives a fingerprint: our own, or that of a peer that counts.
///
/// @param client           the client
/// @param user             the peer; empty for our own fingerprint
/// @param user_len         bytes of it
/// @param out_fingerprint  SEALWAX_FINGERPRINT_LEN bytes
///
/// @retval SEALWAX_NULL_POINTER    a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE       user is longer than any
/// @retval SEALWAX_BUFFER_OVERLAP  the output overlaps the input
/// @retval SEALWAX_INVALID_TEXT    user is not UTF-8
/// @retval SEALWAX_INVALID_HANDLE  client is not one that is open
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED        the client broke; free it
/// @retval SEALWAX_UNKNOWN_USER    nothing is known of the peer yet
/// @retval SEALWAX_STORE_IO        the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_fingerprint(
    client: *mut sealwax_client,
    user: *const c_char,
    user_len: usize,
    out_fingerprint: *mut u8,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.array::<SEALWAX_FINGERPRINT_LEN>(out_fingerprint);
        let inputs = outputs.inputs()?;
        let user = inputs.text(user, user_len, limits::NAME_MAX)?;
        let client = cell::exclusive(client)?;
        let card = look(&mut client.lock()?, |client| card_of(client, user))?;
        out.put(*card.fingerprint().as_bytes());
        Ok(())
    })
}

/// Gives what two people compare to know that nobody sits between them, as sealwax_card_safety_number() does, of
/// us and the card of a peer that counts.
///
/// @param client      the client
/// @param user        the peer
/// @param user_len    bytes of it
/// @param out_digits  SEALWAX_SAFETY_DIGITS digits and a NUL; the same for both
/// @param out         the same for a QR code
/// @param out_cap     bytes of room at out; 0 asks for the size
/// @param out_len     bytes of it
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         user is longer than any, or out_cap more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT      user is not UTF-8
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_UNKNOWN_USER      nothing is known of the peer yet
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_safety_number(
    client: *mut sealwax_client,
    user: *const c_char,
    user_len: usize,
    out_digits: *mut c_char,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let digits = outputs.array::<{ SEALWAX_SAFETY_DIGITS + 1 }>(out_digits.cast());
        let out = outputs.bytes(out, out_cap, out_len);
        let inputs = outputs.inputs()?;
        let user = inputs.text(user, user_len, limits::NAME_MAX)?;
        let client = cell::exclusive(client)?;
        let number = look(&mut client.lock()?, |client| client.safety_number(user))?;
        out.put(&number.qr)?;
        digits.put(terminated(&number.digits));
        Ok(())
    })
}
