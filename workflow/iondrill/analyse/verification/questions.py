"""The questions of ``gates.yaml``, as energies and lengths that a calculator gives."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from iondrill.config.base import Strict
from iondrill.config.load import load
from iondrill.engines.ase.dispersion import DISPERSION
from iondrill.geometry.crystal import CrystalRecipe, build_crystal
from iondrill.geometry.surfaces.facet import FacetRecipe
from iondrill.geometry.surfaces.slab import build_slab

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ase.calculators.calculator import Calculator

ROOMY_A = 12.0
"""Cells are repeated until no edge is shorter: potentials differ in the least cell that they take."""
HEIGHTS_A = (1.2, 4.5)
"""Between which the best height of an ion over a hexagon is sought."""
STRETCHED = (0.90, 1.45)
"""Times the distance of layers of the recipe, between which the best is sought; of metals `SCALED` times the edge."""
SCALED = (0.88, 1.12)
CLOSE_ENOUGH = 1e-3
"""Of the quantity that is varied, at which a search ends."""
STEPS, FMAX_EV_A = 200, 0.03


class Gate(Strict):
    """A question and the answers that are allowed."""

    what: str
    elements: list[str]
    allowed: tuple[float, float]
    known: str


class Gates(Strict):
    """What ``gates.yaml`` holds."""

    gates: dict[str, Gate]
    crystals: dict[str, CrystalRecipe]
    dimers: FacetRecipe


@cache
def gates() -> Gates:
    """Return the gates."""
    return load(Gates, Path(__file__).with_name("gates.yaml"))


class NotCoveredError(Exception):
    """A structure is outside the training."""


class Questions:
    """What a level answers; the energies that questions share are computed once.

    Parameters
    ----------
    make : callable
        Returns the level's calculator for a structure.
    outside : callable
        Says of a structure why nothing is known of the level there; nothing if it is inside its training.
    """

    def __init__(self, make: Callable[[Atoms], Calculator], outside: Callable[[Atoms], str]) -> None:
        self._make, self._outside = make, outside
        self._known: dict[str, tuple[float, float]] = {}

    def value(self, name: str) -> float:
        """Return what the level says to a gate."""
        questions: Mapping[str, Callable[[], float]] = {
            "graphite_gap_A": lambda: self.graphite()[0],
            "dimer_A": self.dimer_A,
            "Li_on_graphene_eV": lambda: self.over_graphene_eV("Li"),
            "Na_less_Li_on_graphene_eV": lambda: self.over_graphene_eV("Na") - self.over_graphene_eV("Li"),
            "LiC6_eV": lambda: self.formation_eV("Li"),
            "NaC6_eV": lambda: self.formation_eV("Na"),
        }
        return questions[name]()

    def energy_eV(self, atoms: Atoms, *, dispersion: bool = True) -> float:
        """Return the energy of a structure, with or without what D3 adds to it."""
        atoms = atoms.copy()
        atoms.calc = self._make(atoms)
        energy_eV = float(atoms.get_potential_energy())
        return energy_eV if dispersion else energy_eV - float(atoms.calc.results.get(DISPERSION, 0.0))

    def lowest(
        self, name: str, build: Callable[[float], Atoms], between: tuple[float, float], *, dispersion: bool = True
    ) -> tuple[float, float]:
        """Return where the energy of a family of structures is lowest, and that energy per atom, eV."""
        from scipy.optimize import minimize_scalar

        def per_atom_eV(x: float) -> float:
            atoms = build(x)
            return self.energy_eV(atoms, dispersion=dispersion) / len(atoms)

        if name not in self._known:
            # a coarse look first: of several minima the lowest counts
            coarse = np.linspace(*between, 12)
            energies = [per_atom_eV(x) for x in coarse]
            best = int(np.argmin(energies))
            around = coarse[max(best - 1, 0)], coarse[min(best + 1, len(coarse) - 1)]
            found = minimize_scalar(per_atom_eV, bounds=around, method="bounded", options={"xatol": CLOSE_ENOUGH})
            if reason := self._outside(build(float(found.x))):
                raise NotCoveredError(reason)
            self._known[name] = float(found.x), float(found.fun)
        return self._known[name]

    def crystal(
        self, name: str, recipe: CrystalRecipe, edge: str, between: tuple[float, float], *, dispersion: bool = True
    ) -> tuple[float, float]:
        """Return the length of a crystal's edge at which its energy is lowest, Å, and that energy per atom, eV."""
        length_A = float(getattr(recipe, edge))

        def build(factor: float) -> Atoms:
            return _roomy(build_crystal(recipe.model_copy(update={edge: length_A * factor})))

        factor, energy_eV = self.lowest(name, build, between, dispersion=dispersion)
        return length_A * factor, energy_eV

    def graphite(self) -> tuple[float, float]:
        """Return the distance of the layers of AB graphite, Å, and its energy, eV per atom."""
        c_A, energy_eV = self.crystal("graphite", gates().crystals["graphite"], "c_A", STRETCHED)
        return c_A / 2, energy_eV

    def formation_eV(self, ion: str) -> float:
        """Return the energy of formation of MC6 from graphite and bcc metal, eV per ion; cells as wide as LiC6's.

        What D3 adds is left out of the metal: it knows atoms and small molecules, and binds metals by 0.15 eV too
        much, so that PBE-D3 itself would fail (docs/validation-crystals.md).
        """
        recipe = gates().crystals["LiC6"]
        filled = [atom.model_copy(update={"element": ion if atom.element == "Li" else "C"}) for atom in recipe.atoms]
        compound = recipe.model_copy(update={"atoms": filled})
        _, compound_eV = self.crystal(f"{ion}C6", compound, "c_A", STRETCHED)
        _, metal_eV = self.crystal(ion, gates().crystals[ion], "a_A", SCALED, dispersion=False)
        return len(filled) * compound_eV - 6 * self.graphite()[1] - metal_eV

    def over_graphene_eV(self, ion: str) -> float:
        """Return the energy of an ion over a hexagon of graphene at the best height, less both apart, eV."""
        sheet = _graphene()
        first, second = sheet.positions[:2]
        # from an atom on, away from its neighbour, by one bond
        hexagon = 2 * first - second

        def build(height: float) -> Atoms:
            return sheet + Atoms(ion, positions=[[*hexagon[:2], hexagon[2] + height]])

        apart = Atoms(ion, positions=[[6, 6.5, 7]], cell=[12, 13, 14], pbc=False)
        together_eV = self.lowest(f"{ion} on graphene", build, HEIGHTS_A)[1] * (len(sheet) + 1)
        return together_eV - self.energy_eV(sheet) - self.energy_eV(apart)

    def dimer_A(self) -> float:
        """Return the mean length of the dimers of C(100)-2×1 after relaxation, Å."""
        from ase.optimize import BFGS

        atoms = build_slab(gates().dimers)
        atoms.calc = self._make(atoms)
        BFGS(atoms, logfile=None).run(fmax=FMAX_EV_A, steps=STEPS)
        if reason := self._outside(atoms):
            raise NotCoveredError(reason)
        carbon = np.flatnonzero(atoms.numbers == 6)
        top = carbon[atoms.positions[carbon, 2] > atoms.positions[carbon, 2].max() - 0.5]
        apart = np.array([[atoms.get_distance(i, j, mic=True) if i < j else np.inf for j in top] for i in top])
        lengths = np.sort(apart, axis=None)[: len(top) // 2]
        return float(lengths.mean())


def _roomy(atoms: Atoms) -> Atoms:
    """Repeat a cell until no edge is shorter than `ROOMY_A`."""
    return atoms.repeat([int(np.ceil(ROOMY_A / length)) for length in atoms.cell.lengths()])


def _graphene() -> Atoms:
    from ase.build import graphene

    sheet = graphene(a=2.465, size=(5, 5, 1), vacuum=8.0)
    sheet.pbc = (True, True, False)
    return sheet
