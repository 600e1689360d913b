"""Every structure by its name."""

from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from iondrill.errors import Problem, UserError
from iondrill.files import INSTALL
from iondrill.geometry.assembly import assemble
from iondrill.geometry.checks import Origin, check_structure, read_structure
from iondrill.geometry.cluster import build_cluster
from iondrill.geometry.constraints import moving_atoms
from iondrill.geometry.flake import build_flake
from iondrill.geometry.from_file import as_cluster, as_flake, check_axes
from iondrill.geometry.labels import FACING, set_fragment
from iondrill.geometry.recipes import (
    YAML,
    AssemblyRecipe,
    ClusterRecipe,
    FileRecipe,
    FlakeRecipe,
    is_shipped,
    load_recipe,
    read_recipe,
    recipe_path,
)
from iondrill.geometry.surfaces.assertions import assert_surface
from iondrill.geometry.surfaces.facet import FacetRecipe
from iondrill.geometry.surfaces.from_file import as_slab
from iondrill.geometry.surfaces.slab import build_slab

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ase import Atoms

COLUMNS = {"cluster": {"fragment"}, "flake": {"fragment", "far_edge"}, "facet": {"fragment", "tags"}}
INFO: dict[str, set[str]] = {"cluster": set(), "flake": set(), "facet": {"sites", "two_sided"}}
"""What counts of a structure file besides species, positions, cell and what it fixes."""
FIXES = re.compile(r"fix|freez|froz|constrain|mask|movable|mobile|selective|if_pos", re.IGNORECASE)
"""Names of columns by which other programs may say what is fixed."""
LABELS = {"cluster": ("nd",), "flake": (*FACING, "below", "above", "ion"), "facet": ("slab",)}


class Parts(NamedTuple):
    """The recipes an assembly is made of."""

    cluster: str | None
    flake: str


def build(name: str, root: Path, changes: Mapping[str, Any] | None = None) -> Atoms:
    """Build a structure from its recipe, or read the file that replaces the recipe.

    Parameters
    ----------
    name : str
        Of a cluster, flake, facet, or assembly; an assembly is put together from its parts as built.
    root : Path
        The folder ``structures``.
    changes : mapping, optional
        Keys of its recipe that get another value, e.g. ``{"layers": 10}``.

    Returns
    -------
    Atoms
        With the array fragment; it passed `check_structure`.

    Raises
    ------
    UserError
        If there is no such recipe, or it does not give what it promises; the message names the file.
    """
    path = recipe_path(name, root)
    recipe = read_recipe(path, changes)
    if isinstance(recipe, FileRecipe):
        atoms = _from_file(recipe)
    elif isinstance(recipe, AssemblyRecipe):
        cluster, flake = parts(name, root)
        diamond = None if cluster is None else build(cluster, root)
        sheet = build(flake, root)
        if (
            diamond is not None
            and recipe.tip != "atom"
            and (file := recipe_path(str(cluster), root)).suffix not in YAML
        ):
            check_axes(diamond, file)
        with _at(path):
            atoms = assemble(diamond, sheet, recipe)
    else:
        with _at(path):
            atoms = _from_recipe(recipe)
    check_structure(atoms, path)
    if not moving_atoms(atoms).any():
        raise UserError.of(path, f"fixes all {len(atoms)} atoms", "allowed: at least one that may move")
    if isinstance(recipe, FacetRecipe):
        _hold_promises(atoms, recipe, path)
    return atoms


def parts(name: str, root: Path) -> Parts:
    """Return the names of the cluster and the flake of an assembly.

    Raises
    ------
    UserError
        If the recipe or one of its parts does not exist, or is of another kind.
    """
    path = recipe_path(name, root)
    recipe = read_recipe(path)
    if not isinstance(recipe, AssemblyRecipe):
        raise UserError.of(path, f"is a recipe of a {_kind(recipe)}", "allowed: an assembly")
    for key, part in (("cluster", recipe.cluster), ("flake", recipe.flake)):
        with _at(f"{path}: {key}"):
            kind = key if part is None else _kind(load_recipe(part, root))
        if kind != key:
            raise UserError.of(f"{path}: {key}", f"'{part}' is a recipe of a {kind}", f"allowed: a {key}")
    return Parts(recipe.cluster, recipe.flake)


