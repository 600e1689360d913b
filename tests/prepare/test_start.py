"""Start geometries from other results: the frame of a step, and its parts."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.constraints import FixAtoms
from ase.io.trajectory import Trajectory

from iondrill.errors import UserError
from iondrill.geometry.constraints import fixed_atoms
from iondrill.geometry.registry import build
from iondrill.jobs.name import Subject
from iondrill.prepare.start import damage, frame, left_site, part, slab_with_ions, with_fixed_edge

STRUCTURES = Path(__file__).parents[2] / "structures"
STEPS = [0, 5, 10, 15, 40]


@pytest.fixture
def template():
    atoms = Atoms("CCHLi", positions=np.arange(12.0).reshape(4, 3))
    atoms.set_array("fragment", np.array(["nd", "lower", "lower", "ion"]))
    atoms.set_constraint(FixAtoms([2]))
    return atoms


@pytest.fixture
def trajectory(tmp_path, template):
    path = tmp_path / "trajectory.traj"
    with Trajectory(path, "w") as file:
        for step in STEPS:
            moved = Atoms(template.symbols, positions=template.positions + step)
            moved.info["step"] = step
            file.write(moved)
    return path


@pytest.mark.parametrize("step", STEPS)
def test_every_step_is_found_with_the_labels_of_the_start(trajectory, template, step):
    found = frame(trajectory, step, template)
    np.testing.assert_allclose(found.positions, template.positions + step)  # fixed atoms too
    assert found.arrays["fragment"].tolist() == ["nd", "lower", "lower", "ion"]
    assert found.constraints[0].get_indices().tolist() == [2]


@pytest.mark.parametrize("step", [-1, 3, 12, 41])
def test_a_step_that_is_not_there(trajectory, template, step):
    with pytest.raises(UserError, match=rf"trajectory\.traj: has no step {step}"):
        frame(trajectory, step, template)


def test_damaged_and_foreign_trajectories(trajectory, template):
    with pytest.raises(UserError, match="holds"):
        frame(trajectory, 5, template[:3])
    trajectory.write_bytes(trajectory.read_bytes()[:100])
    with pytest.raises(UserError, match=r"trajectory\.traj"):
        frame(trajectory, 5, template)


@pytest.mark.parametrize("fixed", ["far_edge", "none"])
def test_dynamics_start_with_the_far_edge_fixed_if_they_shall(fixed):
    atoms = build("drill-nd29-li", STRUCTURES)
    atoms.set_constraint(FixAtoms([0]))  # of an earlier stage
    start = with_fixed_edge(atoms, fixed)
    edge = np.flatnonzero(atoms.arrays["far_edge"]).tolist()
    assert fixed_atoms(start) == (edge if fixed == "far_edge" else [])
    carbon = atoms.symbols == "C"
    flake = carbon & np.isin(atoms.arrays["fragment"], ["lower", "upper"])
    assert len(edge) == 18
    assert atoms.positions[edge, 0].min() > atoms.positions[flake, 0].max() - 1.7
    assert np.array_equal(start.positions, atoms.positions)


def test_two_parts_make_the_whole(template):
    nd, rest = part(template, "nd"), part(template, "rest")
    assert str(nd.symbols) == "C"
    assert str(rest.symbols) == "CHLi"
    np.testing.assert_array_equal(np.concatenate([nd.positions, rest.positions]), template.positions)
    assert rest.constraints[0].get_indices().tolist() == [1]
    assert rest.arrays["fragment"].tolist() == ["lower", "lower", "ion"]
    with pytest.raises(UserError, match="nd"):
        part(rest, "nd")


def moved(atoms, index, vector_A):
    after = atoms.copy()
    after.positions[index] += vector_A
    return after


@pytest.fixture(scope="module")
def slab(recipes):
    return build("C100-2x1", recipes)


def test_a_slab_must_keep_every_bond(slab):
    rattled = slab.copy()
    rattled.rattle(0.02, seed=1)
    assert damage(slab, rattled) == ""
    top = int(slab.positions[:, 2].argmax())
    assert "bonds broke" in damage(slab, moved(slab, top, [0, 0, 2.0]))


def test_ions_may_bind_and_leave(slab):
    before = slab_with_ions(slab, slab, Subject("C100-2x1", "Li", site="cave"))
    assert damage(before, moved(before, -1, [0, 0, 5.0])) == damage(before, moved(before, -1, [0, 0, -0.5])) == ""


def test_a_cluster_may_reconstruct_but_not_fall_apart():
    ring = molecule("C6H6")
    ring.set_array("fragment", np.array(["lower"] * 12))
    opened = moved(ring, [0, 6], 0.6 * ring.positions[0])  # two bonds break, C and H leave
    assert damage(ring, opened) == "it fell apart, from 1 into 2 pieces"
    squeezed = ring.copy()
    squeezed.positions[:, 0] *= 0.6  # bonds across the ring
    assert damage(ring, squeezed) == ""


def test_an_ion_that_leaves_its_site_is_noticed(slab):
    before = slab_with_ions(slab, slab, Subject("C100-2x1", "Li", site="cave"))
    other = slab_with_ions(slab, slab, Subject("C100-2x1", "Li", site="bridge"))
    assert left_site(before, moved(before, -1, [0.1, 0.1, 0.5]), slab) == ""
    assert left_site(before, other, slab) == "the ion moved from cave to bridge"


def test_without_a_far_edge_nothing_is_fixed():
    atoms = molecule("CH4")
    assert fixed_atoms(with_fixed_edge(atoms, "far_edge")) == []
