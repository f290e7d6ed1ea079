"""Section 15 of docs/PROTOCOL.md: attachments."""

import hashlib
import hmac
from dataclasses import dataclass, field

from codec import (
    ATTACHMENT,
    ATTACHMENT_REFERENCE,
    Reader,
    Refused,
    malformed,
    number,
    prefix,
    vector,
)
from primitives import expand, fresh, hash_, open_, seal, split

HEADER = 38
OVERHEAD = 28
CHUNKS_MAX = 1 << 30


def checked_bits(bits):
    if not 12 <= bits <= 20:
        raise malformed("no such chunk size")
    return bits


def shape(bits):
    """What the chunk key and the commitment are made for."""
    return prefix(ATTACHMENT) + number(bits, 1)


def derive(file_key, bits):
    return split(expand(file_key, "sealwax stream/1", shape(bits), 64))


def aad(header, index, last):
    return header + number(index, 4) + number(last, 1)


def digest(header, chunks):
    hashes = [hash_("sealwax stream chunk/1", chunk) for chunk in chunks]
    return hash_("sealwax stream digest/1", header + b"".join(hashes))


@dataclass(frozen=True)
class Reference:
    bits: int
    file_key: bytes = field(repr=False)
    size: int
    digest: bytes

    def encode(self):
        head = prefix(ATTACHMENT_REFERENCE) + number(self.bits, 1) + self.file_key + number(self.size, 8)
        return head + vector(self.digest, 32)

    @classmethod
    def parse(cls, raw):
        reader = Reader(raw)
        reader.prefix(ATTACHMENT_REFERENCE)
        bits = checked_bits(reader.number(1))
        file_key, size, digest_ = reader.take(32), reader.number(8), reader.vector(0, 32)
        reader.end()
        if len(digest_) not in (0, 32):
            raise malformed("half a digest")
        if size > CHUNKS_MAX << bits:
            raise malformed("too many chunks")
        return cls(bits, file_key, size, digest_)

    def lengths(self):
        """Of the plaintext of each chunk."""
        full, rest = divmod(self.size, 1 << self.bits)
        return [1 << self.bits] * full + ([rest] if rest or not full else [])


def cut(plaintext, bits):
    size = 1 << bits
    return [plaintext[at : at + size] for at in range(0, len(plaintext), size)] or [b""]


def make(plaintext, bits, *, file_key=None, nonces=None, with_digest=True):
    """A sealed file and the reference to it."""
    file_key = fresh(32, file_key)
    chunk_key, commitment = derive(file_key, bits)
    header = shape(bits) + commitment
    pieces = cut(plaintext, bits)
    chunks = []
    for index, piece in enumerate(pieces):
        nonce = fresh(12, nonces and nonces[index])
        chunks.append(nonce + seal(chunk_key, nonce, aad(header, index, index + 1 == len(pieces)), piece))
    digest_ = digest(header, chunks) if with_digest else b""
    return header + b"".join(chunks), Reference(bits, file_key, len(plaintext), digest_).encode()


class Opened:
    """Steps 1 and 2 of section 15.4."""

    def __init__(self, reference, header, *, digest_required=True):
        self.reference = Reference.parse(reference)
        if digest_required and not self.reference.digest:
            raise Refused("WRONG_KIND", "no digest")
        reader = Reader(header)
        reader.prefix(ATTACHMENT)
        bits, commitment = checked_bits(reader.number(1)), reader.take(32)
        reader.end()
        self.header = bytes(header)
        self.key, own = derive(self.reference.file_key, self.reference.bits)
        if bits != self.reference.bits or not hmac.compare_digest(own, commitment):
            raise Refused("AUTHENTICATION_FAILED", "of another attachment")
        self.lengths = self.reference.lengths()

    def chunk(self, index, sealed):
        if len(sealed) != self.lengths[index] + OVERHEAD:
            raise malformed("not the length of this chunk")
        last = index + 1 == len(self.lengths)
        return open_(self.key, sealed[:12], aad(self.header, index, last), sealed[12:])


def read(reference, file):
    """The whole plaintext of a sealed file."""
    opened = Opened(reference, file[:HEADER])
    at, chunks = HEADER, []
    for length in opened.lengths:
        chunks.append(file[at : at + length + OVERHEAD])
        at += length + OVERHEAD
    plaintext = b"".join(opened.chunk(index, chunk) for index, chunk in enumerate(chunks))
    if at != len(file):
        raise malformed("longer than its size")
    if digest(opened.header, chunks) != opened.reference.digest:
        raise Refused("AUTHENTICATION_FAILED", "another version")
    return plaintext


def sha256(raw):
    return hashlib.sha256(raw).digest()
