"""Sessions: messages between two identities."""

from __future__ import annotations

from ctypes import byref, c_size_t
from typing import TYPE_CHECKING, Any, Dict, Optional

from ._arguments import now, options, uint32, uint64
from ._buffer import given, taken, taken_json
from ._errors import check
from ._handle import Handle, borrowed
from ._load import lib
from ._prototypes import SessionHandle
from .identity import Identity

if TYPE_CHECKING:
    from typing_extensions import Buffer

#: What an envelope has beside its content: header, handshake with a card, tag; and one eighth for padding.
_AROUND = 1536


class Session(Handle):
    """Everything shared with one peer, in both directions.

    It takes every envelope of the peer, in any order, first messages too.
    """

    _free = lib.sealwax_session_free
    _pointer = SessionHandle
    _made = "Session.initiate, Session.accept or Session.import_"
    _stored = "use export and Session.import_"

    @classmethod
    def initiate(
        cls,
        identity: Identity,
        card: Buffer,
        prekeys: Buffer = b"",
        *,
        hidden_header: Optional[bool] = None,
        padding: Optional[str] = None,
        peer_fingerprint: Optional[str] = None,
        now_ms: Optional[int] = None,
    ) -> Session:
        """Starts a session with the owner of a card, whose prekeys the relay handed out (empty if there are none).

        hidden_header (default False): hide ratchet keys and counters from the relay. padding (default "none"):
        "padme" hides lengths. peer_fingerprint: the only one that is taken, in hex as in `inspect_card`.
        """
        chosen = options(hidden_header=hidden_header, padding=padding, peer_fingerprint=peer_fingerprint)
        return cls._create(
            lib.sealwax_session_initiate,
            borrowed(identity, Identity),
            *given(card, "card"),
            *given(prekeys, "prekeys"),
            chosen,
            len(chosen),
            now(now_ms),
            options=chosen,
        )

    @classmethod
    def accept(
        cls,
        identity: Identity,
        envelope: Buffer,
        *,
        hidden_header: Optional[bool] = None,
        padding: Optional[str] = None,
        peer_fingerprint: Optional[str] = None,
        now_ms: Optional[int] = None,
    ) -> Session:
        """Answers a first message of a peer with whom there is no session; `decrypt` then reads it.

        Options as in `initiate`. Save the identity before the message is acknowledged.
        """
        chosen = options(hidden_header=hidden_header, padding=padding, peer_fingerprint=peer_fingerprint)
        return cls._create(
            lib.sealwax_session_accept,
            borrowed(identity, Identity),
            *given(envelope, "envelope"),
            chosen,
            len(chosen),
            now(now_ms),
            options=chosen,
        )

    @classmethod
    def import_(cls, identity: Identity, key: Buffer, sealed: Buffer) -> Session:
        """Opens what `export` sealed, for the identity that the session was made from."""
        return cls._create(
            lib.sealwax_session_import,
            borrowed(identity, Identity),
            *given(key, "key"),
            *given(sealed, "sealed"),
        )

    def export(self, key: Buffer, lease: int = 0) -> bytes:
        """Seals the whole session under 32 random bytes that are kept apart from the result.

        Save it before what `encrypt` made leaves. A lease spares that: at most so many messages follow before the next
        export, and an import skips as many. WrongStateError if a message was read since the last one was encrypted: the
        next one takes an export of its own.
        """
        return taken(
            lib.sealwax_session_export, self._open, *given(key, "key"), uint32(lease, "lease"), room=4096
        )

    def renew(self, card: Buffer, prekeys: Buffer = b"", *, now_ms: Optional[int] = None) -> None:
        """Makes a fresh handshake with the peer: after RenewalRequiredError, or if its messages are of an unknown
        key."""
        check(
            lib.sealwax_session_renew(
                self._open, *given(card, "card"), *given(prekeys, "prekeys"), now(now_ms)
            )
        )

    def encrypt_len(self, plaintext_len: int) -> int:
        """How long the next envelope will be, exactly."""
        out = c_size_t()
        length = uint64(plaintext_len, "plaintext_len")
        check(lib.sealwax_session_encrypt_len(self._open, length, byref(out)))
        return out.value

    def encrypt(self, plaintext: Buffer, *, now_ms: Optional[int] = None) -> bytes:
        """Encrypts one message to the peer: an envelope for the relay."""
        pointer, length = given(plaintext, "plaintext")
        room = length + length // 8 + _AROUND
        return taken(lib.sealwax_session_encrypt, self._open, pointer, length, now(now_ms), room=room)

    def decrypt(self, envelope: Buffer, *, now_ms: Optional[int] = None) -> bytes:
        """Reads one envelope of the peer.

        WrongKindError if it is not for the application: `peek` tells for whom. Save the session, and the identity if
        its revision grew, before the envelope is acknowledged.
        """
        pointer, length = given(envelope, "envelope")
        return taken(lib.sealwax_session_decrypt, self._open, pointer, length, now(now_ms), room=length)

    def peek(self, envelope: Buffer, *, now_ms: Optional[int] = None) -> Dict[str, Any]:
        """Tells what an envelope of the peer holds, authenticated, and changes nothing.

        "content" is "data" for `decrypt`, "distribution" or "history" for `GroupReceiver.install`, and then "group"
        is the group's id in hex.
        """
        return taken_json(lib.sealwax_session_peek, self._open, *given(envelope, "envelope"), now(now_ms))

    def info(self) -> Dict[str, Any]:
        """Who the peer is, and how the handshakes stand."""
        return taken_json(lib.sealwax_session_info, self._open)
