"""Frames and the objects in them, read by the library; and a relay of the library between clients of this implementation."""

import json
import unittest

import frames
import roster
from codec import Refused, number, user, vector
from content import Content
from group import GroupMessage, Sender
from identity import Card, Identity, PrekeyBundle
from library import Library, Status
from roster import Entry, Member, Roster
from session import Envelope, Session

NOW = 1_900_000_000_000


class Frames(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.library = Library()

    def setUp(self):
        self.alice, self.bob = Identity("alice", created_ms=NOW), Identity("bob", created_ms=NOW)
        members = [Member(i.user, i.card.sign_key, i.card.agree_key, role)
                   for i, role in ((self.alice, roster.OWNER), (self.bob, roster.MEMBER))]
        body = roster.create_body("g", 0, roster.ADMIN, bytes(range(32)), members)
        self.create = roster.make_entry(self.alice, None, roster.CREATE, body, NOW)
        self.roster = Roster.open(self.create)
        self.group_id = self.roster.state.group_id
        self.leave = roster.make_entry(self.bob, self.roster.state, roster.LEAVE, b"", NOW)
        self.bundle = self.bob.prekeys(1, NOW)
        self.session = Session.initiate(self.alice, self.bob.card.encoded, self.bundle, NOW, hidden_header=True)
        self.direct = self.session.encrypt(Content.data(b"hello"), NOW)
        self.group_message = Sender(self.alice, self.roster).encrypt(Content.data(b"hello all"), NOW)

    def inspect(self, encoded):
        return json.loads(self.library.envelope_inspect(encoded))

    def objects(self):
        """One frame of each type, with real objects in it."""
        card = self.bob.card.encoded
        return [
            ("hello", {"method": 1, "card": card, "store_id": b"s" * 16, "commit": 3, "relay_id": b"r" * 16, "seen": 4}),
            ("ok", {}),
            ("error", {"status": 300, "retry_after_ms": 0, "epoch": 0, "text": b"no"}),
            ("challenge", {"nonce": b"n" * 32, "relay_name": "relay"}),
            ("prekeys", {"commit": 5, "bundle": self.bundle}),
            ("lookup", {"user": "bob/phone"}),
            ("found", {"card": card, "bundle": self.bundle}),
            ("found", {"card": card, "bundle": b""}),
            ("commit", {"commit": 6, "entry": self.create}),
            ("fetch log", {"group_id": self.group_id, "from_epoch": 3}),
            ("log", {"entries": self.create + self.leave}),
            ("send", {"commit": 7, "envelope": self.direct}),
            ("send", {"commit": 8, "envelope": self.group_message}),
            ("deliver", {"sequence": 5, "flags": 0, "payload": self.direct}),
            ("deliver", {"sequence": 6, "flags": 0, "payload": self.leave}),
            ("deliver", {"sequence": 0, "flags": frames.QUEUE_END, "payload": b""}),
            ("acknowledge", {"commit": 9, "sequence": 6}),
            ("proof", {"signature": b"p" * 64}),
            ("welcome", {"time_ms": NOW, "relay_id": b"r" * 16, "commit": 9, "acknowledged": 5, "last": 7,
                         "signed_prekey_expires_ms": NOW, "one_time_prekeys": 20, "frame_max": 1 << 22}),
            ("send many", {"commit": 10, "envelopes": vector(self.direct, frames.LONG) * 2}),
            ("sent many", {"statuses": number(0, 4) + number(611, 4)}),
            ("presence", {"state": 1, "user": "bob"}),
            ("watch", {"visible": 1, "users": user("alice") + user("bob")}),
            ("find", {"label": "team"}),
            ("groups", {"groups": self.group_id + b"\1"}),
            ("ping", {}),
        ]

    def test_every_frame_is_read_by_the_library_as_it_was_meant(self):
        for name, values in self.objects():
            request = 0 if name in frames.UNASKED else 77
            told = self.inspect(frames.encode(name, request, **values))
            self.assertEqual((told["kind"], told["type"], told["request"]), ("frame", name.replace(" ", "_"), request))
            body = told["body"]
            for field, value in values.items():
                with self.subTest(frame=name, field=field):
                    if field in ("state", "visible"):
                        self.assertIs(body["online" if field == "state" else field], bool(value))
                    elif isinstance(value, (int, str)) and field != "flags":
                        self.assertEqual(body[field], value)
                    elif field == "envelopes":
                        self.assertEqual(body[field], [self.inspect(e) for e in (self.direct, self.direct)])
                    elif field == "statuses":
                        self.assertEqual(body[field], [0, 611])
                    elif field == "users":
                        self.assertEqual(body[field], ["alice", "bob"])
                    elif field == "groups":
                        found = {"group_id": self.group_id.hex(), "open": True, "member": False}
                        self.assertEqual(body[field], [found])
                    elif field == "text":
                        self.assertEqual(body[field], value.decode())
                    elif field == "flags":
                        self.assertEqual(body["queue_end"], bool(value))
                    elif field in ("group_id", "store_id", "relay_id", "nonce", "signature"):
                        self.assertEqual(body[field], value.hex())
                    elif field == "entries":
                        self.assertEqual(body["entries_len"], len(value))
                    else:
                        self.assertEqual(body[field], self.inspect(value) if value else None)

    def test_changed_frames_are_refused_alike(self):
        for name, values in self.objects():
            frame = frames.encode(name, 0 if name in frames.UNASKED else 77, **values)
            for at in range(min(len(frame), 24)):
                for bit in (1, 0x80):
                    changed = bytearray(frame)
                    changed[at] ^= bit
                    if at == 4:  # another kind of object: the library inspects those too
                        continue
                    here = there = "OK"
                    try:
                        frames.parse(bytes(changed))
                    except Refused as e:
                        here = e.status
                    try:
                        self.inspect(bytes(changed))
                    except Status as e:
                        there = e.status
                    self.assertEqual(here, there, f"{name}, byte {at}")

    def test_objects_are_shown_as_they_were_made(self):
        told, e = self.inspect(self.direct), Envelope.parse(self.direct)
        self.assertEqual((told["kind"], told["sender"], told["recipient"]), ("session_first", "alice", "bob"))
        self.assertEqual((told["key_id"], told["envelope_id"]), (e.key_id.hex(), e.id.hex()))
        self.assertEqual(told["handshake"]["ephemeral"], e.handshake.ephemeral.hex())
        told, m = self.inspect(self.group_message), GroupMessage.parse(self.group_message)
        self.assertEqual((told["kind"], told["sender"], told["counter"]), ("group", "alice", 0))
        self.assertEqual((told["group_id"], told["roster_hash"]), (m.group_id.hex(), m.roster_hash.hex()))
        self.assertEqual(told["envelope_id"], m.id.hex())
        told, entry = self.inspect(self.leave), Entry.parse(self.leave)
        self.assertEqual((told["kind"], told["action"], told["previous"]), ("roster_entry", "leave", entry.previous.hex()))

    def test_a_relay_of_the_library_serves_clients_of_this_implementation(self):
        relay, view = self.library.relay_new(""), self.library.view
        for identity in (self.alice, self.bob):
            relay.register(identity.user, identity.card.encoded, NOW)
            relay.set_online(identity.user, 1, NOW)
        relay.publish("bob", self.bundle, NOW)
        card, bundle, _ = relay.lookup("alice", "bob", NOW)
        self.assertEqual(Card.parse(card), self.bob.card)
        self.assertEqual(PrekeyBundle.parse(bundle), PrekeyBundle.parse(self.bundle))
        _, second, _ = relay.lookup("alice", "bob", NOW)
        self.assertEqual(PrekeyBundle.parse(second).one_time, ())

        [(user, payload, sequence, id, flags)] = view(relay.route("alice", self.direct, NOW))
        self.assertEqual((user, payload, sequence, flags), ("bob", self.direct, 1, 0))
        self.assertEqual(id, Envelope.parse(payload).id)
        name, _, deliver = frames.parse(frames.encode("deliver", 0, sequence=sequence, flags=flags, payload=payload))
        self.assertEqual((name, Session.accept(self.bob, deliver["payload"], NOW)[1].payload), ("deliver", b"hello"))
        self.assertEqual(view(relay.route("alice", self.direct, NOW)), [])

        created = view(relay.commit("alice", self.create, NOW))
        self.assertEqual({(user, payload) for user, payload, *_ in created}, {("alice", self.create), ("bob", self.create)})
        [(user, payload, _, id, _)] = view(relay.route("alice", self.group_message, NOW))
        self.assertEqual((user, payload, id), ("bob", self.group_message, GroupMessage.parse(payload).id))
        relay.commit("bob", self.leave, NOW)
        self.assertEqual(relay.log("alice", self.group_id, 0), self.create + self.leave)

        again = roster.make_entry(self.alice, self.roster.state, roster.REMOVE, roster.user("bob"), NOW)
        for status, action in (
            ("STALE_EPOCH", lambda: relay.commit("alice", again, NOW)),
            ("NOT_PERMITTED", lambda: relay.route("bob", self.direct, NOW)),
            ("NOT_PERMITTED", lambda: relay.commit("alice", self.leave, NOW)),
            ("IDENTITY_CHANGED", lambda: relay.register("bob", Identity("bob").card.encoded, NOW)),
            ("UNKNOWN_USER", lambda: relay.lookup("alice", "nobody", NOW)),
        ):
            with self.assertRaises(Status) as caught:
                action()
            self.assertEqual(caught.exception.status, status)


if __name__ == "__main__":
    unittest.main()
