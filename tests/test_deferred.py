"""What is loaded late behaves as if it had been loaded at once."""

import subprocess
import sys

import pytest

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
    run(f"import iondrill\n{first}\n{CHECK}")


def test_a_deferred_package_has_no_other_names_than_its_own():
    run(
        "import iondrill, ase.constraints, scipy.spatial\n"
        "assert not hasattr(scipy.spatial, 'no_such_name')\n"
        "try:\n    from ase.dft import no_such_name\nexcept ImportError: pass\nelse: raise SystemExit(1)"
    )


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
