"""Envelopes as anybody sees them, without a key."""

from __future__ import annotations

from ctypes import byref, string_at
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Optional

from ._buffer import given, taken_json
from ._errors import check
from ._load import lib
from ._prototypes import CONSTANTS, EnvelopeHeader, Slice

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Kind(IntEnum):
    """What an envelope is, and so what takes it."""

    #: `Session.decrypt`, or `GroupReceiver.install` where `Session.peek` says so.
    SESSION = CONSTANTS["SEALWAX_KIND_SESSION"]
    #: `Session.accept` if there is no session with its sender; otherwise like SESSION.
    SESSION_FIRST = CONSTANTS["SEALWAX_KIND_SESSION_FIRST"]
    #: `GroupReceiver.decrypt`.
    GROUP = CONSTANTS["SEALWAX_KIND_GROUP"]
    #: `Roster.apply`.
    ROSTER_ENTRY = CONSTANTS["SEALWAX_KIND_ROSTER_ENTRY"]


def copied(piece: Slice) -> Optional[bytes]:
    """The bytes that a slice views; None if it views none."""
    return None if piece.ptr is None else string_at(piece.ptr, piece.len)


class Envelope(NamedTuple):
    """The public header of an envelope or roster entry, for dispatch. Nothing in it is proven."""

    kind: Kind
    #: User id of the sender; of a roster entry, of its actor.
    sender: str
    #: User id of the recipient of a session message.
    recipient: Optional[str]
    #: Id of the group of a group message or roster entry; None in a group's first entry, whose hash is the id.
    group: Optional[bytes]
    #: The sender's clock.
    timestamp_ms: int
    #: Names these very bytes.
    envelope_id: bytes
    #: Whether the ratchet header of a session message is encrypted.
    hidden_header: bool
    #: Whether it is the first group message after its sender loaded a stored state.
    resumed: bool

    @classmethod
    def parse(cls, envelope: Buffer) -> Envelope:
        """Reads the header of an envelope or roster entry. The bytes are checked to be well formed."""
        header = EnvelopeHeader()
        pointer, length = given(envelope, "envelope")
        check(lib.sealwax_envelope_parse(pointer, length, byref(header)))
        # The slices point into the envelope, which `pointer` keeps in its place.
        sender, recipient = copied(header.sender), copied(header.recipient)
        group_message = header.kind == Kind.GROUP
        return cls(
            kind=Kind(header.kind),
            sender=(sender or b"").decode(),
            recipient=None if recipient is None else recipient.decode(),
            group=copied(header.group),
            timestamp_ms=header.timestamp_ms,
            envelope_id=bytes(header.envelope_id),
            hidden_header=not group_message and bool(header.flags & CONSTANTS["SEALWAX_FLAG_HIDDEN_HEADER"]),
            resumed=group_message and bool(header.flags & CONSTANTS["SEALWAX_FLAG_RESUMED"]),
        )


def delivered_envelope(frame: Buffer) -> Optional[bytes]:
    """The envelope or roster entry that a frame for `Client.receive` delivers; None if it delivers nothing.

    A host that keeps those of `Kind.GROUP` has what `Client.read_shared` reads.
    """
    out = Slice()
    pointer, length = given(frame, "frame")
    check(lib.sealwax_frame_envelope(pointer, length, byref(out)))
    return copied(out)


def inspect(envelope: Buffer) -> Dict[str, Any]:
    """All public fields of an envelope, roster entry, card, prekey bundle or frame, for logs. It proves nothing."""
    return taken_json(lib.sealwax_envelope_inspect, *given(envelope, "envelope"))
