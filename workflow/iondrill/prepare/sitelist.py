"""The sites of a facet, remembered from run to run: the workflow asks for them whenever it starts."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from iondrill import __version__
from iondrill.build.recipes import recipe_path
from iondrill.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from iondrill.config.base import Ion

LEAST_A: dict[Ion, float] = {"Li": 1.92, "Na": 2.49, "K": 3.05}
"""Ions closer than this, 0.75 times the sum of their covalent radii, are refused as an overlap of atoms."""
MOST_IONS = 16


def site_spacings(facet: str, recipes: Path, cache: Path) -> dict[str, list[float]]:
    """Return how far apart ions on the sites of a facet are.

    Parameters
    ----------
    facet : str
        Name of the recipe.
    recipes : Path
        The folder ``structures``.
    cache : Path
        Folder of remembered lists, each named by the hash of the recipe's file; it may be removed at any time.

    Returns
    -------
    dict of str to list of float
        For each label the least distance in Å among 1, 2, … ions spread over the equivalent places of the cell,
        images included; as many entries as there are places, at most 16.

    Raises
    ------
    UserError
        If there is no such facet or it cannot be built.
    """
    content = recipe_path(facet, recipes).read_bytes() + __version__.encode()
    remembered = cache / f"spacings-{facet}-{hashlib.sha256(content).hexdigest()[:16]}.json"
    try:
        spacings = json.loads(remembered.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        spacings = _spacings(facet, recipes)
        write_text(remembered, json.dumps(spacings))
    return {str(label): [float(spacing) for spacing in several] for label, several in spacings.items()}


def has_room(spacings_A: list[float], ion: Ion, n: int) -> bool:
    """Say whether `n` ions find places on a site that are not too close to each other."""
    return n <= len(spacings_A) and spacings_A[n - 1] >= LEAST_A[ion]


def _spacings(facet: str, recipes: Path) -> dict[str, list[float]]:
    """Build the facet, find its sites and spread ions on each."""
    from iondrill.build.registry import build
    from iondrill.build.sites import find_sites
    from iondrill.build.spread import closest_A

    slab = build(facet, recipes)
    cell = slab.cell.array[:2, :2]
    return {
        site.label: [
            round(closest_A(site.fractions, cell, n), 3) for n in range(1, min(site.multiplicity, MOST_IONS) + 1)
        ]
        for site in find_sites(slab)
    }
