"""Identities, cards, safety numbers."""

from __future__ import annotations

import time

import sealwax
from case import KEY, NOW, Case
from sealwax import Identity, inspect_card, safety_number


class Identities(Case):
    def test_a_card_shows_the_identity(self) -> None:
        with Identity("alice", now_ms=NOW) as alice:
            seen = inspect_card(alice.card())
            self.assertEqual(seen["user"], "alice")
            self.assertEqual(seen["created_ms"], NOW)
            self.assertTrue(seen["prekeys_required"])
            self.assertEqual(seen["fingerprint"], alice.info()["fingerprint"])

    def test_a_proof_needs_a_whole_challenge(self) -> None:
        with Identity("alice") as alice:
            self.assertEqual(len(alice.prove("relay.example", bytes(32), b"hello")), 64)
            for wrong in (bytes(31), bytes(33), b""):
                with self.assertRaises(sealwax.CallerError):
                    alice.prove("relay.example", wrong, b"hello")

    def test_options_are_keywords(self) -> None:
        with Identity("alice", prekeys_required=False) as alice:
            self.assertFalse(alice.info()["prekeys_required"])

    def test_the_time_is_the_systems_unless_given(self) -> None:
        before = time.time_ns() // 1_000_000
        with Identity("alice") as alice:
            self.assertTrue(before <= alice.info()["created_ms"] <= time.time_ns() // 1_000_000)

    def test_a_changed_card_is_refused(self) -> None:
        with Identity("alice") as alice:
            card = bytearray(alice.card())
        card[-1] ^= 1
        with self.assertRaises(sealwax.AuthenticationError) as caught:
            inspect_card(card)
        self.assertEqual(caught.exception.name, "SEALWAX_AUTHENTICATION_FAILED")

    def test_another_object_is_of_the_wrong_kind(self) -> None:
        with Identity("alice") as alice, self.assertRaises(sealwax.WrongKindError):
            inspect_card(alice.prekeys(0))

    def test_export_and_import_give_the_same_identity(self) -> None:
        with Identity("alice") as alice:
            alice.prekeys(3)
            sealed = alice.export(KEY)
            with Identity.import_(KEY, sealed) as again:
                self.assertEqual(again.card(), alice.card())
                self.assertEqual(again.info(), alice.info())
            with self.assertRaises(sealwax.AuthenticationFailedError):
                Identity.import_(bytes(32), sealed)
            with self.assertRaises(sealwax.InvalidArgumentError):
                alice.export(KEY[:31])
            with self.assertRaises(sealwax.TooLargeError):
                alice.export(KEY + b"x")

    def test_unused_one_time_prekeys_are_bounded(self) -> None:
        with Identity("alice", now_ms=NOW) as alice:
            alice.prekeys(1000, now_ms=NOW)
            with self.assertRaises(sealwax.LimitReachedError):
                alice.prekeys(1, now_ms=NOW)

    def test_both_sides_see_one_safety_number(self) -> None:
        with Identity("alice") as alice, Identity("bob") as bob:
            number = safety_number(alice.card(), bob.card())
            self.assertEqual(number, safety_number(bob.card(), alice.card()))
            self.assertRegex(number.digits, r"\A[0-9]{60}\Z")
            self.assertEqual(len(number.qr), 67)
            with self.assertRaises(sealwax.InvalidArgumentError):
                safety_number(alice.card(), alice.card())
