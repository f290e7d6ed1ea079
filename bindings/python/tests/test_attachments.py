"""Attachments: whole files, single chunks, threads, progress, and files that somebody changed."""

from __future__ import annotations

import io
import os
import tempfile
import threading
import unittest
from pathlib import Path
from typing import Any, List, Optional, Tuple

import sealwax
from case import Case
from sealwax import AttachmentOpen, AttachmentReader, AttachmentSeal, open_file, seal_file

CHUNK = 4096
SEALED_CHUNK = CHUNK + 28


def content(length: int) -> bytes:
    return bytes((i // 7 + i) % 256 for i in range(length))


def sealed(plaintext: bytes, **options: Any) -> Tuple[bytes, bytes]:
    """A sealed file and its reference."""
    out = io.BytesIO()
    options.setdefault("chunk_size", CHUNK)
    reference = seal_file(io.BytesIO(plaintext), out, **options)
    return out.getvalue(), reference


def opened(reference: bytes, file: bytes, **options: Any) -> bytes:
    out = io.BytesIO()
    size = open_file(reference, io.BytesIO(file), out, **options)
    assert size == len(out.getvalue())
    return out.getvalue()


class Trickle(io.RawIOBase):
    """A pipe that gives and takes little at a time, and cannot seek."""

    def __init__(self, data: bytes = b"") -> None:
        self.data, self.at = bytearray(data), 0

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self.data[self.at : self.at + min(len(buffer), 700)]
        buffer[: len(piece)] = piece
        self.at += len(piece)
        return len(piece)

    def write(self, data: Any) -> int:
        self.data += bytes(data[:900])
        return min(len(data), 900)


class WholeFiles(Case):
    SIZES = (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 600 * CHUNK + 77)

    def test_every_size_comes_back_with_any_number_of_threads(self) -> None:
        for size in self.SIZES:
            for threads in (1, 3):
                with self.subTest(size=size, threads=threads):
                    file, reference = sealed(content(size), threads=threads)
                    for others in (1, 2):
                        self.assertEqual(opened(reference, file, threads=others), content(size))

    def test_files_that_trickle(self) -> None:
        plaintext, target, back = content(20_000), Trickle(), Trickle()
        reference = seal_file(Trickle(plaintext), target, chunk_size=CHUNK)
        open_file(reference, Trickle(bytes(target.data)), back)
        self.assertEqual(bytes(back.data), plaintext)

    def test_paths(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            source, target, back = (Path(folder) / name for name in ("source", "target", "back"))
            source.write_bytes(content(100_000))
            reference = seal_file(source, str(target), threads=2)
            self.assertEqual(open_file(reference, target, back), 100_000)
            self.assertEqual(back.read_bytes(), content(100_000))
            target.write_bytes(target.read_bytes()[:-1])
            with self.assertRaises(sealwax.MalformedError):
                open_file(reference, target, back)
            self.assertEqual(back.read_bytes(), content(100_000), "what was there is as it was")
            with self.assertRaises(sealwax.MalformedError):
                open_file(reference, target, Path(folder) / "new")
            self.assertEqual(sorted(os.listdir(folder)), ["back", "source", "target"])

    def test_progress_is_told_and_can_stop_the_work(self) -> None:
        for threads in (1, 2):
            told: List[Tuple[int, Optional[int]]] = []
            size = 3 << 20
            file, reference = sealed(bytes(size), threads=threads, progress=lambda *now: told.append(now))
            self.assertEqual(told[-1], (size, size))
            self.assertEqual(told, sorted(told))
            told.clear()
            opened(reference, file, threads=threads, progress=lambda *now: told.append(now))
            self.assertGreater(len(told), 1)
            self.assertEqual(told[-1], (size, size))

            def stop(done: int, total: Optional[int]) -> None:
                raise KeyboardInterrupt

            with self.assertRaises(KeyboardInterrupt):
                sealed(bytes(size), threads=threads, progress=stop)
        told.clear()
        seal_file(Trickle(content(5)), io.BytesIO(), progress=lambda *now: told.append(now))
        self.assertEqual(told, [(5, None)])

    def test_changed_files_are_refused(self) -> None:
        file, reference = sealed(content(3 * CHUNK + 5))
        other, other_reference = sealed(content(3 * CHUNK + 5))
        body, first, second = 38, 38 + SEALED_CHUNK, 38 + 2 * SEALED_CHUNK
        swapped = file[:body] + file[first:second] + file[body:first] + file[second:]
        for name, bad, error in (
            ("a byte", file[:5000] + bytes([file[5000] ^ 1]) + file[5001:], sealwax.AuthenticationFailedError),
            ("the order", swapped, sealwax.AuthenticationFailedError),
            ("a chunk of another", file[:first] + other[first:second] + file[second:],
             sealwax.AuthenticationFailedError),
            ("another file", other, sealwax.AuthenticationFailedError),
            ("cut at a chunk", file[:second], sealwax.MalformedError),
            ("cut in a chunk", file[:-3], sealwax.MalformedError),
            ("cut in the header", file[:30], sealwax.MalformedError),
            ("longer", file + b"x", sealwax.MalformedError),
            ("much longer", file + bytes(9 << 20), sealwax.MalformedError),
        ):
            for threads in (1, 2):
                with self.subTest(name, threads=threads), self.assertRaises(error):
                    opened(reference, bad, threads=threads)
        self.assertEqual(opened(other_reference, other), content(3 * CHUNK + 5))

    def test_a_file_without_a_digest_needs_consent(self) -> None:
        file, reference = sealed(content(9000), digest=False)
        with self.assertRaises(sealwax.WrongKindError):
            opened(reference, file)
        for threads in (1, 2):
            self.assertEqual(opened(reference, file, digest=False, threads=threads), content(9000))
            with self.assertRaises(sealwax.MalformedError):
                opened(reference, file[:-1], digest=False, threads=threads)

    def test_bad_options_and_threads(self) -> None:
        with self.assertRaisesRegex(sealwax.InvalidOptionsError, "power of two"):
            AttachmentSeal(chunk_size=5000)
        for threads in (0, 1000):
            with self.assertRaises(ValueError):
                sealed(content(5), threads=threads)


class Readers(Case):
    def test_a_reader_gives_any_part(self) -> None:
        plaintext = content(5 * CHUNK + 100)
        file, reference = sealed(plaintext)
        with AttachmentReader(reference, io.BytesIO(file)) as reader:
            self.assertEqual(reader.size, len(plaintext))
            self.assertTrue(reader.seekable() and reader.readable() and not reader.writable())
            for start, length in ((0, 10), (CHUNK - 3, 7), (3 * CHUNK, CHUNK), (5 * CHUNK + 90, 50), (10**9, 5)):
                self.assertEqual(reader.seek(start), start)
                buffered = io.BufferedReader(reader)
                self.assertEqual(buffered.read(length), plaintext[start : start + length])
                buffered.detach()
            self.assertEqual(reader.seek(-20, io.SEEK_END), len(plaintext) - 20)
            self.assertEqual(reader.read(), plaintext[-20:])
            self.assertEqual(reader.read(1), b"")
            with self.assertRaises(ValueError):
                reader.seek(-1)
            with self.assertRaises(ValueError):
                reader.seek(0, 7)
            reader.seek(0)
            self.assertEqual(reader.readall(), plaintext)
        with self.assertRaises(ValueError):
            reader.read(1)

    def test_a_reader_of_a_path_or_within_a_file(self) -> None:
        file, reference = sealed(content(9000))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "file"
            path.write_bytes(file)
            with AttachmentReader(reference, path) as reader:
                self.assertEqual(reader.readall(), content(9000))
            with self.assertRaises(sealwax.AuthenticationFailedError):
                AttachmentReader(sealed(b"")[1], path)
        archive = io.BytesIO(b"before" + file)
        archive.seek(6)
        with AttachmentReader(reference, archive) as reader:
            self.assertEqual(reader.readall(), content(9000))
        self.assertFalse(archive.closed)

    def test_a_reader_refuses_a_changed_chunk_and_gives_the_others(self) -> None:
        file, reference = sealed(content(3 * CHUNK))
        bad = bytearray(file)
        bad[38 + SEALED_CHUNK + 50] ^= 1
        with AttachmentReader(reference, io.BytesIO(bytes(bad))) as reader:
            reader.seek(CHUNK)
            with self.assertRaises(sealwax.AuthenticationFailedError):
                reader.read(1)
            reader.seek(2 * CHUNK)
            self.assertEqual(reader.read(CHUNK), content(3 * CHUNK)[2 * CHUNK :])


class Pieces(Case):
    def test_by_hand_in_order(self) -> None:
        plaintext = content(9000)
        with AttachmentSeal(chunk_size=CHUNK) as seal:
            layout = seal.layout(len(plaintext))
            self.assertEqual(layout, (9000, 38 + 9000 + 3 * 28, 3, CHUNK))
            parts = [seal.header, seal.update(plaintext[:5000]), seal.update(plaintext[5000:]), seal.finish()]
            with self.assertRaises(sealwax.WrongStateError):
                seal.update(b"more")
            reference = seal.reference()
        file = b"".join(parts)
        self.assertEqual(len(file), layout.sealed_size)
        with AttachmentOpen(reference, file[:38]) as attachment:
            self.assertEqual(attachment.layout, layout)
            back = attachment.update(file[38:5000]) + attachment.update(file[5000:])
            attachment.finish()
        self.assertEqual(back, plaintext)

    def test_by_hand_in_any_order_and_thread(self) -> None:
        with AttachmentSeal(chunk_size=CHUNK) as seal:
            chunks: List[bytes] = [b""] * 8

            def work(indices: range) -> None:
                for index in indices:
                    chunks[index] = seal.chunk(index, bytes([index]) * CHUNK, last=index == 7)

            threads = [threading.Thread(target=work, args=(range(start, 8, 2),)) for start in (1, 0)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            with self.assertRaises(sealwax.WrongStateError):
                seal.chunk(3, bytes(CHUNK))
            reference, header = seal.reference(), seal.header
        with AttachmentOpen(reference, header) as attachment:
            for index in reversed(range(8)):
                self.assertEqual(attachment.chunk(index, chunks[index]), bytes([index]) * CHUNK)
            attachment.finish()

    def test_misuse_is_named(self) -> None:
        with AttachmentSeal(chunk_size=CHUNK) as seal:
            with self.assertRaises(sealwax.WrongStateError):
                seal.reference()
            with self.assertRaises(sealwax.InvalidArgumentError):
                seal.chunk(0, bytes(5))
            with self.assertRaises(sealwax.TooFarAheadError):
                seal.chunk(1024, bytes(CHUNK))
            with self.assertRaises(TypeError):
                seal.update("text")  # type: ignore[arg-type]
            with self.assertRaises(TypeError):
                seal.__reduce_ex__(2)


if __name__ == "__main__":
    unittest.main()
