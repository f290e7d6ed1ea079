//! Group senders.

use core::ffi::{c_char, c_void};
use std::sync::Arc;

use serde_json::{Value, json};

use super::argument::{HandleOut, Outputs};
use super::cell::{self, Cell, Object, Opaque};
use super::guard::guard;
use super::identity::sealwax_identity;
use super::lock::{Shared, lock};
use super::options::{Choice, Flag, Integer, Options, Table};
use super::roster::sealwax_roster;
use super::session::sealwax_session;
use super::sizes::SEALWAX_KEY_LEN;
use super::status::{Status, sealwax_status};
use crate::crypto::rng::SystemRandom;
use crate::error::Error;
use crate::group::{GroupSender, GroupSenderOptions};
use crate::json::{hex, integer, text};
use crate::limits;
use crate::roster::Roster;
use crate::sealed;
use crate::wire::content::{ContentKind, ContentType, Padding};

/// The sending half of a membership in one group.
#[allow(non_camel_case_types, reason = "the name in the C header")]
pub struct sealwax_group_sender(());

impl Object for GroupSender {
    type Links = Arc<Cell<Roster>>;
}

impl Opaque for sealwax_group_sender {
    type Object = GroupSender;
}

const ROTATE_MESSAGES: Integer = Integer {
    name: "rotate_messages",
    min: 1,
    max: limits::GROUP_CHAIN_MAX as u64,
    default: limits::GROUP_ROTATE_MESSAGES as u64,
};
const ROTATE_MS: Integer =
    Integer { name: "rotate_ms", min: 1, max: u64::MAX, default: limits::GROUP_ROTATE_MS };
const PADDING: Choice<Padding> =
    Choice { name: "padding", default: ("none", Padding::None), others: &[("padme", Padding::Padme)] };
const CONFIRM: Flag = Flag { name: "confirm", default: false };

/// Of `sealwax_group_sender_new`.
pub(super) static OPTIONS: Table = Table {
    functions: &["sealwax_group_sender_new"],
    keys: &[&ROTATE_MESSAGES, &ROTATE_MS, &PADDING, &CONFIRM],
};

fn sender_options(options: &Options) -> GroupSenderOptions {
    GroupSenderOptions {
        rotate_messages: u32::try_from(options.get(&ROTATE_MESSAGES)).unwrap_or(limits::GROUP_CHAIN_MAX),
        rotate_ms: options.get(&ROTATE_MS),
        padding: options.get(&PADDING),
        confirm: options.get(&CONFIRM),
    }
}

/// @section Group senders
///
/// Makes the sending half of a membership: a first sender key for the members that the roster has now. Hand it to
/// each of them with sealwax_group_sender_distribute() before or after the first message. A member has one sender
/// in a group.
///
/// @param identity      who sends: a member
/// @param roster        the group's roster; the sender follows it from now on
/// @param options       JSON: "rotate_messages" (10,000) and "rotate_ms" (7 days): after so many messages or
///                      milliseconds the key must rotate; "padding" ("none"): "padme" hides lengths; "confirm"
///                      (false): keep the key's first state until each member has confirmed it with
///                      sealwax_group_sender_confirm(), rather than until each was handed it once; may be NULL if
///                      options_len is 0
/// @param options_len   bytes of them
/// @param now_ms        the time
/// @param out_sender    the sender; sealwax_group_sender_free() ends it; it keeps the roster alive
///
/// @retval SEALWAX_NULL_POINTER     a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE        options are too long
/// @retval SEALWAX_BUFFER_OVERLAP   the output overlaps an input
/// @retval SEALWAX_INVALID_TEXT     options are not UTF-8
/// @retval SEALWAX_INVALID_HANDLE   identity or roster is not one that is open
/// @retval SEALWAX_POISONED         the identity or the roster broke; free it
/// @retval SEALWAX_FORKED           a handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_OPTIONS  sealwax_options_check() says why
/// @retval SEALWAX_GROUP_DELETED    the group has ended
/// @retval SEALWAX_NOT_A_MEMBER     the identity is none, or a member under other keys
/// @retval SEALWAX_LIMIT_REACHED    too many handles are open
/// @retval SEALWAX_INTERNAL         the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_group_sender_new(
    identity: *const sealwax_identity,
    roster: *const sealwax_roster,
    options: *const c_char,
    options_len: usize,
    now_ms: u64,
    out_sender: *mut *mut sealwax_group_sender,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_group_sender> = outputs.handle(out_sender);
        let inputs = outputs.inputs()?;
        let options = inputs.text(options, options_len, limits::OPTIONS_MAX)?;
        let (identity, roster) = (cell::shared(identity)?, cell::shared(roster)?);
        let options = sender_options(&OPTIONS.parse(options)?);
        let link = roster.keep()?;
        let (identity, roster) = lock((&identity, &roster))?;
        let place = out.reserve()?;
        let sender = GroupSender::new(&identity, &roster, options, now_ms, &mut SystemRandom)?;
        place.put(sender, link);
        Ok(())
    })
}

