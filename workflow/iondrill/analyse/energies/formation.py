"""Formation energies of intercalation compounds from equations of state: no number from an unconverged point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import numpy as np
from scipy.optimize import minimize

from iondrill.analyse.columns import TableForm, number, text
from iondrill.config.base import Ion
from iondrill.geometry.crystal import is_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.engines.base import Result
    from iondrill.geometry.crystal import CrystalRecipe, Strain

IONS = get_args(Ion)
INTERCALATION = TableForm[Mapping[str, Any]](
    "a crystal",
    (
        text("compound", "name of the crystal"),
        text("level", "level of theory"),
        number("a_A", "edge of the cell at the minimum of the equation of state"),
        number("c_A", "height of a hexagonal cell there"),
        number("E_formation_eV_per_ion", "energy of the compound less that of the elements, per ion"),
        text("status", "`converged`, or what did not and why"),
        number("E_cohesive_eV", "energy of the spin-polarised atom less that of a metal, per atom"),
        number("E_eV_per_atom", "energy of the cell per atom, at the minimum"),
    ),
)
"""``intercalation.csv``."""
WORST = ("converged", "refused", "not_converged", "failed")


class Minimum(NamedTuple):
    """The lowest point of an equation of state."""

    a_A: float
    c_A: float | None
    energy_eV: float
    """Of the cell."""


@dataclass(frozen=True)
class Crystal:
    """One row of ``intercalation.csv``.

    Parameters
    ----------
    name, level : str
        Names.
    recipe : CrystalRecipe
        What it is.
    points : mapping of Strain to Result
        The equation of state.
    structures : mapping of Strain to Atoms
        What each point was computed on.
    """

    name: str
    level: str
    recipe: CrystalRecipe
    points: Mapping[Strain, Result]
    structures: Mapping[Strain, Atoms]

    @property
    def ion(self) -> str | None:
        """The ion in it, if any."""
        return next((element for element in self.recipe.composition if element in IONS), None)

    @property
    def elemental(self) -> str | None:
        """The element, if there is one only: then it is a reference of others."""
        (element, *more) = self.recipe.composition
        return None if more else element


def equilibrium(crystal: Crystal) -> tuple[Minimum | None, str]:
    """Return the minimum of an equation of state, or why there is none.

    Returns
    -------
    Minimum or None
        None unless all points converged with one version of the engine and are of the recipe as it is now, and the
        minimum lies between them.
    str
        ``converged``, or a word and what there is to say.
    """
    words, notes = {"converged"}, []
    for strain, result in crystal.points.items():
        if result.status != "converged" or result.energy_eV is None:
            words.add("refused" if result.status == "converged" else result.status)
            notes.append(f"point {strain.label} {result.status}: {result.why}")
    # an energy of one cell on the edges of another is a wrong number that looks converged
    if old := [s.label for s, atoms in crystal.structures.items() if not is_of(crystal.recipe, s, atoms)]:
        words.add("refused")
        notes.append(f"not of the recipe as it is now: points {', '.join(old)}; remove their result.json, run again")
    if len({(result.engine_version, result.level) for result in crystal.points.values()}) > 1:
        words.add("refused")
        notes.append("points of different levels or versions of the engine")
    if words != {"converged"}:
        return None, "; ".join([max(words, key=WORST.index), *notes])
    strains = np.array(list(crystal.points))
    energies = np.array([result.energy_eV for result in crystal.points.values()], dtype=float)
    at, energy_eV = lowest(strains[:, :1] if crystal.recipe.lattice == "cubic" else strains, energies)
    a_A = crystal.recipe.a_A * (1 + at[0])
    c_A = None if crystal.recipe.c_A is None else crystal.recipe.c_A * (1 + at[1])
    if np.isclose(np.abs(at), np.abs(strains[:, : len(at)]).max(axis=0), rtol=1e-3).any():
        edges = f"a {a_A:.3f} Å" + ("" if c_A is None else f", c {c_A:.3f} Å")
        return None, f"refused; the minimum is at {edges} or beyond, not between the points: centre the recipe there"
    return Minimum(a_A, c_A, energy_eV), "converged"


def lowest(strains: NDArray[np.float64], energies: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Return the strains of the lowest energy, and that energy, of a polynomial through points.

    Parameters
    ----------
    strains : (n, 1) or (n, 2) array
        One strain: a cubic. Two: quadratic in the first, cubic in the second, and their product.
    energies : (n,) array
        At the points.

    Returns
    -------
    at : array (1,) or (2,)
        Within the points; on their edge if the energy falls towards it.
    energy : float
        There.
    """
    shift = float(energies.min())
    coefficients = np.linalg.lstsq(_terms(strains), energies - shift, rcond=None)[0]
    found = minimize(
        lambda at: float((_terms(at[None]) @ coefficients)[0]),
        strains[int(np.argmin(energies))],
        bounds=list(zip(strains.min(axis=0), strains.max(axis=0), strict=True)),
        method="L-BFGS-B",
        options={"ftol": 1e-15, "gtol": 1e-10},
    )
    return np.asarray(found.x), float(found.fun) + shift


