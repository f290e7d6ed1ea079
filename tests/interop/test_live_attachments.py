"""Attachments between this implementation and the library, both ways."""

import unittest

import stream
from library import Library, Status, options

SIZES = (0, 1, 4095, 4096, 4097, 3 * 4096 + 5)


def plaintext(size):
    return bytes((7 * i + i // 251) % 256 for i in range(size))


class LiveAttachments(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.library = Library()

    def tearDown(self):
        self.assertEqual(self.library.live_handles(), 0)

    def test_what_the_library_seals_opens_here(self):
        for size in SIZES:
            header, seal = self.library.stream_seal_new(options(chunk_size=4096))
            content = plaintext(size)
            half = size // 2
            file = header + seal.update(content[:half]) + seal.update(content[half:]) + seal.finish()
            self.assertEqual(stream.read(seal.reference(), file), content)

    def test_what_the_library_seals_chunk_by_chunk_opens_here(self):
        for size in SIZES:
            header, seal = self.library.stream_seal_new(options(chunk_size=4096))
            pieces = stream.cut(plaintext(size), 12)
            chunks = [None] * len(pieces)
            for index in reversed(range(len(pieces))):
                chunks[index] = seal.chunk(index, int(index + 1 == len(pieces)), pieces[index])
            self.assertEqual(stream.read(seal.reference(), header + b"".join(chunks)), plaintext(size))

    def test_what_is_sealed_here_opens_in_the_library(self):
        for size in SIZES:
            file, reference = stream.make(plaintext(size), 12)
            attachment = self.library.stream_open_new(reference, file[: stream.HEADER], "")
            self.assertEqual(attachment.update(file[stream.HEADER :]), plaintext(size))
            attachment.finish()
            at_random = self.library.stream_open_new(reference, file[: stream.HEADER], options(digest=False))
            last = len(stream.cut(plaintext(size), 12)) - 1
            chunk = file[stream.HEADER + last * (4096 + stream.OVERHEAD) :]
            self.assertEqual(at_random.chunk(last, chunk), plaintext(size)[last * 4096 :])

    def test_a_second_version_under_one_key_is_refused_by_the_library(self):
        key = bytes(range(32))
        _, reference = stream.make(plaintext(5000), 12, file_key=key)
        file, _ = stream.make(bytes(5000), 12, file_key=key)
        attachment = self.library.stream_open_new(reference, file[: stream.HEADER], "")
        attachment.update(file[stream.HEADER :])
        with self.assertRaises(Status) as caught:
            attachment.finish()
        self.assertEqual(caught.exception.status, "AUTHENTICATION_FAILED")


if __name__ == "__main__":
    unittest.main()
