"""session.json, derived anew."""

import unittest

import session
from codec import SUITE, number
from content import Content, padme
from identity import Card, Identity, PrekeyBundle
from primitives import KeyPair, L, hash_, seal
from session import Envelope, Handshake, RatchetHeader, Session
from vectors import VectorTest


class SessionVectors(VectorTest):
    FILE = "session.json"

    def test_every_value_of_the_file_is_derived_anew(self):
        file = self.load()
        for v in file.each("padme"):
            v.expect("padded", padme(v.given("length")))
        for v in file.each("sessions"):
            Story(self, v).tell()
        file.close()


class Story:
    """One session of the file: first step by step, then as two clients of this implementation live it."""

    def __init__(self, test, v):
        self.test, self.v = test, v
        v.ignore("name")
        self.flags, self.padded = v.given("flags"), {"none": False, "padme": True}[v.given("padding")]
        self.initiator, self.responder = self.party("initiator"), self.party("responder")
        bundle = v.bytes("bundle")
        self.bundle = PrekeyBundle.parse(bundle) if bundle else None
        self.signed, self.one_time = self.prekey("signed_prekey_private"), self.prekey("one_time_prekey_private")
        self.opened = []

    def party(self, role):
        v = self.v.inner(role)
        card, agree = Card.parse(v.bytes("card")), KeyPair.of(v.bytes("agree_private"))
        v.expect("user", card.user)
        self.test.assertEqual(card.agree_key, agree.public)
        return card, agree

    def prekey(self, key):
        private = self.v.bytes(key)
        return KeyPair.of(private) if private else None

    def tell(self):
        self.handshake(self.v.inner("handshake"))
        self.live = self.clients()
        for turn in self.v.each("turns"):
            self.turn(turn)
        self.late()

    def handshake(self, v):
        (a, a_agree), (b, b_agree) = self.initiator, self.responder
        ephemeral = KeyPair.of(v.bytes("ephemeral_private"))
        v.expect("ephemeral", ephemeral.public)
        v.expect("ephemeral_hash", hash_("sealwax ephemeral/1", ephemeral.public))
        signed_id = self.bundle.signed.id if self.bundle else None
        one_time_id = self.bundle.one_time[0].id if self.one_time else None
        self.block = Handshake(a.encoded, v.given("created_ms"), ephemeral.public, signed_id, one_time_id)
        self.v.expect("level", self.block.level)
        v.expect("handshake", self.block.encode())
        signed_key = self.signed.public if self.signed else None
        one_time_key = self.one_time.public if self.one_time else None
        if self.bundle:
            self.bundle.check(b, self.block.created_ms)
            self.test.assertEqual(self.bundle.signed.key, signed_key)
            self.test.assertEqual([key.key for key in self.bundle.one_time], [one_time_key] if one_time_key else [])
        shared = session.shared_by_initiator(a_agree, ephemeral, b.agree_key, signed_key, one_time_key)
        self.test.assertEqual(
            shared, session.shared_by_responder(b_agree, a.agree_key, ephemeral.public, self.signed, self.one_time))
        self.test.assertEqual(v.given("dh"), [dh.hex() for dh in shared])
        transcript = session.transcript(a, b, self.flags, self.block, signed_key or b"", one_time_key or b"")
        v.expect("transcript", transcript)
        self.hash = hash_("sealwax transcript/1", transcript)
        v.expect("handshake_hash", self.hash)
        v.expect("key_id", self.hash[:8])
        v.expect("ikm", b"\xff" * 32 + b"".join(shared))
        v.expect("info", L("sealwax handshake/1") + number(SUITE, 2) + self.hash)
        self.root, header_key_a, header_key_b = session.handshake_keys(shared, self.hash)
        v.expect("root", self.root)
        v.expect("header_key_a", header_key_a)
        v.expect("header_key_b", header_key_b)
        self.next_header_key = {a.user: header_key_a, b.user: header_key_b}
        self.remote = {a.user: signed_key or b.agree_key}
        self.ephemeral = ephemeral
        self.counts = {a.user: 0, b.user: 0}

    def clients(self):
        """Two clients with the keys of the file, each with its own state."""
        clients = {}
        for card, agree in (self.initiator, self.responder):
            me = Identity.__new__(Identity)
            me.card, me.agree = card, agree
            me.signed = {self.bundle.signed.id: self.signed} if self.bundle else {}
            me.one_time = {self.bundle.one_time[0].id: self.one_time} if self.one_time else {}
            me.remembered = set()
            clients[card.user] = me
        return clients

    def turn(self, v):
        (a, _), (b, _) = self.initiator, self.responder
        sender = v.given("sender")
        recipient = b.user if sender == a.user else a.user
        ratchet = KeyPair.of(v.bytes("ratchet_private"))
        v.expect("ratchet_key", ratchet.public)
        v.expect("dh", ratchet.ecdh(self.remote[sender]))
        header_key = self.next_header_key[sender]
        v.expect("header_key", header_key)
        self.root, chain, following = session.root_step(self.root, ratchet, self.remote[sender])
        self.next_header_key[sender] = following
        v.expect("root", self.root)
        v.expect("chain", chain)
        v.expect("next_header_key", following)
        previous = self.counts[sender]
        v.expect("previous_count", previous)
        self.remote[recipient] = ratchet.public
        messages = list(v.each("messages"))
        for counter, message in enumerate(messages):
            message.expect("counter", counter)
            chain, key = session.chain_step(chain)
            message.expect("chain", chain)
            message.expect("message_key", key)
            first = sender == a.user and not any(by == b.user for by, _, _ in self.opened)
            self.message(message, sender, recipient, first, ratchet, previous, counter, header_key, key)
        self.counts[sender] = len(messages)

    def message(self, v, sender, recipient, first, ratchet, previous, counter, header_key, key):
        content = Content(v.given("content_kind"), v.bytes("message_id"), v.bytes("body"))
        v.expect("content", content.encode(self.padded))
        header = RatchetHeader(ratchet.public, previous, counter)
        v.expect("header", header.encode())
        nonce, timestamp = v.bytes("nonce"), v.given("timestamp_ms")
        header_nonce = v.bytes("header_nonce") if self.flags else None
        encoded = session.seal_envelope(
            self.flags, sender, recipient, self.hash[:8], timestamp, nonce, self.block if first else None, header,
            header_key, header_nonce, key, content.encode(self.padded))
        v.expect("envelope", encoded)
        e = Envelope.parse(encoded)
        v.expect("aad", e.aad)
        if self.flags:
            v.expect("before_header", e.header_aad)
            v.expect("sealed_header", seal(header_key, header_nonce, e.header_aad, header.encode()))
        else:
            v.expect("before_header", e.aad[: -4 - 73])
        v.expect("envelope_id", e.id)
        self.live_message(sender, recipient, ratchet, content, nonce, header_nonce, timestamp, encoded)
        self.opened.append((sender, encoded, content))

    def live_message(self, sender, recipient, ratchet, content, nonce, header_nonce, timestamp, encoded):
        """The same message out of one client's state machine and into the other's."""
        one, other = self.live[sender], self.live[recipient]
        if isinstance(one, Identity):
            one = self.live[sender] = Session.initiate(
                one, self.responder[0].encoded, self.bundle and self.bundle.encode(), self.block.created_ms,
                bool(self.flags), self.ephemeral.private, ratchet.private)
        made = one.encrypt(content, timestamp, self.padded, nonce, header_nonce, ratchet.private)
        self.test.assertEqual(made.hex(), encoded.hex())
        if isinstance(other, Identity):
            self.late_reader = self.clients()[recipient]
            self.live[recipient], opened = Session.accept(other, encoded, timestamp)
        else:
            opened = other.decrypt(encoded, timestamp)
        self.test.assertEqual(opened, content)

    def late(self):
        """A responder who gets all of the initiator's first turn in reverse opens all of it."""
        a = self.initiator[0].user
        first_turn = []
        for sender, encoded, content in self.opened:
            if sender != a:
                break
            first_turn.append((encoded, content))
        reader = None
        for encoded, content in reversed(first_turn):
            if reader is None:
                reader, opened = Session.accept(self.late_reader, encoded, self.block.created_ms)
            else:
                opened = reader.decrypt(encoded, self.block.created_ms)
            self.test.assertEqual(opened, content)
            self.test.refuses("DUPLICATE", reader.decrypt, encoded, self.block.created_ms)


if __name__ == "__main__":
    unittest.main()
