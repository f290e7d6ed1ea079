//! The library itself: versions, names of statuses, handles in general, options in general.

use core::ffi::{c_char, c_void};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};
use std::ffi::CString;

use serde_json::json;

use super::argument::Outputs;
use super::guard::{guard, guard_or};
use super::options::{self, Table};
use super::registry::{HANDLES_MAX, REGISTRY};
use super::status::{self, Status, sealwax_status};
use super::version::{SEALWAX_ABI_MAJOR, SEALWAX_ABI_MINOR, SEALWAX_ABI_VERSION};
use super::{
    cell, client, group_receiver, group_sender, identity, relay, roster, session, sizes, stream_open,
    stream_seal,
};
use crate::json::text;
use crate::{crypto, limits};

/// The tables of all functions that take options.
static TABLES: &[&Table] = &[
    &identity::OPTIONS,
    &session::OPTIONS,
    &roster::OPTIONS,
    &group_sender::OPTIONS,
    &group_receiver::OPTIONS,
    &stream_seal::OPTIONS,
    &stream_open::OPTIONS,
    &relay::OPTIONS,
    &client::CREATE_OPTIONS,
    &client::OPEN_OPTIONS,
];

/// @section Library
///
/// The ABI version of the library that was loaded, major << 16 | minor. It serves this header if the major is
/// SEALWAX_ABI_MAJOR and the minor at least SEALWAX_ABI_MINOR.
#[unsafe(no_mangle)]
pub extern "C" fn sealwax_abi_version() -> u32 {
    guard_or(0, || SEALWAX_ABI_VERSION)
}

/// The version of the library, such as "1.2.3". Static; never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn sealwax_version() -> *const c_char {
    guard_or(c"".as_ptr(), || concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast())
}

/// How the library was built, as JSON: "version", "abi", "backend", "fips", "store", "suites", "sizes", "limits".
/// Static; never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn sealwax_build_info() -> *const c_char {
    guard_or(c"{}".as_ptr(), build_info)
}

/// The name of a status, such as "SEALWAX_REPLAY". Static; never NULL, for a number that is no status either.
#[unsafe(no_mangle)]
pub extern "C" fn sealwax_status_name(status: sealwax_status) -> *const c_char {
    guard_or(c"".as_ptr(), || status::name(status).as_ptr())
}

/// One English sentence about a status. Static; never NULL, for a number that is no status either.
#[unsafe(no_mangle)]
pub extern "C" fn sealwax_status_text(status: sealwax_status) -> *const c_char {
    guard_or(c"".as_ptr(), || status::text(status).as_ptr())
}

/// How many handles are open. Leak checkers do not see handles: a test ends by asserting that this is 0.
#[unsafe(no_mangle)]
pub extern "C" fn sealwax_live_handles() -> usize {
    guard_or(usize::MAX, || REGISTRY.live())
}

/// Tells whether an object changed since it was exported last: the revision of a handle grows whenever an export
/// would differ.
///
/// @param handle        any handle
/// @param out_revision  the revision, at least 1
///
/// @retval SEALWAX_NULL_POINTER    out_revision is NULL
/// @retval SEALWAX_INVALID_HANDLE  handle is not one that is open
/// @retval SEALWAX_POISONED        the object broke; free it
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_handle_revision(
    handle: *const c_void,
    out_revision: *mut u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let revision = outputs.value(out_revision);
        outputs.inputs()?;
        revision.put(cell::revision(handle)?);
        Ok(())
    })
}

/// Explains an options object without calling the function that takes it.
///
/// @param function      name of that function, such as "sealwax_session_initiate", without a NUL
/// @param function_len  bytes of it
/// @param options       the options; may be NULL if options_len is 0
/// @param options_len   bytes of them
/// @param out           JSON: {"v":1,"ok":true,"effective":{...}} with all defaults filled in, or
///                      {"v":1,"ok":false,"key":"...","why":"..."}; key is "" if the object as a whole is wrong
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of JSON, without a NUL
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         function or options are longer than any could be
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT      function or options are not UTF-8
/// @retval SEALWAX_INVALID_ARGUMENT  no function of that name takes options
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_options_check(
    function: *const c_char,
    function_len: usize,
    options: *const c_char,
    options_len: usize,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        let inputs = outputs.inputs()?;
        let function = inputs.text(function, function_len, limits::NAME_MAX)?;
        let options = inputs.text(options, options_len, limits::OPTIONS_MAX)?;
        let table = TABLES
            .iter()
            .find(|table| table.functions.contains(&function))
            .ok_or(Status::INVALID_ARGUMENT)?;
        out.put(options::report(table.parse(options)).as_bytes())
    })
}

