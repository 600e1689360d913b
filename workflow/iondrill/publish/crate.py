"""A run as one archive that others can read: an RO-Crate of inputs, results, versions and provenance.

RO-Crate 1.1 (Soiland-Reyes et al., Data Science 5, 97 (2022)): a zip with ``ro-crate-metadata.json``, which says what
each file is, what led to what, and each adsorption energy. Of a run that was killed, it says what is missing.
"""

from __future__ import annotations

import json
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ase.calculators.singlepoint import SinglePointCalculator

from iondrill.config.load import as_yaml
from iondrill.engines.base import WELL, Result, read_result
from iondrill.errors import UserError
from iondrill.files import is_empty, replacing, write_text
from iondrill.prepare.result_files import RESULT_FILES
from iondrill.publish.entities import add_context, add_file, add_software
from iondrill.publish.geometries import geometries
from iondrill.publish.provenance import add_action, add_energies, add_provenance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ase import Atoms
    from rocrate.model.entity import Entity
    from rocrate.rocrate import ROCrate

    from iondrill.jobs.name import JobId
    from iondrill.prepare.plan import Plan
    from iondrill.publish.provenance import Acted

LICENCE = "https://spdx.org/licenses/CC-BY-4.0"
CONFORMS_TO = "https://w3id.org/ro/crate/1.1"
PAPER = "https://doi.org/10.1002/eem2.12749"
PAPER_TITLE = "Nanodiamond-assisted high performance lithium and sodium ions co-storage"
PACKAGES = ("ase", "numpy", "pymatgen", "pyscf", "scipy", "snakemake", "tblite")
JOB_FILES = ("job.json", "structure.extxyz", "job.inp", "INCAR", "KPOINTS", "POSCAR", "POTCAR.spec", "result.json")
"""Of a job folder; never a POTCAR, whose licence forbids it."""


class Piece(NamedTuple):
    """A file that a finished run has, and what it holds."""

    path: str
    what: str


def pieces(plan: Plan, *, frames: bool = True) -> list[Piece]:
    """Return the result files that a crate holds, besides those of its jobs; paths in the results.

    Parameters
    ----------
    plan : Plan
        Of a run: those that it has once it is finished, and those of further targets that are there.
    frames : bool
        With what there is of each frame of a run.
    """
    files = [file for file in RESULT_FILES if (file.crate or file.claims) and (frames or not file.frames)]
    found = [(file, Piece(*each)) for file in files for each in file.pieces(plan)]
    return list(dict.fromkeys(one for file, one in found if file.crate or (plan.results / one.path).is_file()))


def write_crate(plan: Plan, path: Path, *, frames: bool = True) -> list[str]:
    """Write the crate of a run, finished or not.

    Parameters
    ----------
    plan : Plan
        Of its configuration.
    path : Path
        The ``.zip``.
    frames : bool
        With trajectories, and tables that have a row for each frame.

    Returns
    -------
    list of str
        What is missing: result files, and jobs that have no record or did not converge.

    Raises
    ------
    UserError
        If there are no results at all, or a record or structure is damaged.
    """
    from rocrate.rocrate import ROCrate

    if not plan.results.is_dir():
        raise UserError.of(plan.results, "there are no results", "needed: a run of the workflow, finished or not")
    crate = ROCrate(version="1.1")
    with tempfile.TemporaryDirectory() as folder:
        records, acted = _add_jobs(crate, plan)
        missing = [_said(job, records.get(job)) for job in plan.executed() if _said(job, records.get(job))]
        outputs = []
        for piece in pieces(plan, frames=frames):
            if (plan.results / piece.path).is_file() and not is_empty(plan.results / piece.path):
                outputs.append(add_file(crate, plan.results / piece.path, piece.path, piece.what))
            else:
                missing.append(f"{piece.path}: {piece.what}")
        inputs = _add_inputs(crate, plan, Path(folder))
        _add_structures(crate, plan, Path(folder))
        add_energies(crate, plan)
        if acted:
            add_provenance(crate, plan, acted, inputs, outputs)
        _describe(crate, plan, missing, Path(folder), "" if frames else " Without the frames of runs.")
        with replacing(path) as temporary:
            crate.write_zip(temporary)
    return missing


