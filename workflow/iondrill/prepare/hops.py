"""Which ways of ions the configuration asks for, and the two ends of each."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iondrill.errors import Problem, UserError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from ase import Atoms

    from iondrill.config.base import Ion
    from iondrill.config.models import BarriersStage

ONE_SIDED = "allowed: facets of one side, whose barriers are of one ion"


class Hop(NamedTuple):
    """The way of an ion from a site of a facet to the nearest place of a kind."""

    facet: str
    ion: Ion
    start: str
    end: str

    @property
    def subject(self) -> str:
        """Name of the job without its level: ``C100-2x1.Li-cave_pedestal``."""
        return f"{self.facet}.{self.ion}-{self.start}_{self.end}"

    @property
    def ends(self) -> tuple[str, str]:
        """Names of the relaxations of the ion at its ends, without their level."""
        return f"{self.facet}.{self.ion}-{self.start}", f"{self.facet}.{self.ion}-{self.end}"


def hops(stage: BarriersStage, recipes: Path, sites: Callable[[str], Collection[str]]) -> list[Hop]:
    """Return the ways that are asked for: facet by facet, ion by ion.

    Parameters
    ----------
    stage : BarriersStage
        Facets, ions and paths.
    recipes : Path
        The folder ``structures``.
    sites : callable
        Gives the labels of the sites of a facet.

    Raises
    ------
    UserError
        If a facet cannot be built, has two sides, or lacks sites that are named: each by its place in the
        configuration.
    """
    paths = stage.paths
    problems = [
        Problem(f"barriers.facets.{k}", f"facet {facet} is two_sided: an ion on each side would hop", ONE_SIDED)
        for k, facet in enumerate(stage.facets)
        if _two_sided(facet, recipes)
    ]
    if paths == "all-neighbours":
        if problems:
            raise UserError(*problems)
        return [
            Hop(facet, ion, *pair)
            for facet in stage.facets
            for ion, pair in product(stage.ions, _neighbours(facet, recipes))
        ]
    problems += [
        Problem(f"barriers.paths.{k}.{end}", f"facet {facet} has no site '{label}'", nearest(label, sites(facet)))
        for facet in stage.facets
        for k, pair in enumerate(paths)
        for end, label in enumerate(pair)
        if label not in sites(facet)
    ]
    if problems:
        raise UserError(*problems)
    return [Hop(facet, ion, *pair) for facet, ion, pair in product(stage.facets, stage.ions, paths)]


def _two_sided(facet: str, recipes: Path) -> bool:
    """Say whether as many ions come to the back of a facet as to its top, by its recipe or the file in its place."""
    from iondrill.build.checks import read_structure
    from iondrill.build.facet import FacetRecipe
    from iondrill.build.recipes import FileRecipe, load_recipe

    recipe = load_recipe(facet, recipes)
    if isinstance(recipe, FileRecipe):
        return bool(read_structure(recipe.path).info.get("two_sided"))
    return isinstance(recipe, FacetRecipe) and recipe.two_sided


def _neighbours(facet: str, recipes: Path) -> list[tuple[str, str]]:
    """Return the pairs of kinds of sites of a facet that have neighbouring places."""
    from iondrill.build.paths import neighbours
    from iondrill.build.registry import build
    from iondrill.build.sites import find_sites

    slab = build(facet, recipes)
    return neighbours(slab, find_sites(slab))


def ends(hop: Hop, built: Atoms, start: Atoms, end: Atoms) -> tuple[Atoms, Atoms]:
    """Return the two ends of a way, atom by atom the same.

    Parameters
    ----------
    hop : Hop
        The way.
    built : Atoms
        The clean slab as built: its exact symmetry names the sites.
    start, end : Atoms
        The slab with the ion relaxed at each of the two sites.

    Returns
    -------
    tuple of Atoms
        `start` with its ion in the image from which the way begins; `end` moved by a symmetry of the slab to the
        place next to it.

    Raises
    ------
    UserError
        If an ion has left its site, or the places cannot be reached by a symmetry.
    """
    from iondrill.build.adsorbate import relaxed_sites
    from iondrill.build.paths import beside, moved_by_symmetry, nearest_hops
    from iondrill.build.sites import find_sites

    sites = {site.label: site for site in find_sites(built)}
    in_plane = built.cell.array[:2]
    places = {label: site.fractions @ in_plane for label, site in sites.items()}
    for label, atoms in ((hop.start, start), (hop.end, end)):
        if (now := relaxed_sites(atoms, places)) != [label]:
            raise UserError.of(hop.subject, f"the ion put at {label} relaxed to {', '.join(now)}", "no end of a path")
    own = np.asarray(sites[hop.end].xy) @ in_plane[:, :2]
    refusals: list[Problem] = []
    # the cell of the slab may break the symmetry of the surface, so that not each of equally near places will do
    for way in nearest_hops(built, sites[hop.start], sites[hop.end]):
        try:
            return beside(start, built, way.start_A), moved_by_symmetry(end, built, own, way.end_A)
        except UserError as error:
            refusals += error.problems
    raise UserError(*refusals[:1])
