"""The process of subject.c, seen from outside: the library called in it, and its memory searched."""

import ctypes
import struct
import subprocess
from dataclasses import dataclass

from ledger import coordinate, mac, scalar
from library import Library, Status

PAGE = 4096
ZEROS = bytes(64 * PAGE)
KEY_LEN, STORE_ID_LEN = 32, 16


@dataclass(frozen=True)
class Find:
    """A piece of a secret: on the heap, the stack of the calls, in the caller's room, or "static"."""

    place: str
    form: str


class Subject:
    """Functions of the library, called in the subject. Stands where library.py has a loaded library."""

    def __init__(self, program, library, ledger):
        self.process = subprocess.Popen([program, library], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ledger = ledger
        bounds = [int(word) for word in self._line().split()]
        self.heap, self.heap_end, self.stack, self.stack_top, self.room, self.room_end = bounds
        self.heap_used, self.keeps, self.drawn, self.short_draws, self.names = 0, False, [], [], ctypes.CDLL(library)
        self.names.sealwax_status_name.restype = ctypes.c_char_p
        self.last = None

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def _line(self):
        line = self.process.stdout.readline()
        assert line.endswith(b"\n"), "the subject has died"
        return line.decode()

    @property
    def sealwax_status_name(self):
        return self.names.sealwax_status_name

    def __getattr__(self, name):
        # Python forgets handles when it likes; here they end by There.end() alone.
        return (lambda token: 0) if name.endswith("_free") else lambda *values: self.call(name, *values)

    def call(self, name, *values):
        self.last = name
        words, outputs = ["keep" if self.keeps else "call", name], []
        for at, value in enumerate(values):
            if hasattr(value, "_obj"):
                value = value._obj
                outputs.append(value)
            elif isinstance(value, ctypes.Array):
                outputs.append(value)
            elif isinstance(value, ctypes.c_char_p):
                words.append("b" + ctypes.string_at(value, values[at + 1].value).hex())
                continue
            elif isinstance(value, Handles):
                words.append("b" + value.tokens.hex())
                continue
            elif isinstance(value, Slices):
                words.append("s" + ",".join(slice_.hex() for slice_ in value.slices))
                continue
            else:
                words.append(f"i{(getattr(value, 'value', value) or 0) % 2**64}")
                continue
            words.append(f"o{ctypes.sizeof(value)}")
        self.process.stdin.write(" ".join(words).encode() + b"\n")
        self.process.stdin.flush()
        status, used, drawn, *given = self._line().rstrip("\n").split(" ")
        self.heap_used = int(used)
        given = [bytes.fromhex(text) for text in given]
        for output, raw in zip(outputs, given, strict=True):
            ctypes.memmove(ctypes.byref(output), raw, len(raw))
        self._note(drawn, b"".join(given))
        return int(status)

    def _note(self, drawn, public):
        """A draw of 32 bytes is a key, unless it leaves in the clear: then it is a salt."""
        for raw in (bytes.fromhex(text) for text in drawn.strip(",-").split(",")):
            if len(raw) == STORE_ID_LEN:
                self.short_draws.append(raw)
            if len(raw) == KEY_LEN and raw not in public:
                self.drawn.append(raw)
                self.ledger.add(f"drawn key {len(self.drawn)}", raw, mac, scalar)

    # ---- Its memory ----

    def read(self, address, size):
        """What a pointer of the library's points to."""
        if size == 0:
            return b""
        with open(f"/proc/{self.process.pid}/mem", "rb", buffering=0) as mem:
            mem.seek(address)
            return mem.read(size)

    def image(self):
        """What is in memory that can be written: place -> address and bytes of runs of pages."""
        memory = {"heap": [], "stack": [], "static": [], "room": []}
        marks = [(self.heap, self.heap + self.heap_used, "heap"), (self.heap + self.heap_used, self.heap_end, None),
                 (self.stack, self.stack_top, "stack"), (self.room, self.room_end, "room")]
        with open(f"/proc/{self.process.pid}/maps") as maps:
            areas = [(*(int(end, 16) for end in line.split()[0].split("-")), line.split()[1]) for line in maps]
        with open(f"/proc/{self.process.pid}/mem", "rb", buffering=0) as mem:
            for start, end, rights in areas:
                if not rights.startswith("rw"):
                    continue
                cuts = sorted({start, end, *(c for mark in marks for c in mark[:2] if start < c < end)})
                for low, high in zip(cuts, cuts[1:]):
                    place = next((mark[2] for mark in marks if mark[0] <= low < mark[1]), "static")
                    if place is not None:
                        memory[place] += self._pages(mem, low, high)
        return memory

    def _pages(self, mem, low, high):
        """Runs of pages that are not zero."""
        runs = []
        for at in range(low, high, len(ZEROS)):
            mem.seek(at)
            raw = mem.read(min(high - at, len(ZEROS)))
            if raw == ZEROS[: len(raw)]:
                continue
            for page in range(0, len(raw), PAGE):
                part = raw[page : page + PAGE]
                if part == ZEROS[: len(part)]:
                    continue
                if runs and runs[-1][0] + len(runs[-1][1]) == at + page:
                    runs[-1][1] += part
                else:
                    runs.append([at + page, part])
        return runs

    def search(self, secrets):
        """Where pieces of each secret are: {secret: [find]}."""
        found = {}
        for place, runs in self.image().items():
            for low, run in runs:
                aligned = run[-low % 8 :]
                words = set(memoryview(aligned[: len(aligned) // 8 * 8]).cast("Q"))
                for secret in secrets:
                    if words.isdisjoint(secret.words):
                        continue
                    finds = [Find(place, form) for form, pieces in secret.forms.items()
                             for piece in pieces for _ in range(run.count(piece))]
                    if finds:
                        found.setdefault(secret, []).extend(finds)
        return found


def bytes_(size):
    """An argument: room for so many bytes."""
    return ctypes.create_string_buffer(max(size, 1))


class Slices:
    """An argument: an array of sealwax_slice."""

    def __init__(self, slices):
        self.slices, self.token = slices, self


class Handles:
    """An argument: an array of handles."""

    def __init__(self, handles):
        self.tokens = b"".join(struct.pack("=Q", handle.token.value) for handle in handles)


class There(Library):
    """The library in the subject, with the methods of library.py."""

    def __init__(self, program, library, ledger):
        local = Library(library)
        self.prototypes = local.prototypes
        self.c = Subject(program, library, ledger)

    def check(self, status):
        """For calls past the methods."""
        if status != 0:
            raise Status(self.c.sealwax_status_name(status).decode())

    def end(self, handle):
        """Frees an object."""
        self.check(self.c.call(f"sealwax_{handle.type}_free", handle.token))
        handle.token = None
