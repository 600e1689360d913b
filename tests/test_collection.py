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


WAYS_TO_SKIP = {
    "test_call.py": "import pytest\ndef test_it():\n    pytest.skip('why')\n",
    "test_mark.py": "import pytest\n@pytest.mark.skipif(True, reason='why')\ndef test_it(): pass\n",
    "test_program.py": "import pytest\n@pytest.mark.live\ndef test_it(): pass\n",
    "test_module.py": "import pytest\npytest.importorskip('nothing_of_this_name')\ndef test_it(): pass\n",
    "test_none.py": "import pytest\n@pytest.mark.parametrize('number', [])\ndef test_it(number): pass\n",
}


def test_whatever_is_skipped_fails_where_nothing_may_be_left_out(tmp_path):
    (tmp_path / "conftest.py").write_text("from tests_conftest import *\nPROGRAMS['live'] = ('no-such-program', '')\n")
    (tmp_path / "tests_conftest.py").write_text((ROOT / "tests/conftest.py").read_text())
    for name, text in WAYS_TO_SKIP.items():
        (tmp_path / name).write_text(text)
    markers = tmp_path / "pytest.ini"
    markers.write_text("[pytest]\nmarkers = live\npythonpath = .\n")

    def run(*options):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--continue-on-collection-errors"]
        done = subprocess.run(
            [*command, *options, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout

    status, said = run()
    assert status == 0, said
    assert f"{len(WAYS_TO_SKIP)} skipped" in said
    status, said = run("--require-engines")
    assert status == 1, said
    assert "1 failed, 4 errors" in said
    assert "skipped" not in said.splitlines()[-1]
