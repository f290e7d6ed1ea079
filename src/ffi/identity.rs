//! Identities, cards and safety numbers.

use core::ffi::{c_char, c_void};

use serde_json::{Map, Value, json};

use super::argument::{HandleOut, Outputs};
use super::cell::{self, Object, Opaque};
use super::guard::guard;
use super::options::{Flag, Table};
use super::sizes::{SEALWAX_KEY_LEN, SEALWAX_SAFETY_DIGITS};
use super::status::sealwax_status;
use crate::crypto::ecc::SIGNATURE_LEN;
use crate::crypto::rng::SystemRandom;
use crate::identity::{Card, Identity, IdentityOptions, safety_number};
use crate::json::{hex, integer, text};
use crate::limits;
use crate::sealed;
use crate::wire::frame::CHALLENGE_LEN;

/// One's own keys, the card that shows them, and prekeys.
#[allow(non_camel_case_types, reason = "the name in the C header")]
pub struct sealwax_identity(());

impl Object for Identity {
    type Links = ();
}

impl Opaque for sealwax_identity {
    type Object = Identity;
}

const PREKEYS_REQUIRED: Flag = Flag { name: "prekeys_required", default: true };

/// Of `sealwax_identity_new`.
pub(super) static OPTIONS: Table = Table { functions: &["sealwax_identity_new"], keys: &[&PREKEYS_REQUIRED] };

/// @section Identities and cards
///
/// Makes a new identity: two fresh key pairs and the card that shows them.
///
/// @param user          user id, 1 to SEALWAX_NAME_MAX bytes of UTF-8 in Normalization Form C, without control,
///                      format, private-use or unassigned characters; it names one device's identity
/// @param user_len      bytes of it
/// @param options       JSON: "prekeys_required" (true): refuse a handshake without a signed prekey, so that a
///                      relay cannot cause one by hiding prekeys; may be NULL if options_len is 0
/// @param options_len   bytes of them
/// @param now_ms        the time
/// @param out_identity  the identity; sealwax_identity_free() ends it
///
/// @retval SEALWAX_NULL_POINTER     a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE        user or options are too long
/// @retval SEALWAX_BUFFER_OVERLAP   the output overlaps an input
/// @retval SEALWAX_INVALID_TEXT     user is not a user id, or an input is not UTF-8
/// @retval SEALWAX_INVALID_OPTIONS  sealwax_options_check() says why
/// @retval SEALWAX_LIMIT_REACHED    too many handles are open
/// @retval SEALWAX_INTERNAL         the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_identity_new(
    user: *const c_char,
    user_len: usize,
    options: *const c_char,
    options_len: usize,
    now_ms: u64,
    out_identity: *mut *mut sealwax_identity,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_identity> = outputs.handle(out_identity);
        let inputs = outputs.inputs()?;
        let user = inputs.text(user, user_len, limits::NAME_MAX)?;
        let options = inputs.text(options, options_len, limits::OPTIONS_MAX)?;
        let options = OPTIONS.parse(options)?;
        let options = IdentityOptions { prekeys_required: options.get(&PREKEYS_REQUIRED) };
        let place = out.reserve()?;
        place.put(Identity::generate(&mut SystemRandom, user, options, now_ms)?, ());
        Ok(())
    })
}

/// Ends an identity. Sessions and groups made from it go on.
///
/// @param identity  the identity; NULL is fine
///
/// @retval SEALWAX_INVALID_HANDLE  identity is not one that is open
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealwax_identity_free(identity: *mut sealwax_identity) -> sealwax_status {
    guard(|| cell::free(identity))
}

/// Seals the whole identity, private keys included, to be stored. Save it before a bundle of
/// sealwax_identity_prekeys() is published, and again after each sealwax_session_accept() and each
/// sealwax_session_decrypt() that made its revision grow: an older state would take a replayed first message.
///
/// @param identity      the identity
/// @param key           SEALWAX_KEY_LEN random bytes that the application keeps apart from the result
/// @param key_len       SEALWAX_KEY_LEN
/// @param out           the sealed identity, other bytes each time
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of the sealed identity
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         key_len is above SEALWAX_KEY_LEN
/// @retval SEALWAX_INVALID_ARGUMENT  key_len is below SEALWAX_KEY_LEN
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE    identity is not one that is open
/// @retval SEALWAX_POISONED          the identity broke; free it
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
/// @retval SEALWAX_INTERNAL          the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_identity_export(
    identity: *const sealwax_identity,
    key: *const c_void,
    key_len: usize,
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
        let identity = cell::shared(identity)?;
        let payload = identity.lock()?.export()?;
        let out = out.reserve(sealed::sealed_len(payload.len()))?;
        let object = sealed::Object::Identity;
        out.put(&sealed::seal(&mut SystemRandom, key, object, Identity::FORMAT, &payload)?)
    })
}

