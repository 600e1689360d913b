"""What D4 takes an ion for: its coordination number by the published formula, and the step of its C6."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import graphene
from ase.units import Bohr
from scipy.special import erf

from iondrill.analyse.energies.dispersion import free_C6_au, ion_dispersion

# Pyykkö and Atsumi (2009), metals less by a tenth, as in D3 (Grimme et al. 2010); times 4/3
COVALENT_A = {"H": 0.32, "Li": 1.20, "C": 0.75, "Na": 1.40}
PAULING = {"H": 2.20, "Li": 0.98, "C": 2.55, "Na": 0.93}


def coordination(atoms, which, cells):
    """Return D4's coordination number, Eq. 6 of J. Chem. Phys. 150, 154122: a sum over pairs and images."""
    found, one = 0.0, atoms[which]
    for a, b in np.ndindex(2 * cells + 1, 2 * cells + 1):
        shift = np.array([a - cells, b - cells, 0]) @ atoms.cell.array
        for k, other in enumerate(atoms):
            apart_A = np.linalg.norm(other.position + shift - one.position)
            if k == which and not shift.any():
                continue
            reach_A = 4 / 3 * (COVALENT_A[one.symbol] + COVALENT_A[other.symbol])
            unlike = abs(PAULING[one.symbol] - PAULING[other.symbol])
            bond = 4.10451 * np.exp(-((unlike + 19.08857) ** 2) / (2 * 11.28174**2))
            found += bond * 0.5 * (1 + erf(-7.5 * (apart_A - reach_A) / reach_A))
    return found


def sheet_with(ion, height_A):
    atoms = graphene(size=(2, 2, 1), vacuum=10)
    atoms.pbc = True
    atoms += Atoms(ion, [[*atoms.positions[:2, :2].mean(axis=0), atoms.positions[0, 2] + height_A]])
    atoms.arrays["fragment"] = np.array(["slab"] * 8 + ["adsorbate"])
    return atoms


@pytest.mark.parametrize("ion", ["Li", "Na"])
@pytest.mark.parametrize("height_A", [1.6, 2.2, 2.6])
def test_the_coordination_number_is_that_of_the_published_formula(ion, height_A):
    atoms = sheet_with(ion, height_A)
    assert ion_dispersion(atoms).coordination == pytest.approx(coordination(atoms, 8, 4), abs=0.01)


@pytest.mark.parametrize("periodic", [True, False])
def test_images_count_where_a_slab_is_periodic(periodic):
    """Beside it, as slabs are, it is enough; of a cell that is periodic along no axis the ion has no images."""
    atoms = sheet_with("Li", 1.8)
    atoms.pbc = (periodic, periodic, False)
    found = ion_dispersion(atoms).coordination
    cells = 4 if periodic else 0
    assert found == pytest.approx(coordination(atoms, 8, cells), abs=0.01)
    assert coordination(atoms, 8, 4) > coordination(atoms, 8, 0) + 0.1


def test_c6_goes_up_by_a_step_as_an_ion_is_lifted():
    found = [ion_dispersion(sheet_with("Na", height_A)) for height_A in (2.0, 3.2)]
    assert found[0].coordination > 1
    assert found[1].coordination < 0.2
    assert found[1].C6_au > 5 * found[0].C6_au
    assert [each.free_like for each in found] == [False, True]


def test_free_atoms_have_the_c6_of_the_literature():
    # Derevianko, Babb and Dalgarno, Phys. Rev. A 63, 052704 (2001): Li 1389, Na 1556, K 3897
    assert free_C6_au("Li") == pytest.approx(1389, rel=0.2)
    assert free_C6_au("Na") == pytest.approx(1556, rel=0.2)


def test_of_two_ions_the_freer_counts():
    both = sheet_with("Na", 2.0)
    assert not ion_dispersion(both).free_like
    both += Atoms("Na", [both.positions[8] - [0, 0, 5.2]])  # 3.2 Å below the sheet
    both.arrays["fragment"] = np.array(["slab"] * 8 + ["adsorbate"] * 2)
    assert ion_dispersion(both).free_like


def test_lengths_are_taken_in_angstrom():
    pair = Atoms("HNa", [[0, 0, 0], [0, 0, 1.887]])
    pair.arrays["fragment"] = np.array(["slab", "adsorbate"])
    assert ion_dispersion(pair).coordination == pytest.approx(coordination(Atoms(pair, cell=np.zeros((3, 3))), 1, 0))
    stretched = pair.copy()
    stretched.positions /= Bohr
    assert ion_dispersion(stretched).coordination < 0.1
