"""Attachments: files of any size, sealed chunk by chunk, and the references that open them."""

from __future__ import annotations

import io
import os
import secrets
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from ctypes import byref, c_char, c_size_t, c_uint8
from typing import (
    IO,
    TYPE_CHECKING,
    Any,
    Callable,
    Deque,
    Iterable,
    Iterator,
    NamedTuple,
    NoReturn,
    Optional,
    Protocol,
    Tuple,
    Union,
)

from ._arguments import options, uint32, uint64
from ._buffer import given, taken
from ._errors import MalformedError, check
from ._handle import Handle
from ._load import lib
from ._prototypes import CONSTANTS, StreamLayout, StreamOpenHandle, StreamSealHandle

if TYPE_CHECKING:
    from typing_extensions import Buffer

    class Readable(Protocol):
        """What of a binary file is used to read it in order."""

        def read(self, size: int, /) -> Optional[bytes]: ...

    class Writable(Protocol):
        """What of a binary file is used to write it in order."""

        def write(self, data: memoryview, /) -> Optional[int]: ...

    #: A path, or a binary file that is open.
    Path = Union[str, "os.PathLike[str]"]
    Source = Union[Path, Readable]
    Target = Union[Path, Writable]
    #: Told the bytes of plaintext that are done, and how many there are, if that is known.
    Progress = Callable[[int, Optional[int]], object]

_HEADER = CONSTANTS["SEALWAX_STREAM_HEADER_LEN"]
_OVERHEAD = CONSTANTS["SEALWAX_STREAM_OVERHEAD"]
_CHUNK_MAX = CONSTANTS["SEALWAX_STREAM_CHUNK_MAX"]
#: Bytes that are read at once.
_PIECE = 1 << 20
#: Half of how far ahead of the first missing chunk the library lets others be.
_AHEAD = 512


class AttachmentLayout(NamedTuple):
    """Which bytes of an attachment lie where.

    Chunk i starts at byte 38 + i * (chunk_size + 28) of the sealed file and holds the plaintext from i * chunk_size on.
    """

    #: Bytes of plaintext.
    size: int
    #: Bytes of the sealed file.
    sealed_size: int
    #: At least 1: a file without content is one empty chunk.
    chunks: int
    #: Bytes of plaintext in all chunks but the last.
    chunk_size: int


def _layout(function: Any, *arguments: Any) -> AttachmentLayout:
    out = StreamLayout()
    check(function(*arguments, byref(out)))
    return AttachmentLayout(out.size, out.sealed_size, out.chunks, out.chunk_size)


class AttachmentSeal(Handle):
    """One attachment in the making; `seal_file` is simpler.

    The sealed file is `header` and then the chunks in order: what `update` gives, and last `finish`; or what `chunk`
    gives for each index, from any number of threads. Then `reference` gives what opens it.
    """

    _free = lib.sealwax_stream_seal_free
    _pointer = StreamSealHandle
    _made = "AttachmentSeal()"
    _stored = "make another one"

    #: What the sealed file begins with.
    header: bytes

    def __init__(self, *, chunk_size: Optional[int] = None, digest: Optional[bool] = None) -> None:
        """Makes a fresh key.

        chunk_size (default 65536): a power of two from 4096 to 1048576, the least that can be read. digest (default
        True): the reference binds the whole file, so that all who are given it see the same; without it sealing is
        several times faster, and recipients must agree with digest=False.
        """
        chosen = options(chunk_size=chunk_size, digest=digest)
        header = (c_uint8 * _HEADER)()
        self._acquire(lib.sealwax_stream_seal_new, chosen, len(chosen), header, options=chosen)
        self.header = bytes(header)

    def layout(self, size: int) -> AttachmentLayout:
        """What so many bytes of plaintext become."""
        return _layout(lib.sealwax_stream_seal_layout, self._open, uint64(size, "size"))

    def update(self, plaintext: Buffer) -> bytes:
        """Seals the next piece, of any length, and gives the chunks that it fills: often none."""
        pointer, length = given(plaintext, "plaintext")
        room = length + length // 4096 * _OVERHEAD + _CHUNK_MAX
        return taken(lib.sealwax_stream_seal_update, self._open, pointer, length, room=room)

    def finish(self) -> bytes:
        """Ends what was fed to `update`: the last chunk."""
        return taken(lib.sealwax_stream_seal_finish, self._open, room=_CHUNK_MAX + _OVERHEAD)

    def chunk(self, index: int, plaintext: Buffer, *, last: bool = False) -> bytes:
        """Seals one chunk. Each index once, at most 1,024 ahead of the first that is not done."""
        pointer, length = given(plaintext, "plaintext")
        number = uint32(index, "index")
        room = length + _OVERHEAD
        return taken(lib.sealwax_stream_seal_chunk, self._open, number, int(last), pointer, length, room=room)

    def reference(self) -> bytes:
        """What opens the finished attachment: a secret, to be sent in an encrypted message."""
        return taken(lib.sealwax_stream_seal_reference, self._open)


