"""What a relay says of itself: one JSON object a line."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import suppress
from datetime import datetime, timezone


def log(event: str, **fields: object) -> None:
    """Writes an event, without those of its fields that are None. No payload, card or frame is ever one."""
    time = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    said = {"time": time, "event": event, **{name: value for name, value in fields.items() if value is not None}}
    # Whoever reads it may go; the relay stays.
    with suppress(OSError, ValueError):
        sys.stderr.write(json.dumps(said) + "\n")
        sys.stderr.flush()


def silent() -> logging.Logger:
    """For the WebSocket library, which would log what strangers send."""
    logger = logging.getLogger("sealwax.relay.websockets")
    logger.propagate = False
    logger.disabled = True
    return logger
