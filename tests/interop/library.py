"""The library under comparison, called through the prototypes of include/sealwax.h. Nothing of the protocol is in here."""

import ctypes
import json
import os
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
NUMBERS = {"int": ctypes.c_int, "uint32_t": ctypes.c_uint32, "uint64_t": ctypes.c_uint64, "size_t": ctypes.c_size_t}
FIXED = {"out_id": 32, "out_digits": 61, "out_header": 38}


class Status(Exception):
    def __init__(self, name):
        super().__init__(name)
        self.status = name.removeprefix("SEALWAX_")


class Slice(ctypes.Structure):
    _fields_ = [("ptr", ctypes.c_void_p), ("len", ctypes.c_size_t)]

    def bytes(self):
        return ctypes.string_at(self.ptr, self.len) if self.len else b""


class Delivery(ctypes.Structure):
    _fields_ = [("user", Slice), ("payload", Slice), ("sequence", ctypes.c_uint64), ("envelope_id", ctypes.c_uint8 * 16),
                ("flags", ctypes.c_uint32), ("reserved", ctypes.c_uint32), ("connection", ctypes.c_uint64), ("head", Slice)]


class Library:
    """`library.session_encrypt(session, b"hello", now)` calls sealwax_session_encrypt() and returns its outputs: none,
    one, or a tuple. Bytes go in as bytes or str, and come out as bytes; handles are Handle."""

    def __init__(self, path=None):
        self.c = ctypes.CDLL(str(path or os.environ["SEALWAX_LIBRARY"]))
        self.c.sealwax_status_name.restype = ctypes.c_char_p
        self.c.sealwax_live_handles.restype = ctypes.c_size_t
        header = (ROOT / "include" / "sealwax.h").read_text(encoding="utf-8")
        header = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
        self.prototypes = {
            name: [" ".join(p.split()) for p in parameters.split(",")]
            for name, parameters in re.findall(r"sealwax_status\s+sealwax_(\w+)\(([^()]*)\);", header)
        }

    def __getattr__(self, name):
        parameters = self.__dict__.get("prototypes", {}).get(name)
        if parameters is None:
            raise AttributeError(f"no sealwax_{name}")
        return lambda *arguments: self._call(name, parameters, arguments)

    def live_handles(self):
        return self.c.sealwax_live_handles()

    def view(self, deliveries):
        """What a relay hands to its host: (user, payload, sequence, envelope id, flags) each."""
        array, count = ctypes.POINTER(Delivery)(), ctypes.c_size_t()
        status = self.c.sealwax_deliveries_view(deliveries.token, ctypes.byref(array), ctypes.byref(count))
        assert status == 0, status
        return [(d.user.bytes().decode(), d.payload.bytes(), d.sequence, bytes(d.envelope_id), d.flags)
                for d in array[: count.value]]

    def _call(self, name, parameters, arguments):
        function = getattr(self.c, "sealwax_" + name)
        capacity = {}
        while True:
            values, outputs = self._values(parameters, list(arguments), capacity)
            status = self.c.sealwax_status_name(function(*values)).decode()
            if status == "SEALWAX_BUFFER_TOO_SMALL":
                capacity = {at: length.value for at, (_, length) in outputs.items() if length is not None}
                continue
            if status != "SEALWAX_OK":
                raise Status(status)
            results = [_result(self, out, length) for out, length in outputs.values()]
            return results[0] if len(results) == 1 else tuple(results) if results else None

    def _values(self, parameters, arguments, capacity):
        values, outputs, at = [], {}, 0
        while at < len(parameters):
            type_, name = re.fullmatch(r"(.*?)(\w+)", parameters[at]).groups()
            type_ = type_.strip()
            if name.startswith("out") and type_ == "void *":
                buffer, length = ctypes.create_string_buffer(max(1, capacity.get(at, 0))), ctypes.c_size_t()
                outputs[at] = buffer, length
                values += [buffer, ctypes.c_size_t(capacity.get(at, 0)), ctypes.byref(length)]
                at += 3
            elif type_.endswith("**"):
                out = Handle(self, type_.split()[0].removeprefix("sealwax_"))
                outputs[at] = out, None
                values.append(ctypes.byref(out.token))
                at += 1
            elif name in FIXED:
                buffer = ctypes.create_string_buffer(FIXED[name])
                outputs[at] = buffer, None
                values.append(buffer)
                at += 1
            elif name.startswith("out") and type_ == "uint64_t *":
                number = ctypes.c_uint64()
                outputs[at] = number, None
                values.append(ctypes.byref(number))
                at += 1
            elif type_ in ("const void *", "const char *"):
                bytes_ = arguments.pop(0)
                bytes_ = bytes_.encode() if isinstance(bytes_, str) else bytes_
                values += [ctypes.c_char_p(bytes_), ctypes.c_size_t(len(bytes_))]
                at += 2
            elif type_ in NUMBERS:
                values.append(NUMBERS[type_](arguments.pop(0)))
                at += 1
            else:
                values.append(arguments.pop(0).token)
                at += 1
        assert not arguments, f"too many arguments: {arguments}"
        return values, outputs


def _result(library, out, length):
    if isinstance(out, Handle):
        return out
    if length is not None:
        return out.raw[: length.value]
    return out.value if isinstance(out, ctypes.c_uint64) else out.raw


class Handle:
    """An object of the library. Its methods are the functions of its type: `session.encrypt(...)`."""

    def __init__(self, library, type_):
        self.library, self.type, self.token = library, type_, ctypes.c_void_p()

    def __getattr__(self, verb):
        return lambda *arguments: getattr(self.library, f"{self.type}_{verb}")(self, *arguments)

    def tell(self):
        """What the object's info function says."""
        return json.loads(self.info())

    def __del__(self):
        if self.token:
            getattr(self.library.c, f"sealwax_{self.type}_free")(self.token)
            self.token = ctypes.c_void_p()


def options(**values):
    return json.dumps(values) if values else ""
