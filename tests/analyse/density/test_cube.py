"""Cube files: ASE as the reference, polynomials, CP2K's own layout and digits, every kind of damage, memory."""

import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io.cube import read_cube, write_cube
from ase.units import Bohr
from hypothesis import given, settings
from hypothesis import strategies as st

from iondrill.analyse.density.cube import Cube
from iondrill.analyse.density.digits import SHORT_EXPONENT, decode
from iondrill.analyse.density.plane import Plane
from iondrill.analyse.density.wavefunction import read_molden
from iondrill.analyse.elf.formula import C_F, ELF_CUTOFF
from iondrill.analyse.elf.map import elf_map_from_cubes, elf_on_plane
from iondrill.errors import UserError

DATA = Path(__file__).parents[2] / "data" / "elf"


def fortran(value):
    """Return a value in Fortran's E13.5."""
    if value == 0 or not np.isfinite(value):
        return f"{0:7.5f}E+00".rjust(13) if value == 0 else "NaN".rjust(13)
    mantissa, exponent = f"{value:.4e}".split("e")
    digits = mantissa.replace("-", "").replace(".", "")
    power = int(exponent) + 1
    tail = f"E{power:+03d}" if abs(power) < 100 else f"{power:+04d}"
    return f"{'-' if value < 0 else ''}0.{digits}{tail}".rjust(13)


def three_digits(value):
    """Return a value in Fortran's E13.5E3: a negative one fills the field."""
    mantissa, exponent = f"{value:.4e}".split("e")
    digits, power = mantissa.lstrip("-").replace(".", ""), int(exponent) + 1 if value else 0
    return f"{'-' if value < 0 else ''}0.{digits}E{power:+04d}".rjust(13)


def scientific(value):
    """Return a value in Fortran's 1X,ES12.4E3."""
    mantissa, exponent = f"{value:.4e}".split("e")
    return f"{mantissa}E{int(exponent):+04d}".rjust(13)


def without_zero(value):
    """Return a value in E13.5 of a compiler that leaves out the zero before the point."""
    return fortran(value).replace("0.", ".", 1).rjust(13)


# of CP2K to 2024, 2026.2 and after; and what others write
DIALECTS = {
    "E13.5": fortran,
    "E13.5E3": three_digits,
    "1X,ES12.4E3": scientific,
    "D13.5": lambda value: fortran(value).replace("E", "D"),
    "D13.5E3": lambda value: three_digits(value).replace("E", "D"),
    "%13.5E": lambda value: f"{value:13.5E}",
    "%13.5e": lambda value: f"{value:13.5e}",
    "no zero": without_zero,
}


def cp2k_cube(values, steps_bohr, origin_bohr=(0, 0, 0), end="\n", dialect=fortran):
    """Return a cube as CP2K writes it (realspace_grid_cube.F), by default 2023.1."""
    lines = ["-Quickstep-", " ELECTRON DENSITY", "{:5d}{:12.6f}{:12.6f}{:12.6f}".format(2, *origin_bohr)]
    lines += ["{:5d}{:12.6f}{:12.6f}{:12.6f}".format(values.shape[k], *np.diag(steps_bohr)[k]) for k in range(3)]
    lines += [
        "    6    4.000000    1.000000    2.000000    3.000000",
        "    3    3.000000   -1.000000    2.000000    0.500000",
    ]
    for row in values.reshape(-1, values.shape[2]):
        words = [dialect(value) for value in row]
        lines += ["".join(words[k : k + 6]) for k in range(0, len(words), 6)]
    return end.join(lines) + end


def write(path, text):
    path.write_bytes(text.encode())
    return path


@pytest.fixture
def some():
    rng = np.random.default_rng(5)
    return rng.normal(size=(5, 4, 13)) * 10.0 ** rng.integers(-90, 4, size=(5, 4, 13))


@pytest.fixture
def path(tmp_path, some):
    return write(tmp_path / "some.cube", cp2k_cube(some, (0.2, 0.3, 0.1), (1, -2, 0.5)))


def test_the_same_as_ase_reads(path):
    with path.open() as stream:
        reference = read_cube(stream)
    cube = Cube(path)
    assert cube.shape == reference["data"].shape
    np.testing.assert_allclose(cube.read(), reference["data"], rtol=3e-16)
    np.testing.assert_allclose(cube.origin_A, reference["origin"])
    np.testing.assert_allclose(cube.axes_A, reference["spacing"])
    np.testing.assert_allclose(cube.atoms.positions, reference["atoms"].positions)
    assert str(cube.atoms.symbols) == "CLi"


