//! What a call on a relay gives its host to store and to send.

use std::sync::OnceLock;

use super::argument::Outputs;
use super::cell::{self, Opaque};
use super::envelope::sealwax_slice;
use super::guard::guard;
use super::sizes::SEALWAX_ID_LEN;
use super::status::sealwax_status;
use super::unlocked::Unlocked;
use crate::relay::{Content, Delivery, Outcome};
use crate::wire::frame::DELIVER_HEAD_LEN;

/// What came of a call on a relay: records to store, then deliveries to send.
#[allow(non_camel_case_types, reason = "the name in the C header")]
pub struct sealwax_deliveries(());

/// Owns everything that the arrays point to. They are made when they are first asked for.
pub(super) struct Deliveries {
    outcome: Outcome,
    deliveries: OnceLock<Frames>,
    records: OnceLock<Records>,
}

/// Deliveries in C, and what stands before their payloads.
struct Frames {
    /// What heads of `array` point into.
    _heads: Vec<[u8; DELIVER_HEAD_LEN]>,
    array: Box<[sealwax_delivery]>,
}

/// Records in C, and their names.
struct Records {
    /// What the names of `array` point into: one after another.
    _names: Vec<u8>,
    array: Box<[sealwax_record]>,
}

// SAFETY: the pointers in the arrays lead to heap memory that this object owns and that nobody writes to any more:
// payloads, values, frames and user names of `outcome`, heads of `deliveries` and names of `records`.
unsafe impl Send for Deliveries {}
// SAFETY: as above.
unsafe impl Sync for Deliveries {}

impl Opaque for sealwax_deliveries {
    type Object = Unlocked<Deliveries>;
}

impl From<Outcome> for Deliveries {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, deliveries: OnceLock::new(), records: OnceLock::new() }
    }
}

/// Flag of a delivery: all that had gathered for this user while offline comes before it. It has no payload.
pub const SEALWAX_DELIVERY_QUEUE_END: u32 = 1;

/// Flag of a delivery: close the connection once this is sent, and end it with sealwax_relay_disconnect().
pub const SEALWAX_DELIVERY_CLOSE: u32 = 2;

/// Something to send to a connection, or to a user whom sealwax_relay_set_online() said to be online.
#[allow(non_camel_case_types, reason = "the name in the C header")]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct sealwax_delivery {
    /// User id of whom it is for; empty if the connection is nobody's yet.
    pub user: sealwax_slice,
    /// Envelope or roster entry; the same memory for all recipients of one message. NULL in all else.
    pub payload: sealwax_slice,
    /// Its place in the user's queue, from 1 on: what sealwax_relay_acknowledge() takes. 0 in all else.
    pub sequence: u64,
    /// Names the payload.
    pub envelope_id: [u8; SEALWAX_ID_LEN],
    /// SEALWAX_DELIVERY_QUEUE_END, SEALWAX_DELIVERY_CLOSE or 0.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
    /// The connection to send it to; 0: one that the host knows by its user.
    pub connection: u64,
    /// The frame to send to the connection is `head`, then `payload`. Empty without a connection, and for one that
    /// is closed without a word.
    pub head: sealwax_slice,
}

/// A change to store, so that sealwax_relay_restore() can rebuild the relay. Write it only if the version that is
/// stored under the name is `replaces`, as version `replaces` + 1.
#[allow(non_camel_case_types, reason = "the name in the C header")]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct sealwax_record {
    /// Text in UTF-8 such as "queue/alice/00000000000000000007": names of one kind begin alike, and those of one
    /// queue or group sort in their order. It holds user ids as they are, "/" and ".." among them: it is no name of
    /// a file before it was encoded.
    pub name: sealwax_slice,
    /// What to store; the same memory for all recipients of one message. NULL: delete what is stored.
    pub value: sealwax_slice,
    /// The version that it replaces; 0: nothing is stored.
    pub replaces: u64,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<sealwax_delivery>() == 88);
    assert!(size_of::<sealwax_record>() == 40);
};

impl Deliveries {
    fn deliveries(&self) -> &[sealwax_delivery] {
        &self.deliveries.get_or_init(|| Frames::new(&self.outcome)).array
    }

    fn records(&self) -> &[sealwax_record] {
        &self.records.get_or_init(|| Records::new(&self.outcome)).array
    }
}

