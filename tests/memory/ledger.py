"""What must not be found: every secret that a test comes to know, in the forms in which memory may hold it.

The implementation of the protocol in tests/interop is the other side of each conversation, so it derives what the
library derives. It is made to write everything down.
"""

import functools
import hashlib
import hmac
import struct

import primitives

PIECE = 16
ORDER = primitives.ORDER
PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1


class Secret:
    """Bytes that must go, and what gives them away: pieces of 16 bytes, by the form that they are pieces of."""

    def __init__(self, name, raw, *uses):
        self.name, self.raw = name, bytes(raw)
        self.forms = {"": pieces(self.raw)}
        for use in uses:
            for form, bytes_ in use(self.raw).items():
                self.forms[form] = pieces(bytes_)

    @functools.cached_property
    def words(self):
        """Of which memory holds one at an aligned address if it holds a piece at any."""
        every = (piece for pieces_ in self.forms.values() for piece in pieces_)
        return frozenset(word for piece in every for at in range(8) for word in struct.unpack_from("=Q", piece, at))

    def __repr__(self):
        return self.name


def pieces(raw):
    return [raw[at : at + PIECE] for at in range(0, len(raw) - PIECE + 1, PIECE)]


# ---- Forms ----


def scalar(raw):
    """A private key as the backends hold it: words with the least first, plain or multiplied by 2^256."""
    value = int.from_bytes(raw, "big")
    return {"scalar": raw[::-1], "Montgomery": (value * 2**256 % ORDER).to_bytes(32, "little")}


def coordinate(raw):
    value = int.from_bytes(raw, "big")
    return {"coordinate": raw[::-1], "Montgomery": (value * 2**256 % PRIME).to_bytes(32, "little")}


def cipher(raw):
    """A key of AES-256: the round keys after the first two, which are the key."""
    words = list(struct.unpack(">8I", raw))
    constant = 1
    for i in range(8, 60):
        word = words[-1]
        if i % 8 == 0:
            word = _substitute((word << 8 | word >> 24) & 0xFFFFFFFF) ^ constant << 24
            constant = constant << 1 ^ (0x11B if constant & 0x80 else 0)
        elif i % 8 == 4:
            word = _substitute(word)
        words.append(words[-8] ^ word)
    return {"round keys": struct.pack(">60I", *words)[32:]}


def mac(raw):
    """A key of HMAC-SHA-256: padded, and the states of the hash after that."""
    inner, outer = (bytes(byte ^ pad for byte in raw.ljust(64, b"\0")) for pad in (0x36, 0x5C))
    states = b"".join(struct.pack("=8I", *_compress(pad)) for pad in (inner, outer))
    return {"padded": inner[:32] + outer[:32], "HMAC state": states}


def _make_box():
    box, p, q = [0x63] * 256, 1, 1
    while True:
        p ^= p << 1 & 0xFF ^ (0x1B if p & 0x80 else 0)
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        q &= 0xFF
        q ^= 0x09 if q & 0x80 else 0
        rotated = [(q << by | q >> 8 - by) & 0xFF for by in range(5)]
        box[p] = rotated[0] ^ rotated[1] ^ rotated[2] ^ rotated[3] ^ rotated[4] ^ 0x63
        if p == 1:
            return box


BOX = _make_box()


def _substitute(word):
    return int.from_bytes(bytes(BOX[byte] for byte in word.to_bytes(4, "big")), "big")


def _roots(count, power):
    """The first 32 bits of the fraction of the square or cube roots of the first primes."""
    primes = [n for n in range(2, 312) if all(n % d for d in range(2, n))][:count]
    return [_root(n << 32 * power, power) & 0xFFFFFFFF for n in primes]


def _root(value, power):
    low, high = 0, 1 << 64
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**power <= value else (low, middle)
    return low


ROUNDS, START = _roots(64, 3), _roots(8, 2)


def _compress(block):
    """The state of SHA-256 after one block, which hashlib does not show."""
    def turn(x, by):
        return (x >> by | x << 32 - by) & 0xFFFFFFFF

    w = list(struct.unpack(">16I", block))
    for i in range(16, 64):
        s0 = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3
        s1 = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10
        w.append((w[i - 16] + s0 + w[i - 7] + s1) & 0xFFFFFFFF)
    a, b, c, d, e, f, g, h = START
    for word, constant in zip(w, ROUNDS):
        t1 = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + (e & f ^ ~e & g) + constant + word
        t2 = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + (a & b ^ a & c ^ b & c)
        a, b, c, d, e, f, g, h = (t1 + t2) & 0xFFFFFFFF, a, b, c, (d + t1) & 0xFFFFFFFF, e, f, g
    return [(x + y) & 0xFFFFFFFF for x, y in zip((a, b, c, d, e, f, g, h), START)]


# ---- What is written down ----

# What becomes of each 32 bytes of a derivation; None for what is no secret.
USES = {
    "sealwax handshake/1": (("root", mac), ("header key", cipher), ("header key", cipher)),
    "sealwax ratchet/1": (("root", mac), ("chain", mac), ("header key", cipher)),
    "sealwax chain/1": (("chain", mac), ("message key", cipher)),
    "sealwax block/1": (("seed", mac), ("group chain", mac)),
    "sealwax step/1": (("group chain", mac), ("group message key", cipher), ("commitment", None)),
    "sealwax stream/1": (("chunk key", cipher), None),
    "sealwax sealed/1": (("state key", cipher),),
    "sealwax store/1": (("record key", mac), ("name key", mac), ("digest key", mac), None),
    "sealwax safety/1": (),
}


class Ledger:
    """The secrets of one test, each once."""

    def __init__(self):
        self.secrets = {}

    def add(self, name, raw, *uses):
        return self.secrets.setdefault(bytes(raw), Secret(name, raw, *uses))

    def derived(self, label, out):
        for use, raw in zip(USES[label], primitives.split(out)):
            if use is not None:
                name, form = use
                self.add(name, raw, *[form] if form else [])

    def publish(self, public):
        """What stands in these bytes is no secret."""
        self.secrets = {raw: secret for raw, secret in self.secrets.items() if raw not in public}

    def __getitem__(self, raw):
        return self.secrets[bytes(raw)]

    def __iter__(self):
        return iter(list(self.secrets.values()))


def keep(ledger):
    """Makes the other implementation write down what it derives from now on."""
    global _kept
    _kept = ledger


_kept = Ledger()


class _Expand:
    """HKDF-Expand, written down under the label that its info begins with."""

    plain = primitives.HKDFExpand

    def __init__(self, algorithm, size, info):
        self.inner, self.label = self.plain(algorithm, size, info), info[1 : 1 + info[0]].decode()

    def derive(self, key):
        out = self.inner.derive(key)
        _kept.derived(self.label, out)
        return out


class _Extract:
    """HKDF by its two halves, of which the first gives a key, too."""

    def __init__(self, algorithm, size, salt, info):
        self.salt, self.expand = salt, _Expand(algorithm, size, info)

    def derive(self, ikm):
        extracted = hmac.digest(self.salt, ikm, hashlib.sha256)
        _kept.add("extracted key", extracted, mac)
        return self.expand.derive(extracted)


def _agree(pair, public, agree=primitives.KeyPair.ecdh):
    out = agree(pair, public)
    _kept.add("ECDH", out, coordinate)
    return out


primitives.HKDFExpand, primitives.HKDF, primitives.KeyPair.ecdh = _Expand, _Extract, _agree
