"""One exception for each status, by family. A test proves that they are the header's."""

from __future__ import annotations

from typing import ClassVar, Dict, Optional, Type

from ._load import lib


class SealwaxError(Exception):
    """The library did not do what was asked, and nothing changed unless the method says otherwise."""

    #: The number of the status in `include/sealwax.h`.
    status: int = 0
    #: Its name, such as "SEALWAX_REPLAY".
    name: str = ""

    #: The exceptions by status.
    _of: ClassVar[Dict[int, Type[SealwaxError]]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "status" in vars(cls):
            SealwaxError._of[cls.status] = cls

    def __init__(self, message: Optional[str] = None) -> None:
        super().__init__(message or _text(self.status))

    @staticmethod
    def of(status: int) -> SealwaxError:
        """The exception for a status that came by another way, such as in an answer of a relay."""
        return error(status)


# ---- Families ----


class CallerError(SealwaxError, ValueError):
    """A mistake of the caller."""


class ObjectError(SealwaxError):
    """Bytes that cannot be what they claim."""


class AuthenticationError(SealwaxError):
    """A tag, signature, link, commitment or seal that does not verify."""


class MessageStateError(SealwaxError):
    """Keys and counters of a session or group."""


class PeopleError(SealwaxError):
    """Users, identities, groups and rosters."""


class StoreError(SealwaxError):
    """A store."""


class RelayError(SealwaxError):
    """A limit of a relay."""


class LibraryError(SealwaxError):
    """The library itself, or the state of one of its handles."""


def _family(status: int) -> Type[SealwaxError]:
    if 610 <= status < 620:
        return RelayError
    families: Dict[int, Type[SealwaxError]] = {
        1: CallerError,
        2: ObjectError,
        3: AuthenticationError,
        4: MessageStateError,
        5: PeopleError,
        6: StoreError,
        9: LibraryError,
    }
    return families.get(status // 100, SealwaxError)


# ---- The statuses ----


class InvalidArgumentError(CallerError):
    """A number, a fixed length or a pair of handles that this function does not take."""

    status = 100
    name = "SEALWAX_INVALID_ARGUMENT"


class NullPointerError(CallerError):
    """A pointer is NULL that must not be. The package never passes one."""

    status = 101
    name = "SEALWAX_NULL_POINTER"


class InvalidHandleError(CallerError):
    """An object that was closed."""

    status = 102
    name = "SEALWAX_INVALID_HANDLE"


class BufferTooSmallError(CallerError):
    """An output did not fit. The package makes room by itself: this is not seen."""

    status = 103
    name = "SEALWAX_BUFFER_TOO_SMALL"


class BufferOverlapError(CallerError):
    """An output overlaps an input or another output."""

    status = 104
    name = "SEALWAX_BUFFER_OVERLAP"


class TooLargeError(CallerError):
    """A length beyond its limit. Not a byte of it was read."""

    status = 105
    name = "SEALWAX_TOO_LARGE"


class InvalidTextError(CallerError):
    """Not UTF-8, or not what a user id or label may hold."""

    status = 106
    name = "SEALWAX_INVALID_TEXT"


class InvalidOptionsError(CallerError):
    """An unknown option or a bad value; the text names it and says why."""

    status = 107
    name = "SEALWAX_INVALID_OPTIONS"


class LimitReachedError(CallerError):
    """A bounded table is full; see the limits in `build_info()`."""

    status = 108
    name = "SEALWAX_LIMIT_REACHED"


class UnsupportedError(CallerError):
    """This build lacks the feature; the header never changes with features."""

    status = 109
    name = "SEALWAX_UNSUPPORTED"


class WrongStateError(CallerError):
    """A call that comes too early, too late, or beside another way of doing the same."""

    status = 110
    name = "SEALWAX_WRONG_STATE"


class MalformedError(ObjectError):
    """Not a well-formed object of the protocol, or bytes follow its end."""

    status = 200
    name = "SEALWAX_MALFORMED"


class UnsupportedVersionError(ObjectError):
    """Made by a version of the protocol that this library does not speak."""

    status = 201
    name = "SEALWAX_UNSUPPORTED_VERSION"


class UnsupportedSuiteError(ObjectError):
    """Made with a cipher suite that this library does not speak."""

    status = 202
    name = "SEALWAX_UNSUPPORTED_SUITE"


class WrongKindError(ObjectError):
    """A well-formed object, but not one that this function takes."""

    status = 203
    name = "SEALWAX_WRONG_KIND"


class WrongRecipientError(ObjectError):
    """Addressed to somebody else."""

    status = 204
    name = "SEALWAX_WRONG_RECIPIENT"


class WrongGroupError(ObjectError):
    """Belongs to another group."""

    status = 205
    name = "SEALWAX_WRONG_GROUP"


class WrongSessionError(ObjectError):
    """Belongs to another pair of identities."""

    status = 206
    name = "SEALWAX_WRONG_SESSION"


class ExpiredError(ObjectError):
    """A prekey, or a first message, past its time."""

    status = 207
    name = "SEALWAX_EXPIRED"


class AuthenticationFailedError(AuthenticationError):
    """Every tag, signature, link, commitment or seal that does not verify."""

    status = 300
    name = "SEALWAX_AUTHENTICATION_FAILED"


class DuplicateError(MessageStateError):
    """The very bytes of a recently accepted message: a hint, drop it."""

    status = 400
    name = "SEALWAX_DUPLICATE"


class ReplayError(MessageStateError):
    """A message whose key was used before: a hint, drop it."""

    status = 401
    name = "SEALWAX_REPLAY"


class TooFarAheadError(MessageStateError):
    """A gap in the counters larger than the limit."""

    status = 402
    name = "SEALWAX_TOO_FAR_AHEAD"


class UnknownKeyError(MessageStateError):
    """No such key, or no longer; for a group, its distribution may still be under way."""

    status = 403
    name = "SEALWAX_UNKNOWN_KEY"


class RetiredKeyError(MessageStateError):
    """A group key past its transition window; its messages stay closed."""

    status = 404
    name = "SEALWAX_RETIRED_KEY"


class WithheldKeyError(MessageStateError):
    """The owner withholds this group key on purpose."""

    status = 405
    name = "SEALWAX_WITHHELD_KEY"


class ChainExhaustedError(MessageStateError):
    """The chain has no message keys left."""

    status = 406
    name = "SEALWAX_CHAIN_EXHAUSTED"


class RenewalRequiredError(MessageStateError):
    """The peer never answered: `Session.renew` with fresh prekeys."""

    status = 407
    name = "SEALWAX_RENEWAL_REQUIRED"


class UnknownPrekeyError(MessageStateError):
    """A handshake names a prekey that this identity does not hold, or no longer."""

    status = 408
    name = "SEALWAX_UNKNOWN_PREKEY"


class UnknownUserError(PeopleError):
    """No such user."""

    status = 500
    name = "SEALWAX_UNKNOWN_USER"


class UnknownGroupError(PeopleError):
    """No such group."""

    status = 501
    name = "SEALWAX_UNKNOWN_GROUP"


class NotAMemberError(PeopleError):
    """The user is not a member of the group."""

    status = 502
    name = "SEALWAX_NOT_A_MEMBER"


class NotPermittedError(PeopleError):
    """The actor's role does not allow it."""

    status = 503
    name = "SEALWAX_NOT_PERMITTED"


class StaleEpochError(PeopleError):
    """Another entry took this epoch: apply it, and propose again."""

    status = 504
    name = "SEALWAX_STALE_EPOCH"


class RotationRequiredError(PeopleError):
    """`GroupSender.rotate`, distribute, then encrypt again."""

    status = 505
    name = "SEALWAX_ROTATION_REQUIRED"


class IdentityChangedError(PeopleError):
    """The user is known under other keys. Verify out of band before accepting them."""

    status = 506
    name = "SEALWAX_IDENTITY_CHANGED"


class PrekeysRequiredError(PeopleError):
    """The peer's card forbids a session without a signed prekey."""

    status = 507
    name = "SEALWAX_PREKEYS_REQUIRED"


class RosterBehindError(PeopleError):
    """A newer roster is proven to exist: apply its entries first."""

    status = 508
    name = "SEALWAX_ROSTER_BEHIND"


class RosterForkedError(PeopleError):
    """Two valid entries for one epoch; an owner must resolve."""

    status = 509
    name = "SEALWAX_ROSTER_FORKED"


class SenderRemovedError(PeopleError):
    """The sender is no longer a member; its keys are gone."""

    status = 510
    name = "SEALWAX_SENDER_REMOVED"


class EquivocationError(PeopleError):
    """One key id was given two meanings: the sender lies."""

    status = 511
    name = "SEALWAX_EQUIVOCATION"


class GroupDeletedError(PeopleError):
    """The group was deleted."""

    status = 512
    name = "SEALWAX_GROUP_DELETED"


class StoreInUseError(StoreError):
    """Another process has the store open."""

    status = 600
    name = "SEALWAX_STORE_IN_USE"


class StoreDamagedError(StoreError):
    """The store's content does not verify."""

    status = 601
    name = "SEALWAX_STORE_DAMAGED"


class StoreWrongKeyError(StoreError):
    """The key does not open this store."""

    status = 602
    name = "SEALWAX_STORE_WRONG_KEY"


class StoreNewerError(StoreError):
    """A newer library wrote the store."""

    status = 603
    name = "SEALWAX_STORE_NEWER"


class StoreIOError(StoreError):
    """The system refused to read or write the store."""

    status = 604
    name = "SEALWAX_STORE_IO"


class RateLimitedError(RelayError):
    """More requests than allowed in this time."""

    status = 610
    name = "SEALWAX_RATE_LIMITED"


class QueueFullError(RelayError):
    """The recipient's queue is full."""

    status = 611
    name = "SEALWAX_QUEUE_FULL"


class ReplacedError(RelayError):
    """The user has another connection to the relay, which is newer."""

    status = 612
    name = "SEALWAX_REPLACED"


class InternalError(LibraryError):
    """A defect of the library, or a system without randomness. What the call could have changed is poisoned."""

    status = 900
    name = "SEALWAX_INTERNAL"


class PoisonedError(LibraryError):
    """An earlier call on the object ended in a defect: only `close` works."""

    status = 901
    name = "SEALWAX_POISONED"


class ForkedError(LibraryError):
    """The object was made before this process was forked: only `close` works."""

    status = 902
    name = "SEALWAX_FORKED"


def _text(status: int) -> str:
    text: bytes = lib.sealwax_status_text(status)
    name: bytes = lib.sealwax_status_name(status)
    return f"{text.decode()} ({name.decode()})"


def error(status: int, message: Optional[str] = None) -> SealwaxError:
    """The exception for a status, also for one that only a later library knows."""
    known = SealwaxError._of.get(status)
    if known is not None:
        return known(message)
    unknown = _family(status)(message or _text(status))
    unknown.status = status
    unknown.name = lib.sealwax_status_name(status).decode()
    return unknown


def check(status: int) -> None:
    """Raises what a status means, unless it is SEALWAX_OK."""
    if status != 0:
        raise error(status)
