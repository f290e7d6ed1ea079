"""group.json, derived anew."""

import copy
import unittest

import group
from content import Content
from group import Chain, Distribution, GroupMessage, History, SenderKey
from primitives import KeyPair
from roster import Roster
from vectors import VectorTest


class GroupVectors(VectorTest):
    FILE = "group.json"

    def test_every_value_of_the_file_is_derived_anew(self):
        file = self.load()
        roster = Roster.open(file.bytes("roster_log"))
        self.states = roster.own.states
        self.group_id = roster.state.group_id
        file.expect("group_id", self.group_id)
        keys = {}
        for v in file.each("keys"):
            key = self.key(v)
            keys[key.id] = key
        first = next(iter(keys.values()))
        for v in file.each("chain"):
            self.chain(v, first)
        sent = [self.message(v, keys[v.bytes("key_id")]) for v in file.each("messages")]
        for v in file.each("distributions"):
            self.distribution(v, keys, sent)
        for v in file.each("history"):
            self.history(v, keys, sent)
        for v in file.each("padded"):
            key = self.key(v.inner("key"))
            message = v.inner("message")
            self.message(message, key)
        file.close()

    def key(self, v):
        key = Key(self.group_id, v)
        state = self.states[key.epoch]
        v.expect("roster_hash", state.hash)
        return key

    def chain(self, v, key):
        at, counter = key.at(v.given("counter")), v.given("counter")
        v.expect("chain", at.chain)
        v.expect("next_seed", at.next_seed)
        _, message_key, commit = group.message_step(at.chain)
        v.expect("message_key", message_key)
        v.expect("commit", commit)
        self.assertEqual(at.counter, counter)

    def message(self, v, key):
        self.assertEqual(v.bytes("key_id"), key.id)
        counter, epoch, state = v.given("counter"), v.given("epoch"), self.states[v.given("epoch")]
        v.expect("roster_hash", state.hash[:16])
        message_key, commit = key.at(counter).step()
        v.expect("message_key", message_key)
        v.expect("commit", commit)
        body, resumed_from = v.bytes("body"), v.given("resumed_from")
        plaintext = Content(1, v.bytes("message_id"), body).encode({"none": False, "padme": True}[v.given("padding")])
        v.expect("content", plaintext)
        link = bytes(16) if resumed_from is not None else key.links[counter]
        v.expect("link", link)
        envelope, following = group.seal_message(
            key.signing, message_key, commit, self.group_id, key.sender, key.id, epoch, state.hash, counter,
            v.given("timestamp_ms"), v.bytes("nonce"), link, plaintext, resumed_from)
        v.expect("envelope", envelope)
        v.expect("next_link", following)
        m = GroupMessage.parse(envelope)
        v.expect("aad", m.aad)
        v.expect("ciphertext", m.ciphertext)
        v.expect("digest", group.digest(commit, m.aad, m.ciphertext))
        v.expect("signature", m.signature)
        v.expect("envelope_id", m.id)
        key.links[counter + 1] = following
        reader = SenderKey(key.sender, self.group_id, key.epoch, key.id, key.signing.public, key.at(0), 0)
        content, _ = reader.open(m)
        self.assertEqual(content.body, body)
        return envelope, body

    def opens(self, reader, counter, sent):
        """Everything of this key from `counter` on is read, in reverse order."""
        for envelope, body in reversed(sent):
            m = GroupMessage.parse(envelope)
            if m.key_id == reader.key_id and m.counter >= counter:
                content, reader = reader.open(m)
                self.assertEqual(content.body, body)

    def distribution(self, v, keys, sent):
        key, counter = keys[v.bytes("key_id")], v.given("counter")
        at, state = key.at(counter), self.states[v.given("epoch")]
        self.assertEqual(v.given("epoch"), key.epoch)
        v.expect("roster_hash", state.hash)
        v.expect("signing_key", key.signing.public)
        v.expect("chain", at.chain)
        v.expect("next_seed", at.next_seed)
        v.expect("link", key.links.get(counter, bytes(16)))
        link, previous = v.bytes("link"), None
        if v.given("previous") is not None:
            before = v.inner("previous")
            count, old = before.given("count"), keys[before.bytes("key_id")]
            before.expect("link", old.links[count])
            previous = old.id, count, old.links[count]
        d = Distribution(self.group_id, key.epoch, state.hash, key.id, key.signing.public, counter, at.chain, at.next_seed,
                         link, previous)
        v.expect("distribution", d.encode())
        self.assertEqual(Distribution.parse(d.encode(), key.sender), d)
        reader = SenderKey(key.sender, self.group_id, key.epoch, key.id, key.signing.public, copy.copy(at), counter,
                           links={counter: link})
        self.opens(reader, counter, sent)

    def history(self, v, keys, sent):
        key, counter = keys[v.bytes("key_id")], v.given("counter")
        at, state = key.at(counter), self.states[v.given("epoch")]
        v.expect("sender", key.sender)
        v.expect("sender_fingerprint", state.members[key.sender].fingerprint)
        v.expect("epoch", key.epoch)
        v.expect("signing_key", key.signing.public)
        v.expect("chain", at.chain)
        v.expect("next_seed", at.next_seed)
        end = v.given("end")
        h = History(self.group_id, key.sender, state.members[key.sender].fingerprint, key.epoch, key.id,
                    key.signing.public, counter, at.chain, at.next_seed, end)
        v.expect("history", h.encode())
        self.assertEqual(History.parse(h.encode()), h)
        reader = SenderKey(key.sender, self.group_id, key.epoch, key.id, key.signing.public, copy.copy(at), counter, end=end)
        self.opens(reader, counter, sent)


class Key:
    """A sender key of the file, with the links that its messages gave so far."""

    def __init__(self, group_id, v):
        self.sender, self.epoch, self.id = v.given("sender"), v.given("epoch"), v.bytes("key_id")
        self.signing, self.seed = KeyPair.of(v.bytes("signing_private")), v.bytes("seed_0")
        v.expect("signing_key", self.signing.public)
        link = group.first_link(group_id, self.sender, self.id, self.epoch, self.signing.public)
        v.expect("link_0", link)
        self.links = {0: link}

    def at(self, counter):
        chain = Chain.start(self.seed)
        while chain.counter // group.BLOCK < counter // group.BLOCK:
            chain.leave_block()
        while chain.counter < counter:
            chain.step()
        return chain


if __name__ == "__main__":
    unittest.main()
