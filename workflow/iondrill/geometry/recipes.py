"""Recipes: structures as data in ``structures/**/*.yaml``, found by name in the project, and then in the install."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import Field, model_validator

from iondrill.config.base import (
    Ion,
    KeysError,
    Name,
    Number,
    Strict,
)
from iondrill.config.document import Document
from iondrill.config.load import parse
from iondrill.config.quantities import Atoms, Coordinate, Few, Length, Neighbours, Radius, SpinStates
from iondrill.errors import UserError, nearest
from iondrill.files import SHIPPED
from iondrill.geometry.surfaces.facet import Charge, FacetRecipe, Miller

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Multiplicity = Annotated[
    SpinStates | None, Field(description="2S+1; null: the lowest that the number of electrons allows")
]
Multiplicities = Annotated[
    SpinStates | Annotated[list[SpinStates], Field(min_length=1)] | None,
    Field(
        description="2S+1; null: the lowest that the number of electrons allows; of a list, each is relaxed and the "
        "one of lowest energy kept"
    ),
]
Vector = tuple[Coordinate, Coordinate, Coordinate]


class HalfSpaces(Strict):
    """All members of a family of planes, cutting at one distance from the centre."""

    family: Miller = Field(
        description="Miller indices of one member; all orders and all even changes of sign belong to the family"
    )
    distance_A: Radius = Field(description="from the centre to the planes")
    inversion: bool = Field(True, description="also the members with all signs reversed")

    @model_validator(mode="after")
    def _faces_somewhere(self) -> HalfSpaces:
        if not any(self.family):
            raise KeysError("found [0, 0, 0]; allowed: indices that are not all zero", "family")
        return self


class ClusterRecipe(Strict):
    """A cluster cut out of the diamond lattice, bare or hydrogenated."""

    kind: Literal["cluster"] = Field(description="what the recipe is of")
    description: str = Field("", description="one line for readers")
    references: list[str] = Field([], description="where it comes from")
    lattice_A: Length = Field(3.567, description="cubic lattice constant of diamond")
    centre: Vector | Literal["atom", "bond", "cage", "hexagon"] = Field(
        "atom", description="centre of the cut: a named point, or a vector in units of the lattice constant"
    )
    radius_A: Radius | None = Field(None, description="keep the atoms within this distance")
    half_spaces: list[HalfSpaces] = Field([], description="keep the atoms on the inner side of these planes")
    drop_singly_bonded: bool = Field(False, description="remove the atoms that have one neighbour")
    hydrogenated: bool = Field(False, description="hydrogen on every dangling bond of the cut")
    charge: Charge = 0
    multiplicity: Multiplicities = None
    expect_atoms: Atoms = Field(description="number of carbon atoms that must come out")
    expect_coordination: dict[Neighbours, Atoms] = Field(
        {}, description="number of carbon atoms for each number of carbon neighbours"
    )

    @model_validator(mode="after")
    def _bounded(self) -> ClusterRecipe:
        if self.radius_A is None and not self.half_spaces:
            raise ValueError("the cut has no bounds; give radius_A, half_spaces or both")
        return self


class Intercalant(Strict):
    """Ions between the layers, over hexagon centres in the √3×√3 (LiC6) pattern."""

    element: Ion = Field(description="the ion")
    count: Few | Literal["full"] = Field(
        "full", description="ions in a gap, from the centre outwards; full: every position of the pattern"
    )


class FlakeRecipe(Strict):
    """Stacked hexagonal graphene flakes, hydrogen-terminated or bare."""

    kind: Literal["flake"] = Field(description="what the recipe is of")
    description: str = Field("", description="one line for readers")
    references: list[str] = Field([], description="where it comes from")
    ring_order: Annotated[int, Field(ge=2, le=5), Number] = Field(
        description="hexagons along an edge: 2 C24H12, 3 C54H18, 4 C96H24, 5 C150H30"
    )
    layers: Annotated[int, Field(ge=1, le=4), Number] = Field(
        2,
        description="number of graphene layers; a nanodiamond faces the first gap of three, the middle one of four, "
        "and order parameters are of the two layers there",
    )
    stacking: Literal["AA", "AB"] = Field("AA", description="AA: hexagon over hexagon; AB: as in graphite")
    gap_A: Length = Field(3.7, description="distance of the layers")
    cc_A: Length = Field(1.42, description="C–C bond length")
    ch_A: Length = Field(1.09, description="C–H bond length")
    edge_hydrogen: bool = Field(True, description="hydrogen on the edges; false: bare")
    ions: Intercalant | None = Field(None, description="what lies in each gap of the layers; null for nothing")
    charge: Charge = 0
    multiplicity: Multiplicities = None


class FittedBox(Strict):
    """A box that leaves this much vacuum between the solute and its image."""

    vacuum_A: Length = Field(description="least distance between the solute and its image")
    cubic: bool = Field(True, description="all edges as long as the longest")


class CubicBox(Strict):
    """A cubic box of fixed edge."""

    edge_A: Length = Field(description="edge of the cube")


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
    distance_A: Length = Field(3.0, description="along x, from the foremost C of the tip to the edge C")
    height: Literal["gap", "layer", "above"] = Field(
        "gap",
        description="of the centre of the nanodiamond: half-way between the layers, of the upper layer, or half a gap "
        "above that",
    )
    charge: Charge = 0
    multiplicity: Multiplicity = None
    box: FittedBox | CubicBox = Field(FittedBox(vacuum_A=15.0), description="the non-periodic box")

    @model_validator(mode="after")
    def _points_somewhere(self) -> AssemblyRecipe:
        if self.tip == (0, 0, 0):
            raise KeysError("found [0, 0, 0]; allowed: indices that are not all zero", "tip")
        return self


Recipe = Annotated[ClusterRecipe | FlakeRecipe | AssemblyRecipe | FacetRecipe, Field(discriminator="kind")]
KEPT_ASIDE = re.compile(
    r"^[.#]|[~#]$|\.~?\d+~$|\.(bak|backup|orig|rej|old|sav|save|sw[a-p]|tmp|temp|part|lock|dpkg-\w+|rpm\w+)([-_.]?\d+)?$"
    r"|[._](BACKUP|BASE|LOCAL|REMOTE)[._]\d+\.\w+$",
    re.IGNORECASE,
)
"""Names of the backups that editors, patch, merge tools and package managers make."""
NOTES = {".md", ".txt", ".rst", ".py", ".sh", ".png", ".svg", ".jpg", ".pdf"}
FOLDERS = {"cluster": "clusters", "flake": "flakes", "assembly": "assemblies", "facet": "facets"}
YAML = {".yaml", ".yml"}


class FileRecipe(NamedTuple):
    """A geometry in a file, instead of a recipe."""

    part: Literal["cluster", "flake", "facet"]
    path: Path
    """Any file that ASE reads."""
    charge: int = 0
    multiplicity: None = None

    @property
    def termination(self) -> str:
        """The termination of a surface in a file is not known."""
        return "as given"


def spin_states(recipe: AnyRecipe) -> list[int]:
    """Return the multiplicities among which the lowest energy decides; nothing if a recipe leaves no choice."""
    wanted = recipe.multiplicity
    states = list(dict.fromkeys(wanted)) if isinstance(wanted, list) else []
    return states if len(states) > 1 else []


def multiplicity(recipe: AnyRecipe) -> int | None:
    """Return the multiplicity that a recipe names; None for the lowest, or where it leaves a choice."""
    wanted = recipe.multiplicity
    if isinstance(wanted, list):
        return wanted[0] if len(set(wanted)) == 1 else None
    return wanted


def recipe_files(root: Path) -> dict[str, list[Path]]:
    """Return the files of each recipe by its name: one, unless two folders or endings have the same.

    Parameters
    ----------
    root : Path
        The folder ``structures`` of the project. What it does not have is taken from the install.
    """
    return _files_in(SHIPPED) | _files_in(root)


def _files_in(root: Path) -> dict[str, list[Path]]:
    """Return the files of each recipe of one folder."""
    files: dict[str, list[Path]] = {}
    for folder in FOLDERS.values():
        for path in sorted((root / folder).glob("*")):
            if is_recipe(path) and (path.suffix in YAML or folder != FOLDERS["assembly"]):
                files.setdefault(path.stem, []).append(path)
    return files


def is_shipped(path: Path) -> bool:
    """Say whether a recipe is the install's, and not the project's own."""
    return path.is_relative_to(SHIPPED)


def is_recipe(path: Path) -> bool:
    """Say whether a path in a folder of recipes is one: no folder, no note, no picture, no backup."""
    return not KEPT_ASIDE.search(path.name) and path.suffix.lower() not in NOTES and path.is_file()


def recipe_path(name: str, root: Path, files: Mapping[str, list[Path]] | None = None) -> Path:
    """Return the file of a recipe: YAML, or in all folders but ``assemblies`` any structure file.

    Parameters
    ----------
    name : str
        The file's name without its ending.
    root : Path
        The folder ``structures``.
    files : mapping, optional
        Its `recipe_files`, where many recipes are looked for.

    Raises
    ------
    UserError
        If there is no such recipe, or more than one.
    """
    files = recipe_files(root) if files is None else files
    found = files.get(name, [])
    if not found:
        raise UserError.of(root, f"there is no recipe '{name}'", nearest(name, files))
    if len(found) > 1:
        names = ", ".join(f"{path.parent.name}/{path.name}" for path in found)
        raise UserError.of(root, f"there are {len(found)} recipes '{name}': {names}", "allowed: one")
    return found[0]


AnyRecipe = ClusterRecipe | FlakeRecipe | AssemblyRecipe | FacetRecipe | FileRecipe


def load_recipe(name: str, root: Path) -> AnyRecipe:
    """Read and check a recipe by name.

    Raises
    ------
    UserError
        If it does not exist or holds what its model refuses.
    """
    return read_recipe(recipe_path(name, root))


def read_recipe(path: Path, changes: Mapping[str, Any] | None = None) -> AnyRecipe:
    """Read and check a recipe.

    Parameters
    ----------
    path : Path
        Its file.
    changes : mapping, optional
        Keys of a YAML recipe that get another value than the file gives them.

    Raises
    ------
    UserError
        If it holds what its model refuses.
    """
    if path.suffix in YAML:
        document = Document(path)
        return parse(Recipe, [document], {**document.content, **(changes or {})})  # type: ignore[arg-type]
    part = next(kind for kind, folder in FOLDERS.items() if folder == path.parent.name)
    return FileRecipe(part, path)  # type: ignore[arg-type]
