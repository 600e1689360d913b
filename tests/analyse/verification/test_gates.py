"""Questions whose answer is known: a level that answers as it was made to passes, pair potentials do not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.lj import LennardJones

from iondrill.analyse.verification import gates as asking
from iondrill.analyse.verification.gates import FAILED, PASSED, Answer, Passed, answers, ask
from iondrill.analyse.verification.questions import ROOMY_A, Questions, _roomy, gates
from iondrill.config.models import Config
from iondrill.engines.ase.dispersion import DISPERSION
from iondrill.engines.embedded.calculator import ScfNotConvergedError
from iondrill.prepare.plan import Plan

CARBON_EV, LAYERS_A = -9.0, {"graphite": 3.42, "Li": 3.70, "Na": 4.6}
METAL_EV, FORMED_EV = {"Li": -1.6, "Na": -1.1}, {"Li": -0.2, "Na": 0.3}
ON_GRAPHENE_EV, EDGE_A = {"Li": -1.1, "Na": -0.5}, {"Li": 3.44, "Na": 4.2}


class Known(Calculator):
    """A level that knows the energies that are asked, and nothing else: parabolas about the right distances."""

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "forces"]

    def calculate(self, atoms=None, properties=("energy",), system_changes=tuple(all_changes)):
        super().calculate(atoms, list(properties), list(system_changes))
        self.results = {"forces": np.zeros((len(atoms), 3))}
        self.results["energy"] = self.results["free_energy"] = self.energy_of(atoms)

    def energy_of(self, atoms: Atoms) -> float:
        if "H" in atoms.symbols:  # the slab with dimers: as it was built
            return 0.0
        carbon = atoms.numbers == 6
        ions = sorted(set(atoms.symbols) - {"C"})
        n_ions, periodic = int((~carbon).sum()), atoms.pbc.all()
        if not carbon.any():
            (ion,) = ions
            if not periodic:
                return 0.0
            edge_A = (atoms.get_volume() / (len(atoms) / 2)) ** (1 / 3)
            return len(atoms) * (METAL_EV[ion] + (edge_A - EDGE_A[ion]) ** 2)
        if not periodic:  # a sheet, perhaps with an ion
            energy = carbon.sum() * (CARBON_EV + 0.05)
            for ion in ions:
                height_A = atoms.positions[~carbon, 2].max() - atoms.positions[carbon, 2].max()
                energy += ON_GRAPHENE_EV[ion] + 0.5 * (height_A - 2.0) ** 2
            return float(energy)
        heights = np.unique(np.round(atoms.positions[carbon, 2], 3))
        gap_A = atoms.cell[2, 2] / len(heights)
        kind = ions[0] if ions else "graphite"
        energy = carbon.sum() * (CARBON_EV + 0.1 * (gap_A - LAYERS_A[kind]) ** 2)
        return float(energy + sum(n_ions * (METAL_EV[ion] + FORMED_EV[ion]) for ion in ions))


def asked(calculator: Calculator, known: set[str] | None = None) -> dict[str, Answer]:
    return answers(lambda _: calculator, known, lambda _: "")


@pytest.fixture(scope="module")
def right() -> dict[str, Answer]:
    return asked(Known())


def test_what_was_put_in_comes_out(right: dict[str, Answer]) -> None:
    value = {name: one.value for name, one in right.items()}
    assert value["graphite_gap_A"] == pytest.approx(3.42, abs=0.01)
    assert value["Li_on_graphene_eV"] == pytest.approx(-1.1, abs=1e-3)
    assert value["Na_less_Li_on_graphene_eV"] == pytest.approx(0.6, abs=1e-3)
    assert value["LiC6_eV"] == pytest.approx(-0.2, abs=1e-3)
    assert value["NaC6_eV"] == pytest.approx(0.3, abs=1e-3)
    # as built, since there are no forces; the recipe's dimers
    assert 1.34 < value["dimer_A"] < 1.43
    assert {one.said for one in right.values()} == {PASSED}


def test_pairs_of_spheres_take_lithium_for_sodium_and_fail() -> None:
    found = asked(LennardJones(sigma=2.0, epsilon=0.05, rc=5.0), {"C", "Li", "Na"})
    assert found["Na_less_Li_on_graphene_eV"].value == pytest.approx(0, abs=1e-6)
    assert found["Na_less_Li_on_graphene_eV"].said == FAILED
    passed = Passed(level="pairs", title="pairs", answers=found)
    assert any(
        "same of Na, less that of Li: -0.00" in text or "same of Na, less that of Li: 0.00" in text
        for text in passed.failures({"C", "H", "Li", "Na"})
    )
    # a run without ions is not refused for what the level says of them
    assert not any("Na" in text or "Li" in text for text in passed.failures({"C", "H"}))


def test_what_a_level_does_not_know_is_no_failure() -> None:
    found = asked(Known(), {"C", "H", "Li"})
    assert found["NaC6_eV"].said == "it has no Na"
    assert found["LiC6_eV"].said == PASSED
    outside = answers(lambda _: Known(), None, lambda atoms: "outside" if "Li" in atoms.symbols else "")
    assert outside["LiC6_eV"].said == "outside"
    assert outside["graphite_gap_A"].said == PASSED


def test_every_gate_is_asked_and_allows_what_is_known(right: dict[str, Answer]) -> None:
    assert set(right) == set(gates().gates)
    for gate in gates().gates.values():
        low, high = gate.allowed
        assert low < high


def test_a_level_without_a_number_ends_no_run_and_says_why() -> None:
    class Lost(Calculator):
        implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "forces"]

        def calculate(self, *_: object) -> None:
            raise ScfNotConvergedError("energy is not finite")

    found = asked(Lost())
    assert {one.said for one in found.values()} == {"energy is not finite"}
    assert not any(one.failed for one in found.values())


@pytest.mark.parametrize(("grade", "inside"), [(0.0, True), (2.0, True), (2.01, False), (np.nan, False), (None, True)])
def test_what_is_outside_the_training_is_beyond_the_grade_that_a_verdict_allows(monkeypatch, tmp_path, grade, inside):
    """A level that has no grade knows no outside."""
    said = {}
    monkeypatch.setattr(asking, "answers", lambda *given: said.update(outside=given[-1]) or {})
    measured = None if grade is None else SimpleNamespace(of=lambda atoms: atoms.info["grade"])
    monkeypatch.setattr(asking, "grade_of", lambda _: measured)
    content = {
        "levels": {"own": {"engine": "xtb"}, "reference": {"engine": "xtb", "accuracy": 0.1}},
        "md": {"verify": {"level": "reference", "verdict": {"largest_grade": 2.0}}},
    }
    ask(Plan(Config.model_validate(content)), "own", tmp_path / "own.json")
    words = said["outside"](Atoms("C", info={"grade": grade}))
    assert words == ("" if inside else f"outside the training: grade {grade:.1f}")


class Along(Calculator):
    """A level whose energy is a function of the x of the first atom."""

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy"]

    def __init__(self, energy_eV):
        super().__init__()
        self.energy_eV = energy_eV

    def calculate(self, atoms=None, properties=("energy",), system_changes=tuple(all_changes)):
        super().calculate(atoms, list(properties), list(system_changes))
        self.results = dict.fromkeys(self.implemented_properties, float(self.energy_eV(atoms.positions[0, 0])))


@pytest.mark.parametrize(
    ("energy_eV", "at"),
    [
        (lambda x: x, 1.0),
        (lambda x: -x, 4.0),
        (lambda x: (x - 1.1) ** 2, 1.1),
        (lambda x: (x - 3.9) ** 2, 3.9),
        # of two minima the deeper, on whichever side it is
        (lambda x: min((x - 1.5) ** 2, (x - 3.4) ** 2 - 0.01), 3.4),
        (lambda x: min((x - 1.5) ** 2 - 0.01, (x - 3.4) ** 2), 1.5),
    ],
)
def test_the_lowest_is_found_wherever_it_is_and_at_an_end_where_there_is_no_minimum(energy_eV, at):
    asked_of = Questions(lambda _: Along(energy_eV), lambda _: "")
    found, lowest_eV = asked_of.lowest("x", lambda x: Atoms("C2", [[x, 0, 0], [0, 0, 9]]), (1.0, 4.0))
    assert found == pytest.approx(at, abs=0.01)
    assert lowest_eV == pytest.approx(energy_eV(at) / 2, abs=0.01)


class Bound(Known):
    """D3 adds 0.15 eV to each atom of everything."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        self.results["energy"] -= 0.15 * len(atoms)
        self.results[DISPERSION] = -0.15 * len(atoms)


