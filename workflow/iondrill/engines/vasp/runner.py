"""Run a job by VASP: what an attempt resumes from, and what its result is."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from iondrill.engines.base import FORCES
from iondrill.engines.external import run as attempts
from iondrill.engines.vasp.attempt import Attempt
from iondrill.engines.vasp.inputs import in_vasp_cell, render_inputs, species_order
from iondrill.engines.vasp.ladder import Fallback, fallbacks
from iondrill.engines.vasp.output import CHGCAR, ELFCAR, OUTCAR, WAVECAR, Log
from iondrill.engines.vasp.potcar import remove_potcar
from iondrill.engines.vasp.restart import next_positions, wavefunction
from iondrill.engines.vasp.validate import check_inputs
from iondrill.files import write_text
from iondrill.geometry.constraints import fixed_directions, largest_force_eV_A
from iondrill.jobs.job import Relax, Static

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.engines.external.attempt import Verdict
    from iondrill.engines.external.launch import Signals
    from iondrill.jobs.job import Job

    Array = NDArray[np.float64]


class Resume(NamedTuple):
    """What the next attempt resumes from."""

    step: int = 0
    """Ionic steps done."""
    fractional: Array | None = None
    """Positions in the order of the POSCAR; None for those of the job."""
    orbitals: Path | None = None


class Run(attempts.Run[Attempt]):
    """A job, and the state it keeps in its folder; see `iondrill.engines.external.run.Run`."""

    engine = "vasp"
    ladder: list[Fallback]

    def __init__(self, job: Job, atoms: Atoms, folder: Path) -> None:
        super().__init__(job, atoms, folder)
        self.ladder = fallbacks(job)
        self.order = species_order(atoms.get_chemical_symbols())
        self.boxed = in_vasp_cell(job, atoms)

    def attempt_in(self, folder: Path) -> Attempt:
        """Return the attempt of a folder."""
        return Attempt(self.job, self.atoms, folder)

    def steps_done(self) -> int:
        """Return the ionic steps done whose SCF has converged."""
        return self._resume(self.attempts()).step

    def make(
        self, here: Attempt, former: list[Attempt], signals: Signals, lock: IO[str], walltime_s: int | None
    ) -> Verdict:
        """Make an attempt; see `iondrill.engines.external.run.Run.make`."""
        for attempt in former:
            remove_potcar(attempt.folder)
        resume, fallback = self._resume(former), self.ladder[here.record.fallback]
        boxed = self.moved(resume.fractional)
        files = render_inputs(
            self.job,
            self.atoms,
            boxed=boxed,
            nsw=here.nsw,
            fallback=fallback,
            from_orbitals=resume.orbitals is not None,
        )
        for name, text in files.items():
            write_text(here.folder / name, text)
        check_inputs(here.folder, self.job, boxed)
        if resume.orbitals is not None:
            resume.orbitals.replace(here.folder / WAVECAR)
        for attempt in former:
            attempt.drop_large_files()
        return here.run(self.journal, signals, lock, self.folder, walltime_s)

    def _resume(self, former: list[Attempt]) -> Resume:
        """Return what the next attempt resumes from."""
        action = former[-1].record.action if former else None
        orbitals = None
        if action not in {"climb", "fresh"}:  # those of an SCF that failed, or that cannot be read
            orbitals = next((path for attempt in reversed(former) if (path := wavefunction(attempt.folder))), None)
        if isinstance(self.job.task, Static):
            return Resume(orbitals=orbitals)
        for attempt in reversed(former):
            log = Log.read(attempt.folder / OUTCAR)
            fractional = next_positions(attempt.folder, log, attempt.symbols, self.boxed.cell.array)
            if fractional is not None:
                return Resume(attempt.record.start + log.n_sound, fractional, orbitals)
        return Resume(orbitals=orbitals)

    def moved(self, fractional: Array | None) -> Atoms:
        """Return the structure in VASP's cell, each atom in the image that it started in.

        Parameters
        ----------
        fractional : array (n, 3) or None
            In the order of the POSCAR, wrapped into the cell or not; None for where the job starts.
        """
        atoms = self.boxed.copy()
        if fractional is not None:
            start = atoms.get_scaled_positions(wrap=False)
            step = fractional[np.argsort(self.order)] - start
            positions_A = (start + step - np.round(step)) @ atoms.cell.array
            fixed = fixed_directions(atoms)
            atoms.set_positions(np.where(fixed, atoms.positions, positions_A), apply_constraint=False)
        return atoms

    def findings(self, atoms: Atoms, *, done: bool) -> dict[str, Any]:
        """Return steps, and the numbers of a job that is done; publish its grids."""
        results = self.last.results
        if not done or results is None:
            resume = self._resume(self.attempts())
            self._move(atoms, resume.fractional)
            return {"n_ionic_steps": resume.step}
        if isinstance(self.job.task, Static):
            # not moved: with the digits of vasprun.xml it would no longer be the structure of the job's hash
            atoms.set_array(FORCES, results.forces_eV_A[np.argsort(self.order)])
        else:
            self._move(atoms, results.fractional)
        if isinstance(self.job.task, Static) and self.job.task.wavefunction:
            for name in (ELFCAR, CHGCAR):
                (self.last.folder / name).replace(self.folder / name)
        self.last.drop_large_files()
        steps = self.last.record.start + self.last.log.n_sound if isinstance(self.job.task, Relax) else 0
        return {
            "n_ionic_steps": steps,
            "energy_eV": results.energy_eV,
            "max_force_eV_A": largest_force_eV_A(results.forces_eV_A, atoms[self.order]),
            "magnetisation_muB": results.magnetisation_muB,
        }

    def _move(self, atoms: Atoms, fractional: Array | None) -> None:
        """Move the job's atoms to positions of VASP's cell."""
        shift_A = self.boxed.positions[0] - self.atoms.positions[0]
        atoms.set_positions(self.moved(fractional).positions - shift_A, apply_constraint=False)
