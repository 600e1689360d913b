"""The saddle of a path that has no symmetry, against a search that knows nothing of the path: ASE's dimer."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.constraints import FixAtoms
from ase.mep import DimerControl, MinModeAtoms, MinModeTranslate
from ase.optimize import BFGS

from iondrill.config.levels import XtbLevel
from iondrill.engines.embedded.neb import find_path
from iondrill.engines.xtb.calculator import XtbCalculator
from iondrill.jobs.job import Job, Neb

GFN2 = XtbLevel(engine="xtb")
HEXAGONS_A = 1.23
"""Half the way from hexagon to hexagon."""


def relaxed(x_A: float) -> Atoms:
    """Return lithium over the middle of naphthalene, or beside it, where all but the lithium is fixed.

    A sodium below the left hexagon makes the right one another position.
    """
    angles = np.arange(6) * np.pi / 3
    rim = np.array([np.sin(angles), np.cos(angles), 0 * angles]).T
    right, hydrogen = 1.42 * rim + [HEXAGONS_A, 0, 0], 2.51 * rim[:4] + [HEXAGONS_A, 0, 0]
    both = [np.concatenate([some, some[some[:, 0] > 0.1] * [-1, 1, 1]]) for some in (right, hydrogen)]
    atoms = Atoms(f"C{len(both[0])}H{len(both[1])}", np.concatenate(both))
    atoms += Atoms("NaLi", [[-HEXAGONS_A, 0, -2.3], [x_A, 0, 2.0]])
    atoms.set_constraint(FixAtoms(range(len(atoms) - 1)))
    atoms.calc = XtbCalculator(GFN2)
    assert BFGS(atoms, logfile=None).run(fmax=0.005, steps=100)
    atoms.calc = None
    return atoms


def force(atoms: Atoms, position_A: np.ndarray) -> np.ndarray:
    there = atoms.copy()
    there.positions[-1] = position_A
    there.calc = XtbCalculator(GFN2)
    return there.get_forces()[-1]


def test_the_highest_image_is_the_saddle_that_a_dimer_finds(tmp_path) -> None:
    task = Neb(images=2, fmax_eV_A=0.01, max_steps=200)
    job = Job(stage="barriers", name="hop.gfn2", level_name="gfn2", level=GFN2, task=task, kind="cluster")
    result, band = find_path(job, relaxed(-HEXAGONS_A), relaxed(HEXAGONS_A), tmp_path)
    energies_eV = np.array(band.energies_eV)
    top = int(energies_eV.argmax())
    assert result.status == "converged"
    assert result.energy_eV == energies_eV[top]
    assert 0 < top < len(energies_eV) - 1
    # no symmetry: what is uphill one way is not as much so the other
    assert abs(energies_eV[-1] - energies_eV[0]) > 0.03
    atoms = band.images[top].copy()
    saddle_A = atoms.positions[-1]
    # stationary, with one way down alone
    assert np.linalg.norm(force(atoms, saddle_A)) < 0.012
    columns = [(force(atoms, saddle_A - e) - force(atoms, saddle_A + e)) / 0.04 for e in 0.02 * np.eye(3)]
    curvatures = np.linalg.eigvalsh(np.add(columns, np.transpose(columns)) / 2)
    assert curvatures[0] < 0 < curvatures[1]
    # from 0.15 Å aside, a dimer comes to the same position
    atoms.positions[-1] += [0.12, 0.05, 0.08]
    atoms.calc = XtbCalculator(GFN2)
    free = [False] * (len(atoms) - 1) + [True]
    control = DimerControl(
        initial_eigenmode_method="displacement", displacement_method="vector", mask=free, logfile=None
    )
    dimer = MinModeAtoms(atoms, control)
    along = np.zeros((len(atoms), 3))
    along[-1, 0] = 0.05
    dimer.displace(displacement_vector=along)
    assert MinModeTranslate(dimer, logfile=None).run(fmax=0.005, steps=100)
    assert dimer.get_curvature() < 0
    assert energies_eV[top] == pytest.approx(atoms.get_potential_energy(), abs=1e-3)
    assert atoms.positions[-1] == pytest.approx(saddle_A, abs=0.05)


def test_a_band_whose_scf_fails_says_so_and_has_no_number(tmp_path) -> None:
    start, end = molecule("CH4"), molecule("CH4")
    end.positions[-1] += [0.0, 0.2, 0.1]
    level = XtbLevel(engine="xtb", max_scf_cycles=1)
    task = Neb(images=1, fmax_eV_A=0.05, max_steps=5)
    job = Job(stage="barriers", name="hop.gfn2", level_name="gfn2", level=level, task=task, kind="cluster")
    result, band = find_path(job, start, end, tmp_path)
    assert (result.status, result.n_ionic_steps, result.energy_eV) == ("not_converged", 0, None)
    assert (result.max_force_eV_A, band.energies_eV) == (None, [])
    assert "SCF not converged" in result.attempts[-1].reason
