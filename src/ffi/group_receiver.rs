//! Group receivers.

use core::ffi::{c_char, c_int, c_void};
use std::sync::{Arc, Weak};

use serde_json::{Value, json};

use super::argument::{HandleOut, Outputs};
use super::cell::{self, Cell, Object, Opaque};
use super::guard::guard;
use super::identity::sealwax_identity;
use super::lock::{Exclusive, Shared, lock};
use super::options::{Flag, Integer, Options, Table};
use super::roster::{Dependants, RosterDependant, sealwax_roster};
use super::sizes::SEALWAX_KEY_LEN;
use super::status::{Status, sealwax_status};
use crate::crypto::rng::SystemRandom;
use crate::error::Error;
use crate::group::{GroupReceiver, GroupReceiverOptions, KeyInfo, RetainedInfo, SenderInfo};
use crate::json::{hex, integer, text};
use crate::limits;
use crate::roster::Roster;
use crate::sealed;

/// The receiving half of a membership in one group, or what was shared of the group's past.
#[allow(non_camel_case_types, reason = "the name in the C header")]
pub struct sealwax_group_receiver(());

impl Object for GroupReceiver {
    type Links = Arc<Cell<Roster>>;
}

impl Opaque for sealwax_group_receiver {
    type Object = GroupReceiver;
}

impl RosterDependant for Cell<GroupReceiver> {
    fn sync(&self, now_ms: u64) {
        // One that broke holds nothing for anybody: it opens no message any more.
        if let Ok((mut receiver, roster)) = lock((Exclusive(self), Shared(self.links()))) {
            let _ = receiver.update(|receiver| receiver.sync(&roster, now_ms));
        }
    }
}

/// Makes the roster tell a receiver of its changes. The roster is locked meanwhile, so none is missed.
fn follow(dependants: &Dependants, receiver: &Arc<Cell<GroupReceiver>>) {
    let receiver: Weak<Cell<GroupReceiver>> = Arc::downgrade(receiver);
    dependants.enlist(receiver);
}

const WINDOW: Integer = Integer {
    name: "transition_window_ms",
    min: 0,
    max: limits::GROUP_WINDOW_MAX_MS,
    default: limits::GROUP_WINDOW_MS,
};
const RETAIN: Flag = Flag { name: "retain_history", default: false };
const HISTORY: Flag = Flag { name: "history", default: false };

/// Of `sealwax_group_receiver_new`.
pub(super) static OPTIONS: Table =
    Table { functions: &["sealwax_group_receiver_new"], keys: &[&WINDOW, &RETAIN, &HISTORY] };

fn receiver_options(options: &Options) -> GroupReceiverOptions {
    GroupReceiverOptions {
        transition_window_ms: options.get(&WINDOW),
        retain_history: options.get(&RETAIN),
        history: options.get(&HISTORY),
    }
}

/// @section Group receivers
///
/// Makes the receiving half of a membership, without keys yet.
///
/// @param identity      who receives: a member
/// @param roster        the group's roster; the receiver follows it: whatever sealwax_roster_apply() takes counts
///                      here before that call returns
/// @param options       JSON: "transition_window_ms" (120,000; at most a day): how long a retired key still opens
///                      messages; "retain_history" (false): keep the first state of each key, to share what is
///                      retired with sealwax_group_receiver_share_history(), at the price that a stolen state
///                      opens old messages; "history" (false): a read-only receiver of what members shared; not
///                      both; may be NULL if options_len is 0
/// @param options_len   bytes of them
/// @param now_ms        the time
/// @param out_receiver  the receiver; sealwax_group_receiver_free() ends it; it keeps the roster alive
///
/// @retval SEALWAX_NULL_POINTER     a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE        options are too long
/// @retval SEALWAX_BUFFER_OVERLAP   the output overlaps an input
/// @retval SEALWAX_INVALID_TEXT     options are not UTF-8
/// @retval SEALWAX_INVALID_HANDLE   identity or roster is not one that is open
/// @retval SEALWAX_POISONED         the identity or the roster broke; free it
/// @retval SEALWAX_FORKED           a handle belongs to the parent process; free it
/// @retval SEALWAX_INVALID_OPTIONS  sealwax_options_check() says why; or "retain_history" with "history"
/// @retval SEALWAX_GROUP_DELETED    the group has ended
/// @retval SEALWAX_NOT_A_MEMBER     the identity is none, or a member under other keys
/// @retval SEALWAX_LIMIT_REACHED    too many handles are open
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_group_receiver_new(
    identity: *const sealwax_identity,
    roster: *const sealwax_roster,
    options: *const c_char,
    options_len: usize,
    now_ms: u64,
    out_receiver: *mut *mut sealwax_group_receiver,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_group_receiver> = outputs.handle(out_receiver);
        let inputs = outputs.inputs()?;
        let options = inputs.text(options, options_len, limits::OPTIONS_MAX)?;
        let (identity, handle) = (cell::shared(identity)?, cell::shared(roster)?);
        let options = receiver_options(&OPTIONS.parse(options)?);
        let (identity, roster) = lock((&identity, &handle))?;
        let receiver = GroupReceiver::new(&identity, &roster, options, now_ms)?;
        follow(handle.links(), &out.reserve()?.put(receiver, handle.keep()?));
        Ok(())
    })
}

