"""Section 5 of docs/PROTOCOL.md: handshakes, the double ratchet, messages, several inner sessions with one peer."""

import copy
from dataclasses import dataclass, field

from codec import (SESSION, SESSION_FIRST, SUITE, Reader, Refused, malformed, number, prefix, user, vector)
from content import IN_SESSIONS, Content
from identity import Card, PrekeyBundle
from primitives import KeyPair, checked_point, expand, fresh, hash_, hkdf, open_, seal, split

HIDDEN_HEADER = 1
MAX_SKIP, MAX_SKIPPED_KEYS, MAX_SKIPPED_CHAINS = 2_000, 4_000, 16
MAX_INNER = 4
HOUR_MS, DAY_MS = 3_600_000, 86_400_000


# ---- 5.2 Handshake ----


@dataclass(frozen=True)
class Handshake:
    """The block that a first message carries."""

    card: bytes
    created_ms: int
    ephemeral: bytes
    signed_id: int = None
    one_time_id: int = None

    def encode(self):
        encoded = vector(self.card, 65535) + number(self.created_ms, 8) + self.ephemeral
        for id in (self.signed_id, self.one_time_id):
            encoded += b"\0" if id is None else b"\1" + number(id, 4)
        return encoded + vector(b"", 65535)

    @classmethod
    def read(cls, r):
        card, created_ms, ephemeral = r.vector(1, 65535), r.number(8), checked_point(r.take(65))
        signed_id = r.number(4) if r.present() else None
        one_time_id = r.number(4) if r.present() else None
        if one_time_id is not None and signed_id is None:
            raise malformed("a one-time prekey without a signed one")
        if r.vector(0, 65535):
            raise malformed("extension in suite 1")
        return cls(card, created_ms, ephemeral, signed_id, one_time_id)

    @property
    def level(self):
        return 0 if self.signed_id is None else 1 if self.one_time_id is None else 2


def transcript(initiator, responder, flags, handshake, signed_key=b"", one_time_key=b""):
    encoded = number(SUITE, 2) + number(flags, 1)
    for card in (initiator, responder):
        encoded += user(card.user) + vector(card.sign_key, 65) + vector(card.agree_key, 65)
    encoded += number(handshake.created_ms, 8) + vector(handshake.ephemeral, 65)
    for id, key in ((handshake.signed_id, signed_key), (handshake.one_time_id, one_time_key)):
        encoded += number(id is not None, 1) + number(id or 0, 4) + vector(key, 65)
    return encoded + vector(b"", 65535)


def handshake_keys(shared, handshake_hash):
    """root, header_key_a, header_key_b from the list of ECDH results."""
    ikm = b"\xff" * 32 + b"".join(shared)
    return split(hkdf(bytes(32), ikm, "sealwax handshake/1", number(SUITE, 2) + handshake_hash, 96))


def ephemeral_memory(ephemeral):
    return hash_("sealwax ephemeral/1", ephemeral)


def shared_by_initiator(agree, ephemeral, responder_key, signed_key=None, one_time_key=None):
    if signed_key is None:
        return [agree.ecdh(responder_key), ephemeral.ecdh(responder_key)]
    shared = [agree.ecdh(signed_key), ephemeral.ecdh(responder_key), ephemeral.ecdh(signed_key)]
    return shared + ([ephemeral.ecdh(one_time_key)] if one_time_key else [])


def shared_by_responder(agree, initiator_key, ephemeral, signed=None, one_time=None):
    if signed is None:
        return [agree.ecdh(initiator_key), agree.ecdh(ephemeral)]
    shared = [signed.ecdh(initiator_key), agree.ecdh(ephemeral), signed.ecdh(ephemeral)]
    return shared + ([one_time.ecdh(ephemeral)] if one_time else [])


# ---- 5.3 Double ratchet ----


def root_step(root, own, remote):
    """root', chain, next header key"""
    return split(hkdf(root, own.ecdh(remote), "sealwax ratchet/1", b"", 96))


def chain_step(chain):
    """chain', message key"""
    return split(expand(chain, "sealwax chain/1", b"", 64))


@dataclass(frozen=True)
class RatchetHeader:
    ratchet_key: bytes
    previous_count: int
    counter: int

    def encode(self):
        return self.ratchet_key + number(self.previous_count, 4) + number(self.counter, 4)

    @classmethod
    def read(cls, r):
        return cls(r.take(65), r.number(4), r.number(4))  # the point is checked where the key is taken up


