"""NEP by nep-adapters: a potential with parameters drawn at random is as good as any to compare the ways to run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ase import Atoms
from ase.build import molecule
from potentials import random_potential

from iondrill.config.levels import AseLevel
from iondrill.engines.ase import AseEngine
from iondrill.errors import UserError
from iondrill.jobs.frames import Frames
from iondrill.jobs.job import Job
from iondrill.jobs.journal import state_folder

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.nep


def job(level: AseLevel, **task: object) -> Job:
    fields = {"stage": "md", "name": "x.nep", "level_name": "nep", "level": level, "kind": "cluster", "task": task}
    return Job.model_validate(fields)


def test_an_isolated_molecule_has_the_energy_of_one_in_a_far_larger_cell(tmp_path: Path) -> None:
    from nep_adapters.ase import NepAseCalculator

    level = random_potential(tmp_path / "nep.txt")
    result, final = AseEngine().run(job(level, task="static"), molecule("C6H6"), tmp_path / "job")
    alone = molecule("C6H6", cell=[60, 60, 60], pbc=True)
    alone.calc = NepAseCalculator(str(tmp_path / "nep.txt"))
    assert result.energy_eV == pytest.approx(alone.get_potential_energy(), abs=1e-6)
    assert final.arrays["forces_eV_A"] == pytest.approx(alone.get_forces(), abs=1e-6)
    assert abs(alone.get_forces()).max() > 0.01


def test_a_run_in_two_parts_is_that_in_one_digit_for_digit(tmp_path: Path) -> None:
    level = random_potential(tmp_path / "nep.txt")
    settings = {
        "timestep_fs": 0.25,
        "temperature_K": 300,
        "thermostat": {},
        "launch_m_s": 0,
        "save_every": 5,
        "seed": 1,
    }
    longer, shorter = (job(level, task="md", steps=steps, **settings) for steps in (60, 40))
    AseEngine().run(longer, molecule("C6H6"), tmp_path / "whole")
    for run in (shorter, longer):
        AseEngine().run(run, molecule("C6H6"), tmp_path / "parts")
    logs = (state_folder(tmp_path / name, longer.input_hash(molecule("C6H6"))) for name in ("whole", "parts"))
    whole, parts = (Frames(state / "frames.bin") for state in logs)
    assert len(whole) == 13
    assert all(whole[k].tobytes() == parts[k].tobytes() for k in range(13))


def test_an_element_that_the_file_lacks_is_one_message(tmp_path: Path) -> None:
    level = random_potential(tmp_path / "nep.txt")
    with pytest.raises(UserError, match=r"levels\.nep\.calculator: NEP failed for 1 atoms of Na: .*Na"):
        AseEngine().run(job(level, task="static"), Atoms("Na"), tmp_path / "job")


def test_a_file_that_is_not_there_is_one_message(tmp_path: Path) -> None:
    level = AseLevel(engine="ase", calculator="NEP", arguments={"model_file": str(tmp_path / "none.txt")})
    with pytest.raises(UserError, match=r"levels\.nep\.arguments: NEP does not take .*none\.txt"):
        AseEngine().run(job(level, task="static"), Atoms("C"), tmp_path / "job")
