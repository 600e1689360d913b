"""What changes from level to level: adsorption energies, heights, and where the ion sits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from iondrill.analyse.columns import TableForm, number, text
from iondrill.analyse.energies.adsorption import height
from iondrill.geometry.constraints import moving_atoms

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.analyse.energies.adsorption import Adsorption

DIFFERENCES = TableForm[Mapping[str, Any]](
    "an ion on a site of a facet at a level, less the same at the last level, or less what is recorded",
    (
        text("facet", "name of the facet", heading="Facet", role="name"),
        text("adsorbate", "ion", heading="Ion"),
        text("site", "where the ion was put", heading="Site"),
        number("n", "ions in the cell", digits=0),
        text("level", "level of theory", heading="Level", role="level"),
        text("against", "level that it is compared with", heading="Against", role="level"),
        number(
            "dE_ads_eV", "difference of E_ads per ion; empty unless both energies are there", heading="ΔE_ads", digits=3
        ),
        number(
            "dheight_A",
            "difference of the heights; empty unless both slabs with ion converged",
            heading="Δheight",
            digits=2,
        ),
        number(
            "ion_shift_A", "distance of the ions, over slabs whose fixed atoms coincide", heading="Ion shift", digits=2
        ),
        number(
            "slab_rms_A", "root mean square of the distances of the slab's free atoms", heading="Slab rms", digits=3
        ),
        text("status", "`converged`, or what became of either row", heading="Status", role="words"),
    ),
)
"""``adsorption_levels.csv``."""


def compare(row: Adsorption, reference: Adsorption) -> dict[str, str | int | float | None]:
    """Return how a row differs from the same facet, ion and site at another level.

    Parameters
    ----------
    row, reference : Adsorption
        Their difference is the first minus the second.

    Returns
    -------
    dict
        By column of `DIFFERENCES`. dE_ads is empty unless both energies are there; the geometry unless both slabs
        with ion converged. ion_shift is the distance between the ions over slabs whose fixed atoms coincide, and
        slab_rms that of the slab's free atoms.
    """
    ours_eV, theirs_eV = row.E_ads_eV, reference.E_ads_eV
    geometry: dict[str, float | None] = dict.fromkeys(("dheight_A", "ion_shift_A", "slab_rms_A"))
    if row.combined.status == reference.combined.status == "converged":
        shift_A = displacements(row.geometry, reference.geometry)
        ion = row.geometry.arrays["fragment"] == "adsorbate"
        free = ~ion & moving_atoms(row.geometry)
        geometry = {
            "dheight_A": height(row.geometry) - height(reference.geometry),
            "ion_shift_A": float(shift_A[ion].max()),
            "slab_rms_A": float(np.sqrt((shift_A[free] ** 2).mean())) if free.any() else 0.0,
        }
    notes = [f"{each.combined.level}: {each.status}" for each in (row, reference) if str(each.status) != "converged"]
    return {
        **{name: getattr(row, name) for name in ("facet", "adsorbate", "site", "n")},
        "level": row.combined.level,
        "against": reference.combined.level,
        "dE_ads_eV": None if ours_eV is None or theirs_eV is None else ours_eV - theirs_eV,
        **geometry,
        "status": "; ".join(notes) or "converged",
    }


def displacements(first: Atoms, second: Atoms) -> NDArray[np.float64]:
    """Return how far each atom of one geometry is from the same atom of another, nearest images, shape (n,), Å."""
    from ase.geometry import find_mic

    _, lengths = find_mic(first.positions - second.positions, first.cell, first.pbc)
    return np.asarray(lengths)


def write_differences(
    rows: Iterable[Adsorption], levels: list[str], path: Path, recorded: Iterable[Mapping[str, Any]] = ()
) -> None:
    """Write ``adsorption_levels.csv``: every level against the last, none of one level only, and what is recorded.

    Parameters
    ----------
    rows : iterable of Adsorption
        Of all levels.
    levels : list of str
        Their names, in the order of the configuration.
    path : Path
        The table.
    recorded : iterable of mapping
        Rows of fitted levels against recorded energies.
    """
    by_level: dict[str, dict[tuple[str, str, str, int], Adsorption]] = {level: {} for level in levels}
    for row in rows:
        by_level[row.combined.level][row.facet, row.adsorbate, row.site, row.n] = row
    *others, last = levels
    found = [
        compare(row, by_level[last][key])
        for level in others
        for key, row in by_level[level].items()
        if key in by_level[last]
    ]
    DIFFERENCES.write([*found, *recorded], path)
