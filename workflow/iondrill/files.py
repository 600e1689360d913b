"""Files that are written whole or not at all; where the templates are, and what may be forgotten at any time."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from contextlib import contextmanager
from functools import cache
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


def digest_of(*paths: Path) -> str:
    """Return the digest (16 hex digits) of what files hold, one after the other; their dates do not matter.

    Raises
    ------
    OSError
        If one cannot be read.
    """
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


@cache
def templates_digest(engine: str) -> str:
    """Return the digest of what an engine's templates say to its program; "" if it has none.

    Blank lines and comments, those of Jinja and of CP2K, say nothing.
    """
    digest = hashlib.sha256()
    if not (TEMPLATES / engine).is_dir():
        return ""
    for path in sorted(path for path in (TEMPLATES / engine).rglob("*") if path.is_file()):
        text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        said = [line.rstrip() for line in text.splitlines() if line.strip() and line.lstrip()[0] not in "#!"]
        digest.update("\n".join([path.name, *said, ""]).encode())
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Return the folder of what is remembered between runs, made or not; no harm is done where it cannot be written.

    It is never inside results, so that looking at them changes nothing.
    """
    try:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # a user without a home, as in some containers
        caches = Path(".cache")
    return caches / "iondrill"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; it takes the place of `path` when all went well.

    The temporary name keeps the ending, since many writers choose their format by it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=f"-{path.name}")
    except OSError as error:
        # of the file that was to be written, and not of one beside it that nobody knows
        raise type(error)(error.errno, f"cannot be written: {error.strerror}", str(path)) from None
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
