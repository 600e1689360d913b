"""What changes from level to level: adsorption energies, heights, and where the ion sits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iondrill.analyse.energies.adsorption import height, status, table_row
from iondrill.analyse.tables import write_table
from iondrill.geometry.constraints import moving_atoms

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.analyse.energies.adsorption import Adsorption

COLUMNS = (
    *("facet", "adsorbate", "site", "n", "level", "against", "dE_ads_eV", "dheight_A", "ion_shift_A", "slab_rms_A"),
    "status",
)


def compare(row: Adsorption, reference: Adsorption) -> dict[str, str | int | float | None]:
    """Return how a row differs from the same facet, ion and site at another level.

    Parameters
    ----------
    row, reference : Adsorption
        Their difference is the first minus the second.

    Returns
    -------
    dict
        By the names of `COLUMNS`. dE_ads is empty unless both energies are there; the geometry unless both slabs with
        ion converged. ion_shift is the distance between the ions over slabs whose fixed atoms coincide, and slab_rms
        that of the slab's free atoms.
    """
    ours, theirs = table_row(row), table_row(reference)
    energies = [cells["E_ads_eV"] for cells in (ours, theirs)]
    dE_ads_eV = None
    if isinstance(energies[0], float) and isinstance(energies[1], float):
        dE_ads_eV = energies[0] - energies[1]
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
    notes = [
        f"{each.combined.level}: {outcome}" for each in (row, reference) if (outcome := status(each)) != "converged"
    ]
    return {
        **{name: ours[name] for name in ("facet", "adsorbate", "site", "n", "level")},
        "against": reference.combined.level,
        "dE_ads_eV": dE_ads_eV,
        **geometry,
        "status": "; ".join(notes) or "converged",
    }


def displacements(first: Atoms, second: Atoms) -> NDArray[np.float64]:
    """Return how far each atom of one geometry is from the same atom of another, nearest images, shape (n,), Å."""
    from ase.geometry import find_mic

    _, lengths = find_mic(first.positions - second.positions, first.cell, first.pbc)
    return np.asarray(lengths)


def write_differences(rows: Iterable[Adsorption], levels: list[str], path: Path) -> None:
    """Write ``adsorption_levels.csv``: every level against the last; no row where there is one level only.

    Parameters
    ----------
    rows : iterable of Adsorption
        Of all levels.
    levels : list of str
        Their names, in the order of the configuration.
    path : Path
        The table.
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
    write_table(path, COLUMNS, ([cells[name] for name in COLUMNS] for cells in found))
