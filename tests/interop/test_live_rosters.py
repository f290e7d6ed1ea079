"""Logs that the library and this implementation write together, entry by entry, and refuse for the same reasons."""

import unittest

import roster
from codec import Refused
from identity import Identity
from library import Library, Status, options
from roster import ADMIN, MEMBER, OWNER, Entry, Member, Roster

NOW = 1_900_000_000_000


def member(identity, role=MEMBER):
    card = identity.card
    return Member(card.user, card.sign_key, card.agree_key, role)


class Rosters(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.library = Library()

    def setUp(self):
        """A group that the library's Olga made, followed on both sides."""
        self.olga = self.library.identity_new("olga", "", NOW)
        self.ours = {name: Identity(name, created_ms=NOW) for name in ("ada", "bob", "cem", "dan")}
        cards = self.ours["ada"].card.encoded + self.ours["bob"].card.encoded
        self.there = self.library.roster_create(self.olga, "the team", cards, options(open=True), NOW)
        self.here = Roster.open(self.there.log(0))
        self.same()

    def same(self):
        state, info = self.here.state, self.there.tell()
        self.assertEqual(state.group_id, self.there.group_id())
        self.assertEqual((state.epoch, state.hash.hex()), (info["epoch"], info["hash"]))
        self.assertEqual(self.here.log(), self.there.log(0))
        said = {m["user"]: m["fingerprint"] for m in info["members"]}
        self.assertEqual({m.user: m.fingerprint.hex() for m in state.members.values()}, said)

    def take(self, entry):
        """An entry of either side, applied on both."""
        here = there = "OK"
        try:
            self.here.apply(Entry.parse(entry))
        except Refused as e:
            here = e.status
        try:
            self.there.apply(entry, NOW)
        except Status as e:
            there = e.status
        self.assertEqual(here, there)
        return here

    def make(self, actor, action, body):
        return roster.make_entry(self.ours[actor], self.here.state, action, body, NOW)

    def test_a_log_written_by_both_reads_the_same_on_both(self):
        o, ours = self.olga, self.ours
        entries = [
            lambda: self.there.propose_role(o, "ada", ADMIN, NOW),
            lambda: self.make("ada", roster.ADD, roster.add_body([member(ours["cem"])])),
            lambda: self.make("dan", roster.JOIN, member(ours["dan"]).encode()),
            lambda: self.there.propose_remove(o, "bob", NOW),
            lambda: self.make("cem", roster.LEAVE, b""),
            lambda: self.there.propose_add(o, ours["bob"].card.encoded, OWNER, NOW),
            lambda: self.make("bob", roster.ROLE, roster.role_body("ada", MEMBER)),
            lambda: self.make("dan", roster.REPLACE, member(Identity("dan")).encode()),
            lambda: self.make("bob", roster.REMOVE, roster.user("ada")),
            lambda: self.there.propose_leave(o, NOW),
            lambda: self.make("bob", roster.DELETE, b""),
        ]
        for make in entries:
            self.assertEqual(self.take(make()), "OK")
            self.same()
        self.assertEqual(self.take(self.make("bob", roster.ROLE, roster.role_body("bob", OWNER))), "GROUP_DELETED")

    def test_a_group_made_here_is_followed_there(self):
        founder = self.ours["ada"]
        body = roster.create_body("ours", 0, MEMBER, bytes(range(32)), [member(founder, OWNER), member(self.ours["bob"])])
        create = roster.make_entry(founder, None, roster.CREATE, body, NOW)
        self.here, self.there = Roster.open(create), self.library.roster_open(create)
        self.same()
        self.assertEqual(self.take(self.make("bob", roster.ADD, roster.add_body([member(self.ours["cem"])]))), "OK")
        self.same()

    def test_what_nobody_may_do_is_refused_for_the_same_reason(self):
        cem, stranger = member(self.ours["cem"]), Identity("ada")
        cases = [
            ("NOT_PERMITTED", lambda: self.make("bob", roster.ADD, roster.add_body([cem]))),
            ("NOT_PERMITTED", lambda: self.make("bob", roster.REMOVE, roster.user("ada"))),
            ("NOT_PERMITTED", lambda: self.make("bob", roster.REMOVE, roster.user("bob"))),
            ("NOT_PERMITTED", lambda: self.make("bob", roster.ROLE, roster.role_body("bob", OWNER))),
            ("NOT_PERMITTED", lambda: self.make("bob", roster.DELETE, b"")),
            ("NOT_PERMITTED", lambda: self.make("bob", roster.REPLACE, member(Identity("ada")).encode())),
            ("NOT_A_MEMBER", lambda: self.make("cem", roster.LEAVE, b"")),
            ("NOT_A_MEMBER", lambda: self.make("bob", roster.REMOVE, roster.user("nobody"))),
            ("NOT_A_MEMBER", lambda: roster.make_entry(stranger, self.here.state, roster.LEAVE, b"", NOW)),
            ("MALFORMED", lambda: self.make("bob", roster.LEAVE, b"\0")),
            ("MALFORMED", lambda: self.make("bob", roster.ADD, roster.add_body([]))),
            ("MALFORMED", lambda: self.make("dan", roster.JOIN, cem.encode())),
            ("MALFORMED", lambda: self.make("dan", roster.JOIN, member(self.ours["dan"], ADMIN).encode())),
            ("MALFORMED", lambda: self.make("bob", roster.JOIN, member(self.ours["bob"]).encode())),
            ("MALFORMED", lambda: self.make("bob", roster.REPLACE, member(Identity("bob"), ADMIN).encode())),
            ("MALFORMED", lambda: self.make("bob", roster.REPLACE, member(self.ours["bob"]).encode())),
            ("MALFORMED", lambda: self.make("bob", roster.ROLE, roster.role_body("ada", 4))),
            ("MALFORMED", lambda: self.make("bob", roster.RESOLVE, roster.resolve_body(bytes(32), [bytes(32)]))),
            ("MALFORMED", lambda: self.make("bob", roster.RESOLVE, roster.resolve_body(self.here.state.hash, [])))
        ]
        for i, (status, make) in enumerate(cases):
            with self.subTest(case=i):
                self.assertEqual(self.take(make()), status)
        self.same()

    def test_every_changed_byte_of_an_entry_is_refused_alike(self):
        entry = self.make("ada", roster.LEAVE, b"")
        for at in range(len(entry)):
            changed = bytearray(entry)
            changed[at] ^= 1
            self.assertNotEqual(self.take(bytes(changed)), "OK", f"byte {at}")
        self.same()

    def test_forks_are_found_and_resolved_alike(self):
        self.take(self.there.propose_role(self.olga, "ada", OWNER, NOW))
        mine = self.make("ada", roster.ADD, roster.add_body([member(self.ours["cem"])]))
        theirs = self.there.propose_remove(self.olga, "bob", NOW)
        self.assertEqual(self.take(theirs), "OK")
        self.assertEqual(self.take(mine), "ROSTER_FORKED")
        self.assertEqual(self.take(mine), "ROSTER_FORKED")
        self.assertTrue(self.here.forked and self.there.tell()["forked"])
        resolve = self.there.propose_resolve(self.olga, Entry.parse(mine).hash, NOW)
        self.assertEqual(self.take(resolve), "OK")
        self.assertFalse(self.here.forked or self.there.tell()["forked"])
        self.same()
        self.assertIn("cem", self.here.state.members)
        self.assertEqual(self.take(theirs), "STALE_EPOCH")


if __name__ == "__main__":
    unittest.main()
