"""A finished single point on a frame, read back; and the plane on which all frames of its run are mapped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from iondrill.analyse.density.cube import Cube
from iondrill.analyse.density.plane import Plane
from iondrill.analyse.density.wavefunction import read_molden
from iondrill.analyse.elf.elfcar import read_elfcar
from iondrill.analyse.elf.map import elf_map_from_cubes
from iondrill.engines.base import read_converged
from iondrill.engines.cp2k.inputs import in_cp2k_cell
from iondrill.engines.folder import read_job
from iondrill.engines.molden import MOLDEN
from iondrill.engines.vasp.inputs import in_vasp_cell
from iondrill.engines.vasp.output import CHGCAR, ELFCAR
from iondrill.errors import UserError
from iondrill.geometry.checks import read_structure
from iondrill.prepare.start import frame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ase import Atoms

    from iondrill.analyse.density.wavefunction import Wavefunction
    from iondrill.analyse.elf.elfcar import ElfCell
    from iondrill.analyse.elf.map import ElfMap
    from iondrill.config.levels import SpinD0


def read_point(result: str, structure: str, spin_D0: SpinD0 | None = None) -> tuple[Wavefunction | ElfCell, Atoms]:
    """Return the wavefunction of a single point, or VASP's grids, in the frame of its structure, and the structure.

    Parameters
    ----------
    result, structure : str
        Files of the job's folder. The wavefunction is in the same folder, or ELFCAR and CHGCAR.
    spin_D0 : {"6pi2", "3pi2"}, optional
        The level's ``elf_spin_D0``, for VASP's grids.

    Raises
    ------
    UserError
        If the job did not converge, or a file is missing or damaged.
    """
    read_converged(Path(result))
    folder, atoms = Path(result).parent, read_structure(Path(structure))
    if (folder / MOLDEN).is_file() or not (folder / ELFCAR).is_file():
        return read_molden(folder / MOLDEN).moved_to(atoms), atoms
    job, start = read_job(folder)
    boxed = in_vasp_cell(job, start)
    corner_A = atoms.positions[0] - boxed.positions[0]
    return read_elfcar(folder / ELFCAR, folder / CHGCAR, corner_A, spin_D0=spin_D0), atoms


def plane_of_run(atoms: Atoms, trajectory: str, steps: Iterable[int], *, margin_A: float, spacing_A: float) -> Plane:
    """Return the plane of insertion through the middle of a frame's flake, of one size for all frames of the run.

    Parameters
    ----------
    atoms : Atoms
        The frame.
    trajectory : str
        Of the run.
    steps : iterable of int
        The frames that are mapped.
    margin_A, spacing_A : float
        See `Plane.of_insertion`.
    """
    positions_A = np.array([frame(Path(trajectory), step, atoms).positions for step in steps])
    middle = atoms.positions[atoms.arrays["fragment"] != "nd"].mean(axis=0)
    return Plane.of_insertion(positions_A, middle, margin_A=margin_A, spacing_A=spacing_A)


def cube_map(cubes: str, plane: Plane, spin_D0: SpinD0 = "3pi2") -> ElfMap:
    """Return the ELF map from the cubes of a single point, on their own points nearest to a plane.

    Parameters
    ----------
    cubes : str
        Folder of the cubes, in the job's folder.
    plane : Plane
        In the frame of the job's structure.
    spin_D0 : {"6pi2", "3pi2"}
        The level's ``elf_spin_D0``.

    Raises
    ------
    UserError
        If a file is missing or damaged, or the box does not hold the plane.
    """
    folder = Path(cubes)
    job, start = read_job(folder.parent)
    boxed = in_cp2k_cell(job, start)
    shift_A = boxed.positions[0] - start.positions[0]
    found = {path.stem: Cube(path, boxed.cell.lengths()) for path in sorted(folder.glob("*.cube"))}
    if missing := {"elf-1", "density"} - found.keys():
        raise UserError.of(folder, f"no {', '.join(sorted(missing))} cube", "run its single point again")
    own = found["density"].own_plane(replace(plane, origin_A=plane.origin_A + shift_A))
    elf = [found[name] for name in ("elf-1", "elf-2") if name in found]
    there = elf_map_from_cubes(own, elf, found["density"], found.get("spin"), spin_D0=spin_D0)
    return replace(there, plane=replace(own, origin_A=own.origin_A - shift_A))
