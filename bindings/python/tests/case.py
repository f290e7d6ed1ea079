"""What the tests share."""

from __future__ import annotations

import gc
import unittest

import sealwax

#: A moment in 2027.
NOW = 1_800_000_000_000
KEY = bytes(range(32))


class Case(unittest.TestCase):
    """A test that leaves no handle behind."""

    def tearDown(self) -> None:
        gc.collect()
        self.assertEqual(sealwax.live_handles(), 0)
