//! The routing core of a relay.

use core::ffi::{c_char, c_void};

use serde_json::json;

use super::argument::{HandleOut, Outputs};
use super::cell::{self, Opaque};
use super::deliveries::sealwax_deliveries;
use super::guard::guard;
use super::json::{integer, text};
use super::options::{Integer, Table};
use super::status::{Status, sealwax_status};
use super::unlocked::Unlocked;
use crate::limits;
use crate::relay::{Relay, RelayOptions};

/// The routing core of a relay: cards, prekeys, rosters, queues; no secret. All its functions take it as const and
/// run side by side.
#[allow(non_camel_case_types, reason = "the name in the C header")]
pub struct sealwax_relay(());

impl Opaque for sealwax_relay {
    type Object = Unlocked<Relay>;
}

const USERS: Integer = count("users_max", limits::RELAY_USERS_MAX);
const GROUPS: Integer = count("groups_max", limits::RELAY_GROUPS_MAX);
const QUEUE: Integer = count("queue_max", limits::RELAY_QUEUE_MAX);
const QUEUE_BYTES: Integer = count("queue_bytes_max", limits::RELAY_QUEUE_BYTES_MAX);
const QUEUE_AGE: Integer = Integer {
    name: "queue_age_max_ms",
    min: 0,
    max: limits::QUEUE_AGE_MAX_MS,
    default: limits::QUEUE_AGE_MAX_MS,
};
const PREKEYS: Integer = Integer {
    name: "prekeys_per_hour",
    min: 0,
    max: limits::ONE_TIME_PREKEYS_MAX as u64,
    default: limits::RELAY_PREKEYS_PER_HOUR as u64,
};

/// As many as the limit unless the option says fewer.
const fn count(name: &'static str, limit: usize) -> Integer {
    Integer { name, min: 0, max: limit as u64, default: limit as u64 }
}

/// Of `sealwax_relay_new`.
pub(super) static OPTIONS: Table = Table {
    functions: &["sealwax_relay_new"],
    keys: &[&USERS, &GROUPS, &QUEUE, &QUEUE_BYTES, &QUEUE_AGE, &PREKEYS],
};

/// No option is above a limit that is a `usize`.
fn size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// @section Relays: what routes envelopes and cannot read them
///
/// Makes an empty relay. It does what docs/PROTOCOL.md section 10 asks of one; authenticating users, carrying
/// frames and storing records is the host's part. Each call gives sealwax_deliveries: store its records, then
/// send its deliveries, then answer the client.
///
/// @param options      JSON: "users_max", "groups_max"; for each queue "queue_max" (envelopes),
///                     "queue_bytes_max", "queue_age_max_ms"; "prekeys_per_hour" (one-time prekeys of one
///                     user that one requester may take); each at most, and if absent, what
///                     sealwax_options_check() shows; may be NULL if options_len is 0
/// @param options_len  bytes of them
/// @param out_relay    the relay; sealwax_relay_free() ends it
///
/// @retval SEALWAX_NULL_POINTER     a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE        options are too long
/// @retval SEALWAX_BUFFER_OVERLAP   the output overlaps an input
/// @retval SEALWAX_INVALID_TEXT     options are not UTF-8
/// @retval SEALWAX_INVALID_OPTIONS  sealwax_options_check() says why
/// @retval SEALWAX_LIMIT_REACHED    too many handles are open
/// @retval SEALWAX_INTERNAL         the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_relay_new(
    options: *const c_char,
    options_len: usize,
    out_relay: *mut *mut sealwax_relay,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_relay> = outputs.handle(out_relay);
        let inputs = outputs.inputs()?;
        let options = OPTIONS.parse(inputs.text(options, options_len, limits::OPTIONS_MAX)?)?;
        let options = RelayOptions {
            users_max: size(options.get(&USERS)),
            groups_max: size(options.get(&GROUPS)),
            queue_max: size(options.get(&QUEUE)),
            queue_bytes_max: size(options.get(&QUEUE_BYTES)),
            queue_age_max_ms: options.get(&QUEUE_AGE),
            prekeys_per_hour: u32::try_from(options.get(&PREKEYS)).unwrap_or(u32::MAX),
        };
        out.reserve()?.put(Unlocked::new(), Relay::new(options));
        Ok(())
    })
}

