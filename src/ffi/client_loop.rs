//! The loop of a client's host: connection, frames, time and events.

use core::ffi::{c_char, c_void};

use super::argument::{HandleOut, Outputs, Value};
use super::cell;
use super::client::{act, look, note, sealwax_client, take};
use super::event::sealwax_event;
use super::guard::guard;
use super::status::{Status, sealwax_status};
use super::unlocked::Unlocked;
use super::wake::Callback;
use crate::client::{Client, Reconnect};
use crate::limits;

/// How to go on without a connection, whether it was lost or could not be made: connect again after a pause. Half a
/// second is right at first; double it each time, up to a minute, less a random part of up to a half, and begin
/// anew after a connection that has held ten seconds beyond SEALWAX_EVENT_CONNECTED. If SEALWAX_EVENT_ERROR has
/// said SEALWAX_LIMIT_REACHED, the relay has no room for another user, which may pass: tell the user who waits.
pub const SEALWAX_RECONNECT_SOON: u32 = 0;
/// How to go on: connect again after the longest pause, or when the user asks for it. Another connection of this
/// user has taken the place of ours, and two that do not give way would take turns for ever. SEALWAX_EVENT_ERROR
/// has said SEALWAX_REPLACED.
pub const SEALWAX_RECONNECT_LATE: u32 = 1;
/// How to go on: tell the user, and connect again when something has changed; where nobody is there to ask, after
/// the longest pause. The next connection would end as this one. SEALWAX_EVENT_ERROR has said why:
/// SEALWAX_NOT_PERMITTED: the relay wants another "method", or its host knows us by another name;
/// SEALWAX_IDENTITY_CHANGED: the user has another identity at the relay; SEALWAX_AUTHENTICATION_FAILED: the relay
/// has another name than was given, or takes our proof for none; SEALWAX_UNSUPPORTED_VERSION,
/// SEALWAX_UNSUPPORTED_SUITE, SEALWAX_UNSUPPORTED: one of the two libraries is too old for the other, or whoever
/// answers is no relay. After a welcome the relay has taken us, and each of these is SEALWAX_RECONNECT_SOON.
pub const SEALWAX_RECONNECT_NEVER: u32 = 2;

const _: () = {
    assert!(SEALWAX_RECONNECT_SOON == Reconnect::Soon as u32);
    assert!(SEALWAX_RECONNECT_LATE == Reconnect::Late as u32);
    assert!(SEALWAX_RECONNECT_NEVER == Reconnect::Never as u32);
};

/// What there is to take out of a client, and when it wants the time.
#[allow(non_camel_case_types, reason = "the name in the C header")]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct sealwax_pending {
    /// Frames for the relay.
    pub frames: usize,
    /// Events for the application.
    pub events: usize,
    /// When sealwax_client_tick() is due at the latest; UINT64_MAX: never, as things are.
    pub due_ms: u64,
    /// 1: end the connection once the frames are sent. The relay breaks the protocol or has told us to go, and an
    /// event says why; or it does not answer. Otherwise 0.
    pub wants_disconnect: u32,
    /// SEALWAX_RECONNECT_SOON and so on: how to go on once there is no connection. It stays until the next
    /// sealwax_client_connected().
    pub reconnect: u32,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<sealwax_pending>() == 32);
    assert!(core::mem::offset_of!(sealwax_pending, due_ms) == 16);
};

impl Value for sealwax_pending {
    const NOTHING: Self = Self { frames: 0, events: 0, due_ms: 0, wants_disconnect: 0, reconnect: 0 };
}

/// Tells the host of a client that there may be something to take out of it: see sealwax_client_on_wake().
#[allow(non_camel_case_types, reason = "the name in the C header")]
pub type sealwax_wake = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Says that there is a connection to a relay. The first frames come out of the client; a connection that was
/// there before is gone.
///
/// @param client          the client
/// @param relay_name      the name that the relay must have, so that no other relay can pass on what we prove to
///                        it; empty if it is not known, or with "method":"host"
/// @param relay_name_len  bytes of it
/// @param now_ms          the time
///
/// @retval SEALWAX_NULL_POINTER    a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE       relay_name is longer than any
/// @retval SEALWAX_INVALID_TEXT    relay_name is not UTF-8
/// @retval SEALWAX_INVALID_HANDLE  client is not one that is open
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED        the client broke; free it
/// @retval SEALWAX_STORE_IO        the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_connected(
    client: *mut sealwax_client,
    relay_name: *const c_char,
    relay_name_len: usize,
    now_ms: u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let inputs = unsafe { Outputs::new() }.inputs()?;
        let name = inputs.text(relay_name, relay_name_len, limits::NAME_MAX)?;
        let name = Some(name).filter(|name| !name.is_empty());
        let client = cell::exclusive(client)?;
        act(&client, |client| client.connected(name, now_ms))
    })
}

