"""Lines from a person, and lines to them."""

from __future__ import annotations

import asyncio
import io
import sys
import threading
from typing import AsyncIterator, Optional

_PROMPT = "> "
_CLEAR_LINE = "\r\x1b[K"


def harmless(text: str) -> str:
    """Text of others, without what would command a terminal or turn the direction of writing."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


class Terminal:
    """Standard input and output: a terminal with a prompt, or pipes without."""

    def __init__(self) -> None:
        self._has_prompt = sys.stdin.isatty() and sys.stdout.isatty()
        self._reader: Optional[threading.Thread] = None
        for stream in (sys.stdin, sys.stdout):
            # What the locale does not have is no reason to fail.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        if self._has_prompt:
            try:
                # `input` edits lines and remembers them once it is loaded.
                import readline

                self._typed = readline.get_line_buffer
            except ImportError:
                self._typed = str

    def show(self, line: str) -> None:
        """Prints a line, above what is being typed."""
        line = harmless(line)
        if self._has_prompt:
            sys.stdout.write(f"{_CLEAR_LINE}{line}\n{_PROMPT}{self._typed()}")
        else:
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    async def lines(self) -> AsyncIterator[str]:
        """What is typed, until the end of it. The next line is read when the one before was dealt with."""
        loop = asyncio.get_running_loop()
        while True:
            typed: "asyncio.Future[Optional[str]]" = loop.create_future()
            # Not of an executor: nobody can end its wait, and nobody shall wait for it.
            self._reader = threading.Thread(target=self._read, args=(loop, typed), daemon=True)
            self._reader.start()
            line = await typed
            self._reader.join()
            if line is None:
                return
            yield line

    @property
    def is_reading(self) -> bool:
        """Whether a thread waits for a line, which cannot be ended."""
        return self._reader is not None and self._reader.is_alive()

    def _read(self, loop: asyncio.AbstractEventLoop, typed: "asyncio.Future[Optional[str]]") -> None:
        line: Optional[str]
        try:
            line = input(_PROMPT) if self._has_prompt else sys.stdin.readline()
            if not self._has_prompt:
                line = line.rstrip("\n") if line else None
        except EOFError:
            line = None

        def tell() -> None:
            if not typed.done():
                typed.set_result(line)

        try:
            loop.call_soon_threadsafe(tell)
        except RuntimeError:
            # The loop is closed; nobody wants to know.
            pass
