"""Attachments: file keys, chunk keys and what is held back of the plaintext."""

import stream
from ledger import mac
from scene import Scene, changed

CHUNK = 4096


class Attachments(Scene):
    def test_a_sealed_attachment_leaves_nothing(self):
        header, seal = self.there.stream_seal_new('{"chunk_size":4096}')
        (file_key,) = self.drawn
        chunk_key, _ = stream.derive(file_key, 12)
        text = self.text(CHUNK + 160)
        sealed = seal.update(text)
        held = self.secret("held back", text[CHUNK:])
        self.ledger.secrets.pop(text)
        self.remains(live=[file_key, chunk_key, held])
        sealed += seal.finish()
        self.remains(live=[file_key, chunk_key])
        reference = seal.reference()
        self.assertEqual(stream.read(reference, header + sealed), text)
        self.remains(live=[file_key, chunk_key])
        self.there.end(seal)
        self.remains()

    def test_one_that_is_given_up_leaves_nothing(self):
        _, seal = self.there.stream_seal_new('{"chunk_size":4096}')
        seal.update(self.text(160))
        self.there.end(seal)
        self.remains()

    def test_an_opened_attachment_leaves_nothing(self):
        text = self.text(2 * CHUNK + 160)
        file, reference = stream.make(text, 12)
        file_key = self.secret("file key", stream.Reference.parse(reference).file_key, mac)
        header, body = file[: stream.HEADER], file[stream.HEADER:]
        chunk_key, _ = stream.derive(file_key, 12)
        opened = self.there.stream_open_new(reference, header, "")
        self.remains(live=[chunk_key])
        first, rest = body[: CHUNK + 300], body[CHUNK + 300:]
        self.assertEqual(opened.update(first), text[:CHUNK])
        self.remains(live=[chunk_key])
        with self.kept():
            self.refused("AUTHENTICATION_FAILED", opened.update, changed(rest))
        self.remains(live=[chunk_key], output=[])
        self.assertEqual(opened.update(rest), text[CHUNK:])
        opened.finish()
        self.there.end(opened)
        self.remains()

    def test_single_chunks_leave_nothing(self):
        text = self.text(2 * CHUNK)
        file, reference = stream.make(text, 12)
        file_key = self.secret("file key", stream.Reference.parse(reference).file_key, mac)
        chunk_key, _ = stream.derive(file_key, 12)
        opened = self.there.stream_open_new(reference, file[: stream.HEADER], '{"digest":false}')
        chunk = file[stream.HEADER : stream.HEADER + CHUNK + stream.OVERHEAD]
        with self.kept():
            self.refused("AUTHENTICATION_FAILED", opened.chunk, 0, changed(chunk))
        self.remains(live=[chunk_key])
        self.assertEqual(opened.chunk(0, chunk), text[:CHUNK])
        self.remains(live=[chunk_key])
        self.there.end(opened)
        self.remains()

    def test_a_reference_to_another_attachment_leaves_nothing(self):
        file, _ = stream.make(b"one", 12)
        _, reference = stream.make(b"other", 12)
        file_key = stream.Reference.parse(reference).file_key
        self.secret("file key", file_key, mac)
        self.refused("AUTHENTICATION_FAILED", self.there.stream_open_new, reference, file[: stream.HEADER], "")
        self.remains()
