"""What the numbers say, as plain sentences, each with its level of theory."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pydantic import RootModel

from iondrill.config.load import load
from iondrill.prepare.estimates import COVERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iondrill.report.data import Results, Run, Structure
    from iondrill.report.table import Table

LAST_PART = 4
"""The last quarter of a run's frames stands for its end."""
BREATHING_A = 0.1
"""A gap that changes by less has neither widened nor narrowed: layers breathe by about this."""


ALIKE_EV = 0.1
"""Energies nearer than this are not ranked: relaxation and settings leave about so much."""


class Finding(NamedTuple):
    """One sentence, and the name of the level its numbers are from."""

    text: str
    level: str


class Caveats(RootModel[dict[str, str]]):
    """What ``caveats.yaml`` holds: a warning by method."""


def caveats(results: Results, levels: list[str]) -> dict[str, str]:
    """Return what a reader must know of each level before believing its numbers; only where there is something."""
    known = load(Caveats, Path(__file__).with_name("caveats.yaml")).root
    found = {}
    for name in levels:
        level = results.config.levels.get(name)
        if level is not None:
            found[name] = known.get(level.reference, "")
    return {name: text for name, text in found.items() if text}


def findings(results: Results) -> list[Finding]:
    """Return the key findings: nanodiamonds, runs, adsorption. Nothing is said of what did not converge."""
    return [
        *_of_nanodiamonds(results),
        *(finding for run in results.finished_runs for finding in _of_run(run)),
        *_of_adsorption(results.adsorption),
    ]


def signed(value: float, digits: int = 2) -> str:
    """Return a number with a true minus sign, and no sign for zero."""
    text = f"{value:.{digits}f}"
    return text.replace("-", "−" if float(text) else "")


def fourfold(structure: Structure) -> tuple[int, int]:
    """Return how many C have four neighbours, and how many C there are."""
    counts = structure.check.coordination.get("C", {})
    return counts.get(4, 0), sum(counts.values())


def _of_nanodiamonds(results: Results) -> Iterator[Finding]:
    """Yield what relaxation does to the sp³ fraction of each nanodiamond."""
    diamonds = [s for s in results.structures if set(s.check.fragments) == {"nd"}]
    for after in (s for s in diamonds if s.state == "relaxed" and s.level is not None):
        for before in (s for s in diamonds if s.name == after.name and s.state == "as built"):
            (n_before, total), (n_after, _) = fourfold(before), fourfold(after)
            if total:
                was, now = (f"{n} of {total} C ({n / total:.0%})" for n in (n_before, n_after))
                text = f"{after.name}: {now} have four neighbours (sp³) after relaxation, {was} as built."
                yield Finding(text, str(after.level))


def _of_run(run: Run) -> Iterator[Finding]:
    """Yield what happened in a run."""
    texts = (_opening(run.order), _drilling(run.order), _leaving(run.order), *_charging(run.charges))
    sentences = " ".join(f"{text[0].upper()}{text[1:]}." for text in texts if text)
    end_fs = run.order.numbers("time_fs")[-1]
    if sentences:
        yield Finding(f"Run {run.name}, one trajectory of {end_fs:g} fs. {sentences}", run.level)


def _opening(order: Table) -> str:
    """Say whether the gap widened, from the first frame to the mean of the last quarter."""
    time_fs = order.numbers("time_fs")
    last = slice(-max(1, len(time_fs) // LAST_PART), None)
    edge, centre = (order.numbers(f"gap_{place}_A") for place in ("edge", "centre"))
    if not np.isfinite([edge, centre]).all():
        return ""
    change, spread = edge[last].mean() - edge[0], edge[last].std()
    least = max(BREATHING_A, spread)
    verb = "widened" if change > least else "narrowed" if change < -least else "neither widened nor narrowed"
    return (
        f"the gap at the edge {verb}, from {edge[0]:.2f} Å to {edge[last].mean():.2f} Å (mean of the last quarter, "
        f"spread {spread:.2f} Å; widest {edge.max():.2f} Å at {time_fs[edge.argmax()]:g} fs); at the centre it "
        f"went from {centre[0]:.2f} Å to {centre[last].mean():.2f} Å"
    )


def _drilling(order: Table) -> str:
    """Say how far the nanodiamond came, and whether it bonded."""
    depth, bonds = order.numbers("penetration_A"), order.numbers("nd_flake_bonds")
    if not np.isfinite([depth, bonds]).all():
        return ""
    return (
        f"the tip of the nanodiamond went from {_beside(depth[0])} to {_beside(depth[-1])} the edge; it had "
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


def _of_adsorption(table: Table | None) -> Iterator[Finding]:
    """Yield the lowest site of each ion on each facet, which ion binds more strongly, and whether metal is better.

    Each number of ions in the cell is told apart: E_ads per ion at one coverage is not that at another.
    """
    if table is None:
        return
    for name, level, n in dict.fromkeys((row["facet"], row["level"], row["n"]) for row in table.rows):
        facet = name if n == "1" else f"{name}, n = {n}"
        lowest = list(_lowest(table.where("facet", name).where("level", level).where("n", n)))
        for best in lowest:
            row = best.row
            notes = [note for note in row["status"].split("; ")[1:] if not note.startswith(COVERS)]
            site = "; ".join([best.of, f"started at {row['site']}", *notes])
            text = f"{facet}: {row['adsorbate']} binds with E_ads = {signed(best.E_ads_eV)} eV per ion ({site})"
            if np.isfinite(best.against_metal_eV):
                better = "bulk metal is preferred" if best.against_metal_eV > 0 else "the facet is preferred"
                text += f", {signed(best.against_metal_eV)} eV against its bulk metal: {better}"
            yield Finding(f"{text}.", row["level"])
        ranked = sorted(lowest, key=lambda best: best.E_ads_eV)
        for strong, weak in pairwise(ranked):
            difference = weak.E_ads_eV - strong.E_ads_eV
            first, second = (best.row["adsorbate"] for best in (strong, weak))
            if difference < ALIKE_EV:
                text = f"{first} and {second} bind about as strongly, {difference:.2f} eV apart at their lowest sites"
            else:
                text = f"{first} binds more strongly than {second}, by {difference:.2f} eV at their lowest sites"
            yield Finding(f"{facet}: {text}.", strong.row["level"])


class _Best(NamedTuple):
    """The lowest row of an ion on a facet."""

    row: dict[str, str]
    E_ads_eV: float
    against_metal_eV: float
    of: str


def _lowest(table: Table) -> Iterator[_Best]:
    """Yield the row of lowest E_ads of each ion that has one, of rows that differ in ion and site alone."""
    for ion in dict.fromkeys(row["adsorbate"] for row in table.rows):
        rows = table.where("adsorbate", ion)
        energies, against_metal_eV = rows.numbers("E_ads_eV"), rows.numbers("E_ads_vs_metal_eV")
        known = int(np.isfinite(energies).sum())
        if known:
            best = int(np.nanargmin(energies))
            of = "lowest" + (f" of {known} converged" if known < len(energies) else "") + f" of {len(energies)} sites"
            yield _Best(rows.rows[best], float(energies[best]), float(against_metal_eV[best]), of)
