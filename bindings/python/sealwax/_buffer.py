"""Bytes into the library and out of it."""

from __future__ import annotations

import json
from ctypes import byref, c_char, c_size_t
from typing import TYPE_CHECKING, Any, Dict, Tuple

from ._errors import BufferTooSmallError, check

if TYPE_CHECKING:
    from typing_extensions import Buffer

#: Room that does for most answers; longer ones take a second call.
_ROOM = 2048


def given(buffer: Buffer, what: str) -> Tuple[Any, int]:
    """The pointer and the length of any buffer whose bytes lie one after another.

    `bytes` and writable buffers are passed as they are, others are copied once. A writable buffer cannot be resized
    until the call returns; whoever else writes to it must wait that long.
    """
    if isinstance(buffer, bytes):
        return buffer, len(buffer)
    if isinstance(buffer, str):
        raise TypeError(f"{what} must be bytes, not str: encode it first")
    try:
        view = memoryview(buffer)
    except TypeError:
        raise TypeError(f"{what} must be a buffer such as bytes, not {type(buffer).__name__}") from None
    with view:
        if not view.c_contiguous:
            raise TypeError(f"{what} must be contiguous: take bytes() of it")
        if view.nbytes == 0:
            return b"", 0
        if view.readonly:
            return view.tobytes(), view.nbytes
        # Holds the buffer for as long as the pointer is there.
        return byref(c_char.from_buffer(buffer)), view.nbytes


class Room:
    """A place for an output of unknown length."""

    def __init__(self, size: int = _ROOM) -> None:
        self._bytes = bytearray(max(size, 1))
        self._length = c_size_t()

    def arguments(self) -> Tuple[Any, int, Any]:
        """out, out_cap, out_len."""
        return byref(c_char.from_buffer(self._bytes)), len(self._bytes), byref(self._length)

    def grow(self) -> bool:
        """Makes room for the length that the library asked for; False if there is enough."""
        if self._length.value <= len(self._bytes):
            return False
        self._bytes = bytearray(self._length.value)
        return True

    def take(self) -> bytes:
        """What the library wrote."""
        return bytes(memoryview(self._bytes)[: self._length.value])


def taken(function: Any, *arguments: Any, room: int = _ROOM) -> bytes:
    """Calls a function that ends in one output and returns that.

    The first call has room for what is expected, so that it is the only one. If it was too little, nothing changed and
    the size is known; another thread may make the answer longer meanwhile, therefore the loop.
    """
    place = Room(room)
    while True:
        status: int = function(*arguments, *place.arguments())
        if status == BufferTooSmallError.status and place.grow():
            continue
        check(status)
        return place.take()


def taken_json(function: Any, *arguments: Any, room: int = _ROOM) -> Dict[str, Any]:
    """Calls a function whose output is a JSON object."""
    answer: Dict[str, Any] = json.loads(taken(function, *arguments, room=room))
    return answer
