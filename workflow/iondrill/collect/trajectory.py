"""Trajectories as others read them: ASE's ``.traj``, every frame once and in the order of steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ase import units
from ase.io.trajectory import TrajectoryWriter

from iondrill.errors import UserError
from iondrill.files import replacing

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from ase import Atoms

    from iondrill.jobs.frames import Frames

PROPERTIES = {"energy": "potential_eV", "forces": "forces_eV_A", "charges": "charges_e"}
"""ASE's name of each property, and the field of a frame that holds it."""


def frame_atoms(record: np.void, template: Atoms) -> Atoms:
    """Return a frame as Atoms.

    Parameters
    ----------
    record : numpy.void
        A record of `iondrill.jobs.frames`.
    template : Atoms
        Species, cell, constraints, arrays and info.

    Returns
    -------
    Atoms
        With momenta, and step and time_fs in info; without a calculator.
    """
    atoms = template.copy()
    atoms.set_positions(record["positions_A"], apply_constraint=False)
    momenta = template.get_masses()[:, None] * record["velocities_A_fs"] / units.fs
    atoms.set_momenta(momenta, apply_constraint=False)
    atoms.info |= {"step": int(record["step"]), "time_fs": float(record["time_fs"])}
    return atoms


def write_trajectory(frames: Frames, template: Atoms, path: Path) -> None:
    """Write all frames of a run for ASE and OVITO, whole or not at all.

    Each has its energy, and its forces and charges if the log keeps them, in a `SinglePointCalculator`.
    The format has no place for string arrays: the labels of the fragments are in the trajectory's description
    (``ase.io.Trajectory(path).description["fragment"]``).

    Parameters
    ----------
    frames : Frames
        The run.
    template : Atoms
        What does not change: species, cell, constraints, the array fragment, info.
    path : Path
        The ``.traj``.

    Raises
    ------
    UserError
        If the numbers of atoms differ.
    """
    if frames.n_atoms != len(template):
        raise UserError.of(
            frames.path, f"holds {frames.n_atoms} atoms", f"the structure of the run has {len(template)}"
        )
    kept = {name: field for name, field in PROPERTIES.items() if field in frames.fields}
    # named properties given by value: else ASE compares the atoms with a calculator's for each of them
    with replacing(path) as temporary, TrajectoryWriter(temporary, "w", properties=list(kept)) as writer:
        if "fragment" in template.arrays:
            writer.set_description({"fragment": template.arrays["fragment"].tolist()})
        for chunk in frames.chunks():
            for record in chunk:
                writer.write(frame_atoms(record, template), **{name: record[field] for name, field in kept.items()})
