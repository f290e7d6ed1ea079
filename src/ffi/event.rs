//! What a client tells its application.

use core::ffi::c_void;

use super::argument::{Outputs, Value};
use super::cell::{self, Opaque};
use super::envelope::sealwax_slice;
use super::guard::guard;
use super::sizes::SEALWAX_ID_LEN;
use super::status::{SEALWAX_OK, Status, sealwax_status};
use super::unlocked::Unlocked;
use crate::client::{Emitted, Event, GroupEvent, MessageState};
use crate::error::Error;

/// Something that a client tells its application. It never changes, and outlives its client.
#[allow(non_camel_case_types, reason = "the name in the C header")]
pub struct sealwax_event(());

impl Opaque for sealwax_event {
    type Object = Unlocked<Emitted>;
}

/// The relay has welcomed us. Flag RESTORED: the store is an older copy of itself, and keys are made anew.
pub const SEALWAX_EVENT_CONNECTED: u32 = 1;
/// The connection is gone, of which SEALWAX_EVENT_CONNECTED has told. Of one that ends before a welcome nothing is
/// told but the SEALWAX_EVENT_ERROR that says why, if the relay or the client had a reason.
pub const SEALWAX_EVENT_DISCONNECTED: u32 = 2;
/// `user`, whom we watch and who watches us, or with whom we share a group, came (flag ONLINE) or went: the relay's
/// word, and nobody's proof. Who is there is told once on each connection; without one, nobody is known to be. With
/// whom the last group ends, of that one no more is told.
pub const SEALWAX_EVENT_PRESENCE: u32 = 3;
/// `user` has sent us `payload`, of `content_type`, as `message_id`, at `time_ms` by its clock.
pub const SEALWAX_EVENT_MESSAGE: u32 = 4;
/// Our message `message_id` to `user` has reached `state`. With a `group`: `user` is the member who says so, NULL
/// if it is the relay. SEALWAX_STATE_SENT promises no more than that the relay has queued it: what its recipient
/// does not fetch within the time that the relay keeps it ("queue_age_max_ms", 7 days) is gone, and nobody is told.
pub const SEALWAX_EVENT_ACK: u32 = 5;
/// Our message `message_id` to `user`, or to `group`, will not be sent: `status` says why. Or it was sent, `user`
/// cannot read it, and it is not sent again: SEALWAX_LIMIT_REACHED if it is not kept any longer or was repeated
/// enough, SEALWAX_IDENTITY_CHANGED if it was for another identity and nobody had to accept the new one.
/// No such event means no delivery: after SEALWAX_STATE_SENT only an ack of the recipient says that.
pub const SEALWAX_EVENT_FAILED: u32 = 6;
/// `user` has turned up under another identity, `fingerprint`, than the known one, `known_fingerprint`. Flag
/// BLOCKED: nothing is sent to the user or taken from the new identity until sealwax_client_accept_identity(). As
/// long as that was not called it is told again after each opening, with `number` 0 if it was confirmed.
/// sealwax_client_changed_card() gives the new card.
pub const SEALWAX_EVENT_IDENTITY_CHANGED: u32 = 7;
/// What was asked for as `request`, about `group`, is done.
pub const SEALWAX_EVENT_DONE: u32 = 8;
/// `status` says what went wrong. With a `request`: that was refused, and nothing of it has happened; `group` and
/// `user` are given where they are the reason. Without one: if it is about the connection,
/// sealwax_pending says how to go on; otherwise nothing has to be done.
pub const SEALWAX_EVENT_ERROR: u32 = 9;
/// We have founded `group`, with this `label`.
pub const SEALWAX_EVENT_GROUP_CREATED: u32 = 20;
/// We are a member of `group`, with this `label`; `by` has added us, or we ourselves.
pub const SEALWAX_EVENT_GROUP_JOINED: u32 = 21;
/// We are a member of `group` no longer; `by` has removed us, or we ourselves.
pub const SEALWAX_EVENT_GROUP_LEFT: u32 = 22;
/// `by` has ended `group`.
pub const SEALWAX_EVENT_GROUP_DELETED: u32 = 23;
/// Two histories of `group` are about. Who is not a member in both is given no keys, and an owner has to settle
/// it: sealwax_client_resolve_group(). With `user`: that member names another history than the relay shows us. One
/// of both lies, or is lied to, and there is nothing to settle until it shows. With our own name: the relay has
/// taken an entry of ours, does not show it, and refuses it now.
pub const SEALWAX_EVENT_GROUP_FORKED: u32 = 24;
/// `user` is a member of `group`; `by` has added the user, or the user itself.
pub const SEALWAX_EVENT_MEMBER_JOINED: u32 = 25;
/// `user` is a member of `group` no longer; `by` has removed the user, or the user itself.
pub const SEALWAX_EVENT_MEMBER_LEFT: u32 = 26;
/// `by` has given `user` another `role` in `group`.
pub const SEALWAX_EVENT_ROLE_CHANGED: u32 = 27;
/// `by` says that `user` has other keys in `group`.
pub const SEALWAX_EVENT_MEMBER_REPLACED: u32 = 28;
/// `user` has sent `payload` to `group`, of `content_type`, as `message_id`, at `time_ms` by its clock. With
/// `by`: the key was shared by that member, in whose word it is.
pub const SEALWAX_EVENT_GROUP_MESSAGE: u32 = 29;
/// `count` messages of `user` to `group` wait for their key, which was asked for.
pub const SEALWAX_EVENT_MESSAGE_PENDING: u32 = 30;
/// `count` messages of `user`, as far as they say themselves, to `group` will not be read: `status` says why.
pub const SEALWAX_EVENT_MESSAGE_UNREADABLE: u32 = 31;
/// We give `user` no keys of `group`, for this `status`: SEALWAX_IDENTITY_CHANGED, until an admin who has accepted
/// the new identity calls sealwax_client_replace_member(); or SEALWAX_ROSTER_FORKED.
pub const SEALWAX_EVENT_KEY_WITHHELD: u32 = 32;