def origins(name: str, root: Path) -> list[Origin]:
    """Return the files that a structure is built from: its recipe, and those of its parts; which, and what they hold.

    Raises
    ------
    UserError
        If there is no such recipe, or its parts are of another kind.
    """
    assembly = isinstance(load_recipe(name, root), AssemblyRecipe)
    names = [name, *(part for part in parts(name, root) if part is not None)] if assembly else [name]
    return [_origin(recipe_path(each, root)) for each in names]


def _origin(path: Path) -> Origin:
    shipped, digest = is_shipped(path), hashlib.sha256(path.read_bytes()).hexdigest()
    file = path.relative_to(INSTALL) if shipped else path
    return Origin(file=file.as_posix(), install=version("iondrill") if shipped else "", sha256=digest)


def _from_recipe(recipe: ClusterRecipe | FlakeRecipe | FacetRecipe) -> Atoms:
    """Build anything but an assembly."""
    if isinstance(recipe, ClusterRecipe):
        return build_cluster(recipe)
    return build_flake(recipe) if isinstance(recipe, FlakeRecipe) else build_slab(recipe)


def _hold_promises(slab: Atoms, recipe: FacetRecipe, path: Path) -> None:
    """Raise a UserError if a slab, as built, is not what its recipe expects."""
    broken = [record for record in assert_surface(slab, slab, recipe, "built") if not record.passed]
    if broken:
        raise UserError(
            *(Problem(str(path), f"{one.what}: {one.found}", f"expected: {one.expected}") for one in broken)
        )


def _from_file(recipe: FileRecipe) -> Atoms:
    """Read a structure file, take of it what a recipe could say, and lay it as a recipe builds it."""
    atoms, allowed = read_structure(recipe.path), LABELS[recipe.part]
    _drop_foreign(atoms, recipe)
    if "fragment" in atoms.arrays:
        found = set(atoms.arrays["fragment"].tolist())
        if allowed[0] not in found or not found <= set(allowed):
            raise UserError.of(
                recipe.path,
                f"has the fragments {sorted(found)}",
                f"allowed in a {recipe.part}: {', '.join(allowed)}; at least {allowed[0]}",
            )
    elif recipe.part != "flake":
        set_fragment(atoms, allowed[0])
    {"cluster": as_cluster, "flake": as_flake, "facet": as_slab}[recipe.part](atoms, recipe.path)
    return atoms


def _drop_foreign(atoms: Atoms, recipe: FileRecipe) -> None:
    """Drop moments, charges, forces, masses: everything in a file but geometry, fixed atoms and our own labels.

    Raises
    ------
    UserError
        If it has a column that may fix atoms, and that is not read; or a far_edge that is not of true and false.
    """
    for name in set(atoms.arrays) - {"numbers", "positions"} - COLUMNS[recipe.part]:
        if FIXES.search(name):
            raise UserError.of(
                recipe.path, f"has the column '{name}'", "allowed for what is fixed: move_mask:L:1 or move_mask:L:3"
            )
        del atoms.arrays[name]
    if atoms.arrays.get("far_edge", np.zeros(1, dtype=bool)).dtype != bool:
        raise UserError.of(recipe.path, "has a column far_edge of other than true and false", "allowed: far_edge:L:1")
    atoms.info = {key: atoms.info[key] for key in INFO[recipe.part] & set(atoms.info)}


def _kind(recipe: ClusterRecipe | FlakeRecipe | AssemblyRecipe | FacetRecipe | FileRecipe) -> str:
    return recipe.part if isinstance(recipe, FileRecipe) else recipe.kind


@contextmanager
def _at(source: object) -> Iterator[None]:
    """Put the source, a recipe's file or key, before the problems that occur inside."""
    try:
        yield
    except UserError as error:
        raise UserError(
            *(Problem(f"{source}: {problem.where}", problem.found, problem.allowed) for problem in error.problems)
        ) from None
