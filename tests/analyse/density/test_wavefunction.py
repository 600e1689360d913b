"""Molden files: CP2K's normalisation, the evaluator's derivatives, and every kind of damage."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st

from iondrill.analyse.density import wavefunction as module
from iondrill.analyse.density.wavefunction import read_molden
from iondrill.errors import UserError

DATA = Path(__file__).parents[2] / "data" / "elf"
CLOSED, OPEN = DATA / "c2h2li2.molden", DATA / "c2h2li.molden"
POINTS_A = np.random.default_rng(1).uniform(3, 7, size=(500, 3))


@pytest.mark.parametrize(("path", "n_electrons"), [(CLOSED, 16), (OPEN, 13)])
def test_orbitals_of_cp2k_are_orthonormal(path, n_electrons):
    wavefunction = read_molden(path)
    overlap = wavefunction.mol.intor("int1e_ovlp")
    for c in wavefunction.coefficients:
        np.testing.assert_allclose(c.T @ overlap @ c, np.eye(c.shape[1]), atol=1e-6)
    assert wavefunction.n_electrons == pytest.approx(n_electrons)


def test_density_integrates_to_the_electrons():
    step_A = 0.2
    axis = np.arange(-1, 11, step_A)
    points_A = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    rho = read_molden(OPEN).evaluate(points_A).rho
    electrons = rho.sum(axis=1) * (step_A / module.Bohr) ** 3
    np.testing.assert_allclose(electrons, [7, 6], atol=0.02)


@pytest.mark.parametrize("path", [CLOSED, OPEN])
def test_gradient_is_that_of_the_density(path):
    wavefunction, h = read_molden(path), 1e-4
    gradient = wavefunction.evaluate(POINTS_A).gradient
    for axis, step in enumerate(np.eye(3) * h):
        ahead, behind = (wavefunction.evaluate(POINTS_A + sign * step).rho for sign in (1, -1))
        numerical = (ahead - behind) / (2 * h / module.Bohr)
        np.testing.assert_allclose(gradient[:, axis], numerical, atol=1e-6)


def test_memory_bound_changes_no_digit(monkeypatch):
    wavefunction = read_molden(OPEN)
    whole = wavefunction.evaluate(POINTS_A)
    monkeypatch.setattr(module, "CHUNK_BYTES", 7 * 2 * 4 * 8 * wavefunction.mol.nao)
    pieces = wavefunction.evaluate(POINTS_A)
    for name in ("rho", "gradient", "tau"):
        np.testing.assert_allclose(getattr(pieces, name), getattr(whole, name), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("path", [CLOSED, OPEN])
def test_functions_left_out_matter_nowhere(path, monkeypatch):
    positions = np.random.default_rng(4).uniform(-8, 18, size=(2000, 3))  # from the nuclei to where nothing is left
    quick = read_molden(path)
    assert any(len(quick._near(point[None])[1]) < quick.mol.nao for point in positions / module.Bohr)
    monkeypatch.setattr(module, "NEGLIGIBLE", -1.0)
    whole = read_molden(path)
    assert all(len(whole._near(point[None])[1]) == whole.mol.nao for point in positions[:50] / module.Bohr)
    reference, screened = whole.evaluate(positions), quick.evaluate(positions)
    for name in ("rho", "gradient", "tau"):
        np.testing.assert_allclose(getattr(screened, name), getattr(reference, name), atol=1e-10)
    np.testing.assert_allclose(quick.density(positions), reference.rho, atol=1e-10)


@pytest.mark.parametrize("path", [CLOSED, OPEN])
def test_orbitals_are_those_that_pyscf_reads(path):
    from pyscf.tools import molden

    _, _, coefficients, occupations, _, _ = molden.load(str(path))
    if path == CLOSED:
        coefficients, occupations = (coefficients,), (occupations,)
    wavefunction = read_molden(path)
    for ours, n, theirs, occupation in zip(
        wavefunction.coefficients, wavefunction.occupations, coefficients, occupations, strict=True
    ):
        np.testing.assert_array_equal(ours, theirs[:, occupation > 0])
        np.testing.assert_array_equal(n, occupation[occupation > 0])


def test_functions_without_a_part_may_be_left_out(tmp_path):
    text = CLOSED.read_text()
    sparse = re.sub(r"\n +\d+ +-?\d\.\d+E-0[5-9](?=\n)", "", text)
    assert len(sparse) < len(text) - 200
    (tmp_path / "sparse.molden").write_text(sparse)
    (found,), (whole,) = (read_molden(path).coefficients for path in (tmp_path / "sparse.molden", CLOSED))
    assert (found == 0).sum() > 5
    np.testing.assert_allclose(found, whole, atol=1e-4)


@pytest.mark.parametrize("path", [CLOSED, OPEN])
def test_every_cut_is_noticed(tmp_path, path):
    # a file may lose its last line feed, and nothing else
    text = path.read_text().rstrip()
    for kept in [*range(0, len(text) - 100, 97), *range(len(text) - 100, len(text))]:
        (tmp_path / "cut.molden").write_text(text[:kept])
        with pytest.raises(UserError, match=r"cut\.molden"):
            read_molden(tmp_path / "cut.molden")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # pyscf's arithmetic on scribbled exponents
@settings(deadline=None, max_examples=60)
@given(where=st.floats(0, 1), what=st.text("0123456789.-= []EMOsp\n", max_size=12), length=st.integers(0, 200))
def test_scribbles_never_end_in_a_traceback(tmp_path_factory, where, what, length):
    text = CLOSED.read_text()
    position = int(where * len(text))
    path = tmp_path_factory.getbasetemp() / "scribbled.molden"
    path.write_text(text[:position] + what + text[position + length :])
    try:
        wavefunction = read_molden(path)
    except UserError:
        return
    assert np.isfinite(wavefunction.evaluate(POINTS_A[:5]).tau).all()


def damaged(tmp_path, change):
    text = CLOSED.read_text()
    changed = change(text)
    assert changed != text
    path = tmp_path / "damaged.molden"
    path.write_text(changed)
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.partition("[Nval]")[0], "Nval"),
        (lambda text: text.replace("Li 3", "Li three"), "Nval"),
        (lambda text: text.replace("Li 3\n", ""), "no Li in section"),
        (lambda text: text.replace("[MO]", ""), "damaged"),
        (lambda text: text.partition("[MO]")[0] + text[text.index("[Nval]") :], r"\[MO\]|readable"),
        (lambda text: text.replace("[Atoms]", "[Atom]"), "readable"),
        (lambda text: text.replace("Occup=   2.0000000", "Occup=   1.7300000", 1), "15.7300 electrons"),
        (lambda text: text.replace("Occup=   2.0000000", "Occup= *********", 1), "readable"),
        (lambda text: re.sub(r"\n Li +6 .*", "", text, count=1), "readable"),
        (lambda text: text.replace("5.605330752", "9.605330752", 1), "orthonormal"),
    ],
)
def test_damage_is_named(tmp_path, change, message):
    path = damaged(tmp_path, change)
    with pytest.raises(UserError, match=message) as found:
        read_molden(path)
    assert str(path) in str(found.value)


def test_binary_and_missing_files(tmp_path):
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    for name in ("binary", "missing"):
        with pytest.raises(UserError, match=name):
            read_molden(tmp_path / name)


def test_the_wavefunction_moves_to_the_structure_and_refuses_another_geometry():
    wavefunction = read_molden(OPEN)
    shift_A = np.array([1.0, -2.0, 0.3])
    atoms = Atoms("C2H2Li", positions=wavefunction.mol.atom_coords() * module.Bohr + shift_A)
    moved = wavefunction.moved_to(atoms)
    np.testing.assert_allclose(moved.mol.atom_coords() * module.Bohr, atoms.positions)
    before, after = wavefunction.evaluate(POINTS_A), moved.evaluate(POINTS_A + shift_A)
    for name in ("rho", "gradient", "tau"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name), atol=1e-9)
    atoms.positions[2, 0] += 0.1
    with pytest.raises(UserError, match="geometry"):
        wavefunction.moved_to(atoms)
    with pytest.raises(UserError, match="atoms"):
        wavefunction.moved_to(atoms[:-1])


@settings(max_examples=30, deadline=None)
@given(vector=st.tuples(*[st.integers(-2, 2)] * 3).filter(any))
def test_a_slope_along_a_direction_is_a_sum_of_slopes(vector):
    slopes, direction = np.random.default_rng(3).normal(size=(3, 5, 4)), vector / np.linalg.norm(vector)
    np.testing.assert_allclose(module._along(slopes, direction), np.tensordot(direction, slopes, 1), atol=1e-12)


@pytest.mark.parametrize("order", ["C", "F"])
def test_orbitals_and_their_slopes_along_any_direction(order):
    """Slopes against differences, ψ√n against the density: in either order of the points in memory."""
    wavefunction, h = read_molden(OPEN), 1e-4
    points = POINTS_A[:40] / module.Bohr
    directions = np.array([[0.6, 0.0, -0.8], [0.0, 1.0, 0.0]])
    found = wavefunction.orbitals(points, directions, order=order)
    for k, direction in enumerate(directions):
        ahead, behind = (wavefunction.orbitals(points + s * h * direction, np.empty((0, 3))) for s in (1, -1))
        for values, after, before in zip(found, ahead, behind, strict=True):
            np.testing.assert_allclose(values[1 + k], (after[0] - before[0]) / (2 * h), atol=1e-6)
    rho = wavefunction.evaluate(POINTS_A[:40]).rho
    for values, density in zip(found, rho, strict=True):
        assert values.flags["C_CONTIGUOUS"] == (order == "C")
        np.testing.assert_allclose((values[0] ** 2).sum(axis=1), density, atol=1e-10)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 300), extent=st.floats(0.1, 20), most=st.integers(1, 50), seed=st.integers(0, 99))
def test_blocks_are_all_points_once_in_small_cubes_and_no_more_than_memory_holds(n, extent, most, seed):
    wavefunction = read_closed()
    points = np.random.default_rng(seed).uniform(-extent, extent, (3, n))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK_BYTES", most * 64 * wavefunction.mol.nao)
        blocks = list(wavefunction._blocks(points))
    np.testing.assert_array_equal(np.sort(np.concatenate(blocks)), np.arange(n))
    assert max(map(len, blocks)) <= most
    assert all(np.ptp(points[:, block], axis=1).max() <= module.BLOCK_BOHR for block in blocks)
    # all of a cube come together
    cubes = [tuple(((points[:, block[0]] - points.min(axis=1)) // module.BLOCK_BOHR).astype(int)) for block in blocks]
    full = {cube: [len(b) for b, other in zip(blocks, cubes, strict=True) if other == cube] for cube in set(cubes)}
    assert all(lengths[:-1] == [most] * (len(lengths) - 1) for lengths in full.values())


@cache
def read_closed():
    return read_molden(CLOSED)


@pytest.mark.parametrize(("factor", "good"), [(1.0004, True), (0.9996, True), (1.0006, False), (0.9994, False)])
def test_orbitals_may_be_off_by_a_thousandth(tmp_path, factor, good):
    """A factor counts twice in a norm."""
    path = damaged(
        tmp_path,
        lambda text: re.sub(
            r"(\n +\d+ +)(-?\d\.\d+E[-+]\d\d)(?=\n)", lambda m: f"{m[1]}{float(m[2]) * factor:.9E}", text
        ),
    )
    if good:
        read_molden(path)
    else:
        with pytest.raises(UserError, match=r"not orthonormal, by 1\.2e-03"):
            read_molden(path)


@pytest.mark.parametrize(
    ("electrons", "good"), [("1.9992", True), ("2.0008", True), ("1.9988", False), ("2.0012", False)]
)
def test_electrons_add_up_to_a_whole_charge_but_for_a_thousandth(tmp_path, electrons, good):
    path = damaged(tmp_path, lambda text: text.replace("Occup=   2.0000000", f"Occup=   {electrons}000", 1))
    if good:
        assert read_molden(path).n_electrons == pytest.approx(14 + float(electrons))
    else:
        with pytest.raises(UserError, match=f"{14 + float(electrons):.4f} electrons in the orbitals"):
            read_molden(path)


@pytest.mark.parametrize(("kept", "good"), [(0, False), (1, True)])
def test_a_wavefunction_has_an_electron(tmp_path, kept, good):
    """Of the open shell all orbitals but so many are empty."""
    head, *orbitals = OPEN.read_text().split("Occup=   1.0000000")
    full = [*["Occup=   1.0000000"] * kept, *["Occup=   0.0000000"] * (len(orbitals) - kept)]
    (tmp_path / "bare.molden").write_text(head + "".join(a + b for a, b in zip(full, orbitals, strict=True)))
    if good:
        found = read_molden(tmp_path / "bare.molden")
        assert found.n_electrons == sum(c.shape[1] for c in found.coefficients) == 1  # empty orbitals are left out
    else:
        with pytest.raises(UserError, match=r"0\.0000 electrons"):
            read_molden(tmp_path / "bare.molden")


@pytest.mark.parametrize(("off_bohr", "same"), [(1.4e-3, True), (-1.4e-3, True), (3e-3, False), (-3e-3, False)])
def test_a_geometry_may_be_off_by_what_a_file_is_rounded_to(off_bohr, same):
    """One atom of five is moved, and with it their mean by a fifth of that."""
    wavefunction = read_molden(OPEN)
    atoms = Atoms("C2H2Li", positions=wavefunction.mol.atom_coords() * module.Bohr)
    atoms.positions[1, 2] += 5 / 4 * off_bohr * module.Bohr
    if same:
        wavefunction.moved_to(atoms)
    else:
        with pytest.raises(UserError, match="another geometry"):
            wavefunction.moved_to(atoms)
