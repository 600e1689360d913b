"""Which elements each level of theory is used for, and those that its engine does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.config.levels import VALENCE_ELECTRONS
from iondrill.config.load import locate
from iondrill.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from iondrill.config.document import Document, KeyPath
    from iondrill.config.models import Config
    from iondrill.jobs.name import JobId
    from iondrill.prepare.plan import Plan

Use = tuple[str, str, str]
"""A level, a stage and an element."""


def elements_used(plan: Plan, elements: Mapping[str, Collection[str]]) -> dict[Use, JobId]:
    """Return each element at each level in each stage, with the first job that needs it.

    All jobs count: those of the default target, of ``inputs``, ``convergence``, ``barriers`` and ``intercalation``.

    Parameters
    ----------
    plan : Plan
        Without problems.
    elements : mapping
        Those of each structure by its name.
    """
    jobs = [*plan.executed(), *plan.written(), *plan.elsewhere()]
    found: dict[Use, JobId] = {}
    for job in jobs:
        for element in plan.stage(job).elements(job, elements):
            found.setdefault((job.level, job.stage, element), job)
    return found


def element_problems(config: Config, uses: Mapping[Use, JobId], documents: Sequence[Document]) -> list[Problem]:
    """Return the elements that a level is used for and its engine has no basis set, potential or dataset for.

    Parameters
    ----------
    config : Config
        The configuration.
    uses : mapping
        What `elements_used` returns.
    documents : sequence of Document
        The files that the configuration was read from.
    """
    jobs: dict[tuple[str, str], JobId] = {}
    for (level, _, element), job in uses.items():
        jobs.setdefault((level, element), job)
    problems = []
    for (name, element), job in sorted(jobs.items()):
        key, what, offered, remedy = config.levels[name].offer
        if offered is not None and element not in offered:
            key_path: KeyPath = ("levels", name, key)
            found = f"no {what} for {element}, which job {job.stage}/{job.name} needs"
            more = remedy if element in VALENCE_ELECTRONS else ""
            problems.append(Problem(locate(documents, key_path), found, f"allowed: {', '.join(offered)}{more}"))
    return problems
