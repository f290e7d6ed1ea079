"""What `make chat` starts: the first time a relay and a client, from then on another client of the same relay.

    chat.py DIRECTORY [NAME]      where the C programs `relay` and `client` are, and who you are
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import List, Optional

HERE = Path(__file__).resolve().parent
PORT = int(os.environ.get("CHAT_PORT", "7117"))

FIRST = """\
This terminal runs the relay, and the C client of {name}.
Open a second terminal, type `make chat` there too, and then here:

    to bob hello                     a direct message
    verify bob                       both read the same number aloud
    group friends bob                a group; later: add carol, remove carol
    say hello, all

A third person: `make chat NAME=carol`. To end: quit. For all commands: help.
"""
FURTHER = """\
This terminal runs the Python client of {name}, through the relay of the first terminal. Type, for example:

    to alice hello
    verify alice                     both read the same number aloud
    say hello, all                   once alice has made a group with you in it

To end: quit. For all commands: help.
"""


def relay_is_there() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", PORT)) == 0


def start_relay(programs: Path) -> "subprocess.Popen[str]":
    relay = subprocess.Popen(
        [str(programs / "relay"), "--port", str(PORT)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    assert relay.stdout is not None
    if not relay.stdout.readline():
        sys.exit("the relay does not start")
    return relay


def main(programs: Path, name: Optional[str] = None) -> int:
    relay = None if relay_is_there() else start_relay(programs)
    if relay is not None:
        name = name or "alice"
        command: List[str] = [str(programs / "client")]
        print(FIRST.format(name=name), flush=True)
    else:
        name = name or "bob"
        command = [sys.executable, str(HERE / "client.py")]
        print(FURTHER.format(name=name), flush=True)
    # An interrupt from the keyboard ends the client; we stay to end the relay.
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        return subprocess.call([*command, str(PORT), name])
    finally:
        if relay is not None:
            relay.terminate()
            relay.wait()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: chat.py DIRECTORY [NAME]")
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
