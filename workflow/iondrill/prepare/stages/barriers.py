"""Paths of ions between neighbouring sites of facets, and the two ends of each."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from iondrill.config.project import located, required
from iondrill.errors import Problem, UserError, nearest
from iondrill.jobs.job import Kind, Neb
from iondrill.jobs.name import JobId, Subject
from iondrill.prepare.stages.base import Stage, raised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ase import Atoms

    from iondrill.config.document import Document
    from iondrill.config.models import BarriersStage as Settings

ONE_SIDED = "allowed: facets of one side, whose barriers are of one ion"


class BarriersStage(Stage):
    """The paths that ``snakemake barriers`` finds."""

    name = "barriers"

    @property
    def settings(self) -> Settings:
        """The section of the configuration; see `iondrill.config.project.required`."""
        return required(self.config.barriers, "barriers", "level and facets")

    def jobs(self) -> list[JobId]:
        """Return the paths that the configuration asks for: facet by facet, ion by ion.

        Raises
        ------
        UserError
            If it asks for none; if a facet cannot be built, has two sides, or lacks sites that are named: each by
            its key path in the configuration.
        """
        stage, paths = self.settings, self.settings.paths
        for facet in stage.facets:
            self.project.recipe_path(facet)  # its error names the key of a missing one
        problems = [
            Problem(f"barriers.facets.{k}", f"facet {facet} is two_sided: an ion on each side would hop", ONE_SIDED)
            for k, facet in enumerate(stage.facets)
            if self._two_sided(facet)
        ]
        if paths != "all-neighbours":
            problems += self._missing_sites(paths)
        if problems:
            raise UserError(*problems)
        return [
            JobId("barriers", Subject(facet, ion, site=start), stage.level, end=end)
            for facet in stage.facets
            for ion, (start, end) in product(
                stage.ions, self._neighbours(facet) if paths == "all-neighbours" else paths
            )
        ]

    def _missing_sites(self, paths: Sequence[tuple[str, str]]) -> list[Problem]:
        """Return the ends of paths that a facet does not have."""
        sites = {facet: self.project.site_spacings(facet) for facet in self.settings.facets}
        return [
            Problem(f"barriers.paths.{k}.{end}", f"facet {facet} has no site '{label}'", nearest(label, sites[facet]))
            for facet in self.settings.facets
            for k, pair in enumerate(paths)
            for end, label in enumerate(pair)
            if label not in sites[facet]
        ]

    def _two_sided(self, facet: str) -> bool:
        """Say whether a facet is two-sided, by its recipe or its file."""
        from iondrill.geometry.checks import read_structure
        from iondrill.geometry.recipes import FileRecipe
        from iondrill.geometry.surfaces.facet import FacetRecipe

        recipe = self.project.recipe(facet)
        if isinstance(recipe, FileRecipe):
            return bool(read_structure(recipe.path).info.get("two_sided"))
        return isinstance(recipe, FacetRecipe) and recipe.two_sided

    def _neighbours(self, facet: str) -> list[tuple[str, str]]:
        """Return the pairs of kinds of sites of a facet that have neighbouring positions."""
        from iondrill.geometry.registry import build
        from iondrill.geometry.surfaces.site_neighbours import neighbours
        from iondrill.geometry.surfaces.sites import find_sites

        slab = build(facet, self.project.recipes)
        return neighbours(slab, find_sites(slab))

    def needed(self) -> list[JobId]:
        """Return the paths and the relaxations that they need: of clean slabs, and of the ion at both ends."""
        paths = self.jobs()
        subjects = [subject for path in paths for subject in (path.subject.clean, *ends_of(path))]
        return [*paths, *(JobId("adsorption", subject, self.settings.level) for subject in subjects)]

    def task(self, job: JobId) -> Neb:  # noqa: ARG002
        """Return what a job does."""
        stage = self.settings
        return Neb(images=stage.images, fmax_eV_A=stage.fmax_eV_A, max_steps=stage.max_steps)

    def kind(self, job: JobId) -> Kind:  # noqa: ARG002
        """Return what a job's structure is."""
        return "slab"

    def structure(self, job: JobId) -> str:
        """Return the facet."""
        return job.structure

    def electrons(self, job: JobId) -> tuple[int, int | None]:
        """Return charge and multiplicity: slabs with an ion have the lowest spin."""
        return self.project.recipe(job.structure).charge, None

    def problems(self, documents: Sequence[Document]) -> list[Problem]:
        """Return the ends of paths that a facet does not have."""
        return [] if self.config.barriers is None else located(documents, raised(self.jobs))


def ends_of(path: JobId) -> tuple[Subject, Subject]:
    """Return the slab with the ion at the two ends of a path."""
    return path.subject, path.subject._replace(site=path.end)


def ends(path: JobId, built: Atoms, start: Atoms, end: Atoms) -> tuple[Atoms, Atoms]:
    """Return the two ends of a path, atom by atom the same.

    Parameters
    ----------
    path : JobId
        The job that finds it.
    built : Atoms
        The clean slab as built: its exact symmetry names the sites.
    start, end : Atoms
        The slab with the ion relaxed at each of the two sites.

    Returns
    -------
    tuple of Atoms
        `start` with its ion in the image from which the path begins; `end` moved by a symmetry of the slab to the
        position next to it.

    Raises
    ------
    UserError
        If an ion has left its site, or the positions cannot be reached by a symmetry.
    """
    from iondrill.geometry.surfaces.adsorbate import relaxed_sites
    from iondrill.geometry.surfaces.site_neighbours import moved_by_symmetry, nearest_hops, with_ion_image
    from iondrill.geometry.surfaces.sites import find_sites

    sites = {site.label: site for site in find_sites(built)}
    in_plane = built.cell.array[:2]
    positions = {label: site.fractions @ in_plane for label, site in sites.items()}
    first, last = path.subject.site, path.end
    for label, atoms in ((first, start), (last, end)):
        if (now := relaxed_sites(atoms, positions)) != [label]:
            raise UserError.of(path.stem, f"the ion put at {label} relaxed to {', '.join(now)}", "no end of a path")
    own = np.asarray(sites[last].xy) @ in_plane[:, :2]
    refusals: list[Problem] = []
    # the cell of the slab may break the symmetry of the surface: then only some of the equally near positions work
    for hop in nearest_hops(built, sites[first], sites[last]):
        try:
            return with_ion_image(start, built, hop.start_A), moved_by_symmetry(end, built, own, hop.end_A)
        except UserError as error:
            refusals += error.problems
    raise UserError(*refusals[:1])
