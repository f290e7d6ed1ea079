"""Events, in words."""

from __future__ import annotations

from typing import Callable, List

from .. import events
from ..aio import Client, Unreachable
from .names import Names, reason


class News:
    """Shows what happens. What it has shown is dealt with."""

    def __init__(self, client: Client, user: str, names: Names, show: Callable[[str], None]) -> None:
        self._client, self._user, self._names, self._show = client, user, names, show

    async def run(self) -> None:
        """Until the client is closed."""
        async for event in self._client:
            for line in await self._lines(event):
                self._show(line)
            await self._read(event)

    async def _read(self, event: events.Event) -> None:
        if isinstance(event, events.Message):
            await self._client.mark_read(event.user, [event.message_id])
            await self._names.watch(event.user)
        elif isinstance(event, events.GroupMessage):
            await self._client.mark_group_read(event.group, event.user, [event.message_id])

    async def _lines(self, event: events.Event) -> List[str]:
        if isinstance(event, events.Message):
            return _message(f"[{event.user}]", event.payload, event.is_text, event.again)
        if isinstance(event, events.Ack):
            return await self._ack(event)
        if isinstance(event, events.Failed):
            target = event.user if event.group is None else await self._names.label(event.group)
            return [f"! not sent to {target}: {self._names.text(event.message_id)}: {reason(event.reason)}"]
        if isinstance(event, events.GroupEvent):
            return await self._group(event)
        if isinstance(event, events.IdentityChanged):
            return self._identity_changed(event)
        if isinstance(event, events.Presence):
            return self._presence(event)
        if isinstance(event, events.Connected):
            again = ["! this is an older copy of your store; new keys are made"] if event.restored else []
            return [*again, "* connected"]
        if isinstance(event, events.Disconnected):
            self._names.online.clear()
            return ["* the connection is gone; it will be made again"]
        if isinstance(event, Unreachable):
            return [f"* the relay cannot be reached; trying on: {event.reason}"]
        if isinstance(event, events.Failure) and (event.request is None or event.again):
            return [f"! {reason(event.reason)}"]
        return []

    async def _ack(self, event: events.Ack) -> List[str]:
        text = self._names.text(event.message_id)
        if event.state == events.State.SENT:
            target = event.user if event.group is None else await self._names.label(event.group)
            return [f"  sent to {target}: {text}"]
        done = "delivered to" if event.state == events.State.DELIVERED else "read by"
        return [f"  {done} {event.user}: {text}"]

    async def _group(self, event: events.GroupEvent) -> List[str]:
        group = await self._names.label(event.group)
        if isinstance(event, events.GroupMessage):
            lines = _message(f"[{event.user} to {group}]", event.payload, event.is_text, event.again)
            return lines if event.by is None else [f"* {event.by} says that there was:", *lines]
        if isinstance(event, events.GroupCreated):
            return [f"* you have made {group}; its id is {event.group.hex()[:8]}"]
        if isinstance(event, events.GroupJoined):
            by = "you have joined" if event.by == self._user else f"{event.by} has added you to"
            return [f"* {by} {group}"]
        if isinstance(event, events.GroupLeft):
            return [f"* you have left {group}" if event.by == self._user else f"* {event.by} has removed you from {group}"]
        if isinstance(event, events.GroupDeleted):
            return [f"* {event.by} has ended {group}"]
        if isinstance(event, events.MemberJoined):
            by = f"{event.user} has joined" if event.by == event.user else f"{event.by} has added {event.user} to"
            return [f"* {by} {group}"]
        if isinstance(event, events.MemberLeft):
            by = f"{event.user} has left" if event.by == event.user else f"{event.by} has removed {event.user} from"
            return [f"* {by} {group}"]
        if isinstance(event, events.RoleChanged):
            return [f"* {event.by} has made {event.user} {event.role.name.lower()} of {group}"]
        if isinstance(event, events.MemberReplaced):
            return [f"* {event.user} has new keys in {group}, says {event.by}"]
        if isinstance(event, events.MessagePending):
            return [f"* {event.count} of {event.user} to {group} wait for their key"]
        if isinstance(event, events.MessageUnreadable):
            return [f"! {event.count} of {event.user} to {group} cannot be read: {reason(event.reason)}"]
        if isinstance(event, events.KeyWithheld):
            return [f"! {event.user} gets no keys of yours in {group}: {reason(event.reason)}"]
        if isinstance(event, events.GroupForked):
            return [f"! two histories of {group} are about; an owner has to choose"]
        return []

    def _identity_changed(self, event: events.IdentityChanged) -> List[str]:
        self._names.new_fingerprints[event.user] = event.fingerprint
        lines = [
            f"! {event.user} has another identity, or somebody else writes as {event.user}",
            f"!   known: {event.known_fingerprint.hex()}",
            f"!   new:   {event.fingerprint.hex()}",
        ]
        if event.blocked:
            lines.append(f"!   nothing is sent before you have asked {event.user} and typed /accept {event.user}")
        return lines

    def _presence(self, event: events.Presence) -> List[str]:
        if event.online == (event.user in self._names.online):
            return []
        (self._names.online.add if event.online else self._names.online.discard)(event.user)
        return [f"* {event.user} is {'online' if event.online else 'offline'}"]


def _message(who: str, payload: bytes, is_text: bool, again: bool) -> List[str]:
    if not is_text:
        return [f"{who} {len(payload)} bytes that are no text"]
    first, *further = payload.decode().split("\n")
    indent = " " * len(who)
    return [f"{who} {first}{' (again)' if again else ''}", *(f"{indent} {line}" for line in further)]
