"""Events that wait for the application."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from typing import AsyncIterator, Callable, Deque, Iterable, Optional

from ..events import Event


class Inbox:
    """Events in their order, for one loop of the application at a time.

    An event counts as dealt with when the loop asks for the next one. Whoever leaves a loop before has it come again in
    the next loop, or when the client is opened anew.
    """

    def __init__(self, confirm: Callable[[int], None]) -> None:
        """confirm: is told up to which number the application has dealt with events."""
        self._confirm = confirm
        self._waiting: Deque[Event] = deque()
        self._news = asyncio.Event()
        self._in_hand: Optional[Event] = None
        self._loop: Optional[_Loop] = None
        self._is_over = False
        self._error: Optional[Exception] = None

    def put(self, events: Iterable[Event]) -> None:
        """There are more."""
        self._waiting.extend(events)
        self._news.set()

    def end(self, error: Optional[Exception] = None) -> None:
        """There will be no more. What waits is given out first if an error ended it; if not, it comes another time."""
        self._is_over = True
        if error is None:
            self._waiting.clear()
        self._error = self._error or error
        self._news.set()

    def loop(self) -> AsyncIterator[Event]:
        """A new loop. One that was there before has ended."""
        if self._in_hand is not None and not self._is_over:
            self._waiting.appendleft(replace(self._in_hand, again=True))
        self._in_hand = None
        self._loop = _Loop(self)
        self._news.set()
        return self._loop

    def confirm(self, event: Event) -> None:
        """The application has dealt with an event and all before it."""
        if event.number:
            self._confirm(event.number)
        if self._in_hand is not None and self._in_hand.number <= event.number:
            self._in_hand = None

    async def next(self, loop: _Loop) -> Event:
        """The next one, for a loop."""
        self._check(loop)
        if self._in_hand is not None:
            self.confirm(self._in_hand)
            self._in_hand = None
        while not self._waiting:
            if self._is_over:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
            self._check(loop)
        event = self._waiting.popleft()
        # One that is not stored cannot come again.
        self._in_hand = event if event.number else None
        return event

    def _check(self, loop: _Loop) -> None:
        if self._loop is not loop:
            raise RuntimeError("another loop takes the events of this client")


class _Loop(AsyncIterator[Event]):
    """`async for` over an inbox."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def __anext__(self) -> Event:
        return await self._inbox.next(self)
