//! Sessions.

use core::ffi::{c_char, c_void};
use std::sync::Arc;

use serde_json::{Value, json};

use super::argument::{HandleOut, Outputs};
use super::cell::{self, Cell, Object, Opaque};
use super::guard::guard;
use super::identity::sealwax_identity;
use super::lock::{Shared, lock};
use super::options::{Choice, Flag, Hex, Options, Table};
use super::sizes::{SEALWAX_FINGERPRINT_LEN, SEALWAX_KEY_LEN};
use super::status::sealwax_status;
use crate::crypto::rng::SystemRandom;
use crate::error::Error;
use crate::identity::{Card, Fingerprint, Identity, PrekeyBundle};
use crate::json::{hex, integer, text};
use crate::limits;
use crate::sealed;
use crate::session::{InnerInfo, Session, SessionInfo, SessionOptions};
use crate::wire::content::Padding;

/// Everything shared with one peer, in both directions.
#[allow(non_camel_case_types, reason = "the name in the C header")]
pub struct sealwax_session(());

impl Object for Session {
    type Links = Arc<Cell<Identity>>;
}

impl Opaque for sealwax_session {
    type Object = Session;
}

const HIDDEN_HEADER: Flag = Flag { name: "hidden_header", default: false };
const PADDING: Choice<Padding> =
    Choice { name: "padding", default: ("none", Padding::None), others: &[("padme", Padding::Padme)] };
const PEER_FINGERPRINT: Hex<SEALWAX_FINGERPRINT_LEN> = Hex { name: "peer_fingerprint" };

/// Of `sealwax_session_initiate` and `sealwax_session_accept`.
pub(super) static OPTIONS: Table = Table {
    functions: &["sealwax_session_initiate", "sealwax_session_accept"],
    keys: &[&HIDDEN_HEADER, &PADDING, &PEER_FINGERPRINT],
};

fn session_options(options: &Options) -> SessionOptions {
    SessionOptions {
        hidden_header: options.get(&HIDDEN_HEADER),
        padding: options.get(&PADDING),
        peer_fingerprint: options.get(&PEER_FINGERPRINT).map(Fingerprint::from_bytes),
    }
}

/// Empty stands for none.
fn bundle(bytes: &[u8], card: &Card) -> Result<Option<PrekeyBundle>, Error> {
    if bytes.is_empty() { Ok(None) } else { PrekeyBundle::parse(bytes, card).map(Some) }
}

/// @section Sessions: messages between two identities
///
/// Starts a session by a handshake with the owner of a card. Nothing is sent by itself: the first messages carry
/// the handshake. If the peer starts one at the same time, either session takes the other's messages and both sides
/// come to use the same.
///
/// @param identity      who starts
/// @param card          the peer's card
/// @param card_len      bytes of it
/// @param prekeys       the peer's bundle as the relay handed it out, with one or no one-time prekey: of several
///                      the first is used, so a bundle is for one peer only, as sealwax_relay_lookup() sees to;
///                      empty for none, which the card must allow; may be NULL if prekeys_len is 0
/// @param prekeys_len   bytes of it
/// @param options       JSON: "hidden_header" (false): hide ratchet keys and counters from the relay; "padding"
///                      ("none"): "padme" hides lengths; "peer_fingerprint": the only one that is taken, in hex;
///                      may be NULL if options_len is 0
/// @param options_len   bytes of them
/// @param now_ms        the time
/// @param out_session   the session; sealwax_session_free() ends it; it keeps the identity alive
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              card, prekeys or options are too long
/// @retval SEALWAX_BUFFER_OVERLAP         the output overlaps an input
/// @retval SEALWAX_INVALID_TEXT           options are not UTF-8
/// @retval SEALWAX_INVALID_HANDLE         identity is not one that is open
/// @retval SEALWAX_POISONED               the identity broke; free it
/// @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_OPTIONS        sealwax_options_check() says why
/// @retval SEALWAX_MALFORMED              not a card, or not a bundle
/// @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_KIND             another object than a card, or than a bundle
/// @retval SEALWAX_AUTHENTICATION_FAILED  a signature does not hold
/// @retval SEALWAX_INVALID_ARGUMENT       the card is one's own
/// @retval SEALWAX_IDENTITY_CHANGED       not the pinned fingerprint, or the bundle is of another identity
/// @retval SEALWAX_EXPIRED                the signed prekey is past its time: fetch another bundle
/// @retval SEALWAX_PREKEYS_REQUIRED       the card asks for prekeys, and there are none
/// @retval SEALWAX_LIMIT_REACHED          too many handles are open
/// @retval SEALWAX_INTERNAL               the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_session_initiate(
    identity: *const sealwax_identity,
    card: *const c_void,
    card_len: usize,
    prekeys: *const c_void,
    prekeys_len: usize,
    options: *const c_char,
    options_len: usize,
    now_ms: u64,
    out_session: *mut *mut sealwax_session,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_session> = outputs.handle(out_session);
        let inputs = outputs.inputs()?;
        let card = inputs.bytes(card, card_len, limits::CARD_MAX)?;
        let prekeys = inputs.bytes(prekeys, prekeys_len, limits::PREKEYS_MAX)?;
        let options = inputs.text(options, options_len, limits::OPTIONS_MAX)?;
        let handle = cell::shared(identity)?;
        let options = session_options(&OPTIONS.parse(options)?);
        let card = Card::parse(card)?;
        let prekeys = bundle(prekeys, &card)?;
        let identity = handle.lock()?;
        let place = out.reserve()?;
        let rng = &mut SystemRandom;
        let session = Session::initiate(&identity, &card, prekeys.as_ref(), options, now_ms, rng)?;
        place.put(session, handle.keep()?);
        Ok(())
    })
}

