//! Group senders and receivers.

use sealwax::ffi::results::sealwax_result;
use sealwax::ffi::status::SEALWAX_OK;
use sealwax::ffi::{
    group_messages as messages, group_receiver as receiving, group_sender as sending, handout,
};
use serde_json::Value;

use super::{Identity, Result, Roster, Session, bytes_out, done, handle_out, json_out};

/// To be overwritten.
const RESULT: sealwax_result = sealwax_result { status: 77, reserved: 77, offset: 77, len: 77 };

/// A group sender, freed when it goes.
#[derive(Debug)]
pub(crate) struct GroupSender(*mut sending::sealwax_group_sender);

impl GroupSender {
    pub(crate) fn new(identity: &Identity, roster: &Roster, options: &str, now_ms: u64) -> Result<Self> {
        let (identity, roster) = (identity.handle(), roster.handle());
        // SAFETY: the input is a slice, the output lives.
        handle_out(|out| unsafe {
            let (options, len) = (options.as_ptr().cast(), options.len());
            sending::sealwax_group_sender_new(identity, roster, options, len, now_ms, out)
        })
        .map(Self)
    }

    pub(crate) fn import(identity: &Identity, roster: &Roster, key: &[u8], sealed: &[u8]) -> Result<Self> {
        let (identity, roster) = (identity.handle(), roster.handle());
        let (key, key_len) = (key.as_ptr().cast(), key.len());
        let (sealed, sealed_len) = (sealed.as_ptr().cast(), sealed.len());
        // SAFETY: the inputs are slices, the output lives.
        handle_out(|out| unsafe {
            sending::sealwax_group_sender_import(identity, roster, key, key_len, sealed, sealed_len, out)
        })
        .map(Self)
    }

    pub(crate) fn handle(&self) -> *mut sending::sealwax_group_sender {
        self.0
    }

    pub(crate) fn distribute(&self, session: &Session, now_ms: u64) -> Result<Vec<u8>> {
        // SAFETY: `bytes_out` gives good outputs.
        bytes_out(|out, cap, len| unsafe {
            sending::sealwax_group_sender_distribute(self.0, session.handle(), now_ms, out, cap, len)
        })
    }

    /// The answer for each session, in their order.
    pub(crate) fn distribute_many(&self, sessions: &[&Session], now_ms: u64) -> Result<Vec<Result<Vec<u8>>>> {
        let handles: Vec<_> = sessions.iter().map(|session| session.handle()).collect();
        let mut results = vec![RESULT; handles.len()];
        let (handles, count) = (handles.as_ptr(), handles.len());
        // SAFETY: the array is a slice, the results are as many, `bytes_out` gives good outputs.
        let out = bytes_out(|out, cap, len| unsafe {
            let results = results.as_mut_ptr();
            handout::sealwax_group_sender_distribute_many(
                self.0, handles, count, now_ms, out, cap, len, results,
            )
        })?;
        let answer = |result: &sealwax_result| {
            let envelope = out[result.offset..result.offset + result.len].to_vec();
            assert_eq!(result.len > 0, result.status == SEALWAX_OK);
            if result.status == SEALWAX_OK { Ok(envelope) } else { Err(result.status) }
        };
        Ok(results.iter().map(answer).collect())
    }

    pub(crate) fn confirm(&self, user: &str) -> Result<()> {
        // SAFETY: the input is a slice.
        done(unsafe { sending::sealwax_group_sender_confirm(self.0, user.as_ptr().cast(), user.len()) })
    }

    pub(crate) fn encrypt_len(&self, plaintext_len: usize) -> Result<usize> {
        let mut len = usize::MAX;
        // SAFETY: the output lives.
        done(unsafe { sending::sealwax_group_sender_encrypt_len(self.0, plaintext_len, &mut len) })?;
        Ok(len)
    }

    pub(crate) fn encrypt(&self, plaintext: &[u8], now_ms: u64) -> Result<Vec<u8>> {
        let (plaintext, plaintext_len) = (plaintext.as_ptr().cast(), plaintext.len());
        // SAFETY: the input is a slice, `bytes_out` gives good outputs.
        bytes_out(|out, cap, len| unsafe {
            sending::sealwax_group_sender_encrypt(self.0, plaintext, plaintext_len, now_ms, out, cap, len)
        })
    }

    pub(crate) fn rotate(&self, now_ms: u64) -> Result<()> {
        // SAFETY: a handle is not followed.
        done(unsafe { sending::sealwax_group_sender_rotate(self.0, now_ms) })
    }

    pub(crate) fn info(&self) -> Value {
        // SAFETY: `bytes_out` gives good outputs.
        json_out(|out, cap, len| unsafe { sending::sealwax_group_sender_info(self.0, out, cap, len) })
            .unwrap()
    }

