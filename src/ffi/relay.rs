//! A relay: how it is made, who is registered, what it counts.

use core::ffi::{c_char, c_void};

use serde_json::json;

use super::argument::{HandleOut, Outputs};
use super::cell::{self, Opaque};
use super::deliveries::sealwax_deliveries;
use super::guard::guard;
use super::options::{Integer, Label, Table};
use super::status::{Status, sealwax_status};
use super::unlocked::Unlocked;
use crate::json::{integer, text};
use crate::limits;
use crate::relay::{Relay, RelayOptions};

/// A relay: connections, cards, prekeys, rosters, queues; no secret. All its functions take it as const and
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

const SHARE: Integer = Integer {
    name: "sender_share_percent",
    min: 1,
    max: 100,
    default: limits::RELAY_SENDER_SHARE_PERCENT as u64,
};
const CREATED: Integer =
    bounded("groups_per_user", limits::RELAY_GROUPS_PER_USER as u64, limits::RELAY_GROUPS_MAX as u64);
const JOINS: Integer =
    bounded("joins_per_hour", limits::RELAY_JOINS_PER_HOUR as u64, limits::GROUP_MEMBERS_MAX as u64);
const RATE: Integer = Integer {
    name: "requests_per_second",
    min: 1,
    max: 1_000_000,
    default: limits::RELAY_REQUESTS_PER_SECOND as u64,
};
const BURST: Integer =
    Integer { name: "requests_burst", min: 1, max: 1_000_000, default: limits::RELAY_REQUESTS_BURST as u64 };
const HANDSHAKE: Integer =
    Integer { name: "handshake_ms", min: 1, max: limits::HOUR_MS, default: limits::RELAY_HANDSHAKE_MS };
const IDLE: Integer =
    Integer { name: "idle_ms", min: 1, max: limits::DAY_MS, default: limits::RELAY_IDLE_MS };
const NAME: Label = Label { name: "name" };

const fn bounded(name: &'static str, default: u64, max: u64) -> Integer {
    Integer { name, min: 0, max, default }
}

/// As many as the limit unless the option says fewer.
const fn count(name: &'static str, limit: usize) -> Integer {
    Integer { name, min: 0, max: limit as u64, default: limit as u64 }
}

/// Of `sealwax_relay_new`.
pub(super) static OPTIONS: Table = Table {
    functions: &["sealwax_relay_new"],
    keys: &[
        &NAME,
        &USERS,
        &GROUPS,
        &QUEUE,
        &QUEUE_BYTES,
        &QUEUE_AGE,
        &PREKEYS,
        &SHARE,
        &CREATED,
        &JOINS,
        &RATE,
        &BURST,
        &HANDSHAKE,
        &IDLE,
    ],
};

/// No option is above a limit that is a `usize`.
fn size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// No such option is above a million.
fn small(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// @section Relays: what routes envelopes and cannot read them
///
/// Makes an empty relay. It does what docs/PROTOCOL.md section 10 asks of one; carrying frames and storing records
/// is the host's part. Each call gives sealwax_deliveries: store its records, then send its deliveries.
///
/// sealwax_relay_connect(), _receive(), _disconnect() and _tick() speak the whole protocol with clients: frames of
/// a connection go in, frames for connections come out. The other functions are the routing core below that, for
/// a host that authenticates users and carries envelopes in a way of its own; it answers the client last.
///
/// @param options      JSON: "name" (clients compare it with the relay that they called); "users_max",
///                     "groups_max" (not deleted); for each queue "queue_max" (envelopes), "queue_bytes_max",
///                     "queue_age_max_ms", "sender_share_percent" (of it, for the envelopes of one sender);
///                     "prekeys_per_hour" (one-time prekeys of one user that one requester may take),
///                     "groups_per_user" (created and not deleted; twice as many in a day), "joins_per_hour" (of
///                     one group); for each user "requests_per_second" and "requests_burst" (of frames: 16
///                     messages of a client that has many are one request, while a large group's count for more);
///                     for each connection "handshake_ms" (until welcome) and "idle_ms" (without a frame); what
///                     each may be at most, and is if absent, shows sealwax_options_check(); may be NULL if
///                     options_len is 0
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
        let name = options.get(&NAME);
        let options = RelayOptions {
            users_max: size(options.get(&USERS)),
            groups_max: size(options.get(&GROUPS)),
            queue_max: size(options.get(&QUEUE)),
            queue_bytes_max: size(options.get(&QUEUE_BYTES)),
            queue_age_max_ms: options.get(&QUEUE_AGE),
            prekeys_per_hour: small(options.get(&PREKEYS)),
            sender_share_percent: small(options.get(&SHARE)),
            groups_per_user: size(options.get(&CREATED)),
            joins_per_hour: size(options.get(&JOINS)),
            requests_per_second: small(options.get(&RATE)),
            requests_burst: small(options.get(&BURST)),
            handshake_ms: options.get(&HANDSHAKE),
            idle_ms: options.get(&IDLE),
        };
        let relay = Relay::new(options).named(&name)?;
        out.reserve()?.put(Unlocked::new(), relay);
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
/// one changes nothing. To let a user take another identity, sealwax_relay_forget_user() comes first.
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

/// Forgets who a user is, so that another identity can take the name: its card, its prekeys, what is known of its
/// store, and its queue, which was sealed for the identity that goes and which the next one could not read. A
/// connection of the user is closed. Groups keep the user as a member, whom nobody gives keys until an entry
/// removes it or names the new ones; what it sent stays in the queues of others.
///
/// @param relay           the relay
/// @param user            whose identity is taken away
/// @param user_len        bytes of it
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
/// @retval SEALWAX_UNKNOWN_USER    the relay has never met such a user
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_relay_forget_user(
    relay: *const sealwax_relay,
    user: *const c_char,
    user_len: usize,
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
        place.put(Unlocked::new(), relay.forget_user(user, now_ms)?.into());
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
/// @param out      JSON: "users" (with a card), "online", "groups" (not deleted), "queued" (each once a queue),
///                 "queued_bytes"; since the start "routed", "duplicates" (sent again and dropped), "skipped"
///                 (members passed over), "expired" (out of a queue by age), "prekeys_taken"; of connections
///                 "connections" (that the host has not ended), "frames" (taken), "bad_frames", "rate_limited"
///                 (requests), "rejected" (hellos and proofs), "replaced", "timed_out", "presence" (frames sent)
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
            "connections": integer(info.connections),
            "frames": integer(info.frames),
            "bad_frames": integer(info.bad_frames),
            "rate_limited": integer(info.rate_limited),
            "rejected": integer(info.rejected),
            "replaced": integer(info.replaced),
            "timed_out": integer(info.timed_out),
            "presence": integer(info.presence),
        });
        out.put(text(&json).as_bytes())
    })
}