/// Flag of an event: it was taken out before the store was opened, or may have been.
pub const SEALWAX_EVENT_FLAG_AGAIN: u32 = 1;
/// Flag of SEALWAX_EVENT_PRESENCE.
pub const SEALWAX_EVENT_FLAG_ONLINE: u32 = 2;
/// Flag of SEALWAX_EVENT_CONNECTED.
pub const SEALWAX_EVENT_FLAG_RESTORED: u32 = 4;
/// Flag of SEALWAX_EVENT_IDENTITY_CHANGED.
pub const SEALWAX_EVENT_FLAG_BLOCKED: u32 = 8;

/// State of a message: the relay has it, and gives it up after its time.
pub const SEALWAX_STATE_SENT: u32 = 1;
/// State of a message: the recipient's client has it.
pub const SEALWAX_STATE_DELIVERED: u32 = 2;
/// State of a message: the recipient has read it.
pub const SEALWAX_STATE_READ: u32 = 3;

const _: () = {
    assert!(SEALWAX_STATE_SENT == MessageState::Sent as u32);
    assert!(SEALWAX_STATE_DELIVERED == MessageState::Delivered as u32);
    assert!(SEALWAX_STATE_READ == MessageState::Read as u32);
};

/// What an event says. What its kind does not speak of is 0, or NULL with length 0. Besides `kind` it gives (with
/// "?": not always; a flag: if it holds; SEALWAX_EVENT_FLAG_AGAIN with each `number`):
///
///   CONNECTED           flags RESTORED?
///   DISCONNECTED
///   PRESENCE            user, flags ONLINE?
///   MESSAGE             number, user, message_id, time_ms, content_type, payload
///   ACK                 number, message_id, state, user?, group?
///   FAILED              number, message_id, status, user?, group?
///   IDENTITY_CHANGED    number, user, known_fingerprint, fingerprint, flags BLOCKED?
///   DONE                number, request, group
///   ERROR               status; of a request: number, request, group?, user?
///   GROUP_CREATED       number, group, label?
///   GROUP_JOINED        number, group, label?, by
///   GROUP_LEFT          number, group, by
///   GROUP_DELETED       number, group, by
///   GROUP_FORKED        number, group, user?
///   MEMBER_JOINED       number, group, user, by
///   MEMBER_LEFT         number, group, user, by
///   ROLE_CHANGED        number, group, user, role, by
///   MEMBER_REPLACED     number, group, user, by
///   GROUP_MESSAGE       number, group, user, message_id, time_ms, content_type, payload, by?
///   MESSAGE_PENDING     number, group, user, count
///   MESSAGE_UNREADABLE  number, group, user, count, status
///   KEY_WITHHELD        number, group, user, status
///
/// A `payload` may be empty, `content_type` be SEALWAX_CONTENT_BINARY, which is 0.
#[allow(non_camel_case_types, reason = "the name in the C header")]
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct sealwax_event_fields {
    /// SEALWAX_EVENT_MESSAGE and so on. There will be more kinds: pass over what is unknown, and confirm it.
    pub kind: u32,
    /// SEALWAX_EVENT_FLAG_AGAIN and so on, added up.
    pub flags: u32,
    /// Its place among the events of the store, for sealwax_client_confirm(); 0: it is told once and not stored.
    pub number: u64,
    /// What the call gave that asked for this.
    pub request: u64,
    /// When the message was sent, by its sender's clock.
    pub time_ms: u64,
    /// User id of whom it is about.
    pub user: sealwax_slice,
    /// User id of who did it.
    pub by: sealwax_slice,
    /// SEALWAX_GROUP_ID_LEN bytes of the group that it is about.
    pub group: sealwax_slice,
    /// What people call the group.
    pub label: sealwax_slice,
    /// The message. It is wiped with the event.
    pub payload: sealwax_slice,
    /// SEALWAX_FINGERPRINT_LEN bytes of the identity that counted.
    pub known_fingerprint: sealwax_slice,
    /// SEALWAX_FINGERPRINT_LEN bytes of the new identity.
    pub fingerprint: sealwax_slice,
    /// The message that it is about.
    pub message_id: [u8; SEALWAX_ID_LEN],
    /// What went wrong.
    pub status: sealwax_status,
    /// SEALWAX_STATE_SENT and so on.
    pub state: u32,
    /// SEALWAX_CONTENT_TEXT or SEALWAX_CONTENT_BINARY.
    pub content_type: u32,
    /// SEALWAX_ROLE_MEMBER and so on.
    pub role: u32,
    /// How many.
    pub count: u32,
    /// 0.
    pub reserved: u32,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<sealwax_event_fields>() == 184);

