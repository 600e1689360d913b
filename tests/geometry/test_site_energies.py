"""Facets and sites under GFN2-xTB: bond lengths, the stability of Pandey's chains, the order of the sites."""

from pathlib import Path

import pytest
from ase import Atoms
from ase.optimize import BFGS

from iondrill.config.levels import XtbLevel
from iondrill.engines.xtb.calculator import XtbCalculator
from iondrill.geometry.model_hessian import spring_hessian
from iondrill.geometry.recipes import load_recipe
from iondrill.geometry.surfaces.adsorbate import add_adsorbate
from iondrill.geometry.surfaces.assertions import assert_surface, faults
from iondrill.geometry.surfaces.facet import FacetRecipe
from iondrill.geometry.surfaces.sites import find_sites
from iondrill.geometry.surfaces.slab import build_slab

STRUCTURES = Path(__file__).parents[2] / "structures"
# GFN2-xTB, 2×2, Γ, eV: measured with another builder and optimiser
LI_CAVE, LI_PEDESTAL, NA_CAVE = -3.97, -3.87, -3.23


def energy(atoms, unpaired=0):
    atoms.calc = XtbCalculator(XtbLevel(engine="xtb"), unpaired=unpaired)
    return atoms.get_potential_energy()


def relaxed(atoms, unpaired=0, fmax=0.1):
    energy(atoms, unpaired)
    optimizer = BFGS(atoms, logfile=None, maxstep=0.2)
    optimizer.H0 = spring_hessian(atoms)
    assert optimizer.run(fmax=fmax, steps=40)
    return atoms.get_potential_energy()


def facet(name, **changes):
    return FacetRecipe.model_validate(load_recipe(name, STRUCTURES).model_dump() | changes)


@pytest.fixture(scope="module")
def dimers():
    slab = build_slab(facet("C100-2x1"))
    return slab, relaxed(slab)


def test_relaxed_dimers_are_in_their_window(dimers):
    slab, _ = dimers
    recipe = facet("C100-2x1")
    assert faults(assert_surface(slab, build_slab(recipe), recipe, "relaxed")) == ""


def test_sites_on_dimers_have_their_energies_and_order(dimers):
    slab, bare = dimers
    sites = {site.label: site for site in find_sites(slab)}

    def adsorption(ion, label):
        return relaxed(add_adsorbate(slab, sites[label], ion), unpaired=1) - bare - energy(Atoms(ion), unpaired=1)

    li_cave, li_pedestal, na_cave = (adsorption(*case) for case in [("Li", "cave"), ("Li", "pedestal"), ("Na", "cave")])
    assert li_cave == pytest.approx(LI_CAVE, abs=0.1)
    assert li_pedestal == pytest.approx(LI_PEDESTAL, abs=0.1)
    assert na_cave == pytest.approx(NA_CAVE, abs=0.1)
    assert li_cave < li_pedestal < na_cave


def test_pandey_chains_are_in_their_window_and_lower_than_1x1():
    recipe = facet("C111-2x1-pandey")
    chains, cut = build_slab(recipe), build_slab(facet("C111-1x1", cell=recipe.cell))
    assert chains.get_chemical_formula() == cut.get_chemical_formula()
    surface_atoms = recipe.cell[0] * recipe.cell[1]
    assert relaxed(chains) < relaxed(cut, fmax=0.3) - 0.4 * surface_atoms
    assert faults(assert_surface(chains, build_slab(recipe), recipe, "relaxed")) == ""
