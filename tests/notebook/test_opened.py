"""Results opened in a notebook: what comes out is what the files hold, with units in the names, and nothing early."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import iondrill
from iondrill.analyse.elf.map import read_elf_map
from iondrill.errors import UserError

FINISHED = Path(__file__).parents[1] / "data/finished"
"""Every 20th frame of the default run, and every third point of its maps."""
JOB = "adsorption/C100-2x1.Li-cave.gfn2-smeared"


@pytest.fixture(scope="module")
def run():
    return iondrill.open(FINISHED)


def cells(path):
    with (FINISHED / path).open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    "path", ["adsorption.csv", "md/drill/order_parameters.csv", "charges/drill.csv", "elf/drill/summary.csv"]
)
def test_a_table_holds_what_its_file_holds(run, path):
    frame, rows = run.tables[path], cells(path)
    assert len(frame) == len(rows) > 5
    assert list(frame.columns) == list(rows[0])
    for name in frame.columns:
        if frame.attrs["units"][name] or name in {"n", "step"}:
            expected = [float(row[name]) if row[name] else np.nan for row in rows]
            assert np.array_equal(frame[name].to_numpy(dtype=float), expected, equal_nan=True), name
    assert all(frame.attrs["meanings"][name] for name in frame.columns)


def test_the_names_of_columns_say_their_units(run):
    frame = run.adsorption
    assert frame.attrs["units"]["E_ads_eV"] == "eV"
    assert set(frame["adsorbate"]) == {"Li", "Na"}  # no ion is taken for a missing value
    assert frame["E_ads_eV"].max() < 0
    assert run.order["drill"]["step"].dtype.kind == "i"


def test_maps_are_arrays_on_points(run):
    assert list(run.elf) == ["drill"]
    assert list(run.elf["drill"]) == ["0", "200"]
    frame = run.elf["drill"][200]
    kept = read_elf_map(FINISHED / "elf/drill/200.npz")
    assert np.array_equal(frame.elf, kept.elf)
    assert frame.points_A.shape == (*frame.elf.shape, 3)
    assert np.allclose(frame.points_A[3, 2], kept.plane.origin_A + 3 * kept.plane.axes_A[0] + 2 * kept.plane.axes_A[1])
    assert frame.density_e_bohr3.min() >= 0
    assert run.contacts["drill"]["elf_midpoint"].between(0, 1).all()


def test_structures_are_those_of_ase(run):
    assert run.atoms("C100-2x1").get_chemical_formula() == "C32H8"
    bound = run.atoms(JOB)
    assert bound.get_chemical_formula() == "C32H8Li"
    assert bound.info["status"] == "converged"
    # the energies give the row of the table
    rows = run.adsorption.set_index(["facet", "adsorbate", "site"])
    parts = ("C100-2x1.clean", "atom.Li")
    apart_eV = sum(run.atoms(f"adsorption/{part}.gfn2-smeared").get_potential_energy() for part in parts)
    found_eV = bound.get_potential_energy() - apart_eV
    assert found_eV == pytest.approx(rows.loc[("C100-2x1", "Li", "cave"), "E_ads_eV"], abs=1e-6)


def test_frames_are_those_of_the_order_parameters(run):
    frames, order = run.frames("drill"), run.order["drill"]
    assert [atoms.info["step"] for atoms in frames] == order["step"].tolist()
    energies = [atoms.get_potential_energy() for atoms in frames]
    assert np.allclose(energies, order["potential_eV"], atol=1e-6)
    assert run.events("drill")["watched_fs"] == order["time_fs"].iloc[-1]


def test_every_job_has_a_row(run):
    jobs = run.jobs
    assert len(jobs) == len(list(FINISHED.glob("jobs/*/*/result.json"))) > 30
    assert set(jobs["status"]) == {"converged"}
    assert jobs["energy_eV"].notna().any()
    assert f"{len(jobs)} jobs; runs: drill>" in repr(run)


def test_a_view_shows_itself_without_a_network(run, tmp_path):
    view = run.view("drill", frames=5)
    assert repr(view) == "<view of drill: 109 atoms, 5 frames>"
    view.save(tmp_path / "drill.html")
    page = (tmp_path / "drill.html").read_text()
    assert page.count("\\n109\\n") == 4  # and one at the beginning
    assert "src=" not in page.partition("</script>")[2]
    assert view._repr_html_().startswith('<iframe srcdoc="')
    assert repr(run.view("C100-2x1")) == "<view of C100-2x1: 40 atoms, 1 frames>"


def test_what_is_not_there_is_said_with_what_is(run, tmp_path):
    with pytest.raises(KeyError, match="order: no dril; did you mean 'drill'"):
        run.order["dril"]
    with pytest.raises(KeyError, match="elf of drill: no 100; "):
        run.elf["drill"][100]
    with pytest.raises(UserError, match="names no structure and no job; did you mean 'C100-2x1'"):
        run.atoms("C100-2x2")
    with pytest.raises(UserError, match="there is no such folder"):
        iondrill.open(tmp_path / "none")
    with pytest.raises(UserError, match="holds no results"):
        iondrill.open(tmp_path)


def test_a_cut_table_is_refused(tmp_path):
    shutil.copytree(FINISHED, tmp_path / "results")
    table = tmp_path / "results/adsorption.csv"
    table.write_text(table.read_text()[:-100])
    run = iondrill.open(tmp_path / "results")  # nothing is read yet
    with pytest.raises(UserError, match=r"adsorption\.csv"):
        _ = run.adsorption
    assert len(run.order["drill"]) == 11


def test_to_import_it_is_cheap():
    probe = "import iondrill, sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert not {"pandas", "numpy", "ase", "pydantic", "matplotlib"} & set(done.stdout.split())
