"""One connection to a relay."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import Awaitable, Callable, Deque, List

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

#: Bytes of frames that are taken out of the client ahead of the socket.
_AHEAD = 1024 * 1024


class Link:
    """Sends in order and receives, in a task each: neither waits for the other."""

    def __init__(self, websocket: ClientConnection, moved: Callable[[], None]) -> None:
        """moved: called when there is room again."""
        self._websocket = websocket
        self._moved = moved
        self._waiting: Deque[bytes] = deque()
        self._waiting_bytes = 0
        self._news = asyncio.Event()
        self._is_ending = False

    @property
    def room(self) -> int:
        """For how many bytes there is room."""
        return 0 if self._is_ending else _AHEAD - self._waiting_bytes

    def send(self, frames: List[bytes]) -> None:
        """Sends frames after those before."""
        self._waiting.extend(frames)
        self._waiting_bytes += sum(map(len, frames))
        self._news.set()

    def end(self) -> None:
        """Closes the connection once all is sent."""
        self._is_ending = True
        self._news.set()

    async def run(self, receive: Callable[[bytes], Awaitable[None]]) -> None:
        """Lasts as long as the connection. receive: takes a frame, and returns when it takes another."""
        tasks = [asyncio.ensure_future(self._write()), asyncio.ensure_future(self._read(receive))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._is_ending = True
            await self._websocket.close()
        for task in tasks:
            if not task.cancelled():
                task.result()

    async def _write(self) -> None:
        with suppress(ConnectionClosed):
            while True:
                while self._waiting:
                    frame = self._waiting.popleft()
                    await self._websocket.send(frame)
                    self._waiting_bytes -= len(frame)
                    self._moved()
                if self._is_ending:
                    return
                self._news.clear()
                await self._news.wait()

    async def _read(self, receive: Callable[[bytes], Awaitable[None]]) -> None:
        with suppress(ConnectionClosed):
            async for message in self._websocket:
                if not isinstance(message, bytes):
                    # No relay says such a thing.
                    return
                await receive(message)
