"""Where a relay's records are kept."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Dict, Tuple

from case import Case
from sealwax import Record
from sealwax.relay.records import Records, RecordsError


class Kept(Case):
    def setUp(self) -> None:
        directory = tempfile.mkdtemp(prefix="sealwax-records-")
        self.addCleanup(shutil.rmtree, directory)
        self.path = Path(directory) / "records.db"

    def open(self) -> Records:
        records = Records(str(self.path))
        self.addCleanup(records.close)
        return records

    def stored(self, records: Records) -> Dict[str, Tuple[bytes, int]]:
        return {name: (value, version) for name, value, version in records.stored()}

    def test_records_outlive_their_owner(self) -> None:
        records = self.open()
        records.commit([Record("card/alice", b"card", 0), Record("queue/alice/1", b"first", 0)])
        records.commit([Record("card/alice", b"newer", 1), Record("queue/alice/2", b"second", 0)])
        records.commit([Record("queue/alice/1", None, 1)])
        records.close()
        kept = {"card/alice": (b"newer", 2), "queue/alice/2": (b"second", 1)}
        self.assertEqual(self.stored(self.open()), kept)

    def test_a_record_replaces_its_version_alone_and_else_nothing_is_written(self) -> None:
        records = self.open()
        records.commit([Record("card/alice", b"card", 0)])
        other = Record("card/bob", b"card", 0)
        for wrong in (
            Record("card/alice", b"newer", 0),
            Record("card/alice", b"newer", 2),
            Record("card/alice", None, 2),
            Record("card/carol", b"newer", 1),
            Record("card/carol", None, 1),
        ):
            with self.assertRaises(RecordsError, msg=wrong):
                records.commit([other, wrong])
            self.assertEqual(self.stored(records), {"card/alice": (b"card", 1)})
        with self.assertRaises(RecordsError):
            records.commit([other, other])
        records.commit([other])

    def test_changes_of_one_commit_follow_each_other(self) -> None:
        records = self.open()
        records.commit(
            [
                Record("a", b"1", 0),
                Record("b", b"1", 0),
                Record("a", b"2", 1),
                Record("b", None, 1),
                Record("b", b"again", 0),
                Record("c", b"1", 0),
                Record("c", None, 1),
            ]
        )
        self.assertEqual(self.stored(records), {"a": (b"2", 2), "b": (b"again", 1)})
        records.commit([Record("a", None, 2), Record("a", b"anew", 0), Record("b", b"2", 1), Record("b", None, 2)])
        self.assertEqual(self.stored(records), {"a": (b"anew", 1)})

    def test_values_are_any_bytes_and_names_any_user(self) -> None:
        records = self.open()
        everything = {"card/Zoë": (bytes(range(256)), 1), "queue/字/1": (b"\0", 1), "taken/x": (b"", 1)}
        records.commit([Record(name, value, 0) for name, (value, _) in everything.items()])
        self.assertEqual(self.stored(records), everything)

    def test_a_file_has_one_owner(self) -> None:
        self.open().commit([Record("a", b"1", 0)])
        with self.assertRaisesRegex(RecordsError, "a relay that runs has it open"):
            self.open()

    def test_only_its_owner_may_read_it(self) -> None:
        if os.name != "posix":
            self.skipTest("permissions are those of POSIX")
        self.open().commit([Record("a", b"1", 0)])
        for file in self.path.parent.iterdir():
            self.assertEqual(file.stat().st_mode & 0o777, 0o600, file)

    def test_another_file_is_refused_and_left_alone(self) -> None:
        self.path.write_bytes(b"something else, longer than the head of a database" * 9)
        before = self.path.read_bytes()
        with self.assertRaises(RecordsError):
            self.open()
        self.assertEqual(self.path.read_bytes(), before)
        self.path.unlink()
        with closing(sqlite3.connect(str(self.path))) as other:
            other.execute("CREATE TABLE record (name TEXT, version INTEGER, value BLOB)")
        with self.assertRaisesRegex(RecordsError, "not a file of a relay's records"):
            self.open()

    def test_a_later_layout_is_refused(self) -> None:
        self.open().close()
        with closing(sqlite3.connect(str(self.path))) as later:
            later.execute("PRAGMA user_version = 2")
        with self.assertRaisesRegex(RecordsError, "of a later release"):
            self.open()

    def test_a_place_that_is_none_is_said(self) -> None:
        self.path = self.path / "nowhere"
        with self.assertRaisesRegex(RecordsError, "nowhere"):
            self.open()
