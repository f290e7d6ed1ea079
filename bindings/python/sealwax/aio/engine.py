"""A client in a thread of its own: what goes in, and what comes out in turns."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Callable, List, NamedTuple, Optional, Tuple, TypeVar

from .._errors import InvalidHandleError, SealwaxError
from ..client import Client, Pending
from ..events import Event

if TYPE_CHECKING:
    Input = Tuple[Callable[[Client], Any], Optional["asyncio.Future[Any]"]]

_Result = TypeVar("_Result")

#: Weight of frames of the relay that wait for a turn, above which no more are read. In bytes, roughly.
_WEIGHT_MAX = 4 * 1024 * 1024
_FRAME_WEIGHT = 1_024
#: How long a sleep may be: the clock of the system may be set, and a machine may be suspended.
_SLEEP_SECONDS = 10.0
#: How soon a client that is due is looked at again.
_REST_SECONDS = 0.01


class Turn(NamedTuple):
    """What came out of a client when it had taken what there was."""

    frames: List[bytes]
    events: List[Event]
    pending: Pending
    #: There was more to it than calls of the application.
    moved: bool


class _Answer(NamedTuple):
    future: "asyncio.Future[Any]"
    value: Any
    error: Optional[Exception]


class Engine:
    """One client, and the one thread that calls it, since a call may take as long as a write to disk.

    Calls, frames and the time go in, in their order. All that has gathered while a turn was under way makes up the next
    one, which ends with one write to disk: a call is answered once it is durable.
    """

    def __init__(self) -> None:
        """An engine without a client; `start` gives it one."""
        self._thread = ThreadPoolExecutor(1, "sealwax")
        self._inputs: List[Input] = []
        self._weight = 0
        self._news = asyncio.Event()
        self._moved = asyncio.Event()
        self._due_ms: Optional[int] = None
        self._ident: Optional[int] = None
        self._confirmed = 0
        self._is_stopping = False
        self._end: Optional[Exception] = None
        self._client: Optional[Client] = None

    async def start(self, make: Callable[[], Client]) -> None:
        """Makes the client in its thread."""
        loop = asyncio.get_running_loop()

        def called_by_another_thread() -> None:
            # What is called in turns is looked at in the same turn.
            if threading.get_ident() != self._ident:
                with suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(self.wake)

        def made() -> Client:
            self._ident = threading.get_ident()
            client = make()
            client.on_wake(called_by_another_thread)
            return client

        making = loop.run_in_executor(self._thread, made)
        try:
            self._client = await asyncio.shield(making)
        except asyncio.CancelledError:
            # It cannot be called off; whatever it gives is of no use to anybody.
            making.add_done_callback(_drop)
            raise
        finally:
            if self._client is None:
                self._thread.shutdown(wait=False)

    @property
    def client(self) -> Client:
        """The client itself, whose calls wait for a turn that is under way, and for the disk."""
        if self._client is None:
            raise InvalidHandleError("the client is not open (SEALWAX_INVALID_HANDLE)")
        return self._client

    @property
    def closed(self) -> bool:
        """Whether there is no client any more, or not yet."""
        return self._client is None or self._client.closed

    # ---- What goes in ----

    async def call(self, work: Callable[[Client], _Result]) -> _Result:
        """Has something done, and gives what comes of it once that is durable. Who is cancelled while waiting does not
        know whether it was done."""
        if self._end is not None:
            raise self._end
        future: "asyncio.Future[_Result]" = asyncio.get_running_loop().create_future()
        self._inputs.append((work, future))
        self.wake()
        return await future

    def push(self, work: Callable[[Client], None], weight: int = 0) -> None:
        """Has something done that must not fail."""
        if self._end is None:
            self._inputs.append((work, None))
            self._weight += weight
            self.wake()

    def receive(self, frame: bytes) -> None:
        """Takes a frame of the relay."""
        self.push(lambda client: client.receive(frame), len(frame) + _FRAME_WEIGHT)

    async def room(self) -> None:
        """Waits until more frames may come."""
        while self._weight > _WEIGHT_MAX and self._end is None:
            self._moved.clear()
            await self._moved.wait()

    def confirm(self, number: int) -> None:
        """Notes that the application has dealt with its events so far. The next turn takes it along."""
        self._confirmed = max(self._confirmed, number)

    def wake(self) -> None:
        """There may be something to do."""
        self._news.set()

    # ---- What comes out ----

    async def run(self, room: Callable[[], int], take: Callable[[Turn], None]) -> None:
        """Turns, until `stop`; raises what ended it earlier. room: for how many bytes of frames there is room."""
        while not self._is_stopping or self._inputs:
            is_due = await self._until_due()
            await self._turn(room(), take)
            if is_due and self._due_ms is not None and self._due_ms <= _now_ms():
                # It wants the time again at once; let others have theirs.
                await asyncio.sleep(_REST_SECONDS)

    async def _until_due(self) -> bool:
        """Sleeps until there is something to do; whether it is the time that says so."""
        while not self._news.is_set():
            seconds = _SLEEP_SECONDS
            if self._due_ms is not None:
                seconds = min(seconds, (self._due_ms - _now_ms()) / 1_000)
                if seconds <= 0:
                    return True
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), seconds)
        return False

    async def _turn(self, room: int, take: Callable[[Turn], None]) -> None:
        self._news.clear()
        inputs, self._inputs, self._weight = self._inputs, [], 0
        self._moved.set()
        inputs = [given for given in inputs if given[1] is None or not given[1].done()]
        loop = asyncio.get_running_loop()
        answers: List[_Answer] = []
        running = loop.run_in_executor(self._thread, self._work, inputs, answers, room)
        try:
            turn = await asyncio.shield(running)
        except Exception as error:
            _refuse(inputs, error)
            raise
        self._due_ms = turn.pending.due_ms
        take(turn)
        for future, value, refusal in answers:
            if future.done():
                continue
            if refusal is None:
                future.set_result(value)
            else:
                future.set_exception(refusal)

    def _work(self, inputs: List[Input], answers: List[_Answer], room: int) -> Turn:
        """In the thread: everything that waits goes in, and what there is comes out."""
        client = self.client
        client.confirm(self._confirmed)
        for work, future in inputs:
            if future is None:
                work(client)
                continue
            try:
                answers.append(_Answer(future, work(client), None))
            except Exception as error:
                answers.append(_Answer(future, None, error))
        is_due = self._due_ms is not None and self._due_ms <= _now_ms()
        if is_due:
            client.tick()
        frames: List[bytes] = []
        pending = client.pending()
        while room > 0:
            frame = client.next_frame()
            if frame is None:
                break
            frames.append(frame)
            room -= len(frame)
        events = list(client.events())
        moved = is_due or bool(events) or any(future is None for _, future in inputs)
        return Turn(frames, events, client.pending() if frames or events else pending, moved)

    # ---- The end ----

    def stop(self) -> None:
        """Ends `run` once all that waits is done."""
        self._is_stopping = True
        self.wake()

    def refuse(self, error: Exception) -> None:
        """Takes nothing from now on, and answers all that waits with an error."""
        if self._end is None:
            self._end = error
        inputs, self._inputs = self._inputs, []
        _refuse(inputs, error)
        self._moved.set()

    async def close(self) -> None:
        """Closes the client, after what its thread is doing; stores what was done."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        finally:
            self._thread.shutdown(wait=False)

    def _close(self) -> None:
        client = self.client
        with suppress(SealwaxError):  # it has failed
            client.on_wake(None)
            client.confirm(self._confirmed)
        client.close()


def _refuse(inputs: List[Input], error: Exception) -> None:
    for _, future in inputs:
        if future is not None and not future.done():
            future.set_exception(error)


def _drop(made: "asyncio.Future[Client]") -> None:
    if not made.cancelled() and made.exception() is None:
        made.result().close()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
