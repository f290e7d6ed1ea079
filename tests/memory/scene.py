"""What the tests of this directory share: a subject, what is known of its keys, and the judgement of what was found."""

import collections
import contextlib
import os
import unittest

import ledger
from codec import SEALED_STATE, Reader, number
from ledger import Ledger, mac
from library import Status
from primitives import KeyPair, hkdf, open_, seal
from subject import There

NOW = 1_900_000_000_000
PROGRAM, LIBRARY = os.environ.get("SEALWAX_SUBJECT"), os.environ.get("SEALWAX_LIBRARY")


class Scene(unittest.TestCase):
    """A test, with a subject of its own."""

    def setUp(self):
        self.ledger = Ledger()
        ledger.keep(self.ledger)
        self.there = There(PROGRAM, LIBRARY, self.ledger)
        self.addCleanup(self.there.c.close)

    @property
    def drawn(self):
        return self.there.c.drawn

    def private(self, public):
        """The drawn keys whose public halves stand in these bytes; the others are entropy of signatures."""
        return [raw for raw in self.drawn if KeyPair.of(raw).public in public]

    def secret(self, name, raw, *uses):
        self.ledger.add(name, raw, *uses)
        return raw

    def text(self, size=96):
        """A plaintext that is found by each of its parts."""
        return self.secret("plaintext", os.urandom(size))

    def key(self):
        """A key of the caller's."""
        return self.secret("caller's key", os.urandom(32), mac)

    def remains(self, live=(), output=()):
        """Looks through the subject. Of all secrets, `live` are on the heap and `output` in the caller's buffer, and
        nothing is anywhere else: in dead frames, freed memory, variables."""
        live, output = ({self.ledger[raw] for raw in raws} for raws in (live, output))
        allowed = {("heap", secret) for secret in live} | {("room", secret) for secret in output}
        found = self.there.c.search(self.ledger)
        seen = {(find.place, secret) for secret, finds in found.items() for find in finds}
        call = (self.there.c.last or "").removeprefix("sealwax_")
        self.assertEqual(allowed - seen, set(), f"not found where it has to be after {call}: the search is blind")
        wrong = collections.Counter(
            (secret.name, find.form, find.place)
            for secret, finds in found.items() for find in finds if (find.place, secret) not in allowed)
        self.assertEqual(dict(wrong), {}, f"left in memory after {call}")

    @contextlib.contextmanager
    def kept(self):
        """Leaves outputs where they are, up to the next call."""
        self.there.c.keeps = True
        yield
        self.there.c.keeps = False

    def refused(self, status, action, *arguments):
        with self.assertRaises(Status) as caught:
            action(*arguments)
        self.assertEqual(caught.exception.status, status)

    def unseal(self, key, sealed):
        """What a sealed state holds."""
        reader, derived, nonce, aad = self._sealed(key, sealed)
        return open_(derived, nonce, aad, reader.rest())

    def cut(self, key, sealed):
        """A sealed state without its last bytes, as nobody exports it."""
        reader, derived, nonce, aad = self._sealed(key, sealed)
        payload = open_(derived, nonce, aad, reader.rest())[:-3]
        aad = aad[:-4] + number(len(payload) + 16, 4)
        return aad + seal(derived, nonce, aad, payload)

    def _sealed(self, key, sealed):
        reader = Reader(sealed)
        reader.prefix(SEALED_STATE)
        object_, format_, salt, nonce = reader.number(1), reader.number(2), reader.take(32), reader.take(12)
        reader.number(4)
        derived = hkdf(salt, key, "sealwax sealed/1", number(object_, 1) + number(format_, 2), 32)
        return reader, derived, nonce, reader.before()

    def check_export(self, handle, live, *more):
        """Exports an object: what is known to be in it is all in there, and nothing of that remains."""
        key = self.key()
        sealed = handle.export(key, *more)
        payload = self.unseal(key, sealed)
        for raw in live:
            self.assertIn(raw, payload, self.ledger[raw])
        return key, sealed


def changed(envelope, at=-1):
    """The envelope with one bit of another value."""
    other = bytearray(envelope)
    other[at] ^= 1
    return bytes(other)