/// Ends a receiver. What was not exported is gone.
///
/// @param receiver  the receiver; NULL is fine
///
/// @retval SEALWAX_INVALID_HANDLE  receiver is not one that is open
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealwax_group_receiver_free(
    receiver: *mut sealwax_group_receiver,
) -> sealwax_status {
    guard(|| cell::free(receiver))
}

/// Wipes the keys whose transition window has ended. They open nothing even before; call this so that they go.
///
/// @param receiver      the receiver
/// @param now_ms        the time
/// @param out_due_ms    when to call next; 0 for as soon as something changes
///
/// @retval SEALWAX_NULL_POINTER    out_due_ms is NULL
/// @retval SEALWAX_INVALID_HANDLE  receiver is not one that is open
/// @retval SEALWAX_POISONED        the receiver broke; free it
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_group_receiver_retire(
    receiver: *mut sealwax_group_receiver,
    now_ms: u64,
    out_due_ms: *mut u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.value(out_due_ms);
        outputs.inputs()?;
        let receiver = cell::exclusive(receiver)?;
        let due_ms = receiver.lock()?.update(|receiver| Ok::<_, Error>(receiver.retire(now_ms)))?;
        out.put(due_ms.unwrap_or_default());
        Ok(())
    })
}

/// Tells that the queue that gathered while one was offline is being read, before anything of it is given to the
/// library, and again when it was read. In between, transition windows stand still, for at most 7 days; at the end
/// they start anew. So everything that was sent in order opens, through any number of rotations.
///
/// @param receiver      the receiver
/// @param active        1 at the start, 0 at the end
/// @param now_ms        the time
///
/// @retval SEALWAX_INVALID_ARGUMENT  active is neither 0 nor 1
/// @retval SEALWAX_INVALID_HANDLE    receiver is not one that is open
/// @retval SEALWAX_POISONED          the receiver broke; free it
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_group_receiver_catch_up(
    receiver: *mut sealwax_group_receiver,
    active: c_int,
    now_ms: u64,
) -> sealwax_status {
    guard(|| {
        let receiver = cell::exclusive(receiver)?;
        let active = match active {
            0 => false,
            1 => true,
            _ => return Err(Status::INVALID_ARGUMENT),
        };
        receiver.lock()?.update(|receiver| {
            receiver.catch_up(active, now_ms);
            Ok::<(), Error>(())
        })
    })
}

/// Tells what an application may want to show of a receiver, or act on.
///
/// @param receiver      the receiver
/// @param out           JSON: "group_id", "user", "transition_window_ms", "retain_history", "history",
///                      "catching_up" (since when, or null), "senders" (by user id: "user" and "keys", in the order
///                      of installation: "key_id", "epoch", "first" and "next" (counters), "skipped" (messages
///                      below "next" that can still be opened), "end" (the counter that it ends before, or null),
///                      "closes_ms" (end of its transition window, or null for the current key), "shared_by" (who
///                      vouches for it, or null)), "retained" (wiped keys that can be shared: "sender", "key_id",
///                      "first", "end")
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of JSON, without a NUL
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
/// @retval SEALWAX_INVALID_HANDLE    receiver is not one that is open
/// @retval SEALWAX_POISONED          the receiver broke; free it
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_group_receiver_info(
    receiver: *const sealwax_group_receiver,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        outputs.inputs()?;
        let receiver = cell::shared(receiver)?;
        let json = describe(&*receiver.lock()?);
        out.put(text(&json).as_bytes())
    })
}

