"""What a relay gives its host to do, on the way from the engine through the disk to the clients."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, List, Optional

from . import Delivery, Outcome
from .metrics import Counters
from .records import Records

#: Weight of what waits for the disk above which nothing more is taken from clients. In bytes, roughly.
_WEIGHT_MAX = 16 * 1024 * 1024
_RECORD_WEIGHT = 256


class Commits:
    """Outcomes in the order in which the engine made them.

    The records of all that have gathered while the disk was busy are committed together. Nothing that an outcome
    delivers leaves before its records are on the disk, nor before what came earlier. If a commit fails, nothing leaves
    any more: the engine then knows things that will be forgotten.
    """

    def __init__(
        self,
        records: Optional[Records],
        deliver: Callable[[List[Delivery]], None],
        fail: Callable[[BaseException], None],
        counters: Counters,
    ) -> None:
        self._records = records
        self._deliver = deliver
        self._fail = fail
        self._counters = counters
        # One thread: commits follow each other.
        self._thread = ThreadPoolExecutor(1, "records")
        self._waiting: List[Outcome] = []
        self._weight = 0
        self._running: Optional[asyncio.Task[None]] = None
        self._moved = asyncio.Event()
        self._has_failed = False

    def add(self, outcome: Outcome, size: int = 0) -> None:
        """Takes an outcome; `size` is that of the frame which it came of."""
        if self._has_failed:
            return
        if self._records is None or not (outcome.records or self._running):
            self._deliver(outcome.deliveries)
            return
        self._waiting.append(outcome)
        self._weight += size + _RECORD_WEIGHT * len(outcome.records)
        self._counters.outcomes_waiting += 1
        if self._running is None:
            # It starts when the event loop turns, so that what else is there by now comes along.
            self._running = asyncio.get_running_loop().create_task(self._run(self._records))

    async def _run(self, records: Records) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                batch, self._waiting, self._weight = self._waiting, [], 0
                changes = [record for outcome in batch for record in outcome.records]
                start = time.perf_counter()
                if changes:
                    await loop.run_in_executor(self._thread, records.commit, changes)
                    self._counters.commit(len(changes), time.perf_counter() - start)
                for outcome in batch:
                    self._deliver(outcome.deliveries)
                self._counters.outcomes_waiting -= len(batch)
                self._turn()
        except BaseException as error:
            self._has_failed = True
            self._fail(error)
        finally:
            self._running = None
            self._turn()

    def _turn(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def room(self) -> None:
        """Waits until the disk has caught up so far that more may be taken."""
        while self._weight > _WEIGHT_MAX and not self._has_failed:
            await self._moved.wait()

    async def idle(self) -> None:
        """Waits until all that was added has been committed and delivered, or it failed."""
        while self._running is not None:
            await self._moved.wait()

    def close(self) -> None:
        """Waits for the thread."""
        self._thread.shutdown()
