"""Labels: energy and forces of frames at the reference level, each kept in a file of its own and reused by digest."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write

from iondrill.engines.base import FORCES, Result
from iondrill.engines.execute import execute
from iondrill.engines.folder import GUESS, WAVEFUNCTION, rounded
from iondrill.errors import UserError
from iondrill.files import replacing
from iondrill.geometry.crystal import odd_grid, plane_distances_A
from iondrill.jobs.job import HOW_IT_RUNS, Job, Static

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ase import Atoms

    from iondrill.config.levels import Level
    from iondrill.jobs.job import Kind

SEPARATOR = "; "
LEAST_VACUUM_A = 5.0
"""Above a slab; layers of a crystal are nearer to each other."""


def settings_of(level: Level) -> str:
    """Return all settings of a level that decide its result, as ``key=value; key=value``."""
    found = level.model_dump(mode="json", exclude=HOW_IT_RUNS)
    return SEPARATOR.join(f"{key}={json.dumps(value)}" for key, value in sorted(found.items()))


def sampled(level: Level, frame: Atoms, length_A: float | None) -> Level:
    """Return a level with the k-points of a frame.

    Parameters
    ----------
    level : Level
        Of any engine; without k-points it stays as it is.
    frame : Atoms
        An isolated one stays at Γ, as does the direction across a slab.
    length_A : float or None
        The planes of the repeated cell are this far apart at least (Å); the numbers are odd, as in
        `iondrill.geometry.crystal.odd_grid`. None: the level's grid.
    """
    if length_A is None or not frame.pbc.any() or not hasattr(level, "kpoints"):
        return level
    planes_A = plane_distances_A(frame.cell.complete().array)
    repeated = frame.pbc & [True, True, shape_of(frame) == "crystal"]
    grid = np.where(repeated, odd_grid(planes_A, length_A), 1)
    return level.model_copy(update={"kpoints": tuple(grid.tolist())})


def shape_of(frame: Atoms) -> Kind:
    """Return what a frame is to an engine: isolated atom or cluster, with vacuum along z a slab, else a crystal."""
    if not frame.pbc.any():
        return "atom" if len(frame) == 1 else "cluster"
    height_A = frame.cell.array[2, 2] - np.ptp(frame.positions[:, 2])
    return "slab" if height_A > LEAST_VACUUM_A else "crystal"


def digest_of(level: Level, atoms: Atoms, charge: int = 0) -> str:
    """Return the digest (16 hex digits) of a frame and of the settings that its label is made with.

    Settings at their defaults do not count: a setting that a later version adds leaves old labels as they are. Of a
    default that changes is seen in the label, which holds all settings; see `agrees`.

    Parameters
    ----------
    level : Level
        The reference level.
    atoms : Atoms
        Species, positions, cell and periodicity count.
    charge : int
        Total charge, e.
    """
    own = level.model_dump(mode="json", exclude=HOW_IT_RUNS, exclude_defaults=True) | {"engine": level.engine}
    if level.content:
        own["content"] = level.content
    digest = hashlib.sha256(json.dumps([own, charge], sort_keys=True).encode())
    plain = rounded(atoms)
    for array in (plain.numbers, plain.pbc, plain.positions, np.round(plain.cell.array, 8) + 0.0):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def agrees(label: Atoms, level: Level, but: frozenset[str] = frozenset()) -> bool:
    """Say whether a label was made with the settings that a level has now, as far as it knows them, but for some."""
    then = dict(part.split("=", 1) for part in str(label.info["settings"]).split(SEPARATOR))
    now = dict(part.split("=", 1) for part in settings_of(level).split(SEPARATOR))
    return all(now[key] == value for key, value in then.items() if key in now.keys() - but)


class Store:
    """A folder of labels, ``<group>/<digest>.extxyz``: each is written whole or not at all.

    Parameters
    ----------
    folder : Path
        It need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, digest: str) -> Path | None:
        """Return the file of a label, if there is one."""
        return next(iter(sorted(self.folder.glob(f"*/{digest}.extxyz"))), None)

    def keep(self, label: Atoms) -> Path:
        """Write a label."""
        path = self.folder / str(label.info["group"]) / f"{label.info['digest']}.extxyz"
        with replacing(path) as temporary:
            write(temporary, label, format="extxyz")
        return path

    def files(self) -> list[Path]:
        """Return the files of all labels, in order."""
        return sorted(self.folder.glob("*/*.extxyz"))

    def labels(self) -> list[Atoms]:
        """Return all labels, in order."""
        return [read_label(path) for path in self.files()]


def read_label(path: Path) -> Atoms:
    """Read a label.

    Raises
    ------
    UserError
        If the file is damaged, or holds no energy and forces.
    """
    try:
        label = read(path, format="extxyz")
        results = label.calc.results
        sound = {"energy", "forces"} <= results.keys() and np.isfinite(results["forces"]).all()
    except Exception as error:  # noqa: BLE001  (ASE's reader raises many kinds for a damaged file)
        raise UserError.of(path, f"cannot be read: {error}", "remove it, and the label is made again") from None
    if not sound:
        raise UserError.of(path, "holds no energy and forces", "remove it, and the label is made again")
    return label