fn describe(receiver: &GroupReceiver) -> Value {
    let info = receiver.info();
    json!({
        "v": 1,
        "group_id": hex(&info.group_id),
        "user": info.user,
        "transition_window_ms": integer(info.options.transition_window_ms),
        "retain_history": info.options.retain_history,
        "history": info.options.history,
        "catching_up": info.catching_up.map(integer),
        "senders": info.senders.iter().map(describe_sender).collect::<Value>(),
        "retained": info.retained.iter().map(describe_retained).collect::<Value>(),
    })
}

fn describe_sender(sender: &SenderInfo) -> Value {
    json!({ "user": sender.user, "keys": sender.keys.iter().map(describe_key).collect::<Value>() })
}

fn describe_key(key: &KeyInfo) -> Value {
    json!({
        "key_id": hex(&key.key_id),
        "epoch": integer(key.epoch),
        "first": key.first,
        "next": key.next,
        "skipped": key.skipped,
        "end": key.end,
        "closes_ms": key.closes_ms.map(integer),
        "shared_by": key.shared_by,
    })
}

fn describe_retained(kept: &RetainedInfo) -> Value {
    json!({ "sender": kept.sender, "key_id": hex(&kept.key_id), "first": kept.first, "end": kept.end })
}

/// Seals the whole receiver to be stored. Save it before what it read or installed is acknowledged.
///
/// @param receiver      the receiver
/// @param key           SEALWAX_KEY_LEN random bytes that the application keeps apart from the result
/// @param key_len       SEALWAX_KEY_LEN
/// @param out           the sealed receiver, other bytes each time
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of the sealed receiver
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         key_len is above SEALWAX_KEY_LEN, or the state is beyond its limit
/// @retval SEALWAX_INVALID_ARGUMENT  key_len is below SEALWAX_KEY_LEN
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE    receiver is not one that is open
/// @retval SEALWAX_POISONED          the receiver broke; free it
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
/// @retval SEALWAX_INTERNAL          the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_group_receiver_export(
    receiver: *const sealwax_group_receiver,
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
        let receiver = cell::shared(receiver)?;
        let payload = receiver.lock()?.export()?;
        let out = out.reserve(sealed::sealed_len(payload.len()))?;
        let object = sealed::Object::GroupReceiver;
        out.put(&sealed::seal(&mut SystemRandom, key, object, GroupReceiver::FORMAT, &payload)?)
    })
}

/// Opens what sealwax_group_receiver_export() sealed, and takes over what the roster says now.
///
/// @param identity      the identity that the receiver was made from
/// @param roster        the group's roster, as new as it is to be had; the receiver follows it
/// @param key           the key that sealed it
/// @param key_len       SEALWAX_KEY_LEN
/// @param sealed        the sealed receiver
/// @param sealed_len    bytes of it
/// @param out_receiver  the receiver; sealwax_group_receiver_free() ends it; it keeps the roster alive
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
pub unsafe extern "C" fn sealwax_group_receiver_import(
    identity: *const sealwax_identity,
    roster: *const sealwax_roster,
    key: *const c_void,
    key_len: usize,
    sealed: *const c_void,
    sealed_len: usize,
    out_receiver: *mut *mut sealwax_group_receiver,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_group_receiver> = outputs.handle(out_receiver);
        let inputs = outputs.inputs()?;
        let key = inputs.exactly::<SEALWAX_KEY_LEN>(key, key_len)?;
        let sealed = inputs.bytes(sealed, sealed_len, limits::SEALED_MAX)?;
        let (identity, handle) = (cell::shared(identity)?, cell::shared(roster)?);
        let (format, payload) = sealed::open(key, sealed::Object::GroupReceiver, sealed)?;
        let (identity, roster) = lock((&identity, &handle))?;
        let receiver = GroupReceiver::import(&identity, &roster, format, &payload)?;
        follow(handle.links(), &out.reserve()?.put(receiver, handle.keep()?));
        Ok(())
    })
}