def test_one_value_a_line_as_ase_writes(tmp_path, some):
    with (tmp_path / "ase.cube").open("w") as stream:
        write_cube(stream, Atoms("C", cell=np.diag([3.0, 4.0, 5.0])), data=some)
    np.testing.assert_allclose(Cube(tmp_path / "ase.cube").read(), some, rtol=1e-6)


def test_as_pyscf_writes(tmp_path):
    from pyscf import gto, scf
    from pyscf.tools import cubegen

    mol = gto.M(atom="Li 0 0 0; H 0 0 1.6", basis="sto-3g", verbose=0)
    found = scf.RHF(mol).run()
    values = cubegen.density(mol, str(tmp_path / "pyscf.cube"), found.make_rdm1(), nx=13, ny=12, nz=11)
    cube = Cube(tmp_path / "pyscf.cube")
    np.testing.assert_allclose(cube.read(), values, rtol=1e-5, atol=1e-30)
    np.testing.assert_array_equal(cube.read((2, 3, 4), (7, 4, 11)), cube.read()[2:7, 3:4, 4:11])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("n_z", [1, 5, 6, 7, 12])
@pytest.mark.parametrize("last", [True, False])
def test_rows_of_every_length(tmp_path, end, n_z, last):
    values = np.round(np.random.default_rng(n_z).normal(size=(3, 2, n_z)), 4)
    text = cp2k_cube(values, (0.2, 0.3, 0.1), end=end)
    cube = Cube(write(tmp_path / "row.cube", text if last else text.removesuffix(end)))
    assert cube._values._layout is not None
    np.testing.assert_allclose(cube.read(), values, rtol=1e-4)
    np.testing.assert_array_equal(cube.read((1, 1, 0), (3, 2, n_z)), cube.read()[1:, 1:])


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@pytest.mark.parametrize("scale", [1, 1e-150, 1e-280], ids=str)
def test_values_of_every_dialect_are_read_and_none_of_them_alone(path, some, monkeypatch, dialect, scale):
    values = some * scale
    values[0] = -np.abs(values[0])  # neighbours that may touch, on the first line
    cube = Cube(write(path, cp2k_cube(values, (0.2, 0.3, 0.1), dialect=dialect)))
    # one by one, they take forty times as long
    monkeypatch.setattr("iondrill.analyse.density.digits.number", None)
    np.testing.assert_allclose(cube.read(), values, rtol=6e-5)
    np.testing.assert_array_equal(cube.read((1, 1, 5), (4, 2, 9)), cube.read()[1:4, 1:2, 5:9])
    assert cube._values._layout is not None


def test_two_forms_of_exponents_in_one_file_are_no_slower(tmp_path, some, monkeypatch):
    some[::2, :, ::3] *= 1e-150
    cube = Cube(write(tmp_path / "cube", cp2k_cube(some, (0.2, 0.3, 0.1))))
    monkeypatch.setattr("iondrill.analyse.density.digits.number", None)
    np.testing.assert_allclose(cube.read(), some, rtol=6e-5)


def test_the_first_line_of_a_full_field_is_what_cp2k_2026_writes(tmp_path):
    text = cp2k_cube(np.full((1, 1, 6), -0.1), (1, 1, 1), dialect=three_digits)
    assert text.splitlines()[-1] == "-0.10000E+000" * 6
    np.testing.assert_array_equal(Cube(write(tmp_path / "cube", text)).read(), np.full((1, 1, 6), -0.1))


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_lines_of_another_length_change_no_value(tmp_path, some, dialect):
    text = cp2k_cube(-np.abs(some), (0.2, 0.3, 0.1), dialect=dialect)
    cube = Cube(write(tmp_path / "cube", text + "\n\n"))
    assert cube._values._layout is None
    np.testing.assert_allclose(cube.read(), -np.abs(some), rtol=6e-5)