@pytest.mark.parametrize("ion", ["Li", "Na"])
def test_what_d3_adds_is_left_out_of_the_metal_alone(ion):
    plain = Questions(lambda _: Known(), lambda _: "").formation_eV(ion)
    bound = Questions(lambda _: Bound(), lambda _: "").formation_eV(ion)
    # seven atoms of the compound, six of graphite
    assert bound - plain == pytest.approx(-0.15, abs=2e-3)


class Wells(Known):
    """Layers that are best 3.2 Å apart, in a well 0.2 Å wide, and almost as good in a wide one 4 Å apart."""

    def energy_of(self, atoms):
        gap_A = atoms.cell[2, 2] / len(np.unique(np.round(atoms.positions[:, 2], 3)))
        return len(atoms) * (-0.05 * np.exp(-(((gap_A - 3.2) / 0.1) ** 2)) - 0.04 * np.exp(-((gap_A - 4.0) ** 2)))


def test_a_well_of_a_fifth_of_an_angstrom_is_not_passed_over():
    gap_A, _ = Questions(lambda _: Wells(), lambda _: "").graphite()
    assert gap_A == pytest.approx(3.2, abs=0.02)


def test_no_crystal_is_shown_in_a_cell_that_is_too_narrow():
    shown = []

    def make(atoms):
        shown.append(atoms.copy())
        return Known()

    Questions(make, lambda _: "").formation_eV("Na")
    assert {frozenset(atoms.symbols) for atoms in shown} == {
        frozenset({"C"}),
        frozenset({"C", "Na"}),
        frozenset({"Na"}),
    }
    for atoms in shown:
        assert atoms.pbc.all()
        assert (atoms.cell.lengths() >= ROOMY_A).all()


@pytest.mark.parametrize("edge_A", [2.4, 5.9, 6.0, 6.1, 11.9, 12.0, 30.0])
def test_a_cell_is_repeated_as_often_as_it_needs_and_not_once_more(edge_A):
    unit = Atoms("C", cell=[edge_A, 4.0, 12.0], pbc=True)
    lengths = _roomy(unit).cell.lengths()
    assert (lengths >= ROOMY_A).all()
    assert (lengths - unit.cell.lengths() < ROOMY_A).all()
