"""The pauses between connections."""

from __future__ import annotations

import unittest
from typing import List

from case import Case

try:
    from sealwax import Reconnect
    from sealwax.aio import Backoff
except ModuleNotFoundError as error:
    raise unittest.SkipTest("the package websockets is not installed") from error


class BackoffTest(Case):
    def setUp(self) -> None:
        self.now, self.chance = 1_000.0, 0.0
        self.backoff = Backoff(0.5, 10, 5, clock=lambda: self.now, chance=lambda: self.chance)

    def pauses(self, count: int) -> List[float]:
        return [self.backoff.pause() for _ in range(count)]

    def test_pauses_double_up_to_the_longest(self) -> None:
        self.assertEqual(self.pauses(7), [0.5, 1, 2, 4, 8, 10, 10])

    def test_chance_takes_up_to_a_half_away(self) -> None:
        self.chance = 1.0
        self.assertEqual(self.pauses(3), [0.25, 0.5, 1])

    def test_they_start_anew_after_a_connection_that_held(self) -> None:
        self.pauses(3)
        self.backoff.welcomed()
        self.now += 5
        self.assertEqual(self.pauses(2), [0.5, 1])

    def test_a_connection_that_is_lost_at_once_does_not_count(self) -> None:
        self.pauses(3)
        self.backoff.welcomed()
        self.now += 4.9
        self.assertEqual(self.pauses(1), [4])
        # Nor does the time that passes without one.
        self.now += 100
        self.assertEqual(self.pauses(1), [8])

    def test_whoever_is_replaced_waits_longest(self) -> None:
        self.backoff.welcomed()
        self.now += 100
        self.assertEqual(self.backoff.pause(Reconnect.LATE), 10)
        self.backoff.welcomed()
        self.now += 100
        self.assertEqual(self.pauses(1), [0.5])

    def test_whoever_is_refused_waits_longest(self) -> None:
        self.assertEqual(self.backoff.pause(Reconnect.NEVER), 10)
        self.assertEqual(self.pauses(1), [10])

    def test_pauses_that_make_no_sense_are_refused(self) -> None:
        for first, most in ((0, 1), (-1, 1), (2, 1)):
            with self.assertRaises(ValueError):
                Backoff(first, most)


if __name__ == "__main__":
    unittest.main()
