//! Clients and their events.

use core::ffi::c_void;
use core::{ptr, slice};

use sealwax::ffi::client_calls::SEALWAX_CONTENT_TEXT;
use sealwax::ffi::client_loop::{sealwax_pending, sealwax_wake};
use sealwax::ffi::envelope::sealwax_slice;
use sealwax::ffi::event::{self, SEALWAX_EVENT_MESSAGE, sealwax_event, sealwax_event_fields};
use sealwax::ffi::status::{SEALWAX_INVALID_HANDLE, sealwax_status};
use sealwax::ffi::{client as ffi, client_calls as calls, client_loop as hosting};
use serde_json::Value;

use super::relay::{bytes, text};
use super::{Identity, Result, bytes_out, done, handle_out, json_out};

/// A client, freed when it goes.
#[derive(Debug)]
pub(crate) struct Client(*mut ffi::sealwax_client);

// SAFETY: a handle may be used by any thread.
unsafe impl Send for Client {}
// SAFETY: as above.
unsafe impl Sync for Client {}

/// An event, freed when it goes.
#[derive(Debug)]
pub(crate) struct Event(*mut sealwax_event);

impl Client {
    pub(crate) fn create(user: &str, path: &str, key: &[u8], options: &str, now_ms: u64) -> Result<Self> {
        // SAFETY: the inputs are slices, the output lives.
        handle_out(|out| unsafe {
            ffi::sealwax_client_create(
                user.as_ptr().cast(),
                user.len(),
                path.as_ptr().cast(),
                path.len(),
                key.as_ptr().cast(),
                key.len(),
                options.as_ptr().cast(),
                options.len(),
                now_ms,
                out,
            )
        })
        .map(Self)
    }

    /// With an identity, which comes back with the status if it is refused.
    pub(crate) fn create_with(
        identity: Identity,
        path: &str,
        key: &[u8],
        options: &str,
        now_ms: u64,
    ) -> core::result::Result<Self, (Identity, sealwax_status)> {
        // SAFETY: the inputs are slices, the output lives.
        let made = handle_out(|out| unsafe {
            ffi::sealwax_client_create_with(
                identity.handle(),
                path.as_ptr().cast(),
                path.len(),
                key.as_ptr().cast(),
                key.len(),
                options.as_ptr().cast(),
                options.len(),
                now_ms,
                out,
            )
        });
        match made {
            Ok(client) => {
                assert_eq!(identity.free(), Err(SEALWAX_INVALID_HANDLE), "the identity is there still");
                Ok(Self(client))
            }
            Err(status) => Err((identity, status)),
        }
    }

    pub(crate) fn open(path: &str, key: &[u8], options: &str, now_ms: u64) -> Result<Self> {
        // SAFETY: the inputs are slices, the output lives.
        handle_out(|out| unsafe {
            let (path, path_len) = (path.as_ptr().cast(), path.len());
            let (options, options_len) = (options.as_ptr().cast(), options.len());
            let (key, key_len) = (key.as_ptr().cast(), key.len());
            ffi::sealwax_client_open(path, path_len, key, key_len, options, options_len, now_ms, out)
        })
        .map(Self)
    }

    pub(crate) fn handle(&self) -> *mut ffi::sealwax_client {
        self.0
    }

    pub(crate) fn connected(&self, relay_name: &str, now_ms: u64) -> Result<()> {
        let (name, len) = (relay_name.as_ptr().cast(), relay_name.len());
        // SAFETY: the input is a slice.
        done(unsafe { hosting::sealwax_client_connected(self.0, name, len, now_ms) })
    }

    pub(crate) fn disconnected(&self, now_ms: u64) -> Result<()> {
        // SAFETY: handles are not followed.
        done(unsafe { hosting::sealwax_client_disconnected(self.0, now_ms) })
    }

    pub(crate) fn receive(&self, frame: &[u8], now_ms: u64) -> Result<()> {
        // SAFETY: the input is a slice.
        done(unsafe { hosting::sealwax_client_receive(self.0, frame.as_ptr().cast(), frame.len(), now_ms) })
    }

    pub(crate) fn tick(&self, now_ms: u64) -> Result<()> {
        // SAFETY: handles are not followed.
        done(unsafe { hosting::sealwax_client_tick(self.0, now_ms) })
    }

