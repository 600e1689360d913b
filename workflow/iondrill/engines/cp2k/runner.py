"""Run a job by CP2K: what an attempt resumes from, and what its result is."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ase.units import fs

from iondrill.engines.base import FORCES
from iondrill.engines.cp2k.attempt import LOG, MOLDEN, Attempt
from iondrill.engines.cp2k.inputs import (
    BFGS_UP_TO_ATOMS,
    INPUT,
    PROJECT,
    Resume,
    charge_schemes,
    in_cp2k_cell,
    reads_own_guess,
    render_input,
    without_charges,
)
from iondrill.engines.cp2k.ladder import Diagonalisation, OrbitalTransformation, fallbacks
from iondrill.engines.cp2k.output import Log, sound_forces
from iondrill.engines.cp2k.restart import is_whole, wavefunction, write_hessian
from iondrill.engines.cp2k.validate import check_input
from iondrill.engines.external import run as attempts
from iondrill.engines.external.attempt import Verdict
from iondrill.engines.folder import GUESS, WAVEFUNCTION, exit_file
from iondrill.engines.length import FRAMES, longer_than, move_to_end
from iondrill.errors import UserError
from iondrill.files import write_text
from iondrill.geometry.constraints import fixed_directions, largest_force_eV_A
from iondrill.geometry.model_hessian import spring_hessian
from iondrill.jobs.frames import ALL_STEPS, FrameLog
from iondrill.jobs.job import CUBES, Md, Relax, Static

if TYPE_CHECKING:
    import numpy as np
    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.engines.external.launch import Signals
    from iondrill.jobs.job import Job

NO_MOMENT_E = 0.1
"""Integral of the spin density without its sign, below which it is what an SCF has not yet got rid of."""
SPRINGS = "springs.Hessian"
NEAR_SCF = 1e-3
"""Of CP2K's measure of convergence: below it an SCF is slow, not lost."""


