"""Loading, and what the library says about itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import sealwax
from case import Case
from sealwax import _load, _prototypes

ROOT = Path(__file__).resolve().parents[3]


class Loading(Case):
    def import_with(self, library: str) -> str:
        environment = dict(os.environ, SEALWAX_LIBRARY=library, PYTHONPATH=os.pathsep.join(sys.path))
        done = subprocess.run(
            [sys.executable, "-c", "import sealwax"],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
        self.assertEqual(done.returncode, 1)
        return done.stderr

    def test_a_library_that_is_not_there_is_said(self) -> None:
        message = self.import_with("/nowhere/libsealwax.so")
        self.assertIn("ImportError: the Sealwax library is not there; looked for", message)
        self.assertIn("SEALWAX_LIBRARY", message)

    def test_a_file_that_is_no_library_is_said(self) -> None:
        self.assertRegex(self.import_with(__file__), "ImportError: .*is not a Sealwax library that runs here")

    def test_another_abi_is_refused(self) -> None:
        major = _prototypes.CONSTANTS["SEALWAX_ABI_MAJOR"]
        minor = _prototypes.CONSTANTS["SEALWAX_ABI_MINOR"]

        def library(version: int) -> Any:
            def abi_version() -> int:
                return version

            return SimpleNamespace(sealwax_abi_version=abi_version)

        path = Path("libsealwax.so")
        _load._check_abi(library(major << 16 | minor), path)
        _load._check_abi(library(major << 16 | minor + 1), path)
        for version in ((major + 1) << 16 | minor, major << 16 | minor - 1):
            with self.assertRaisesRegex(ImportError, "this package needs"):
                _load._check_abi(library(version), path)

    def test_a_library_that_lacks_a_function_is_refused(self) -> None:
        with self.assertRaises(AttributeError):
            _prototypes.declare(SimpleNamespace())  # type: ignore[arg-type]


class TheLibrary(Case):
    def test_the_version_is_that_of_the_crate(self) -> None:
        manifest = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
        crate = re.search(r'^version = "(.*)"$', manifest, flags=re.M)
        assert crate
        self.assertEqual(sealwax.version(), crate[1])
        self.assertEqual(sealwax.__version__, crate[1])

    def test_build_info_agrees_with_the_constants(self) -> None:
        info = sealwax.build_info()
        self.assertEqual(info["version"], sealwax.version())
        self.assertEqual((info["abi"]["major"], info["abi"]["minor"]), sealwax.abi_version())
        self.assertEqual(info["sizes"]["key"], sealwax.KEY_LEN)
        self.assertEqual(info["limits"]["name"], sealwax.NAME_MAX)
        self.assertEqual(info["limits"]["message"], sealwax.MESSAGE_MAX)
        self.assertEqual(info["limits"]["envelope"], sealwax.ENVELOPE_MAX)
        self.assertEqual(info["limits"]["batch"], sealwax.BATCH_MAX)
        # Of which SEALWAX_LIMIT_REACHED speaks.
        self.assertGreaterEqual(info["limits"]["handles"], 65_536)
        self.assertEqual(info["limits"]["client_outbox"], 65_536)
        self.assertEqual(info["limits"]["client_outbox_bytes"], 256 << 20)
        self.assertEqual(info["limits"]["client_groups"], 16_384)
        self.assertEqual(info["limits"]["batch_bytes"], sealwax.BATCH_BYTES_MAX)
