//! Envelopes and other objects of the protocol as anybody sees them, without a key.

use core::ffi::c_void;
use core::ptr;

use super::argument::{Outputs, Value};
use super::guard::guard;
use super::inspect::inspect;
use super::sizes::SEALWAX_ID_LEN;
use super::status::{Status, sealwax_status};
use crate::error::Error;
use crate::json::text;
use crate::limits;
use crate::relay::envelope_id;
use crate::wire::codec::Reader;
use crate::wire::envelope::Envelope;
use crate::wire::frame::{Body, Frame};
use crate::wire::group::GroupMessage;
use crate::wire::roster::Entry;
use crate::wire::session::SessionMessage;
use crate::wire::{Kind, read_prefix};

/// @section Envelopes
///
/// A message of a session.
pub const SEALWAX_KIND_SESSION: u32 = 1;
/// A message of a session that also carries the handshake: sealwax_session_accept() takes it if there is no session
/// with its sender, sealwax_session_decrypt() otherwise.
pub const SEALWAX_KIND_SESSION_FIRST: u32 = 2;
/// A message of a group: sealwax_group_receiver_decrypt() takes it.
pub const SEALWAX_KIND_GROUP: u32 = 5;
/// An entry of a roster: sealwax_roster_apply() takes it.
pub const SEALWAX_KIND_ROSTER_ENTRY: u32 = 6;
/// Flag of a session message: its ratchet header is encrypted.
pub const SEALWAX_FLAG_HIDDEN_HEADER: u32 = 1;
/// Flag of a group message: the first one after its sender loaded a stored state.
pub const SEALWAX_FLAG_RESUMED: u32 = 1;

const _: () = {
    assert!(SEALWAX_KIND_SESSION == Kind::Session as u32);
    assert!(SEALWAX_KIND_SESSION_FIRST == Kind::SessionFirst as u32);
    assert!(SEALWAX_KIND_GROUP == Kind::Group as u32);
    assert!(SEALWAX_KIND_ROSTER_ENTRY == Kind::RosterEntry as u32);
};

/// Bytes that belong to something else, which says how long they live.
#[allow(non_camel_case_types, reason = "the name in the C header")]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct sealwax_slice {
    /// NULL if there are none.
    pub ptr: *const c_void,
    /// How many.
    pub len: usize,
}

impl sealwax_slice {
    pub(super) const NOTHING: Self = Self { ptr: ptr::null(), len: 0 };

    /// Views bytes. An empty one that is not NULL says that there is a value.
    pub(super) const fn of(bytes: &[u8]) -> Self {
        Self { ptr: bytes.as_ptr().cast(), len: bytes.len() }
    }
}

impl Value for sealwax_slice {
    const NOTHING: Self = Self::NOTHING;
}

/// The public header of an envelope or roster entry, for dispatch. Nothing in it is proven.
#[allow(non_camel_case_types, reason = "the name in the C header")]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct sealwax_envelope {
    /// SEALWAX_KIND_SESSION and so on.
    pub kind: u32,
    /// SEALWAX_FLAG_HIDDEN_HEADER or SEALWAX_FLAG_RESUMED, by kind.
    pub flags: u32,
    /// User id of the sender; of a roster entry, of its actor.
    pub sender: sealwax_slice,
    /// User id of the recipient of a session message; otherwise NULL.
    pub recipient: sealwax_slice,
    /// Id of the group of a group message or roster entry; NULL in a session message, and in a group's first entry,
    /// whose hash is the id.
    pub group: sealwax_slice,
    /// The sender's clock.
    pub timestamp_ms: u64,
    /// Names these very bytes, as sealwax_delivery.envelope_id does.
    pub envelope_id: [u8; SEALWAX_ID_LEN],
}

impl Value for sealwax_envelope {
    const NOTHING: Self = Self {
        kind: 0,
        flags: 0,
        sender: sealwax_slice::NOTHING,
        recipient: sealwax_slice::NOTHING,
        group: sealwax_slice::NOTHING,
        timestamp_ms: 0,
        envelope_id: [0; SEALWAX_ID_LEN],
    };
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<sealwax_slice>() == 16);
    assert!(size_of::<sealwax_envelope>() == 80);
};

/// Reads the public header of an envelope or roster entry, without a key: to whom it goes, which function takes it.
/// The bytes are checked to be well formed; who made them is proven only by the function that opens them.
///
/// @param envelope      the envelope or roster entry
/// @param envelope_len  bytes of it
/// @param out_envelope  the header; its slices point into envelope
///
/// @retval SEALWAX_NULL_POINTER         a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE            longer than any envelope or roster entry
/// @retval SEALWAX_BUFFER_OVERLAP       the output overlaps the input
/// @retval SEALWAX_MALFORMED            neither
/// @retval SEALWAX_UNSUPPORTED_VERSION  of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE    of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_KIND           another object, such as a card
/// @retval SEALWAX_INVALID_TEXT         a user id in a roster entry is none
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_envelope_parse(
    envelope: *const c_void,
    envelope_len: usize,
    out_envelope: *mut sealwax_envelope,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.value(out_envelope);
        let inputs = outputs.inputs()?;
        let envelope = inputs.bytes(envelope, envelope_len, limits::ENTRY_MAX)?;
        out.put(view(envelope)?);
        Ok(())
    })
}