def _terms(strains: NDArray[np.float64]) -> NDArray[np.float64]:
    a, c = 100 * strains[:, 0], 100 * strains[:, -1]
    if strains.shape[1] == 1:
        return np.array([a**0, a, a**2, a**3]).T
    return np.array([a**0, a, a**2, a * c, c, c**2, c**3]).T


def table(crystals: Sequence[Crystal], atoms: Mapping[str, Result]) -> list[dict[str, str | float | None]]:
    """Return the rows of ``intercalation.csv`` by column; None where there is no number to give.

    E_formation is that of the compound from the elements, per ion, and E_cohesive that of a metal against the
    spin-polarised atom. Of several crystals of one element the most stable is what compounds are made from.

    Parameters
    ----------
    crystals : sequence of Crystal
        Compounds and the elements they are made from, at one level.
    atoms : mapping of str to Result
        Of the free atoms, by element; those that there are.
    """
    found = {crystal.name: equilibrium(crystal) for crystal in crystals}
    elements = references(crystals, found)
    return [_row(crystal, found, elements, atoms) for crystal in crystals]


def references(
    crystals: Sequence[Crystal], found: Mapping[str, tuple[Minimum | None, str]]
) -> dict[str, tuple[float | None, str]]:
    """Return the energy per atom of each element, eV: that of its crystal of lowest energy, of those that converged.

    Returns
    -------
    dict
        By element; None if no crystal of it converged, and what there is to say.
    """
    chosen: dict[str, tuple[float | None, str]] = {}
    for crystal in crystals:
        element, (minimum, status) = crystal.elemental, found[crystal.name]
        if element is None:
            continue
        energy_eV = None if minimum is None else minimum.energy_eV / crystal.recipe.composition[element]
        before_eV, said = chosen.get(element, (None, ""))
        if before_eV is None and energy_eV is None:
            chosen[element] = None, "; ".join(filter(None, [said, status]))
        elif before_eV is None or (energy_eV is not None and energy_eV < before_eV):
            chosen[element] = energy_eV, status
    return chosen


def _row(
    crystal: Crystal,
    found: Mapping[str, tuple[Minimum | None, str]],
    elements: Mapping[str, tuple[float | None, str]],
    atoms: Mapping[str, Result],
) -> dict[str, str | float | None]:
    minimum, status = found[crystal.name]
    row: dict[str, str | float | None] = dict.fromkeys(INTERCALATION.names)
    row |= {"compound": crystal.name, "level": crystal.level, "status": status}
    if minimum is None:
        return row
    row |= {"a_A": minimum.a_A, "c_A": minimum.c_A}
    composition = crystal.recipe.composition
    row["E_eV_per_atom"] = minimum.energy_eV / sum(composition.values())
    if crystal.elemental:
        atom = atoms.get(crystal.elemental)
        if atom is not None and atom.status == "converged" and atom.energy_eV is not None:
            row["E_cohesive_eV"] = atom.energy_eV - minimum.energy_eV / composition[crystal.elemental]
        return row
    energy_eV, notes = minimum.energy_eV, []
    for element, count in composition.items():
        bulk_eV, why = elements.get(element, (None, "not among the crystals"))
        if bulk_eV is None:
            notes.append(f"bulk {element}: {why}")
        else:
            energy_eV -= count * bulk_eV
    if notes:
        row["status"] = "; ".join(["refused", *notes])
    elif crystal.ion is not None:
        row["E_formation_eV_per_ion"] = energy_eV / composition[crystal.ion]
    return row


def metal_energies(path: Path, elements: Mapping[str, str], level: str) -> dict[str, float]:
    """Return the energy per atom of each bulk metal of a level from ``intercalation.csv``.

    It is that of the metal's most stable crystal, of those that converged.

    Parameters
    ----------
    path : Path
        The table.
    elements : mapping of str to str
        The crystals of one element, by name.
    level : str
        Only its rows count.
    """
    table = INTERCALATION.read(path).where("level", level)
    rows = [row for row in table.rows if row["compound"] in elements]
    known = [(elements[row["compound"]], float(row["E_eV_per_atom"])) for row in rows if row["E_eV_per_atom"]]
    return {metal: min(energy_eV for name, energy_eV in known if name == metal) for metal, _ in known}
