"""A relay that listens: WebSocket connections in front of the engine, records behind it."""

from __future__ import annotations

import asyncio
import signal
import ssl
import time
import traceback
from dataclasses import dataclass
from itertools import count
from typing import Any, Dict, List, Optional, Tuple

from websockets.asyncio.server import Server as Listener
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from .._errors import LibraryError, SealwaxError
from ..library import FRAME_MAX
from . import Delivery, Relay
from .admin import serve_admin
from .commits import Commits
from .connection import WRITE_AHEAD, Connection
from .log import log, silent
from .metrics import Counters
from .records import Records, RecordsError

#: Frames of one connection that are read ahead of the engine.
_READ_AHEAD = 8
#: How long a client may take to answer a closing handshake.
_CLOSE_SECONDS = 5
_TICK_SECONDS = 1.0

_GOING_AWAY, _UNSUPPORTED_DATA, _INTERNAL_ERROR, _TRY_AGAIN_LATER = 1001, 1003, 1011, 1013


@dataclass(frozen=True)
class Options:
    """How a relay is served."""

    host: str = "127.0.0.1"
    port: int = 0
    #: Where metrics and health are served, if they are.
    admin: Optional[Tuple[str, int]] = None
    tls: Optional[ssl.SSLContext] = None
    #: Bytes that may wait for a client that does not read.
    send_buffer: int = 8 * 1024 * 1024
    #: How long a stop may take.
    grace_seconds: float = 10.0