/// Opens what sealwax_identity_export() sealed.
///
/// @param key           the key that sealed it
/// @param key_len       SEALWAX_KEY_LEN
/// @param sealed        the sealed identity
/// @param sealed_len    bytes of it
/// @param out_identity  the identity; sealwax_identity_free() ends it
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              key_len is above SEALWAX_KEY_LEN, or sealed_len above any state's
/// @retval SEALWAX_INVALID_ARGUMENT       key_len is below SEALWAX_KEY_LEN
/// @retval SEALWAX_BUFFER_OVERLAP         the output overlaps an input
/// @retval SEALWAX_MALFORMED              not a sealed state
/// @retval SEALWAX_UNSUPPORTED_VERSION    sealed by a library that this one does not understand
/// @retval SEALWAX_UNSUPPORTED_SUITE      likewise
/// @retval SEALWAX_WRONG_KIND             the sealed state of another kind of object
/// @retval SEALWAX_AUTHENTICATION_FAILED  another key, or changed bytes
/// @retval SEALWAX_LIMIT_REACHED          too many handles are open
/// @retval SEALWAX_INTERNAL               the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_identity_import(
    key: *const c_void,
    key_len: usize,
    sealed: *const c_void,
    sealed_len: usize,
    out_identity: *mut *mut sealwax_identity,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_identity> = outputs.handle(out_identity);
        let inputs = outputs.inputs()?;
        let key = inputs.exactly::<SEALWAX_KEY_LEN>(key, key_len)?;
        let sealed = inputs.bytes(sealed, sealed_len, limits::SEALED_MAX)?;
        let (format, payload) = sealed::open(key, sealed::Object::Identity, sealed)?;
        let identity = Identity::import(format, &payload)?;
        out.reserve()?.put(identity, ());
        Ok(())
    })
}

/// Gives the card to show to others: user id, public keys, own signature. The same bytes each time.
///
/// @param identity      the identity
/// @param out           the card
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of the card
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
/// @retval SEALWAX_INVALID_HANDLE    identity is not one that is open
/// @retval SEALWAX_POISONED          the identity broke; free it
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_identity_card(
    identity: *const sealwax_identity,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        outputs.inputs()?;
        let identity = cell::shared(identity)?;
        let identity = identity.lock()?;
        out.put(identity.card().as_bytes())
    })
}

/// Makes a bundle to publish: the signed prekey, a new one when the last is seven days old, and fresh one-time
/// prekeys. Save the identity before the bundle leaves. Publish at least weekly: a signed prekey dies after thirty
/// days, and so does a one-time prekey that nobody used.
///
/// @param identity      the identity
/// @param one_time      new one-time prekeys; at most 1,000 may be unused at a time
/// @param now_ms        the time
/// @param out           the bundle
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of the bundle
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
/// @retval SEALWAX_INVALID_HANDLE    identity is not one that is open
/// @retval SEALWAX_POISONED          the identity broke; free it
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_LIMIT_REACHED     too many one-time prekeys would be unused; nothing changed
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do; nothing changed
/// @retval SEALWAX_INTERNAL          the system has no randomness; nothing changed
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_identity_prekeys(
    identity: *mut sealwax_identity,
    one_time: u32,
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
        let identity = cell::exclusive(identity)?;
        let mut identity = identity.lock()?;
        let out = out.reserve(identity.prekeys_len(one_time, now_ms)?)?;
        out.put(&identity.update(|identity| identity.prekeys(&mut SystemRandom, one_time, now_ms))?)
    })
}

/// Answers the challenge of a relay: shows it that a connection is this identity's. Compare the name in the
/// challenge with that of the relay that was called first, so that no relay can pass the proof on to another.
///
/// @param identity        the identity
/// @param relay_name      the relay's name
/// @param relay_name_len  bytes of it
/// @param nonce           the 32 bytes of the challenge
/// @param nonce_len       32
/// @param hello           the whole hello frame that the connection started with
/// @param hello_len       bytes of it
/// @param out             the 64 bytes of the proof
/// @param out_cap         bytes of room at out; 0 asks for the size
/// @param out_len         bytes of the proof
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
/// @retval SEALWAX_INVALID_ARGUMENT  nonce_len is below 32
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT      relay_name is not UTF-8
/// @retval SEALWAX_INVALID_HANDLE    identity is not one that is open
/// @retval SEALWAX_POISONED          the identity broke; free it
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
/// @retval SEALWAX_INTERNAL          the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_identity_prove(
    identity: *const sealwax_identity,
    relay_name: *const c_char,
    relay_name_len: usize,
    nonce: *const c_void,
    nonce_len: usize,
    hello: *const c_void,
    hello_len: usize,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        let inputs = outputs.inputs()?;
        let relay_name = inputs.text(relay_name, relay_name_len, limits::NAME_MAX)?;
        let nonce = inputs.exactly::<CHALLENGE_LEN>(nonce, nonce_len)?;
        let hello = inputs.bytes(hello, hello_len, limits::FRAME_MAX)?;
        let identity = cell::shared(identity)?;
        let identity = identity.lock()?;
        let out = out.reserve(SIGNATURE_LEN)?;
        out.put(&identity.prove_hello(&mut SystemRandom, relay_name, nonce, hello)?)
    })
}

