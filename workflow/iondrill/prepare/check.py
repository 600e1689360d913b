"""Check a configuration with all the recipes it names, and say everything that is wrong at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from iondrill.build.recipes import FOLDERS, YAML, Recipe, load_recipe, recipe_path, spin_states
from iondrill.config.consistency import references
from iondrill.config.document import Document, Place
from iondrill.config.levels import VaspLevel, XtbLevel
from iondrill.config.load import check_config, locate, merge, parse, read_documents
from iondrill.config.models import Config
from iondrill.errors import Problem, UserError, nearest
from iondrill.prepare.convergence import Sweeps
from iondrill.prepare.jobs import VALENCE_ELECTRONS
from iondrill.prepare.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ase import Atoms

    from iondrill.build.recipes import AnyRecipe
    from iondrill.prepare.convergence import Point
    from iondrill.prepare.subjects import JobId

KINDS = {
    "structure": ("cluster", "flake", "assembly"),
    "assembly": ("assembly",),
    "facet": ("facet",),
}
"""The kinds of recipes that a key of the configuration may name, by what it refers to."""


class Summary(NamedTuple):
    """What a configuration without problems calls for."""

    structures: int
    """Recipes named in the configuration, and the parts of assemblies."""
    jobs: int
    """Jobs to run, and folders to write by ``snakemake inputs``."""
    elements: dict[tuple[str, str], list[str]]
    """The elements that occur at each level of these jobs."""


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
    content = merge(documents)
    folder = content.get("structures", Config.model_fields["structures"].default)
    recipes = Recipes(Path(folder if isinstance(folder, str) else "."))
    for place, refers_to, name in references(content):
        if refers_to == "subject":
            recipe, dot, _ = name.partition(".")
            kinds = ("facet",) if dot else (*KINDS["structure"], "facet")
            if not dot or recipe != "atom":
                recipes.require(recipe, kinds, locate(documents, place))
        elif refers_to in KINDS:
            recipes.require(name, KINDS[refers_to], locate(documents, place))
    recipes.build_all()
    problems += recipes.problems
    if config is not None and not problems:
        problems += _potcar_problems(config, recipes, documents)
        plan = Plan(config)
        problems += _convergence_problems(plan, documents)
        problems += _site_problems(plan, documents)
        problems += _difference_problems(plan, documents)
        problems += _comparison_problems(plan)
    if config is None or problems:
        raise UserError(*dict.fromkeys(problems))
    jobs = {*plan.executed(), *plan.written()}
    return Summary(len(recipes.files), len(jobs), _elements(plan, recipes, jobs))


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
                there = {path.stem for kind in kinds for path in (self.root / FOLDERS[kind]).glob("[!.]*")}
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
                from iondrill.build.registry import build  # imports ASE

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


def _elements(plan: Plan, recipes: Recipes, jobs: Iterable[JobId]) -> dict[tuple[str, str], list[str]]:
    """Return the elements at each level in each stage."""
    found: dict[tuple[str, str], set[str]] = {}
    for job in jobs:
        here = found.setdefault((job.level, job.stage), set())
        here |= recipes.elements.get(plan.structure_of(job) or "", set())
        here |= set(plan.config.adsorption.ions) if job.stage == "adsorption" else set()
    return {where: sorted(elements) for where, elements in sorted(found.items())}


def _potcar_problems(config: Config, recipes: Recipes, documents: Sequence[Document]) -> list[Problem]:
    """Return the elements of relaxed structures that a VASP level has no dataset for."""
    names = Plan(config).relaxed
    problems = []
    for level in dict.fromkeys([config.relax.level, *config.inputs.relax]):
        settings = config.levels[level]
        if isinstance(settings, VaspLevel):
            found = set().union(*(recipes.elements[name] for name in names))
            place: Place = ("levels", level, "potcars")
            problems += [
                Problem(locate(documents, place), f"no entry for {element}", "allowed: a PAW dataset per element")
                for element in sorted(found - set(settings.potcars))
            ]
    return problems


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


def _comparison_problems(plan: Plan) -> list[Problem]:
    """Return the recipes whose multiplicities are compared at a level that cannot."""
    level = plan.config.levels[plan.config.relax.level]
    if not isinstance(level, XtbLevel) or level.spin_polarisation:
        return []
    found = f"multiplicities are compared at level '{plan.config.relax.level}', where low spin is always lower"
    allowed = "allowed: one multiplicity, or a level with spin_polarisation"
    chosen = [recipe_path(name, plan.recipes) for name in plan.relaxed if spin_states(plan.recipe(name))]
    return [Problem(Document(path).where(("multiplicity",)), found, allowed) for path in chosen]


def _site_problems(plan: Plan, documents: Sequence[Document]) -> list[Problem]:
    """Return the sites asked for that a facet does not have, or has no room on."""
    try:
        plan.fillings()
    except UserError as error:
        return [
            Problem(locate(documents, tuple(problem.where.split("."))), problem.found, problem.allowed)
            for problem in error.problems
        ]
    return []


def _convergence_problems(plan: Plan, documents: Sequence[Document]) -> list[Problem]:
    """Return what convergence studies sweep in vain, and the points whose structure cannot be built."""
    problems: list[Problem] = []
    built: dict[tuple[Any, ...], tuple[Problem, ...]] = {}
    for name in plan.config.convergence.studies:
        sweeps = Sweeps(name, plan.config, plan.recipes)
        found = [Problem(locate(documents, place), what, allowed) for place, what, allowed in sweeps.problems()]
        for row in [] if found else sweeps.rows():
            geometry = (row.point.subject, *row.point.changes.items())
            if geometry not in built:
                built[geometry] = _start_problems(row.point, plan)
            where = locate(documents, ("convergence", "studies", name, "sweep", row.parameter))
            found += [Problem(f"{where}: {one.where}", one.found, one.allowed) for one in built[geometry]]
        problems += found
    return problems


def _start_problems(point: Point, plan: Plan) -> tuple[Problem, ...]:
    """Return why the start geometry of a point cannot be built."""
    try:
        point.start(plan.recipes, plan.results / ".cache")
    except UserError as error:
        return tuple(error.problems)
    return ()


def _difference_problems(plan: Plan, documents: Sequence[Document]) -> list[Problem]:
    """Return the runs without a nanodiamond, where the density difference is asked for."""
    problems: list[Problem] = []
    for run in plan.config.md.run:
        try:
            plan.elf_parts(run)
        except UserError as error:
            where = locate(documents, ("elf", "difference"))
            problems += [Problem(where, problem.found, problem.allowed) for problem in error.problems]
    return problems
