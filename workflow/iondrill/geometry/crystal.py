"""Crystals whose atoms are where symmetry puts them; strained, they give an equation of state."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from iondrill.config.base import KeysError, Number, Strict
from iondrill.config.load import load
from iondrill.config.quantities import Length
from iondrill.errors import UserError, nearest
from iondrill.files import SHIPPED
from iondrill.geometry.recipes import is_recipe

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

FOLDER = "crystals"
A_STRAINS = (-0.012, 0.0, 0.012)
C_STRAINS = (-0.04, -0.02, 0.0, 0.02, 0.04)
CUBIC_STRAINS = (-0.03, -0.015, 0.0, 0.015, 0.03)
SAME_A = 1e-5
"""More than engines' and files' rounding, less than any change of a recipe."""
HEXAGONAL = np.array([[1, 0, 0], [-0.5, np.sqrt(0.75), 0], [0, 0, 1]])


def _fraction(value: Any) -> Any:
    """Read 1/3 as what it says."""
    try:
        return float(Fraction(value)) if isinstance(value, str) else value
    except (ValueError, ZeroDivisionError):
        return value


EdgeFraction = Annotated[float, Field(ge=-10, le=10), Number, BeforeValidator(_fraction)]


class CrystalAtom(Strict):
    """An atom of the cell."""

    element: Literal["C", "Li", "Na", "K"] = Field(description="chemical symbol")
    at: tuple[EdgeFraction, EdgeFraction, EdgeFraction] = Field(description="fractions of the edges; 1/3 is allowed")


class CrystalRecipe(Strict):
    """A crystal whose atoms stay where symmetry puts them when its cell is strained."""

    description: str = Field("", description="one line for readers")
    references: list[str] = Field([], description="where it comes from")
    lattice: Literal["cubic", "hexagonal"] = Field(description="of the cell")
    a_A: Length = Field(description="edge of the cell; where the scan is centred")
    c_A: Length | None = Field(None, description="height of a hexagonal cell; where the scan is centred")
    atoms: Annotated[list[CrystalAtom], Field(min_length=1)] = Field(description="of the cell")

    @model_validator(mode="after")
    def _has_its_edges(self) -> CrystalRecipe:
        if (self.c_A is None) != (self.lattice == "cubic"):
            found = f"found lattice {self.lattice} and c_A {self.c_A}"
            raise KeysError(f"{found}; allowed: c_A with hexagonal, and only there", "c_A", "lattice")
        return self

    @property
    def composition(self) -> dict[str, int]:
        """Atoms of each element in the cell."""
        elements = [atom.element for atom in self.atoms]
        return {element: elements.count(element) for element in dict.fromkeys(elements)}


class Strain(NamedTuple):
    """How much longer the edges are than the recipe's: 0.01 is one per cent."""

    a: float
    c: float

    @property
    def label(self) -> str:
        """A name for jobs, in tenths of a per cent of the recipe's edges: ``a1000c980``."""
        return f"a{round(1000 * (1 + self.a))}c{round(1000 * (1 + self.c))}"


def crystal_names(root: Path) -> list[str]:
    """Return the names of the recipes in ``structures/crystals``, of the project and of the install."""
    return sorted({file.stem for each in (root, SHIPPED) for file in (each / FOLDER).glob("*.yaml") if is_recipe(file)})


def crystal_path(name: str, root: Path) -> Path:
    """Return the file of a recipe: the project's, or else the install's, or else where the project's would be."""
    own, shipped = (each / FOLDER / f"{name}.yaml" for each in (root, SHIPPED))
    return shipped if shipped.is_file() and not own.is_file() else own


def load_crystal(name: str, root: Path) -> CrystalRecipe:
    """Read a recipe from ``structures/crystals``.

    Raises
    ------
    UserError
        If there is none of this name, or it holds what its model refuses.
    """
    path = crystal_path(name, root)
    if not path.is_file():
        raise UserError.of(root / FOLDER, f"there is no crystal '{name}'", nearest(name, crystal_names(root)))
    return load(CrystalRecipe, path)


