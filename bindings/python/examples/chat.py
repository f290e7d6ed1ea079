"""What `make chat` starts: the first time a relay and a chat, from then on another chat at the same relay.

    chat.py PROGRAMS STORES [NAME]     where the C programs are, where to keep things, and who you are

Without the package websockets it is the relay and the clients of the examples, in C and Python, which keep nothing.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import List, Optional, Tuple

from demo_stage import has_websockets

HERE = Path(__file__).resolve().parent
PORT = int(os.environ.get("CHAT_PORT", "7117"))

FIRST = """\
This terminal runs the relay, and the chat of {name}.
Open a second terminal, type `make chat NAME=bob` there too, and then here:

    /to bob hello                    a direct message; what you type next goes to bob too
    /verify bob                      both read the same number aloud
    /group create friends bob        a group; later: /group add friends carol

A third person: `make chat NAME=carol`. To end: /quit. For all commands: /help.
All is kept in {stores}.
"""
FURTHER = """\
This is the chat of {name}, at the relay of the first terminal. Type, for example:

    /to alice hello
    /verify alice                    both read the same number aloud

To end: /quit. For all commands: /help. All is kept in {stores}.
"""
EXAMPLES_FIRST = """\
This terminal runs the relay, and the C client of {name}.
Open a second terminal, type `make chat` there too, and then here:

    to bob hello                     a direct message
    verify bob                       both read the same number aloud
    group friends bob                a group; later: add carol, remove carol
    say hello, all

A third person: `make chat NAME=carol`. To end: quit. For all commands: help.
"""
EXAMPLES_FURTHER = """\
This terminal runs the Python client of {name}, through the relay of the first terminal. Type, for example:

    to alice hello
    verify alice                     both read the same number aloud
    say hello, all                   once alice has made a group with you in it

To end: quit. For all commands: help.
"""


def relay_is_there() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", PORT)) == 0


def start_relay(command: List[str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("ab") as file:
        relay = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    while not relay_is_there():
        if relay.poll() is not None:
            sys.exit(f"the relay does not start: {log}")
        time.sleep(0.05)
    return relay


def commands(programs: Path, stores: Path, is_first: bool, name: str) -> Tuple[List[str], List[str], str]:
    """What starts a relay, what starts a client, and what to say first."""
    if not has_websockets():
        relay = [str(programs / "relay"), "--port", str(PORT)]
        if is_first:
            return relay, [str(programs / "client"), str(PORT), name], EXAMPLES_FIRST
        return relay, [sys.executable, str(HERE / "client.py"), str(PORT), name], EXAMPLES_FURTHER
    relay = [sys.executable, "-m", "sealwax.relay", "--listen", f"127.0.0.1:{PORT}", "--admin", "none"]
    relay += ["--records", str(stores / "relay.db")]
    chat = [sys.executable, "-m", "sealwax.chat", name, "--relay", f"ws://localhost:{PORT}"]
    chat += ["--store", str(stores / f"{name}.db")]
    return relay, chat, FIRST if is_first else FURTHER


def main(programs: Path, stores: Path, name: Optional[str] = None) -> int:
    stores.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_first = not relay_is_there()
    name = name or ("alice" if is_first else "bob")
    relay_command, client_command, greeting = commands(programs, stores, is_first, name)
    relay = start_relay(relay_command, stores / "relay.log") if is_first else None
    print(greeting.format(name=name, stores=stores), flush=True)
    # An interrupt from the keyboard ends the client; we stay to end the relay.
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.call(client_command)
    finally:
        if relay is not None:
            relay.terminate()
            relay.wait()


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: chat.py PROGRAMS STORES [NAME]")
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]))
