"""A bare pytest finds every file of tests, whatever its folder is called."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

# takes the files as they are found, and imports none
LIST_FILES = """
import sys
import pytest

class Files:
    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makemodule(self, module_path, parent):
        print("FILE", module_path)
        return Nothing.from_parent(parent, path=module_path)

class Nothing(pytest.File):
    def collect(self):
        return []

pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider"], plugins=[Files()])
"""


def test_a_bare_pytest_collects_every_file_of_tests():
    done = subprocess.run(
        [sys.executable, "-c", LIST_FILES], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    found = [line.removeprefix("FILE ") for line in done.stdout.splitlines() if line.startswith("FILE ")]
    there = sorted(str(path) for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(there) > 100, "the pattern finds the files"
    assert sorted(found) == there, done.stderr
