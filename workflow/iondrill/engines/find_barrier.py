"""Run the search for a path from its specification to its record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iondrill.engines.base import AttemptEntry, Result
from iondrill.engines.folder import rounded, write_job
from iondrill.errors import UserError
from iondrill.jobs.job import Job
from iondrill.prepare.stages.barriers import ends, ends_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ase import Atoms

    from iondrill.engines.embedded.neb import Band


def find_barrier(
    spec: dict[str, Any], built: Atoms, relaxed: Mapping[str, tuple[Result, Atoms]], folder: Path
) -> tuple[Result, Band]:
    """Find the path between two sites, or say why there is none.

    Parameters
    ----------
    spec : dict
        A `Job` with the task ``neb``, as plain data.
    built : Atoms
        The clean slab as built.
    relaxed : mapping of str to (Result, Atoms)
        Of the slab with the ion, by the label of the site.
    folder : Path
        The job's folder; a search that was killed resumes from what it holds.

    Returns
    -------
    Result
        ``failed`` if an end did not converge or left its site; the caller writes it.
    Band
        The path.
    """
    from iondrill.engines.embedded.neb import Band, find_path

    job = Job.model_validate(spec)
    labels = [subject.site for subject in ends_of(job.id)]
    start, end = (rounded(relaxed[label][1]) for label in labels)
    problems = [
        f"{label} {relaxed[label][0].status}"
        for label in dict.fromkeys(labels)
        if relaxed[label][0].status != "converged"
    ]
    if not problems:
        try:
            start, end = map(rounded, ends(job.id, built, start, end))
        except UserError as error:
            problems = [problem.found for problem in error.problems]
    folder.mkdir(parents=True, exist_ok=True)
    write_job(job, start, folder)
    if not problems:
        return find_path(job, start, end, folder)
    known = relaxed[labels[0]][0]
    result = Result(
        status="failed",
        level=job.level_name,
        engine=known.engine,
        engine_version=known.engine_version,
        attempts=[AttemptEntry(reason="; ".join(problems))],
        input_hash=job.input_hash(start, end),
    )
    return result, Band([start, end], [])
