"""What `snakemake intercalation` computes: points of equations of state, and atoms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, get_args

from iondrill.build.crystal import (
    build_crystal,
    crystal_names,
    crystal_path,
    kpoint_grid,
    load_crystal,
    strained_cell_A,
    strains,
)
from iondrill.config.base import Ion
from iondrill.errors import Problem, UserError
from iondrill.prepare.resources import Size

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.build.crystal import CrystalRecipe, Strain
    from iondrill.config.levels import Level
    from iondrill.config.models import Config, IntercalationStage


def stage_of(config: Config) -> IntercalationStage:
    """Return the section of the configuration.

    Raises
    ------
    UserError
        If there is none.
    """
    if config.intercalation is None:
        raise UserError.of("intercalation", "the configuration has no such section", "needed: level")
    return config.intercalation


def crystals(config: Config, recipes: Path) -> dict[str, CrystalRecipe]:
    """Return the recipes of the section by name.

    Raises
    ------
    UserError
        All that do not exist, each by its place in the configuration, and what is wrong in the others.
    """
    found, problems = {}, list[Problem]()
    for index, name in enumerate(stage_of(config).crystals):
        try:
            found[name] = load_crystal(name, recipes)
        except UserError as error:
            place = f"intercalation.crystals.{index}"
            missing = (Problem(place, one.found, one.allowed) for one in error.problems)
            problems += error.problems if name in crystal_names(recipes) else missing
    if problems:
        raise UserError(*problems)
    return found


def crystal_files(config: Config, recipes: Path) -> list[str]:
    """Return the files of the recipes of the section; none are missing or damaged."""
    return [str(crystal_path(name, recipes)) for name in crystals(config, recipes)]


def points(config: Config, recipes: Path) -> list[str]:
    """Return the names of the jobs of all equations of state, without level: ``LiC6.a1000c980``."""
    return [
        f"{name}.{strain.label}" for name, recipe in crystals(config, recipes).items() for strain in strains(recipe)
    ]


def metals(config: Config, recipes: Path) -> dict[str, Ion]:
    """Return the metals among the crystals: their names, and the ion of each."""
    compositions = {name: set(recipe.composition) for name, recipe in crystals(config, recipes).items()}
    return {name: ion for ion in get_args(Ion) for name, elements in compositions.items() if elements == {ion}}


def strain_of(crystal: str, label: str, recipes: Path) -> Strain:
    """Return the strain that a label stands for."""
    return next(strain for strain in strains(load_crystal(crystal, recipes)) if strain.label == label)


def start(subject: str, recipes: Path) -> Atoms:
    """Return the start geometry of a point, by the name of its job without level: ``LiC6.a1000c980``."""
    crystal, _, label = subject.partition(".")
    return build_crystal(load_crystal(crystal, recipes), strain_of(crystal, label, recipes))


def size_of(crystal: str, label: str, recipes: Path) -> Size:
    """Return the size of a strained crystal, of its recipe alone."""
    recipe = load_crystal(crystal, recipes)
    first, second, third = (math.hypot(*edge) for edge in strained_cell_A(recipe, strain_of(crystal, label, recipes)))
    return Size(len(recipe.atoms), (first, second, third))


def sampled(level: Level, crystal: str, config: Config, recipes: Path) -> Level:
    """Return a level with the k-points of a crystal."""
    grid = kpoint_grid(load_crystal(crystal, recipes), stage_of(config).kpoint_length_A)
    return level.model_copy(update={"kpoints": grid})