def _said(job: JobId, record: Result | None) -> str:
    """Say what is wrong with a job; nothing of one that converged, or had nothing to compute."""
    if record is None:
        return f"jobs/{job.stage}/{job.name}: not finished"
    return "" if record.status in WELL else f"jobs/{job.stage}/{job.name}: {record.status}"


def _describe(crate: ROCrate, plan: Plan, missing: Sequence[str], folder: Path, without: str) -> None:
    """Write what the whole is, what is missing of it, and what it does not hold."""
    state = f"Incomplete; missing: {'; '.join(missing)}" if missing else "Complete: every job converged"
    crate.name = plan.config.title
    crate.description = f"Results of iondrill, reproducing Sun et al. 2024 ({PAPER}). {state}.{without}"
    crate.license = add_context(crate, LICENCE, "CreativeWork", name="Creative Commons Attribution 4.0 International")
    crate.creativeWorkStatus = "Incomplete" if missing else "Complete"
    crate.isBasedOn = add_context(crate, PAPER, "ScholarlyArticle", name=PAPER_TITLE)
    write_text(folder / "missing.json", json.dumps(list(missing), indent=1) + "\n")
    add_file(crate, folder / "missing.json", "missing.json", "what a finished run would have besides")


def _add_inputs(crate: ROCrate, plan: Plan, folder: Path) -> list[Entity]:
    """Add the configuration with all its defaults, the recipes, and the versions of what was used; return the files."""
    write_text(folder / "config.yaml", as_yaml(plan.config))
    inputs = [add_file(crate, folder / "config.yaml", "config.yaml", "configuration, defaults included")]
    names = {plan.stage(job).structure(job) for job in plan.executed()} - {None}
    for recipe in sorted({file for name in names for file in plan.project.recipe_files(str(name))}):
        source = Path(recipe)
        if source.is_file():
            inside = f"recipes/{source.parent.name}/{source.name}"
            inputs.append(add_file(crate, source, inside, f"recipe {source.stem}"))
    for package in ("iondrill", *PACKAGES):
        add_software(crate, package, version(package))
    return inputs


def _add_jobs(crate: ROCrate, plan: Plan) -> tuple[dict[JobId, Result], list[Acted]]:
    """Add the folder of each job, and what it did; return the records, and the actions."""
    records: dict[JobId, Result] = {}
    acted = []
    for job in plan.executed():
        folder, inside = plan.folder(job), f"jobs/{job.stage}/{job.name}"
        if not (folder / "result.json").is_file():
            continue
        record = records[job] = read_result(folder / "result.json")
        files = [folder / name for name in JOB_FILES if (folder / name).is_file()]
        parts = {
            file.name: add_file(crate, file, f"{inside}/{file.name}", f"{file.name} of {job.name}") for file in files
        }
        if record.status != "not_due":  # else nothing was done
            acted.append(add_action(crate, plan, job, record, parts))
    return records, acted


def final_structures(plan: Plan) -> Iterator[tuple[Atoms, dict[str, Any]]]:
    """Yield the last geometry of each converged job with its energy, and what it is.

    Parameters
    ----------
    plan : Plan
        Of the run.
    """
    for job, _, atoms, record, _ in geometries(plan):
        if record.status != "converged" or record.energy_eV is None:
            continue
        atoms.calc = SinglePointCalculator(atoms, energy=record.energy_eV)
        level = plan.config.levels[job.level].title
        known = {"stage": job.stage, "job": job.name, "subject": job.stem, "level": level}
        yield atoms, {**known, "engine": record.engine_version, "input_hash": record.input_hash}


def _add_structures(crate: ROCrate, plan: Plan, folder: Path) -> None:
    """Add the final structures with their energies as extended XYZ and as an ASE database."""
    from ase.db import connect
    from ase.io import write

    images = list(final_structures(plan))
    if not images:
        return
    with connect(folder / "structures.db") as database:
        for atoms, known in images:
            fragments = {"fragment": atoms.arrays["fragment"].tolist()} if "fragment" in atoms.arrays else {}
            words = {key: value for key, value in known.items() if key != "input_hash"}
            # a hash of digits alone would be taken for a number
            database.write(atoms, data={**fragments, "input_hash": known["input_hash"]}, **words)
            atoms.info = dict(known)
    write(folder / "structures.extxyz", [atoms for atoms, _ in images], format="extxyz")
    what = "last geometry and energy (eV) of every job that converged"
    for name in ("structures.extxyz", "structures.db"):
        add_file(crate, folder / name, name, what)
