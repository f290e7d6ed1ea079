"""Sections 3 and 4 of docs/PROTOCOL.md: cards, fingerprints, safety numbers, prekeys."""

from dataclasses import dataclass

from codec import CARD, PREKEY_BUNDLE, SUITE, Reader, Refused, malformed, number, prefix, user, vector
from primitives import KeyPair, checked_point, expand, hash_, verify

PREKEYS_REQUIRED = 1
SIGNED_PREKEY_LIFE_MS = 30 * 24 * 3600 * 1000


def fingerprint_input(name, sign_key, agree_key):
    return number(SUITE, 2) + user(name) + sign_key + agree_key


def fingerprint(name, sign_key, agree_key):
    return hash_("sealwax fingerprint/1", fingerprint_input(name, sign_key, agree_key))


@dataclass(frozen=True)
class Card:
    user: str
    sign_key: bytes
    agree_key: bytes
    flags: int
    created_ms: int
    encoded: bytes

    @property
    def fingerprint(self):
        return fingerprint(self.user, self.sign_key, self.agree_key)

    @property
    def prekeys_required(self):
        return bool(self.flags & PREKEYS_REQUIRED)

    @classmethod
    def parse(cls, encoded):
        r = Reader(encoded)
        r.prefix(CARD)
        name = r.user()
        sign_key, agree_key = checked_point(r.take(65)), checked_point(r.take(65))
        if sign_key == agree_key:
            raise malformed("one key for both purposes")
        flags, created_ms = r.flags(PREKEYS_REQUIRED), r.number(8)
        if r.vector(0, 65535):
            raise malformed("extension in suite 1")
        signed, signature = r.before(), r.take(64)
        r.end()
        verify(sign_key, "sealwax card/1", signed, signature)
        return cls(name, sign_key, agree_key, flags, created_ms, r.whole)


def make_card(name, sign, agree, flags, created_ms):
    signed = prefix(CARD) + user(name) + sign.public + agree.public
    signed += number(flags, 1) + number(created_ms, 8) + vector(b"", 65535)
    return signed + sign.sign("sealwax card/1", signed)


def safety_digits(fingerprint_):
    expanded = expand(fingerprint_, "sealwax safety/1", b"", 30)
    groups = (int.from_bytes(expanded[i : i + 5], "big") % 100_000 for i in range(0, 30, 5))
    return "".join(f"{group:05}" for group in groups)


def safety_number(one, other):
    """Digits and QR payload for two fingerprints, in either order."""
    low, high = sorted((one, other))
    return safety_digits(low) + safety_digits(high), b"\x01" + number(SUITE, 2) + low + high


@dataclass(frozen=True)
class SignedPrekey:
    id: int
    key: bytes
    created_ms: int
    expires_ms: int
    signature: bytes

    def encode(self):
        return self.fields() + self.signature

    def fields(self):
        return number(self.id, 4) + self.key + number(self.created_ms, 8) + number(self.expires_ms, 8)

    @classmethod
    def make(cls, sign, fingerprint_, id, key, created_ms, expires_ms=None):
        expires_ms = created_ms + SIGNED_PREKEY_LIFE_MS if expires_ms is None else expires_ms
        unsigned = cls(id, key, created_ms, expires_ms, b"")
        signature = sign.sign("sealwax prekey/1", fingerprint_ + unsigned.fields())
        return cls(id, key, created_ms, expires_ms, signature)

    @classmethod
    def read(cls, r):
        id, key = r.number(4), checked_point(r.take(65))
        created_ms, expires_ms = r.number(8), r.number(8)
        if not created_ms <= expires_ms <= created_ms + SIGNED_PREKEY_LIFE_MS:
            raise malformed("lives for less than nothing or more than 30 days")
        return cls(id, key, created_ms, expires_ms, r.take(64))


@dataclass(frozen=True)
class OneTimePrekey:
    id: int
    key: bytes

    def encode(self):
        return number(self.id, 4) + self.key


@dataclass(frozen=True)
class PrekeyBundle:
    user: str
    fingerprint: bytes
    signed: SignedPrekey
    one_time: tuple

    def encode(self):
        encoded = prefix(PREKEY_BUNDLE) + user(self.user) + self.fingerprint + self.signed.encode()
        encoded += vector(b"".join(key.encode() for key in self.one_time), (1 << 20) - 1)
        return encoded + vector(b"", 65535)

    @classmethod
    def parse(cls, encoded):
        r = Reader(encoded)
        r.prefix(PREKEY_BUNDLE)
        name, fingerprint_, signed = r.user(), r.take(32), SignedPrekey.read(r)
        keys = Reader(r.vector(0, (1 << 20) - 1))
        one_time = []
        while keys.more():
            one_time.append(OneTimePrekey(keys.number(4), checked_point(keys.take(65))))
        ids = [key.id for key in one_time]
        if ids != sorted(set(ids)) or len(ids) > 1000:
            raise malformed("one-time prekeys out of order, or too many")
        if r.vector(0, 65535):
            raise malformed("extension in suite 1")
        r.end()
        return cls(name, fingerprint_, signed, tuple(one_time))

    def check(self, card, now):
        """Refuses a bundle that does not serve a handshake with the owner of `card`."""
        if self.user != card.user or self.fingerprint != card.fingerprint:
            raise Refused("IDENTITY_CHANGED")
        verify(card.sign_key, "sealwax prekey/1", self.fingerprint + self.signed.fields(), self.signed.signature)
        if now >= self.signed.expires_ms:
            raise Refused("EXPIRED")


class Identity:
    """One's own keys, with the private halves of the prekeys that were published."""

    def __init__(self, name, sign=None, agree=None, flags=0, created_ms=0):
        self.sign, self.agree = KeyPair.generate(sign), KeyPair.generate(agree)
        self.card = Card.parse(make_card(name, self.sign, self.agree, flags, created_ms))
        self.signed = {}
        self.one_time = {}
        self.remembered = set()
        self.next_id = 1

    @property
    def user(self):
        return self.card.user

    @property
    def fingerprint(self):
        return self.card.fingerprint

    def prekeys(self, one_time, now):
        """A bundle with a new signed prekey and `one_time` new one-time prekeys."""
        pairs = [KeyPair.generate() for _ in range(1 + one_time)]
        ids = range(self.next_id, self.next_id + len(pairs))
        self.next_id += len(pairs)
        self.signed[ids[0]] = pairs[0]
        self.one_time.update(zip(ids[1:], pairs[1:]))
        signed = SignedPrekey.make(self.sign, self.fingerprint, ids[0], pairs[0].public, now)
        keys = tuple(OneTimePrekey(id, pair.public) for id, pair in zip(ids[1:], pairs[1:]))
        return PrekeyBundle(self.user, self.fingerprint, signed, keys).encode()