/// Made once and kept for ever; two threads may both make it, and one of the two is kept.
fn build_info() -> *const c_char {
    static INFO: AtomicPtr<c_char> = AtomicPtr::new(ptr::null_mut());

    let known = INFO.load(Ordering::Acquire);
    if !known.is_null() {
        return known;
    }
    let Ok(text) = CString::new(describe_build()) else { return c"{}".as_ptr() };
    let fresh = text.into_raw();
    match INFO.compare_exchange(ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => fresh,
        Err(first) => {
            // SAFETY: it came from `into_raw` above, and nobody else saw it.
            drop(unsafe { CString::from_raw(fresh) });
            first
        }
    }
}

fn describe_build() -> String {
    text(&json!({
        "v": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "abi": { "major": SEALWAX_ABI_MAJOR, "minor": SEALWAX_ABI_MINOR },
        "backend": crypto::BACKEND,
        "fips": crypto::fips(),
        "store": cfg!(feature = "store").then_some("sqlite"),
        "suites": [1],
        "sizes": {
            "key": sizes::SEALWAX_KEY_LEN,
            "id": sizes::SEALWAX_ID_LEN,
            "fingerprint": sizes::SEALWAX_FINGERPRINT_LEN,
            "group_id": sizes::SEALWAX_GROUP_ID_LEN,
            "key_id": sizes::SEALWAX_KEY_ID_LEN,
            "safety_digits": sizes::SEALWAX_SAFETY_DIGITS,
            "stream_header": sizes::SEALWAX_STREAM_HEADER_LEN,
            "stream_overhead": sizes::SEALWAX_STREAM_OVERHEAD,
        },
        "limits": {
            "name": limits::NAME_MAX,
            "message": limits::MESSAGE_MAX,
            "envelope": limits::ENVELOPE_MAX,
            "frame": limits::FRAME_MAX,
            "batch": limits::GROUP_BATCH_MAX,
            "batch_bytes": limits::GROUP_BATCH_BYTES_MAX,
            "card": limits::CARD_MAX,
            "prekeys": limits::PREKEYS_MAX,
            "entry": limits::ENTRY_MAX,
            "log": limits::LOG_MAX,
            "sealed": limits::SEALED_MAX,
            "options": limits::OPTIONS_MAX,
            "frame": limits::FRAME_MAX,
            "group_members": limits::GROUP_MEMBERS_MAX,
            "roster_entries": limits::ROSTER_ENTRIES_MAX,
            "one_time_prekeys": limits::ONE_TIME_PREKEYS_MAX,
            "session_skip": limits::SESSION_SKIP_MAX,
            "session_skipped_keys": limits::SESSION_SKIPPED_KEYS_MAX,
            "group_skip": limits::GROUP_SKIP_MAX,
            "group_window_ms": limits::GROUP_WINDOW_MAX_MS,
            "lease": limits::LEASE_MAX,
            "stream_chunk": limits::ATTACHMENT_CHUNK_MAX,
            "stream_chunks": limits::ATTACHMENT_CHUNKS_MAX,
            "stream_piece": limits::ATTACHMENT_PIECE_MAX,
            "stream_reference": sizes::SEALWAX_STREAM_REFERENCE_MAX,
            "handles": HANDLES_MAX,
            "client_outbox": limits::CLIENT_OUTBOX_MAX,
            "client_outbox_bytes": limits::CLIENT_OUTBOX_BYTES_MAX,
            "client_groups": limits::CLIENT_GROUPS_MAX,
            "relay_users": limits::RELAY_USERS_MAX,
            "relay_queue": limits::RELAY_QUEUE_MAX,
            "relay_queue_bytes": limits::RELAY_QUEUE_BYTES_MAX,
        },
    }))
}
