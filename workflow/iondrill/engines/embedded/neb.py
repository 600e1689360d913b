"""Minimum-energy paths by the climbing-image nudged elastic band, taken up again image by image."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
from ase.calculators.calculator import Calculator, all_changes
from ase.mep import NEB
from ase.mep.neb import idpp_interpolate
from ase.optimize import BFGS
from scipy.linalg import block_diag
from scipy.spatial.distance import pdist

from iondrill.engines.embedded.calculator import EmbeddedCalculator, OutsideTrainingError, ScfNotConvergedError
from iondrill.engines.embedded.engine import EmbeddedEngine
from iondrill.engines.embedded.soft_stop import WatchedJournal
from iondrill.engines.external.launch import Signals, only_one
from iondrill.engines.record import record
from iondrill.engines.registry import engine
from iondrill.files import replacing
from iondrill.geometry.model_hessian import spring_hessian
from iondrill.jobs.arrays import UnreadableError, read_arrays
from iondrill.jobs.job import Neb
from iondrill.jobs.journal import FINISHED, Journal, state_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ase import Atoms

    from iondrill.engines.base import Result, Status
    from iondrill.jobs.job import Job

SPRING_EV_A2 = 0.5
MEET_A = 0.1
"""Atoms nearer than this in a straight guess, and by how much they are led aside, Å."""
CLIMB_BELOW = 4.0
"""The highest image starts to climb once the band is relaxed to this many times the largest allowed force."""


class Band(NamedTuple):
    """A path, from end to end."""

    images: list[Atoms]
    energies_eV: list[float]
    """Of each image; of a band that did not converge, not to be used."""


class RememberingCalculator(Calculator):
    """Keeps the last point of a calculator on disk, so that a killed band computes no image twice.

    Parameters
    ----------
    path : Path
        An ``.npz`` with positions, energy and forces.
    calculator : EmbeddedCalculator
        What computes them.
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "forces"]

    def __init__(self, path: Path, calculator: EmbeddedCalculator) -> None:
        super().__init__()
        self.path = path
        self.calculator = calculator

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Compute energy and forces, or take those of the file if they are of these very positions."""
        super().calculate(atoms, list(properties), list(system_changes))
        known = None if self.calculator.results else _read(self.path, "positions", "energy", "forces")
        if known and np.array_equal(known["positions"], self.atoms.positions):
            energy, forces = float(known["energy"]), known["forces"]
        else:
            forces = self.calculator.get_property("forces", self.atoms)
            energy = self.calculator.results["energy"]
            with replacing(self.path) as temporary:
                np.savez(temporary, positions=self.atoms.positions, energy=energy, forces=forces)
        self.results = {"energy": energy, "free_energy": energy, "forces": forces}


def find_path(job: Job, start: Atoms, end: Atoms, folder: Path) -> tuple[Result, Band]:
    """Find the minimum-energy path between two minima, or resume the search.

    Climbing image (Henkelman, Uberuaga and Jónsson, J. Chem. Phys. 113, 9901 (2000)) with improved tangents, from an
    image-dependent pair potential's guess (Smidstrup et al., J. Chem. Phys. 140, 214106 (2014)).

    Parameters
    ----------
    job : Job
        With the task `Neb`, at a level of an embedded engine.
    start, end : Atoms
        Relaxed, atom by atom the same, every atom's image the one that is nearest along the path.
    folder : Path
        The job's folder, which keeps the state of the band.

    Returns
    -------
    Result
        The record; `energy_eV` is that of the highest image, and `max_force_eV_A` the largest left on the band.
    Band
        The path as it is, converged or not.

    Raises
    ------
    StoppedError
        If somebody has asked for a stop, or the wall time is over; all is saved.
    UserError
        If another run holds the folder, and runs for longer than this one may wait.
    """
    state = state_folder(folder, job.input_hash(start, end))
    with only_one(state / "lock"), Signals() as signals:
        return _find(job, start, end, WatchedJournal(state / "journal.json", signals, folder))


def _find(job: Job, start: Atoms, end: Atoms, journal: Journal) -> tuple[Result, Band]:
    """Find a path whose folder is locked."""
    if not isinstance(job.task, Neb):
        raise TypeError(f"{job.name} is no path")
    state = journal.path.parent
    images = _guess(start, end, job.task.images)
    found = engine(job.level.engine)
    if not isinstance(found, EmbeddedEngine):
        raise TypeError(f"level '{job.level_name}' is of engine {found.name}, which is a program")
    calculators = [found.new_calculator(job, image, state) for image in images]
    for k, (image, calculator) in enumerate(zip(images, calculators, strict=True)):
        image.calc = RememberingCalculator(state / f"image-{k:02d}.npz", calculator)
    status: Status = "not_converged"
    steps, force_eV_A = 0, None
    try:
        steps, force_eV_A = _relax(images, job.task, state, journal, calculators)
        status = "converged" if force_eV_A <= job.task.fmax_eV_A else "not_converged"
        reason = FINISHED if status == "converged" else f"not relaxed within {steps} steps"
        for k, (image, calculator) in enumerate(zip(images, calculators, strict=True)):
            if status == "converged":
                calculator.check_trained(image, f"image {k} of the path")
    except (ScfNotConvergedError, OutsideTrainingError) as error:
        status, reason = "not_converged", str(error)
    remarks = dict.fromkeys(remark for calculator in calculators for remark in calculator.remarks)
    journal.end(reason, _cycles(calculators), notes=remarks)
    energies_eV = [image.get_potential_energy() for image in images] if status == "converged" else []
    numbers = {
        "energy_eV": max(energies_eV, default=None),
        "max_force_eV_A": force_eV_A if energies_eV else None,
        "n_ionic_steps": steps,
    }
    return record(job, journal, status, found.version(found.level(job)), **numbers), Band(images, energies_eV)


def _guess(start: Atoms, end: Atoms, between: int) -> list[Atoms]:
    """Return the two ends and the images between them.

    Atoms that change places meet on the straight line, where the pair potential is infinite: they are led round each
    other.
    """
    images = [start.copy() for _ in range(between + 1)] + [end.copy()]
    band = NEB(images, method="improvedtangent")
    band.interpolate(apply_constraint=True)
    for image in images[1:-1]:
        if np.min(pdist(image.positions), initial=np.inf) < MEET_A:
            image.rattle(MEET_A, seed=1)
    idpp_interpolate(band, traj=None, log=None)
    return images


def _relax(
    images: list[Atoms], task: Neb, state: Path, journal: Journal, calculators: list[EmbeddedCalculator]
) -> tuple[int, float]:
    """Relax the band, then let its highest image climb; return the steps of all attempts and the largest force."""
    done, inner = 0, images[1:-1]
    if known := _read(state / "band.npz", "positions", "steps"):
        done = int(known["steps"])
        for image, positions in zip(inner, known["positions"], strict=True):
            image.set_positions(positions, apply_constraint=False)
    journal.begin(done or None)
    steps, force_eV_A = done, np.inf
    for climb, fmax_eV_A in ((False, CLIMB_BELOW * task.fmax_eV_A), (True, task.fmax_eV_A)):
        band = NEB(images, k=SPRING_EV_A2, climb=climb, method="improvedtangent", allow_shared_calculator=False)
        optimizer = BFGS(band, logfile=None, maxstep=0.1)
        optimizer.H0 = block_diag(*map(spring_hessian, inner))
        before = steps

        def note(before: int = before, optimizer: BFGS = optimizer) -> None:
            with replacing(state / "band.npz") as temporary:
                positions = [image.positions for image in inner]
                np.savez(temporary, positions=positions, steps=before + optimizer.nsteps)
            journal.beat(_cycles(calculators))

        optimizer.attach(note)
        optimizer.run(fmax=fmax_eV_A, steps=max(task.max_steps - before, 0))
        steps = before + int(optimizer.nsteps)
        force_eV_A = float(np.linalg.norm(band.get_forces().reshape(-1, 3), axis=1).max())
    return steps, force_eV_A


def _cycles(calculators: Sequence[EmbeddedCalculator]) -> int:
    return sum(calculator.n_scf_cycles for calculator in calculators)


def _read(path: Path, *names: str) -> dict[str, np.ndarray] | None:
    """Return arrays of a file; None if it is missing or damaged."""
    try:
        return read_arrays(path, *names)
    except UnreadableError:
        return None
