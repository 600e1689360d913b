"""The labels of a facet's sites, remembered from run to run: the workflow asks for them whenever it starts."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from iondrill import __version__
from iondrill.build.recipes import recipe_path
from iondrill.files import write_text

if TYPE_CHECKING:
    from pathlib import Path


def site_labels(facet: str, recipes: Path, cache: Path) -> list[str]:
    """Return the labels of all symmetry-distinct sites of a facet.

    Parameters
    ----------
    facet : str
        Name of the recipe.
    recipes : Path
        The folder ``structures``.
    cache : Path
        Folder of remembered lists, each named by the hash of the recipe's file; it may be removed at any time.

    Raises
    ------
    UserError
        If there is no such facet or it cannot be built.
    """
    content = recipe_path(facet, recipes).read_bytes() + __version__.encode()
    remembered = cache / f"sites-{facet}-{hashlib.sha256(content).hexdigest()[:16]}.json"
    try:
        labels = json.loads(remembered.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        from iondrill.build.registry import build
        from iondrill.build.sites import find_sites

        labels = [site.label for site in find_sites(build(facet, recipes))]
        write_text(remembered, json.dumps(labels))
    return [str(label) for label in labels]