@pytest.mark.parametrize("word", ["NaN", "*************", "Infinity"])
@pytest.mark.parametrize("dialect", [fortran, three_digits])
def test_what_is_no_number_on_the_first_line_is_named(tmp_path, word, dialect):
    text = cp2k_cube(np.full((2, 2, 7), -0.25), (1, 1, 1), dialect=dialect)
    text = text.replace(dialect(-0.25) * 2, dialect(-0.25) + word.rjust(13), 1)
    path = write(tmp_path / "bad.cube", text)
    with pytest.raises(UserError, match=rf"line 9\): found .*{re.escape(word)}"):
        Cube(path).read()
    np.testing.assert_array_equal(Cube(path).read((1, 0, 0), (2, 2, 7)), np.full((1, 2, 7), -0.25))


def test_a_gaussian_between_the_points(tmp_path):
    step, width = 0.25, 1.2
    positions = np.arange(24) * step - 3
    x, y, z = np.meshgrid(positions, positions, positions, indexing="ij")
    text = cp2k_cube(np.exp(-(x**2 + y**2 + z**2) / width**2), (step,) * 3, (-3, -3, -3))
    cube = Cube(write(tmp_path / "gaussian.cube", text))
    turned = np.array([[0.1, 0.02, 0], [0.01, 0.05, 0.09]]) * Bohr
    plane = Plane(np.array([-1.0, -0.9, -1.1]) * Bohr, turned, (19, 17))
    exact = np.exp(-np.sum((plane.points_A() / Bohr) ** 2, axis=1) / width**2).reshape(plane.shape)
    np.testing.assert_allclose(cube.on_plane(plane), exact, atol=2e-4)
    integral = cube.read().sum() * abs(np.linalg.det(cube.axes_A / Bohr))
    assert integral == pytest.approx((np.sqrt(np.pi) * width) ** 3, rel=2e-3)


def test_polynomials_are_exact_up_to_the_edges(tmp_path):
    i, j, k = np.indices((7, 3, 9))
    values = i**2 / 10 - j * k / 4 + k**2 / 8 + 3  # few digits: a file holds them all
    cube = Cube(write(tmp_path / "p.cube", cp2k_cube(values, (1, 1, 1))))
    plane = Plane(np.array([0.0, 1.3, 0.0]) * Bohr, np.array([[0.5, 0, 0], [0, 0, 0.25]]) * Bohr, (13, 33))
    x, y, z = (plane.points_A() / Bohr).T
    expected = (x**2 / 10 - y * z / 4 + z**2 / 8 + 3).reshape(plane.shape)
    np.testing.assert_allclose(cube.on_plane(plane), expected, rtol=1e-4)


def test_its_own_plane_has_its_own_values(path, some):
    cube = Cube(path)
    origin, axes = cube.origin_A, cube.axes_A
    wanted = Plane(origin + [1.1, 2.3, 3.2] @ axes, np.array([axes[0] / 3, axes[2] / 2]), (7, 12))
    plane = cube.own_plane(wanted)
    assert plane.shape == (4, 8)  # from 1.1 to 3.1, and from 3.2 to 8.7, rounded outwards; one more where that varies
    np.testing.assert_allclose(cube.on_plane(plane), cube.read()[1:5, 2, 3:11], rtol=1e-12, atol=1e-8)
    with pytest.raises(UserError, match="parallel"):
        cube.own_plane(Plane(origin, np.array([axes[0] + axes[1], axes[2]]), (2, 2)))


def test_a_plane_beyond_the_box_is_refused(path):
    cube = Cube(path)
    with pytest.raises(UserError, match=r"some\.cube.*whole plane"):
        cube.on_plane(Plane(cube.origin_A, cube.axes_A[:2] * 2, (3, 3)))


def test_steps_of_the_box(tmp_path):
    values = np.ones((2, 2, 7))
    text = cp2k_cube(values, (10 / Bohr / 2, 10 / Bohr / 2, 10 / Bohr / 7))
    path = write(tmp_path / "box.cube", text)
    np.testing.assert_allclose(Cube(path, box_A=10).axes_A, np.diag([5, 5, 10 / 7]), rtol=1e-15)
    with pytest.raises(UserError, match=r"box\.cube \(line 4\).*STRIDE"):
        Cube(path, box_A=10.01)


