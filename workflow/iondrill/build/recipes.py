"""Recipes: structures as data in ``structures/**/*.yaml``, found by name."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import Field, model_validator

from iondrill.build.crystals import CrystalName, Element, crystals, lattice_constants
from iondrill.config.base import (
    Ion,
    Name,
    NonNegativeFloat,
    NonNegativeInt,
    Number,
    PositiveFloat,
    PositiveInt,
    Strict,
)
from iondrill.config.load import Document, parse
from iondrill.errors import UserError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

Charge = Annotated[int, Number, Field(description="total charge, e")]
Multiplicity = Annotated[
    PositiveInt | None, Field(description="2S+1; null: the lowest that the number of electrons allows")
]
Multiplicities = Annotated[
    PositiveInt | Annotated[list[PositiveInt], Field(min_length=1)] | None,
    Field(
        description="2S+1; null: the lowest that the number of electrons allows; of a list, each is relaxed and the "
        "one of lowest energy kept"
    ),
]
Vector = tuple[float, float, float]
Miller = tuple[int, int, int]
Repeats = Annotated[PositiveInt, Field(le=20)]
Coordinate = Annotated[float, Field(ge=-1000, le=1000), Number]
SiteLabel = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        max_length=40,
        json_schema_extra={"x-means": "label", "x-rule": "lower-case letters and digits, parts joined by '-'"},
    ),
]


class HalfSpaces(Strict):
    """All members of a family of planes, cutting at one distance from the centre."""

    family: Miller = Field(
        description="Miller indices of one member; all orders and all even changes of sign belong to the family"
    )
    distance_A: PositiveFloat = Field(description="from the centre to the planes")
    inversion: bool = Field(True, description="also the members with all signs reversed")

    @model_validator(mode="after")
    def _faces_somewhere(self) -> HalfSpaces:
        if not any(self.family):
            raise ValueError("family [0, 0, 0]: allowed are indices that are not all zero")
        return self


class ClusterRecipe(Strict):
    """A cluster cut out of the diamond lattice."""

    kind: Literal["cluster"] = Field(description="what the recipe is of")
    description: str = Field("", description="one line for readers")
    references: list[str] = Field([], description="where it comes from")
    lattice_A: PositiveFloat = Field(3.567, description="cubic lattice constant of diamond")
    centre: Vector | Literal["atom", "bond", "cage", "hexagon"] = Field(
        "atom", description="centre of the cut: a named point, or a vector in units of the lattice constant"
    )
    radius_A: PositiveFloat | None = Field(None, description="keep the atoms within this distance")
    half_spaces: list[HalfSpaces] = Field([], description="keep the atoms on the inner side of these planes")
    drop_singly_bonded: bool = Field(False, description="remove the atoms that have one neighbour")
    charge: Charge = 0
    multiplicity: Multiplicities = None
    expect_atoms: PositiveInt = Field(description="number of atoms that must come out")
    expect_coordination: dict[NonNegativeInt, PositiveInt] = Field(
        {}, description="number of atoms for each number of neighbours"
    )

    @model_validator(mode="after")
    def _bounded(self) -> ClusterRecipe:
        if self.radius_A is None and not self.half_spaces:
            raise ValueError("the cut has no bounds; give radius_A, half_spaces or both")
        return self


class Intercalant(Strict):
    """Ions between the layers, over hexagon centres in the √3×√3 (LiC6) pattern."""

    element: Ion = Field(description="the ion")
    count: PositiveInt | Literal["full"] = Field(
        "full", description="number of ions, from the centre outwards; full: every place of the pattern"
    )


class FlakeRecipe(Strict):
    """Stacked hexagonal graphene flakes, hydrogen-terminated."""

    kind: Literal["flake"] = Field(description="what the recipe is of")
    description: str = Field("", description="one line for readers")
    references: list[str] = Field([], description="where it comes from")
    ring_order: Annotated[int, Field(ge=2, le=5)] = Field(
        description="hexagons along an edge: 2 C24H12, 3 C54H18, 4 C96H24, 5 C150H30"
    )
    layers: Annotated[int, Field(ge=1, le=2)] = Field(2, description="number of graphene layers")
    stacking: Literal["AA", "AB"] = Field("AA", description="AA: hexagon over hexagon; AB: as in graphite")
    gap_A: PositiveFloat = Field(3.7, description="distance of the layers")
    cc_A: PositiveFloat = Field(1.42, description="C–C bond length")
    ch_A: PositiveFloat = Field(1.09, description="C–H bond length")
    ions: Intercalant | None = Field(None, description="what lies between the layers; null for nothing")
    charge: Charge = 0
    multiplicity: Multiplicities = None


class FittedBox(Strict):
    """A box that leaves this much vacuum between the solute and its image."""

    vacuum_A: PositiveFloat = Field(description="least distance between the solute and its image")
    cubic: bool = Field(True, description="all edges as long as the longest")


class CubicBox(Strict):
    """A cubic box of fixed edge."""

    edge_A: PositiveFloat = Field(description="edge of the cube")


class AssemblyRecipe(Strict):
    """A nanodiamond facing an edge of a flake: layers in the xy plane, insertion along +x."""

    kind: Literal["assembly"] = Field(description="what the recipe is of")
    description: str = Field("", description="one line for readers")
    references: list[str] = Field([], description="where it comes from")
    cluster: Name | None = Field(description="the nanodiamond; null for the control without one")
    flake: Name = Field(description="the flake that it meets")
    edge: Literal["zigzag", "armchair"] = Field(
        "zigzag", description="what meets the tip: a (zigzag) side of the flake, or the armchair pair of a corner"
    )
    tip: Miller | Literal["atom"] = Field(
        (-1, -1, -1),
        description="what points to the flake: a crystal direction of the diamond, or the atom farthest from its "
        "centroid",
    )
    distance_A: PositiveFloat = Field(3.0, description="along x, from the foremost C of the tip to the edge C")
    charge: Charge = 0
    multiplicity: Multiplicity = None
    box: FittedBox | CubicBox = Field(FittedBox(vacuum_A=15.0), description="the non-periodic box")

    @model_validator(mode="after")
    def _points_somewhere(self) -> AssemblyRecipe:
        if self.tip == (0, 0, 0):
            raise ValueError("tip [0, 0, 0]: allowed are indices that are not all zero")
        return self


class BondWindow(Strict):
    """Bonds of one kind among the atoms of the top, and how long they may be."""

    what: Literal["dimer", "chain", "sheet"] = Field(
        description="dimer: a pair; chain: a row of bonds, neighbouring ones alike; sheet: the bonds of a layer"
    )
    window_A: tuple[PositiveFloat, PositiveFloat] = Field(description="shortest and longest, once relaxed")
    per_cell: PositiveFloat = Field(description="number of such bonds for each 1×1 cell of the surface")


class InPlane(Strict):
    """A place on the plane of the surface."""

    x_A: Coordinate = Field(description="along the first edge")
    y_A: Coordinate = Field(description="perpendicular to it")


class Reconstruction(NamedTuple):
    """Where a reconstruction can live."""

    family: Miller | None
    """The facets of diamond that have it (any signs and order); None for every facet of every crystal."""
    repeats: tuple[int, int]
    """The 1×1 cells along each edge that its own cell takes up."""
    hydrogenated: bool
    """Whether it exists with hydrogen on top."""


RECONSTRUCTIONS: dict[str, Reconstruction] = {
    "1x1": Reconstruction(family=None, repeats=(1, 1), hydrogenated=True),
    "2x1": Reconstruction(family=(0, 0, 1), repeats=(2, 1), hydrogenated=True),
    "pandey": Reconstruction(family=(1, 1, 1), repeats=(2, 1), hydrogenated=False),
}


class FacetRecipe(Strict):
    """A slab of a crystal with one facet on top, its back saturated with hydrogen."""

    kind: Literal["facet"] = Field(description="what the recipe is of")
    description: str = Field("", description="one line for readers")
    references: list[str] = Field([], description="where it comes from")
    crystal: CrystalName = Field("diamond", description="what the slab is cut from; one layer of graphite is graphene")
    element: Element = Field("C", description="what the crystal is of")
    lattice_A: PositiveFloat | None = Field(
        None, description=f"edge a of the conventional cell; by default {lattice_constants()}"
    )
    c_A: PositiveFloat | None = Field(None, description="edge c of a hexagonal cell")
    miller: Miller = Field(description="any Miller indices without a common divisor; (0001) of graphite is [0, 0, 1]")
    reconstruction: Literal["1x1", "2x1", "pandey"] = Field(
        "1x1", description="of the top; 1x1: as cut, 2x1: dimers of (100), pandey: chains of (111)"
    )
    buckling_A: NonNegativeFloat = Field(0.0, description="height between the atoms of a dimer, to start from")
    hydrogenated: bool = Field(False, description="hydrogen on each dangling bond of the top")
    layers: PositiveInt = Field(8, le=100, description="atomic layers (planes of different height)")
    fixed_layers: NonNegativeInt = Field(
        2, description="layers that do not move: at the back, besides the H; or amid a slab of two sides"
    )
    two_sided: bool = Field(
        False, description="the facet also at the back, which then takes as many ions; for crystals that allow it"
    )
    cell: tuple[Repeats, Repeats] = Field((2, 2), description="repeats of the 1×1 cell")
    charge: Charge = 0
    multiplicity: Annotated[
        PositiveInt | None,
        Field(description="2S+1 of the clean slab; null, and always with an ion: the lowest that the electrons allow"),
    ] = None
    vacuum_A: PositiveFloat = Field(17.0, description="empty height above the slab; an ion takes up to 2 Å of it")
    expect_bonds: list[BondWindow] = Field([], description="bonds that the relaxed top must show")
    expect_coordination: dict[NonNegativeInt, PositiveFloat] = Field(
        {},
        description="atoms of the top with this number of neighbours, H left out, for each 1×1 cell; the top are the "
        "atoms that lack neighbours, or else the highest layer",
    )
    sites: dict[SiteLabel, tuple[Coordinate, Coordinate] | InPlane] = Field(
        {},
        description="sites of your own by label, besides those that symmetry finds: two fractions of the slab's edges, "
        "or x_A and y_A",
    )

    @property
    def neighbours(self) -> int:
        """Neighbours of an atom in the crystal."""
        return crystals().crystals[self.crystal].neighbours

    @property
    def termination(self) -> str:
        """What ends the surface: ``H`` or ``clean``."""
        return "H" if self.hydrogenated else "clean"

    def site_fractions(self, cell: NDArray[np.float64]) -> dict[str, list[float]]:
        """Return the sites of the recipe as fractions of the edges of the slab's cell (3, 3)."""
        places = {
            label: np.linalg.solve(cell[:2, :2].T, [place.x_A, place.y_A]) if isinstance(place, InPlane) else place
            for label, place in self.sites.items()
        }
        return {label: [float(part) for part in place] for label, place in places.items()}

    @model_validator(mode="after")
    def _can_be_built(self) -> FacetRecipe:
        reconstruction = RECONSTRUCTIONS[self.reconstruction]
        known = crystals().crystals[self.crystal].lattice_A
        if self.element not in known:
            raise ValueError(f"there is no {self.crystal} of {self.element}; allowed: {', '.join(known)}")
        if gcd(*self.miller) != 1:
            raise ValueError(f"miller {list(self.miller)}: allowed are indices without a common divisor")
        family = tuple(sorted(abs(index) for index in self.miller))
        if reconstruction.family is not None and (self.crystal, family) != ("diamond", reconstruction.family):
            raise ValueError(
                f"reconstruction {self.reconstruction} is one of {list(reconstruction.family)} of diamond, "
                f"not of {list(self.miller)} of {self.crystal}"
            )
        if any(count % unit for count, unit in zip(self.cell, reconstruction.repeats, strict=True)):
            raise ValueError(
                f"cell {list(self.cell)} is not a multiple of {list(reconstruction.repeats)}, "
                f"the cell of reconstruction {self.reconstruction}"
            )
        if self.hydrogenated and not reconstruction.hydrogenated:
            raise ValueError(f"reconstruction {self.reconstruction} has no hydrogen-terminated form")
        if self.fixed_layers >= self.layers:
            raise ValueError(f"fixed_layers {self.fixed_layers} leaves none of {self.layers} layers free")
        if self.buckling_A and self.reconstruction != "2x1":
            raise ValueError(f"buckling_A {self.buckling_A}: only the dimers of reconstruction 2x1 buckle")
        return self


Recipe = Annotated[ClusterRecipe | FlakeRecipe | AssemblyRecipe | FacetRecipe, Field(discriminator="kind")]
FOLDERS = {"cluster": "clusters", "flake": "flakes", "assembly": "assemblies", "facet": "facets"}
YAML = {".yaml", ".yml"}


class FileRecipe(NamedTuple):
    """A geometry that stands in the place of a recipe."""

    part: Literal["cluster", "flake", "facet"]
    path: Path
    """Any file that ASE reads."""
    charge: int = 0
    multiplicity: None = None

    @property
    def termination(self) -> str:
        """What ends the surface is not known of a file."""
        return "as given"


def spin_states(recipe: AnyRecipe) -> list[int]:
    """Return the multiplicities of which a recipe wants the lowest in energy; nothing if there is no choice."""
    wanted = recipe.multiplicity
    states = list(dict.fromkeys(wanted)) if isinstance(wanted, list) else []
    return states if len(states) > 1 else []


def multiplicity(recipe: AnyRecipe) -> int | None:
    """Return the multiplicity that a recipe wants; None for the lowest, or where it leaves a choice."""
    wanted = recipe.multiplicity
    if isinstance(wanted, list):
        return wanted[0] if len(set(wanted)) == 1 else None
    return wanted


def recipe_path(name: str, root: Path) -> Path:
    """Return the file of a recipe: YAML, or in all folders but ``assemblies`` any structure file.

    Parameters
    ----------
    name : str
        The file's name without its ending.
    root : Path
        The folder ``structures``.

    Raises
    ------
    UserError
        If there is no such recipe, or more than one.
    """
    files = [
        path
        for folder in FOLDERS.values()
        for path in sorted((root / folder).glob("[!.]*"))
        if path.suffix in YAML or (folder != FOLDERS["assembly"] and path.suffix != ".md" and path.is_file())
    ]
    found = [path for path in files if path.stem == name]
    if not found:
        raise UserError.of(root, f"there is no recipe '{name}'", nearest(name, {path.stem for path in files}))
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(root)) for path in found)
        raise UserError.of(root, f"there are {len(found)} recipes '{name}': {names}", "allowed: one")
    return found[0]


AnyRecipe = ClusterRecipe | FlakeRecipe | AssemblyRecipe | FacetRecipe | FileRecipe


def load_recipe(name: str, root: Path, changes: Mapping[str, Any] | None = None) -> AnyRecipe:
    """Read and check a recipe by name.

    Parameters
    ----------
    name : str
        The file's name without its ending.
    root : Path
        The folder ``structures``.
    changes : mapping, optional
        Keys of a YAML recipe that get another value than the file gives them.

    Raises
    ------
    UserError
        If it does not exist or holds what its model refuses.
    """
    path = recipe_path(name, root)
    if path.suffix in YAML:
        document = Document(path)
        return parse(Recipe, [document], {**document.content, **(changes or {})})  # type: ignore[arg-type]
    part = next(kind for kind, folder in FOLDERS.items() if folder == path.parent.name)
    return FileRecipe(part, path)  # type: ignore[arg-type]
