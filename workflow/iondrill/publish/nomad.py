"""A run for NOMAD: a flat folder a job, with the engine's files and ``workflow.archive.yaml``.

https://nomad-lab.eu: the files of CP2K and VASP are parsed by NOMAD itself; of engines in this process, which it has no
parser for, the archive holds geometry and energy. Each archive says the adsorption energy, or that it was refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ase.units import J, m

from iondrill.config.base import Strict
from iondrill.config.document import dump
from iondrill.config.load import load
from iondrill.publish.geometries import geometries
from iondrill.publish.licensed import licensed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ase import Atoms

    from iondrill.prepare.plan import Plan
    from iondrill.publish.geometries import Geometry

ARCHIVE = "workflow.archive.yaml"
SYSTEM, CALCULATION = "#/run/0/system/0", "#/run/0/calculation/0"


class Wanted(Strict):
    """What ``nomad_files.yaml`` holds."""

    mainfile: list[str]
    others: list[str]
    job: list[str]


def nomad(plan: Plan) -> dict[str, str | Path]:
    """Return the files of a run for NOMAD by their paths: text, or a file to copy.

    Parameters
    ----------
    plan : Plan
        Of the run.
    """
    wanted = load(Wanted, Path(__file__).with_name("nomad_files.yaml"))
    files: dict[str, str | Path] = {}
    for each in geometries(plan):
        attempt = _last_attempt(each)
        there = [
            *_found(each.folder, wanted.job),
            *(_found(attempt, [*wanted.mainfile, *wanted.others]) if attempt else []),
        ]
        there = [path for path in there if not licensed(path)]
        names = {path.name for path in there}
        mainfile = next((name for name in wanted.mainfile if name in names), None)
        files |= {f"{each.identifier}/{path.name}": path for path in there}
        files[f"{each.identifier}/{ARCHIVE}"] = dump(_archive(plan, each, mainfile))
    return files


def _last_attempt(each: Geometry) -> Path | None:
    """Return the folder of the last attempt by a program; None of an engine in this process."""
    attempts = sorted((each.folder / "state" / each.record.input_hash).glob("attempt-*"))
    return attempts[-1] if attempts else None


def _found(folder: Path, patterns: Iterable[str]) -> Iterator[Path]:
    return (path for pattern in patterns for path in sorted(folder.glob(pattern)) if path.is_file())


def _archive(plan: Plan, each: Geometry, mainfile: str | None) -> dict[str, Any]:
    """Return what ``workflow.archive.yaml`` holds."""
    name = f"{each.job.stage} {each.job.stem}"
    archive: dict[str, Any] = {"metadata": {"entry_name": f"{name}, iondrill", "comment": comment(plan, each)}}
    if mainfile is not None:  # NOMAD makes an entry of it; references between entries are made in an upload
        return archive | {"workflow2": {"name": name, "tasks": [{"name": mainfile}]}}
    archive["run"] = [_run(each)]
    links = {"inputs": [{"name": "geometry", "section": SYSTEM}]}
    if each.record.energy_eV is not None:
        links["outputs"] = [{"name": "energy", "section": CALCULATION}]
    return archive | {"workflow2": {"name": name, **links}}


def comment(plan: Plan, each: Geometry) -> str:
    """Return in words how a job ended, its level, and its adsorption energy or that it was refused."""
    level = plan.config.levels.get(each.job.level)
    said = [each.job.level if level is None else level.title, f"job {each.record.status}"]
    if each.energy is not None:
        value = "none" if each.energy.E_ads_eV is None else f"{each.energy.E_ads_eV:.6f} eV"
        error = "" if each.energy.error_eV is None else f", error {each.energy.error_eV:.3f} eV"
        said.append(f"{each.energy.title}: {value}{error} ({each.energy.status})")
    return "; ".join(said)


def _run(each: Geometry) -> dict[str, Any]:
    """Return geometry and energy in the units of NOMAD, m and J."""
    run: dict[str, Any] = {
        "program": {"name": each.record.engine, "version": each.record.engine_version},
        "system": [_system(each.atoms)],
    }
    if each.record.energy_eV is not None:
        run["calculation"] = [{"energy": {"total": {"value": each.record.energy_eV / J}}, "system_ref": SYSTEM}]
    return run


def _system(atoms: Atoms) -> dict[str, Any]:
    formula = atoms.symbols.formula
    return {
        "is_representative": True,
        "chemical_composition_hill": formula.format("hill"),
        "chemical_composition_reduced": formula.reduce()[0].format("hill"),
        "atoms": {
            "labels": list(atoms.symbols),
            "positions": (atoms.positions / m).tolist(),
            "lattice_vectors": (atoms.cell.array / m).tolist(),
            "periodic": [bool(each) for each in atoms.pbc],
        },
    }
