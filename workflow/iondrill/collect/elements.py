"""Which element a label means: ``C``, ``C1``, ``Li_b``, ``NA``, ``6``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ase.data import atomic_numbers, chemical_symbols

if TYPE_CHECKING:
    from collections.abc import Container

LETTERS = re.compile(r"[A-Za-z]+")
ISOTOPES = {"D": "H", "T": "H"}


def element_of(label: str, present: Container[str]) -> str:
    """Return the element that a label means, among those that are present.

    The letters before the first other character are the element (``C1``, ``Li_b``, ``NA``). Where they are none
    (``Cnd``), the element is the longest that is present and that they begin with. A number is an atomic number.

    Parameters
    ----------
    label : str
        As a program writes it.
    present : container of str
        Elements of the structure.

    Returns
    -------
    str
        The element; the label itself if there is none.
    """
    if label.isdigit():
        return chemical_symbols[int(label)] if 0 < int(label) < len(chemical_symbols) else label
    letters = LETTERS.match(label)
    if letters is None:
        return label
    name = letters[0].capitalize()
    if name in atomic_numbers:
        return name
    if name in ISOTOPES:
        return ISOTOPES[name]
    return next((name[:n] for n in (2, 1) if name[:n] in present), label)
