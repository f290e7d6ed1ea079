//! Messages of a session.

use core::ffi::c_void;

use serde_json::{Map, Value};

use super::argument::{BytesOut, Outputs};
use super::cell;
use super::guard::guard;
use super::lock::{Exclusive, ExclusiveGuard, Shared, lock};
use super::payload;
use super::session::sealwax_session;
use super::sizes::SEALWAX_GROUP_ID_LEN;
use super::status::{Status, sealwax_status};
use crate::crypto::rng::SystemRandom;
use crate::error::Error;
use crate::identity::Identity;
use crate::json::{hex, integer, text};
use crate::limits;
use crate::session::{Opening, Session};
use crate::wire::content::{ContentKind, ContentType, DATA_TYPE_LEN};
use crate::wire::session::SessionMessage;

/// @section Messages of a session
///
/// Tells how long the next message will be, exactly. Pure: it changes nothing.
///
/// @param session        the session
/// @param plaintext_len  bytes of the plaintext, at most SEALWAX_MESSAGE_MAX
/// @param out_len        bytes of the envelope
///
/// @retval SEALWAX_NULL_POINTER    out_len is NULL
/// @retval SEALWAX_TOO_LARGE       plaintext_len is above SEALWAX_MESSAGE_MAX
/// @retval SEALWAX_INVALID_HANDLE  session is not one that is open
/// @retval SEALWAX_POISONED        the session broke; free it
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_session_encrypt_len(
    session: *const sealwax_session,
    plaintext_len: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let len = outputs.value(out_len);
        outputs.inputs()?;
        if plaintext_len > limits::MESSAGE_MAX {
            return Err(Status::TOO_LARGE);
        }
        let session = cell::shared(session)?;
        len.put(session.lock()?.encrypt_len(plaintext_len + DATA_TYPE_LEN));
        Ok(())
    })
}

/// Encrypts one message to the peer. Save the session before the envelope leaves, or have exported it with a lease
/// that covers this message.
///
/// @param session        the session
/// @param plaintext      any bytes; may be NULL if plaintext_len is 0
/// @param plaintext_len  bytes of them, at most SEALWAX_MESSAGE_MAX
/// @param now_ms         the time. It travels in the clear, or the latest given before if that is later
/// @param out            the envelope
/// @param out_cap        bytes of room at out; sealwax_session_encrypt_len() says how many
/// @param out_len        bytes of the envelope
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         plaintext_len is above SEALWAX_MESSAGE_MAX
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE    session is not one that is open
/// @retval SEALWAX_POISONED          the session broke; free it
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do; nothing changed
/// @retval SEALWAX_RENEWAL_REQUIRED  1,000 messages or 7 days without an answer, or too many leases; nothing
///                                   changed; sealwax_session_renew()
/// @retval SEALWAX_CHAIN_EXHAUSTED   2^32 - 1 messages without one of the peer; nothing changed
/// @retval SEALWAX_INTERNAL          the system has no randomness; nothing changed
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_session_encrypt(
    session: *mut sealwax_session,
    plaintext: *const c_void,
    plaintext_len: usize,
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
        let plaintext = inputs.bytes(plaintext, plaintext_len, limits::MESSAGE_MAX)?;
        let session = cell::exclusive(session)?;
        let mut session = session.lock()?;
        let body: [&[u8]; 2] = [&[ContentType::Binary as u8], plaintext];
        let mut out = out.reserve(session.encrypt_len(plaintext.len() + DATA_TYPE_LEN))?;
        let written = session.update(|session| {
            session.encrypt(ContentKind::Data, &body, now_ms, &mut SystemRandom, out.buffer())
        })?;
        out.finish(written)
    })
}

