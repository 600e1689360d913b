"""What is loaded late behaves as if it had been loaded at once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
START = "from iondrill.deferred import install; install()"
STATE = """
import importlib, json, os, signal, sys, threading, warnings

def state():
    hooks = [*sys.meta_path, *sys.path_hooks, sys.excepthook, sys.displayhook, sys.unraisablehook]
    return {
        "environment": dict(os.environ),
        "hooks": [repr(hook) for hook in hooks],
        "deferred": [name for name, one in sys.modules.items() if type(one).__name__ == "Deferred"],
        "path": sys.path[:],
        "warnings": [repr(warnings.filters), repr(warnings.showwarning)],
        "signals": [repr(signal.getsignal(number)) for number in sorted(signal.valid_signals())],
        "others": [sys.getrecursionlimit(), threading.active_count(), repr(sys.gettrace()), repr(sys.getprofile())],
    }
"""
CHECK = """
import sys
import scipy.spatial.distance, scipy.spatial.transform, ase.dft.kpoints
from ase.dft import DOS, get_distribution_moment, monkhorst_pack
from scipy.spatial import Voronoi, cKDTree
assert scipy.spatial.distance.euclidean([0, 0], [3, 4]) == 5
assert len(cKDTree([[0.0], [1.0], [5.0]]).query_ball_point([0.4], 1)) == 2
assert monkhorst_pack((2, 1, 1)).shape == (2, 3)
assert {type(sys.modules[name]).__name__ for name in ("scipy.spatial", "ase.dft")} == {"module"}
"""


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "first",
    [
        "import scipy.spatial.distance",
        "from scipy.spatial import *; Voronoi",
        "import scipy; scipy.spatial.Voronoi",
        "from scipy.spatial.transform import Rotation",
        "import scipy.interpolate, scipy.stats",
        "from ase.dft import DOS",
        "import ase.dft.kpoints",
        "import ase.dft; ase.dft.DOS",
        "import ase.io, ase.neighborlist, ase.build",
    ],
)
def test_whatever_comes_first_all_is_there(first):
    run(f"{START}\n{first}\n{CHECK}")


def test_a_deferred_package_has_no_other_names_than_its_own():
    run(
        f"{START}\nimport ase.constraints, scipy.spatial\n"
        "assert not hasattr(scipy.spatial, 'no_such_name')\n"
        "try:\n    from ase.dft import no_such_name\nexcept ImportError: pass\nelse: raise SystemExit(1)"
    )


def changed(first, then):
    """Return what the second list of modules changes in an interpreter that has imported the first."""
    code = (
        f"{STATE}\nfor name in {first!r}:\n    importlib.import_module(name)\nbefore = state()\n"
        f"for name in {then!r}:\n    importlib.import_module(name)\n"
        "after = state()\nprint(json.dumps({name: after[name] for name in before if before[name] != after[name]}))"
    )
    return json.loads(run(code))


def test_the_probe_sees_what_a_script_changes():
    assert {"hooks"} <= set(changed([], ["iondrill.scripting"]))


def test_to_import_the_package_its_command_or_its_configuration_changes_nothing_in_the_interpreter():
    assert changed([], ["iondrill", "iondrill.cli", "iondrill.config.project"]) == {}


def test_to_import_any_file_of_any_room_changes_only_what_other_packages_change():
    files = sorted((ROOT / "workflow/iondrill").rglob("*.py"))
    names = [".".join(file.relative_to(ROOT / "workflow").with_suffix("").parts) for file in files]
    names = [name.removesuffix(".__init__") for name in names if name != "iondrill.scripting"]
    assert len(names) > 200
    code = f"import json, sys\nfor name in {names!r}:\n    __import__(name)\nprint(json.dumps(list(sys.modules)))"
    loaded = json.loads(run(code))
    # the parts of compiled packages have names that only their packages can import
    others = [name for name in loaded if name.partition(".")[0] not in {"iondrill", "__main__"} and name[0] != "_"]
    assert {"numpy", "ase", "pydantic.main"} <= set(others)
    assert changed(others, names) == {}


def test_a_script_defers_packages_before_it_imports_the_rest():
    scripts = sorted((ROOT / "workflow/scripts").glob("*.py"))
    assert len(scripts) > 30
    firsts = {
        next(line for line in script.read_text().splitlines() if line.startswith(("from iondrill", "import iondrill")))
        for script in scripts
    }
    rooms, names = zip(*(first.removeprefix("from ").split(" import ") for first in firsts), strict=True)
    assert set(rooms) == {"iondrill.scripting"}
    assert all("logged" in some.split(", ") for some in names)


@pytest.mark.parametrize("script", ["relax", "run_atom"])
def test_what_every_small_job_imports_is_light(script):
    heavy = ["scipy.spatial._qhull", "scipy.integrate", "scipy.optimize", "pymatgen", "matplotlib", "tblite", "pyscf"]
    script = f"workflow/scripts/{script}.py"
    code = (
        f"import sys\nlines = open({script!r}).read().splitlines()\n"
        "exec('\\n'.join(line for line in lines if line.startswith(('from ', 'import '))))\n"
        "import ase.io.extxyz\n"
        f"print(*sorted(set(sys.modules) & set({heavy!r})))"
    )
    assert run(code).split() == []
