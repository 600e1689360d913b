"""Compute methane with one spin density and with two, and say what D₀ of one spin is in an engine's own ELF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from iondrill.analyse.elf.check import check_job, compare, methane, own_elf
from iondrill.config.load import parse
from iondrill.config.models import Config
from iondrill.config.project import config_content, read_documents
from iondrill.engines.base import read_converged
from iondrill.engines.execute import execute
from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iondrill.analyse.elf.check import Verdict

MEANING = {"6pi2": "(6π²)^⅔, as it should be", "3pi2": "(3π²)^⅔"}


def elf_check(files: Sequence[Path], level_name: str) -> str:
    """Run the check at a level, and return what it found in a line.

    Parameters
    ----------
    files : sequence of Path
        The configuration; a level of VASP may still lack its ``elf_spin_D0``.
    level_name : str
        Of engine cp2k or vasp.

    Raises
    ------
    UserError
        If a job did not converge, if the ELF is of no known kind, or if the level says otherwise.
    """
    documents = read_documents(*files)
    config = parse(Config, documents, config_content(documents))
    found = _run(config, level_name)
    level = config.levels[level_name]
    said = getattr(level, "elf_spin_D0", None)
    what = f"level '{level_name}': D/D₀ of one spin is {found.ratio:.3f} times that of both: {MEANING[found.spin_D0]}"
    if said not in {None, found.spin_D0}:
        raise UserError.of(what, f"elf_spin_D0 is '{said}'", f"allowed: '{found.spin_D0}'")
    return f"{what}. elf_spin_D0: {found.spin_D0}" + (" agrees" if said else " is to be added to the level")


def _run(config: Config, level_name: str) -> Verdict:
    """Run both jobs, in folders of their own below the results, and compare them."""
    outcomes = []
    for spins in (1, 2):
        job = check_job(config, level_name, spins)
        folder = Path(config.results) / "jobs" / job.stage / job.name
        result = folder / "result.json"
        execute(job.model_dump(mode="json"), methane(), result, folder / "structure.extxyz")
        read_converged(result)
        outcomes.append(own_elf(folder))
    return compare(f"level '{level_name}'", *outcomes)