impl Value for sealwax_event_fields {
    const NOTHING: Self = Self {
        kind: 0,
        flags: 0,
        number: 0,
        request: 0,
        time_ms: 0,
        user: sealwax_slice::NOTHING,
        by: sealwax_slice::NOTHING,
        group: sealwax_slice::NOTHING,
        label: sealwax_slice::NOTHING,
        payload: sealwax_slice::NOTHING,
        known_fingerprint: sealwax_slice::NOTHING,
        fingerprint: sealwax_slice::NOTHING,
        message_id: [0; SEALWAX_ID_LEN],
        status: SEALWAX_OK,
        state: 0,
        content_type: 0,
        role: 0,
        count: 0,
        reserved: 0,
    };
}

/// A flag, if it holds.
const fn flag(holds: bool, flag: u32) -> u32 {
    if holds { flag } else { 0 }
}

fn text(text: &str) -> sealwax_slice {
    sealwax_slice::of(text.as_bytes())
}

fn status(error: Error) -> sealwax_status {
    Status::from(error).code()
}

/// Views an event. The pointers lead into it.
fn fields(emitted: &Emitted) -> sealwax_event_fields {
    let mut fields = fields_of(&emitted.event);
    fields.number = emitted.number;
    fields.flags |= flag(emitted.again, SEALWAX_EVENT_FLAG_AGAIN);
    fields
}

