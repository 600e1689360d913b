"""From a trajectory to the frames that are compared, and from single points written by hand to the verdict."""

from __future__ import annotations

import csv
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from ase.io.trajectory import TrajectoryWriter
from projects import stacked

from iondrill.analyse.dynamics.order import write_order
from iondrill.analyse.verification import collected
from iondrill.analyse.verification.collected import choose_frames, verify
from iondrill.analyse.verification.record import Verification
from iondrill.config.models import Config
from iondrill.engines.base import FORCES, AttemptEntry, Result
from iondrill.errors import UserError
from iondrill.geometry.labels import set_fragment
from iondrill.prepare.plan import Plan

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

N_FRAMES, CONTACT_AT = 9, 4
OFF = 0.1
"""Error that is put into each force component of the run's level, eV/Å."""


def start() -> Atoms:
    flake, drop = stacked("C6H6"), molecule("isobutane")
    set_fragment(drop, "nd")
    drop.positions += [6.0, 0.0, 1.8] - drop.positions.mean(axis=0)
    whole = flake + drop
    whole.set_cell([30, 30, 30])
    return whole


def plan_of(folder: Path, **verify_settings: Any) -> Plan:
    run = {"assembly": "tiny", "steps": 2 * N_FRAMES, "save_every": 2, "relax_parts": False}
    content = {
        "results": str(folder / "results"),
        "structures": str(folder / "structures"),
        "levels": {"own": {"engine": "xtb"}, "reference": {"engine": "xtb", "accuracy": 0.1}},
        "md": {
            "level": "own",
            "run": ["drill"],
            "runs": {"drill": run},
            "verify": {"level": "reference", "frames": 3} | verify_settings,
        },
    }
    return Plan(Config.model_validate(content))


def forces_of(atoms: Atoms) -> np.ndarray:
    """Return forces that depend on where an atom is."""
    return np.sin(atoms.positions)


def written(plan: Plan) -> Path:
    """Write a run whose third atom moves, with its forces, and its order parameters."""
    folder = plan.md.results_of("drill")
    folder.mkdir(parents=True)
    with TrajectoryWriter(str(folder / "trajectory.traj"), "w") as writer:
        for k in range(N_FRAMES):
            atoms = start()
            atoms.positions[2] += [0.0, 0.0, 0.01 * k]
            atoms.info |= {"step": 2 * k, "time_fs": float(k)}
            atoms.calc = SinglePointCalculator(atoms, energy=-1.0, forces=forces_of(atoms))
            writer.write(atoms)
    steps = np.arange(0, 2 * N_FRAMES, 2)
    bonds = (np.arange(N_FRAMES) >= CONTACT_AT).astype(float)
    write_order([{"step": steps, "time_fs": steps / 2.0, "nd_flake_bonds": bonds}], folder / "order_parameters.csv")
    choose_frames(plan, "drill", start(), plan.results / "verify/drill/chosen.json")
    return folder


def computed(plan: Plan, *, fail: str = "", energies_eV: dict[str, list[float]] | None = None) -> None:
    """Write what the single points would give: the run's level is off by `OFF`; energies by level and slot."""
    for job in plan.verify.of_run("drill"):
        folder = plan.folder(job)
        folder.mkdir(parents=True)
        atoms = read(plan.verify.frame_file("drill", job.slot, job.cut), format="extxyz")
        atoms.set_array(FORCES, np.sin(atoms.positions) + (OFF if job.level == "own" else 0.0))
        write(folder / "structure.extxyz", atoms, format="extxyz")
        bad = job.name.startswith(fail) and fail
        Result(
            status="not_converged" if bad else "converged",
            level=job.level,
            engine="xtb",
            engine_version="1",
            energy_eV=None if bad else energies_eV[job.level][job.slot] if energies_eV else -5.0,
            attempts=[AttemptEntry(reason="SCF not converged" if bad else "finished")],
            input_hash="0",
        ).write(folder / "result.json")


def said(plan: Plan) -> dict[str, Any]:
    folder = plan.md.results_of("drill")
    outputs = {
        "parts": folder / "verification.csv",
        "frames": folder / "verified_frames.csv",
        "verdict": folder / "verification.json",
    }
    verify(plan, "drill", plan.results / "verify/drill/chosen.json", outputs)
    return {"lines": outputs["frames"].read_text().splitlines(), "found": Verification.read(outputs["verdict"])}


