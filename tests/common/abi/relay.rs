//! Relays, what they give, and envelopes without a key.

use core::ffi::c_void;
use core::{ptr, slice};

use sealwax::ffi::deliveries::{self, sealwax_delivery, sealwax_record};
use sealwax::ffi::envelope::{self, sealwax_envelope, sealwax_slice};
use sealwax::ffi::status::{SEALWAX_BUFFER_TOO_SMALL, SEALWAX_OK};
use sealwax::ffi::{connections, relay as ffi, routing};
use serde_json::Value;

use super::{Result, bytes_out, done, handle_out, json_out};

/// A relay, freed when it goes.
pub(crate) struct Relay(pub(crate) *mut ffi::sealwax_relay);

// SAFETY: a handle may be used by any thread.
unsafe impl Sync for Relay {}

/// What a call on a relay gave, freed when it goes.
pub(crate) struct Deliveries(pub(crate) *mut deliveries::sealwax_deliveries);

/// A copy of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) user: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) sequence: u64,
    pub(crate) envelope_id: [u8; 16],
    pub(crate) flags: u32,
    pub(crate) connection: u64,
    pub(crate) head: Vec<u8>,
}

/// A copy of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) replaces: u64,
}

/// Card, bundle, and what to store.
pub(crate) struct Found {
    pub(crate) card: Vec<u8>,
    pub(crate) prekeys: Vec<u8>,
    pub(crate) deliveries: Deliveries,
}

impl Relay {
    pub(crate) fn new(options: &str) -> Result<Self> {
        // SAFETY: the input is a slice, the output lives.
        handle_out(|out| unsafe { ffi::sealwax_relay_new(options.as_ptr().cast(), options.len(), out) })
            .map(Self)
    }

    pub(crate) fn register(&self, user: &str, card: &[u8], now_ms: u64) -> Result<Deliveries> {
        // SAFETY: the inputs are slices, the output lives.
        handle_out(|out| unsafe {
            let (name, len) = (user.as_ptr().cast(), user.len());
            ffi::sealwax_relay_register(self.0, name, len, card.as_ptr().cast(), card.len(), now_ms, out)
        })
        .map(Deliveries)
    }

    pub(crate) fn publish(&self, user: &str, prekeys: &[u8], now_ms: u64) -> Result<Deliveries> {
        // SAFETY: the inputs are slices, the output lives.
        handle_out(|out| unsafe {
            let (name, len) = (user.as_ptr().cast(), user.len());
            ffi::sealwax_relay_publish(self.0, name, len, prekeys.as_ptr().cast(), prekeys.len(), now_ms, out)
        })
        .map(Deliveries)
    }

    /// Asks for both sizes, then with one byte too few for each, then with room enough.
    pub(crate) fn lookup(&self, requester: &str, user: &str, now_ms: u64) -> Result<Found> {
        let call = |card: &mut [u8], prekeys: &mut [u8]| {
            let (mut card_len, mut prekeys_len) = (usize::MAX, usize::MAX);
            let mut deliveries = ptr::dangling_mut();
            // SAFETY: the inputs and outputs are slices, the others live.
            let status = unsafe {
                ffi::sealwax_relay_lookup(
                    self.0,
                    requester.as_ptr().cast(),
                    requester.len(),
                    user.as_ptr().cast(),
                    user.len(),
                    now_ms,
                    card.as_mut_ptr().cast(),
                    card.len(),
                    &mut card_len,
                    prekeys.as_mut_ptr().cast(),
                    prekeys.len(),
                    &mut prekeys_len,
                    &mut deliveries,
                )
            };
            (status, card_len, prekeys_len, deliveries)
        };
        let (status, card_len, prekeys_len, deliveries) = call(&mut [], &mut []);
        assert!(deliveries.is_null());
        if status != SEALWAX_BUFFER_TOO_SMALL {
            assert_eq!((card_len, prekeys_len), (0, 0));
            return Err(status);
        }
        let (mut card, mut prekeys) = (vec![0xa5; card_len], vec![0xa5; prekeys_len]);
        for (card_room, prekeys_room) in [(card_len - 1, prekeys_len), (card_len, prekeys_len - 1)] {
            let (card, prekeys) = (&mut card[..card_room], &mut prekeys[..prekeys_room]);
            let (status, asked_card, asked_prekeys, deliveries) = call(card, prekeys);
            let sizes = (asked_card, asked_prekeys);
            assert_eq!((status, sizes), (SEALWAX_BUFFER_TOO_SMALL, (card_len, prekeys_len)));
            assert!(deliveries.is_null());
            assert!(card.iter().chain(&*prekeys).all(|byte| *byte == 0xa5), "written although too small");
        }
        let (status, card_len, prekeys_len, deliveries) = call(&mut card, &mut prekeys);
        done(status)?;
        card.truncate(card_len);
        prekeys.truncate(prekeys_len);
        Ok(Found { card, prekeys, deliveries: Deliveries(deliveries) })
    }

