"""The files that are made from other ones: schemas and reference pages from models and parser, conda's list."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING

from iondrill.config.calculators import calculators
from iondrill.config.models import Config
from iondrill.config.reference import json_schema, page
from iondrill.errors import UserError
from iondrill.files import write_text
from iondrill.geometry.crystal import CrystalRecipe
from iondrill.geometry.recipes import Recipe

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from pathlib import Path

CONFIGURATION = """
Every key that `config.yaml` may hold. Several files may be given, later ones overriding earlier ones key by key
(lists and single values replace, null removes a level, a run or any other entry with a name of your own):
`snakemake --configfile config.yaml examples/paper.yaml`. For Snakemake and `iondrill` alike, `config.yaml` of the
working directory is the first of them, named or not.
`iondrill check` reports all mistakes in them, each with its line.

With the first line `# yaml-language-server: $schema=schemas/config.schema.json` editors complete and check the keys.
Numbers and booleans are those of YAML 1.2: `1e-7` is a number, `010` is 10; `no`, `on`, `1:30` and `2026-11-28` are
words. The workflow reads the files itself, so that they mean the same to Snakemake and to `iondrill check`. Snakemake's
own reader opens a `--configfile` first; `iondrill check` refuses what that reader cannot parse. The names of the keys
end in their units: `_A` ångström, `_eV`, `_fs`, `_K`, `_Ry`, `_m_s` metres per second.
"""
RECIPES = """
A recipe is a YAML file in `structures/clusters`, `flakes`, `facets` or `assemblies`; its name is the file's name
without the ending, and the configuration uses that name. What a project does not have is taken from the install
([projects](projects.md)). Instead of a cluster, flake or facet in YAML, any structure
file that ASE reads may be in the folder. `iondrill check` builds every recipe that the configuration names.

From a structure file the last frame is read: species, positions, cell, fixed atoms, and the columns `fragment`
(`nd`; `lower`, `upper`, `ion`; `slab`) and `far_edge` of extended XYZ. Moments, charges, forces, velocities and
masses are not read; the structure is neutral, of the lowest multiplicity. Atoms may be fixed as a whole or along x, y
or z; every other constraint (of bonds, springs, symmetry, oblique directions) is refused by its name, and so is a file
in which no atom may move. A cluster must be one piece, with its crystal axes along x, y and z where an assembly's `tip`
names a direction. A flake must be of one or two layers; it is laid flat and turned until C–C bonds lie along x, as
in those of recipes. Fragments that the edges of a cell cut are joined through that cell. In dynamics the key `fix` of
`md.runs` chooses the fixed atoms; those that a file fixes are fixed in the relaxation before the dynamics.

The folders may also hold notes (`.md`, `.txt`, `.py`, pictures), hidden files, and backups of editors and other tools
(`x.yaml~`, `#x.yaml#`, `x.bak`, `x.orig`, …): these are ignored.

Crystals have [a page of their own](crystals.md).

With the first line `# yaml-language-server: $schema=../../schemas/recipe.schema.json` editors complete and check the
keys.
"""
CRYSTALS = """
A crystal of `snakemake intercalation` is a YAML file in `structures/crystals`; its name is the file's name without the
ending, and `intercalation.crystals` uses that name. Its cell is strained around the edges given here, and an equation
of state gives its energy and its relaxed edges: if these lie near the end of the scan, the table says so. Formation
energies are relative to the elements among the crystals named, so each element needs a crystal. With
`adsorption.metal: computed` the metals among them give `E_ads_vs_metal_eV`: for potassium add `K-bcc`.

```yaml
{example}
```

With the first line `# yaml-language-server: $schema=../../schemas/crystal.schema.json` editors complete and check the
keys.
"""
CALCULATORS = """
# Calculators of ASE

<!-- Made from `workflow/iondrill/config/calculators.yaml` by `iondrill docs`; change that instead. -->

A level of engine `ase` is any calculator of ASE: it relaxes, gives single points and barriers and runs dynamics that
can be killed at any moment, as the embedded GFN2-xTB does.

```yaml
levels:
  mace: {{engine: ase, calculator: MACE, arguments: {{model: medium-mpa-0}}, dispersion: D3(BJ)}}
  mine: {{engine: ase, calculator: my_springs.Springs, arguments: {{k: 2.0}}}}
  drill: {{engine: ase, calculator: fitted, arguments: {{potential: results/potential/drill}}}}
```

`calculator` is a name of the table, or the dotted path of a class or function that returns a calculator: from an
installed package, or a file in the project's folder. `arguments` come on top of the defaults of the table. A file that
they name is part of the job: another content is another job. `iondrill doctor` says which calculators are installed.

- Before each geometry the calculator's `reset()` is called, so that its digits depend on the geometry alone. A
  calculator of your own has to keep to that, or a resumed run has other last digits. An SCF that starts from the last
  density (GPAW) is started from nothing at each saved frame of dynamics, for the same reason.
