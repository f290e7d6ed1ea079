"""identity.json, derived anew."""

import unittest

import identity
from primitives import KeyPair, L, expand, hash_, verify
from vectors import VectorTest


class IdentityVectors(VectorTest):
    FILE = "identity.json"

    def test_every_value_of_the_file_is_derived_anew(self):
        file = self.load()
        file.ignore("description")
        fingerprints = {}
        for card in file.each("cards"):
            self.card(card, fingerprints)
        for bundle in file.each("prekey_bundles"):
            self.bundle(bundle)
        for refused in file.each("refused_cards"):
            self.refuses(refused.given("status"), identity.Card.parse, refused.bytes("card"))
            refused.ignore("why")
        for pair in file.each("safety_numbers"):
            self.safety(pair, fingerprints)
        file.close()

    def card(self, v, fingerprints):
        name = v.given("user")
        sign, agree = KeyPair.of(v.bytes("sign_private")), KeyPair.of(v.bytes("agree_private"))
        v.expect("sign_key", sign.public)
        v.expect("agree_key", agree.public)
        fields = identity.fingerprint_input(name, sign.public, agree.public)
        v.expect("fingerprint_input", L("sealwax fingerprint/1") + fields)
        fingerprints[name] = hash_("sealwax fingerprint/1", fields)
        v.expect("fingerprint", fingerprints[name])
        encoded = identity.make_card(name, sign, agree, v.given("flags"), v.given("created_ms"))
        v.expect("signature_input", L("sealwax card/1") + encoded[:-64])
        v.expect("signature", encoded[-64:])
        v.expect("card", encoded)
        card = identity.Card.parse(encoded)
        self.assertEqual((card.user, card.fingerprint), (name, fingerprints[name]))

    def bundle(self, v):
        sign, fingerprint = KeyPair.of(v.bytes("sign_private")), v.bytes("fingerprint")
        signed = v.inner("signed")
        key = KeyPair.of(signed.bytes("private"))
        signed.expect("key", key.public)
        prekey = identity.SignedPrekey.make(sign, fingerprint, signed.given("id"), key.public, signed.given("created_ms"),
                                            signed.given("expires_ms"))
        signed.expect("signature_input", L("sealwax prekey/1") + fingerprint + prekey.fields())
        signed.expect("signature", prekey.signature)
        verify(sign.public, "sealwax prekey/1", fingerprint + prekey.fields(), prekey.signature)
        one_time = []
        for entry in v.each("one_time"):
            key = KeyPair.of(entry.bytes("private"))
            entry.expect("key", key.public)
            one_time.append(identity.OneTimePrekey(entry.given("id"), key.public))
        bundle = identity.PrekeyBundle(v.given("user"), fingerprint, prekey, tuple(one_time))
        v.expect("bundle", bundle.encode())
        self.assertEqual(identity.PrekeyBundle.parse(bundle.encode()), bundle)

    def safety(self, v, fingerprints):
        one, other = fingerprints[v.given("one")], fingerprints[v.given("other")]
        low, high = min(one, other), max(one, other)
        v.expect("low", low)
        v.expect("high", high)
        v.expect("low_expanded", expand(low, "sealwax safety/1", b"", 30))
        v.expect("high_expanded", expand(high, "sealwax safety/1", b"", 30))
        digits, qr = identity.safety_number(one, other)
        v.expect("digits", digits)
        v.expect("qr", qr)
        self.assertEqual(len(qr), 67)


if __name__ == "__main__":
    unittest.main()
