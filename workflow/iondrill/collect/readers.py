"""Frames of any trajectory, some at a time, so that memory does not grow with its length."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from iondrill.collect.dcd import dcd_chunks, is_dcd
from iondrill.collect.headings import Headings
from iondrill.collect.packed import as_plain_file, packing, unpacked
from iondrill.collect.remarks import Remarks
from iondrill.collect.xyz import FARTHEST_A, Chunk, xyz_chunks
from iondrill.errors import UserError
from iondrill.jobs.frame_format import MAGIC
from iondrill.jobs.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ase import Atoms

Floats = NDArray[np.float64]

AT_ONCE = 64
START_BYTES = 16384

XYZ_NAMES = {"xyz", "extxyz", "exyz", "xmol"}
"""Parts of a name, between points, that say XYZ: ``pos-1.xyz``, ``pos-1.xyz.bak-1``, ``RUN.XYZ``, ``run.xmol.gz``."""

XYZ_START = re.compile(rb"(?:\xef\xbb\xbf)?[ \t]*\d+[ \t]*\r?\n[^\n]*\n[ \t]*[A-Za-z]\w*(?:[ \t]+[-+.\dEe]+){3}")
ULM = b"- of Ulm"
"""How a ``.traj`` begins."""

LAMMPS = b"ITEM: TIMESTEP"


def read_chunks(path: Path, atoms: Atoms, remarks: Remarks | None = None) -> Iterator[Chunk]:
    """Yield the frames of a trajectory, some at a time.

    The beginning of a file decides what it is, and only then its name.

    Parameters
    ----------
    path : Path
        A log of frames, XYZ as CP2K or ASE writes it, DCD, ASE's ``.traj``, or anything else that ASE reads; packed
        by gzip, bzip2, xz or zstd, or not.
    atoms : Atoms
        Its species, in its order.
    remarks : Remarks, optional
        What was not taken literally.

    Yields
    ------
    dict of arrays
        ``positions_A`` (n_frames, n_atoms, 3) and ``step`` (n_frames,); ``time_fs``, ``temperature_K``,
        ``potential_eV``, ``conserved_eV`` and ``cell_A`` (n_frames, 3, 3) where the file has them, NaN where only some
        of its frames have. Frames without a step are counted from 0, and a remark says so.

    Raises
    ------
    UserError
        Names file and frame: cut, damaged, of other atoms, a position that is not a number, or frames in no order.
    """
    remarks = remarks or Remarks()
    packed = packing(path)
    with unpacked(path) as file:
        start = file.read(START_BYTES)
    if _is_xyz(path, start):
        yield from xyz_chunks(path, atoms.get_chemical_symbols(), remarks)
        return
    if packed and start[257:262] == b"ustar":
        raise UserError.of(path, "is an archive of files (tar)", "needed: one trajectory, unpacked from it")
    with as_plain_file(path) as plain:
        try:
            if start.startswith(MAGIC) or plain.suffix == ".bin":
                yield from log_chunks(Frames(plain), len(atoms))
            elif is_dcd(start):
                yield from dcd_chunks(plain, atoms, remarks)
            elif start.startswith(ULM):
                yield from _ase_chunks(plain, atoms, remarks, _of_traj)
            else:
                yield from _ase_chunks(plain, atoms, remarks, _of_ase, labelled=not _without_elements(start))
        except UserError as error:
            raise _renamed(error, plain, path) from None


def _is_xyz(path: Path, start: bytes) -> bool:
    binary = is_dcd(start) or start.startswith((MAGIC, ULM))
    named = not XYZ_NAMES.isdisjoint(path.name.lower().split(".")[1:])
    return not binary and (named or XYZ_START.match(start) is not None)


def _without_elements(start: bytes) -> bool:
    """Say whether ASE makes up the elements: of the types in a dump of LAMMPS."""
    return start.startswith(LAMMPS) and re.search(rb"ITEM: ATOMS.*\belement\b", start) is None


def _renamed(error: UserError, plain: Path, path: Path) -> UserError:
    """Return an error that names the file that the user named, not its unpacked copy."""
    problems = [replace(one, where=one.where.replace(str(plain), str(path))) for one in error.problems]
    return UserError(*problems)


def log_chunks(frames: Frames, n_atoms: int) -> Iterator[Chunk]:
    """Yield the frames of a log, some at a time.

    Raises
    ------
    UserError
        If it holds another number of atoms, or a position is not a number.
    """
    if frames.n_atoms != n_atoms:
        raise UserError.of(frames.path, f"holds {frames.n_atoms} atoms", f"the structure of the run has {n_atoms}")
    for records in frames.chunks():
        finite = np.isfinite(records["positions_A"]).all(axis=(1, 2))
        if not finite.all():
            step = records["step"][finite.argmin()]
            raise UserError.of(frames.path, f"the positions of step {step} are not all numbers")
        yield {name: records[name] for name in frames.fields}


def _ase_chunks(
    path: Path, atoms: Atoms, remarks: Remarks, images: Source, *, labelled: bool = True
) -> Iterator[Chunk]:
    """Yield what ASE reads, in two passes: what the frames say of themselves decides which of them count."""
    headings, symbols = Headings(path, remarks), atoms.get_chemical_symbols()
    for image in _readable(images(path), path):
        _check(image, symbols, f"{path}, frame {len(headings) + 1}", labelled=labelled)
        headings.add_info(image.info, image.energy_eV)
    if not len(headings):
        raise UserError.of(path, "holds no frame")
    if not labelled:
        remarks.add("does not say elements: those of the structure are taken, in its order")
    columns, keep = headings.columns()
    waiting = list[int]()
    positions, cells = list[Floats](), list[Floats]()
    for k, image in enumerate(_readable(images(path), path)):
        if k < len(keep) and keep[k]:
            waiting.append(k)
            positions.append(np.array(image.positions_A, dtype=float))
            cells.append(np.array(image.cell_A, dtype=float).reshape(3, 3))
        if waiting and (len(waiting) == AT_ONCE or k + 1 == len(keep)):
            said = {name: values[waiting] for name, values in columns.items()}
            yield {"positions_A": np.array(positions), "cell_A": np.array(cells)} | said
            waiting, positions, cells = [], [], []


def _readable(images: Iterator[_Image], path: Path) -> Iterator[_Image]:
    """Yield images; ASE's readers raise many kinds of errors for a damaged file."""
    for frame in count(1):
        try:
            image = next(images, None)
        except Exception as error:  # noqa: BLE001
            found = f"cannot be read: {' '.join((str(error) or type(error).__name__).split())}"
            raise UserError.of(f"{path}, frame {frame}", found) from None
        if image is None:
            return
        yield image


