"""Names as people write them: recipes, sites and symbols are plain in files and data, and typeset for readers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Iterable

FACET = re.compile(r"(?P<element>[A-Z][a-z]?)(?P<hkl>\d{3,4})(?:-(?P<cell>\d+x\d+))?(?:-(?P<rest>.+))?")
NANODIAMOND = re.compile(r"nd(?P<n>\d+)(?:-(?P<rest>.+))?")
SYMBOLS = {"E_ads": "E<sub>ads</sub>", "E_coh": "E<sub>coh</sub>", "E ads": "E<sub>ads</sub>"}
"""Symbols with an index, in texts that are plain."""
POINT_GROUP = re.compile(r"[cdst]\d?[dhvi]?")


def as_written(name: str) -> str:
    """Return the name of a recipe as people write it; one of another kind as it is.

    Examples
    --------
    >>> as_written("Si111-2x1-pandey"), as_written("nd75-c3v"), as_written("drill-nd35-li")
    ('Si(111)-2×1 Pandey', 'ND75 (C3v)', 'drill-nd35-li')
    """
    if facet := FACET.fullmatch(name):
        cell = f"-{facet['cell'].replace('x', '×')}" if facet["cell"] else ""
        rest = f" {_capital(facet['rest'])}" if facet["rest"] else ""
        return f"{facet['element']}({facet['hkl']}){cell}{rest}"
    if diamond := NANODIAMOND.fullmatch(name):
        rest = diamond["rest"]
        if rest and POINT_GROUP.fullmatch(rest):
            rest = rest.capitalize()
        return f"ND{diamond['n']} ({rest})" if rest else f"ND{diamond['n']}"
    return name


def site_in_words(label: str) -> str:
    """Return the label of a site without its hyphens: ``valley-bridge`` is a valley bridge."""
    return label.replace("-", " ")


def typeset(text: str, names: Iterable[str] = ()) -> Markup:
    """Return plain text as HTML: indices lowered, and names of recipes as people write them.

    Parameters
    ----------
    text : str
        Anything; it is escaped.
    names : iterable of str
        The recipes that may be in it.
    """
    found = str(escape(text))
    for symbol, markup in SYMBOLS.items():
        found = found.replace(symbol, markup)
    longest = sorted({*names}, key=len, reverse=True)
    if longest:
        known = "|".join(re.escape(str(escape(name))) for name in longest)
        found = re.sub(rf"(?<![\w./-])(?:{known})(?![\w/-]|\.\w)", lambda match: as_written(match[0]), found)
    return Markup(found)  # noqa: S704  (escaped above)


def _capital(words: str) -> str:
    """Return words with a capital; H alone stays hydrogen, and hyphens become spaces."""
    return f"{words[0].upper()}{words[1:]}".replace("-", " ")
