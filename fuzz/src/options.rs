//! Options in JSON, of every function that takes some.
#![allow(unsafe_code, reason = "the callee is C's")]

use core::ffi::c_void;
use core::ptr;

use sealwax::ffi::library::sealwax_options_check;
use sealwax::ffi::status::{SEALWAX_INVALID_ARGUMENT, SEALWAX_OK, sealwax_status};
use serde_json::Value;

/// As the header orders them.
const FUNCTIONS: [&str; 12] = [
    "sealwax_identity_new",
    "sealwax_session_initiate",
    "sealwax_session_accept",
    "sealwax_roster_create",
    "sealwax_group_sender_new",
    "sealwax_group_receiver_new",
    "sealwax_stream_seal_new",
    "sealwax_stream_open_new",
    "sealwax_relay_new",
    "sealwax_client_create",
    "sealwax_client_create_with",
    "sealwax_client_open",
];

fn check(function: &str, options: &[u8]) -> Result<Value, sealwax_status> {
    let mut out = vec![0_u8; 65_536];
    let mut len = 0;
    // SAFETY: inputs and outputs are live for the call.
    let status = unsafe {
        sealwax_options_check(
            function.as_ptr().cast(),
            function.len(),
            options.as_ptr().cast(),
            options.len(),
            ptr::from_mut(out.as_mut_slice()).cast::<c_void>(),
            out.len(),
            &raw mut len,
        )
    };
    assert_ne!(status, SEALWAX_INVALID_ARGUMENT, "{function} takes no options");
    if status == SEALWAX_OK { Ok(serde_json::from_slice(&out[..len]).unwrap()) } else { Err(status) }
}

/// Options that count are those that they become.
pub fn options(data: &[u8]) {
    let Some((function, options)) = data.split_first() else { return };
    let function = FUNCTIONS[usize::from(*function) % FUNCTIONS.len()];
    let Ok(report) = check(function, options) else { return };
    if report["ok"] == true {
        // What is null is not set.
        let mut effective = report["effective"].clone();
        effective.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        assert_eq!(check(function, effective.to_string().as_bytes()).unwrap(), report);
    } else {
        assert!(report["why"].is_string() && report["key"].is_string());
    }
}
