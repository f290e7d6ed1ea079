"""What the acts of `make demo` share: processes that are typed into, and whose lines are those expected."""

from __future__ import annotations

import os
import queue
import subprocess
import threading
from typing import List, Optional

PATIENCE_S = int(os.environ.get("DEMO_PATIENCE_S", "60"))


class Differs(Exception):
    """Something was not as the story says."""


class Program:
    """A process, what is typed into it and what it prints."""

    running: List["Program"] = []

    def __init__(self, name: str, *command: str) -> None:
        self.name = name
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", bufsize=1
        )
        self.lines: "queue.Queue[Optional[str]]" = queue.Queue()
        self.printed: List[str] = []
        threading.Thread(target=self._read, daemon=True).start()
        Program.running.append(self)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def type(self, line: str, show: Optional[str] = None) -> None:
        print(f"  {self.name:>6} > {show or line}")
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def line(self) -> str:
        try:
            line = self.lines.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise Differs(f"{self.name} prints nothing more") from None
        if line is None:
            raise Differs(f"{self.name} ended, with status {self.process.wait()}")
        self.printed.append(line)
        print(f"  {self.name:>6} | {line}")
        return line

    def expect(self, *lines: str) -> None:
        for expected in lines:
            line = self.line()
            if line != expected:
                raise Differs(f"{self.name} should have printed: {expected}")

    def expect_start(self, start: str) -> str:
        line = self.line()
        if not line.startswith(start):
            raise Differs(f"{self.name} should have printed: {start}...")
        return line[len(start) :]

    def end(self) -> None:
        """It has nothing more to say, and leaks nothing: the programs check that no handle is left."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        status = self.process.wait(PATIENCE_S)
        rest = self.lines.get(timeout=PATIENCE_S)
        if rest is not None:
            raise Differs(f"{self.name} printed one more line: {rest}")
        if status != 0:
            raise Differs(f"{self.name} ended with status {status}")


def has_websockets() -> bool:
    """Whether there is the package that the relay and the chat need, and is not too old."""
    try:
        import websockets.asyncio.client  # noqa: F401
    except ImportError:
        return False
    return True


def heading(text: str) -> None:
    print(f"\n== {text} ==\n", flush=True)


def is_in(text: str, seen: bytes) -> bool:
    """As it is, in UTF-16 and in hexadecimal."""
    plain = text.encode()
    return any(form in seen for form in (plain, text.encode("utf-16-le"), plain.hex().encode()))
