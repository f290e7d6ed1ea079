"""What a relay counts, as text for Prometheus."""

from __future__ import annotations

from bisect import bisect_left
from typing import Dict, List, Union

#: Upper bounds of the classes of commits by how long they took, in seconds.
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
#: What the engine counts that may also fall.
_LEVELS = {"users", "online", "groups", "queued", "queued_bytes", "connections"}
#: What it says besides: the version of its answer.
_NO_COUNT = {"v"}


class Counters:
    """What the server counts; the engine counts the rest."""

    def __init__(self) -> None:
        self.connections = 0
        self.connections_taken = 0
        self.received = 0
        self.received_bytes = 0
        self.sent = 0
        self.sent_bytes = 0
        #: Connections that were ended for what their client did, by reason.
        self.dropped: Dict[str, int] = {}
        self.outcomes_waiting = 0
        self.records = 0
        self.commits = 0
        self.commit_seconds = 0.0
        self._commit_classes = [0] * (len(_SECONDS) + 1)

    def drop(self, reason: str) -> None:
        """Counts a connection that was ended."""
        self.dropped[reason] = self.dropped.get(reason, 0) + 1

    def commit(self, records: int, seconds: float) -> None:
        """Counts a commit."""
        self.commits += 1
        self.records += records
        self.commit_seconds += seconds
        self._commit_classes[bisect_left(_SECONDS, seconds)] += 1

    def text(self, engine: Dict[str, object]) -> str:
        """All of it, in the text format of Prometheus, with what the engine counts."""
        lines: List[str] = []

        def one(name: str, kind: str, *values: str) -> None:
            lines.append(f"# TYPE sealwax_relay_{name} {kind}")
            lines.extend(f"sealwax_relay_{name}{value}" for value in values)

        def number(name: str, value: Union[int, float], level: bool = False) -> None:
            if level:
                one(name, "gauge", f" {value}")
            else:
                one(f"{name}_total", "counter", f" {value}")

        for name, value in sorted(engine.items()):
            if isinstance(value, int) and name not in _NO_COUNT:
                number(name, value, level=name in _LEVELS)
        number("open_connections", self.connections, level=True)
        number("outcomes_waiting", self.outcomes_waiting, level=True)
        number("connections_taken", self.connections_taken)
        number("received_frames", self.received)
        number("received_bytes", self.received_bytes)
        number("sent_frames", self.sent)
        number("sent_bytes", self.sent_bytes)
        number("records", self.records)
        reasons = sorted(self.dropped.items())
        one("dropped_total", "counter", *(f'{{reason="{reason}"}} {count}' for reason, count in reasons))
        below, classes = 0, []
        for bound, count in zip((*_SECONDS, "+Inf"), self._commit_classes):
            below += count
            classes.append(f'_bucket{{le="{bound}"}} {below}')
        one("commit_seconds", "histogram", *classes, f"_sum {self.commit_seconds}", f"_count {self.commits}")
        return "\n".join(lines) + "\n"
