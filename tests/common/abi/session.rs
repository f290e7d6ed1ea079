//! Sessions.

use sealwax::ffi::session as ffi;
use sealwax::ffi::session_messages as messages;
use serde_json::Value;

use super::{Identity, Result, bytes_out, done, handle_out, json_out};

/// A session, freed when it goes.
#[derive(Debug)]
pub(crate) struct Session(*mut ffi::sealwax_session);

impl Session {
    /// With the default options.
    pub(crate) fn initiate(identity: &Identity, card: &[u8], prekeys: &[u8], now_ms: u64) -> Result<Self> {
        Self::initiate_with(identity, card, prekeys, "", now_ms)
    }

    pub(crate) fn initiate_with(
        identity: &Identity,
        card: &[u8],
        prekeys: &[u8],
        options: &str,
        now_ms: u64,
    ) -> Result<Self> {
        // SAFETY: the inputs are slices, the output lives.
        handle_out(|out| unsafe {
            let (card, card_len) = (card.as_ptr().cast(), card.len());
            let (prekeys, prekeys_len) = (prekeys.as_ptr().cast(), prekeys.len());
            let (options, options_len) = (options.as_ptr().cast(), options.len());
            let identity = identity.handle();
            ffi::sealwax_session_initiate(
                identity,
                card,
                card_len,
                prekeys,
                prekeys_len,
                options,
                options_len,
                now_ms,
                out,
            )
        })
        .map(Self)
    }

    /// With the default options.
    pub(crate) fn accept(identity: &Identity, envelope: &[u8], now_ms: u64) -> Result<Self> {
        Self::accept_with(identity, envelope, "", now_ms)
    }

    pub(crate) fn accept_with(
        identity: &Identity,
        envelope: &[u8],
        options: &str,
        now_ms: u64,
    ) -> Result<Self> {
        // SAFETY: the inputs are slices, the output lives.
        handle_out(|out| unsafe {
            let (envelope, envelope_len) = (envelope.as_ptr().cast(), envelope.len());
            let (options, options_len) = (options.as_ptr().cast(), options.len());
            let identity = identity.handle();
            ffi::sealwax_session_accept(identity, envelope, envelope_len, options, options_len, now_ms, out)
        })
        .map(Self)
    }

    pub(crate) fn import(identity: &Identity, key: &[u8], sealed: &[u8]) -> Result<Self> {
        // SAFETY: the inputs are slices, the output lives.
        handle_out(|out| unsafe {
            let (key, key_len) = (key.as_ptr().cast(), key.len());
            let (sealed, sealed_len) = (sealed.as_ptr().cast(), sealed.len());
            ffi::sealwax_session_import(identity.handle(), key, key_len, sealed, sealed_len, out)
        })
        .map(Self)
    }

    pub(crate) fn handle(&self) -> *mut ffi::sealwax_session {
        self.0
    }

    pub(crate) fn renew(&self, card: &[u8], prekeys: &[u8], now_ms: u64) -> Result<()> {
        // SAFETY: the inputs are slices.
        done(unsafe {
            let (card, card_len) = (card.as_ptr().cast(), card.len());
            let (prekeys, prekeys_len) = (prekeys.as_ptr().cast(), prekeys.len());
            ffi::sealwax_session_renew(self.0, card, card_len, prekeys, prekeys_len, now_ms)
        })
    }

    pub(crate) fn encrypt_len(&self, plaintext_len: usize) -> Result<usize> {
        let mut len = usize::MAX;
        // SAFETY: the output lives.
        done(unsafe { messages::sealwax_session_encrypt_len(self.0, plaintext_len, &mut len) })?;
        Ok(len)
    }

    pub(crate) fn encrypt(&self, plaintext: &[u8], now_ms: u64) -> Result<Vec<u8>> {
        // SAFETY: the input is a slice, `bytes_out` gives good outputs.
        bytes_out(|out, cap, len| unsafe {
            let (plaintext, plaintext_len) = (plaintext.as_ptr().cast(), plaintext.len());
            messages::sealwax_session_encrypt(self.0, plaintext, plaintext_len, now_ms, out, cap, len)
        })
    }

    pub(crate) fn decrypt(&self, envelope: &[u8], now_ms: u64) -> Result<Vec<u8>> {
        // SAFETY: the input is a slice, `bytes_out` gives good outputs.
        bytes_out(|out, cap, len| unsafe {
            let (envelope, envelope_len) = (envelope.as_ptr().cast(), envelope.len());
            messages::sealwax_session_decrypt(self.0, envelope, envelope_len, now_ms, out, cap, len)
        })
    }

    pub(crate) fn peek(&self, envelope: &[u8], now_ms: u64) -> Result<Value> {
        // SAFETY: the input is a slice, `bytes_out` gives good outputs.
        json_out(|out, cap, len| unsafe {
            let (envelope, envelope_len) = (envelope.as_ptr().cast(), envelope.len());
            messages::sealwax_session_peek(self.0, envelope, envelope_len, now_ms, out, cap, len)
        })
    }

    pub(crate) fn info(&self) -> Value {
        // SAFETY: `bytes_out` gives good outputs.
        json_out(|out, cap, len| unsafe { ffi::sealwax_session_info(self.0, out, cap, len) }).unwrap()
    }

    pub(crate) fn export(&self, key: &[u8], lease: u32) -> Result<Vec<u8>> {
        // SAFETY: the input is a slice, `bytes_out` gives good outputs.
        bytes_out(|out, cap, len| unsafe {
            ffi::sealwax_session_export(self.0, key.as_ptr().cast(), key.len(), lease, out, cap, len)
        })
    }

    /// Frees it before its time.
    pub(crate) fn free(self) -> Result<()> {
        let handle = self.0;
        core::mem::forget(self);
        // SAFETY: a handle is not followed.
        done(unsafe { ffi::sealwax_session_free(handle) })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: a handle is not followed.
        let freed = unsafe { ffi::sealwax_session_free(self.0) };
        assert!(std::thread::panicking() || freed == 0);
    }
}
