"""Windows of a plan: which frame each starts from, what of it counts, and a profile that is not to be had."""

from __future__ import annotations

import numpy as np
import pytest

from iondrill.analyse.energies.sampled import chain_of, edges_A, nearest_frame, profile_of, write_profiles
from iondrill.analyse.tables import read_table
from iondrill.config.document import Document, dump
from iondrill.config.models import Config
from iondrill.engines.base import Result
from iondrill.errors import UserError
from iondrill.geometry.coordinates import penetration
from iondrill.geometry.io import write_structure
from iondrill.geometry.registry import build
from iondrill.geometry.selection import select
from iondrill.jobs.frames import FrameLog
from iondrill.jobs.name import JobId
from iondrill.prepare.plan import Plan
from iondrill.prepare.stages.free_energy import Sampled

PROFILE = {
    "run": "a",
    "from_A": -3,
    "to_A": 1,
    "windows": 3,
    "steps": 40,
    "settle_fs": 5,
    "seeds": [7],
    "save_every": 4,
}


@pytest.fixture
def plan(tmp_path, recipes):
    runs = {"a": {"assembly": "drill-nd29-li", "relax_parts": False, "steps": 40, "timestep_fs": 1}}
    fields = {"levels": {"gfn2": {"engine": "xtb"}, "pbe": {"engine": "cp2k"}}, "md": {"runs": runs}}
    fields |= {"results": str(tmp_path), "structures": str(recipes), "free_energy": {"profiles": {"p": PROFILE}}}
    return Plan(Config.model_validate(fields))


@pytest.fixture
def start(plan):
    atoms = build("drill-nd29-li", plan.recipes)
    write_structure(atoms, plan.results / "structures/drill-nd29-li.extxyz")
    return atoms


def frames(folder, atoms, shifts):
    """Write frames in which the nanodiamond is shifted along x."""
    folder.mkdir(parents=True, exist_ok=True)
    with FrameLog.open(folder / "frames.bin", len(atoms), forces=False, charges=False) as log:
        for k, shift in enumerate(shifts):
            moved = atoms.positions + np.outer(atoms.arrays["fragment"] == "nd", [shift, 0, 0])
            same = {"temperature_K": 1, "potential_eV": 0, "conserved_eV": 0, "velocities_A_fs": 0 * moved}
            log.append(step=4 * k, time_fs=4.0 * k, positions_A=moved, **same)
    return folder / "result.json"


def test_each_window_has_a_steering_before_it_and_noise_of_its_own(plan):
    jobs = plan.free_energy.jobs()
    assert len(jobs) == 2 + 3 * 2
    assert [JobId.parse("free_energy", job.name) for job in jobs] == jobs
    assert [Sampled.of(job).variant for job in jobs] == [job.variant for job in jobs]
    tasks = {job.variant: plan.free_energy.task(job) for job in jobs}
    assert len({task.seed for task in tasks.values()}) == len(jobs)
    assert [tasks[f"w{k:02d}-out-s7"].restraint.at_A for k in range(3)] == [-3, -1, 1]
    pulls = [tasks[f"pull-{way}-s7"].restraint for way in ("in", "out")]
    assert [(pull.at_A, pull.speed_A_fs) for pull in pulls] == [(1, 0.002), (-3, 0.002)]
    assert tasks["pull-in-s7"].steps * 1 * 0.002 >= 4  # long enough for the whole way
    window, steering = JobId.parse("free_energy", "p.w01-out-s7.gfn2"), "p.pull-out-s7.gfn2"
    assert plan.free_energy.steering(window).name == steering
    assert plan.free_energy.steering(JobId.parse("free_energy", steering)).name == "p.pull-in-s7.gfn2"
    assert plan.free_energy.structure(window) == "drill-nd29-li"


def test_a_level_without_a_restraint_is_refused(plan, tmp_path):
    config = plan.config.model_dump(mode="json", exclude_unset=True)
    config["md"]["level"] = "pbe"
    path = tmp_path / "c.yaml"
    path.write_text(dump(config))
    (problem,) = Plan(Config.model_validate(config)).free_energy.problems([Document(path)])
    assert problem.where.startswith(f"{path}: free_energy.profiles.p (line ")
    assert "which has no restraint" in problem.found


def test_a_matrix_is_no_run(plan):
    config = plan.config.model_dump(mode="json", exclude_unset=True)
    matrix = {"assemblies": {"li": "drill-nd29-li"}, "seeds": [1], "steps": 10}
    config["md"] = {"matrix": {"a": matrix}}
    with pytest.raises(ValueError, match="found matrix 'a'; allowed: one of a-li-s1"):
        Config.model_validate(config)


def test_the_nearest_frame_starts_a_window(start, tmp_path):
    record = frames(tmp_path / "pull", start, [0, 1.1, 2.2, 3.3])
    selection = select(start, start.positions)
    now = penetration(start.positions, selection)[0]
    chosen = nearest_frame(record, start, "penetration_A", now + 2.0)
    assert penetration(chosen.positions, selection)[0] == pytest.approx(now + 2.2, abs=1e-6)
    assert chosen.arrays["fragment"].tolist() == start.arrays["fragment"].tolist()


def test_the_beginning_of_a_window_does_not_count(plan, start):
    job = JobId.parse("free_energy", "p.w01-in-s7.gfn2")
    record = frames(plan.folder(job), start, [0, 9, 1, 2])
    chain = chain_of(record, start, job, plan)
    assert (chain.at_A, chain.way) == (-1, "in")
    selection = select(start, start.positions)
    edge = start.positions[np.concatenate([layer.edge for layer in selection.layers]), 0].mean()
    tip = start.positions[selection.nd, 0].max() - edge
    assert chain.shown_A == pytest.approx([tip + 1, tip + 2])  # 0 and 4 fs are before 5 fs
    assert (chain.biased_A >= chain.shown_A).all()


def test_bins_are_half_as_wide_as_windows_are_apart_whatever_the_direction():
    assert edges_A([0.0, 1.0, 2.0]) == pytest.approx([0, 0.5, 1, 1.5, 2])
    assert edges_A([2.0, 1.0, 0.0]) == pytest.approx([0, 0.5, 1, 1.5, 2])


def test_no_number_comes_from_a_window_that_did_not_converge(plan):
    for k, job in enumerate(plan.free_energy.windows("p")):
        plan.folder(job).mkdir(parents=True)
        status = "not_converged" if k == 2 else "converged"
        fields = {"level": "gfn2", "engine": "xtb", "engine_version": "1", "input_hash": "0"}
        Result(status=status, **fields).write(plan.folder(job) / "result.json")
    profile = profile_of(plan, "p")
    assert profile.curve is None
    assert "1 of 6 windows did not converge, the first p.w02-in-s7" in profile.status
    write_profiles(plan, [profile], plan.results / "free_energy.csv", plan.results / "free_energy.json")
    assert read_table(plan.results / "free_energy.csv").rows == []


def test_a_configuration_without_profiles_says_what_it_needs(plan):
    config = plan.config.model_dump(mode="json", exclude_unset=True)
    del config["free_energy"]
    with pytest.raises(UserError, match=r"free_energy: the configuration has no such section; needed: profiles"):
        Plan(Config.model_validate(config)).free_energy.jobs()