/// Ends a sender. What was not exported is gone.
///
/// @param sender  the sender; NULL is fine
///
/// @retval SEALWAX_INVALID_HANDLE  sender is not one that is open
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealwax_group_sender_free(sender: *mut sealwax_group_sender) -> sealwax_status {
    guard(|| cell::free(sender))
}

/// Makes the envelope that hands the current sender key to the peer of a session; the peer gives it to
/// sealwax_group_receiver_install(). The key is for those alone who were members when it was made, and still are.
/// Save the session before the envelope leaves, and the sender before its first one.
///
/// @param sender        the sender
/// @param session       our session with the member, which carries the key
/// @param now_ms        the time. It travels in the clear, or the latest given before if that is later
/// @param out           the envelope, a session message
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of the envelope
///
/// @retval SEALWAX_NULL_POINTER       a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE          out_cap is more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP     the outputs overlap
/// @retval SEALWAX_INVALID_HANDLE     sender or session is not one that is open
/// @retval SEALWAX_POISONED           the sender, its roster or the session broke; free it
/// @retval SEALWAX_FORKED             a handle belongs to the parent process; free it
/// @retval SEALWAX_WRONG_SESSION      the session is not one of the sender's identity; nothing changed, as with all
///                                    that follow
/// @retval SEALWAX_GROUP_DELETED      the group has ended
/// @retval SEALWAX_NOT_A_MEMBER       we are no member, or the peer is none
/// @retval SEALWAX_IDENTITY_CHANGED   the peer is a member under other keys than the session's
/// @retval SEALWAX_ROSTER_FORKED      the roster is forked, and the peer not a member in every branch
/// @retval SEALWAX_ROTATION_REQUIRED  the peer was no member when the key was made: sealwax_group_sender_rotate()
/// @retval SEALWAX_BUFFER_TOO_SMALL   *out_len is the size that would do
/// @retval SEALWAX_RENEWAL_REQUIRED   the session needs sealwax_session_renew()
/// @retval SEALWAX_CHAIN_EXHAUSTED    the session has sent 2^32 - 1 messages without one of the peer
/// @retval SEALWAX_INTERNAL           the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_group_sender_distribute(
    sender: *mut sealwax_group_sender,
    session: *mut sealwax_session,
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
        let (sender, session) = (cell::exclusive(sender)?, cell::exclusive(session)?);
        let (mut sender, mut session, roster) = lock((&sender, &session, Shared(sender.links())))?;
        if session.own_fingerprint() != sender.fingerprint() {
            return Err(Error::WrongSession.into());
        }
        let peer = session.peer_user().to_owned();
        let distribution = sender.distribution(&roster, &peer, &session.peer_fingerprint())?.encode();
        let mut out = out.reserve(session.encrypt_len(distribution.len()))?;
        let written = session.update(|session| {
            let body: [&[u8]; 1] = [&distribution];
            session.encrypt(ContentKind::Distribution, &body, now_ms, &mut SystemRandom, out.buffer())
        })?;
        if sender.is_waiting_for(&peer) {
            sender.update(|sender| {
                sender.mark_distributed(&peer);
                Ok::<(), Error>(())
            })?;
        }
        out.finish(written)
    })
}

