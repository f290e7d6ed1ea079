"""Clients and their relay as processes that are killed at any moment, with their stores in files."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from collections import Counter, defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Callable, DefaultDict, Dict, List, Tuple

from case import KEY, Case
from relay_process import NAME, PATIENCE, Frame, Process, Type, put
from sealwax import Identity, Session
from wire import Sealed, Wire

#: How often the clients are killed, and how often the relay.
KILLS = int(os.environ.get("SEALWAX_KILLS", "5"))
PROGRAM = Path(__file__).resolve().parent / "kill_client.py"
PEOPLE = ("alice", "bob", "carol")


class Program:
    """One client, through all its lives."""

    def __init__(self, user: str, directory: Path, relay: str) -> None:
        others = ",".join(other for other in PEOPLE if other != user)
        self._command = [sys.executable, str(PROGRAM), user, str(directory), relay, others]
        self._journal = directory / f"{user}.journal"
        self._errors = directory / f"{user}.errors"
        self._since = 0
        self.user = user

    def start(self, *orders: str) -> None:
        """Begins a life."""
        self._since = len(self.lines())
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
        with self._errors.open("ab") as errors:
            self.process = subprocess.Popen(self._command, env=environment, stdin=subprocess.PIPE, stderr=errors)
        self.order(*orders)

    def order(self, *orders: str) -> None:
        """Tells it to do something."""
        assert self.process.stdin is not None
        for order in orders:
            self.process.stdin.write(f"{order}\n".encode())
        self.process.stdin.flush()

    def kill(self) -> None:
        """Ends a life."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()

    def end(self) -> None:
        """Lets it end by itself."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        status = self.process.wait(PATIENCE)
        if status != 0 or self.lines()[-1] != ["ended", "0"]:
            raise AssertionError(f"{self.user} ended with {status}:\n{self.said()}")

    def lines(self) -> List[List[str]]:
        """The journal, in words."""
        if not self._journal.exists():
            return []
        # A line is written at once, so the last one is whole too.
        return [line.split() for line in self._journal.read_text().splitlines()]

    def said(self) -> str:
        """What it has to say of its end."""
        return self._errors.read_text()

    def wait(self, what: str, is_there: Callable[[List[List[str]]], bool]) -> None:
        """Waits for something in the journal of this life."""
        until = time.monotonic() + 3 * PATIENCE
        while not is_there(self.lines()[self._since :]):
            if self.process.poll() is not None:
                raise AssertionError(f"{self.user} ended with {self.process.returncode}:\n{self.said()}")
            if time.monotonic() > until:
                raise AssertionError(f"{self.user}: no {what} in\n{self.lines()[self._since:][-40:]}\n{self.said()}")
            time.sleep(0.02)


def begins(*words: str) -> Callable[[List[List[str]]], bool]:
    return lambda lines: any(tuple(line[: len(words)]) == words for line in lines)


class Killed(Case):
    """Three people write to each other and to their group without a pause, whatever happens."""

    def setUp(self) -> None:
        self.ends = ExitStack()
        self.directory = Path(tempfile.mkdtemp(prefix="sealwax-kills-"))
        self.ends.callback(shutil.rmtree, self.directory)
        self.relay = self.serve("127.0.0.1:0")
        self.wire = Wire(self.relay.address)
        self.ends.callback(self.wire.close)
        url = f"ws://{self.wire.address}"
        self.people: Dict[str, Program] = {user: Program(user, self.directory, url) for user in PEOPLE}
        for person in self.people.values():
            person.start()
            self.ends.callback(person.kill)
        for person in self.people.values():
            person.wait("connection", begins("connected"))
        self.people["alice"].order("found")
        for person in self.people.values():
            person.wait("group", lambda lines: any(line[-1] in ("GroupCreated", "GroupJoined") for line in lines))

    def tearDown(self) -> None:
        self.ends.close()
        super().tearDown()

    def serve(self, address: str) -> Process:
        records = str(self.directory / "records.db")
        # Three clients write more than one person does.
        process = Process("--listen", address, "--name", NAME, "--records", records)
        self.ends.callback(process.end, signal.SIGKILL)
        return process

    def test_no_client_that_is_killed_loses_or_repeats_anything(self) -> None:
        chance = random.Random(4)
        for person in self.people.values():
            person.order("write")
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.0, 0.6))
            victim = self.people[chance.choice(PEOPLE)]
            victim.kill()
            victim.start("write")
            if chance.random() < 0.5:
                # Often it is not even open when the next one comes.
                victim.wait("start", begins("started"))
        self.assert_nothing_is_lost_or_repeated()

    def test_a_relay_that_is_killed_loses_and_repeats_nothing(self) -> None:
        chance = random.Random(4)
        for person in self.people.values():
            person.order("write")
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.0, 1.0))
            self.assertEqual(self.relay.end(signal.SIGKILL), -signal.SIGKILL)
            self.relay = self.serve(self.relay.address)
        self.assert_nothing_is_lost_or_repeated()

    # ---- What must be so in the end ----

    def assert_nothing_is_lost_or_repeated(self) -> None:
        for person in self.people.values():
            person.wait("connection", begins("connected"))
            person.order("finish")
        for person in self.people.values():
            person.wait("end of what waits", begins("drained"))
        for person in self.people.values():
            awaited = self.awaited(person.user)
            person.wait("last message", lambda lines, who=person, all=awaited: all <= set(self.shown(who.user)))  # type: ignore[misc]
        for person in self.people.values():
            person.end()
        for user in PEOPLE:
            self.assert_all_was_shown_once(user)
            self.assert_events_are_sound(user)
        self.assertEqual(self.wire.sealed.reused(), [])
        self.report()

    def of(self, user: str, *start: str) -> List[List[str]]:
        return [line for line in self.people[user].lines() if tuple(line[: len(start)]) == start]

    def messages(self, user: str) -> List[List[str]]:
        """Who, which way, what and its id, as a user was shown them."""
        return [line[3:] for line in self.of(user, "event") if line[2] == "message"]

    def shown(self, user: str) -> List[str]:
        return [text for _, _, text, _ in self.messages(user)]

    def awaited(self, user: str) -> "set[str]":
        """What others have sent to a user for certain."""
        lines = [line for other in PEOPLE if other != user for line in self.of(other, "sent")]
        return {text for _, target, text, _ in lines if target in (user, "all")}

    def assert_all_was_shown_once(self, user: str) -> None:
        shown = self.shown(user)
        twice = [text for text, count in Counter(shown).items() if count > 1]
        self.assertEqual(twice, [], f"shown to {user} twice")
        ids = [message_id for _, _, _, message_id in self.messages(user)]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual(self.awaited(user) - set(shown), set(), f"never shown to {user}")
        # In the order in which each was written, on each way.
        ways: DefaultDict[Tuple[str, str], List[str]] = defaultdict(list)
        for sender, way, text, _ in self.messages(user):
            ways[sender, way].append(text)
        for (sender, way), texts in ways.items():
            target = "all" if way == "all" else user
            tried = [line[2] for line in self.of(sender, "trying", target)]
            self.assertEqual(texts, [text for text in tried if text in set(texts)], f"{sender} to {target}")

    def assert_events_are_sound(self, user: str) -> None:
        told = self.of(user, "event")
        numbers = [int(line[1]) for line in told]
        self.assertEqual(numbers, sorted(set(numbers)), user)
        self.assertEqual([line for line in told if line[2] == "trouble"], [], user)
        # What comes again says so; and no store is taken for another.
        self.assertEqual([line for line in self.of(user, "again") if line[2] != "True"], [])
        self.assertEqual(self.of(user, "connected", "True"), [])
        # One acknowledgement of the relay for each message, no more.
        acks = Counter(line[3] for line in told if line[2] == "ack")
        self.assertEqual([message_id for message_id, count in acks.items() if count > 1], [])
        sent = {line[3] for line in self.of(user, "sent")}
        self.assertEqual(sent - set(acks), set(), f"{user} was not told that they were sent")

    def report(self) -> None:
        sent = sum(len(self.of(user, "sent")) for user in PEOPLE)
        shown = sum(len(self.shown(user)) for user in PEOPLE)
        again = sum(len(self.of(user, "again")) for user in PEOPLE)
        unsure = sum(len(self.of(user, "trying")) for user in PEOPLE) - sent
        print(
            f"{KILLS} kills: {sent} messages sent for certain and {unsure} maybe, {shown} shown, {again} events again,"
            f" {self.wire.sealed.envelopes} envelopes under {len(self.wire.sealed.keys)} keys",
            file=sys.stderr,
        )


class Noticed(Case):
    def test_a_message_key_that_seals_twice_is_noticed(self) -> None:
        with Identity("alice") as alice, Identity("bob") as bob:
            with Session.initiate(alice, bob.card(), bob.prekeys(one_time=1)) as session:
                stored = session.export(KEY, lease=0)
                with Session.import_(alice, KEY, stored) as copy:
                    envelopes = [session.encrypt(b"one"), session.encrypt(b"two"), copy.encrypt(b"three")]
        for again, envelope in enumerate(envelopes):
            sealed = Sealed()
            for sent in (envelopes[0], envelopes[0], envelope):
                sealed.note(put(Frame(Type.SEND, request=1, payload=sent))[4:])
            self.assertEqual(len(sealed.reused()), 1 if again == 2 else 0)


if __name__ == "__main__":
    unittest.main()
