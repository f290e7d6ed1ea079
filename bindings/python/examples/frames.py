"""What a client and a relay say to each other (docs/PROTOCOL.md section 10.3), and how it crosses a socket.

Sealwax itself opens no socket: this part belongs to the application, and any other transport would do.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Optional, Tuple

# Every object of the protocol starts so: version, draft, two bytes of suite, kind.
PREFIX = bytes([1, 1, 0, 1, 0x60])
FRAME_MAX = 4_194_304 + 4_096


class Type(IntEnum):
    HELLO = 1
    OK = 2
    ERROR = 3
    CHALLENGE = 4
    PREKEYS = 5
    LOOKUP = 6
    FOUND = 7
    COMMIT = 8
    FETCH_LOG = 9
    LOG = 10
    SEND = 11
    DELIVER = 12
    ACKNOWLEDGE = 13
    PROOF = 14
    WELCOME = 15
    SEND_MANY = 16
    SENT_MANY = 17
    PRESENCE = 18
    WATCH = 19
    FIND = 20
    GROUPS = 21
    PING = 22


@dataclass
class Frame:
    """One frame; each type has only some of the fields."""

    type: Type
    request: int = 0
    method: int = 0
    #: Of programs that keep nothing, what tells one store from another is zero.
    store_id: bytes = bytes(16)
    commit: int = 0
    relay_id: bytes = bytes(16)
    user: bytes = b""
    card: bytes = b""
    payload: bytes = b""
    group_id: bytes = b""
    number: int = 0
    flags: int = 0
    status: int = 0
    retry_after: int = 0
    epoch: int = 0
    text: bytes = b""
    nonce: bytes = b""
    signature: bytes = b""
    statuses: bytes = b""
    time: int = 0
    acknowledged: int = 0
    expires: int = 0
    left: int = 0
    frame_max: int = 0


# The fields of each type, in their order; and how each is written: the bytes of a number, or of a length (negative).
FIELDS = {
    Type.HELLO: "method card store_id commit relay_id number",
    Type.OK: "",
    Type.ERROR: "status retry_after epoch text",
    Type.CHALLENGE: "nonce text",
    Type.PREKEYS: "commit payload",
    Type.LOOKUP: "user",
    Type.FOUND: "card payload",
    Type.COMMIT: "commit payload",
    Type.FETCH_LOG: "group_id number",
    Type.LOG: "payload",
    Type.SEND: "commit payload",
    Type.DELIVER: "number flags payload",
    Type.ACKNOWLEDGE: "commit number",
    Type.PROOF: "signature",
    Type.WELCOME: "time relay_id commit acknowledged number expires left frame_max",
    Type.SEND_MANY: "commit payload",
    Type.SENT_MANY: "statuses",
    Type.PRESENCE: "flags user",
    Type.WATCH: "flags payload",
    Type.FIND: "text",
    Type.GROUPS: "statuses",
    Type.PING: "",
}
NUMBERS = {
    "method": 1,
    "status": 4,
    "retry_after": 4,
    "number": 8,
    "flags": 1,
    "commit": 8,
    "epoch": 8,
    "time": 8,
    "acknowledged": 8,
    "expires": 8,
    "left": 2,
    "frame_max": 4,
}
LENGTHS = {"user": 1, "text": 1, "card": 2, "payload": 4, "statuses": 2}
FIXED = {"store_id": 16, "relay_id": 16, "group_id": 32, "nonce": 32, "signature": 64}


def put(frame: Frame) -> bytes:
    """The frame and the length that precedes it on a stream."""
    out = PREFIX + bytes([frame.type]) + frame.request.to_bytes(4, "big")
    for field in FIELDS[frame.type].split():
        value = getattr(frame, field)
        if field in NUMBERS:
            out += value.to_bytes(NUMBERS[field], "big")
        elif field in LENGTHS:
            out += len(value).to_bytes(LENGTHS[field], "big") + value
        else:
            out += value
    return len(out).to_bytes(4, "big") + out


def take(stream: bytes) -> Tuple[Optional[Frame], int]:
    """The frame at the front of a stream and how many bytes it took; None and 0 if more have to come first."""
    length = 4 + int.from_bytes(stream[:4], "big")
    if len(stream) < 4 or (len(stream) < length <= 4 + FRAME_MAX):
        return None, 0
    at = 4

    def piece(count: int) -> bytes:
        nonlocal at
        at += count
        if at > length:
            raise ValueError("a frame ends too early")
        return bytes(stream[at - count : at])

    if length > 4 + FRAME_MAX or piece(len(PREFIX)) != PREFIX:
        raise ValueError("not a frame")
    frame = Frame(Type(piece(1)[0]), int.from_bytes(piece(4), "big"))
    for field in FIELDS[frame.type].split():
        if field in NUMBERS:
            setattr(frame, field, int.from_bytes(piece(NUMBERS[field]), "big"))
        elif field in LENGTHS:
            setattr(frame, field, piece(int.from_bytes(piece(LENGTHS[field]), "big")))
        else:
            setattr(frame, field, piece(FIXED[field]))
    if at != length:
        raise ValueError("bytes follow the end of a frame")
    return frame, length
