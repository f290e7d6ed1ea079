"""Relays: what routes envelopes and cannot read them."""

from __future__ import annotations

from ctypes import POINTER, byref, c_size_t, c_uint64, string_at
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Tuple

from .._arguments import now, options, text, uint64
from .._buffer import Room, given, taken, taken_json
from .._errors import BufferTooSmallError, check
from .._handle import Handle
from .._load import lib
from .._prototypes import CONSTANTS, DeliveriesHandle, DeliveryView, RecordView, RelayHandle, Slice

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Delivery(NamedTuple):
    """Something to send to a connection, or to a user whom `Relay.set_online` said to be online."""

    #: Empty if the connection is nobody's yet.
    user: str
    #: Envelope or roster entry; one object for all recipients of one message. Empty in all else.
    payload: bytes
    #: Its place in the user's queue, for `Relay.acknowledge`; 0 at the end of the queue.
    sequence: int
    #: Names the payload.
    envelope_id: bytes
    #: All that had gathered while the user was offline came before this, which has no payload.
    queue_end: bool
    #: The connection to send it to; 0: one that the host knows by its user.
    connection: int = 0
    #: The frame to send to the connection is `head + payload`; nothing is to be sent if both are empty.
    head: bytes = b""
    #: Close the connection once this is sent, and end it with `Relay.disconnect`.
    close: bool = False


class Record(NamedTuple):
    """A change to store, only if the version stored is `replaces` (0: none), as version `replaces` + 1."""

    #: Such as "queue/alice/00000000000000000007"; those of one queue or group sort in their order.
    name: str
    #: None: delete what is stored.
    value: Optional[bytes]
    replaces: int


class Outcome(NamedTuple):
    """What a call gives the host to do: store the records, then send the deliveries, then answer the client."""

    deliveries: List[Delivery]
    records: List[Record]


class Lookup(NamedTuple):
    """Card and prekeys of a user; the bundle is empty if there is none that lives."""

    card: bytes
    prekeys: bytes
    outcome: Outcome


class Tick(NamedTuple):
    """What `Relay.tick` came to."""

    outcome: Outcome
    #: When to call again; None: not before another connection is there.
    due_ms: Optional[int]


