"""Ions inside diamond: relaxed supercells without and with them, and the free atoms."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from iondrill.config.project import required
from iondrill.jobs.job import Kind, Relax
from iondrill.jobs.name import CLEAN, JobId, Subject
from iondrill.jobs.size import Size
from iondrill.prepare.stages.base import Stage

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ase import Atoms

    from iondrill.config.interstitials import InterstitialsStage as Settings
    from iondrill.config.levels import Level

CRYSTAL = "diamond"


class InterstitialsStage(Stage):
    """Supercells of diamond."""

    name = "interstitials"

    @property
    def settings(self) -> Settings:
        """The section of the configuration; see `iondrill.config.project.required`."""
        return required(self.config.interstitials, self.name, "level")

    def clean(self, repeats: int) -> JobId:
        """Return the supercell without an ion."""
        return JobId(self.name, Subject(CRYSTAL, site=CLEAN), self.settings.level, variant=f"x{repeats}")

    def atom(self, ion: str) -> JobId:
        """Return the free atom at the level of the stage."""
        return self.free_atom(ion, self.settings.level)

    def rows(self) -> list[JobId]:
        """Return the supercells with an ion."""
        chosen = self.settings
        return [
            JobId(self.name, Subject(CRYSTAL, ion, site=site), chosen.level, variant=f"x{repeats}")
            for ion, site, repeats in product(chosen.ions, chosen.sites, dict.fromkeys(chosen.repeats))
        ]

    def jobs(self) -> list[JobId]:
        """Return the supercells without and with ions, and the atoms."""
        chosen = self.settings
        return [*map(self.clean, dict.fromkeys(chosen.repeats)), *self.rows(), *map(self.atom, chosen.ions)]

    def repeats(self, job: JobId) -> int:
        """Return how many cubic cells there are along each edge."""
        return int(job.variant.removeprefix("x"))

    def task(self, job: JobId) -> Relax:  # noqa: ARG002
        """Return what a job does."""
        return Relax(fmax_eV_A=self.settings.fmax_eV_A, max_steps=self.settings.max_steps)

    def kind(self, job: JobId) -> Kind:  # noqa: ARG002
        """Return what a job's structure is."""
        return "crystal"

    def level(self, job: JobId) -> Level:
        """Return the level of theory, with as many k-points along each edge as slabs have along the first."""
        level = super().level(job)
        grid = getattr(level, "kpoints", None)
        return level if grid is None else level.model_copy(update={"kpoints": (grid[0],) * 3})

    def structure(self, job: JobId) -> None:
        """Return nothing: its rule builds the supercell."""

    def start(self, job: JobId) -> Atoms:
        """Return the supercell, as built."""
        from iondrill.geometry.interstitials import diamond_cell, with_interstitial  # imports ASE

        repeats = self.repeats(job)
        clean = diamond_cell(repeats)
        site = job.subject.site
        return clean if site == CLEAN else with_interstitial(clean, job.subject.ion, site, repeats)  # type: ignore[arg-type]

    def size(self, job: JobId) -> Size:
        """Return the size of the supercell."""
        atoms = self.start(job)
        first, second, third = atoms.cell.lengths().tolist()
        return Size(len(atoms), (first, second, third))

    def elements(self, job: JobId, known: Mapping[str, Collection[str]]) -> set[str]:  # noqa: ARG002
        """Return carbon and the ion."""
        return {"C", *([job.subject.ion] if job.subject.ion else [])}
