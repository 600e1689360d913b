"""Run a job to its end: attempt after attempt, each going on from what the one before left."""

from __future__ import annotations

import errno
import time
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from ase.units import fs

from iondrill.engines.base import Attempt as AttemptEntry
from iondrill.engines.base import Result, Status, StoppedError
from iondrill.engines.cp2k.attempt import MOLDEN, Attempt, Record
from iondrill.engines.cp2k.handlers import Verdict
from iondrill.engines.cp2k.inputs import INPUT, PROJECT, Resume, in_cp2k_cell, moving_atoms, render_input
from iondrill.engines.cp2k.ladder import rungs
from iondrill.engines.cp2k.output import sound_charges, sound_forces
from iondrill.engines.cp2k.restart import is_whole, wavefunction
from iondrill.engines.cp2k.validate import check_input
from iondrill.engines.launch import Signals, deadline_s, only_one
from iondrill.files import write_text
from iondrill.prepare.frames import FrameLog
from iondrill.prepare.jobs import Md, Static
from iondrill.prepare.journal import RUNNING, Journal, state_folder

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.prepare.jobs import Job

MARGIN_S = 600.0
"""Largest part of the time limit that is kept for the last step and the restart file; at most a tenth of it."""
FUTILE = 2
"""Attempts without a step done, after which the job is given back."""


