import asyncio
import os
import sys

from sealwax import aio, events


async def main(user: str, relay: str) -> None:
    # A client in memory. One in a file, whose key lies apart from it: aio.Client.open(path, key=key, relay=relay)
    async with aio.Client.create(user, key=os.urandom(32), relay=relay) as client:
        async for event in client:  # asking for the next one says that this one was dealt with
            if isinstance(event, events.Message):
                await client.send_direct(event.user, f"You said: {event.text}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))  # echo.py bob ws://localhost:7118
