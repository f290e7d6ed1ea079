"""A relay in a process of its own, and people who talk to it frame by frame."""

from __future__ import annotations

import json
import os
import secrets
import signal
import ssl
import subprocess
import sys
import threading
import time
import unittest
import urllib.error
import urllib.request
from collections import deque
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Deque, Dict, List, Optional, Tuple

from sealwax import Identity, RateLimitedError

try:
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import ClientConnection, connect
except ImportError as error:
    raise unittest.SkipTest("the package websockets is not installed") from error

sys.path.append(str(Path(__file__).resolve().parent.parent / "examples"))
from frames import Frame, Type, put, take  # noqa: E402

NAME = "relay.example"
#: How long anything may take that takes no time; the machine may be busy.
PATIENCE = 60.0

__all__ = ["NAME", "PATIENCE", "ConnectionClosed", "Frame", "Person", "Process", "Type", "put"]


class Process:
    """`python -m sealwax.relay`, on ports that are free."""

    def __init__(self, *arguments: str, file_max: Optional[int] = None) -> None:
        """`file_max`: the most bytes that a file which it writes may have, as if the disk were full then."""
        command = [sys.executable, "-m", "sealwax.relay", "--listen", "127.0.0.1:0", "--name", NAME]
        command += ["--admin", "127.0.0.1:0", *arguments]
        # The package that is tested here, wherever it is.
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        if file_max is not None:
            import resource

            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (file_max, file_max))
        self.lines: List[str] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        try:
            started = self.event("listening")
        except BaseException:
            self.end(signal.SIGKILL)
            raise
        self.address, self.admin = started["address"], started["admin"]

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self.lines.append(line)
                self._news.notify_all()
        with self._news:
            self.lines.append("")
            self._news.notify_all()

    def event(self, name: str, **fields: object) -> Dict[str, Any]:
        """Waits for a line of the log."""
        seen, until = 0, time.monotonic() + PATIENCE
        with self._news:
            while True:
                for line in self.lines[seen:]:
                    said: Dict[str, Any] = json.loads(line) if line.startswith("{") else {}
                    if said.get("event") == name and all(said.get(key) == value for key, value in fields.items()):
                        return said
                if "" in self.lines or not self._news.wait(until - time.monotonic()):
                    raise AssertionError(f"no event {name} {fields} in:\n{''.join(self.lines)}")

    def ask(self, path: str) -> Tuple[int, str]:
        """Status and text of a page for the administrator."""
        try:
            with urllib.request.urlopen(f"http://{self.admin}{path}", timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def counted(self, name: str) -> float:
        """A number of /metrics."""
        _, text = self.ask("/metrics")
        values = dict(line.rpartition(" ")[::2] for line in text.splitlines())
        return float(values[f"sealwax_relay_{name}"])

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Sends a signal and gives the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        if self.process.stderr is not None:
            self.process.stderr.close()
        return status


class Refused(Exception):
    """An error frame."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(f"{frame.status}: {frame.text.decode()}")
        self.status = frame.status


class Person:
    """An identity, what it knows of the relay, and its connection."""

    def __init__(self, user: str) -> None:
        self.identity = Identity(user)
        self.user = user
        self.socket: Optional[ClientConnection] = None
        self.welcome: Optional[Frame] = None
        #: The highest delivery that was taken care of.
        self.seen = 0
        self.arrived: Deque[Frame] = deque()
        self._store_id = secrets.token_bytes(16)
        self._request = 0
        self._connection = ExitStack()

    def open(self, process: Process, *, tls: Optional[ssl.SSLContext] = None, **options: Any) -> ClientConnection:
        """Connects, and says nothing yet."""
        self.arrived.clear()
        scheme = "ws" if tls is None else "wss"
        options = dict(compression=None, max_size=None, ping_interval=None, proxy=None, ssl=tls, **options)
        opened = connect(f"{scheme}://{process.address}", **options)
        self._connection = ExitStack()
        self.socket = self._connection.enter_context(opened)
        return self.socket

    def hello(self, name: str = NAME) -> Frame:
        """Says who this is, and proves it to the relay of a name."""
        hello = self._frame(
            Frame(
                Type.HELLO,
                method=1,
                card=self.identity.card(),
                store_id=self._store_id,
                relay_id=bytes(16) if self.welcome is None else self.welcome.relay_id,
                number=self.seen,
            )
        )
        challenge = self._answer(hello)
        assert challenge.type == Type.CHALLENGE, challenge
        signature = self.identity.prove(name, challenge.nonce, hello)
        before, self.welcome = self.welcome, self.ask(Frame(Type.PROOF, signature=signature))
        if before is not None and before.relay_id != self.welcome.relay_id:
            # It has been started anew, and numbers deliveries anew.
            self.seen = 0
        assert self.welcome.type == Type.WELCOME, self.welcome
        return self.welcome

    def connect(self, process: Process, **options: Any) -> Frame:
        """Connects and proves."""
        self.open(process, **options)
        return self.hello()

    def ask(self, frame: Frame) -> Frame:
        """The answer to a request; what is delivered meanwhile is kept. Refused if it is an error."""
        while True:
            try:
                return self._answer(self._frame(frame))
            except Refused as refused:
                if refused.status != RateLimitedError.status:
                    raise
                time.sleep(0.05)

    def send(self, envelope: bytes) -> None:
        """Sends an envelope and waits until it is taken."""
        self.ask(Frame(Type.SEND, payload=envelope))

    def delivery(self) -> Frame:
        """The next delivery, or the end of the queue."""
        while not self.arrived:
            self._take()
        return self.arrived.popleft()

    def acknowledge(self, sequence: int) -> None:
        """Lets the relay forget what is taken care of."""
        assert self.socket is not None
        self.socket.send(put(Frame(Type.ACKNOWLEDGE, number=sequence))[4:])

    def raw(self, message: "bytes | str") -> None:
        """Sends anything."""
        assert self.socket is not None
        self.socket.send(message)

    def code(self) -> int:
        """Waits until the relay has closed the connection; how."""
        assert self.socket is not None
        try:
            while True:
                self.socket.recv(PATIENCE)
        except ConnectionClosed as closed:
            assert closed.rcvd is not None, closed
            return closed.rcvd.code

    def leave(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def close(self) -> None:
        """Ends this person."""
        self.leave()
        self.identity.close()

    def _frame(self, frame: Frame) -> bytes:
        self._request += 1
        frame.request = self._request
        return put(frame)[4:]

    def _answer(self, request: bytes) -> Frame:
        assert self.socket is not None
        self.socket.send(request)
        while True:
            frame = self._take()
            if frame is None:
                continue
            if frame.type == Type.ERROR:
                raise Refused(frame)
            if frame.request == self._request:
                return frame

    def _take(self) -> Optional[Frame]:
        """An answer; None if something was delivered instead."""
        assert self.socket is not None
        message = self.socket.recv(PATIENCE)
        assert isinstance(message, bytes)
        frame, _ = take(len(message).to_bytes(4, "big") + message)
        assert frame is not None
        if frame.type == Type.DELIVER:
            self.arrived.append(frame)
            return None
        return frame if frame.type != Type.PRESENCE else None
