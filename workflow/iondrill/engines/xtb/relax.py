"""Geometry optimisation that goes on from its last step after a kill."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np
from ase.optimize import BFGS

from iondrill.build.springs import spring_hessian
from iondrill.files import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from ase import Atoms

    from iondrill.prepare.jobs import Relax
    from iondrill.prepare.journal import Journal


def relax(atoms: Atoms, task: Relax, state: Path, journal: Journal) -> tuple[bool, int]:
    """Move the atoms until no free one feels more than the largest allowed force.

    Parameters
    ----------
    atoms : Atoms
        With calculator and constraints; moved in place.
    task : Relax
        Largest force (eV/Å), largest number of steps over all attempts.
    state : Path
        Folder that keeps positions and Hessian from attempt to attempt.
    journal : Journal
        Of the attempts.

    Returns
    -------
    bool
        Whether the forces are below the threshold.
    int
        Steps taken, over all attempts.
    """
    done = _restore(atoms, state / "geometry.npz")
    journal.begin(at=f"step {done}" if done else "")
    hessian = state / "hessian.json"
    if not done:
        hessian.unlink(missing_ok=True)
    optimizer = BFGS(atoms, logfile=None, restart=str(hessian), maxstep=0.2)
    if not done:
        optimizer.H0 = spring_hessian(atoms)
    start = done

    def note() -> None:
        with replacing(state / "geometry.npz") as temporary:
            np.savez(temporary, positions=atoms.positions, steps=start + optimizer.nsteps)
        journal.beat(atoms.calc.n_scf_cycles)

    optimizer.attach(note)
    converged = optimizer.run(fmax=task.fmax_eV_A, steps=max(task.max_steps - start, 0))
    return bool(converged), start + int(optimizer.nsteps)


def _restore(atoms: Atoms, path: Path) -> int:
    """Put the atoms where the last attempt left them; return the steps done by then."""
    try:
        with np.load(path) as saved:
            positions, steps = saved["positions"], int(saved["steps"])
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return 0
    atoms.set_positions(positions, apply_constraint=False)
    return steps
