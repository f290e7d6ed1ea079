"""Rosters: who is in a group, proven by signatures."""

from __future__ import annotations

from ctypes import byref, c_uint8, sizeof
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, NamedTuple, Optional, Tuple

from ._arguments import cards as joined
from ._arguments import now, options, text, uint32, uint64
from ._buffer import given, taken, taken_json
from ._errors import check
from ._handle import Handle, borrowed
from ._load import lib
from ._prototypes import CONSTANTS, GroupStateView, MemberView, RosterHandle
from .identity import Identity

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Role(IntEnum):
    """What a member may do."""

    MEMBER = CONSTANTS["SEALWAX_ROLE_MEMBER"]
    ADMIN = CONSTANTS["SEALWAX_ROLE_ADMIN"]
    OWNER = CONSTANTS["SEALWAX_ROLE_OWNER"]


class Member(NamedTuple):
    """A member of a group."""

    user: str
    role: Role
    #: Number of the entry since which it is a member.
    since_epoch: int
    #: Of the identity that is a member.
    fingerprint: bytes


class GroupState(NamedTuple):
    """How a group stands."""

    #: What people call it; it identifies nothing.
    label: str
    #: Number of the newest entry of its log.
    epoch: int
    #: Hash of that entry: the head of its history.
    hash: bytes
    #: Number of the newest entry that changed who can read.
    membership_epoch: int
    #: How many members there are.
    members: int
    #: Our role; None if we are no member, or if it is asked of a roster.
    role: Optional[Role]
    #: Anybody may join, whom the relay lets in.
    open: bool
    #: It has ended.
    deleted: bool
    #: Heads of competing histories; none unless it is forked.
    branch_heads: Tuple[bytes, ...]


def group_state(function: Any, *arguments: Any) -> GroupState:
    """Calls a function that gives a sealwax_group_state."""
    view = GroupStateView()
    check(function(*arguments, byref(view)))
    heads = bytes(view.branch_heads)
    return GroupState(
        label=view.label.decode(),
        epoch=view.epoch,
        hash=bytes(view.hash),
        membership_epoch=view.membership_epoch,
        members=view.members,
        role=Role(view.role) if view.role else None,
        open=bool(view.flags & CONSTANTS["SEALWAX_GROUP_FLAG_OPEN"]),
        deleted=bool(view.flags & CONSTANTS["SEALWAX_GROUP_FLAG_DELETED"]),
        branch_heads=tuple(heads[32 * branch : 32 * branch + 32] for branch in range(view.branches)),
    )


def members_of(function: Any, *arguments: Any) -> List[Member]:
    """Calls a function that gives an array of sealwax_member."""
    array = taken(function, *arguments)
    views = (MemberView.from_buffer_copy(array, at) for at in range(0, len(array), sizeof(MemberView)))
    return [
        Member(view.user.decode(), Role(view.role), view.since_epoch, bytes(view.fingerprint)) for view in views
    ]


