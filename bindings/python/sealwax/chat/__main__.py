"""`python -m sealwax.chat NAME`: talks through a relay, in a terminal or in pipes."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import ssl
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, List, Optional

from .._errors import IdentityChangedError, SealwaxError, StoreError

try:
    from ..aio import Backoff, Client
except ModuleNotFoundError as missing:
    sys.exit(f"the chat needs a package: {missing}")

from .commands import Commands
from .keys import NoKeyError, key_of_file, key_of_passphrase
from .names import Misunderstood, Names, reason
from .news import News
from .terminal import Terminal

#: How long a command may hold up the next one, and the end what was said.
_COMMAND_SECONDS, _END_SECONDS = 5.0, 10.0


def _arguments(given: Optional[List[str]]) -> argparse.Namespace:
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "sealwax"
    parser = argparse.ArgumentParser(
        prog="python -m sealwax.chat",
        description="Talks to people through a relay, which reads nothing of it. The end of input ends it, once the relay"
        " has what was said.",
    )
    add = parser.add_argument
    add("user", metavar="NAME", help="who you are, at the relay")
    add("--relay", default="ws://localhost:7118", metavar="URL", help="default: %(default)s; wss:// is over TLS")
    add("--relay-name", metavar="NAME", help="what the relay calls itself; default: the host in its URL")
    add("--certificate", metavar="FILE", help="certificates in PEM to trust, instead of those that the system does")
    add("--store", type=Path, metavar="FILE", help=f"where all is kept; default: {home / 'NAME.db'}")
    add("--key", type=Path, metavar="FILE", help="the store's key, made with mode 0600; default: the store's name and .key")
    add("--passphrase-file", type=Path, metavar="FILE", help="make the key of the passphrase in it instead")
    add("--no-receipts", action="store_true", help="neither tell nor be told what was delivered and read")
    arguments = parser.parse_args(given)
    if arguments.store is None:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        arguments.store = home / f"{arguments.user}.db"
        if arguments.store.parent != home:
            parser.error(f"a store has to be named for {arguments.user!r}: --store")
    return arguments


def _key(arguments: argparse.Namespace) -> bytes:
    store: Path = arguments.store
    if arguments.passphrase_file is not None:
        return key_of_passphrase(arguments.passphrase_file, store.with_name(store.name + ".salt"))
    return key_of_file(arguments.key or store.with_name(store.name + ".key"))


async def _open(arguments: argparse.Namespace) -> Client:
    options: Any = {
        "key": _key(arguments),
        "relay": arguments.relay,
        "acks": not arguments.no_receipts,
        "backoff": Backoff(most=20.0),
    }
    if arguments.relay_name is not None:
        options["relay_name"] = arguments.relay_name
    if arguments.certificate is not None:
        options["tls"] = ssl.create_default_context(cafile=arguments.certificate)
    if arguments.store.exists():
        client = await Client.open(arguments.store, **options)
        user = (await client.info())["user"]
        if user != arguments.user:
            await client.close()
            raise Misunderstood(f"{arguments.store} is the store of {user}")
        return client
    return await Client.create(arguments.user, arguments.store, **options)


class Chat:
    """A person at a terminal, and their client."""

    def __init__(self, client: Client, user: str, terminal: Terminal) -> None:
        names = Names(client)
        self._client, self._terminal = client, terminal
        self._commands = Commands(client, names, terminal.show)
        self._news = News(client, user, names, terminal.show)

    async def run(self) -> None:
        """Until the person goes, or the client fails."""
        typing = asyncio.ensure_future(self._type())
        news = asyncio.ensure_future(self._news.run())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError):
                loop.add_signal_handler(number, typing.cancel)
        done, _ = await asyncio.wait([typing, news], return_when=asyncio.FIRST_COMPLETED)
        typing.cancel()
        if news in done:
            news.result()
        else:
            await self._client.close()
            await news

    async def _type(self) -> None:
        async for line in self._terminal.lines():
            if line.strip() == "/quit":
                break
            doing = asyncio.ensure_future(self._do(line))
            # What waits for the relay goes on.
            if not (await asyncio.wait([doing], timeout=_COMMAND_SECONDS))[0]:
                self._terminal.show("* that takes its time; go on")
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._client.drained(), _END_SECONDS)

    async def _do(self, line: str) -> None:
        try:
            await self._commands.do(line)
        except IdentityChangedError as error:
            self._terminal.show(f"! {reason(error)} Type /accept once you have asked them.")
        except (Misunderstood, SealwaxError) as error:
            if not isinstance(error, StoreError):
                self._terminal.show(f"! {reason(error)}")


async def _chat(arguments: argparse.Namespace, terminal: Terminal) -> int:
    try:
        client = await _open(arguments)
    except (Misunderstood, NoKeyError, OSError, SealwaxError, ValueError) as error:
        print(f"! {error}", file=sys.stderr)
        return 1
    try:
        terminal.show(f"* {arguments.user} is here; /help shows what to type")
        await Chat(client, arguments.user, terminal).run()
    except SealwaxError as error:
        print(f"! {error}", file=sys.stderr)
        return 1
    finally:
        await client.close()
    return 0


def main(given: Optional[List[str]] = None) -> int:
    """Talks; 0 if the person has gone, 1 if it could not begin or go on."""
    arguments = _arguments(given)
    terminal = Terminal()
    status = asyncio.run(_chat(arguments, terminal))
    if terminal.is_reading:
        # Python would wait for a line that nobody types.
        sys.stdout.flush()
        os._exit(status)
    return status


if __name__ == "__main__":
    sys.exit(main())
