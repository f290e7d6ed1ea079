"""frames.json, derived anew."""

import unittest

import frames
from codec import vector
from identity import Card
from primitives import KeyPair
from vectors import VectorTest

# Fields that are no bytes: numbers and text.
PLAIN = {field for _, layout in frames.LAYOUTS.values() for field, form, _ in layout if form in ("number", "name")}
PLAIN |= {"text"}


class FrameVectors(VectorTest):
    FILE = "frames.json"

    def test_every_value_of_the_file_is_derived_anew(self):
        file = self.load()
        types = set()
        for v in file.each("frames"):
            name, request, fields = v.given("type"), v.given("request"), v.inner("fields")
            values = {key: fields.given(key) if key in PLAIN else fields.bytes(key) for key in list(fields.left)}
            if "text" in values:
                values["text"] = values["text"].encode()
            encoded = frames.encode(name, request, **values)
            v.expect("frame", encoded)
            self.assertEqual(frames.parse(encoded), (name, request, values))
            types.add(name)
        self.assertEqual(types, set(frames.TYPES))
        for v in file.each("refused"):
            self.refuses(v.given("status"), frames.parse, v.bytes("frame"))
            v.ignore("why")
        v = file.inner("proof")
        sign, hello = KeyPair.of(v.bytes("sign_private")), v.bytes("hello")
        self.assertEqual(Card.parse(frames.parse(hello)[2]["card"]).sign_key, sign.public)
        signed = vector(v.given("relay_name").encode(), 255) + v.bytes("nonce") + hello
        v.expect("signature", sign.sign("sealwax hello/1", signed))
        file.close()


if __name__ == "__main__":
    unittest.main()
