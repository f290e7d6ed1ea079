//! Identities and cards.

use sealwax::ffi::identity as ffi;
use sealwax::ffi::sizes::SEALWAX_SAFETY_DIGITS;
use serde_json::Value;

use super::{Result, bytes_out, done, handle_out, json_out};

/// An own identity, freed when it goes.
#[derive(Debug)]
pub(crate) struct Identity(*mut ffi::sealwax_identity);

impl Identity {
    /// With the default options.
    pub(crate) fn new(user: &str, now_ms: u64) -> Self {
        Self::with(user.as_bytes(), "", now_ms).unwrap()
    }

    pub(crate) fn with(user: &[u8], options: &str, now_ms: u64) -> Result<Self> {
        // SAFETY: the inputs are slices, the output lives.
        handle_out(|out| unsafe {
            let (user, user_len) = (user.as_ptr().cast(), user.len());
            ffi::sealwax_identity_new(user, user_len, options.as_ptr().cast(), options.len(), now_ms, out)
        })
        .map(Self)
    }

    pub(crate) fn import(key: &[u8], sealed: &[u8]) -> Result<Self> {
        // SAFETY: the inputs are slices, the output lives.
        handle_out(|out| unsafe {
            let (key, key_len) = (key.as_ptr().cast(), key.len());
            ffi::sealwax_identity_import(key, key_len, sealed.as_ptr().cast(), sealed.len(), out)
        })
        .map(Self)
    }

    pub(crate) fn handle(&self) -> *mut ffi::sealwax_identity {
        self.0
    }

    pub(crate) fn export(&self, key: &[u8]) -> Result<Vec<u8>> {
        // SAFETY: the input is a slice, `bytes_out` gives good outputs.
        bytes_out(|out, cap, len| unsafe {
            ffi::sealwax_identity_export(self.0, key.as_ptr().cast(), key.len(), out, cap, len)
        })
    }

    pub(crate) fn card(&self) -> Vec<u8> {
        // SAFETY: `bytes_out` gives good outputs.
        bytes_out(|out, cap, len| unsafe { ffi::sealwax_identity_card(self.0, out, cap, len) }).unwrap()
    }

    pub(crate) fn prekeys(&self, one_time: u32, now_ms: u64) -> Result<Vec<u8>> {
        // SAFETY: `bytes_out` gives good outputs.
        bytes_out(|out, cap, len| unsafe {
            ffi::sealwax_identity_prekeys(self.0, one_time, now_ms, out, cap, len)
        })
    }

    pub(crate) fn info(&self) -> Value {
        // SAFETY: `bytes_out` gives good outputs.
        json_out(|out, cap, len| unsafe { ffi::sealwax_identity_info(self.0, out, cap, len) }).unwrap()
    }

    /// Frees it before its time.
    pub(crate) fn free(self) -> Result<()> {
        let handle = self.0;
        core::mem::forget(self);
        // SAFETY: a handle is not followed.
        done(unsafe { ffi::sealwax_identity_free(handle) })
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        // SAFETY: a handle is not followed.
        let freed = unsafe { ffi::sealwax_identity_free(self.0) };
        assert!(std::thread::panicking() || freed == 0);
    }
}

/// What a card says of itself.
pub(crate) fn card_inspect(card: &[u8]) -> Result<Value> {
    // SAFETY: the input is a slice, `bytes_out` gives good outputs.
    json_out(|out, cap, len| unsafe {
        ffi::sealwax_card_inspect(card.as_ptr().cast(), card.len(), out, cap, len)
    })
}

/// Digits and QR payload.
pub(crate) fn safety_number(card: &[u8], other: &[u8]) -> Result<(String, Vec<u8>)> {
    let mut digits = [0xa5_u8; SEALWAX_SAFETY_DIGITS + 1];
    // SAFETY: the inputs are slices, the digits have the size that the header says.
    let qr = bytes_out(|out, cap, len| unsafe {
        let (card, card_len) = (card.as_ptr().cast(), card.len());
        let (other, other_len) = (other.as_ptr().cast(), other.len());
        let digits = digits.as_mut_ptr().cast();
        ffi::sealwax_card_safety_number(card, card_len, other, other_len, digits, out, cap, len)
    });
    if qr.is_err() {
        assert_eq!(digits, [0; SEALWAX_SAFETY_DIGITS + 1]);
    }
    let digits = core::ffi::CStr::from_bytes_until_nul(&digits).unwrap().to_str().unwrap();
    Ok((digits.to_owned(), qr?))
}