    pub(crate) fn export(&self, key: &[u8], lease: u32) -> Result<Vec<u8>> {
        let (key, key_len) = (key.as_ptr().cast(), key.len());
        // SAFETY: the input is a slice, `bytes_out` gives good outputs.
        bytes_out(|out, cap, len| unsafe {
            sending::sealwax_group_sender_export(self.0, key, key_len, lease, out, cap, len)
        })
    }
}

impl Drop for GroupSender {
    fn drop(&mut self) {
        // SAFETY: a handle is not followed.
        let freed = unsafe { sending::sealwax_group_sender_free(self.0) };
        assert!(std::thread::panicking() || freed == 0);
    }
}

/// A group receiver, freed when it goes.
#[derive(Debug)]
pub(crate) struct GroupReceiver(*mut receiving::sealwax_group_receiver);

impl GroupReceiver {
    pub(crate) fn new(identity: &Identity, roster: &Roster, options: &str, now_ms: u64) -> Result<Self> {
        let (identity, roster) = (identity.handle(), roster.handle());
        // SAFETY: the input is a slice, the output lives.
        handle_out(|out| unsafe {
            let (options, len) = (options.as_ptr().cast(), options.len());
            receiving::sealwax_group_receiver_new(identity, roster, options, len, now_ms, out)
        })
        .map(Self)
    }

    pub(crate) fn import(identity: &Identity, roster: &Roster, key: &[u8], sealed: &[u8]) -> Result<Self> {
        let (identity, roster) = (identity.handle(), roster.handle());
        let (key, key_len) = (key.as_ptr().cast(), key.len());
        let (sealed, sealed_len) = (sealed.as_ptr().cast(), sealed.len());
        // SAFETY: the inputs are slices, the output lives.
        handle_out(|out| unsafe {
            receiving::sealwax_group_receiver_import(identity, roster, key, key_len, sealed, sealed_len, out)
        })
        .map(Self)
    }

    pub(crate) fn handle(&self) -> *mut receiving::sealwax_group_receiver {
        self.0
    }

    pub(crate) fn install(&self, session: &Session, envelope: &[u8], now_ms: u64) -> Result<()> {
        let (envelope, len) = (envelope.as_ptr().cast(), envelope.len());
        // SAFETY: the input is a slice.
        done(unsafe {
            messages::sealwax_group_receiver_install(self.0, session.handle(), envelope, len, now_ms)
        })
    }

    pub(crate) fn decrypt(&self, envelope: &[u8], now_ms: u64) -> Result<Vec<u8>> {
        let (envelope, envelope_len) = (envelope.as_ptr().cast(), envelope.len());
        // SAFETY: the input is a slice, `bytes_out` gives good outputs.
        bytes_out(|out, cap, len| unsafe {
            messages::sealwax_group_receiver_decrypt(self.0, envelope, envelope_len, now_ms, out, cap, len)
        })
    }

    pub(crate) fn share_history(
        &self,
        session: &Session,
        sender: &str,
        key_id: &[u8],
        from_counter: u32,
        now_ms: u64,
    ) -> Result<Vec<u8>> {
        let (sender, sender_len) = (sender.as_ptr().cast(), sender.len());
        let (key_id, key_id_len) = (key_id.as_ptr().cast(), key_id.len());
        // SAFETY: the inputs are slices, `bytes_out` gives good outputs.
        bytes_out(|out, cap, len| unsafe {
            messages::sealwax_group_receiver_share_history(
                self.0,
                session.handle(),
                sender,
                sender_len,
                key_id,
                key_id_len,
                from_counter,
                now_ms,
                out,
                cap,
                len,
            )
        })
    }

    pub(crate) fn retire(&self, now_ms: u64) -> Result<u64> {
        let mut due_ms = u64::MAX;
        // SAFETY: the output lives.
        done(unsafe { receiving::sealwax_group_receiver_retire(self.0, now_ms, &mut due_ms) })?;
        Ok(due_ms)
    }

    pub(crate) fn catch_up(&self, active: i32, now_ms: u64) -> Result<()> {
        // SAFETY: a handle is not followed.
        done(unsafe { receiving::sealwax_group_receiver_catch_up(self.0, active, now_ms) })
    }

    pub(crate) fn info(&self) -> Value {
        // SAFETY: `bytes_out` gives good outputs.
        json_out(|out, cap, len| unsafe { receiving::sealwax_group_receiver_info(self.0, out, cap, len) })
            .unwrap()
    }

    pub(crate) fn export(&self, key: &[u8]) -> Result<Vec<u8>> {
        let (key, key_len) = (key.as_ptr().cast(), key.len());
        // SAFETY: the input is a slice, `bytes_out` gives good outputs.
        bytes_out(|out, cap, len| unsafe {
            receiving::sealwax_group_receiver_export(self.0, key, key_len, out, cap, len)
        })
    }
}

impl Drop for GroupReceiver {
    fn drop(&mut self) {
        // SAFETY: a handle is not followed.
        let freed = unsafe { receiving::sealwax_group_receiver_free(self.0) };
        assert!(std::thread::panicking() || freed == 0);
    }
}
