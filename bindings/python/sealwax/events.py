"""What a client tells its application: one class for each kind."""

from __future__ import annotations

from ctypes import string_at
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Callable, Dict, Optional

from ._errors import SealwaxError, error
from ._prototypes import CONSTANTS, EventFields, Slice

__all__ = [
    "Ack",
    "Connected",
    "Disconnected",
    "Done",
    "Event",
    "Failed",
    "Failure",
    "IdentityChanged",
    "Message",
    "Presence",
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
    sent_ms: int

    @property
    def text(self) -> str:
        """The payload of a message that was sent as text."""
        if not self.is_text:
            raise ValueError("the message is not text: take its payload")
        return self.payload.decode()


@dataclass(frozen=True)
class Ack(Event):
    """A message of ours has come further."""

    user: str
    message_id: bytes
    state: State


@dataclass(frozen=True)
class Failed(Event):
    """A message of ours will not be sent."""

    user: str
    message_id: bytes
    reason: SealwaxError


@dataclass(frozen=True)
class IdentityChanged(Event):
    """A user has turned up under another identity, or somebody in the user's name."""

    user: str
    #: The fingerprint that counted.
    known: bytes
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


def _bytes(view: Slice) -> bytes:
    return string_at(view.ptr, view.len) if view.len else b""


def _text(view: Slice) -> str:
    return _bytes(view).decode()


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
    return Ack(number, again, _text(fields.user), bytes(fields.message_id), State(fields.state))


def _failed(number: int, again: bool, fields: EventFields) -> Event:
    return Failed(number, again, _text(fields.user), bytes(fields.message_id), error(fields.status))


def _identity_changed(number: int, again: bool, fields: EventFields) -> Event:
    known, fingerprint = _bytes(fields.known_fingerprint), _bytes(fields.fingerprint)
    return IdentityChanged(
        number, again, _text(fields.user), known, fingerprint, _has(fields, "BLOCKED")
    )


def _done(number: int, again: bool, fields: EventFields) -> Event:
    return Done(number, again, fields.request, _bytes(fields.group))


def _failure(number: int, again: bool, fields: EventFields) -> Event:
    return Failure(
        number, again, error(fields.status), fields.request or None, _bytes(fields.group) or None
    )


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
}


def _unknown(number: int, again: bool, fields: EventFields) -> Event:
    return Event(number, again)


def event_of(fields: EventFields) -> Event:
    """A copy of what the library views."""
    return _KINDS.get(fields.kind, _unknown)(fields.number, _has(fields, "AGAIN"), fields)
