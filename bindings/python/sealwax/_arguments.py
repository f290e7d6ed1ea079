"""Text, numbers, options and the time, as the library takes them."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from operator import index
from typing import TYPE_CHECKING, Any, Dict, Iterable, Optional, SupportsIndex, Tuple

from ._buffer import taken_json
from ._errors import CallerError, InvalidArgumentError, InvalidOptionsError, check
from ._load import lib

if TYPE_CHECKING:
    from typing_extensions import Buffer


def text(value: str, what: str) -> Tuple[bytes, int]:
    """The pointer and the length of text."""
    if not isinstance(value, str):
        raise TypeError(f"{what} must be str, not {type(value).__name__}")
    # A lone surrogate is for the library to refuse, as it does all that is no text.
    encoded = value.encode("utf-8", "surrogatepass")
    return encoded, len(encoded)


def cards(values: Iterable[Buffer]) -> Tuple[bytes, int]:
    """The pointer and the length of cards, one after another."""
    joined = b"".join(values)
    return joined, len(joined)


def _number(value: SupportsIndex, bits: int, what: str) -> int:
    number = index(value)
    # ctypes would cut it off.
    if not 0 <= number < 1 << bits:
        raise InvalidArgumentError(f"{what} is {number}, not a number of {bits} bits")
    return number


def uint32(value: SupportsIndex, what: str) -> int:
    """A number from 0 to 2^32 - 1."""
    return _number(value, 32, what)


def uint64(value: SupportsIndex, what: str) -> int:
    """A number from 0 to 2^64 - 1."""
    return _number(value, 64, what)


def now(now_ms: Optional[int]) -> int:
    """Unix time in milliseconds, the system's if None is given."""
    return time.time_ns() // 1_000_000 if now_ms is None else uint64(now_ms, "now_ms")


def options(**values: Any) -> bytes:
    """The options object: what is None is left to the library's default."""
    chosen = {key: value for key, value in values.items() if value is not None}
    return json.dumps(chosen).encode() if chosen else b""


def check_with(status: int, function: Any, given_options: bytes) -> None:
    """Raises what a status means; for a bad option it says which and why."""
    if status != InvalidOptionsError.status:
        return check(status)
    name = function.__name__.encode()
    answer: Dict[str, Any] = {}
    with suppress(CallerError):
        answer = taken_json(lib.sealwax_options_check, name, len(name), given_options, len(given_options))
    if "why" not in answer:
        # Each option is fine, but not with the others.
        return check(status)
    raise InvalidOptionsError(f"option {answer['key']!r} {answer['why']} (SEALWAX_INVALID_OPTIONS)")
