"""Single points read back, and the plane that the frames of a run share."""

import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from ase.io.trajectory import Trajectory
from ase.units import Bohr

from iondrill.analyse.point import plane_of_run, read_point
from iondrill.engines.base import Result
from iondrill.errors import UserError


@pytest.fixture
def folder(tmp_path, root):
    """Make the folder of a job that CP2K shifted in its box."""
    from iondrill.analyse.wavefunction import read_molden

    molden = root / "tests/data/elf/c2h2li.molden"
    atoms = Atoms("C2H2Li", positions=read_molden(molden).mol.atom_coords() * Bohr - [1, 2, 3])
    atoms.set_array("fragment", np.array(["nd", "lower", "lower", "lower", "ion"]))
    write(tmp_path / "structure.extxyz", atoms)
    (tmp_path / "wavefunction.molden").write_text(molden.read_text())
    Result(status="converged", level="l", engine="e", engine_version="1", input_hash="0").write(
        tmp_path / "result.json"
    )
    return tmp_path


def files(folder):
    return [str(folder / name) for name in ("result.json", "structure.extxyz")]


def test_the_wavefunction_is_where_the_structure_is(folder):
    wavefunction, atoms = read_point(*files(folder))
    np.testing.assert_allclose(wavefunction.mol.atom_coords() * Bohr, atoms.positions, atol=1e-5)
    assert wavefunction.density(atoms.positions[4:] + np.array([0, 0, 0.1])).sum() > 0.1  # the 1s shell of Li


def test_nothing_is_read_of_what_did_not_converge(folder):
    path = folder / "result.json"
    path.write_text(path.read_text().replace('"converged"', '"not_converged"'))
    with pytest.raises(UserError, match=r"result\.json: is not_converged"):
        read_point(*files(folder))


def test_frames_share_their_plane_but_for_its_height(folder):
    _, atoms = read_point(*files(folder))
    moved = atoms.copy()
    moved.positions[0] += [-3, 0.5, 2]
    moved.positions[4] += [0, 0.4, 0]
    path = folder / "trajectory.traj"
    with Trajectory(path, "w") as trajectory:
        for step, frame in enumerate((atoms, moved)):
            frame.info["step"] = step
            trajectory.write(frame)
    first, second = (plane_of_run(a, str(path), (0, 1), margin_A=1.0, spacing_A=0.1) for a in (atoms, moved))
    assert first.shape == second.shape
    np.testing.assert_array_equal(first.origin_A[[0, 2]], second.origin_A[[0, 2]])
    assert second.origin_A[1] - first.origin_A[1] == pytest.approx(0.1)  # the middle of four atoms of the flake
    everything = np.concatenate([atoms.positions, moved.positions])
    x, _, z = first.points_A().T
    for values, axis in ((x, 0), (z, 2)):
        assert values.min() == pytest.approx(everything[:, axis].min() - 1)
        assert 0 <= values.max() - everything[:, axis].max() - 1 < 0.1 + 1e-9
