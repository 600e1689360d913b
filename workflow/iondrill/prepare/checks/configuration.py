"""Check a configuration with all the recipes it names, and say everything that is wrong at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from iondrill.config.consistency import references
from iondrill.config.document import Document
from iondrill.config.levels import VALENCE_ELECTRONS
from iondrill.config.load import locate, parse
from iondrill.config.models import Config
from iondrill.config.project import check_config, config_content, read_documents
from iondrill.errors import Problem, UserError, nearest
from iondrill.geometry.crystal import crystal_names, load_crystal
from iondrill.geometry.recipes import FOLDERS, YAML, Recipe, load_recipe, recipe_files, recipe_path
from iondrill.prepare.checks.elements import element_problems, elements_used
from iondrill.prepare.plan import Plan
from iondrill.prepare.project import FOLDER_OF_RECIPES, is_missing
from iondrill.prepare.recipe_keys import KINDS, recipe_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ase import Atoms

    from iondrill.geometry.recipes import AnyRecipe


class Summary(NamedTuple):
    """What a configuration without problems calls for."""

    structures: int
    """Recipes named in the configuration, and the parts of assemblies."""
    calculations: int
    """Those of the default target."""
    elsewhere: int
    """Those that only other targets run."""
    written: int
    """Those that no target runs, and of which ``snakemake inputs`` writes the folder."""
    elements: dict[tuple[str, str], list[str]]
    """The elements that occur at each level in each stage of all of them."""


def check(*paths: Path) -> Summary:
    """Check configuration files and build every structure that they name.

    Parameters
    ----------
    *paths : Path
        Configuration files; later ones override earlier ones. Folders in them count from the working directory.

    Raises
    ------
    UserError
        All problems: in the files, between their keys, in the recipes, and in the structures that these give.
    """
    documents = read_documents(*paths)
    problems: list[Problem] = []
    config = None
    try:
        config = check_config(documents)
    except UserError as error:
        problems += error.problems
    content = config_content(documents)
    folder = content.get("structures", Config.model_fields["structures"].default)
    recipes = Recipes(Path(folder if isinstance(folder, str) else "."))
    if isinstance(folder, str):
        problems += _require_named(recipes, content, documents)
    recipes.build_all()
    problems += recipes.problems
    if config is not None and not problems:
        plan = Plan(config)
        problems += plan.problems(documents)
        if not problems:
            uses = elements_used(plan, recipes.elements)
            problems += element_problems(config, uses, documents)
    if config is None or problems:
        raise UserError(*dict.fromkeys(problems))
    elements: dict[tuple[str, str], set[str]] = {}
    for level, stage, element in uses:
        elements.setdefault((level, stage), set()).add(element)
    return Summary(len(recipes.files), *_counts(plan), {where: sorted(elements[where]) for where in sorted(elements)})


def _counts(plan: Plan) -> tuple[int, int, int]:
    """Return how many calculations the default target runs, others run, and none runs."""
    here, there = plan.executed(), plan.elsewhere()
    written = set(plan.written()).difference(here, there)
    # what is kept of relaxations with several multiplicities is no calculation
    first, more, only = (sum(not plan.relax.spin_jobs(job) for job in jobs) for jobs in (here, there, written))
    return first, more, only


class Recipes:
    """Named recipes with the parts of assemblies, each read and built once.

    Parameters
    ----------
    root : Path
        The folder of the recipes.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: dict[str, Path] = {}
        self.elements: dict[str, set[str]] = {}
        self.problems: list[Problem] = []
        self._kinds: dict[str, str] = {}
        self._parts: dict[str, list[str]] = {}
        self._broken: set[str] = set()

    def require(self, name: str, kinds: Sequence[str], where: str) -> bool:
        """Say whether the recipe that a key names exists and is of one of some kinds; note it, or what is wrong."""
        if name not in self.files:
            try:
                self.files[name] = recipe_path(name, self.root)
            except UserError as error:
                folders = {FOLDERS[kind] for kind in kinds}
                every = recipe_files(self.root).items()
                there = {each for each, paths in every for path in paths if path.parent.name in folders}
                for problem in error.problems:
                    allowed = nearest(name, there) if name not in there else problem.allowed
                    self.problems.append(Problem(where, problem.found, allowed))
                return False
            self._read(name)
        right = self._kinds[name] in kinds
        if not right:
            article = [f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}" for kind in kinds]
            found = f"recipe '{name}' is of kind {self._kinds[name]}"
            self.problems.append(Problem(where, found, f"allowed: {', '.join(article)}"))
        return right

    def build_all(self) -> None:
        """Build every recipe that is valid, and whose parts are."""
        for name, path in self.files.items():
            if self._broken.isdisjoint({name, *self._parts[name]}):
                from iondrill.geometry.registry import build  # imports ASE

                try:
                    atoms = build(name, self.root)
                    self.elements[name] = set(atoms.get_chemical_symbols())
                    self.problems += _spin_problems(atoms, path, load_recipe(name, self.root))
                except UserError as error:
                    self.problems += error.problems
                    self._broken.add(name)
                except MemoryError:
                    self.problems.append(Problem(str(path), "is too large to be built"))

    def _read(self, name: str) -> None:
        """Validate a recipe and require its parts."""
        path = self.files[name]
        self._kinds[name] = next(kind for kind, folder in FOLDERS.items() if folder == path.parent.name)
        self._parts[name] = []
        if path.suffix not in YAML:
            return
        try:
            document = Document(path)
        except UserError as error:
            self._break(name, error)
            return
        try:
            parse(Recipe, [document])  # type: ignore[arg-type]
        except UserError as error:
            self._break(name, error)
        if document.content.get("kind") in FOLDERS:
            self._kinds[name] = document.content["kind"]
        if self._kinds[name] == "assembly":
            for key in ("cluster", "flake"):
                part = document.content.get(key)
                if isinstance(part, str):
                    self._parts[name].append(part)
                    if not self.require(part, (key,), document.where((key,))):
                        self._broken.add(name)

    def _break(self, name: str, error: UserError) -> None:
        self.problems += error.problems
        self._broken.add(name)


