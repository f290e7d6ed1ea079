"""Clients: everything that an application does, with one identity, one store and one relay."""

from __future__ import annotations

import os
from ctypes import addressof, byref, c_size_t, c_uint8, c_uint64, create_string_buffer
from enum import IntEnum
from operator import index
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    SupportsIndex,
    Tuple,
    TypedDict,
    Union,
)

from ._arguments import now, options, text, uint32, uint64
from ._buffer import given, taken, taken_json
from ._errors import check
from ._handle import Handle, borrowed
from ._load import lib
from ._prototypes import CALLBACKS, CONSTANTS, ClientHandle, EventFields, EventHandle, PendingView, Slice
from .events import Event, event_of
from .identity import Identity, SafetyNumber
from .roster import GroupState, Member, Role, group_state, members_of

if TYPE_CHECKING:
    from typing_extensions import Buffer, Unpack

    Path = Union[str, "os.PathLike[str]"]

_NEVER = (1 << 64) - 1
_Wake = CALLBACKS["sealwax_wake"]


class ClientOptions(TypedDict, total=False):
    """How a client shall be: of `Client.create`, `Client.create_with` and `Client.open`."""

    #: "proof" (default; show the relay who we are by our identity) or "host" (it knows by other means).
    method: str
    #: False: whether to tell accepted peers what was delivered and read, and to take what they tell.
    acks: bool
    #: "block" (default) or "warn", when a peer turns up under another identity.
    identity_change: str
    #: As of `Session.initiate`.
    hidden_header: bool
    #: As of `Session.initiate`.
    padding: str
    #: 100: that the relay shall hold for us.
    one_time_prekeys: int
    #: False: whether to keep of groups what `Client.share_history` shares.
    retain_history: bool
    #: As of `GroupSender`.
    rotate_messages: int
    #: As of `GroupSender`.
    rotate_ms: int
    #: 64: in groups of up to so many all are given our key before we write.
    eager_members: int


class Reconnect(IntEnum):
    """How to go on without a connection; SEALWAX_RECONNECT_SOON and so on in the C header say it all."""

    #: Connect again after a pause that grows from half a second to a minute.
    SOON = CONSTANTS["SEALWAX_RECONNECT_SOON"]
    #: Connect again after a minute, or when asked to: another connection of this user has taken the place of ours.
    LATE = CONSTANTS["SEALWAX_RECONNECT_LATE"]
    #: Connect again when something has changed: the relay refuses us, or is another. `Failure.reason` has said why.
    NEVER = CONSTANTS["SEALWAX_RECONNECT_NEVER"]


class Pending(NamedTuple):
    """What there is to take out of a client."""

    #: Frames for the relay.
    frames: int
    #: Events for the application.
    events: int
    #: When `Client.tick` is due at the latest; None: never, as things are.
    due_ms: Optional[int]
    #: End the connection once the frames are sent.
    wants_disconnect: bool
    #: How to go on without it, until `Client.connected`.
    reconnect: Reconnect


def _path(path: Optional[Path]) -> Tuple[bytes, int]:
    if path is None:
        return b"", 0
    name = os.fspath(path)
    if name == "":
        raise ValueError("a path that is empty; None stands for memory")
    return text(name, "path")


def _slices(inputs: List[bytes]) -> Tuple[Tuple[Any, int], Any]:
    """Inputs as the library takes many, and what they lie in."""
    joined = create_string_buffer(b"".join(inputs))
    slices, at = (Slice * len(inputs))(), addressof(joined)
    for place, one in zip(slices, inputs):
        place.ptr, place.len = at, len(one)
        at += len(one)
    return (slices, len(inputs)), joined


def _users(users: Iterable[str]) -> Tuple[Tuple[Any, int], Any]:
    if isinstance(users, str):
        raise TypeError("user ids are a list, or another iterable, of str; this is one str")
    return _slices([text(user, "user")[0] for user in users])


def _content(payload: Union[str, Buffer]) -> Tuple[int, Any, int]:
    """What a payload is, its pointer and its length."""
    kind, content = "BINARY", payload
    if isinstance(content, str):
        kind, content = "TEXT", content.encode("utf-8", "surrogatepass")
    return (CONSTANTS[f"SEALWAX_CONTENT_{kind}"], *given(content, "payload"))