/// Tells that a member has installed the current sender key. Once the last one has, its first state is erased: with
/// the option "confirm" only this does it.
///
/// @param sender        the sender
/// @param user          the member; one who was not waited for is fine
/// @param user_len      bytes of it
///
/// @retval SEALWAX_NULL_POINTER    user is NULL and user_len is not 0
/// @retval SEALWAX_TOO_LARGE       user_len is above SEALWAX_NAME_MAX
/// @retval SEALWAX_INVALID_TEXT    user is not UTF-8
/// @retval SEALWAX_INVALID_HANDLE  sender is not one that is open
/// @retval SEALWAX_POISONED        the sender broke; free it
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_group_sender_confirm(
    sender: *mut sealwax_group_sender,
    user: *const c_char,
    user_len: usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let inputs = unsafe { Outputs::new() }.inputs()?;
        let user = inputs.text(user, user_len, limits::NAME_MAX)?;
        let sender = cell::exclusive(sender)?;
        let mut sender = sender.lock()?;
        if sender.is_waiting_for(user) {
            sender.update(|sender| {
                sender.confirm(user);
                Ok::<(), Error>(())
            })?;
        }
        Ok(())
    })
}

/// Tells how long the next message will be, exactly. Pure: it changes nothing.
///
/// @param sender         the sender
/// @param plaintext_len  bytes of the plaintext, at most SEALWAX_MESSAGE_MAX
/// @param out_len        bytes of the envelope
///
/// @retval SEALWAX_NULL_POINTER    out_len is NULL
/// @retval SEALWAX_TOO_LARGE       plaintext_len is above SEALWAX_MESSAGE_MAX
/// @retval SEALWAX_INVALID_HANDLE  sender is not one that is open
/// @retval SEALWAX_POISONED        the sender broke; free it
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_group_sender_encrypt_len(
    sender: *const sealwax_group_sender,
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
        let sender = cell::shared(sender)?;
        len.put(sender.lock()?.encrypt_len(plaintext_len + 1));
        Ok(())
    })
}

/// Encrypts and signs one message to the group: one envelope for all. Save the sender before the envelope leaves,
/// or have exported it with a lease that covers this message. Keep the plaintext: no receiver opens one's own
/// messages.
///
/// @param sender         the sender
/// @param plaintext      any bytes; may be NULL if plaintext_len is 0
/// @param plaintext_len  bytes of them, at most SEALWAX_MESSAGE_MAX
/// @param now_ms         the time. It travels in the clear, or the latest given before if that is later
/// @param out            the envelope
/// @param out_cap        bytes of room at out; sealwax_group_sender_encrypt_len() says how many
/// @param out_len        bytes of the envelope
///
/// @retval SEALWAX_NULL_POINTER       a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE          plaintext_len is above SEALWAX_MESSAGE_MAX
/// @retval SEALWAX_BUFFER_OVERLAP     an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE     sender is not one that is open
/// @retval SEALWAX_POISONED           the sender or its roster broke; free it
/// @retval SEALWAX_FORKED             the handle belongs to the parent process; free it
/// @retval SEALWAX_GROUP_DELETED      the group has ended; nothing changed, as with all that follow
/// @retval SEALWAX_NOT_A_MEMBER       we were removed, or are a member under other keys
/// @retval SEALWAX_ROSTER_BEHIND      a member has proven entries that the roster lacks: fetch and apply them; if
///                                    none come, this passes after 5 minutes
/// @retval SEALWAX_ROTATION_REQUIRED  members came, went or changed keys, or the key is used up:
///                                    sealwax_group_sender_rotate(), then distribute
/// @retval SEALWAX_BUFFER_TOO_SMALL   *out_len is the size that would do
/// @retval SEALWAX_INTERNAL           the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_group_sender_encrypt(
    sender: *mut sealwax_group_sender,
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
        let sender = cell::exclusive(sender)?;
        let (mut sender, roster) = lock((&sender, Shared(sender.links())))?;
        sender.check_sending(&roster, now_ms)?;
        let body: [&[u8]; 2] = [&[ContentType::Binary as u8], plaintext];
        let mut out = out.reserve(sender.encrypt_len(plaintext.len() + 1))?;
        let written = sender.update(|sender| {
            sender.encrypt(&roster, ContentKind::Data, &body, now_ms, &mut SystemRandom, out.buffer())
        })?;
        out.finish(written)
    })
}

