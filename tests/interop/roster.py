"""Section 7 of docs/PROTOCOL.md: the signed membership log of a group, its rights, its forks."""

from dataclasses import dataclass, replace

from codec import ROSTER_ENTRY, Reader, Refused, malformed, name, number, prefix, user, vector
from identity import fingerprint
from primitives import checked_point, hash_, verify

MEMBER, ADMIN, OWNER = 1, 2, 3
CREATE, ADD, JOIN, REMOVE, LEAVE, ROLE, REPLACE, DELETE, RESOLVE = range(9)
BODY_MAX = (1 << 22) - 1
MEMBERS_MAX, BRANCHES_MAX = 10_000, 4


@dataclass(frozen=True)
class Member:
    user: str
    sign_key: bytes
    agree_key: bytes
    role: int

    @property
    def fingerprint(self):
        return fingerprint(self.user, self.sign_key, self.agree_key)

    def encode(self):
        return user(self.user) + self.sign_key + self.agree_key + number(self.role, 1)

    @classmethod
    def read(cls, r):
        return cls(r.user(), r.take(65), r.take(65), role(r))

    def check(self):
        """What section 7.2 asks of a member when the entry is applied."""
        checked_point(self.sign_key), checked_point(self.agree_key)
        if self.sign_key == self.agree_key:
            raise malformed("one key for both purposes")


def role(r):
    value = r.number(1)
    if not MEMBER <= value <= OWNER:
        raise malformed("no such role")
    return value


def read_members(r):
    members, list_ = [], Reader(r.vector(1, BODY_MAX))
    while list_.more():
        members.append(Member.read(list_))
    return tuple(members)


def check_members(members):
    for member in members:
        member.check()
    if len({m.user for m in members}) != len(members):
        raise malformed("a user twice")


def read_create(r):
    label, open_, add_role = name(r.vector(0, 255)), r.number(1), role(r)
    if open_ > 1:
        raise malformed("neither open nor closed")
    r.take(32)
    return label, open_ == 1, add_role, read_members(r)


def read_join(r):
    member = Member.read(r)
    if member.role != MEMBER:
        raise malformed("joins as more than a member")
    return member


def read_resolve(r):
    chosen, hashes = r.take(32), r.vector(32, 128)
    rejected = [hashes[i : i + 32] for i in range(0, len(hashes), 32)]
    if len(hashes) % 32 or rejected != sorted(set(rejected)):
        raise malformed("rejected out of order")
    return chosen, rejected


BODIES = {
    CREATE: read_create,
    ADD: read_members,
    JOIN: read_join,
    REMOVE: lambda r: r.user(),
    LEAVE: lambda r: None,
    ROLE: lambda r: (r.user(), role(r)),
    REPLACE: Member.read,
    DELETE: lambda r: None,
    RESOLVE: read_resolve,
}


def create_body(label, open_, add_role, random, members):
    body = vector(label.encode(), 255) + number(open_, 1) + number(add_role, 1) + random
    return body + add_body(members)


def add_body(members):
    return vector(b"".join(m.encode() for m in members), BODY_MAX)


def role_body(name_, role_):
    return user(name_) + number(role_, 1)


def resolve_body(chosen, rejected):
    return chosen + vector(b"".join(sorted(rejected)), 128)


@dataclass(frozen=True)
class Entry:
    group_id: bytes
    epoch: int
    previous: bytes
    actor: str
    actor_fingerprint: bytes
    timestamp_ms: int
    action: int
    body: bytes
    signed: bytes
    signature: bytes

    @property
    def encoded(self):
        return self.signed + self.signature

    @property
    def hash(self):
        return hash_("sealwax entry/1", self.encoded)

    @classmethod
    def read(cls, r):
        start = r.at
        r.prefix(ROSTER_ENTRY)
        fields = (r.take(32), r.number(8), r.take(32), r.user(), r.take(32), r.number(8), r.number(1), r.vector(0, BODY_MAX))
        signed = r.whole[start : r.at]
        entry = cls(*fields, signed, r.take(64))
        if entry.action > RESOLVE or (entry.action == CREATE) != (entry.epoch == 0):
            raise malformed("no such action here")
        entry.content()
        return entry

    def content(self):
        """The body in the layout of its action."""
        r = Reader(self.body)
        content = BODIES[self.action](r)
        r.end()
        return content

    @classmethod
    def parse(cls, encoded):
        r = Reader(encoded)
        entry = cls.read(r)
        r.end()
        return entry

    @classmethod
    def parse_all(cls, encoded):
        """Entries one after another, as a log holds them."""
        r, entries = Reader(encoded), []
        while r.more():
            entries.append(cls.read(r))
        return entries


