//! The C ABI as Rust tests call it: safe wrappers that keep to the header and check, at every call, what it promises
//! of outputs. One file for each object.
//!
//! What is refused comes back as its status, so a test compares with the constants of [`sealwax::ffi::status`].
#![allow(unsafe_code, reason = "the callee is C's")]

pub(crate) mod client;
pub(crate) mod client_groups;
pub(crate) mod group;
pub(crate) mod identity;
pub(crate) mod post;
pub(crate) mod relay;
pub(crate) mod roster;
pub(crate) mod session;

use core::ffi::{CStr, c_void};
use core::ptr;
use std::sync::{Mutex, PoisonError};

use sealwax::ffi::library;
use sealwax::ffi::status::{SEALWAX_BUFFER_TOO_SMALL, SEALWAX_OK, sealwax_status};

pub(crate) use group::{GroupReceiver, GroupSender};
pub(crate) use identity::Identity;
pub(crate) use roster::Roster;
pub(crate) use session::Session;

/// What a call of the ABI gives, or the status that refuses it.
pub(crate) type Result<T> = core::result::Result<T, sealwax_status>;

/// Bytes beyond an output that a call must leave alone.
const BEYOND: usize = 16;
/// What the caller left in an output.
const LEFT: u8 = 0xa5;

/// Runs a test by itself among the tests of its process, and fails it if it leaves handles behind.
pub(crate) fn alone(test: impl FnOnce()) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _one_at_a_time = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    test();
    assert_eq!(library::sealwax_live_handles(), 0, "handles left behind");
}

/// The status as a result.
pub(crate) fn done(status: sealwax_status) -> Result<()> {
    if status == SEALWAX_OK { Ok(()) } else { Err(status) }
}

/// The name of a status, for messages.
pub(crate) fn name(status: sealwax_status) -> &'static str {
    // SAFETY: static and never NULL, says the header.
    unsafe { CStr::from_ptr(library::sealwax_status_name(status)) }.to_str().unwrap()
}

/// What a call writes to `void *out, size_t out_cap, size_t *out_len`.
///
/// It is called for the size, then with one byte too few, then with room enough, and must leave alone what is not
/// its own each time.
pub(crate) fn bytes_out(
    mut call: impl FnMut(*mut c_void, usize, *mut usize) -> sealwax_status,
) -> Result<Vec<u8>> {
    let mut size = usize::MAX;
    let asked = call(ptr::null_mut(), 0, &mut size);
    if asked != SEALWAX_BUFFER_TOO_SMALL {
        assert_eq!(size, 0, "{} with a length", name(asked));
        return done(asked).map(|()| Vec::new());
    }

    let mut out = vec![LEFT; size + BEYOND];
    let mut len = usize::MAX;
    let short = call(out.as_mut_ptr().cast(), size - 1, &mut len);
    assert_eq!((short, len), (SEALWAX_BUFFER_TOO_SMALL, size), "one byte too few");
    assert!(out.iter().all(|byte| *byte == LEFT), "written although too small");

    let status = call(out.as_mut_ptr().cast(), size, &mut len);
    assert!(out[size..].iter().all(|byte| *byte == LEFT), "written beyond the capacity");
    if status != SEALWAX_OK {
        assert_eq!(len, 0, "{} with a length", name(status));
        assert!(out[..size].iter().all(|byte| [LEFT, 0].contains(byte)), "not wiped");
        return Err(status);
    }
    assert!(len <= size, "longer than asked for");
    out.truncate(len);
    Ok(out)
}

/// [`bytes_out`] of a function that answers JSON.
pub(crate) fn json_out(
    call: impl FnMut(*mut c_void, usize, *mut usize) -> sealwax_status,
) -> Result<serde_json::Value> {
    let json: serde_json::Value = serde_json::from_slice(&bytes_out(call)?).unwrap();
    assert_eq!(json["v"], 1);
    Ok(json)
}

/// What a call writes to `sealwax_object **out_object`: a handle, or NULL if it is refused.
pub(crate) fn handle_out<T>(call: impl FnOnce(*mut *mut T) -> sealwax_status) -> Result<*mut T> {
    let mut handle = ptr::dangling_mut();
    let status = call(&mut handle);
    assert_eq!(handle.is_null(), status != SEALWAX_OK, "{}", name(status));
    done(status).map(|()| handle)
}

/// The revision of any handle.
pub(crate) fn revision<T>(handle: *const T) -> Result<u64> {
    let mut revision = 0;
    // SAFETY: a handle is not followed, and the output lives.
    done(unsafe { library::sealwax_handle_revision(handle.cast(), &mut revision) })?;
    Ok(revision)
}
