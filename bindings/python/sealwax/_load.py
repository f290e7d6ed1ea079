"""Finds the library, checks that it is of the right ABI, and declares its functions."""

from __future__ import annotations

import os
import sys
from ctypes import CDLL, c_uint32
from pathlib import Path
from typing import List

from . import _prototypes

#: If set, the library to load and no other.
VARIABLE = "SEALWAX_LIBRARY"


def _file_name() -> str:
    if sys.platform == "win32":
        return "sealwax.dll"
    return "libsealwax.dylib" if sys.platform == "darwin" else "libsealwax.so"


def _places() -> List[Path]:
    """Where the library may be, the first one that is there wins."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return [Path(chosen)]
    package = Path(__file__).resolve().parent
    # In a wheel it lies beside the package. In the source tree it is where cargo and `make lib` leave it.
    places = [package / _file_name()]
    tree = package.parent.parent.parent
    if (tree / "Cargo.toml").is_file() and (tree / "include" / "sealwax.h").is_file():
        target = tree / os.environ.get("CARGO_TARGET_DIR", "target")
        places += [target / "release" / _file_name(), tree / "build" / "lib" / _file_name()]
    return places


def _check_abi(library: CDLL, path: Path) -> None:
    # The one function that every library of every ABI has.
    library.sealwax_abi_version.restype = c_uint32
    version = library.sealwax_abi_version()
    major, minor = version >> 16, version & 0xFFFF
    wanted_major = _prototypes.CONSTANTS["SEALWAX_ABI_MAJOR"]
    wanted_minor = _prototypes.CONSTANTS["SEALWAX_ABI_MINOR"]
    if major != wanted_major or minor < wanted_minor:
        raise ImportError(
            f"{path} has ABI {major}.{minor}; this package needs {wanted_major}.{wanted_minor} "
            f"or a later {wanted_major}.x"
        )


def load() -> CDLL:
    """Loads the library. ctypes gives up the interpreter's lock in each call, so threads run side by side."""
    places = _places()
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        looked = ", ".join(str(place) for place in places)
        raise ImportError(
            f"the Sealwax library is not there; looked for {looked}. "
            f"Run `make lib` in the source tree, or name the file in {VARIABLE}."
        )
    try:
        library = CDLL(str(path))
        _check_abi(library, path)
        _prototypes.declare(library)
    except (OSError, AttributeError) as error:
        raise ImportError(f"{path} is not a Sealwax library that runs here: {error}") from error
    return library


lib = load()
