"""Who is bonded to whom: hydrogen is the element whose contacts mislead."""

from ase.build import molecule

from iondrill.geometry.bonds import find_bonds


def test_a_molecule_of_hydrogen_is_bonded():
    assert len(find_bonds(molecule("H2")).first) == 2  # both directions


def test_hydrogens_of_neighbouring_groups_are_not_bonded_however_close():
    one, two = molecule("CH4"), molecule("CH4")
    two.positions[:, 2] += one.positions[:, 2].max() - two.positions[:, 2].min() + 0.74
    both = one + two
    bonds = find_bonds(both)
    assert len(bonds.first) == 2 * 2 * 4
    assert not ((both.numbers[bonds.first] == 1) & (both.numbers[bonds.second] == 1)).any()
