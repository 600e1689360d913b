"""ELF and density on a full grid in space from orbitals, against PySCF's cubegen for the density alone.

Ours are `Wavefunction.density` and `Wavefunction.evaluate` (density, gradient, kinetic energy density) with the ELF of
them; theirs is `pyscf.tools.cubegen.density` (https://pyscf.org), whose writing of the file is not counted. The points
are those of cubegen. Orbitals: CP2K's own of C2H2Li, as the tests have them, and GFN2-xTB's of a lithiated bilayer.
"""

from __future__ import annotations

import tempfile
import tracemalloc
from pathlib import Path
from unittest.mock import patch

import numpy as np
from ase.units import Bohr
from frame import ROOT, Growth, Row, benchmark, compare, cost, paired
from pyscf.tools import cubegen, molden

from iondrill.analyse.density.wavefunction import CHUNK_BYTES, read_molden
from iondrill.analyse.elf.formula import elf_of
from iondrill.config.levels import XtbLevel
from iondrill.geometry.registry import build

CP2K = ROOT / "tests" / "data" / "elf" / "c2h2li2.molden"


def gfn2_orbitals(name, path):
    """Write the orbitals of a structure at GFN2-xTB; return their file."""
    from iondrill.engines.xtb.calculator import XtbCalculator
    from iondrill.engines.xtb.wavefunction import write_molden

    atoms = build(name, ROOT / "structures")
    atoms.set_constraint()
    calculator = XtbCalculator(XtbLevel(engine="xtb"))
    atoms.calc = calculator
    atoms.get_potential_energy()
    write_molden(path, atoms, calculator.wavefunction)
    return path


def cubegen_density(mol, wavefunction, n):
    """Let PySCF evaluate the density on the molecule as its own reader gives it, and write nothing."""
    dm = sum((c * o) @ c.T for c, o in zip(wavefunction.coefficients, wavefunction.occupations, strict=True))
    with patch.object(cubegen.Cube, "write"):
        return cubegen.density(mol, "unused", dm, nx=n, ny=n, nz=n)


def scratch_MB(wavefunction, points_A):
    """Return the most memory that the evaluation takes beyond its result."""
    tracemalloc.start()
    result = wavefunction.evaluate(points_A)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return (peak - result.rho.nbytes - result.gradient.nbytes - result.tau.nbytes) / 1e6


def rows(options):
    n = 16 if options.quick else 60
    with tempfile.TemporaryDirectory() as folder:
        paths = {"C2H2Li2 (CP2K)": CP2K}
        if not options.quick:
            paths["Li2C48H24 (GFN2)"] = gfn2_orbitals("c24-aa-li", Path(folder, "wavefunction.molden"))
        cases = [(name, read_molden(path), molden.load(str(path))[0]) for name, path in paths.items()]
    for name, wavefunction, mol in cases:
        points_A = cubegen.Cube(wavefunction.mol, n, n, n).get_coords() * Bohr

        def density(wavefunction=wavefunction, points_A=points_A):
            return wavefunction.density(points_A).sum(axis=0)

        def both(wavefunction=wavefunction, points_A=points_A):
            return elf_of(wavefunction.evaluate(points_A))

        def theirs(wavefunction=wavefunction, mol=mol):
            return cubegen_density(mol, wavefunction, n)

        apart = np.abs(density() - theirs().ravel()).max()
        assert apart < 1e-8, apart
        work = f"on a grid of {n}³, {name}"
        pairs = paired(density, theirs, options.pairs)
        yield compare(f"density {work}", "PySCF cubegen, density", pairs, wanted=1, note=f"Δρ ≤ {apart:.0e}")
        yield compare(
            f"ELF and density {work}", "PySCF cubegen, density", paired(both, theirs, options.pairs), wanted=1
        )
    sizes = (8, 12, 16) if options.quick else (20, 40, 80)
    points = {n: cubegen.Cube(cases[-1][1].mol, n, n, n).get_coords() * Bohr for n in sizes}
    taken = [cost(lambda p=p: cases[-1][1].evaluate(p)).cpu_s for p in points.values()]
    yield Growth("ELF on a grid", "points", [float(n**3) for n in sizes], taken)
    yield Row(
        f"memory of ELF and density on {sizes[-1]}³ points, beyond the result",
        f"the setting, {CHUNK_BYTES / 1e6:.0f} MB, and 100 B for each point",
        "MB",
        ours=scratch_MB(cases[-1][1], points[sizes[-1]]),
        wanted=(CHUNK_BYTES + 100 * sizes[-1] ** 3) / 1e6,
    )


if __name__ == "__main__":
    benchmark("elf_grid", rows)