def tls_context(certificate: str, key: str) -> ssl.SSLContext:
    """TLS 1.2 or newer, with a certificate chain and its key in PEM files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    return context


class Server:
    """One engine, one event loop. The engine is called in the loop's thread, so that its outcomes have one order."""

    def __init__(self, engine: Relay, records: Optional[Records], options: Options) -> None:
        """`records`: where the engine's records go and were restored from; None: nowhere."""
        self._engine = engine
        self._records = records
        self._options = options
        self._counters = Counters()
        self._connections: Dict[int, Connection] = {}
        self._numbers = count(1)
        self._trouble: Optional[str] = None
        self._has_failed = False

    async def run(self) -> bool:
        """Serves until it is told to stop; whether it could go on until then."""
        loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = loop.create_future()
        loop.set_exception_handler(self._stumble)
        self._commits = Commits(self._records, self._deliver, self._fail, self._counters)
        for number in (signal.SIGTERM, signal.SIGINT):
            try:
                loop.add_signal_handler(number, self._stop)
            except NotImplementedError:
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self._stop))

        listeners = [await self._listen()]
        if self._options.admin is not None:
            listeners.append(await serve_admin(*self._options.admin, self._metrics, lambda: self._trouble))
        log(
            "listening",
            address=_address(listeners[0]),
            admin=_address(listeners[1]) if self._options.admin is not None else None,
            tls=self._options.tls is not None,
            durable=self._records is not None,
            loop=type(loop).__module__.partition(".")[0],
        )
        ticking = loop.create_task(self._tick())
        await self._over
        for listener in listeners:
            listener.close(close_connections=False)
        if not self._has_failed:
            await self._commits.idle()
        await self._part_with_all(listeners)
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
        await self._commits.idle()
        self._commits.close()
        log("stopped")
        return not self._has_failed

    async def _listen(self) -> Listener:
        return await serve(
            self._serve,
            self._options.host,
            self._options.port,
            ssl=self._options.tls,
            # What is encrypted does not shrink.
            compression=None,
            # The engine ends connections that say nothing. A ping would wait behind a long queue, and end those who
            # read it slowly.
            ping_interval=None,
            close_timeout=_CLOSE_SECONDS,
            max_size=FRAME_MAX,
            max_queue=_READ_AHEAD,
            write_limit=WRITE_AHEAD,
            server_header=None,
            logger=silent(),
        )

    # ---- Connections ----

    async def _serve(self, websocket: ServerConnection) -> None:
        if self._trouble is not None:
            await websocket.close(_GOING_AWAY)
            return
        number = next(self._numbers)
        try:
            taken = self._engine.connect(number)
        except SealwaxError as error:
            log("refused", connection=number, reason=error.name)
            await websocket.close(_TRY_AGAIN_LATER)
            return
        connection = Connection(number, websocket, self._options.send_buffer, self._counters)
        self._connections[number] = connection
        self._counters.connections_taken += 1
        self._counters.connections += 1
        log("connected", connection=number)
        try:
            self._commits.add(taken)
            await self._read(connection, websocket)
        except ConnectionClosed:
            pass
        except LibraryError as error:
            self._fail(error)
        except SealwaxError as error:
            # What a client does wrong it would have been told in a frame.
            connection.end(_INTERNAL_ERROR, error.name)
        except Exception as error:
            self._fail(error)
        finally:
            await self._part(connection, websocket)

    async def _read(self, connection: Connection, websocket: ServerConnection) -> None:
        async for frame in websocket:
            if connection.is_ending or self._trouble is not None:
                return
            if isinstance(frame, str):
                connection.end(_UNSUPPORTED_DATA, "text frame")
                return
            self._counters.received += 1
            self._counters.received_bytes += len(frame)
            self._commits.add(self._engine.receive(connection.number, frame), len(frame))
            await connection.room()
            await self._commits.room()

    async def _part(self, connection: Connection, websocket: ServerConnection) -> None:
        if self._trouble is not None and not connection.is_ending:
            # It is given what it has been promised.
            await self._commits.idle()
            connection.end(_GOING_AWAY, self._trouble)
        await connection.ended()
        del self._connections[connection.number]
        self._counters.connections -= 1
        if connection.reason is not None and self._trouble is None:
            self._counters.drop(connection.reason)
        log(
            "disconnected",
            connection=connection.number,
            user=connection.user,
            reason=connection.reason or "left",
            code=websocket.close_code,
        )
        try:
            self._commits.add(self._engine.disconnect(connection.number))
        except SealwaxError as error:
            self._fail(error)

    def _deliver(self, deliveries: List[Delivery]) -> None:
        for delivery in deliveries:
            connection = self._connections.get(delivery.connection)
            # One that has gone finds it in its queue.
            if connection is None:
                continue
            if connection.user is None and delivery.user:
                connection.user = delivery.user
                log("welcomed", connection=connection.number, user=delivery.user)
            connection.send(delivery)

    async def _tick(self) -> None:
        try:
            while True:
                tick = self._engine.tick()
                self._commits.add(tick.outcome)
                now = time.monotonic()
                for connection in [each for each in self._connections.values() if each.is_stalled(now)]:
                    connection.abort("does not read")
                wait = _TICK_SECONDS
                if tick.due_ms is not None:
                    wait = min(wait, max(tick.due_ms / 1000 - time.time(), 0.01))
                await asyncio.sleep(wait)
        except Exception as error:
            self._fail(error)

    def _stumble(self, _: asyncio.AbstractEventLoop, what: Dict[str, Any]) -> None:
        """What the event loop would print with all that it knows: too many open files, a TLS handshake gone wrong."""
        log("stumbled", reason=type(what["exception"]).__name__ if "exception" in what else what.get("message"))

    # ---- The end ----

    def _stop(self) -> None:
        if self._trouble is None:
            self._trouble = "stopping"
            log("stopping")
            self._over.set_result(None)

    def _fail(self, error: BaseException) -> None:
        """Nothing is acknowledged from now on: what the engine knows may be more than what is kept."""
        if self._has_failed:
            return
        self._has_failed, self._trouble = True, "failed"
        log("failed", reason=_reason(error))
        for connection in self._connections.values():
            connection.abort("failed")
        if not self._over.done():
            self._over.set_result(None)

    async def _part_with_all(self, listeners: List[Listener]) -> None:
        for connection in self._connections.values():
            connection.end(_GOING_AWAY, "stopping")
        # Until each has been closed, and its leaving noted.
        gone = [asyncio.ensure_future(listener.wait_closed()) for listener in listeners]
        _, late = await asyncio.wait(gone, timeout=self._options.grace_seconds)
        if late:
            for connection in self._connections.values():
                connection.abort("stopping")
            await asyncio.wait(late)

    def _metrics(self) -> str:
        return self._counters.text(self._engine.info())


def _reason(error: BaseException) -> str:
    """What may be logged of an error: of one that nobody expected, where it is from and not what it says."""
    name = type(error).__name__
    if isinstance(error, (RecordsError, SealwaxError)):
        return f"{name}: {error}"
    places = traceback.extract_tb(error.__traceback__)
    return f"{name} in {places[-1].filename}, line {places[-1].lineno}" if places else name


def _address(listener: Listener) -> str:
    host, port = next(iter(listener.sockets)).getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
