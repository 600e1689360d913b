"""Trajectories at a cheap level, and the frames that are taken from them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from ase import Atoms
from ase.io import read

from iondrill.config.base import Thermostat
from iondrill.engines.execute import execute
from iondrill.errors import UserError
from iondrill.geometry.crystal import build_crystal, crystal_names, load_crystal
from iondrill.geometry.labels import set_fragment
from iondrill.geometry.recipes import FlakeRecipe, load_recipe
from iondrill.geometry.registry import build
from iondrill.geometry.saturation import saturated
from iondrill.geometry.shells import REACH_A, outermost
from iondrill.geometry.surfaces.facet import FacetRecipe
from iondrill.jobs.frames import Frames
from iondrill.jobs.job import ATOM_BOX_A, Job, Md, Relax
from iondrill.jobs.journal import state_folder
from iondrill.potential.pieces import centres_of, cut, in_least_box
from iondrill.potential.rattle import rattled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iondrill.config.models import Config
    from iondrill.config.potential import Exploration

OWN: dict[str, tuple[str, type]] = {"gap_A": ("a flake", FlakeRecipe), "vacuum_A": ("a facet", FacetRecipe)}
"""What an exploration may say of a recipe otherwise, and of which."""
RELAXED_EV_A = 0.1
"""Largest force at which a start counts as relaxed: it is displaced afterwards."""


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
    if name is None:
        return free_atom(str(exploration.atom))
    if name in crystal_names(root):
        atoms = build_crystal(load_crystal(name, root))
        set_fragment(atoms, np.where(atoms.numbers == 6, "lower", "ion"))
    else:
        atoms = _built(exploration, name, root)
    if exploration.saturate:
        atoms = saturated(atoms)
    rng = np.random.default_rng([seed, 7])
    for element, count in exploration.place.items():
        for _ in range(count):
            atoms = with_ion(atoms, element, rng, exploration.lift_A or 0.0)
    return atoms


def free_atom(element: str) -> Atoms:
    """Return an atom in the box of free atoms, fragment "ion"."""
    atom = Atoms(element, cell=ATOM_BOX_A)
    atom.center()
    set_fragment(atom, "ion")
    return atom


def _built(exploration: Exploration, name: str, root: Path) -> Atoms:
    """Build what a recipe says, with the gap or the vacuum that is asked for."""
    asked = exploration.model_dump(include=set(OWN), exclude_none=True)
    recipe = load_recipe(name, root) if asked else None
    for key in asked:
        what, allowed = OWN[key]
        if not isinstance(recipe, allowed):
            where = f"potential.explore: {name}"
            raise UserError.of(where, f"has no {key}", f"allowed with {key}: {what}")
    return build(name, root, asked)


def with_ion(atoms: Atoms, element: str, rng: np.random.Generator, lift_A: float = 0.0) -> Atoms:
    """Put an ion on the surface, where a ray from outside meets it.

    Parameters
    ----------
    atoms : Atoms
        A slab (periodic along a and b) is met from above, all else from a direction drawn at random.
    element : str
        The ion.
    rng : Generator
        Draws position and direction.
    lift_A : float
        The ion is lifted off by up to so much.
    """
    target = atoms.positions[int(rng.choice(np.flatnonzero(atoms.numbers == 6)))]
    direction = np.array([0.0, 0.0, 1.0]) if atoms.pbc.any() else rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    if atoms.pbc.any():
        target = target + rng.uniform(-1, 1, 3) * [1.2, 1.2, 0.0]
    place = outermost(atoms, target, direction, REACH_A[element])
    if lift_A:
        place = place + rng.uniform(0, lift_A) * direction
    ion = Atoms(element, positions=[place])
    set_fragment(ion, "ion")
    if "far_edge" in atoms.arrays:
        ion.set_array("far_edge", np.zeros(1, dtype=bool))
    constraints = atoms.constraints
    both = atoms + ion
    both.set_constraint(constraints)
    return both


def relaxed(start: Atoms, name: str, level_name: str, config: Config, folder: Path) -> Atoms:
    """Relax the start of a trajectory, all of its atoms; raise a UserError if it does not converge."""
    job = Job(
        stage="potential",
        name=name,
        level_name=level_name,
        level=config.levels[level_name],
        task=Relax(fmax_eV_A=RELAXED_EV_A, max_steps=300),
        kind="slab" if start.pbc.any() else "cluster",
    )
    folder.mkdir(parents=True, exist_ok=True)
    free = start.copy()
    free.set_constraint()
    result = execute(job.model_dump(mode="json"), free, folder / "result.json", folder / "last.extxyz")
    if result.status != "converged":
        raise UserError.of(folder, f"the start is {result.status}", result.attempts[-1].reason)
    free.set_positions(read(folder / "last.extxyz", format="extxyz").positions)
    return free


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


def explore(config: Config, exploration: Exploration, trajectory: Trajectory, level: str, folder: Path) -> list[Atoms]:
    """Run or resume a trajectory, and return the frames that are taken from it, whole.

    Parameters
    ----------
    config : Config
        With recipes and levels.
    exploration, trajectory
        What is run.
    level : str
        Of the dynamics; see `dynamics`.
    folder : Path
        Of its job.

    Raises
    ------
    UserError
        If it does not get to its end.
    """
    start = start_of(exploration, trajectory.seed, Path(config.structures))
    if exploration.atom is not None:
        start.info = {"step": 0}
        return [start]
    if exploration.relax:
        start = relaxed(start, f"{trajectory.name}.{level}", level, config, folder.with_name(f"{folder.name}-start"))
    if exploration.rattle_A is not None:
        how = (exploration.rattle_A, exploration.strain, exploration.frames)
        return rattled(start, *how, trajectory.seed, stretch=exploration.stretch)
    return followed(dynamics(exploration, trajectory, level, config), start, folder)


def followed(job: Job, start: Atoms, folder: Path) -> list[Atoms]:
    """Run or resume a job of dynamics, and return its frames but the start."""
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
        The frames; a grade in their info is kept.
    vacuum_A : float
        How much wider than its atoms the box of an isolated frame is, along each axis; an engine that wants a cube
        takes the longest edge.
    """
    for number, atoms in enumerate(whole):
        whole_frame = atoms.copy()
        whole_frame.set_constraint()
        cuts = [whole_frame]
        if exploration.piece_atoms is not None:
            rng = np.random.default_rng([trajectory.seed, number, 11])
            centres = centres_of(whole_frame, exploration.pieces, rng)
            cuts = [cut(whole_frame, centre, exploration.piece_atoms) for centre in centres]
        for one in cuts:
            frame = one if one.pbc.any() or exploration.atom is not None else in_least_box(one, vacuum_A)
            frame.info = {
                "kind": exploration.kind or trajectory.exploration,
                "group": trajectory.name,
                "step": int(atoms.info["step"]),
                **{key: atoms.info[key] for key in ("grade",) if key in atoms.info},
            }
            yield frame