/// Tells what an application may want to show of an identity, or act on.
///
/// @param identity      the identity
/// @param out           JSON: what sealwax_card_inspect() says of the card, "signed_prekeys" that are alive (oldest
///                      first, each "id", "created_ms", "expires_ms"), "rotate_ms" (when the next
///                      sealwax_identity_prekeys() makes a new one; null if there is none), "one_time_prekeys"
///                      (unused), "first_messages" (remembered against replay)
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of JSON, without a NUL
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
/// @retval SEALWAX_INVALID_HANDLE    identity is not one that is open
/// @retval SEALWAX_POISONED          the identity broke; free it
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_identity_info(
    identity: *const sealwax_identity,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        outputs.inputs()?;
        let identity = cell::shared(identity)?;
        let info = identity.lock()?.info();
        let mut json = describe_card(&info.card);
        let signed = info.signed_prekeys.iter().map(|prekey| {
            json!({
                "id": prekey.id,
                "created_ms": integer(prekey.created_ms),
                "expires_ms": integer(prekey.expires_ms),
            })
        });
        json.extend([
            ("signed_prekeys".into(), signed.collect()),
            ("rotate_ms".into(), info.rotate_ms.map_or(Value::Null, integer)),
            ("one_time_prekeys".into(), info.one_time_prekeys.into()),
            ("first_messages".into(), info.first_messages.into()),
        ]);
        out.put(text(&Value::Object(json)).as_bytes())
    })
}

/// Checks a card whole, its signature too, and tells what it says. It proves that the keys belong together, not
/// whose they are: compare the safety number.
///
/// @param card      the card
/// @param card_len  bytes of it
/// @param out       JSON: "user", "fingerprint", "sign_key", "agree_key", "prekeys_required", "created_ms" (by the
///                  owner's clock)
/// @param out_cap   bytes of room at out; 0 asks for the size
/// @param out_len   bytes of JSON, without a NUL
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              longer than any card
/// @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
/// @retval SEALWAX_MALFORMED              not a card
/// @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_KIND             another object than a card
/// @retval SEALWAX_AUTHENTICATION_FAILED  its signature does not hold
/// @retval SEALWAX_BUFFER_TOO_SMALL       *out_len is the size that would do
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_card_inspect(
    card: *const c_void,
    card_len: usize,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        let inputs = outputs.inputs()?;
        let card = Card::parse(inputs.bytes(card, card_len, limits::CARD_MAX)?)?;
        out.put(text(&Value::Object(describe_card(&card))).as_bytes())
    })
}

/// Makes the number that two people compare to know that nobody sits between them: the same on both sides, in
/// either order of the cards.
///
/// @param card        one card
/// @param card_len    bytes of it
/// @param other       the other card
/// @param other_len   bytes of it
/// @param out_digits  SEALWAX_SAFETY_DIGITS ASCII digits and a NUL, to be shown in groups of five
/// @param out         67 bytes to be shown as a QR code, compared byte by byte with what the other side scanned
/// @param out_cap     bytes of room at out; 0 asks for the size
/// @param out_len     bytes at out
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              longer than any card
/// @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
/// @retval SEALWAX_MALFORMED              not a card
/// @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_KIND             another object than a card
/// @retval SEALWAX_AUTHENTICATION_FAILED  the signature of a card does not hold
/// @retval SEALWAX_INVALID_ARGUMENT       both cards are of the same identity
/// @retval SEALWAX_BUFFER_TOO_SMALL       *out_len is the size that would do
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_card_safety_number(
    card: *const c_void,
    card_len: usize,
    other: *const c_void,
    other_len: usize,
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
        let card = inputs.bytes(card, card_len, limits::CARD_MAX)?;
        let other = inputs.bytes(other, other_len, limits::CARD_MAX)?;
        let number = safety_number(&Card::parse(card)?, &Card::parse(other)?)?;
        out.put(&number.qr)?;
        digits.put(terminated(&number.digits));
        Ok(())
    })
}

/// Digits of a safety number as C wants them.
pub(super) fn terminated(digits: &[u8; SEALWAX_SAFETY_DIGITS]) -> [u8; SEALWAX_SAFETY_DIGITS + 1] {
    let mut text = [0; SEALWAX_SAFETY_DIGITS + 1];
    text.iter_mut().zip(digits).for_each(|(place, digit)| *place = *digit);
    text
}

fn describe_card(card: &Card) -> Map<String, Value> {
    Map::from_iter([
        ("v".into(), 1.into()),
        ("user".into(), card.user().into()),
        ("fingerprint".into(), hex(card.fingerprint().as_bytes())),
        ("sign_key".into(), hex(card.sign_key().as_bytes())),
        ("agree_key".into(), hex(card.agree_key().as_bytes())),
        ("prekeys_required".into(), card.prekeys_required().into()),
        ("created_ms".into(), integer(card.created_ms())),
    ])
}
