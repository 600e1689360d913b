"""How a run ended: ``status.json``, by which Snakemake's exit status goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from iondrill.analyse.energies.adsorption_table import read_adsorption
from iondrill.config.base import NonNegativeInt, Strict
from iondrill.config.load import load
from iondrill.engines.base import WELL, read_result
from iondrill.errors import Problem, UserError
from iondrill.files import write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from iondrill.analyse.energies.adsorption_table import AdsorptionTable


class Outcome(Strict):
    """How a run ended.

    Attributes
    ----------
    status
        converged: every job did, or had nothing to compute, and there is an adsorption energy if any was asked for;
        refused: every job converged, and every adsorption energy was refused; not_converged: a job did not converge,
        or failed.
    jobs
        How each job ended, by the file of its record.
    reasons
        Why those ended that did not converge.
    rows, refused_rows
        Of the table of adsorption energies.
    """

    status: Literal["converged", "refused", "not_converged"]
    jobs: dict[str, str]
    reasons: dict[str, str]
    rows: NonNegativeInt
    refused_rows: NonNegativeInt

    @classmethod
    def read(cls, path: Path) -> Outcome:
        """Read ``status.json``.

        Raises
        ------
        UserError
            If it is cut or holds something else.
        """
        return load(cls, path)

    def write(self, path: Path) -> None:
        """Write ``status.json``."""
        write_text(path, self.model_dump_json(indent=1) + "\n")

    def accept(self, report: str) -> None:
        """Do nothing if all is well.

        Raises
        ------
        UserError
            What did not converge, or that every row was refused; the message names the report.
        """
        problems = [
            Problem(path, f"{self.jobs[path]}: {reason}", f"see {report}") for path, reason in self.reasons.items()
        ]
        if self.status == "refused":
            problems.append(
                Problem("adsorption.csv", f"{self.refused_rows} of {self.rows} rows are refused", f"see {report}")
            )
        if problems:
            raise UserError(*problems)


def outcome(records: Iterable[Path], adsorption: Path | None) -> Outcome:
    """Return how a run ended.

    Parameters
    ----------
    records : iterable of Path
        ``result.json`` of each job that was asked for.
    adsorption : Path or None
        The table of adsorption energies, if any were asked for.

    Raises
    ------
    UserError
        If a file is missing, cut or holds something else.
    """
    results = {str(path): read_result(path) for path in records}
    reasons = {
        path: result.attempts[-1].reason if result.attempts else "no attempt is recorded"
        for path, result in results.items()
        if result.status not in WELL
    }
    table = read_adsorption(adsorption) if adsorption else None
    refused = len(refused_rows(table))
    rows = len(table.rows) if table else 0
    return Outcome(
        status="not_converged" if reasons else "refused" if rows and refused == rows else "converged",
        jobs={path: result.status for path, result in results.items()},
        reasons=reasons,
        rows=rows,
        refused_rows=refused,
    )


def refused_rows(table: AdsorptionTable | None) -> Sequence[dict[str, str]]:
    """Return the rows of a table of adsorption energies that have none though all their jobs converged."""
    if table is None:
        return []
    return [row for row in table.rows if not row["E_ads_eV"] and table.status(row).word == "refused"]
