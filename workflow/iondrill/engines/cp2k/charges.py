"""Charges of the atoms from CP2K's output: the tables of Mulliken and Hirshfeld, closed shell and spin-polarised."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Scheme = Literal["Mulliken", "Hirshfeld"]


class Format(NamedTuple):
    """How a table is recognised and read."""

    title: str
    total: str
    """How its last line begins."""
    precision_e: float
    """One unit of the last digit of a charge."""
    closed: tuple[int, int]
    """Words in the line of an atom, and which of them is the net charge; closed shell."""
    open: tuple[int, int, int]
    """The same, and which is the spin moment; spin-polarised."""


# mulliken.F and hirshfeld_methods.F of CP2K 2023.1
FORMATS: dict[Scheme, Format] = {
    "Mulliken": Format("Mulliken Population Analysis", "# Total charge", 1e-6, (5, 4), (7, 5, 6)),
    "Hirshfeld": Format("Hirshfeld Charges", "Total Charge", 1e-3, (6, 5), (8, 7, 6)),
}
RULE = "!---"
WHOLE = "needed: a whole table, as CP2K 2023.1 prints it"


@dataclass(frozen=True)
class AtomicCharges:
    """One table.

    Parameters
    ----------
    scheme : str
        ``Mulliken`` or ``Hirshfeld``.
    symbols : tuple of str
        Element of each atom.
    printed_e : array (n_atoms,)
        Net charges as printed; positive: electrons missing.
    spin : array (n_atoms,) or None
        Alpha minus beta electrons; None for a closed shell.
    source : str
        File and line of the table.
    """

    scheme: Scheme
    symbols: tuple[str, ...]
    printed_e: Array
    spin: Array | None
    source: str

    def charges_e(self, total_charge_e: float) -> Array:
        """Return the charges, shape (n_atoms,), with what they lack to the total charge shared evenly.

        CP2K prints Hirshfeld charges with three digits, and their sum misses a little density far from all atoms:
        both leave some 10⁻³ e for an atom at most, which would add up over the atoms of a fragment.

        Parameters
        ----------
        total_charge_e : float
            Of the calculation.

        Raises
        ------
        UserError
            If an atom would change by more than one unit of the last printed digit.
        """
        share = (total_charge_e - self.printed_e.sum()) / len(self.printed_e)
        if not abs(share) <= FORMATS[self.scheme].precision_e:
            found = f"the {self.scheme} charges add up to {self.printed_e.sum():.6f} e"
            allowed = f"allowed: {total_charge_e:g} e to {FORMATS[self.scheme].precision_e:g} e for each atom"
            raise UserError.of(self.source, found, allowed)
        return np.asarray(self.printed_e + share)


def read_charges(path: Path, scheme: Scheme) -> Iterator[AtomicCharges]:
    """Yield the tables of a scheme in CP2K's output, in order: one for each SCF that printed it.

    Parameters
    ----------
    path : Path
        The log, of which never more than a table is kept.
    scheme : str
        ``Mulliken`` or ``Hirshfeld``.

    Yields
    ------
    AtomicCharges
        Only whole tables.

    Raises
    ------
    UserError
        If the file cannot be read, or a table is cut, lacks an atom, holds what is no number, or does not add up
        to its own total.
    """
    block: list[str] | None = None
    source = ""
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            for number, line in enumerate(stream, 1):
                if block is None:
                    if line.strip() == FORMATS[scheme].title:
                        block, source = [], f"{path} ({scheme} table at line {number})"
                elif line.lstrip().startswith(RULE):
                    yield _read_table(block, scheme, source)
                    block = None
                elif line.strip():
                    block.append(line)
    except OSError as error:
        raise UserError.of(path, f"cannot be read: {error.strerror or error}") from None
    if block is not None:
        raise UserError.of(source, "the file ends in the table", WHOLE)


def _read_table(block: list[str], scheme: Scheme, source: str) -> AtomicCharges:
    """Return the table of which these are the lines from the head to the total."""
    form = FORMATS[scheme]
    if len(block) < 3 or not block[-1].lstrip().startswith(form.total):
        raise UserError.of(source, "the line of the total is missing", WHOLE)
    polarised = "Spin moment" in block[0]
    rows = [_row(line, form, polarised=polarised) for line in block[1:-1]]
    for index, row in enumerate(rows, 1):
        if row is None or row[0] != index:
            raise UserError.of(source, f"found {block[index].strip()!r}, where atom {index} is due", WHOLE)
    _, symbols, charges, spins = zip(*(row for row in rows if row), strict=True)
    printed, total = np.array(charges), _total(block[-1], polarised=polarised)
    # every printed number is off by half a unit at most
    if not abs(printed.sum() - total) <= 0.5 * form.precision_e * (len(printed) + 2):
        found = f"the charges add up to {printed.sum():.6f} e, the table says {total:.6f} e"
        raise UserError.of(source, found, WHOLE)
    return AtomicCharges(scheme, symbols, printed, np.array(spins) if polarised else None, source)


def _row(line: str, form: Format, *, polarised: bool) -> tuple[int, str, float, float] | None:
    """Return number, element, net charge and spin of an atom; None if that is not what the line holds."""
    words = line.split()
    n_words, charge, spin = form.open if polarised else (*form.closed, form.closed[1])
    if len(words) != n_words:
        return None
    try:
        row = int(words[0]), words[1], float(words[charge]), float(words[spin])
    except ValueError:
        return None
    return row if isfinite(row[2]) and isfinite(row[3]) else None


def _total(line: str, *, polarised: bool) -> float:
    """Return the total charge as the table gives it; Mulliken's has the spin behind it. NaN if there is none."""
    words = line.split()
    try:
        return float(words[-2] if polarised and "spin" in line else words[-1])
    except ValueError:
        return float("nan")
