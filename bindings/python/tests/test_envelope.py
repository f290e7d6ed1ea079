"""Envelopes as anybody sees them."""

from __future__ import annotations

import sealwax
from case import NOW, Case
from sealwax import Envelope, Identity, Kind, Roster, Session, inspect


class Envelopes(Case):
    def test_the_header_of_a_session_message_is_public(self) -> None:
        with Identity("alice", now_ms=NOW) as alice, Identity("bob", now_ms=NOW) as bob:
            with Session.initiate(alice, bob.card(), bob.prekeys(1, now_ms=NOW), now_ms=NOW) as session:
                data = session.encrypt(b"hello", now_ms=NOW)
        for buffer in (data, bytearray(data), memoryview(data)):
            envelope = Envelope.parse(buffer)
            self.assertIs(envelope.kind, Kind.SESSION_FIRST)
            self.assertEqual((envelope.sender, envelope.recipient), ("alice", "bob"))
            self.assertIsNone(envelope.group)
            # It is later than the handshake, by which peers tell them apart.
            self.assertEqual(envelope.timestamp_ms, NOW + 1)
            self.assertEqual(len(envelope.envelope_id), 16)
            self.assertFalse(envelope.hidden_header or envelope.resumed)
        seen = inspect(data)
        self.assertEqual((seen["kind"], seen["sender"]), ("session_first", "alice"))
        self.assertEqual(seen["envelope_id"], envelope.envelope_id.hex())

    def test_the_header_of_a_roster_entry_is_public(self) -> None:
        with Identity("alice", now_ms=NOW) as alice, Identity("bob", now_ms=NOW) as bob:
            with Roster.create(alice, "team", now_ms=NOW) as roster:
                first = Envelope.parse(roster.log())
                entry = Envelope.parse(roster.propose_add(alice, [bob.card()], now_ms=NOW))
                self.assertIs(first.kind, Kind.ROSTER_ENTRY)
                self.assertIsNone(first.group)
                self.assertEqual((entry.sender, entry.group), ("alice", roster.group_id))
                self.assertIsNone(entry.recipient)

    def test_a_frame_that_delivers_nothing_holds_no_envelope(self) -> None:
        with sealwax.Client.create("alice", key=bytes(32), now_ms=NOW) as client:
            client.connected("relay.example", now_ms=NOW)
            [hello] = client.frames()
            self.assertIsNone(sealwax.delivered_envelope(hello))
            with self.assertRaises(sealwax.WrongKindError):
                sealwax.delivered_envelope(client.card())
        with self.assertRaises(sealwax.ObjectError):
            sealwax.delivered_envelope(b"nonsense")

    def test_what_is_no_envelope_is_refused(self) -> None:
        with Identity("alice", now_ms=NOW) as alice:
            with self.assertRaises(sealwax.WrongKindError):
                Envelope.parse(alice.card())
            self.assertEqual(inspect(alice.card())["user"], "alice")
            self.assertEqual(inspect(alice.prekeys(2, now_ms=NOW))["kind"], "prekeys")
        for nonsense in (b"", b"\x01", bytes(300)):
            with self.assertRaises(sealwax.ObjectError):
                Envelope.parse(nonsense)
            with self.assertRaises(sealwax.ObjectError):
                inspect(nonsense)
