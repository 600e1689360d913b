"""Which recipes the keys of a configuration name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from iondrill.config.consistency import references
from iondrill.errors import UserError, nearest
from iondrill.geometry.recipes import FOLDERS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from iondrill.config.models import Config

KINDS = {
    "structure": ("cluster", "flake", "assembly"),
    "assembly": ("assembly",),
    "facet": ("facet",),
    "recipe": ("cluster", "flake", "assembly", "facet"),
}
"""The kinds of recipes that a key of the configuration may name, by what it refers to; any also means a crystal."""


def recipe_named(refers_to: str, value: str) -> tuple[str, tuple[str, ...]] | None:
    """Return the recipe that a value of the configuration names, and the kinds it may be of; None if it names none.

    Parameters
    ----------
    refers_to : str
        What the key refers to: ``facet``, ``level``, ``subject``, ….
    value : str
        The value of the key.
    """
    if refers_to != "subject":
        return (value, KINDS[refers_to]) if refers_to in KINDS else None
    recipe, dot, _ = value.partition(".")
    if dot and recipe == "atom":
        return None
    return recipe, ("facet",) if dot else (*KINDS["structure"], "facet")


def at_its_key(error: UserError, name: str, config: Config, files: Mapping[str, list[Path]]) -> UserError:
    """Return what is wrong with the name of a recipe, at the key that names it, as `iondrill check` says it.

    Parameters
    ----------
    error : UserError
        There is not one recipe of this name; returned as it is if no key names it, but another recipe.
    name : str
        That of the recipe.
    config : Config
        The configuration.
    files : mapping
        All recipes there are, by name.
    """
    content: Any = config.model_dump(mode="json")
    key_paths = [
        (key_path, named[1])
        for key_path, refers_to, value in references(content)
        if (named := recipe_named(refers_to, value)) and named[0] == name
    ]
    if not key_paths:
        return error
    # the runs of a matrix are in no file
    key_path, kinds = min(key_paths, key=lambda one: one[0][:2] == ("md", "runs"))
    folders = {FOLDERS[kind] for kind in kinds}
    there = [other for other, paths in files.items() if folders & {path.parent.name for path in paths}]
    where = ".".join(map(str, key_path))
    allowed = {} if name in there else {"allowed": nearest(name, there)}
    return UserError(*(replace(problem, where=where, **allowed) for problem in error.problems))
