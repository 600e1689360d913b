"""Paths by the climbing-image nudged elastic band: symmetry, their ends, kills and honest failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.mep import NEB

from iondrill.config.levels import XtbLevel
from iondrill.engines.base import StoppedError
from iondrill.engines.embedded import neb
from iondrill.engines.embedded.calculator import ScfNotConvergedError
from iondrill.engines.embedded.neb import find_path
from iondrill.engines.external.launch import LOCK_WAIT, WALLTIME, only_one
from iondrill.engines.xtb import XtbEngine
from iondrill.engines.xtb.calculator import XtbCalculator
from iondrill.errors import UserError
from iondrill.jobs.job import Job, Neb, Relax
from iondrill.jobs.journal import state_folder

if TYPE_CHECKING:
    from pathlib import Path

CC_A = 1.40
GFN2 = XtbLevel(engine="xtb")


def naphthalene_with_lithium() -> Atoms:
    """Return the smallest piece of graphene that has two hexagons, the lithium over the left one."""
    centre_A, angles = CC_A * np.sqrt(3) / 2, np.arange(6) * np.pi / 3
    rim = np.array([np.sin(angles), np.cos(angles), 0 * angles]).T
    right = CC_A * rim + np.array([centre_A, 0, 0])
    hydrogen = (CC_A + 1.09) * rim[:4] + np.array([centre_A, 0, 0])
    both = [np.concatenate([some, some[some[:, 0] > 0.1] * [-1, 1, 1]]) for some in (right, hydrogen)]
    atoms = Atoms(f"C{len(both[0])}H{len(both[1])}", positions=np.concatenate(both))
    return atoms + Atoms("Li", positions=[[-centre_A, 0, 1.9]])


def job(task) -> Job:
    stage = "relax" if isinstance(task, Relax) else "barriers"
    return Job(stage=stage, name="naphthalene.gfn2", level_name="gfn2", level=GFN2, task=task, kind="cluster")


@pytest.fixture(scope="module")
def relaxed(tmp_path_factory) -> tuple[Atoms, float]:
    folder = tmp_path_factory.mktemp("end")
    result, atoms = XtbEngine().run(job(Relax(fmax_eV_A=0.01, max_steps=200)), naphthalene_with_lithium(), folder)
    atoms.calc = None
    return atoms, result.energy_eV


@pytest.fixture
def ends(relaxed) -> tuple[Atoms, Atoms]:
    """Return the lithium over the left hexagon, and the mirror image with its atoms in the same order."""
    start, end = relaxed[0].copy(), relaxed[0].copy()
    flat = naphthalene_with_lithium().positions[:-1]
    order = [int(np.linalg.norm(flat - position * [-1, 1, 1], axis=1).argmin()) for position in flat]
    end.positions[[*order, len(flat)]] = start.positions * [-1, 1, 1]
    return start, end


def test_a_symmetric_path_has_its_saddle_at_the_bridge(ends, relaxed, tmp_path: Path) -> None:
    result, band = find_path(job(Neb(images=3, fmax_eV_A=0.02, max_steps=200)), *ends, tmp_path)
    assert result.status == "converged"
    energies = np.array(band.energies_eV)
    assert energies[0] == pytest.approx(relaxed[1], abs=1e-6)
    assert energies[-1] == pytest.approx(energies[0], abs=1e-6)
    top = int(energies.argmax())
    assert 0 < energies[top] - energies[0] < 1
    assert result.energy_eV == energies[top]
    # by symmetry, over the middle of the bond that the hexagons share
    assert np.allclose(band.images[top].positions[-1, :2], 0, atol=0.05)
    assert np.allclose(energies, energies[::-1], atol=2e-3)
    # a saddle: stationary, and downhill along the path on both sides
    atoms = band.images[top].copy()
    atoms.calc = XtbCalculator(GFN2, unpaired=1)
    assert np.linalg.norm(atoms.get_forces(), axis=1).max() < 0.03
    for shift in (-0.3, 0.3):
        shifted = atoms.copy()
        shifted.positions[-1, 0] += shift
        shifted.calc = XtbCalculator(GFN2, unpaired=1)
        assert shifted.get_potential_energy() < energies[top]


def test_atoms_that_change_places_are_led_round_each_other() -> None:
    start = molecule("C6H6")
    end = start.copy()
    end.positions[[6, 7]] = start.positions[[7, 6]]
    for image in neb._guess(start, end, 3)[1:-1]:
        assert np.isfinite(image.positions).all()
        assert image.get_distance(6, 7) > 0.5


def test_a_position_that_is_no_number_is_a_message_and_no_crash(ends) -> None:
    atoms = ends[0].copy()
    atoms.positions[3, 1] = np.nan
    atoms.calc = XtbCalculator(GFN2, unpaired=1)
    with pytest.raises(ScfNotConvergedError, match="position of an atom is not finite"):
        atoms.get_forces()


def test_a_path_that_is_not_relaxed_gives_no_number_and_goes_on_where_it_stopped(ends, tmp_path: Path) -> None:
    short, whole = (job(Neb(images=3, fmax_eV_A=0.03, max_steps=steps)) for steps in (2, 100))
    result, band = find_path(short, *ends, tmp_path)
    assert result.status == "not_converged"
    assert result.energy_eV is None
    assert band.energies_eV == []
    assert result.attempts[-1].reason == "not relaxed within 2 steps"
    # a kill: the state of the short search replaces that of the whole one
    (state,) = (tmp_path / "state").iterdir()
    state.rename(state.with_name(whole.input_hash(*ends)))
    (journal,) = tmp_path.glob("state/*/journal.json")
    journal.write_text(journal.read_text().replace("not relaxed within 2 steps", "running"))
    again, _ = find_path(whole, *ends, tmp_path)
    assert again.status == "converged"
    assert again.attempts[0].reason == "killed at step 2"
    assert again.n_ionic_steps > 2


def test_a_band_that_another_run_has_in_hand_is_waited_for(ends, tmp_path: Path, monkeypatch) -> None:
    task = job(Neb(images=1, fmax_eV_A=0.05, max_steps=100))
    monkeypatch.setenv(LOCK_WAIT, "0.3")
    with (
        only_one(state_folder(tmp_path, task.input_hash(*ends)) / "lock"),
        pytest.raises(UserError, match="another run works in this folder"),
    ):
        find_path(task, *ends, tmp_path)
    assert find_path(task, *ends, tmp_path)[0].status == "converged"


def test_a_band_stops_softly_at_its_wall_time_and_goes_on(ends, tmp_path: Path, monkeypatch) -> None:
    task = job(Neb(images=1, fmax_eV_A=0.05, max_steps=100))
    monkeypatch.setenv(WALLTIME, "0.01")
    with pytest.raises(StoppedError, match="at the wall time"):
        find_path(task, *ends, tmp_path)
    monkeypatch.delenv(WALLTIME)
    again, _ = find_path(task, *ends, tmp_path)
    assert (again.status, again.attempts[0].reason) == ("converged", "stopped at the wall time")


def test_images_that_are_known_are_not_computed_again(ends, tmp_path: Path, monkeypatch) -> None:
    task = job(Neb(images=1, fmax_eV_A=0.05, max_steps=100))
    first, band = find_path(task, *ends, tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(XtbCalculator, "calculate", refuse)
    second, same = find_path(task, *ends, tmp_path)
    assert (second.status, second.energy_eV) == (first.status, first.energy_eV)
    assert same.energies_eV == band.energies_eV


def test_damaged_state_is_a_start_from_scratch(ends, tmp_path: Path) -> None:
    task = job(Neb(images=1, fmax_eV_A=0.05, max_steps=100))
    first, _ = find_path(task, *ends, tmp_path)
    for path in tmp_path.glob("state/*/*.npz"):
        path.write_bytes(path.read_bytes()[:40])
    second, _ = find_path(task, *ends, tmp_path)
    assert second.energy_eV == pytest.approx(first.energy_eV, abs=1e-4)


def test_another_end_is_another_path(ends) -> None:
    start, end = ends
    task = job(Neb(images=1, fmax_eV_A=0.05, max_steps=100))
    assert task.input_hash(start) == job(task.task).input_hash(start)
    assert len({task.input_hash(start, end), task.input_hash(end, start), task.input_hash(start, start)}) == 3


def test_an_image_climbs_only_once_the_band_is_nearly_relaxed(ends, tmp_path: Path, monkeypatch) -> None:
    """Its largest force is then at most four times what is allowed at the end, and was more at the start."""
    forces_eV_A = []

    class Watched(NEB):
        def __init__(self, images: list[Atoms], **settings: Any) -> None:
            super().__init__(images, **settings)
            if "climb" in settings:  # the band that is relaxed, not the first guess
                plain = NEB(images, **settings | {"climb": False})
                forces_eV_A.append(np.linalg.norm(plain.get_forces().reshape(-1, 3), axis=1).max())

    monkeypatch.setattr(neb, "NEB", Watched)
    fmax_eV_A = 0.05
    result, _ = find_path(job(Neb(images=1, fmax_eV_A=fmax_eV_A, max_steps=100)), *ends, tmp_path)
    assert result.status == "converged"
    start, where_it_climbs = forces_eV_A
    assert where_it_climbs <= 4 * fmax_eV_A < start