/// Ends a relay. Deliveries that it gave stay.
///
/// @param relay  the relay; NULL is fine
///
/// @retval SEALWAX_INVALID_HANDLE  relay is not one that is open
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealwax_relay_free(relay: *mut sealwax_relay) -> sealwax_status {
    guard(|| cell::free(relay))
}

/// Takes the card of a user. A newer card of the same identity replaces an older one; the same or an older
/// one changes nothing. To let a user take another identity, delete the records "card/", "prekeys/" and
/// "taken/" of the user from the store and from the relay with sealwax_relay_restore().
///
/// @param relay           the relay
/// @param user            whom the host has authenticated
/// @param user_len        bytes of it
/// @param card            the user's card
/// @param card_len        bytes of it
/// @param now_ms          the time
/// @param out_deliveries  what is to be stored and then sent; sealwax_deliveries_free() ends it
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT           a user id is not UTF-8
/// @retval SEALWAX_INVALID_HANDLE         relay is not one that is open
/// @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
/// @retval SEALWAX_LIMIT_REACHED          too many handles are open, or the relay has no room for another
///                                        user
/// @retval SEALWAX_MALFORMED              not a card
/// @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_KIND             another object than a card
/// @retval SEALWAX_AUTHENTICATION_FAILED  the card's signature does not hold
/// @retval SEALWAX_NOT_PERMITTED          the card of another user
/// @retval SEALWAX_IDENTITY_CHANGED       the user is registered with another identity
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_relay_register(
    relay: *const sealwax_relay,
    user: *const c_char,
    user_len: usize,
    card: *const c_void,
    card_len: usize,
    now_ms: u64,
    out_deliveries: *mut *mut sealwax_deliveries,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_deliveries> = outputs.handle(out_deliveries);
        let inputs = outputs.inputs()?;
        let user = inputs.text(user, user_len, limits::NAME_MAX)?;
        let card = inputs.bytes(card, card_len, limits::CARD_MAX)?;
        let relay = cell::shared(relay)?;
        let relay = relay.links();
        let place = out.reserve()?;
        place.put(Unlocked::new(), relay.register(user, card, now_ms)?.into());
        Ok(())
    })
}

/// Takes the prekeys of a user. The signed prekey replaces the one before; one-time prekeys that are left
/// stay, and none is handed out twice.
///
/// @param relay           the relay
/// @param user            whom the host has authenticated
/// @param user_len        bytes of it
/// @param prekeys         what sealwax_identity_prekeys() gave
/// @param prekeys_len     bytes of it
/// @param now_ms          the time
/// @param out_deliveries  what is to be stored and then sent; sealwax_deliveries_free() ends it
///
/// @retval SEALWAX_NULL_POINTER           a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE              an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP         an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE         relay is not one that is open
/// @retval SEALWAX_FORKED                 the handle belongs to the parent process; free it
/// @retval SEALWAX_LIMIT_REACHED          too many handles are open
/// @retval SEALWAX_UNKNOWN_USER           user has no card here
/// @retval SEALWAX_MALFORMED              not a bundle of this user
/// @retval SEALWAX_UNSUPPORTED_VERSION    of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE      of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_KIND             another object than a bundle of this user
/// @retval SEALWAX_INVALID_TEXT           a user id is none
/// @retval SEALWAX_IDENTITY_CHANGED       of another identity than the registered one
/// @retval SEALWAX_AUTHENTICATION_FAILED  its signature does not hold
/// @retval SEALWAX_EXPIRED                its signed prekey is past its time
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_relay_publish(
    relay: *const sealwax_relay,
    user: *const c_char,
    user_len: usize,
    prekeys: *const c_void,
    prekeys_len: usize,
    now_ms: u64,
    out_deliveries: *mut *mut sealwax_deliveries,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_deliveries> = outputs.handle(out_deliveries);
        let inputs = outputs.inputs()?;
        let user = inputs.text(user, user_len, limits::NAME_MAX)?;
        let prekeys = inputs.bytes(prekeys, prekeys_len, limits::PREKEYS_MAX)?;
        let relay = cell::shared(relay)?;
        let relay = relay.links();
        let place = out.reserve()?;
        place.put(Unlocked::new(), relay.publish(user, prekeys, now_ms)?.into());
        Ok(())
    })
}

