"""What a client tells its application: one class for each kind."""

from __future__ import annotations

from ctypes import string_at
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Callable, Dict, Optional

from ._errors import SealwaxError, error
from ._prototypes import CONSTANTS, EventFields, Slice
from .roster import Role

__all__ = [
    "Ack",
    "Connected",
    "Disconnected",
    "Done",
    "Event",
    "Failed",
    "Failure",
    "GroupCreated",
    "GroupDeleted",
    "GroupEvent",
    "GroupForked",
    "GroupJoined",
    "GroupLeft",
    "GroupMessage",
    "IdentityChanged",
    "KeyWithheld",
    "MemberJoined",
    "MemberLeft",
    "MemberReplaced",
    "Message",
    "MessagePending",
    "MessageUnreadable",
    "Presence",
    "RoleChanged",
    "State",
]


class State(IntEnum):
    """How far a message has come."""

    #: The relay has it.
    SENT = CONSTANTS["SEALWAX_STATE_SENT"]
    #: The recipient's client has it.
    DELIVERED = CONSTANTS["SEALWAX_STATE_DELIVERED"]
    #: The recipient has read it.
    READ = CONSTANTS["SEALWAX_STATE_READ"]


@dataclass(frozen=True)
class Event:
    """Something that a client tells. Of a kind that this package does not know, it is an `Event` and no more."""

    #: Its place among the events of the store, for `Client.confirm`; 0: it is told once and not stored.
    number: int
    #: It was taken out before the store was opened, or may have been.
    again: bool


@dataclass(frozen=True)
class Connected(Event):
    """The relay has welcomed us."""

    #: The store is an older copy of itself, and keys are made anew.
    restored: bool


@dataclass(frozen=True)
class Disconnected(Event):
    """The connection is gone."""


@dataclass(frozen=True)
class Presence(Event):
    """A user who is watched came or went: the relay's word, and nobody's proof."""

    user: str
    online: bool


@dataclass(frozen=True)
class Message(Event):
    """A user has sent us a message."""

    user: str
    message_id: bytes
    #: Not in its repr, which may end in logs.
    payload: bytes = field(repr=False)
    is_text: bool
    #: When it was sent, by the sender's clock.
    time_ms: int

    @property
    def text(self) -> str:
        """The payload of a message that was sent as text."""
        if not self.is_text:
            raise ValueError("the message is not text: take its payload")
        return self.payload.decode()


@dataclass(frozen=True)
class Ack(Event):
    """A message of ours has come further."""

    #: To whom it was sent; of a group message the member who says so, None if it is the relay.
    user: Optional[str]
    message_id: bytes
    state: State
    #: The group that it was sent to, None if it was to the user.
    group: Optional[bytes]


@dataclass(frozen=True)
class Failed(Event):
    """A message of ours will not be sent."""

    #: "" if it was to a group.
    user: str
    message_id: bytes
    reason: SealwaxError
    group: Optional[bytes]


@dataclass(frozen=True)
class IdentityChanged(Event):
    """A user has turned up under another identity, or somebody in the user's name."""

    user: str
    #: The fingerprint that counted.
    known_fingerprint: bytes
    #: The new one: show it, and give it to `Client.accept_identity` if it is to count.
    fingerprint: bytes
    #: Nothing is sent to the user or taken from the new identity before that.
    blocked: bool


@dataclass(frozen=True)
class Done(Event):
    """What was asked for is done."""

    #: What the call gave that asked for it.
    request: int
    group: bytes


@dataclass(frozen=True)
class Failure(Event):
    """Something went wrong."""

    reason: SealwaxError
    #: What was asked for and refused, if that is what went wrong.
    request: Optional[int]
    group: Optional[bytes]
    #: The user that is the reason, if one is.
    user: Optional[str]


@dataclass(frozen=True)
class GroupEvent(Event):
    """Something happened in a group."""

    #: Its id.
    group: bytes


@dataclass(frozen=True)
class GroupCreated(GroupEvent):
    """We have founded it."""

    label: str


@dataclass(frozen=True)
class GroupJoined(GroupEvent):
    """We are a member from now on."""

    #: What people call it; it identifies nothing.
    label: str
    #: Who added us; we ourselves if we joined.
    by: str


@dataclass(frozen=True)
class GroupLeft(GroupEvent):
    """We are a member no longer."""

    #: Who removed us; we ourselves if we left.
    by: str


@dataclass(frozen=True)
class GroupDeleted(GroupEvent):
    """It has ended."""

    by: str


