"""Charges of the atoms from CP2K's output: the tables of Mulliken and Hirshfeld, closed shell and spin-polarised."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np

from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

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


# population_analyses.F and hirshfeld_methods.F of CP2K 2023.1; no print key gives Hirshfeld's charges more digits
FORMATS: dict[Scheme, Format] = {
    "Mulliken": Format("Mulliken Population Analysis", "# Total charge", 1e-6, (5, 4), (7, 5, 6)),
    "Hirshfeld": Format("Hirshfeld Charges", "Total Charge", 1e-3, (6, 5), (8, 7, 6)),
}
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
RULE = "!---"
WHOLE = "needed: a whole table, as CP2K prints it"


@dataclass(frozen=True)
class AtomicCharges:
    """One table.

    Parameters
    ----------
    scheme : str
        ``Mulliken`` or ``Hirshfeld``.
    symbols : tuple of str
        Element of each atom.
    printed_e : tuple of float
        Net charges of the atoms as printed; positive: electrons missing.
    spin : tuple of float or None
        Alpha minus beta electrons of each atom; None for a closed shell.
    """

    scheme: Scheme
    symbols: tuple[str, ...]
    printed_e: tuple[float, ...]
    spin: tuple[float, ...] | None

    def charges_e(self, symbols: Sequence[str], total_charge_e: float) -> Array:
        """Return the charges, shape (n_atoms,), with what they lack to the total charge shared evenly.

        CP2K prints Hirshfeld charges with three digits, and their sum misses a little density far from all atoms:
        both leave some 10⁻³ e for an atom at most, which would add up over the atoms of a fragment.

        Parameters
        ----------
        symbols : sequence of str
            Elements of the atoms that the table must be of.
        total_charge_e : float
            Of the calculation.

        Raises
        ------
        UserError
            If these are other atoms, or one would change by more than one unit of the last printed digit.
        """
        if self.symbols != tuple(symbols):
            raise UserError.of(f"{self.scheme} charges", f"those of {len(self.symbols)} other atoms", WHOLE)
        share = (total_charge_e - sum(self.printed_e)) / len(self.printed_e)
        if not abs(share) <= FORMATS[self.scheme].precision_e:
            found = f"they add up to {sum(self.printed_e):.6f} e"
            allowed = f"allowed: {total_charge_e:g} e to {FORMATS[self.scheme].precision_e:g} e for each atom"
            raise UserError.of(f"{self.scheme} charges", found, allowed)
        return np.array(self.printed_e) + share


class TableReader:
    """Takes a log line by line, and gives each table of charges when its end has come."""

    def __init__(self) -> None:
        self._scheme: Scheme | None = None
        self._block: list[str] = []

    def take(self, line: str) -> tuple[Scheme, AtomicCharges | UserError] | None:
        """Take the next line of a log.

        Returns
        -------
        tuple or None
            A table that this line ends, with its scheme: what it holds, or else what is wrong with it.
        """
        text = line.strip()
        if self._scheme is None:
            self._scheme = next((scheme for scheme in SCHEMES if FORMATS[scheme].title == text), None)
            self._block = []
            return None
        if not text or text[0].isdigit() or text.startswith(("#", "Total")):
            self._block += [text] if text else []
            return None
        scheme, self._scheme = self._scheme, None
        try:
            table = read_table(self._block, scheme)
        except UserError as error:
            return scheme, error
        if not text.startswith(RULE):
            return scheme, UserError.of(f"{scheme} charges", f"found {text[:60]!r} where the table should end", WHOLE)
        return scheme, table


def read_table(block: Sequence[str], scheme: Scheme) -> AtomicCharges:
    """Return the table of which these are the lines from the head to the total, without blank ones.

    Raises
    ------
    UserError
        If it is cut, lacks an atom, holds what is no number, or does not add up to its own total.
    """
    form, source = FORMATS[scheme], f"{scheme} charges"
    if len(block) < 3 or not block[-1].startswith(form.total):
        raise UserError.of(source, "the line of the total is missing", WHOLE)
    polarised = "Spin moment" in block[0]
    rows = [_row(line, form, polarised=polarised) for line in block[1:-1]]
    for index, row in enumerate(rows, 1):
        if row is None or row[0] != index:
            raise UserError.of(source, f"found {block[index]!r}, where atom {index} is due", WHOLE)
    _, symbols, charges, spins = zip(*(row for row in rows if row), strict=True)
    total = _total(block[-1], polarised=polarised)
    # every printed number is off by half a unit at most
    if not abs(sum(charges) - total) <= 0.5 * form.precision_e * (len(charges) + 2):
        raise UserError.of(source, f"they add up to {sum(charges):.6f} e, and the table says {total:.6f} e", WHOLE)
    return AtomicCharges(scheme, symbols, charges, spins if polarised else None)


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
