//! Clients, and the connections that they have to a relay.

use core::ptr;

use super::{Bytes, Deliveries, Delivery, KEY, Raw, Relay, Slice, Status, Text, done, library, made};

handles! {
    /// A client, in memory.
    Client frees with sealwax_client_free;
    /// What a client tells.
    Event frees with sealwax_event_free;
}

/// More than any frame has.
pub const FRAME_ROOM: usize = 8 << 20;

/// `sealwax_pending`.
#[repr(C)]
#[derive(Default)]
pub(super) struct Pending {
    frames: usize,
    events: usize,
    due_ms: u64,
    wants_disconnect: u32,
    reserved: u32,
}

/// `sealwax_event_fields`.
#[repr(C)]
pub(super) struct Fields {
    kind: u32,
    flags: u32,
    number: u64,
    request: u64,
    time_ms: u64,
    slices: [Slice; 7],
    message_id: [u8; 16],
    status: Status,
    state: u32,
    content_type: u32,
    role: u32,
    count: u32,
    reserved: u32,
}

/// What an event is about.
pub struct News {
    /// `SEALWAX_EVENT_CONNECTED` and so on.
    pub kind: u32,
    /// `SEALWAX_OK` unless something went wrong.
    pub status: i32,
    /// The group, if it is about one.
    pub group: Option<[u8; 32]>,
}

impl Client {
    /// With the default options.
    #[must_use]
    pub fn new(user: &str, now_ms: u64) -> Self {
        let (user, len): (Text, usize) = (user.as_ptr().cast(), user.len());
        let (key, key_len): (Bytes, usize) = (KEY.as_ptr().cast(), KEY.len());
        // SAFETY: the inputs are slices or empty, the output lives.
        Self(made(|out| unsafe {
            let none = ptr::null();
            (library().sealwax_client_create)(user, len, none, 0, key, key_len, none, 0, now_ms, out)
        }))
    }

    /// Says that there is a connection to a relay of this name.
    pub fn connected(&self, relay_name: &str, now_ms: u64) {
        let (name, len) = (relay_name.as_ptr().cast(), relay_name.len());
        // SAFETY: the input is a slice.
        done(unsafe { (library().sealwax_client_connected)(self.0, name, len, now_ms) });
    }

    /// Takes a frame.
    pub fn receive(&self, frame: &[u8], now_ms: u64) {
        let (frame, len) = (frame.as_ptr().cast(), frame.len());
        // SAFETY: the input is a slice.
        done(unsafe { (library().sealwax_client_receive)(self.0, frame, len, now_ms) });
    }

    /// Does what is due.
    pub fn tick(&self, now_ms: u64) {
        // SAFETY: a handle is not followed.
        done(unsafe { (library().sealwax_client_tick)(self.0, now_ms) });
    }

    /// When something is due.
    #[must_use]
    pub fn due_ms(&self) -> u64 {
        let mut pending = Pending::default();
        // SAFETY: the output lives.
        done(unsafe { (library().sealwax_client_pending)(self.0, &mut pending) });
        pending.due_ms
    }

    /// The bytes of the next frame; none if there is none.
    #[must_use]
    pub fn next_frame(&self, out: &mut [u8]) -> Option<usize> {
        let (mut len, room) = (0, out.len());
        // SAFETY: the output is a slice.
        done(unsafe {
            (library().sealwax_client_next_frame)(self.0, out.as_mut_ptr().cast(), room, &mut len)
        });
        (len > 0).then_some(len)
    }

    /// The next event, confirmed.
    #[must_use]
    pub fn next_event(&self) -> Option<News> {
        // SAFETY: a handle as it came from the library, and an output that is there.
        let handle = made(|out| unsafe { (library().sealwax_client_next_event)(self.0, out) });
        if handle.is_null() {
            return None;
        }
        let event = Event(handle);
        let mut fields = core::mem::MaybeUninit::<Fields>::zeroed();
        // SAFETY: the output lives; all zeros are fields.
        let fields = unsafe {
            done((library().sealwax_event_view)(event.0, fields.as_mut_ptr()));
            fields.assume_init()
        };
        // SAFETY: a handle is not followed.
        done(unsafe { (library().sealwax_client_confirm)(self.0, fields.number) });
        // SAFETY: it lives as long as the event.
        let group = unsafe { bytes(fields.slices[2]) }.try_into().ok();
        Some(News { kind: fields.kind, status: fields.status, group })
    }

    /// Founds a group that is not open.
    pub fn create_group(&self, label: &str, members: &[String], now_ms: u64) {
        let members: Vec<Slice> = members.iter().map(|member| Slice::of(member.as_bytes())).collect();
        let (label, len, mut request) = (label.as_ptr().cast(), label.len(), 0);
        // SAFETY: the inputs are slices, the output lives.
        done(unsafe {
            let (members, count) = (members.as_ptr(), members.len());
            let create = library().sealwax_client_create_group;
            create(self.0, label, len, members, count, 0, now_ms, &mut request)
        });
    }

    /// Sends bytes to a group.
    pub fn send_group(&self, group: &[u8; 32], payload: &[u8], now_ms: u64) {
        let mut id = [0; 16];
        let (group, payload, len) = (group.as_ptr().cast(), payload.as_ptr().cast(), payload.len());
        // SAFETY: the inputs are slices, the output lives.
        done(unsafe {
            let send = library().sealwax_client_send_group;
            send(self.0, group, 32, 0, payload, len, 0, now_ms, id.as_mut_ptr())
        });
    }
}

/// What a slice views.
///
/// # Safety
/// Whoever gave it must live.
unsafe fn bytes<'a>(view: Slice) -> &'a [u8] {
    if view.len == 0 {
        return &[];
    }
    // SAFETY: as promised.
    unsafe { core::slice::from_raw_parts(view.ptr.cast(), view.len) }
}

impl Relay {
    /// One that says its name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let options = format!(r#"{{"name":"{name}"}}"#);
        // SAFETY: the input is a slice, the output lives.
        Self(made(|out| unsafe {
            (library().sealwax_relay_new)(options.as_ptr().cast(), options.len(), out)
        }))
    }

    /// Takes a connection whose client has to prove who it is.
    #[must_use]
    pub fn connect(&self, connection: u64, now_ms: u64) -> Deliveries {
        // SAFETY: the output lives.
        Deliveries(made(|out| unsafe {
            (library().sealwax_relay_connect)(self.0, connection, ptr::null(), 0, now_ms, out)
        }))
    }

    /// Takes a frame.
    #[must_use]
    pub fn receive(&self, connection: u64, frame: &[u8], now_ms: u64) -> Deliveries {
        let (frame, len) = (frame.as_ptr().cast(), frame.len());
        // SAFETY: the input is a slice, the output lives.
        Deliveries(made(|out| unsafe {
            (library().sealwax_relay_receive)(self.0, connection, frame, len, now_ms, out)
        }))
    }
}

impl Deliveries {
    /// The frames to send, with their connections.
    #[must_use]
    pub fn frames(&self) -> Vec<(u64, Vec<u8>)> {
        let (mut array, mut count): (*const Delivery, usize) = (ptr::null(), 0);
        // SAFETY: the outputs live.
        done(unsafe { (library().sealwax_deliveries_view)(self.0, &mut array, &mut count) });
        let frame = |at| {
            // SAFETY: the array has `count` elements, and it and they live as long as the deliveries.
            let (delivery, head, payload) = unsafe {
                let delivery = &*array.add(at);
                (delivery, bytes(delivery.head), bytes(delivery.payload))
            };
            (delivery.connection, [head, payload].concat())
        };
        (0..count).map(frame).collect()
    }
}
