"""Which rows of ``adsorption.csv`` may be called lowest, and which may be compared."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from iondrill.analyse.energies.adsorption_table import AdsorptionTable
    from iondrill.analyse.energies.row_status import RowStatus

ALIKE_EV = 0.1
"""Energies nearer than this are not ranked: relaxation and settings leave about so much."""


class Best(NamedTuple):
    """The lowest row of an ion, of how many, and E_ads of each kind of position that is as low, within `ALIKE_EV`."""

    row: dict[str, str]
    status: RowStatus
    E_ads_eV: float
    against_metal_eV: float
    of: str
    alike_eV: dict[str, float]


def kind_of_position(row: Mapping[str, str], status: RowStatus) -> str:
    """Return where the ions of a row came to rest, without the number that distinguishes positions of a kind."""
    kinds = (re.sub(r"-\d+$", "", site) for site in status.sites or [row["site"]])
    return " and ".join(dict.fromkeys(kinds))


def lowest(table: AdsorptionTable) -> Iterator[Best | str]:
    """Yield the lowest row of each ion that has one, or why none can be called so.

    Parameters
    ----------
    table : AdsorptionTable
        Rows that differ in ion and site alone.

    Yields
    ------
    Best or str
        A sentence instead of a row where the lowest one has a lower point nearby, or is on the other side of D4's
        step than another row. Nothing for an ion of which no row has an energy.
    """
    for ion in dict.fromkeys(row["adsorbate"] for row in table.rows):
        rows = table.where("adsorbate", ion)
        energies = rows.numbers("E_ads_eV")
        known = np.flatnonzero(np.isfinite(energies))
        if not len(known):
            continue
        # a lower point that was seen near a row, and not relaxed to, is a row of which no more is known
        statuses = [rows.status(row) for row in rows.rows]
        lower = [status.has("second_minimum") for status in statuses]
        below_eV = np.where(lower, rows.numbers("lowest_neighbour_eV"), 0.0)
        best = int(known[np.argmin((energies + below_eV)[known])])
        row = rows.rows[best]
        sides = {statuses[k].has("free_like") for k in known}
        if lower[best]:
            yield f"no site of {ion} is called lowest: near that at {row['site']} there is a lower point"
        elif len(sides) > 1:
            yield f"no site of {ion} is called lowest: D4 takes the ion for a free atom at some sites alone"
        else:
            all_of = "the only site" if len(energies) == 1 else f"lowest of {len(energies)} sites"
            some_of = f"the only converged of {len(energies)} sites"
            if len(known) > 1:
                some_of = f"lowest of {len(known)} converged of {len(energies)} sites"
            against_metal_eV = float(rows.numbers("E_ads_vs_metal_eV")[best])
            of = all_of if len(known) == len(energies) else some_of
            alike_eV: dict[str, float] = {}
            for k in sorted(known, key=lambda k: energies[k]):
                if energies[k] < energies[best] + ALIKE_EV and not lower[k]:
                    alike_eV.setdefault(kind_of_position(rows.rows[k], statuses[k]), float(energies[k]))
            yield Best(row, statuses[best], float(energies[best]), against_metal_eV, of, alike_eV)


def compared(first: Best, second: Best) -> str:
    """Say which of two ions binds more strongly, or why the two are not compared.

    Both are taken at positions of one kind, the lowest or as low as the lowest.
    """
    strong, weak = sorted((first, second), key=lambda best: best.E_ads_eV)
    one, other = (best.row["adsorbate"] for best in (strong, weak))
    kinds = [kind_of_position(best.row, best.status) for best in (strong, weak)]
    common = [kind for kind in strong.alike_eV if kind in weak.alike_eV]
    if not common:
        return f"{one} and {other} are not compared: their lowest sites are of two kinds, {kinds[0]} and {kinds[1]}"
    if strong.status.has("free_like") != weak.status.has("free_like"):
        return f"{one} and {other} are not compared: D4 takes one of them for a free atom"
    difference = weak.alike_eV[common[0]] - strong.alike_eV[common[0]]
    where = (
        "at their lowest sites"
        if kinds[0] == kinds[1]
        else f"at {common[0]}, which for both is as low as the lowest site"
    )
    if abs(difference) < ALIKE_EV:
        return f"{one} and {other} bind about as strongly, {abs(difference):.2f} eV apart {where}"
    return f"{one} binds more strongly than {other}, by {difference:.2f} eV {where}"


def against_metal(best: Best) -> str:
    """Say whether the facet or the bulk metal is better for an ion; nothing where that is not known."""
    if not np.isfinite(best.against_metal_eV):
        return ""
    if abs(best.against_metal_eV) < ALIKE_EV:
        return "neither is preferred"
    return "bulk metal is preferred" if best.against_metal_eV > 0 else "the facet is preferred"