/// Tells all public fields of an object of the protocol, for logs: of an envelope, roster entry, card, prekey
/// bundle or frame. It proves nothing, and shows no message.
///
/// @param envelope      the object
/// @param envelope_len  bytes of it
/// @param out           JSON: "kind" and the fields of the object as docs/PROTOCOL.md names them; of ciphertexts
///                      and logs the length only
/// @param out_cap       bytes of room at out; 0 asks for the size
/// @param out_len       bytes of JSON, without a NUL
///
/// @retval SEALWAX_NULL_POINTER         a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE            longer than any object of its kind
/// @retval SEALWAX_BUFFER_OVERLAP       an output overlaps an input or another output
/// @retval SEALWAX_MALFORMED            not an object of the protocol
/// @retval SEALWAX_UNSUPPORTED_VERSION  of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE    of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_KIND           a sealed state
/// @retval SEALWAX_UNSUPPORTED          a frame with a method that is reserved
/// @retval SEALWAX_INVALID_TEXT         a user id in it is none
/// @retval SEALWAX_BUFFER_TOO_SMALL     *out_len is the size that would do
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_envelope_inspect(
    envelope: *const c_void,
    envelope_len: usize,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        let inputs = outputs.inputs()?;
        let envelope = inputs.bytes(envelope, envelope_len, limits::FRAME_MAX)?;
        out.put(text(&inspect(envelope)?).as_bytes())
    })
}

/// Finds the envelope or roster entry that a frame of a relay delivers, without a key: for a host that keeps the
/// messages of a group, to share them by sealwax_client_share_history(). Whether it is genuine, and whether it was
/// here before, is found by the client that takes the frame.
///
/// @param frame         a whole frame, as sealwax_client_receive() takes it
/// @param frame_len     bytes of it
/// @param out_envelope  what it delivers, for sealwax_envelope_parse(); it points into frame. NULL with length 0:
///                      it delivers nothing
///
/// @retval SEALWAX_NULL_POINTER         a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE            longer than any frame
/// @retval SEALWAX_BUFFER_OVERLAP       the output overlaps the input
/// @retval SEALWAX_MALFORMED            not a frame
/// @retval SEALWAX_UNSUPPORTED_VERSION  of a protocol that this library does not speak
/// @retval SEALWAX_UNSUPPORTED_SUITE    of a cipher suite that this library does not speak
/// @retval SEALWAX_WRONG_KIND           another object, such as an envelope
/// @retval SEALWAX_UNSUPPORTED          a frame with a method that is reserved
/// @retval SEALWAX_INVALID_TEXT         a user id in it is none
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_frame_envelope(
    frame: *const c_void,
    frame_len: usize,
    out_envelope: *mut sealwax_slice,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.value(out_envelope);
        let inputs = outputs.inputs()?;
        let frame = inputs.bytes(frame, frame_len, limits::FRAME_MAX)?;
        if let Body::Deliver { payload, .. } = Frame::parse(frame)?.body {
            out.put(sealwax_slice::of(payload));
        }
        Ok(())
    })
}

fn view(bytes: &[u8]) -> Result<sealwax_envelope, Status> {
    let kind = read_prefix(&mut Reader::new(bytes))?;
    let (header, flags) = match kind {
        Kind::Session | Kind::SessionFirst => {
            let message = SessionMessage::parse(bytes)?;
            let hidden = message.front.hidden_header;
            (Envelope::from(&message), if hidden { SEALWAX_FLAG_HIDDEN_HEADER } else { 0 })
        }
        Kind::Group => {
            let message = GroupMessage::parse(bytes)?;
            let resumed = message.front.resumed_from().is_some();
            (Envelope::from(&message), if resumed { SEALWAX_FLAG_RESUMED } else { 0 })
        }
        Kind::RosterEntry => return view_entry(bytes),
        Kind::Card
        | Kind::Prekeys
        | Kind::Sealed
        | Kind::Attachment
        | Kind::AttachmentReference
        | Kind::Frame => return Err(Error::WrongKind.into()),
    };
    Ok(sealwax_envelope {
        kind: kind as u32,
        flags,
        sender: sealwax_slice::of(header.sender.as_bytes()),
        recipient: header.recipient.map_or(sealwax_slice::NOTHING, |user| sealwax_slice::of(user.as_bytes())),
        group: header.group.map_or(sealwax_slice::NOTHING, |group| sealwax_slice::of(group)),
        timestamp_ms: header.timestamp_ms,
        envelope_id: envelope_id(bytes)?,
    })
}

fn view_entry(bytes: &[u8]) -> Result<sealwax_envelope, Status> {
    let fields = Entry::parse(bytes)?.fields;
    Ok(sealwax_envelope {
        kind: SEALWAX_KIND_ROSTER_ENTRY,
        sender: sealwax_slice::of(fields.actor.as_bytes()),
        group: if fields.epoch == 0 { sealwax_slice::NOTHING } else { sealwax_slice::of(fields.group_id) },
        timestamp_ms: fields.timestamp_ms,
        envelope_id: envelope_id(bytes)?,
        ..sealwax_envelope::NOTHING
    })
}