class AttachmentOpen(Handle):
    """One attachment that is read; `open_file` and `AttachmentReader` are simpler.

    To read all of it, give what follows the header to `update`, or each chunk to `chunk`, and believe in the whole once
    `finish` does not raise. To read single chunks at will, say digest=False.
    """

    _free = lib.sealwax_stream_open_free
    _pointer = StreamOpenHandle
    _made = "AttachmentOpen(reference, header)"
    _stored = "keep the reference"

    def __init__(self, reference: Buffer, header: Buffer, *, digest: Optional[bool] = None) -> None:
        """AuthenticationFailedError if the header, the first 38 bytes of the sealed file, is of another attachment;
        WrongKindError if the reference has no digest, unless digest is False."""
        chosen = options(digest=digest)
        self._acquire(
            lib.sealwax_stream_open_new,
            *given(reference, "reference"),
            *given(header, "header"),
            chosen,
            len(chosen),
            options=chosen,
        )

    @property
    def layout(self) -> AttachmentLayout:
        """The sizes, as the reference says them."""
        return _layout(lib.sealwax_stream_open_layout, self._open)

    def update(self, sealed: Buffer) -> bytes:
        """Opens the next piece, of any length, and gives the plaintext of the chunks that it completes."""
        pointer, length = given(sealed, "sealed")
        return taken(lib.sealwax_stream_open_update, self._open, pointer, length, room=length + _CHUNK_MAX)

    def chunk(self, index: int, sealed: Buffer) -> bytes:
        """Opens one whole chunk. Unless digest is False each index once, as in `AttachmentSeal.chunk`."""
        pointer, length = given(sealed, "sealed")
        number = uint32(index, "index")
        return taken(lib.sealwax_stream_open_chunk, self._open, number, pointer, length, room=length)

    def finish(self) -> None:
        """MalformedError if not all of it was read; AuthenticationFailedError if it is not the file that the reference
        was made for."""
        check(lib.sealwax_stream_open_finish(self._open))


def seal_file(
    source: Source,
    target: Target,
    *,
    progress: Optional[Progress] = None,
    threads: int = 1,
    chunk_size: Optional[int] = None,
    digest: Optional[bool] = None,
) -> bytes:
    """Seals a file and gives the reference that opens it: a secret, to be sent in an encrypted message.

    Files are paths or binary file objects, of which all that is left is read. progress(done, total) is called as
    plaintext is sealed, with total None where the size is not known; what it raises ends the work. threads: how many
    seal at once. Options as in `AttachmentSeal`. A target path appears only once it is complete.
    """
    _check_threads(threads)
    with _reading(source) as reading, _writing(target) as writing:
        with AttachmentSeal(chunk_size=chunk_size, digest=digest) as seal:
            report = _Report(progress, _left(reading))
            _write(writing, seal.header)
            if threads == 1:
                for piece in _pieces(reading, _PIECE):
                    _write(writing, seal.update(piece))
                    report.more(len(piece))
                _write(writing, seal.finish())
            else:
                _seal_chunks(seal, reading, writing, report, threads)
            return seal.reference()


def open_file(
    reference: Buffer,
    source: Source,
    target: Target,
    *,
    progress: Optional[Progress] = None,
    threads: int = 1,
    digest: Optional[bool] = None,
) -> int:
    """Opens a sealed file and gives the number of bytes of plaintext.

    As in `seal_file`. A target path appears only once all of it is proven; what was written to a file object counts
    only if this returns, and is to be thrown away if it raises: AuthenticationFailedError for a changed file or another
    one, MalformedError for one that was cut off or goes on. digest=False takes a reference without a digest, and does
    not check one.
    """
    _check_threads(threads)
    with _reading(source) as reading, _writing(target) as writing:
        with AttachmentOpen(reference, _exactly(reading, _HEADER), digest=digest) as attachment:
            layout = attachment.layout
            report = _Report(progress, layout.size)
            # Without a digest, chunks that are opened singly leave no trace; one thread then proves the end.
            if threads == 1 or digest is False:
                for piece in _pieces(reading, _PIECE):
                    plaintext = attachment.update(piece)
                    _write(writing, plaintext)
                    report.more(len(plaintext))
            else:
                _open_chunks(attachment, layout, reading, writing, report, threads)
            attachment.finish()
            return layout.size


