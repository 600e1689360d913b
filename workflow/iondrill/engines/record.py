"""The record of a job, from its journal and what it found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from iondrill.engines.base import AttemptEntry, Result, Status

if TYPE_CHECKING:
    from iondrill.jobs.job import Job
    from iondrill.jobs.journal import Journal


def record(job: Job, journal: Journal, status: Status, engine_version: str, **found: Any) -> Result:
    """Return the record of a job.

    Parameters
    ----------
    job : Job
        Its specification.
    journal : Journal
        Its attempts, in the state folder that is named by the hash of its inputs.
    status : str
        How it ended.
    engine_version : str
        What computed it.
    **found
        Further fields of `Result`.
    """
    return Result(
        status=status,
        level=job.level_name,
        engine=job.level.engine,
        engine_version=engine_version,
        n_scf_cycles=int(journal.cost("n_scf_cycles")),
        wall_s=journal.cost("wall_s"),
        core_s=journal.cost("core_s"),
        attempts=[AttemptEntry.model_validate(entry) for entry in journal.in_words()],
        input_hash=journal.path.parent.name,
        **found,
    )