/// Answers a first message (SEALWAX_KIND_SESSION_FIRST) of a peer with whom there is no session. The message is
/// authenticated and its one-time prekey goes; sealwax_session_decrypt() then reads it, and every further one of
/// the peer. Save the identity before the message is acknowledged: an older one would take it again.
///
/// @param identity      whom the message is for; it remembers the handshake
/// @param envelope      the first message
/// @param envelope_len  bytes of it
/// @param options       JSON, as in sealwax_session_initiate(): "hidden_header" is for handshakes that we make
///                      later, this one is as the peer made it; may be NULL if options_len is 0
/// @param options_len   bytes of them
/// @param now_ms        the time
/// @param out_session   the session; sealwax_session_free() ends it; it keeps the identity alive
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              envelope or options are too long
/// @retval SEALWAX_BUFFER_OVERLAP         the output overlaps an input
/// @retval SEALWAX_INVALID_TEXT           options are not UTF-8
/// @retval SEALWAX_INVALID_HANDLE         identity is not one that is open
/// @retval SEALWAX_POISONED               the identity broke; free it
/// @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_OPTIONS        sealwax_options_check() says why
/// @retval SEALWAX_MALFORMED              not an envelope; nothing changed, as with all that follow
/// @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_KIND             another object than a session message, or content of a later version
/// @retval SEALWAX_WRONG_RECIPIENT        for somebody else
/// @retval SEALWAX_UNKNOWN_KEY            a session message without a handshake: the session that it belongs to is
///                                        lost; start one with its sender
/// @retval SEALWAX_IDENTITY_CHANGED       the sender is not of the pinned fingerprint
/// @retval SEALWAX_PREKEYS_REQUIRED       made without prekeys, and this identity asks for them
/// @retval SEALWAX_UNKNOWN_PREKEY         made with a prekey that is used up or dead
/// @retval SEALWAX_EXPIRED                made without prekeys, too long ago or in the future
/// @retval SEALWAX_REPLAY                 this first message was taken before
/// @retval SEALWAX_TOO_FAR_AHEAD          not among the first 2,001 messages of its sender
/// @retval SEALWAX_AUTHENTICATION_FAILED  changed on its way, or not by who it says
/// @retval SEALWAX_LIMIT_REACHED          too many first messages to remember, or too many handles are open
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_session_accept(
    identity: *mut sealwax_identity,
    envelope: *const c_void,
    envelope_len: usize,
    options: *const c_char,
    options_len: usize,
    now_ms: u64,
    out_session: *mut *mut sealwax_session,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_session> = outputs.handle(out_session);
        let inputs = outputs.inputs()?;
        let envelope = inputs.bytes(envelope, envelope_len, limits::ENVELOPE_MAX)?;
        let options = inputs.text(options, options_len, limits::OPTIONS_MAX)?;
        let handle = cell::exclusive(identity)?;
        let options = session_options(&OPTIONS.parse(options)?);
        let mut identity = handle.lock()?;
        let (place, link) = (out.reserve()?, handle.keep()?);
        let session = identity.update(|identity| Session::accept(identity, envelope, options, now_ms))?;
        place.put(session, link);
        Ok(())
    })
}