/// Replaces the sender key by a new one for the members that the roster has now, and erases the old one: what is
/// sent from now on opens for those alone to whom the new key is distributed. Save the sender before it sends or
/// distributes again.
///
/// @param sender        the sender
/// @param now_ms        the time
///
/// @retval SEALWAX_INVALID_HANDLE  sender is not one that is open
/// @retval SEALWAX_POISONED        the sender or its roster broke; free it
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
/// @retval SEALWAX_GROUP_DELETED   the group has ended
/// @retval SEALWAX_NOT_A_MEMBER    we were removed, or are a member under other keys
/// @retval SEALWAX_INTERNAL        the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_group_sender_rotate(
    sender: *mut sealwax_group_sender,
    now_ms: u64,
) -> sealwax_status {
    guard(|| {
        let sender = cell::exclusive(sender)?;
        let (mut sender, roster) = lock((&sender, Shared(sender.links())))?;
        sender.update(|sender| sender.rotate(&roster, now_ms, &mut SystemRandom))
    })
}

/// Tells what an application may want to show of a sender, or act on.
///
/// @param sender        the sender
/// @param out           JSON: "group_id", "user", "rotate_messages", "rotate_ms", "padding", "confirm", "key_id",
///                      "epoch" (when the key was made), "made_ms", "counter" (of the next message), "resumed_from"
///                      (null, or after an import the first counter that was set aside), "rotation_required"
///                      (because of members or messages; because of age it is from "rotate_at_ms" on), "waiting"
///                      (members who were not handed the key, or have not confirmed it)
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of JSON, without a NUL
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
/// @retval SEALWAX_INVALID_HANDLE    sender is not one that is open
/// @retval SEALWAX_POISONED          the sender or its roster broke; free it
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_group_sender_info(
    sender: *const sealwax_group_sender,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        outputs.inputs()?;
        let sender = cell::shared(sender)?;
        let (sender, roster) = lock((&sender, Shared(sender.links())))?;
        let json = describe(&sender, &roster);
        out.put(text(&json).as_bytes())
    })
}

fn describe(sender: &GroupSender, roster: &Roster) -> Value {
    let info = sender.info();
    json!({
        "v": 1,
        "group_id": hex(&info.group_id),
        "user": info.user,
        "rotate_messages": info.options.rotate_messages,
        "rotate_ms": integer(info.options.rotate_ms),
        "padding": match info.options.padding {
            Padding::None => "none",
            Padding::Padme => "padme",
        },
        "confirm": info.options.confirm,
        "key_id": hex(&info.key_id),
        "epoch": integer(info.epoch),
        "made_ms": integer(info.made_ms),
        "counter": info.counter,
        "resumed_from": info.resumed_from,
        "rotation_required": sender.needs_rotation(roster),
        "rotate_at_ms": integer(info.rotate_at_ms),
        "waiting": info.waiting,
    })
}

