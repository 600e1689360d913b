"""Symmetry-distinct adsorption sites of 100 slabs, against pymatgen's AdsorbateSiteFinder.

Ours is `iondrill.geometry.surfaces.sites.find_sites`; theirs `pymatgen.analysis.adsorption.AdsorbateSiteFinder` with
`find_adsorption_sites` (https://pymatgen.org; Montoya and Persson, npj Comput. Mater. 3, 14 (2017)). The slabs are
those of structures/facets in several supercells; building them and turning them into pymatgen's is not counted. Each
pair takes its share of the slabs. Invariance: the sites of a slab must not change when its vacuum, the order of its
atoms and its origin do; pymatgen's are counted for the same changes.
"""

from __future__ import annotations

import itertools
import warnings
from functools import partial

import numpy as np
from frame import ROOT, Row, benchmark, compare, paired
from pymatgen.analysis.adsorption import AdsorbateSiteFinder
from pymatgen.core import Structure
from pymatgen.core.surface import Slab

from iondrill.errors import UserError
from iondrill.geometry.recipes import FacetRecipe, load_recipe
from iondrill.geometry.surfaces.sites import find_sites
from iondrill.geometry.surfaces.slab import build_slab

CELLS = ((2, 2), (2, 3), (3, 2), (4, 2), (3, 3), (2, 4), (4, 4), (1, 2), (2, 1), (1, 1), (6, 2), (2, 6), (4, 3))


def slabs(n):
    """Build slabs of all facets in cell after cell, as far as a facet has the cell."""
    recipes = [
        load_recipe(path.stem, ROOT / "structures") for path in sorted((ROOT / "structures/facets").glob("*.yaml"))
    ]
    found = []
    for cell, recipe in itertools.product(CELLS, recipes):
        try:
            found.append(build_slab(FacetRecipe.model_validate(recipe.model_dump() | {"cell": cell, "vacuum_A": 20.0})))
        except (UserError, ValueError):
            continue
        if len(found) == n:
            return found
    raise ValueError(f"only {len(found)} slabs of {n}")


def to_pymatgen(atoms):
    cell = Structure(atoms.cell.array, atoms.get_chemical_symbols(), atoms.get_scaled_positions())
    return Slab(cell.lattice, cell.species, cell.frac_coords, (0, 0, 1), cell, 0, None, reorient_lattice=False)


def theirs(slab):
    return AdsorbateSiteFinder(slab).find_adsorption_sites()["all"]


def told_otherwise(atoms, seed=0):
    """Return the same slab with its atoms shuffled, its origin moved along the surface and more vacuum."""
    rng = np.random.default_rng(seed)
    other = atoms[rng.permutation(len(atoms))]
    other.info = {}
    other.positions += rng.random(2) @ atoms.cell.array[:2]
    other.cell[2, 2] += 7
    other.positions[:, 2] += 3.5
    other.wrap(pbc=(True, True, False))
    return other


def count(function, those, numbers):
    """Note how many sites each slab has."""
    numbers += [len(function(slab)) for slab in those]


def rows(options):
    warnings.simplefilter("ignore")
    total = 4 if options.quick else 100
    ours = slabs(total)
    for slab in ours:
        slab.info.pop("sites", None)  # those of users, which pymatgen does not know
    pymatgens = [to_pymatgen(slab) for slab in ours]
    share = total // options.pairs
    pairs, counts = [], []
    for k in range(options.pairs):
        part = slice(k * share, (k + 1) * share)
        numbers = {"ours": [], "theirs": []}
        pairs += paired(
            partial(count, find_sites, ours[part], numbers["ours"]),
            partial(count, theirs, pymatgens[part], numbers["theirs"]),
            1,
        )
        counts += zip(numbers["ours"], numbers["theirs"], strict=True)
    more = sum(a > b for a, b in counts)
    note = f"sites on {len(counts)} slabs: {sum(a for a, _ in counts)} against {sum(b for _, b in counts)}"
    yield compare(f"adsorption sites of {total} slabs", "pymatgen AdsorbateSiteFinder", pairs, wanted=1, note=note)
    yield Row(f"slabs of {total} with more sites", "pymatgen AdsorbateSiteFinder", "slabs", ours=more, wanted=0)
    others = [told_otherwise(slab) for slab in ours]
    changed = sum(len(find_sites(other)) != count for other, (count, _) in zip(others, counts, strict=False))
    few = 4 if options.quick else 20
    also = sum(len(theirs(to_pymatgen(other))) != b for other, (_, b) in zip(others[:few], counts[:few], strict=True))
    yield Row(
        f"slabs of {len(counts)} with other sites once vacuum, order and origin change",
        "none",
        "slabs",
        ours=changed,
        wanted=0,
        note=f"pymatgen: {also} of the first {few}",
    )


if __name__ == "__main__":
    benchmark("adsorption_sites", rows, "spglib")
