"""Outside the region that a potential was fitted in it gives no result: the grade says so, and nothing else is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase.build import molecule
from potentials import potential_of

from iondrill.config.levels import AseLevel
from iondrill.engines.ase import AseEngine
from iondrill.engines.ase.grade import Grade
from iondrill.engines.embedded.md import LOOK_EVERY
from iondrill.engines.embedded.neb import find_path
from iondrill.errors import UserError
from iondrill.jobs.frames import last_step
from iondrill.jobs.job import Job
from iondrill.jobs.journal import state_folder

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

pytestmark = pytest.mark.nep
MD = {
    "task": "md",
    "steps": 120,
    "timestep_fs": 0.25,
    "thermostat": {"time_constant_fs": 5},
    "launch_m_s": 0,
    "save_every": 20,
    "seed": 1,
}
ANYTHING_IS_RELAXED = {"task": "relax", "fmax_eV_A": 1e4, "max_steps": 1}


def shaken(seed: int) -> Atoms:
    atoms = molecule("C6H6")
    atoms.rattle(0.03, seed=seed)
    return atoms


def squeezed() -> Atoms:
    atoms = molecule("C6H6")
    atoms.positions *= 0.8
    return atoms


@pytest.fixture
def potential(tmp_path: Path) -> Path:
    """The folder of a potential of benzene near its minimum: its forces are any, its grade is real."""
    return potential_of(
        tmp_path / "potential", [shaken(seed) for seed in range(8)], [shaken(seed) for seed in range(8, 12)]
    )


def job(potential: Path, task: dict[str, Any], **level: Any) -> Job:
    arguments = {"potential": str(potential)}
    fields = {"engine": "ase", "calculator": "fitted", "arguments": arguments, **level}
    return Job.model_validate(
        {"stage": "md", "name": "x.own", "level_name": "own", "level": fields, "kind": "cluster", "task": task}
    )


def test_a_run_of_a_squeezed_structure_ends_before_its_first_step(potential: Path, tmp_path: Path) -> None:
    run = job(potential, {**MD, "temperature_K": 300})
    result, _ = AseEngine().run(run, squeezed(), tmp_path / "job")
    assert (result.status, result.energy_eV) == ("not_converged", None)
    (attempt,) = result.attempts
    assert attempt.reason.startswith("step 0 is outside the trained region: grade ")
    assert attempt.reason.endswith("allowed 2")
    grade = Grade.read(potential)
    assert grade.of(shaken(0)) < 1
    assert grade.of(squeezed()) > 2
    assert f"grade {grade.of(squeezed()):.1f}, atom {int(grade.of_atoms(squeezed()).argmax())} (" in attempt.reason
    # the limit is the user's
    result, _ = AseEngine().run(
        job(potential, {**MD, "temperature_K": 300}, largest_grade=None), squeezed(), tmp_path / "job"
    )
    assert result.status == "converged"


def test_a_hot_run_is_stopped_on_its_way_and_stays_stopped(potential: Path, tmp_path: Path) -> None:
    run = job(potential, {**MD, "temperature_K": 3000})
    result, last = AseEngine().run(run, molecule("C6H6"), tmp_path / "job")
    assert result.status == "not_converged"
    frames = state_folder(tmp_path / "job", run.input_hash(molecule("C6H6"))) / "frames.bin"
    stopped = last_step(frames)
    assert stopped is not None
    # the first look after the start: never later than it is due
    assert LOOK_EVERY <= stopped < LOOK_EVERY + MD["save_every"]
    assert result.attempts[-1].reason.startswith(f"step {stopped} is outside the trained region: grade ")
    assert Grade.read(potential).of(last) > 2
    again, _ = AseEngine().run(run, molecule("C6H6"), tmp_path / "job")
    assert last_step(frames) == stopped
    assert [attempt.reason for attempt in again.attempts] == 2 * [result.attempts[0].reason]


def test_a_relaxation_has_not_converged_where_nothing_is_known(potential: Path, tmp_path: Path) -> None:
    outside, inside = (
        AseEngine().run(job(potential, ANYTHING_IS_RELAXED), atoms, tmp_path / name)[0]
        for name, atoms in (("outside", squeezed()), ("inside", molecule("C6H6")))
    )
    assert (outside.status, outside.energy_eV) == ("not_converged", None)
    assert outside.attempts[-1].reason.startswith("the relaxed geometry is outside the trained region: grade ")
    assert inside.status == "converged"


def test_a_path_that_leaves_the_region_between_two_ends_inside_gives_no_barrier(
    potential: Path, tmp_path: Path
) -> None:
    start, end = molecule("C6H6"), molecule("C6H6")
    # two neighbouring hydrogens change places: they meet half way
    end.positions[[6, 7]] = start.positions[[7, 6]]
    task = {"task": "neb", "images": 1, "fmax_eV_A": 1e6, "max_steps": 1}
    grade = Grade.read(potential)
    assert max(grade.of(start), grade.of(end)) < 1
    result, band = find_path(job(potential, task), start, end, tmp_path / "outside")
    assert (result.status, result.energy_eV, band.energies_eV) == ("not_converged", None, [])
    assert result.attempts[-1].reason.startswith("image 1 of the path is outside the trained region: grade ")
    assert grade.of(band.images[1]) > 2
    # the same path where the user sets no limit
    result, band = find_path(job(potential, task, largest_grade=None), start, end, tmp_path / "any")
    assert result.status == "converged"
    assert len(band.energies_eV) == 3


def test_an_element_that_was_not_in_the_training_is_one_message(potential: Path, tmp_path: Path) -> None:
    point, salt = job(potential, {"task": "static"}), molecule("C6H6")
    AseEngine().write_inputs(point, salt, tmp_path)
    salt.symbols[0] = "K"
    with pytest.raises(UserError, match="level 'own' has no parameters for K; allowed: C, H"):
        AseEngine().write_inputs(point, salt, tmp_path)
    assert np.isinf(Grade.read(potential).of(molecule("LiH")))


def test_the_limit_counts_in_the_hash_only_where_it_is_set(potential: Path) -> None:
    plain, same, other = (
        job(potential, {"task": "static"}, **limit).input_hash(molecule("C6H6"))
        for limit in ({}, {"largest_grade": 2.0}, {"largest_grade": 3.0})
    )
    assert plain == same != other


def test_elements_are_known_from_the_folder_and_from_the_file(potential: Path) -> None:
    of_file = AseLevel(engine="ase", calculator="NEP", arguments={"model_file": str(potential / "nep.txt")})
    of_folder = AseLevel(engine="ase", calculator="fitted", arguments={"potential": str(potential)})
    assert of_file.offer.elements == of_folder.offer.elements == ["C", "H"]
    # what is not made yet may have any
    missing = AseLevel(engine="ase", calculator="fitted", arguments={"potential": str(potential / "none")})
    assert missing.offer.elements is None
