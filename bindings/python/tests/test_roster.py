"""Rosters."""

from __future__ import annotations

from typing import Dict

import sealwax
from case import NOW, Case
from sealwax import Identity, Role, Roster


def roles(roster: Roster) -> Dict[str, str]:
    return {member["user"]: member["role"] for member in roster.info()["members"]}


class Rosters(Case):
    def setUp(self) -> None:
        people = [Identity(user, now_ms=NOW) for user in ("alice", "bob", "carol", "dave")]
        self.alice, self.bob, self.carol, self.dave = people
        self.team = Roster.create(self.alice, "team", [self.bob.card(), self.carol.card()], now_ms=NOW)
        for handle in (*people, self.team):
            self.addCleanup(handle.close)

    def tearDown(self) -> None:
        self.doCleanups()
        super().tearDown()

    def test_a_founder_owns_the_group(self) -> None:
        self.assertEqual(roles(self.team), {"alice": "owner", "bob": "member", "carol": "member"})
        info = self.team.info()
        self.assertEqual((info["label"], info["epoch"], info["open"]), ("team", 0, False))
        self.assertEqual(info["group_id"], self.team.group_id.hex())

    def test_a_log_opens_as_the_same_group(self) -> None:
        with Roster.open(self.team.log()) as again:
            self.assertEqual(again.info(), self.team.info())
            self.assertEqual(again.group_id, self.team.group_id)

    def test_a_proposal_changes_nothing_until_it_is_applied(self) -> None:
        entry = self.team.propose_add(self.alice, [self.dave.card()], now_ms=NOW)
        self.assertEqual(self.team.info()["epoch"], 0)
        self.team.apply(entry, now_ms=NOW)
        self.team.apply(entry, now_ms=NOW)
        self.assertEqual(self.team.info()["epoch"], 1)
        self.assertEqual(roles(self.team)["dave"], "member")
        with Roster.open(self.team.log()) as again:
            self.assertEqual(again.info(), self.team.info())
        self.assertEqual(self.team.log(1), entry)
        self.assertEqual(self.team.log(2), b"")

    def test_each_proposal_does_what_it_says(self) -> None:
        team, alice, bob = self.team, self.alice, self.bob
        team.apply(team.propose_role(alice, "bob", Role.OWNER, now_ms=NOW), now_ms=NOW)
        self.assertEqual(roles(team)["bob"], "owner")
        team.apply(team.propose_add(bob, [self.dave.card()], Role.ADMIN, now_ms=NOW), now_ms=NOW)
        self.assertEqual(roles(team)["dave"], "admin")
        team.apply(team.propose_remove(self.dave, "carol", now_ms=NOW), now_ms=NOW)
        self.assertNotIn("carol", roles(team))
        team.apply(team.propose_leave(self.dave, now_ms=NOW), now_ms=NOW)
        self.assertNotIn("dave", roles(team))
        with Identity("alice", now_ms=NOW) as fresh:
            team.apply(team.propose_replace(alice, fresh.card(), now_ms=NOW), now_ms=NOW)
            with self.assertRaises(sealwax.NotAMemberError):
                team.propose_leave(alice, now_ms=NOW)
            team.propose_leave(fresh, now_ms=NOW)
        team.apply(team.propose_delete(bob, now_ms=NOW), now_ms=NOW)
        self.assertTrue(team.info()["deleted"])
        with self.assertRaises(sealwax.GroupDeletedError):
            team.propose_leave(bob, now_ms=NOW)

    def test_rights_are_kept(self) -> None:
        with self.assertRaises(sealwax.NotPermittedError) as caught:
            self.team.propose_remove(self.bob, "carol", now_ms=NOW)
        self.assertIsInstance(caught.exception, sealwax.PeopleError)
        with self.assertRaises(sealwax.NotAMemberError):
            self.team.propose_leave(self.dave, now_ms=NOW)
        with self.assertRaises(sealwax.InvalidArgumentError):
            self.team.propose_role(self.alice, "bob", 9, now_ms=NOW)

    def test_anybody_joins_an_open_group(self) -> None:
        with Roster.create(self.alice, "plaza", open=True, add_role="member", now_ms=NOW) as plaza:
            plaza.apply(plaza.propose_join(self.dave, now_ms=NOW), now_ms=NOW)
            self.assertIn("dave", roles(plaza))
            self.assertEqual(plaza.info()["add_role"], "member")

    def test_an_owner_resolves_a_fork(self) -> None:
        one = self.team.propose_add(self.alice, [self.dave.card()], now_ms=NOW)
        other = self.team.propose_remove(self.alice, "bob", now_ms=NOW)
        self.team.apply(one, now_ms=NOW)
        with self.assertRaises(sealwax.RosterForkedError):
            self.team.apply(other, now_ms=NOW)
        info = self.team.info()
        self.assertTrue(info["forked"])
        chosen = bytes.fromhex(info["branches"][0]["head"])
        self.team.apply(self.team.propose_resolve(self.alice, chosen, now_ms=NOW), now_ms=NOW)
        self.assertFalse(self.team.info()["forked"])
        self.assertNotIn("bob", roles(self.team))

    def test_entries_that_make_no_sense_are_refused(self) -> None:
        with self.assertRaises(sealwax.MalformedError):
            self.team.apply(self.team.log()[:-1], now_ms=NOW)
        with Roster.create(self.alice, "other", now_ms=NOW) as other:
            with self.assertRaises(sealwax.WrongGroupError):
                self.team.apply(other.propose_add(self.alice, [self.dave.card()], now_ms=NOW), now_ms=NOW)

    def test_cards_come_as_a_list(self) -> None:
        with self.assertRaises(TypeError):
            Roster.create(self.alice, "team", self.bob.card())  # type: ignore[arg-type]
        with Roster.create(self.alice, "", iter([bytearray(self.bob.card())]), now_ms=NOW) as roster:
            self.assertIn("bob", roles(roster))
