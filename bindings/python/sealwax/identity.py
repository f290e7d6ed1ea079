"""Identities, cards, safety numbers."""

from __future__ import annotations

from ctypes import create_string_buffer
from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Optional

from ._arguments import now, options, text, uint32
from ._buffer import given, taken, taken_json
from ._handle import Handle
from ._load import lib
from ._prototypes import CONSTANTS, IdentityHandle

if TYPE_CHECKING:
    from typing_extensions import Buffer


class Identity(Handle):
    """One's own keys, the card that shows them, and prekeys."""

    _free = lib.sealwax_identity_free
    _pointer = IdentityHandle
    _made = "Identity(user) or Identity.import_"
    _stored = "use export and Identity.import_"

    def __init__(
        self, user: str, *, prekeys_required: Optional[bool] = None, now_ms: Optional[int] = None
    ) -> None:
        """Makes fresh keys for a user id, which names one device's identity.

        prekeys_required (default True): handshakes need a signed prekey, so that a relay cannot weaken one by hiding
        prekeys.
        """
        chosen = options(prekeys_required=prekeys_required)
        self._acquire(
            lib.sealwax_identity_new, *text(user, "user"), chosen, len(chosen), now(now_ms), options=chosen
        )

    @classmethod
    def import_(cls, key: Buffer, sealed: Buffer) -> Identity:
        """Opens what `export` sealed."""
        return cls._create(lib.sealwax_identity_import, *given(key, "key"), *given(sealed, "sealed"))

    def export(self, key: Buffer) -> bytes:
        """Seals the whole identity under 32 random bytes that are kept apart from the result.

        Save it before a bundle of `prekeys` is published, and again after each `Session.accept` and each
        `Session.decrypt` that made `revision` grow.
        """
        return taken(lib.sealwax_identity_export, self._open, *given(key, "key"))

    def card(self) -> bytes:
        """The card to show to others: user id, public keys, own signature."""
        return taken(lib.sealwax_identity_card, self._open)

    def prekeys(self, one_time: int, *, now_ms: Optional[int] = None) -> bytes:
        """A bundle to publish: the signed prekey, and so many new one-time prekeys; at most 1,000 may be unused.

        Save the identity before the bundle leaves. Publish at least weekly.
        """
        count = uint32(one_time, "one_time")
        # Each takes 69 bytes.
        room = 1024 + 69 * min(count, 1000)
        return taken(lib.sealwax_identity_prekeys, self._open, count, now(now_ms), room=room)

    def prove(self, relay_name: str, nonce: Buffer, hello: Buffer) -> bytes:
        """Answers the challenge of a relay, for the hello frame that the connection started with.

        Compare the name in the challenge with that of the relay that was called first, so that no relay can pass the
        proof on to another.
        """
        name, challenge = text(relay_name, "relay_name"), given(nonce, "nonce")
        return taken(lib.sealwax_identity_prove, self._open, *name, *challenge, *given(hello, "hello"))

    def info(self) -> Dict[str, Any]:
        """What `inspect_card` says of the card, and how many prekeys there are."""
        return taken_json(lib.sealwax_identity_info, self._open)


def inspect_card(card: Buffer) -> Dict[str, Any]:
    """Checks a card whole and tells what it says: "user", "fingerprint", "sign_key", "agree_key" and more.

    That the keys belong together is proven, not whose they are: compare the safety number.
    """
    return taken_json(lib.sealwax_card_inspect, *given(card, "card"))


class SafetyNumber(NamedTuple):
    """What two people compare to know that nobody sits between them."""

    #: 60 digits, to be shown in groups of five.
    digits: str
    #: To be shown as a QR code, compared byte by byte with what the other side scanned.
    qr: bytes


def safety_number(card: Buffer, other: Buffer) -> SafetyNumber:
    """The same for both sides, in either order of the cards."""
    digits = create_string_buffer(CONSTANTS["SEALWAX_SAFETY_DIGITS"] + 1)
    qr = taken(
        lib.sealwax_card_safety_number, *given(card, "card"), *given(other, "other"), digits, room=128
    )
    return SafetyNumber(digits.value.decode(), qr)
