"""A starter file for a facet: every key with its meaning, filled in with what the cut gives."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from iondrill.config.base import NAME_RULE
from iondrill.config.explain import explain
from iondrill.errors import Problem, UserError
from iondrill.files import write_text
from iondrill.geometry.recipes import FOLDERS, recipe_path
from iondrill.geometry.surfaces.facet import FacetRecipe

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """\
# yaml-language-server: $schema=../../schemas/recipe.schema.json
# {title}.
# Keys behind a `#` have their defaults, or are examples. Next steps: docs/adding-a-facet.md
"""
THICKNESS_A = 6.2
MOST_LAYERS = 100
EXAMPLES = {
    "expect_bonds": "[{what: chain, window_A: [1.40, 1.47], per_cell: 2}]",
    "sites": "{mine: [0.25, 0.5], other: {x_A: 1.2, y_A: 0.0}}",
}


class Starter(NamedTuple):
    """What was written."""

    path: Path
    formula: str
    sites: list[str]


def new_facet(name: str, structures: Path, choice: dict[str, Any]) -> Starter:
    """Write a starter file for a facet.

    Parameters
    ----------
    name : str
        Of the recipe; its file is ``facets/<name>.yaml``.
    structures : Path
        The folder of the recipes.
    choice : dict
        Keys of the recipe that are chosen; the others keep their defaults. Without ``layers`` the slab is about as
        thick as eight layers of C(100), without ``cell`` it has two cells of the reconstruction along each edge.

    Returns
    -------
    Starter
        The file, and what comes out of it.

    Raises
    ------
    UserError
        If there is a recipe of that name, the name is none, or the facet cannot be built. Nothing is written then.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9+_-]{0,63}", name):
        raise UserError.of(name, "is not a name", f"allowed: {NAME_RULE}")
    if not structures.is_dir():
        raise UserError.of(structures, "there is no such folder", "run this in the project, or give --structures")
    _refuse_if_taken(name, structures)
    recipe, slab = _built(choice)
    from iondrill.geometry.surfaces.assertions import found_coordination
    from iondrill.geometry.surfaces.sites import find_sites

    expected = found_coordination(slab, recipe)
    path = structures / FOLDERS["facet"] / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    write_text(path, _as_text(name, recipe, expected))
    return Starter(path, slab.get_chemical_formula(), [site.label for site in find_sites(slab)])


def _refuse_if_taken(name: str, structures: Path) -> None:
    """Raise a UserError if there is a recipe of that name."""
    try:
        taken = recipe_path(name, structures)
    except UserError:
        return
    raise UserError.of(taken, "exists already, and is left as it is", "allowed: another name")


def _built(choice: dict[str, Any]) -> tuple[FacetRecipe, Any]:
    """Return the recipe, with as many layers as it takes, and its slab."""
    from iondrill.geometry.surfaces.slab import build_slab

    if "layers" in choice:
        recipe = _validated(choice)
        return recipe, build_slab(recipe)
    for layers in range(2, MOST_LAYERS + 1):
        recipe = _validated({**choice, "layers": layers, "fixed_layers": -(-layers // 4)})
        try:
            slab = build_slab(recipe)
        except UserError as error:
            if any(problem.where != "layers" for problem in error.problems):
                raise
            continue
        heights_A = slab.positions[slab.numbers > 1, 2]
        if heights_A.max() - heights_A.min() > THICKNESS_A:
            break
    return recipe, slab


def _validated(choice: dict[str, Any]) -> FacetRecipe:
    """Return the recipe of the chosen keys."""
    content = {"kind": "facet", **choice}
    try:
        return FacetRecipe.model_validate(content)
    except ValidationError as error:
        mistakes = explain(FacetRecipe, error, content)
        raise UserError(
            *(
                Problem("--" + ".".join(map(str, key_path)) if key_path else "facet", *rest)
                for key_path, *rest in mistakes
            )
        ) from None


def _as_text(name: str, recipe: FacetRecipe, expected: dict[int, float]) -> str:
    """Return the starter file: the keys in the order of the model, each under its meaning."""
    lines = [HEAD.format(title=name)]
    filled = {
        "description": f"{recipe.element}{''.join(map(str, recipe.miller))}-{recipe.reconstruction}, not yet checked",
        "references": [],
        "expect_coordination": expected,
    }
    for key, field in FacetRecipe.model_fields.items():
        default = field.get_default(call_default_factory=True)
        value = filled.get(key, getattr(recipe, key))
        active = field.is_required() or key in filled or value != default
        shown = EXAMPLES.get(key) if not active and key in EXAMPLES else _flow(value)
        lines.append(f"# {field.description}\n{'' if active else '# '}{key}: {shown}\n")
    return "\n".join(lines)


def _flow(value: Any) -> str:
    """Return a value as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, str) and re.fullmatch(r"\w+", value):
        return value
    return json.dumps(value, ensure_ascii=False)
