"""The [Nval] section of Molden files: the electrons that a valence-only calculation gives each element."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.files import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MOLDEN = "wavefunction.molden"
"""Where a converged single point leaves its wavefunction, in the job's folder."""


def valence_section(n_valence: Mapping[str, float]) -> str:
    """Return the [Nval] section.

    It belongs at the end of the file, where it also proves that the file is whole.

    Parameters
    ----------
    n_valence : mapping of str to float
        Element symbol to the number of its valence electrons, e.g. ``{"Li": 3, "C": 4}``.

    Returns
    -------
    str
        The section as Multiwfn reads it (Multiwfn manual, section on Molden input files).
    """
    lines = [f" {symbol:2s} {count:.0f}" for symbol, count in n_valence.items()]
    return "\n".join(["[Nval]", *lines]) + "\n"


def append_valence(path: Path, n_valence: Mapping[str, float]) -> None:
    """Append the [Nval] section to a Molden file that has none, as CP2K 2023.1 writes it.

    Parameters
    ----------
    path : Path
        The Molden file; replaced whole.
    n_valence : mapping of str to float
        Element symbol to the number of its valence electrons (the q of the GTH potential).
    """
    text = path.read_text(encoding="utf-8")
    if "[NVAL]" not in text.upper():
        write_text(path, f"{text.rstrip()}\n{valence_section(n_valence)}")
