"""Records before deliveries."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Awaitable, Callable, Iterable, List, Optional

from case import Case
from sealwax import Delivery, Outcome, Record
from sealwax.relay.commits import Commits
from sealwax.relay.metrics import Counters
from sealwax.relay.records import Records, RecordsError


class Disk(Records):
    """Takes as long as the test wants it to."""

    def __init__(self) -> None:
        self.commits: List[List[str]] = []
        self.may_go_on = threading.Semaphore(0)
        self.error: Optional[RecordsError] = None

    def commit(self, records: Iterable[Record]) -> None:
        self.commits.append([record.name for record in records])
        self.may_go_on.acquire()
        if self.error is not None:
            raise self.error


class Ordered(Case):
    def setUp(self) -> None:
        self.disk = Disk()
        self.delivered: List[int] = []
        self.failed: List[BaseException] = []
        self.counters = Counters()

    def run_with(self, records: Optional[Records], story: Callable[[Commits], Awaitable[None]]) -> None:
        async def run() -> None:
            commits = Commits(records, self.deliver, self.failed.append, self.counters)
            try:
                await story(commits)
            finally:
                self.disk.may_go_on.release()
                commits.close()

        asyncio.run(run())

    def deliver(self, deliveries: List[Delivery]) -> None:
        self.delivered.extend(delivery.sequence for delivery in deliveries)

    def outcome(self, number: int, records: int = 1) -> Outcome:
        return Outcome([delivery(number)], [Record(f"{number}/{place}", b"", 0) for place in range(records)])

    def test_nothing_leaves_before_its_records_and_commits_gather(self) -> None:
        async def story(commits: Commits) -> None:
            commits.add(self.outcome(1))
            commits.add(self.outcome(2))
            while not self.disk.commits:
                await asyncio.sleep(0.001)
            # These come while the disk is busy. The fourth has nothing to be kept, and waits for its turn.
            for number, records in ((3, 2), (4, 0), (5, 1)):
                commits.add(self.outcome(number, records))
            await asyncio.sleep(0.02)
            self.assertEqual(self.delivered, [])
            self.assertEqual(self.counters.outcomes_waiting, 5)
            self.disk.may_go_on.release()
            while len(self.disk.commits) < 2:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.02)
            self.assertEqual(self.delivered, [1, 2])
            self.disk.may_go_on.release()
            await commits.idle()

        self.run_with(self.disk, story)
        self.assertEqual(self.delivered, [1, 2, 3, 4, 5])
        self.assertEqual(self.disk.commits, [["1/0", "2/0"], ["3/0", "3/1", "5/0"]])
        self.assertEqual((self.counters.outcomes_waiting, self.counters.commits, self.counters.records), (0, 2, 5))
        self.assertEqual(self.failed, [])

    def test_what_needs_no_record_leaves_at_once_if_nothing_is_before_it(self) -> None:
        async def story(commits: Commits) -> None:
            commits.add(self.outcome(1, records=0))
            self.assertEqual(self.delivered, [1])

        self.run_with(self.disk, story)

    def test_in_memory_everything_leaves_at_once(self) -> None:
        async def story(commits: Commits) -> None:
            commits.add(self.outcome(1))
            self.assertEqual(self.delivered, [1])

        self.run_with(None, story)

    def test_nothing_leaves_after_a_commit_that_failed(self) -> None:
        async def story(commits: Commits) -> None:
            self.disk.error = RecordsError("the disk is full")
            self.disk.may_go_on.release()
            commits.add(self.outcome(1))
            await commits.idle()
            commits.add(self.outcome(2, records=0))
            await asyncio.sleep(0.02)

        self.run_with(self.disk, story)
        self.assertEqual(self.delivered, [])
        self.assertEqual(self.failed, [self.disk.error])

    def test_clients_wait_while_too_much_waits_for_the_disk(self) -> None:
        async def story(commits: Commits) -> None:
            commits.add(self.outcome(1))
            while not self.disk.commits:
                await asyncio.sleep(0.001)
            await asyncio.wait_for(commits.room(), 10)
            commits.add(self.outcome(2), size=64 * 1024 * 1024)
            room = asyncio.ensure_future(commits.room())
            await asyncio.sleep(0.02)
            self.assertFalse(room.done())
            self.disk.may_go_on.release()
            await asyncio.wait_for(room, 10)
            self.disk.may_go_on.release()
            await commits.idle()

        self.run_with(self.disk, story)


def delivery(sequence: int) -> Delivery:
    fields: "dict[str, Any]" = dict(user="bob", payload=b"", sequence=sequence, envelope_id=b"", queue_end=False)
    return Delivery(connection=1, head=b"", close=False, **fields)
