"""Frames of molecular dynamics: from CP2K's trajectory files, as they grow, into the log of frames."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from ase.units import Bohr, Hartree, fs

from iondrill.engines.cp2k.inputs import ATOMIC_TIME, PROJECT
from iondrill.engines.external.tail import Tail
from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from iondrill.engines.cp2k.output import Log
    from iondrill.jobs.frames import FrameLog

    Array = NDArray[np.float64]

_STEP = re.compile(r"\bi\s*=\s*(\d+)")
ANGSTROM_FS = Bohr / (ATOMIC_TIME / fs)


class XyzTail:
    """A growing XYZ file of CP2K, whose comment lines say the step. After damage it gives no more frames."""

    def __init__(self, path: Path, symbols: Sequence[str]) -> None:
        self._tail = Tail(path)
        self._symbols = list(symbols)
        self._whole = True

    def frames(self) -> dict[int, Array]:
        """Return the new frames, (n_atoms, 3) each, by step."""
        size, found = len(self._symbols) + 2, {}
        lines = self._tail.lines(size) if self._whole else []
        for start in range(0, len(lines), size):
            count, comment, *rows = lines[start : start + size]
            step = _STEP.search(comment)
            vectors = self._vectors([row.split() for row in rows])
            self._whole = count.strip() == str(len(rows)) and step is not None and vectors is not None
            if step is None or vectors is None or not self._whole:
                break
            found[int(step.group(1))] = vectors
        return found

    def _vectors(self, rows: list[list[str]]) -> Array | None:
        if [row[0] for row in rows if row] != self._symbols:
            return None
        try:
            vectors = np.array([row[1:] for row in rows], dtype=float)
        except ValueError:
            return None
        return vectors if vectors.shape == (len(rows), 3) and np.isfinite(vectors).all() else None


class Harvest:
    """Bring the frames of one attempt into the log, in order, each once.

    A frame is taken when positions, velocities, forces and energies of its step are there, its SCF has converged
    by CP2K's log, and it is the one that is due; a frame that is there already is dropped. After a frame that is
    missing or damaged nothing more is taken: the next attempt resumes from before it.

    Parameters
    ----------
    folder : Path
        Of the attempt.
    frames : FrameLog
        Where they go.
    symbols : sequence of str
        Elements of the atoms.
    shift_A : array (3,)
        Where CP2K's cell has the atoms, less where the job has them.
    start : int
        The step that the attempt started from: that of its first SCF.
    last : int
        Last step in the log; minus `stride` for none.
    stride : int
        Steps from frame to frame.
    charge : int
        Of the system, e.
    temperature_K : callable
        Of velocities (n, 3) in ASE's unit; CP2K's own counts a launch, and what it gives to the rest, as heat.

    Attributes
    ----------
    damage : str
        What is wrong with the charges of the frame that is due.
    """

    def __init__(
        self,
        folder: Path,
        frames: FrameLog,
        symbols: Sequence[str],
        *,
        shift_A: Array,
        start: int,
        last: int,
        stride: int,
        charge: int,
        temperature_K: Callable[[Array], float],
    ) -> None:
        self._log = frames
        self._temperature_K = temperature_K
        self._symbols = symbols
        self.damage = ""
        self._shift_A = shift_A
        self._start, self._stride, self._charge = start, stride, charge
        self.last = last
        self._parts = [XyzTail(folder / f"{PROJECT}-{part}-1.xyz", symbols) for part in ("pos", "vel", "frc")]
        self._energies = Tail(folder / f"{PROJECT}-1.ener")
        self._waiting: list[dict[int, Array]] = [{}, {}, {}, {}]

    def take(self, log: Log) -> int:
        """Append what is there by now; return the last step in the log of frames."""
        for i, part in enumerate(self._parts):
            self._waiting[i] |= part.frames()
        for line in self._energies.lines():
            if (row := _energy_row(line)) is not None:
                self._waiting[3][int(row[0])] = row
        due = self.last + self._stride
        while all(due in waiting for waiting in self._waiting) and due - self._start < log.n_sound:
            try:
                charges = log.scf[due - self._start].charges_e("Hirshfeld", self._symbols, self._charge)
            except UserError as error:
                self.damage = str(error)
                break
            positions, velocities, forces, energies = (waiting[due] for waiting in self._waiting)
            self._log.append(
                step=due,
                time_fs=energies[1],
                temperature_K=self._temperature_K(velocities * ANGSTROM_FS / fs),
                potential_eV=energies[4] * Hartree,
                conserved_eV=energies[5] * Hartree,
                positions_A=positions - self._shift_A,
                velocities_A_fs=velocities * ANGSTROM_FS,
                forces_eV_A=forces * Hartree / Bohr,
                charges_e=charges,
            )
            self.last, due = due, due + self._stride
        for waiting in self._waiting:
            for step in [step for step in waiting if step <= self.last]:
                del waiting[step]
        return self.last


def _energy_row(line: str) -> Array | None:
    """Return step, time, kinetic, temperature, potential, conserved, seconds; None for a comment or damage."""
    try:
        row = np.array(line.split(), dtype=float)
    except ValueError:
        return None
    return row if row.shape == (7,) and np.isfinite(row).all() else None
