"""Bases of some of the primitives: what pyscf evaluates of them, and how far that reaches."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from pyscf import gto
from scipy.special import gamma

from iondrill.analyse.density import primitives
from iondrill.analyse.density.wavefunction import read_molden

DATA = Path(__file__).parents[2] / "data" / "elf"
POINTS = np.random.default_rng(7).uniform(4, 14, size=(200, 3))


def test_exponents_are_those_of_the_shells():
    mol = read_molden(DATA / "c2h2li.molden").mol
    expected = {a for shell in range(mol.nbas) for a in mol.bas_exp(shell)}
    assert primitives.exponents(mol).tolist() == sorted(expected)


@pytest.mark.parametrize("name", ["c2h2li", "c2h2li2"])
@pytest.mark.parametrize("position", [0, 2, 5, -2])
def test_two_parts_add_up_to_the_functions(name, position):
    mol = read_molden(DATA / f"{name}.molden").mol
    cut = primitives.exponents(mol)[position]
    total = np.zeros((4, len(POINTS), mol.nao))
    for low, high in ((0.0, cut), (cut, np.inf)):
        part, functions = primitives.select(mol, low, high)
        assert part.nao == len(functions)
        total[:, :, functions] += part.eval_gto("GTOval_sph_deriv1", POINTS)
    np.testing.assert_allclose(total, mol.eval_gto("GTOval_sph_deriv1", POINTS), atol=1e-12)


def test_nothing_is_left_of_exponents_that_do_not_occur():
    mol = read_molden(DATA / "c2h2li.molden").mol
    part, functions = primitives.select(mol, 1e3, np.inf)
    assert (part.nbas, part.nao, len(functions)) == (0, 0, 0)


@pytest.mark.parametrize(("atoms", "uhf"), [(Atoms("Li"), 1), (molecule("SiH4"), 0)])
def test_functions_and_slopes_end_where_they_reach(atoms, uhf, embedded):
    mol, small = embedded(atoms, uhf).mol, 1e-5
    reach = primitives.reach(mol, small)
    centres = mol.atom_coords()[mol._bas[:, 0]]
    directions = np.random.default_rng(3).normal(size=(60, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    for shell, (start, end) in enumerate(zip(mol.ao_loc[:-1], mol.ao_loc[1:], strict=True)):
        there = centres[shell] + (reach[shell] * np.geomspace(1, 3, 20))[:, None, None] * directions
        values = mol.eval_gto("GTOval_sph_deriv1", there.reshape(-1, 3))[:, :, start:end]
        assert np.abs(values).max() < 2 * small  # angular functions reach a little above 1
        before = centres[shell] + (0.8 * reach[shell]) * directions
        assert np.abs(mol.eval_gto("GTOval_sph_deriv1", before)[:, :, start:end]).max() > small


@pytest.mark.parametrize("l", [0, 1, 2])
@pytest.mark.parametrize("exponent", [0.02, 0.1, 0.5])
def test_the_reach_of_one_exponential_is_where_value_and_slope_end_and_not_much_beyond(l, exponent):  # noqa: E741
    """The bound is the sum of what is to be bound: at most three times, which costs less than a bohr of the way."""
    mol = gto.M(atom="He", basis={"He": [[l, [exponent, 1.0]]]})
    # the integral of its square over r² dr is 1
    norm = np.sqrt(2 * (2 * exponent) ** (l + 1.5) / gamma(l + 1.5))
    r, small = np.linspace(1e-3, 40, 40_000), 1e-5
    value = norm * r**l * np.exp(-exponent * r**2)
    larger = np.maximum(np.abs(value), np.abs(np.gradient(value, r)))
    needed = r[larger > small].max()
    (reach,) = primitives.reach(mol, small)
    assert needed <= reach < needed + 1 + primitives.STEP_BOHR
