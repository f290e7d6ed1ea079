"""stream.json, derived anew."""

import unittest

import stream
from primitives import L
from vectors import VectorTest


def plaintext(size):
    return bytes((31 * i + i // 256) % 256 for i in range(size))


class StreamVectors(VectorTest):
    FILE = "stream.json"

    def test_every_value_of_the_file_is_derived_anew(self):
        file = self.load()
        for v in file.each("attachments"):
            size, bits, with_digest = v.given("size"), v.given("chunk_bits"), v.given("has_digest")
            file_key = v.bytes("file_key")
            chunks = list(v.each("chunks"))
            nonces = [chunk.bytes("nonce") for chunk in chunks]
            sealed, reference = stream.make(
                plaintext(size), bits, file_key=file_key, nonces=nonces, with_digest=with_digest
            )
            chunk_key, commitment = stream.derive(file_key, bits)
            v.expect("expand_info", L("sealwax stream/1") + stream.shape(bits))
            v.expect("chunk_key", chunk_key)
            v.expect("commitment", commitment)
            header = sealed[: stream.HEADER]
            v.expect("header", header)
            at, whole = stream.HEADER, []
            for index, (chunk, length) in enumerate(zip(chunks, stream.Reference.parse(reference).lengths())):
                bytes_ = sealed[at : at + length + stream.OVERHEAD]
                at += len(bytes_)
                whole.append(bytes_)
                last = index + 1 == len(chunks)
                chunk.expect("index", index)
                chunk.expect("last", int(last))
                chunk.expect("aad", stream.aad(header, index, last))
                chunk.expect("tag", bytes_[-16:])
                chunk.expect("chunk_digest", stream.hash_("sealwax stream chunk/1", bytes_))
            self.assertEqual(at, len(sealed))
            v.expect("digest", stream.digest(header, whole))
            v.expect("reference", reference)
            v.expect("file", sealed if size <= 16 else None)
            v.expect("file_sha256", stream.sha256(sealed))
            if with_digest:
                self.assertEqual(stream.read(reference, sealed), plaintext(size))
        for v in file.each("refused"):
            self.refuses(v.given("status"), stream.Opened, v.bytes("reference"), v.bytes("header"))
            v.ignore("why")
        file.close()


if __name__ == "__main__":
    unittest.main()
