"""What a configuration speaks of: names of jobs, the structures of its runs, the sites that ions are put on."""

from __future__ import annotations

from functools import cached_property
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from iondrill.build.recipes import AssemblyRecipe, read_recipe, recipe_files, recipe_path
from iondrill.errors import Problem, UserError, nearest
from iondrill.prepare.naming import at_its_key
from iondrill.prepare.sitelist import has_room, site_spacings

if TYPE_CHECKING:
    from iondrill.build.recipes import AnyRecipe
    from iondrill.config.base import Ion
    from iondrill.config.models import Config
    from iondrill.prepare.jobs import Stage

FRAGMENTS = {"nd": "cluster", "rest": "flake"}
"""The parts of a frame, by the key of the assembly that names their recipe."""
PARTS = tuple(FRAGMENTS)
FEWER = "allowed: fewer ions, or a larger cell in the facet's recipe"


class JobId(NamedTuple):
    """A job folder: ``jobs/<stage>/<name>``, where the name's last part is the level."""

    stage: Stage
    name: str

    @property
    def level(self) -> str:
        """Name of the level of theory."""
        return self.name.rpartition(".")[2]

    @property
    def subject(self) -> str:
        """The name without the level."""
        return self.name.rpartition(".")[0]


class Filling(NamedTuple):
    """Ions on a site of a facet."""

    facet: str
    ion: Ion
    n: int
    site: str

    @property
    def subject(self) -> str:
        """Name of the job without its level: ``C100-2x1.Li-cave``, ``C100-2x1.2Li-cave``."""
        return f"{self.facet}.{self.n if self.n > 1 else ''}{self.ion}-{self.site}"


class Subjects:
    """The structures, runs and sites of a configuration, by name.

    Parameters
    ----------
    config : Config
        A valid configuration.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.recipes = Path(config.structures)
        self.results = Path(config.results)
        self._recipes: dict[str, AnyRecipe] = {}
        self._spacings: dict[str, dict[str, list[float]]] = {}

    def recipe(self, name: str) -> AnyRecipe:
        """Return a recipe, read only once."""
        if name not in self._recipes:
            self._recipes[name] = read_recipe(self.recipe_path(name))
        return self._recipes[name]

    def recipe_path(self, name: str) -> Path:
        """Return the file of a recipe; the folder is listed only once.

        Raises
        ------
        UserError
            If there is not one of this name: at the key of the configuration that names it.
        """
        try:
            return recipe_path(name, self.recipes, self._recipe_files)
        except UserError as error:
            if not self.recipes.is_dir():
                raise
            raise at_its_key(error, name, self.config, self._recipe_files) from None

    @cached_property
    def _recipe_files(self) -> dict[str, list[Path]]:
        return recipe_files(self.recipes)

    def assembly(self, run: str) -> str:
        """Return the assembly of a run."""
        return self.config.md.runs[run].assembly

    def run_level(self, run: str) -> str:
        """Return the level of a run."""
        return self.config.md.runs[run].level or self.config.md.level

    def start_of(self, run: str) -> str:
        """Return the name of a run's start structure: ``<assembly>.<level>`` if its parts are relaxed first."""
        name = self.assembly(run)
        return f"{name}.{self.config.relax.level}" if self.config.md.runs[run].relax_parts else name

    def parts_of(self, assembly: str) -> list[str]:
        """Return the recipes an assembly is made of."""
        recipe = self.recipe(assembly)
        if not isinstance(recipe, AssemblyRecipe):
            raise UserError.of(self.recipe_path(assembly), "is not an assembly", "allowed: kind: assembly")
        return [name for name in (recipe.cluster, recipe.flake) if name is not None]

    def recipe_files(self, name: str) -> list[str]:
        """Return the files a structure is built from: its recipe, and those of its parts."""
        recipe = self.recipe(name)
        names = [name, *(self.parts_of(name) if isinstance(recipe, AssemblyRecipe) else [])]
        return [str(self.recipe_path(each)) for each in names]

    @cached_property
    def relaxed(self) -> list[str]:
        """Structures to relax: those asked for, and the parts of the runs' assemblies."""
        return self.with_parts(self.config.md.run)

    def with_parts(self, runs: list[str]) -> list[str]:
        """Return the structures that are to be relaxed, the parts of these runs' assemblies among them."""
        chosen = (run for run in runs if self.config.md.runs[run].relax_parts)
        needed = [part for run in chosen for part in self.parts_of(self.assembly(run))]
        return list(dict.fromkeys([*self.config.relax.structures, *needed]))

    def elf_steps(self, run: str) -> list[int]:
        """Return the steps of a run at which the ELF is mapped: evenly spaced saved frames, ends included."""
        settings, frames = self.config.md.runs[run], self.config.elf.frames
        saved = settings.steps // settings.save_every
        if frames <= 1:
            return [saved * settings.save_every][:frames]
        return sorted({round(i * saved / (frames - 1)) * settings.save_every for i in range(frames)})

    def isosurface_steps(self, run: str) -> list[int]:
        """Return the steps of a run whose ELF is evaluated in space, for isosurfaces."""
        steps = self.elf_steps(run)
        return {"none": [], "last": steps[-1:], "all": steps}[self.config.elf.isosurfaces]

    def elf_parts(self, run: str) -> tuple[str, ...]:
        """Return the parts of a run's frames that are computed alone for the density difference, if it is asked for.

        Raises
        ------
        UserError
            If the run has no nanodiamond.
        """
        if not (self.config.elf.difference and self.elf_steps(run)):
            return ()
        recipe = self.recipe(self.assembly(run))
        if isinstance(recipe, AssemblyRecipe) and recipe.cluster is None:
            found = f"run '{run}' (assembly {self.assembly(run)}) has no nanodiamond whose density could be taken off"
            raise UserError.of("elf.difference", found, "allowed: false, or md.run without such runs")
        whole = sum(self.recipe(name).charge for name in self.parts_of(self.assembly(run)))
        if recipe.charge != whole:
            found = f"run '{run}' (assembly {self.assembly(run)}) has the charge {recipe.charge}, its parts {whole}"
            raise UserError.of("elf.difference", found, "allowed: false, or charges that add up")
        return PARTS

    def fillings(self) -> list[Filling]:
        """Return which ions are put where: facet by facet, ion by ion, coverage by coverage, site by site.

        Raises
        ------
        UserError
            If the configuration names a site that a facet does not have, or that has no room for the ions; or if no
            site has.
        """
        return self._fillings

    @cached_property
    def _fillings(self) -> list[Filling]:
        stage = self.config.adsorption
        fillings, problems = list[Filling](), list[Problem]()
        for facet, ion, n in product(stage.facets, stage.ions, stage.n):
            try:
                fillings += [Filling(facet, ion, n, site) for site in self._sites(facet, ion, n)]
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
        spacings_A = self._site_spacings(facet)
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

    def _site_spacings(self, facet: str) -> dict[str, list[float]]:
        """Return how far apart ions on the sites of a facet are, looked up only once."""
        if facet not in self._spacings:
            self._spacings[facet] = site_spacings(self.recipe_path(facet), self.recipes)
        return self._spacings[facet]

    def charge_of(self, run: str) -> int:
        """Return the total charge of a run."""
        return self.recipe(self.assembly(run)).charge