    pub(crate) fn pending(&self) -> Result<sealwax_pending> {
        let mut pending =
            sealwax_pending { frames: 77, events: 77, due_ms: 77, wants_disconnect: 77, reconnect: 77 };
        // SAFETY: the output lives.
        let status = unsafe { hosting::sealwax_client_pending(self.0, &mut pending) };
        done(status).map(|()| pending)
    }

    /// The next frame; empty if there is none.
    pub(crate) fn next_frame(&self) -> Result<Vec<u8>> {
        // SAFETY: `bytes_out` gives good outputs.
        bytes_out(|out, cap, len| unsafe { hosting::sealwax_client_next_frame(self.0, out, cap, len) })
    }

    pub(crate) fn next_event(&self) -> Result<Option<Event>> {
        let mut event = ptr::dangling_mut();
        // SAFETY: the output lives.
        let status = unsafe { hosting::sealwax_client_next_event(self.0, &mut event) };
        done(status).map(|()| (!event.is_null()).then_some(Event(event)))
    }

    /// All events that wait, none of them confirmed.
    pub(crate) fn events(&self) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        while let Some(event) = self.next_event()? {
            events.push(event);
        }
        Ok(events)
    }

    /// Senders and texts of the messages that wait; everything is confirmed.
    pub(crate) fn texts(&self) -> Result<Vec<(String, String)>> {
        let events = self.events()?;
        for event in &events {
            self.confirm(event.fields().number)?;
        }
        let messages = events.iter().filter(|event| event.fields().kind == SEALWAX_EVENT_MESSAGE);
        Ok(messages.map(|event| (event.user(), String::from_utf8(event.payload()).unwrap())).collect())
    }

    pub(crate) fn confirm(&self, number: u64) -> Result<()> {
        // SAFETY: handles are not followed.
        done(unsafe { hosting::sealwax_client_confirm(self.0, number) })
    }

    pub(crate) fn on_wake(&self, wake: sealwax_wake, user_data: *mut c_void) -> Result<()> {
        // SAFETY: the tests give what lives until they remove it.
        done(unsafe { hosting::sealwax_client_on_wake(self.0, wake, user_data) })
    }

    pub(crate) fn send(&self, user: &str, payload: &str, now_ms: u64) -> Result<[u8; 16]> {
        self.send_as(user, SEALWAX_CONTENT_TEXT, payload.as_bytes(), 0, now_ms)
    }

    pub(crate) fn send_as(
        &self,
        user: &str,
        content_type: u32,
        payload: &[u8],
        flags: u32,
        now_ms: u64,
    ) -> Result<[u8; 16]> {
        let mut id = [77; 16];
        // SAFETY: the inputs are slices, the output lives.
        let status = unsafe {
            let (user, user_len) = (user.as_ptr().cast(), user.len());
            let (payload, payload_len) = (payload.as_ptr().cast(), payload.len());
            let out = id.as_mut_ptr();
            calls::sealwax_client_send_direct(
                self.0,
                user,
                user_len,
                content_type,
                payload,
                payload_len,
                flags,
                now_ms,
                out,
            )
        };
        done(status).map(|()| id)
    }

    pub(crate) fn mark_read(&self, user: &str, ids: &[u8], now_ms: u64) -> Result<()> {
        let (user, user_len) = (user.as_ptr().cast(), user.len());
        // SAFETY: the inputs are slices.
        done(unsafe {
            calls::sealwax_client_mark_read(self.0, user, user_len, ids.as_ptr().cast(), ids.len(), now_ms)
        })
    }

    pub(crate) fn accept_identity(&self, user: &str, fingerprint: &[u8], now_ms: u64) -> Result<()> {
        let (user, user_len) = (user.as_ptr().cast(), user.len());
        let (fingerprint, len) = (fingerprint.as_ptr().cast(), fingerprint.len());
        // SAFETY: the inputs are slices.
        done(unsafe {
            calls::sealwax_client_accept_identity(self.0, user, user_len, fingerprint, len, now_ms)
        })
    }

    pub(crate) fn watch(&self, users: &[&str], now_ms: u64) -> Result<()> {
        let slice = |user: &&str| sealwax_slice { ptr: user.as_ptr().cast(), len: user.len() };
        let users: Vec<sealwax_slice> = users.iter().map(slice).collect();
        // SAFETY: the input is a slice of slices.
        done(unsafe { calls::sealwax_client_watch(self.0, users.as_ptr(), users.len(), now_ms) })
    }

    /// Our own card for nobody.
    pub(crate) fn card(&self, user: &str) -> Result<Vec<u8>> {
        let (user, user_len) = (user.as_ptr().cast(), user.len());
        // SAFETY: the input is a slice, `bytes_out` gives good outputs.
        bytes_out(|out, cap, len| unsafe {
            calls::sealwax_client_card(self.0, user, user_len, out, cap, len)
        })
    }

    pub(crate) fn changed_card(&self, user: &str) -> Result<Vec<u8>> {
        let (user, user_len) = (user.as_ptr().cast(), user.len());
        // SAFETY: the input is a slice, `bytes_out` gives good outputs.
        bytes_out(|out, cap, len| unsafe {
            calls::sealwax_client_changed_card(self.0, user, user_len, out, cap, len)
        })
    }

    /// Our own fingerprint for nobody.
    pub(crate) fn fingerprint(&self, user: &str) -> Result<[u8; 32]> {
        let mut fingerprint = [77; 32];
        let (user, user_len, out) = (user.as_ptr().cast(), user.len(), fingerprint.as_mut_ptr());
        // SAFETY: the input is a slice, the output is as long as it must be.
        let status = unsafe { calls::sealwax_client_fingerprint(self.0, user, user_len, out) };
        assert_eq!(status == 0, fingerprint != [0; 32]);
        done(status).map(|()| fingerprint)
    }

    /// Digits and QR payload.
    pub(crate) fn safety_number(&self, user: &str) -> Result<(String, Vec<u8>)> {
        let mut digits = [77_u8; 61];
        let (user, user_len) = (user.as_ptr().cast(), user.len());
        // SAFETY: the input is a slice, the output is as long as it must be, `bytes_out` gives good ones.
        let qr = bytes_out(|out, cap, len| unsafe {
            let digits = digits.as_mut_ptr().cast();
            calls::sealwax_client_safety_number(self.0, user, user_len, digits, out, cap, len)
        })?;
        assert_eq!(digits[60], 0);
        Ok((String::from_utf8(digits[..60].to_vec()).unwrap(), qr))
    }

    pub(crate) fn info(&self) -> Value {
        // SAFETY: `bytes_out` gives good outputs.
        json_out(|out, cap, len| unsafe { ffi::sealwax_client_info(self.0, out, cap, len) }).unwrap()
    }

    pub(crate) fn backup(&self, path: &str) -> Result<()> {
        // SAFETY: the input is a slice.
        done(unsafe { ffi::sealwax_client_backup(self.0, path.as_ptr().cast(), path.len()) })
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: handles are not followed.
        done(unsafe { ffi::sealwax_client_free(self.0) }).unwrap();
    }
}

