"""Questions whose answer is known, asked of a learned level before anything of it is believed: ``gates.yaml``."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from ase import Atoms
from pydantic import ValidationError

from iondrill.config.base import Strict
from iondrill.config.load import load
from iondrill.engines.embedded.engine import EmbeddedEngine
from iondrill.engines.registry import engine
from iondrill.errors import UserError
from iondrill.files import write_text
from iondrill.geometry.crystal import CrystalRecipe, build_crystal
from iondrill.geometry.surfaces.facet import FacetRecipe
from iondrill.geometry.surfaces.slab import build_slab
from iondrill.jobs.job import Job, Static
from iondrill.potential.grade import grade_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ase.calculators.calculator import Calculator

    from iondrill.jobs.job import Kind
    from iondrill.prepare.plan import Plan

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


class Answer(Strict):
    """What a level says to a gate.

    Attributes
    ----------
    value : float or None
        Å or eV, by the gate's name; None where it was not computed.
    said : str
        ``passed``, ``failed``, or why it was not computed.
    """

    what: str
    known: str
    allowed: tuple[float, float]
    elements: list[str]
    value: float | None
    said: str

    @property
    def failed(self) -> bool:
        """Whether the level is wrong."""
        return self.said == FAILED


PASSED, FAILED = "passed", "failed"


class Passed(Strict):
    """``gates/<level>.json``."""

    level: str
    title: str
    answers: dict[str, Answer]

    def write(self, path: Path) -> None:
        """Write it, whole or not at all."""
        write_text(path, json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n")

    def failures(self, elements: set[str]) -> list[str]:
        """Return what is wrong of the gates of these elements, a sentence each."""
        found = []
        for one in self.answers.values():
            if one.failed and set(one.elements) <= elements:
                value = "no number" if one.value is None else f"{one.value:.2f}"
                found.append(f"{one.what}: {value}, allowed {one.allowed[0]:g} to {one.allowed[1]:g}")
        return found


def read_passed(path: Path) -> Passed:
    """Read what a level said to the gates.

    Raises
    ------
    UserError
        If the file is missing or holds something else.
    """
    try:
        return Passed.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise UserError.of(path, f"cannot be read ({type(error).__name__})", "remove it: it is made again") from None


class Make(Protocol):
    """Return a new calculator for a structure that is periodic or a slab."""

    def __call__(self, atoms: Atoms) -> Calculator:
        """Return it."""


@cache
def gates() -> Gates:
    """Return the gates."""
    return load(Gates, Path(__file__).with_suffix(".yaml"))


def ask(plan: Plan, level_name: str, path: Path) -> None:
    """Ask a level of a plan all gates, and write what it says.

    Parameters
    ----------
    plan : Plan
        With the level.
    level_name : str
        Of an engine in this process.
    path : Path
        Written: ``gates/<level>.json``.
    """
    level, grade = plan.config.levels[level_name], grade_of(plan.config.levels[level_name])
    offered, chosen = level.offer.elements, engine(level.engine)
    if not isinstance(chosen, EmbeddedEngine):
        found = f"engine {level.engine} is a program of its own"
        raise UserError.of(f"levels.{level_name}", found, "allowed: a level that is computed in this process")

    def make(atoms: Atoms) -> Calculator:
        kind: Kind = "slab" if atoms.pbc.any() else "atom"
        job = Job(
            stage=plan.verify.name,
            name=f"gate.{level_name}",
            level_name=level_name,
            level=level,
            task=Static(),
            kind=kind,
        )
        return chosen.new_calculator(job, atoms, path.parent / level_name)

    def outside(atoms: Atoms) -> str:
        found, limit = 0.0 if grade is None else grade.of(atoms), plan.verify.settings.verdict.largest_grade
        return "" if found <= limit else f"outside the training: grade {found:.1f}"

    said = answers(make, None if offered is None else set(offered), outside)
    Passed(level=level_name, title=level.title, answers=said).write(path)


def answers(make: Make, known: set[str] | None, outside: Callable[[Atoms], str]) -> dict[str, Answer]:
    """Ask a level all gates.

    Parameters
    ----------
    make : callable
        Returns its calculator.
    known : set of str, optional
        The elements that it has; None: as the calculator says.
    outside : callable
        Says of a structure why nothing is known of the level there; nothing if it is inside its training.
    """
    asked = _Asked(make, outside)
    found = {}
    for name, gate in gates().gates.items():
        value, said = None, ""
        if known is not None and (lacking := sorted(set(gate.elements) - known)):
            said = f"it has no {', '.join(lacking)}"
        else:
            try:
                found_value = asked.value(name)
                low, high = gate.allowed
                said = PASSED if low <= found_value <= high else FAILED
                value = found_value if np.isfinite(found_value) else None
            except NotCoveredError as error:
                said = str(error)
            except UserError as error:
                said = "; ".join(problem.found for problem in error.problems)
        found[name] = Answer(**gate.model_dump(), value=value, said=said)
    return found


class NotCoveredError(Exception):
    """A structure is outside the training."""


class _Asked:
    """The energies that gates share, each computed once."""

    def __init__(self, make: Make, outside: Callable[[Atoms], str]) -> None:
        self._make, self._outside = make, outside
        self._known: dict[str, Any] = {}

    def value(self, name: str) -> float:
        """Return what the level says to a gate."""
        questions: Mapping[str, Callable[[], float]] = {
            "graphite_gap_A": lambda: self.layered("graphite")[0],
            "dimer_A": self.dimer_A,
            "Li_on_graphene_eV": lambda: self.over_graphene_eV("Li"),
            "Na_less_Li_on_graphene_eV": lambda: self.over_graphene_eV("Na") - self.over_graphene_eV("Li"),
            "LiC6_eV": lambda: self.formation_eV("Li"),
            "NaC6_eV": lambda: self.formation_eV("Na"),
        }
        return questions[name]()

    def energy_eV(self, atoms: Atoms) -> float:
        """Return the energy of a structure."""
        atoms = atoms.copy()
        atoms.calc = self._make(atoms)
        return float(atoms.get_potential_energy())

    def lowest(self, name: str, build: Callable[[float], Atoms], between: tuple[float, float]) -> tuple[float, float]:
        """Return where the energy of a family of structures is lowest, and that energy per atom, eV."""
        from scipy.optimize import minimize_scalar

        def per_atom_eV(x: float) -> float:
            atoms = build(x)
            return self.energy_eV(atoms) / len(atoms)

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
        at, energy = self._known[name]
        return float(at), float(energy)

    def layered(self, name: str) -> tuple[float, float]:
        """Return the distance of the layers of a compound, Å, and its energy, eV per atom."""
        recipe = gates().crystals[name]
        layers = 2 if name == "graphite" else 1

        def build(stretch: float) -> Atoms:
            return _roomy(build_crystal(recipe.model_copy(update={"c_A": float(recipe.c_A or 0) * stretch})))

        stretch, energy_eV = self.lowest(name, build, STRETCHED)
        return float(recipe.c_A or 0) * stretch / layers, energy_eV

    def metal_eV(self, ion: str) -> float:
        """Return the energy of the bcc metal, eV per atom."""
        recipe = gates().crystals[ion]

        def build(scale: float) -> Atoms:
            return _roomy(build_crystal(recipe.model_copy(update={"a_A": recipe.a_A * scale})))

        return self.lowest(ion, build, SCALED)[1]

    def formation_eV(self, ion: str) -> float:
        """Return the energy of formation of MC6 from graphite and metal, eV per ion; cells as wide as LiC6's."""
        recipe = gates().crystals["LiC6"]
        filled = [atom.model_copy(update={"element": ion if atom.element == "Li" else "C"}) for atom in recipe.atoms]

        def build(stretch: float) -> Atoms:
            longer = {"c_A": float(recipe.c_A or 0) * stretch, "atoms": filled}
            return _roomy(build_crystal(recipe.model_copy(update=longer)))

        compound_eV = self.lowest(f"{ion}C6", build, STRETCHED)[1] * len(recipe.atoms)
        return compound_eV - 6 * self.layered("graphite")[1] - self.metal_eV(ion)

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