/// Makes a fresh handshake with the peer, with a bundle fetched for it: after SEALWAX_RENEWAL_REQUIRED, or when the
/// peer's messages are of an unknown key. What is under way under the old one still opens.
///
/// @param session      the session
/// @param card         the peer's card
/// @param card_len     bytes of it
/// @param prekeys      the peer's bundle as the relay handed it out; empty for none, if there never were any; may
///                     be NULL if prekeys_len is 0
/// @param prekeys_len  bytes of it
/// @param now_ms       the time
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              card or prekeys are too long
/// @retval SEALWAX_INVALID_HANDLE         session is not one that is open
/// @retval SEALWAX_POISONED               the session or its identity broke; free it
/// @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
/// @retval SEALWAX_MALFORMED              not a card, or not a bundle
/// @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_KIND             another object than a card, or than a bundle
/// @retval SEALWAX_AUTHENTICATION_FAILED  a signature does not hold
/// @retval SEALWAX_IDENTITY_CHANGED       not the card of this session's peer, or the bundle of another identity: a
///                                        new identity needs a new session
/// @retval SEALWAX_EXPIRED                the signed prekey is past its time: fetch another bundle
/// @retval SEALWAX_PREKEYS_REQUIRED       the card asks for prekeys, or the peer once had some, and there are none
/// @retval SEALWAX_RATE_LIMITED           too early: "renewal_due_ms" of sealwax_session_info() says when
/// @retval SEALWAX_INTERNAL               the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_session_renew(
    session: *mut sealwax_session,
    card: *const c_void,
    card_len: usize,
    prekeys: *const c_void,
    prekeys_len: usize,
    now_ms: u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let inputs = unsafe { Outputs::new() }.inputs()?;
        let card = inputs.bytes(card, card_len, limits::CARD_MAX)?;
        let prekeys = inputs.bytes(prekeys, prekeys_len, limits::PREKEYS_MAX)?;
        let handle = cell::exclusive(session)?;
        let card = Card::parse(card)?;
        let prekeys = bundle(prekeys, &card)?;
        let (mut session, identity) = lock((&handle, Shared(handle.links())))?;
        session.update(|session| session.renew(&identity, &card, prekeys.as_ref(), now_ms, &mut SystemRandom))
    })
}

/// Ends a session. What was not exported is gone.
///
/// @param session  the session; NULL is fine
///
/// @retval SEALWAX_INVALID_HANDLE  session is not one that is open
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealwax_session_free(session: *mut sealwax_session) -> sealwax_status {
    guard(|| cell::free(session))
}

/// Tells what an application may want to show of a session, or act on, as of its last change.
///
/// @param session       the session
/// @param out           JSON: "user", "fingerprint" (one's own), "peer_user", "peer_fingerprint", "padding",
///                      "sendable" (or else sealwax_session_renew()), "renewal_due_ms" (when that is allowed),
///                      "inner": one object for each handshake that is held, oldest first, with "key_id", "active"
///                      (it sends), "initiated" (by us), "answered", "level" (0 without prekeys, 1 with a signed, 2
///                      also with a one-time prekey), "hidden_header", "created_ms" (by its maker's clock),
///                      "used_ms", "unanswered" (messages sent before the first answer), "skipped_keys"
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of JSON, without a NUL
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
/// @retval SEALWAX_INVALID_HANDLE    session is not one that is open
/// @retval SEALWAX_POISONED          the session broke; free it
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_session_info(
    session: *const sealwax_session,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        outputs.inputs()?;
        let session = cell::shared(session)?;
        let info = session.lock()?.info();
        out.put(text(&describe_session(&info)).as_bytes())
    })
}

fn describe_session(info: &SessionInfo) -> Value {
    json!({
        "v": 1,
        "user": info.own_user,
        "fingerprint": hex(info.own_fingerprint.as_bytes()),
        "peer_user": info.peer_user,
        "peer_fingerprint": hex(info.peer_fingerprint.as_bytes()),
        "padding": match info.padding {
            Padding::None => "none",
            Padding::Padme => "padme",
        },
        "sendable": info.sendable,
        "renewal_due_ms": integer(info.renewal_due_ms),
        "inner": info.inner.iter().map(describe_inner).collect::<Vec<_>>(),
    })
}

