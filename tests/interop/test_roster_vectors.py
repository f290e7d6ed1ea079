"""roster.json, derived anew."""

import unittest

from codec import ROSTER_ENTRY, Refused, number, prefix, user, vector
from primitives import KeyPair, L, hash_
from roster import Entry, Roster, State
from vectors import VectorTest


class RosterVectors(VectorTest):
    FILE = "roster.json"

    def test_every_value_of_the_file_is_derived_anew(self):
        file = self.load()
        file.ignore("description")
        state, log = None, b""
        for v in file.each("entries"):
            entry = self.entry(v)
            state = State.create(entry) if state is None else state.extend(entry)
            self.state(v.inner("after"), state)
            if not state.deleted:  # the fork starts before the group's end
                log += entry.encoded
        file.expect("log", log)
        roster = Roster.open(log + entry.encoded)
        self.assertEqual((roster.state, roster.log()), (state, log + entry.encoded))
        self.fork(file.inner("fork"), log)
        self.refused(file.inner("refused"))
        file.close()

    def entry(self, v):
        v.ignore("name")
        sign = KeyPair.of(v.bytes("actor_sign_private"))
        signed = prefix(ROSTER_ENTRY) + v.bytes("group_id") + number(v.given("epoch"), 8) + v.bytes("previous")
        signed += user(v.given("actor")) + v.bytes("actor_fingerprint") + number(v.given("timestamp_ms"), 8)
        signed += number(v.given("action"), 1) + vector(v.bytes("body"), (1 << 22) - 1)
        v.expect("signature_input", L("sealwax roster/1") + signed)
        signature = sign.sign("sealwax roster/1", signed)
        v.expect("signature", signature)
        v.expect("entry", signed + signature)
        v.expect("entry_hash", hash_("sealwax entry/1", signed + signature))
        return Entry.parse(signed + signature)

    def state(self, v, state):
        v.expect("deleted", state.deleted)
        v.expect("epoch", state.epoch)
        v.expect("group_id", state.group_id)
        v.expect("hash", state.hash)
        v.expect("membership_epoch", state.membership_epoch)
        members = list(v.each("members"))
        self.assertEqual(len(members), len(state.members))
        for member in members:
            held = state.members[member.given("user")]
            member.expect("fingerprint", held.fingerprint)
            member.expect("role", held.role)

    def fork(self, v, log):
        entries = Entry.parse_all(log)
        own = [Entry.parse(bytes.fromhex(e)) for e in v.given("own")]
        branch = [Entry.parse(bytes.fromhex(e)) for e in v.given("branch")]
        roster = Roster(entries[0])
        for entry in entries[1:]:
            roster.apply(entry)
        self.state(v.inner("before"), roster.state)
        roster.apply(own[0])
        for entry in branch:
            self.refuses("ROSTER_FORKED", roster.apply, entry)
        self.assertTrue(roster.forked)
        self.assertEqual(sorted(roster.entitled()), sorted(v.given("entitled_while_forked")))
        for resolve in v.each("resolves"):
            entry = self.entry(resolve)
            chosen, rejected = entry.content()
            self.assertEqual(chosen, entry.previous)
            resolve.expect("rejected", b"".join(rejected))
            resolved = Roster.open(b"".join(e.encoded for e in entries))
            for known in own + branch:
                try:
                    resolved.apply(known)
                except Refused as e:
                    self.assertEqual(e.status, "ROSTER_FORKED")
            resolved.apply(entry)
            self.assertFalse(resolved.forked)
            self.state(resolve.inner("after"), resolved.state)
            self.assertEqual(resolved.state.hash, entry.hash)
            for hash__ in rejected:
                first = next(e for e in own + branch if e.hash == hash__)
                self.refuses("STALE_EPOCH", resolved.apply, first)

    def refused(self, v):
        log = v.bytes("log")
        for case in v.each("entries"):
            encoded, status = case.bytes("entry"), case.given("status")
            case.ignore("why")
            roster = Roster.open(log)
            self.refuses(status, lambda: roster.apply(Entry.parse(encoded)))
            self.assertEqual(roster.log(), log)


if __name__ == "__main__":
    unittest.main()
