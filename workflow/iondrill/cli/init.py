"""``iondrill init``: a project of one's own, apart from the install that it uses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from iondrill.errors import UserError, nearest
from iondrill.files import INSTALL, template_folder, write_text

if TYPE_CHECKING:
    from pathlib import Path

HOME = "profiles/default"
"""Where Snakemake finds by itself what a project chooses."""
SCHEMA, KEYS = "schemas/config.schema.json", "docs/configuration.md"


def profiles() -> list[str]:
    """Return the names of the profiles that come with the install."""
    return sorted(path.parent.name for path in (INSTALL / "workflow/profiles").glob("*/profile.v9+.yaml"))


def init(folder: Path, profile: str = "default") -> list[Path]:
    """Write a project: configuration, Snakefile, profile, a folder for recipes, and what git is to ignore.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    profile : str
        The profile that plain ``snakemake`` uses in the project; one of `profiles`.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    UserError
        If there is no such profile, or one of the files is there already. Nothing is written then.
    """
    if profile not in profiles():
        raise UserError.of("--profile", f"there is no profile '{profile}'", nearest(profile, profiles()))
    templates = template_folder("project")
    chosen = INSTALL / "workflow/profiles" / profile / "profile.v9+.yaml"
    content = {
        folder / "config.yaml": _config((templates / "config.yaml").read_text(encoding="utf-8"), folder),
        folder / "Snakefile": (templates / "Snakefile").read_text(encoding="utf-8"),
        folder / HOME / chosen.name: chosen.read_text(encoding="utf-8"),
        folder / "structures/.gitkeep": "",
        folder / ".gitignore": (templates / "gitignore").read_text(encoding="utf-8"),
    }
    if taken := [path for path in content if path.exists()]:
        raise UserError.of(taken[0], "exists already, and is left as it is", "allowed: a folder without a project")
    for path, text in content.items():
        write_text(path, text)
    return list(content)


def _config(template: str, folder: Path) -> str:
    """Return the configuration: what it names of the install is filled in."""
    values = {
        "title": json.dumps(folder.resolve().name, ensure_ascii=False),
        "schema": str(INSTALL / SCHEMA),
        "docs": str(INSTALL / KEYS),
    }
    for key, value in values.items():
        template = template.replace(f"{{{{ {key} }}}}", value)
    return template
