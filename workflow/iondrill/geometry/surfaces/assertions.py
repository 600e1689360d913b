"""What a facet promises, looked for on a slab: as built, once relaxed, and with ions."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

import numpy as np
from ase.data import chemical_symbols, covalent_radii

from iondrill.config.base import Strict
from iondrill.geometry.bonds import find_bonds
from iondrill.geometry.surfaces.facet import FacetRecipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.geometry.neighbours import Near
    from iondrill.geometry.recipes import FileRecipe
    from iondrill.geometry.surfaces.facet import BondWindow

SHORTEST, SHORTEST_TRIPLE = 0.855, 0.77
"""Bonds shorter than this many sums of the covalent radii are collisions: C–C 1.30, C–H 0.92, Si–Si 1.90 Å. Between two
atoms of at most two neighbours the bond may be a triple one, C≡C 1.17 Å: armchair edges without hydrogen have 1.22–1.26
Å (Koskinen, Malola and Häkkinen, Phys. Rev. Lett. 101, 115502 (2008)). A window of the recipe allows its own lengths.
"""
NEW, BROKEN = 1.1, 1.35
"""A bond is new below, and broken above, so many sums of the covalent radii: C–C 1.67 and 2.05, Si–Si 2.44 and 3.00 Å;
in between it is what it was when built."""
DESORBED_A = 2.0
"""An ion that is farther from all atoms than contact by this much has left the surface."""
NAMED_BONDS = 3
DIMERISED_A = 0.05
"""Chains whose neighbouring bonds differ by more are dimerised."""


class SurfaceRecord(Strict):
    """One property that a surface was checked for."""

    what: str
    expected: str
    found: str
    passed: bool

    def __str__(self) -> str:
        """Return the record as one line."""
        return f"{self.what}: expected {self.expected}, found {self.found}"


def assert_surface(
    atoms: Atoms, built: Atoms, recipe: FacetRecipe | FileRecipe, stage: Literal["built", "relaxed", "with ions"]
) -> list[SurfaceRecord]:
    """Look for what a facet promises on a slab.

    Nothing is raised: a slab that fell apart gives records that did not pass and say what happened.

    Parameters
    ----------
    atoms : Atoms
        The slab, its atoms in the same order as `built`; an adsorbate after them.
    built : Atoms
        The slab as built.
    recipe : FacetRecipe or FileRecipe
        What the slab was built from; of a file only what every slab must hold is looked for.
    stage : str
        Bonds must be in their windows on the relaxed clean slab alone: a cut has those of the crystal, and an
        ion gives its electron to them.

    Returns
    -------
    list of SurfaceRecord
        Composition, shortest contacts, connectivity, coordination of the top, each kind of bond, and ions that
        left the surface.
    """
    ions = np.flatnonzero(atoms.arrays["fragment"] == "adsorbate")
    slab = atoms[atoms.arrays["fragment"] != "adsorbate"]
    if slab.get_chemical_symbols() != built.get_chemical_symbols() or not np.isfinite(atoms.positions).all():
        found = str(slab.symbols.formula.format("hill"))
        return [_record("atoms", f"{built.symbols.formula.format('hill')}, in the order of the recipe", found, False)]
    built_bonds = find_bonds(built)
    bonds = _settled(slab, built_bonds)
    windows = recipe.expect_bonds if isinstance(recipe, FacetRecipe) else []
    promised_A = min((window.window_A[0] for window in windows), default=np.inf)
    records = [*_contacts(slab, bonds, promised_A), _connectivity(slab, bonds, built_bonds), *_desorption(atoms, ions)]
    if isinstance(recipe, FacetRecipe):
        top = _top(built, _heavy_bonds(built, built_bonds), recipe.neighbours)
        cells = recipe.cell[0] * recipe.cell[1]
        bonds = _heavy_bonds(slab, bonds)
        records += _coordination(bonds, top, recipe, cells)
        if stage != "with ions":
            for window in recipe.expect_bonds:
                records += _bonds(bonds, top, window, cells, relaxed=stage == "relaxed")
    return records


def found_coordination(slab: Atoms, recipe: FacetRecipe) -> dict[int, float]:
    """Return what ``expect_coordination`` would have to be for a slab as built."""
    bonds = _heavy_bonds(slab, find_bonds(slab))
    top = _top(slab, bonds, recipe.neighbours)
    cells = recipe.cell[0] * recipe.cell[1]
    counts = Counter(np.bincount(bonds.first, minlength=len(slab))[top].tolist())
    return {number: count // cells if count % cells == 0 else count / cells for number, count in sorted(counts.items())}


def faults(records: list[SurfaceRecord]) -> str:
    """Return in one line what did not pass; empty if all did."""
    return ", ".join(str(record) for record in records if not record.passed)


def _record(what: str, expected: str, found: str, passed: bool | np.bool_) -> SurfaceRecord:
    return SurfaceRecord(what=what, expected=expected, found=found, passed=bool(passed))


def _settled(slab: Atoms, built: Near) -> Near:
    """Return the bonds that the slab was built with and are not broken, and those that are new."""
    bonds = find_bonds(slab, BROKEN)
    pairs = set(zip(built.first.tolist(), built.second.tolist(), strict=True))
    old = [pair in pairs for pair in zip(bonds.first.tolist(), bonds.second.tolist(), strict=True)]
    reach_A = NEW * (covalent_radii[slab.numbers[bonds.first]] + covalent_radii[slab.numbers[bonds.second]])
    return bonds.select(np.array(old, dtype=bool) | (bonds.length_A < reach_A))


def _heavy_bonds(atoms: Atoms, bonds: Near) -> Near:
    """Return the bonds that no H has part in."""
    heavy = atoms.numbers > 1
    return bonds.select(heavy[bonds.first] & heavy[bonds.second])


def _top(slab: Atoms, bonds: Near, neighbours: int) -> NDArray[np.int_]:
    """Return the atoms of the upper half that lack neighbours, or else those of the highest layer."""
    count = np.bincount(bonds.first, minlength=len(slab))
    z = slab.positions[:, 2]
    heavy = slab.numbers > 1
    lacking = np.flatnonzero(heavy & (count < neighbours) & (z > (z.min() + z.max()) / 2))
    return lacking if len(lacking) else np.flatnonzero(heavy & (slab.get_tags() == 1))


def _contacts(atoms: Atoms, bonds: Near, promised_A: float) -> Iterator[SurfaceRecord]:
    """Yield the bond of each pair of elements that is shortest for its kind; of heavy atoms `promised_A` is allowed."""
    count = np.bincount(bonds.first, minlength=len(atoms))
    numbers = np.sort([atoms.numbers[bonds.first], atoms.numbers[bonds.second]], axis=0).T
    heavy = (numbers > 1).all(axis=1)
    triple = heavy & (count[bonds.first] <= 2) & (count[bonds.second] <= 2)
    shortest_A = np.where(triple, SHORTEST_TRIPLE, SHORTEST) * covalent_radii[numbers].sum(axis=1)
    shortest_A = np.where(heavy, np.minimum(shortest_A, promised_A), shortest_A)
    for pair in np.unique(numbers, axis=0):
        own = np.flatnonzero((numbers == pair).all(axis=1))
        worst = own[(bonds.length_A - shortest_A)[own].argmin()]
        found_A, limit_A = bonds.length_A[worst], shortest_A[worst]
        name = "–".join(sorted(chemical_symbols[number] for number in pair))
        yield _record(f"shortest {name}", f"more than {limit_A:.2f} Å", f"{found_A:.3f} Å", found_A > limit_A - 1e-9)


def _desorption(atoms: Atoms, ions: NDArray[np.int_]) -> Iterator[SurfaceRecord]:
    """Yield whether ions are still in reach of the slab."""
    slab = np.setdiff1d(np.arange(len(atoms)), ions)
    beyond_A = [
        (atoms.get_distances(ion, slab, mic=True) - covalent_radii[atoms.numbers[slab]]).min()
        - covalent_radii[atoms.numbers[ion]]
        for ion in ions
    ]
    if beyond_A:
        expected = f"within {DESORBED_A:.1f} Å of contact"
        yield _record("ions", expected, f"{max(beyond_A):.2f} Å from contact", max(beyond_A) < DESORBED_A)


def _connectivity(atoms: Atoms, bonds: Near, built: Near) -> SurfaceRecord:
    """Compare the bonds, images included, with those of the slab as it was built."""
    symbols = atoms.get_chemical_symbols()

    def count(which: Near) -> Counter[tuple[int, int]]:
        return Counter((i, j) for i, j in zip(which.first.tolist(), which.second.tolist(), strict=True) if i <= j)

    def names(pairs: Counter[tuple[int, int]], verb: str) -> list[str]:
        shown = [f"{symbols[i]}{i}–{symbols[j]}{j}" for i, j in sorted(pairs)]
        more = [f"and {len(shown) - NAMED_BONDS} more"] if len(shown) > NAMED_BONDS else []
        return [f"{verb} {', '.join(shown[:NAMED_BONDS] + more)}"] if shown else []

    now, then = count(bonds), count(built)
    changes = names(then - now, "broken") + names(now - then, "new")
    return _record("connectivity", "the bonds it was built with", "; ".join(changes) or "no bond changed", not changes)


def _coordination(bonds: Near, top: NDArray[np.int_], recipe: FacetRecipe, cells: int) -> Iterator[SurfaceRecord]:
    """Compare how many neighbours the atoms of the top have."""
    if not recipe.expect_coordination:
        return
    count = np.bincount(bonds.first, minlength=top.max() + 1)
    expected = {number: round(share * cells) for number, share in sorted(recipe.expect_coordination.items())}
    found = dict(sorted(Counter(count[top].tolist()).items()))
    what = f"{recipe.element} neighbours of the top {recipe.element}"
    yield _record(what, _histogram(expected), _histogram(found), found == expected)


def _histogram(counts: dict[int, int]) -> str:
    return ", ".join(f"{atoms} with {neighbours}" for neighbours, atoms in counts.items()) or "none"


def _bonds(
    bonds: Near, top: NDArray[np.int_], window: BondWindow, cells: int, *, relaxed: bool
) -> Iterator[SurfaceRecord]:
    """Compare the bonds among the top atoms with a window; chains must have them all alike."""
    among = bonds.select(np.isin(bonds.first, top) & np.isin(bonds.second, top))
    lengths_A = among.length_A
    low_A, high_A = window.window_A
    expected = round(window.per_cell * cells)
    found = f"{len(lengths_A) // 2}" + (f" of {lengths_A.min():.3f}–{lengths_A.max():.3f} Å" if len(lengths_A) else "")
    inside = not relaxed or ((lengths_A > low_A) & (lengths_A < high_A)).all()
    yield _record(
        f"{window.what} bonds",
        f"{expected} of {low_A:.2f}–{high_A:.2f} Å" + ("" if relaxed else " once relaxed"),
        found,
        inside and len(lengths_A) == 2 * expected,
    )
    if window.what == "chain" and len(lengths_A):
        differences_A = [np.ptp(lengths_A[among.first == atom]) for atom in set(among.first.tolist())]
        yield _record(
            "dimerisation of the chains",
            f"neighbouring bonds alike within {DIMERISED_A:.2f} Å",
            f"{max(differences_A):.3f} Å",
            max(differences_A) < DIMERISED_A,
        )
