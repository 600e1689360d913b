"""The same frames from any file; damage said with file and frame."""

from __future__ import annotations

import tempfile
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.io.trajectory import Trajectory
from ase.units import Hartree
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iondrill.analyse.dynamics.order import order_parameters
from iondrill.collect.layout import Layout
from iondrill.collect.readers import read_chunks
from iondrill.collect.xyz import xyz_chunks
from iondrill.errors import UserError
from iondrill.geometry.registry import build
from iondrill.jobs.frames import FrameLog

CP2K = Path(__file__).parents[1] / "data/cp2k/md-pos-1.xyz"


def as_cp2k(symbols, positions, first=0):
    lines = []
    for k, frame in enumerate(positions, first):
        lines += [f"{len(symbols):8d}", f" i = {k:8d}, time = {k / 2:12.3f}, E = {-k / 8:20.10f}"]
        lines += [f"{s:>3s}{x:20.10f}{y:20.10f}{z:20.10f}" for s, (x, y, z) in zip(symbols, frame, strict=True)]
    return "\n".join(lines) + "\n"


def joined(chunks, name="positions_A"):
    return np.concatenate([chunk[name] for chunk in chunks])


def read(path, symbols):
    return list(read_chunks(path, Atoms(symbols)))


@pytest.fixture(scope="module")
def written(tmp_path_factory, recipes):
    """Return a start structure, and its trajectory as files of every kind."""
    folder = tmp_path_factory.mktemp("kinds")
    atoms = build("drill-nd29-li", recipes)
    atoms.positions -= atoms.positions.mean(axis=0)
    random = np.random.default_rng(5)
    turns = 0.4 * np.arange(9)[:, None, None]
    positions = np.round(atoms.positions + random.normal(scale=0.1, size=(9, len(atoms), 3)) + turns, 8)
    (folder / "a.xyz").write_text(as_cp2k(atoms.get_chemical_symbols(), positions))
    images = [atoms.copy() for _ in positions]
    for k, (image, frame) in enumerate(zip(images, positions, strict=True)):
        image.set_positions(frame, apply_constraint=False)
        image.info |= {"step": k, "time_fs": k / 2}
    ase.io.write(folder / "a.extxyz", images)
    plain = [image.copy() for image in images]
    for image in plain:
        del image.arrays["fragment"]
    with Trajectory(folder / "a.traj", "w") as trajectory:
        for image in plain:
            trajectory.write(image)
    ase.io.write(folder / "a.pdb", plain)
    with FrameLog.open(folder / "a.bin", len(atoms), forces=False, charges=False) as log:
        for k, frame in enumerate(positions):
            scalars = {"time_fs": k / 2, "temperature_K": 0, "potential_eV": 0, "conserved_eV": 0}
            log.append(step=k, positions_A=frame, velocities_A_fs=0 * frame, **scalars)
    return atoms, positions, folder


@pytest.mark.parametrize("ending", ["xyz", "extxyz", "traj", "bin"])
def test_the_same_frames_give_the_same_order_parameters_from_any_file(written, ending):
    atoms, positions, folder = written
    (expected,) = order_parameters([{"positions_A": positions}], atoms)
    chunks = list(read_chunks(folder / f"a.{ending}", atoms))
    assert joined(chunks, "step").tolist() == list(range(9))
    assert joined(chunks, "time_fs").tolist() == [k / 2 for k in range(9)]
    found = list(order_parameters(chunks, atoms))
    assert len(expected.columns) == 8
    for name, values in expected.columns.items():
        ours = np.concatenate([part.columns[name] for part in found])
        np.testing.assert_allclose(ours, values, rtol=0, atol=1e-10, err_msg=name)


def test_whatever_else_ase_reads(written):
    atoms, positions, folder = written
    assert np.allclose(joined(read_chunks(folder / "a.pdb", atoms)), positions, atol=6e-4)


def test_a_trajectory_of_cp2k(monkeypatch):
    images = ase.io.read(CP2K, index=":")
    chunks = read(CP2K, images[0].get_chemical_symbols())
    assert np.array_equal(joined(chunks), [image.positions for image in images])
    assert joined(chunks, "step")[0] == 0
    assert joined(chunks, "potential_eV")[0] == pytest.approx(-8.0727586781 * Hartree, rel=1e-15)
    monkeypatch.setattr("iondrill.collect.xyz.CHUNK_BYTES", 100)
    assert np.array_equal(joined(read(CP2K, images[0].get_chemical_symbols())), joined(chunks))


coordinates = st.floats(-99999, 99999, allow_nan=False)


