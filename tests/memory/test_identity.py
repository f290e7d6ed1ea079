"""An identity and its prekeys."""

from scene import NOW, Scene
from session import DAY_MS


class Identities(Scene):
    def setUp(self):
        super().setUp()
        self.identity = self.there.identity_new("alice", "", NOW)
        self.bundle = self.identity.prekeys(2, NOW)
        self.keys = self.private(self.identity.card() + self.bundle)

    def test_a_freed_identity_leaves_nothing(self):
        self.remains(live=self.keys)
        self.assertEqual(len(self.keys), 5)
        self.there.end(self.identity)
        self.remains()

    def test_an_export_and_an_import_leave_only_the_identities(self):
        key, sealed = self.check_export(self.identity, self.keys)
        self.remains(live=self.keys)
        self.refused("AUTHENTICATION_FAILED", self.there.identity_import, self.key(), sealed)
        self.remains(live=self.keys)
        self.refused("MALFORMED", self.there.identity_import, key, self.cut(key, sealed))
        self.remains(live=self.keys)
        self.there.end(self.identity)
        again = self.there.identity_import(key, sealed)
        self.remains(live=self.keys)
        again.prove("relay", bytes(32), b"hello")
        again.card()
        self.remains(live=self.keys)
        self.there.end(again)
        self.remains()

    def test_a_proof_leaves_nothing_new(self):
        self.identity.prove("relay", bytes(32), b"hello")
        self.remains(live=self.keys)

    def test_prekeys_go_when_their_time_is_over(self):
        later = self.identity.prekeys(1, NOW + 31 * DAY_MS)
        self.remains(live=self.private(self.identity.card() + later))
        self.assertEqual(len(set(self.private(later)) & set(self.keys)), 0)