/// Says that the connection is gone. Frames that were not taken out are gone too; what they asked for is asked
/// again on the next connection.
///
/// @param client  the client
/// @param now_ms  the time
///
/// @retval SEALWAX_INVALID_HANDLE  client is not one that is open
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED        the client broke; free it
/// @retval SEALWAX_STORE_IO        the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_disconnected(
    client: *mut sealwax_client,
    now_ms: u64,
) -> sealwax_status {
    guard(|| {
        let client = cell::exclusive(client)?;
        act(&client, |client| client.disconnected(now_ms))
    })
}

/// Takes a whole frame of the relay. On a stream, such as TCP or TLS, each frame follows its length in four bytes,
/// the most significant first, which is no part of it; a message of a WebSocket is one frame. Whatever is wrong
/// with it, the call is done: SEALWAX_EVENT_ERROR says so, and sealwax_pending.wants_disconnect; without a
/// connection the event alone, SEALWAX_WRONG_STATE. After wants_disconnect frames are passed over.
///
/// @param client     the client
/// @param frame      the frame
/// @param frame_len  bytes of it
/// @param now_ms     the time
///
/// @retval SEALWAX_NULL_POINTER    a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE       frame is longer than any: end the connection
/// @retval SEALWAX_INVALID_HANDLE  client is not one that is open
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED        the client broke; free it
/// @retval SEALWAX_STORE_IO        the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_receive(
    client: *mut sealwax_client,
    frame: *const c_void,
    frame_len: usize,
    now_ms: u64,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let inputs = unsafe { Outputs::new() }.inputs()?;
        let frame = inputs.bytes(frame, frame_len, limits::FRAME_MAX)?;
        let client = cell::exclusive(client)?;
        act(&client, |client| client.receive(frame, now_ms))
    })
}

/// Does what is due by time: retries, pings, acks, new prekeys. Due when sealwax_pending.due_ms says; before that
/// it does no harm. Look afterwards: of this call sealwax_client_on_wake() does not tell.
///
/// @param client  the client
/// @param now_ms  the time
///
/// @retval SEALWAX_INVALID_HANDLE  client is not one that is open
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED        the client broke; free it
/// @retval SEALWAX_STORE_IO        the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_tick(client: *mut sealwax_client, now_ms: u64) -> sealwax_status {
    guard(|| {
        let client = cell::exclusive(client)?;
        note(&client, |client| client.tick(now_ms))
    })
}

/// Works on what came in, makes it durable, and tells what there is to take out. It may take as long as a write to
/// disk.
///
/// @param client       the client
/// @param out_pending  frames, events, and when the next tick is due
///
/// @retval SEALWAX_NULL_POINTER     out_pending is NULL
/// @retval SEALWAX_INVALID_HANDLE   client is not one that is open
/// @retval SEALWAX_FORKED           the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED         the client broke; free it
/// @retval SEALWAX_STORE_IO         the system refused to write, or the disk is full: the client has failed,
///                                  nothing that was not seen yet has happened; free it
/// @retval SEALWAX_STORE_DAMAGED    the store is not what was written: the client has failed; free it
/// @retval SEALWAX_INTERNAL         the system has no randomness: the client has failed; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_pending(
    client: *mut sealwax_client,
    out_pending: *mut sealwax_pending,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.value(out_pending);
        outputs.inputs()?;
        let client = cell::exclusive(client)?;
        let mut engine = client.lock()?;
        client.links().look();
        let (pending, wants_disconnect, reconnect) = look(&mut engine, |client| {
            Ok((client.pending()?, client.wants_disconnect(), client.reconnect()))
        })?;
        out.put(sealwax_pending {
            frames: pending.frames,
            events: pending.events,
            due_ms: pending.due_ms.unwrap_or(u64::MAX),
            wants_disconnect: wants_disconnect.into(),
            reconnect: reconnect as u32,
        });
        Ok(())
    })
}

