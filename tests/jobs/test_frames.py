"""The log of frames: what is written comes back to the bit, and damage never passes."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iondrill.errors import UserError
from iondrill.jobs.frame_format import HEADER_BYTES, record_type
from iondrill.jobs.frames import FrameLog, Frames

N_ATOMS, STRIDE, N_FRAMES = 3, 5, 12
SIZE = record_type(N_ATOMS, forces=True, charges=True).itemsize
WHOLE = HEADER_BYTES + N_FRAMES * SIZE


def frame(step, branch=0):
    """A frame whose values are awkward floats, different for every step and branch of a run."""
    random = np.random.default_rng([step, branch])
    return {
        "step": step,
        "time_fs": 0.5 * step,
        **dict(zip(("temperature_K", "potential_eV", "conserved_eV"), random.normal(size=3), strict=True)),
        "positions_A": random.normal(size=(N_ATOMS, 3)),
        "velocities_A_fs": random.normal(size=(N_ATOMS, 3)),
        "forces_eV_A": random.normal(size=(N_ATOMS, 3)),
        "charges_e": random.normal(size=N_ATOMS),
    }


def write(path, steps, branch=0):
    with FrameLog.open(path, N_ATOMS) as log:
        for step in steps:
            log.append(**frame(step, branch))


def same(record, step, branch=0):
    return all(np.array_equal(record[name], value) for name, value in frame(step, branch).items())


@pytest.fixture
def path():
    with TemporaryDirectory() as folder:
        yield Path(folder) / "frames.bin"


@pytest.fixture(scope="module")
def intact(tmp_path_factory):
    path = tmp_path_factory.mktemp("log") / "frames.bin"
    write(path, range(0, N_FRAMES * STRIDE, STRIDE))
    return path.read_bytes()


def test_frames_come_back_to_the_bit(path):
    write(path, range(0, 50, STRIDE))
    frames = Frames(path, STRIDE)
    assert frames.n_atoms == N_ATOMS
    assert frames.fields == tuple(frame(0))
    assert frames.steps.tolist() == list(range(0, 50, STRIDE))
    assert all(same(frames[i], step) for i, step in enumerate(frames.steps))
    assert same(frames[-1], 45)


def test_chunks_give_every_frame_once(path, monkeypatch):
    write(path, range(10))
    monkeypatch.setattr("iondrill.jobs.frame_format.CHUNK_BYTES", 3 * SIZE)
    chunks = list(Frames(path, 1).chunks())
    assert [len(chunk) for chunk in chunks] == [3, 3, 3, 1]
    assert np.concatenate([chunk["step"] for chunk in chunks]).tolist() == list(range(10))


@given(length=st.integers(0, WHOLE), ahead=st.integers(0, 2))
def test_a_run_killed_at_any_byte_and_resumed_equals_one_never_killed(intact, length, ahead):
    # the restart file lies up to two frames behind the last whole frame, as when the kill hits between writes
    with TemporaryDirectory() as folder:
        path = Path(folder) / "frames.bin"
        path.write_bytes(intact[:length])
        n_whole = max(0, (length - HEADER_BYTES) // SIZE)
        restart = max(0, n_whole - 1 - ahead) * STRIDE
        with FrameLog.open(path, N_ATOMS) as log:
            last = log.truncate_after(restart)
            assert last == (restart if n_whole else None)
            for step in range(0 if last is None else last + STRIDE, N_FRAMES * STRIDE, STRIDE):
                log.append(**frame(step))
        assert path.read_bytes() == intact


@given(length=st.integers(HEADER_BYTES + SIZE, WHOLE))
def test_a_torn_tail_is_no_frame(intact, length):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "frames.bin"
        path.write_bytes(intact[:length])
        n_whole = (length - HEADER_BYTES) // SIZE
        assert len(Frames(path, STRIDE)) == n_whole
        write(path, [n_whole * STRIDE])
        assert same(Frames(path, STRIDE)[n_whole], n_whole * STRIDE)


def test_a_flipped_bit_anywhere_is_found(path):
    write(path, [0, STRIDE])
    intact = path.read_bytes()
    for byte in [*range(0, HEADER_BYTES, 16), *range(HEADER_BYTES, len(intact))]:
        damaged = bytearray(intact)
        damaged[byte] ^= 1 << byte % 8
        path.write_bytes(damaged)
        record = (byte - HEADER_BYTES) // SIZE + 1
        message = "header|is not a log" if byte < HEADER_BYTES else f"record {record} of 2"
        with pytest.raises(UserError, match=rf"frames\.bin: .*({message})"):
            Frames(path, STRIDE)


@given(record=st.integers(0, N_FRAMES - 1), restart=st.integers(0, N_FRAMES - 1))
def test_a_damaged_frame_stops_a_resume_unless_it_is_dropped(intact, record, restart):
    damaged = bytearray(intact)
    damaged[HEADER_BYTES + record * SIZE + 20] ^= 1
    with TemporaryDirectory() as folder:
        path = Path(folder) / "frames.bin"
        path.write_bytes(damaged)
        with FrameLog.open(path, N_ATOMS) as log:
            if record < restart:
                with pytest.raises(UserError, match="damaged"):
                    log.truncate_after(restart * STRIDE)
                assert path.stat().st_size == WHOLE
            else:
                expected = min(record - 1, restart) * STRIDE
                assert log.truncate_after(restart * STRIDE) == (expected if record else None)


def test_zeros_in_place_of_the_last_frame_are_found(path):
    write(path, range(3))
    path.write_bytes(path.read_bytes() + bytes(SIZE))
    with pytest.raises(UserError, match=r"record 4 of 4 \(after step 2\) is damaged"):
        Frames(path, 1)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8)), max_size=5))
def test_where_a_run_went_over_the_same_steps_again_the_later_wins(restarts):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "frames.bin"
        write(path, range(10))
        expected = dict.fromkeys(range(10), 0)
        for branch, (start, count) in enumerate(restarts, start=1):
            first = min(start, max(expected) + 1)
            write(path, range(first, first + count), branch)
            expected = {step: old for step, old in expected.items() if step < first}
            expected |= dict.fromkeys(range(first, first + count), branch)
        frames = Frames(path, 1)
        assert frames.steps.tolist() == list(expected)
        assert all(same(frames[i], step, branch) for i, (step, branch) in enumerate(expected.items()))
        middle = len(expected) // 2
        with FrameLog.open(path, N_ATOMS) as log:
            assert log.truncate_after(middle) == middle
        assert Frames(path, 1).steps.tolist() == list(range(middle + 1))
        assert all(same(Frames(path, 1)[i], i, expected[i]) for i in range(middle + 1))


@pytest.mark.parametrize(
    ("steps", "stride", "message"),
    [
        ([0, 1, 3, 4], 1, "step 3 where step 2 is due"),
        ([1, 2], 1, "step 1 where step 0 is due"),
        ([0, 5, 10], 1, "step 5 where step 1 is due"),
        ([0, 1, 2], 2, "step 1 where step 2 is due"),
        ([], 1, "holds no frame"),
    ],
)
def test_gaps_are_refused_with_file_and_step(path, steps, stride, message):
    write(path, steps)
    with pytest.raises(UserError, match=f"frames.bin: {message}"):
        Frames(path, stride)


def test_a_log_without_forces_and_charges_is_smaller(path):
    bare = {name: value for name, value in frame(0).items() if name not in {"forces_eV_A", "charges_e"}}
    with FrameLog.open(path, N_ATOMS, forces=False, charges=False) as log:
        log.append(**bare)
        with pytest.raises(ValueError, match="charges_e"):
            log.append(**frame(1))
    assert Frames(path, 1).fields == tuple(bare)
    with pytest.raises(UserError, match="holds frames of 3 atoms with positions and velocities"):
        FrameLog.open(path, N_ATOMS)


def test_another_number_of_atoms_is_refused_and_nothing_lost(path):
    write(path, range(3))
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"holds frames of 3 atoms.*allowed: 4 atoms"):
        FrameLog.open(path, N_ATOMS + 1)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"not a log", b"x" * 4096])
def test_another_file_is_refused_and_nothing_lost(path, content):
    path.write_bytes(content)
    for read in (lambda: FrameLog.open(path, N_ATOMS), lambda: Frames(path, 1)):
        with pytest.raises(UserError, match="is not a log of frames"):
            read()
    assert path.read_bytes() == content


def test_a_missing_file_is_named(path):
    with pytest.raises(UserError, match=r"frames.bin: cannot be read: No such file"):
        Frames(path, 1)
    with pytest.raises(UserError, match="cannot be written: No such file"):
        FrameLog.open(path.parent / "nowhere" / "frames.bin", N_ATOMS)


def test_arrays_are_not_stretched_to_fit(path):
    with FrameLog.open(path, N_ATOMS) as log, pytest.raises(ValueError, match=r"positions_A has shape \(3,\)"):
        log.append(**frame(0) | {"positions_A": np.zeros(3)})


def test_a_full_disk_leaves_whole_frames(path, monkeypatch):
    import os

    real = os.write

    def half(descriptor, data):
        if len(data) < SIZE:
            raise OSError(28, "No space left on device")
        return real(descriptor, data[: SIZE // 2])

    with FrameLog.open(path, N_ATOMS) as log:
        log.append(**frame(0))
        monkeypatch.setattr(os, "write", half)
        with pytest.raises(UserError, match="cannot be written: No space left on device"):
            log.append(**frame(1))
    assert path.stat().st_size == HEADER_BYTES + SIZE


def test_frames_are_in_the_file_without_closing_it(path):
    log = FrameLog.open(path, N_ATOMS)
    for step in range(3):
        log.append(**frame(step))
    assert len(Frames(path, 1)) == 3
    log.close()
