"""XYZ in portions of any size: the same frames wherever a portion ends, in few steps; damage is named by its frame."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iondrill.collect import xyz
from iondrill.collect.headings import Headings
from iondrill.collect.remarks import Remarks
from iondrill.errors import UserError

SYMBOLS = ["C", "Li", "H"]


def text_of(frames, decimals, comment="step={}", end="\n"):
    """Return frames (step, positions) as text, of which each has decimals of its own."""
    lines = []
    for (step, positions), digits in zip(frames, decimals, strict=True):
        rows = zip(SYMBOLS, positions, strict=False)
        atoms = [f"{s:>2s}" + "".join(f"{x:{digits + 6}.{digits}f}" for x in row) for s, row in rows]
        lines += [f"  {len(positions)}", comment.format(step), *atoms]
    return "".join(line + end for line in lines)


@settings(max_examples=60)
@given(
    frames=st.lists(st.tuples(st.integers(1, 6), st.sampled_from([2, 2, 2, 5])), max_size=6),
    n_atoms=st.integers(1, 3),
    ends=st.tuples(st.sampled_from(["\n", "\n", "\r\n"]), st.sampled_from(["", "\n", " \n\n"])),
    portion=st.integers(1, 90),
    packed=st.booleans(),
)
def test_frames_are_the_same_however_the_text_is_divided(frames, n_atoms, ends, portion, packed):
    steps, decimals = zip((0, 2), *frames, strict=True)
    numbers = np.random.default_rng(3).integers(-400, 400, size=(len(steps), n_atoms, 3)) / 4
    text = (text_of(zip(steps, numbers, strict=True), decimals, end=ends[0]) + ends[1]).encode()
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(xyz, "CHUNK_BYTES", portion)
        path = Path(folder, "a.xyz")
        path.write_bytes(gzip.compress(text) if packed else text)
        chunks = list(xyz.xyz_chunks(path, SYMBOLS[:n_atoms]))
    # where a run was taken up again, only what comes before all that follow counts
    expected = [k for k, step in enumerate(steps) if all(step < later for later in steps[k + 1 :])]
    assert [step for chunk in chunks for step in chunk["step"].tolist()] == [steps[k] for k in expected]
    assert np.array_equal(np.concatenate([chunk["positions_A"] for chunk in chunks]), numbers[expected])
    assert all(len(chunk["step"]) == len(chunk["positions_A"]) > 0 for chunk in chunks)


class Counted(bytes):
    """A text that counts how often a line is looked for."""

    finds = 0

    def find(self, *where):
        type(self).finds += 1
        return super().find(*where)


@pytest.mark.parametrize("n_frames", [3, 30])
def test_lines_of_atoms_are_looked_for_in_the_first_frame_and_the_last_alone(monkeypatch, n_frames):
    monkeypatch.setattr(Counted, "finds", 0)
    frames = [(k, np.ones((3, 3))) for k in range(n_frames)]
    text, headings = Counted(text_of(frames, [2] * n_frames).encode()), Headings("a", Remarks())
    assert xyz._Scan(3, headings).take(text, last=True) == len(text)
    assert len(headings) == n_frames
    assert Counted.finds == 2 * n_frames + 2 * 3 + 1  # two lines before the atoms, and what might follow the end


class Comments(Headings):
    """Headings that remember the comments."""

    def add_comment(self, comment):
        self.__dict__.setdefault("said", []).append(comment)
        super().add_comment(comment)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_comment_of_a_frame_is_its_second_line_and_nothing_of_the_first(end):
    frames = [(k, np.ones((3, 3))) for k in range(4)]
    headings = Comments("a", Remarks())
    xyz._Scan(3, headings).take(text_of(frames, [2] * 4, end=end).encode(), last=True)
    assert [comment.decode() for comment in headings.said] == [f"step={k}{end[:-1]}" for k in range(4)]


def test_the_reader_needs_no_look_for_lines_where_the_layout_says_how_long_a_frame_is(monkeypatch):
    text = text_of([(0, np.ones((3, 3)))], [2]).encode()
    reader = xyz._Reader(Path("a"), SYMBOLS)
    reader.take(text)
    monkeypatch.setattr(Counted, "finds", 0)
    start = text.index(b" C")
    assert reader._end(Counted(text), start) == len(text)
    assert Counted.finds == 0
    # as long in all, and of more lines
    other = text[:start] + text[start:].replace(b" 1.00\n", b"\n1.00\n", 1)
    assert reader._end(Counted(other), start) < len(other)


def test_what_is_written_while_the_file_is_read_is_left_for_the_next_time(tmp_path, monkeypatch):
    frames = [(k, np.full((1, 3), k)) for k in range(6)]
    first, second = (text_of(some, [2] * 3).encode() for some in (frames[:3], frames[3:]))
    scan, path = xyz._scan, tmp_path / "a.xyz"

    def grows(*given):
        size = scan(*given)
        path.write_bytes(first + second)
        return size

    monkeypatch.setattr(xyz, "_scan", grows)
    for portion in (1 << 19, 50):
        monkeypatch.setattr(xyz, "CHUNK_BYTES", portion)
        path.write_bytes(first)
        assert sum(len(chunk["step"]) for chunk in xyz.xyz_chunks(path, ["C"])) == 3


GOOD = text_of([(k, np.full((2, 3), k)) for k in range(3)], [2] * 3)


@pytest.mark.parametrize("portion", [1 << 19, 40, 7])
@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        (GOOD + "3\n", "frame 4: found '3' where the number of atoms is due; needed: 2"),
        (GOOD + "x" * 50 + "\n", "frame 4: found '" + "x" * 40 + "' where"),
        (GOOD.replace("  2\nstep=2", "  7\nstep=2"), "frame 3: found '7' where"),
        (GOOD[:-1].replace("2.00", "2.0", 1), "frame 3: is cut; needed: an end of its last line"),
        (GOOD + "2\nstep=3\n C 1 2 3\n", "frame 4: is cut; needed: 2 atoms after a comment line"),
        (GOOD + "2\nstep=3", "frame 4: is cut; needed: 2 atoms after a comment line"),
        (GOOD + "2", "frame 4: is cut; needed: 2 atoms after a comment line"),
        (GOOD.replace("Li    0.00", "Be    0.00"), "frame 1: atom 2 is 'Be'; the structure has Li there"),
        (GOOD.replace("Li    1.00", "Be    1.00"), "frame 2: atom 2 is 'Be'; the structure has Li there"),
        (GOOD.replace("Li    1.00    1.00    1.00", "Li    1.00    1.00        "), "frame 2: a line holds no symbol"),
        (GOOD.replace("Li    1.00", "Li  -2.0e6"), "frame 2: a position is -2e+06 Å; needed: numbers between ±1e+06"),
        (GOOD.replace("Li    1.00", "Li     nan"), "frame 2: a position is not a number; needed"),
        (GOOD.replace("Li    1.00    1.00", "Li     nan   2.0e6"), "frame 2: a position is not a number; needed"),
        (GOOD.replace("Li    1.00", "Li   1.0.0"), "frame 2: a position is not a number: could"),
        (GOOD.replace("Li    1.00", "Li     inf"), "frame 2: a position is not a number; needed"),
        (GOOD.replace("step=2", "step=x"), "frame 3: its step is no whole number"),
        ("\n", ": holds no frame"),
        (" \n", ": holds no frame"),
    ],
)
def test_damage_is_named_by_its_frame_in_portions_of_any_size(tmp_path, monkeypatch, portion, damaged, message):
    monkeypatch.setattr(xyz, "CHUNK_BYTES", portion)
    (tmp_path / "a.xyz").write_text(damaged)
    with pytest.raises(UserError) as raised:
        list(xyz.xyz_chunks(tmp_path / "a.xyz", ["C", "Li"]))
    assert message in str(raised.value)


def test_a_million_angstrom_is_the_farthest_and_the_lines_may_have_just_enough_words(tmp_path):
    path = tmp_path / "a.xyz"
    path.write_text("1\nProperties=pos:R:3:species:S:1\n1e6 -1e6 0 C\n")
    (chunk,) = xyz.xyz_chunks(path, ["C"])
    assert chunk["positions_A"].tolist() == [[[1e6, -1e6, 0]]]
    for line in ("1 2 3", "1 2"):
        path.write_text(f"1\nProperties=pos:R:3:species:S:1\n{line}\n")
        with pytest.raises(UserError, match="a line holds no symbol with three coordinates"):
            list(xyz.xyz_chunks(path, ["C"]))
    path.write_text("1\nProperties=species:S:1:pos:R:3:more:R:2\nC 1 2 3 9 9\n")
    (chunk,) = xyz.xyz_chunks(path, ["C"])
    assert chunk["positions_A"].tolist() == [[[1, 2, 3]]]


@pytest.mark.parametrize("portion", [1 << 19, 9])
def test_a_text_may_lack_its_last_end_and_its_comments_be_empty(tmp_path, monkeypatch, portion):
    monkeypatch.setattr(xyz, "CHUNK_BYTES", portion)
    path = tmp_path / "a.xyz"
    silent = text_of([(k, np.full((2, 3), k)) for k in range(3)], [2] * 3, comment="")
    for text in (GOOD, silent):
        for content in (text.encode(), text.removesuffix("\n").encode()):
            for packed in (content, gzip.compress(content)):
                path.write_bytes(packed)
                chunks = list(xyz.xyz_chunks(path, ["C", "Li"]))
                assert np.concatenate([chunk["positions_A"] for chunk in chunks])[:, 1, 2].tolist() == [0, 1, 2]
                assert [step for chunk in chunks for step in chunk["step"].tolist()] == [0, 1, 2]


def test_labels_mean_their_elements(tmp_path):
    (tmp_path / "a.xyz").write_text(GOOD.replace(" C ", "c1 ").replace("Li  ", "LI_b"))
    assert sum(len(chunk["step"]) for chunk in xyz.xyz_chunks(tmp_path / "a.xyz", ["C", "Li"])) == 3


def test_a_file_begins_with_the_mark_of_utf_8_where_an_editor_put_it(tmp_path):
    (tmp_path / "a.xyz").write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert sum(len(chunk["step"]) for chunk in xyz.xyz_chunks(tmp_path / "a.xyz", ["C", "Li"])) == 3
