//! Every function that takes options is explained by `sealwax_options_check`.

use core::ffi::c_void;
use core::ptr;

use sealwax::ffi::library::sealwax_options_check;
use sealwax::ffi::status::{SEALWAX_INVALID_ARGUMENT, SEALWAX_OK, sealwax_status};
use serde_json::Value;

use crate::header;

fn check(function: &str, options: &str) -> Result<Value, sealwax_status> {
    let mut out = vec![0_u8; 4_096];
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
    if status == SEALWAX_OK { Ok(serde_json::from_slice(&out[..len]).unwrap()) } else { Err(status) }
}

/// Functions that take an options object, from the header.
fn functions() -> Vec<String> {
    let takes_options = |declaration: &&String| {
        declaration.contains("const char *options") && !declaration.contains("sealwax_options_check")
    };
    let declarations = header::declarations();
    let functions = declarations.iter().filter(takes_options);
    functions.map(|declaration| header::function_name(declaration)).collect()
}

/// Every function that takes options, with each key that it knows.
pub(crate) fn known() -> Vec<(String, String)> {
    let keys = |function: String| {
        let defaults = check(&function, "").unwrap_or_else(|status| panic!("{function}: {status}"));
        let keys = defaults["effective"].as_object().unwrap().keys().cloned();
        keys.map(move |key| (function.clone(), key)).collect::<Vec<_>>()
    };
    functions().into_iter().flat_map(keys).collect()
}

#[test]
fn every_function_that_takes_options_is_explained() {
    assert!(!functions().is_empty());
    for function in functions() {
        let defaults = check(&function, "").unwrap_or_else(|status| panic!("{function}: {status}"));
        assert_eq!(defaults["ok"], true, "{function}");
        assert!(defaults["effective"].is_object(), "{function}");
        let unknown = check(&function, r#"{"no such key":1}"#).unwrap();
        assert_eq!((&unknown["ok"], &unknown["key"]), (&false.into(), &"no such key".into()), "{function}");
    }
}

#[test]
fn a_function_without_options_has_none_to_explain() {
    assert_eq!(check("sealwax_identity_free", ""), Err(SEALWAX_INVALID_ARGUMENT));
    assert_eq!(check("", ""), Err(SEALWAX_INVALID_ARGUMENT));
}
