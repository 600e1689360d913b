"""One attempt by VASP: its folder, its program, and what it left."""

from __future__ import annotations

import time
from shutil import disk_usage
from typing import IO, TYPE_CHECKING

from iondrill.config.levels import VaspLevel
from iondrill.engines.external import attempt
from iondrill.engines.external.attempt import EXIT, LAUNCHER_OUTPUT, Verdict
from iondrill.engines.external.launch import Program
from iondrill.engines.external.tail import Tail
from iondrill.engines.vasp.handlers import Ending, judge
from iondrill.engines.vasp.inputs import species_order
from iondrill.engines.vasp.output import (
    CHGCAR,
    ELFCAR,
    OUTCAR,
    IncompleteError,
    Log,
    Results,
    read_results,
)
from iondrill.engines.vasp.potcar import Potcar, blank_echo, remove_potcar
from iondrill.files import write_text
from iondrill.geometry.constraints import largest_force_eV_A
from iondrill.jobs.job import Relax, Static

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.engines.external.launch import Signals
    from iondrill.jobs.job import Job
    from iondrill.jobs.journal import Journal

STOPCAR = "STOPCAR"
SOFT, HARD = "LSTOP = .TRUE.\n", "LABORT = .TRUE.\n"
"""Stop after this ionic step; stop after this electronic step, and write the orbitals."""
LARGE_FILES = ("WAVECAR", "CHG", CHGCAR, ELFCAR, "LOCPOT", "AECCAR*", "PROCAR", "vaspwave.h5", "TMPCAR")
LOOK_EVERY_S = 0.5


class Attempt(attempt.Attempt):
    """An attempt, running or past; see `iondrill.engines.external.attempt.Attempt`."""

    log: Log
    large = LARGE_FILES

    def __init__(self, job: Job, atoms: Atoms, folder: Path) -> None:
        super().__init__(job, atoms, folder)
        self.poscar = atoms[species_order(atoms.get_chemical_symbols())]
        self.symbols: list[str] = self.poscar.get_chemical_symbols()
        self.log = Log()
        self.results: Results | None = None

    @property
    def nsw(self) -> int:
        """Ionic steps that VASP is given."""
        task = self.job.task
        return max(1, task.max_steps - self.record.start) if isinstance(task, Relax) else 0

    # --- running ------------------------------------------------------------------------------------------------

    def run(
        self, journal: Journal, signals: Signals, lock: IO[str], job_folder: Path, walltime_s: int | None
    ) -> Verdict:
        """Run the program, watch it, and judge what it left.

        Parameters
        ----------
        journal : Journal
            Takes time and cycles.
        signals : Signals
            One asks for a stop.
        lock : file
            Of the job.
        job_folder : Path
            A user may make a file EXIT or STOPCAR there.
        walltime_s : int or None
            Seconds that the program has.
        """
        level = self.job.level
        if not isinstance(level, VaspLevel):
            raise TypeError(f"level '{self.job.level_name}' is of engine {level.engine}")
        for name in (EXIT, STOPCAR):
            (job_folder / name).unlink(missing_ok=True)
        clock = Clock(walltime_s)
        tail, asked = Tail(self.folder / OUTCAR), ""
        try:
            with Potcar(level, list(dict.fromkeys(self.symbols)), self.folder) as potcar:
                program = Program(level.program, self.folder, self.folder / LAUNCHER_OUTPUT, lock)
                try:
                    while not program.wait(LOOK_EVERY_S):
                        self.log.feed("".join(tail.lines()))
                        if self.log.n_cycles:
                            potcar.remove()  # VASP has read it
                        clock.note(len(self.log.scf))
                        if self.log.unconverged or signals.count > 1:
                            break
                        asked = self._ask_to_stop(signals, job_folder, clock) or asked
                        journal.cores = self.log.cores
                        journal.pulse(self.log.n_cycles)
                finally:
                    program.end()
        finally:
            blank_echo(self.folder / OUTCAR)
        self.log = Log.read(self.folder / OUTCAR)
        return self.verdict(program.status, asked)

    def _ask_to_stop(self, signals: Signals, job_folder: Path, clock: Clock) -> str:
        """Write a STOPCAR if it is time to, or the user asks for it; return who asks."""
        user = job_folder / STOPCAR
        asked, how = "", SOFT
        if signals.count:
            # after SIGTERM there are seconds left, perhaps less than an ionic step takes
            asked, how = f"by {signals.name}", HARD if signals.name == "SIGTERM" else SOFT
        elif clock.is_over:
            asked, how = "at the wall time", HARD
        elif user.exists():
            asked, how = "by a STOPCAR", HARD if "LABORT" in user.read_text(errors="replace").upper() else SOFT
        elif (job_folder / EXIT).exists():
            asked = "by an EXIT file"
        elif clock.is_short:
            asked = "at the wall time"
        if asked:
            # a single point has no ionic step to wait for
            write_text(self.folder / STOPCAR, HARD if isinstance(self.job.task, Static) else how)
        return asked

    def recover(self) -> Verdict:
        """Judge what an attempt left that ended together with the process which watched it."""
        remove_potcar(self.folder)
        blank_echo(self.folder / OUTCAR)
        self.log = Log.read(self.folder / OUTCAR)
        return self.verdict(None, "")

    def verdict(self, status: int | None, asked: str) -> Verdict:
        """Judge what the attempt left."""
        free_bytes = disk_usage(self.folder).free
        return judge(
            Ending(self.log, self.said, status, self.job.task, self._missing(), free_bytes, nsw=self.nsw, asked=asked)
        )

    def _missing(self) -> str:
        """Read the results; say what they lack."""
        if not (self.log.ended and self.log.scf):
            return "an energy"
        try:
            self.results = read_results(self.folder, self.log, self.symbols)
        except IncompleteError as error:
            return str(error)
        task = self.job.task
        if isinstance(task, Relax):
            force_eV_A = largest_force_eV_A(self.results.forces_eV_A, self.poscar)
            # VASP's own test may differ by a rounding
            if force_eV_A is None or force_eV_A > 1.001 * task.fmax_eV_A:
                return "forces below EDIFFG"
        grids = (ELFCAR, CHGCAR) if isinstance(task, Static) and task.wavefunction else ()
        return ", ".join(f"{name} missing" for name in grids if not (self.folder / name).is_file())


class Clock:
    """The time that a run has left, and whether another ionic step fits into it.

    Parameters
    ----------
    walltime_s : int or None
        From now.
    """

    def __init__(self, walltime_s: int | None) -> None:
        self._end_s = None if walltime_s is None else time.monotonic() + walltime_s
        self._steps, self._since_s, self._longest_s = 0, time.monotonic(), 0.0

    def note(self, n_steps: int) -> None:
        """Take the number of ionic steps done."""
        if n_steps > self._steps:
            now_s = time.monotonic()
            self._longest_s = max(self._longest_s, (now_s - self._since_s) / (n_steps - self._steps))
            self._steps, self._since_s = n_steps, now_s

    @property
    def is_short(self) -> bool:
        """Whether the time left is less than the longest step so far: the one that runs is to be the last."""
        return self._end_s is not None and time.monotonic() + self._longest_s > self._end_s

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return self._end_s is not None and time.monotonic() > self._end_s
