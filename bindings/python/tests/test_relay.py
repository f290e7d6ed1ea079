"""Relays."""

from __future__ import annotations

import threading
from typing import Dict, List, Tuple

import sealwax
from case import NOW, Case
from sealwax import Envelope, Identity, Outcome, Record, Relay, Roster, Session


class Relays(Case):
    def setUp(self) -> None:
        self.relay = Relay()
        self.addCleanup(self.relay.close)
        self.stored: Dict[str, Tuple[bytes, int]] = {}
        self.people = {user: Identity(user, now_ms=NOW) for user in ("alice", "bob", "carol")}
        for user, identity in self.people.items():
            self.addCleanup(identity.close)
            self.store(self.relay.register(user, identity.card(), now_ms=NOW))
            self.store(self.relay.publish(user, identity.prekeys(10, now_ms=NOW), now_ms=NOW))

    def tearDown(self) -> None:
        self.doCleanups()
        super().tearDown()

    def store(self, outcome: Outcome) -> Outcome:
        """Does what a host does: compare and set."""
        for record in outcome.records:
            _, version = self.stored.pop(record.name, (b"", 0))
            self.assertEqual(version, record.replaces, record.name)
            if record.value is not None:
                self.stored[record.name] = (record.value, record.replaces + 1)
        return outcome

    def message(self, sender: str, recipient: str, text: bytes) -> bytes:
        found = self.relay.lookup(sender, recipient, now_ms=NOW)
        self.store(found.outcome)
        with Session.initiate(self.people[sender], found.card, found.prekeys, now_ms=NOW) as session:
            return session.encrypt(text, now_ms=NOW)

    def read(self, recipient: str, envelope: bytes) -> bytes:
        with Session.accept(self.people[recipient], envelope, now_ms=NOW) as session:
            return session.decrypt(envelope, now_ms=NOW)

    def test_a_lookup_gives_card_and_prekeys(self) -> None:
        found = self.relay.lookup("alice", "bob", now_ms=NOW)
        self.assertEqual(found.card, self.people["bob"].card())
        self.assertEqual(len(sealwax.inspect(found.prekeys)["one_time"]), 1)
        with self.assertRaises(sealwax.UnknownUserError):
            self.relay.lookup("alice", "nobody", now_ms=NOW)

    def test_long_names_take_more_room(self) -> None:
        user = "x" * 255
        with Identity(user, now_ms=NOW) as identity:
            self.relay.register(user, identity.card(), now_ms=NOW)
            found = self.relay.lookup("alice", user, now_ms=NOW)
            self.assertEqual((found.card, found.prekeys), (identity.card(), b""))

    def test_an_envelope_waits_until_its_recipient_comes(self) -> None:
        envelope = self.message("alice", "bob", b"hello")
        self.assertEqual(self.store(self.relay.route("alice", envelope, now_ms=NOW)).deliveries, [])
        message, end = self.store(self.relay.set_online("bob", True, now_ms=NOW)).deliveries
        self.assertEqual((message.user, message.payload, message.sequence), ("bob", envelope, 1))
        self.assertEqual(message.envelope_id, Envelope.parse(envelope).envelope_id)
        self.assertFalse(message.queue_end)
        self.assertEqual((end.user, end.payload, end.sequence, end.queue_end), ("bob", b"", 0, True))
        self.assertEqual(self.read("bob", message.payload), b"hello")
        self.store(self.relay.acknowledge("bob", 1, now_ms=NOW))
        self.assertEqual(self.relay.info()["queued"], 0)

    def test_one_who_is_online_is_given_it_at_once(self) -> None:
        self.relay.set_online("bob", True, now_ms=NOW)
        envelope = self.message("alice", "bob", b"hello")
        [delivery] = self.relay.route("alice", envelope, now_ms=NOW).deliveries
        self.assertEqual(delivery.payload, envelope)
        self.assertEqual(self.relay.route("alice", envelope, now_ms=NOW).deliveries, [])

    def test_a_payload_for_many_is_one_object(self) -> None:
        for user in self.people:
            self.relay.set_online(user, True, now_ms=NOW)
        cards = [self.people[user].card() for user in ("bob", "carol")]
        with Roster.create(self.people["alice"], "team", cards, now_ms=NOW) as roster:
            outcome = self.store(self.relay.commit("alice", roster.log(), now_ms=NOW))
            self.assertEqual({delivery.user for delivery in outcome.deliveries}, {"alice", "bob", "carol"})
            self.assertEqual(len({id(delivery.payload) for delivery in outcome.deliveries}), 1)
            self.assertEqual(self.relay.log("bob", roster.group_id), roster.log())
            with self.assertRaises(sealwax.StaleEpochError):
                one = roster.propose_remove(self.people["alice"], "bob", now_ms=NOW)
                other = roster.propose_remove(self.people["alice"], "carol", now_ms=NOW)
                self.relay.commit("alice", one, now_ms=NOW)
                self.relay.commit("alice", other, now_ms=NOW)

    def test_a_relay_is_restored_from_its_records(self) -> None:
        envelope = self.message("alice", "bob", b"hello")
        self.store(self.relay.route("alice", envelope, now_ms=NOW))
        with Relay() as again:
            for name, (value, version) in self.stored.items():
                again.restore(name, value, version)
            self.assertEqual(again.info()["queued"], 1)
            message, _ = again.set_online("bob", True, now_ms=NOW).deliveries
            self.assertEqual(message.payload, envelope)
            again.restore("card/nobody", None, 0)
            with self.assertRaises(sealwax.InvalidArgumentError):
                again.restore("nonsense", b"", 1)

    def test_the_relay_refuses(self) -> None:
        envelope = self.message("alice", "bob", b"hello")
        with self.assertRaises(sealwax.NotPermittedError):
            self.relay.route("carol", envelope, now_ms=NOW)
        with self.assertRaises(sealwax.UnknownUserError):
            self.relay.set_online("nobody", True, now_ms=NOW)
        with Identity("bob", now_ms=NOW) as other, self.assertRaises(sealwax.IdentityChangedError):
            self.relay.register("bob", other.card(), now_ms=NOW)
        with self.assertRaises(sealwax.InvalidArgumentError):
            self.relay.acknowledge("bob", 7, now_ms=NOW)

    def test_a_user_who_is_forgotten_may_be_another(self) -> None:
        with Identity("bob", now_ms=NOW) as other:
            with self.assertRaises(sealwax.IdentityChangedError):
                self.relay.register("bob", other.card(), now_ms=NOW)
            gone = {record.name for record in self.relay.forget_user("bob", now_ms=NOW).records if record.value is None}
            self.assertIn("card/bob", gone)
            self.relay.register("bob", other.card(), now_ms=NOW)
        with self.assertRaises(sealwax.UnknownUserError):
            self.relay.forget_user("nobody", now_ms=NOW)

    def test_connections_give_frames_and_take_them(self) -> None:
        relay = Relay(name="relay.example", idle_ms=5_000)
        prefix = bytes([1, 1, 0, 1, 0x60])
        card = Identity("alice", now_ms=NOW).card()
        hello = prefix + bytes([1, 0, 0, 0, 1, 0]) + len(card).to_bytes(2, "big") + card + bytes(16 + 8 + 16 + 8)
        self.assertEqual(relay.tick(now_ms=NOW).due_ms, None)
        relay.connect(7, "alice", now_ms=NOW)
        welcome, end = relay.receive(7, hello, now_ms=NOW).deliveries
        self.assertEqual((welcome.connection, welcome.user, welcome.payload), (7, "alice", b""))
        self.assertEqual((welcome.head[5], end.head[5], end.queue_end, end.close), (15, 12, True, False))
        (pong,) = relay.receive(7, prefix + bytes([22, 0, 0, 0, 9]), now_ms=NOW).deliveries
        self.assertEqual(pong.head + pong.payload, prefix + bytes([2, 0, 0, 0, 9]))
        tick = relay.tick(now_ms=NOW + 5_000)
        (closed,) = tick.outcome.deliveries
        self.assertEqual((closed.connection, closed.close, closed.head, tick.due_ms), (7, True, b"", NOW + 10_000))
        self.assertEqual(relay.disconnect(7, now_ms=NOW).deliveries, [])
        self.assertEqual(relay.tick(now_ms=NOW).due_ms, None)
        with self.assertRaises(sealwax.InvalidArgumentError):
            relay.connect(7, "bob", now_ms=NOW)
        with Relay() as nameless, self.assertRaises(sealwax.InvalidArgumentError):
            nameless.connect(1, now_ms=NOW)
        relay.connect(8, now_ms=NOW)
        (error,) = relay.receive(8, hello, now_ms=NOW).deliveries
        self.assertEqual((error.head[5], error.close, error.user), (3, True, ""))
        with self.assertRaises(sealwax.InvalidArgumentError):
            relay.receive(9, hello)

    def test_limits_are_options(self) -> None:
        with Relay(users_max=1) as small:
            small.register("alice", self.people["alice"].card(), now_ms=NOW)
            with self.assertRaises(sealwax.LimitReachedError):
                small.register("bob", self.people["bob"].card(), now_ms=NOW)
        with Relay(queue_max=1) as small:
            for user in ("alice", "bob"):
                small.register(user, self.people[user].card(), now_ms=NOW)
            small.route("alice", self.message("alice", "bob", b"1"), now_ms=NOW)
            with self.assertRaises(sealwax.QueueFullError) as caught:
                small.route("alice", self.message("alice", "bob", b"2"), now_ms=NOW)
            self.assertIsInstance(caught.exception, sealwax.RelayError)
        with self.assertRaisesRegex(sealwax.InvalidOptionsError, "'users_max'"):
            Relay(users_max=-1)

    def test_threads_share_a_relay(self) -> None:
        self.relay.set_online("bob", True, now_ms=NOW)
        envelopes = [self.message("alice", "bob", bytes([number])) for number in range(20)]
        sequences: List[int] = []
        errors: List[BaseException] = []

        def work(some: List[bytes]) -> None:
            try:
                for envelope in some:
                    outcome = self.relay.route("alice", envelope, now_ms=NOW)
                    sequences.extend(delivery.sequence for delivery in outcome.deliveries)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(envelopes[part::4],)) for part in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])
        self.assertEqual(sorted(sequences), list(range(1, 21)))

    def test_records_are_plain_values(self) -> None:
        outcome = self.relay.route("alice", self.message("alice", "bob", b"hello"), now_ms=NOW)
        self.assertTrue(all(isinstance(record, Record) for record in outcome.records))
        self.assertIn("queue/bob/00000000000000000001", [record.name for record in outcome.records])
