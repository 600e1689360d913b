"""Labels recorded of earlier runs in place of single points: what is compared, and what is refused."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from potentials import potential_of

from iondrill.analyse.verification.collected import verify
from iondrill.analyse.verification.record import Verification
from iondrill.config.models import Config
from iondrill.engines.ase.grade import Grade
from iondrill.engines.ase.learned import calculator_of
from iondrill.errors import UserError
from iondrill.geometry.labels import set_fragment
from iondrill.potential.labels import settings_of
from iondrill.prepare.plan import Plan

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

pytestmark = pytest.mark.nep
OFF = 0.1
"""Put into each force component of the labels, eV/Å."""


def shaken(seed: int, name: str = "C6H6") -> Atoms:
    atoms = molecule(name)
    atoms.rattle(0.03, seed=seed)
    set_fragment(atoms, "lower")
    return atoms


@pytest.fixture
def potential(tmp_path: Path) -> Path:
    return potential_of(
        tmp_path / "potential", [shaken(seed) for seed in range(6)], [shaken(seed) for seed in range(6, 9)]
    )


def labelled(potential: Path, atoms: Atoms, **info: str) -> Atoms:
    atoms.calc = calculator_of(potential)
    forces, energy = atoms.get_forces() + OFF, atoms.get_potential_energy()
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
    atoms.info = {"step": 40, **info}
    return atoms


def plan_of(folder: Path, potential: Path, labels: Path) -> Plan:
    levels = {
        "own": {"engine": "ase", "calculator": "fitted", "arguments": {"potential": str(potential)}},
        "gfn2": {"engine": "xtb"},
        "reference": {"engine": "xtb", "accuracy": 0.1},
    }
    runs = {
        "drill": {"assembly": "tiny", "steps": 10, "level": "own"},
        "cheap": {"assembly": "tiny", "steps": 10, "level": "gfn2"},
    }
    verified = {"level": "reference", "recorded": [str(labels)]}
    md = {"level": "own", "run": ["drill", "cheap"], "runs": runs, "verify": verified}
    return Plan(Config.model_validate({"results": str(folder / "results"), "levels": levels, "md": md}))


def said(plan: Plan, largest_grade: float = 2.0) -> tuple[Verification, str]:
    folder = plan.md.results_of("drill")
    folder.mkdir(parents=True)
    chosen = folder / "chosen.json"
    content: dict[str, Any] = {"frames": [], "elements": ["C", "H"], "n_graded": 4, "largest_grade": largest_grade}
    chosen.write_text(json.dumps(content))
    for path in plan.verify.gates_of("drill"):
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"level": "own", "title": "own", "answers": {}}))
    outputs = {name: folder / name for name in ("parts", "frames", "verdict")}
    verify(plan, "drill", chosen, outputs)
    return Verification.read(outputs["verdict"]), outputs["frames"].read_text()


def test_the_error_on_recorded_frames_is_found_without_a_single_point(tmp_path: Path, potential: Path) -> None:
    labels = tmp_path / "labels.extxyz"
    ion = labelled(potential, shaken(22))
    ion.symbols[0] = "Li"
    write(labels, [*(labelled(potential, shaken(seed)) for seed in (20, 21)), ion], format="extxyz")
    plan = plan_of(tmp_path, potential, labels)
    # of GFN2 they say nothing; and nothing is computed
    assert plan.verify.runs() == ["drill"]
    assert plan.verify.jobs() == []
    found, frames = said(plan)
    assert found.recorded
    assert found.frames_compared == 2  # the run has no lithium
    assert found.force_rmse_eV_A == pytest.approx(OFF, abs=1e-6)
    assert frames.count("recorded") == 2
    assert "2 recorded frames of earlier runs" in found.sentence


def test_a_frame_farther_from_the_training_than_the_run_comes_says_nothing_of_it(
    tmp_path: Path, potential: Path
) -> None:
    labels, grade = tmp_path / "labels.extxyz", Grade.read(potential)
    frames = [labelled(potential, shaken(seed)) for seed in (20, 21, 22)]
    write(labels, frames, format="extxyz")
    near, _, far = sorted(map(grade.of, frames))
    assert near < far
    for k, (most, n) in enumerate(((far + 1e-6, 3), (far - 1e-6, 2), (near + 1e-6, 1))):
        found, _ = said(plan_of(tmp_path / str(k), potential, labels), largest_grade=most)
        assert found.frames_compared == n


def test_a_run_that_left_the_trained_region_is_refused_all_the_same(tmp_path: Path, potential: Path) -> None:
    labels = tmp_path / "labels.extxyz"
    write(labels, [labelled(potential, shaken(seed)) for seed in (20, 21)], format="extxyz")
    found, _ = said(plan_of(tmp_path, potential, labels), largest_grade=3.0)
    assert found.verdict == "refused"
    assert "grade 3.0" in found.sentence


def test_a_frame_that_was_learned_from_or_is_of_another_level_is_refused(tmp_path: Path, potential: Path) -> None:
    labels = tmp_path / "labels.extxyz"
    write(labels, [labelled(potential, shaken(3))], format="extxyz")
    with pytest.raises(UserError, match=r"frame.* is one that the potential has learned from"):
        said(plan_of(tmp_path / "a", potential, labels))
    settings = settings_of(Config.model_validate({"levels": {"x": {"engine": "xtb"}}}).levels["x"])
    write(labels, [labelled(potential, shaken(20), settings=settings)], format="extxyz")
    with pytest.raises(UserError, match=r"frame.* was labelled at other settings than '.*' has now"):
        said(plan_of(tmp_path / "b", potential, labels))


def test_the_forces_of_a_label_are_those_of_its_file(tmp_path: Path, potential: Path) -> None:
    """A planted error in one part alone shows in that part."""
    atoms = shaken(20)
    set_fragment(atoms, np.where(atoms.positions[:, 0] > 0, "nd", "lower"))
    one = labelled(potential, atoms)
    forces = one.get_forces() - OFF
    forces[one.arrays["fragment"] == "nd"] += 1.0
    one.calc = SinglePointCalculator(one, energy=0.0, forces=forces)
    labels = tmp_path / "labels.extxyz"
    write(labels, [one], format="extxyz")
    plan = plan_of(tmp_path, potential, labels)
    said(plan)
    with (plan.md.results_of("drill") / "parts").open() as file:
        rows = {row["part"]: float(row["force_rmse_eV_A"]) for row in csv.DictReader(file)}
    assert rows["nanodiamond"] == pytest.approx(1.0, abs=1e-6)
    assert rows["flake"] == pytest.approx(0.0, abs=1e-6)
