"""What would be better in a configuration that is not wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.config.levels import Cp2kLevel, DftLevel
from iondrill.config.load import check_config, locate, read_documents
from iondrill.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from iondrill.config.document import Document
    from iondrill.config.levels import Level

ON_GRID = frozenset({"md", "elf"})
"""Stages whose jobs put no element on a grid of its own."""
USES = {"relax": "relaxations", "md": "MD", "elf": "ELF"}
"""Stages in words, where their name is none."""


def advice(paths: Sequence[Path], elements: Mapping[tuple[str, str], Sequence[str]]) -> list[Problem]:
    """Return where a level's ranks are not started, or its cutoff is low for an element that is computed with it.

    Parameters
    ----------
    paths : sequence of Path
        Configuration files without problems.
    elements : mapping
        Those at each level in each stage, by their names.
    """
    documents = read_documents(*paths)
    levels = check_config(documents).levels
    return [*_not_started(levels, documents), *_too_coarse(levels, elements, documents)]


def _not_started(levels: Mapping[str, Level], documents: Sequence[Document]) -> Iterator[Problem]:
    """Yield the levels that ask for the cores of several ranks, and start their program once, without MPI."""
    for name, level in levels.items():
        # a command of several words may start the ranks itself
        if isinstance(level, DftLevel) and level.ranks > 1 and not level.launcher and len(level.command) == 1:
            where = locate(documents, ("levels", name, "ranks"))
            found = f"{level.ranks} cores are asked for, and without a launcher {level.command[0]} starts once, on one"
            yield Problem(where, found, "advice: launcher: [mpirun, -n, '{ranks}'] or [srun]")


def _too_coarse(
    levels: Mapping[str, Level], elements: Mapping[tuple[str, str], Sequence[str]], documents: Sequence[Document]
) -> Iterator[Problem]:
    """Yield the cutoffs that are low for an element."""
    from iondrill.engines.cp2k.inputs import too_coarse

    cp2k = {name: level for name, level in levels.items() if isinstance(level, Cp2kLevel)}
    found: dict[tuple[str, str, float], list[str]] = {}
    for (name, stage), symbols in elements.items():
        if name in cp2k:
            for element, least_Ry in too_coarse(cp2k[name], symbols, own_grid=stage not in ON_GRID).items():
                found.setdefault((name, element, least_Ry), []).append(USES.get(stage, stage))
    for (name, element, least_Ry), uses in found.items():
        where = locate(documents, ("levels", name, "cutoff_Ry"))
        there = " and ".join([", ".join(uses[:-1]), uses[-1]] if uses[1:] else uses)
        little = f"{cp2k[name].cutoff_Ry:g} Ry is little for {there} with {element}"
        yield Problem(where, little, f"advice: {least_Ry:g} Ry or more for that")
