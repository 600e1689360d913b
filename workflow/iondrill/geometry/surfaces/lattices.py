"""Crystals as data: lattice, basis and bonds in whole numbers, of the elements that they are known of."""

from __future__ import annotations

from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field

from iondrill.config.base import PositiveFloat, PositiveInt, Strict
from iondrill.config.load import load

if TYPE_CHECKING:
    from numpy.typing import NDArray

Element = Literal["C", "Si"]
CrystalName = Literal["diamond", "graphite"]
Whole = tuple[int, int, int]
CONVENTIONAL = {
    "cubic": np.eye(3),
    "hexagonal": np.array([[1, 0, 0], [-0.5, np.sqrt(0.75), 0], [0, 0, 1]]),
}
"""Directions of the edges."""


class Crystal(Strict):
    """A crystal structure."""

    edges: Literal["cubic", "hexagonal"]
    divisor: PositiveInt
    primitive: tuple[Whole, Whole, Whole]
    basis: list[Whole]
    neighbours: PositiveInt
    lattice_A: dict[Element, Annotated[list[PositiveFloat], Field(min_length=1, max_length=2)]]


class Bonding(Strict):
    """Bond lengths of an element."""

    hydrogen_A: PositiveFloat
    dimer_A: dict[Literal["clean", "H"], PositiveFloat]


class Crystals(Strict):
    """What ``lattices.yaml`` holds."""

    crystals: dict[CrystalName, Crystal]
    elements: dict[Element, Bonding]


class Bulk(NamedTuple):
    """A crystal of an element: points are rows of whole numbers, which `to_A` makes Cartesian."""

    element: Element
    primitive: NDArray[np.int_]
    basis: NDArray[np.int_]
    bonds: list[NDArray[np.int_]]
    """To the neighbours (n, 3), for each atom of the basis."""
    to_A: NDArray[np.float64]

    @property
    def bond_A(self) -> float:
        """Distance of neighbours."""
        return float(np.linalg.norm(self.bonds[0][0] @ self.to_A))


@cache
def crystals() -> Crystals:
    """Return the known crystals."""
    return load(Crystals, Path(__file__).with_name("lattices.yaml"))


def lattice_constants() -> str:
    """Return the known lattice constants in words: ``C (diamond) 3.567, …``."""
    return ", ".join(
        f"{element} ({name}) {' and c '.join(map(str, edges_A))}"
        for name, crystal in crystals().crystals.items()
        for element, edges_A in crystal.lattice_A.items()
    )


def bulk(crystal: CrystalName, element: Element, a_A: float | None = None, c_A: float | None = None) -> Bulk:
    """Return a crystal of an element.

    Parameters
    ----------
    crystal, element : str
        A pair that ``lattices.yaml`` has lattice constants of.
    a_A, c_A : float, optional
        Lattice constants, by default those; only a hexagonal crystal has a `c_A` of its own.
    """
    kind = crystals().crystals[crystal]
    known = kind.lattice_A[element]
    a_A = a_A or known[0]
    c_A = (c_A or known[-1]) if kind.edges == "hexagonal" else a_A
    to_A = CONVENTIONAL[kind.edges] * np.array([a_A, a_A, c_A])[:, None] / kind.divisor
    primitive, basis = np.array(kind.primitive), np.array(kind.basis)
    around = np.array(list(product((-1, 0, 1), repeat=3))) @ primitive
    bonds = []
    for atom in basis:
        arms = (around[:, None] + basis - atom).reshape(-1, 3)
        lengths_A = np.linalg.norm(arms @ to_A, axis=1)
        bonds.append(arms[np.argsort(lengths_A, kind="stable")[1 : kind.neighbours + 1]])
    return Bulk(element, primitive, basis, bonds, to_A)