- `dispersion: D3(BJ)` adds the pairs of s-dftd3 (`pip install dftd3`) with the parameters of the functional that the
  potential was fitted to, or of `functional`.
- A potential knows of no charge and no spin. An energy of a free atom, and with it E_ads, is outside of what most were
  trained on. Energies are those of the level's name, never of the functional it was fitted to.
- EMT and NEP are tested with every change, and CHGNet was run once, resumed dynamics with D3(BJ) included. The others
  are made as their authors document it: have a look at the numbers of the first run.

{table}
"""
EXAMPLES = {
    "cluster": "clusters/nd29.yaml",
    "flake": "flakes/c24-aa-li.yaml",
    "assembly": "assemblies/drill-nd29-li.yaml",
    "facet": "facets/C100-2x1.yaml",
    "crystal": "crystals/Li-bcc.yaml",
}
CONDA = """\
# Made from pyproject.toml by `iondrill docs`; change that instead.
# For `snakemake --sdm conda`. Without conda, `make run` makes a virtual environment with the same packages.
channels:
  - conda-forge
dependencies:
{packages}
# iondrill itself, and what conda-forge does not have, are installed by iondrill.post-deploy.sh
"""
CONDA_NAMES = {"matplotlib": "matplotlib-base", "tblite": "tblite-python"}
"""Where conda-forge calls a package otherwise than PyPI."""
PYPI_ALONE = re.compile(r"snakemake|rocrate")
"""Packages that conda-forge does not have, or not surely."""


def schemas() -> dict[str, str]:
    """Return the JSON Schema of configuration and recipes, as text."""
    return {
        "config": json_schema(Config, "Configuration of iondrill"),
        "recipe": json_schema(Recipe, "Recipe of a structure"),
        "crystal": json_schema(CrystalRecipe, "Recipe of a crystal"),
    }


def generated(root: Path, parser: ArgumentParser) -> dict[Path, str]:
    """Return every file that is made from other ones, with its content.

    Parameters
    ----------
    root : Path
        The repository, whose recipes serve as examples.
    parser : ArgumentParser
        Of the command ``iondrill``.

    Raises
    ------
    UserError
        If an example or ``pyproject.toml`` is missing.
    """
    from iondrill.cli.commands_page import commands_page
    from iondrill.cli.results_page import results_page
    from iondrill.cli.science_page import science_page

    examples = {kind: _text(root / "structures" / name) for kind, name in EXAMPLES.items()}
    return {
        **{root / f"schemas/{what}.schema.json": text for what, text in schemas().items()},
        root / "workflow/envs/iondrill.yaml": conda_environment(_text(root / "pyproject.toml")),
        root / "docs/ase-calculators.md": calculator_page(),
        root / "docs/commands.md": commands_page(parser),
        root / "docs/configuration.md": page(Config, "Configuration", CONFIGURATION),
        root / "docs/results.md": results_page(),
        root / "docs/science.md": science_page(root),
        root / "docs/recipes.md": page(Recipe, "Recipes", RECIPES, examples),
        root / "docs/crystals.md": page(
            CrystalRecipe, "Crystals", CRYSTALS.format(example=examples["crystal"].strip())
        ),
    }


def calculator_page() -> str:
    """Return the page of the calculators that a level of engine ase can name."""
    rows = ["| name | made by | install | licence | trained on | citation |", "|---|---|---|---|---|---|"]
    for name, entry in calculators().items():
        arguments = ", ".join(f"{key}: {json.dumps(value)}" for key, value in entry.arguments.items())
        made = f"`{entry.make}`" + (f" ({arguments})" if arguments else "")
        cells = (name, made, entry.install, entry.licence, entry.trained_on or "–", entry.citation)
        rows.append(f"| {' | '.join(cells)} |")
    return CALCULATORS.format(table="\n".join(rows)).lstrip()


def conda_environment(pyproject: str) -> str:
    """Return the conda environment with the packages that a ``pyproject.toml`` asks for, as YAML."""
    project = tomllib.loads(pyproject)["project"]
    wanted = {"python": project["requires-python"], "libopenblas": "", "pip": ""}
    for requirement in project["dependencies"]:
        name, version = re.fullmatch(r"([\w-]+)(.*)", requirement).groups()  # type: ignore[union-attr]
        if not PYPI_ALONE.match(name):
            wanted[CONDA_NAMES.get(name, name)] = version
    lines = (f"  - {name} {wanted[name]}".rstrip() for name in sorted(wanted))
    return CONDA.format(packages="\n".join(lines))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError.of(path, f"cannot be read: {error.strerror}") from None


def write(root: Path, parser: ArgumentParser) -> None:
    """Write every generated file."""
    for path, text in generated(root, parser).items():
        write_text(path, text)


def outdated(root: Path, parser: ArgumentParser) -> list[Path]:
    """Return the files that differ from what they are made from."""
    return [
        path
        for path, text in generated(root, parser).items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