@settings(max_examples=100)
@given(st.data(), st.integers(1, 5), st.integers(1, 4), st.integers(4, 16))
def test_every_number_is_the_nearest_one(data, n_atoms, n_frames, decimals):
    # as ASE and CP2K write them, and as C writes them, to any width
    shape = data.draw(st.sampled_from(["{:>25.%df}", " {:.%df}", "  {:.%dg}", " {:.%de}"])) % decimals
    frames = [[[data.draw(coordinates) for _ in range(3)] for _ in range(n_atoms)] for _ in range(n_frames)]
    text, expected = "", []
    for frame in frames:
        cells = [[shape.format(x) for x in row] for row in frame]
        text += f"{n_atoms}\nnothing\n" + "".join(f"C {''.join(row)} 1 x\n" for row in cells)
        expected.append([[float(cell) for cell in row] for row in cells])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.xyz")
        path.write_text(text)
        chunks = list(xyz_chunks(path, ["C"] * n_atoms))
        assert np.array_equal(joined(chunks), expected)
        assert joined(chunks, "step").tolist() == list(range(n_frames))
        assert "time_fs" not in chunks[0]


@pytest.mark.parametrize("line", ["C 0.0000 100.0000 0.0000", "C 0.00001 -10.000 0.0000", "C 10.000 -10.00000 0.0000"])
def test_numbers_that_move_within_lines_of_the_same_length(tmp_path, line):
    (tmp_path / "a.xyz").write_text(f"1\n\nC 0.0000 -10.0000 0.0000\n1\n\n{line}\n")
    assert joined(read(tmp_path / "a.xyz", ["C"]))[1].tolist() == [[float(x) for x in line.split()[1:]]]


FIFTH = as_cp2k(["N", "Li"], np.ones((1, 2, 3)), first=4)
WHOLE = as_cp2k(["C", "Li"], np.arange(24.0).reshape(4, 2, 3) * 1.1)


