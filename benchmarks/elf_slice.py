"""A slice of the ELF of a CP2K wavefunction, from a finished single point to the picture, against CP2K's ELF_CUBE.

Ours is what the ELF stage does: it reads the orbitals (MO_MOLDEN), evaluates the ELF on 300 × 300 points, draws. Theirs
reads CP2K's ELF cube at STRIDE 1 with `ase.io.cube`, takes the plane of its points, and draws it by the same code. Both
come from one single point: a nanodiamond of 87 carbon atoms with hydrogen all around, 163 atoms, in the box that the
workflow gives it, 15 Å wider than the cluster. In the paper's box, 50 Å, that single point would need some 60 GB at
this cutoff; what the cube takes there is that of ours by the number of points. The ELF is compared on the cube's own
points, where nothing is interpolated; the SCF need not converge far for it, since both are of the same orbitals.

CP2K's own cube is not sharp at REL_CUTOFF 50 Ry, our default: with what lies on coarser grids D = τ − |∇ρ|²/(8ρ) is
off by some 5·10⁻⁸ Ha/bohr³, and the ELF at ρ = 10⁻³ bohr⁻³ by 2·10⁻⁴ to 7·10⁻⁴ for ethane in boxes of 9 to 15 Å. At
80 Ry, as here, the two differ by half of the cube's last digit. The orbitals are the same on any grid.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import numpy as np
from ase.build import molecule
from ase.io.cube import read_cube
from cp2k_runs import cp2k_job
from frame import ROOT, Cost, Row, benchmark, compare, cost, paired

from iondrill.analyse.density.cube import Cube
from iondrill.analyse.density.plane import Plane
from iondrill.analyse.elf.formula import RHO_MASK
from iondrill.analyse.elf.map import ElfMap, elf_on_plane
from iondrill.analyse.elf.point import read_point
from iondrill.engines.cp2k.attempt import LOG
from iondrill.engines.execute import execute
from iondrill.engines.external.box import in_cube
from iondrill.engines.folder import STRUCTURE
from iondrill.engines.molden import MOLDEN
from iondrill.geometry.checks import read_structure
from iondrill.geometry.registry import build
from iondrill.geometry.surfaces.slab import hydrogenate
from iondrill.jobs.job import CUBES, Static
from iondrill.report.figures.elf_map import draw_elf_map

POINTS = 300
PAPER_A = 50.0
REL_CUTOFF_RY = 80
LEVEL = "PBE-D3(BJ)"
SPHERE = {"half_spaces": [], "expect_atoms": 87, "expect_coordination": {2: 24, 3: 28, 4: 35}}


def nanodiamond():
    """Return the sphere that nd75-td is cut from, hydrogen on every dangling bond: no spin, and a wide gap."""
    atoms = build("nd75-td", ROOT / "structures", SPHERE)
    hydrogenate(atoms, np.arange(len(atoms)), 4)
    return atoms


def single_point(folder, *, quick):
    """Run CP2K as the ELF stage does, for orbitals and cubes; return the cube of the ELF."""
    atoms, edge_A, cutoff_Ry = (molecule("CH4"), 9.0, 120) if quick else (nanodiamond(), 0.0, 400)
    atoms.set_cell([edge_A] * 3)  # none: the usual vacuum
    atoms.set_array("fragment", np.full(len(atoms), "nd"))
    boxed = in_cube(atoms)
    cubes = Static(wavefunction=True, cubes=True)
    job = cp2k_job("cluster", cubes, cutoff_Ry=cutoff_Ry, rel_cutoff_Ry=REL_CUTOFF_RY, eps_scf=3e-4)
    files = folder / "result.json", folder / STRUCTURE
    result = execute(job.model_dump(mode="json"), boxed, *files)
    assert result.status == "converged", result
    return Cube(folder / CUBES / "elf-1.cube", boxed.cell.lengths())


def plane(cube, n):
    """Return n × n points in the plane of the cube's points that halves the box, through the cluster's middle atom."""
    across_A = cube.shape[0] / n * cube.axes_A[[0, 2]]
    return Plane(cube.shape[1] // 2 * cube.axes_A[1], across_A, (n, n))


def draw(elf_map, atoms, path):
    draw_elf_map(elf_map, atoms, title=LEVEL).savefig(path, dpi=150)


def ours(folder, cube):
    wavefunction, atoms = read_point(str(folder / "result.json"), str(folder / STRUCTURE))
    draw(elf_on_plane(wavefunction, plane(cube, POINTS)), atoms, folder / "ours.png")


def read_slice(path):
    """Return a cube's middle plane as ASE reads it."""
    with path.open() as file:
        data = read_cube(file)["data"]
    return data[:, data.shape[1] // 2]


def theirs(folder, cube):
    """Read, slice and draw; return what reading took, and what the rest did."""
    found = []
    reading = cost(lambda: found.append(read_slice(cube.path)))
    elf = found[0]
    drawn = ElfMap(plane(cube, len(elf)), elf, np.ones_like(elf))
    return reading, cost(lambda: draw(drawn, read_structure(folder / STRUCTURE), folder / "theirs.png"))


def cp2k_s(folder, routine):
    """Return what CP2K says that a routine took, or None if it was too short to be listed."""
    (log,) = folder.glob(f"state/*/*/{LOG}")
    found = re.search(rf"^ {routine} .* (\S+)$", log.read_text(), re.MULTILINE)
    return float(found[1]) if found else None


def differences(folder, cube):
    """Yield the largest difference of the ELF on the cube's own points, down to a density."""
    elf = read_slice(cube.path)
    wavefunction, _ = read_point(str(folder / "result.json"), str(folder / STRUCTURE))
    here = elf_on_plane(wavefunction, plane(cube, len(elf)))
    for least, words in ((RHO_MASK, "10⁻³"), (10 * RHO_MASK, "10⁻²")):
        apart = float(np.abs(here.elf - elf)[here.rho > least].max())
        wanted = 1e-4 if least == RHO_MASK else None  # where the map shows something; the other says where it is
        yield Row(f"largest |ΔELF| of that slice, ρ > {words}", "ELF_CUBE", "", ours=apart, wanted=wanted)


def added(*costs):
    return Cost(*map(sum, zip(*costs, strict=True)))


def once(work, against, unit, mine, other, *, wanted=None):
    """Return the row of two figures that are what they are, or of one run."""
    return Row(work, against, unit, ours=mine, theirs=other, ratio=(other / mine,) * 3, wanted=wanted)


def rows(options):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cube = single_point(folder, quick=options.quick)
        n, edge_A = cube.shape[0], cube.shape[0] * cube.axes_A[0, 0]
        large = round(PAPER_A / edge_A * n)
        ours(folder, cube)  # once, so that both find all libraries loaded
        parts = []

        def both():
            parts.append(theirs(folder, cube))
            return added(*parts[-1])

        pairs = paired(lambda: ours(folder, cube), both, options.pairs)
        disks = [path.stat().st_size / 1e6 for path in (folder / MOLDEN, cube.path)]
        work = f"ELF slice of {len(cube.atoms)} atoms, {POINTS}×{POINTS} points, orbitals to picture"
        against = "ELF_CUBE at STRIDE 1, ase.io.cube, the same picture"
        for box, share in ((f"{edge_A:.1f} Å: {n}³", 1.0), (f"{PAPER_A:g} Å: {large}³, scaled", (n / large) ** 3)):
            scaled = [(mine, added(read / share, rest)) for (mine, _), (read, rest) in zip(pairs, parts, strict=True)]
            yield compare(work, f"{against}; {box}", scaled, wanted=50)
            yield once("disk for that slice", f"ELF_CUBE; {box}", "MB", disks[0], disks[1] / share, wanted=100)
        made = [cp2k_s(folder, routine) for routine in ("write_mo_free_results", "qs_scf_post_elf")]
        if all(made):
            yield once("CP2K's own time to make the file for that slice", "ELF_CUBE", "s", *made)
        yield from differences(folder, cube)


if __name__ == "__main__":
    benchmark("elf_slice", rows)