class Client(Handle):
    """One identity, one store, any number of peers, one relay. What it has to tell are the events of `sealwax.events`.

    It finds keys, opens and repairs sessions, retries and acknowledges by itself, and does no I/O but that of its
    store: its host gives it frames of the relay and the time, and takes out frames and events.

    Whatever is called, nothing of it leaves before it is durable: the store is written by `pending`, `frames` and
    `events`, once for all calls before. If that fails, calls raise what its store said (a `StoreError`) until the
    client is closed; open it anew then. `close` writes too: if that fails, it raises, the client is closed, and what was
    done since is lost.
    """

    _free = lib.sealwax_client_free
    _pointer = ClientHandle
    _made = "Client.create, Client.create_with or Client.open"
    _stored = "its store is the one place where it lives"

    #: What the library calls, kept for as long as it may.
    _wake: Any = None

    @classmethod
    def create(
        cls,
        user: str,
        path: Optional[Path] = None,
        *,
        key: Buffer,
        prekeys_required: Optional[bool] = None,
        now_ms: Optional[int] = None,
        **chosen: Unpack[ClientOptions],
    ) -> Client:
        """Makes a client with a new identity, in a file that is made or is empty, or in memory, under a key of 32 random
        bytes that is kept apart from the file. WrongStateError if there is one already.

        prekeys_required: as of `Identity`. The others: as of `open`.
        """
        names = (*text(user, "user"), *_path(path), *given(key, "key"))
        made_with = options(prekeys_required=prekeys_required, **chosen)
        return cls._made_by(lib.sealwax_client_create, *names, chosen=made_with, now_ms=now_ms)

    @classmethod
    def create_with(
        cls,
        identity: Identity,
        path: Optional[Path] = None,
        *,
        key: Buffer,
        now_ms: Optional[int] = None,
        **chosen: Unpack[ClientOptions],
    ) -> Client:
        """Makes a client with an identity that is there already, of which it becomes the only owner: the identity is
        closed, its sessions must be closed before (WrongStateError), and no export of it must be imported any more.

        The others: as of `create` and `open`.
        """
        names = (borrowed(identity, Identity), *_path(path), *given(key, "key"))
        made = cls._made_by(
            lib.sealwax_client_create_with, *names, chosen=options(**chosen), now_ms=now_ms
        )
        identity._given_away()
        return made

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        key: Buffer,
        now_ms: Optional[int] = None,
        **chosen: Unpack[ClientOptions],
    ) -> Client:
        """Opens the client that a file holds: what was on its way goes on, events that were not confirmed come again.
        WrongStateError if there is none. The options, `ClientOptions`, are the same for each opening.
        """
        names = (*_path(path), *given(key, "key"))
        return cls._made_by(lib.sealwax_client_open, *names, chosen=options(**chosen), now_ms=now_ms)

    @classmethod
    def _made_by(cls, function: Any, *names: Any, chosen: bytes, now_ms: Optional[int]) -> Client:
        return cls._create(function, *names, chosen, len(chosen), now(now_ms), options=chosen)

    # ---- The host's loop ----

    def connected(self, relay_name: Optional[str] = None, *, now_ms: Optional[int] = None) -> None:
        """There is a connection to a relay, which must have this name if one is given."""
        check(lib.sealwax_client_connected(self._open, *text(relay_name or "", "relay_name"), now(now_ms)))

    def disconnected(self, *, now_ms: Optional[int] = None) -> None:
        """The connection is gone. What was asked and not answered is asked again on the next one."""
        check(lib.sealwax_client_disconnected(self._open, now(now_ms)))

    def receive(self, frame: Buffer, *, now_ms: Optional[int] = None) -> None:
        """Takes a frame of the relay. One that is wrong is a `Failure` among the events, and
        `Pending.wants_disconnect`."""
        check(lib.sealwax_client_receive(self._open, *given(frame, "frame"), now(now_ms)))

    def tick(self, *, now_ms: Optional[int] = None) -> None:
        """Does what is due by time: at the latest when `Pending.due_ms` says."""
        check(lib.sealwax_client_tick(self._open, now(now_ms)))

    def pending(self) -> Pending:
        """Makes durable what was done, and tells what there is to take out."""
        out = PendingView()
        check(lib.sealwax_client_pending(self._open, byref(out)))
        due_ms = None if out.due_ms == _NEVER else out.due_ms
        return Pending(out.frames, out.events, due_ms, bool(out.wants_disconnect), Reconnect(out.reconnect))

    def next_frame(self) -> Optional[bytes]:
        """The next frame for the relay, to be sent whole."""
        return taken(lib.sealwax_client_next_frame, self._open) or None

    def frames(self) -> Iterator[bytes]:
        """Takes out the frames for the relay, until there are no more."""
        while True:
            frame = self.next_frame()
            if frame is None:
                return
            yield frame

    def next_event(self) -> Optional[Event]:
        """The next event for the application. One with a number comes again after each opening until it is
        confirmed."""
        out = EventHandle()
        check(lib.sealwax_client_next_event(self._open, byref(out)))
        if not out.value:
            return None
        try:
            fields = EventFields()
            check(lib.sealwax_event_view(out, byref(fields)))
            return event_of(fields)
        finally:
            check(lib.sealwax_event_free(out))

    def events(self) -> Iterator[Event]:
        """Takes out the events for the application, until there are no more. They are not confirmed by it."""
        while True:
            event = self.next_event()
            if event is None:
                return
            yield event

    def confirm(self, event: Union[Event, SupportsIndex]) -> None:
        """The application has dealt with this event, or its number, and all before it, for good."""
        number = event.number if isinstance(event, Event) else index(event)
        check(lib.sealwax_client_confirm(self._open, uint64(number, "number")))

    def on_wake(self, wake: Optional[Callable[[], None]]) -> None:
        """Has a function called when calls of other threads, or of the host, may have left something to take out.

        Once, in the thread of such a call, and again only after `pending`, `frames` or `events`. It shall tell the
        host's loop and return (`loop.call_soon_threadsafe`, `threading.Event.set`); what it raises goes to
        `sys.unraisablehook`. Look once after setting it. None: none any more.
        """
        callback = _Wake() if wake is None else _Wake(lambda _user_data: wake())
        check(lib.sealwax_client_on_wake(self._open, callback, None))
        # The one before is in no other thread any more.
        self._wake = callback

    # ---- People ----

    def send_direct(
        self,
        user: str,
        payload: Union[str, Buffer],
        *,
        transient: bool = False,
        now_ms: Optional[int] = None,
    ) -> bytes:
        """Sends text (str) or bytes to a user, and returns the id of the message, which `Ack` or `Failed` will carry.

        It needs no connection. A transient message leaves at once or never, and no event tells of it.
        """
        return self._sent(lib.sealwax_client_send_direct, text(user, "user"), payload, transient, now_ms)

    def _sent(
        self,
        function: Any,
        target: Tuple[Any, int],
        payload: Union[str, Buffer],
        transient: bool,
        now_ms: Optional[int],
    ) -> bytes:
        flags = CONSTANTS["SEALWAX_SEND_TRANSIENT"] if transient else 0
        out = (c_uint8 * CONSTANTS["SEALWAX_ID_LEN"])()
        check(function(self._open, *target, *_content(payload), flags, now(now_ms), out))
        return bytes(out)

    def mark_read(self, user: str, message_ids: Iterable[Buffer], *, now_ms: Optional[int] = None) -> None:
        """The application has shown these messages of a peer, who is told if both have asked for acks."""
        ids = b"".join(message_ids)
        check(lib.sealwax_client_mark_read(self._open, *text(user, "user"), ids, len(ids), now(now_ms)))

    def accept_identity(self, user: str, fingerprint: Buffer, *, now_ms: Optional[int] = None) -> None:
        """Decides on the identity of a peer by the fingerprint that was shown: the new one counts from now on, or, with
        that of the known one, the new one is forgotten."""
        check(
            lib.sealwax_client_accept_identity(
                self._open, *text(user, "user"), *given(fingerprint, "fingerprint"), now(now_ms)
            )
        )

    def watch(self, users: Iterable[str], *, now_ms: Optional[int] = None) -> None:
        """Watches these users, who have to watch us too, and no others: `Presence` tells when they come and go."""
        with_them, _joined = _users(users)
        check(lib.sealwax_client_watch(self._open, *with_them, now(now_ms)))

    def set_visible(self, visible: bool, *, now_ms: Optional[int] = None) -> None:
        """Whether the relay shall show others that we are online; it does unless this says otherwise."""
        check(lib.sealwax_client_set_visible(self._open, 1 if visible else 0, now(now_ms)))

    def card(self, user: Optional[str] = None) -> bytes:
        """Our own card, or that of a peer that counts; UnknownUserError before anything is known of the peer."""
        return taken(lib.sealwax_client_card, self._open, *text(user or "", "user"))

    def changed_card(self, user: str) -> bytes:
        """The card under which a peer has turned up and that is not decided on, for `inspect_card` and `safety_number`;
        UnknownUserError if there is nothing to decide."""
        return taken(lib.sealwax_client_changed_card, self._open, *text(user, "user"))

    def fingerprint(self, user: Optional[str] = None) -> bytes:
        """Our own fingerprint, or that of a peer that counts; UnknownUserError before anything is known of the peer."""
        out = (c_uint8 * CONSTANTS["SEALWAX_FINGERPRINT_LEN"])()
        check(lib.sealwax_client_fingerprint(self._open, *text(user or "", "user"), out))
        return bytes(out)

    def safety_number(self, user: str) -> SafetyNumber:
        """What two people compare to know that nobody sits between them."""
        digits = create_string_buffer(CONSTANTS["SEALWAX_SAFETY_DIGITS"] + 1)
        qr = taken(lib.sealwax_client_safety_number, self._open, *text(user, "user"), digits)
        return SafetyNumber(digits.value.decode(), qr)

    # ---- Groups ----
    #
    # Calls that return a number are requests, done in their order; one `Done` or `Failure` carries it in the end.

    def create_group(
        self, label: str, members: Iterable[str] = (), *, open: bool = False, now_ms: Optional[int] = None
    ) -> int:
        """Founds a group with these members besides us, who own it. open: anybody may join, whom the relay lets in."""
        with_them, _joined = _users(members)
        names = (*text(label, "label"), *with_them)
        return self._request(lib.sealwax_client_create_group, *names, 1 if open else 0, now_ms=now_ms)

    def join_group(self, group: Buffer, *, now_ms: Optional[int] = None) -> int:
        """Joins an open group, by its id."""
        return self._request(lib.sealwax_client_join_group, *given(group, "group"), now_ms=now_ms)

    def join_labelled(self, label: str, *, now_ms: Optional[int] = None) -> int:
        """Joins the oldest open group with this label, which proves nothing."""
        return self._request(lib.sealwax_client_join_labelled, *text(label, "label"), now_ms=now_ms)

    def add_members(
        self, group: Buffer, users: Iterable[str], role: Role = Role.MEMBER, *, now_ms: Optional[int] = None
    ) -> int:
        """Adds members, who read what is sent from then on."""
        with_them, _joined = _users(users)
        names = (*given(group, "group"), *with_them)
        return self._request(lib.sealwax_client_add_members, *names, uint32(role, "role"), now_ms=now_ms)

    def add_member(
        self, group: Buffer, user: str, role: Role = Role.MEMBER, *, now_ms: Optional[int] = None
    ) -> int:
        """Adds one member."""
        return self.add_members(group, [user], role, now_ms=now_ms)

    def remove_member(self, group: Buffer, user: str, *, now_ms: Optional[int] = None) -> int:
        """Removes a member, who reads nothing that is sent from then on."""
        names = (*given(group, "group"), *text(user, "user"))
        return self._request(lib.sealwax_client_remove_member, *names, now_ms=now_ms)

    def set_role(self, group: Buffer, user: str, role: Role, *, now_ms: Optional[int] = None) -> int:
        """Gives a member a role."""
        names = (*given(group, "group"), *text(user, "user"))
        return self._request(lib.sealwax_client_set_role, *names, uint32(role, "role"), now_ms=now_ms)

    def replace_member(self, group: Buffer, user: str, *, now_ms: Optional[int] = None) -> int:
        """Gives a member whose identity changed the keys of the identity that counts for us."""
        names = (*given(group, "group"), *text(user, "user"))
        return self._request(lib.sealwax_client_replace_member, *names, now_ms=now_ms)

    def leave_group(self, group: Buffer, *, now_ms: Optional[int] = None) -> int:
        """Leaves a group."""
        return self._request(lib.sealwax_client_leave_group, *given(group, "group"), now_ms=now_ms)

    def delete_group(self, group: Buffer, *, now_ms: Optional[int] = None) -> int:
        """Ends a group, for all."""
        return self._request(lib.sealwax_client_delete_group, *given(group, "group"), now_ms=now_ms)

    def resolve_group(self, group: Buffer, chosen: Buffer, *, now_ms: Optional[int] = None) -> int:
        """Settles a fork for the history with this head, `hash` or one of `branch_heads` in `group_state`."""
        names = (*given(group, "group"), *given(chosen, "chosen"))
        return self._request(lib.sealwax_client_resolve_group, *names, now_ms=now_ms)

    def share_history(self, group: Buffer, user: str, *, now_ms: Optional[int] = None) -> int:
        """Shares what we have kept of a group's past, by the option retain_history, with a member: the keys. The
        messages the application has kept itself, by `delivered_envelope`, and gives to the member."""
        names = (*given(group, "group"), *text(user, "user"))
        return self._request(lib.sealwax_client_share_history, *names, now_ms=now_ms)

    def read_shared(self, group: Buffer, envelopes: Iterable[Buffer], *, now_ms: Optional[int] = None) -> int:
        """Reads old messages of a group, which the application has kept or got from elsewhere, with keys that members
        have shared. Returns how many: each is a `GroupMessage` with `by` among the events, once. Others are
        passed over."""
        if isinstance(envelopes, (bytes, bytearray, memoryview)):
            raise TypeError("envelopes are a list, or another iterable, of bytes; this is one of them")
        messages, _joined = _slices([bytes(memoryview(envelope)) for envelope in envelopes])
        out = c_size_t()
        names = (*given(group, "group"), *messages)
        check(lib.sealwax_client_read_shared(self._open, *names, now(now_ms), byref(out)))
        return out.value

    def send_group(
        self,
        group: Buffer,
        payload: Union[str, Buffer],
        *,
        transient: bool = False,
        now_ms: Optional[int] = None,
    ) -> bytes:
        """Sends text (str) or bytes to all members, and returns the id of the message."""
        return self._sent(lib.sealwax_client_send_group, given(group, "group"), payload, transient, now_ms)

    def mark_group_read(
        self, group: Buffer, user: str, message_ids: Iterable[Buffer], *, now_ms: Optional[int] = None
    ) -> None:
        """The application has shown these messages of a member."""
        names, ids = (*given(group, "group"), *text(user, "user")), b"".join(message_ids)
        check(lib.sealwax_client_mark_group_read(self._open, *names, ids, len(ids), now(now_ms)))

    def groups(self) -> List[bytes]:
        """The ids of the groups that we are a member of."""
        ids, size = taken(lib.sealwax_client_groups, self._open), CONSTANTS["SEALWAX_GROUP_ID_LEN"]
        return [ids[at : at + size] for at in range(0, len(ids), size)]

    def group_state(self, group: Buffer) -> GroupState:
        """How a group stands that we are, or were, a member of; then it is what we knew last."""
        return group_state(lib.sealwax_client_group_state, self._open, *given(group, "group"))

    def group_members(self, group: Buffer) -> List[Member]:
        """The members of such a group, in the order of their user ids."""
        return members_of(lib.sealwax_client_group_members, self._open, *given(group, "group"))

    def group_info(self, group: Buffer) -> Dict[str, Any]:
        """All that is known of such a group, as `Roster.info`."""
        return taken_json(lib.sealwax_client_group_info, self._open, *given(group, "group"))

    def _request(self, function: Any, *arguments: Any, now_ms: Optional[int]) -> int:
        out = c_uint64()
        check(function(self._open, *arguments, now(now_ms), byref(out)))
        return out.value

    # ---- The client itself ----

    def info(self) -> Dict[str, Any]:
        """Who it is, what waits ("outbox", "requests", "events"), and what was counted since it was opened."""
        return taken_json(lib.sealwax_client_info, self._open)

    def backup(self, path: Path) -> None:
        """Writes a copy of the store to a path where nothing is. UnsupportedError for one in memory."""
        check(lib.sealwax_client_backup(self._open, *_path(path)))