def test_frames_are_those_of_the_trajectory_with_their_labels(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    written(plan)
    chosen = json.loads((plan.results / "verify/drill/chosen.json").read_text())
    assert [(row["step"], row["why"]) for row in chosen["frames"]] == [
        (2 * CONTACT_AT, "first contact"),
        # of the seven that are left, the last of each half
        (6, "evenly spaced"),
        (2 * (N_FRAMES - 1), "evenly spaced"),
    ]
    for row in chosen["frames"]:
        frame = read(plan.results / f"verify/drill/{row['slot']}.whole.extxyz", format="extxyz")
        assert frame.positions[2, 2] == pytest.approx(start().positions[2, 2] + 0.005 * row["step"])
        assert frame.arrays["fragment"].tolist() == start().arrays["fragment"].tolist()


def test_the_error_that_was_put_in_comes_out_and_is_trusted(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    written(plan)
    computed(plan)
    found = said(plan)["found"]
    assert (found.verdict, found.frames_compared) == ("trusted", 3)
    assert found.force_rmse_eV_A == pytest.approx(OFF)
    assert found.cutting is None
    assert "trusted, 3 of 3 frames against GFN2-xTB" in found.sentence
    assert f"force error {OFF:.2f} eV/Å of a force of {found.force_rms_eV_A:.2f} eV/Å (rms)" in found.sentence


def test_a_frame_that_does_not_converge_is_said_and_left_out(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    written(plan)
    computed(plan, fail="drill.f1.whole.reference")
    given = said(plan)
    assert given["found"].frames_compared == 2
    assert given["found"].verdict == "trusted"
    assert "reference: SCF not converged" in given["lines"][2]
    computed_rows = [line for line in given["lines"][1:] if ",compared," in line]
    assert len(computed_rows) == 2


def test_energies_are_those_of_the_single_points_less_what_all_frames_share(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    written(plan)
    n_atoms = len(start())
    # both levels rise by 1 eV; the run's is off by 0, 0 and 6 meV an atom: by −2, −2 and 4 about the mean
    energies_eV = {"own": [-5.0, -4.0, -4.0 + 6e-3 * n_atoms], "reference": [-105.0, -104.0, -104.0]}
    computed(plan, energies_eV=energies_eV)
    rows = list(csv.DictReader(said(plan)["lines"]))
    assert [float(row["energy_error_meV_atom"]) for row in rows] == pytest.approx([-2.0, -2.0, 4.0], abs=0.01)


@pytest.mark.parametrize(("verdict", "refused"), [("trusted", False), ("doubtful", False), ("refused", True)])
def test_only_what_is_refused_is_refused(tmp_path: Path, verdict: str, refused: bool) -> None:
    plan = plan_of(tmp_path)
    written(plan)
    computed(plan)
    found = said(plan)["found"].model_copy(update={"verdict": verdict})
    found.write(tmp_path / "verification.json")
    assert Verification.read(tmp_path / "verification.json").refused is refused


def test_pieces_are_compared_with_what_drove_the_run(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, piece_atoms=24, whole=1)
    written(plan)
    computed(plan)
    given = said(plan)
    assert [line.split(",")[4] for line in given["lines"][1:]] == ["piece", "piece", "piece", "whole"]
    cutting = given["found"].cutting
    assert 0 < cutting.n < 3 * 24
    # forces of the pieces are those at their positions in their own boxes: others than on the whole frames
    assert cutting.force_rmse_eV_A > 0


def test_a_damaged_verification_is_said_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "verification.json"
    path.write_text('{"verdict": "fine"}')
    with pytest.raises(UserError) as caught:
        Verification.read(path)
    assert "it is made again" in str(caught.value)


def test_a_chosen_frame_outside_the_training_refuses_though_no_other_was_graded(tmp_path, monkeypatch) -> None:
    """The third atom moves up by 0.01 Å from frame to frame: the grade grows with it, and is over 2 at the contact."""
    grade = SimpleNamespace(of=lambda atoms: 60 * (atoms.positions[2, 2] - start().positions[2, 2]))
    monkeypatch.setattr(collected, "grade_of", lambda _: grade)
    monkeypatch.setattr(collected, "graded", lambda _: [0, 1])
    plan = plan_of(tmp_path, frames=1)
    written(plan)
    computed(plan)
    found = said(plan)["found"]
    assert found.largest_grade == pytest.approx(60 * 0.01 * CONTACT_AT)
    assert found.verdict == "refused"
    assert found.reasons == ["a frame left the region that the potential was trained on: grade 2.4, allowed 2"]