fn fields_of(event: &Event) -> sealwax_event_fields {
    let nothing = sealwax_event_fields::NOTHING;
    match event {
        Event::Connected { restored } => sealwax_event_fields {
            kind: SEALWAX_EVENT_CONNECTED,
            flags: flag(*restored, SEALWAX_EVENT_FLAG_RESTORED),
            ..nothing
        },
        Event::Disconnected => sealwax_event_fields { kind: SEALWAX_EVENT_DISCONNECTED, ..nothing },
        Event::Presence { user, is_online } => sealwax_event_fields {
            kind: SEALWAX_EVENT_PRESENCE,
            flags: flag(*is_online, SEALWAX_EVENT_FLAG_ONLINE),
            user: text(user),
            ..nothing
        },
        Event::Message { from, message_id, content_type, payload, sent_ms } => sealwax_event_fields {
            kind: SEALWAX_EVENT_MESSAGE,
            time_ms: *sent_ms,
            user: text(from),
            payload: sealwax_slice::of(payload),
            message_id: *message_id,
            content_type: *content_type as u32,
            ..nothing
        },
        Event::Ack { message_id, user, state } => sealwax_event_fields {
            kind: SEALWAX_EVENT_ACK,
            user: text(user),
            message_id: *message_id,
            state: *state as u32,
            ..nothing
        },
        Event::Failed { message_id, user, status: why } => sealwax_event_fields {
            kind: SEALWAX_EVENT_FAILED,
            user: text(user),
            message_id: *message_id,
            status: status(*why),
            ..nothing
        },
        Event::IdentityChanged { user, known, fingerprint, blocked } => sealwax_event_fields {
            kind: SEALWAX_EVENT_IDENTITY_CHANGED,
            flags: flag(*blocked, SEALWAX_EVENT_FLAG_BLOCKED),
            user: text(user),
            known_fingerprint: sealwax_slice::of(known.as_bytes()),
            fingerprint: sealwax_slice::of(fingerprint.as_bytes()),
            ..nothing
        },
        Event::Group { group, event } => {
            sealwax_event_fields { group: sealwax_slice::of(group), ..fields_of_group(event) }
        }
        Event::Done { request, group } => sealwax_event_fields {
            kind: SEALWAX_EVENT_DONE,
            request: *request,
            group: sealwax_slice::of(group),
            ..nothing
        },
        Event::Refused { request, group, status: why, user } => sealwax_event_fields {
            kind: SEALWAX_EVENT_ERROR,
            request: *request,
            group: group.as_ref().map_or(sealwax_slice::NOTHING, |group| sealwax_slice::of(group)),
            status: status(*why),
            user: anybody(user.as_deref()),
            ..nothing
        },
        Event::Error { status: what } => {
            sealwax_event_fields { kind: SEALWAX_EVENT_ERROR, status: status(*what), ..nothing }
        }
    }
}

/// A user, or nobody.
fn anybody(user: Option<&str>) -> sealwax_slice {
    user.map_or(sealwax_slice::NOTHING, text)
}

fn fields_of_group(event: &GroupEvent) -> sealwax_event_fields {
    let of = |kind| sealwax_event_fields { kind, ..sealwax_event_fields::NOTHING };
    match event {
        GroupEvent::Created { label } => {
            sealwax_event_fields { label: text(label), ..of(SEALWAX_EVENT_GROUP_CREATED) }
        }
        GroupEvent::Joined { label, by } => {
            sealwax_event_fields { label: text(label), by: text(by), ..of(SEALWAX_EVENT_GROUP_JOINED) }
        }
        GroupEvent::Left { by } => sealwax_event_fields { by: text(by), ..of(SEALWAX_EVENT_GROUP_LEFT) },
        GroupEvent::Deleted { by } => {
            sealwax_event_fields { by: text(by), ..of(SEALWAX_EVENT_GROUP_DELETED) }
        }
        GroupEvent::MemberJoined { user, by } => {
            sealwax_event_fields { user: text(user), by: text(by), ..of(SEALWAX_EVENT_MEMBER_JOINED) }
        }
        GroupEvent::MemberLeft { user, by } => {
            sealwax_event_fields { user: text(user), by: text(by), ..of(SEALWAX_EVENT_MEMBER_LEFT) }
        }
        GroupEvent::RoleChanged { user, role, by } => sealwax_event_fields {
            user: text(user),
            by: text(by),
            role: *role as u32,
            ..of(SEALWAX_EVENT_ROLE_CHANGED)
        },
        GroupEvent::MemberReplaced { user, by } => {
            sealwax_event_fields { user: text(user), by: text(by), ..of(SEALWAX_EVENT_MEMBER_REPLACED) }
        }
        GroupEvent::Forked { user } => {
            sealwax_event_fields { user: anybody(user.as_deref()), ..of(SEALWAX_EVENT_GROUP_FORKED) }
        }
        GroupEvent::Message { from, message_id, content_type, payload, sent_ms, shared_by } => {
            sealwax_event_fields {
                time_ms: *sent_ms,
                user: text(from),
                by: anybody(shared_by.as_deref()),
                payload: sealwax_slice::of(payload),
                message_id: *message_id,
                content_type: *content_type as u32,
                ..of(SEALWAX_EVENT_GROUP_MESSAGE)
            }
        }
        GroupEvent::Pending { from, count } => {
            sealwax_event_fields { user: text(from), count: *count, ..of(SEALWAX_EVENT_MESSAGE_PENDING) }
        }
        GroupEvent::Unreadable { from, count, status: why } => sealwax_event_fields {
            user: text(from),
            count: *count,
            status: status(*why),
            ..of(SEALWAX_EVENT_MESSAGE_UNREADABLE)
        },
        GroupEvent::KeyWithheld { user, status: why } => {
            sealwax_event_fields { user: text(user), status: status(*why), ..of(SEALWAX_EVENT_KEY_WITHHELD) }
        }
        GroupEvent::Ack { message_id, user, state } => sealwax_event_fields {
            user: anybody(user.as_deref()),
            message_id: *message_id,
            state: *state as u32,
            ..of(SEALWAX_EVENT_ACK)
        },
        GroupEvent::Failed { message_id, status: why } => {
            sealwax_event_fields { message_id: *message_id, status: status(*why), ..of(SEALWAX_EVENT_FAILED) }
        }
    }
}

