"""The relay as a process: `python -m sealwax.relay`."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import warnings
from contextlib import suppress
from pathlib import Path
from typing import List, Optional, Tuple

import sealwax
from case import Case
from relay_process import NAME, PATIENCE, ConnectionClosed, Frame, Person, Process, Refused, Type
from sealwax import Session

#: How often the relay is killed.
KILLS = int(os.environ.get("SEALWAX_KILLS", "5"))


class Served(Case):
    """People, and relays in a directory of their own."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="sealwax-relay-"))
        self.addCleanup(shutil.rmtree, self.directory)
        self.records = str(self.directory / "records.db")

    def tearDown(self) -> None:
        self.doCleanups()
        super().tearDown()

    def start(self, *arguments: str, file_max: Optional[int] = None) -> Process:
        process = Process(*arguments, file_max=file_max)
        self.addCleanup(process.end, signal.SIGKILL)
        return process

    def person(self, user: str) -> Person:
        person = Person(user)
        self.addCleanup(person.close)
        return person

    def sessions(self, sender: Person, recipient: Person) -> Tuple[Session, Session]:
        """Those of two who are connected; each has heard of the other."""
        recipient.ask(Frame(Type.PREKEYS, payload=recipient.identity.prekeys(10)))
        found = sender.ask(Frame(Type.LOOKUP, user=recipient.user.encode()))
        sending = Session.initiate(sender.identity, found.card, found.payload)
        self.addCleanup(sending.close)
        first = sending.encrypt(b"")
        receiving = Session.accept(recipient.identity, first)
        self.addCleanup(receiving.close)
        receiving.decrypt(first)
        sending.decrypt(receiving.encrypt(b""))
        return sending, receiving

    def assert_a_message_passes(self, process: Process, **options: object) -> None:
        alice, bob = self.person("alice"), self.person("bob")
        for person in (alice, bob):
            person.connect(process, **options)
            self.assertEqual(person.delivery().flags, 1)
        sending, receiving = self.sessions(alice, bob)
        envelope = sending.encrypt(b"hello")
        alice.send(envelope)
        delivery = bob.delivery()
        self.assertEqual((delivery.number, delivery.payload), (1, envelope))
        self.assertEqual(receiving.decrypt(envelope), b"hello")


