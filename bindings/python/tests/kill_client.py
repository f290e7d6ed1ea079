"""A client to be killed: writes to everybody, all the time, and notes what it does in a journal.

    kill_client.py USER DIRECTORY RELAY OTHERS

The journal is what an application would keep: a line is there once it is written, whatever happens to the process. On
standard input `found` makes a group of all, `write` begins the writing, `finish` ends it, and so does the end of input
the program.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, List, Optional

import sealwax
from case import KEY
from relay_process import NAME
from sealwax import aio, events


class Journal:
    """Lines in a file, each written at once."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        self.lines = path.read_text().splitlines()

    def write(self, *words: object) -> None:
        """One line."""
        os.write(self._file, (" ".join(map(str, words)) + "\n").encode())


class Program:
    def __init__(self, user: str, others: List[str], journal: Journal) -> None:
        self.user, self.others, self.journal = user, others, journal
        shown = [line.split() for line in journal.lines if line.startswith("event ")]
        #: The number of the last event that was dealt with.
        self.seen = max((int(words[1]) for words in shown), default=0)

    async def run(self, path: Path, relay: str) -> None:
        self.journal.write("started")
        pauses = aio.Backoff(0.05, 0.3)
        options: Any = {"key": KEY, "relay": relay, "relay_name": NAME, "backoff": pauses}
        if not path.exists():
            await (await aio.Client.create(self.user, path, **options)).close()
        # Keys are replaced all the time.
        async with aio.Client.open(path, **options, rotate_messages=25) as client:
            tasks = [asyncio.ensure_future(task) for task in (self.obey(client), self.listen(client))]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        await asyncio.gather(*tasks)
        self.journal.write("ended", sealwax.live_handles())

    async def obey(self, client: aio.Client) -> None:
        orders = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
        writing: Optional["asyncio.Task[None]"] = None
        async for order in orders:
            if order == b"found\n":
                await client.create_group("all", self.others)
            elif order == b"write\n":
                writing = loop.create_task(self.write(client))
            elif order == b"finish\n" and writing is not None:
                writing.cancel()
                with suppress(asyncio.CancelledError):
                    await writing
                await client.drained()
                self.journal.write("drained")
        transport.close()

    async def write(self, client: aio.Client) -> None:
        """Texts that are like no other, to one of the others or to all."""
        chance = random.Random()
        while True:
            groups = await client.groups()
            text = f"{self.user}-{os.urandom(6).hex()}"
            is_to_all = bool(groups) and chance.random() < 0.4
            target = "all" if is_to_all else chance.choice(self.others)
            self.journal.write("trying", target, text)
            if is_to_all:
                message_id = await client.send_group(groups[0], text)
            else:
                message_id = await client.send_direct(target, text)
            self.journal.write("sent", target, text, message_id.hex())
            await asyncio.sleep(chance.random() * 0.02)

    async def listen(self, client: aio.Client) -> None:
        async for event in client:
            if isinstance(event, events.Connected):
                self.journal.write("connected", event.restored)
            if not event.number:
                continue
            if event.number <= self.seen:
                self.journal.write("again", event.number, event.again)
                continue
            self.seen = event.number
            self.journal.write("event", event.number, *self.words(event))

    def words(self, event: events.Event) -> List[str]:
        if isinstance(event, events.Message):
            return ["message", event.user, "direct", event.text, event.message_id.hex()]
        if isinstance(event, events.GroupMessage):
            return ["message", event.user, "all", event.text, event.message_id.hex()]
        if isinstance(event, events.Ack):
            return ["ack", event.message_id.hex(), event.state.name]
        if isinstance(event, (events.Failed, events.MessageUnreadable, events.KeyWithheld)):
            return ["trouble", type(event).__name__, event.user, event.reason.name]
        return ["other", type(event).__name__]


async def main(user: str, directory: str, relay: str, others: str) -> None:
    home = Path(directory)
    program = Program(user, others.split(","), Journal(home / f"{user}.journal"))
    await program.run(home / f"{user}.db", relay)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
