"""What keeps the comparison honest: nothing of Sealwax is imported, and no vector file goes unread."""

import ast
import pathlib
import unittest

HERE = pathlib.Path(__file__).resolve().parent
IMPLEMENTATION = {"codec", "primitives", "content", "identity", "session", "roster", "group", "frames", "stream"}
ALLOWED = {"cryptography", "copy", "dataclasses", "hashlib", "hmac", "os", "unicodedata"}


class Independence(unittest.TestCase):
    def test_the_implementation_imports_the_cryptography_package_and_itself_alone(self):
        for module in IMPLEMENTATION:
            tree = ast.parse((HERE / f"{module}.py").read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    names = [node.module]
                for name in names:
                    self.assertIn(name.split(".")[0], ALLOWED | IMPLEMENTATION, module)

    def test_every_vector_file_has_a_test(self):
        read = {line.split('"')[1] for test in HERE.glob("test_*_vectors.py")
                for line in test.read_text(encoding="utf-8").splitlines() if line.startswith("    FILE = ")}
        self.assertEqual({path.name for path in (HERE.parent / "vectors").glob("*.json")}, read)


if __name__ == "__main__":
    unittest.main()
