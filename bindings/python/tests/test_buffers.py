"""Bytes in and out."""

from __future__ import annotations

import array
import ctypes
import importlib
import mmap
from typing import Any

import sealwax
from case import KEY, NOW, Case
from sealwax import Identity, _buffer, inspect_card


class Inputs(Case):
    def setUp(self) -> None:
        with Identity("alice", now_ms=NOW) as alice:
            self.card = alice.card()

    def check(self, card: Any) -> None:
        self.assertEqual(inspect_card(card)["user"], "alice")

    def test_any_contiguous_buffer_is_taken(self) -> None:
        self.check(self.card)
        self.check(bytearray(self.card))
        self.check(memoryview(self.card))
        self.check(memoryview(bytearray(self.card)))
        self.check(memoryview(b"x" + self.card)[1:])
        self.check(memoryview(bytearray(b"x" + self.card))[1:])
        self.check(array.array("B", self.card))
        self.check((ctypes.c_ubyte * len(self.card)).from_buffer_copy(self.card))
        with mmap.mmap(-1, len(self.card)) as mapped:
            mapped.write(self.card)
            self.check(mapped)

    def test_wider_elements_count_as_their_bytes(self) -> None:
        with Identity("alice", now_ms=NOW) as alice:
            sealed = alice.export(array.array("Q", [1, 2, 3, 4]))
        key = array.array("Q", [1, 2, 3, 4]).tobytes()
        Identity.import_(key, sealed).close()

    def test_numpy_arrays_are_taken(self) -> None:
        try:
            numpy: Any = importlib.import_module("numpy")
        except ImportError:
            self.skipTest("numpy is not installed")
        self.check(numpy.frombuffer(self.card, dtype=numpy.uint8))
        self.check(numpy.frombuffer(bytearray(self.card), dtype=numpy.uint8))
        with self.assertRaisesRegex(TypeError, "card must be contiguous"):
            inspect_card(numpy.zeros(64, dtype=numpy.uint8)[::2])

    def test_scattered_bytes_are_refused(self) -> None:
        with self.assertRaisesRegex(TypeError, "card must be contiguous"):
            inspect_card(memoryview(self.card + self.card)[::2])

    def test_text_is_refused_where_bytes_are_meant(self) -> None:
        with self.assertRaisesRegex(TypeError, "card must be bytes, not str"):
            inspect_card("card")  # type: ignore[arg-type]
        with self.assertRaisesRegex(TypeError, "card must be a buffer such as bytes, not int"):
            inspect_card(7)  # type: ignore[arg-type]

    def test_bytes_are_refused_where_text_is_meant(self) -> None:
        with self.assertRaisesRegex(TypeError, "user must be str, not bytes"):
            Identity(b"alice")  # type: ignore[arg-type]

    def test_text_that_is_none_is_refused_by_the_library(self) -> None:
        for user in ("\ud800", "", "a\x00b", "e\u0301"):
            with self.subTest(repr(user)), self.assertRaises(sealwax.InvalidTextError):
                Identity(user)

    def test_writable_buffers_are_not_copied(self) -> None:
        key = bytearray(KEY)
        pointer, length = _buffer.given(key, "key")
        self.assertEqual(length, 32)
        with self.assertRaises(BufferError):
            key.append(0)
        del pointer
        key.append(0)

    def test_empty_buffers_are_taken(self) -> None:
        for empty in (b"", bytearray(), memoryview(b"")):
            with self.assertRaises(sealwax.MalformedError):
                inspect_card(empty)

    def test_a_length_beyond_the_limit_is_refused(self) -> None:
        with self.assertRaises(sealwax.TooLargeError):
            inspect_card(bytes(1 << 20))


class Numbers(Case):
    def test_numbers_are_not_cut_off(self) -> None:
        with Identity("alice", now_ms=NOW) as alice:
            for count in (-1, 1 << 32):
                with self.assertRaises(sealwax.InvalidArgumentError):
                    alice.prekeys(count, now_ms=NOW)
            with self.assertRaises(TypeError):
                alice.prekeys(1.0, now_ms=NOW)  # type: ignore[arg-type]
        with self.assertRaises(sealwax.InvalidArgumentError):
            Identity("alice", now_ms=1 << 64)


class Outputs(Case):
    def test_too_little_room_takes_a_second_call(self) -> None:
        with Identity("alice", now_ms=NOW) as alice:
            card = _buffer.taken(sealwax._load.lib.sealwax_identity_card, alice._open, room=1)
            self.assertEqual(card, alice.card())

    def test_long_outputs_come_whole(self) -> None:
        with Identity("alice", now_ms=NOW) as alice:
            bundle = alice.prekeys(1000, now_ms=NOW)
            self.assertGreater(len(bundle), 69_000)
            self.assertEqual(alice.info()["one_time_prekeys"], 1000)
            with Identity.import_(KEY, alice.export(KEY)) as again:
                self.assertEqual(again.info(), alice.info())
