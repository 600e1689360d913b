"""Nanodiamond, lithiated graphite and diamond facets: structures, jobs, ELF and adsorption energies."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from iondrill.notebook.opened import Opened

__version__ = "0.1.0"


def open(folder: str | os.PathLike[str] = "results") -> Opened:  # noqa: A001
    """Open the results of a run; nothing is read before it is asked for.

    Parameters
    ----------
    folder : path
        The results.

    Returns
    -------
    Opened
        ``.adsorption``, ``.order["drill"]``, ``.elf["drill"]``, ``.atoms(…)``, ``.view("drill")`` and more.

    Raises
    ------
    UserError
        If there are none.
    """
    from pathlib import Path

    from iondrill.notebook.opened import Opened

    return Opened(Path(folder).expanduser())
