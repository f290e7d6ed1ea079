"""Clients: what their host does with them."""

from __future__ import annotations

import copy
import signal
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from typing import Dict, List

import sealwax
from sealwax import Client, Relay, events
from sealwax._buffer import taken_json
from sealwax._load import lib

from case import KEY, NOW, Case


def created(user: str = "alice", **options: object) -> Client:
    return Client.create(user, key=KEY, now_ms=NOW, **options)  # type: ignore[arg-type]


class ClientTest(Case):
    def test_a_client_greets_its_relay_and_says_what_waits(self) -> None:
        with created() as client:
            pending = client.pending()
            self.assertEqual((pending.frames, pending.events, pending.wants_disconnect), (0, 0, False))
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

    def test_the_options_are_those_of_the_library(self) -> None:
        name = b"sealwax_client_open"
        known = taken_json(lib.sealwax_options_check, name, len(name), b"", 0)["effective"]
        self.assertEqual(set(sealwax.ClientOptions.__annotations__), set(known))
        with self.assertRaisesRegex(sealwax.InvalidOptionsError, "'colour' is unknown"):
            sealwax.Client.create("alice", key=KEY, colour="red")  # type: ignore[call-arg]

    @unittest.skipUnless(sealwax.build_info()["store"], "this build keeps nothing in files")
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

    @unittest.skipUnless(sealwax.build_info()["store"], "this build keeps nothing in files")
    @unittest.skipIf(sys.platform == "win32", "no limit of this system stands for a full disk")
    def test_closing_on_a_full_disk_says_what_is_lost(self) -> None:
        import resource

        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "alice"
            path.touch()  # a name may be reserved
            client = Client.create("alice", path, key=KEY, now_ms=NOW)
            client.pending()
            client.send_direct("bob", "lost", now_ms=NOW)
            before = resource.getrlimit(resource.RLIMIT_FSIZE)
            ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
            try:
                with self.assertRaises(sealwax.StoreIOError):
                    client.close()
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)
                signal.signal(signal.SIGXFSZ, ignored)
            self.assertTrue(client.closed)
            client.close()
            with Client.open(path, key=KEY, now_ms=NOW) as client:
                self.assertEqual(client.info()["outbox"], 0)

    def test_what_is_asked_wrongly_is_refused(self) -> None:
        with created() as client:
            for user, payload in (("alice", "to me"), ("", "to nobody"), ("bob", "\ud800")):
                with self.assertRaises(sealwax.CallerError):
                    client.send_direct(user, payload, now_ms=NOW)
            for one_name in (client.watch, lambda users: client.create_group("team", users)):
                with self.assertRaises(TypeError):
                    one_name("bob")
            with self.assertRaises(sealwax.UnknownUserError):
                client.safety_number("bob")
            with self.assertRaises(sealwax.UnknownUserError):
                client.changed_card("bob")
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

    def test_an_identity_is_taken_over_and_closed(self) -> None:
        identity, bob = sealwax.Identity("alice", now_ms=NOW), sealwax.Identity("bob", now_ms=NOW)
        card = identity.card()
        with self.assertRaises(sealwax.InvalidOptionsError):
            Client.create_with(identity, key=KEY, padding="none at all", now_ms=NOW)
        with bob, sealwax.Session.initiate(identity, bob.card(), bob.prekeys(1, now_ms=NOW), now_ms=NOW):
            with self.assertRaises(sealwax.WrongStateError):
                Client.create_with(identity, key=KEY, now_ms=NOW)
        self.assertFalse(identity.closed)
        with Client.create_with(identity, key=KEY, retain_history=True, now_ms=NOW) as client:
            self.assertEqual(client.card(), card)
            self.assertTrue(identity.closed)
            with self.assertRaises(sealwax.InvalidHandleError):
                Client.create_with(identity, key=KEY, now_ms=NOW)
            identity.close()
        with self.assertRaises(TypeError):
            Client.create_with("alice", key=KEY)  # type: ignore[arg-type]

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


class Host:
    """A relay, and people on connections to it."""

    def __init__(self, *users: str, **options: object) -> None:
        self.relay = Relay(name="relay.example")
        self.clients: Dict[int, Client] = {}
        #: What was found in the frames for a client, by connection.
        self.delivered: Dict[int, List[bytes]] = {}
        for number, user in enumerate(users, 1):
            self.clients[number] = created(user, **options)
            self.relay.connect(number, now_ms=NOW)
            self.clients[number].connected("relay.example", now_ms=NOW)
        self.run()

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self.clients.values():
            client.close()
        self.relay.close()

    def run(self) -> None:
        """Frames go to and fro until nothing moves."""
        moved = True
        while moved:
            moved = False
            for number, client in self.clients.items():
                for frame in client.frames():
                    moved = True
                    for delivery in self.relay.receive(number, frame, now_ms=NOW).deliveries:
                        sent = delivery.head + delivery.payload
                        envelope = sealwax.delivered_envelope(sent)
                        if envelope is not None:
                            self.delivered.setdefault(delivery.connection, []).append(envelope)
                        self.clients[delivery.connection].receive(sent, now_ms=NOW)

    def news(self, number: int) -> List[events.Event]:
        """What a client tells; all of it confirmed."""
        told = list(self.clients[number].events())
        for event in told:
            self.clients[number].confirm(event)
        return told


