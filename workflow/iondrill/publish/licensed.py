"""What must not be handed on: PAW datasets of VASP, whole or in part, under whatever name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MARKS = (b"VRHFIN", b"PSCTR-contro", b"\n local part\n", b"\n Non local Part\n")
"""What a dataset has, and what an OUTCAR repeats of one."""
ALLOWED = {"POTCAR.spec"}
"""Names of the datasets alone."""
CHUNK_BYTES = 1 << 22
OVERLAP = 64


def licensed(path: Path) -> bool:
    """Say whether a file is a POTCAR, by its name or by what it holds."""
    if path.name in ALLOWED:
        return False
    if "POTCAR" in path.name.upper():
        return True
    before = b"\n"
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            seen = before + chunk
            if any(mark in seen for mark in MARKS):
                return True
            before = chunk[-OVERLAP:]
    return False
