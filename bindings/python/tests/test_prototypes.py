"""The tables of prototypes, constants, structures and exceptions against include/sealwax.h."""

from __future__ import annotations

import ast
import ctypes
import re
import unittest
from pathlib import Path
from typing import Any, Dict, List, Tuple

from sealwax import _errors, _prototypes

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "bindings" / "python" / "sealwax"

NUMBERS: Dict[str, Any] = {
    "int": ctypes.c_int,
    "int32_t": ctypes.c_int32,
    "sealwax_status": ctypes.c_int32,
    "uint8_t": ctypes.c_uint8,
    "uint32_t": ctypes.c_uint32,
    "uint64_t": ctypes.c_uint64,
    "size_t": ctypes.c_size_t,
    "char": ctypes.c_char,
}


def without_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


HEADER = without_comments((ROOT / "include" / "sealwax.h").read_text(encoding="utf-8"))


def base_type(name: str) -> Any:
    for table in (NUMBERS, _prototypes.HANDLES, _prototypes.STRUCTURES, _prototypes.CALLBACKS):
        if name in table:
            return table[name]
    raise AssertionError(f"the package does not know the C type {name}")


def ctype(c: str) -> Any:
    """The ctypes type of a C type."""
    words = c.replace("*", " * ").split()
    constant = words[0] == "const"
    words = [word for word in words if word != "const"]
    name, stars = words[0], len(words) - 1
    assert words[1:] == ["*"] * stars, c
    if name == "void" and stars == 1:
        return ctypes.c_void_p
    if name == "char" and stars == 1 and constant:
        return ctypes.c_char_p
    result = base_type(name)
    # A handle is a token that is a pointer in name only.
    stars -= name in _prototypes.HANDLES
    for _ in range(stars):
        result = ctypes.POINTER(result)
    return result


def declared(c: str) -> Tuple[str, Any]:
    """Name and type of a parameter or field."""
    match = re.fullmatch(r"\s*(.*?)(\w+)(?:\[(\w+)\])?\s*", c, flags=re.S)
    assert match, c
    kind, name, count = match.groups()
    result = ctype(kind)
    if count is None:
        return name, result
    length = int(count) if count.isdigit() else constants()[count]
    return name, result * length


def constants() -> Dict[str, int]:
    return {name: int(value) for name, value in re.findall(r"#define (SEALWAX_\w+) (\d+)\s", HEADER)}


def structures() -> Dict[str, List[Tuple[str, Any]]]:
    found = re.findall(r"typedef struct \{(.*?)\} (\w+);", HEADER, flags=re.S)
    return {name: [declared(field) for field in body.split(";") if field.strip()] for body, name in found}


def functions() -> Dict[str, Tuple[Any, Tuple[Any, ...]]]:
    # Whatever the attributes before it: a type, a name of ours, parentheses.
    found = re.findall(r"\bSEALWAX_API\s+([\w\s]+?[\s*]+)(sealwax_\w+)\(([^)]*)\);", HEADER)
    table = {}
    for result, name, parameters in found:
        taken = () if parameters.strip() == "void" else tuple(declared(p)[1] for p in parameters.split(","))
        table[name] = (ctype(result), taken)
    return table


class PrototypesAreThoseOfTheHeader(unittest.TestCase):
    def test_every_function_and_no_other(self) -> None:
        names = set(re.findall(r"\b(sealwax_\w+)\(", HEADER))
        self.assertEqual(set(functions()), names)
        self.assertEqual(set(_prototypes.FUNCTIONS), names)
        self.assertGreater(len(names), 20)

    def test_types_of_arguments_and_results(self) -> None:
        for name, (result, arguments) in functions().items():
            with self.subTest(name):
                prototype = _prototypes.FUNCTIONS[name]
                self.assertIs(prototype.result, result)
                self.assertEqual(prototype.arguments, arguments)

    def test_opaque_types(self) -> None:
        names = re.findall(r"typedef struct (\w+) \1;", HEADER)
        self.assertEqual(set(_prototypes.HANDLES), set(names))
        self.assertEqual(len(set(_prototypes.HANDLES.values())), len(names))

    def test_callbacks(self) -> None:
        found = re.findall(r"typedef void \(\*(\w+)\)\(void \*user_data\);", HEADER)
        self.assertEqual(set(_prototypes.CALLBACKS), set(found))
        self.assertEqual(len(re.findall(r"\(\*", HEADER)), len(found))

    def test_structures(self) -> None:
        found = structures()
        self.assertEqual(set(_prototypes.STRUCTURES), set(found))
        self.assertEqual(len(re.findall(r"struct\s*\w*\s*\{", HEADER)), len(found))
        for name, fields in found.items():
            with self.subTest(name):
                self.assertEqual(list(_prototypes.STRUCTURES[name]._fields_), fields)

    def test_constants_and_statuses(self) -> None:
        ours = dict(_prototypes.CONSTANTS, SEALWAX_OK=0)
        for status, exception in _errors.SealwaxError._of.items():
            self.assertEqual(exception.status, status)
            ours[exception.name] = status
        self.assertEqual(ours, constants())

    def test_a_changed_type_would_be_seen(self) -> None:
        self.assertEqual(ctype("const sealwax_identity *"), _prototypes.HANDLES["sealwax_identity"])
        self.assertNotEqual(ctype("sealwax_identity **"), ctype("sealwax_roster **"))
        self.assertNotEqual(ctype("uint32_t"), ctype("uint64_t"))


class Source(unittest.TestCase):
    def test_it_is_of_python_3_9(self) -> None:
        for path in PACKAGE.glob("*.py"):
            ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))

    def test_every_public_name_is_exported_and_documented(self) -> None:
        import sealwax

        for name in sealwax.__all__:
            public = getattr(sealwax, name)
            if callable(public):
                self.assertTrue(public.__doc__, name)


if __name__ == "__main__":
    unittest.main()
