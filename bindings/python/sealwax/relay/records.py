"""Where the records of a relay are kept, so that it can be rebuilt after it ends."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import Dict, Iterable, Iterator, Optional, Sequence, Tuple

from . import Record

#: Marks a file as one of ours ("SWXR"), and the layout of its tables.
_APPLICATION = 0x53575852
_LAYOUT = 1

#: One that replaced another record, or none: the version that it replaced, its own, and its value.
_Change = Tuple[int, int, Optional[bytes]]


class RecordsError(Exception):
    """The records cannot be read, or what was to be kept is not."""


class Records:
    """An SQLite file that holds all records of one relay, and has one owner at a time.

    A commit is on the disk when the call returns. The file is not to be copied while a relay owns it. An older copy in
    its place loses what came after it and nothing else: the relay names its numbering anew at each start, so that
    clients take nothing for seen. Nothing in it is secret from a relay; it is readable to its owner alone all the same.
    """

    def __init__(self, path: str) -> None:
        """Opens a file, or makes it. RecordsError if it is not such a file, or somebody has it open."""
        self._path = path
        try:
            # The files beside it get the permissions that it has.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600))
            self._database = sqlite3.connect(path, timeout=2, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise RecordsError(f"{path}: {error}") from error
        try:
            self._own()
        except BaseException as error:
            self._database.close()
            if isinstance(error, sqlite3.Error):
                said = "a relay that runs has it open" if "locked" in str(error) else str(error)
                raise RecordsError(f"{path}: {said}") from error
            raise

    def _own(self) -> None:
        run = self._database.execute
        # Before anything is read: the lock is kept from now on, and goes with the process, however that ends.
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        run("PRAGMA fullfsync = ON")
        run("BEGIN EXCLUSIVE")
        application, layout = self._pragma("application_id"), self._pragma("user_version")
        with closing(run("SELECT count(*) FROM sqlite_master")) as counted:
            is_new = counted.fetchone()[0] == 0
        if is_new and application == layout == 0:
            run("CREATE TABLE record (name TEXT NOT NULL UNIQUE, version INTEGER NOT NULL, value BLOB NOT NULL)")
            run(f"PRAGMA application_id = {_APPLICATION}")
            run(f"PRAGMA user_version = {_LAYOUT}")
        elif application != _APPLICATION:
            raise RecordsError(f"{self._path}: it is not a file of a relay's records")
        elif layout != _LAYOUT:
            raise RecordsError(f"{self._path}: its layout is {layout}, of a later release; this one knows {_LAYOUT}")
        run("COMMIT")

    def _pragma(self, name: str) -> int:
        with closing(self._database.execute(f"PRAGMA {name}")) as answer:
            value: int = answer.fetchone()[0]
            return value

    def stored(self) -> Iterator[Tuple[str, bytes, int]]:
        """Name, value and version of each, for `Relay.restore`."""
        try:
            yield from self._database.execute("SELECT name, value, version FROM record ORDER BY name")
        except sqlite3.Error as error:
            raise RecordsError(f"{self._path}: {error}") from error

    def commit(self, records: Iterable[Record]) -> None:
        """Writes all of them or none, each only over the version that it replaces. RecordsError if one is not that, or
        the disk refuses; the relay is then ahead of its records and must not go on."""
        changes = _net(records)
        new = [(name, version, value) for name, (base, version, value) in changes.items() if not base and version]
        changed = [(version, value, name, base) for name, (base, version, value) in changes.items() if base and version]
        gone = [(name, base) for name, (base, version, _) in changes.items() if base and not version]
        if not (new or changed or gone):
            return
        try:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                self._each("INSERT INTO record (name, version, value) VALUES (?, ?, ?)", new)
                self._each("UPDATE record SET version = ?, value = ? WHERE name = ? AND version = ?", changed)
                self._each("DELETE FROM record WHERE name = ? AND version = ?", gone)
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise RecordsError(f"{self._path}: {error}") from error

    def _each(self, statement: str, rows: Sequence[Tuple[object, ...]]) -> None:
        if rows:
            with closing(self._database.executemany(statement, rows)) as done:
                if done.rowcount != len(rows):
                    raise RecordsError(f"{self._path}: a record was changed by somebody else")

    def close(self) -> None:
        """Lets go of the file."""
        self._database.close()


def _net(records: Iterable[Record]) -> Dict[str, _Change]:
    """What becomes of each name in the end; version 0 if it is gone. What came and went at once costs nothing."""
    changes: Dict[str, _Change] = {}
    for record in records:
        base, version, _ = changes.get(record.name, (record.replaces, record.replaces, None))
        if version != record.replaces:
            raise RecordsError(f"two changes of {record.name} replace the same version")
        changes[record.name] = (base, 0 if record.value is None else version + 1, record.value)
    return changes
