"""What a potential learns, and what is added to it when it runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from hypothesis import given
from hypothesis import strategies as st

from iondrill.engines.ase.boxes import in_wide_box
from iondrill.engines.ase.dispersion import Dispersion, d3_of
from iondrill.engines.ase.learned import MODEL, PARAMETERS, calculator_of, sum_over_atoms_eV
from iondrill.errors import UserError
from iondrill.geometry.registry import build
from iondrill.potential.fit import element_energies_eV

ROOT = Path(__file__).parents[3]
FORMULAS = ["CH4", "C2H4", "C6H6", "LiC6", "Li2", "H2O"]


@given(st.dictionaries(st.sampled_from(["C", "H", "Li", "O"]), st.floats(-2000, 0), min_size=4, max_size=4))
def test_energies_that_are_sums_over_atoms_leave_nothing_to_learn(elements_eV: dict[str, float]) -> None:
    frames = [Atoms(formula) for formula in FORMULAS]
    energies = [sum_over_atoms_eV(elements_eV, frame) for frame in frames]
    found = element_energies_eV(frames, energies)
    assert [sum_over_atoms_eV(found, frame) for frame in frames] == pytest.approx(energies, abs=1e-6)


def test_of_one_composition_alone_the_mean_energy_goes_to_the_elements() -> None:
    frames = [Atoms("C10H16") for _ in range(3)]
    found = element_energies_eV(frames, [-3.0, -2.0, -1.0])
    assert sum_over_atoms_eV(found, frames[0]) == pytest.approx(-2.0)


@given(cutoff_A=st.floats(3, 8))
def test_no_atom_of_an_isolated_frame_sees_an_image(cutoff_A: float) -> None:
    atoms = molecule("C6H6")
    boxed = in_wide_box(atoms, cutoff_A)
    assert boxed.pbc.all()
    assert np.array_equal(boxed.positions, atoms.positions)
    doubled = boxed.repeat(2)
    apart = np.linalg.norm(doubled.positions[: len(atoms), None] - doubled.positions[len(atoms) :], axis=2)
    assert apart.min() > cutoff_A


def test_a_slab_keeps_its_cell_in_the_plane() -> None:
    slab = Atoms("C", cell=[[2.5, 0, 0], [-1.25, 2.165, 0], [0, 0, 9]], pbc=[True, True, False])
    boxed = in_wide_box(slab, 6.0)
    assert np.array_equal(boxed.cell[:2], slab.cell[:2])
    assert boxed.cell[2, 2] == pytest.approx(7.0)
    full = in_wide_box(boxed, 6.0)
    assert np.array_equal(full.cell, boxed.cell)


def test_dispersion_of_two_benzenes_falls_off_as_the_sixth_power() -> None:
    """Far apart, C6/r⁶ and C8/r⁸ are all that D3 is: the ratio of two distances says which power leads."""

    def between(distance_A: float) -> float:
        one = molecule("CH4")
        other = one.copy()
        other.translate([0, 0, distance_A])
        return d3_of(one + other)[0] - 2 * d3_of(one)[0]

    assert between(22.0) / between(11.0) == pytest.approx(2**-6, rel=0.1)
    assert between(4.0) < 0


def test_forces_of_dispersion_are_the_slope_of_its_energy() -> None:
    atoms = molecule("C2H4")
    step_A = 1e-4
    slopes = []
    for sign in (1, -1):
        moved = atoms.copy()
        moved.positions[0, 2] += sign * step_A
        slopes.append(d3_of(moved)[0])
    assert d3_of(atoms)[1][0, 2] == pytest.approx(-(slopes[0] - slopes[1]) / (2 * step_A), abs=1e-5)


def test_what_lies_beyond_the_cutoffs_hardly_counts() -> None:
    from dftd3.ase import DFTD3

    slab = build("C100-2x1", ROOT / "structures")
    slab.set_constraint()
    energy_eV, forces_eV_A = d3_of(slab)
    slab.calc = DFTD3(damping="d3bj", params_tweaks={"method": "PBE", "atm": False})
    assert energy_eV / len(slab) == pytest.approx(slab.get_potential_energy() / len(slab), abs=1e-4)
    assert np.allclose(forces_eV_A, slab.get_forces(), atol=2e-3)


def test_it_takes_other_atoms_in_between() -> None:
    """The model of the last species is kept: neither positions nor cell of it must stay."""
    one, dispersion = molecule("C2H4"), Dispersion()
    crystal = bulk("Li", cubic=True)
    wider = crystal.copy()
    wider.set_cell(crystal.cell * 1.1, scale_atoms=True)
    for atoms in (one, crystal, wider, one):
        energy_eV, forces_eV_A = dispersion.energy_and_forces(atoms)
        assert energy_eV == d3_of(atoms)[0]
        assert np.array_equal(forces_eV_A, d3_of(atoms)[1])


def test_a_folder_without_a_potential_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=PARAMETERS):
        calculator_of(tmp_path)
    (tmp_path / PARAMETERS).write_text(json.dumps({"elements_eV": {}, "dispersion": "learned", "cutoff_A": 6.0}))
    with pytest.raises(UserError, match=MODEL):
        calculator_of(tmp_path)