    pub(crate) fn commit(&self, user: &str, entry: &[u8], now_ms: u64) -> Result<Deliveries> {
        // SAFETY: the inputs are slices, the output lives.
        handle_out(|out| unsafe {
            let (name, len) = (user.as_ptr().cast(), user.len());
            routing::sealwax_relay_commit(self.0, name, len, entry.as_ptr().cast(), entry.len(), now_ms, out)
        })
        .map(Deliveries)
    }

    pub(crate) fn log(&self, user: &str, group_id: &[u8], from_epoch: u64) -> Result<Vec<u8>> {
        // SAFETY: the inputs are slices, `bytes_out` gives good outputs.
        bytes_out(|out, cap, len| unsafe {
            let (name, name_len) = (user.as_ptr().cast(), user.len());
            let (group, group_len) = (group_id.as_ptr().cast(), group_id.len());
            routing::sealwax_relay_log(self.0, name, name_len, group, group_len, from_epoch, out, cap, len)
        })
    }

    pub(crate) fn route(&self, user: &str, envelope: &[u8], now_ms: u64) -> Result<Deliveries> {
        // SAFETY: the inputs are slices, the output lives.
        handle_out(|out| unsafe {
            let (name, len) = (user.as_ptr().cast(), user.len());
            routing::sealwax_relay_route(
                self.0,
                name,
                len,
                envelope.as_ptr().cast(),
                envelope.len(),
                now_ms,
                out,
            )
        })
        .map(Deliveries)
    }

    pub(crate) fn set_online(&self, user: &str, online: bool, now_ms: u64) -> Result<Deliveries> {
        // SAFETY: the input is a slice, the output lives.
        handle_out(|out| unsafe {
            let (name, len) = (user.as_ptr().cast(), user.len());
            routing::sealwax_relay_set_online(self.0, name, len, online.into(), now_ms, out)
        })
        .map(Deliveries)
    }

    pub(crate) fn acknowledge(&self, user: &str, sequence: u64, now_ms: u64) -> Result<Deliveries> {
        // SAFETY: the input is a slice, the output lives.
        handle_out(|out| unsafe {
            let (name, len) = (user.as_ptr().cast(), user.len());
            routing::sealwax_relay_acknowledge(self.0, name, len, sequence, now_ms, out)
        })
        .map(Deliveries)
    }

    pub(crate) fn connect(&self, connection: u64, user: &str, now_ms: u64) -> Result<Deliveries> {
        // SAFETY: the input is a slice, the output lives.
        handle_out(|out| unsafe {
            let (name, len) = (user.as_ptr().cast(), user.len());
            connections::sealwax_relay_connect(self.0, connection, name, len, now_ms, out)
        })
        .map(Deliveries)
    }

    pub(crate) fn receive(&self, connection: u64, frame: &[u8], now_ms: u64) -> Result<Deliveries> {
        // SAFETY: the input is a slice, the output lives.
        handle_out(|out| unsafe {
            let (frame, len) = (frame.as_ptr().cast(), frame.len());
            connections::sealwax_relay_receive(self.0, connection, frame, len, now_ms, out)
        })
        .map(Deliveries)
    }

    pub(crate) fn disconnect(&self, connection: u64, now_ms: u64) -> Result<Deliveries> {
        // SAFETY: the output lives.
        handle_out(|out| unsafe { connections::sealwax_relay_disconnect(self.0, connection, now_ms, out) })
            .map(Deliveries)
    }

    /// When the next call is due, and what came of this one.
    pub(crate) fn tick(&self, now_ms: u64) -> Result<(u64, Deliveries)> {
        let mut due_ms = 1;
        // SAFETY: the outputs live.
        let deliveries =
            handle_out(|out| unsafe { connections::sealwax_relay_tick(self.0, now_ms, &mut due_ms, out) })?;
        Ok((due_ms, Deliveries(deliveries)))
    }

    pub(crate) fn restore(&self, name: &str, value: Option<&[u8]>, version: u64) -> Result<()> {
        let (value, value_len) = value.map_or((ptr::null(), 0), |value| (value.as_ptr(), value.len()));
        // SAFETY: the inputs are slices.
        done(unsafe {
            let (name, name_len) = (name.as_ptr().cast(), name.len());
            routing::sealwax_relay_restore(self.0, name, name_len, value.cast(), value_len, version)
        })
    }

