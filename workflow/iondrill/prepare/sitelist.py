"""The sites of facets, remembered: the workflow asks when it starts, and so does each job of an ion on a site."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from iondrill import __version__
from iondrill.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.build.sites import Site
    from iondrill.config.base import Ion

LEAST_A: dict[Ion, float] = {"Li": 1.92, "Na": 2.49, "K": 3.05}
"""Ions closer than this, 0.75 times the sum of their covalent radii, are refused as an overlap of atoms."""
MOST_IONS = 16


def site_spacings(recipe: Path, recipes: Path, cache: Path) -> dict[str, list[float]]:
    """Return how far apart ions on the sites of a facet are.

    Parameters
    ----------
    recipe : Path
        File of the facet's recipe.
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
        If the facet cannot be built.
    """
    content = recipe.read_bytes() + __version__.encode()
    remembered = cache / f"spacings-{recipe.stem}-{hashlib.sha256(content).hexdigest()[:16]}.json"
    try:
        spacings = json.loads(remembered.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        spacings = _spacings(recipe.stem, recipes)
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


def sites_of(slab: Atoms, cache: Path) -> list[Site]:
    """Return the sites of a slab as `iondrill.build.sites.find_sites` finds them, or as it found them on the same one.

    Parameters
    ----------
    slab : Atoms
        As built.
    cache : Path
        Folder of remembered sites, by the hash of the slab; it may be removed at any time.

    Raises
    ------
    UserError
        As `find_sites`.
    """
    from iondrill.build.sites import Place, Site, Support, find_sites

    remembered = cache / f"sites-{_digest(slab)}.json"
    try:
        sites = json.loads(remembered.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = find_sites(slab)
        with suppress(OSError):  # no room to remember it in
            write_text(remembered, json.dumps([(site.label, site.kind, site.places) for site in found]))
        return found
    return [
        Site(
            label,
            kind,
            tuple(
                Place((x, y), tuple(Support(atom, (i, j), weight) for atom, (i, j), weight in supports))
                for (x, y), supports in places
            ),
        )
        for label, kind, places in sites
    ]


def _digest(slab: Atoms) -> str:
    """Return the hash (16 hex digits) of all of a slab that `find_sites` looks at, to the last bit."""
    digest = hashlib.sha256(f"{__version__} {json.dumps(slab.info, sort_keys=True, default=str)}".encode())
    fragments = slab.arrays.get("fragment", np.array([])).tolist()
    digest.update(json.dumps(fragments).encode())
    for array in (slab.numbers, slab.pbc, slab.positions, slab.cell.array, slab.get_tags()):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
