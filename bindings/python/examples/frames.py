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
    CARD = 4
    PREKEYS = 5
    LOOKUP = 6
    FOUND = 7
    COMMIT = 8
    FETCH_LOG = 9
    LOG = 10
    SEND = 11
    DELIVER = 12
    ACKNOWLEDGE = 13


@dataclass
class Frame:
    """One frame; each type has only some of the fields."""

    type: Type
    request: int = 0
    method: int = 0
    user: bytes = b""
    card: bytes = b""
    payload: bytes = b""
    group_id: bytes = b""
    number: int = 0
    flags: int = 0
    status: int = 0
    text: bytes = b""


# The fields of each type, in their order; and how each is written: the bytes of a number, or of a length (negative).
FIELDS = {
    Type.HELLO: "method user",
    Type.OK: "",
    Type.ERROR: "status text",
    Type.CARD: "card",
    Type.PREKEYS: "payload",
    Type.LOOKUP: "user",
    Type.FOUND: "card payload",
    Type.COMMIT: "payload",
    Type.FETCH_LOG: "group_id number",
    Type.LOG: "payload",
    Type.SEND: "payload",
    Type.DELIVER: "number flags payload",
    Type.ACKNOWLEDGE: "number",
}
NUMBERS = {"method": 1, "status": 4, "number": 8, "flags": 1}
LENGTHS = {"user": 1, "text": 1, "card": 2, "payload": 4}
GROUP_ID_LEN = 32


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
            setattr(frame, field, piece(GROUP_ID_LEN))
    if at != length:
        raise ValueError("bytes follow the end of a frame")
    return frame, length
