"""Groups: sender keys, and what they send."""

from __future__ import annotations

from ctypes import POINTER, addressof, byref, c_char, c_size_t, c_uint64, cast
from struct import iter_unpack
from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, List, Optional, Union

from ._arguments import now, options, text, uint32, uint64
from ._buffer import Room, given, taken, taken_json
from ._errors import BufferTooSmallError, SealwaxError, TooLargeError, check
from ._handle import Handle, borrowed
from ._load import lib
from ._prototypes import (
    CONSTANTS,
    GroupReceiverHandle,
    GroupSenderHandle,
    Result,
    SessionHandle,
    Slice,
)
from .identity import Identity
from .roster import Roster
from .session import Session

if TYPE_CHECKING:
    from typing_extensions import Buffer

#: What a group message has beside its content: header, tag, signature; and one eighth for padding.
_AROUND = 1024

#: An envelope with a sender key: most sessions take no more.
_DISTRIBUTION = 1024

_BATCH_MAX = CONSTANTS["SEALWAX_BATCH_MAX"]
_BATCH_BYTES_MAX = CONSTANTS["SEALWAX_BATCH_BYTES_MAX"]


def _pieces(envelopes: List[bytes]) -> Iterator[List[bytes]]:
    """As many as one call of the library takes."""
    piece: List[bytes] = []
    size = 0
    for envelope in envelopes:
        if piece and (len(piece) == _BATCH_MAX or size + len(envelope) > _BATCH_BYTES_MAX):
            yield piece
            piece, size = [], 0
        piece.append(envelope)
        size += len(envelope)
    if piece:
        yield piece


class GroupSender(Handle):
    """The sending half of a membership in one group. It follows its roster."""

    _free = lib.sealwax_group_sender_free
    _pointer = GroupSenderHandle
    _made = "GroupSender(identity, roster) or GroupSender.import_"
    _stored = "use export and GroupSender.import_"

    def __init__(
        self,
        identity: Identity,
        roster: Roster,
        *,
        rotate_messages: Optional[int] = None,
        rotate_ms: Optional[int] = None,
        padding: Optional[str] = None,
        confirm: Optional[bool] = None,
        now_ms: Optional[int] = None,
    ) -> None:
        """Makes a first sender key for the members that the roster has now; `distribute` it to each.

        rotate_messages (default 10,000), rotate_ms (default 7 days): after so many the key must rotate. padding
        (default "none"): "padme" hides lengths. confirm (default False): keep the key's first state until each member
        has confirmed it, rather than until each was handed it once.
        """
        chosen = options(
            rotate_messages=rotate_messages, rotate_ms=rotate_ms, padding=padding, confirm=confirm
        )
        self._acquire(
            lib.sealwax_group_sender_new,
            borrowed(identity, Identity),
            borrowed(roster, Roster),
            chosen,
            len(chosen),
            now(now_ms),
            options=chosen,
        )

    @classmethod
    def import_(cls, identity: Identity, roster: Roster, key: Buffer, sealed: Buffer) -> GroupSender:
        """Opens what `export` sealed, for the identity it was made from and the newest roster."""
        return cls._create(
            lib.sealwax_group_sender_import,
            borrowed(identity, Identity),
            borrowed(roster, Roster),
            *given(key, "key"),
            *given(sealed, "sealed"),
        )

    def export(self, key: Buffer, lease: int = 0) -> bytes:
        """Seals the whole sender under 32 random bytes that are kept apart from the result.

        Save it before what `encrypt` made leaves. A lease spares that: at most so many messages follow before the next
        export, and an import skips as many.
        """
        return taken(
            lib.sealwax_group_sender_export, self._open, *given(key, "key"), uint32(lease, "lease")
        )

    def distribute(self, session: Session, *, now_ms: Optional[int] = None) -> bytes:
        """The envelope that hands the current sender key to the peer of a session, for `GroupReceiver.install`.

        Only those who were members when the key was made, and still are, may have it.
        """
        return taken(
            lib.sealwax_group_sender_distribute, self._open, borrowed(session, Session), now(now_ms)
        )

    def distribute_many(
        self, sessions: Iterable[Session], *, now_ms: Optional[int] = None
    ) -> List[Union[bytes, SealwaxError]]:
        """What `distribute` does for each of many sessions, in one call: of one member each, at most 10,000.

        Returns for each session, in their order, its envelope, or the exception, not raised. One that is refused
        hinders no other.
        """
        tokens = [borrowed(session, Session) for session in sessions]
        handles = (SessionHandle * len(tokens))(*tokens)
        results = (Result * len(tokens))()
        place = Room(len(tokens) * _DISTRIBUTION)
        while True:
            status: int = lib.sealwax_group_sender_distribute_many(
                self._open, handles, len(tokens), now(now_ms), *place.arguments(), results
            )
            if status == BufferTooSmallError.status and place.grow():
                continue
            check(status)
            break
        envelopes = place.take()
        return [
            SealwaxError.of(result.status)
            if result.status
            else envelopes[result.offset : result.offset + result.len]
            for result in results
        ]

    def confirm(self, user: str) -> None:
        """Tells that a member has installed the current key."""
        check(lib.sealwax_group_sender_confirm(self._open, *text(user, "user")))

    def rotate(self, *, now_ms: Optional[int] = None) -> None:
        """Replaces the key by a new one for the members that the roster has now; distribute that to each."""
        check(lib.sealwax_group_sender_rotate(self._open, now(now_ms)))

    def encrypt_len(self, plaintext_len: int) -> int:
        """How long the next envelope will be, exactly."""
        out = c_size_t()
        length = uint64(plaintext_len, "plaintext_len")
        check(lib.sealwax_group_sender_encrypt_len(self._open, length, byref(out)))
        return out.value

    def encrypt(self, plaintext: Buffer, *, now_ms: Optional[int] = None) -> bytes:
        """Encrypts and signs one message: one envelope for all.

        RotationRequiredError: `rotate`, distribute, and encrypt again. RosterBehindError: apply the entries that a
        member knows of.
        """
        pointer, length = given(plaintext, "plaintext")
        room = length + length // 8 + _AROUND
        return taken(lib.sealwax_group_sender_encrypt, self._open, pointer, length, now(now_ms), room=room)

    def info(self) -> Dict[str, Any]:
        """How the key stands, and who waits for it."""
        return taken_json(lib.sealwax_group_sender_info, self._open)


