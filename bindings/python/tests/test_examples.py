"""The examples of the documentation run."""

from __future__ import annotations

import contextlib
import doctest
import gc
import io
import re
from pathlib import Path

import sealwax
from case import Case

ROOT = Path(__file__).resolve().parents[3]


class Examples(Case):
    def run_blocks(self, path: Path) -> str:
        blocks = re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), flags=re.S)
        self.assertTrue(blocks, path)
        printed = io.StringIO()
        for block in blocks:
            with contextlib.redirect_stdout(printed):
                exec(compile(block, str(path), "exec"), {})
            gc.collect()
        return printed.getvalue()

    def test_the_readme(self) -> None:
        printed = self.run_blocks(ROOT / "README.md")
        self.assertIn("hello", printed)

    def test_the_readme_of_the_package(self) -> None:
        self.run_blocks(ROOT / "bindings" / "python" / "README.md")

    def test_the_package(self) -> None:
        result = doctest.testmod(sealwax)
        self.assertEqual(result.failed, 0)
        self.assertGreater(result.attempted, 3)
