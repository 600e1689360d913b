"""A potential made from a reference by Snakemake: killed, resumed, judged on trajectories that it never saw."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase.io import read, write
from projects import make_project, run, snakemake

from iondrill.engines.ase.learned import calculator_of
from iondrill.files import INSTALL
from iondrill.potential.labels import Store

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.workflow, pytest.mark.torchnep]

CAGE: dict[str, Any] = {
    "kind": "cluster",
    "centre": "cage",
    "radius_A": 1.9,
    "expect_atoms": 10,
}
CONFIG: dict[str, Any] = {
    "levels": {"gfn2": {"engine": "xtb"}, "reference": {"engine": "xtb", "accuracy": 0.5}},
    "potential": {
        "name": "small",
        "reference": "reference",
        "generations": 2,
        "select": {"count": 6, "least_distance": 0.01},
        "pretrain": {"copies": 2, "epochs": 40},
        "fit": {"epochs": 120, "neurons": 10, "n_max": 4, "basis_size": 6, "batch": 1},
        "explore": {
            "cage": {
                "structure": "cage",
                "saturate": True,
                "temperatures_K": [300, 450, 600],
                "seeds": [1],
                "steps": 30,
                "frames": 3,
            }
        },
        "runs": {
            "own": {
                "structure": "cage",
                "kind": "cage",
                "saturate": True,
                "temperature_K": 400,
                "steps": 60,
                "frames": 4,
            }
        },
    },
}


def test_a_potential_is_made_from_its_labels_and_judged_on_others(tmp_path: Path) -> None:
    project = make_project(tmp_path, CONFIG, {"clusters/cage.yaml": CAGE})
    first = "results/potential/small/generation-0/judged.json"
    done = run(snakemake(project, "--cores", "2", first))
    assert done.returncode == 0, done.stderr[-4000:]
    # the cheap labels are of trajectories that nothing is judged on
    cheap = {path.parent.name for path in (tmp_path / "results/potential/small/pretrained/labels").glob("*/*.extxyz")}
    assert cheap == {"cage-300K-s1", "cage-450K-s1", "cage-600K-s1"} - set(
        json.loads((tmp_path / first).read_text())["held_out_trajectories"]
    )
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "results/potential/small/labels").glob("*/*")}
    assert len(stamps) == 6

    # labels that are there are not made again, though the files that name them are lost
    for record in (tmp_path / "results/potential/small/generation-0/labels").iterdir():
        record.unlink()
    done = run(snakemake(project, "--cores", "2", "potential"))
    assert done.returncode == 0, done.stderr[-4000:]
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())

    folder = tmp_path / "results/potential/small"
    card = json.loads((folder / "card.json").read_text())
    judged = card["errors"]
    labels = read(folder / "labels.extxyz", index=":")
    assert card["labels"]["n"] == len(labels) == judged["n_training"] + judged["n_held_out"]
    assert card["reference"]["title"].startswith("GFN2")
    held = set(judged["held_out_trajectories"])
    assert held
    everything = judged["held_out"]["all"]
    # it has learned something, and says how little
    assert 0 < everything["force_rmse_eV_A"] < everything["force_rms_eV_A"]
    assert judged["verdicts"]["all"] in {"trusted", "doubtful", "refused"}
    assert judged["own_run_of_the_generation_before"]["all"]["n"] > 0
    assert [one["generation"] for one in card["generations"]] == [0, 1]

    # the card's error is what the published potential does on the published labels
    calculator = calculator_of(folder)
    errors = []
    for label in labels:
        if label.info["group"] in held:
            atoms = label.copy()
            atoms.calc = calculator
            errors.append(atoms.get_forces() - label.get_forces())
    assert np.sqrt((np.concatenate(errors) ** 2).mean()) == pytest.approx(everything["force_rmse_eV_A"], rel=1e-3)
    # and its forces are the slope of its energy
    atoms, step_A, energies = labels[0].copy(), 1e-3, []
    atoms.calc = calculator
    force = atoms.get_forces()[0, 0]
    for sign in (1, -1):
        moved = labels[0].copy()
        moved.positions[0, 0] += sign * step_A
        moved.calc = calculator
        energies.append(moved.get_potential_energy())
    assert force == pytest.approx(-(energies[0] - energies[1]) / (2 * step_A), abs=0.02)


def test_a_teacher_labels_displaced_frames_and_those_of_own_runs(tmp_path: Path) -> None:
    shipped = Store(INSTALL / "structures/potentials/drill/labels").labels()
    mine = [one for one in shipped if str(one.info["group"]).startswith("adamantane")]
    for one in mine:
        one.info = {key: one.info[key] for key in ("kind", "group", "step")}
    section = CONFIG["potential"]
    config = {
        "levels": CONFIG["levels"],
        "potential": {
            **{key: section[key] for key in ("reference", "fit", "runs")},
            "name": "taught",
            "learn_from": ["mine.extxyz"],
            "select": {"count": 0},
            "pretrain": {
                "teacher": {"epochs": 1, "batch": 1},
                "copies": 2,
                "rounds": 1,
                "reference_copies": 3,
                "epochs": 40,
            },
        },
    }
    project = make_project(tmp_path, config, {"clusters/cage.yaml": CAGE})
    write(tmp_path / "mine.extxyz", mine, format="extxyz")
    done = run(snakemake(project, "--cores", "1", "potential"))
    assert done.returncode == 0, done.stderr[-4000:]
    folder = tmp_path / "results/potential/taught"
    judged = json.loads((folder / "teacher/judged.json").read_text())
    assert (judged["n_training"], judged["n_held_out"]) == (3, 1)
    everything = judged["held_out"]["all"]
    assert everything["force_rmse_eV_A"] < 0.3 * everything["force_rms_eV_A"]

    card = json.loads((folder / "card.json").read_text())
    assert card["teacher"]["held_out"] == judged["held_out"]
    held = card["errors"]["held_out_trajectories"]
    cheap = read(folder / "pretrained/cheap.extxyz", index=":")
    groups = [str(one.info["group"]) for one in cheap]
    assert not set(groups) & set(held)
    ran = [one for one in groups if one.startswith("round-1-own-")]
    assert len(ran) == CONFIG["potential"]["runs"]["own"]["frames"]
    assert len(groups) == 3 * 2 + len(ran)
    (on_own_run,) = card["rounds"]
    assert on_own_run["all"]["n"] == len(ran) * len(mine[0])
    learned = read(folder / "generation-0/fit-1/train.xyz", index=":")
    assert len(learned) == len(cheap) + 3 * judged["n_training"]


def test_without_the_section_the_target_says_so(tmp_path: Path) -> None:
    config = {"levels": CONFIG["levels"]}
    done = run(snakemake(make_project(tmp_path, config, {}), "--cores", "1", "potential"))
    assert done.returncode != 0
    assert "has no such section" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
