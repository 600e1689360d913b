"""A job: one calculation on one structure at one level of theory, in a folder of its own."""

from __future__ import annotations

import hashlib
import json
from math import ceil
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from iondrill.config.base import (
    Name,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Strict,
    Thermalise,
    Thermostat,
)
from iondrill.config.free_energy import OrderParameter
from iondrill.config.levels import Level
from iondrill.config.quantities import Shift
from iondrill.geometry.constraints import fixed_atoms, partly_fixed
from iondrill.jobs.name import JobId, StageName

if TYPE_CHECKING:
    from ase import Atoms

Kind = Literal["cluster", "slab", "atom", "crystal"]

HOW_IT_RUNS = {"launcher", "command", "ranks", "trust_radius_A", "elf_spin_D0", "quick"}
"""Settings of a level that do not decide the result."""
CUBES = "cubes"
"""Folder of the cube files in that of a job."""
ATOM_BOX_A = (12.0, 13.0, 14.0)
"""Three different edges, so that an atom's shell is not filled evenly by symmetry."""
BOX_VACUUM_A = 15.0
"""Least distance between the outermost atoms of an isolated structure without a cell and their images."""


class Relax(Strict):
    """Optimise the geometry."""

    task: Literal["relax"] = "relax"
    fmax_eV_A: PositiveFloat
    max_steps: PositiveInt
    look_around_A: tuple[Shift, ...] = ()
    """Distances by which the relaxed ions are moved along the normal, one at a time, to look for a lower energy."""


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
    thermalise: Thermalise | None = None
    """What comes before it; None: nothing."""
    settles: bool = False
    """Whether it is what comes before another: from rest, where half of the kinetic energy goes into the potential."""

    def before(self) -> Md | None:
        """Return the segment that thermalises the start of this one, if there is one."""
        if self.thermalise is None or not self.thermalise.time_fs:
            return None
        frames = ceil(self.thermalise.time_fs / (self.timestep_fs * self.save_every) - 1e-9)
        return self.model_copy(
            update={
                "steps": frames * self.save_every,
                "thermostat": Thermostat(time_constant_fs=self.thermalise.time_constant_fs),
                "launch_m_s": 0.0,
                "thermalise": None,
                "settles": True,
            }
        )


class Restraint(Strict):
    """A spring ½ k (x - x₀)² on an order parameter.

    Attributes
    ----------
    coordinate : str
        Of `iondrill.geometry.coordinates`.
    at_A : float
        x₀, or where it goes to.
    stiffness_eV_A2 : float
        k.
    speed_A_fs : float
        0: x₀ stays; else it moves from the value of the start structure to `at_A`, and stays there.
    """

    coordinate: OrderParameter
    at_A: float
    stiffness_eV_A2: PositiveFloat
    speed_A_fs: NonNegativeFloat = 0.0


class Umbrella(Md):
    """Dynamics with a restraint on an order parameter."""

    task: Literal["umbrella"] = "umbrella"  # type: ignore[assignment]
    restraint: Restraint


class Neb(Strict):
    """Find the path between two relaxed geometries, and the barrier on it."""

    task: Literal["neb"] = "neb"
    images: PositiveInt
    fmax_eV_A: PositiveFloat
    max_steps: PositiveInt


Task = Annotated[Relax | Static | Md | Umbrella | Neb, Field(discriminator="task")]


class Job(Strict):
    """What a job's folder is made from, besides the structure.

    The structure carries its own ``fragment`` labels, and what is fixed of it (see `iondrill.geometry.constraints`).
    """

    stage: StageName
    name: str = Field(description="parts joined by dots, the level last: nd75-c3v.gfn2")
    level_name: Name
    level: Level
    task: Task
    charge: int = 0
    multiplicity: PositiveInt | None = Field(None, description="2S+1; by default the lowest the electrons allow")
    spins: Literal[1, 2] | None = Field(
        None, description="spin densities of a closed shell: one of both, or one of each; by default as the engine does"
    )
    kind: Kind = Field(
        description="cluster: non-periodic box; slab: periodic in the plane; crystal: periodic; atom: alone in a box"
    )
    note: str = Field("", description="where the start geometry comes from")
    templates: str = Field(
        "",
        description="digest of the engine's input templates, or of the files that the level names; or empty",
    )

    @property
    def id(self) -> JobId:
        """Its name, taken apart."""
        return JobId.parse(self.stage, self.name)

    @property
    def sampled(self) -> bool:
        """Whether the level's k-points are for it."""
        return self.kind in {"slab", "crystal"}

    def before(self) -> Job | None:
        """Return the job that thermalises the start of this one, if there is one."""
        task = self.task.before() if isinstance(self.task, Md) else None
        return None if task is None else self.model_copy(update={"task": task})

    def input_hash(self, *geometries: Atoms) -> str:
        """Return the hash (16 hex digits) of everything that decides the result, but the length of a run of dynamics.

        A run that is made longer or shorter stays the same run: what there is of it is kept, and continued.

        Parameters
        ----------
        *geometries : Atoms
            The start geometry, of a path both ends: species, positions, cell, periodicity, fixed atoms and fragments
            count; of dynamics also the velocities, if it has them.
        """
        is_md = isinstance(self.task, Md)
        how_long = {"steps"} if is_md else set()
        settings = self.model_dump(mode="json", exclude={"note": True, "level": HOW_IT_RUNS, "task": how_long})
        if self.spins is None:
            del settings["spins"]
        if not self.templates:
            del settings["templates"]
        for key in self.level.later:
            if getattr(self.level, key) == type(self.level).model_fields[key].default:
                del settings["level"][key]
        if self.level.content:
            settings["content"] = self.level.content
        if self.level.revision > 1:
            settings["revision"] = self.level.revision
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        for atoms in geometries:
            # adding zero makes -0.0 and 0.0 the same bytes
            geometry = (np.round(array, 8) + 0.0 for array in (atoms.positions, atoms.cell.array))
            for array in (atoms.numbers, atoms.pbc, *geometry):
                digest.update(np.ascontiguousarray(array).tobytes())
            fragments = atoms.arrays.get("fragment", np.array([])).tolist()
            partly = partly_fixed(atoms)
            digest.update(json.dumps([fixed_atoms(atoms), fragments, *([partly] if partly else [])]).encode())
            if is_md and "momenta" in atoms.arrays:
                digest.update((np.round(atoms.get_momenta(), 8) + 0.0).tobytes())
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
