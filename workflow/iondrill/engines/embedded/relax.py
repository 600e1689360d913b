"""Geometry optimisation that resumes, digit for digit, from its last step after a kill."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.optimize import BFGS

from iondrill.engines.embedded.restart_points import whole_points
from iondrill.files import replacing
from iondrill.geometry.model_hessian import spring_hessian
from iondrill.jobs.arrays import read_arrays

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.jobs.job import Relax
    from iondrill.jobs.journal import Journal

RESULTS = ("forces", "energy")
OPTIONAL = ("charges",)
"""Results that not every calculator has."""
MEMORY = ("hessian", "last_positions", "last_forces", "maxstep")


class Optimizer(BFGS):
    """BFGS whose memory is kept with the geometry that it belongs to, not in a file of its own."""

    memory: tuple[Any, ...] = ()

    def dump(self, data: tuple[Any, ...]) -> None:
        """Take Hessian, last positions and forces, and the longest step."""
        self.memory = data

    def load(self) -> tuple[Any, ...]:
        """Give them back."""
        return self.memory


def relax(atoms: Atoms, task: Relax, state: Path, journal: Journal) -> tuple[bool, int]:
    """Move the atoms until no free one feels more than the largest allowed force.

    Parameters
    ----------
    atoms : Atoms
        With an `EmbeddedCalculator` and constraints; moved in place.
    task : Relax
        Largest force (eV/Å), largest number of steps over all attempts.
    state : Path
        Folder that keeps point, guess and Hessian from attempt to attempt.
    journal : Journal
        Of the attempts.

    Returns
    -------
    bool
        Whether the forces are below the threshold.
    int
        Steps taken, over all attempts.
    """
    saved = _last_point(atoms, state)
    start = int(saved["steps"]) if saved else 0
    journal.begin(start or None)
    optimizer = Optimizer(atoms, logfile=None, maxstep=0.2)
    if saved:
        optimizer.memory = (*(saved[name] for name in MEMORY[:-1]), float(saved["maxstep"]))
        optimizer.read()
    else:
        optimizer.H0 = spring_hessian(atoms)

    kept_s = time.monotonic()

    def note() -> None:
        nonlocal kept_s
        if time.monotonic() - kept_s < atoms.calc.keep_every_s:
            return
        kept_s = time.monotonic()
        if optimizer.nsteps:  # before the first step there is nothing that the start does not say
            step = start + optimizer.nsteps
            with atoms.calc.keeping(state, step) as path, replacing(path) as temporary:
                results = {
                    name: atoms.calc.results[name] for name in (*RESULTS, *OPTIONAL) if name in atoms.calc.results
                }
                memory = dict(zip(MEMORY, optimizer.memory, strict=True))
                np.savez(temporary, steps=step, positions=atoms.positions, **results, **memory)
        journal.beat(atoms.calc.n_scf_cycles)

    optimizer.attach(note)
    converged = optimizer.run(fmax=task.fmax_eV_A, steps=max(task.max_steps - start, 0))
    return bool(converged), start + int(optimizer.nsteps)


def _last_point(atoms: Atoms, state: Path) -> dict[str, Any]:
    """Go back to the last step of which point and guess are whole.

    Returns
    -------
    dict
        The point, with the optimiser's memory; nothing if there is none.
    """
    for step, saved in whole_points(state, _read):
        energy = float(saved["energy"])
        results = {name: saved[name] for name in (*RESULTS, *OPTIONAL) if name in saved} | {
            "energy": energy,
            "free_energy": energy,
        }
        if atoms.calc.resume(atoms, saved["positions"], state, step, results):
            return saved
    return {}


def _read(path: Path) -> dict[str, Any]:
    return read_arrays(path, "steps", "positions", *RESULTS, *MEMORY, optional=OPTIONAL)
