"""The adsorption energies of a run as what is published says them: refused ones as refused, without a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from iondrill.analyse.energies.adsorption_table import ADSORPTION
from iondrill.jobs.name import JobId, Subject

if TYPE_CHECKING:
    from iondrill.prepare.plan import Plan


class Energy(NamedTuple):
    """A row of ``adsorption.csv``.

    Attributes
    ----------
    job : JobId
        The slab with the ions.
    E_ads_eV : float or None
        None if it was refused, or a part did not converge.
    error_eV : float or None
        Error of the settings, by a convergence study, or of the fit, by recorded energies; None without one.
    height_A : float or None
        Of the ions.
    method : str
        The level of theory, in words.
    status : str
        In words; its first is ``converged``, ``refused``, ``not_converged`` or ``failed``.
    """

    job: JobId
    E_ads_eV: float | None
    error_eV: float | None
    height_A: float | None
    method: str
    status: str

    @property
    def title(self) -> str:
        """What it is the energy of."""
        subject = self.job.subject
        return f"E_ads of {subject.ions} on {subject.structure}, {subject.site}"


def energies(plan: Plan) -> list[Energy]:
    """Return the rows of a run; none if there is no table.

    Raises
    ------
    UserError
        If the table is damaged.
    """
    path = plan.results / "adsorption.csv"
    if not path.is_file():
        return []
    found = []
    for row in ADSORPTION.read(path).rows:
        subject = Subject(row["facet"], row["adsorbate"], int(row["n"]), row["site"])
        level = plan.config.levels.get(row["level"])
        E_ads_eV, error_eV, height_A = (_number(row[name]) for name in ("E_ads_eV", "error_estimate_eV", "height_A"))
        job, method = JobId("adsorption", subject, row["level"]), row["level"] if level is None else level.title
        found.append(Energy(job, E_ads_eV, error_eV, height_A, method, row["status"]))
    return found


def _number(cell: str) -> float | None:
    return float(cell) if cell else None
