"""Energies of ions inside diamond: sums of three jobs, and nothing where one of them failed."""

from __future__ import annotations

import pytest

from iondrill.analyse.energies.interstitial import INTERSTITIALS, Interstitial
from iondrill.config.models import Config
from iondrill.engines.base import Result
from iondrill.geometry.interstitials import diamond_cell, with_interstitial
from iondrill.jobs.name import JobId
from iondrill.prepare.plan import Plan


def result(energy, status="converged", version="1"):
    fields = {"level": "l", "engine": "xtb", "engine_version": version, "input_hash": "0"}
    return Result(status=status, energy_eV=energy if status == "converged" else None, **fields)


def row(**changed):
    parts = {"combined": result(-90.0), "clean": result(-95.0), "atom": result(-2.0)} | changed
    relaxed = with_interstitial(diamond_cell(2), "Li", "tetrahedral", 2)
    return Interstitial("diamond", "Li", "tetrahedral", 2, **parts, relaxed=relaxed)


def test_an_ion_inside_is_held_against_the_free_atom(tmp_path):
    cells = INTERSTITIALS.cells(row())
    assert cells["E_interstitial_eV"] == pytest.approx(-90 + 95 + 2)
    assert cells["nearest_A"] == pytest.approx(0.8 * (1.28 + 0.76))
    assert (cells["status"], cells["level"]) == ("converged", "l")
    INTERSTITIALS.write([row()], tmp_path / "t.csv")
    assert INTERSTITIALS.read(tmp_path / "t.csv").numbers("E_interstitial_eV") == pytest.approx([7.0])


@pytest.mark.parametrize("part", ["combined", "clean", "atom"])
def test_no_number_comes_from_a_part_that_failed_or_is_of_another_version(part):
    failed = row(**{part: result(0, "not_converged")})
    assert failed.E_interstitial_eV is None
    assert "not_converged" in failed.status
    assert (failed.nearest_A is None) == (part == "combined")
    other = row(**{part: result(-1.0, version="2")})
    assert other.E_interstitial_eV is None
    assert "different versions" in other.status


def test_a_plan_has_the_supercells_and_their_atoms(recipes):
    levels = {"gfn2": {"engine": "xtb"}, "pbe": {"engine": "cp2k", "kpoints": [4, 4, 1]}}
    settings = {"level": "pbe", "ions": ["Li"], "repeats": [2, 3]}
    config = {"levels": levels, "structures": str(recipes), "interstitials": settings}
    stage = Plan(Config.model_validate(config)).interstitials
    jobs = stage.jobs()
    sites = [f"diamond.Li-{site}.x{n}.pbe" for site in ("tetrahedral", "hexagonal") for n in (2, 3)]
    assert [job.name for job in jobs] == ["diamond.clean.x2.pbe", "diamond.clean.x3.pbe", *sites, "atom.Li.pbe"]
    inside = JobId.parse("interstitials", "diamond.Li-hexagonal.x3.pbe")
    assert inside in jobs
    assert (stage.size(inside).n_atoms, len(stage.start(stage.clean(2)))) == (217, 64)
    assert stage.level(inside).kpoints == (4, 4, 4)
    assert stage.elements(inside, {}) == {"C", "Li"}