/// @section Events: what a client tells its application
///
/// Gives what an event says.
///
/// @param event       the event
/// @param out_fields  its fields; what they point to lives until sealwax_event_free()
///
/// @retval SEALWAX_NULL_POINTER    out_fields is NULL
/// @retval SEALWAX_INVALID_HANDLE  event is not one that is open
/// @retval SEALWAX_FORKED          the handle belongs to the parent process; free it
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_event_view(
    event: *const sealwax_event,
    out_fields: *mut sealwax_event_fields,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.value(out_fields);
        outputs.inputs()?;
        let event = cell::shared(event)?;
        out.put(fields(event.links()));
        Ok(())
    })
}

/// Describes an event, for display and logs.
///
/// @param event    the event
/// @param out      JSON: the fields that the kind gives, by their names in sealwax_event_fields, but "payload_len"
///                 for `payload`; "number" (0) and "flags" ([]) are always there. What is a number there has the
///                 name of its constant, without what all have in common: "kind":"group_message",
///                 "flags":["again"], "state":"read", "role":"admin", "content_type":"text"; but
///                 "status":"SEALWAX_UNKNOWN_USER", as sealwax_status_name() has it
/// @param out_cap  bytes of room at out; 0 asks for the size
/// @param out_len  bytes of JSON, without a NUL
///
/// @retval SEALWAX_NULL_POINTER      a pointer is NULL that must not be
/// @retval SEALWAX_TOO_LARGE         out_cap is more than memory holds
/// @retval SEALWAX_BUFFER_OVERLAP    the outputs overlap
/// @retval SEALWAX_INVALID_HANDLE    event is not one that is open
/// @retval SEALWAX_FORKED            the handle belongs to the parent process; free it
/// @retval SEALWAX_BUFFER_TOO_SMALL  *out_len is the size that would do
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn sealwax_event_json(
    event: *const sealwax_event,
    out: *mut c_void,
    out_cap: usize,
    out_len: *mut usize,
) -> sealwax_status {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        let mut outputs = unsafe { Outputs::new() };
        let out = outputs.bytes(out, out_cap, out_len);
        outputs.inputs()?;
        let event = cell::shared(event)?;
        out.put(event.links().to_json().as_bytes())
    })
}

/// Ends an event. It does not confirm it.
///
/// @param event  the event; NULL is fine
///
/// @retval SEALWAX_INVALID_HANDLE  event is not one that is open
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sealwax_event_free(event: *mut sealwax_event) -> sealwax_status {
    guard(|| cell::free(event))
}

#[cfg(test)]
mod tests;