class Serving(Served):
    def test_a_message_passes_from_memory(self) -> None:
        process = self.start()
        self.assertFalse(process.event("listening")["durable"])
        self.assert_a_message_passes(process)
        self.assertEqual(process.event("welcomed", user="bob")["connection"], 2)

    def test_a_message_passes_through_sqlite(self) -> None:
        process = self.start("--records", self.records)
        self.assertTrue(process.event("listening")["durable"])
        self.assert_a_message_passes(process)
        self.assertGreater(process.counted("commit_seconds_count"), 0)

    def test_a_proof_for_another_relay_is_refused(self) -> None:
        process, alice = self.start(), self.person("alice")
        alice.open(process)
        with self.assertRaises(Refused) as caught:
            alice.hello("other.example")
        self.assertEqual(caught.exception.status, sealwax.AuthenticationFailedError.status)
        self.assertEqual(process.counted("users"), 0)

    def test_a_malformed_frame_closes(self) -> None:
        process, alice = self.start(), self.person("alice")
        alice.connect(process)
        # There is no frame of type 99.
        alice.raw(bytes.fromhex("0101000160") + bytes([99, 0, 0, 0, 1]))
        self.assertEqual(alice.code(), 1008)
        self.assertEqual(process.event("disconnected")["reason"], "SEALWAX_MALFORMED")
        self.assertEqual(process.counted('dropped_total{reason="SEALWAX_MALFORMED"}'), 1)

    def test_a_text_frame_closes(self) -> None:
        process, alice = self.start(), self.person("alice")
        alice.open(process)
        alice.raw("text")
        self.assertEqual(alice.code(), 1003)
        self.assertEqual(process.event("disconnected")["reason"], "text frame")

    def test_a_frame_that_is_too_long_closes(self) -> None:
        process, alice = self.start(), self.person("alice")
        alice.open(process)
        alice.raw(bytes(sealwax.build_info()["limits"]["frame"] + 1))
        self.assertEqual(alice.code(), 1009)

    def narrow(self, process: Process) -> socket.socket:
        """A connection that holds little of what is not read."""
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        host, _, port = process.address.partition(":")
        narrow.connect((host, int(port)))
        return narrow

    def test_one_who_does_not_read_is_dropped_and_loses_nothing(self) -> None:
        process = self.start("--send-buffer", "100000")
        alice, bob = self.person("alice"), self.person("bob")
        alice.connect(process)
        bob.connect(process, sock=self.narrow(process), max_queue=1, close_timeout=1)
        sending, _ = self.sessions(alice, bob)
        envelopes = [sending.encrypt(bytes(100_000)) for _ in range(150)]
        for envelope in envelopes:
            alice.send(envelope)
        self.assertEqual(process.event("disconnected", user="bob")["reason"], "does not read")
        self.assertEqual(process.counted('dropped_total{reason="does not read"}'), 1)
        bob.leave()
        bob.connect(process)
        read: List[bytes] = []
        while len(read) < len(envelopes):
            # It comes in windows.
            delivery = bob.delivery()
            read.append(delivery.payload)
            bob.acknowledge(delivery.number)
        self.assertEqual(read, envelopes)

    def test_one_who_reads_slowly_is_served(self) -> None:
        process = self.start("--send-buffer", "100000")
        alice, bob = self.person("alice"), self.person("bob")
        alice.connect(process)
        bob.connect(process, sock=self.narrow(process), max_queue=1, close_timeout=1)
        sending, _ = self.sessions(alice, bob)
        self.assertEqual(bob.delivery().flags, 1)
        envelopes = [sending.encrypt(bytes(100_000)) for _ in range(120)]
        for envelope in envelopes:
            alice.send(envelope)
        # All in all it takes longer than one may take nothing.
        for number, envelope in enumerate(envelopes, start=1):
            time.sleep(0.05)
            delivery = bob.delivery()
            self.assertEqual((delivery.number, delivery.payload), (number, envelope))
        self.assertEqual(process.counted("open_connections"), 2)

    def test_the_administrator_is_told(self) -> None:
        process, alice = self.start("--records", self.records), self.person("alice")
        alice.connect(process)
        self.assertEqual(process.ask("/healthz"), (200, "ok\n"))
        self.assertEqual(process.ask("/elsewhere")[0], 404)
        for name, value in (("users", 1), ("online", 1), ("open_connections", 1), ("received_frames_total", 2)):
            self.assertEqual(process.counted(name), value, name)
        for name in ("received_bytes_total", "sent_bytes_total", "records_total", "commit_seconds_sum"):
            self.assertGreater(process.counted(name), 0, name)
        _, text = process.ask("/metrics")
        types = [line.split()[2] for line in text.splitlines() if line.startswith("#")]
        self.assertEqual(len(types), len(set(types)))

    def test_it_stops_gracefully(self) -> None:
        for how in (signal.SIGTERM, signal.SIGINT):
            process, alice = self.start("--records", self.records), self.person("alice")
            alice.connect(process)
            process.process.send_signal(how)
            self.assertEqual(alice.code(), 1001)
            self.assertEqual(process.end(), 0)
            self.assertIn('"event": "stopped"', process.lines[-2])
            # Nobody is known in the next round; the file has no owner.
            os.remove(self.records)

    def test_a_file_of_records_has_one_owner(self) -> None:
        self.start("--records", self.records)
        with self.assertRaisesRegex(AssertionError, "a relay that runs has it open"):
            self.start("--records", self.records)

    def test_the_log_holds_no_payload(self) -> None:
        process = self.start("--records", self.records)
        self.assert_a_message_passes(process)
        eve = self.person("eve")
        eve.connect(process)
        card = eve.identity.card()
        eve.raw(card)
        eve.code()
        self.assertEqual(process.end(), 0)
        known = {"time", "event", "connection", "user", "reason", "code"}
        known |= {"address", "admin", "tls", "durable", "loop", "records"}
        for line in process.lines[:-1]:
            self.assertLessEqual(set(json.loads(line)), known)
        text = "".join(process.lines)
        for piece in (card[-32:].hex(), base64.b64encode(card[-33:]).decode(), repr(card[-16:])[2:-1]):
            self.assertNotIn(piece, text)


