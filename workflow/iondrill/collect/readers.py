"""Frames of any trajectory, some at a time, so that memory does not grow with its length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iondrill.collect.xyz import Chunk, xyz_chunks
from iondrill.errors import UserError
from iondrill.prepare.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ase import Atoms

AT_ONCE = 64


def read_chunks(path: Path, atoms: Atoms) -> Iterator[Chunk]:
    """Yield the frames of a trajectory, some at a time.

    Parameters
    ----------
    path : Path
        A log of frames (``.bin``), XYZ as CP2K or ASE writes it (``.xyz``, ``.extxyz``), ASE's ``.traj``, or
        anything else that ASE reads.
    atoms : Atoms
        Its species, in its order.

    Yields
    ------
    dict of arrays
        ``positions_A`` (n_frames, n_atoms, 3) and ``step`` (n_frames,); ``time_fs``, ``temperature_K``,
        ``potential_eV`` and ``conserved_eV`` where the file has them. Frames without a step are counted from 0.

    Raises
    ------
    UserError
        Names file and frame: cut, damaged, of other atoms, or a position that is not a number.
    """
    if not path.is_file():
        raise UserError.of(path, "is no file")
    if path.suffix == ".bin":
        yield from log_chunks(Frames(path), len(atoms))
    elif path.suffix in {".xyz", ".extxyz"}:
        yield from xyz_chunks(path, atoms.get_chemical_symbols())
    else:
        yield from _ase_chunks(path, atoms)


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


def _ase_chunks(path: Path, atoms: Atoms) -> Iterator[Chunk]:
    """Yield what ASE reads; its readers raise many kinds of errors for a damaged file."""
    symbols, waiting, count = atoms.get_chemical_symbols(), list[dict[str, Any]](), 0
    frames = _traj_frames(path) if path.suffix == ".traj" else _ase_frames(path)
    while True:
        try:
            frame = next(frames, None)
        except Exception as error:  # noqa: BLE001
            where = f"{path}, frame {count + 1}"
            raise UserError.of(where, f"cannot be read: {str(error) or type(error).__name__}") from None
        if frame is not None:
            _check(frame, symbols, f"{path}, frame {count + 1}")
            waiting.append({"step": count} | {name: value for name, value in frame.items() if name != "symbols"})
            count += 1
        if waiting and (frame is None or len(waiting) == AT_ONCE):
            yield _stacked(waiting)
            waiting = []
        if frame is None:
            break
    if not count:
        raise UserError.of(path, "holds no frame")


def _check(frame: dict[str, Any], symbols: Sequence[str], where: str) -> None:
    if frame["symbols"] != symbols:
        found = f"holds {len(frame['symbols'])} atoms" if len(frame["symbols"]) != len(symbols) else "holds other atoms"
        raise UserError.of(where, found, f"the structure has {len(symbols)}, and the order counts")
    if not np.isfinite(frame["positions_A"]).all():
        raise UserError.of(where, "a position is not a number")


def _stacked(frames: Iterable[dict[str, Any]]) -> Chunk:
    """Return frames as arrays, without what some of them lack."""
    several = list(frames)
    names = [name for name in several[0] if all(name in frame for frame in several)]
    return {name: np.array([frame[name] for frame in several]) for name in names}


def _traj_frames(path: Path) -> Iterator[dict[str, Any]]:
    """Yield positions, and what else is of use, of each frame of a ``.traj``, without making Atoms."""
    from ase.data import chemical_symbols
    from ase.io.trajectory import TrajectoryReader

    with TrajectoryReader(path) as reader:
        symbols: list[str] = []
        for k in range(len(reader)):
            image = reader.backend[k]
            if "numbers" in image:
                symbols = [chemical_symbols[number] for number in image.numbers]
            energy = image.calculator.get("energy") if "calculator" in image else None
            yield _frame(symbols, image.positions, image.get("info") or {}, energy)


def _ase_frames(path: Path) -> Iterator[dict[str, Any]]:
    from ase.io import iread

    for image in iread(path):
        energy = image.calc.results.get("energy") if image.calc is not None else None
        yield _frame(image.get_chemical_symbols(), image.positions, image.info, energy)


def _frame(symbols: list[str], positions_A: Any, info: dict[str, Any], energy_eV: float | None) -> dict[str, Any]:
    frame: dict[str, Any] = {"symbols": symbols, "positions_A": positions_A}
    frame |= {name: info[name] for name in ("step", "time_fs") if name in info}
    return frame if energy_eV is None else {**frame, "potential_eV": energy_eV}
