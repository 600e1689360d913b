"""A cache of the sites of facets: the workflow needs them when it starts, and each job of an ion on a site needs them.

The cache is in `iondrill.files.cache_folder`. Its files are named by the digest of their sources, our code included,
and may be removed at any time. Sites whose file cannot be read, or is damaged, are computed again.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from iondrill.errors import UserError
from iondrill.files import cache_folder, write_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from ase import Atoms

    from iondrill.config.base import Ion
    from iondrill.geometry.surfaces.sites import Site

Found = TypeVar("Found")
LEAST_A: dict[Ion, float] = {"Li": 1.92, "Na": 2.49, "K": 3.05}
"""Ions closer than this, 0.75 times the sum of their covalent radii, are refused as an overlap of atoms."""
MOST_IONS = 16


def site_spacings(recipe: Path, recipes: Path) -> dict[str, list[float]]:
    """Return how far apart ions on the sites of a facet are.

    Parameters
    ----------
    recipe : Path
        File of the facet's recipe.
    recipes : Path
        The folder ``structures``.

    Returns
    -------
    dict of str to list of float
        For each label the least distance in Å among 1, 2, … ions spread over the equivalent positions of the cell,
        images included; as many entries as there are positions, at most 16.

    Raises
    ------
    UserError
        If the facet cannot be built.
    """
    digest = hashlib.sha256(recipe.read_bytes() + f"{recipe.name} {_code()}".encode())
    return _remembered(
        f"spacings-{digest.hexdigest()[:16]}.json",
        lambda: _spacings(recipe.stem, recipes),
        lambda kept: {str(label): [float(spacing) for spacing in several] for label, several in kept.items()},
        lambda found: found,
    )


def has_room(spacings_A: list[float], ion: Ion, n: int) -> bool:
    """Say whether a site has `n` positions that are not too close to each other."""
    return n <= len(spacings_A) and spacings_A[n - 1] >= LEAST_A[ion]


def _spacings(facet: str, recipes: Path) -> dict[str, list[float]]:
    """Build the facet, find its sites and spread ions on each."""
    from iondrill.geometry.registry import build
    from iondrill.geometry.surfaces.coverage import closest_A
    from iondrill.geometry.surfaces.sites import find_sites

    slab = build(facet, recipes)
    cell = slab.cell.array[:2, :2]
    return {
        site.label: [
            round(closest_A(site.fractions, cell, n), 3) for n in range(1, min(site.multiplicity, MOST_IONS) + 1)
        ]
        for site in find_sites(slab)
    }


def sites_of(slab: Atoms) -> list[Site]:
    """Return the sites of a slab as `find_sites` of `iondrill.geometry.surfaces` finds them, or found them before.

    Parameters
    ----------
    slab : Atoms
        As built.

    Raises
    ------
    UserError
        As `find_sites`.
    """
    from iondrill.geometry.surfaces.sites import find_sites

    return _remembered(
        f"sites-{_digest(slab)}.json",
        lambda: find_sites(slab),
        lambda kept: [_site(*one) for one in kept],
        lambda found: [(site.label, site.kind, site.positions) for site in found],
    )


def _site(label: str, kind: str, positions: Any) -> Site:
    """Return a site from what was kept of it."""
    from iondrill.geometry.surfaces.sites import Position, Site, Support

    return Site(
        label,
        kind,
        tuple(
            Position((x, y), tuple(Support(atom, (i, j), weight) for atom, (i, j), weight in supports))
            for (x, y), supports in positions
        ),
    )


def _remembered(
    name: str, find: Callable[[], Found], read: Callable[[Any], Found], plain: Callable[[Found], Any]
) -> Found:
    """Return what a file of the cache holds, or else find it and keep it there as plain data."""
    kept = cache_folder() / name
    with suppress(OSError, ValueError, TypeError, AttributeError):
        if there := read(json.loads(kept.read_text(encoding="utf-8"))):  # a slab without any site is none
            return there
    found = find()
    with suppress(OSError, UserError):  # no room to remember it in
        write_text(kept, json.dumps(plain(found)))
    return found


@cache
def _code() -> str:
    """Return the digest of what builds slabs and finds their sites."""
    folder = Path(__file__).parents[1] / "geometry"
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.suffix in {".py", ".yaml"}):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _digest(slab: Atoms) -> str:
    """Return the hash (16 hex digits) of all of a slab that `find_sites` looks at, to the last bit."""
    digest = hashlib.sha256(f"{_code()} {json.dumps(slab.info, sort_keys=True, default=str)}".encode())
    fragments = slab.arrays.get("fragment", np.array([])).tolist()
    digest.update(json.dumps(fragments).encode())
    for array in (slab.numbers, slab.pbc, slab.positions, slab.cell.array, slab.get_tags()):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
