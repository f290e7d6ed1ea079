"""Builds the crate into the wheel, and packs it into the sdist. All else is in pyproject.toml."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import List, Tuple

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent

#: What an sdist takes of the crate, if it is there, into `crate/`.
SOURCES = (".cargo", "Cargo.toml", "Cargo.lock", "build.rs", "cbindgen.toml", "src", "include", "README.md")
LICENCES = ("LICENSE-APACHE", "LICENSE-MIT", "NOTICE")


def crate() -> Path:
    """The crate: in an sdist beside this file, in the source tree above it."""
    for place in (HERE / "crate", HERE.parent.parent):
        if (place / "Cargo.toml").is_file() and (place / "src" / "ffi").is_dir():
            return place
    raise SystemExit(f"the Sealwax crate is neither in {HERE} nor above it (an old pip copies the package: update it)")


def version() -> str:
    """The crate's version, which is the package's too."""
    found = re.search(r'^version = "(.+)"$', (crate() / "Cargo.toml").read_text(encoding="utf-8"), flags=re.M)
    if found is None:
        raise SystemExit("Cargo.toml states no version")
    return found[1]


def build_library() -> Path:
    """Builds the shared library. One crate type only: with several, cargo drops link-time optimisation."""
    command = [os.environ.get("CARGO", "cargo"), "rustc", "--locked", "--release", "--lib", "--crate-type", "cdylib"]
    command += ["--message-format", "json-render-diagnostics"]
    try:
        done = subprocess.run(command, cwd=crate(), stdout=subprocess.PIPE, check=True)
    except FileNotFoundError:
        raise SystemExit("cargo was not found: building Sealwax takes Rust, see https://rustup.rs") from None
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"cargo ended with {error.returncode}") from None
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]
    built = [
        Path(name)
        for message in messages
        if message["reason"] == "compiler-artifact" and message["target"]["name"] == "sealwax"
        for name in message["filenames"]
        if name.endswith((".so", ".dylib", ".dll"))
    ]
    if len(built) != 1:
        raise SystemExit(f"cargo built {built}, not one shared library")
    return built[0]


class BuildPy(build_py):
    """The modules, and the library beside them."""

    def run(self) -> None:
        library = build_library()
        if self.editable_mode:
            # The package finds it where cargo left it.
            super().run()
            return
        # What an earlier build left must not come along.
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
        package = Path(self.build_lib) / "sealwax"
        shutil.copy2(library, package / library.name)
        for name in LICENCES:
            shutil.copy2(crate() / name, package / name)


class BdistWheel(bdist_wheel):
    """A wheel for any Python 3: the library speaks C, not Python."""

    def get_tag(self) -> Tuple[str, str, str]:
        return ("py3", "none", super().get_tag()[2])


class Sdist(sdist):
    """The modules, and the crate that they need."""

    def make_release_tree(self, base_dir: str, files: List[str]) -> None:
        super().make_release_tree(base_dir, files)
        target = Path(base_dir) / "crate"
        target.mkdir()
        for name in (*SOURCES, *LICENCES):
            source = crate() / name
            if source.is_dir():
                shutil.copytree(source, target / name)
            elif source.is_file():
                shutil.copy2(source, target / name)


class WithLibrary(Distribution):
    """Makes setuptools treat the package as one for this platform."""

    def has_ext_modules(self) -> bool:
        return True


if __name__ == "__main__":
    setup(
        version=version(),
        distclass=WithLibrary,
        cmdclass={"build_py": BuildPy, "bdist_wheel": BdistWheel, "sdist": Sdist},
    )
