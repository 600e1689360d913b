"""Ions on the sites of facets."""

from __future__ import annotations

from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

from iondrill.config.project import located
from iondrill.errors import Problem, UserError, nearest
from iondrill.files import files_named
from iondrill.geometry.recipes import multiplicity
from iondrill.jobs.job import Kind, Relax, Static
from iondrill.jobs.name import ATOM, CLEAN, JobId, Subject
from iondrill.prepare.site_cache import has_room
from iondrill.prepare.stages.base import Stage, raised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iondrill.config.base import Ion
    from iondrill.config.document import Document

MOST_TOGETHER = 60
"""Slabs with ions that one job relaxes at a quick level, whole facets: a start of Python takes as long as ten."""
FEWER = "allowed: fewer ions, or a larger cell in the facet's recipe"


class AdsorptionStage(Stage):
    """Clean slabs, atoms, and slabs with ions."""

    name = "adsorption"
    by_default = True

    def jobs(self) -> list[JobId]:
        """Return the jobs at all levels of the stage."""
        return [job for level in self.config.adsorption.levels for job in self.at_level(level)]

    def at_level(self, level: str) -> list[JobId]:
        """Return clean slabs, atoms and slabs with ions at a level; each once."""
        stage = self.config.adsorption
        if not stage.facets:
            return []
        subjects = [Subject(facet, site=CLEAN) for facet in stage.facets]
        subjects += [Subject(ATOM, ion) for ion in stage.ions]
        return [JobId("adsorption", subject, level) for subject in [*subjects, *self.fillings]]

    @property
    def recorded(self) -> list[str]:
        """The files of labels that fitted levels are held against."""
        return [file for name in self.config.adsorption.recorded or () for file in files_named(name, ".extxyz")]

    def written(self) -> list[JobId]:
        """Return the jobs whose folders the section ``inputs`` asks for."""
        return [job for level in self.config.inputs.adsorption for job in self.at_level(level)]

    @cached_property
    def fillings(self) -> list[Subject]:
        """Which ions are put where: facet by facet, ion by ion, coverage by coverage, site by site.

        Raises
        ------
        UserError
            If the configuration names a site that a facet does not have, or that has no room for the ions; if no
            site has; or if it names sites of a facet that there is no recipe of.
        """
        stage = self.config.adsorption
        for facet in stage.sites if isinstance(stage.sites, dict) else ():
            self.project.recipe_path(facet)  # sites of facets that are not asked for are in store, not mistaken
        fillings, problems = list[Subject](), list[Problem]()
        for facet, ion, n in product(stage.facets, stage.ions, stage.n):
            try:
                fillings += [Subject(facet, ion, n, site) for site in self._sites(facet, ion, n)]
            except UserError as error:
                problems += error.problems
        if problems:
            raise UserError(*dict.fromkeys(problems))
        return fillings

    def _sites(self, facet: str, ion: Ion, n: int) -> list[str]:
        """Return the labels of the sites to fill with ions."""
        stage = self.config.adsorption
        wanted, key = stage.sites_on(facet), "adsorption.sites"
        key += f".{facet}" if isinstance(stage.sites, dict) else ""
        spacings_A = self.project.site_spacings(facet)
        roomy = [site for site in spacings_A if has_room(spacings_A[site], ion, n)]
        problems = [
            Problem(key, f"facet {facet} has no site '{site}'", nearest(site, spacings_A))
            if site not in spacings_A
            else Problem("adsorption.n", f"site '{site}' of facet {facet} has no room for {n} {ion}", FEWER)
            for site in ([] if wanted == "all" else wanted)
            if site not in roomy
        ]
        if not roomy and not problems:
            problems.append(Problem("adsorption.n", f"no site of facet {facet} has room for {n} {ion}", FEWER))
        if problems:
            raise UserError(*problems)
        return roomy if wanted == "all" else list(wanted)

    def together(self) -> list[tuple[list[str], str]]:
        """Return facets and level of the slabs that one job relaxes, clean and with ions, where that takes seconds."""
        quick = [name for name in self.config.adsorption.levels if self.project.level(name).takes_seconds]
        batches, rows = list[list[str]](), 0
        for facet in self.config.adsorption.facets if quick else ():
            n = len(self._of_facets[facet])
            if not batches or rows + n > MOST_TOGETHER:
                batches.append([])
                rows = 0
            batches[-1].append(facet)
            rows += n
        return [(facets, level) for level in quick for facets in batches]

    def words(self, facets: Sequence[str]) -> str:
        """Say what is relaxed of facets."""
        ions = " and all ions on all sites" if any(self._of_facets[facet] for facet in facets) else ""
        return f"{', '.join(facets)}{ions}"

    def of_facet(self, facet: str, level: str) -> list[JobId]:
        """Return the clean slab of a facet, and then those with ions, at a level."""
        subjects = [Subject(facet, site=CLEAN), *self._of_facets[facet]]
        return [JobId("adsorption", subject, level) for subject in subjects]

    @cached_property
    def _of_facets(self) -> dict[str, list[Subject]]:
        """The slabs with ions of each facet."""
        found: dict[str, list[Subject]] = {facet: [] for facet in self.config.adsorption.facets}
        for subject in self.fillings:
            found[subject.structure].append(subject)
        return found

    def prerelaxation(self, job: JobId) -> JobId | None:
        """Return the job, the same one at another level, whose relaxed geometry a job starts from, if any."""
        return None if job.subject.is_atom else self.relaxed_before(job, self.config.adsorption.prerelax)

    def task(self, job: JobId) -> Relax | Static:
        """Return what a job does."""
        if job.subject.is_atom:
            return Static()
        stage = self.config.adsorption
        around_A = tuple(stage.look_around_A) if job.subject.ion else ()
        return Relax(fmax_eV_A=stage.fmax_eV_A, max_steps=stage.max_steps, look_around_A=around_A)

    def kind(self, job: JobId) -> Kind:
        """Return what a job's structure is."""
        return "atom" if job.subject.is_atom else "slab"

    def structure(self, job: JobId) -> str | None:
        """Return the slab that a job starts from; None for an atom."""
        return job.subject.recipe

    def electrons(self, job: JobId) -> tuple[int, int | None]:
        """Return charge and multiplicity; atoms and slabs with ions have the lowest spin."""
        if job.subject.is_atom:
            return 0, None
        recipe = self.project.recipe(job.structure)
        return recipe.charge, None if job.subject.ion else multiplicity(recipe)

    def problems(self, documents: Sequence[Document]) -> list[Problem]:
        """Return the sites asked for that a facet does not have, or has no room on."""
        return located(documents, raised(lambda: self.fillings))
