"""What became of a row: as data, and as the table says it; folders without the data are read by the table alone."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ase import Atoms

from iondrill.analyse.energies.adsorption import Adsorption
from iondrill.analyse.energies.adsorption_table import read_adsorption, write_adsorption
from iondrill.analyse.energies.row_status import RowStatus, status_of_text
from iondrill.config.levels import XtbLevel
from iondrill.engines.base import AttemptEntry, Neighbour, Neighbourhood, Result
from iondrill.prepare.estimates import COVERS, ErrorEstimate

A_A = 2.5
SITES = {"top": np.array([[0, 0, 9], [A_A, 0, 9.0]]), "bridge": np.array([[A_A / 2, 0, 9], [3 * A_A / 2, 0, 9.0]])}


def result(energy_eV, **changed):
    fields = {"level": "gfn2", "engine": "xtb", "engine_version": "0.8", "input_hash": "0"}
    return Result(status="converged", energy_eV=energy_eV, **(fields | changed))


def row(x_A=0.0, *, combined=None, error=None):
    ends = [[0, 0, 10], [A_A, 0, 10], [0, 0, 9], [A_A, 0, 9], [x_A, 0, 12]]
    atoms = Atoms("C4Li", ends, tags=[1, 1, 2, 2, 0], cell=[2 * A_A, A_A, 30], pbc=True)
    atoms.arrays["fragment"] = np.array(["slab"] * 4 + ["adsorbate"])
    return Adsorption(
        facet="C100",
        termination="clean",
        adsorbate="Li",
        site="top",
        level=XtbLevel(engine="xtb", dispersion="none"),
        combined=combined or result(-110.0),
        substrate=result(-100.0),
        atom=result(-7.0),
        geometry=atoms,
        sites=SITES,
        error=error,
    )


def lower_beside():
    points = [Neighbour(shift_A=0.4, status="converged", above_eV=-0.31)]
    return result(-110.0, neighbourhood=Neighbourhood(points=points))


def unconverged():
    attempts = [AttemptEntry(reason="300 steps; then\nkilled")]
    return Result(**result(None).model_dump() | {"status": "not_converged", "attempts": attempts})


ROWS = {
    "as it was put": row(),
    "moved": row(A_A / 2),
    "second minimum": row(combined=lower_beside()),
    "error": row(error=ErrorEstimate(0.02, f"{COVERS} cutoff_Ry, not kpoints")),
    "unconverged": row(combined=unconverged()),
    "refused": row(combined=result(-107.5, engine_version="0.9")),
}


def read(tmp_path, one):
    write_adsorption([one], tmp_path / "adsorption.csv", tmp_path / "adsorption.json")
    table = read_adsorption(tmp_path / "adsorption.csv")
    return table, table.rows[0]


@pytest.mark.parametrize("one", ROWS.values(), ids=ROWS)
def test_the_data_say_what_the_table_says(tmp_path, one):
    table, cells = read(tmp_path, one)
    assert str(table.status(cells)) == cells["status"]


@pytest.mark.parametrize("one", [one for name, one in ROWS.items() if name != "unconverged"])
def test_a_folder_without_the_data_is_read_by_its_table(tmp_path, one):
    table, cells = read(tmp_path, one)
    known = table.status(cells)
    (tmp_path / "adsorption.json").unlink()
    assert read_adsorption(tmp_path / "adsorption.csv").status(cells) == known == status_of_text(cells["status"])


def test_codes_say_what_a_program_asks_for(tmp_path):
    moved = read(tmp_path, ROWS["moved"])[0]
    status = moved.status(moved.rows[0])
    assert (status.word, status.has("moved"), status.sites) == ("converged", True, ["bridge"])
    assert row(combined=lower_beside()).status.has("second_minimum")
    assert not row().status.notes


def test_words_that_a_program_wrote_are_not_taken_apart(tmp_path):
    # a reason that reads like a remark is none
    misleading = Result(**unconverged().model_dump() | {"attempts": [AttemptEntry(reason="x; moved to bridge")]})
    table, cells = read(tmp_path, row(combined=misleading))
    assert "moved to bridge" in cells["status"]
    assert table.status(cells).sites == []


def test_the_data_are_json_that_others_read(tmp_path):
    read(tmp_path, ROWS["moved"])
    (found,) = json.loads((tmp_path / "adsorption.json").read_text())["rows"]
    assert found["status"] == {
        "word": "converged",
        "notes": [{"text": "moved to bridge", "code": "moved", "sites": ["bridge"]}],
    }


@pytest.mark.parametrize(
    ("words", "worst"),
    [
        (["converged", "converged"], "converged"),
        (["converged", "refused"], "refused"),
        (["not_converged", "refused"], "not_converged"),
        (["failed", "not_converged", "converged"], "failed"),
    ],
)
def test_what_became_of_several_is_what_became_of_the_worst(words, worst):
    for several in (words, words[::-1]):
        assert RowStatus.worst(several, []).word == worst