@dataclass
class Chain:
    key: bytes
    counter: int = 0

    def step(self):
        self.key, message_key = chain_step(self.key)
        self.counter += 1
        return message_key


@dataclass
class SkippedChain:
    header_key: bytes
    keys: dict = field(default_factory=dict)


@dataclass
class Ratchet:
    root: bytes
    own: KeyPair
    next_send_header_key: bytes
    next_receive_header_key: bytes
    send_header_key: bytes = None
    receive_header_key: bytes = None
    remote: bytes = None
    sending: Chain = None
    receiving: Chain = None
    previous_count: int = 0
    skipped: dict = field(default_factory=dict)  # ratchet key -> SkippedChain, oldest first
    used: list = field(default_factory=list)  # the last 32 ratchet keys of the peer that are used up

    @classmethod
    def of_initiator(cls, keys, own, remote):
        root, a, b = keys
        root, chain, following = root_step(root, own, remote)
        return cls(root, own, following, b, send_header_key=a, remote=remote, sending=Chain(chain))

    @classmethod
    def of_responder(cls, keys, own):
        root, a, b = keys
        return cls(root, own, next_send_header_key=b, next_receive_header_key=a)

    def sending_half_step(self, given=None):
        self.own = KeyPair.generate(given)
        self.root, chain, following = root_step(self.root, self.own, self.remote)
        self.sending = Chain(chain)
        self.send_header_key, self.next_send_header_key = self.next_send_header_key, following

    def receiving_half_step(self, header):
        if self.own is None:
            raise Refused("AUTHENTICATION_FAILED", "a ratchet key that answers nothing")
        if self.receiving:
            self._skip(header.previous_count)
            self.used = (self.used + [self.remote])[-32:]
        self.remote = checked_point(header.ratchet_key)
        self.root, chain, following = root_step(self.root, self.own, self.remote)
        self.receiving = Chain(chain)
        self.receive_header_key, self.next_receive_header_key = self.next_receive_header_key, following
        self.previous_count = self.sending.counter if self.sending else 0
        self.own = self.sending = None

    def _skip(self, until):
        while self.receiving.counter < until:
            counter = self.receiving.counter
            chain = self.skipped.setdefault(self.remote, SkippedChain(self.receive_header_key))
            chain.keys[counter] = self.receiving.step()
        while len(self.skipped) > MAX_SKIPPED_CHAINS or sum(len(c.keys) for c in self.skipped.values()) > MAX_SKIPPED_KEYS:
            oldest = next(iter(self.skipped))
            keys = self.skipped[oldest].keys
            del keys[next(iter(keys))]
            if len(self.skipped) > MAX_SKIPPED_CHAINS or not keys:
                del self.skipped[oldest]

    def open_header(self, nonce, aad, sealed):
        """A hidden header, with the keys of section 5.6 step 4 in their order."""
        candidates = [(self.receive_header_key, "current"), (self.next_receive_header_key, "next")]
        candidates += [(chain.header_key, key) for key, chain in self.skipped.items()]
        for header_key, place in candidates:
            if header_key is None:
                continue
            try:
                r = Reader(open_(header_key, nonce, aad, sealed))
            except Refused:
                continue
            header = RatchetHeader.read(r)
            if place == "current" and header.ratchet_key != self.remote:
                raise Refused("AUTHENTICATION_FAILED", "another ratchet key under this header key")
            if place == "next" and header.ratchet_key in self._old_keys():
                raise Refused("AUTHENTICATION_FAILED", "an old ratchet key under the next header key")
            if place not in ("current", "next"):
                if header.ratchet_key != place or header.counter not in self.skipped[place].keys:
                    raise Refused("REPLAY")
            return header
        raise Refused("AUTHENTICATION_FAILED", "header")

    def _old_keys(self):
        return {self.remote, *self.used, *self.skipped}

    def message_key(self, header):
        """Section 5.6 step 5."""
        stored = self.skipped.get(header.ratchet_key)
        if stored and header.counter in stored.keys:
            key = stored.keys.pop(header.counter)
            if not stored.keys:
                del self.skipped[header.ratchet_key]
                if header.ratchet_key != self.remote and header.ratchet_key not in self.used:
                    self.used.append(header.ratchet_key)
            return key
        if not (self.receiving and header.ratchet_key == self.remote):
            if header.ratchet_key in self._old_keys():
                raise Refused("REPLAY")
            behind = header.previous_count - self.receiving.counter if self.receiving else 0
            if behind > MAX_SKIP or header.counter > MAX_SKIP:
                raise Refused("TOO_FAR_AHEAD")
            self.receiving_half_step(header)
        if header.counter < self.receiving.counter:
            raise Refused("REPLAY")
        if header.counter - self.receiving.counter > MAX_SKIP:
            raise Refused("TOO_FAR_AHEAD")
        self._skip(header.counter)
        return self.receiving.step()