class Relay(Handle):
    """A relay: connections, cards, prekeys, rosters, queues; no secret.

    `connect`, `receive`, `disconnect` and `tick` speak the whole protocol with clients. The other methods are the
    routing core below that, for a host that carries envelopes in a way of its own, with users whom it has
    authenticated. Any number of threads may call it at once.
    """

    _free = lib.sealwax_relay_free
    _pointer = RelayHandle
    _made = "Relay()"
    _stored = "store the records that it gives (a relay has no export) and use restore"

    def __init__(
        self,
        *,
        users_max: Optional[int] = None,
        groups_max: Optional[int] = None,
        queue_max: Optional[int] = None,
        queue_bytes_max: Optional[int] = None,
        queue_age_max_ms: Optional[int] = None,
        prekeys_per_hour: Optional[int] = None,
        name: Optional[str] = None,
        sender_share_percent: Optional[int] = None,
        groups_per_user: Optional[int] = None,
        joins_per_hour: Optional[int] = None,
        requests_per_second: Optional[int] = None,
        requests_burst: Optional[int] = None,
        handshake_ms: Optional[int] = None,
        idle_ms: Optional[int] = None,
    ) -> None:
        """An empty relay; `options_check("sealwax_relay_new")` shows the defaults.

        prekeys_per_hour: one-time prekeys of one user that one requester may take. name: what clients compare with the
        relay that they called. sender_share_percent: of a queue, for the envelopes of one sender. groups_per_user:
        created and not deleted. joins_per_hour: of one group. Of one user: requests_per_second and requests_burst. Of one
        connection: handshake_ms until welcome, idle_ms without a frame."""
        chosen = options(
            users_max=users_max,
            groups_max=groups_max,
            queue_max=queue_max,
            queue_bytes_max=queue_bytes_max,
            queue_age_max_ms=queue_age_max_ms,
            prekeys_per_hour=prekeys_per_hour,
            name=name,
            sender_share_percent=sender_share_percent,
            groups_per_user=groups_per_user,
            joins_per_hour=joins_per_hour,
            requests_per_second=requests_per_second,
            requests_burst=requests_burst,
            handshake_ms=handshake_ms,
            idle_ms=idle_ms,
        )
        self._acquire(lib.sealwax_relay_new, chosen, len(chosen), options=chosen)

    def restore(self, name: str, value: Optional[Buffer], version: int) -> None:
        """Makes the relay hold what the store holds under a name (None and 0 if nothing).

        At a start: give it every record, in any order. Later: when a record could not be written because another relay
        had changed it, give it the stored one and make the call again; after `receive`, end the connection instead. A
        user whose queue gains something by this while it is online, or whose identity goes, is offline from then on.
        """
        stored = (None, 0) if value is None else given(value, "value")
        check(
            lib.sealwax_relay_restore(self._open, *text(name, "name"), *stored, uint64(version, "version"))
        )

    def connect(self, connection: int, user: Optional[str] = None, *, now_ms: Optional[int] = None) -> Outcome:
        """Takes a connection, under a number above 0 that no connection had before: count up. user: whom the host has
        authenticated; without it the client proves who it is, to a relay that has a name. Each connection ends with
        one `disconnect`, whoever closes it."""
        return self._outcome(
            lib.sealwax_relay_connect, uint64(connection, "connection"), *text(user or "", "user"), now(now_ms)
        )

    def receive(self, connection: int, frame: Buffer, *, now_ms: Optional[int] = None) -> Outcome:
        """Takes a whole frame. Whatever the client does wrong, it is told in what comes out."""
        return self._outcome(
            lib.sealwax_relay_receive, uint64(connection, "connection"), *given(frame, "frame"), now(now_ms)
        )

    def disconnect(self, connection: int, *, now_ms: Optional[int] = None) -> Outcome:
        """Ends a connection that is closed, by whomever. Its number is not used again."""
        return self._outcome(lib.sealwax_relay_disconnect, uint64(connection, "connection"), now(now_ms))

    def tick(self, *, now_ms: Optional[int] = None) -> Tick:
        """Closes connections that took too long until welcome, or were silent for too long, and says so again of those
        that are closed and not ended."""
        due = c_uint64()
        outcome = self._outcome(lib.sealwax_relay_tick, now(now_ms), byref(due))
        return Tick(outcome, None if due.value == 2**64 - 1 else due.value)

    def register(self, user: str, card: Buffer, *, now_ms: Optional[int] = None) -> Outcome:
        """Takes the card of a user. IdentityChangedError if the user is registered under other keys."""
        return self._outcome(
            lib.sealwax_relay_register, *text(user, "user"), *given(card, "card"), now(now_ms)
        )

    def forget_user(self, user: str, *, now_ms: Optional[int] = None) -> Outcome:
        """Forgets who a user is, so that another identity can take the name: card, prekeys and queue go, a connection is
        closed, and groups keep the user as a member until an entry says otherwise."""
        return self._outcome(lib.sealwax_relay_forget_user, *text(user, "user"), now(now_ms))

    def publish(self, user: str, prekeys: Buffer, *, now_ms: Optional[int] = None) -> Outcome:
        """Takes what `Identity.prekeys` gave."""
        return self._outcome(
            lib.sealwax_relay_publish, *text(user, "user"), *given(prekeys, "prekeys"), now(now_ms)
        )

    def lookup(self, requester: str, user: str, *, now_ms: Optional[int] = None) -> Lookup:
        """Gives one user the card and the prekeys of another, with one one-time prekey while there are any."""
        names = (*text(requester, "requester"), *text(user, "user"))
        card, prekeys = Room(), Room()
        while True:
            out = DeliveriesHandle()
            status: int = lib.sealwax_relay_lookup(
                self._open, *names, now(now_ms), *card.arguments(), *prekeys.arguments(), byref(out)
            )
            if status == BufferTooSmallError.status and card.grow() | prekeys.grow():
                continue
            check(status)
            outcome = _outcome_of(out)
            return Lookup(card.take(), prekeys.take(), outcome)

    def route(self, user: str, envelope: Buffer, *, now_ms: Optional[int] = None) -> Outcome:
        """Takes an envelope from its sender, for its recipient or the members of its group."""
        return self._outcome(
            lib.sealwax_relay_route, *text(user, "user"), *given(envelope, "envelope"), now(now_ms)
        )

    def commit(self, user: str, entry: Buffer, *, now_ms: Optional[int] = None) -> Outcome:
        """Takes a roster entry from its actor: the first one of an epoch wins, the other gets StaleEpochError."""
        return self._outcome(
            lib.sealwax_relay_commit, *text(user, "user"), *given(entry, "entry"), now(now_ms)
        )

    def log(self, user: str, group_id: Buffer, from_epoch: int = 0) -> bytes:
        """The roster entries of a group from an epoch on, as many as fit into a frame."""
        return taken(
            lib.sealwax_relay_log,
            self._open,
            *text(user, "user"),
            *given(group_id, "group_id"),
            uint64(from_epoch, "from_epoch"),
        )

    def set_online(self, user: str, online: bool, *, now_ms: Optional[int] = None) -> Outcome:
        """Notes that a user came or went. One who comes is given all that is queued, and then the queue's end."""
        return self._outcome(
            lib.sealwax_relay_set_online, *text(user, "user"), 1 if online else 0, now(now_ms)
        )

    def acknowledge(self, user: str, sequence: int, *, now_ms: Optional[int] = None) -> Outcome:
        """Drops what a user has received, up to and with a sequence number."""
        return self._outcome(
            lib.sealwax_relay_acknowledge, *text(user, "user"), uint64(sequence, "sequence"), now(now_ms)
        )

    def info(self) -> Dict[str, Any]:
        """What it counts."""
        return taken_json(lib.sealwax_relay_info, self._open)

    def _outcome(self, function: Any, *arguments: Any) -> Outcome:
        out = DeliveriesHandle()
        check(function(self._open, *arguments, byref(out)))
        return _outcome_of(out)


