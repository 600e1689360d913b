"""Arrays by name in ``.npz`` files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from iondrill.errors import UserError
from iondrill.files import replacing
from iondrill.jobs import arrays as npz

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def write_arrays(path: Path, **arrays: Any) -> None:
    """Write arrays, whole or not at all."""
    with replacing(path) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **arrays)


def read_arrays(path: Path, *names: str) -> tuple[NDArray[Any], ...]:
    """Read some arrays of a file.

    Raises
    ------
    UserError
        If the file is missing, cut or holds something else.
    """
    try:
        return tuple(npz.read_arrays(path, *names).values())
    except npz.UnreadableError as error:
        allowed = f"allowed: an .npz of the elf stage, with {', '.join(names)}"
        raise UserError.of(path, f"holds no readable arrays ({error})", allowed) from error
