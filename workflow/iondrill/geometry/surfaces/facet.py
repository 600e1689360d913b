"""The recipe of a facet: crystal, cut, reconstruction, size, and what the surface promises."""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import numpy as np
from pydantic import Field, model_validator

from iondrill.config.base import (
    KeysError,
    Number,
    Strict,
)
from iondrill.config.quantities import (
    Coordinate,
    Electrons,
    Few,
    Length,
    Margin,
    MillerIndex,
    Neighbours,
    PerCell,
    SpinStates,
)
from iondrill.geometry.surfaces.lattices import CrystalName, Element, crystals, lattice_constants

if TYPE_CHECKING:
    from numpy.typing import NDArray

Charge = Annotated[Electrons, Field(description="total charge, e")]
Miller = tuple[MillerIndex, MillerIndex, MillerIndex]
Repeats = Annotated[int, Field(ge=1, le=20), Number]
SiteLabel = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        max_length=40,
        json_schema_extra={
            "x-means": "label",
            "x-rule": "lower-case letters and digits, parts joined by '-', at most 40",
        },
    ),
]


class BondWindow(Strict):
    """Bonds of one kind among the atoms of the top, and how long they may be."""

    what: Literal["dimer", "chain", "sheet"] = Field(
        description="dimer: a pair; chain: a row of bonds, neighbouring ones alike; sheet: the bonds of a layer"
    )
    window_A: tuple[Length, Length] = Field(description="shortest and longest, once relaxed")
    per_cell: PerCell = Field(description="number of such bonds for each 1×1 cell of the surface")


class InPlane(Strict):
    """A point in the plane of the surface."""

    x_A: Coordinate = Field(description="along the first edge")
    y_A: Coordinate = Field(description="perpendicular to it")


Sites = Annotated[
    dict[SiteLabel, tuple[Coordinate, Coordinate] | InPlane],
    Field(
        description="sites of your own by label, besides those that symmetry finds: two fractions of the slab's edges, "
        "or x_A and y_A"
    ),
]


class FileSites(Strict):
    """What the ``info`` of a structure file may say of the sites of a facet."""

    sites: Sites


def site_fractions(sites: Sites, cell: NDArray[np.float64]) -> dict[str, list[float]]:
    """Return sites as fractions of the edges of the slab's cell (3, 3), which lie in the xy plane."""
    x = cell[0, :2] / np.linalg.norm(cell[0, :2])
    y = np.array([-x[1], x[0]])
    fractions = {
        label: np.linalg.solve(cell[:2, :2].T, point.x_A * x + point.y_A * y) if isinstance(point, InPlane) else point
        for label, point in sites.items()
    }
    return {label: [float(part) for part in point] for label, point in fractions.items()}


class Reconstruction(NamedTuple):
    """The surfaces that can have a reconstruction."""

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
    lattice_A: Length | None = Field(
        None, description=f"edge a of the conventional cell; by default {lattice_constants()}"
    )
    c_A: Length | None = Field(None, description="edge c of a hexagonal cell")
    miller: Miller = Field(description="any Miller indices without a common divisor; (0001) of graphite is [0, 0, 1]")
    reconstruction: Literal["1x1", "2x1", "pandey"] = Field(
        "1x1", description="of the top; 1x1: as cut, 2x1: dimers of (100), pandey: chains of (111)"
    )
    buckling_A: Margin = Field(0.0, description="height between the atoms of a dimer, to start from")
    hydrogenated: bool = Field(False, description="hydrogen on each dangling bond of the top")
    layers: Few = Field(8, description="atomic layers (planes of different height)")
    fixed_layers: Annotated[int, Field(ge=0, le=100), Number] = Field(
        2, description="fixed layers: at the back, besides the H; or in the middle of a two-sided slab"
    )
    two_sided: bool = Field(
        False, description="make the back a facet too, with as many ions; only for crystals that allow it"
    )
    cell: tuple[Repeats, Repeats] = Field((2, 2), description="repeats of the 1×1 cell")
    charge: Charge = 0
    multiplicity: Annotated[
        SpinStates | None,
        Field(description="2S+1 of the clean slab; null, and always with an ion: the lowest that the electrons allow"),
    ] = None
    vacuum_A: Length = Field(17.0, description="empty height above the slab; an ion takes up to 2 Å of it")
    expect_bonds: list[BondWindow] = Field([], description="bonds that the relaxed top must show")
    expect_coordination: dict[Neighbours, PerCell] = Field(
        {},
        description="atoms of the top with this number of neighbours, H left out, for each 1×1 cell; the top are the "
        "atoms that lack neighbours, or else the highest layer",
    )
    sites: Sites = {}

    @property
    def neighbours(self) -> int:
        """Neighbours of an atom in the crystal."""
        return crystals().crystals[self.crystal].neighbours

    @property
    def termination(self) -> str:
        """Termination of the surface: ``H`` or ``clean``."""
        return "H" if self.hydrogenated else "clean"

    @model_validator(mode="after")
    def _can_be_built(self) -> FacetRecipe:
        known = crystals().crystals[self.crystal].lattice_A
        if self.element not in known:
            raise KeysError(f"there is no {self.crystal} of {self.element}; allowed: {', '.join(known)}", "element")
        if gcd(*self.miller) != 1:
            raise KeysError(f"found {list(self.miller)}; allowed: indices without a common divisor", "miller")
        self._check_reconstruction(RECONSTRUCTIONS[self.reconstruction])
        if self.fixed_layers >= self.layers:
            found = f"fixed_layers {self.fixed_layers} leaves none of {self.layers} layers free"
            raise KeysError(f"{found}; allowed: at most {self.layers - 1}", "fixed_layers", "layers")
        if self.buckling_A and self.reconstruction != "2x1":
            found = f"found {self.buckling_A} with reconstruction {self.reconstruction}"
            raise KeysError(f"{found}; allowed: 0; only the dimers of 2x1 buckle", "buckling_A")
        return self

    def _check_reconstruction(self, reconstruction: Reconstruction) -> None:
        """Raise a ValueError if the surface cannot have its reconstruction."""
        name, family = self.reconstruction, tuple(sorted(abs(index) for index in self.miller))
        if reconstruction.family is not None and (self.crystal, family) != ("diamond", reconstruction.family):
            members = dict.fromkeys([reconstruction.family[::-1], reconstruction.family])
            one_of = " or ".join(str(list(member)) for member in members)
            raise KeysError(
                f"reconstruction {name} is not of {list(self.miller)} of {self.crystal}; "
                f"allowed: miller {one_of} of diamond, in any order and with any signs",
                "reconstruction",
            )
        if any(count % unit for count, unit in zip(self.cell, reconstruction.repeats, strict=True)):
            raise KeysError(
                f"found {list(self.cell)}; allowed: a multiple of {list(reconstruction.repeats)}, "
                f"the cell of reconstruction {name}",
                "cell",
                "reconstruction",
            )
        if self.hydrogenated and not reconstruction.hydrogenated:
            raise KeysError(f"reconstruction {name} has no hydrogen-terminated form; allowed: false", "hydrogenated")
