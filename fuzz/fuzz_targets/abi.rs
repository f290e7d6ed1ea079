#![no_main]
//! Any function of the C ABI with any arguments, in several threads; `tests/c/misuse` tells the same stories.

// It carries the stories in C.
use sealwax_fuzz as _;

unsafe extern "C" {
    fn story(data: *const u8, len: usize) -> i32;
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    // SAFETY: the bytes are live for the call.
    unsafe { story(data.as_ptr(), data.len()) };
});
