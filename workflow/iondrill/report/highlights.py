"""The few numbers that a reader looks for first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iondrill.analyse.rest import LAST_PART
from iondrill.report.findings import signed
from iondrill.report.table import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iondrill.report.data import Results, Run
    from iondrill.report.table import Table

MOST_RUNS = 3


class Highlight(NamedTuple):
    """A number, what it is, its level of theory, and the section that tells more."""

    value: str
    what: str
    level: str
    section: str


def highlights(results: Results) -> list[Highlight]:
    """Return gap, tip and bonds of the first runs, and the lowest energy of each ion; of converged jobs alone."""
    found = [each for run in results.finished_runs[:MOST_RUNS] for each in _of_run(results, run)]
    return found + list(_of_adsorption(results, results.adsorption))


def _of_run(results: Results, run: Run) -> Iterator[Highlight]:
    level, order = results.title_of(run.level), run.order
    last = slice(-max(1, len(order.rows) // LAST_PART), None)
    gap, depth, bonds = (order.numbers(f"{name}") for name in ("gap_edge_A", "penetration_A", "nd_flake_bonds"))
    if np.isfinite(gap).all():
        rest = run.rest("gap_edge_A")
        value = f"{rest.mean if rest else gap[0]:.2f} → {gap[last].mean():.2f} Å"
        what = (
            f"gap at the edge, run {run.name}: {'before the run' if rest else 'first frame'}, and mean of the last "
            f"quarter (spread ± {gap[last].std():.2f} Å)"
        )
        yield Highlight(value, what, level, "dynamics")
    if np.isfinite(depth).all():
        value = f"{signed(depth[0])} → {signed(depth[-1])} Å"
        yield Highlight(
            value, f"tip of the nanodiamond past the edge, run {run.name}: start and end", level, "dynamics"
        )
    if np.isfinite(bonds).all():
        value = f"{bonds[0]:.0f} → {bonds[-1]:.0f}"
        yield Highlight(value, f"bonds of nanodiamond and flake, run {run.name}: start and end", level, "dynamics")


def _of_adsorption(results: Results, table: Table | None) -> Iterator[Highlight]:
    if table is None:
        return
    for ion, level in dict.fromkeys((row["adsorbate"], row["level"]) for row in table.rows):
        rows = table.where("adsorbate", ion).where("level", level)
        energies = rows.numbers("E_ads_eV")
        if np.isfinite(energies).any():
            best = rows.rows[int(np.nanargmin(energies))]
            what = f"lowest E_ads of {ion}: {best['facet']}, started at {place_of(best)}"
            yield Highlight(f"{signed(np.nanmin(energies))} eV", what, results.title_of(level), "adsorption")
