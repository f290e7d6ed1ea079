"""Reads tests/vectors/*.json and insists that every value in them is used: as an input, or as a result that was derived."""

import json
import pathlib
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "vectors"


class Vector:
    """An object or a list of a vector file. What nobody asked for by name fails the test."""

    def __init__(self, test, value, path):
        self.test, self.value, self.path = test, value, path
        self.left = set(value) if isinstance(value, dict) else set(range(len(value)))
        self.inside = []

    def _raw(self, key):
        if not self.has(key):
            self.test.fail(f"{self.path}: no {key}")
        self.left.discard(key)
        return self.value[key]

    def has(self, key):
        return key in (self.value if isinstance(self.value, dict) else range(len(self.value)))

    def ignore(self, *keys):
        """Prose."""
        for key in keys:
            self._raw(key)

    def given(self, key):
        """An input that is no bytes."""
        return self._raw(key)

    def bytes(self, key):
        value = self._raw(key)
        return None if value is None else bytes.fromhex(value)

    def expect(self, key, derived):
        """A result: what was derived must be what the file says."""
        if isinstance(derived, bytes):
            derived = derived.hex()
        said = self._raw(key)
        if said != derived:
            self.test.fail(f"{self.path}.{key}: the file says\n  {said}\nbut this is derived:\n  {derived}")

    def inner(self, key):
        vector = Vector(self.test, self._raw(key), f"{self.path}.{key}")
        self.inside.append(vector)
        return vector

    def each(self, key):
        list_ = self.inner(key)
        for i in range(len(list_.value)):
            yield list_.inner(i)

    def close(self):
        for vector in self.inside:
            vector.close()
        self.test.assertFalse(self.left, f"{self.path}: nothing checks these")


class VectorTest(unittest.TestCase):
    """A test of one file."""

    FILE = None

    def load(self):
        with open(FOLDER / self.FILE, encoding="utf-8") as file:
            return Vector(self, json.load(file), self.FILE)

    def refuses(self, status, action, *arguments):
        from codec import Refused

        with self.assertRaises(Refused) as caught:
            action(*arguments)
        self.assertEqual(caught.exception.status, status, caught.exception)