class Roster(Handle):
    """The signed log of a group.

    A proposal is an entry to be sent to the relay; it changes nothing. Whatever the relay accepts, one's own entries
    too, comes back and is applied.
    """

    _free = lib.sealwax_roster_free
    _pointer = RosterHandle
    _made = "Roster.create or Roster.open"
    _stored = "store log() (a roster has no export) and use Roster.open"

    @classmethod
    def create(
        cls,
        identity: Identity,
        label: str,
        cards: Iterable[Buffer] = (),
        *,
        open: Optional[bool] = None,
        add_role: Optional[str] = None,
        now_ms: Optional[int] = None,
    ) -> Roster:
        """Founds a group with the identity as its owner and the owners of the cards as members.

        open (default False): anybody may join, and so may the relay. add_role (default "admin"): the lowest of
        "member", "admin", "owner" that may add members. Hand `log()` to the relay and to the members.
        """
        chosen = options(open=open, add_role=add_role)
        return cls._create(
            lib.sealwax_roster_create,
            borrowed(identity, Identity),
            *text(label, "label"),
            *joined(cards),
            chosen,
            len(chosen),
            now(now_ms),
            options=chosen,
        )

    @classmethod
    def open(cls, log: Buffer) -> Roster:
        """Opens a whole log and checks every entry of it.

        Compare the group id with the one that a member gave: a log proves itself, not that it is the one meant.
        """
        return cls._create(lib.sealwax_roster_open, *given(log, "log"))

    def apply(self, entries: Buffer, *, now_ms: Optional[int] = None) -> None:
        """Takes entries, all or none; those that are held already change nothing.

        Every `GroupSender` and `GroupReceiver` made from this roster follows before it returns. RosterForkedError is
        the only failure that changes the roster: all entries were taken, and one competes with another.
        """
        check(lib.sealwax_roster_apply(self._open, *given(entries, "entries"), now(now_ms)))

    def log(self, from_epoch: int = 0) -> bytes:
        """The entries from an epoch on, one after another; from 0 it is what `open` takes."""
        return taken(lib.sealwax_roster_log, self._open, uint64(from_epoch, "from_epoch"))

    @property
    def group_id(self) -> bytes:
        """The hash of the first entry: 32 bytes, the same for the group's whole life."""
        out = (c_uint8 * CONSTANTS["SEALWAX_GROUP_ID_LEN"])()
        check(lib.sealwax_roster_group_id(self._open, out))
        return bytes(out)

    def state(self) -> GroupState:
        """How the log stands."""
        return group_state(lib.sealwax_roster_state, self._open)

    def members(self) -> List[Member]:
        """Who is in the group, in the order of the user ids."""
        return members_of(lib.sealwax_roster_members, self._open)

    def info(self) -> Dict[str, Any]:
        """Who is in the group, and how the log stands."""
        return taken_json(lib.sealwax_roster_info, self._open)

    # ---- Proposals ----

    def propose_add(
        self,
        actor: Identity,
        cards: Iterable[Buffer],
        role: int = Role.MEMBER,
        *,
        now_ms: Optional[int] = None,
    ) -> bytes:
        """Proposes to add the owners of cards. Whether a card belongs to whom it says is for the actor to know."""
        return self._propose(
            lib.sealwax_roster_propose_add, actor, *joined(cards), uint32(role, "role"), now(now_ms)
        )

    def propose_join(self, actor: Identity, *, now_ms: Optional[int] = None) -> bytes:
        """Proposes that the actor itself becomes a member of an open group."""
        return self._propose(lib.sealwax_roster_propose_join, actor, now(now_ms))

    def propose_remove(self, actor: Identity, user: str, *, now_ms: Optional[int] = None) -> bytes:
        """Proposes to remove a member."""
        return self._propose(lib.sealwax_roster_propose_remove, actor, *text(user, "user"), now(now_ms))

    def propose_leave(self, actor: Identity, *, now_ms: Optional[int] = None) -> bytes:
        """Proposes that the actor itself leaves; the last owner must make another one first."""
        return self._propose(lib.sealwax_roster_propose_leave, actor, now(now_ms))

    def propose_role(self, actor: Identity, user: str, role: int, *, now_ms: Optional[int] = None) -> bytes:
        """Proposes another role for a member."""
        return self._propose(
            lib.sealwax_roster_propose_role, actor, *text(user, "user"), uint32(role, "role"), now(now_ms)
        )

    def propose_replace(self, actor: Identity, card: Buffer, *, now_ms: Optional[int] = None) -> bytes:
        """Proposes that a member goes on under the keys of another card."""
        return self._propose(lib.sealwax_roster_propose_replace, actor, *given(card, "card"), now(now_ms))

    def propose_delete(self, actor: Identity, *, now_ms: Optional[int] = None) -> bytes:
        """Proposes to end the group. Nothing can follow."""
        return self._propose(lib.sealwax_roster_propose_delete, actor, now(now_ms))

    def propose_resolve(self, actor: Identity, chosen: Buffer, *, now_ms: Optional[int] = None) -> bytes:
        """Proposes which history of a forked roster goes on: "hash", or the "head" of a branch, of `info()`."""
        return self._propose(
            lib.sealwax_roster_propose_resolve, actor, *given(chosen, "chosen"), now(now_ms)
        )

    def _propose(self, function: Any, actor: Identity, *arguments: Any) -> bytes:
        return taken(function, self._open, borrowed(actor, Identity), *arguments)