impl Frames {
    fn new(outcome: &Outcome) -> Self {
        let mut array = Vec::with_capacity(outcome.deliveries_len());
        let mut heads: Vec<[u8; DELIVER_HEAD_LEN]> = Vec::new();
        array.extend(outcome.deliveries().map(|delivery| {
            let mut out = without_head(&delivery);
            if delivery.connection != 0 {
                match (delivery.content(), delivery.head()) {
                    (Content::Frame { bytes: [_, ..], .. }, _) => {
                        out.head = sealwax_slice::of(delivery.frame())
                    }
                    (_, Some(head)) => {
                        if heads.is_empty() {
                            heads.reserve_exact(outcome.deliveries_len());
                        }
                        heads.push(head);
                        // Where it stands is known once all do.
                        out.head.len = DELIVER_HEAD_LEN;
                    }
                    _ => {}
                }
            }
            out
        }));
        if !heads.is_empty() {
            let without =
                |delivery: &&mut sealwax_delivery| delivery.head.ptr.is_null() && delivery.head.len > 0;
            for (delivery, head) in array.iter_mut().filter(without).zip(&heads) {
                delivery.head = sealwax_slice::of(head);
            }
        }
        Self { array: array.into(), _heads: heads }
    }
}

fn without_head(delivery: &Delivery<'_>) -> sealwax_delivery {
    let (payload, envelope_id, flags) = match delivery.content() {
        Content::Queued { payload, envelope_id } => (sealwax_slice::of(payload), *envelope_id, 0),
        Content::QueueEnd => (sealwax_slice::NOTHING, [0; SEALWAX_ID_LEN], SEALWAX_DELIVERY_QUEUE_END),
        Content::Frame { closes, .. } => {
            let flags = if closes { SEALWAX_DELIVERY_CLOSE } else { 0 };
            (sealwax_slice::NOTHING, [0; SEALWAX_ID_LEN], flags)
        }
    };
    sealwax_delivery {
        user: sealwax_slice::of(delivery.user.as_bytes()),
        payload,
        sequence: delivery.sequence,
        envelope_id,
        flags,
        reserved: 0,
        connection: delivery.connection,
        head: sealwax_slice::NOTHING,
    }
}

impl Records {
    fn new(outcome: &Outcome) -> Self {
        let mut names = Vec::with_capacity(outcome.names_len());
        let mut array = Vec::with_capacity(outcome.records_len());
        array.extend(outcome.records().map(|record| {
            let start = names.len();
            record.name.put_text(&mut names);
            sealwax_record {
                // Where it stands is known once all names do.
                name: sealwax_slice { len: names.len() - start, ..sealwax_slice::NOTHING },
                value: record.value.map_or(sealwax_slice::NOTHING, sealwax_slice::of),
                replaces: record.replaces,
            }
        }));
        let mut rest = names.as_slice();
        for record in &mut array {
            let (name, after) = rest.split_at_checked(record.name.len).unwrap_or_default();
            (record.name, rest) = (sealwax_slice::of(name), after);
        }
        Self { array: array.into(), _names: names }
    }
}

/// @section Deliveries: what a call on a relay gives its host to do
///
/// Gives what is to be sent, in this order, once the records are stored. What several threads got for one user at
/// the same time is in the order of its sequence numbers, and what a connection is welcomed with comes before
/// that. Of what has a connection, head and payload are the frame; what has none, a host puts into one of its own.
///
/// @param deliveries  the deliveries
/// @param out_array   the array; it and all that it points to live until sealwax_deliveries_free()
/// @param out_count   elements of it
///
/// @retval SEALWAX_NULL_POINTER    a pointer is NULL that must not be
/// @retval SEALWAX_BUFFER_OVERLAP  the outputs overlap
/// @retval SEALWAX_INVALID_HANDLE  deliveries is not one that is open
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_deliveries_view(
    deliveries: *const sealwax_deliveries,
    out_array: *mut *const sealwax_delivery,
    out_count: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let (array, count) = (outputs.value(out_array), outputs.value(out_count));
        outputs.inputs()?;
        let deliveries = cell::shared(deliveries)?;
        let view = deliveries.links().deliveries();
        array.put(view.as_ptr());
        count.put(view.len());
        Ok(())
    })
}

/// Gives what is to be stored before anything is sent: all records or none where the store can, otherwise in this
/// order. A host that stores nothing need not look.
///
/// @param deliveries  the deliveries
/// @param out_array   the array; it and all that it points to live until sealwax_deliveries_free()
/// @param out_count   elements of it
///
/// @retval SEALWAX_NULL_POINTER    a pointer is NULL that must not be
/// @retval SEALWAX_BUFFER_OVERLAP  the outputs overlap
/// @retval SEALWAX_INVALID_HANDLE  deliveries is not one that is open
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_deliveries_records(
    deliveries: *const sealwax_deliveries,
    out_array: *mut *const sealwax_record,
    out_count: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let (array, count) = (outputs.value(out_array), outputs.value(out_count));
        outputs.inputs()?;
        let deliveries = cell::shared(deliveries)?;
        let view = deliveries.links().records();
        array.put(view.as_ptr());
        count.put(view.len());
        Ok(())
    })
}

/// Ends deliveries, and with them the arrays that they gave.
///
/// @param deliveries  the deliveries; NULL is fine
///
/// @retval SEALWAX_INVALID_HANDLE  deliveries is not one that is open
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealwax_deliveries_free(deliveries: *mut sealwax_deliveries) -> sealwax_status {
    guard(|| cell::free(deliveries))
}
