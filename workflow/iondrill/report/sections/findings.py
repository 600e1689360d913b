"""What the numbers say, as plain sentences, each with its level of theory."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iondrill.analyse.dynamics.rest import LAST_PART, Rest, late_temperature
from iondrill.report import ranking
from iondrill.report.data import refusal_of, told_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iondrill.analyse.energies.adsorption_table import AdsorptionTable
    from iondrill.analyse.tables import Table
    from iondrill.report.data import Results, Run, Structure

BREATHING_A = 0.1
"""A gap that changes by less has neither widened nor narrowed: layers breathe by about this."""


class Finding(NamedTuple):
    """One sentence, and the name of the level its numbers are from."""

    text: str
    level: str


def findings(results: Results) -> list[Finding]:
    """Return the key findings: nanodiamonds, runs, adsorption. Nothing is said of what did not converge."""
    return [
        *of_nanodiamonds(results),
        *(finding for run in results.finished_runs for finding in of_run(run, results)),
        *of_adsorption(results.adsorption),
    ]


def signed(value: float, digits: int = 2) -> str:
    """Return a number with a true minus sign, and no sign for zero."""
    text = f"{value:.{digits}f}"
    return text.replace("-", "−" if float(text) else "")


def fourfold(structure: Structure) -> tuple[int, int]:
    """Return how many C have four neighbours, and how many C there are."""
    counts = structure.check.coordination.get("C", {})
    return counts.get(4, 0), sum(counts.values())


def of_nanodiamonds(results: Results) -> Iterator[Finding]:
    """Yield what relaxation does to the sp³ fraction of each nanodiamond."""
    diamonds = [s for s in results.structures if set(s.check.fragments) == {"nd"}]
    for after in (s for s in diamonds if s.state == "relaxed" and s.level is not None):
        for before in (s for s in diamonds if s.name == after.name and s.state == "as built"):
            (n_before, total), (n_after, _) = fourfold(before), fourfold(after)
            if total:
                was, now = (f"{n} of {total} C ({n / total:.0%})" for n in (n_before, n_after))
                text = f"{after.name}: {now} have four neighbours (sp³) after relaxation, {was} as built."
                yield Finding(text, str(after.level))


def of_run(run: Run, results: Results) -> Iterator[Finding]:
    """Yield what happened in a run, and whether it is trusted; of a refused run nothing but that."""
    end_fs = run.order.numbers("time_fs")[-1]
    if (refusal := refusal_of(run)) is not None:
        text = f"Run {run.name}, one trajectory of {end_fs:g} fs: {refusal.sentence}."
        yield Finding(
            f"{text} The error of the level is too large for its numbers to be results, so none is shown.", run.level
        )
        return
    order = told_order(run)
    opening = _opening(order, run.rest("gap_edge_A"), run.rest("gap_centre_A"))
    texts = (opening, _drilling(order), _leaving(order), *_charging(run.charges), _heat(run))
    sentences = " ".join(f"{text[0].upper()}{text[1:]}." for text in texts if text)
    if sentences or run.verification is not None:
        said = (f"Run {run.name}, one trajectory of {end_fs:g} fs.", sentences, _trust(run, results))
        yield Finding(" ".join(filter(None, said)), run.level)


def _trust(run: Run, results: Results) -> str:
    """Say whether a run was compared with a level that is trusted; nothing of a level that needs no comparison."""
    if run.verification is not None:
        return " ".join(filter(None, [f"Verification: {run.verification.sentence}.", run.verification.of_twin]))
    level = results.config.levels.get(run.level)
    if level is not None and level.learned:
        return "Verification: none, and the level is a fit to another one (`md.verify`)."
    return ""


def _opening(order: Table, edge_rest: Rest | None, centre_rest: Rest | None) -> str:
    """Say whether the gap widened, from its rest before the launch to the mean of the last quarter.

    Without a thermalisation the first frame counts as the rest. A gap that was still changing before the launch
    has to change by more than that.
    """
    time_fs = order.numbers("time_fs")
    last = slice(-max(1, len(time_fs) // LAST_PART), None)
    edge, centre = (order.numbers(f"gap_{part}_A") for part in ("edge", "centre"))
    if not np.isfinite([edge, centre]).all():
        return ""
    still = edge_rest or Rest(edge[0], 0.0, 0.0)
    before = "before the run" if edge_rest else "in the first frame"
    change, spread = edge[last].mean() - still.mean, edge[last].std()
    least = max(BREATHING_A, spread, still.spread, 2 * abs(still.drift))
    verb = "widened" if change > least else "narrowed" if change < -least else "neither widened nor narrowed"
    return (
        f"the gap at the edge {verb}, from {still.mean:.2f} Å {before} to {edge[last].mean():.2f} Å (mean of the last "
        f"quarter, spread {spread:.2f} Å; widest {edge.max():.2f} Å at {time_fs[edge.argmax()]:g} fs); at the centre "
        f"it went from {centre_rest.mean if centre_rest else centre[0]:.2f} Å to {centre[last].mean():.2f} Å"
    )


def _heat(run: Run) -> str:
    """Say that a run was not at the temperature that was asked for; nothing if it was."""
    kept = late_temperature(run.order.numbers("temperature_K"), run.settings.temperature_K)
    return f"the run was not at its temperature: {kept}" if kept and kept.off else ""


def _drilling(order: Table) -> str:
    """Say how far the nanodiamond came, and whether it bonded."""
    depth, bonds = order.numbers("penetration_A"), order.numbers("nd_flake_bonds")
    if not np.isfinite([depth, bonds]).all():
        return ""
    return (
        f"the tip of the nanodiamond moved from {_beside(depth[0])} the edge to {_beside(depth[-1])} it; it had "
        f"{bonds[0]:.0f} bonds to the flake at the start and {bonds[-1]:.0f} at the end"
    )


def _beside(depth_A: float) -> str:
    return f"{abs(depth_A):.2f} Å {'before' if depth_A < 0 else 'past'}"


def _leaving(order: Table) -> str:
    """Say how many ions are outside the flake."""
    out = order.numbers("ions_expelled")
    if not np.isfinite(out).all():
        return ""
    return {0: "no ion is", 1: "one ion is"}.get(
        int(out[-1]), f"{out[-1]:.0f} ions are"
    ) + " outside the flake at the end"


def _charging(charges: Table) -> Iterator[str]:
    """Say what charge the ions carry."""
    for scheme in dict.fromkeys(row["scheme"] for row in charges.rows):
        ions = charges.where("scheme", scheme).where("fragment", "ion").numbers("charge_e")
        if len(ions):
            ends = f"{signed(ions[0])} e at the start and {signed(ions[-1])} e at the end"
            yield f"together the ions carry {ends} ({scheme})"


def of_adsorption(table: AdsorptionTable | None) -> Iterator[Finding]:
    """Yield the lowest site of each ion on each facet, which ion binds more strongly, and whether metal is better.

    Each number of ions in the cell is treated by itself: E_ads per ion at one coverage is not that at another.
    """
    if table is None:
        return
    for name, level, n in dict.fromkeys((row["facet"], row["level"], row["n"]) for row in table.rows):
        facet = name if n == "1" else f"{name}, n = {n}"
        found = list(ranking.lowest(table.where("facet", name).where("level", level).where("n", n)))
        bests = [each for each in found if isinstance(each, ranking.Best)]
        for each in found:
            text = each if isinstance(each, str) else _binding(each)
            yield Finding(f"{facet}: {text}.", level)
        for first, second in pairwise(sorted(bests, key=lambda best: best.E_ads_eV)):
            yield Finding(f"{facet}: {ranking.compared(first, second)}.", level)


def _binding(best: ranking.Best) -> str:
    """Say how strongly an ion is bound at its lowest site."""
    row = best.row
    notes = [note.text for note in best.status.notes if note.code != "error_covers"]
    unseen = [] if row["lowest_neighbour_eV"] else ["its neighbourhood was not scanned"]
    site = "; ".join([best.of, f"started at {row['site']}", *notes, *unseen])
    text = f"{row['adsorbate']} binds with E_ads = {signed(best.E_ads_eV)} eV per ion ({site})"
    better = ranking.against_metal(best)
    return f"{text}, {signed(best.against_metal_eV)} eV against its bulk metal: {better}" if better else text