def _check(image: _Image, symbols: list[str], where: str, *, labelled: bool) -> None:
    if len(image.positions_A) != len(symbols):
        found = f"holds {len(image.positions_A)} atoms"
        raise UserError.of(where, found, f"the structure has {len(symbols)}, and the order counts")
    if labelled and image.symbols != symbols and set(image.symbols) != {"X"}:
        raise UserError.of(where, "holds other atoms", f"the structure has {len(symbols)}, and the order counts")
    if not (np.abs(image.positions_A) <= FARTHEST_A).all():  # False for NaN
        raise UserError.of(where, "a position is not a number, or beyond what makes sense")


class _Image(NamedTuple):
    symbols: list[str]
    positions_A: Any
    cell_A: Any
    info: dict[str, Any]
    energy_eV: float | None


Source = Callable[["Path"], "Iterator[_Image]"]


def _of_traj(path: Path) -> Iterator[_Image]:
    """Yield the frames of a ``.traj`` without making Atoms."""
    from ase.data import chemical_symbols
    from ase.io.trajectory import TrajectoryReader

    with TrajectoryReader(path) as reader:
        symbols: list[str] = []
        for k in range(len(reader)):
            image = reader.backend[k]
            if "numbers" in image:
                symbols = [chemical_symbols[number] for number in image.numbers]
            energy = image.calculator.get("energy") if "calculator" in image else None
            yield _Image(symbols, image.positions, image.cell, image.get("info") or {}, energy)


def _of_ase(path: Path) -> Iterator[_Image]:
    """Yield the frames of any file that ASE reads."""
    from ase.io import iread

    for image in iread(path, do_not_split_by_at_sign=True):
        energy = image.calc.results.get("energy") if image.calc is not None else None
        yield _Image(image.get_chemical_symbols(), image.positions, image.cell.array, image.info, energy)
