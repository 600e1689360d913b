"""What a facet promises, looked for on a slab: before and after relaxation, with or without an adsorbate."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from iondrill.build.bonds import find_bonds
from iondrill.build.slab import build_slab
from iondrill.config.base import Strict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.build.bonds import Bonds
    from iondrill.build.recipes import BondWindow, FacetRecipe

SHORTEST_A = {frozenset("C"): 1.30, frozenset("CH"): 1.00}
"""Shorter contacts are no bonds of these elements."""
NAMED_BONDS = 3
BUILT_SLACK_A = 0.05
"""By how much a bond may leave its window before the slab is relaxed."""
DIMERISED_A = 0.05
"""Chains whose neighbouring bonds differ by more are dimerised."""


class SurfaceRecord(Strict):
    """One thing that a surface was looked at for."""

    what: str
    expected: str
    found: str
    passed: bool

    def __str__(self) -> str:
        """Return the record as one line."""
        return f"{self.what}: expected {self.expected}, found {self.found}"


def assert_surface(atoms: Atoms, recipe: FacetRecipe, *, relaxed: bool = True) -> list[SurfaceRecord]:
    """Look for what a facet promises on a slab.

    Nothing is raised: a slab that fell apart gives records that did not pass and say what happened.

    Parameters
    ----------
    atoms : Atoms
        The slab of `build_slab`, as built or relaxed, its atoms in the same order; an adsorbate is left out.
    recipe : FacetRecipe
        What the slab was built from.
    relaxed : bool
        Whether the bonds must be in their windows; before, they may be 0.05 Å outside.

    Returns
    -------
    list of SurfaceRecord
        Composition, shortest contacts, connectivity, coordination of the top, and each kind of bond.
    """
    if "fragment" in atoms.arrays:
        atoms = atoms[atoms.arrays["fragment"] != "adsorbate"]
    built = build_slab(recipe)
    if atoms.get_chemical_symbols() != built.get_chemical_symbols() or not np.isfinite(atoms.positions).all():
        found = str(atoms.symbols.formula.format("hill"))
        return [_record("atoms", f"{built.symbols.formula.format('hill')}, in the order of the recipe", found, False)]
    bonds = find_bonds(atoms)
    top = _undercoordinated(built, find_bonds(built))
    cells = recipe.cell[0] * recipe.cell[1]
    slack_A = 0.0 if relaxed else BUILT_SLACK_A
    return [
        *_contacts(atoms, bonds),
        _connectivity(atoms, bonds, find_bonds(built)),
        *_coordination(atoms, bonds, top, recipe, cells),
        *(record for window in recipe.expect_bonds for record in _bonds(bonds, top, window, cells, slack_A)),
    ]


def _record(what: str, expected: str, found: str, passed: bool | np.bool_) -> SurfaceRecord:
    return SurfaceRecord(what=what, expected=expected, found=found, passed=bool(passed))


def _carbon_bonds(atoms: Atoms, bonds: Bonds) -> Bonds:
    carbon = atoms.numbers == 6
    return bonds.select(carbon[bonds.first] & carbon[bonds.second])


def _undercoordinated(slab: Atoms, bonds: Bonds) -> NDArray[np.int_]:
    """Return the C atoms of the upper half with fewer than four C neighbours."""
    count = np.bincount(_carbon_bonds(slab, bonds).first, minlength=len(slab))
    z = slab.positions[:, 2]
    return np.flatnonzero((slab.numbers == 6) & (count < 4) & (z > (z.min() + z.max()) / 2))


def _contacts(atoms: Atoms, bonds: Bonds) -> Iterator[SurfaceRecord]:
    symbols = atoms.get_chemical_symbols()
    for pair, shortest_A in SHORTEST_A.items():
        lengths_A = [
            length
            for first, second, length in zip(bonds.first, bonds.second, bonds.length_A, strict=True)
            if {symbols[first], symbols[second]} == pair
        ]
        if lengths_A:
            name = "–".join(sorted(pair) * (3 - len(pair)))
            found_A = min(lengths_A)
            yield _record(f"shortest {name}", f"more than {shortest_A:.2f} Å", f"{found_A:.3f} Å", found_A > shortest_A)


def _connectivity(atoms: Atoms, bonds: Bonds, built: Bonds) -> SurfaceRecord:
    """Compare the bonds, images included, with those of the slab as it was built."""
    symbols = atoms.get_chemical_symbols()

    def count(which: Bonds) -> Counter[tuple[int, int]]:
        return Counter((i, j) for i, j in zip(which.first.tolist(), which.second.tolist(), strict=True) if i <= j)

    def names(pairs: Counter[tuple[int, int]], verb: str) -> list[str]:
        shown = [f"{symbols[i]}{i}–{symbols[j]}{j}" for i, j in sorted(pairs)]
        more = [f"and {len(shown) - NAMED_BONDS} more"] if len(shown) > NAMED_BONDS else []
        return [f"{verb} {', '.join(shown[:NAMED_BONDS] + more)}"] if shown else []

    now, then = count(bonds), count(built)
    changes = names(then - now, "broken") + names(now - then, "new")
    return _record("connectivity", "the bonds it was built with", "; ".join(changes) or "no bond changed", not changes)


def _coordination(
    atoms: Atoms, bonds: Bonds, top: NDArray[np.int_], recipe: FacetRecipe, cells: int
) -> Iterator[SurfaceRecord]:
    """Compare how many C neighbours the C atoms of the top have."""
    if not recipe.expect_coordination:
        return
    count = np.bincount(_carbon_bonds(atoms, bonds).first, minlength=len(atoms))
    expected = {number: round(share * cells) for number, share in sorted(recipe.expect_coordination.items())}
    found = dict(sorted(Counter(count[top].tolist()).items()))
    yield _record("C neighbours of the top C", _histogram(expected), _histogram(found), found == expected)


def _histogram(counts: dict[int, int]) -> str:
    return ", ".join(f"{atoms} with {neighbours}" for neighbours, atoms in counts.items()) or "none"


def _bonds(
    bonds: Bonds, top: NDArray[np.int_], window: BondWindow, cells: int, slack_A: float
) -> Iterator[SurfaceRecord]:
    """Compare the bonds among the top C atoms with a window; chains must have them all alike."""
    among = bonds.select(np.isin(bonds.first, top) & np.isin(bonds.second, top))
    lengths_A = among.length_A
    low_A, high_A = window.window_A
    expected = round(window.per_cell * cells)
    found = f"{len(lengths_A) // 2}" + (f" of {lengths_A.min():.3f}–{lengths_A.max():.3f} Å" if len(lengths_A) else "")
    inside = ((lengths_A > low_A - slack_A) & (lengths_A < high_A + slack_A)).all()
    yield _record(
        f"{window.what} bonds",
        f"{expected} of {low_A:.2f}–{high_A:.2f} Å" + (f" (± {slack_A:.2f} Å, not relaxed)" if slack_A else ""),
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
