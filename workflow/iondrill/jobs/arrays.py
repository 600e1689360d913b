"""Arrays by name in ``.npz`` files that may be missing, cut by a kill or damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from numpy.typing import NDArray


class UnreadableError(Exception):
    """A file does not hold the arrays that are asked for; the message says why."""


def read_arrays(path: Path, *names: str, optional: Collection[str] = ()) -> dict[str, NDArray[Any]]:
    """Read some arrays of a file, whole.

    Parameters
    ----------
    path : Path
        An ``.npz``.
    *names : str
        Arrays that it must hold.
    optional : collection of str
        Those that it may hold besides.

    Raises
    ------
    UnreadableError
        If the file is missing, cut or holds something else.
    """
    try:
        with np.load(path) as saved:
            wanted = [*names, *(name for name in optional if name in saved)]
            return {name: saved[name] for name in wanted}
    except Exception as error:  # zipfile, zlib, numpy and the system have each their own
        raise UnreadableError(str(error)) from error