class AttachmentReader(io.RawIOBase):
    """Reads a sealed file at any place, as a seekable binary file that cannot be written to.

    Each byte that it gives is what was sealed at its place; whether the file is complete, and the same for everybody,
    only `open_file` proves. The source is a path or a seekable binary file, in which the sealed file begins where it
    stands. `io.BufferedReader(reader)` spares small reads. Not for several threads at once.
    """

    def __init__(self, reference: Buffer, source: Union[Path, IO[bytes]]) -> None:
        """As `AttachmentOpen`."""
        super().__init__()
        self._position = 0
        self._chunk: Tuple[int, bytes] = (-1, b"")
        self._owned = isinstance(source, (str, os.PathLike))
        self._source: IO[bytes] = open(source, "rb") if isinstance(source, (str, os.PathLike)) else source
        try:
            self._start = self._source.tell()
            self._attachment = AttachmentOpen(reference, _exactly(self._source, _HEADER), digest=False)
        except BaseException:
            if self._owned:
                self._source.close()
            raise
        self._layout = self._attachment.layout

    @property
    def size(self) -> int:
        """Bytes of plaintext."""
        return self._layout.size

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Sets the place of the next read."""
        starts = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}
        if whence not in starts:
            raise ValueError(f"invalid whence {whence}")
        start = starts[whence]
        if start + offset < 0:
            raise ValueError(f"negative seek position {start + offset}")
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        """The place of the next read."""
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        """Reads up to the end of a chunk."""
        if self.closed:
            raise ValueError("read of a closed file")
        view = memoryview(buffer).cast("B")
        if self._position >= self.size or not view.nbytes:
            return 0
        index, offset = divmod(self._position, self._layout.chunk_size)
        piece = self._plaintext(index)[offset : offset + view.nbytes]
        view[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def close(self) -> None:
        """Ends the attachment, and the source if that was a path."""
        if not self.closed:
            with suppress(AttributeError):  # it was never made
                self._attachment.close()
                if self._owned:
                    self._source.close()
                self._chunk = (-1, b"")
        super().close()

    def _plaintext(self, index: int) -> bytes:
        if self._chunk[0] != index:
            size = self._layout.chunk_size
            length = min(size, self.size - index * size) + _OVERHEAD
            self._source.seek(self._start + _HEADER + index * (size + _OVERHEAD))
            self._chunk = (index, self._attachment.chunk(index, _exactly(self._source, length)))
        return self._chunk[1]

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("AttachmentReader cannot be pickled or copied")


def _seal_chunks(
    seal: AttachmentSeal, source: Readable, target: Writable, report: _Report, threads: int
) -> None:
    size = seal.layout(0).chunk_size
    length = _chunks_at_once(size, threads) * size
    token = seal._open

    def work(first: int, piece: bytearray, ends: bool) -> Tuple[bytearray, int]:
        count = max(1, -(-len(piece) // size))
        sealed = bytearray(len(piece) + count * _OVERHEAD)
        for at in range(count):
            part = memoryview(piece)[at * size : (at + 1) * size]
            last = int(ends and at + 1 == count)
            arguments = (token, first + at, last, *given(part, "plaintext"))
            _into(sealed, at * (size + _OVERHEAD), lib.sealwax_stream_seal_chunk, *arguments)
        return sealed, len(piece)

    def jobs() -> Iterator[Tuple[Any, ...]]:
        # Which piece is the last is known once there is no other.
        first, before = 0, bytearray()
        for piece in _pieces(source, length):
            if before:
                yield first, before, False
                first += length // size
            before = piece
        yield first, before, True

    _in_order(threads, work, jobs(), target, report)


def _open_chunks(
    attachment: AttachmentOpen,
    layout: AttachmentLayout,
    source: Readable,
    target: Writable,
    report: _Report,
    threads: int,
) -> None:
    sealed_size = layout.chunk_size + _OVERHEAD
    at_once = _chunks_at_once(layout.chunk_size, threads)
    token = attachment._open

    def work(first: int, piece: bytearray) -> Tuple[bytearray, int]:
        count = -(-len(piece) // sealed_size)
        plaintext = bytearray(max(0, len(piece) - count * _OVERHEAD))
        for at in range(count):
            part = memoryview(piece)[at * sealed_size : (at + 1) * sealed_size]
            arguments = (token, first + at, *given(part, "sealed"))
            _into(plaintext, at * layout.chunk_size, lib.sealwax_stream_open_chunk, *arguments)
        return plaintext, len(plaintext)

    def jobs() -> Iterator[Tuple[Any, ...]]:
        left = layout.sealed_size - _HEADER
        for number, piece in enumerate(_pieces(source, at_once * sealed_size)):
            left -= len(piece)
            if left < 0:
                raise MalformedError("the file goes on after its end (SEALWAX_MALFORMED)")
            yield number * at_once, piece

    _in_order(threads, work, jobs(), target, report)


def _check_threads(threads: int) -> None:
    if not 1 <= threads <= _AHEAD // 2:
        raise ValueError(f"threads must be from 1 to {_AHEAD // 2}, not {threads}")


def _chunks_at_once(chunk_size: int, threads: int) -> int:
    """How many chunks one job has, so that all jobs together keep within what the library allows."""
    return max(1, min(_PIECE // chunk_size, _AHEAD // (2 * threads)))


def _in_order(
    threads: int,
    work: Callable[..., Tuple[bytearray, int]],
    jobs: Iterable[Tuple[Any, ...]],
    target: Writable,
    report: _Report,
) -> None:
    """Does jobs in threads, at most two for each of them ahead, and writes what comes out in the order of the jobs."""
    running: Deque[Future[Tuple[bytearray, int]]] = deque()

    def settle() -> None:
        done, plaintext_len = running.popleft().result()
        _write(target, done)
        report.more(plaintext_len)

    with ThreadPoolExecutor(threads) as pool:
        try:
            for job in jobs:
                running.append(pool.submit(work, *job))
                if len(running) >= 2 * threads:
                    settle()
            while running:
                settle()
        finally:
            for future in running:
                future.cancel()


def _into(out: bytearray, offset: int, function: Any, *arguments: Any) -> None:
    """Calls a function whose output goes to a place in a buffer, without a copy."""
    length = c_size_t()
    room = len(out) - offset
    place = byref(c_char.from_buffer(out, offset)) if room > 0 else None
    check(function(*arguments, place, max(0, room), byref(length)))


class _Report:
    """Tells a callback how far it is."""

    def __init__(self, progress: Optional[Progress], total: Optional[int]) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def more(self, count: int) -> None:
        self._done += count
        if self._progress is not None and count:
            self._progress(self._done, self._total)


@contextmanager
def _reading(source: Source) -> Iterator[Readable]:
    if isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:
            yield file
    else:
        yield source


@contextmanager
def _writing(target: Target) -> Iterator[Writable]:
    """A path is written beside its place and put there at the end, or not at all."""
    if not isinstance(target, (str, os.PathLike)):
        yield target
        return
    path = os.fspath(target)
    folder, name = os.path.split(path)
    part = os.path.join(folder, f".{name[:32]}.{secrets.token_hex(8)}.part")
    try:
        with open(part, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(part)
        raise


def _left(source: Any) -> Optional[int]:
    """Bytes up to the end of a file, if it has one."""
    try:
        here = source.tell()
        end = source.seek(0, io.SEEK_END)
        source.seek(here)
    except (AttributeError, OSError, ValueError):
        return None
    return int(max(0, end - here))


def _pieces(source: Readable, length: int) -> Iterator[bytearray]:
    """What is left of a file, in pieces of this length; the last one may be shorter."""
    while True:
        piece = _up_to(source, length)
        if piece:
            yield piece
        if len(piece) < length:
            return


def _exactly(source: Readable, length: int) -> bytearray:
    piece = _up_to(source, length)
    if len(piece) < length:
        raise MalformedError("the file ends early (SEALWAX_MALFORMED)")
    return piece


def _up_to(source: Readable, length: int) -> bytearray:
    """Reads until that many bytes are there, or the end: a single read may give fewer."""
    piece = bytearray()
    while len(piece) < length:
        more = source.read(length - len(piece))
        if more is None:
            raise BlockingIOError("the source must block")
        if not more:
            break
        piece += more
    return piece


def _write(target: Writable, data: Union[bytes, bytearray]) -> None:
    """Writes all of it: a single write may take less."""
    view = memoryview(data)
    while view.nbytes:
        count = target.write(view)
        if count is None:
            raise BlockingIOError("the target must block")
        view = view[count:]
