"""The rebuilt basis against tblite's own overlap and charges."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.units import Bohr

from iondrill.analyse.density.wavefunction import read_molden
from iondrill.engines.molden import append_valence
from iondrill.engines.xtb.wavefunction import basis, n_valence, spin_occupations, write_molden
from iondrill.errors import UserError


def benzene_with(ion):
    return molecule("C6H6") + Atoms(ion, positions=[[0.1, -0.2, 2.1]])


def single_point(atoms, method="GFN2-xTB", uhf=0, spin_polarised=False, temperature_K=300.0):
    from tblite.interface import Calculator

    calculator = Calculator(method, atoms.numbers, atoms.positions / Bohr, uhf=uhf)
    calculator.set("verbosity", 0)
    calculator.set("save-integrals", 1)
    calculator.set("temperature", temperature_K * 3.166808578545117e-6)
    if spin_polarised:
        calculator.add("spin-polarization", 1.0)
    return calculator.singlepoint()


def tblite_order(mol):
    """Return pyscf's position of each function in tblite's order: p as y z x, d as pyscf has it."""
    rows = []
    for shell in range(mol.nbas):
        start = len(rows)
        rows += [
            start + m for m in ([1, 2, 0] if mol.bas_angular(shell) == 1 else range(2 * mol.bas_angular(shell) + 1))
        ]
    return rows


CASES = {
    "benzene": (molecule("C6H6"), "GFN2-xTB", 0),
    "Li": (benzene_with("Li"), "GFN2-xTB", 1),
    "Na": (benzene_with("Na"), "GFN2-xTB", 1),
    "K": (benzene_with("K"), "GFN2-xTB", 1),
    "d functions": (molecule("SiH4") + Atoms("CO", positions=[[3, 0.3, 0], [3.9, 0.7, 0.6]]), "GFN2-xTB", 0),
    "GFN1": (benzene_with("Na"), "GFN1-xTB", 1),
}


@pytest.mark.parametrize("case", CASES)
def test_basis_is_that_of_tblite(case, tmp_path):
    atoms, method, uhf = CASES[case]
    result = single_point(atoms, method, uhf)
    write_molden(tmp_path / "wavefunction.molden", atoms, result, method=method)
    mol = read_molden(tmp_path / "wavefunction.molden").mol
    rows = tblite_order(mol)
    overlap = mol.intor("int1e_ovlp")[np.ix_(rows, rows)]
    np.testing.assert_allclose(overlap, result.get("overlap-matrix"), atol=1e-7)


@pytest.mark.parametrize("spin_polarised", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_density_has_the_charges_of_tblite(case, spin_polarised, tmp_path):
    atoms, method, uhf = CASES[case]
    result = single_point(atoms, method, uhf, spin_polarised)
    write_molden(tmp_path / "wavefunction.molden", atoms, result, method=method)
    wavefunction = read_molden(tmp_path / "wavefunction.molden")
    mol = wavefunction.mol
    density = sum((c * n) @ c.T for c, n in zip(wavefunction.coefficients, wavefunction.occupations, strict=True))
    populations = (density * mol.intor("int1e_ovlp")).sum(axis=1)
    own = [populations[start:end].sum() for *_, start, end in mol.aoslice_by_atom()]
    expected = [n_valence(method, symbol) for symbol in atoms.symbols]
    np.testing.assert_allclose(np.subtract(expected, own), result.get("charges"), atol=1e-6)


@pytest.mark.parametrize("spin_polarised", [False, True])
def test_open_shell_has_alpha_and_beta_orbitals(spin_polarised, tmp_path):
    # 7 electrons in 7 functions: as many spin orbitals as functions, if only occupied ones were written
    atoms = molecule("CH3")
    write_molden(tmp_path / "m", atoms, single_point(atoms, uhf=1, spin_polarised=spin_polarised))
    alpha, beta = read_molden(tmp_path / "m").occupations
    assert alpha.sum() == pytest.approx(4, abs=1e-6)
    assert beta.sum() == pytest.approx(3, abs=1e-6)


def test_spins_share_their_orbitals_unless_polarised(tmp_path):
    atoms = molecule("CH3")
    lowest = {}
    for spin_polarised in (False, True):
        write_molden(tmp_path / "m", atoms, single_point(atoms, uhf=1, spin_polarised=spin_polarised))
        alpha, beta = read_molden(tmp_path / "m").coefficients
        lowest[spin_polarised] = np.abs(np.abs(alpha[:, 0]) - np.abs(beta[:, 0])).max()
    assert lowest[False] < 1e-9
    assert lowest[True] > 1e-4


def test_closed_shell_has_one_set_of_orbitals(tmp_path):
    atoms = molecule("C2H4")
    write_molden(tmp_path / "m", atoms, single_point(atoms))
    (occupation,) = read_molden(tmp_path / "m").occupations
    np.testing.assert_allclose(occupation, np.full(6, 2.0), atol=1e-6)


def test_hot_electrons_keep_their_fractions(tmp_path):
    atoms = molecule("CH2_s1A1d")
    result = single_point(atoms, uhf=2, temperature_K=8000.0)
    alpha, beta = spin_occupations(result)
    assert 0.01 < alpha[-1] < 0.99 or 0.01 < beta[3] < 0.99
    np.testing.assert_allclose(alpha + beta, result.get("orbital-occupations"), atol=1e-12)
    write_molden(tmp_path / "m", atoms, result)
    assert read_molden(tmp_path / "m").n_electrons == pytest.approx(6, abs=1e-5)


def test_valence_section_names_every_element_once(tmp_path):
    atoms = benzene_with("Na")
    write_molden(tmp_path / "m", atoms, single_point(atoms, uhf=1))
    text = (tmp_path / "m").read_text()
    assert text.partition("[Nval]")[2].split() == ["C", "4", "H", "1", "Na", "1"]
    append_valence(tmp_path / "m", {"C": 4, "H": 1, "Na": 9})
    assert (tmp_path / "m").read_text() == text


def test_contractions_are_normalised():
    for symbol in ("H", "C", "Li", "Na", "K", "Xe"):
        for shell in basis("GFN2-xTB", symbol):
            assert shell.overlap(shell) == pytest.approx(1, abs=1e-8)


def test_second_s_shell_of_gfn1_hydrogen_is_orthogonal():
    first, second = basis("GFN1-xTB", "H")
    assert first.overlap(second) == pytest.approx(0, abs=1e-8)


def test_periodic_cells_are_refused_and_nothing_is_lost(tmp_path):
    atoms = molecule("CH4", vacuum=4)
    result = single_point(atoms)
    path = tmp_path / "wavefunction.molden"
    path.write_text("from before")
    atoms.pbc = (True, True, False)
    with pytest.raises(UserError, match="periodic"):
        write_molden(path, atoms, result)
    assert path.read_text() == "from before"


def test_elements_without_expansions_are_refused():
    with pytest.raises(UserError, match="6s for Cs"):
        basis("GFN2-xTB", "Cs")
