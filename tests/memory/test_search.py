"""The search itself: what is left anywhere is found, in each of its forms, whole or half of it."""

import ctypes
import hashlib
import hmac
import os
import struct

from ledger import _compress, cipher, coordinate, mac, scalar
from scene import NOW, Scene


class Searches(Scene):
    def leave(self, where, raw):
        self.there.c.call(f"leave_{where}", ctypes.c_char_p(raw), ctypes.c_size_t(len(raw)))

    def found(self, secret):
        return {(find.place, find.form) for find in self.there.c.search([secret]).get(secret, ())}

    def test_what_is_left_is_found_at_each_place(self):
        for where, place in (("on_stack", "stack"), ("on_heap", "heap"), ("in_static", "static")):
            secret = self.ledger.add(where, os.urandom(32))
            self.leave(where, secret.raw)
            self.assertEqual(self.found(secret), {(place, "")})
            with self.assertRaisesRegex(AssertionError, "left in memory"):
                self.remains()
            self.ledger.publish(secret.raw)

    def test_a_half_at_any_address_is_found(self):
        for start, end in ((0, 16), (16, 32)):
            for at in range(8):
                secret = self.ledger.add("half", os.urandom(32))
                self.leave("on_heap", bytes(at) + secret.raw[start:end] + b"behind")
                self.assertEqual(self.found(secret), {("heap", "")})

    def test_each_form_of_a_key_is_found(self):
        for use in (scalar, coordinate, mac, cipher):
            raw = os.urandom(32)
            for form, other in use(raw).items():
                secret = self.ledger.add(form, os.urandom(32))
                secret.forms = {form: self.ledger.add("of", raw, use).forms[form]}
                self.leave("on_heap", other)
                self.assertEqual(self.found(secret), {("heap", form)})

    def test_what_is_not_there_is_missed(self):
        secret = self.ledger.add("nowhere", os.urandom(32))
        with self.assertRaisesRegex(AssertionError, "the search is blind"):
            self.remains(live=[secret.raw])

    def test_what_the_caller_holds_is_told_from_what_the_library_does(self):
        identity = self.there.identity_new("alice", "", NOW)
        card = identity.card()
        name = self.ledger.add("in the card", card[-64:])
        with self.kept():
            identity.card()
        self.assertIn(("room", ""), self.found(name))
        self.there.end(identity)
        self.assertEqual(self.found(name), {("heap", "")}, "public, and so not wiped")

    def test_forms_are_those_of_the_standards(self):
        # FIPS 197, appendix A.3.
        key = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
        self.assertEqual(cipher(key)["round keys"][:4].hex(), "9ba35411")
        self.assertEqual(cipher(key)["round keys"][-4:].hex(), "706c631e")
        self.assertEqual(struct.pack(">8I", *_compress(b"\x80" + bytes(63))), hashlib.sha256(b"").digest())
        padded = mac(key)["padded"]
        inner = hashlib.sha256(padded[:32] + b"\x36" * 32 + b"text").digest()
        outer = hashlib.sha256(padded[32:] + b"\x5c" * 32 + inner).digest()
        self.assertEqual(outer, hmac.digest(key, b"text", "sha256"))
