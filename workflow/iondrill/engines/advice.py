"""What would be better in a configuration that is not wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.config.levels import Cp2kLevel
from iondrill.config.load import check_config, locate, read_documents
from iondrill.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def advice(paths: Sequence[Path], elements: Mapping[str, Sequence[str]]) -> list[Problem]:
    """Return where a level's cutoff is low for an element that is computed with it.

    Parameters
    ----------
    paths : sequence of Path
        Configuration files without problems.
    elements : mapping
        Those at each level, by its name.
    """
    from iondrill.engines.cp2k.inputs import too_coarse

    documents = read_documents(*paths)
    levels = check_config(documents).levels
    return [
        Problem(
            locate(documents, ("levels", name, "cutoff_Ry")),
            f"{level.cutoff_Ry:g} Ry is little for {element}",
            f"advice: {least_Ry:g} Ry or more for energies",
        )
        for name, level in levels.items()
        if isinstance(level, Cp2kLevel)
        for element, least_Ry in too_coarse(level, elements.get(name, [])).items()
    ]
