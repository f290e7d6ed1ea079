"""Client engines with their stores: two people and their relay, all in the subject."""

import contextlib
import ctypes
import os
import pathlib
import sqlite3
import struct
import tempfile

from group import block_step, message_step
from ledger import cipher
from library import Delivery
from primitives import expand, hkdf
from scene import NOW, Scene
from subject import Slices, bytes_

RELAY = "relay.example"
BINARY = 0
# Bytes of sealwax_event_fields.
FIELDS = 184
# Kinds of keys that a client holds while it is open; the store's own are all three known.
OF_STORE = ("record key", "name key", "digest key")
IN_USE = {"drawn key", "seed", "group chain", *OF_STORE}


class Person:
    """A client and its connection."""

    def __init__(self, scene, name, path=""):
        self.scene, self.name, self.key = scene, name, scene.key()
        self.client = scene.there.client_create(name, path, self.key, "", NOW)
        self.connection = len(scene.people) + 1
        scene.people.append(self)

    def connect(self):
        self.scene.deliver(self.scene.relay.connect(self.connection, "", NOW))
        self.client.connected(RELAY, NOW)

    def send(self, how, to, text):
        """How: "direct" to a user, "group" to a group."""
        call = getattr(self.scene.there.c, f"sealwax_client_send_{how}")
        self.scene.there.check(call(self.client.token, ctypes.c_char_p(to), ctypes.c_size_t(len(to)), BINARY,
                                    ctypes.c_char_p(text), ctypes.c_size_t(len(text)), 0, NOW, bytes_(16)))

    def events(self):
        """Takes out every event, one after the other, and confirms it once it was looked at."""
        while (event := self.client.next_event()).token:
            fields = bytes_(FIELDS)
            self.scene.there.check(self.scene.there.c.sealwax_event_view(event.token, fields))
            (number,) = struct.unpack_from("=Q", fields.raw, 8)
            user, by, group, label, payload = (
                self.scene.there.c.read(*struct.unpack_from("=QQ", fields.raw, 32 + 16 * at)) for at in range(5))
            yield group, payload
            self.client.confirm(number)
            self.scene.there.end(event)

    def end(self):
        self.scene.there.end(self.client)


class Clients(Scene):
    def setUp(self):
        super().setUp()
        self.people = []
        self.relay = self.there.relay_new('{"name":"%s"}' % RELAY)
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "store")
        self.alice, self.bob = Person(self, "alice"), Person(self, "bob", self.path)
        self.alice.connect()
        self.bob.connect()
        self.run_until_quiet()

    def deliver(self, deliveries):
        array, count = ctypes.c_uint64(), ctypes.c_uint64()
        view = self.there.c.sealwax_deliveries_view
        self.there.check(view(deliveries.token, ctypes.byref(array), ctypes.byref(count)))
        for at in range(count.value):
            raw = self.there.c.read(array.value + at * ctypes.sizeof(Delivery), ctypes.sizeof(Delivery))
            delivery = Delivery.from_buffer_copy(raw)
            head, payload = (self.there.c.read(s.ptr or 0, s.len) for s in (delivery.head, delivery.payload))
            self.ledger.publish(head + payload)
            self.people[delivery.connection - 1].client.receive(head + payload, NOW)
        self.there.end(deliveries)

    def run_until_quiet(self):
        moved = True
        while moved:
            moved = False
            for person in self.people:
                while frame := person.client.next_frame():
                    moved = True
                    self.ledger.publish(frame)
                    self.deliver(self.relay.receive(person.connection, frame, NOW))

    def test_an_ended_client_leaves_nothing(self):
        self.of_store()
        self.while_open()
        direct, shared = self.text(), self.text()
        self.alice.send("direct", b"bob", direct)
        self.run_until_quiet()
        self.while_open(shown=self.read(self.bob, direct))
        self.alice.client.create_group("team", Slices([b"bob"]), 1, 0, NOW)
        self.run_until_quiet()
        (group,) = {group for group, _ in self.alice.events() if group}
        self.bob.send("group", group, shared)
        self.run_until_quiet()
        self.while_open(shown=self.read(self.alice, shared))
        self.of_groups()
        for person in self.people:
            person.end()
        self.of_records()
        self.remains()

    def test_a_store_that_is_refused_leaves_no_key(self):
        self.bob.end()
        self.refused("STORE_WRONG_KEY", self.there.client_open, self.path, self.key(), "", NOW)
        self.of_store()
        again = self.there.client_open(self.path, self.bob.key, "", NOW)
        self.there.end(again)
        self.alice.end()
        self.of_records()
        self.remains()

    def read(self, person, text):
        """Takes out what is there to be read. How often the text was in memory while its event was."""
        seen = 0
        for _, payload in person.events():
            if payload == text:
                seen = len(self.there.c.search([self.ledger[text]]).get(self.ledger[text], ()))
        return seen

    def while_open(self, shown=1):
        """Keys that are in use are there, and nothing of what is done with."""
        self.assertGreater(shown, 0, "an event that is open holds its text")
        for secret, finds in self.there.c.search(self.ledger).items():
            places = {find.place for find in finds} - {"stack"}
            if places:
                self.assertIn(secret.name.rstrip(" 0123456789"), IN_USE, places)
        live = [secret for secret in self.ledger if secret.name == "drawn key 1" or secret.name in OF_STORE]
        self.assertEqual(len(live), 1 + len(OF_STORE))
        for secret in live:
            self.assertTrue(self.there.c.search([secret]), secret)

    def of_store(self):
        """The keys of Bob's store, by its id, which is among what was drawn. Those of other numbers are nobody's."""
        for salt in self.there.c.short_draws:
            if salt in self.file():
                hkdf(salt, self.bob.key, "sealwax store/1", b"", 128)

    def of_records(self):
        """The keys of the records that are left in Bob's store, each by its salt."""
        (key,) = (secret.raw for secret in self.ledger if secret.name == OF_STORE[0])
        with contextlib.closing(sqlite3.connect(self.path)) as store:
            values = [value for (value,) in store.execute("SELECT value FROM record")]
        self.assertGreater(len(values), 2)
        for value in values:
            self.ledger.add("key of a record", expand(key, "sealwax store/1", value[:12], 32), cipher)

    def file(self):
        """What is on the disk of Bob's store."""
        files = [pathlib.Path(self.path + end) for end in ("", "-wal")]
        return b"".join(file.read_bytes() for file in files if file.exists())

    def of_groups(self):
        """The first keys of each chain that one of the drawn keys may have begun."""
        for raw in self.drawn:
            _, chain = block_step(raw)
            for _ in range(3):
                chain, *_ = message_step(chain)
