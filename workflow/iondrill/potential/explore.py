"""Trajectories at a cheap level, and the frames that are taken from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from ase import Atoms
from ase.data import covalent_radii

from iondrill.config.base import Thermostat
from iondrill.engines.execute import execute
from iondrill.errors import UserError
from iondrill.geometry.crystal import build_crystal, crystal_names, load_crystal
from iondrill.geometry.labels import set_fragment
from iondrill.geometry.recipes import FlakeRecipe, load_recipe
from iondrill.geometry.registry import build
from iondrill.jobs.frames import Frames
from iondrill.jobs.job import Job, Md
from iondrill.jobs.journal import state_folder
from iondrill.potential.pieces import contact_of, cut, saturated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from iondrill.config.models import Config
    from iondrill.config.potential import Exploration

ION_A = {"Li": 2.1, "Na": 2.5, "K": 2.9}
"""Distance from the nearest atom at which an ion is put."""


class Trajectory(NamedTuple):
    """One trajectory of an exploration: frames of it are held out together or not at all."""

    exploration: str
    temperature_K: float
    seed: int

    @property
    def name(self) -> str:
        """The id that its frames carry."""
        return f"{self.exploration}-{self.temperature_K:g}K-s{self.seed}"


def trajectories(explorations: dict[str, Exploration]) -> list[Trajectory]:
    """Return all trajectories that are asked for, in order."""
    return [
        Trajectory(name, temperature, seed)
        for name, one in explorations.items()
        for temperature in one.temperatures_K
        for seed in one.seeds
    ]


def start_of(exploration: Exploration, seed: int, root: Path) -> Atoms:
    """Build the start of a trajectory.

    Parameters
    ----------
    exploration : Exploration
        What it is of.
    seed : int
        Draws the positions of ions.
    root : Path
        The folder of the recipes.
    """
    name = exploration.structure
    if name in crystal_names(root):
        atoms = build_crystal(load_crystal(name, root))
        set_fragment(atoms, np.where(atoms.numbers == 6, "lower", "ion"))
    else:
        atoms = _built(exploration, root)
    if exploration.saturate:
        atoms = saturated(atoms)
    rng = np.random.default_rng([seed, 7])
    for element, count in exploration.place.items():
        for _ in range(count):
            atoms = with_ion(atoms, element, rng)
    return atoms


def _built(exploration: Exploration, root: Path) -> Atoms:
    """Build what a recipe says, with the gap that is asked for."""
    if exploration.gap_A is None:
        return build(exploration.structure, root)
    recipe = load_recipe(exploration.structure, root)
    if not isinstance(recipe, FlakeRecipe):
        raise UserError.of(f"potential.explore: {exploration.structure}", "has no gap", "allowed with gap_A: a flake")
    return build(exploration.structure, root, {"gap_A": exploration.gap_A})


def with_ion(atoms: Atoms, element: str, rng: np.random.Generator) -> Atoms:
    """Put an ion on the surface, where a ray from outside meets it.

    Parameters
    ----------
    atoms : Atoms
        A slab (periodic along a and b) is met from above, all else from a direction drawn at random.
    element : str
        The ion.
    rng : Generator
        Draws position and direction.
    """
    target = atoms.positions[int(rng.choice(np.flatnonzero(atoms.numbers == 6)))]
    direction = np.array([0.0, 0.0, 1.0]) if atoms.pbc.any() else rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    reach = ION_A[element]
    if atoms.pbc.any():
        target = target + rng.uniform(-1, 1, 3) * [1.2, 1.2, 0.0]
    for far in np.arange(30.0, 0.0, -0.05):
        place = target + far * direction
        apart = np.linalg.norm(atoms.positions - place, axis=1) - (covalent_radii[atoms.numbers] - covalent_radii[6])
        if apart.min() < reach:
            break
    ion = Atoms(element, positions=[place])
    set_fragment(ion, "ion")
    if "far_edge" in atoms.arrays:
        ion.set_array("far_edge", np.zeros(1, dtype=bool))
    constraints = atoms.constraints
    both = atoms + ion
    both.set_constraint(constraints)
    return both


def dynamics(exploration: Exploration, trajectory: Trajectory, level_name: str, config: Config) -> Job:
    """Return the job of a trajectory."""
    task = Md(
        steps=exploration.steps,
        timestep_fs=exploration.timestep_fs,
        temperature_K=trajectory.temperature_K,
        thermostat=Thermostat(time_constant_fs=50.0),
        launch_m_s=exploration.launch_m_s,
        save_every=max(1, exploration.steps // exploration.frames),
        seed=trajectory.seed,
    )
    return Job(
        stage="potential",
        name=f"{trajectory.name}.{level_name}",
        level_name=level_name,
        level=config.levels[level_name],
        task=task,
        kind="cluster",
    )


def explore(job: Job, start: Atoms, folder: Path) -> list[Atoms]:
    """Run or resume a trajectory, and return the frames that are taken from it, whole.

    Raises
    ------
    UserError
        If it does not get to its end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    start = start.copy()
    result = execute(job.model_dump(mode="json"), start, folder / "result.json", folder / "last.extxyz")
    if result.status != "converged":
        raise UserError.of(folder, f"the trajectory is {result.status}", result.attempts[-1].reason)
    frames = Frames(state_folder(folder, result.input_hash) / "frames.bin")
    taken = []
    for index in range(1, len(frames)):
        record = frames[index]
        atoms = start.copy()
        atoms.set_positions(record["positions_A"], apply_constraint=False)
        atoms.info = {"step": int(record["step"])}
        taken.append(atoms)
    return taken


def frames_of(exploration: Exploration, trajectory: Trajectory, whole: list[Atoms], vacuum_A: float) -> Iterator[Atoms]:
    """Yield what is labelled of a trajectory's frames: pieces, or the frames themselves, with what they are.

    Parameters
    ----------
    exploration, trajectory
        Where they come from.
    whole : list of Atoms
        The frames.
    vacuum_A : float
        How much wider than its atoms the cubic box of an isolated frame is.
    """
    for number, atoms in enumerate(whole):
        frame = atoms.copy()
        frame.set_constraint()
        if exploration.piece_atoms is not None:
            rng = np.random.default_rng([trajectory.seed, number, 11])
            frame = cut(frame, contact_of(frame, rng), exploration.piece_atoms)
        if not frame.pbc.any():
            frame.set_cell(3 * [float(np.ptp(frame.positions, axis=0).max()) + vacuum_A])
            frame.center()
        frame.info = {
            "kind": exploration.kind or trajectory.exploration,
            "group": trajectory.name,
            "step": int(atoms.info["step"]),
        }
        yield frame
