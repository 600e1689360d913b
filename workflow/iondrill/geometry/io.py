"""Structures on disk: extended XYZ, and the record of its checks in a second file."""

from __future__ import annotations

import os
from io import StringIO
from typing import TYPE_CHECKING

from ase.io import write

from iondrill.geometry.checks import Check, check_structure
from iondrill.geometry.constraints import fix, fixed_directions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ase import Atoms

    from iondrill.geometry.checks import Origin


def write_structure(atoms: Atoms, path: Path, made_from: Sequence[Origin] = ()) -> Check:
    """Check a structure and write it, with its check record in a ``.json`` of the same name.

    Both files appear whole or not at all; a structure that does not pass leaves what was there before.
    `read_structure` gives back symbols, cell, arrays and fixed atoms, and positions to 1e-8 Å.

    Parameters
    ----------
    atoms : Atoms
        The structure; its calculator is not written.
    path : Path
        The ``.extxyz``; its folder is made when missing.
    made_from : sequence of Origin
        The recipes, of a structure that was built from some.

    Returns
    -------
    Check
        The record.

    Raises
    ------
    UserError
        If the structure does not pass `check_structure`.
    """
    check = check_structure(atoms, path).model_copy(update={"made_from": list(made_from)})
    atoms = atoms.copy()
    fix(atoms, fixed_directions(atoms, path))  # what the file can say
    text = StringIO()
    write(text, atoms, format="extxyz", write_results=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    unsaid = None if made_from else {"made_from"}
    _replace(path.with_suffix(".json"), check.model_dump_json(indent=2, exclude=unsaid) + "\n")
    _replace(path, text.getvalue())
    return check


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all: first under a temporary name."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