def strains(recipe: CrystalRecipe) -> list[Strain]:
    """Return the points of the equation of state.

    Cubic: five, for a cubic in a. Hexagonal: five in c at the middle a and two in a at the middle c, and one with both
    longer, for a quadratic in a with its coupling and a cubic in c, along which layers are far from harmonic.
    """
    if recipe.lattice == "cubic":
        return [Strain(a, a) for a in CUBIC_STRAINS]
    cross = [Strain(a, c) for a, c in product(A_STRAINS, C_STRAINS) if a == 0 or c == 0]
    return [*cross, Strain(A_STRAINS[-1], C_STRAINS[-2])]


def build_crystal(recipe: CrystalRecipe, strain: Strain = Strain(0.0, 0.0)) -> Atoms:  # noqa: B008  (immutable)
    """Build the cell, strained.

    Raises
    ------
    UserError
        If atoms overlap.
    """
    from ase import Atoms

    from iondrill.geometry.checks import check_structure

    atoms = Atoms(
        [atom.element for atom in recipe.atoms],
        scaled_positions=[atom.at for atom in recipe.atoms],
        cell=strained_cell_A(recipe, strain),
        pbc=True,
    )
    check_structure(atoms, recipe.description or "crystal")
    return atoms


def is_of(recipe: CrystalRecipe, strain: Strain, atoms: Atoms) -> bool:
    """Say whether a structure is what a recipe, as it is now, gives at a strain.

    Parameters
    ----------
    recipe : CrystalRecipe
        It may have been changed since.
    strain : Strain
        Of the point.
    atoms : Atoms
        As they were computed; an engine may have moved them by a lattice vector, or a rounding.
    """
    expected = build_crystal(recipe, strain)
    if atoms.get_chemical_symbols() != expected.get_chemical_symbols():
        return False
    if np.abs(atoms.cell.array - expected.cell.array).max() > SAME_A:
        return False
    moved = atoms.get_scaled_positions(wrap=False) - expected.get_scaled_positions(wrap=False)
    return bool(np.abs((moved - np.round(moved)) @ expected.cell.array).max() < SAME_A)


def strained_cell_A(
    recipe: CrystalRecipe,
    strain: Strain = Strain(0.0, 0.0),  # noqa: B008  (immutable)
) -> NDArray[np.float64]:
    """Return the cell (3, 3), Å; its rows are the edges."""
    if recipe.lattice == "cubic":
        return recipe.a_A * (1 + strain.a) * np.eye(3)
    a_A, c_A = recipe.a_A * (1 + strain.a), float(recipe.c_A or 0) * (1 + strain.c)
    return np.asarray(HEXAGONAL * np.array([[a_A], [a_A], [c_A]]))


def plane_distances_A(cell_A: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distances (3,) of the lattice planes that hold two of the three vectors of a cell, its rows."""
    return np.asarray(1 / np.linalg.norm(np.linalg.inv(cell_A), axis=0))


def kpoint_grid(recipe: CrystalRecipe, length_A: float) -> tuple[int, int, int]:
    """Return a grid that samples a crystal as Γ would a cell whose planes are this far apart.

    The numbers are the same for all strains, so that the energy is a smooth function of them.

    Parameters
    ----------
    recipe : CrystalRecipe
        Its unstrained cell counts.
    length_A : float
        Least distance.
    """
    first, second, third = odd_grid(plane_distances_A(strained_cell_A(recipe)), length_A)
    return first, second, third


def odd_grid(planes_A: NDArray[np.float64], length_A: float) -> list[int]:
    """Return the least odd numbers of k-points along the axes of a cell that repeat it to a length.

    Odd, so that the grid holds Γ and keeps the symmetry of hexagonal cells.

    Parameters
    ----------
    planes_A : ndarray, shape (3,)
        Distances of the cell's lattice planes, Å.
    length_A : float
        Least distance of the repeated cell's planes, Å.
    """
    return [int(np.ceil(round(length_A / plane, 6))) // 2 * 2 + 1 for plane in planes_A.tolist()]
