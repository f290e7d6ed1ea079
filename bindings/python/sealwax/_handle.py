"""The one owner of handles."""

from __future__ import annotations

import weakref
from ctypes import byref, c_uint64
from types import TracebackType
from typing import Any, ClassVar, NoReturn, Optional, SupportsIndex, Type, TypeVar

from ._arguments import check_with
from ._errors import InvalidHandleError, check
from ._load import lib

_Owner = TypeVar("_Owner", bound="Handle")


def _release(free: Any, token: int) -> None:
    check(free(token))


class Handle:
    """An object of the library.

    It ends with `close`, at the end of a `with` block, or when nothing refers to it any more; what other objects were
    made from stays alive for them. Any thread may use it. After a fork the child can only close what the parent made.
    """

    #: The function that ends it.
    _free: ClassVar[Any]
    #: The type of its pointer.
    _pointer: ClassVar[Any]
    #: How it is made, and how it is stored; for whoever tries another way.
    _made: ClassVar[str]
    _stored: ClassVar[str]

    _token: int = 0
    _finalizer: Optional[weakref.finalize[Any, Any]] = None

    def __init__(self) -> None:
        raise TypeError(f"{type(self).__name__} is made by {self._made}")

    @classmethod
    def _create(cls: Type[_Owner], function: Any, *arguments: Any, options: bytes = b"") -> _Owner:
        owner = cls.__new__(cls)
        owner._acquire(function, *arguments, options=options)
        return owner

    def _acquire(self, function: Any, *arguments: Any, options: bytes = b"") -> None:
        """Calls a function that ends in a new handle and owns that."""
        out = self._pointer()
        check_with(function(*arguments, byref(out)), function, options)
        token: int = out.value
        self._finalizer = weakref.finalize(self, _release, self._free, token)
        self._token = token

    @property
    def _open(self) -> int:
        """The token, to be passed to the library at once."""
        if self._finalizer is None or not self._finalizer.alive:
            raise InvalidHandleError(f"the {type(self).__name__} is closed (SEALWAX_INVALID_HANDLE)")
        return self._token

    @property
    def revision(self) -> int:
        """Grows whenever `export` would give something else: compare it with that of the last save."""
        out = c_uint64()
        check(lib.sealwax_handle_revision(self._open, byref(out)))
        return out.value

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._finalizer is None or not self._finalizer.alive

    def close(self) -> None:
        """Ends it without waiting. Its secrets are wiped, after the call that another thread may be in the middle of.
        Closing again does nothing."""
        if self._finalizer is not None:
            self._finalizer()

    def _given_away(self) -> None:
        """The library has ended it, and what it was is another object's."""
        if self._finalizer is not None:
            self._finalizer.detach()

    def __enter__(self: _Owner) -> _Owner:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        # pickle and copy both come here. Two copies of one state would use the same keys.
        raise TypeError(f"{type(self).__name__} cannot be pickled or copied: {self._stored}")

    def __repr__(self) -> str:
        return f"<sealwax.{type(self).__name__}{' (closed)' if self.closed else ''}>"


def borrowed(handle: _Owner, kind: Type[_Owner]) -> int:
    """The token of an argument that must be of a class."""
    if not isinstance(handle, kind):
        raise TypeError(f"{kind.__name__} expected, not {type(handle).__name__}")
    return handle._open
