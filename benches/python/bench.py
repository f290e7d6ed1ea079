"""Sealwax from Python, beside the wheels of vodozemac and of `cryptography`.

With `cryptography` the same operations are written out by hand, on the same curve: what a program would pay that made
its own protocol of primitives. The sides of a row take turns, as in the Rust bench, and are timed by the thread's own
clock.

usage: bench.py [document], which gets the table between its markers
"""

from __future__ import annotations

import hashlib
import os
import sys
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import thread_time_ns
from typing import Callable, Dict, List, Optional, Sequence, Tuple

import vodozemac
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

import sealwax

#: One way of doing the work: so many operations, and the nanoseconds that they took.
Side = Callable[[int], int]

PLAINTEXT = bytes(256)
ROUNDS = 41
TURN_NS = 1_000_000
MOST = 512


def repeat(operation: Callable[[], object]) -> Side:
    """A side that does the same thing again and again."""

    def run(count: int) -> int:
        start = thread_time_ns()
        for _ in range(count):
            operation()
        return thread_time_ns() - start

    return run


def prepared(make: Callable[[], object], use: Callable[[object], object]) -> Side:
    """A side that uses things which are made beforehand."""

    def run(count: int) -> int:
        things = [make() for _ in range(count)]
        start = thread_time_ns()
        for thing in things:
            use(thing)
        return thread_time_ns() - start

    return run


def interleave(sides: Sequence[Side]) -> List[List[float]]:
    """Nanoseconds an operation, of each side in each round."""
    counts = []
    for side in sides:
        count = 1
        while count < MOST and side(count) < TURN_NS:
            count *= 2
        counts.append(count)
    rounds: List[List[float]] = [[] for _ in sides]
    for number in range(ROUNDS):
        order = range(len(sides)) if number % 2 == 0 else reversed(range(len(sides)))
        for at in order:
            rounds[at].append(sides[at](counts[at]) / counts[at])
    return rounds


class Sealwax:
    """Two who talk, and a group of them."""

    def __init__(self) -> None:
        alice, bob = sealwax.Identity("alice"), sealwax.Identity("bob")
        self.ours = sealwax.Session.initiate(alice, bob.card(), bob.prekeys(one_time=1))
        first = self.ours.encrypt(PLAINTEXT)
        self.theirs = sealwax.Session.accept(bob, first)
        self.theirs.decrypt(first)
        self.turn = True
        for _ in range(2):
            self.message()
        self.bob, self.roster = bob, sealwax.Roster.create(alice, "team", [bob.card()])
        self.sender = sealwax.GroupSender(alice, self.roster, rotate_messages=1 << 24)
        self.receiver = sealwax.GroupReceiver(bob, self.roster)
        self.receiver.install(self.theirs, self.sender.distribute(self.ours))

    def message(self) -> None:
        """One message in the other direction than the last one."""
        self.turn = not self.turn
        sender, reader = (self.ours, self.theirs) if self.turn else (self.theirs, self.ours)
        assert reader.decrypt(sender.encrypt(PLAINTEXT)) == PLAINTEXT

    def backlog(self, count: int) -> int:
        """So many messages, read in one call."""
        envelopes = [self.sender.encrypt(PLAINTEXT) for _ in range(count)]
        start = thread_time_ns()
        assert self.receiver.decrypt_batch(envelopes)[-1] == PLAINTEXT
        return thread_time_ns() - start


class Vodozemac:
    """The same two."""

    def __init__(self) -> None:
        one, other = vodozemac.Account(), vodozemac.Account()
        other.generate_one_time_keys(1)
        (one_time,) = other.one_time_keys.values()
        self.ours = one.create_outbound_session(other.curve25519_key, one_time)
        first = self.ours.encrypt(PLAINTEXT).to_pre_key()
        self.theirs, _ = other.create_inbound_session(one.curve25519_key, first)
        self.turn = True
        for _ in range(2):
            self.message()
        self.sender = vodozemac.GroupSession()
        self.receiver = vodozemac.InboundGroupSession(self.sender.session_key)

    def message(self) -> None:
        """One message in the other direction than the last one."""
        self.turn = not self.turn
        sender, reader = (self.ours, self.theirs) if self.turn else (self.theirs, self.ours)
        assert reader.decrypt(sender.encrypt(PLAINTEXT)) == PLAINTEXT


