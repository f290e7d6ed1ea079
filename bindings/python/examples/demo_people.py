"""The act of `make demo` with the relay that runs and the chat of people: `python -m sealwax.relay`, `sealwax.chat`."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import List

from demo_stage import PATIENCE_S, Differs, Program, heading, is_in

#: What may be said at any time: how far a message is, who comes and goes, and what a crash has left unsaid.
ASIDE = re.compile(
    r"  (sent to|delivered to|read by) .*|\* (\w+ is (on|off)line|connected|you talk to .*|the connection is gone.*"
    r"|the relay cannot be reached.*)|.* \(again\)"
)


class Relay:
    """The relay, with its records in a file."""

    def __init__(self, records: Path, address: str = "127.0.0.1:0") -> None:
        command = [sys.executable, "-m", "sealwax.relay", "--listen", address, "--admin", "none"]
        command += ["--name", "127.0.0.1", "--records", str(records)]
        self.records = records
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        for line in self.process.stderr:
            event = json.loads(line) if line.startswith("{") else {}
            if event.get("event") == "listening":
                self.address: str = event["address"]
                print(f"   relay | listening on {self.address}")
                return
        raise Differs("the relay does not start")

    def end(self, how: signal.Signals) -> None:
        """Ends it, and waits until it has."""
        self.process.send_signal(how)
        status = self.process.wait(PATIENCE_S)
        assert self.process.stderr is not None
        self.process.stderr.close()
        if how == signal.SIGTERM and status != 0:
            raise Differs(f"the relay ended with status {status}")

    def seen(self) -> bytes:
        """All that is in its file."""
        return b"".join(path.read_bytes() for path in self.records.parent.glob(f"{self.records.name}*"))


class Chat(Program):
    """A person, who is told things in whatever order they happen."""

    def __init__(self, name: str, relay: Relay, directory: Path) -> None:
        command = [sys.executable, "-m", "sealwax.chat", name, "--relay", f"ws://{relay.address}"]
        super().__init__(name, *command, "--store", str(directory / f"{name}.db"))
        self.unexpected: List[str] = []
        self.expect(f"* {name} is here; /help shows what to type", "* connected")

    def expect(self, *lines: str) -> None:
        for expected in lines:
            while expected not in self.unexpected:
                self.unexpected.append(self._next(expected))
            self.unexpected.remove(expected)

    def expect_start(self, start: str) -> str:
        while True:
            for line in self.unexpected:
                if line.startswith(start):
                    self.unexpected.remove(line)
                    return line[len(start) :]
            self.unexpected.append(self._next(f"{start}..."))

    def _next(self, expected: str) -> str:
        try:
            return self.line()
        except Differs as difference:
            raise Differs(f"{self.name} should have printed: {expected} ({difference})") from None

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        status = self.process.wait(PATIENCE_S)
        if status != 0:
            raise Differs(f"{self.name} ended with status {status}")
        while True:
            line = self.lines.get(timeout=PATIENCE_S)
            if line is None:
                break
            self.unexpected.append(line)
        for line in self.unexpected:
            if not ASIDE.fullmatch(line):
                raise Differs(f"{self.name} printed one more line: {line}")

    def crash(self) -> None:
        """Ends it in the middle of whatever it does."""
        self.process.kill()
        self.process.wait(PATIENCE_S)
        assert self.process.stdin is not None
        self.process.stdin.close()


class Story:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.sent: List[str] = []
        heading("A relay that keeps its records in SQLite, and the chat of Alice and Bob: all Python")
        self.relay = Relay(directory / "records.db")
        self.alice, self.bob = self.start("alice"), self.start("bob")

    def start(self, name: str) -> Chat:
        return Chat(name, self.relay, self.directory)

    def say(self, sender: Chat, text: str, to: str = "") -> None:
        self.sent.append(text)
        sender.type(f"/to {to} {text}" if to else text)

    def direct_messages(self) -> None:
        alice, bob = self.alice, self.bob
        heading("Direct messages: the relay says that it has them, and the reader that he has read them")
        self.say(alice, "Meet me at the lighthouse at nine.", to="bob")
        bob.expect("[alice] Meet me at the lighthouse at nine.")
        alice.expect("  sent to bob: Meet me at the lighthouse at nine.")
        self.say(bob, "I shall bring the lantern.", to="alice")
        alice.expect("[bob] I shall bring the lantern.")
        self.say(alice, "And the map, please.")
        bob.expect("[alice] And the map, please.")
        alice.expect("  read by bob: And the map, please.")

        heading("Alice and Bob compare safety numbers, by telephone")
        alice.type("/verify bob")
        number = alice.expect_start("* safety number with bob:")
        bob.type("/verify alice")
        bob.expect(f"* safety number with alice:{number}")

    def group(self) -> None:
        alice, bob = self.alice, self.bob
        self.carol = carol = self.start("carol")
        heading("A group of Alice, Bob and Carol: keys are handed out by themselves")
        alice.type("/group create team bob carol")
        alice.expect_start("* you have made #team; its id is ")
        alice.expect("* you talk to #team")
        for member in (bob, carol):
            member.expect("* alice has added you to #team")
        self.say(alice, "The gold is under the third stair.")
        for member in (bob, carol):
            member.expect("[alice to #team] The gold is under the third stair.")
        self.say(bob, "Nobody else may know.", to="#team")
        for member in (alice, carol):
            member.expect("[bob to #team] Nobody else may know.")

        heading("Dave joins: he reads what is said from now on")
        self.dave = dave = self.start("dave")
        alice.type("/group add team dave")
        dave.expect("* alice has added you to #team")
        for member in (alice, bob, carol):
            member.expect("* alice has added dave to #team")
        self.say(alice, "Welcome, Dave. We sail on Friday.")
        for member in (bob, carol, dave):
            member.expect("[alice to #team] Welcome, Dave. We sail on Friday.")

        heading("Carol is removed: she reads nothing from now on")
        alice.type("/group remove team carol")
        carol.expect("* alice has removed you from #team")
        for member in (alice, bob, dave):
            member.expect("* alice has removed carol from #team")
        self.say(alice, "Carol must not learn about the island.")
        for member in (bob, dave):
            member.expect("[alice to #team] Carol must not learn about the island.")
        self.say(carol, "Am I still heard?", to="#team")
        carol.expect("! you are in no group team")

    def crashes(self) -> None:
        alice, bob, dave = self.alice, self.bob, self.dave
        heading("Bob goes. The relay is killed. Alice writes all the same, and the relay comes back")
        bob.end()
        self.relay.end(signal.SIGKILL)
        print("   relay | (killed)")
        alice.expect("* the connection is gone; it will be made again")
        self.say(alice, "The password is swordfish.", to="bob")
        self.say(alice, "We sail on Thursday instead.", to="#team")
        self.relay = Relay(self.relay.records, self.relay.address)
        alice.expect("  sent to bob: The password is swordfish.", "  sent to #team: We sail on Thursday instead.")
        dave.expect("[alice to #team] We sail on Thursday instead.")
        self.search()

        heading("Bob comes back, his chat is killed, and comes back: what he may have seen before says so")
        self.bob = bob = self.start("bob")
        bob.expect("[alice] The password is swordfish.", "[alice to #team] We sail on Thursday instead.")
        bob.crash()
        print("     bob | (killed)")
        self.say(alice, "Are you there?", to="bob")
        alice.expect("  sent to bob: Are you there?")
        self.bob = bob = self.start("bob")
        bob.expect("[alice] Are you there?")
        self.say(bob, "I am, and nothing is lost.", to="alice")
        alice.expect("[bob] I am, and nothing is lost.")

    def search(self) -> None:
        heading("What does the relay keep? Its file is searched for every text that was sent")
        seen = self.relay.seen()
        found = [text for text in self.sent if is_in(text, seen)]
        print(f"  {len(seen):,} bytes, in which two messages wait for Bob; names and times are in them")
        print(f"  texts sent, searched for:   {len(self.sent):3}")
        print(f"  of these found:             {len(found):3}")
        if found:
            raise Differs(f"the relay keeps: {found[0]}")
        if not all(is_in(name, seen) for name in ("alice", "bob", "carol", "dave", "team")):
            raise Differs("the search does not find what is there")

    def end(self) -> None:
        for person in (self.alice, self.bob, self.carol, self.dave):
            person.end()
        self.relay.end(signal.SIGTERM)


def play(directory: Path) -> None:
    """Needs the package websockets."""
    story = Story(directory)
    try:
        story.direct_messages()
        story.group()
        story.crashes()
        story.end()
    finally:
        story.relay.process.kill()
