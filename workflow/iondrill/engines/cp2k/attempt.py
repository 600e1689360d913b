"""One attempt at a job: its folder, its input, its program, and what it left."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from shutil import disk_usage
from typing import IO, TYPE_CHECKING

from iondrill.config.levels import Cp2kLevel
from iondrill.engines.cp2k import restart as restarts_of
from iondrill.engines.cp2k.handlers import Ending, judge
from iondrill.engines.cp2k.inputs import INPUT, PROJECT, in_cp2k_cell
from iondrill.engines.cp2k.output import Log, sound_forces
from iondrill.engines.cp2k.trajectory import Harvest
from iondrill.engines.embedded.velocities import bodies, temperature_K
from iondrill.engines.external import attempt
from iondrill.engines.external.attempt import EXIT, LAUNCHER_OUTPUT, Verdict
from iondrill.engines.external.launch import Program, Signals
from iondrill.engines.external.tail import Tail
from iondrill.geometry.constraints import moving_atoms
from iondrill.jobs.frames import ALL_STEPS, FrameLog
from iondrill.jobs.job import Md, Relax, Static

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.jobs.job import Job
    from iondrill.jobs.journal import Journal

LOG = f"{PROJECT}.out"
MOLDEN = f"{PROJECT}-MOS-1_0.molden"
CUBE_FILES = {
    "elf-1": f"{PROJECT}-ELF_S1-1_0.cube",
    "elf-2": f"{PROJECT}-ELF_S2-1_0.cube",
    "density": f"{PROJECT}-ELECTRON_DENSITY-1_0.cube",
    "spin": f"{PROJECT}-SPIN_DENSITY-1_0.cube",
}
"""By the name under which they are published; the second and the last of spin-polarised runs only."""
LARGE_FILES = ("*.wfn*", "*.kp*", "*.restart*", "*.xyz", "*.ener", "*.Hessian*", "*.molden", "*.cube")
LOOK_EVERY_S = 0.5


class Attempt(attempt.Attempt):
    """An attempt, running or past; see `iondrill.engines.external.attempt.Attempt`."""

    log: Log
    large = LARGE_FILES

    def __init__(self, job: Job, atoms: Atoms, folder: Path) -> None:
        super().__init__(job, atoms, folder)
        self.symbols: list[str] = atoms.get_chemical_symbols()
        self.log = Log()
        self.frames_file = folder.parent / "frames.bin"

    # --- what is on disk ----------------------------------------------------------------------------------------

    def final(self) -> restarts_of.Restart | None:
        """Return the restart file with most steps."""
        return next(iter(restarts_of.restarts(self.folder, self.symbols)), None)

    def restart(self, last_frame: int | None) -> restarts_of.Restart | None:
        """Return the restart file to resume from, or None.

        It is of a step whose SCF has converged, and no frame before it is missing.

        Parameters
        ----------
        last_frame : int or None
            Last step in the log of frames, of molecular dynamics.
        """
        found = restarts_of.restarts(self.folder, self.symbols)
        if not isinstance(self.job.task, Md):
            return next(iter(found), None)
        sound = self.record.start + Log.read(self.folder / LOG).n_sound - 1
        stride = self.job.task.save_every
        frames = -1 if last_frame is None else last_frame
        last = min(sound, self.job.task.steps - 1)  # CP2K writes nothing if there is no step to do
        return next((r for r in found if r.step <= last and r.step // stride * stride <= frames), None)

    def cubes(self) -> dict[str, Path]:
        """Return the cube files that are there, by the name under which they are published."""
        return {name: path for name, file in CUBE_FILES.items() if (path := self.folder / file).is_file()}

    # --- running ------------------------------------------------------------------------------------------------

    def frames(self) -> FrameLog | None:
        """Open the log of frames, if the job has one."""
        return FrameLog.open(self.frames_file, len(self.atoms)) if isinstance(self.job.task, Md) else None

    def harvest(self, frames: FrameLog, last: int | None) -> Harvest:
        """Return what brings the frames of this attempt into their log."""
        task = self.job.task
        if not isinstance(task, Md):
            raise TypeError(f"{task.task} has no frames")
        shift_A = in_cp2k_cell(self.job, self.atoms).positions[0] - self.atoms.positions[0]
        return Harvest(
            self.folder,
            frames,
            self.symbols,
            shift_A=shift_A,
            start=self.record.start,
            last=-task.save_every if last is None else last,
            stride=task.save_every,
            charge=self.job.charge,
            temperature_K=partial(
                temperature_K,
                self.atoms.get_masses(),
                moving=moving_atoms(self.atoms),
                free=bodies(self.atoms, launched=task.launch_m_s > 0),
            ),
        )

    def run(self, journal: Journal, signals: Signals, lock: IO[str], exit_file: Path) -> Verdict:
        """Run the program, watch it, and judge what it left.

        Parameters
        ----------
        journal : Journal
            Takes time and cycles.
        signals : Signals
            One asks for a soft stop.
        lock : file
            Of the job.
        exit_file : Path
            A file that a user may make to ask for a soft stop.
        """
        level = self.job.level
        if not isinstance(level, Cp2kLevel):
            raise TypeError(f"level '{self.job.level_name}' is of engine {level.engine}")
        (self.folder / EXIT).unlink(missing_ok=True)
        exit_file.unlink(missing_ok=True)
        command = [*level.program, "-i", INPUT, "-o", LOG]
        tail = Tail(self.folder / LOG)
        with self.frames() or nullcontext() as log_of_frames:
            harvest = None
            if log_of_frames is not None:
                start = self.record.start
                harvest = self.harvest(log_of_frames, log_of_frames.truncate_after(start) if start else None)
                if not start:
                    log_of_frames.truncate_after(-1)
            program = Program(command, self.folder, self.folder / LAUNCHER_OUTPUT, lock)
            try:
                while not program.wait(LOOK_EVERY_S):
                    self._look(tail, harvest)
                    if self._is_lost() or signals.count > 1:
                        break
                    if signals.count or exit_file.exists():
                        (self.folder / EXIT).touch()
                    journal.cores = self.log.cores
                    journal.pulse(self.log.n_cycles)
            finally:
                program.end()
            self._look(tail, harvest)
            if log_of_frames is not None:
                log_of_frames.sync()
        return self.verdict(program.status, harvest)

    def _is_lost(self) -> bool:
        """Say whether nothing that follows can be used: not so when CP2K is about to stop within an SCF.

        What CP2K says of an SCF that did not converge is still to be heard: its energy comes last.
        """
        stopping = self.log.out_of_time or self.log.stopped
        unconverged = bool(self.log.scf) and not self.log.scf[-1].converged
        return (unconverged and not stopping) or self.log.on_the_edge

    def _look(self, tail: Tail, harvest: Harvest | None) -> None:
        self.log.feed("".join(tail.lines()))
        if harvest:
            harvest.take(self.log)

    def recover(self) -> Verdict:
        """Bring in what an attempt left that ended together with the process which watched it; judge it."""
        self.log = Log.read(self.folder / LOG)
        harvest = None
        if isinstance(self.job.task, Md):
            with FrameLog.open(self.frames_file, len(self.atoms)) as log_of_frames:
                harvest = self.harvest(log_of_frames, log_of_frames.truncate_after(ALL_STEPS))
                harvest.take(self.log)
                log_of_frames.sync()
        return self.verdict(None, harvest)

    def verdict(self, status: int | None, harvest: Harvest | None) -> Verdict:
        """Judge what the attempt left."""
        free_bytes = disk_usage(self.folder).free
        return judge(Ending(self.log, self.said, status, self.job.task, self._missing(harvest), free_bytes))

    def _missing(self, harvest: Harvest | None) -> str:
        """Say what the files of results lack."""
        task, final = self.job.task, self.final()
        if isinstance(task, Md) and harvest is not None:
            due = task.steps // task.save_every * task.save_every
            if harvest.last < due:
                why = f": {harvest.damage}" if harvest.damage else ""
                return f"the frames end at step {harvest.last}, not {due}{why}"
            if final is None or final.step < task.steps:
                return f"no restart file of step {task.steps}"
            return ""
        static = task if isinstance(task, Static) else Static()
        lacks = {
            "forces": sound_forces(self.log, len(self.atoms)) is None,
            "restart file": isinstance(task, Relax) and final is None,
            "orbitals": static.wavefunction and not (self.folder / MOLDEN).is_file(),
            "cubes": static.cubes and not {"elf-1", "density"} <= self.cubes().keys(),
        }
        return ", ".join(f"{what} missing" for what, lacking in lacks.items() if lacking)
