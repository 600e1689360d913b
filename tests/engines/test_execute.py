"""From specification to record, and where the start geometry of a relaxation comes from; with real GFN2."""

import fcntl
import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule
from ase.constraints import FixAtoms

from iondrill.config.levels import XtbLevel
from iondrill.engines import execute as execute_module
from iondrill.engines.base import AttemptEntry, read_converged, read_result
from iondrill.engines.execute import TURN, execute, offer_guess, pass_over, prerelaxed
from iondrill.engines.external.launch import LOCK_WAIT
from iondrill.engines.molden import MOLDEN
from iondrill.errors import UserError
from iondrill.geometry.checks import read_structure
from iondrill.geometry.io import write_structure
from iondrill.jobs.job import Job, Relax, Static


@pytest.fixture
def methane():
    atoms = molecule("CH4")
    atoms.positions[1] *= 1.15
    atoms.set_array("fragment", np.array(["nd"] * 5))
    atoms.set_constraint(FixAtoms([0]))
    return atoms


def relax(atoms, folder, name, start=None, **level):
    job = Job(
        stage="relax",
        name=f"methane.{name}",
        level_name=name,
        level=XtbLevel(engine="xtb", **level),
        task=Relax(fmax_eV_A=0.02, max_steps=50),
        kind="cluster",
        note="methane as built",
    )
    files = [folder / name / "result.json", folder / name / "relaxed.extxyz"]
    execute(job.model_dump(mode="json"), atoms, *files, start=start)
    return [str(path) for path in files]


def test_a_relaxation_starts_from_its_prerelaxation(methane, tmp_path):
    first = relax(methane, tmp_path, "gfn2")
    warm, start = prerelaxed(methane, first)
    assert start.used
    assert start.level == "gfn2"
    assert start.max_force_eV_A <= 0.02
    assert warm.constraints[0].get_indices().tolist() == [0]
    again = relax(warm, tmp_path, "again", start)
    cold, warmed = (read_result(tmp_path / name / "result.json") for name in ("gfn2", "again"))
    assert warmed.start == start
    assert warmed.n_ionic_steps < cold.n_ionic_steps
    assert abs(warmed.energy_eV - cold.energy_eV) < 1e-4
    assert json.loads((tmp_path / "again/job.json").read_text())["note"] == "methane as built; pre-relaxed at gfn2"
    assert again != first


def test_the_start_geometry_is_all_that_a_prerelaxation_changes(methane, tmp_path):
    warm, start = prerelaxed(methane, relax(methane, tmp_path, "gfn2"))
    relax(warm, tmp_path, "with", start)
    hash_with = read_result(tmp_path / "with/result.json").input_hash
    (tmp_path / "with/result.json").unlink()
    relax(warm, tmp_path, "with")
    assert read_result(tmp_path / "with/result.json").input_hash == hash_with


def test_a_prerelaxation_that_did_not_converge_is_not_used(methane, tmp_path):
    failed = relax(methane, tmp_path, "gfn2", max_scf_cycles=1)
    atoms, start = prerelaxed(methane, failed)
    assert atoms == methane
    assert not start.used
    assert (start.status, start.reason) == ("not_converged", "it is not_converged")
    relax(atoms, tmp_path, "again", start)
    result = read_result(tmp_path / "again/result.json")
    assert result.status == "converged"
    assert "not from its pre-relaxation at gfn2" in (tmp_path / "again/job.json").read_text()
    assert result.start == start


def test_a_prerelaxation_that_fell_apart_is_not_used(methane, tmp_path):
    files = relax(methane, tmp_path, "gfn2")
    apart = methane.copy()
    apart.set_constraint()
    apart.positions[1] *= 3
    write_structure(apart, tmp_path / "gfn2/relaxed.extxyz")
    atoms, start = prerelaxed(methane, files)
    assert atoms == methane
    assert start.reason == "it fell apart, from 1 into 2 pieces"


