"""One connection of a client, and what waits until its client reads."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Deque, Optional

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.exceptions import ConnectionClosed

from .._load import lib
from . import Delivery
from .metrics import Counters

#: Bytes that are given to the transport ahead of the socket; beyond, payloads wait uncopied.
WRITE_AHEAD = 64 * 1024
#: How long a client may take nothing once its send buffer is above the limit.
_STALL_SECONDS = 5.0

#: Where a frame has its type, and one of type error its status.
_TYPE, _ERROR, _STATUS = 5, 3, slice(10, 14)


class Connection:
    """Sends in order, never blocks whoever sends, and copies a payload only when it is about to leave."""

    def __init__(self, number: int, websocket: ServerConnection, send_buffer: int, counters: Counters) -> None:
        self.number = number
        #: Who it turned out to be.
        self.user: Optional[str] = None
        #: Why it was ended, if this side did it.
        self.reason: Optional[str] = None
        self._websocket = websocket
        self._send_buffer = send_buffer
        self._counters = counters
        self._waiting: Deque[Delivery] = deque()
        self._waiting_bytes = 0
        self._answers_bytes = 0
        self._pump: Optional[asyncio.Task[None]] = None
        self._close_code: Optional[int] = None
        self._moved = asyncio.Event()
        self._written = 0
        self._read = -1
        self._read_at = 0.0

    def send(self, delivery: Delivery) -> None:
        """Sends a frame, at once if the client keeps up."""
        if self._close_code is not None:
            return
        if _size(delivery) == 0:
            # It is closed without a word.
            pass
        elif self._pump is None and self._buffered < WRITE_AHEAD:
            # The one way into the library that neither waits nor yields. What is sent in two fragments would be three
            # WebSocket frames, each with a wait; one concatenation is cheaper.
            broadcast((self._websocket,), self._counted(delivery.head + delivery.payload))
        else:
            self._waiting.append(delivery)
            self._waiting_bytes += _size(delivery)
            self._answers_bytes += _size(delivery) if _is_answer(delivery) else 0
            self._start()
        if delivery.close:
            self.end(1008, _reason(delivery))

    def end(self, code: int, reason: str) -> None:
        """Closes it after what was sent before. The first reason counts."""
        if self._close_code is None:
            self._close_code, self.reason = code, reason
            self._start()

    def abort(self, reason: str) -> None:
        """Closes it without sending anything more."""
        self._close_code, self.reason = 1011, self.reason or reason
        self._waiting.clear()
        self._websocket.transport.abort()

    @property
    def is_ending(self) -> bool:
        """Whether nothing more is to be taken from it."""
        return self._close_code is not None

    async def room(self) -> None:
        """Waits until the client has read its answers, so that it cannot ask for more than it takes. What waits in its
        queue does not count: acknowledgements must come in meanwhile."""
        while self._answers_bytes > self._send_buffer and self._pump is not None:
            await self._moved.wait()

    async def ended(self) -> None:
        """Waits until all is sent and closed, once it is ending."""
        if self._pump is not None:
            await asyncio.shield(self._pump)

    def is_stalled(self, now: float) -> bool:
        """Whether more waits than may, and the client takes none of it. One that reads slowly goes on: its queue is
        bounded by the engine, and would be sent anew on the next connection."""
        if self._pump is None:
            return False
        read = self._written - self._buffered
        if read != self._read:
            self._read, self._read_at = read, now
            return False
        return self._waiting_bytes + self._buffered > self._send_buffer and now - self._read_at >= _STALL_SECONDS

    @property
    def _buffered(self) -> int:
        return self._websocket.transport.get_write_buffer_size()

    def _counted(self, frame: bytes) -> bytes:
        self._written += len(frame)
        self._counters.sent += 1
        self._counters.sent_bytes += len(frame)
        return frame

    def _start(self) -> None:
        if self._pump is None:
            self._pump = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            while self._waiting:
                delivery = self._waiting.popleft()
                await self._websocket.send(self._counted(delivery.head + delivery.payload))
                self._waiting_bytes -= _size(delivery)
                self._answers_bytes -= _size(delivery) if _is_answer(delivery) else 0
                self._moved.set()
                self._moved = asyncio.Event()
            if self._close_code is not None:
                await self._websocket.close(self._close_code)
        except (ConnectionClosed, OSError):
            self._waiting.clear()
        finally:
            self._pump = None
            self._moved.set()


def _reason(last: Delivery) -> str:
    """Why the engine ends a connection: the status of the error frame that it is told, if it is told anything."""
    if len(last.head) < _STATUS.stop or last.head[_TYPE] != _ERROR:
        return "took too long"
    name: bytes = lib.sealwax_status_name(int.from_bytes(last.head[_STATUS], "big"))
    return name.decode()


def _size(delivery: Delivery) -> int:
    return len(delivery.head) + len(delivery.payload)


def _is_answer(delivery: Delivery) -> bool:
    return delivery.sequence == 0 and not delivery.queue_end