    pub(crate) fn info(&self) -> Value {
        // SAFETY: `bytes_out` gives good outputs.
        json_out(|out, cap, len| unsafe { ffi::sealwax_relay_info(self.0, out, cap, len) }).unwrap()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // SAFETY: a handle is not followed.
        let freed = unsafe { ffi::sealwax_relay_free(self.0) };
        assert!(std::thread::panicking() || freed == 0);
    }
}

impl Deliveries {
    /// Copies of the deliveries, made from the same array each time.
    pub(crate) fn view(&self) -> Vec<Delivery> {
        let deliveries = self.raw_view().iter().map(|delivery| {
            assert_eq!(delivery.reserved, 0);
            Delivery {
                user: text(delivery.user),
                payload: bytes(delivery.payload).unwrap_or_default(),
                sequence: delivery.sequence,
                envelope_id: delivery.envelope_id,
                flags: delivery.flags,
                connection: delivery.connection,
                head: bytes(delivery.head).unwrap_or_default(),
            }
        });
        deliveries.collect()
    }

    pub(crate) fn raw_view(&self) -> &[sealwax_delivery] {
        let (mut array, mut count) = (ptr::null(), usize::MAX);
        // SAFETY: the outputs live; the array lives as long as the handle.
        unsafe {
            done(deliveries::sealwax_deliveries_view(self.0, &mut array, &mut count)).unwrap();
            slice::from_raw_parts(array, count)
        }
    }

    pub(crate) fn records(&self) -> Vec<Record> {
        let records = self.raw_records().iter().map(|record| Record {
            name: text(record.name),
            value: bytes(record.value),
            replaces: record.replaces,
        });
        records.collect()
    }

    pub(crate) fn raw_records(&self) -> &[sealwax_record] {
        let (mut array, mut count) = (ptr::null(), usize::MAX);
        // SAFETY: the outputs live; the array lives as long as the handle.
        unsafe {
            done(deliveries::sealwax_deliveries_records(self.0, &mut array, &mut count)).unwrap();
            slice::from_raw_parts(array, count)
        }
    }
}

impl Drop for Deliveries {
    fn drop(&mut self) {
        // SAFETY: a handle is not followed.
        let freed = unsafe { deliveries::sealwax_deliveries_free(self.0) };
        assert!(std::thread::panicking() || freed == 0);
    }
}

/// A copy of what a slice views; none for NULL.
pub(crate) fn bytes(view: sealwax_slice) -> Option<Vec<u8>> {
    if view.ptr.is_null() {
        assert_eq!(view.len, 0);
        return None;
    }
    // SAFETY: whoever gave the slice lives.
    Some(unsafe { slice::from_raw_parts(view.ptr.cast(), view.len) }.to_vec())
}

/// A copy of the text that a slice views.
pub(crate) fn text(view: sealwax_slice) -> String {
    String::from_utf8(bytes(view).unwrap()).unwrap()
}

/// The public header of an envelope.
pub(crate) fn envelope_parse(envelope: &[u8]) -> Result<sealwax_envelope> {
    let mut out = core::mem::MaybeUninit::<sealwax_envelope>::zeroed();
    // SAFETY: the input is a slice, the output lives; all zeros are a header too.
    unsafe {
        done(envelope::sealwax_envelope_parse(envelope.as_ptr().cast(), envelope.len(), out.as_mut_ptr()))?;
        Ok(out.assume_init())
    }
}

/// What a frame delivers, if it does.
pub(crate) fn frame_envelope(frame: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut out = sealwax_slice { ptr: core::ptr::dangling(), len: 77 };
    // SAFETY: the input is a slice, the output lives.
    let status = unsafe { envelope::sealwax_frame_envelope(frame.as_ptr().cast(), frame.len(), &mut out) };
    let delivered = bytes(out);
    assert!(status == SEALWAX_OK || delivered.is_none());
    done(status).map(|()| delivered)
}

/// All public fields of an object.
pub(crate) fn envelope_inspect(object: &[u8]) -> Result<Value> {
    let object_ptr: *const c_void = object.as_ptr().cast();
    // SAFETY: the input is a slice, `bytes_out` gives good outputs.
    json_out(|out, cap, len| unsafe {
        envelope::sealwax_envelope_inspect(object_ptr, object.len(), out, cap, len)
    })
}