@pytest.mark.parametrize("status", ["converged", "not_converged"])
def test_a_job_that_ends_with_atoms_in_each_other_has_a_record_and_no_numbers(methane, tmp_path, monkeypatch, status):
    ran = execute_module._run

    def ends_badly(*arguments):
        result, final = ran(*arguments)
        final.positions[2] = final.positions[1] + 0.1
        reason = AttemptEntry(reason="why it ended")
        return result.model_copy(update={"status": status, "attempts": [reason]}), final

    monkeypatch.setattr(execute_module, "_run", ends_badly)
    record, geometry = map(Path, relax(methane, tmp_path, "gfn2"))
    result = read_result(record)
    assert (result.status, result.energy_eV, result.max_force_eV_A) == ("not_converged", None, None)
    assert result.attempts[-1].reason.startswith("the last geometry is none: H1 and H2 (counted from 0) are 0.")
    assert result.attempts[-1].reason.endswith("; why it ended") == (status == "not_converged")
    assert np.allclose(read_structure(geometry).positions, methane.positions)


def test_without_prerelaxation_nothing_is_recorded(methane):
    assert prerelaxed(methane, []) == (methane, None)


def test_a_guess_of_the_users_own_is_left_alone_and_that_of_another_job_renewed(tmp_path):
    job, before, after = (tmp_path / name for name in ("job", "before", "after"))
    for folder in (job, before, after):
        folder.mkdir()
    guess = job / "guess.wfn"
    guess.write_bytes(b"the user's")
    offer_guess(job, [])
    assert guess.read_bytes() == b"the user's"
    (before / "wavefunction.wfn").write_bytes(b"before")
    offer_guess(job, [before])
    assert guess.read_bytes() == b"before"
    offer_guess(job, [after])
    assert not guess.exists(), "not that of an earlier plan"


@pytest.mark.parametrize("finishes", [True, False])
def test_what_another_run_finishes_meanwhile_is_not_computed_again(methane, tmp_path, monkeypatch, finishes):
    """The other is a run of the same job that continues after its driver was killed, or is killed itself."""
    relax(methane, tmp_path / "other", "gfn2")
    done = read_result(tmp_path / "other/gfn2/result.json")
    state = tmp_path / "copy/gfn2/state" / done.input_hash
    state.mkdir(parents=True)
    monkeypatch.setenv(LOCK_WAIT, "60")

    def end():
        if finishes:
            for name in ("relaxed.extxyz", "result.json"):
                shutil.copyfile(tmp_path / "other/gfn2" / name, tmp_path / "copy/gfn2" / name)
        fcntl.flock(lock, fcntl.LOCK_UN)

    with (state / TURN).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        timer = threading.Timer(0.5, end)
        timer.start()
        relax(methane, tmp_path / "copy", "gfn2")
        timer.join()
    found = read_result(tmp_path / "copy/gfn2/result.json")
    assert (found.status, found.energy_eV) == ("converged", pytest.approx(done.energy_eV, abs=1e-9))
    assert (state / "journal.json").exists() is not finishes
    if finishes:
        assert found == done  # to the milliseconds that it took


def test_a_job_with_nothing_to_compute_leaves_a_record_and_nothing_of_an_earlier_run(tmp_path):
    job = Job(
        stage="elf",
        name="drill.bonded.gfn2",
        level_name="gfn2",
        level=XtbLevel(engine="xtb"),
        task=Static(wavefunction=True),
        kind="cluster",
    )
    (tmp_path / MOLDEN).write_text("of an earlier run")
    record, structure = tmp_path / "result.json", tmp_path / "structure.extxyz"
    pass_over(job.model_dump(mode="json"), "it did not bond", record, structure)
    found = read_result(record)
    assert (found.status, found.why, found.energy_eV) == ("not_due", "it did not bond", None)
    assert structure.read_text() == ""
    assert not (tmp_path / MOLDEN).exists()
    with pytest.raises(UserError, match="it did not bond; nothing is made from it"):
        read_converged(record)
