"""DCD files, their bytes put together here by the format's definition: records of Fortran, each between its length."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.cell import Cell
from hypothesis import given, settings
from hypothesis import strategies as st

from iondrill.collect.dcd import is_dcd
from iondrill.collect.readers import read_chunks
from iondrill.collect.remarks import Remarks
from iondrill.errors import UserError

CP2K = b"REMARK CP2K"
TURNED = [[0.0, 4.0, 0.0], [0.0, 2.5, 5.0], [6.0, 1.0, 0.5]]
"""A cell that does not begin along x, as that made of lengths and angles does."""


def record(order, form, *values):
    size = struct.calcsize(order + form)
    return struct.pack(f"{order}i{form}i", size, *values, size)


def header(n_atoms, *, order="<", title=CP2K, first=0, stride=1, step_fs=0.5, fixed=0, cell=0):
    """Return the three records at the beginning: whole numbers 1 to 20, of which number 10 is a real one; titles."""
    numbers = (7, first, stride, 70, 0, 0, 0, 3, fixed, step_fs, cell, *[0] * 8, 24)
    titles = record(order, f"i{len(title)}s", 1, title)
    return record(order, "4s9if10i", b"CORD", *numbers) + titles + record(order, "i", n_atoms)


def frame(positions, cell=None, order="<"):
    """Return a frame: the cell as a, gamma, b, beta, alpha, c, then all x, all y, all z."""
    columns = np.transpose(positions)
    return (b"" if cell is None else record(order, "6d", *cell)) + b"".join(
        record(order, f"{len(column)}f", *column) for column in columns
    )


def read(content, atoms, remarks=None):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.dcd")
        path.write_bytes(content)
        return list(read_chunks(path, atoms, remarks))


def joined(chunks, name="positions_A"):
    return np.concatenate([chunk[name] for chunk in chunks])


@pytest.fixture(autouse=True)
def two_at_once(monkeypatch):
    monkeypatch.setattr("iondrill.collect.dcd.AT_ONCE", 2)


SAID = {
    "order": st.sampled_from("<>"),
    "title": st.binary(max_size=9).map(lambda said: CP2K + said),
    "first": st.integers(0, 99),
    "stride": st.integers(1, 9),
    "step_fs": st.sampled_from([0.25, 0.5, 2.0]),
    "cell": st.integers(0, 1),
}


@settings(max_examples=40)
@given(said=st.fixed_dictionaries(SAID), n_frames=st.integers(1, 5), n_atoms=st.integers(1, 3))
def test_frames_steps_times_and_cells_come_back(said, n_frames, n_atoms):
    positions = np.random.default_rng(1).normal(scale=50, size=(n_frames, n_atoms, 3)).astype(np.float32)
    box = (4.0, 80.0, 5.0, 85.0, 95.0, 6.0) if said["cell"] else None
    content = header(n_atoms, **said) + b"".join(frame(each, box, said["order"]) for each in positions)
    chunks = read(content, Atoms(f"H{n_atoms}"))
    assert [len(chunk["step"]) for chunk in chunks] == [2] * (n_frames // 2) + [1] * (n_frames % 2)
    assert np.array_equal(joined(chunks), positions)
    steps = [said["first"] + k * said["stride"] for k in range(n_frames)]
    assert joined(chunks, "step").tolist() == steps
    assert joined(chunks, "time_fs").tolist() == [step * said["step_fs"] for step in steps]
    assert ["cell_A" in chunk for chunk in chunks] == [bool(box)] * len(chunks)
    for vectors in joined(chunks, "cell_A") if box else ():
        # lengths a, b, c; angles alpha (of b and c), beta, gamma
        np.testing.assert_allclose(Cell(vectors).cellpar(), [4, 5, 6, 95, 85, 80], rtol=1e-12)


@pytest.mark.parametrize(("title", "step_fs"), [(b"REMARK NAMD", 0.5), (CP2K, 0.0)])
def test_what_is_not_said_is_not_made_up(title, step_fs):
    remarks = Remarks()
    content = header(1, title=title, first=5, stride=3, step_fs=step_fs) + frame([[1, 2, 3]]) * 3
    chunks = read(content, Atoms("C"), remarks)
    assert joined(chunks, "step").tolist() == [0, 1, 2]
    assert all(set(chunk) == {"positions_A", "step"} for chunk in chunks)
    elements, energy, steps = remarks.lines()
    assert "does not say elements" in elements
    assert "energy" in energy
    assert "counted from 0" in steps


def test_steps_that_follow_from_the_header_are_remarked_on():
    remarks = Remarks()
    read(header(1) + frame([[1, 2, 3]]), Atoms("C"), remarks)
    assert "follow from the first step, the stride and the time step" in remarks.lines()[-1]


def cell_of(atoms, *parameters):
    a, b, c, alpha, beta, gamma = parameters
    content = header(1, cell=1) + frame([[0, 0, 0]], (a, gamma, b, beta, alpha, c))
    (chunk,) = read(content, atoms)
    return chunk["cell_A"][0]


@pytest.mark.parametrize("turned", [True, False])
def test_a_cell_is_that_of_the_structure_where_lengths_and_angles_are(turned):
    """To seven digits, as programs keep a cell in single precision; their cosines mean the same angles."""
    atoms = Atoms("C", cell=TURNED if turned else Cell.new(Cell(TURNED).cellpar()))
    parameters = atoms.cell.cellpar()
    cosines = [*parameters[:3], *np.cos(np.radians(parameters[3:]))]
    for said in (parameters, parameters.astype(np.float32), parameters * (1 + 5e-5), cosines):
        assert np.array_equal(cell_of(atoms, *said), atoms.cell.array)
    larger = cell_of(atoms, *parameters[:3] * 1.001, *parameters[3:])
    np.testing.assert_allclose(larger, 1.001 * Cell.new(parameters).array, atol=1e-12)


@pytest.mark.parametrize("angles", [(90, 90, 60), (90, 90, 0.5), (1.5, 1.6, 1.7), (120, 110, 100)])
def test_a_cell_has_the_lengths_and_angles_that_are_said(angles):
    found = Cell(cell_of(Atoms("C", cell=TURNED), 3, 4, 5, *angles))
    np.testing.assert_allclose(found.cellpar(), [3, 4, 5, *angles], rtol=1e-9)
    cosines = [*np.cos(np.radians(angles))]
    found = Cell(cell_of(Atoms("C", cell=TURNED), 3, 4, 5, *cosines))
    np.testing.assert_allclose(found.cellpar(), [3, 4, 5, *angles], rtol=1e-9)


def test_a_cell_without_a_length_is_none():
    assert cell_of(Atoms("C", cell=TURNED), 3, 0, 5, 90, 90, 90).tolist() == [[0, 0, 0]] * 3
    content = header(1, cell=1) + frame([[0, 0, 0]], (3, 90, np.nan, 90, 90, 5))
    (chunk,) = read(content, Atoms("C"))
    assert "cell_A" not in chunk


HEAD, ONE = header(2, cell=1), frame([[0, 1, 2], [3, 4, 5]], (3, 90, 4, 90, 90, 5))


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("side", range(2))
@pytest.mark.parametrize("number", range(3))
def test_a_frame_whose_records_have_another_length_is_damaged(axis, side, number):
    """Each axis has two marks of its length, before and after its two numbers."""
    at = 4 + 48 + 4 + 16 * axis + 12 * side
    damaged = ONE[:at] + struct.pack("<i", 7) + ONE[at + 4 :]
    frames = [ONE] * 3
    frames[number] = damaged
    with pytest.raises(UserError, match=rf"a.dcd, frame {number + 1}: is damaged"):
        read(HEAD + b"".join(frames), Atoms("C2"))


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("odd", [np.nan, np.inf])
@pytest.mark.parametrize("coordinate", [0, 5])
def test_a_position_that_is_not_a_number_is_named_by_its_frame(number, odd, coordinate):
    frames = np.zeros((3, 6))
    frames[number, coordinate] = odd
    with pytest.raises(UserError, match=rf"a.dcd, frame {number + 1}: a position is not a number"):
        read(header(2) + b"".join(frame(each.reshape(2, 3)) for each in frames), Atoms("C2"))


@pytest.mark.parametrize("size", [1, len(ONE) - 1, len(ONE), len(ONE) + 1, 2 * len(ONE) + 1, 4 * len(ONE) - 1])
def test_a_file_is_read_up_to_its_end_or_cut_in_the_frame_that_lacks_something(size):
    content = HEAD + (ONE * 4)[:size]
    if size % len(ONE):
        with pytest.raises(UserError, match=rf"a.dcd, frame {size // len(ONE) + 1}: is cut"):
            read(content, Atoms("C2"))
    else:
        assert len(joined(read(content, Atoms("C2")))) == size // len(ONE)


def test_a_header_that_is_cut_anywhere_is_said_to_be():
    assert is_dcd(HEAD)
    for size in range(8, len(HEAD)):
        with pytest.raises(UserError, match=r"a.dcd: is cut or no DCD"):
            read(HEAD[:size], Atoms("C2"))
    with pytest.raises(UserError, match="holds no frame"):
        read(HEAD, Atoms("C2"))


@pytest.mark.parametrize("back", [4, 12, 16])
def test_a_header_of_another_form_is_refused(back):
    """The marks around the titles and the number of atoms, counted from the end."""
    at = len(HEAD) - back
    with pytest.raises(UserError, match="its header has another form"):
        read(HEAD[:at] + struct.pack("<i", 8) + HEAD[at + 4 :] + ONE, Atoms("C2"))


@pytest.mark.parametrize("length", [-16, -1, 1, 1 << 20])
def test_titles_of_a_length_that_cannot_be_are_refused(length):
    with pytest.raises(UserError, match=r"is cut or no DCD: its (titles have no end|header has another form)"):
        read(HEAD[:92] + struct.pack("<i", length) + HEAD[96:] + ONE, Atoms("C2"))


@pytest.mark.parametrize(("title", "whole"), [(b"abc", False), (b"abcd", True)])
def test_titles_begin_with_their_number(title, whole):
    content = HEAD[:92] + record("<", f"{len(title)}s", title) + record("<", "i", 2) + ONE
    if whole:
        assert len(joined(read(content, Atoms("C2")))) == 1
    else:
        with pytest.raises(UserError, match="is cut or no DCD"):
            read(content, Atoms("C2"))


def test_atoms_that_are_fixed_or_of_another_number_are_refused():
    with pytest.raises(UserError, match="some of its atoms in its first frame only"):
        read(header(2, fixed=1) + ONE, Atoms("C2"))
    with pytest.raises(UserError, match="holds 2 atoms; the structure has 3"):
        read(HEAD + ONE, Atoms("C3"))


def test_a_dcd_begins_with_a_record_of_84_bytes_and_cord():
    assert is_dcd(b"\x54\0\0\0CORD")
    assert is_dcd(b"\0\0\0\x54CORD")
    for start in (b"\x54\0\0\0VELD", b"\0\0\0\0CORD", b"\0\0\0\x55CORD", b"CORD\x54\0\0\0", b"\x54\0\0\0COR"):
        assert not is_dcd(start)