/// Reads one envelope of the peer: of either kind, in any order. A first message under a new handshake also changes
/// the identity, whose revision then grows: save both before the message is acknowledged.
///
/// @param session       the session
/// @param envelope      the envelope
/// @param envelope_len  bytes of it
/// @param now_ms        the time
/// @param out           the plaintext
/// @param out_cap       bytes of room at out; envelope_len always is enough
/// @param out_len       bytes of the plaintext
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              longer than any envelope
/// @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE         session is not one that is open
/// @retval SEALWAX_POISONED               the session or its identity broke; free it
/// @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
/// @retval SEALWAX_MALFORMED              not an envelope; nothing changed, as with all that follow
/// @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_SESSION          of another sender
/// @retval SEALWAX_WRONG_RECIPIENT        for somebody else
/// @retval SEALWAX_DUPLICATE              these very bytes were read lately
/// @retval SEALWAX_REPLAY                 its key was used before
/// @retval SEALWAX_TOO_FAR_AHEAD          more than 2,000 messages before it are missing
/// @retval SEALWAX_UNKNOWN_KEY            of a handshake that this session does not hold: sealwax_session_renew()
/// @retval SEALWAX_AUTHENTICATION_FAILED  changed on its way, or not by who it says
/// @retval SEALWAX_IDENTITY_CHANGED       a first message of the user under another identity: verify it out of
///                                        band, then accept it as a new session
/// @retval SEALWAX_PREKEYS_REQUIRED       a first message without prekeys, from a peer that has used some
/// @retval SEALWAX_UNKNOWN_PREKEY         a first message with a prekey that is used up or dead
/// @retval SEALWAX_EXPIRED                a first message without prekeys, too long ago or in the future
/// @retval SEALWAX_LIMIT_REACHED          too many first messages to remember
/// @retval SEALWAX_WRONG_KIND             not a session message, or its content is for another function:
///                                        sealwax_session_peek() says which
/// @retval SEALWAX_BUFFER_TOO_SMALL       *out_len is the size that would do
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_session_decrypt(
    session: *mut sealwax_session,
    envelope: *const c_void,
    envelope_len: usize,
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
        let envelope = inputs.bytes(envelope, envelope_len, limits::ENVELOPE_MAX)?;
        let handle = cell::exclusive(session)?;
        {
            let mut session = handle.lock()?;
            let message = SessionMessage::parse(envelope)?;
            if !session.needs_identity(&message) {
                return decrypt(&mut session, None, envelope, &message, now_ms, out);
            }
        }
        let (mut session, mut identity) = lock((&handle, Exclusive(handle.links())))?;
        let message = SessionMessage::parse(envelope)?;
        let identity = session.needs_identity(&message).then_some(&mut identity);
        decrypt(&mut session, identity, envelope, &message, now_ms, out)
    })
}

/// Gives the payload of a data message and takes the message into the state.
fn decrypt(
    session: &mut ExclusiveGuard<'_, Session>,
    identity: Option<&mut ExclusiveGuard<'_, Identity>>,
    envelope: &[u8],
    message: &SessionMessage<'_>,
    now_ms: u64,
    out: BytesOut,
) -> Result<(), Status> {
    let content_len = message.content_len();
    if !out.holds(content_len) {
        // Whether the payload fits shows when it is decrypted, and then it may have to be left where it was.
        let opening = session.open(identity.as_ref().map(|identity| &***identity), envelope, now_ms)?;
        return read(session, identity, opening, out);
    }
    let mut out = out.reserve(content_len)?;
    let room = out.buffer();
    let payload = match identity {
        None => session.update(|session| session.decrypt(None, message, now_ms, room))?,
        Some(identity) => identity.update(|identity| {
            session.update(|session| session.decrypt(Some(identity), message, now_ms, room))
        })?,
    };
    out.finish_with(payload)
}

/// Gives the payload of a data message, if there is room, and takes the message into the state.
fn read(
    session: &mut ExclusiveGuard<'_, Session>,
    identity: Option<&mut ExclusiveGuard<'_, Identity>>,
    opening: Opening,
    out: BytesOut,
) -> Result<(), Status> {
    let (out, len) = payload::copy(opening.kind(), opening.body(), out)?;
    take(session, identity, opening)?;
    out.finish(len)
}

