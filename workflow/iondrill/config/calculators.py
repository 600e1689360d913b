"""The calculators of ASE that a level can name in a word, ``calculators.yaml``, and those that it names by a path."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import create_model

from iondrill.config.base import PositiveFloat, Strict
from iondrill.errors import nearest
from iondrill.files import or_shipped

PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
"""A dotted path: module and name."""
NEP = "nep.txt"
NEP_HEAD = re.compile(r"nep\w*\s+\d+\s+(?P<elements>[A-Z][A-Za-z ]*)")
"""The first line of such a file: its version, the number of elements, the elements."""


class Calculator(Strict):
    """How a calculator is made, and what it is; the head of ``calculators.yaml`` says what each key means."""

    make: str
    package: str
    program: str = ""
    install: str = ""
    licence: str = ""
    citation: str = ""
    trained_on: str = ""
    functional: str | None = None
    has_dispersion: bool = False
    elements: list[str] | None = None
    fitted_file: str | None = None
    charges: str | None = None
    wide_box_A: PositiveFloat | None = None
    vacuum_A: PositiveFloat | None = None
    remembers: bool = False
    quick: bool = False
    for_periodic: list[str] = []
    folder: str | None = None
    charge: str | None = None
    fails_by: list[str] = []
    takes: list[str] | None = None
    arguments: dict[str, Any] = {}

    def check(self, arguments: dict[str, Any]) -> None:
        """Refuse arguments that it does not take, and a call without one that it needs.

        Raises
        ------
        ValidationError
            Where the list says which it takes: all of them are needed.
        """
        if self.takes is not None:
            _arguments(*self.takes).model_validate(arguments)


@cache
def _arguments(*names: str) -> type[Strict]:
    """Return the model of arguments of these names; each job of a workflow reads its levels anew."""
    fields: dict[str, Any] = dict.fromkeys(names, (Any, ...))
    return create_model("Arguments", __base__=Strict, **fields)


@cache
def calculators() -> dict[str, Calculator]:
    """Return the calculators by their names."""
    import yaml

    content = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return {name: Calculator.model_validate(entry) for name, entry in content.items()}


def calculator(name: str) -> Calculator:
    """Return a calculator by its name, or what is known of one by its dotted path: nothing else.

    Raises
    ------
    ValueError
        If the name is neither.
    """
    if name in calculators():
        return calculators()[name]
    if not PATH.fullmatch(name):
        allowed = nearest(name, calculators())
        raise ValueError(f"found '{name}'; {allowed}, or the dotted path of a calculator of your own")
    return Calculator(make=name, package=name.partition(".")[0])


def arguments_of_the_list() -> list[str]:
    """Return the arguments that calculators of the list take, as far as it says so."""
    return sorted({name for entry in calculators().values() for name in entry.takes or ()})


def elements_of(entry: Calculator, arguments: dict[str, Any]) -> list[str] | None:
    """Return the elements that a calculator has; None where nothing says so before it is made.

    Parameters
    ----------
    entry : Calculator
        What is known of it.
    arguments : dict
        What a level calls it with: of a fitted potential its ``nep.txt``, whose first line names them, or the folder
        of that file.
    """
    if entry.elements is not None or entry.fitted_file not in arguments:
        return entry.elements
    path = or_shipped(str(arguments[entry.fitted_file]))
    try:
        with (path / NEP if path.is_dir() else path).open(encoding="utf-8") as file:
            head = NEP_HEAD.match(file.readline())
    except (OSError, ValueError):  # not there yet: it may be made by then
        return None
    return sorted(head["elements"].split()) if head else None


def files_among(values: Any) -> list[Path]:
    """Return the files that arguments name, and those in folders that they name, in order."""
    if isinstance(values, dict):
        return [path for value in values.values() for path in files_among(value)]
    if isinstance(values, list):
        return [path for value in values for path in files_among(value)]
    if not isinstance(values, str) or not values or "\0" in values:
        return []
    path = or_shipped(values)
    try:
        return sorted(one for one in path.iterdir() if one.is_file()) if path.is_dir() else [path] * path.is_file()
    except OSError:  # a text that is too long for a name
        return []