class Run(attempts.Run[Attempt]):
    """A job, and the state it keeps in its folder; see `iondrill.engines.external.run.Run`."""

    engine = "cp2k"
    ladder: list[OrbitalTransformation | Diagonalisation]

    def __init__(self, job: Job, atoms: Atoms, folder: Path) -> None:
        super().__init__(job, atoms, folder)
        self.frames = self.state / FRAMES
        self.ladder = fallbacks(job)

    def attempt_in(self, folder: Path) -> Attempt:
        """Return the attempt of a folder."""
        return Attempt(self.job, self.atoms, folder)

    def steps_done(self) -> int:
        """Return the last step that the next attempt can resume from."""
        return self._resume(self.attempts())[0].step

    def next_fallback(self, last: Attempt) -> int:
        """Return the next entry of the ladder after an attempt; a restricted one only where no moment would be lost."""
        no_moment = Log.read(last.folder / LOG).spin_e < NO_MOMENT_E
        rest = range(super().next_fallback(last), len(self.ladder))
        return next((i for i in rest if no_moment or not self.ladder[i].restricted), len(self.ladder))

    def make(
        self, here: Attempt, former: list[Attempt], signals: Signals, lock: IO[str], walltime_s: int | None
    ) -> Verdict:
        """Make an attempt; see `iondrill.engines.external.run.Run.make`."""
        resume, sources = self._resume(former)
        fallback = self.ladder[here.record.fallback]
        if (self.folder / GUESS).exists():
            used = resume.guess is not None and Path(resume.guess).name == GUESS
            self.journal.remark("SCF started from the wavefunction of another job" if used else "guess.wfn not used")
        if reads_own_guess(self.job) and resume.guess is not None:
            shutil.copyfile(here.folder / resume.guess, here.folder / f"{PROJECT}-RESTART.kp")
            resume = resume._replace(guess=None)
        relaxes = isinstance(self.job.task, Relax) and self.job.sampled and len(self.atoms) <= BFGS_UP_TO_ATOMS
        if relaxes and resume.hessian is None:
            write_hessian(here.folder / SPRINGS, self._springs_eV_A2())
            resume = resume._replace(hessian=SPRINGS)
        text = render_input(self.job, self.atoms, walltime_s=walltime_s, fallback=fallback, resume=resume)
        check_input(text, here.folder / INPUT, self.job, self.atoms)
        write_text(here.folder / INPUT, text)
        for attempt in former:
            if attempt.folder not in sources:
                attempt.drop_large_files()
        return here.run(self.journal, signals, lock, exit_file(self.folder))

    def _springs_eV_A2(self) -> NDArray[np.float64]:
        """Return a first Hessian (3n, 3n) for BFGS, in which fixed atoms exert no force on others.

        CP2K's own model knows one image of each neighbour: in a narrow cell it is far too soft, and the energy
        goes up at first.
        """
        fixed = fixed_directions(self.atoms).ravel()
        hessian_eV_A2 = spring_hessian(self.atoms)
        hessian_eV_A2[fixed[:, None] != fixed] = 0
        return hessian_eV_A2

    def _resume(self, former: list[Attempt]) -> tuple[Resume, set[Path]]:
        """Return what the next attempt resumes from, and the folders that this is in."""
        restart = guess = hessian = None
        last_frame = self._last_frame()
        for attempt in reversed(former):
            restart = restart or (None if isinstance(self.job.task, Static) else attempt.restart(last_frame))
            guess = guess or wavefunction(attempt.folder)
            if hessian is None and is_whole(path := attempt.folder / f"{PROJECT}-BFGS.Hessian"):
                hessian = path
        action = former[-1].record.action if former else None
        if action == "fresh" or (action == "climb" and not self._was_near(former[-1])):
            guess = hessian = None  # of a file that cannot be read, or of an SCF that went astray
        if restart is None:
            hessian = None
        failed = any(attempt.record.action in {"climb", "fresh"} for attempt in former)
        if guess is None and not failed and is_whole(self.folder / GUESS):
            guess = self.folder / GUESS
        paths = [restart.path if restart else None, guess, hessian]
        names = (None if path is None else os.path.relpath(path, self.state / "attempt") for path in paths)
        resume = Resume(restart.step if restart else 0, *names)
        return resume, {path.parent for path in paths if path}

    def _was_near(self, failed: Attempt) -> bool:
        """Say whether the next fallback should start from where an SCF that was too slow ended."""
        following = self.ladder[self.next_fallback(failed) % len(self.ladder)]
        return isinstance(following, OrbitalTransformation) and Log.read(failed.folder / LOG).convergence < NEAR_SCF

    def _last_frame(self) -> int | None:
        if not isinstance(self.job.task, Md):
            return None
        with FrameLog.open(self.frames, len(self.atoms)) as log:
            return log.truncate_after(ALL_STEPS)

    def left_over(self) -> Verdict | None:
        """Return the verdict on the last attempt; see `iondrill.engines.external.run.Run.left_over`.

        A run of which there is more than is asked for is done.
        """
        verdict = super().left_over()
        if not isinstance(self.job.task, Md) or not (longer := longer_than(self.job.task, self.state)):
            return verdict
        self.last = self.attempts()[-1]
        self.last.log = Log.read(self.last.folder / LOG)
        self.journal.remark(longer)
        return Verdict("done", "finished")

    # --- result -------------------------------------------------------------------------------------------------

    def findings(self, atoms: Atoms, *, done: bool) -> dict[str, Any]:
        """Return steps, and energy and force of a job that is done."""
        if done and isinstance(self.job.task, Md):
            last = move_to_end(atoms, self.job.task, self.state)
            return {"energy_eV": float(last["potential_eV"]), "n_ionic_steps": int(last["step"])}
        steps = {"n_ionic_steps": self._move_to_last(atoms)}
        return steps | self._numbers(atoms) if done else steps

    def _move_to_last(self, atoms: Atoms) -> int:
        """Move the atoms to the last geometry, with its velocities; return the steps done."""
        final = None if isinstance(self.job.task, Static) else self.last.final()
        if final is None:
            return 0
        shift_A = in_cp2k_cell(self.job, self.atoms).positions[0] - self.atoms.positions[0]
        # rounded far below what is written: to move there and back must leave no trace in atoms that are fixed
        atoms.set_positions((final.positions_A - shift_A).round(12), apply_constraint=False)
        if final.velocities_A_fs is not None:
            atoms.set_velocities(final.velocities_A_fs / fs)
        return final.step

    def _numbers(self, atoms: Atoms) -> dict[str, Any]:
        """Return energy and largest force of a job that is done; publish its orbitals and charges."""
        job, log, scf = self.job, self.last.log, self.last.log.scf[-1]
        forces = sound_forces(log, len(atoms))
        if isinstance(job.task, Static) and job.task.cubes:
            (self.folder / CUBES).mkdir(exist_ok=True)
            for name, path in self.last.cubes().items():
                path.replace(self.folder / CUBES / f"{name}.cube")
        if isinstance(job.task, Static) and forces is not None:
            atoms.set_array(FORCES, forces)
        if isinstance(job.task, Static) and job.task.wavefunction:
            self._publish_wavefunction()
        self._attach_charges(atoms)
        return {
            "energy_eV": scf.energy_eV,
            "max_force_eV_A": largest_force_eV_A(forces, atoms),
        }

    def _attach_charges(self, atoms: Atoms) -> None:
        """Give the atoms the charges of the last SCF; those that are not sound are left out, and the record says so."""
        damage = []
        if missing := without_charges(self.job, self.atoms):
            damage.append(f"{', '.join(missing)} on a grid of its own (GAPW), which CP2K's Hirshfeld charges miss")
        for scheme in charge_schemes(self.job, self.atoms):
            try:
                charges_e = self.last.log.scf[-1].charges_e(scheme, self.last.symbols, self.job.charge)
                atoms.set_array(f"{scheme.lower()}_e", charges_e)
            except UserError as error:
                damage.append(str(error))
        if damage:
            self.journal.explain("; ".join(["finished without all charges", *damage]))

    def _publish_wavefunction(self) -> None:
        """Put the orbitals into the job's folder: as Molden with what Multiwfn asks for, and for the next frame."""
        from iondrill.engines.cp2k.inputs import valence_electrons
        from iondrill.engines.molden import append_valence

        orbitals = self.last.folder / MOLDEN
        append_valence(orbitals, valence_electrons(self.job, self.atoms))
        orbitals.replace(self.folder / "wavefunction.molden")
        if (binary := wavefunction(self.last.folder)) is not None:
            shutil.copyfile(binary, self.folder / WAVEFUNCTION)