class ByHand:
    """The operations of the same protocol, and nothing else of it."""

    def __init__(self) -> None:
        self.chain = os.urandom(32)
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.public = self.private.public_key()
        self.hashed = ec.ECDSA(Prehashed(hashes.SHA256()))

    def step(self, length: int) -> bytes:
        """One step of a chain."""
        keys = HKDFExpand(hashes.SHA256(), length, b"\x0fsealwax chain/1").derive(self.chain)
        self.chain = keys[:32]
        return keys[32:64]

    def seal(self, length: int = 64) -> Tuple[bytes, bytes, bytes]:
        """One message under its key."""
        key, nonce = self.step(length), os.urandom(12)
        return key, nonce, AESGCM(key).encrypt(nonce, PLAINTEXT, bytes(120))

    def open(self, message: Tuple[bytes, bytes, bytes]) -> bytes:
        """What sealing gave, under a key that has to be derived again."""
        self.step(64)
        key, nonce, sealed = message
        hashlib.sha256(sealed).digest()
        return AESGCM(key).decrypt(nonce, sealed, bytes(120))

    def seal_signed(self) -> Tuple[Tuple[bytes, bytes, bytes], bytes]:
        """One message to a group."""
        message = self.seal(96)
        return message, self.private.sign(hashlib.sha256(message[2]).digest(), self.hashed)

    def open_signed(self, signed: Tuple[Tuple[bytes, bytes, bytes], bytes]) -> bytes:
        """The same, read."""
        message, signature = signed
        self.public.verify(signature, hashlib.sha256(message[2]).digest(), self.hashed)
        return self.open(message)

    def turn(self) -> None:
        """A ratchet step of both sides, and a message."""
        fresh = ec.generate_private_key(ec.SECP256R1())
        fresh.exchange(ec.ECDH(), self.public)
        self.private.exchange(ec.ECDH(), fresh.public_key())
        self.open(self.seal())


#: The sides of a row, for people of its own: what one row skips another could not read.
ROWS: Dict[str, Callable[[Sealwax, Vodozemac, ByHand], Sequence[Side]]] = {
    "1:1 encrypt, same chain": lambda ours, theirs, hand: (
        repeat(lambda: ours.ours.encrypt(PLAINTEXT)),
        repeat(lambda: theirs.ours.encrypt(PLAINTEXT)),
        repeat(hand.seal),
    ),
    "1:1 decrypt, same chain": lambda ours, theirs, hand: (
        prepared(lambda: ours.ours.encrypt(PLAINTEXT), ours.theirs.decrypt),
        prepared(lambda: theirs.ours.encrypt(PLAINTEXT), theirs.theirs.decrypt),
        prepared(hand.seal, hand.open),
    ),
    "1:1 ping-pong, both sides": lambda ours, theirs, hand: (
        repeat(ours.message),
        repeat(theirs.message),
        repeat(hand.turn),
    ),
    "group encrypt": lambda ours, theirs, hand: (
        repeat(lambda: ours.sender.encrypt(PLAINTEXT)),
        repeat(lambda: theirs.sender.encrypt(PLAINTEXT)),
        repeat(hand.seal_signed),
    ),
    "group decrypt, one message": lambda ours, theirs, hand: (
        prepared(lambda: ours.sender.encrypt(PLAINTEXT), ours.receiver.decrypt),
        prepared(lambda: theirs.sender.encrypt(PLAINTEXT), theirs.receiver.decrypt),
        prepared(hand.seal_signed, hand.open_signed),
    ),
    "group decrypt, a backlog, a message": lambda ours, theirs, hand: (
        ours.backlog,
        prepared(lambda: theirs.sender.encrypt(PLAINTEXT), theirs.receiver.decrypt),
        prepared(hand.seal_signed, hand.open_signed),
    ),
}


def microseconds(nanoseconds: float) -> str:
    """A time for people."""
    return f"{nanoseconds / 1_000:.2f} us"


def table() -> str:
    """All rows as Markdown."""
    text = (
        f"Python {sys.version.split()[0]}, vodozemac {version('vodozemac')}, cryptography {version('cryptography')}:\n\n"
        "| row | Sealwax | vodozemac | ratio | `cryptography`, by hand | ratio |\n|---|---|---|---|---|---|\n"
    )
    for name, row in ROWS.items():
        ours, *others = interleave(row(Sealwax(), Vodozemac(), ByHand()))
        cells = [name, microseconds(median(ours))]
        for other in others:
            cells += [microseconds(median(other)), f"{median(b / a for a, b in zip(ours, other)):.2f}"]
        text += f"| {' | '.join(cells)} |\n"
    return text


def main(document: Optional[str]) -> None:
    measured = table()
    print(measured)
    if document is not None:
        path = Path(document)
        before, begin, rest = path.read_text().partition("<!-- begin python -->\n")
        _, end, after = rest.partition("<!-- end python -->")
        assert begin and end, "the document has no markers"
        path.write_text(before + begin + measured + end + after)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
