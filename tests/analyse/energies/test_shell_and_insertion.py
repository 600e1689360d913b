"""Sums of several jobs, and nothing where one of them failed."""

from __future__ import annotations

import pytest

from iondrill.analyse.energies.insertion import INSERTION, Insertion
from iondrill.analyse.energies.shell import SHELLS, Shell
from iondrill.config.models import Config
from iondrill.engines.base import Result
from iondrill.jobs.name import JobId
from iondrill.prepare.plan import Plan
from iondrill.prepare.stages.shells import filling_of


def result(energy, status="converged", version="1"):
    fields = {"level": "l", "engine": "xtb", "engine_version": version, "input_hash": "0"}
    return Result(status=status, energy_eV=energy if status == "converged" else None, **fields)


def shell(**changed):
    parts = {
        "filling": {"Li": 3, "Na": 1},
        "combined": result(-120.0),
        "clean": result(-100.0),
        "atoms": {"Li": result(-2.0), "Na": result(-1.0)},
        "alone": {"Li": result(-122.0), "Na": result(-110.0)},
        "cohesion_eV": {"Li": 1.6, "Na": 1.1},
    } | changed
    return Shell("nd", **parts)


def test_a_shell_is_held_against_atoms_metals_and_shells_of_one_kind(tmp_path):
    row = shell()
    assert row.E_per_ion_eV == pytest.approx((-120 + 100 + 3 * 2 + 1) / 4)
    assert row.E_per_ion_vs_metal_eV == pytest.approx(-13 / 4 + (3 * 1.6 + 1.1) / 4)
    assert row.E_mixing_eV_per_ion == pytest.approx((-120 - (0.75 * -122 + 0.25 * -110)) / 4)
    SHELLS.write([row], tmp_path / "t.csv")
    assert SHELLS.read(tmp_path / "t.csv").numbers("E_mixing_eV_per_ion") == pytest.approx([-0.25])


def test_mixing_what_does_not_interact_costs_nothing():
    """Ions that add their energies, whatever is beside them."""
    each, clean = {"Li": -3.0, "Na": -2.5}, -100.0

    def of(filling):
        return result(clean + sum(n * each[ion] for ion, n in filling.items()))

    mixed = {"Li": 2, "Na": 6}
    row = shell(filling=mixed, combined=of(mixed), alone={ion: of({ion: 8}) for ion in mixed})
    assert row.E_mixing_eV_per_ion == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("changed", [{"combined": result(0, "failed")}, {"clean": result(0, "failed")}])
def test_no_number_comes_from_a_part_that_failed(changed):
    assert shell(**changed).E_per_ion_eV is None
    assert "failed" in shell(**changed).status
    assert shell(alone={"Li": result(0, "failed"), "Na": result(-1.0)}).E_mixing_eV_per_ion is None
    assert shell(combined=result(-1.0, version="2")).E_per_ion_eV is None
    assert shell(cohesion_eV={"Li": 1.6}).E_per_ion_vs_metal_eV is None
    assert shell(filling={"Li": 4}).E_mixing_eV_per_ion is None


def insertion(energies, **changed):
    parts = {"places": [result(energy) for energy in energies], "clean": result(-10.0), "atom": result(-1.0)}
    return Insertion("c54-aa", "Li", 3.7, **(parts | changed))


@pytest.mark.parametrize(
    ("profile", "barrier"),
    [
        ([0.0, 0.3, 0.8, -1.0], 0.8),
        # from the well before the edge
        ([0.0, -0.5, 0.4, -1.0], 0.9),
        # a smaller hill farther in
        ([0.0, 0.2, -1.0, -0.9, -2.0], 0.2),
        ([0.0, -0.1, -0.2], 0.0),
    ],
)
def test_the_barrier_is_the_largest_rise_on_the_way_in(profile, barrier):
    row = insertion([-11.0 + energy for energy in profile])
    assert row.E_insertion_eV == pytest.approx(profile[-1])
    assert row.barrier_eV == pytest.approx(barrier)
    assert INSERTION.cells(row)["profile_eV"].split()[1] == f"{profile[1]:.4f}"


def test_one_place_that_fails_leaves_no_energy():
    row = insertion([-11.0, -11.0], places=[result(-11.0), result(0, "not_converged")])
    assert (row.E_insertion_eV, row.barrier_eV) == (None, None)
    assert row.status == "refused; 1 of 4 single points did not converge"


def test_a_plan_has_every_shell_with_each_kind_alone_and_every_place(recipes):
    config = {
        "levels": {"gfn2": {"engine": "xtb"}},
        "structures": str(recipes),
        "shells": {"level": "gfn2", "clusters": ["nd29"], "fillings": [{"Li": 2}, {"Li": 1, "Na": 2}]},
        "insertion": {"level": "gfn2", "flake": "c24-aa", "ions": ["Li"], "gaps_A": [3.35, 4.5], "points": 3},
    }
    plan = Plan(Config.model_validate(config))
    shells = [job.name for job in plan.shells.jobs()]
    assert shells == [
        "nd29.clean.gfn2",
        *(f"nd29.{ions}.gfn2" for ions in ("Li2", "Li3", "Na3", "Li1Na2")),
        "atom.Li.gfn2",
        "atom.Na.gfn2",
    ]
    assert filling_of(JobId.parse("shells", "nd29.Li1Na2.gfn2")) == {"Li": 1, "Na": 2}
    ways = [job.name for job in plan.insertion.jobs()]
    places = [f"c24-aa.Li-p{n}.{gap}.gfn2" for gap in ("g335", "g450") for n in range(3)]
    assert ways == ["c24-aa.clean.g335.gfn2", "c24-aa.clean.g450.gfn2", *places, "atom.Li.gfn2"]
    start = plan.insertion.start(JobId.parse("insertion", "c24-aa.Li-p2.g450.gfn2"))
    heights = start.positions[start.numbers == 6][:, 2]
    assert heights.max() - heights.min() == pytest.approx(4.5)
    assert start.positions[-1, 2] == pytest.approx(2.25)


@pytest.mark.parametrize("flake", ["c24-aa-li", "nd29"])
def test_layers_that_cannot_be_held_apart_are_refused(recipes, flake):
    levels = {"gfn2": {"engine": "xtb"}}
    config = {"levels": levels, "structures": str(recipes), "insertion": {"level": "gfn2", "flake": flake}}
    (problem,) = Plan(Config.model_validate(config)).insertion.problems([])
    assert problem.where.endswith("insertion.flake")
    assert problem.found == f"'{flake}' is no recipe of two layers without ions"
