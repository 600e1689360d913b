"""Starts that are displaced, strained and relaxed in place of dynamics, and the k-points of their labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk, graphene, molecule
from ase.constraints import FixAtoms
from hypothesis import given
from hypothesis import strategies as st

from iondrill.config.levels import Cp2kLevel, XtbLevel
from iondrill.config.potential import Exploration
from iondrill.config.project import read_config
from iondrill.engines.cp2k.inputs import render_input
from iondrill.errors import UserError
from iondrill.geometry.checks import check_distances
from iondrill.geometry.labels import set_fragment
from iondrill.geometry.shells import REACH_A
from iondrill.jobs.job import Job, Static
from iondrill.potential.explore import relaxed, start_of, with_ion
from iondrill.potential.labels import digest_of, sampled, shape_of
from iondrill.potential.rattle import rattled

STRUCTURES = Path(__file__).resolve().parents[2] / "structures"


def test_displacements_have_the_width_that_is_asked_for_and_no_direction() -> None:
    start = molecule("C60")
    moved = np.array([one.positions - start.positions for one in rattled(start, 0.03, 0.0, 200, seed=3)])
    # 12 000 draws an axis: the standard deviation is within 2 % (3 sigma), the mean within 0.001
    assert moved.std(axis=(0, 1)) == pytest.approx(3 * [0.03], rel=0.02)
    assert np.abs(moved.mean(axis=(0, 1))).max() < 0.001


def test_a_strain_does_not_rotate_and_moves_atoms_with_the_cell() -> None:
    start = bulk("C", cubic=True)
    for one in rattled(start, 1e-9, 0.05, 20, seed=1):
        deformation = np.linalg.solve(start.cell.array, one.cell.array)
        assert deformation == pytest.approx(deformation.T, abs=1e-12)
        assert one.get_scaled_positions(wrap=False) == pytest.approx(start.get_scaled_positions(wrap=False), abs=1e-8)


def test_only_periodic_directions_are_strained() -> None:
    sheet = graphene(size=(2, 2, 1), vacuum=5.0)
    for one in rattled(sheet, 0.01, 0.05, 5, seed=1):
        assert one.cell.array[2] == pytest.approx(sheet.cell.array[2])
        assert one.cell.array[0] != pytest.approx(sheet.cell.array[0], abs=1e-4)


def test_the_same_seed_gives_the_same_frames_and_another_seed_others() -> None:
    start = bulk("Li", cubic=True)
    first, again, other = (rattled(start, 0.1, 0.02, 2, seed)[1] for seed in (1, 1, 2))
    assert np.array_equal(first.positions, again.positions)
    assert not np.allclose(first.positions, other.positions)


@given(st.floats(1.5, 40), st.floats(1.5, 9), st.floats(3, 30))
def test_the_sampled_cell_is_as_long_as_is_asked_for_and_no_longer(a_A: float, c_A: float, length_A: float) -> None:
    crystal = bulk("C", "hcp", a=a_A, c=c_A)
    grid = np.array(sampled(Cp2kLevel(engine="cp2k"), crystal, length_A).kpoints)
    planes_A = np.array([a_A * np.sqrt(3) / 2, a_A * np.sqrt(3) / 2, c_A])
    assert (grid * planes_A > length_A - 1e-4).all()
    assert (grid % 2 == 1).all()
    assert ((grid - 2) * planes_A < length_A + 1e-4).all()


def test_across_a_slab_there_is_one_k_point() -> None:
    slab = graphene(a=2.46, vacuum=5)
    slab.pbc = True
    assert sampled(Cp2kLevel(engine="cp2k"), slab, 14.0).kpoints == (7, 7, 1)
    # not periodic across, it has one whatever the cell
    for vacuum_A in (None, 1.0):
        sheet = graphene(a=2.46, vacuum=vacuum_A)
        sheet.pbc = [True, True, False]
        assert sampled(Cp2kLevel(engine="cp2k"), sheet, 14.0).kpoints == (7, 7, 1)


def test_isolated_frames_and_engines_without_kpoints_keep_their_level() -> None:
    level = Cp2kLevel(engine="cp2k")
    assert sampled(level, molecule("CH4"), 14.0) == level
    assert sampled(level, bulk("C"), None) == level
    gfn2 = XtbLevel(engine="xtb")
    assert sampled(gfn2, bulk("C"), 14.0) == gfn2


def test_copies_whose_atoms_overlap_are_drawn_again_and_a_hopeless_width_is_refused() -> None:
    start = molecule("CH4")
    for one in rattled(start, 0.15, 0.0, 50, seed=2):
        check_distances(one, "a copy")
    with pytest.raises(UserError, match="displaced by rattle_A"):
        rattled(bulk("C", cubic=True) * 2, 1.0, 0.0, 1, seed=1)


def test_a_strained_crystal_is_no_slab_whose_cell_must_stand_upright() -> None:
    for name, shape in (("LiC6", "crystal"), ("graphite-AB", "crystal"), ("Li-bcc", "crystal"), ("graphene", "slab")):
        start = start_of(Exploration(structure=name), 1, STRUCTURES)
        (frame,) = rattled(start, 0.05, 0.02 if shape == "crystal" else 0.0, 1, seed=1)
        assert shape_of(frame) == shape
        job = Job(
            stage="potential",
            name="x.y",
            level_name="y",
            level=Cp2kLevel(engine="cp2k", restricted_slabs=True),
            task=Static(),
            kind=shape_of(frame),
        )
        assert "KPOINTS" in render_input(job, frame)
    assert shape_of(molecule("CH4")) == "cluster"


def test_another_grid_is_another_label() -> None:
    level, crystal = Cp2kLevel(engine="cp2k"), bulk("C")
    assert len({digest_of(sampled(level, crystal, length_A), crystal) for length_A in (5.0, 10.0, 14.0)}) == 3


def test_a_facet_takes_another_vacuum_and_a_cluster_none() -> None:
    sheet = start_of(Exploration(structure="graphene", vacuum_A=9.0), 1, STRUCTURES)
    assert sheet.cell.lengths()[2] == pytest.approx(9.0)
    with pytest.raises(UserError, match=r"nd10.*has no vacuum_A.*a facet"):
        start_of(Exploration(structure="nd10", vacuum_A=9.0), 1, STRUCTURES)


def test_a_start_is_relaxed_with_all_of_its_atoms(tmp_path: Path) -> None:
    config = read_config(STRUCTURES.parent / "config.yaml")
    start = molecule("C2H6")
    start.rattle(0.1, seed=1)
    start.set_constraint(FixAtoms([0, 1]))
    free = relaxed(start, "ethane", "gfn2", config, tmp_path / "start")
    assert not free.constraints
    # measured: 1.535 A (Kuchitsu, J. Chem. Phys. 49, 4456, 1968)
    assert free.get_distance(0, 1) == pytest.approx(1.535, abs=0.02)


def test_strain_without_displacement_is_refused() -> None:
    with pytest.raises(ValueError, match=r"found strain 0\.02 without rattle_A"):
        Exploration(structure="LiC6", strain=0.02)


@given(st.floats(0.6, 1.0), st.floats(1.0, 1.8), st.integers(0, 99))
def test_a_stretch_moves_layers_apart_and_leaves_them_as_they_are(low: float, high: float, seed: int) -> None:
    layers = bulk("C", "hcp", a=2.5, c=6.0)
    (frame,) = rattled(layers, 1e-9, 0.0, 1, seed, stretch=(low, high))
    assert low * 6.0 - 1e-6 <= frame.cell.array[2, 2] <= high * 6.0 + 1e-6
    assert np.allclose(frame.cell.array[:2], layers.cell.array[:2])
    where = [one.get_scaled_positions(wrap=False) for one in (frame, layers)]
    assert np.allclose(*where, atol=1e-6)


def test_a_lifted_ion_is_above_where_it_would_lie() -> None:
    sheet = graphene(a=2.46, size=(4, 4, 1), vacuum=8)
    set_fragment(sheet, "lower")
    on, lifted = (with_ion(sheet, "Li", np.random.default_rng(3), lift_A) for lift_A in (0.0, 2.0))
    # the same place of the sheet, since the same is drawn first
    assert np.allclose(on.positions[-1, :2], lifted.positions[-1, :2])
    assert 0 < lifted.positions[-1, 2] - on.positions[-1, 2] <= 2
    apart = on.get_distances(-1, range(len(sheet)), mic=False)
    assert apart.min() == pytest.approx(REACH_A["Li"])
