"""Clients that keep their connection by themselves."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterator,
    Callable,
    Dict,
    Generator,
    Iterable,
    List,
    Mapping,
    Optional,
    Tuple,
    Type,
    Union,
)

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidURI, WebSocketException
from websockets.uri import parse_uri

from .. import client as synchronous
from .._errors import InvalidHandleError
from ..events import Connected, Disconnected, Done, Event, Failure
from ..identity import Identity, SafetyNumber
from ..library import FRAME_MAX
from ..roster import GroupState, Member, Role
from .backoff import Backoff
from .engine import Engine, Turn
from .inbox import Inbox
from .link import Link

if TYPE_CHECKING:
    from typing_extensions import Buffer, Unpack

    from ..client import Path

#: How long a connection may take to be made, and to be closed.
_OPEN_SECONDS, _CLOSE_SECONDS = 10.0, 2.0
#: How long `Client.close` waits for the relay to read what was on its way.
_GRACE_SECONDS = 5.0


class Options(synchronous.ClientOptions, total=False):
    """How the relay is reached, besides."""

    relay_name: str
    tls: ssl.SSLContext
    headers: Mapping[str, str]
    backoff: Backoff
    on_frame: Callable[[bytes], None]


@dataclass(frozen=True)
class Unreachable(Event):
    """The relay cannot be reached for now. Told once, until it could be reached again."""

    reason: Exception


class Opening:
    """A client that is about to be opened: `await` it, or enter it with `async with`."""

    def __init__(self, client: Client, make: Callable[[], synchronous.Client]) -> None:
        self._client, self._make = client, make

    def __await__(self) -> Generator[Any, None, Client]:
        return self._client._start(self._make).__await__()

    async def __aenter__(self) -> Client:
        return await self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self._client.close()


class Client:
    """A `sealwax.Client` with a connection to its relay, which is made again whenever it is lost.

    Each call returns when what it did is durable, and needs no connection. Those that ask for a change of a group wait
    until it is made, for as long as that takes. One who is cancelled while waiting does not know whether it was done;
    a message may be sent, a change may be made.

    `async for event in client` gives the events. One counts as dealt with, and never comes again, when the loop asks for
    the next one: whoever leaves the loop before, by `break` or by an exception, has it come again in the next loop, or
    when the client is opened anew, `again` true. After a crash those that were dealt with last may come again too. The
    loop ends when the client is closed, and raises what its store said when that fails.

    All belongs to one event loop. `client.engine` may be called in any thread.
    """

    def __init__(self) -> None:
        raise TypeError("Client is made by Client.create, Client.create_with or Client.open")

    @classmethod
    def create(
        cls,
        user: str,
        path: Optional[Path] = None,
        *,
        key: Buffer,
        relay: str,
        prekeys_required: Optional[bool] = None,
        **options: Unpack[Options],
    ) -> Opening:
        """Makes a client as `sealwax.Client.create` does, with its options. The others: as of `open`."""
        client, chosen = cls._reaching(relay, options)
        return Opening(
            client,
            lambda: synchronous.Client.create(user, path, key=key, prekeys_required=prekeys_required, **chosen),
        )

    @classmethod
    def create_with(
        cls, identity: Identity, path: Optional[Path] = None, *, key: Buffer, relay: str, **options: Unpack[Options]
    ) -> Opening:
        """Makes a client as `sealwax.Client.create_with` does, with its options. The others: as of `open`."""
        client, chosen = cls._reaching(relay, options)
        return Opening(client, lambda: synchronous.Client.create_with(identity, path, key=key, **chosen))

    @classmethod
    def open(cls, path: Path, *, key: Buffer, relay: str, **options: Unpack[Options]) -> Opening:
        """Opens a client as `sealwax.Client.open` does, with its options.

        relay: "wss://relay.example", or "ws://" without TLS. relay_name: what the relay calls itself; the host in its
        address if not given, and "" for any, which lets one relay prove to another that it is us. tls: instead of what
        `ssl.create_default_context` gives. headers: sent with the request for a connection, for a relay that knows us by
        a token. backoff: the pauses between connections. on_frame: called in the event loop with each frame of the relay
        before the client takes it, so that what `sealwax.delivered_envelope` finds there can be kept for `read_shared`;
        what it raises is raised by the loop, which ends.
        """
        client, chosen = cls._reaching(relay, options)
        return Opening(client, lambda: synchronous.Client.open(path, key=key, **chosen))

    @classmethod
    def _reaching(cls, relay: str, options: Options) -> Tuple[Client, synchronous.ClientOptions]:
        try:
            address = parse_uri(relay)
        except InvalidURI as error:
            raise ValueError(f"relay is no address of a WebSocket: {relay!r}") from error
        tls = options.pop("tls", None)
        if tls is not None and not address.secure:
            raise ValueError(f"tls is for wss://, not for {relay!r}")
        client = cls.__new__(cls)
        client._relay = relay
        client._tls = tls or (True if address.secure else None)
        # Where the host vouches for us there is nothing that could be passed on.
        any_name = options.get("method") == "host"
        client._relay_name = options.pop("relay_name", "" if any_name else address.host)
        client._headers = options.pop("headers", None)
        client._backoff = options.pop("backoff") if "backoff" in options else Backoff()
        client._on_frame = options.pop("on_frame", None)
        client._is_started = False
        # The rest are options of the client itself.
        return client, options

    _relay: str
    _tls: Union[ssl.SSLContext, bool, None]
    _relay_name: str
    _headers: Optional[Mapping[str, str]]
    _backoff: Backoff
    _on_frame: Optional[Callable[[bytes], None]]
    _is_started: bool

    async def _start(self, make: Callable[[], synchronous.Client]) -> Client:
        if self._is_started:
            raise RuntimeError("this client was opened before")
        self._is_started = True
        self._engine = Engine()
        await self._engine.start(make)
        self._inbox = Inbox(self._engine.confirm)
        self._asked: Dict[int, "asyncio.Future[bytes]"] = {}
        self._link: Optional[Link] = None
        self._turns_for: Optional[Link] = None
        self._has_frames = False
        self._is_welcome = False
        self._is_unreachable = False
        self._reconnect = synchronous.Reconnect.SOON
        self._changed = asyncio.Event()
        self._closing: Optional["asyncio.Task[None]"] = None
        self._turning = asyncio.ensure_future(self._turn())
        self._connecting = asyncio.ensure_future(self._connect())
        return self

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.close()

    @property
    def engine(self) -> synchronous.Client:
        """The client without its connection: for other threads, since its calls may wait for the disk."""
        return self._engine.client

    # ---- Events ----

    def __aiter__(self) -> AsyncIterator[Event]:
        """The events that wait, and those to come. Another loop that was there before has ended."""
        return self._inbox.loop()

    def confirm(self, event: Event) -> None:
        """This event and all before it are dealt with, as if the loop had asked for the next one."""
        self._inbox.confirm(event)

    # ---- People ----

    async def send_direct(self, user: str, payload: Union[str, Buffer], *, transient: bool = False) -> bytes:
        """Sends text (str) or bytes to a user, and returns the id of the message, which `Ack` or `Failed` will carry. A
        transient message leaves at once or never, and no event tells of it."""
        return await self._engine.call(lambda client: client.send_direct(user, payload, transient=transient))

    async def mark_read(self, user: str, message_ids: Iterable[Buffer]) -> None:
        """The application has shown these messages of a peer, who is told if both have asked for acks."""
        await self._engine.call(lambda client: client.mark_read(user, message_ids))

    async def accept_identity(self, user: str, fingerprint: Buffer) -> None:
        """Decides on the identity of a peer by the fingerprint that was shown: the new one counts from now on, or, with
        that of the known one, the new one is forgotten."""
        await self._engine.call(lambda client: client.accept_identity(user, fingerprint))

    async def watch(self, users: Iterable[str]) -> None:
        """Watches these users, who have to watch us too, and no others: `Presence` tells when they come and go."""
        await self._engine.call(lambda client: client.watch(users))

    async def set_visible(self, visible: bool) -> None:
        """Whether the relay shall show others that we are online; it does unless this says otherwise."""
        await self._engine.call(lambda client: client.set_visible(visible))

    async def card(self, user: Optional[str] = None) -> bytes:
        """Our own card, or that of a peer that counts; UnknownUserError before anything is known of the peer."""
        return await self._engine.call(lambda client: client.card(user))

    async def changed_card(self, user: str) -> bytes:
        """The card under which a peer has turned up and that is not decided on, for `inspect_card` and `safety_number`;
        UnknownUserError if there is nothing to decide."""
        return await self._engine.call(lambda client: client.changed_card(user))

    async def fingerprint(self, user: Optional[str] = None) -> bytes:
        """Our own fingerprint, or that of a peer that counts; UnknownUserError before anything is known of the peer."""
        return await self._engine.call(lambda client: client.fingerprint(user))

    async def safety_number(self, user: str) -> SafetyNumber:
        """What two people compare to know that nobody sits between them."""
        return await self._engine.call(lambda client: client.safety_number(user))

    # ---- Groups ----
    #
    # What changes a group waits for the relay, gives the group's id, and raises why it was refused. The event `Done` or
    # `Failure` comes besides.

    async def create_group(self, label: str, members: Iterable[str] = (), *, open: bool = False) -> bytes:
        """Founds a group with these members besides us, who own it. open: anybody may join, whom the relay lets in."""
        return await self._ask(lambda client: client.create_group(label, members, open=open))

    async def join_group(self, group: Buffer) -> bytes:
        """Joins an open group, by its id."""
        return await self._ask(lambda client: client.join_group(group))

    async def join_labelled(self, label: str) -> bytes:
        """Joins the oldest open group with this label, which proves nothing."""
        return await self._ask(lambda client: client.join_labelled(label))

    async def add_members(self, group: Buffer, users: Iterable[str], role: Role = Role.MEMBER) -> bytes:
        """Adds members, who read what is sent from then on."""
        return await self._ask(lambda client: client.add_members(group, users, role))

    async def add_member(self, group: Buffer, user: str, role: Role = Role.MEMBER) -> bytes:
        """Adds one member."""
        return await self.add_members(group, [user], role)

    async def remove_member(self, group: Buffer, user: str) -> bytes:
        """Removes a member, who reads nothing that is sent from then on."""
        return await self._ask(lambda client: client.remove_member(group, user))

    async def set_role(self, group: Buffer, user: str, role: Role) -> bytes:
        """Gives a member a role."""
        return await self._ask(lambda client: client.set_role(group, user, role))

    async def replace_member(self, group: Buffer, user: str) -> bytes:
        """Gives a member whose identity changed the keys of the identity that counts for us."""
        return await self._ask(lambda client: client.replace_member(group, user))

    async def leave_group(self, group: Buffer) -> bytes:
        """Leaves a group."""
        return await self._ask(lambda client: client.leave_group(group))

    async def delete_group(self, group: Buffer) -> bytes:
        """Ends a group, for all."""
        return await self._ask(lambda client: client.delete_group(group))

    async def resolve_group(self, group: Buffer, chosen: Buffer) -> bytes:
        """Settles a fork for the history with this head, `hash` or one of `branch_heads` in `group_state`."""
        return await self._ask(lambda client: client.resolve_group(group, chosen))

    async def share_history(self, group: Buffer, user: str) -> bytes:
        """Shares what we have kept of a group's past, by the option retain_history, with a member: the keys. The
        messages the application has kept itself, by `on_frame`, and gives to the member."""
        return await self._ask(lambda client: client.share_history(group, user))

    async def read_shared(self, group: Buffer, envelopes: Iterable[Buffer]) -> int:
        """Reads old messages of a group, which the application has kept or got from elsewhere, with keys that members
        have shared. Returns how many: each is a `GroupMessage` with `by` among the events, once."""
        return await self._engine.call(lambda client: client.read_shared(group, envelopes))

    async def send_group(
        self, group: Buffer, payload: Union[str, Buffer], *, transient: bool = False
    ) -> bytes:
        """Sends text (str) or bytes to all members, and returns the id of the message."""
        return await self._engine.call(lambda client: client.send_group(group, payload, transient=transient))

    async def mark_group_read(self, group: Buffer, user: str, message_ids: Iterable[Buffer]) -> None:
        """The application has shown these messages of a member."""
        await self._engine.call(lambda client: client.mark_group_read(group, user, message_ids))

    async def groups(self) -> List[bytes]:
        """The ids of the groups that we are a member of."""
        return await self._engine.call(lambda client: client.groups())

    async def group_state(self, group: Buffer) -> GroupState:
        """How a group stands that we are, or were, a member of; then it is what we knew last."""
        return await self._engine.call(lambda client: client.group_state(group))

    async def group_members(self, group: Buffer) -> List[Member]:
        """The members of such a group, in the order of their user ids."""
        return await self._engine.call(lambda client: client.group_members(group))

    async def group_info(self, group: Buffer) -> Dict[str, Any]:
        """All that is known of such a group, as `Roster.info`."""
        return await self._engine.call(lambda client: client.group_info(group))

    async def _ask(self, work: Callable[[synchronous.Client], int]) -> bytes:
        done: "asyncio.Future[bytes]" = asyncio.get_running_loop().create_future()

        def ask(client: synchronous.Client) -> None:
            # Noted in the turn that may bring the answer.
            self._asked[work(client)] = done

        try:
            await self._engine.call(ask)
            return await done
        finally:
            done.cancel()

    # ---- The client itself ----

    async def info(self) -> Dict[str, Any]:
        """Who it is, what waits ("outbox", "requests", "events"), and what was counted since it was opened."""
        return await self._engine.call(lambda client: client.info())

    async def backup(self, path: Path) -> None:
        """Writes a copy of the store to a path where nothing is. UnsupportedError for one in memory."""
        await self._engine.call(lambda client: client.backup(path))

    @property
    def connected(self) -> bool:
        """Whether the relay has welcomed us, as far as is known."""
        return self._is_welcome

    async def drained(self) -> None:
        """Waits until the relay has taken, or refused, all that was sent; it may take for ever."""
        while True:
            changed = self._changed
            if (await self.info())["outbox"] == 0:
                return
            await changed.wait()

    async def close(self) -> None:
        """Stores what was done, sends what is on its way unless the relay takes none of it for 5 seconds, closes the
        connection and ends the client. Closing again does nothing."""
        if not self._is_started or self._engine.closed:
            return
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close())
        # It is not called off half-way.
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self._inbox.end()
        with suppress(Exception):  # it has failed
            await self._engine.call(lambda _: None)
        if self._link is None:
            self._connecting.cancel()
        else:
            self._link.end()
        await asyncio.wait([self._connecting], timeout=_GRACE_SECONDS)
        self._connecting.cancel()
        await asyncio.gather(self._connecting, return_exceptions=True)
        self._engine.stop()
        await asyncio.gather(self._turning, return_exceptions=True)
        self._refuse(InvalidHandleError("the client is closed (SEALWAX_INVALID_HANDLE)"))
        await self._engine.close()

    # ---- What goes on meanwhile ----

    async def _turn(self) -> None:
        try:
            await self._engine.run(self._room, self._take)
        except Exception as error:
            self._fail(error)

    def _room(self) -> int:
        # What comes out of a turn is for the connection that was there when it began.
        self._turns_for = self._link
        return 0 if self._link is None else self._link.room

    def _take(self, turn: Turn) -> None:
        for event in turn.events:
            self._note(event)
        self._inbox.put(turn.events)
        self._has_frames = turn.pending.frames > 0
        self._reconnect = turn.pending.reconnect
        if self._turns_for is not None:
            self._turns_for.send(turn.frames)
            if turn.pending.wants_disconnect:
                self._turns_for.end()
            elif self._has_frames and self._turns_for.room > 0:
                self._engine.wake()
        if turn.moved:
            self._changed.set()
            self._changed = asyncio.Event()

    def _note(self, event: Event) -> None:
        if isinstance(event, Connected):
            self._is_welcome = True
            self._backoff.welcomed()
        elif isinstance(event, Disconnected):
            self._is_welcome = False
        if isinstance(event, (Done, Failure)) and event.request is not None:
            done = self._asked.pop(event.request, None)
            if done is None or done.done():
                pass
            elif isinstance(event, Done):
                done.set_result(event.group)
            else:
                done.set_exception(event.reason)

    def _moved(self) -> None:
        if self._has_frames:
            self._engine.wake()

    async def _connect(self) -> None:
        try:
            while self._closing is None:
                try:
                    websocket = await self._reach()
                except (OSError, EOFError, asyncio.TimeoutError, WebSocketException) as error:
                    if not self._is_unreachable:
                        self._is_unreachable = True
                        self._inbox.put([Unreachable(0, False, error)])
                else:
                    self._is_unreachable = False
                    await self._serve(Link(websocket, self._moved))
                if self._closing is None:
                    await asyncio.sleep(self._backoff.pause(self._reconnect))
        except Exception as error:
            self._fail(error)

    async def _reach(self) -> ClientConnection:
        return await connect(
            self._relay,
            ssl=self._tls,
            additional_headers=self._headers,
            # What is encrypted does not shrink.
            compression=None,
            # The client pings by itself, in frames of its own.
            ping_interval=None,
            open_timeout=_OPEN_SECONDS,
            close_timeout=_CLOSE_SECONDS,
            max_size=FRAME_MAX,
        )

    async def _serve(self, link: Link) -> None:
        self._link = link
        self._engine.push(lambda client: client.connected(self._relay_name))
        try:
            await link.run(self._receive)
        finally:
            self._link = None
            self._engine.push(lambda client: client.disconnected())
        # What the relay said last bears on the pause that follows.
        await self._engine.call(lambda _: None)

    async def _receive(self, frame: bytes) -> None:
        if self._on_frame is not None:
            self._on_frame(frame)
        self._engine.receive(frame)
        await self._engine.room()

    def _fail(self, error: Exception) -> None:
        """The client has failed; all that wait for it are told."""
        self._refuse(error)
        self._inbox.end(error)
        if self._link is not None:
            self._link.end()
        else:
            self._connecting.cancel()

    def _refuse(self, error: Exception) -> None:
        self._engine.refuse(error)
        for done in self._asked.values():
            if not done.done():
                done.set_exception(error)
        self._is_welcome = False
        self._changed.set()
