"""What passes between clients and their relay, taken down on the way."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Dict, List, Optional, Set, Tuple

from relay_process import PATIENCE
from sealwax import inspect
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, WebSocketException

#: Sender, key id, ratchet key and counter: they make one message key.
Key = Tuple[str, str, Optional[str], int]


class Sealed:
    """Which envelopes were sealed with which keys."""

    def __init__(self) -> None:
        self.keys: Dict[Key, Set[str]] = {}
        self.envelopes = 0

    def note(self, frame: bytes) -> None:
        """A client has sent this."""
        what = inspect(frame)
        envelopes = what["body"].get("envelopes", [])
        if what["type"] == "send":
            envelopes = [what["body"]["envelope"]]
        for envelope in envelopes:
            key = (envelope["sender"], envelope["key_id"], envelope.get("ratchet_key"), envelope["counter"])
            self.keys.setdefault(key, set()).add(envelope["envelope_id"])
            self.envelopes += 1

    def reused(self) -> List[Key]:
        """Message keys under which there is more than one envelope."""
        return [key for key, ids in self.keys.items() if len(ids) > 1]


class Wire:
    """Stands between clients and a relay, in a thread of its own, and notes what the clients send."""

    def __init__(self, relay: str) -> None:
        """relay: HOST:PORT."""
        self._relay = relay
        self.sealed = Sealed()
        self._loop = asyncio.new_event_loop()
        self._is_there = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self._thread.start()
        if not self._is_there.wait(PATIENCE):
            raise AssertionError("the wire does not start")

    def close(self) -> None:
        """Ends all connections."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(PATIENCE)
        self._loop.close()

    async def _serve(self) -> None:
        options: Dict[str, Any] = dict(compression=None, max_size=None, ping_interval=None, close_timeout=1)
        self._options = options
        self._over = asyncio.Event()
        async with serve(self._pass, "127.0.0.1", 0, **options) as listener:
            host, port = next(iter(listener.sockets)).getsockname()[:2]
            self.address = f"{host}:{port}"
            self._is_there.set()
            await self._over.wait()

    async def _pass(self, client: ServerConnection) -> None:
        try:
            relay = await connect(f"ws://{self._relay}", proxy=None, **self._options)
        except (OSError, WebSocketException):
            # It is killed at this moment.
            return
        pumps = [
            asyncio.ensure_future(self._pump(client, relay, is_noted=True)),
            asyncio.ensure_future(self._pump(relay, client, is_noted=False)),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        await asyncio.gather(relay.close(), client.close())

    async def _pump(self, source: Any, target: Any, is_noted: bool) -> None:
        try:
            async for frame in source:
                if is_noted:
                    self.sealed.note(frame)
                await target.send(frame)
        except ConnectionClosed:
            pass
