"""What is wrong with the jobs that a valid configuration with valid recipes calls for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from iondrill.build.recipes import recipe_path, spin_states
from iondrill.config.document import Document
from iondrill.config.levels import XtbLevel
from iondrill.config.load import locate, located
from iondrill.errors import Problem, UserError
from iondrill.prepare import intercalation
from iondrill.prepare.convergence import Sweeps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from iondrill.prepare.plan import Plan


def plan_problems(plan: Plan, documents: Sequence[Document]) -> list[Problem]:
    """Return what would end a target of Snakemake before its first job, whichever target that is.

    Parameters
    ----------
    plan : Plan
        That of the configuration.
    documents : sequence of Document
        The files that it was read from.
    """
    found = [*_convergence_problems(plan, documents), *_comparison_problems(plan)]
    for problems in (_site_problems, _hop_problems, _difference_problems, _crystal_problems):
        found += located(documents, problems(plan))
    return found


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
                built[geometry] = _raised(partial(row.point.start, plan.recipes))
            where = locate(documents, ("convergence", "studies", name, "sweep", row.parameter))
            found += [Problem(f"{where}: {one.where}", one.found, one.allowed) for one in built[geometry]]
        problems += found
    return problems


def _raised(work: Callable[[], object]) -> tuple[Problem, ...]:
    """Return the problems that a piece of work ends with, if it does."""
    try:
        work()
    except UserError as error:
        return error.problems
    return ()


def _comparison_problems(plan: Plan) -> list[Problem]:
    """Return the recipes whose multiplicities are compared at a level that cannot."""
    level = plan.config.levels[plan.config.relax.level]
    if not isinstance(level, XtbLevel) or level.spin_polarisation:
        return []
    found = f"multiplicities are compared at level '{plan.config.relax.level}', where low spin is always lower"
    allowed = "allowed: one multiplicity, or a level with spin_polarisation"
    chosen = [recipe_path(name, plan.recipes) for name in plan.relaxed if spin_states(plan.recipe(name))]
    return [Problem(Document(path).where(("multiplicity",)), found, allowed) for path in chosen]


def _site_problems(plan: Plan) -> tuple[Problem, ...]:
    """Return the sites asked for that a facet does not have, or has no room on."""
    return _raised(plan.fillings)


def _hop_problems(plan: Plan) -> tuple[Problem, ...]:
    """Return the ends of paths that a facet does not have."""
    return () if plan.config.barriers is None else _raised(plan.hops)


def _difference_problems(plan: Plan) -> list[Problem]:
    """Return the runs without a nanodiamond, where the density difference is asked for."""
    return [problem for run in plan.config.md.run for problem in _raised(partial(plan.elf_parts, run))]


def _crystal_problems(plan: Plan) -> Iterator[Problem]:
    """Yield what is wrong with the crystals of the intercalation stage: of each, and of all together."""
    if plan.config.intercalation is None:
        return
    try:
        metals = set(intercalation.metals(plan.config, plan.recipes).values())
    except UserError as error:
        yield from error.problems
        return
    if plan.config.adsorption.metal == "computed":
        for ion in plan.config.adsorption.ions:
            if ion not in metals:
                found = f"found 'computed', and among intercalation.crystals none of {ion} alone"
                yield Problem(
                    "adsorption.metal", found, f"allowed: a crystal of each ion's metal there, e.g. {ion}-bcc"
                )
