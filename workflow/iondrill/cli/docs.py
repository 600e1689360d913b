"""The files that are made from the models: JSON Schema and reference pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.build.crystal import CrystalRecipe
from iondrill.build.recipes import Recipe
from iondrill.config.models import Config
from iondrill.config.reference import json_schema, page
from iondrill.errors import UserError
from iondrill.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

CONFIGURATION = """
Every key that `config.yaml` may hold. Several files may be given, later ones overriding earlier ones key by key
(lists and single values replace, null takes out a level, a run or whatever else has a name of your own):
`snakemake --configfile config.yaml config.paper.yaml`. For Snakemake and `iondrill` alike, `config.yaml` of the working
directory is the first of them, named or not.
`iondrill check` names everything that is wrong in them, each with its line.

With the first line `# yaml-language-server: $schema=schemas/config.schema.json` editors complete and check the keys.
Numbers and booleans are those of YAML 1.2: `1e-7` is a number, `010` is 10; `no`, `on`, `1:30` and `2026-11-28` are
words. The workflow reads the files itself, so that they mean the same to Snakemake and to `iondrill check`; what
Snakemake's own reader, which opens a `--configfile` first, cannot take apart, `iondrill check` refuses. Units stand in
the names of the keys: `_A` ångström, `_eV`, `_fs`, `_K`, `_Ry`, `_m_s` metres per second.
"""
RECIPES = """
A recipe is a YAML file in `structures/clusters`, `flakes`, `facets` or `assemblies`; its name is the file's name
without the ending, and the configuration names it by that. Instead of a cluster, flake or facet in YAML, any structure
file that ASE reads may lie in the folder. `iondrill check` builds every recipe that the configuration names.
Crystals have [a page of their own](crystals.md).

With the first line `# yaml-language-server: $schema=../../schemas/recipe.schema.json` editors complete and check the
keys.
"""
CRYSTALS = """
A crystal of `snakemake intercalation` is a YAML file in `structures/crystals`; its name is the file's name without the
ending, and `intercalation.crystals` names it by that. Its cell is strained around the edges given here, and an equation
of state gives its energy and its own edges: if these lie near the end of the scan, the table says so. Compounds are
weighed against the elements among the crystals named, so each element wants one. With `adsorption.metal: computed` the
metals among them give `E_ads_vs_metal_eV`: for potassium add `K-bcc`.

```yaml
{example}
```

With the first line `# yaml-language-server: $schema=../../schemas/crystal.schema.json` editors complete and check the
keys.
"""
EXAMPLES = {
    "cluster": "clusters/nd29.yaml",
    "flake": "flakes/c24-aa-li.yaml",
    "assembly": "assemblies/drill-nd29-li.yaml",
    "facet": "facets/C100-2x1.yaml",
    "crystal": "crystals/Li-bcc.yaml",
}


def schemas() -> dict[str, str]:
    """Return the JSON Schema of configuration and recipes, as text."""
    return {
        "config": json_schema(Config, "Configuration of iondrill"),
        "recipe": json_schema(Recipe, "Recipe of a structure"),
        "crystal": json_schema(CrystalRecipe, "Recipe of a crystal"),
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
    examples = {kind: _example(root / "structures" / name) for kind, name in EXAMPLES.items()}
    return {
        **{root / f"schemas/{what}.schema.json": text for what, text in schemas().items()},
        root / "docs/configuration.md": page(Config, "Configuration", CONFIGURATION),
        root / "docs/recipes.md": page(Recipe, "Recipes", RECIPES, examples),
        root / "docs/crystals.md": page(
            CrystalRecipe, "Crystals", CRYSTALS.format(example=examples["crystal"].strip())
        ),
    }


def _example(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError.of(path, f"cannot be read: {error.strerror}") from None


def write(root: Path) -> None:
    """Write every generated file."""
    for path, text in generated(root).items():
        write_text(path, text)


def outdated(root: Path) -> list[Path]:
    """Return the files that differ from what the models say."""
    return [
        path for path, text in generated(root).items() if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