/// Seals the whole sender to be stored. Save it before an envelope that it made leaves. A lease spares that: it
/// promises that at most so many messages are encrypted before the next export, and an import skips as many; the
/// first message after an import says so to its readers. A rotation needs an export of its own.
///
/// @param sender        the sender
/// @param key           SEALWAX_KEY_LEN random bytes that the application keeps apart from the result
/// @param key_len       SEALWAX_KEY_LEN
/// @param lease         messages that may follow, at most 1,000; 0 if each is saved
/// @param out           the sealed sender, other bytes each time
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of the sealed sender
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         key_len is above SEALWAX_KEY_LEN
/// @retval SEALWAX_INVALID_ARGUMENT  key_len is below SEALWAX_KEY_LEN, or lease above 1,000
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE    sender is not one that is open
/// @retval SEALWAX_POISONED          the sender broke; free it
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
/// @retval SEALWAX_INTERNAL          the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_group_sender_export(
    sender: *const sealwax_group_sender,
    key: *const c_void,
    key_len: usize,
    lease: u32,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        let inputs = outputs.inputs()?;
        let key = inputs.exactly::<SEALWAX_KEY_LEN>(key, key_len)?;
        let sender = cell::shared(sender)?;
        let payload = sender.lock()?.export(lease)?;
        let out = out.reserve(sealed::sealed_len(payload.len()))?;
        let object = sealed::Object::GroupSender;
        out.put(&sealed::seal(&mut SystemRandom, key, object, GroupSender::FORMAT, &payload)?)
    })
}

/// Opens what sealwax_group_sender_export() sealed, and skips the messages of its lease.
///
/// @param identity      the identity that the sender was made from
/// @param roster        the group's roster, as new as it is to be had
/// @param key           the key that sealed it
/// @param key_len       SEALWAX_KEY_LEN
/// @param sealed        the sealed sender
/// @param sealed_len    bytes of it
/// @param out_sender    the sender; sealwax_group_sender_free() ends it; it keeps the roster alive
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              key_len is above SEALWAX_KEY_LEN, or sealed_len above any state's
/// @retval SEALWAX_INVALID_ARGUMENT       key_len is below SEALWAX_KEY_LEN
/// @retval SEALWAX_BUFFER_OVERLAP         the output overlaps an input
/// @retval SEALWAX_INVALID_HANDLE         identity or roster is not one that is open
/// @retval SEALWAX_POISONED               the identity or the roster broke; free it
/// @retval SEALWAX_FORKED                 a handle belongs to the parent process; free it
/// @retval SEALWAX_MALFORMED              not a sealed state
/// @retval SEALWAX_UNSUPPORTED_VERSION    sealed by a library that this one does not understand
/// @retval SEALWAX_UNSUPPORTED_SUITE      likewise
/// @retval SEALWAX_WRONG_KIND             the sealed state of another kind of object
/// @retval SEALWAX_AUTHENTICATION_FAILED  another key, or changed bytes
/// @retval SEALWAX_WRONG_SESSION          made from another identity
/// @retval SEALWAX_WRONG_GROUP            of another group than the roster
/// @retval SEALWAX_LIMIT_REACHED          too many handles are open
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_group_sender_import(
    identity: *const sealwax_identity,
    roster: *const sealwax_roster,
    key: *const c_void,
    key_len: usize,
    sealed: *const c_void,
    sealed_len: usize,
    out_sender: *mut *mut sealwax_group_sender,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_group_sender> = outputs.handle(out_sender);
        let inputs = outputs.inputs()?;
        let key = inputs.exactly::<SEALWAX_KEY_LEN>(key, key_len)?;
        let sealed = inputs.bytes(sealed, sealed_len, limits::SEALED_MAX)?;
        let (identity, roster) = (cell::shared(identity)?, cell::shared(roster)?);
        let (format, payload) = sealed::open(key, sealed::Object::GroupSender, sealed)?;
        let link = roster.keep()?;
        let (identity, roster) = lock((&identity, &roster))?;
        let sender = GroupSender::import(&identity, &roster, format, &payload)?;
        out.reserve()?.put(sender, link);
        Ok(())
    })
}
