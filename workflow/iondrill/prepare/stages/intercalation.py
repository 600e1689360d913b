"""What `snakemake intercalation` computes: points of equations of state, and atoms."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, get_args

from iondrill.config.base import Ion
from iondrill.config.project import located, required
from iondrill.errors import Problem, UserError
from iondrill.geometry.crystal import (
    build_crystal,
    crystal_names,
    crystal_path,
    kpoint_grid,
    load_crystal,
    strained_cell_A,
    strains,
)
from iondrill.jobs.job import Kind, Static
from iondrill.jobs.name import JobId, Subject
from iondrill.jobs.size import Size
from iondrill.prepare.stages.base import Stage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from ase import Atoms

    from iondrill.config.document import Document
    from iondrill.config.levels import Level
    from iondrill.config.models import IntercalationStage as Settings
    from iondrill.geometry.crystal import CrystalRecipe, Strain


class IntercalationStage(Stage):
    """Crystals at several strains, and the atoms of their metals."""

    name = "intercalation"

    @property
    def settings(self) -> Settings:
        """The section of the configuration; see `iondrill.config.project.required`."""
        return required(self.config.intercalation, "intercalation", "level")

    @cached_property
    def crystals(self) -> dict[str, CrystalRecipe]:
        """The recipes of the section by name.

        Raises
        ------
        UserError
            All that do not exist, each by its key path in the configuration, and what is wrong in the others.
        """
        found, problems, recipes = {}, list[Problem](), self.project.recipes
        for index, name in enumerate(self.settings.crystals):
            try:
                found[name] = load_crystal(name, recipes)
            except UserError as error:
                key_path = f"intercalation.crystals.{index}"
                missing = (Problem(key_path, one.found, one.allowed) for one in error.problems)
                problems += error.problems if name in crystal_names(recipes) else missing
        if problems:
            raise UserError(*problems)
        return found

    @property
    def files(self) -> list[str]:
        """The files of the recipes of the section; none are missing or damaged."""
        return [str(crystal_path(name, self.project.recipes)) for name in self.crystals]

    @property
    def metals(self) -> dict[str, Ion]:
        """The metals among the crystals: their names, and the ion of each."""
        compositions = {name: set(recipe.composition) for name, recipe in self.crystals.items()}
        return {name: ion for ion in get_args(Ion) for name, elements in compositions.items() if elements == {ion}}

    def points(self) -> list[JobId]:
        """Return the points of the crystals' equations of state."""
        level = self.settings.level
        return [
            JobId("intercalation", Subject(name), level, variant=strain.label)
            for name, recipe in self.crystals.items()
            for strain in strains(recipe)
        ]

    def jobs(self) -> list[JobId]:
        """Return the points, and the atoms of the metals, which are jobs of adsorption."""
        atoms = dict.fromkeys(self.metals.values())
        return self.points() + [self.free_atom(ion, self.settings.level) for ion in atoms]

    def sound_jobs(self) -> list[JobId]:
        """Return its jobs; none if its recipes have mistakes.

        Snakemake asks for the written folders whatever its target is; targets that need the recipes report mistakes.
        """
        try:
            return [] if self.config.intercalation is None else self.jobs()
        except UserError:
            return []

    def strain(self, job: JobId) -> Strain:
        """Return the strain of a point."""
        of_recipe = strains(load_crystal(job.structure, self.project.recipes))
        return next(strain for strain in of_recipe if strain.label == job.variant)

    def task(self, job: JobId) -> Static:  # noqa: ARG002
        """Return what a job does."""
        return Static()

    def kind(self, job: JobId) -> Kind:  # noqa: ARG002
        """Return what a job's structure is."""
        return "crystal"

    def level(self, job: JobId) -> Level:
        """Return the level of theory with the k-points of the crystal."""
        grid = kpoint_grid(load_crystal(job.structure, self.project.recipes), self.settings.kpoint_length_A)
        return super().level(job).model_copy(update={"kpoints": grid})

    def structure(self, job: JobId) -> None:
        """Return nothing: its rule builds the crystal."""

    def start(self, job: JobId) -> Atoms:
        """Return the strained crystal."""
        return build_crystal(load_crystal(job.structure, self.project.recipes), self.strain(job))

    def size(self, job: JobId) -> Size:
        """Return the size of a strained crystal, of its recipe alone."""
        recipe = load_crystal(job.structure, self.project.recipes)
        first, second, third = (math.hypot(*edge) for edge in strained_cell_A(recipe, self.strain(job)))
        return Size(len(recipe.atoms), (first, second, third))

    def elements(self, job: JobId, known: Mapping[str, Collection[str]]) -> set[str]:  # noqa: ARG002
        """Return the elements of the crystal."""
        return set(self.crystals[job.structure].composition)

    def problems(self, documents: Sequence[Document]) -> list[Problem]:
        """Return what is wrong with the crystals: with each, and with all together."""
        return [] if self.config.intercalation is None else located(documents, self._mistakes())

    def _mistakes(self) -> Iterator[Problem]:
        try:
            metals = set(self.metals.values())
        except UserError as error:
            yield from error.problems
            return
        if self.config.adsorption.metal == "computed":
            for ion in self.config.adsorption.ions:
                if ion not in metals:
                    found = f"found 'computed', and among intercalation.crystals none of {ion} alone"
                    allowed = f"allowed: a crystal of each ion's metal there, e.g. {ion}-bcc"
                    yield Problem("adsorption.metal", found, allowed)