class WithTLS(Served):
    def certificate(self, options: str = "rsa:2048") -> List[str]:
        command = shutil.which("openssl")
        if command is None:
            self.skipTest("there is no openssl command to make a certificate with")
        files = [str(self.directory / "certificate.pem"), str(self.directory / "key.pem")]
        request = [command, "req", "-x509", "-newkey", options, "-nodes", "-days", "2", "-subj", "/CN=relay"]
        request += ["-addext", "subjectAltName=IP:127.0.0.1", "-out", files[0], "-keyout", files[1]]
        subprocess.run(request, check=True, stderr=subprocess.DEVNULL, timeout=PATIENCE)
        return files

    def test_a_message_passes(self) -> None:
        certificate, key = self.certificate()
        process = self.start("--certificate", certificate, "--key", key)
        self.assertTrue(process.event("listening")["tls"])
        self.assert_a_message_passes(process, tls=ssl.create_default_context(cafile=certificate))

    def test_nothing_older_than_1_2_is_spoken(self) -> None:
        certificate, key = self.certificate()
        process = self.start("--certificate", certificate, "--key", key)
        host, _, port = process.address.partition(":")
        for version, is_spoken in ((ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_1, False)):
            context = ssl.create_default_context(cafile=certificate)
            # This side would refuse old versions too.
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = context.maximum_version = version
            with socket.create_connection((host, int(port)), PATIENCE) as plain:
                if is_spoken:
                    context.wrap_socket(plain, server_hostname=host).close()
                else:
                    with self.assertRaises(OSError):
                        context.wrap_socket(plain, server_hostname=host)

    def test_both_files_are_needed(self) -> None:
        with self.assertRaisesRegex(AssertionError, "--certificate and --key come together"):
            self.start("--certificate", "certificate.pem")


class Killed(Served):
    """Alice sends Bob numbers, one after another, while the relay is killed again and again."""

    def setUp(self) -> None:
        super().setUp()
        self.alice, self.bob = self.person("alice"), self.person("bob")
        self.sealed: List[bytes] = []
        self.confirmed = 0
        self.read: List[int] = []
        self.errors: List[BaseException] = []

    def begin(self, process: Process) -> None:
        self.alice.connect(process)
        self.bob.connect(process)
        self.sending, self.receiving = self.sessions(self.alice, self.bob)

    def send(self, process: Process, until: Optional[int] = None) -> None:
        try:
            self.alice.connect(process)
            while until is None or self.confirmed < until:
                # What got no answer is sent again as it is.
                if self.confirmed == len(self.sealed):
                    self.sealed.append(self.sending.encrypt(len(self.sealed).to_bytes(4, "big")))
                self.alice.send(self.sealed[self.confirmed])
                self.confirmed += 1
        except (ConnectionClosed, OSError):
            pass
        except BaseException as error:
            self.errors.append(error)

    def assert_all_was_read(self) -> None:
        self.assertEqual(self.errors, [])
        self.assertEqual(self.read, list(range(self.confirmed)))

    def receive(self, process: Process, until: Optional[int] = None) -> None:
        chance = random.Random(len(self.read))
        try:
            self.bob.connect(process)
            while until is None or len(self.read) < until:
                delivery = self.bob.delivery()
                if delivery.flags or delivery.number <= self.bob.seen:
                    continue
                self.bob.seen = delivery.number
                # What was not acknowledged before a kill comes again.
                with suppress(sealwax.DuplicateError):
                    self.read.append(int.from_bytes(self.receiving.decrypt(delivery.payload), "big"))
                if chance.random() < 0.2:
                    self.bob.acknowledge(delivery.number)
        except (ConnectionClosed, OSError):
            pass
        except BaseException as error:
            self.errors.append(error)

    def test_nothing_acknowledged_is_lost_and_nothing_comes_twice(self) -> None:
        process = self.start("--records", self.records)
        self.begin(process)
        chance = random.Random(4)
        for kill in range(KILLS):
            threads = [threading.Thread(target=self.send, args=(process,))]
            # Now and then everything waits for him.
            if kill % 3 != 2:
                threads.append(threading.Thread(target=self.receive, args=(process,)))
            for thread in threads:
                thread.start()
            time.sleep(chance.uniform(0.05, 1.0))
            self.assertEqual(process.end(signal.SIGKILL), -signal.SIGKILL)
            for thread in threads:
                thread.join(PATIENCE)
                self.assertFalse(thread.is_alive())
            self.assertEqual(self.errors, [])
            process = self.start("--records", self.records)
        self.send(process, until=len(self.sealed) + 1)
        self.receive(process, until=self.confirmed)
        self.assert_all_was_read()
        self.assertGreater(self.confirmed, KILLS)
        self.assertEqual(process.end(), 0)

    @unittest.skipUnless(sys.platform == "linux", "the limit of another process's files is Linux's")
    def test_a_disk_that_is_full_stops_it_before_anything_false_is_acknowledged(self) -> None:
        process = self.start("--records", self.records, file_max=400_000)
        self.begin(process)
        self.send(process)
        self.assertEqual(process.process.wait(PATIENCE), 1)
        self.assertIn("RecordsError", process.event("failed")["reason"])
        self.assertGreater(self.confirmed, 10)
        process = self.start("--records", self.records)
        self.send(process, until=len(self.sealed))
        self.receive(process, until=self.confirmed)
        self.assert_all_was_read()
