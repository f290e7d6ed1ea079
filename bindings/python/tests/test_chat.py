"""The chat for people, in pipes: `python -m sealwax.chat`."""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
from contextlib import ExitStack
from pathlib import Path
from typing import List, Optional, Tuple

from case import Case
from relay_process import PATIENCE, Process
from sealwax.chat.keys import NoKeyError, key_of_file, key_of_passphrase
from sealwax.chat.terminal import harmless


class Person:
    """A chat that is typed into."""

    def __init__(self, user: str, directory: Path, relay: Process, *arguments: str) -> None:
        command = [sys.executable, "-m", "sealwax.chat", user, "--store", str(directory / f"{user}.db")]
        command += ["--relay", f"ws://{relay.address}", *arguments]
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self.printed: List[str] = []
        self._lines: "queue.Queue[Optional[str]]" = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def expect(self, pattern: str) -> str:
        """Waits for a line that is the whole of a pattern; what comes before is passed over. Gives its first group."""
        before: List[Optional[str]] = []
        while True:
            try:
                line = self._lines.get(timeout=PATIENCE)
            except queue.Empty:
                line = None
            before.append(line)
            if line is None:
                raise AssertionError(f"no {pattern!r} in {before}")
            self.printed.append(line)
            found = re.fullmatch(pattern, line)
            if found:
                return found[1] if found.groups() else line

    def end(self) -> int:
        """The end of input; the exit status."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self.process.stdout.close()
        return status

    def kill(self) -> None:
        """Whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
            self.end()


