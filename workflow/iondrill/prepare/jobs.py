"""A job: one calculation on one structure at one level of theory, in a folder of its own."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from iondrill.build.moving import held_atoms
from iondrill.config.base import Name, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, Strict, Thermostat
from iondrill.config.levels import Level

if TYPE_CHECKING:
    from ase import Atoms

Stage = Literal["relax", "md", "elf", "adsorption", "intercalation", "barriers", "convergence", "potential"]

HOW_IT_RUNS = {"launcher", "command", "ranks", "trust_radius_A"}
"""Settings of a level that do not decide the result."""
CUBES = "cubes"
"""Folder of the cube files in that of a job."""
CLEAN = "clean"
"""In the place of ion and site in the names of jobs: a slab without ion."""
ATOM_BOX_A = (12.0, 13.0, 14.0)
"""Three different edges, so that an atom's shell is not filled evenly by symmetry."""
VACUUM_A = 15.0
"""Least distance between the outermost atoms of an isolated structure without a cell and their images."""


class Relax(Strict):
    """Optimise the geometry."""

    task: Literal["relax"] = "relax"
    fmax_eV_A: PositiveFloat
    max_steps: PositiveInt


class Static(Strict):
    """One energy with forces; the wavefunction for the ELF, and the engine's own ELF and density on its grid."""

    task: Literal["static"] = "static"
    wavefunction: bool = False
    cubes: bool = False


class Md(Strict):
    """Molecular dynamics at constant temperature or energy."""

    task: Literal["md"] = "md"
    steps: PositiveInt
    timestep_fs: PositiveFloat
    temperature_K: PositiveFloat
    thermostat: Thermostat
    launch_m_s: NonNegativeFloat
    save_every: PositiveInt
    seed: NonNegativeInt


class Neb(Strict):
    """Find the path between two relaxed geometries, and the barrier on it."""

    task: Literal["neb"] = "neb"
    images: PositiveInt
    fmax_eV_A: PositiveFloat
    max_steps: PositiveInt


Task = Annotated[Relax | Static | Md | Neb, Field(discriminator="task")]


class Job(Strict):
    """What a job's folder is made from, besides the structure.

    The structure carries its own ``fragment`` labels and ``FixAtoms`` constraints.
    """

    stage: Stage
    name: str = Field(description="parts joined by dots, the level last: nd75-c3v.gfn2")
    level_name: Name
    level: Level
    task: Task
    charge: int = 0
    multiplicity: PositiveInt | None = Field(None, description="2S+1; by default the lowest the electrons allow")
    kind: Literal["cluster", "slab", "atom", "crystal"] = Field(
        description="cluster: non-periodic box; slab: periodic in the plane; crystal: periodic; atom: alone in a box"
    )
    note: str = Field("", description="where the start geometry comes from")

    @property
    def sampled(self) -> bool:
        """Whether the level's k-points are for it."""
        return self.kind in {"slab", "crystal"}

    def input_hash(self, *geometries: Atoms) -> str:
        """Return the hash (16 hex digits) of all that decides the result.

        Parameters
        ----------
        *geometries : Atoms
            The start geometry, of a path both ends: species, positions, cell, periodicity, fixed atoms and fragments
            count.
        """
        settings = self.model_dump(mode="json", exclude={"note": True, "level": HOW_IT_RUNS})
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        for atoms in geometries:
            # adding zero makes -0.0 and 0.0 the same bytes
            geometry = (np.round(array, 8) + 0.0 for array in (atoms.positions, atoms.cell.array))
            for array in (atoms.numbers, atoms.pbc, *geometry):
                digest.update(np.ascontiguousarray(array).tobytes())
            fragments = atoms.arrays.get("fragment", np.array([])).tolist()
            digest.update(json.dumps([held_atoms(atoms), fragments]).encode())
        return digest.hexdigest()[:16]


def unpaired_electrons(job: Job, valence_electrons: int) -> int:
    """Return the number of unpaired electrons: as the job says, else 0 or 1 by parity.

    Parameters
    ----------
    job : Job
        With charge and, perhaps, multiplicity.
    valence_electrons : int
        Of the neutral structure.

    Raises
    ------
    ValueError
        If the multiplicity does not fit the number of electrons.
    """
    electrons = valence_electrons - job.charge
    if job.multiplicity is None:
        return electrons % 2
    unpaired = job.multiplicity - 1
    if unpaired > electrons or (electrons - unpaired) % 2:
        raise ValueError(f"multiplicity {job.multiplicity} does not fit {electrons} electrons")
    return unpaired


VALENCE_ELECTRONS: dict[str, int] = {"H": 1, "C": 4, "Li": 1, "Na": 1, "K": 1, "Si": 4}
"""Valence electrons whose parity decides the spin; semicore shells are closed and do not matter."""