class Run:
    """A job, and the state it keeps in its folder.

    Parameters
    ----------
    job : Job
        At a level of engine cp2k.
    atoms : Atoms
        The start geometry.
    folder : Path
        The job's folder. A file ``EXIT`` that appears in it asks for a soft stop.
    """

    def __init__(self, job: Job, atoms: Atoms, folder: Path) -> None:
        self.job = job
        self.atoms = atoms
        self.folder = folder
        self.digest = job.input_hash(atoms)
        self.state = state_folder(folder, self.digest)
        self.journal = Journal(self.state / "journal.json")
        self.frames = self.state / "frames.bin"
        self.ladder = rungs(job)
        self.deadline_s = deadline_s()

    def to_the_end(self) -> tuple[Result, Atoms]:
        """Run, or go on, until the job is done or cannot be.

        Raises
        ------
        StoppedError
            If it was stopped and may be run again.
        """
        try:
            return self._to_the_end()
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise StoppedError.of(self.folder, "the disk is full", "make room and run it again") from None

    def _to_the_end(self) -> tuple[Result, Atoms]:
        with only_one(self.state / "lock") as lock, Signals() as signals:
            futile, before = 0, -1
            verdict = self._left_over()
            while verdict is None or verdict.action in {"again", "fresh", "climb"}:
                if verdict is not None and signals.count:
                    raise self._stopped(f"stopped by {signals.name}")
                verdict = self._attempt(lock, signals)
                now = self._steps_done()
                moved = now > before and not self.last.log.ended
                futile = 0 if moved or verdict.action == "climb" else futile + 1
                before = max(now, before)
                if futile >= FUTILE and verdict.action in {"again", "fresh"}:
                    raise self._stopped(f"no progress in {FUTILE} attempts, the last was {verdict.reason}")
        if verdict.action in {"stop", "refuse"}:
            raise self._stopped(verdict.reason, hint=verdict.action == "stop")
        return self._result(verdict)

    def _stopped(self, reason: str, *, hint: bool = False) -> StoppedError:
        steps = self._steps_done()
        so_far = f" after step {steps}" if steps > 0 else ""
        attempts = self._attempts()
        advice = "run it again: it goes on from there" if hint or not attempts else f"see {attempts[-1].folder}"
        return StoppedError.of(self.folder, f"{reason}{so_far}", advice)

    # --- attempts -----------------------------------------------------------------------------------------------

    def _attempts(self) -> list[Attempt]:
        """Return all attempts so far, in order."""
        folders = (self.state / f"attempt-{i + 1:03d}" for i in range(len(self.journal.entries)))
        return [Attempt(self.job, self.atoms, folder) for folder in folders]

    def _left_over(self) -> Verdict | None:
        """Return the verdict on the last attempt, if no process has seen it end or written its result; else None."""
        if not self.journal.entries:
            return None
        self.last = last = self._attempts()[-1]
        unseen = self.journal.entries[-1]["reason"] == RUNNING
        if not unseen and last.record.action != "done":
            return None
        verdict = last.recover(self.frames)
        last.note(last.record.model_copy(update={"action": verdict.action}))
        if unseen and verdict.action not in {"again", "fresh"}:
            self.journal.explain(verdict.reason)
        return self._climbed(verdict) if verdict.action in {"climb", "done", "failed", "not_converged"} else None

    def _attempt(self, lock: IO[str], signals: Signals) -> Verdict:
        """Make the next attempt."""
        former = self._attempts()
        resume, start, sources = self._resume(former)
        record = former[-1].record if former else Record(start=0, rung=0)
        # a job that is given another try after the last rung begins at the first
        rung = (record.rung + (record.action == "climb")) % len(self.ladder)
        walltime_s = self._walltime_s()
        self.journal.begin(at=f"step {start}" if start else "")
        self.last = here = self._attempts()[-1]
        here.folder.mkdir(exist_ok=True)
        here.note(Record(start=start, rung=rung))
        text = render_input(self.job, self.atoms, walltime_s=walltime_s, rung=self.ladder[rung], resume=resume)
        check_input(text, here.folder / INPUT, self.job, self.atoms)
        write_text(here.folder / INPUT, text)
        for attempt in former:
            if attempt.folder not in sources:
                attempt.drop_large_files()
        print(f"attempt {len(former) + 1} from step {start}: {self.ladder[rung].name}")
        verdict = here.run(self.journal, self.frames, signals, lock, self.folder / "EXIT")
        here.note(Record(start=start, rung=rung, action=verdict.action))
        reason = f"{verdict.reason} ({signals.name})" if signals.count else verdict.reason
        self.journal.cores = here.log.cores
        self.journal.end(reason, here.log.n_cycles, changed=self.ladder[rung].name if rung else "")
        print(f"attempt {len(former) + 1}: {reason}")
        return self._climbed(verdict)

    def _climbed(self, verdict: Verdict) -> Verdict:
        """Return the verdict, or that the job did not converge if there is no rung left."""
        if verdict.action == "climb" and self.last.record.rung + 1 >= len(self.ladder):
            return Verdict("not_converged", f"{verdict.reason}, on any rung of the ladder")
        return verdict

    def _resume(self, former: list[Attempt]) -> tuple[Resume, int, set[Path]]:
        """Return what the next attempt goes on from, the step of it, and the folders that this is in."""
        restart = guess = hessian = None
        action = former[-1].record.action if former else None
        last_frame = self._last_frame()
        for attempt in reversed(former):
            restart = restart or (None if isinstance(self.job.task, Static) else attempt.restart(last_frame))
            guess = guess or wavefunction(attempt.folder)
            if hessian is None and is_whole(path := attempt.folder / f"{PROJECT}-BFGS.Hessian"):
                hessian = path
        if action in {"climb", "fresh"}:
            guess = hessian = None  # of an SCF that failed, or of a file that cannot be read
        if restart is None:
            hessian = None
        paths = [restart.path if restart else None, guess, hessian]
        names = [None if path is None else f"../{path.parent.name}/{path.name}" for path in paths]
        return Resume(*names), restart.step if restart else 0, {path.parent for path in paths if path}

    def _last_frame(self) -> int | None:
        if not isinstance(self.job.task, Md):
            return None
        with FrameLog.open(self.frames, len(self.atoms)) as log:
            return log.truncate_after(self.job.task.steps)

    def _walltime_s(self) -> int | None:
        """Return the time for CP2K, less a margin.

        Raises
        ------
        StoppedError
            If there is none left.
        """
        if self.deadline_s is None:
            return None
        left_s = self.deadline_s - time.time()
        left_s -= min(MARGIN_S, 0.1 * left_s)
        if left_s < 1:
            raise self._stopped("no time is left", hint=True)
        return int(left_s)

    def _steps_done(self) -> int:
        """Return the last step that the next attempt can go on from."""
        return self._resume(self._attempts())[1]

    # --- result -------------------------------------------------------------------------------------------------

    def _result(self, verdict: Verdict) -> tuple[Result, Atoms]:
        """Return record and last geometry; energy and force only of a job that is done."""
        status: Status = "converged"
        atoms = self.atoms.copy()
        found: dict[str, Any] = {"n_ionic_steps": self._move_to_last(atoms)}
        if verdict.action == "done":
            found |= self._numbers(atoms)
        else:
            status = "not_converged" if verdict.action == "not_converged" else "failed"
            self.journal.explain(verdict.reason)
        result = Result(
            status=status,
            level=self.job.level_name,
            engine="cp2k",
            engine_version=self.last.log.version,
            n_scf_cycles=int(self.journal.cost("n_scf_cycles")),
            wall_s=self.journal.cost("wall_s"),
            core_s=self.journal.cost("core_s"),
            attempts=[AttemptEntry(reason=e["reason"], changed=e["changed"]) for e in self.journal.entries],
            input_hash=self.digest,
            **found,
        )
        return result, atoms

    def _move_to_last(self, atoms: Atoms) -> int:
        """Move the atoms to the last geometry, with its velocities; return the steps done."""
        final = None if isinstance(self.job.task, Static) else self.last.final()
        if final is None:
            return 0
        shift_A = in_cp2k_cell(self.job, self.atoms).positions[0] - self.atoms.positions[0]
        atoms.set_positions(final.positions_A - shift_A, apply_constraint=False)
        if final.velocities_A_fs is not None:
            atoms.set_velocities(final.velocities_A_fs / fs)
        return final.step

    def _numbers(self, atoms: Atoms) -> dict[str, Any]:
        """Return energy and largest force of a job that is done; publish its orbitals and charges."""
        job, log, scf = self.job, self.last.log, self.last.log.scf[-1]
        if isinstance(job.task, Md):
            return {"energy_eV": scf.energy_eV}
        forces = sound_forces(log, len(atoms))
        moving = moving_atoms(atoms)
        largest = 0.0 if forces is None else float(np.linalg.norm(forces[moving], axis=1).max(initial=0.0))
        if isinstance(job.task, Static) and job.task.wavefunction:
            self._publish_wavefunction()
            for name, charges_e in (("hirshfeld_e", scf.hirshfeld_e), ("mulliken_e", scf.mulliken_e)):
                charges = sound_charges(charges_e, job.charge)
                if charges is not None and len(charges) == len(atoms):
                    atoms.set_array(name, charges)
        return {"energy_eV": scf.energy_eV, "max_force_eV_A": largest}

    def _publish_wavefunction(self) -> None:
        """Move the orbitals to the job's folder, with the valence electrons that Multiwfn asks for."""
        from iondrill.engines.cp2k.inputs import valence_electrons
        from iondrill.engines.molden import append_valence

        orbitals = self.last.folder / MOLDEN
        append_valence(orbitals, valence_electrons(self.job, self.atoms))
        orbitals.replace(self.folder / "wavefunction.molden")