def make_entry(identity, state, action, body, timestamp_ms):
    """An entry that extends `state`, or a create entry where it is None."""
    signed = prefix(ROSTER_ENTRY)
    if state is None:
        signed += bytes(32) + number(0, 8) + bytes(32)
    else:
        signed += state.group_id + number(state.epoch + 1, 8) + state.hash
    signed += user(identity.user) + identity.fingerprint
    signed += number(timestamp_ms, 8) + number(action, 1) + vector(body, BODY_MAX)
    return signed + identity.sign.sign("sealwax roster/1", signed)


@dataclass(frozen=True)
class State:
    """Who is in the group after some entry."""

    group_id: bytes
    epoch: int
    hash: bytes
    membership_epoch: int
    members: dict
    former: frozenset
    open: bool
    add_role: int
    label: str
    deleted: bool = False

    def owners(self):
        return [m for m in self.members.values() if m.role == OWNER]

    @classmethod
    def create(cls, entry):
        if entry.action != CREATE or any(entry.group_id) or any(entry.previous):
            raise malformed("not a create entry")
        label, open_, add_role, members = entry.content()
        first = members[0] if members else None
        if not first or (first.user, first.role) != (entry.actor, OWNER) or first.fingerprint != entry.actor_fingerprint:
            raise malformed("the first member is not the actor, an owner")
        verify(checked_point(first.sign_key), "sealwax roster/1", entry.signed, entry.signature)
        check_members(members)
        if len(members) > MEMBERS_MAX:
            raise Refused("LIMIT_REACHED")
        hash__ = entry.hash
        return cls(hash__, 0, hash__, 0, {m.user: m for m in members}, frozenset(), open_, add_role, label)

    def extend(self, entry):
        """The state after `entry`, whose place is right here; section 7.2, in its order."""
        if entry.group_id != self.group_id:
            raise Refused("WRONG_GROUP")
        if self.deleted:
            raise Refused("GROUP_DELETED")
        if entry.action == JOIN:
            if not self.open:
                raise Refused("NOT_PERMITTED")
            joiner = entry.content()
            if (joiner.user, joiner.fingerprint) != (entry.actor, entry.actor_fingerprint):
                raise malformed("joins for somebody else")
            verify(checked_point(joiner.sign_key), "sealwax roster/1", entry.signed, entry.signature)
            joiner.check()
            if joiner.user in self.members:
                raise malformed("is in already")
            return self._with(entry, add=[joiner])
        actor = self.members.get(entry.actor)
        if not actor or actor.fingerprint != entry.actor_fingerprint:
            raise Refused("NOT_A_MEMBER")
        verify(actor.sign_key, "sealwax roster/1", entry.signed, entry.signature)
        apply = {ADD: self._add, REMOVE: self._remove, LEAVE: self._leave, ROLE: self._role, REPLACE: self._replace,
                 DELETE: self._delete, RESOLVE: self._resolve}[entry.action]
        return apply(entry, actor, entry.content())

    def _with(self, entry, add=(), remove=(), **changes):
        members = {u: m for u, m in self.members.items() if u not in remove}
        members.update((m.user, m) for m in add)
        if len(members) > MEMBERS_MAX:
            raise Refused("LIMIT_REACHED")
        membership = self.membership_epoch if entry.action == ROLE else entry.epoch
        former = (self.former | set(self.members)) - set(members)
        return replace(self, epoch=entry.epoch, hash=entry.hash, membership_epoch=membership, members=members,
                       former=former, **changes)

    def _target(self, name_):
        if name_ not in self.members:
            raise Refused("NOT_A_MEMBER")
        return self.members[name_]

    @staticmethod
    def _permit(allowed):
        if not allowed:
            raise Refused("NOT_PERMITTED")

    def _may_remove(self, actor, target):
        if actor.user == target.user:
            return False
        return actor.role == OWNER or (actor.role == ADMIN and target.role < actor.role)

    def _add(self, entry, actor, members):
        check_members(members)
        if any(m.user in self.members for m in members):
            raise malformed("adds a member")
        self._permit(actor.role >= self.add_role and (actor.role == OWNER or all(m.role == MEMBER for m in members)))
        return self._with(entry, add=members)

    def _remove(self, entry, actor, user_):
        target = self._target(user_)
        self._permit(self._may_remove(actor, target))
        return self._with(entry, remove=[target.user])

    def _leave(self, entry, actor, _):
        self._permit(actor.role < OWNER or len(self.owners()) > 1)
        return self._with(entry, remove=[actor.user])

    def _role(self, entry, actor, content):
        target, value = self._target(content[0]), content[1]
        self._permit(actor.role == OWNER)
        self._permit(target.role < OWNER or value == OWNER or len(self.owners()) > 1)
        return self._with(entry, add=[replace(target, role=value)])

    def _replace(self, entry, actor, member):
        target = self._target(member.user)
        member.check()
        if member.role != target.role or member.fingerprint == target.fingerprint:
            raise malformed("another role, or the same keys")
        self._permit(actor.user == target.user or self._may_remove(actor, target))
        return self._with(entry, add=[member])

    def _delete(self, entry, actor, _):
        self._permit(actor.role == OWNER)
        return self._with(entry, deleted=True)

    def _resolve(self, entry, actor, content):
        if content[0] != entry.previous:
            raise malformed("chooses another head")
        self._permit(actor.role == OWNER)
        return self._with(entry)