/// Takes an opened message into the state of the session, and of the identity if it made a handshake.
pub(super) fn take(
    session: &mut ExclusiveGuard<'_, Session>,
    identity: Option<&mut ExclusiveGuard<'_, Identity>>,
    opening: Opening,
) -> Result<(), Status> {
    match identity.filter(|_| opening.needs_identity()) {
        None => session.update(|session| session.commit(None, opening)),
        Some(identity) => {
            identity.update(|identity| session.update(|session| session.commit(Some(identity), opening)))
        }
    }
}

/// Tells what an envelope of the peer holds: it is authenticated and decrypted, and nothing changes, so that it can
/// still be read by the function that it is for.
///
/// @param session       the session
/// @param envelope      the envelope
/// @param envelope_len  bytes of it
/// @param now_ms        the time
/// @param out           JSON: "content" ("data" for sealwax_session_decrypt(), "distribution" or "history" for
///                      sealwax_group_receiver_install(); others are of the client engine), "message_id",
///                      "timestamp_ms" (by the sender's clock), "first" (whether it makes a handshake), and
///                      "group" of a distribution or history
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of JSON, without a NUL
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              longer than any envelope
/// @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE         session is not one that is open
/// @retval SEALWAX_POISONED               the session or its identity broke; free it
/// @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
/// @retval SEALWAX_MALFORMED              not an envelope, or not the content that it says
/// @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_KIND             not a session message, or content of a later version
/// @retval SEALWAX_WRONG_SESSION          of another sender
/// @retval SEALWAX_WRONG_RECIPIENT        for somebody else
/// @retval SEALWAX_DUPLICATE              these very bytes were read lately
/// @retval SEALWAX_REPLAY                 its key was used before
/// @retval SEALWAX_TOO_FAR_AHEAD          more than 2,000 messages before it are missing
/// @retval SEALWAX_UNKNOWN_KEY            of a handshake that this session does not hold
/// @retval SEALWAX_AUTHENTICATION_FAILED  changed on its way, or not by who it says
/// @retval SEALWAX_IDENTITY_CHANGED       a first message of the user under another identity
/// @retval SEALWAX_PREKEYS_REQUIRED       a first message without prekeys, from a peer that has used some
/// @retval SEALWAX_UNKNOWN_PREKEY         a first message with a prekey that is used up or dead
/// @retval SEALWAX_EXPIRED                a first message without prekeys, too long ago or in the future
/// @retval SEALWAX_LIMIT_REACHED          too many first messages to remember
/// @retval SEALWAX_BUFFER_TOO_SMALL       *out_len is the size that would do
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_session_peek(
    session: *const sealwax_session,
    envelope: *const c_void,
    envelope_len: usize,
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
        let envelope = inputs.bytes(envelope, envelope_len, limits::ENVELOPE_MAX)?;
        let handle = cell::shared(session)?;
        let (session, identity) = lock((&handle, Shared(handle.links())))?;
        let opening = session.open(Some(&identity), envelope, now_ms)?;
        out.put(text(&describe_opening(&opening)?).as_bytes())
    })
}

fn describe_opening(opening: &Opening) -> Result<Value, Status> {
    let mut json = Map::from_iter([
        ("v".into(), 1.into()),
        ("content".into(), content_name(opening.kind()).into()),
        ("message_id".into(), hex(opening.message_id())),
        ("timestamp_ms".into(), integer(opening.timestamp_ms())),
        ("first".into(), opening.needs_identity().into()),
    ]);
    if matches!(opening.kind(), ContentKind::Distribution | ContentKind::History) {
        // Both start with the group's id.
        let group = opening.body().get(..SEALWAX_GROUP_ID_LEN).ok_or(Error::Malformed)?;
        json.insert("group".into(), hex(group));
    }
    Ok(Value::Object(json))
}

fn content_name(kind: ContentKind) -> &'static str {
    match kind {
        ContentKind::Data => "data",
        ContentKind::Distribution => "distribution",
        ContentKind::History => "history",
        ContentKind::KeyRequest => "key_request",
        ContentKind::Withheld => "withheld",
        ContentKind::Ack => "ack",
        ContentKind::Installed => "installed",
        ContentKind::Invitation => "invitation",
        ContentKind::Resend => "resend",
    }
}
