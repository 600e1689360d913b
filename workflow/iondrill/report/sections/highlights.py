"""The few numbers that a reader looks for first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iondrill.analyse.dynamics.rest import LAST_PART
from iondrill.report.data import told_order
from iondrill.report.ranking import Best, lowest
from iondrill.report.sections.findings import signed
from iondrill.report.sections.trust import badge, badge_of_energies
from iondrill.report.table import position_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iondrill.analyse.energies.adsorption_table import AdsorptionTable
    from iondrill.report.data import Results, Run
    from iondrill.report.sections.trust import Badge

MOST_RUNS = 3


class Highlight(NamedTuple):
    """A number, what it is, the badge of its level of theory, and the section that tells more."""

    value: str
    what: str
    badge: Badge
    section: str


def highlights(results: Results) -> list[Highlight]:
    """Return gap, tip and bonds of the first runs, and the lowest energy of each ion; of converged jobs alone."""
    found = [each for run in results.told_runs[:MOST_RUNS] for each in _of_run(results, run)]
    return found + list(_of_adsorption(results, results.adsorption))


def _of_run(results: Results, run: Run) -> Iterator[Highlight]:
    level, order = badge(results, run.level, run), told_order(run)
    last = slice(-max(1, len(order.rows) // LAST_PART), None)
    gap, depth, bonds = (order.numbers(f"{name}") for name in ("gap_edge_A", "penetration_A", "nd_flake_bonds"))
    if np.isfinite(gap).all():
        rest = run.rest("gap_edge_A")
        value = f"{rest.mean if rest else gap[0]:.2f} → {gap[last].mean():.2f} Å"
        start = "before the run" if rest else "in the first frame"
        what = f"gap at the edge, run {run.name}: {start}, at the end (± {gap[last].std():.2f} Å)"
        yield Highlight(value, what, level, "dynamics")
    if np.isfinite(depth).all():
        outside = depth[0] < 0 and depth[-1] < 0
        side, sign = ("before", -1) if outside else ("past", 1)
        value = f"{signed(sign * depth[0])} → {signed(sign * depth[-1])} Å"
        what = f"tip {side} the edge, run {run.name}: start and end"
        yield Highlight(value, what, level, "dynamics")
    if np.isfinite(bonds).all():
        value = f"{bonds[0]:.0f} → {bonds[-1]:.0f}"
        yield Highlight(
            value, f"bonds of nanodiamond and flake, run {run.name}: at the start, then at the end", level, "dynamics"
        )


def _of_adsorption(results: Results, table: AdsorptionTable | None) -> Iterator[Highlight]:
    """Yield the lowest row of each ion, of those facets and coverages of which one can be called lowest."""
    if table is None:
        return
    for level in dict.fromkeys(row["level"] for row in table.rows):
        groups = dict.fromkeys((row["facet"], row["n"]) for row in table.where("level", level).rows)
        found = [
            best
            for facet, n in groups
            for best in lowest(table.where("level", level).where("facet", facet).where("n", n))
            if isinstance(best, Best)
        ]
        for ion in dict.fromkeys(best.row["adsorbate"] for best in found):
            best = min((each for each in found if each.row["adsorbate"] == ion), key=lambda each: each.E_ads_eV)
            what = f"lowest E_ads of {ion}: {best.row['facet']}, {position_of(best.row)}"
            # of a fit the error is measured; that of settings says nothing of the method
            known, error = results.config.levels.get(level), best.row["error_estimate_eV"]
            fitted = known is not None and known.learned and error not in ("", None)
            value = f"{signed(best.E_ads_eV)}{f' ± {float(error):.2f}' if fitted else ''} eV"
            yield Highlight(value, what, badge_of_energies(results, level), "adsorption")
