"""What would be better in a configuration that is not wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.config.levels import Cp2kLevel
from iondrill.config.load import check_config, locate, read_documents
from iondrill.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ON_GRID = frozenset({"md", "elf"})
"""Stages whose jobs put no element on a grid of its own."""


def advice(paths: Sequence[Path], elements: Mapping[tuple[str, str], Sequence[str]]) -> list[Problem]:
    """Return where a level's cutoff is low for an element that is computed with it.

    Parameters
    ----------
    paths : sequence of Path
        Configuration files without problems.
    elements : mapping
        Those at each level in each stage, by their names.
    """
    from iondrill.engines.cp2k.inputs import too_coarse

    documents = read_documents(*paths)
    levels = check_config(documents).levels
    cp2k = {name: level for name, level in levels.items() if isinstance(level, Cp2kLevel)}
    found = {
        (name, element): least_Ry
        for (name, stage), symbols in elements.items()
        if name in cp2k
        for element, least_Ry in too_coarse(cp2k[name], symbols, own_grid=stage not in ON_GRID).items()
    }
    return [
        Problem(
            locate(documents, ("levels", name, "cutoff_Ry")),
            f"{cp2k[name].cutoff_Ry:g} Ry is little for {element}",
            f"advice: {least_Ry:g} Ry or more for energies",
        )
        for (name, element), least_Ry in found.items()
    ]