/// Gives a user the card and the prekeys of another, one one-time prekey among them while there are any: each
/// is given once, and at most a few an hour of one user to one requester. One's own lookup takes none.
///
/// @param relay           the relay
/// @param requester       whom the host has authenticated
/// @param requester_len   bytes of it
/// @param user            whose card and prekeys are asked for
/// @param user_len        bytes of it
/// @param now_ms          the time
/// @param out_card        the card
/// @param out_card_cap    bytes of room at out_card; 0 asks for the size
/// @param out_card_len    bytes of the card
/// @param out             the bundle; empty if nothing was published, or its signed prekey is past its time
/// @param out_cap         bytes of room at out; 0 asks for the size, which is that with a one-time prekey
/// @param out_len         bytes of the bundle
/// @param out_deliveries  what is to be stored before the answer is sent; sealwax_deliveries_free() ends it
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT      a user id is not UTF-8
/// @retval SEALWAX_INVALID_HANDLE    relay is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_LIMIT_REACHED     too many handles are open
/// @retval SEALWAX_UNKNOWN_USER      requester or user has no card here
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_card_len and *out_len are the sizes that would do; nothing changed
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_relay_lookup(
    relay: *const sealwax_relay,
    requester: *const c_char,
    requester_len: usize,
    user: *const c_char,
    user_len: usize,
    now_ms: u64,
    out_card: *mut c_void,
    out_card_cap: usize,
    out_card_len: *mut usize,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
    out_deliveries: *mut *mut sealwax_deliveries,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let card_out = outputs.bytes(out_card, out_card_cap, out_card_len);
        let out = outputs.bytes(out, out_cap, out_len);
        let deliveries_out: HandleOut<sealwax_deliveries> = outputs.handle(out_deliveries);
        let inputs = outputs.inputs()?;
        let requester = inputs.text(requester, requester_len, limits::NAME_MAX)?;
        let user = inputs.text(user, user_len, limits::NAME_MAX)?;
        let relay = cell::shared(relay)?;
        let relay = relay.links();
        let (card_len, bundle_len) = relay.lookup_len(requester, user)?;
        let (mut card_out, mut out) = card_out.reserve_both(card_len, out, bundle_len)?;
        let place = deliveries_out.reserve()?;
        let found = relay.lookup(requester, user, now_ms)?;
        card_out.buffer().copy_from_slice(found.card.as_bytes());
        card_out.finish(card_len)?;
        let bundle = found.bundle.unwrap_or_default();
        out.buffer().get_mut(..bundle.len()).ok_or(Status::INTERNAL)?.copy_from_slice(&bundle);
        out.finish(bundle.len())?;
        place.put(Unlocked::new(), found.outcome.into());
        Ok(())
    })
}

/// Tells what a relay counts.
///
/// @param relay    the relay
/// @param out      JSON: "users" (with a card), "online", "groups", "queued" (each once a queue),
///                 "queued_bytes"; since the start "routed", "duplicates" (sent again and dropped), "skipped"
///                 (members passed over), "expired" (out of a queue by age), "prekeys_taken"
/// @param out_cap  bytes of room at out; 0 asks for the size
/// @param out_len  bytes of JSON, without a NUL
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
/// @retval SEALWAX_INVALID_HANDLE    relay is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_relay_info(
    relay: *const sealwax_relay,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        outputs.inputs()?;
        let relay = cell::shared(relay)?;
        let info = relay.links().info();
        let json = json!({
            "v": 1,
            "users": integer(info.users),
            "online": integer(info.online),
            "groups": integer(info.groups),
            "queued": integer(info.queued),
            "queued_bytes": integer(info.queued_bytes),
            "routed": integer(info.routed),
            "duplicates": integer(info.duplicates),
            "skipped": integer(info.skipped),
            "expired": integer(info.expired),
            "prekeys_taken": integer(info.prekeys_taken),
        });
        out.put(text(&json).as_bytes())
    })
}