def _outcome_of(handle: DeliveriesHandle) -> Outcome:
    """Copies deliveries and records, each payload once however many it is for, and ends the handle."""
    try:
        copies = _Copies()
        deliveries = [
            Delivery(
                user=(copies.of(view.user) or b"").decode(),
                payload=copies.of(view.payload) or b"",
                sequence=view.sequence,
                envelope_id=bytes(view.envelope_id),
                queue_end=bool(view.flags & CONSTANTS["SEALWAX_DELIVERY_QUEUE_END"]),
                connection=view.connection,
                head=copies.of(view.head) or b"",
                close=bool(view.flags & CONSTANTS["SEALWAX_DELIVERY_CLOSE"]),
            )
            for view in _views(lib.sealwax_deliveries_view, handle, DeliveryView)
        ]
        records = [
            Record((copies.of(view.name) or b"").decode(), copies.of(view.value), view.replaces)
            for view in _views(lib.sealwax_deliveries_records, handle, RecordView)
        ]
        return Outcome(deliveries, records)
    finally:
        check(lib.sealwax_deliveries_free(handle))


def _views(function: Any, handle: DeliveriesHandle, kind: Any) -> List[Any]:
    array, count = POINTER(kind)(), c_size_t()
    check(function(handle, byref(array), byref(count)))
    return [array[place] for place in range(count.value)]


class _Copies:
    """Copies of slices, one for each that is shared."""

    def __init__(self) -> None:
        self._known: Dict[Tuple[int, int], bytes] = {}

    def of(self, piece: Slice) -> Optional[bytes]:
        if piece.ptr is None:
            return None
        place = (piece.ptr, piece.len)
        if place not in self._known:
            self._known[place] = string_at(*place)
        return self._known[place]
