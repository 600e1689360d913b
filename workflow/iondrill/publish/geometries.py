"""The structures of a run as what is published says them: last geometries, with what is known of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from iondrill.engines.base import read_result
from iondrill.geometry.checks import read_structure
from iondrill.prepare.published import final_geometry
from iondrill.publish.energies import energies

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ase import Atoms

    from iondrill.engines.base import Result
    from iondrill.jobs.name import JobId
    from iondrill.prepare.plan import Plan
    from iondrill.publish.energies import Energy


class Geometry(NamedTuple):
    """The last geometry of a job.

    Attributes
    ----------
    job, folder : JobId, Path
        Whose it is, and where that is.
    atoms : Atoms
        The geometry, without results.
    record : Result
        How the job ended; with an energy only if it converged.
    energy : Energy or None
        The adsorption energy that it is the bound part of, or that it was refused.
    """

    job: JobId
    folder: Path
    atoms: Atoms
    record: Result
    energy: Energy | None

    @property
    def identifier(self) -> str:
        """A name without dots and slashes, unique in the run."""
        return f"{self.job.stage}-{self.job.name}".replace(".", "_")


def geometries(plan: Plan) -> Iterator[Geometry]:
    """Yield the last geometry of each job that ended and had something to compute, whether or not it converged.

    Raises
    ------
    UserError
        If a record, a structure or the table of adsorption energies is damaged.
    """
    by_job = {energy.job: energy for energy in energies(plan)}
    for job in plan.executed():
        folder = plan.folder(job)
        file = final_geometry(folder)
        if file is None or not (folder / "result.json").is_file():
            continue
        record = read_result(folder / "result.json")
        if record.status != "not_due":
            yield Geometry(job, folder, read_structure(file), record, by_job.get(job))
