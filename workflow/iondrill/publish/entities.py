"""Entities of a crate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from rocrate.model.entity import Entity
    from rocrate.rocrate import ROCrate

FORMATS = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".html": "text/html",
    ".md": "text/markdown",
    ".yaml": "application/yaml",
    ".db": "application/vnd.sqlite3",
}


def one_or_more(entities: list[Entity]) -> Entity | list[Entity]:
    """Return a value in the form of RO-Crate: a list only of several."""
    return entities[0] if len(entities) == 1 else entities


def add_context(crate: ROCrate, identifier: str, kind: str, **properties: Any) -> Entity:
    """Return what is no file, added if it was not there."""
    from rocrate.model.contextentity import ContextEntity

    known = crate.get(identifier)
    return known or crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **properties}))


def add_software(crate: ROCrate, name: str, number: str) -> Entity:
    """Return a program or package in its version, added if it was not there."""
    identifier = f"#{name}-{number}".replace(" ", "-")
    return add_context(crate, identifier, "SoftwareApplication", name=name, softwareVersion=number)


def add_file(crate: ROCrate, source: Path, path: str, what: str) -> Entity:
    """Add a file, and say what it holds."""
    kind = FORMATS.get(source.suffix, "text/plain" if source.suffix != ".traj" else "application/octet-stream")
    size = source.stat().st_size
    return crate.add_file(source, path, properties={"name": what, "encodingFormat": kind, "contentSize": str(size)})
