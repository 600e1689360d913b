"""The single points of convergence studies: what each computes, and what cannot be swept. Nothing is run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from iondrill.config.convergence import GEOMETRY
from iondrill.config.levels import engines_that
from iondrill.errors import Problem, UserError
from iondrill.geometry.recipes import (
    AssemblyRecipe,
    ClusterRecipe,
    FileRecipe,
    FittedBox,
    FlakeRecipe,
    load_recipe,
)
from iondrill.geometry.surfaces.facet import FacetRecipe
from iondrill.jobs.job import ATOM_BOX_A, BOX_VACUUM_A, Kind
from iondrill.jobs.name import JobId, Subject
from iondrill.jobs.size import ATOM_SIZE, size_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ase import Atoms

    from iondrill.config.convergence import Study
    from iondrill.config.levels import Level
    from iondrill.config.models import Config
    from iondrill.jobs.size import Size

OWN = "own"
PARTS = ("clean slab", "atom")
"""What else an adsorption energy needs, besides the slab with the ion."""


@dataclass(frozen=True)
class Point:
    """One single point.

    Parameters
    ----------
    subject : Subject
        A structure, an atom, or a facet without or with ions.
    level : str
        Name of the level of theory.
    parameter : str
        The setting that has another value than level and structure give it; empty if none has.
    value : number, tuple of int or None
        Its value.
    """

    subject: Subject
    level: str
    parameter: str = ""
    value: Any = None

    @property
    def id(self) -> JobId:
        """Its job: studies that need the same point share it."""
        variant = f"{self.parameter}-{in_word(self.value)}" if self.parameter else OWN
        return JobId("convergence", self.subject, self.level, variant=variant)

    def settings(self, level: Level) -> Level:
        """Return its level of theory, made from the one that the configuration gives."""
        if not self.parameter or self.parameter in GEOMETRY:
            return level
        return type(level).model_validate({**level.model_dump(), self.parameter: self.value})

    @property
    def changes(self) -> dict[str, Any]:
        """What differs in its geometry from the structure as built."""
        return {self.parameter: self.value} if self.parameter in GEOMETRY else {}

    def start(self, recipes: Path) -> Atoms:
        """Return its geometry, as built; see `iondrill.prepare.start.varied`."""
        from iondrill.prepare.start import varied  # imports ASE

        return varied(self.subject, recipes, self.changes)

    def size(self, recipes: Path) -> Size:
        """Return the size of its structure, of a slab without its ion; where none can be built, that of an atom.

        The job itself reports what is wrong with it: an error here would end all of Snakemake.
        """
        from iondrill.prepare.start import varied

        alone = self.subject.clean if self.subject.is_facet else self.subject
        try:
            return size_of(varied(alone, recipes, self.changes))
        except UserError:
            return ATOM_SIZE


class Row(NamedTuple):
    """A value of a setting, with the points it needs."""

    parameter: str
    value: Any
    """None for a reference setting that only the built structure shows."""
    own: bool
    point: Point
    parts: Mapping[str, Point]
    """The `PARTS` of an adsorption energy."""

    @property
    def points(self) -> tuple[Point, ...]:
        """All points that it needs."""
        return (self.point, *self.parts.values())


class Sweeps:
    """The points of one study.

    Parameters
    ----------
    name : str
        Of the study.
    config : Config
        The configuration, which has it.
    """

    def __init__(self, name: str, config: Config, recipes: Path) -> None:
        self.name = name
        self.study: Study = config.convergence.studies[name]
        self.subject = Subject.parse(self.study.structure)
        self.level = config.levels[self.study.level]
        self.recipes = recipes

    @cached_property
    def recipe(self) -> ClusterRecipe | FlakeRecipe | AssemblyRecipe | FacetRecipe | FileRecipe | None:
        """The recipe of the structure; None for an atom."""
        return None if self.subject.recipe is None else load_recipe(self.subject.recipe, self.recipes)

    @cached_property
    def kind(self) -> Kind:
        """What the structure is."""
        if self.recipe is None:
            return "atom"
        facet = isinstance(self.recipe, FacetRecipe) or getattr(self.recipe, "part", "") == "facet"
        return "slab" if facet else "cluster"

    def rows(self) -> Iterator[Row]:
        """Yield every value of every setting, the reference setting once in each sweep.

        Raises
        ------
        UserError
            All settings that cannot be swept.
        """
        found = [Problem(".".join(key_path), *rest) for key_path, *rest in self.problems()]
        if found:
            raise UserError(*found)
        for parameter, values in self.study.sweep.values.items():
            own = self._own_value(parameter)
            yield self._row(parameter, own, own=True)
            yield from (self._row(parameter, value, own=False) for value in dict.fromkeys(values) if value != own)

    def problems(self) -> Iterator[tuple[tuple[str, ...], str, str]]:
        """Yield what does not apply to this structure at this level: key path, what was found, what is allowed."""
        key_path = ("convergence", "studies", self.name)
        if self.subject.is_facet and self.kind == "cluster":
            yield (*key_path, "structure"), f"{self.subject.structure} is no facet", "allowed: a facet"
        for parameter in self.study.sweep.values:
            if needed := self._needed(parameter):
                found = f"{parameter} means nothing for {self.study.structure} at {self.study.level}"
                yield (*key_path, "sweep", parameter), found, f"needed: {needed}"

    def _needed(self, parameter: str) -> str:
        """Return what a setting would need and does not have."""
        if parameter == "kpoints" and self.kind != "slab":
            return "a facet; clusters and atoms are computed at Γ"
        if parameter == "layers" and not isinstance(self.recipe, FacetRecipe):
            return "the recipe of a facet"
        if parameter == "vacuum_A" and self.kind != "slab" and self.kind not in self.level.boxes:
            able = engines_that(lambda model: self.kind in model.boxes)
            return f"a facet, or engine {able}: there is no box that could be varied"
        return ""

    def _own_value(self, parameter: str) -> Any:
        """Return the value that level or recipe give a setting; None if only the built structure shows it."""
        if parameter not in GEOMETRY:
            return getattr(self.level, parameter)
        if isinstance(self.recipe, FacetRecipe):
            return getattr(self.recipe, parameter)
        if isinstance(self.recipe, AssemblyRecipe):
            return self.recipe.box.vacuum_A if isinstance(self.recipe.box, FittedBox) else None
        if self.recipe is None:
            return min(ATOM_BOX_A)
        return None if isinstance(self.recipe, FileRecipe) else BOX_VACUUM_A

    def _row(self, parameter: str, value: Any, *, own: bool) -> Row:
        level, subject = self.study.level, self.subject
        varied = ("", None) if own else (parameter, value)
        if self.kind != "slab":
            return Row(parameter, value, own, Point(subject, level, *varied), {})
        clean = Point(subject.clean, level, *varied)
        if not subject.ion:
            return Row(parameter, value, own, clean, {})
        # an atom has neither k-points nor layers, and its own box
        atom_too = parameter not in {*GEOMETRY, "kpoints"}
        atom = Point(subject.atom, level, *(varied if atom_too else ("", None)))
        return Row(parameter, value, own, Point(subject, level, *varied), dict(zip(PARTS, (clean, atom), strict=True)))


def in_word(value: Any) -> str:
    """Return a value as part of a name, without a dot: ``3x3x1``, ``12_5``."""
    numbers = value if isinstance(value, (tuple, list)) else (value,)
    return "x".join(f"{number:.10g}" for number in numbers).replace(".", "_")
