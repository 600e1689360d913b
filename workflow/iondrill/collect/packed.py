"""Packed files, recognised by how they begin, whatever their name says."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import tempfile
import zlib
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

STARTS = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"7z\xbc\xaf": "7-Zip",
    b"\x04\x22\x4d\x18": "lz4",
    b"\x1f\x9d": "compress",
    b"Rar!": "RAR",
}
READ = ("gzip", "bzip2", "xz", "zstd")
SUFFIXES = {".gz", ".bz2", ".xz", ".lzma", ".zst", ".zstd"}
DAMAGE = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error, ValueError)


def packing(path: Path) -> str:
    """Return how a file is packed: a name in `STARTS`, or nothing.

    Raises
    ------
    UserError
        If the file is missing or cannot be read.
    """
    if not path.is_file():
        raise UserError.of(path, "is no file" if path.exists() else "there is no such file")
    try:
        with path.open("rb") as file:
            start = file.read(6)
    except OSError as error:
        raise UserError.of(path, f"cannot be read: {error.strerror or error}") from None
    return next((name for magic, name in STARTS.items() if start.startswith(magic)), "")


@contextmanager
def unpacked(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, packed or not, for reading.

    Raises
    ------
    UserError
        If it cannot be read, is packed by a method that is not known here, or its packing is damaged.
    """
    name = packing(path)
    try:
        with _opened(path, name) as file:
            yield file
    except OSError as error:
        raise UserError.of(path, f"cannot be read: {error.strerror or error}") from None
    except DAMAGE as error:
        if not name:
            raise
        raise UserError.of(path, f"is packed by {name}, and cut or damaged: {error}") from None


def _opened(path: Path, name: str) -> IO[bytes]:
    if name == "gzip":
        return cast("IO[bytes]", gzip.open(path))
    if name == "bzip2":
        return bz2.open(path)
    if name == "xz":
        return lzma.open(path)
    if name == "zstd":
        try:
            return cast("IO[bytes]", import_module("zstandard").open(path, "rb"))
        except ModuleNotFoundError:
            raise UserError.of(
                path, "is packed by zstd, which needs the package zstandard", "install it, or unpack the file"
            ) from None
    if name:
        raise UserError.of(path, f"is packed by {name}", f"allowed: {', '.join(READ)}, or unpacked")
    return path.open("rb")


@contextmanager
def as_plain_file(path: Path) -> Iterator[Path]:
    """Give a file that is not packed: the file itself, or a temporary copy without the suffix of its packing."""
    if not packing(path):
        yield path
        return
    name = path.stem if path.suffix.lower() in SUFFIXES else path.name
    with tempfile.TemporaryDirectory(prefix="iondrill-") as folder:
        copy = Path(folder, name)
        with unpacked(path) as file, copy.open("wb") as target:
            shutil.copyfileobj(file, target)
        yield copy
