"""The engine CP2K: it writes and checks its inputs, and runs them to their end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from iondrill.config.levels import Cp2kLevel
from iondrill.engines.base import Availability, Remark
from iondrill.engines.cp2k.cost import cost
from iondrill.engines.external import program
from iondrill.engines.standing import of_log
from iondrill.geometry.constraints import largest_force_eV_A

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from ase import Atoms

    from iondrill.config.levels import Level
    from iondrill.engines.base import Uses
    from iondrill.engines.cost import Cost
    from iondrill.engines.cp2k.runner import Run
    from iondrill.engines.standing import Standing
    from iondrill.jobs.job import Job
    from iondrill.jobs.size import Size

ON_GRID = frozenset({"md", "elf"})
"""Stages whose jobs put no element on a grid of its own."""
USES = {"relax": "relaxations", "md": "MD", "elf": "ELF"}
"""Stages in words, where their name is none."""


class Cp2kEngine(program.ProgramEngine[Cp2kLevel]):
    """Gaussians and plane waves: clusters, slabs and atoms; relaxation, single points, molecular dynamics."""

    name = "cp2k"
    install = "apt-get install cp2k libopenblas0, or conda install -c conda-forge cp2k; or set the level's `command`"
    model = Cp2kLevel

    def installed(self, level: Cp2kLevel) -> Availability:
        """Say which version the program is."""
        version = re.search(r"CP2K version (\S+)", program.output([*level.command, "--version"]))
        return Availability(
            engine=self.name,
            found=version is not None,
            version=version.group(0) if version else "",
            detail=" ".join(level.command) + ("" if version else " --version does not say a version"),
            install="" if version else self.install,
        )

    def render(self, job: Job, atoms: Atoms) -> dict[str, str]:
        """Return the text of ``job.inp``."""
        from iondrill.engines.cp2k.inputs import INPUT, render_input

        return {INPUT: render_input(job, atoms)}

    def check(self, folder: Path, job: Job, atoms: Atoms) -> list[str]:
        """Check ``job.inp``; see `iondrill.engines.cp2k.validate.check_inputs`."""
        from iondrill.engines.cp2k.validate import check_inputs

        return check_inputs(folder, job, atoms)

    def new_run(self, job: Job, atoms: Atoms, folder: Path) -> Run:
        """Return a run of a job, begun or not."""
        from iondrill.engines.cp2k.runner import Run

        return Run(job, atoms, folder)

    def cost(self, job: Job, size: Size) -> Cost:
        """Return what a job takes; see `iondrill.engines.base.Engine.cost`."""
        return cost(job, self.level(job), size)

    def standing(self, atoms: Atoms, state: Path, attempt: int, *, began: int, wall_s: float) -> Standing:
        """Return how far a job is; see `iondrill.engines.base.Engine.standing`."""
        from iondrill.engines.cp2k.attempt import LOG
        from iondrill.engines.cp2k.output import Log

        log = Log.read(state / f"attempt-{attempt:03d}" / LOG)
        step = max(log.geometry_step, began)
        return of_log(log, step, largest_force_eV_A(log.forces_eV_A, atoms), wall_s)

    def advice(self, levels: Mapping[str, Level], uses: Uses) -> Iterator[Remark]:
        """Yield ranks that are not started, and the cutoffs that are low for an element."""
        from iondrill.engines.cp2k.inputs import too_coarse

        yield from super().advice(levels, uses)
        cp2k = {name: level for name, level in levels.items() if isinstance(level, Cp2kLevel)}
        low: dict[tuple[str, str, float], list[str]] = {}
        for (name, stage), symbols in uses.items():
            if name in cp2k:
                for element, least_Ry in too_coarse(cp2k[name], symbols, own_grid=stage not in ON_GRID).items():
                    low.setdefault((name, element, least_Ry), []).append(USES.get(stage, stage))
        for (name, element, least_Ry), stages in low.items():
            there = " and ".join([", ".join(stages[:-1]), stages[-1]] if stages[1:] else stages)
            little = f"{cp2k[name].cutoff_Ry:g} Ry is little for {there} with {element}"
            yield Remark(name, "cutoff_Ry", little, f"advice: {least_Ry:g} Ry or more for that")
