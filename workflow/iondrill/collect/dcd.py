"""DCD trajectories of CP2K, CHARMM and NAMD: positions and cell in binary, no elements."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from ase.cell import Cell

from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ase import Atoms

    from iondrill.collect.remarks import Remarks
    from iondrill.collect.xyz import Chunk

AT_ONCE = 64
MAGIC = b"CORD"


class _Header(NamedTuple):
    order: str
    n_atoms: int
    first: int
    stride: int
    step_fs: float
    has_cell: bool


def is_dcd(start: bytes) -> bool:
    """Say whether a file that begins so is a DCD: a record of 84 bytes that begins with CORD."""
    return start[4:8] == MAGIC and start[:4] in {b"\x54\x00\x00\x00", b"\x00\x00\x00\x54"}


def dcd_chunks(path: Path, atoms: Atoms, remarks: Remarks) -> Iterator[Chunk]:
    """Yield the frames of a DCD, some at a time.

    CP2K says first step, stride and time step (fs) in the header; steps and times of its frames follow from them.
    What other programs write there has other units, and is not taken. A cell is said by its lengths and angles: where
    they are those of the structure, its vectors are taken.

    Parameters
    ----------
    path : Path
        The file.
    atoms : Atoms
        What it must hold.
    remarks : Remarks
        What was not taken literally.

    Raises
    ------
    UserError
        Names file and frame: cut, damaged, of another number of atoms, or a position that is not a number.
    """
    with path.open("rb") as file:
        header = _header(file, path)
        if header.n_atoms != len(atoms):
            raise UserError.of(path, f"holds {header.n_atoms} atoms", f"the structure has {len(atoms)}")
        record = _record(header)
        remarks.add("does not say elements: those of the structure are taken, in its order")
        remarks.add("its frames do not say their energy: left empty")
        remarks.add(
            "steps and times follow from the first step, the stride and the time step in its header"
            if header.step_fs
            else "its frames do not say their step in units that are known: they are counted from 0"
        )
        count = 0
        while data := file.read(AT_ONCE * record.itemsize):
            if len(data) % record.itemsize:
                frame = count + len(data) // record.itemsize
                raise UserError.of(f"{path}, frame {frame + 1}", "is cut")
            frames = np.frombuffer(data, record)
            yield _chunk(frames, header, count, path, atoms)
            count += len(frames)
    if not count:
        raise UserError.of(path, "holds no frame")


def _header(file: Any, path: Path) -> _Header:
    start = file.read(96)
    if len(start) < 96 or not is_dcd(start):
        raise UserError.of(path, "is cut or no DCD")
    order = "<" if start[:1] == b"\x54" else ">"
    numbers, (length,) = np.frombuffer(start[8:88], f"{order}i4"), struct.unpack(f"{order}i", start[92:])
    rest = file.read(max(length, 0) + 16)  # to read fewer than 0 would be to read all
    if length < 4 or len(rest) != length + 16:  # the titles begin with their number
        raise UserError.of(path, "is cut or no DCD: its titles have no end")
    ended, begun, n_atoms, closed = struct.unpack(f"{order}4i", rest[length:])
    if (ended, begun, closed) != (length, 4, 4):
        raise UserError.of(path, "is cut or no DCD: its header has another form")
    if numbers[8]:
        raise UserError.of(path, "holds some of its atoms in its first frame only", "needed: all atoms in all frames")
    (step_fs,) = struct.unpack(f"{order}f", start[44:48]) if b"CP2K" in rest[:length] else (0.0,)
    return _Header(order, n_atoms, int(numbers[1]), int(numbers[2]), step_fs, bool(numbers[10]))


def _record(header: _Header) -> np.dtype[np.void]:
    """Return how a frame is laid out: records of Fortran, each between its length."""
    whole, parts = f"{header.order}i4", list[tuple[Any, ...]]()
    if header.has_cell:
        parts += [("cell0", whole), ("cell", f"{header.order}f8", 6), ("cell1", whole)]
    for axis in "xyz":
        parts += [(f"{axis}0", whole), (axis, f"{header.order}f4", header.n_atoms), (f"{axis}1", whole)]
    return np.dtype(parts)


def _chunk(frames: Any, header: _Header, count: int, path: Path, atoms: Atoms) -> Chunk:
    lengths = [frames[f"{axis}{side}"] == 4 * header.n_atoms for axis in "xyz" for side in "01"]
    positions = np.stack([frames[axis] for axis in "xyz"], axis=2).astype(float)
    for sane, found in (
        (np.all(lengths, axis=0), "is damaged"),
        (np.isfinite(positions).all(axis=(1, 2)), "a position is not a number"),
    ):
        if not sane.all():
            raise UserError.of(f"{path}, frame {count + int(sane.argmin()) + 1}", found)
    steps = np.arange(count, count + len(frames))
    chunk = {"positions_A": positions, "step": steps}
    if header.step_fs:
        chunk["step"] = header.first + header.stride * steps
        chunk["time_fs"] = chunk["step"] * header.step_fs
    if header.has_cell and np.isfinite(frames["cell"]).all():
        chunk["cell_A"] = np.array([_vectors(cell, atoms) for cell in frames["cell"]])
    return chunk


def _vectors(cell: Any, atoms: Atoms) -> Any:
    """Return the vectors of a, gamma, b, beta, alpha, c: angles in degrees, or, with CHARMM, their cosines."""
    lengths, angles = cell[[0, 2, 5]], cell[[4, 3, 1]]
    if (np.abs(angles) <= 1).all():
        angles = np.degrees(np.arccos(angles))
    parameters = [*lengths, *angles]
    if np.allclose(parameters, atoms.cell.cellpar(), rtol=1e-4):
        return atoms.cell.array
    return Cell.fromcellpar(parameters).array if lengths.all() else np.zeros_like(atoms.cell.array)
