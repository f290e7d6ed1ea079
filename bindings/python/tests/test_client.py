"""Clients: what their host does with them."""

from __future__ import annotations

import copy
import tempfile
import threading
import unittest
from pathlib import Path
from typing import List

import sealwax
from sealwax import Client, events

from case import KEY, NOW, Case


def created(user: str = "alice", **options: object) -> Client:
    return Client.create(user, key=KEY, now_ms=NOW, **options)  # type: ignore[arg-type]


class ClientTest(Case):
    def test_a_client_greets_its_relay_and_says_what_waits(self) -> None:
        with created() as client:
            self.assertEqual(client.pending(), (0, 0, None, False))
            client.connected("relay.example", now_ms=NOW)
            pending = client.pending()
            self.assertEqual((pending.frames, pending.events), (1, 0))
            self.assertIsNotNone(pending.due_ms)
            [hello] = client.frames()
            self.assertIn(b"alice", hello)
            self.assertIsNone(client.next_frame())
            self.assertEqual(client.info()["user"], "alice")
            self.assertEqual(sealwax.inspect_card(client.card())["user"], "alice")

    def test_nonsense_of_a_relay_is_a_failure_among_the_events(self) -> None:
        with created() as client:
            client.connected(now_ms=NOW)
            client.receive(b"nonsense", now_ms=NOW)
            self.assertTrue(client.pending().wants_disconnect)
            [failure] = client.events()
            assert isinstance(failure, events.Failure)
            self.assertIsInstance(failure.reason, sealwax.ObjectError)
            self.assertEqual((failure.number, failure.request, failure.group), (0, None, None))
            client.confirm(failure)
            client.disconnected(now_ms=NOW)
            self.assertFalse(client.pending().wants_disconnect)

    def test_messages_wait_in_a_file_for_a_connection(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "alice"
            with self.assertRaises(sealwax.WrongStateError):
                Client.open(path, key=KEY)
            with Client.create("alice", path, key=KEY, now_ms=NOW) as client:
                message_id = client.send_direct("bob", "hello", now_ms=NOW)
                self.assertEqual(len(message_id), 16)
                with self.assertRaises(sealwax.StoreInUseError):
                    Client.open(str(path), key=KEY)
                client.backup(Path(directory) / "copy")
            with self.assertRaises(sealwax.StoreWrongKeyError):
                Client.open(path, key=bytes(32))
            for name in ("alice", "copy"):
                with Client.open(Path(directory) / name, key=KEY, now_ms=NOW) as client:
                    self.assertEqual(client.info()["outbox"], 1)

    def test_what_is_asked_wrongly_is_refused(self) -> None:
        with created() as client:
            for user, payload in (("alice", "to me"), ("", "to nobody"), ("bob", "\ud800")):
                with self.assertRaises(sealwax.CallerError):
                    client.send_direct(user, payload, now_ms=NOW)
            with self.assertRaises(sealwax.UnknownUserError):
                client.safety_number("bob")
            with self.assertRaises(sealwax.UnknownUserError):
                client.accept_identity("bob", bytes(32), now_ms=NOW)
            with self.assertRaises(sealwax.InvalidTextError):
                client.watch(["bob", ""], now_ms=NOW)
            with self.assertRaises(sealwax.UnsupportedError):
                client.backup("copy")
            with self.assertRaises(ValueError):
                client.backup("")
            client.watch(["bob", "carol"], now_ms=NOW)
            client.watch([], now_ms=NOW)
            client.set_visible(False, now_ms=NOW)
            client.mark_read("bob", [bytes(16)], now_ms=NOW)
        with self.assertRaisesRegex(sealwax.InvalidOptionsError, "one_time_prekeys"):
            created(one_time_prekeys=1001)

    def test_it_cannot_be_copied(self) -> None:
        with created() as client, self.assertRaisesRegex(TypeError, "store"):
            copy.copy(client)

    def test_calls_of_other_threads_wake_the_host_until_it_looks(self) -> None:
        with created() as client:
            woken: List[int] = []
            client.on_wake(lambda: woken.append(threading.get_ident()))
            thread = threading.Thread(target=client.send_direct, args=("bob", "hello"))
            thread.start()
            thread.join()
            client.send_direct("bob", b"more", now_ms=NOW)
            self.assertEqual(woken, [thread.ident])
            client.pending()
            client.send_direct("bob", b"more", now_ms=NOW)
            self.assertEqual(len(woken), 2)
            client.on_wake(None)
            client.pending()
            client.send_direct("bob", b"more", now_ms=NOW)
            self.assertEqual(len(woken), 2)


if __name__ == "__main__":
    unittest.main()
