"""Whether the program of a level is on this machine."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PATIENCE_S = 60


def missing(command: Sequence[str], launcher: Sequence[str]) -> str:
    """Return which of launcher and program is not on the PATH, or nothing."""
    words = [*launcher[:1], command[0]]
    return next((f"{word} is not on the PATH" for word in words if shutil.which(word) is None), "")


def output(command: Sequence[str]) -> str:
    """Return what a program prints, or nothing if it fails."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE_S,
            check=True,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout
