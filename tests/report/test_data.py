"""Result files read for the report: what is there, and what is said of what is missing or damaged."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iondrill.analyse.tables import evenly, read_table
from iondrill.errors import UserError


def complaint(folder):
    with pytest.raises(UserError) as caught:
        folder.read()
    return str(caught.value)


def test_everything_of_the_contract_is_read(folder):
    results = folder.read()
    assert len(results.jobs) == len(list(folder.results.glob("jobs/*/*/result.json")))
    assert {(s.name, s.state, s.level) for s in results.structures if s.name == "nd"} == {
        ("nd", "as built", None),
        ("nd", "relaxed", "gfn2"),
    }
    drill, control = results.runs
    assert [frame.time_fs for frame in drill.maps] == [0, 10, 20]
    np.testing.assert_allclose(drill.order.numbers("gap_edge_A")[[0, -1]], [3.7, 4.7])
    assert np.isnan(control.order.numbers("penetration_A")).all()
    energies = results.adsorption.numbers("E_ads_eV")
    assert np.isnan(energies).tolist() == [row["E_ads_eV"] == "" for row in folder.rows()]


def test_a_stage_that_is_not_configured_is_not_looked_for(folder):
    folder.config |= {"md": {}, "adsorption": {}}
    results = folder.read()
    assert results.runs == []
    assert results.adsorption is None


def test_maps_that_are_not_asked_for_are_not_looked_for(folder):
    folder.config["elf"] = {"frames": 0}
    (folder.results / "elf" / "drill" / "summary.csv").unlink()
    assert all(run.contacts is None and run.maps == [] for run in folder.read().runs)


@pytest.mark.parametrize(
    "name",
    [
        "md/drill/order_parameters.csv",
        "charges/control.csv",
        "elf/drill/summary.csv",
        "elf/drill/20.png",
        "adsorption.csv",
        "structures/nd.json",
        "jobs/relax/nd.gfn2/relaxed.extxyz",
    ],
)
@pytest.mark.parametrize("damage", ["missing", "empty", "cut"])
def test_a_missing_or_damaged_file_is_named(folder, name, damage):
    path = folder.results / name
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(content[: 0 if damage == "empty" else int(0.7 * len(content))])
    if damage == "cut" and name.endswith(".csv"):
        path.write_bytes(content[: content.rindex(b",")])
    assert str(path) in complaint(folder)


def test_a_record_that_claims_an_unknown_status_is_named(folder):
    path = folder.results / "jobs/relax/nd.gfn2/result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"status": "fine"}))
    message = complaint(folder)
    assert str(path) in message
    assert "status" in message


def test_a_word_in_place_of_a_number_is_shown_with_its_column(folder):
    path = folder.results / "md/drill/order_parameters.csv"
    path.write_text(path.read_text().replace("3.7500", "wide"))
    message = complaint(folder)
    assert "gap_edge_A" in message
    assert "'wide'" in message


def test_all_problems_are_told_at_once(folder):
    names = ["charges/control.csv", "adsorption.csv", "elf/drill/0.png"]
    for name in names:
        (folder.results / name).unlink()
    message = complaint(folder)
    assert all(name in message for name in names)


def test_nothing_is_taken_from_a_job_that_did_not_converge(folder):
    folder.job("relax", "nd", "failed", "SCF")
    folder.job("md", "drill", "not_converged", "SCF")
    results = folder.read()
    assert ("nd", "relaxed") not in {(s.name, s.state) for s in results.structures}
    assert ("drill", "last frame") not in {(s.name, s.state) for s in results.structures}
    assert [run.name for run in results.finished_runs] == ["control"]


def test_whatever_there_is_is_read_and_the_rest_is_named(folder):
    """A kill, a stop and a mistake: what other branches gave is there."""
    for name in ("adsorption.csv", "elf/drill/20.png", "md/control/order_parameters.csv"):
        (folder.results / name).unlink()
    for name in ("md/control", "relax/nd", "elf/drill.20", "elf/drill.40"):
        (folder.results / f"jobs/{name}.gfn2/result.json").unlink()
    folder.text("jobs/md/control.gfn2/job.json", json.dumps({"input_hash": "ab", "task": {"task": "relax"}}))
    journal = [{"reason": "stopped by SIGTERM", "changed": "", "wall_s": 1, "core_s": 1, "n_scf_cycles": 3}]
    folder.text("jobs/md/control.gfn2/state/ab/journal.json", json.dumps(journal))
    folder.text("logs/relax/nd.gfn2.log", "building\niondrill: levels: the program is not there\nTook 1 s\n")
    folder.text("logs/run_elf_point/drill.20.gfn2.log", "Traceback\nOSError: gone\nTook 1.0 s, 0.1 s of CPU time\n")
    folder.text("jobs/elf/drill.40.gfn2/result.json", "{cut")
    results = folder.read_so_far()
    missing = {item.what: item for item in results.missing}
    assert missing["md/control.gfn2"][1:] == ("stopped", "stopped by SIGTERM")
    assert missing["relax/nd.gfn2"][1:] == ("waiting", "levels: the program is not there")
    assert missing["elf/drill.20.gfn2"][1:] == ("waiting", "OSError: gone")
    assert missing["elf/drill.40.gfn2"].state == "unreadable"
    assert missing[str(folder.results / "adsorption.csv")].state == "missing"
    assert results.adsorption is None
    assert [(run.name, [frame.step for frame in run.maps]) for run in results.runs] == [("drill", [0, 40])]
    assert not {"relax/nd.gfn2", "elf/drill.20.gfn2"} & {f"{job.id.stage}/{job.id.name}" for job in results.jobs}


def test_a_folder_without_results_is_read(folder):
    shutil.rmtree(folder.results)
    results = folder.read_so_far()
    assert results.jobs == results.structures == results.runs == []
    assert {item.state for item in results.missing} == {"waiting", "missing"}


def test_nothing_is_missing_from_what_is_whole(folder):
    shutil.copy(folder.results / "structures/assembly.gfn2.extxyz", folder.results / "structures/assembly.extxyz")
    shutil.copy(folder.results / "structures/assembly.gfn2.json", folder.results / "structures/assembly.json")
    folder.config["adsorption"] |= {"sites": ["bridge", "cave"]}
    assert folder.read_so_far().missing == []


def test_other_columns_are_refused(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("step,time\n0,0\n")
    with pytest.raises(UserError, match=r"table\.csv \(line 1\).*step,time_fs"):
        read_table(path, ("step", "time_fs"))


@given(st.integers(0, 500), st.integers(2, 60))
def test_thinning_keeps_the_ends_and_the_order(total, most):
    chosen = evenly(total, most)
    assert len(chosen) == min(total, most)
    assert chosen == sorted(set(chosen))
    if total:
        assert (chosen[0], chosen[-1]) == (0, total - 1)
        gaps = np.diff(chosen)
        assert not len(gaps) or gaps.max() - gaps.min() <= 1