def read_labels(path: Path) -> list[Atoms]:
    """Read a file of several labels; those that do not say so are of the kind and the group of the file's name.

    Parameters
    ----------
    path : Path
        Extended XYZ, with energies and forces.

    Raises
    ------
    UserError
        If the file cannot be read, holds none, or one without energy or forces.
    """
    needed = "needed: extended XYZ with an energy (eV) and forces (eV/Å) for each frame"
    found = read_described(path, needed)
    for number, one in enumerate(found):
        results = {} if one.calc is None else one.calc.results
        if not {"energy", "forces"} <= results.keys() or not np.isfinite(results["forces"]).all():
            raise UserError.of(path, f"frame {number} has no energy and forces", needed)
    return found


def read_described(path: Path, needed: str = "needed: extended XYZ") -> list[Atoms]:
    """Read the frames of a user's file; those that do not say so get kind and group of the file's name, and a step.

    Raises
    ------
    UserError
        If the file cannot be read, or holds none.
    """
    try:
        found = read(path, index=":", format="extxyz")
    except Exception as error:  # noqa: BLE001  (ASE's reader raises many kinds for a damaged file)
        raise UserError.of(path, f"cannot be read: {error}", needed) from None
    if not found:
        raise UserError.of(path, "holds no frame", needed)
    for number, one in enumerate(found):
        for key in ("kind", "group"):
            one.info.setdefault(key, path.stem)
        one.info.setdefault("step", number)
    return list(found)


def label(
    frame: Atoms, level_name: str, level: Level, store: Store, work: Path, *, guess_from: Iterable[Path] = ()
) -> tuple[Path | None, Result | None]:
    """Label a frame, unless the store has its label already.

    Parameters
    ----------
    frame : Atoms
        With ``kind``, ``group`` and ``step`` in its info.
    level_name : str
        Name of the reference level.
    level : Level
        Its settings.
    store : Store
        Where labels are kept.
    work : Path
        Folder of the job; what it leaves is the first guess of another.
    guess_from : iterable of Path
        Such a folder of a frame of the same atoms in the same order; or nothing.

    Returns
    -------
    path : Path or None
        Of the label; None if the reference did not converge: the result says why.
    result : Result or None
        None if the label was there already.
    """
    frame = _placed(frame)
    charge = int(frame.info.get("charge", 0))
    digest = digest_of(level, frame, charge)
    if (path := store.find(digest)) is not None and agrees(read_label(path), level):
        return path, None
    job = Job(
        stage="potential",
        name=f"{digest}.{level_name}",
        level_name=level_name,
        level=level,
        task=Static(),
        charge=charge,
        kind=shape_of(frame),
        note=f"{frame.info['group']}, step {frame.info['step']}",
    )
    work.mkdir(parents=True, exist_ok=True)
    guesses = [folder for folder in guess_from if _offers(folder)]
    bare = frame.copy()
    bare.info = {}
    result = execute(
        job.model_dump(mode="json"), bare, work / "result.json", work / "structure.extxyz", guess_from=guesses
    )
    _leave_guess(work)
    if result.status != "converged":
        return None, result
    final = read(work / "structure.extxyz", format="extxyz")
    forces = final.arrays[FORCES]
    labelled = frame.copy()
    labelled.info = {
        **{key: frame.info[key] for key in ("kind", "group", "step")},
        "charge": charge,
        "digest": digest,
        "level": level_name,
        "title": level.title,
        "settings": settings_of(level),
        "engine": result.engine,
        "engine_version": result.engine_version,
        "n_scf_cycles": result.n_scf_cycles or 0,
        "core_s": round(result.core_s, 1),
    }
    labelled.calc = SinglePointCalculator(labelled, energy=result.energy_eV, forces=forces)
    return store.keep(labelled), result


def _placed(frame: Atoms) -> Atoms:
    """Return a frame with positions as files hold them, and its info."""
    placed = rounded(frame)
    placed.info = dict(frame.info)
    return placed


def _leave_guess(work: Path) -> None:
    """Put the last wavefunction where other jobs look for a first guess, and drop what else is large."""
    (work / GUESS).unlink(missing_ok=True)
    found = [path for path in work.glob("state/*/attempt-*/*.wfn") if path.stat().st_size]
    if found:
        shutil.move(max(found, key=lambda path: path.stat().st_mtime_ns), work / WAVEFUNCTION)
    for left in work.glob("state/*/attempt-*/*.wfn*"):
        left.unlink()


def _offers(folder: Path) -> bool:
    return (folder / WAVEFUNCTION).is_file()
