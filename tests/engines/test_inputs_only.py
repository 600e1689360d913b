"""What `snakemake inputs` does to a folder: writes and checks it, and leaves alone what a run has left."""

from __future__ import annotations

import json

import pytest

from iondrill.engines.base import FORCES, Result
from iondrill.engines.folder import read_job, rounded
from iondrill.engines.inputs_only import LEFT_ALONE, OF_ANOTHER, write_inputs
from iondrill.geometry.checks import read_structure


def finish(folder, digest):
    """Leave in a folder what a finished single point does."""
    atoms = read_structure(folder / "structure.extxyz")
    atoms.set_array(FORCES, atoms.positions * 0 + 0.125)
    atoms.write(folder / "structure.extxyz")
    fields = {"level": "dft", "engine": "cp2k", "engine_version": "1", "energy_eV": -1.0}
    Result(status="converged", input_hash=digest, **fields).write(folder / "result.json")


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "inputs.json"}


@pytest.mark.parametrize("name", ["cp2k", "vasp"])
def test_a_folder_is_written_and_checked_once_more_until_it_holds_a_result(name, make_job, structure, tmp_path):
    job, atoms = make_job(name, "cluster", "static"), structure("cluster")
    record = write_inputs(job, atoms, tmp_path)
    assert {*record["files"], "inputs.json"} == {path.name for path in tmp_path.iterdir()}
    assert record == json.loads((tmp_path / "inputs.json").read_text())
    assert any("atoms" in check for check in record["checks"])
    (tmp_path / "structure.extxyz").unlink()
    assert write_inputs(job, atoms, tmp_path) == record

    finish(tmp_path, job.input_hash(rounded(atoms)))
    before = content(tmp_path)
    record = write_inputs(job, atoms, tmp_path)
    assert (record["files"], record["checks"]) == ([], [LEFT_ALONE])
    assert content(tmp_path) == before
    assert FORCES in read_structure(tmp_path / "structure.extxyz").arrays


def test_a_result_of_another_start_is_left_alone_with_what_it_was_made_from(make_job, structure, tmp_path):
    """The single point of a run's first frame has relaxed parts, and the folder of its name as built."""
    job, ran = make_job("cp2k", "cluster", "wavefunction"), structure("cluster")
    ran.positions[0, 2] += 0.1
    write_inputs(job, ran, tmp_path)
    finish(tmp_path, job.input_hash(rounded(ran)))
    before = content(tmp_path)
    assert write_inputs(job, structure("cluster"), tmp_path)["checks"] == [OF_ANOTHER]
    assert content(tmp_path) == before
    read_job(tmp_path)
    (tmp_path / "result.json").write_text("{")
    assert write_inputs(job, ran, tmp_path)["checks"] == [OF_ANOTHER]
    (tmp_path / "result.json").unlink()
    assert write_inputs(job, structure("cluster"), tmp_path)["files"]
    assert FORCES not in read_structure(tmp_path / "structure.extxyz").arrays
