"""Every structure by its name."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from iondrill.build.assembly import assemble
from iondrill.build.assertions import assert_surface
from iondrill.build.checks import check_structure, read_structure
from iondrill.build.cluster import build_cluster
from iondrill.build.facet import FacetRecipe
from iondrill.build.flake import build_flake, label_layers, mark_far_edge
from iondrill.build.labels import set_fragment
from iondrill.build.recipes import (
    AssemblyRecipe,
    ClusterRecipe,
    FileRecipe,
    FlakeRecipe,
    load_recipe,
    read_recipe,
    recipe_path,
)
from iondrill.build.slab import build_slab
from iondrill.build.slabfile import as_slab
from iondrill.errors import Problem, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ase import Atoms

LABELS = {"cluster": ("nd",), "flake": ("lower", "upper", "ion"), "facet": ("slab",)}


class Parts(NamedTuple):
    """The recipes an assembly is made of."""

    cluster: str | None
    flake: str


def build(name: str, root: Path, changes: Mapping[str, Any] | None = None) -> Atoms:
    """Build a structure from its recipe, or read the file that stands in its place.

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
        with _at(path):
            atoms = assemble(diamond, sheet, recipe)
    else:
        with _at(path):
            atoms = _from_recipe(recipe)
    check_structure(atoms, path)
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
    """Read a structure file and label its atoms where it does not."""
    atoms, allowed = read_structure(recipe.path), LABELS[recipe.part]
    if "fragment" not in atoms.arrays:
        set_fragment(atoms, allowed[0])
        if recipe.part == "flake":
            with _at(recipe.path):
                label_layers(atoms)
    found = set(atoms.arrays["fragment"].tolist())
    if allowed[0] not in found or not found <= set(allowed):
        raise UserError.of(
            recipe.path,
            f"has the fragments {sorted(found)}",
            f"allowed in a {recipe.part}: {', '.join(allowed)}; at least {allowed[0]}",
        )
    if recipe.part == "flake" and "far_edge" not in atoms.arrays:
        mark_far_edge(atoms)
    if recipe.part == "facet":
        as_slab(atoms, recipe.path)
    return atoms


def _kind(recipe: ClusterRecipe | FlakeRecipe | AssemblyRecipe | FacetRecipe | FileRecipe) -> str:
    return recipe.part if isinstance(recipe, FileRecipe) else recipe.kind


@contextmanager
def _at(place: object) -> Iterator[None]:
    """Name the place, a recipe's file or key, before whatever problems come up inside."""
    try:
        yield
    except UserError as error:
        raise UserError(
            *(Problem(f"{place}: {problem.where}", problem.found, problem.allowed) for problem in error.problems)
        ) from None
