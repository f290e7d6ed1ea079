"""Exceptions."""

from __future__ import annotations

import pickle

import sealwax
from case import Case
from sealwax import _errors

FAMILIES = {
    1: sealwax.CallerError,
    2: sealwax.ObjectError,
    3: sealwax.AuthenticationError,
    4: sealwax.MessageStateError,
    5: sealwax.PeopleError,
    6: sealwax.StoreError,
    61: sealwax.RelayError,
    9: sealwax.LibraryError,
}


class Errors(Case):
    def test_each_status_has_an_exception_of_its_family(self) -> None:
        for status, exception in _errors.SealwaxError._of.items():
            with self.subTest(exception.name):
                error = _errors.error(status)
                self.assertIs(type(error), exception)
                self.assertIsInstance(error, FAMILIES[61 if status // 10 == 61 else status // 100])
                self.assertIs(getattr(sealwax, exception.__name__), exception)
                self.assertIn(exception.name, str(error))
                camel = "".join(word.capitalize() for word in exception.name.split("_")[1:]) + "Error"
                self.assertEqual(exception.__name__.lower(), camel.lower())

    def test_a_status_from_elsewhere_becomes_its_exception(self) -> None:
        self.assertIs(type(sealwax.SealwaxError.of(500)), sealwax.UnknownUserError)

    def test_a_status_of_a_later_library_is_of_its_family(self) -> None:
        error = _errors.error(499)
        self.assertIs(type(error), sealwax.MessageStateError)
        self.assertEqual(error.status, 499)
        self.assertIs(type(_errors.error(615)), sealwax.RelayError)
        self.assertIs(type(_errors.error(12345)), sealwax.SealwaxError)

    def test_mistakes_of_the_caller_are_value_errors(self) -> None:
        with self.assertRaises(ValueError):
            sealwax.Identity("")

    def test_an_exception_can_be_pickled(self) -> None:
        for error in (_errors.error(401), _errors.error(499)):
            again = pickle.loads(pickle.dumps(error))
            self.assertIs(type(again), type(error))
            self.assertEqual((again.status, str(again)), (error.status, str(error)))

    def test_a_bad_option_is_named(self) -> None:
        with self.assertRaises(sealwax.InvalidOptionsError) as caught:
            sealwax.Identity("alice", prekeys_required="yes")  # type: ignore[arg-type]
        self.assertIn("'prekeys_required' is not true or false", str(caught.exception))
        self.assertEqual(caught.exception.status, 107)
