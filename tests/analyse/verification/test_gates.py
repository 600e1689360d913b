"""Questions whose answer is known: a level that answers as it was made to passes, pair potentials do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.lj import LennardJones

from iondrill.analyse.verification.gates import FAILED, PASSED, Answer, Passed, answers
from iondrill.analyse.verification.questions import gates
from iondrill.engines.embedded.calculator import ScfNotConvergedError

if TYPE_CHECKING:
    from ase import Atoms

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
