"""A configuration with its recipes: what they say, read only once, and where results go. Nothing is run."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from iondrill.config.models import Config
from iondrill.errors import UserError
from iondrill.geometry.recipes import AssemblyRecipe, read_recipe, recipe_files, recipe_path
from iondrill.jobs.size import Size, read_size
from iondrill.prepare.recipe_keys import at_its_key
from iondrill.prepare.site_cache import site_spacings

if TYPE_CHECKING:
    from iondrill.config.levels import Level
    from iondrill.geometry.recipes import AnyRecipe
    from iondrill.jobs.name import JobId


FOLDER_OF_RECIPES = "allowed: the folder of the recipes"


def is_missing(folder: str) -> bool:
    """Say whether a folder of recipes has been named that is not there; a project may have none of its own."""
    return folder != Config.model_fields["structures"].default and not Path(folder).is_dir()


class Project:
    """The recipes, sites and folders of a configuration.

    Parameters
    ----------
    config : Config
        A valid configuration.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.recipes = Path(config.structures)
        self.results = Path(config.results)
        self._read: dict[str, AnyRecipe] = {}
        self._spacings: dict[str, dict[str, list[float]]] = {}
        self._sizes: dict[str, Size] = {}

    def level(self, name: str) -> Level:
        """Return a level of theory."""
        return self.config.levels[name]

    def recipe(self, name: str) -> AnyRecipe:
        """Return a recipe."""
        if name not in self._read:
            self._read[name] = read_recipe(self.recipe_path(name))
        return self._read[name]

    def recipe_path(self, name: str) -> Path:
        """Return the file of a recipe; the folder is listed only once.

        Raises
        ------
        UserError
            If there is not one of this name: at the key of the configuration that names it; if the configuration names
            a folder of recipes that is not there.
        """
        if is_missing(self.config.structures):
            raise UserError.of("structures", f"there is no folder '{self.recipes}'", FOLDER_OF_RECIPES)
        try:
            return recipe_path(name, self.recipes, self._recipe_files)
        except UserError as error:
            raise at_its_key(error, name, self.config, self._recipe_files) from None

    @cached_property
    def _recipe_files(self) -> dict[str, list[Path]]:
        return recipe_files(self.recipes)

    def recipe_files(self, name: str) -> list[str]:
        """Return the files a structure is built from: its recipe, and those of its parts."""
        parts = self.parts_of(name) if isinstance(self.recipe(name), AssemblyRecipe) else []
        return [str(self.recipe_path(each)) for each in [name, *parts]]

    def parts_of(self, assembly: str) -> list[str]:
        """Return the recipes an assembly is made of."""
        recipe = self.recipe(assembly)
        if not isinstance(recipe, AssemblyRecipe):
            raise UserError.of(self.recipe_path(assembly), "is not an assembly", "allowed: kind: assembly")
        return [name for name in (recipe.cluster, recipe.flake) if name is not None]

    def site_spacings(self, facet: str) -> dict[str, list[float]]:
        """Return how far apart ions on the sites of a facet are, by the label of the site."""
        if facet not in self._spacings:
            self._spacings[facet] = site_spacings(self.recipe_path(facet), self.recipes)
        return self._spacings[facet]

    def folder(self, job: JobId) -> Path:
        """Return the folder of a job."""
        return self.results / "jobs" / job.stage / job.name

    def structure_file(self, name: str) -> Path:
        """Return the file of a built structure."""
        return self.results / "structures" / f"{name}.extxyz"

    def size(self, name: str) -> Size:
        """Return the size of a built structure.

        Raises
        ------
        FileNotFoundError
            If it is not built yet.
        """
        if name not in self._sizes:
            self._sizes[name] = read_size(self.structure_file(name))
        return self._sizes[name]