@dataclass(frozen=True)
class GroupForked(GroupEvent):
    """Two histories of it are about; an owner has to settle that: `Client.resolve_group`."""

    #: A member who names another history, which the relay does not show: there is nothing to settle yet. Ourselves if the
    #: relay has taken an entry of ours, does not show it, and refuses it now.
    user: Optional[str]


@dataclass(frozen=True)
class MemberJoined(GroupEvent):
    """Somebody is a member from now on."""

    user: str
    #: Who added them; they themselves if they joined.
    by: str


@dataclass(frozen=True)
class MemberLeft(GroupEvent):
    """Somebody is a member no longer."""

    user: str
    #: Who removed them; they themselves if they left.
    by: str


@dataclass(frozen=True)
class RoleChanged(GroupEvent):
    """A member has another role."""

    user: str
    by: str
    role: Role


@dataclass(frozen=True)
class MemberReplaced(GroupEvent):
    """A member has other keys."""

    user: str
    by: str


@dataclass(frozen=True)
class GroupMessage(GroupEvent):
    """A member has sent a message."""

    user: str
    message_id: bytes
    #: Not in its repr, which may end in logs.
    payload: bytes = field(repr=False)
    is_text: bool
    #: When it was sent, by the sender's clock.
    time_ms: int
    #: Who shared the key that opened it; then it is this member's word that `user` has sent it.
    by: Optional[str]

    @property
    def text(self) -> str:
        """The payload of a message that was sent as text."""
        if not self.is_text:
            raise ValueError("the message is not text: take its payload")
        return self.payload.decode()


@dataclass(frozen=True)
class MessagePending(GroupEvent):
    """Messages of a member wait for their key, which was asked for."""

    user: str
    count: int


@dataclass(frozen=True)
class MessageUnreadable(GroupEvent):
    """Messages that were to be read will not be."""

    #: Whose, as far as they say themselves.
    user: str
    count: int
    reason: SealwaxError


@dataclass(frozen=True)
class KeyWithheld(GroupEvent):
    """We give a member no keys."""

    user: str
    reason: SealwaxError


def _bytes(view: Slice) -> bytes:
    return string_at(view.ptr, view.len) if view.len else b""


def _text(view: Slice) -> str:
    return _bytes(view).decode()


def _group(fields: EventFields) -> Optional[bytes]:
    return _bytes(fields.group) or None


def _has(fields: EventFields, flag: str) -> bool:
    return bool(fields.flags & CONSTANTS[f"SEALWAX_EVENT_FLAG_{flag}"])


def _connected(number: int, again: bool, fields: EventFields) -> Event:
    return Connected(number, again, _has(fields, "RESTORED"))


def _disconnected(number: int, again: bool, fields: EventFields) -> Event:
    return Disconnected(number, again)


def _presence(number: int, again: bool, fields: EventFields) -> Event:
    return Presence(number, again, _text(fields.user), _has(fields, "ONLINE"))


def _message(number: int, again: bool, fields: EventFields) -> Event:
    is_text = fields.content_type == CONSTANTS["SEALWAX_CONTENT_TEXT"]
    message_id = bytes(fields.message_id)
    return Message(
        number, again, _text(fields.user), message_id, _bytes(fields.payload), is_text, fields.time_ms
    )


def _ack(number: int, again: bool, fields: EventFields) -> Event:
    message_id, state = bytes(fields.message_id), State(fields.state)
    return Ack(number, again, _text(fields.user) or None, message_id, state, _group(fields))


def _failed(number: int, again: bool, fields: EventFields) -> Event:
    message_id, reason = bytes(fields.message_id), error(fields.status)
    return Failed(number, again, _text(fields.user), message_id, reason, _group(fields))


def _identity_changed(number: int, again: bool, fields: EventFields) -> Event:
    known, fingerprint = _bytes(fields.known_fingerprint), _bytes(fields.fingerprint)
    return IdentityChanged(
        number, again, _text(fields.user), known, fingerprint, _has(fields, "BLOCKED")
    )


def _done(number: int, again: bool, fields: EventFields) -> Event:
    return Done(number, again, fields.request, _bytes(fields.group))


def _failure(number: int, again: bool, fields: EventFields) -> Event:
    user = _text(fields.user) or None
    return Failure(number, again, error(fields.status), fields.request or None, _group(fields), user)


def _group_created(number: int, again: bool, fields: EventFields) -> Event:
    return GroupCreated(number, again, _bytes(fields.group), _text(fields.label))


def _group_joined(number: int, again: bool, fields: EventFields) -> Event:
    return GroupJoined(number, again, _bytes(fields.group), _text(fields.label), _text(fields.by))


