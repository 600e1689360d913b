"""What would be better in a configuration that is not wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.config.load import locate
from iondrill.config.project import check_config, read_documents
from iondrill.engines.registry import engine
from iondrill.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from iondrill.engines.base import Uses


def advice(paths: Sequence[Path], uses: Uses) -> list[Problem]:
    """Return what each engine advises for its levels.

    Parameters
    ----------
    paths : sequence of Path
        Configuration files without problems.
    uses : mapping
        The elements at each level in each stage, by their names.
    """
    documents = read_documents(*paths)
    levels = check_config(documents).levels
    remarks = [
        remark
        for name in dict.fromkeys(level.engine for level in levels.values())
        for remark in engine(name).advice({key: level for key, level in levels.items() if level.engine == name}, uses)
    ]
    return [
        Problem(locate(documents, ("levels", remark.level, remark.key)), remark.found, remark.advice)
        for remark in remarks
    ]
