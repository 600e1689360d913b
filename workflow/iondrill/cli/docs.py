"""The files that are made from the models: JSON Schema and reference pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.build.recipes import Recipe
from iondrill.config.models import Config
from iondrill.config.reference import json_schema, page
from iondrill.errors import UserError
from iondrill.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

CONFIGURATION = """
Every key that `config.yaml` may hold. Several files may be given, later ones overriding earlier ones key by key
(lists and single values replace): `snakemake --configfile config.yaml config.paper.yaml`. For Snakemake and `iondrill`
alike, `config.yaml` of the working directory is the first of them, named or not.
`iondrill check` names everything that is wrong in them, each with its line.

With the first line `# yaml-language-server: $schema=schemas/config.schema.json` editors complete and check the keys.
Numbers and booleans are those of YAML 1.2: `1e-7` is a number, `no` and `on` are words. Units stand in the names of
the keys: `_A` ångström, `_eV`, `_fs`, `_K`, `_Ry`, `_m_s` metres per second.
"""
RECIPES = """
A recipe is a YAML file in `structures/clusters`, `flakes`, `facets` or `assemblies`; its name is the file's name
without the ending, and the configuration names it by that. Instead of a cluster, flake or facet in YAML, any structure
file that ASE reads may lie in the folder. `iondrill check` builds every recipe that the configuration names.

With the first line `# yaml-language-server: $schema=../../schemas/recipe.schema.json` editors complete and check the
keys.
"""
EXAMPLES = {
    "cluster": "clusters/nd29.yaml",
    "flake": "flakes/c24-aa-li.yaml",
    "assembly": "assemblies/drill-nd29-li.yaml",
    "facet": "facets/C100-2x1.yaml",
}


def schemas() -> dict[str, str]:
    """Return the JSON Schema of configuration and recipes, as text."""
    return {
        "config": json_schema(Config, "Configuration of iondrill"),
        "recipe": json_schema(Recipe, "Recipe of a structure"),
    }


def generated(root: Path) -> dict[Path, str]:
    """Return every file that is made from the models, with its content.

    Parameters
    ----------
    root : Path
        The repository, whose recipes serve as examples.

    Raises
    ------
    UserError
        If an example is missing.
    """
    examples = {}
    for kind, name in EXAMPLES.items():
        try:
            examples[kind] = (root / "structures" / name).read_text(encoding="utf-8")
        except OSError as error:
            raise UserError.of(root / "structures" / name, f"cannot be read: {error.strerror}") from None
    return {
        **{root / f"schemas/{what}.schema.json": text for what, text in schemas().items()},
        root / "docs/configuration.md": page(Config, "Configuration", CONFIGURATION),
        root / "docs/recipes.md": page(Recipe, "Recipes", RECIPES, examples),
    }


def write(root: Path) -> None:
    """Write every generated file."""
    for path, text in generated(root).items():
        write_text(path, text)


def outdated(root: Path) -> list[Path]:
    """Return the files that differ from what the models say."""
    return [
        path for path, text in generated(root).items() if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