@settings(max_examples=100)
@given(st.integers(0, len(WHOLE) - 1), st.sampled_from(["", "x", " ", "\n", "9", "-", ".", "\xff", "NaN"]))
@example(len(WHOLE) // 2, "NaN")
def test_damage_is_said_in_one_message_or_leaves_numbers(at, what):
    text = (WHOLE[:at] + what + WHOLE[at + 1 :]) if what else WHOLE[:at]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.xyz")
        path.write_text(text, encoding="latin-1")
        try:
            found = joined(list(xyz_chunks(path, ["C", "Li"])))
        except UserError as error:
            (problem,) = error.problems
            assert "a.xyz" in str(problem)
            assert ", frame " in str(problem) or "holds no frame" in str(problem)
        else:
            assert found.shape[1:] == (2, 3)
            assert np.isfinite(found).all()
            assert len(found) == 4 or (not what and len(found) == len(WHOLE[: at + 1]) * 4 // len(WHOLE))


FRAME = as_cp2k(["C", "Li"], np.ones((1, 2, 3)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WHOLE[:-30], r"frame 4: is cut; needed: an end of its last line"),
        (WHOLE[:-70], r"frame 4: is cut; needed: 2 atoms after a comment line"),
        (WHOLE.replace("13.2000000000", "          NaN"), r"frame 3: a position is not a number"),
        (WHOLE.replace("13.2000000000", "*************"), r"frame 3: a position is not a number: .*\*\*\*"),
        (
            WHOLE + as_cp2k(["N", "Li"], np.ones((1, 2, 3)), first=4),
            r"frame 5: atom 1 is 'N'; the structure has C there",
        ),
        (FRAME.replace(" C", " N"), r"frame 1: atom 1 is 'N'; the structure has C there"),
        (WHOLE + "  3\nC 0 0 0\n", r"frame 5: found '3' where the number of atoms is due; needed: 2"),
        ("2\n\nC 0 0\nLi 0 0 0\n", r"frame 1: a line holds no symbol with three coordinates"),
        ("", "holds no frame"),
        ("\n\n", "holds no frame"),
        ("ITEM: TIMESTEP\n0\n", r"frame 1: found 'ITEM: TIMESTEP' where the number of atoms is due"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_frame(tmp_path, text, message):
    (tmp_path / "a.xyz").write_text(text)
    with pytest.raises(UserError, match=rf"^{tmp_path}/a.xyz[:,] ?{message}"):
        read(tmp_path / "a.xyz", ["C", "Li"])


def test_other_files_that_are_not_what_they_say(tmp_path):
    for name in ("a.traj", "a.pdb", "a.bin", "a.nc"):
        (tmp_path / name).write_bytes(b"\x00nonsense\xff" * 9)
        with pytest.raises(UserError, match=rf"^{tmp_path}/{name}"):
            read(tmp_path / name, ["C"])
    with pytest.raises(UserError, match="there is no such file"):
        read(tmp_path / "none.xyz", ["C"])
    with Trajectory(tmp_path / "b.traj", "w") as trajectory:
        trajectory.write(Atoms("CH", positions=[[0, 0, 0], [0, 0, 1]]))
        trajectory.write(Atoms("CH", positions=[[0, 0, 0], [0, 0, np.nan]]))
    with pytest.raises(UserError, match=r"b.traj, frame 1: holds 2 atoms; the structure has 1"):
        read(tmp_path / "b.traj", ["C"])
    with pytest.raises(UserError, match=r"b.traj, frame 1: holds other atoms"):
        read(tmp_path / "b.traj", ["H", "C"])
    with pytest.raises(UserError, match=r"b.traj, frame 2: a position is not a number"):
        read(tmp_path / "b.traj", ["C", "H"])
    cut = (tmp_path / "b.traj").read_bytes()[:-40]
    (tmp_path / "c.traj").write_bytes(cut)
    with pytest.raises(UserError, match=r"c.traj, frame \d"):
        read(tmp_path / "c.traj", ["C", "H"])


def test_frames_as_programs_write_them_are_not_read_word_by_word(written, monkeypatch):
    atoms, positions, folder = written
    monkeypatch.setattr(
        "iondrill.collect.xyz._Reader._words", lambda _self, _block, frame: positions[frame] * (frame < 1)
    )
    for name in ("a.xyz", "a.extxyz"):
        found = joined(read_chunks(folder / name, atoms))
        assert np.array_equal(found[1:], positions[1:])
    assert Layout.learn(b"C 1.0 2.0 3.00\n", ase_columns()) is None


def ase_columns():
    from iondrill.collect.layout import Columns

    assert Columns.of(b"Properties=id:I:1:pos:R:3:species:S:1") == Columns(symbol=4, position=1)
    return Columns()


@pytest.mark.parametrize(("word", "unit"), [("energy=-2.5", 1.0), ("E = -2.5", Hartree)])
def test_energies_are_in_the_unit_of_who_wrote_them(tmp_path, word, unit):
    """Extended XYZ has eV, CP2K hartree."""
    (tmp_path / "a.xyz").write_text(f"1\n i = 7, time = 3.5, {word}\nC 0.0 1.0 2.0\n")
    (chunk,) = read(tmp_path / "a.xyz", ["C"])
    assert chunk["potential_eV"].tolist() == pytest.approx([-2.5 * unit])
    assert (chunk["step"].tolist(), chunk["time_fs"].tolist()) == ([7], [3.5])


NUMBERED = as_cp2k(["C", "Li"], np.array([[[1.5, -22.25, 0.125], [3.0, 4.0, -5.0]]]))


@settings(max_examples=100)
@given(st.integers(NUMBERED.index("C"), len(NUMBERED) - 2), st.sampled_from("x 9-.+eN"))
@example(NUMBERED.index("C") + 4, "x")
@example(NUMBERED.index("C") + 4, "7")
def test_a_frame_says_the_same_wherever_it_stands(at, what):
    """The first of a file is read word by word, the others by their layout."""
    other = NUMBERED[:at] + what + NUMBERED[at + 1 :]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for text in (other, NUMBERED + other):
            Path(folder, "a.xyz").write_text(text)
            try:
                found.append(joined(list(xyz_chunks(Path(folder, "a.xyz"), ["C", "Li"])))[-1].tolist())
            except UserError as error:
                found.append(str(error).partition(", frame")[2][2:])
    assert found[0] == found[1]


def test_a_last_line_without_an_end_is_whole_if_it_is_as_long_as_those_before(tmp_path):
    (tmp_path / "a.xyz").write_text(WHOLE)
    (tmp_path / "b.xyz").write_text(WHOLE.removesuffix("\n"))
    whole, unended = (joined(read(tmp_path / name, ["C", "Li"])) for name in ("a.xyz", "b.xyz"))
    assert np.array_equal(whole, unended)


def test_a_frame_that_ase_cannot_read_is_counted_from_one(tmp_path):
    with Trajectory(tmp_path / "b.traj", "w") as trajectory:
        for _ in range(3):
            trajectory.write(Atoms("CH", positions=[[0, 0, 0], [0, 0, 1]]))
    (tmp_path / "c.traj").write_bytes((tmp_path / "b.traj").read_bytes()[:-200])
    with pytest.raises(UserError, match=r"c\.traj, frame [123]\b"):
        read(tmp_path / "c.traj", ["C", "H"])
