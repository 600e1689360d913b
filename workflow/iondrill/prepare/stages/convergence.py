"""The single points of all convergence studies."""

from __future__ import annotations

import json
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from iondrill.config.load import locate
from iondrill.errors import Problem
from iondrill.geometry.recipes import multiplicity
from iondrill.jobs.job import Kind, Static
from iondrill.prepare.recipe_keys import recipe_named
from iondrill.prepare.stages.base import Stage, raised
from iondrill.prepare.stages.sweeps import Point, Row, Sweeps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ase import Atoms

    from iondrill.config.document import Document
    from iondrill.config.levels import Level
    from iondrill.jobs.name import JobId
    from iondrill.jobs.size import Size
    from iondrill.prepare.project import Project


class ConvergenceStage(Stage):
    """What ``snakemake convergence`` computes."""

    name = "convergence"

    def __init__(self, project: Project) -> None:
        super().__init__(project)
        self._sizes: dict[str, Size] = {}

    @cached_property
    def studies(self) -> dict[str, list[Row]]:
        """The rows of each study.

        Raises
        ------
        UserError
            If a study sweeps a setting that means nothing for its structure or level.
        """
        names = self.config.convergence.studies
        for study in names.values():
            if named := recipe_named("subject", study.structure):
                self.project.recipe_path(named[0])
        return {name: list(Sweeps(name, self.config, self.project.recipes).rows()) for name in names}

    @cached_property
    def points(self) -> dict[JobId, Point]:
        """The single points of all studies by their job, each once."""
        return {point.id: point for rows in self.studies.values() for row in rows for point in row.points}

    def jobs(self) -> list[JobId]:
        """Return the single points of all studies."""
        return list(self.points)

    def of_study(self, study: str) -> list[JobId]:
        """Return the single points of a study."""
        return list(dict.fromkeys(point.id for row in self.studies[study] for point in row.points))

    def own_points(self) -> list[JobId]:
        """Return the single points at which nothing is varied."""
        return [job for job, point in self.points.items() if not point.parameter]

    def task(self, job: JobId) -> Static:  # noqa: ARG002
        """Return what a job does."""
        return Static()

    def kind(self, job: JobId) -> Kind:
        """Return what a job's structure is."""
        return "atom" if job.subject.is_atom else "slab" if job.subject.is_facet else "cluster"

    def level(self, job: JobId) -> Level:
        """Return the level of theory with the setting that is varied."""
        return self.points[job].settings(super().level(job))

    def structure(self, job: JobId) -> None:
        """Return nothing: each point builds its own."""

    def start(self, job: JobId) -> Atoms:
        """Return the start geometry of a point."""
        return self.points[job].start(self.project.recipes)

    def size(self, job: JobId) -> Size:
        """Return the size of a point's structure: that of all points which differ in the level alone."""
        point = self.points[job]
        key = json.dumps([point.subject, point.changes])
        if key not in self._sizes:
            self._sizes[key] = point.size(self.project.recipes)
        return self._sizes[key]

    def electrons(self, job: JobId) -> tuple[int, int | None]:
        """Return charge and multiplicity; with ions, and of an atom, the lowest spin."""
        if job.subject.recipe is None:
            return 0, None
        recipe = self.project.recipe(job.subject.recipe)
        return recipe.charge, None if job.subject.ion else multiplicity(recipe)

    def problems(self, documents: Sequence[Document]) -> list[Problem]:
        """Return what studies sweep in vain, and the points whose structure cannot be built."""
        problems: list[Problem] = []
        built: dict[tuple[Any, ...], tuple[Problem, ...]] = {}
        for name in self.config.convergence.studies:
            sweeps = Sweeps(name, self.config, self.project.recipes)
            found = [
                Problem(locate(documents, key_path), what, allowed) for key_path, what, allowed in sweeps.problems()
            ]
            for row in [] if found else sweeps.rows():
                geometry = (row.point.subject, *row.point.changes.items())
                if geometry not in built:
                    built[geometry] = raised(partial(row.point.start, self.project.recipes))
                where = locate(documents, ("convergence", "studies", name, "sweep", row.parameter))
                found += [Problem(f"{where}: {one.where}", one.found, one.allowed) for one in built[geometry]]
            problems += found
        return problems
