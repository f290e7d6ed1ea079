"""The presentation language of docs/PROTOCOL.md: numbers, vectors, prefixes, and the refusal of anything else."""

import unicodedata

VERSION, DRAFT, SUITE = 1, 1, 0x0001

SESSION, SESSION_FIRST, GROUP = 0x01, 0x02, 0x05
ROSTER_ENTRY, CARD, PREKEY_BUNDLE, SEALED_STATE, FRAME = 0x06, 0x20, 0x21, 0x40, 0x60
ATTACHMENT, ATTACHMENT_REFERENCE = 0x50, 0x51
KINDS = {SESSION, SESSION_FIRST, GROUP, ROSTER_ENTRY, CARD, PREKEY_BUNDLE, SEALED_STATE, FRAME,
         ATTACHMENT, ATTACHMENT_REFERENCE}


class Refused(Exception):
    """An error condition of section 11; `status` is its name without the prefix SEALWAX_."""

    def __init__(self, status, why=""):
        super().__init__(f"{status}: {why}" if why else status)
        self.status = status


def malformed(why):
    return Refused("MALFORMED", why)


def number(value, size):
    return value.to_bytes(size, "big")


def width(bound):
    """Bytes of the length of `opaque x<a..bound>`."""
    return 1 if bound < 1 << 8 else 2 if bound < 1 << 16 else 4


def vector(value, bound):
    if len(value) > bound:
        raise malformed(f"{len(value)} bytes where {bound} fit")
    return number(len(value), width(bound)) + value


def prefix(kind):
    return number(VERSION, 1) + number(DRAFT, 1) + number(SUITE, 2) + number(kind, 1)


class Reader:
    """Takes fields from the front of an object."""

    def __init__(self, whole):
        self.whole = bytes(whole)
        self.at = 0

    def take(self, size):
        if size > len(self.whole) - self.at:
            raise malformed("ends early")
        self.at += size
        return self.whole[self.at - size : self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def vector(self, low, bound):
        size = self.number(width(bound))
        if not low <= size <= bound:
            raise malformed(f"a vector of {size} bytes outside {low}..{bound}")
        return self.take(size)

    def user(self):
        return name(self.vector(1, 255))

    def prefix(self, *kinds):
        if (self.number(1), self.number(1)) != (VERSION, DRAFT):
            raise Refused("UNSUPPORTED_VERSION")
        if self.number(2) != SUITE:
            raise Refused("UNSUPPORTED_SUITE")
        kind = self.number(1)
        if kind not in KINDS:
            raise malformed("no such kind")
        if kind not in kinds:
            raise Refused("WRONG_KIND")
        return kind

    def flags(self, allowed):
        flags = self.number(1)
        if flags & ~allowed:
            raise malformed("a reserved bit is set")
        return flags

    def present(self):
        present = self.number(1)
        if present > 1:
            raise malformed("neither absent nor present")
        return present == 1

    def before(self):
        """Every byte read so far."""
        return self.whole[: self.at]

    def more(self):
        return self.at < len(self.whole)

    def rest(self):
        return self.take(len(self.whole) - self.at)

    def end(self):
        if self.more():
            raise malformed("bytes after the last field")


def utf8(raw):
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise malformed("not UTF-8") from None


def name(raw):
    """A user id or a label (section 2.2), whose length the caller has checked."""
    text = utf8(raw)
    if unicodedata.normalize("NFC", text) != text:
        raise malformed("not in Normalization Form C")
    if any(unicodedata.category(c) in {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"} for c in text):
        raise malformed("a code point that names must not hold")
    return text


def user(text):
    """`opaque user<1..255>`"""
    return vector(text.encode(), 255)
