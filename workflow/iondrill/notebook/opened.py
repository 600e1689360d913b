"""A folder of results, opened: what ``iondrill.open`` returns."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from iondrill.analyse.elf.map import read_elf_map
from iondrill.engines.base import read_result
from iondrill.errors import UserError, nearest
from iondrill.files import is_empty
from iondrill.geometry.checks import read_structure
from iondrill.jobs.name import JobId
from iondrill.notebook.frames import Lazy, read_frame
from iondrill.notebook.view import View
from iondrill.prepare.published import final_geometry

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from ase import Atoms
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class ElfFrame(NamedTuple):
    """The electron localisation function on the plane of a frame.

    Attributes
    ----------
    elf : (n0, n1) array
        0 to 1.
    density_e_bohr3 : (n0, n1) array
        Electron density; where it is below 10⁻³ the ELF means nothing.
    points_A : (n0, n1, 3) array
        Where the values are.
    """

    elf: Floats
    density_e_bohr3: Floats
    points_A: Floats


class Opened:
    """A folder of results; everything is read when it is asked for.

    Parameters
    ----------
    folder : Path
        ``results``.

    Attributes
    ----------
    order : mapping of str to DataFrame
        Order parameters of each run, a row for each frame; `charges` alike.
    elf : mapping of str to mapping of str to ElfFrame
        Maps by run and frame.
    contacts : mapping of str to DataFrame
        ELF at the contacts of each run with maps.
    tables : mapping of str to DataFrame
        Every table by its path in the results.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UserError.of(folder, "there is no such folder", "needed: the results of a run")
        if not any((folder / name).exists() for name in ("jobs", "md", "adsorption.csv")):
            raise UserError.of(folder, "holds no results of iondrill", "needed: jobs, md or adsorption.csv")
        self.folder = folder
        runs = self._names("md/*/order_parameters.csv", -2)
        mapped = list(dict.fromkeys(self._names("elf/*/*.npz", -2)))
        tables = sorted(
            path.relative_to(folder).as_posix() for path in folder.rglob("*.csv") if _is_result(path, folder)
        )
        self.tables: Lazy[pd.DataFrame] = Lazy("tables", tables, lambda path: read_frame(folder, path))
        self.order: Lazy[pd.DataFrame] = Lazy("order", runs, lambda run: self.tables[f"md/{run}/order_parameters.csv"])
        charged = [run for run in runs if f"charges/{run}.csv" in self.tables]
        self.charges: Lazy[pd.DataFrame] = Lazy("charges", charged, lambda run: self.tables[f"charges/{run}.csv"])
        self.elf: Lazy[Lazy[ElfFrame]] = Lazy("elf", mapped, self._maps)
        self.contacts: Lazy[pd.DataFrame] = Lazy("contacts", mapped, lambda run: self.tables[f"elf/{run}/summary.csv"])

    def __repr__(self) -> str:
        """Say what there is."""
        return f"<results in {self.folder}: {len(self.jobs)} jobs; runs: {', '.join(self.order) or 'none'}>"

    @property
    def adsorption(self) -> pd.DataFrame:
        """Adsorption energies, a row for each site, ion and level; refused ones without energy, and why in `status`."""
        return self.tables["adsorption.csv"]

    @cached_property
    def jobs(self) -> pd.DataFrame:
        """Every job that ended: stage, name, level, engine, status, energy_eV, largest force, cost."""
        import pandas as pd

        rows = []
        for path in sorted(self.folder.glob("jobs/*/*/result.json")):
            kept = read_result(path).model_dump(exclude={"attempts", "start", "neighbourhood", "spin_states"})
            rows.append({"stage": path.parent.parent.name, "job": path.parent.name, **kept})
        return pd.DataFrame(rows)

    def events(self, run: str) -> dict[str, Any]:
        """Return what happened in a run, and when: ``events.json``."""
        self.order[run]
        found: dict[str, Any] = json.loads((self.folder / f"md/{run}/events.json").read_text(encoding="utf-8"))
        return found

    def frames(self, run: str) -> list[Atoms]:
        """Return the trajectory of a run: structures with energies, forces and velocities, `info` with step and time.

        Raises
        ------
        UserError
            If it cannot be read.
        """
        from ase.io.trajectory import Trajectory

        self.order[run]
        path = self.folder / f"md/{run}/trajectory.traj"
        try:
            with Trajectory(path) as trajectory:
                return [trajectory[i] for i in range(len(trajectory))]
        except Exception as error:  # noqa: BLE001  (ASE raises many kinds for a damaged file)
            raise UserError.of(path, f"cannot be read as a trajectory: {error}") from None

    def atoms(self, name: str) -> Atoms:
        """Return a structure.

        Parameters
        ----------
        name : str
            Of a structure as built (``C100-2x1``), or a job, ``<stage>/<name>`` (``adsorption/C100-2x1.Li-cave.gfn2``):
            its last geometry, with the energy if it converged.

        Raises
        ------
        UserError
            If there is neither.
        """
        if (built := self.folder / "structures" / f"{name}.extxyz").is_file():
            return read_structure(built)
        folder = self.folder / "jobs" / name
        file = final_geometry(folder)
        if file is None:
            there = self._names("structures/*.extxyz", -1) + [
                f"{job.stage}/{job.job}" for job in self.jobs.itertuples()
            ]
            raise UserError.of(name, "names no structure and no job", nearest(name, there))
        return self._with_energy(read_structure(file), folder)

    def view(self, name: str, frames: int = 100) -> View:
        """Return a run, a structure or a job to look at: in a notebook it shows itself, and works offline.

        Parameters
        ----------
        name : str
            Of a run, or what `atoms` takes.
        frames : int
            Of a run, at most; evenly spaced, ends included.
        """
        if name not in self.order:
            return View(name, [self.atoms(name)])
        images = self.frames(name)
        chosen = np.unique(np.linspace(0, len(images) - 1, min(frames, len(images))).round().astype(int))
        return View(name, [images[i] for i in chosen])

    def _names(self, pattern: str, part: int) -> list[str]:
        """Return parts of the paths of some files; one that holds nothing is not there."""
        there = (path for path in self.folder.glob(pattern) if not is_empty(path))
        return sorted(path.with_suffix("").parts[part] for path in there)

    def _maps(self, run: str) -> Lazy[ElfFrame]:
        names = [name for name in self._names(f"elf/{run}/*.npz", -1) if "." not in name]
        return Lazy(
            f"elf of {run}",
            sorted(names, key=lambda name: (not name.isdigit(), name.zfill(12))),
            lambda frame: _map(self.folder / f"elf/{run}/{frame}.npz"),
        )

    def _with_energy(self, atoms: Atoms, folder: Path) -> Atoms:
        from ase.calculators.singlepoint import SinglePointCalculator

        if (folder / "result.json").is_file():
            record = read_result(folder / "result.json")
            level = JobId.parse(folder.parent.name, folder.name).level
            atoms.info |= {"status": record.status, "level": level}
            if record.energy_eV is not None:
                atoms.calc = SinglePointCalculator(atoms, energy=record.energy_eV)
        return atoms


def _map(path: Path) -> ElfFrame:
    found = read_elf_map(path)
    return ElfFrame(found.elf, found.rho, found.plane.points_A().reshape(*found.plane.shape, 3))


def _is_result(path: Path, folder: Path) -> bool:
    """Say whether a table is one of the results, and not of what a job keeps for itself or of a run's benchmarks.

    One that holds nothing is of a run that did not converge, or of an event that did not happen.
    """
    return path.relative_to(folder).parts[0] not in {"jobs", "benchmarks", "logs"} and not is_empty(path)