def _group_left(number: int, again: bool, fields: EventFields) -> Event:
    return GroupLeft(number, again, _bytes(fields.group), _text(fields.by))


def _group_deleted(number: int, again: bool, fields: EventFields) -> Event:
    return GroupDeleted(number, again, _bytes(fields.group), _text(fields.by))


def _group_forked(number: int, again: bool, fields: EventFields) -> Event:
    return GroupForked(number, again, _bytes(fields.group), _text(fields.user) or None)


def _member_joined(number: int, again: bool, fields: EventFields) -> Event:
    return MemberJoined(number, again, _bytes(fields.group), _text(fields.user), _text(fields.by))


def _member_left(number: int, again: bool, fields: EventFields) -> Event:
    return MemberLeft(number, again, _bytes(fields.group), _text(fields.user), _text(fields.by))


def _role_changed(number: int, again: bool, fields: EventFields) -> Event:
    people = (_text(fields.user), _text(fields.by))
    return RoleChanged(number, again, _bytes(fields.group), *people, Role(fields.role))


def _member_replaced(number: int, again: bool, fields: EventFields) -> Event:
    return MemberReplaced(number, again, _bytes(fields.group), _text(fields.user), _text(fields.by))


def _group_message(number: int, again: bool, fields: EventFields) -> Event:
    return GroupMessage(
        number,
        again,
        _bytes(fields.group),
        _text(fields.user),
        bytes(fields.message_id),
        _bytes(fields.payload),
        fields.content_type == CONSTANTS["SEALWAX_CONTENT_TEXT"],
        fields.time_ms,
        _text(fields.by) or None,
    )


def _pending(number: int, again: bool, fields: EventFields) -> Event:
    return MessagePending(number, again, _bytes(fields.group), _text(fields.user), fields.count)


def _unreadable(number: int, again: bool, fields: EventFields) -> Event:
    reason = error(fields.status)
    return MessageUnreadable(
        number, again, _bytes(fields.group), _text(fields.user), fields.count, reason
    )


def _withheld(number: int, again: bool, fields: EventFields) -> Event:
    return KeyWithheld(number, again, _bytes(fields.group), _text(fields.user), error(fields.status))


_KINDS: Dict[int, Callable[[int, bool, EventFields], Event]] = {
    CONSTANTS["SEALWAX_EVENT_CONNECTED"]: _connected,
    CONSTANTS["SEALWAX_EVENT_DISCONNECTED"]: _disconnected,
    CONSTANTS["SEALWAX_EVENT_PRESENCE"]: _presence,
    CONSTANTS["SEALWAX_EVENT_MESSAGE"]: _message,
    CONSTANTS["SEALWAX_EVENT_ACK"]: _ack,
    CONSTANTS["SEALWAX_EVENT_FAILED"]: _failed,
    CONSTANTS["SEALWAX_EVENT_IDENTITY_CHANGED"]: _identity_changed,
    CONSTANTS["SEALWAX_EVENT_DONE"]: _done,
    CONSTANTS["SEALWAX_EVENT_ERROR"]: _failure,
    CONSTANTS["SEALWAX_EVENT_GROUP_CREATED"]: _group_created,
    CONSTANTS["SEALWAX_EVENT_GROUP_JOINED"]: _group_joined,
    CONSTANTS["SEALWAX_EVENT_GROUP_LEFT"]: _group_left,
    CONSTANTS["SEALWAX_EVENT_GROUP_DELETED"]: _group_deleted,
    CONSTANTS["SEALWAX_EVENT_GROUP_FORKED"]: _group_forked,
    CONSTANTS["SEALWAX_EVENT_MEMBER_JOINED"]: _member_joined,
    CONSTANTS["SEALWAX_EVENT_MEMBER_LEFT"]: _member_left,
    CONSTANTS["SEALWAX_EVENT_ROLE_CHANGED"]: _role_changed,
    CONSTANTS["SEALWAX_EVENT_MEMBER_REPLACED"]: _member_replaced,
    CONSTANTS["SEALWAX_EVENT_GROUP_MESSAGE"]: _group_message,
    CONSTANTS["SEALWAX_EVENT_MESSAGE_PENDING"]: _pending,
    CONSTANTS["SEALWAX_EVENT_MESSAGE_UNREADABLE"]: _unreadable,
    CONSTANTS["SEALWAX_EVENT_KEY_WITHHELD"]: _withheld,
}


def _unknown(number: int, again: bool, fields: EventFields) -> Event:
    return Event(number, again)


def event_of(fields: EventFields) -> Event:
    """A copy of what the library views."""
    return _KINDS.get(fields.kind, _unknown)(fields.number, _has(fields, "AGAIN"), fields)
