"""`python -m sealwax.relay`: a relay that runs."""

from __future__ import annotations

import argparse
import asyncio
import inspect
import sys
from contextlib import closing, suppress
from typing import List, Optional, Tuple

from .._errors import SealwaxError
from ..library import FRAME_MAX
from . import Relay
from .log import log
from .records import Records, RecordsError

try:
    from .server import Options, Server, tls_context
except ModuleNotFoundError as missing:
    if missing.name != "websockets":
        raise
    sys.exit("the relay needs the package websockets: pip install 'sealwax[relay]'")

_WITHOUT_LIMIT = {"self", "name"}


def _address(text: str) -> Tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"HOST:PORT expected, not {text!r}")
    return host.strip("[]"), int(port)


def _admin(text: str) -> Optional[Tuple[str, int]]:
    return None if text == "none" else _address(text)


def _limit(text: str) -> Tuple[str, int]:
    limits = [name for name in inspect.signature(Relay.__init__).parameters if name not in _WITHOUT_LIMIT]
    name, _, value = text.partition("=")
    if name not in limits or not value.isascii() or not value.isdigit():
        raise argparse.ArgumentTypeError(f"NAME=NUMBER expected, where NAME is one of {', '.join(limits)}")
    return name, int(value)


def _arguments(given: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sealwax.relay",
        description="Carries what it cannot read between Sealwax clients, over WebSocket: a frame is one binary message"
        f" of up to {FRAME_MAX} bytes, which clients have to allow as well. Its log is on standard error, a JSON object"
        " a line. SIGTERM and SIGINT end it when all that it took is kept and sent.",
    )
    add = parser.add_argument
    add("--listen", type=_address, default="127.0.0.1:7118", metavar="HOST:PORT", help="default: %(default)s; port 0: any")
    name = "what clients sign that they called, so what they give to Client.connected; default: %(default)s"
    add("--name", default="localhost", help=name)
    add("--records", metavar="FILE", help="SQLite file that keeps queues and cards; without it they end with the process")
    add("--certificate", metavar="FILE", help="certificate chain in PEM: clients connect with TLS")
    add("--key", metavar="FILE", help="its private key in PEM")
    add(
        "--admin",
        type=_admin,
        default="127.0.0.1:7119",
        metavar="HOST:PORT",
        help="where /healthz and /metrics are, for anybody who reaches it; 'none': nowhere; default: %(default)s",
    )
    add("--limit", type=_limit, action="append", default=[], metavar="NAME=NUMBER", help="a limit of the engine")
    add(
        "--send-buffer",
        type=int,
        default=8 * 1024 * 1024,
        metavar="BYTES",
        help="what may wait for a client that does not read; default: %(default)s",
    )
    arguments = parser.parse_args(given)
    if (arguments.certificate is None) != (arguments.key is None):
        parser.error("--certificate and --key come together")
    return arguments


def _raise_file_limit() -> None:
    """Each connection is a file; the usual limit is 1,024, and may be raised to what the administrator allows."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _event_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


async def _serve(engine: Relay, records: Optional[Records], options: Options) -> bool:
    return await Server(engine, records, options).run()


def _run(engine: Relay, records: Optional[Records], options: Options) -> bool:
    with closing(_event_loop()) as loop:
        return loop.run_until_complete(_serve(engine, records, options))


def _restore(engine: Relay, records: Records, path: str) -> None:
    restored = 0
    for name, value, version in records.stored():
        try:
            engine.restore(name, value, version)
        except SealwaxError as error:
            raise RecordsError(f"{path}: {name}: {error}") from error
        restored += 1
    log("restored", records=restored)


def main(given: Optional[List[str]] = None) -> int:
    """Runs a relay; 0 if it was told to stop, 1 if it could not start or go on."""
    arguments = _arguments(given)
    _raise_file_limit()
    try:
        options = Options(
            host=arguments.listen[0],
            port=arguments.listen[1],
            admin=arguments.admin,
            tls=tls_context(arguments.certificate, arguments.key) if arguments.certificate else None,
            send_buffer=arguments.send_buffer,
        )
        with Relay(name=arguments.name, **dict(arguments.limit)) as engine:
            if arguments.records is None:
                return 0 if _run(engine, None, options) else 1
            with closing(Records(arguments.records)) as records:
                _restore(engine, records, arguments.records)
                return 0 if _run(engine, records, options) else 1
    except (OSError, RecordsError, SealwaxError) as error:
        log("failed", reason=str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