/// Takes out the next frame for the relay, after what sealwax_client_pending() does. A frame that was taken out
/// and not sent is asked for again on the next connection. Statuses of stores as there.
///
/// @param client   the client
/// @param out      the frame, to be sent whole; on a stream behind its length, as sealwax_client_receive() says
/// @param out_cap  bytes of room at out; SEALWAX_FRAME_MAX are always enough, 0 asks for the size
/// @param out_len  bytes of the frame; 0 with SEALWAX_OK: there is none
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
/// @retval SEALWAX_INVALID_HANDLE    client is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED          the client broke; free it
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do; the frame stays where it is
/// @retval SEALWAX_STORE_IO          the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_next_frame(
    client: *mut sealwax_client,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        outputs.inputs()?;
        let client = cell::exclusive(client)?;
        let mut engine = client.lock()?;
        client.links().look();
        let Some(len) = look(&mut engine, |client| Ok(client.peek_frame()?.map(<[u8]>::len)))? else {
            return out.put(&[]);
        };
        let out = out.reserve(len)?;
        let frame = take(&mut engine, Client::next_frame)?.ok_or(Status::INTERNAL)?;
        out.put(&frame)
    })
}

/// Takes out the next event for the application, after what sealwax_client_pending() does. Statuses of stores as
/// there. An event with a number is stored until it is confirmed, and comes again after each opening before that.
///
/// @param client     the client
/// @param out_event  the event; sealwax_event_free() ends it. NULL with SEALWAX_OK: there is none
///
/// @retval SEALWAX_NULL_POINTER    out_event is NULL
/// @retval SEALWAX_INVALID_HANDLE  client is not one that is open
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED        the client broke; free it
/// @retval SEALWAX_LIMIT_REACHED   too many handles are open; the event stays where it is
/// @retval SEALWAX_STORE_IO        the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_next_event(
    client: *mut sealwax_client,
    out_event: *mut *mut sealwax_event,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_event> = outputs.handle(out_event);
        outputs.inputs()?;
        let client = cell::exclusive(client)?;
        let mut engine = client.lock()?;
        client.links().look();
        let place = out.reserve()?;
        if let Some(event) = take(&mut engine, Client::next_event)? {
            place.put(Unlocked::new(), event);
        }
        Ok(())
    })
}

/// Says that the application has dealt with every event up to a number, for good: none of them comes again. This
/// itself becomes durable with whatever does so next; should the client die before, they come once more.
///
/// @param client  the client
/// @param number  number of an event that was taken out; a smaller one, or 0, says nothing new, and a greater one
///                no more than that of the last one taken out
///
/// @retval SEALWAX_INVALID_HANDLE  client is not one that is open
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
/// @retval SEALWAX_POISONED        the client broke; free it
/// @retval SEALWAX_STORE_IO        the client has failed, for this status or another of stores; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_confirm(client: *mut sealwax_client, number: u64) -> sealwax_status {
    guard(|| {
        let client = cell::exclusive(client)?;
        note(&client, |client| client.confirm(number))
    })
}

/// Has a function called after calls that may have left something to take out, for a host that sleeps in one
/// thread while others call. It is called once, in the thread of such a call and before that returns, and again
/// only after the host has looked (sealwax_client_pending(), _next_frame() or _next_event()). Every call counts
/// but these, sealwax_client_tick() and sealwax_client_confirm(), in whatever thread; now and then it is for
/// nothing. No lock is held meanwhile. It shall tell the host's thread and return: it may call the library, but
/// must not wait, throw or jump out. Look once after setting it.
///
/// @param client     the client
/// @param wake       the function; NULL: none from now on. When this returns, no other thread is in the one
///                   before. Remove it before what user_data points to goes: sealwax_client_free() waits for
///                   nobody
/// @param user_data  what it is called with
///
/// @retval SEALWAX_INVALID_HANDLE  client is not one that is open
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_client_on_wake(
    client: *mut sealwax_client,
    wake: sealwax_wake,
    user_data: *mut c_void,
) -> sealwax_status {
    guard(|| {
        let client = cell::exclusive(client)?;
        // SAFETY: the caller keeps to the header.
        client.links().set(wake.map(|wake| unsafe { Callback::new(wake, user_data) }));
        Ok(())
    })
}
