"""Section 6 of docs/PROTOCOL.md: what a message seals."""

from dataclasses import dataclass

from codec import Reader, Refused, malformed, number, utf8, vector
from primitives import fresh

DATA, DISTRIBUTION, HISTORY = 1, 2, 3
IN_SESSIONS = {1, 2, 3, 4, 5, 6, 7, 8, 9}
IN_GROUPS = {1}
BINARY, TEXT = 0, 1


@dataclass(frozen=True)
class Content:
    kind: int
    message_id: bytes
    body: bytes

    def encode(self, padded=False):
        encoded = number(self.kind, 1) + self.message_id + vector(self.body, (1 << 32) - 1)
        if padded:
            encoded = encoded.ljust(padme(len(encoded)), b"\0")
        return encoded

    @classmethod
    def data(cls, payload, content_type=BINARY, message_id=None):
        return cls(DATA, fresh(16, message_id), number(content_type, 1) + payload)

    @classmethod
    def parse(cls, encoded, kinds):
        r = Reader(encoded)
        kind, message_id, body = r.number(1), r.take(16), r.vector(0, (1 << 32) - 1)
        if any(r.rest()):
            raise malformed("padding that is not zero")
        content = cls(kind, message_id, body)
        if kind not in kinds:
            raise Refused("WRONG_KIND")
        if kind == DATA:
            if not body or len(body) > 1 + (1 << 20):
                raise malformed("length of data")
            if body[0] > TEXT:
                raise Refused("WRONG_KIND", "content type")
            if body[0] == TEXT:
                utf8(body[1:])
        return content

    @property
    def payload(self):
        return self.body[1:]


def padme(length):
    e = length.bit_length() - 1
    s = e.bit_length()
    mask = (1 << (e - s)) - 1
    return (length + mask) & ~mask