# ---- 5.4 Message ----


@dataclass(frozen=True)
class Envelope:
    """A session message, parsed."""

    kind: int
    flags: int
    sender: str
    recipient: str
    key_id: bytes
    timestamp_ms: int
    nonce: bytes
    handshake: Handshake
    header: RatchetHeader
    header_nonce: bytes
    sealed_header: bytes
    header_aad: bytes
    aad: bytes
    ciphertext: bytes
    encoded: bytes

    @property
    def id(self):
        return hash_("sealwax envelope/1", self.encoded)[:16]

    @classmethod
    def parse(cls, encoded):
        r = Reader(encoded)
        kind = r.prefix(SESSION, SESSION_FIRST)
        flags = r.flags(HIDDEN_HEADER)
        sender, recipient = r.user(), r.user()
        key_id, timestamp_ms, nonce = r.take(8), r.number(8), r.take(12)
        handshake = Handshake.read(r) if kind == SESSION_FIRST else None
        header = header_nonce = sealed_header = header_aad = None
        if flags & HIDDEN_HEADER:
            header_aad, header_nonce, sealed_header = r.before(), r.take(12), r.take(89)
        else:
            header = RatchetHeader.read(r)
        length = r.number(4)
        aad = r.before()
        if length < 37:
            raise malformed("shorter than any ciphertext")
        ciphertext = r.take(length)
        r.end()
        return cls(kind, flags, sender, recipient, key_id, timestamp_ms, nonce, handshake, header, header_nonce,
                   sealed_header, header_aad, aad, ciphertext, r.whole)


def seal_envelope(flags, sender, recipient, key_id, timestamp_ms, nonce, handshake, header, header_key, header_nonce,
                  message_key, plaintext):
    encoded = prefix(SESSION_FIRST if handshake else SESSION) + number(flags, 1) + user(sender) + user(recipient)
    encoded += key_id + number(timestamp_ms, 8) + nonce
    if handshake:
        encoded += handshake.encode()
    if flags & HIDDEN_HEADER:
        encoded += header_nonce + seal(header_key, header_nonce, encoded, header.encode())
    else:
        encoded += header.encode()
    aad = encoded + number(len(plaintext) + 16, 4)
    return aad + seal(message_key, nonce, aad, plaintext)


# ---- 5.5 and 5.6: one handshake's state, and all of a peer ----


@dataclass
class InnerSession:
    initiator: bool
    flags: int
    handshake: Handshake
    handshake_hash: bytes
    ratchet: Ratchet
    candidate: bool = False
    answered: bool = False
    sent: int = 0
    first_opened_ms: int = None  # least timestamp opened
    last_opened_ms: int = None  # greatest timestamp opened
    used_ms: int = 0

    @property
    def key_id(self):
        return self.handshake_hash[:8]