impl Event {
    pub(crate) fn handle(&self) -> *mut sealwax_event {
        self.0
    }

    pub(crate) fn fields(&self) -> sealwax_event_fields {
        let mut fields = core::mem::MaybeUninit::zeroed();
        // SAFETY: the output lives; zeros are fields.
        unsafe {
            done(event::sealwax_event_view(self.0, fields.as_mut_ptr())).unwrap();
            fields.assume_init()
        }
    }

    /// Empty for nobody, as `by` is.
    pub(crate) fn user(&self) -> String {
        name(self.fields().user)
    }

    pub(crate) fn by(&self) -> String {
        name(self.fields().by)
    }

    pub(crate) fn label(&self) -> String {
        text(self.fields().label)
    }

    pub(crate) fn group(&self) -> Vec<u8> {
        bytes(self.fields().group).unwrap_or_default()
    }

    pub(crate) fn payload(&self) -> Vec<u8> {
        let payload = self.fields().payload;
        // SAFETY: it lives as long as the event.
        unsafe { slice::from_raw_parts(payload.ptr.cast(), payload.len) }.to_vec()
    }

    pub(crate) fn fingerprint(&self) -> Vec<u8> {
        bytes(self.fields().fingerprint).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        // SAFETY: `bytes_out` gives good outputs.
        json_out(|out, cap, len| unsafe { event::sealwax_event_json(self.0, out, cap, len) }).unwrap()
    }
}

fn name(view: sealwax_slice) -> String {
    String::from_utf8(bytes(view).unwrap_or_default()).unwrap()
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: handles are not followed.
        done(unsafe { event::sealwax_event_free(self.0) }).unwrap();
    }
}
