"""Single points read back, and the plane that the frames of a run share."""

import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from ase.io.cube import write_cube
from ase.io.trajectory import Trajectory
from ase.units import Bohr
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp.inputs import Poscar

from iondrill.analyse.density.plane import Plane
from iondrill.analyse.elf.point import cube_map, plane_of_run, read_point
from iondrill.config.levels import Cp2kLevel, VaspLevel
from iondrill.engines.base import Result
from iondrill.engines.cp2k.inputs import in_cp2k_cell
from iondrill.engines.folder import rounded, write_job
from iondrill.engines.vasp.inputs import in_vasp_cell
from iondrill.errors import UserError
from iondrill.jobs.job import Job, Static


@pytest.fixture
def folder(tmp_path, root):
    """Make the folder of a job that CP2K shifted in its box."""
    from iondrill.analyse.density.wavefunction import read_molden

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


def test_without_a_wavefunction_and_without_grids_it_is_the_wavefunction_that_is_missing(folder):
    (folder / "wavefunction.molden").unlink()
    with pytest.raises(UserError, match=r"wavefunction\.molden"):
        read_point(*files(folder))


def test_a_wavefunction_comes_before_the_grids_of_another_program(folder):
    (folder / "ELFCAR").write_text("no grid")
    wavefunction, atoms = read_point(*files(folder))
    np.testing.assert_allclose(wavefunction.mol.atom_coords() * Bohr, atoms.positions, atol=1e-5)


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


def job_at(folder, engine, atoms):
    """Write a job with its start geometry as the engine's folder has it; return that geometry."""
    level = {"vasp": VaspLevel, "cp2k": Cp2kLevel}[engine](engine=engine)
    work = Job(stage="elf", name="x.dft", level_name="dft", level=level, task=Static(), kind="cluster")
    start = rounded(atoms)
    write_job(work, start, folder)
    known = {"level": "dft", "engine": engine, "engine_version": "1", "input_hash": work.input_hash(start)}
    Result(status="converged", **known).write(folder / "result.json")
    return work, start


def two_atoms():
    atoms = Atoms("CH", [[7.0, -3.0, 11.0], [7.0, -3.0, 12.1]])
    atoms.set_array("fragment", np.array(["lower", "lower"]))
    return atoms


def ball(places_A, centre_A, width_A=1.2):
    return np.exp(-np.sum((places_A - centre_A) ** 2, axis=-1) / width_A**2)


def test_the_grids_of_vasp_are_where_the_structure_is(tmp_path):
    """A ball about the first atom, on the grid of the box that VASP got, is about that atom in the job's frame."""
    work, start = job_at(tmp_path, "vasp", two_atoms())
    boxed = in_vasp_cell(work, start)
    assert np.abs(boxed.positions[0] - start.positions[0]).min() > 1
    shape = (60, 60, 60)
    places_A = np.moveaxis(np.indices(shape), 0, -1) / shape @ boxed.cell.array
    values = ball(places_A, boxed.positions[0])
    head = Poscar(Structure(Lattice(boxed.cell.array), ["C", "H"], boxed.get_scaled_positions())).get_str()
    for name, grid in (("ELFCAR", values), ("CHGCAR", values * abs(np.linalg.det(boxed.cell.array / Bohr)))):
        lines = grid.ravel(order="F").reshape(-1, 5)
        body = "".join("".join(f"{value:18.10E}" for value in line) + "\n" for line in lines)
        (tmp_path / name).write_text(f"{head}\n60 60 60\n{body}")
    found, atoms = read_point(str(tmp_path / "result.json"), str(tmp_path / "structure.extxyz"))
    along_A = atoms.positions[0] + np.linspace(0, 1.5, 7)[:, None] * [0.6, 0.0, 0.8]
    density = found.evaluate(along_A)
    np.testing.assert_allclose(density.rho.sum(axis=0), ball(along_A, atoms.positions[0]), atol=0.01)


def test_the_cubes_of_cp2k_are_where_the_structure_is(tmp_path):
    work, start = job_at(tmp_path, "cp2k", two_atoms())
    boxed = in_cp2k_cell(work, start)
    assert np.abs(boxed.positions[0] - start.positions[0]).min() > 1
    n = 48
    places_A = np.moveaxis(np.indices((n,) * 3), 0, -1) / n @ boxed.cell.array
    (tmp_path / "cubes").mkdir()
    for name, height in (("elf-1", 0.8), ("density", 0.2)):
        with (tmp_path / f"cubes/{name}.cube").open("w") as file:
            write_cube(file, boxed, data=height * ball(places_A, boxed.positions[0]))
    plane = Plane(start.positions[0] + [-1.5, 0.0, -1.5], 0.25 * np.eye(3)[[0, 2]], (13, 13))
    found = cube_map(str(tmp_path / "cubes"), plane)
    points_A = found.plane.points_A()
    assert np.abs(points_A[:, 1] - start.positions[0, 1]).max() < 0.3
    expected = ball(points_A, start.positions[0]).reshape(found.plane.shape)
    np.testing.assert_allclose(found.elf, 0.8 * expected, atol=2e-3)
    np.testing.assert_allclose(found.rho, 0.2 * expected, atol=1e-3)
    assert found.elf.max() > 0.7
    (tmp_path / "cubes/density.cube").unlink()
    with pytest.raises(UserError, match="no density cube"):
        cube_map(str(tmp_path / "cubes"), plane)
