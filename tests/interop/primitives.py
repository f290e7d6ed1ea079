"""Section 1 of docs/PROTOCOL.md: the primitives of suite 1, each under its label."""

import hashlib
import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from codec import Refused, malformed, number

CURVE = ec.SECP256R1()
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def L(label):
    return number(len(label), 1) + label.encode("ascii")


def hash_(label, x):
    return hashlib.sha256(L(label) + x).digest()


def expand(key, label, x, size):
    return HKDFExpand(hashes.SHA256(), size, L(label) + x).derive(key)


def hkdf(salt, ikm, label, x, size):
    return HKDF(hashes.SHA256(), size, salt, L(label) + x).derive(ikm)


def split(derived):
    """The 32-byte values that a derivation of several gives."""
    return tuple(derived[i : i + 32] for i in range(0, len(derived), 32))


def seal(key, nonce, aad, plaintext):
    return AESGCM(key).encrypt(nonce, plaintext, aad)


def open_(key, nonce, aad, ciphertext):
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, aad)
    except InvalidTag:
        raise Refused("AUTHENTICATION_FAILED", "tag") from None


def fresh(size, given=None):
    """`given`, which is how vectors fix what is random, or new random bytes."""
    if given is None:
        return os.urandom(size)
    assert len(given) == size
    return given


@dataclass(frozen=True)
class KeyPair:
    private: bytes = field(repr=False)
    public: bytes

    @classmethod
    def of(cls, private):
        key = ec.derive_private_key(int.from_bytes(private, "big"), CURVE)
        return cls(private, key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))

    @classmethod
    def generate(cls, given=None):
        if given is None:
            given = number(ec.generate_private_key(CURVE).private_numbers().private_value, 32)
        return cls.of(given)

    def _key(self):
        return ec.derive_private_key(int.from_bytes(self.private, "big"), CURVE)

    def ecdh(self, public):
        return self._key().exchange(ec.ECDH(), _point(public))

    def sign(self, label, x):
        """RFC 6979 without additional data, low s: any nonce would do, this one repeats the vectors."""
        algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        r, s = utils.decode_dss_signature(self._key().sign(L(label) + x, algorithm))
        return number(r, 32) + number(min(s, ORDER - s), 32)


def _point(public):
    return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, public)


def checked_point(public):
    if len(public) != 65 or public[0] != 4:
        raise malformed("not an uncompressed point")
    try:
        _point(public)
    except ValueError:
        raise malformed("not a point of the curve") from None
    return public


def verify(public, label, x, signature):
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if len(signature) != 64 or s > ORDER // 2:
        raise Refused("AUTHENTICATION_FAILED", "signature not canonical")
    try:
        _point(public).verify(utils.encode_dss_signature(r, s), L(label) + x, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        raise Refused("AUTHENTICATION_FAILED", "signature") from None