class Session:
    """The state shared with one peer."""

    def __init__(self, identity, peer_user, peer_fingerprint, hidden_header=False):
        self.identity = identity
        self.peer = peer_user
        self.peer_fingerprint = peer_fingerprint
        self.flags = HIDDEN_HEADER if hidden_header else 0
        self.inner = {}  # key id -> InnerSession
        self.accepted = []  # the last 32 envelope ids
        self.now = 0
        self.made_ms = 0  # created_ms of the latest handshake made
        self.made_level = self.opened_level = 0

    @classmethod
    def initiate(cls, identity, card, bundle, now, hidden_header=False, ephemeral=None, ratchet=None):
        card = Card.parse(card)
        session = cls(identity, card.user, card.fingerprint, hidden_header)
        session.renew(card, bundle, now, ephemeral, ratchet)
        return session

    @classmethod
    def accept(cls, identity, envelope, now):
        first = Envelope.parse(envelope)
        if first.kind != SESSION_FIRST:
            raise Refused("WRONG_KIND")
        card = Card.parse(first.handshake.card)
        session = cls(identity, card.user, card.fingerprint, bool(first.flags & HIDDEN_HEADER))
        return session, session.decrypt(envelope, now)

    def renew(self, card, bundle, now, ephemeral=None, ratchet=None):
        """Makes a handshake; it is a candidate and retires every other inner session."""
        self.now = now = max(now, self.now)
        me = self.identity
        if card.agree_key == me.card.agree_key or card.user == me.user:
            raise Refused("INVALID_ARGUMENT")
        if card.fingerprint != self.peer_fingerprint:
            raise Refused("IDENTITY_CHANGED")
        signed_key = one_time_key = None
        signed_id = one_time_id = None
        if bundle:
            bundle = PrekeyBundle.parse(bundle)
            bundle.check(card, now)
            signed_id, signed_key = bundle.signed.id, bundle.signed.key
            if bundle.one_time:
                one_time_id, one_time_key = bundle.one_time[0].id, bundle.one_time[0].key
        elif card.prekeys_required or self.made_level or self.opened_level:
            raise Refused("PREKEYS_REQUIRED")
        ephemeral = KeyPair.generate(ephemeral)
        created_ms = max(now, self.made_ms + 1)
        handshake = Handshake(me.card.encoded, created_ms, ephemeral.public, signed_id, one_time_id)
        digest = hash_("sealwax transcript/1",
                       transcript(me.card, card, self.flags, handshake, signed_key or b"", one_time_key or b""))
        keys = handshake_keys(shared_by_initiator(me.agree, ephemeral, card.agree_key, signed_key, one_time_key), digest)
        state = Ratchet.of_initiator(keys, KeyPair.generate(ratchet), signed_key or card.agree_key)
        for other in self.inner.values():
            other.candidate = False
        made = InnerSession(True, self.flags, handshake, digest, state, candidate=True, used_ms=now)
        self.inner[made.key_id] = made
        self.made_ms, self.made_level = created_ms, max(self.made_level, handshake.level)

    def active(self):
        """Section 5.5: which inner session sends."""
        candidates = [i for i in self.inner.values() if i.candidate]
        if len(candidates) < 2:
            return candidates[0]
        ours, theirs = sorted(candidates, key=lambda i: not i.initiator)
        created = theirs.handshake.created_ms
        last = [created if i.last_opened_ms is None else i.last_opened_ms for i in (ours, theirs)]
        if abs(last[0] - last[1]) >= HOUR_MS:
            return ours if last[0] > last[1] else theirs
        if (ours.handshake.level == 0) != (theirs.handshake.level == 0):
            return theirs if ours.handshake.level == 0 else ours
        return min(candidates, key=lambda i: i.handshake_hash)

    def encrypt(self, content, now, padded=False, nonce=None, header_nonce=None, ratchet=None):
        self.now = now = max(now, self.now)
        inner = self.active()
        if inner.initiator and not inner.answered:
            if inner.sent >= 1000 or now - inner.handshake.created_ms > 7 * DAY_MS:
                raise Refused("RENEWAL_REQUIRED")
        state = inner.ratchet
        if state.sending is None:
            state.sending_half_step(ratchet)
        if state.sending.counter == 0xFFFFFFFF:
            raise Refused("CHAIN_EXHAUSTED")
        header = RatchetHeader(state.own.public, state.previous_count, state.sending.counter)
        inner.sent, inner.used_ms = inner.sent + 1, now
        return seal_envelope(
            inner.flags, self.identity.user, self.peer, inner.key_id, max(now, self.made_ms + 1), fresh(12, nonce),
            inner.handshake if inner.initiator and not inner.answered else None, header, state.send_header_key,
            fresh(12, header_nonce) if inner.flags & HIDDEN_HEADER else None,
            state.sending.step(), content.encode(padded))

    def decrypt(self, envelope, now):
        """Section 5.6. Works on a copy; what it raises has changed nothing."""
        now = max(now, self.now)
        e = Envelope.parse(envelope)
        if e.sender != self.peer:
            raise Refused("WRONG_SESSION")
        if e.recipient != self.identity.user:
            raise Refused("WRONG_RECIPIENT")
        if e.id in self.accepted:
            raise Refused("DUPLICATE")
        known = self.inner.get(e.key_id)
        if known:
            if e.kind == SESSION_FIRST and (known.initiator or e.handshake != known.handshake):
                raise Refused("AUTHENTICATION_FAILED", "another handshake under this key id")
            if e.flags != known.flags:
                raise malformed("the header is not hidden as agreed")
            inner = copy.deepcopy(known)
        elif e.kind == SESSION:
            raise Refused("UNKNOWN_KEY")
        else:
            inner = self._accept(e, now)
        state = inner.ratchet
        header = e.header
        if header is None:
            header = state.open_header(e.header_nonce, e.header_aad, e.sealed_header)
        key = state.message_key(header)
        content = Content.parse(open_(key, e.nonce, e.aad, e.ciphertext), IN_SESSIONS)
        self._commit(e, inner, known is None, now)
        return content

    def _accept(self, e, now):
        me, block = self.identity, e.handshake
        card = Card.parse(block.card)
        if card.user != e.sender:
            raise malformed("a card of somebody else")
        if card.fingerprint != self.peer_fingerprint:
            raise Refused("IDENTITY_CHANGED")
        if card.agree_key == me.card.agree_key or card.user == me.user:
            raise malformed("a session with oneself")
        if block.level == 0:
            if me.card.prekeys_required or self.opened_level:
                raise Refused("PREKEYS_REQUIRED")
            if not now - 7 * DAY_MS <= block.created_ms <= now + HOUR_MS:
                raise Refused("EXPIRED")
        if (block.signed_id, ephemeral_memory(block.ephemeral)) in me.remembered:
            raise Refused("REPLAY")
        signed, one_time = me.signed.get(block.signed_id), me.one_time.get(block.one_time_id)
        if (block.level and not signed) or (block.level == 2 and not one_time):
            raise Refused("UNKNOWN_PREKEY")
        digest = hash_("sealwax transcript/1",
                       transcript(card, me.card, e.flags, block, signed.public if signed else b"",
                                  one_time.public if one_time else b""))
        if digest[:8] != e.key_id:
            raise malformed("key id of another handshake")
        keys = handshake_keys(shared_by_responder(me.agree, card.agree_key, block.ephemeral, signed, one_time), digest)
        return InnerSession(False, e.flags, block, digest, Ratchet.of_responder(keys, signed or me.agree))

    def _commit(self, e, inner, new, now):
        self.now = now
        self.inner[inner.key_id] = inner
        self.accepted = (self.accepted + [e.id])[-32:]
        inner.answered, inner.used_ms = True, now
        opened = [t for t in (inner.first_opened_ms, inner.last_opened_ms, e.timestamp_ms) if t is not None]
        inner.first_opened_ms, inner.last_opened_ms = min(opened), max(opened)
        self.opened_level = max(self.opened_level, inner.handshake.level)
        if new:
            self.identity.one_time.pop(inner.handshake.one_time_id, None)
            self.identity.remembered.add((inner.handshake.signed_id, ephemeral_memory(inner.handshake.ephemeral)))
            self._arrange(inner)
        self._retire_what_the_peer_lost()
        self._drop()

    def _drop(self):
        """Inner sessions that nobody uses any more, and the oldest of more than four."""
        active = self.active()
        others = sorted((i for i in self.inner.values() if i is not active), key=lambda i: i.used_ms)
        for place, inner in enumerate(others):
            if self.now - inner.used_ms > 7 * DAY_MS or len(others) - place > MAX_INNER - 1:
                del self.inner[inner.key_id]

    def _arrange(self, new):
        """A handshake of the peer has authenticated: is it the peer's latest?"""
        def order(i):
            ahead = i.handshake.created_ms > self.now + HOUR_MS
            return not ahead, i.handshake.created_ms, i.handshake_hash

        others = [i for i in self.inner.values() if not i.initiator and i is not new]
        new.candidate = all(order(i) < order(new) for i in others)
        if new.candidate:
            for other in others:
                other.candidate = False

    def _retire_what_the_peer_lost(self):
        ours = next((i for i in self.inner.values() if i.candidate and i.initiator), None)
        theirs = next((i for i in self.inner.values() if i.candidate and not i.initiator), None)
        if ours and theirs and ours.first_opened_ms is not None:
            if ours.first_opened_ms <= theirs.handshake.created_ms:
                ours.candidate = False