@settings(max_examples=100)
@given(st.floats(-1e9, 1e9, allow_nan=False) | st.floats(-1e-90, 1e-90) | st.floats(-1e-290, 1e-290))
def test_every_fortran_number_is_what_python_reads(value):
    for dialect in DIALECTS.values():
        text = dialect(value)
        text_for_python = text.replace("D", "E") if re.search("[EeD]", text) else f"{text[:-4]}E{text[-4:]}"
        word = np.frombuffer(text.encode(), np.uint8)
        # beyond 1E-300 there are two steps, and below 2E-308 fewer digits
        rtol = 3e-16 if abs(value) > 1e-290 or value == 0 else 1e-15
        np.testing.assert_allclose(decode(word[None]), [float(text_for_python)], rtol=rtol, atol=5e-324)


@given(st.text("0123456789.+-eEdD *n", min_size=13, max_size=13))
def test_what_is_no_number_is_nan(text):
    try:
        expected = float(text.replace("D", "E"))
    except ValueError:
        expected = float("nan")
    good = np.frombuffer(b"  0.12345E-05", np.uint8)
    first, second = decode(np.array([good, np.frombuffer(text.encode(), np.uint8)]))
    assert first == 0.12345e-5
    if np.isfinite(expected):
        assert second == pytest.approx(expected, rel=3e-16)
    else:
        assert not np.isfinite(second) or SHORT_EXPONENT.search(text.strip().encode())


@settings(deadline=None, max_examples=100)
@given(keep=st.floats(0, 1), uniform=st.booleans(), dialect=st.sampled_from(list(DIALECTS.values())))
def test_every_cut_is_named_with_its_line(tmp_path_factory, keep, uniform, dialect):
    values = np.round(np.random.default_rng(1).normal(size=(3, 4, 8)), 3)
    text = cp2k_cube(values, (0.2, 0.3, 0.1), dialect=dialect)
    if not uniform:
        text = text.replace("  0.", " 0.").replace("  1.", " 1.")
    length = int(keep * (len(text) - 2))
    path = write(tmp_path_factory.getbasetemp() / "cut.cube", text[:length])
    with pytest.raises(UserError, match=r"cut\.cube \(line \d+\)") as error:
        Cube(path).read()
    line = int(str(error.value).split("(line ")[1].split(")")[0])
    assert abs(line - text[:length].count("\n")) <= 1


def test_a_cut_says_what_is_missing(path, some):
    text = path.read_text()
    write(path, text[: -14 * 5])
    with pytest.raises(UserError, match=r"after 254 of 260 values; 6 are missing"):
        Cube(path).read()


@settings(deadline=None, max_examples=100)
@given(
    where=st.floats(0, 1),
    what=st.binary(min_size=1, max_size=9),
    insert=st.booleans(),
    dialect=st.sampled_from(list(DIALECTS.values())),
)
def test_scribbles_never_end_in_a_traceback(tmp_path_factory, where, what, insert, dialect):
    text = cp2k_cube(-np.ones((3, 4, 8)), (0.2, 0.3, 0.1), dialect=dialect).encode()
    position = int(where * len(text))
    path = tmp_path_factory.getbasetemp() / "scribbled.cube"
    path.write_bytes(text[:position] + what + text[position + (0 if insert else len(what)) :])
    try:
        values = Cube(path).read()
    except UserError as error:
        assert "scribbled.cube" in str(error)  # noqa: PT017
        return
    assert np.isfinite(values).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: "", r"line 1\)|line 3\)"),
        (lambda text: text.replace("    5    0.2", "   -5    0.2", 1), r"line 4\).*-5 points"),
        (lambda text: text.replace("    5    0.2", "    6    0.2", 1), "208 of 312|260 of 312"),
        (lambda text: text.replace("    5    0.2", "    4    0.2", 1), "more than the 208 values"),
        (lambda text: text.replace("    5    0.2", "99999    0.2", 1), "values"),
        (lambda text: text.replace("    2    1.0", "   -2    1.0", 1), r"line 3\).*-2 atoms"),
        (lambda text: text.replace("    0.300000", "    0.000000", 1), "volume"),
        (lambda text: text[:800] + "\0" * 13 + text[813:], r"line \d+\)"),
        (lambda text: text[:-14] + "          NaN\n", r"line 68\).*NaN"),
    ],
)
def test_damage_is_named(path, change, message):
    write(path, change(path.read_text()))
    with pytest.raises(UserError, match=message) as error:
        Cube(path).read()
    assert str(path) in str(error.value)


def test_missing_files(tmp_path):
    with pytest.raises(UserError, match=r"none\.cube.*cannot be read"):
        Cube(tmp_path / "none.cube")