def _require_named(recipes: Recipes, content: dict[str | int, Any], documents: Sequence[Document]) -> Iterator[Problem]:
    """Note every recipe that the configuration names; yield, if it is so, that the folder it names is missing."""
    if is_missing(str(recipes.root)):
        yield Problem(locate(documents, ("structures",)), f"there is no folder '{recipes.root}'", FOLDER_OF_RECIPES)
        return
    named = [one for one in references(content) if one[1] in {"subject", *KINDS}]
    crystals = crystal_names(recipes.root)
    for key_path, refers_to, name in named:
        if refers_to == "recipe" and name in crystals:
            try:
                load_crystal(name, recipes.root)
            except UserError as error:
                recipes.problems += error.problems
        elif recipe := recipe_named(refers_to, name):
            recipes.require(*recipe, locate(documents, key_path))


def _spin_problems(atoms: Atoms, path: Path, recipe: AnyRecipe) -> list[Problem]:
    """Return what is wrong with the charge and the multiplicities of a recipe: they must fit the electrons."""
    if recipe.charge == 0 and recipe.multiplicity is None:
        return []
    document = Document(path)
    electrons = sum(VALENCE_ELECTRONS.get(atom.symbol, atom.number) for atom in atoms) - recipe.charge
    if electrons < 0:
        where = document.where(("charge",))
        return [Problem(where, f"found {recipe.charge}", f"allowed: at most {electrons + recipe.charge}")]
    lowest = 1 + electrons % 2
    allowed = f"allowed with {electrons} valence electrons: {lowest}, {lowest + 2}, … {electrons + 1}"
    wanted = recipe.multiplicity if isinstance(recipe.multiplicity, list) else [recipe.multiplicity]
    wrong = [m for m in wanted if m is not None and ((m - lowest) % 2 or m > electrons + 1)]
    found = ", ".join(map(str, wrong))
    return [Problem(document.where(("multiplicity",)), f"found {found}", allowed)] if wrong else []
