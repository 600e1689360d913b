"""An ion on its way between two layers: single points at places, the layers alone, and the free atoms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iondrill.config.project import located, required
from iondrill.errors import Problem
from iondrill.geometry.labels import FACING
from iondrill.geometry.recipes import FlakeRecipe
from iondrill.jobs.job import BOX_VACUUM_A, Kind, Static
from iondrill.jobs.name import CLEAN, JobId, Subject
from iondrill.jobs.size import Size
from iondrill.prepare.stages.base import Stage

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ase import Atoms

    from iondrill.config.document import Document
    from iondrill.config.insertion import InsertionStage as Settings

PM = 100
"""Hundredths of an Å in a gap's name."""


class InsertionStage(Stage):
    """Layers at several distances, without an ion and with one at several places."""

    name = "insertion"

    @property
    def settings(self) -> Settings:
        """The section of the configuration; see `iondrill.config.project.required`."""
        return required(self.config.insertion, self.name, "level")

    @property
    def variants(self) -> list[str]:
        """The gaps' names, each once."""
        return list(dict.fromkeys(f"g{round(PM * gap)}" for gap in self.settings.gaps_A))

    def clean(self, variant: str) -> JobId:
        """Return the layers without an ion."""
        return JobId(self.name, Subject(self.settings.flake, site=CLEAN), self.settings.level, variant=variant)

    def atom(self, ion: str) -> JobId:
        """Return the free atom at the level of the stage."""
        return self.free_atom(ion, self.settings.level)

    def way(self, ion: str, variant: str) -> list[JobId]:
        """Return the places of an ion at a gap, from before the edge to the centre."""
        chosen = self.settings
        subjects = [Subject(chosen.flake, ion, site=f"p{number}") for number in range(chosen.points)]
        return [JobId(self.name, subject, chosen.level, variant=variant) for subject in subjects]

    def jobs(self) -> list[JobId]:
        """Return the layers without and with ions, and the atoms."""
        ways = [job for ion in self.settings.ions for variant in self.variants for job in self.way(ion, variant)]
        return [*map(self.clean, self.variants), *ways, *map(self.atom, self.settings.ions)]

    def gap_A(self, job: JobId) -> float:
        """Return the distance of the layers."""
        return int(job.variant.removeprefix("g")) / PM

    def task(self, job: JobId) -> Static:  # noqa: ARG002
        """Return what a job does."""
        return Static()

    def kind(self, job: JobId) -> Kind:  # noqa: ARG002
        """Return what a job's structure is."""
        return "cluster"

    def structure(self, job: JobId) -> None:
        """Return nothing: its rule builds the layers."""

    def start(self, job: JobId) -> Atoms:
        """Return the layers at their distance, with the ion at its place."""
        from iondrill.geometry.registry import build  # imports ASE
        from iondrill.geometry.shells import way_in

        flake = build(self.settings.flake, self.project.recipes, {"gap_A": self.gap_A(job)})
        site = job.subject.site
        if site == CLEAN:
            return flake
        share = int(site.removeprefix("p")) / (self.settings.points - 1)
        return way_in(flake, job.subject.ion, share, self.settings.outside_A)

    def problems(self, documents: Sequence[Document]) -> list[Problem]:
        """Return what is wrong with the flake: its layers must be two, and a recipe's, or they cannot be held apart."""
        if self.config.insertion is None:
            return []
        recipe = self.project.recipe(self.settings.flake)
        if isinstance(recipe, FlakeRecipe) and recipe.layers == len(FACING) and recipe.ions is None:
            return []
        found = f"'{self.settings.flake}' is no recipe of two layers without ions"
        return located(documents, [Problem("insertion.flake", found, "allowed: such a flake, e.g. c54-aa")])

    def size(self, job: JobId) -> Size:
        """Return the size of the layers, with the ion, in a cube with vacuum."""
        atoms = self.start(job)
        edge_A = float(np.ptp(atoms.positions, axis=0).max()) + BOX_VACUUM_A
        return Size(len(atoms), (edge_A, edge_A, edge_A))

    def elements(self, job: JobId, known: Mapping[str, Collection[str]]) -> set[str]:  # noqa: ARG002
        """Return those of the flake, and the ion."""
        return {"C", "H", *([job.subject.ion] if job.subject.ion else [])}