def test_a_plane_of_a_large_file_needs_little(tmp_path):
    n, line = 200, "  0.12345E-05" * 6 + "\n"
    head = cp2k_cube(np.ones((1, 1, 1)), (0.1, 0.1, 0.1)).splitlines(keepends=True)[:8]
    for k in (3, 4, 5):
        head[k] = f"{n:5d}" + head[k][5:]
    row = line * (n // 6) + line[-13 * (n % 6) - 1 :]
    with (tmp_path / "large.cube").open("w") as stream:
        stream.write("".join(head))
        for _ in range(n):
            stream.write(row * n)
    cube = Cube(tmp_path / "large.cube")
    plane = Plane(np.array([0, 10.05, 0]) * Bohr, np.array([[0.1, 0, 0], [0, 0, 0.1]]) * Bohr, (n, n))
    tracemalloc.start()
    values = cube.on_plane(plane)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_allclose(values, 0.12345e-5)
    assert peak < 40e6  # the file has 107 MB, the values 64


# --- ELF -----------------------------------------------------------------------------------------------------------


def cubes_of(tmp_path, name):
    """Write what CP2K writes, its ELF of each spin with D/D0 2^(2/3) too large, from a wavefunction's own values."""
    wavefunction = read_molden(DATA / f"{name}.molden")
    shape, step = (22, 9, 30), 0.2 * Bohr
    origin_A = np.array([4.2, 4.0, 3.0])
    index = np.indices(shape).reshape(3, -1).T
    density = wavefunction.evaluate(origin_A + index * step)
    fields = {"rho": density.rho.sum(axis=0)}
    if len(density.rho) == 2:
        fields["spin"] = density.rho[0] - density.rho[1]
    for k in range(len(density.rho)):
        rho, gradient, tau = density.rho[k], density.gradient[k], density.tau[k]
        excess = tau - (gradient**2).sum(axis=0) / (8 * np.maximum(rho, 1e-300))
        chi = (np.maximum(excess, 0) + ELF_CUTOFF) / (C_F * np.maximum(rho, 1e-60) ** (5 / 3))
        elf = 1 / (1 + chi**2)
        fields[f"elf{k}"] = np.where(elf < 1e-4, 0, elf)
    cubes = {}
    for key, values in fields.items():
        text = cp2k_cube(values.reshape(shape), (0.2, 0.2, 0.2), origin_A / Bohr)
        cubes[key] = Cube(write(tmp_path / f"{key}.cube", text))
    plane = Plane(origin_A + np.array([0, 4 * step, 0]), np.array([[step, 0, 0], [0, 0, step]]), (22, 30))
    return wavefunction, cubes, plane


def test_elf_of_a_closed_shell(tmp_path):
    wavefunction, cubes, plane = cubes_of(tmp_path, "c2h2li2")
    elf_map = elf_map_from_cubes(plane, [cubes["elf0"]], cubes["rho"])
    reference = elf_on_plane(wavefunction, plane)
    dense = reference.rho > 1e-3
    assert dense.sum() > 200
    np.testing.assert_allclose(elf_map.elf[dense], reference.elf[dense], atol=1e-4)
    np.testing.assert_allclose(elf_map.rho, reference.rho, atol=1e-4)


def test_elf_of_an_open_shell_is_repaired(tmp_path):
    wavefunction, cubes, plane = cubes_of(tmp_path, "c2h2li")
    pair = [cubes["elf0"], cubes["elf1"]]
    elf_map = elf_map_from_cubes(plane, pair, cubes["rho"], cubes["spin"])
    reference = elf_on_plane(wavefunction, plane)
    known = (reference.rho > 1e-3) & np.isfinite(elf_map.elf)
    assert known.sum() > 200
    np.testing.assert_allclose(elf_map.elf[known], reference.elf[known], atol=1e-3)
    assert np.abs(cubes["elf0"].on_plane(plane) - reference.elf)[known].max() > 0.1


def test_cubes_that_do_not_go_together(tmp_path, path):
    _, cubes, plane = cubes_of(tmp_path, "c2h2li")
    with pytest.raises(UserError, match="2 ELF cubes"):
        elf_map_from_cubes(plane, [cubes["elf0"], cubes["elf1"]], cubes["rho"])
    with pytest.raises(UserError, match=r"some\.cube: another grid"):
        elf_map_from_cubes(plane, [Cube(path)], cubes["rho"])


def test_cubes_of_other_steps_or_numbers_share_no_grid(tmp_path, some):
    steps, more = (0.2, 0.3, 0.1), {"other steps": (0.2, 0.3, 0.11), "the same": (0.2, 0.3, 0.1)}
    one = Cube(write(tmp_path / "one.cube", cp2k_cube(some, steps)))
    others = {name: Cube(write(tmp_path / f"{name}.cube", cp2k_cube(some, s))) for name, s in more.items()}
    fewer = Cube(write(tmp_path / "fewer.cube", cp2k_cube(some[:4], steps)))
    assert one.shares_grid(others["the same"])
    assert not one.shares_grid(others["other steps"])
    assert not one.shares_grid(fewer)


@pytest.mark.parametrize("line", [2, 3, 6])
@pytest.mark.parametrize(
    "spoil", [lambda text: re.sub(r"(\d\.\d+)$", "NaN", text), lambda text: text.rsplit(maxsplit=1)[0]]
)
def test_a_head_whose_numbers_are_none_or_too_few_is_named(tmp_path, some, line, spoil):
    lines = cp2k_cube(some, (0.2, 0.3, 0.1)).split("\n")
    lines[line] = spoil(lines[line])
    with pytest.raises(UserError, match=rf"line {line + 1}\b.*in the head"):
        Cube(write(tmp_path / "spoilt.cube", "\n".join(lines))).read()


@pytest.mark.parametrize("line", [2, 3, 5, 7])
def test_a_head_that_is_cut_within_a_number_is_named(tmp_path, some, line):
    lines = cp2k_cube(some, (0.2, 0.3, 0.1)).split("\n")
    text = "\n".join(lines[: line + 1])[:-2]
    with pytest.raises(UserError, match="head"):
        Cube(write(tmp_path / "cut.cube", text)).read()


def loose(values, end="\n", first=0):
    """Return a cube whose values are of any width, one a line: read as a stream; of 3, 4, 5, 6, 3, … decimals."""
    head = cp2k_cube(np.ones((1, 1, 1)), (0.2, 0.3, 0.1)).splitlines()[:8]
    for k in range(3):
        head[3 + k] = f"{values.shape[k]:5d}" + head[3 + k][5:]
    return "\n".join([*head, *(f"{value:.{3 + n % 4}f}" for n, value in enumerate(values.ravel(), first))]) + end


@pytest.mark.parametrize(("position", "word"), [(0, "NaN"), (11, "1.2x"), (23, "inf"), (23, "***")])
def test_what_is_no_number_is_named_with_its_own_line_in_a_file_of_any_width(tmp_path, position, word):
    values = np.linspace(0.5, 2, 24).reshape(2, 3, 4)
    lines = loose(values).split("\n")
    lines[8 + position] = word
    with pytest.raises(UserError, match=rf"loose\.cube \(line {9 + position if word not in ('NaN', 'inf') else 9}\)"):
        Cube(write(tmp_path / "loose.cube", "\n".join(lines))).read()


@pytest.mark.parametrize("first", [0, 1], ids=["the last is the longest", "the last is the shortest"])
@pytest.mark.parametrize("end", ["\n", ""])
def test_the_last_number_without_an_end_counts_if_it_is_as_long_as_the_shortest_before_it(tmp_path, end, first):
    values = np.linspace(0.5, 2, 24).reshape(2, 3, 4)
    text = loose(values, end, first)
    np.testing.assert_allclose(Cube(write(tmp_path / "loose.cube", text)).read(), values, atol=1e-3)
    with pytest.raises(UserError, match="after 23 of 24 values; 1 are missing"):
        Cube(write(tmp_path / "cut.cube", loose(values, "", first)[:-4])).read()


def test_a_plane_of_its_own_points_is_itself(path):
    cube = Cube(path)
    plane = Plane(cube.origin_A + [1, 2, 3] @ cube.axes_A, cube.axes_A[[0, 2]], (3, 7))
    own = cube.own_plane(plane)
    np.testing.assert_allclose(own.origin_A, plane.origin_A, atol=1e-9)
    np.testing.assert_allclose(cube.on_plane(own)[:3, :7], cube.read()[1:4, 2, 3:10], rtol=1e-12, atol=1e-8)


def test_steps_that_turn_the_other_way_span_a_volume_too(tmp_path):
    values = np.arange(24.0).reshape(2, 3, 4) / 10
    lines = cp2k_cube(values, (0.2, 0.3, 0.1)).split("\n")
    lines[3] = lines[3].replace(" 0.200000", "-0.200000")
    cube = Cube(write(tmp_path / "left.cube", "\n".join(lines)))
    assert np.linalg.det(cube.axes_A) < 0
    np.testing.assert_allclose(cube.read(), values)


def test_six_points_on_either_side_make_a_polynomial_of_the_fifth_degree_exact(tmp_path):
    """Lagrange through the six nearest points: a wave of 20 points is right to 10⁻⁵ in the middle of the cell."""
    n = 40
    values = np.cos(2 * np.pi * np.arange(n) / 20)[:, None, None] * np.ones((1, 2, 6))
    text = cp2k_cube(np.ones((n, 2, 6)), (1, 1, 1)).splitlines()[:8]
    body = [" ".join(f"{value:.12E}" for value in row) for row in values.reshape(-1, 6)]
    cube = Cube(write(tmp_path / "wave.cube", "\n".join([*text, *body]) + "\n"))
    plane = Plane(np.array([10.0, 0, 0]) * Bohr, np.array([[0.25, 0, 0], [0, 0, 1]]) * Bohr, (61, 3))
    x = plane.points_A()[:, 0] / Bohr
    assert np.abs(cube.on_plane(plane).ravel() - np.cos(2 * np.pi * x / 20)).max() < 1e-5


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize(("beyond", "held"), [(-0.0005, True), (-0.002, False), (0.0005, True), (0.002, False)])
def test_a_plane_may_leave_the_box_by_what_the_head_is_rounded_to_and_no_more(path, axis, beyond, held):
    """At either end of each axis, in steps: the other two axes span a plane in the middle."""
    cube = Cube(path)
    start = np.array([1.0, 1.0, 1.0])
    start[axis] = beyond if beyond < 0 else cube.shape[axis] - 1 + beyond
    plane = Plane(cube.origin_A + start @ cube.axes_A, np.delete(cube.axes_A, axis, axis=0), (2, 2))
    if held:
        assert cube.on_plane(plane).shape == (2, 2)
    else:
        with pytest.raises(UserError, match="does not hold the whole plane"):
            cube.on_plane(plane)


@pytest.mark.parametrize(
    ("tilts", "parallel"),
    [
        ((4e-4, 0), True),
        ((-4e-4, 5e-4), True),
        ((6e-4, 6e-4), False),
        ((-6e-4, 6e-4), False),
        ((2e-3, 0), False),
        ((0, -2e-3), False),
    ],
)
@pytest.mark.parametrize("axes", [(0, 1), (0, 2), (2, 1)])
def test_a_plane_is_parallel_to_the_axes_within_the_rounding_of_the_head(path, tilts, parallel, axes):
    cube = Cube(path)
    steps = np.eye(3)[list(axes)]
    steps[:, 3 - sum(axes)] = tilts
    plane = Plane(cube.origin_A + [1, 1, 1] @ cube.axes_A, steps @ cube.axes_A, (2, 2))
    if parallel:
        np.testing.assert_allclose(cube.own_plane(plane).axes_A, cube.axes_A[list(axes)])
    else:
        with pytest.raises(UserError, match="parallel"):
            cube.own_plane(plane)


@settings(max_examples=60)
@given(
    start=st.tuples(st.floats(0, 1.9), st.floats(0, 2.9), st.floats(0, 6.9)),
    # a plane without a step has no direction
    steps=st.tuples(*[st.one_of(st.floats(-1, -1e-3), st.floats(1e-3, 1))] * 2),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    axes=st.permutations([0, 1, 2]),
)
def test_a_plane_of_its_own_points_covers_what_it_is_asked_for(tmp_path_factory, start, steps, shape, axes):
    path = tmp_path_factory.getbasetemp() / "own.cube"
    cube = Cube(write(path, cp2k_cube(np.ones((3, 4, 8)), (0.2, 0.3, 0.1), (1, -2, 0.5))))
    first, second, normal = axes
    wanted_steps = np.zeros((2, 3))
    wanted_steps[0, first], wanted_steps[1, second] = (step or 0.5 for step in steps)
    wanted = Plane(cube.origin_A + np.array(start) @ cube.axes_A, wanted_steps @ cube.axes_A, shape)
    own = cube.own_plane(wanted)
    inverse = np.linalg.inv(cube.axes_A)
    found, asked = ((plane.points_A() - cube.origin_A) @ inverse for plane in (own, wanted))
    np.testing.assert_allclose(found, found.round(), atol=1e-6)  # points of the grid
    assert (np.abs(found[:, normal] - start[normal]) <= 0.5 + 1e-6).all()
    for axis in (first, second):
        assert found[:, axis].min() - 1e-3 <= asked[:, axis].min() < found[:, axis].min() + 1 + 2e-3
        assert found[:, axis].max() - 2 - 2e-3 < asked[:, axis].max() <= found[:, axis].max() + 1e-3


@settings(max_examples=40)
@given(corners=st.tuples(*[st.tuples(st.integers(0, n), st.integers(0, n)) for n in (2, 3, 4)]))
@pytest.mark.parametrize("form", [loose, lambda values: cp2k_cube(values, (1, 1, 1))], ids=["stream", "rows"])
def test_a_box_of_points_is_that_part_of_all(tmp_path_factory, form, corners):
    values = np.linspace(0.5, 2.3, 24).reshape(2, 3, 4).round(3)
    cube = Cube(write(tmp_path_factory.getbasetemp() / "box.cube", form(values)))
    lower, upper = np.sort(corners, axis=1).T.tolist()
    if all(a < b for a, b in zip(lower, upper, strict=True)):
        expected = values[tuple(map(slice, lower, upper))]
        np.testing.assert_allclose(cube.read(lower, upper), expected, rtol=1e-12)
    else:
        with pytest.raises(ValueError, match="no box of points"):
            cube.read(lower, upper)


@pytest.mark.parametrize("beyond", [((-1, 0, 0), (2, 3, 4)), ((0, 0, 0), (2, 4, 4)), ((0, 0, 0), (3, 3, 4))])
def test_a_box_beyond_the_points_is_none(tmp_path, beyond):
    cube = Cube(write(tmp_path / "box.cube", loose(np.ones((2, 3, 4)))))
    with pytest.raises(ValueError, match="no box of points"):
        cube.read(*beyond)


@pytest.mark.parametrize("kept", [0, 1, 5, 11, 23])
@pytest.mark.parametrize("form", [loose, lambda values: cp2k_cube(values, (1, 1, 1))], ids=["stream", "rows"])
def test_a_file_that_ends_after_a_line_misses_the_next_one_and_its_values(tmp_path, form, kept):
    """Of 24 rows of one value: the head has eight lines, and the first that is missing is named."""
    lines = form(np.linspace(0.5, 2.3, 24).reshape(2, 12, 1).round(3)).splitlines(keepends=True)
    path = write(tmp_path / "cut.cube", "".join(lines[: 8 + kept]))
    message = rf"cut\.cube \(line {9 + kept}\): the file ends after {kept} of 24 values; {24 - kept} are missing"
    with pytest.raises(UserError, match=message):
        Cube(path).read()


@pytest.mark.parametrize(("x", "y", "z"), [(0, 0, 0), (0, 2, 12), (1, 0, 6), (2, 3, 5), (1, 3, 12)])
def test_what_is_no_number_in_a_row_is_named_with_its_own_line(tmp_path, x, y, z):
    """Rows of 13 values take three lines: six, six and one."""
    text = cp2k_cube(np.full((3, 4, 13), 0.25), (1, 1, 1)).splitlines()
    line = 8 + 3 * (4 * x + y) + z // 6
    start = 13 * (z % 6)
    text[line] = text[line][:start] + "NaN".rjust(13) + text[line][start + 13 :]
    cube = Cube(write(tmp_path / "bad.cube", "\n".join(text) + "\n"))
    for lower in ((0, 0, 0), (x, y, z)):
        with pytest.raises(UserError, match=rf"line {line + 1}\): found .*NaN"):
            cube.read(lower)


@pytest.mark.parametrize("end", ["\n", ""])
def test_values_of_one_digit_are_as_short_as_a_file_can_be(tmp_path, end):
    text = "".join(cp2k_cube(np.ones((2, 3, 4)), (1, 1, 1)).splitlines(keepends=True)[:8])
    cube = Cube(write(tmp_path / "short.cube", text + " ".join(str(n % 10) for n in range(24)) + end))
    np.testing.assert_array_equal(cube.read().ravel(), np.arange(24) % 10)
