//! A relay's connections: frames in, frames out.

use core::ffi::{c_char, c_void};

use super::argument::{HandleOut, Outputs, ValueOut};
use super::cell;
use super::deliveries::sealwax_deliveries;
use super::guard::guard;
use super::relay::sealwax_relay;
use super::status::sealwax_status;
use super::unlocked::Unlocked;
use crate::limits;

/// @section Connections of a relay: frames in, frames out
///
/// Takes a connection that a client opened. Its frames go to sealwax_relay_receive(); each connection ends with
/// one sealwax_relay_disconnect(), whoever closes it.
///
/// @param relay           the relay
/// @param connection      a number that the host chooses, not 0, and never for another connection, also once this
///                        one has ended: what is still on its way to it must not reach somebody else. Count up; up
///                        to 1,023 below the highest so far may come later, from threads that drew them earlier
/// @param user            whom the host has authenticated, by a token or a certificate; empty if the client shall
///                        prove to the relay who it is, with its identity: to one that has a name
/// @param user_len        bytes of it
/// @param now_ms          the time
/// @param out_deliveries  what is to be stored and then sent; sealwax_deliveries_free() ends it
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         an input is longer than any of its kind
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_TEXT      a user id is none
/// @retval SEALWAX_INVALID_HANDLE    relay is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_LIMIT_REACHED     too many handles are open
/// @retval SEALWAX_INVALID_ARGUMENT  connection is 0, was used, or is far below the highest; or user is empty, and
///                                   the relay has no "name"
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_relay_connect(
    relay: *const sealwax_relay,
    connection: u64,
    user: *const c_char,
    user_len: usize,
    now_ms: u64,
    out_deliveries: *mut *mut sealwax_deliveries,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_deliveries> = outputs.handle(out_deliveries);
        let inputs = outputs.inputs()?;
        let user = Some(inputs.text(user, user_len, limits::NAME_MAX)?).filter(|user| !user.is_empty());
        let relay = cell::shared(relay)?;
        let place = out.reserve()?;
        place.put(Unlocked::new(), relay.links().connect(connection, user, now_ms)?.into());
        Ok(())
    })
}

/// Takes a whole frame from a connection, without the four bytes of its length that precede it on a stream, as
/// sealwax_client_receive() says. Whatever the client does wrong, it is told in what comes out; after a delivery
/// with SEALWAX_DELIVERY_CLOSE nothing comes of its frames. Any number of connections may be served at the same
/// time, one frame of each. It cannot be made again: if a record that came of it cannot be written, end the
/// connection, and the client repeats what was not answered.
///
/// @param relay           the relay
/// @param connection      the connection
/// @param frame           the frame
/// @param frame_len       bytes of it; above SEALWAX_FRAME_MAX, the host closes the connection itself
/// @param now_ms          the time
/// @param out_deliveries  what is to be stored and then sent, answers too; sealwax_deliveries_free() ends it
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         frame is longer than any
/// @retval SEALWAX_BUFFER_OVERLAP    an output overlaps an input or another output
/// @retval SEALWAX_INVALID_HANDLE    relay is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_LIMIT_REACHED     too many handles are open
/// @retval SEALWAX_INVALID_ARGUMENT  there is no such connection
/// @retval SEALWAX_INTERNAL          the system has no randomness
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_relay_receive(
    relay: *const sealwax_relay,
    connection: u64,
    frame: *const c_void,
    frame_len: usize,
    now_ms: u64,
    out_deliveries: *mut *mut sealwax_deliveries,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_deliveries> = outputs.handle(out_deliveries);
        let inputs = outputs.inputs()?;
        let frame = inputs.bytes(frame, frame_len, limits::FRAME_MAX)?;
        let relay = cell::shared(relay)?;
        let place = out.reserve()?;
        place.put(Unlocked::new(), relay.links().receive(connection, frame, now_ms)?.into());
        Ok(())
    })
}

/// Ends a connection that is closed, by whomever.
///
/// @param relay           the relay
/// @param connection      the connection; its number is not used again
/// @param now_ms          the time
/// @param out_deliveries  what is to be stored and then sent; sealwax_deliveries_free() ends it
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_INVALID_HANDLE    relay is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_LIMIT_REACHED     too many handles are open
/// @retval SEALWAX_INVALID_ARGUMENT  there is no such connection
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_relay_disconnect(
    relay: *const sealwax_relay,
    connection: u64,
    now_ms: u64,
    out_deliveries: *mut *mut sealwax_deliveries,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out: HandleOut<sealwax_deliveries> = outputs.handle(out_deliveries);
        outputs.inputs()?;
        let relay = cell::shared(relay)?;
        let place = out.reserve()?;
        place.put(Unlocked::new(), relay.links().disconnect(connection, now_ms)?.into());
        Ok(())
    })
}

/// Closes the connections that took too long until welcome, or were silent for too long, and those that
/// sealwax_relay_restore() took off their users; says so again of each that was not ended since, after another
/// "idle_ms". Nothing else waits for it.
///
/// @param relay           the relay
/// @param now_ms          the time
/// @param out_due_ms      when to call again, at least a second after now_ms; UINT64_MAX: not before another
///                        connection is there
/// @param out_deliveries  what is to be stored and then sent; sealwax_deliveries_free() ends it
///
/// @retval SEALWAX_NULL_POINTER    a pointer is NULL that must not be
/// @retval SEALWAX_BUFFER_OVERLAP  the outputs overlap
/// @retval SEALWAX_INVALID_HANDLE  relay is not one that is open
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
/// @retval SEALWAX_LIMIT_REACHED   too many handles are open
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_relay_tick(
    relay: *const sealwax_relay,
    now_ms: u64,
    out_due_ms: *mut u64,
    out_deliveries: *mut *mut sealwax_deliveries,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let due: ValueOut<u64> = outputs.value(out_due_ms);
        let out: HandleOut<sealwax_deliveries> = outputs.handle(out_deliveries);
        outputs.inputs()?;
        let relay = cell::shared(relay)?;
        let place = out.reserve()?;
        let tick = relay.links().tick(now_ms)?;
        due.put(tick.due_ms.unwrap_or(u64::MAX));
        place.put(Unlocked::new(), tick.outcome.into());
        Ok(())
    })
}
