"""Charges of the fragments, from those of the atoms."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iondrill.analyse.columns import TableForm, number, text
from iondrill.errors import UserError
from iondrill.geometry.labels import SHEETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike

FRAGMENTS = ("nd", "ion", *reversed(SHEETS))
TOLERANCE_E = 1e-3


class FragmentCharge(NamedTuple):
    """A row of ``charges/<run>.csv``."""

    step: int
    time_fs: float
    fragment: str
    scheme: str
    charge_e: float


CHARGES = TableForm[FragmentCharge](
    "a fragment in a frame",
    (
        number("step", "of the frame"),
        number("time_fs", "of the frame"),
        text("fragment", "`nd`, `ion`, or a layer: `above`, `upper`, `lower`, `below`"),
        text("scheme", "how electrons were assigned to atoms: Mulliken, Hirshfeld"),
        number("charge_e", "sum over the atoms of the fragment; positive: electrons missing"),
    ),
)
"""``charges/<run>.csv``."""


def fragment_charges(
    step: int,
    time_fs: float,
    charges_e: ArrayLike,
    fragment: ArrayLike,
    *,
    scheme: str,
    total_charge_e: float,
    source: object,
) -> Iterator[FragmentCharge]:
    """Yield the charge of each fragment of a frame: the sum over its atoms.

    Parameters
    ----------
    step, time_fs
        Of the frame.
    charges_e : (n_atoms,) array_like
        Of the atoms; positive: electrons missing.
    fragment : (n_atoms,) array_like of str
        Labels: "nd", "ion", and those of layers.
    scheme : str
        How electrons were assigned to atoms: Mulliken, Hirshfeld, ...
    total_charge_e : float
        Of the whole system.
    source : object
        The file the charges are from, for messages.

    Yields
    ------
    FragmentCharge
        For those fragments that the frame has, in the order above.

    Raises
    ------
    UserError
        If an atom is of none of these fragments, or the sum is not the total charge to 1e-3 e (electrons were
        lost: an unconverged density, an incomplete output).
    """
    charges, labels = np.asarray(charges_e, dtype=float), np.asarray(fragment)
    if charges.shape != labels.shape:
        raise UserError.of(source, f"step {step}: {charges.size} charges", f"the structure has {labels.size} atoms")
    strange = sorted(set(labels.tolist()) - set(FRAGMENTS))
    if strange:
        raise UserError.of(source, f"fragment {', '.join(strange)}", f"allowed: {', '.join(FRAGMENTS)}")
    total = float(charges.sum())
    if not abs(total - total_charge_e) <= TOLERANCE_E:
        found = f"step {step}: the {scheme} charges add up to {total:.6f} e"
        raise UserError.of(source, found, f"allowed: {total_charge_e:g} e to {TOLERANCE_E} e")
    for name in FRAGMENTS:
        if (labels == name).any():
            yield FragmentCharge(step, time_fs, name, scheme, float(charges[labels == name].sum()))
