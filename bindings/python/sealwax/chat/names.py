"""What people call groups, and what they said last."""

from __future__ import annotations

from collections import OrderedDict
from typing import Dict, List, Optional, Set

from .._errors import SealwaxError
from ..aio import Client

#: Messages of ours whose acknowledgements are shown with their text.
_SENT_MAX = 1_000
_SHORT = 40


class Misunderstood(Exception):
    """A command that makes no sense; it says why."""


class Names:
    """Finds groups by what is typed for them, and remembers what is not in the store."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._sent: "OrderedDict[bytes, str]" = OrderedDict()
        #: The fingerprint that each user has turned up with lately.
        self.new_fingerprints: Dict[str, bytes] = {}
        self.online: Set[str] = set()
        self.watched: Set[str] = set()

    async def group(self, typed: str) -> bytes:
        """The group of a label, or of the beginning of an id, with or without `#`."""
        wanted = typed[1:] if typed.startswith("#") else typed
        if not wanted:
            raise Misunderstood("which group?")
        labels = {group: await self.label(group) for group in await self._client.groups()}
        found = [group for group, label in labels.items() if label == f"#{wanted}"]
        found = found or [group for group in labels if len(wanted) >= 4 and group.hex().startswith(wanted)]
        if not found:
            raise Misunderstood(f"you are in no group {wanted}")
        if len(found) > 1:
            ids = ", ".join(group.hex()[:8] for group in found)
            raise Misunderstood(f"several groups are called {wanted}: take one of {ids}")
        return found[0]

    async def label(self, group: bytes) -> str:
        """What a group is called, `#` before it."""
        try:
            return f"#{(await self._client.group_info(group))['label']}"
        except SealwaxError:
            return f"#{group.hex()[:8]}"

    async def watch(self, user: str) -> None:
        """Has the relay tell when somebody comes and goes, who has to want it too."""
        if user not in self.watched:
            self.watched.add(user)
            await self._client.watch(self.watched)

    def sent(self, message_id: bytes, text: str) -> None:
        """Remembers what a message of ours was."""
        self._sent[message_id] = text if len(text) <= _SHORT else text[: _SHORT - 1] + "\N{HORIZONTAL ELLIPSIS}"
        if len(self._sent) > _SENT_MAX:
            self._sent.popitem(last=False)

    def text(self, message_id: bytes) -> str:
        """The beginning of a message of ours."""
        return self._sent.get(message_id, "(an earlier message)")


def spaced(digits: str) -> str:
    """Digits in groups of five, to be read aloud."""
    groups: List[str] = [digits[at : at + 5] for at in range(0, len(digits), 5)]
    return " ".join(groups)


def reason(error: Optional[BaseException]) -> str:
    """Why something did not work, for people."""
    return f"{error}" if isinstance(error, (SealwaxError, Misunderstood)) else repr(error)