class Chats(Case):
    def setUp(self) -> None:
        self.ends = ExitStack()
        self.directory = Path(tempfile.mkdtemp(prefix="sealwax-chat-"))
        self.ends.callback(shutil.rmtree, self.directory)
        self.relay = self.serve()

    def tearDown(self) -> None:
        self.ends.close()
        super().tearDown()

    def serve(self, *arguments: str) -> Process:
        relay = Process("--name", "127.0.0.1", *arguments)
        self.ends.callback(relay.end, signal.SIGKILL)
        return relay

    def person(self, user: str, *arguments: str) -> Person:
        person = Person(user, self.directory, self.relay, *arguments)
        self.ends.callback(person.kill)
        person.expect(rf"\* {user} is here; .*")
        return person

    def two(self) -> Tuple[Person, Person]:
        people = self.person("alice"), self.person("bob")
        for person in people:
            person.expect(r"\* connected")
        return people

    def test_two_people_talk_and_compare_numbers(self) -> None:
        alice, bob = self.two()
        alice.type("/to bob hello, Bob")
        bob.expect(r"\[alice\] hello, Bob")
        alice.expect("  sent to bob: hello, Bob")
        bob.type("/to alice")
        bob.expect(r"\* you talk to alice")
        bob.type("and hello to you")
        alice.expect(r"\[bob\] and hello to you")
        # Now that he has written to her, he tells her what he has read.
        alice.type("tell me when you have read this, at your leisure")
        alice.expect(r"  read by bob: tell me when you have read this, at you…")
        alice.type("/verify bob")
        bob.type("/verify alice")
        number = alice.expect(r"\* safety number with bob: (\d{5}( \d{5}){11})")
        self.assertEqual(bob.expect(r"\* safety number with alice: (.*)"), number)
        alice.type("/who")
        alice.expect(r"\* online: bob")
        self.assertEqual(bob.end(), 0)
        alice.expect(r"\* bob is offline")
        self.assertEqual(alice.end(), 0)

    def test_a_group_comes_together_and_apart(self) -> None:
        alice, bob = self.two()
        carol = self.person("carol")
        carol.expect(r"\* connected")
        alice.type("/group create team bob")
        bob.expect(r"\* alice has added you to #team")
        alice.type("hello, team")
        bob.expect(r"\[alice to #team\] hello, team")
        alice.type("/group add team carol")
        carol.expect(r"\* alice has added you to #team")
        carol.type("/to #team good morning")
        for person in (alice, bob):
            person.expect(r"\[carol to #team\] good morning")
        alice.type("/group members")
        alice.expect(r"\* #team has alice \(owner\), bob \(member\), carol \(member\)")
        bob.type("/group remove team carol")
        bob.expect("! .*SEALWAX_NOT_PERMITTED.*")
        alice.type("/group remove team carol")
        carol.expect(r"\* alice has removed you from #team")
        carol.type("still here?")
        carol.expect("! you are in no group team")
        bob.type("/group leave team")
        alice.expect(r"\* bob has left #team")
        for person in (alice, bob, carol):
            self.assertEqual(person.end(), 0)

    def test_what_is_piped_in_arrives_later(self) -> None:
        bob = self.person("bob")
        bob.expect(r"\* connected")
        self.assertEqual(bob.end(), 0)
        alice = self.person("alice")
        alice.type("/to bob from a script")
        self.assertEqual(alice.end(), 0)
        bob = self.person("bob")
        bob.expect(r"\[alice\] from a script")

    def test_another_identity_counts_once_it_is_accepted(self) -> None:
        alice, bob = self.two()
        alice.type("/to bob first")
        bob.expect(r"\[alice\] first")
        alice.expect("  sent to bob: first")
        bob.end()
        # A relay that has forgotten Bob, and a Bob who has lost his store.
        address = self.relay.address
        self.relay.end(signal.SIGKILL)
        self.relay = self.serve("--listen", address)
        for file in self.directory.glob("bob.db*"):
            file.unlink()
        # Whoever is not there yet is nobody to it.
        alice.expect(r"\* connected")
        bob = self.person("bob")
        bob.expect(r"\* connected")
        bob.type("/to alice it is me")
        alice.expect("! bob has another identity, or somebody else writes as bob")
        fingerprint = alice.expect("!   new:   ([0-9a-f]{64})")
        alice.type("second")
        alice.type("/accept carol")
        alice.expect("! there is no new identity of carol to accept")
        alice.type(f"/accept bob {bytes(32).hex()}")
        alice.expect("! .*SEALWAX_.*")
        alice.type("/accept bob")
        alice.expect(rf"\* bob has the fingerprint {fingerprint} .*")
        bob.expect(r"\[alice\] second")

    def test_what_makes_no_sense_is_answered(self) -> None:
        alice = self.person("alice")
        for typed, answer in (
            ("hello", "! to whom.*"),
            ("/nonsense", "! there is no /nonsense.*"),
            ("/to", "! to whom.*"),
            ("/to #team", "! you are in no group team"),
            ("/verify", "! whom.*"),
            ("/verify bob", "! .*SEALWAX_UNKNOWN_USER.*"),
            ("/group", "! /group create.*"),
            ("/group create", "! /group create GROUP.*"),
            ('/group create "', "! No closing quotation"),
            ("/group members", r"\* you are in no group"),
            ("/who", r"\* nobody is online.*"),
            ("/accept bob xyz", "! a fingerprint is a hexadecimal number"),
            ("/help", "/to NAME.*"),
        ):
            alice.type(typed)
            alice.expect(answer)
        alice.type("/quit")
        self.assertEqual(alice.end(), 0)

    def test_a_store_belongs_to_one_person_and_one_process(self) -> None:
        self.person("alice")
        store = self.directory / "alice.db"
        command = [sys.executable, "-m", "sealwax.chat", "alice", "--store", str(store)]
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
        said = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.assertEqual(said.returncode, 1)
        self.assertIn("SEALWAX_STORE_IN_USE", said.stderr)
        self.ends.close()

    @unittest.skipIf(os.name != "posix", "there are no such terminals")
    def test_what_comes_in_does_not_disturb_what_is_being_typed(self) -> None:
        import pty

        bob = self.person("bob")
        bob.expect(r"\* connected")
        master, slave = pty.openpty()
        self.ends.callback(os.close, master)
        command = [sys.executable, "-m", "sealwax.chat", "alice", "--store", str(self.directory / "alice.db")]
        command += ["--relay", f"ws://{self.relay.address}"]
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path), TERM="dumb")
        alice = subprocess.Popen(command, env=environment, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        self.ends.callback(alice.wait, PATIENCE)
        self.ends.callback(alice.kill)
        seen = b""

        def until(expected: bytes) -> None:
            nonlocal seen
            while expected not in seen:
                seen += os.read(master, 65536)
            seen = seen.partition(expected)[2]

        until(b"* connected")
        os.write(master, b"/to bob half of a li")
        until(b"half of a li")
        bob.type("/to alice hello")
        until(b"[bob] hello\r\n> /to bob half of a li")
        os.write(master, b"ne\n")
        bob.expect(r"\[alice\] half of a line")
        os.write(master, b"/quit\n")
        self.assertEqual(alice.wait(PATIENCE), 0)

    def test_a_relay_that_comes_late_is_found(self) -> None:
        address = self.relay.address
        self.relay.end()
        alice = self.person("alice")
        alice.expect(r"\* the relay cannot be reached; trying on: .*")
        self.relay = self.serve("--listen", address)
        alice.expect(r"\* connected")


class Keys(Case):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="sealwax-keys-")
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def test_a_key_is_made_once_for_its_owner_alone(self) -> None:
        path = self.directory / "key"
        key = key_of_file(path)
        self.assertEqual(len(key), 32)
        self.assertEqual(key_of_file(path), key)
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)

    def test_a_key_that_others_may_read_is_refused(self) -> None:
        path = self.directory / "key"
        key_of_file(path)
        path.chmod(0o640)
        with self.assertRaisesRegex(NoKeyError, "others may read it"):
            key_of_file(path)

    def test_a_key_of_another_length_is_refused(self) -> None:
        path = self.directory / "key"
        for length in (0, 31, 33):
            path.write_bytes(bytes(length))
            path.chmod(0o600)
            with self.assertRaisesRegex(NoKeyError, "32 bytes"):
                key_of_file(path)
        with self.assertRaises(NoKeyError):
            key_of_file(self.directory / "nowhere" / "key")

    def test_a_passphrase_makes_the_same_key_with_the_same_salt_alone(self) -> None:
        passphrase, salt = self.directory / "passphrase", self.directory / "salt"
        passphrase.write_bytes(b"correct horse\n")
        key = key_of_passphrase(passphrase, salt)
        self.assertEqual(len(key), 32)
        self.assertEqual(key_of_passphrase(passphrase, salt), key)
        self.assertNotEqual(key_of_passphrase(passphrase, self.directory / "other"), key)
        passphrase.write_bytes(b"wrong horse")
        self.assertNotEqual(key_of_passphrase(passphrase, salt), key)
        passphrase.write_bytes(b"\n")
        with self.assertRaisesRegex(NoKeyError, "no passphrase"):
            key_of_passphrase(passphrase, salt)


class Texts(Case):
    def test_a_text_commands_no_terminal(self) -> None:
        for text in ("\x1b[2J", "\x07", "\x9b31m", "\u202e", "\r", "\0"):
            self.assertNotIn(text[0], harmless(f"a{text}b"))
        self.assertEqual(harmless("ordinary — Ünïcödé 😀"), "ordinary — Ünïcödé 😀")


if __name__ == "__main__":
    unittest.main()
