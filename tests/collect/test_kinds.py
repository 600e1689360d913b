"""What a file is by its beginning and its name; frames that ASE reads, some at a time; which file a message names."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io.trajectory import Trajectory
from hypothesis import given, settings
from hypothesis import strategies as st

from iondrill.collect import readers
from iondrill.collect.remarks import Remarks
from iondrill.errors import UserError
from iondrill.jobs.frames import FrameLog

XYZ = b"2\nno\nC 0 0 0\nLi 1.5 0 0\n"
DUMP = """ITEM: TIMESTEP
{}
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS pp pp pp
0 9
0 9
0 9
ITEM: ATOMS id type {}x y z
1 1 {}1.0 2.0 3.0
2 2 {}4.0 5.0 6.0
"""


def read(path, symbols, remarks=None):
    return list(readers.read_chunks(path, Atoms(symbols), remarks))


@pytest.mark.parametrize(
    ("name", "start", "is_one"),
    [
        *[(name, b"?", True) for name in ("a.xyz", "A.XYZ", "a.xyz.bak-1", "a.xmol.gz", "a.exyz", "a.extxyz")],
        *[(name, b"?", False) for name in ("xyz", "a", "a.pdb", "axyz", "a.xyz2")],
        *[("a.pdb", start, True) for start in (XYZ, b"\xef\xbb\xbf" + XYZ, b"  12 \r\n\r\n Li1 -1.0 2.5E+1 .5 more")],
        *[("a.pdb", start, False) for start in (b"2\nno\n1 2 3 4\n", b"x" + XYZ, b"2\nno\nC 1 2\n", b"\n" + XYZ)],
        ("a.xyz", b"\x54\0\0\0CORD", False),
        ("a.xyz", b"- of Ulm", False),
        ("a.xyz", readers.MAGIC, False),
    ],
)
def test_xyz_is_known_by_its_name_or_its_beginning_and_binary_files_by_theirs(name, start, is_one):
    assert readers._is_xyz(Path("run.d", name), start) is is_one


def test_a_log_of_frames_is_one_by_any_name_and_says_which_step_is_damaged(tmp_path):
    positions = np.arange(24.0).reshape(4, 2, 3)
    positions[2, 1, 0] = np.nan
    with FrameLog.open(tmp_path / "a.log", 2, forces=False, charges=False) as log:
        for step, frame in zip((0, 10, 20, 30), positions, strict=True):
            scalars = {"time_fs": 1.0, "temperature_K": 0, "potential_eV": 0, "conserved_eV": 0}
            log.append(step=step, positions_A=frame, velocities_A_fs=0 * frame, **scalars)
    with pytest.raises(UserError, match=r"a.log: the positions of step 20 are not all numbers"):
        read(tmp_path / "a.log", "CLi")
    with pytest.raises(UserError, match=r"a.log: holds 2 atoms; the structure of the run has 1"):
        read(tmp_path / "a.log", "C")


def test_an_archive_is_refused_and_its_members_are_not_looked_at(tmp_path):
    (tmp_path / "m.pdb").write_bytes(XYZ)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "m.pdb", "m.pdb")
    with pytest.raises(UserError, match=r"a.tar.gz: is an archive of files \(tar\)"):
        read(tmp_path / "a.tar.gz", "CLi")
    (tmp_path / "a.tar").write_bytes(gzip.decompress((tmp_path / "a.tar.gz").read_bytes()))
    with pytest.raises(UserError, match=r"a.tar, frame 1: cannot be read"):
        read(tmp_path / "a.tar", "CLi")


@pytest.mark.parametrize("said", [True, False])
def test_a_dump_of_lammps_has_elements_only_where_it_says_them(tmp_path, said):
    """Else its types are taken by ASE for atomic numbers: H and He."""
    frame = DUMP.format(0, *("element ", "C ", "Li ") if said else ("", "", ""))
    (tmp_path / "a.lammpstrj").write_text(frame)
    remarks = Remarks()
    (chunk,) = read(tmp_path / "a.lammpstrj", "CLi", remarks)
    assert chunk["positions_A"].tolist() == [[[1, 2, 3], [4, 5, 6]]]
    assert chunk["cell_A"].tolist() == [np.diag([9.0, 9, 9]).tolist()]
    assert any("does not say elements" in line for line in remarks.lines()) is not said
    if said:
        with pytest.raises(UserError, match="holds other atoms"):
            read(tmp_path / "a.lammpstrj", "LiC")
    else:
        assert len(read(tmp_path / "a.lammpstrj", "LiC")) == 1


def written(path, n_frames, **properties):
    with Trajectory(path, "w") as trajectory:
        for k in range(n_frames):
            atoms = Atoms("CLi", positions=[[k, 0, 0], [0, k, 0]], cell=[5 + k, 6, 7], info={"step": 3 * k})
            if properties:
                atoms.calc = SinglePointCalculator(atoms, **properties)
            trajectory.write(atoms)


def test_a_traj_gives_energies_cells_and_what_its_info_says(tmp_path):
    written(tmp_path / "a.traj", 3, energy=-2.5)
    (chunk,) = read(tmp_path / "a.traj", "CLi")
    assert chunk["potential_eV"].tolist() == [-2.5] * 3
    assert chunk["step"].tolist() == [0, 3, 6]
    assert [np.diag(cell).tolist() for cell in chunk["cell_A"]] == [[5 + k, 6, 7] for k in range(3)]
    assert chunk["positions_A"][:, 0, 0].tolist() == [0, 1, 2]
    written(tmp_path / "b.traj", 2, charges=np.zeros(2))
    assert "potential_eV" not in read(tmp_path / "b.traj", "CLi")[0]


def test_a_damaged_copy_is_named_as_the_user_named_it(tmp_path):
    written(tmp_path / "a.traj", 3)
    (tmp_path / "a.traj.gz").write_bytes(gzip.compress((tmp_path / "a.traj").read_bytes()))
    assert len(read(tmp_path / "a.traj.gz", "CLi")[0]["step"]) == 3
    with pytest.raises(UserError, match=rf"^{tmp_path}/a.traj.gz, frame 1: holds other atoms"):
        read(tmp_path / "a.traj.gz", "LiC")


def test_energies_of_a_calculator_come_with_any_file_that_keeps_them_and_an_at_sign_is_no_index(tmp_path):
    atoms = Atoms("CLi", positions=[[0, 0, 0], [1, 1, 1]], cell=[5, 5, 5], pbc=True)
    ase.io.write(tmp_path / "a@0.pdb", [atoms, atoms])
    (chunk,) = read(tmp_path / "a@0.pdb", "CLi")
    assert len(chunk["positions_A"]) == 2
    assert "potential_eV" not in chunk
    atoms.calc = SinglePointCalculator(atoms, energy=-1.5)
    ase.io.write(tmp_path / "a.json", [atoms, atoms])
    assert read(tmp_path / "a.json", "CLi")[0]["potential_eV"].tolist() == [-1.5, -1.5]


def images(n_frames, steps=None, symbols=("C", "Li"), bad=None):
    for k in range(n_frames):
        positions = np.full((2, 3), float(k))
        if bad and k in bad:
            positions[1, 2] = bad[k]
        info = {} if steps is None else {"step": steps[k]}
        yield readers._Image(list(symbols), positions, np.eye(3) * (k + 1), info, None)


@settings(max_examples=40)
@given(st.lists(st.integers(1, 6), max_size=7), st.integers(1, 4))
def test_frames_that_count_come_some_at_a_time(more, at_once):
    steps = [0, 1, *more]
    expected = [k for k, step in enumerate(steps) if all(step < later for later in steps[k + 1 :])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readers, "AT_ONCE", at_once)
        passes = iter([len(steps), len(steps)])
        found = list(readers._ase_chunks(Path("a"), Atoms("CLi"), Remarks(), lambda _: images(next(passes), steps)))
    sizes = [len(chunk["step"]) for chunk in found]
    assert sizes == [at_once] * (len(expected) // at_once) + [len(expected) % at_once] * (len(expected) % at_once > 0)
    assert [step for chunk in found for step in chunk["step"].tolist()] == [steps[k] for k in expected]
    assert [x for chunk in found for x in chunk["positions_A"][:, 1, 2].tolist()] == expected
    assert [x for chunk in found for x in chunk["cell_A"][:, 2, 2].tolist()] == [k + 1 for k in expected]


def test_frames_that_come_while_the_file_is_read_are_left():
    passes = iter([2, 5])
    (chunk,) = readers._ase_chunks(Path("a"), Atoms("CLi"), Remarks(), lambda _: images(next(passes)))
    assert chunk["step"].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n_frames": 0}, "a: holds no frame"),
        ({"n_frames": 3, "bad": {1: 1.1e6}}, "a, frame 2: a position is not a number, or beyond what makes sense"),
        ({"n_frames": 3, "bad": {2: -1.1e6}}, "a, frame 3: a position is not a number"),
        ({"n_frames": 3, "bad": {0: np.nan}}, "a, frame 1: a position is not a number"),
        ({"n_frames": 2, "symbols": ["C", "H"]}, "a, frame 1: holds other atoms"),
        ({"n_frames": 2, "symbols": ["C", "X"]}, "a, frame 1: holds other atoms"),
        ({"n_frames": 3, "bad": {1: 1e6}}, ""),
        ({"n_frames": 2, "symbols": ["X", "X"]}, ""),
    ],
)
def test_frames_of_other_atoms_and_positions_that_make_no_sense_are_refused(given, message):
    chunks = readers._ase_chunks(Path("a"), Atoms("CLi"), Remarks(), lambda _: images(**given))
    if message:
        with pytest.raises(UserError) as raised:
            list(chunks)
        assert str(raised.value).startswith(message)
    else:
        assert sum(len(chunk["step"]) for chunk in chunks) == given["n_frames"]


@pytest.mark.parametrize(
    ("error", "said"), [(KeyError(), "KeyError"), (ValueError("two\n  lines"), "two lines"), (OSError("x"), "x")]
)
def test_an_error_of_a_reader_is_said_in_one_line_with_its_frame(error, said):
    def broken(_):
        yield from images(2)
        raise error

    with pytest.raises(UserError, match=rf"^a, frame 3: cannot be read: {said}$"):
        list(readers._ase_chunks(Path("a"), Atoms("CLi"), Remarks(), broken))


def test_a_beginning_is_that_of_what_is_packed(tmp_path):
    with gzip.open(buffer := io.BytesIO(), "w") as file:
        file.write(XYZ)
    (tmp_path / "a").write_bytes(buffer.getvalue())
    assert read(tmp_path / "a", "CLi")[0]["positions_A"][0, 1, 0] == 1.5