@dataclass
class History:
    """Entries from the create entry on, each with the state after it."""

    entries: list
    states: list

    @property
    def state(self):
        return self.states[-1]

    def holds(self, hash__):
        return any(s.hash == hash__ for s in self.states)

    def before(self, entry):
        """The place of the entry that `entry` follows."""
        place = entry.epoch - 1
        if 0 <= place < len(self.states) and self.states[place].hash == entry.previous:
            return place
        return None

    def until(self, place):
        return History(self.entries[: place + 1], self.states[: place + 1])

    def extended(self, entry):
        state = self.state.extend(entry)
        return History(self.entries + [entry], self.states + [state])


class Roster:
    """One's own history of a group, and the branches that compete with it."""

    def __init__(self, create):
        self.own = History([create], [State.create(create)])
        self.branches = []
        self.settled = set()  # hashes of entries that the own history has rejected

    @classmethod
    def open(cls, log):
        entries = Entry.parse_all(log)
        if not entries:
            raise malformed("an empty log")
        roster = cls(entries[0])
        for entry in entries[1:]:
            try:
                roster.apply(entry, live=False)
            except Refused as e:
                if e.status != "ROSTER_FORKED":
                    raise
        return roster

    @property
    def state(self):
        return self.own.state

    @property
    def forked(self):
        return bool(self.branches)

    def log(self):
        return b"".join(e.encoded for e in self.own.entries)

    def entitled(self):
        """Members of all histories, under equal fingerprints: who gets sender keys."""
        states = [self.state] + [b.state for b in self.branches]
        return [u for u, m in self.state.members.items()
                if all(u in s.members and s.members[u].fingerprint == m.fingerprint for s in states)]

    def apply(self, entry, live=True):
        """Takes an entry. One of a stored log (not live) turns the roster to no branch."""
        hash__ = entry.hash
        if entry.group_id != self.state.group_id and hash__ != self.state.group_id:
            raise Refused("WRONG_GROUP")
        if self.own.holds(hash__):
            return
        if any(b.holds(hash__) for b in self.branches):
            raise Refused("ROSTER_FORKED")
        if entry.previous == self.state.hash and entry.epoch == self.state.epoch + 1:
            self._advance(self.own.extended(entry))
            return
        for i, branch in enumerate(self.branches):
            if branch.before(entry) == len(branch.states) - 1:
                longer = branch.extended(entry)
                self.branches[i] = longer
                if not live:
                    raise Refused("ROSTER_FORKED")
                self._turn(i, entry)
                return
        for history in [self.own] + self.branches:
            place = history.before(entry)
            if place is not None:
                if self.state.deleted:
                    raise Refused("GROUP_DELETED")
                if hash__ in self.settled or entry.previous in self.settled:
                    raise Refused("STALE_EPOCH")
                branch = history.until(place).extended(entry)
                if len(self.branches) == BRANCHES_MAX:
                    raise Refused("LIMIT_REACHED")
                self.branches.append(branch)
                raise Refused("ROSTER_FORKED")
        raise Refused("ROSTER_BEHIND")

    def _advance(self, history):
        self.own = history
        if history.state.deleted:
            self.branches = []
        entry = history.entries[-1]
        if entry.action == RESOLVE:
            _, rejected = entry.content()
            self.settled.update(rejected)
            self.branches = [b for b in self.branches if not any(b.holds(h) for h in rejected)]

    def _turn(self, place, entry):
        """A branch grew. Turns to it if its last entry is a resolve that settles against the own history."""
        branch = self.branches[place]
        if entry.action == RESOLVE:
            _, rejected = entry.content()
            actor = self.state.members.get(entry.actor)
            owner = actor and actor.role == OWNER and actor.fingerprint == entry.actor_fingerprint
            if owner and any(self.own.holds(h) and not branch.holds(h) for h in rejected):
                before, self.own = self.own, branch
                self.branches[place] = before
                self._advance(branch)
                return
        raise Refused("ROSTER_FORKED")
