"""Cards, prekeys and safety numbers of the library and of this implementation, each read by the other."""

import json
import unittest

import identity
from codec import Refused
from identity import Card, Identity, PrekeyBundle
from library import Library, Status, options

NOW = 1_900_000_000_000


class Identities(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.library = Library()

    def test_cards_are_read_by_the_other(self):
        theirs = self.library.identity_new("alice", options(prekeys_required=False), NOW)
        card, info = Card.parse(theirs.card()), theirs.tell()
        self.assertEqual((card.user, card.flags, card.created_ms), ("alice", 0, NOW))
        self.assertEqual(card.fingerprint.hex(), info["fingerprint"])
        ours = Identity("böb", flags=identity.PREKEYS_REQUIRED, created_ms=NOW + 5).card
        told = json.loads(self.library.card_inspect(ours.encoded))
        self.assertEqual((told["user"], told["fingerprint"]), ("böb", ours.fingerprint.hex()))
        self.assertEqual((told["prekeys_required"], told["created_ms"]), (True, NOW + 5))
        self.assertEqual((told["sign_key"], told["agree_key"]), (ours.sign_key.hex(), ours.agree_key.hex()))

    def test_changed_cards_are_refused_alike(self):
        card = Identity("bob", created_ms=NOW).card.encoded
        for at in range(len(card)):
            changed = card[:at] + bytes([card[at] ^ 1]) + card[at + 1 :]
            with self.assertRaises(Refused, msg=f"byte {at}") as here:
                Card.parse(changed)
            with self.assertRaises(Status, msg=f"byte {at}") as there:
                self.library.card_inspect(changed)
            self.assertEqual(here.exception.status, there.exception.status, f"byte {at}")

    def test_safety_numbers_are_equal(self):
        one, other = Identity("alice").card, Identity("bob").card
        digits, qr = identity.safety_number(other.fingerprint, one.fingerprint)
        told = self.library.card_safety_number(one.encoded, other.encoded)
        self.assertEqual(told, (digits.encode() + b"\0", qr))

    def test_a_bundle_of_the_library_is_read_and_encoded_alike(self):
        theirs = self.library.identity_new("alice", "", NOW)
        encoded = theirs.prekeys(5, NOW)
        bundle = PrekeyBundle.parse(encoded)
        bundle.check(Card.parse(theirs.card()), NOW)
        self.assertEqual(len(bundle.one_time), 5)
        self.assertEqual(bundle.encode(), encoded)
        self.assertEqual(bundle.signed.expires_ms, NOW + 30 * 86_400_000)


if __name__ == "__main__":
    unittest.main()
