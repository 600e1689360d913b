"""What an attempt leaves for the next one: restart files and wavefunctions, taken only when they are whole."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase.units import Bohr, Hartree, fs

from iondrill.engines.cp2k.inputs import ATOMIC_TIME, PROJECT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

MARKER = struct.Struct("<i")
BACKUPS = 3
_NAMES = {"MD": "STEPS", "GEO_OPT": "STEPS"}  # both hold the number of steps done
_ATOMS = "SUBSYS/COORD"  # a Nosé thermostat has COORD and VELOCITY of its own
_VELOCITIES = "SUBSYS/VELOCITY"
_STEPS = "MOTION/STEPS"


@dataclass(frozen=True)
class Restart:
    """A restart file.

    Attributes
    ----------
    path : Path
        The file.
    step : int
        Steps done.
    positions_A : array (n, 3)
        In CP2K's cell.
    velocities_A_fs : array (n, 3) or None
        Of molecular dynamics.
    """

    path: Path
    step: int
    positions_A: NDArray[np.float64]
    velocities_A_fs: NDArray[np.float64] | None


def read_restart(path: Path, symbols: Sequence[str]) -> Restart | None:
    """Read a restart file, or return None if it is missing, cut, damaged, or not of these atoms.

    Parameters
    ----------
    path : Path
        ``job-1.restart`` or one of its backup copies.
    symbols : sequence of str
        The elements of the job's atoms, in order.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    sections = _sections(lines)
    coordinates = sections.get(_ATOMS, [])
    if [words[0] for words in coordinates] != list(symbols):
        return None
    positions = _vectors([words[1:4] for words in coordinates])
    velocities = _vectors(sections[_VELOCITIES]) if _VELOCITIES in sections else None
    if positions is None or (_VELOCITIES in sections and (velocities is None or velocities.shape != positions.shape)):
        return None
    if velocities is not None:
        velocities = velocities * Bohr / (ATOMIC_TIME / fs)
    steps = [words[1] for words in sections.get(_STEPS, []) if words[0] == "STEP_START_VAL" and len(words) == 2]
    return Restart(path, int(steps[0]) if steps and steps[0].isdecimal() else 0, positions, velocities)


def _sections(lines: list[str]) -> dict[str, list[list[str]]]:
    """Return the words of the lines of each section, by its name and its parent's; nothing if one is not closed."""
    found: dict[str, list[list[str]]] = {}
    opened: list[str] = []
    for words in filter(None, (line.split() for line in lines)):
        name = words[0].upper()
        if name == "&END":
            if not opened or opened.pop() != _NAMES.get(words[-1].upper(), words[-1].upper()):
                return {}
        elif name.startswith("&"):
            opened.append(_NAMES.get(name[1:], name[1:]))
            found.setdefault("/".join(opened[-2:]), [])
        elif opened:
            found["/".join(opened[-2:])].append(words)
    return {} if opened else found


def _vectors(rows: list[list[str]]) -> NDArray[np.float64] | None:
    """Return rows of three finite numbers, or None."""
    try:
        vectors = np.array(rows, dtype=float)
    except ValueError:
        return None
    return vectors if vectors.ndim == 2 and vectors.shape[1] == 3 and np.isfinite(vectors).all() else None


def restarts(folder: Path, symbols: Sequence[str]) -> list[Restart]:
    """Return the whole restart files of an attempt, the one with most steps first."""
    name = f"{PROJECT}-1.restart"
    paths = [folder / name, *(folder / f"{name}.bak-{i}" for i in range(1, BACKUPS + 1))]
    found = [restart for path in paths if (restart := read_restart(path, symbols))]
    return sorted(found, key=lambda restart: -restart.step)


def wavefunction(folder: Path) -> Path | None:
    """Return the newest whole wavefunction of an attempt, Γ or k-points."""
    names = [f"{PROJECT}-RESTART.{ending}{backup}" for backup in ("", ".bak-1") for ending in ("wfn", "kp")]
    return next((folder / name for name in names if is_whole(folder / name)), None)


def write_hessian(path: Path, hessian_eV_A2: NDArray[np.float64]) -> None:
    """Write a Hessian as CP2K's BFGS reads it: a Fortran record for each column, hartree/bohr².

    Parameters
    ----------
    path : Path
        The file.
    hessian_eV_A2 : array (3n, 3n)
        Of all atoms, fixed ones too.
    """
    mark = MARKER.pack(8 * len(hessian_eV_A2))
    columns = (np.ascontiguousarray(hessian_eV_A2.T) * Bohr**2 / Hartree).astype("<f8")
    path.write_bytes(b"".join(mark + column.tobytes() + mark for column in columns))


def is_whole(path: Path) -> bool:
    """Say whether a file consists of whole Fortran records: each between two equal marks of its length.

    A record of more than 2 GB is cut into several, all but the last with a negative mark (gfortran manual,
    "File format of unformatted sequential files").
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            while file.tell() < size:
                before = file.read(MARKER.size)
                if len(before) < MARKER.size:
                    return False
                length = abs(MARKER.unpack(before)[0])
                if file.tell() + length + MARKER.size > size:
                    return False
                file.seek(length, 1)
                if abs(MARKER.unpack(file.read(MARKER.size))[0]) != length:
                    return False
            return size > 0
    except OSError:
        return False
