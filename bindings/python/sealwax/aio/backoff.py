"""How long to wait before the next connection."""

from __future__ import annotations

import random
import time
from typing import Callable, Optional

from ..client import Reconnect


class Backoff:
    """Pauses that double, less a random part of up to a half, so that the clients of a relay do not return all at once.

    They start anew after a connection that has held. One that is welcomed and lost at once does not count, so that a
    relay in trouble, or another client with the same identity, is left in peace.
    """

    def __init__(
        self,
        first: float = 0.5,
        most: float = 60.0,
        steady: float = 10.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """All in seconds. first: the first pause at most; most: any; steady: how long a connection has to hold."""
        if not 0 < first <= most:
            raise ValueError("the first pause is above 0 and not longer than the longest")
        self._first, self._most, self._steady = first, most, steady
        self._clock, self._chance = clock, chance
        self._next = first
        self._since: Optional[float] = None

    def welcomed(self) -> None:
        """The relay has welcomed us."""
        self._since = self._clock()

    def pause(self, how: Reconnect = Reconnect.SOON) -> float:
        """There is no connection any more, or an attempt has failed: the seconds until the next attempt."""
        if self._since is not None and self._clock() - self._since >= self._steady:
            self._next = self._first
        self._since = None
        if how is not Reconnect.SOON:
            # Another client with our identity and we would take turns, or the relay has refused us: somebody has to do
            # something, and nobody is told to come back when it is done.
            self._next = self._most
        longest, self._next = self._next, min(2 * self._next, self._most)
        return longest * (1 - self._chance() / 2)