class GroupReceiver(Handle):
    """The receiving half of a membership in one group. It follows its roster."""

    _free = lib.sealwax_group_receiver_free
    _pointer = GroupReceiverHandle
    _made = "GroupReceiver(identity, roster) or GroupReceiver.import_"
    _stored = "use export and GroupReceiver.import_"

    def __init__(
        self,
        identity: Identity,
        roster: Roster,
        *,
        transition_window_ms: Optional[int] = None,
        retain_history: Optional[bool] = None,
        history: Optional[bool] = None,
        now_ms: Optional[int] = None,
    ) -> None:
        """Makes a receiver without keys; they come with `install`.

        transition_window_ms (default 120,000): how long a retired key still opens messages. retain_history (default
        False): keep what `share_history` needs, at the price that a stolen state opens old messages. history (default
        False): a read-only receiver of what members shared.
        """
        chosen = options(
            transition_window_ms=transition_window_ms, retain_history=retain_history, history=history
        )
        self._acquire(
            lib.sealwax_group_receiver_new,
            borrowed(identity, Identity),
            borrowed(roster, Roster),
            chosen,
            len(chosen),
            now(now_ms),
            options=chosen,
        )

    @classmethod
    def import_(cls, identity: Identity, roster: Roster, key: Buffer, sealed: Buffer) -> GroupReceiver:
        """Opens what `export` sealed, for the identity it was made from and the newest roster."""
        return cls._create(
            lib.sealwax_group_receiver_import,
            borrowed(identity, Identity),
            borrowed(roster, Roster),
            *given(key, "key"),
            *given(sealed, "sealed"),
        )

    def export(self, key: Buffer) -> bytes:
        """Seals the whole receiver under 32 random bytes that are kept apart from the result.

        Save it before what it read or installed is acknowledged.
        """
        return taken(lib.sealwax_group_receiver_export, self._open, *given(key, "key"), room=8192)

    def install(self, session: Session, envelope: Buffer, *, now_ms: Optional[int] = None) -> None:
        """Takes a key that `GroupSender.distribute` made, or into a receiver of history one that `share_history` made.

        The session is ours with its sender; `Session.peek` tells such envelopes from others. Save receiver and session
        before the envelope is acknowledged.
        """
        check(
            lib.sealwax_group_receiver_install(
                self._open, borrowed(session, Session), *given(envelope, "envelope"), now(now_ms)
            )
        )

    def decrypt(self, envelope: Buffer, *, now_ms: Optional[int] = None) -> bytes:
        """Reads one message of the group; `Envelope.parse` tells who sent it.

        UnknownKeyError: its distribution may still be under way.
        """
        pointer, length = given(envelope, "envelope")
        return taken(
            lib.sealwax_group_receiver_decrypt, self._open, pointer, length, now(now_ms), room=length
        )

    def decrypt_batch(
        self, envelopes: Iterable[Buffer], *, now_ms: Optional[int] = None
    ) -> List[Union[bytes, SealwaxError]]:
        """Reads a backlog of any length, tens of times faster than `decrypt` message by message.

        Returns for each envelope, in their order, what `decrypt` would in its turn: the plaintext, or the exception,
        not raised. A damaged message hinders no other.
        """
        time = now(now_ms)
        answers: List[Union[bytes, SealwaxError]] = []
        for piece in _pieces([bytes(memoryview(envelope)) for envelope in envelopes]):
            answers += self._decrypt_piece(piece, time)
        return answers

    def _decrypt_piece(self, piece: List[bytes], time: int) -> List[Union[bytes, SealwaxError]]:
        joined = bytearray().join(piece)
        size = len(joined)
        if size > _BATCH_BYTES_MAX:
            return [TooLargeError()]
        joined.append(0)  # so that there is an address
        out = bytearray(len(joined))
        source = addressof(c_char.from_buffer(joined))
        words: List[int] = []
        for envelope in piece:
            words += (source, len(envelope))
            source += len(envelope)
        slices = cast((c_size_t * len(words))(*words), POINTER(Slice))
        results = (Result * len(piece))()
        used = c_size_t()
        room = (byref(c_char.from_buffer(out)), size, byref(used))
        function = lib.sealwax_group_receiver_decrypt_batch
        check(function(self._open, slices, len(piece), time, *room, results))
        plain = bytes(memoryview(out)[: used.value])
        return [
            SealwaxError.of(status) if status else plain[offset : offset + length]
            for status, _, offset, length in iter_unpack("@iINN", results)
        ]

    def retire(self, *, now_ms: Optional[int] = None) -> Optional[int]:
        """Wipes keys whose transition window has ended. Returns when to call next; None if nothing is due."""
        out = c_uint64()
        check(lib.sealwax_group_receiver_retire(self._open, now(now_ms), byref(out)))
        return out.value or None

    def catch_up(self, active: bool, *, now_ms: Optional[int] = None) -> None:
        """Tells that the reading of an offline queue begins, or has ended: in between, transition windows stand
        still."""
        check(lib.sealwax_group_receiver_catch_up(self._open, 1 if active else 0, now(now_ms)))

    def share_history(
        self,
        session: Session,
        sender: str,
        key_id: Buffer,
        from_counter: int = 0,
        *,
        now_ms: Optional[int] = None,
    ) -> bytes:
        """The envelope that shares a retired key of a sender with the peer of a session, so that it reads old
        messages; for `install` of a receiver of history."""
        return taken(
            lib.sealwax_group_receiver_share_history,
            self._open,
            borrowed(session, Session),
            *text(sender, "sender"),
            *given(key_id, "key_id"),
            uint32(from_counter, "from_counter"),
            now(now_ms),
        )

    def info(self) -> Dict[str, Any]:
        """Which keys of whom it holds."""
        return taken_json(lib.sealwax_group_receiver_info, self._open)
