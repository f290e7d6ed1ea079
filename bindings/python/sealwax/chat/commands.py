"""What a person types, done."""

from __future__ import annotations

import shlex
from typing import Awaitable, Callable, Dict, List, Optional

from ..aio import Client
from .names import Misunderstood, Names, spaced

HELP = """\
/to NAME [TEXT]                  talk to somebody; what is typed without / goes there from now on
/to #GROUP [TEXT]                talk to a group
/group create GROUP [NAMES]      make a group; "open" before its name: anybody may join
/group join GROUP                join an open group
/group add GROUP NAMES           add members, who read what is said from then on
/group remove GROUP NAME         remove a member, who reads nothing from then on
/group leave GROUP               leave a group
/group members [GROUP]           who is in it, or which groups you are in
/who                             who is online, of those you share a group with or have talked to
/verify NAME                     the safety number: compare it by telephone
/accept NAME [FINGERPRINT]       take the new identity of somebody, once you have asked them
/quit"""


class Commands:
    """Does what is typed, line by line."""

    def __init__(self, client: Client, names: Names, show: Callable[[str], None]) -> None:
        self._client, self._names, self._show = client, names, show
        self._target: Optional[str] = None
        self._verbs: Dict[str, Callable[[str], Awaitable[None]]] = {
            "to": self._to,
            "group": self._group,
            "who": self._who,
            "verify": self._verify,
            "accept": self._accept,
            "help": self._help,
        }
        self._changes: Dict[str, Callable[[List[str]], Awaitable[None]]] = {
            "create": self._create,
            "join": self._join,
            "add": self._add,
            "remove": self._remove,
            "leave": self._leave,
            "members": self._members,
        }

    async def do(self, line: str) -> None:
        """Does one line. Misunderstood or a SealwaxError if it cannot be done."""
        if not line.strip():
            return
        if not line.startswith("/"):
            if self._target is None:
                raise Misunderstood("to whom? /to NAME; /help shows more")
            return await self._send(self._target, line)
        verb, _, rest = line[1:].partition(" ")
        if verb not in self._verbs:
            raise Misunderstood(f"there is no /{verb}; /help shows what there is")
        await self._verbs[verb](rest.strip())

    async def _help(self, _: str) -> None:
        for line in HELP.splitlines():
            self._show(line)

    async def _to(self, rest: str) -> None:
        target, _, text = rest.partition(" ")
        if not target:
            raise Misunderstood("to whom? /to NAME, or /to #GROUP")
        if target.startswith("#"):
            await self._names.group(target)
        if text:
            await self._send(target, text)
        # Only if that was possible.
        self._target = target
        if not text:
            self._show(f"* you talk to {target}")

    async def _send(self, target: str, text: str) -> None:
        if target.startswith("#"):
            message_id = await self._client.send_group(await self._names.group(target), text)
        else:
            message_id = await self._client.send_direct(target, text)
            await self._names.watch(target)
        self._names.sent(message_id, text)

    async def _group(self, rest: str) -> None:
        try:
            verb, *words = shlex.split(rest) or [""]
        except ValueError as error:
            raise Misunderstood(f"{error}") from error
        if verb not in self._changes:
            raise Misunderstood(f"/group {' | '.join(self._changes)}")
        await self._changes[verb](words)

    async def _create(self, words: List[str]) -> None:
        is_open = words[:1] == ["open"] and len(words) > 1
        label, *members = _at_least(1, words[1:] if is_open else words, "/group create GROUP [NAMES]")
        await self._client.create_group(label.lstrip("#"), members, open=is_open)
        self._target = label if label.startswith("#") else f"#{label}"
        self._show(f"* you talk to {self._target}")

    async def _join(self, words: List[str]) -> None:
        [label] = _at_least(1, words, "/group join GROUP")[:1]
        await self._client.join_labelled(label.lstrip("#"))

    async def _add(self, words: List[str]) -> None:
        label, *users = _at_least(2, words, "/group add GROUP NAMES")
        await self._client.add_members(await self._names.group(label), users)

    async def _remove(self, words: List[str]) -> None:
        label, user = _at_least(2, words, "/group remove GROUP NAME")[:2]
        await self._client.remove_member(await self._names.group(label), user)

    async def _leave(self, words: List[str]) -> None:
        [label] = _at_least(1, words, "/group leave GROUP")[:1]
        await self._client.leave_group(await self._names.group(label))

    async def _members(self, words: List[str]) -> None:
        groups = [await self._names.group(words[0])] if words else await self._client.groups()
        if not groups:
            self._show("* you are in no group")
        for group in groups:
            members = (await self._client.group_info(group))["members"]
            who = ", ".join(f"{each['user']} ({each['role']})" for each in members)
            self._show(f"* {await self._names.label(group)} has {who}")

    async def _who(self, _: str) -> None:
        online = ", ".join(sorted(self._names.online))
        self._show(f"* online: {online}" if online else "* nobody is online, as far as you may know")

    async def _verify(self, user: str) -> None:
        if not user:
            raise Misunderstood("whom? /verify NAME")
        self._show(f"* safety number with {user}: {spaced((await self._client.safety_number(user)).digits)}")

    async def _accept(self, rest: str) -> None:
        user, _, typed = rest.partition(" ")
        try:
            fingerprint = bytes.fromhex(typed) if typed else self._names.new_fingerprints.get(user)
        except ValueError as error:
            raise Misunderstood("a fingerprint is a hexadecimal number") from error
        if fingerprint is None:
            raise Misunderstood(f"there is no new identity of {user or 'anybody'} to accept")
        await self._client.accept_identity(user, fingerprint)
        self._names.new_fingerprints.pop(user, None)
        self._show(f"* {user} has the fingerprint {fingerprint.hex()} for you from now on; /verify {user}")


def _at_least(count: int, words: List[str], usage: str) -> List[str]:
    if len(words) < count:
        raise Misunderstood(usage)
    return words
