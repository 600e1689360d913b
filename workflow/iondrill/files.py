"""Files that are written whole or not at all; what is installed beside the package; the folder of the cache."""

from __future__ import annotations

import errno
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
    from collections.abc import Iterable, Iterator

DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

INSTALL = Path(__file__).resolve().parents[2]
"""The clone of the repository that the package belongs to: one install serves many projects."""
TEMPLATES, SHIPPED = INSTALL / "templates", INSTALL / "structures"
"""Input files of engines; the recipes that a project finds after its own."""


def or_shipped(path: Path | str) -> Path:
    """Return a path in the project; what its ``structures`` do not have is taken from the install, as recipes are."""
    own = Path(path)
    shipped = INSTALL / own
    return shipped if own.parts[:1] == (SHIPPED.name,) and not own.exists() and shipped.exists() else own


def files_named(path: Path | str, suffix: str) -> list[str]:
    """Return the files that a path of a project names: it, or all below a folder that end so, in order."""
    found = or_shipped(path)
    # names that begin with a dot are of files that are being written
    below = sorted(found.rglob(f"[!.]*{suffix}")) if found.is_dir() else []
    return [file.as_posix() for file in below or [found]]


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


def leave_empty(paths: Iterable[Path]) -> None:
    """Write files that say by holding nothing that there is nothing."""
    for path in paths:
        write_text(path, "")


def is_empty(path: Path) -> bool:
    """Say whether a file says by holding nothing that there is nothing."""
    return path.stat().st_size == 0


def digest_of(*paths: Path) -> str:
    """Return the digest (16 hex digits) of the contents of files, one after the other; their dates do not matter.

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
    """Return the digest of an engine's templates; "" if it has none.

    Blank lines and comments, those of Jinja and of CP2K, do not count: they do not change what a program computes.
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
    """Return the folder of the cache, which may not exist yet; everything works without it.

    It is never inside results, so that looking at them changes nothing.
    """
    try:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # a user without a home, as in some containers
        caches = Path(".cache")
    return caches / "iondrill"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path in the folder of `path`; it replaces `path` if no error occurred.

    The temporary name keeps the ending, since many writers choose their format by it.

    Raises
    ------
    UserError
        If the file cannot be written: its folder is read-only or no folder, it is no ordinary file, the disk is full.
    """
    temporary = _temporary(path)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        if error.errno in DISK_FULL or error.filename == str(temporary):
            raise _not_written(path, error) from None
        raise
    finally:
        temporary.unlink(missing_ok=True)


def ensure_writable(path: Path) -> None:
    """Raise a UserError if a file cannot be written; make its folder if there is none."""
    _temporary(path).unlink()


def _temporary(path: Path) -> Path:
    """Make an empty file in the folder of another, which it can replace."""
    if path.exists() and not path.is_file():
        found = "a folder" if path.is_dir() else "no ordinary file"
        raise UserError.of(path, f"cannot be written: it is {found}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=f"-{path.name}")
    except OSError as error:
        raise _not_written(path, error) from None
    os.close(handle)
    return Path(name)


def _not_written(path: Path, error: OSError) -> UserError:
    return UserError.of(path, f"cannot be written: {error.strerror or error}")


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
