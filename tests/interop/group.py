"""Section 8 of docs/PROTOCOL.md: sender keys, their two-level chain, group messages, distributions, history."""

import copy
from dataclasses import dataclass, field

from codec import GROUP, Reader, Refused, malformed, number, prefix, user, vector
from content import IN_GROUPS, Content
from primitives import KeyPair, checked_point, expand, fresh, hash_, open_, seal, split, verify

RESUMED = 1
BLOCK = 256
MESSAGES_MAX = 1 << 24
MAX_SKIP, MAX_SKIPPED_KEYS, MAX_BLOCKS, MAX_LINKS = 262_144, 4_096, 1_024, 1_024
WINDOW_MS = 120_000
NO_LINK = bytes(16)


# ---- 8.1 Chain ----


def block_step(seed):
    """seed of the next block, first chain of this one"""
    return split(expand(seed, "sealwax block/1", b"", 64))


def message_step(chain):
    """chain', message key, commit"""
    return split(expand(chain, "sealwax step/1", b"", 96))


@dataclass
class Chain:
    """The state at counter n: the chain there and the seed of the block after."""

    counter: int
    chain: bytes
    next_seed: bytes

    @classmethod
    def start(cls, seed):
        next_seed, chain = block_step(seed)
        return cls(0, chain, next_seed)

    def leads_to(self, later):
        """Whether this chain, moved on, is the other one."""
        at = copy.copy(self)
        while at.counter // BLOCK < later.counter // BLOCK:
            at.leave_block()
        while at.counter < later.counter:
            at.step()
        return at == later

    def step(self):
        """Message key and commit at the counter, which then moves on."""
        self.chain, key, commit = message_step(self.chain)
        self.counter += 1
        if self.counter % BLOCK == 0:
            self.next_seed, self.chain = block_step(self.next_seed)
        return key, commit

    def leave_block(self):
        """Moves to the start of the next block. What is left behind: counter and chain."""
        left = self.counter, self.chain
        self.counter = (self.counter // BLOCK + 1) * BLOCK
        self.next_seed, self.chain = block_step(self.next_seed)
        return left


# ---- 8.2 Message ----


def digest(commit, aad, ciphertext):
    return hash_("sealwax digest/1", commit + aad + ciphertext)


def next_link(digest_, signature):
    return hash_("sealwax link/1", digest_ + signature)[:16]


def first_link(group_id, sender, key_id, epoch, signing_key):
    return hash_("sealwax link start/1", group_id + user(sender) + key_id + number(epoch, 8) + signing_key)[:16]


@dataclass(frozen=True)
class GroupMessage:
    flags: int
    group_id: bytes
    sender: str
    key_id: bytes
    epoch: int
    roster_hash: bytes
    counter: int
    timestamp_ms: int
    nonce: bytes
    link: bytes
    resumed_from: int
    aad: bytes
    ciphertext: bytes
    signature: bytes
    encoded: bytes

    @property
    def id(self):
        return hash_("sealwax envelope/1", self.encoded)[:16]

    @property
    def resumed(self):
        return bool(self.flags & RESUMED)

    @classmethod
    def parse(cls, encoded):
        r = Reader(encoded)
        r.prefix(GROUP)
        flags = r.flags(RESUMED)
        group_id, sender, key_id = r.take(32), r.user(), r.take(8)
        epoch, roster_hash, counter, timestamp_ms = r.number(8), r.take(16), r.number(4), r.number(8)
        nonce, link = r.take(12), r.take(16)
        resumed_from = r.number(4) if flags & RESUMED else None
        if flags & RESUMED and (link != NO_LINK or resumed_from > counter):
            raise malformed("resumed with a link, or from later on")
        length = r.number(4)
        aad = r.before()
        if length < 37:
            raise malformed("shorter than any ciphertext")
        ciphertext, signature = r.take(length), r.take(64)
        r.end()
        return cls(flags, group_id, sender, key_id, epoch, roster_hash, counter, timestamp_ms, nonce, link, resumed_from,
                   aad, ciphertext, signature, r.whole)


def seal_message(signing, message_key, commit, group_id, sender, key_id, epoch, roster_hash, counter, timestamp_ms,
                 nonce, link, plaintext, resumed_from=None):
    """The envelope, and the link that the next one carries."""
    resumed = resumed_from is not None
    aad = prefix(GROUP) + number(RESUMED if resumed else 0, 1) + group_id + user(sender) + key_id
    aad += number(epoch, 8) + roster_hash[:16] + number(counter, 4) + number(timestamp_ms, 8) + nonce
    aad += (NO_LINK + number(resumed_from, 4)) if resumed else link
    aad += number(len(plaintext) + 16, 4)
    ciphertext = seal(message_key, nonce, aad, plaintext)
    digest_ = digest(commit, aad, ciphertext)
    signature = signing.sign("sealwax message/1", digest_)
    return aad + ciphertext + signature, next_link(digest_, signature)


# ---- 8.3 Distribution, 8.6 History ----


@dataclass(frozen=True)
class Distribution:
    group_id: bytes
    epoch: int
    roster_hash: bytes
    key_id: bytes
    signing_key: bytes
    counter: int
    chain: bytes
    next_seed: bytes
    link: bytes
    previous: tuple = None  # key id, count, link

    def encode(self):
        encoded = self.group_id + number(self.epoch, 8) + self.roster_hash + self.key_id + self.signing_key
        encoded += number(self.counter, 4) + self.chain + self.next_seed + self.link
        if self.previous is None:
            return encoded + b"\0"
        key_id, count, link = self.previous
        return encoded + b"\1" + key_id + number(count, 4) + link

    @classmethod
    def parse(cls, encoded, sender):
        r = Reader(encoded)
        fields = (r.take(32), r.number(8), r.take(32), r.take(8), checked_point(r.take(65)), r.number(4), r.take(32),
                  r.take(32), r.take(16))
        previous = (r.take(8), r.number(4), r.take(16)) if r.present() else None
        r.end()
        d = cls(*fields, previous)
        if d.counter > MESSAGES_MAX or (d.counter == 0 and d.link not in (NO_LINK, d.link_0(sender))):
            raise malformed("a counter or a link that cannot be")
        return d

    def link_0(self, sender):
        return first_link(self.group_id, sender, self.key_id, self.epoch, self.signing_key)


@dataclass(frozen=True)
class History:
    group_id: bytes
    sender: str
    sender_fingerprint: bytes
    epoch: int
    key_id: bytes
    signing_key: bytes
    counter: int
    chain: bytes
    next_seed: bytes
    end: int

    def encode(self):
        encoded = self.group_id + user(self.sender) + self.sender_fingerprint + number(self.epoch, 8) + self.key_id
        return encoded + self.signing_key + number(self.counter, 4) + self.chain + self.next_seed + number(self.end, 4)

    @classmethod
    def parse(cls, encoded):
        r = Reader(encoded)
        history = cls(r.take(32), r.user(), r.take(32), r.number(8), r.take(8), checked_point(r.take(65)), r.number(4),
                      r.take(32), r.take(32), r.number(4))
        r.end()
        return history


# ---- 8.4 Sending ----


class Sender:
    """One member's own key in a group, as `roster` has it."""

    def __init__(self, identity, roster):
        self.identity, self.roster = identity, roster
        self.previous = None
        self.key_id = None
        self.rotate()

    def rotate(self, key_id=None, signing=None, seed=None):
        if self.key_id is not None:
            self.previous = self.key_id, self.chain.counter, self.link
        state = self.roster.state
        self.key_id, self.signing = fresh(8, key_id), KeyPair.generate(signing)
        self.chain = Chain.start(fresh(32, seed))
        self.epoch, self.roster_hash = state.epoch, state.hash
        self.link = first_link(state.group_id, self.identity.user, self.key_id, self.epoch, self.signing.public)

    def distribution(self):
        """For whoever is to read from the next message on."""
        chain = self.chain
        return Distribution(self.roster.state.group_id, self.epoch, self.roster_hash, self.key_id, self.signing.public,
                            chain.counter, chain.chain, chain.next_seed, self.link, self.previous)

    def history(self, start, end):
        """As a member who retained this key from `start` on shares it."""
        return History(self.roster.state.group_id, self.identity.user, self.identity.fingerprint, self.epoch, self.key_id,
                       self.signing.public, start.counter, start.chain, start.next_seed, end)

    def encrypt(self, content, now, padded=False, nonce=None, resumed_from=None):
        state = self.roster.state
        if state.deleted:
            raise Refused("GROUP_DELETED")
        if self.identity.user not in state.members:
            raise Refused("NOT_A_MEMBER")
        if state.membership_epoch > self.epoch:
            raise Refused("ROTATION_REQUIRED")
        if self.chain.counter >= MESSAGES_MAX:
            raise Refused("CHAIN_EXHAUSTED")
        counter = self.chain.counter
        key, commit = self.chain.step()
        envelope, self.link = seal_message(
            self.signing, key, commit, state.group_id, self.identity.user, self.key_id, state.epoch, state.hash, counter,
            now, fresh(12, nonce), self.link, content.encode(padded), resumed_from)
        return envelope


# ---- 8.5 Receiving ----


@dataclass
class SenderKey:
    """A key of another member, or of history, at the receiver."""

    sender: str
    group_id: bytes
    epoch: int
    key_id: bytes
    signing_key: bytes
    chain: Chain
    first: int
    links: dict = field(default_factory=dict)  # counter -> the link that it must carry
    skipped: dict = field(default_factory=dict)  # counter -> key, commit
    blocks: dict = field(default_factory=dict)  # block -> Chain, the rest of it that was left
    opened: list = field(default_factory=list)  # the last 32 envelope ids
    window_ms: int = None  # when its transition window closes
    end: int = None  # first counter that it does not open: of history, and once the successor has told it
    previous: tuple = None  # key id, count, link

    def keys(self, counter):
        """Message key and commit at a counter; what is skipped is stored. Changes this key: call it on a copy."""
        if counter < self.chain.counter:
            if counter in self.skipped:
                return self.skipped.pop(counter)
            rest = self.blocks.get(counter // BLOCK)
            if rest is None or counter < rest.counter:
                raise Refused("UNKNOWN_KEY" if counter < self.first else "REPLAY")
            return self._within(rest, counter)
        if counter - self.chain.counter > MAX_SKIP:
            raise Refused("TOO_FAR_AHEAD")
        while counter // BLOCK > self.chain.counter // BLOCK:
            at, chain = self.chain.leave_block()
            self.blocks[at // BLOCK] = Chain(at, chain, b"")
        while self.chain.counter < counter:
            at = self.chain.counter
            self.skipped[at] = self.chain.step()
        return self.chain.step()

    def _within(self, rest, counter):
        """A message out of a stored rest of a block: what is below becomes single keys, what is above stays a rest."""
        while rest.counter < counter:
            at = rest.counter
            self.skipped[at] = self._step(rest)
        found = self._step(rest)
        if rest.counter % BLOCK == 0:
            del self.blocks[counter // BLOCK]
        return found

    @staticmethod
    def _step(rest):
        """Unlike a chain's own step, stays in the block: its seed is gone."""
        rest.chain, key, commit = message_step(rest.chain)
        rest.counter += 1
        return key, commit

    def open(self, m):
        """Steps 4 to 8 for a message of this key."""
        if m.counter >= MESSAGES_MAX:
            raise malformed("beyond the last message of a key")
        if m.id in self.opened:
            raise Refused("DUPLICATE")
        if self.end is not None and m.counter >= self.end:
            raise Refused("UNKNOWN_KEY", "beyond the end of this key")
        after = copy.deepcopy(self)
        key, commit = after.keys(m.counter)
        known = after.links.get(m.counter)
        if not m.resumed and known not in (None, NO_LINK) and m.link != known:
            raise Refused("AUTHENTICATION_FAILED", "link")
        digest_ = digest(commit, m.aad, m.ciphertext)
        following = next_link(digest_, m.signature)
        named = after.links.get(m.counter + 1)
        if named not in (None, NO_LINK) and named != following:
            raise Refused("AUTHENTICATION_FAILED", "link of an opened successor")
        verify(self.signing_key, "sealwax message/1", digest_, m.signature)
        content = Content.parse(open_(key, m.nonce, m.aad, m.ciphertext), IN_GROUPS)
        after.links[m.counter + 1] = following
        if not m.resumed:
            after.links[m.counter] = m.link
        after.opened = (after.opened + [m.id])[-32:]
        return content, after


class Receiver:
    """What one member reads of a group."""

    def __init__(self, identity, roster, window_ms=WINDOW_MS):
        self.identity, self.roster, self.window = identity, roster, window_ms
        self.keys = {}  # (sender, key id) -> SenderKey
        self.wiped = set()

    def install(self, peer, peer_fingerprint, body, now):
        """A distribution out of a session with `peer`."""
        d = Distribution.parse(body, peer)
        if d.group_id != self.roster.state.group_id:
            raise Refused("WRONG_GROUP")
        self._member(peer, peer_fingerprint)
        offered = Chain(d.counter, d.chain, d.next_seed)
        self.retire(now)
        held = self.keys.get((peer, d.key_id))
        if held:
            self._again(held, d, offered)
            return
        if (peer, d.key_id) in self.wiped:
            raise Refused("RETIRED_KEY")
        key = SenderKey(peer, d.group_id, d.epoch, d.key_id, d.signing_key, offered, d.counter)
        key.links = {d.counter: d.link, 0: d.link_0(peer)}
        if d.previous:
            key.previous = d.previous
        others = [k for k in self.keys.values() if k.sender == peer]
        successor = next((k for k in others if k.previous and k.previous[0] == d.key_id), None)
        predecessor = d.previous and self.keys.get((peer, d.previous[0]))
        if successor:
            self._end(key, successor.previous)
        if predecessor:
            self._end(predecessor, d.previous)
        self.keys[peer, d.key_id] = key
        self.follow(now)

    @staticmethod
    def _end(key, previous):
        """What the successor of a key tells about its end."""
        _, key.end, link = previous
        key.links.setdefault(key.end, link)

    def _again(self, held, d, offered):
        """A distribution of a key that is held: nothing new, or an earlier start, or a lie."""
        earlier, later = sorted((held.chain, offered), key=lambda c: c.counter)
        if (held.signing_key, held.epoch) != (d.signing_key, d.epoch) or not earlier.leads_to(later):
            raise Refused("EQUIVOCATION")
        if d.counter < held.first:
            at = copy.copy(offered)
            while at.counter < held.first:
                counter = at.counter
                held.skipped[counter] = at.step()
            held.links.setdefault(d.counter, d.link)
            held.first = d.counter

    def follow(self, now):
        """Takes over what the roster says now: who is a member, and which key of each is current."""
        state = self.roster.state
        for name in [name for name in self.keys if name[0] not in state.members]:
            del self.keys[name]
        for sender in {name[0] for name in self.keys}:
            held = [k for k in self.keys.values() if k.sender == sender]
            named = {k.previous[0] for k in held if k.previous}
            unnamed = [(k.epoch, place) for place, k in enumerate(held) if k.key_id not in named]
            current = held[max(unnamed)[1]] if unnamed else None
            for key in held:
                if key is current and key.epoch >= state.membership_epoch:
                    key.window_ms = None
                elif key.window_ms is None:
                    key.window_ms = now + self.window

    def retire(self, now):
        """Wipes the keys whose window has closed. With an id goes that of the key before, if that one is not held."""
        for name, key in list(self.keys.items()):
            if key.window_ms is not None and now >= key.window_ms:
                del self.keys[name]
                self.wiped.add(name)
                if key.previous and (key.sender, key.previous[0]) not in self.keys:
                    self.wiped.add((key.sender, key.previous[0]))

    def _member(self, name, fingerprint=None):
        state = self.roster.state
        member = state.members.get(name)
        if member is None:
            raise Refused("SENDER_REMOVED" if name in state.former else "NOT_A_MEMBER")
        if fingerprint is not None and member.fingerprint != fingerprint:
            raise Refused("IDENTITY_CHANGED")

    def decrypt(self, envelope, now):
        m = GroupMessage.parse(envelope)
        if m.group_id != self.roster.state.group_id:
            raise Refused("WRONG_GROUP")
        self._member(m.sender)
        self.retire(now)
        name = m.sender, m.key_id
        if name in self.wiped:
            raise Refused("RETIRED_KEY")
        key = self.keys.get(name)
        if key is None:
            raise Refused("UNKNOWN_KEY")
        content, after = key.open(m)
        self.keys[name] = after
        return content


class HistoryReader:
    """Shared history, apart from what the receiver itself was given."""

    def __init__(self, roster):
        self.roster, self.keys = roster, {}

    def install(self, body):
        h = History.parse(body)
        if h.group_id != self.roster.state.group_id:
            raise Refused("WRONG_GROUP")
        self.keys[h.sender, h.key_id] = SenderKey(
            h.sender, h.group_id, h.epoch, h.key_id, h.signing_key, Chain(h.counter, h.chain, h.next_seed), h.counter,
            end=h.end)

    def decrypt(self, envelope):
        m = GroupMessage.parse(envelope)
        key = self.keys.get((m.sender, m.key_id))
        if key is None:
            raise Refused("UNKNOWN_KEY")
        content, self.keys[m.sender, m.key_id] = key.open(m)
        return content
