"""Files that are written whole or not at all, and where the templates are."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


def template_folder(engine: str) -> Path:
    """Return the folder of an engine's templates.

    Raises
    ------
    UserError
        If it is missing: the package was installed away from its repository.
    """
    folder = TEMPLATES / engine
    if not folder.is_dir():
        raise UserError.of(
            folder, "there is no such folder", "iondrill needs its repository: clone it and `pip install -e .` there"
        )
    return folder


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; it takes the place of `path` when all went well.

    The temporary name keeps the ending, since many writers choose their format by it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=f"-{path.name}")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