fn describe_inner(inner: &InnerInfo) -> Value {
    json!({
        "key_id": hex(&inner.key_id),
        "active": inner.active,
        "initiated": inner.initiated,
        "answered": inner.answered,
        "level": inner.level as u8,
        "hidden_header": inner.hidden_header,
        "created_ms": integer(inner.created_ms),
        "used_ms": integer(inner.used_ms),
        "unanswered": inner.unanswered,
        "skipped_keys": inner.skipped_keys,
    })
}

/// Seals the whole session to be stored. Save it before an envelope that it made leaves, and before one that it
/// read is acknowledged. A lease spares the first: it promises that at most so many messages are encrypted before
/// the next export, and an import skips as many. A message read, the first one encrypted after that, and a renewal
/// each need an export of their own; between the first two of them only a lease of 0 is granted.
///
/// @param session       the session
/// @param key           SEALWAX_KEY_LEN random bytes that the application keeps apart from the result
/// @param key_len       SEALWAX_KEY_LEN
/// @param lease         messages that may follow, at most 1,000; 0 if each is saved
/// @param out           the sealed session, other bytes each time
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of the sealed session
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         key_len is above SEALWAX_KEY_LEN
/// @retval SEALWAX_INVALID_ARGUMENT  key_len is below SEALWAX_KEY_LEN, or lease above 1,000
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE    session is not one that is open
/// @retval SEALWAX_POISONED          the session broke; free it
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_WRONG_STATE       lease is above 0, and nothing was encrypted since the last message was read: a
///                                   lease does not reach what comes next. Export with 0, and again after it
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
/// @retval SEALWAX_INTERNAL          the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_session_export(
    session: *const sealwax_session,
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
        let session = cell::shared(session)?;
        let session = session.lock()?;
        if lease > 0 && !session.is_in_turn() {
            return Err(Error::WrongState.into());
        }
        let payload = session.export(lease)?;
        let mut out = out.reserve(sealed::sealed_len(payload.len()))?;
        let sealed =
            sealed::seal(&mut SystemRandom, key, sealed::Object::Session, Session::FORMAT, &payload)?;
        out.buffer().copy_from_slice(&sealed);
        out.finish(sealed.len())
    })
}

/// Opens what sealwax_session_export() sealed, and skips the messages of its lease.
///
/// @param identity      the identity that the session was made from
/// @param key           the key that sealed it
/// @param key_len       SEALWAX_KEY_LEN
/// @param sealed        the sealed session
/// @param sealed_len    bytes of it
/// @param out_session   the session; sealwax_session_free() ends it; it keeps the identity alive
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              key_len is above SEALWAX_KEY_LEN, or sealed_len above any state's
/// @retval SEALWAX_INVALID_ARGUMENT       key_len is below SEALWAX_KEY_LEN
/// @retval SEALWAX_BUFFER_OVERLAP         the output overlaps an input
/// @retval SEALWAX_INVALID_HANDLE         identity is not one that is open
/// @retval SEALWAX_POISONED               the identity broke; free it
/// @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
/// @retval SEALWAX_MALFORMED              not a sealed state
/// @retval SEALWAX_UNSUPPORTED_VERSION    sealed by a library that this one does not understand
/// @retval SEALWAX_UNSUPPORTED_SUITE      likewise
/// @retval SEALWAX_WRONG_KIND             the sealed state of another kind of object
/// @retval SEALWAX_AUTHENTICATION_FAILED  another key, or changed bytes
/// @retval SEALWAX_WRONG_SESSION          made from another identity
/// @retval SEALWAX_CHAIN_EXHAUSTED        the lease goes beyond 2^32 - 1 messages without one of the peer
/// @retval SEALWAX_LIMIT_REACHED          too many handles are open
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_session_import(
    identity: *const sealwax_identity,
    key: *const c_void,
    key_len: usize,
    sealed: *const c_void,
    sealed_len: usize,
    out_session: *mut *mut sealwax_session,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_session> = outputs.handle(out_session);
        let inputs = outputs.inputs()?;
        let key = inputs.exactly::<SEALWAX_KEY_LEN>(key, key_len)?;
        let sealed = inputs.bytes(sealed, sealed_len, limits::SEALED_MAX)?;
        let handle = cell::shared(identity)?;
        let (format, payload) = sealed::open(key, sealed::Object::Session, sealed)?;
        let session = Session::import(&*handle.lock()?, format, &payload)?;
        out.reserve()?.put(session, handle.keep()?);
        Ok(())
    })
}
