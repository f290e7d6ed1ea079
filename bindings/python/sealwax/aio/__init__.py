"""Clients for asyncio, with their connection to a relay over WebSocket. Needs `pip install 'sealwax[aio]'`.

    async with aio.Client.open("alice.db", key=key, relay="wss://relay.example") as client:
        await client.send_direct("bob", "hello")
        async for event in client:
            ...
"""

from __future__ import annotations

try:
    import websockets as _websockets  # noqa: F401
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "sealwax.aio needs the package websockets: pip install 'sealwax[aio]'", name=missing.name
    ) from missing

from .backoff import Backoff
from .client import Client, Opening, Unreachable

__all__ = ["Backoff", "Client", "Opening", "Unreachable"]