class ConversationTest(Case):
    def test_two_people_talk(self) -> None:
        with Host("alice", "bob") as host:
            alice, bob = host.clients[1], host.clients[2]
            [connected] = host.news(1)
            self.assertEqual(connected, events.Connected(0, False, False))
            host.news(2)
            message_id = alice.send_direct("bob", "hello", now_ms=NOW)
            host.run()
            self.assertEqual(host.news(1), [events.Ack(1, False, "bob", message_id, events.State.SENT, None)])
            [message] = host.news(2)
            assert isinstance(message, events.Message)
            self.assertEqual((message.user, message.text, message.message_id), ("alice", "hello", message_id))
            self.assertNotIn("hello", repr(message))
            self.assertEqual(alice.safety_number("bob"), bob.safety_number("alice"))
            self.assertEqual(alice.card("bob"), bob.card())

    def test_who_cannot_be_found_is_a_failure_with_its_reason(self) -> None:
        with Host("alice") as host:
            host.news(1)
            message_id = host.clients[1].send_direct("nobody", "hello", now_ms=NOW)
            host.run()
            [failed] = host.news(1)
            assert isinstance(failed, events.Failed)
            self.assertEqual((failed.user, failed.message_id), ("nobody", message_id))
            self.assertIsInstance(failed.reason, sealwax.UnknownUserError)

    def test_a_group_is_founded_written_to_and_left(self) -> None:
        with Host("alice", "bob", "carol") as host:
            alice, bob = host.clients[1], host.clients[2]
            for number in host.clients:
                host.news(number)
            request = alice.create_group("team-42", ["bob"], now_ms=NOW)
            self.assertGreater(request, 0)
            host.run()
            news = host.news(1)
            [done] = [event for event in news if isinstance(event, events.Done)]
            self.assertEqual(done.request, request)
            self.assertIn("team-42", [event.label for event in news if isinstance(event, events.GroupCreated)])
            group = done.group
            self.assertEqual((alice.groups(), bob.groups()), ([group], [group]))
            [joined] = [event for event in host.news(2) if isinstance(event, events.GroupJoined)]
            self.assertEqual((joined.group, joined.label, joined.by), (group, "team-42", "alice"))

            added = alice.add_member(group, "carol", sealwax.Role.ADMIN, now_ms=NOW)
            host.run()
            message_id = bob.send_group(group, "hi all", now_ms=NOW)
            host.run()
            for number in (1, 3):
                told = host.news(number)
                [message] = [event for event in told if isinstance(event, events.GroupMessage)]
                self.assertEqual((message.user, message.text, message.message_id), ("bob", "hi all", message_id))
                self.assertIsNone(message.by)
                requests = [event.request for event in told if isinstance(event, events.Done)]
                self.assertEqual(requests, [added] if number == 1 else [])
            state = alice.group_state(group)
            self.assertEqual((state.label, state.role, state.open), ("team-42", sealwax.Role.OWNER, False))
            self.assertEqual((state.deleted, state.branch_heads), (False, ()))
            info = alice.group_info(group)
            self.assertEqual((state.epoch, state.hash.hex()), (info["epoch"], info["hash"]))
            members = [(one.user, one.role.name.lower(), one.fingerprint.hex()) for one in alice.group_members(group)]
            self.assertEqual(members, [(one["user"], one["role"], one["fingerprint"]) for one in info["members"]])
            self.assertEqual(alice.fingerprint("bob"), bob.fingerprint())
            roles = {member["user"]: member["role"] for member in alice.group_info(group)["members"]}
            self.assertEqual(roles, {"alice": "owner", "bob": "member", "carol": "admin"})

            refused = bob.delete_group(group, now_ms=NOW)
            host.run()
            failures = [event for event in host.news(2) if isinstance(event, events.Failure)]
            self.assertEqual([(failure.request, failure.group) for failure in failures], [(refused, group)])
            self.assertIsInstance(failures[0].reason, sealwax.NotPermittedError)
            bob.leave_group(group, now_ms=NOW)
            host.run()
            left = [event for event in host.news(1) if isinstance(event, events.MemberLeft)]
            self.assertEqual([(event.user, event.by) for event in left], [("bob", "bob")])
            with self.assertRaises(sealwax.NotAMemberError):
                bob.send_group(group, "still here?", now_ms=NOW)
            with self.assertRaises(sealwax.UnknownGroupError):
                bob.group_info(bytes(32))

    def test_the_past_of_a_group_is_shared_and_read(self) -> None:
        with Host("alice", "bob", "carol", retain_history=True) as host:
            alice, bob, carol = host.clients[1], host.clients[2], host.clients[3]
            alice.create_group("team", ["bob"], now_ms=NOW)
            host.run()
            [group] = alice.groups()
            message_id = bob.send_group(group, "before you came", now_ms=NOW)
            host.run()
            past = host.delivered[1]
            alice.add_member(group, "carol", now_ms=NOW)
            host.run()
            # A key is shared once it is out of use.
            bob.send_group(group, "welcome", now_ms=NOW)
            host.run()
            host.news(3)
            self.assertEqual(carol.read_shared(group, past, now_ms=NOW), 0)
            alice.share_history(group, "carol", now_ms=NOW)
            host.run()
            host.news(3)
            self.assertEqual(carol.read_shared(group, past, now_ms=NOW), 1)
            [message] = host.news(3)
            assert isinstance(message, events.GroupMessage)
            self.assertEqual((message.user, message.text, message.by), ("bob", "before you came", "alice"))
            self.assertEqual(message.message_id, message_id)
            self.assertEqual(carol.read_shared(group, [], now_ms=NOW), 0)
            with self.assertRaises(sealwax.UnknownGroupError):
                carol.read_shared(bytes(32), past, now_ms=NOW)


if __name__ == "__main__":
    unittest.main()
