"""What the packers of the standard library pack is unpacked whatever its name; damage to it is said."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zipfile
from types import SimpleNamespace

import pytest

from iondrill.collect.packed import as_plain_file, packing, unpacked
from iondrill.errors import UserError

TEXT = b"as it was\n" * 500
PACKERS = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}


def zipped(content):
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        archive.writestr("a", content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        *[(pack(TEXT), name) for name, pack in PACKERS.items()],
        (zipped(TEXT), "zip"),
        # RFC 8878, the frames of LZ4, and the magic numbers of file(1)
        (b"\x28\xb5\x2f\xfd\x04", "zstd"),
        (b"\x04\x22\x4d\x18\x40", "lz4"),
        (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
        (b"Rar!\x1a\x07\x00", "RAR"),
        (b"\x1f\x9d\x90", "compress"),
        (b"\x1f", ""),
        (b"", ""),
        (b"BZ 1 2 3", ""),
        (TEXT, ""),
    ],
    # packed bytes hold the time: each of several workers would name the test otherwise
    ids=lambda value: value if isinstance(value, str) else f"{len(value)}-bytes",
)
def test_the_beginning_says_how_a_file_is_packed(tmp_path, content, name):
    (tmp_path / "a").write_bytes(content)
    assert packing(tmp_path / "a") == name
    if name and name not in PACKERS:
        with pytest.raises(UserError, match=rf"is packed by {name}"), unpacked(tmp_path / "a"):
            pass


def test_what_is_not_there_and_what_is_a_folder_are_told_apart(tmp_path):
    with pytest.raises(UserError, match="there is no such file"):
        packing(tmp_path / "a")
    with pytest.raises(UserError, match="is no file"):
        packing(tmp_path)


@pytest.mark.parametrize("name", ["", *PACKERS])
def test_the_text_comes_back(tmp_path, name):
    (tmp_path / "a").write_bytes(PACKERS.get(name, bytes)(TEXT))
    with unpacked(tmp_path / "a") as file:
        assert file.read() == TEXT


@pytest.mark.parametrize("name", PACKERS)
def test_damage_to_the_packing_is_said_and_names_it(tmp_path, name):
    packed = PACKERS[name](TEXT)
    middle = len(packed) // 2
    for damaged in (packed[:middle], packed[:-1], packed[:middle] + b"\xff\x00\xff" + packed[middle + 3 :]):
        (tmp_path / "a").write_bytes(damaged)
        said = rf"a: (is packed by {name}, and cut or damaged|cannot be read): "  # bz2 raises OSError
        with pytest.raises(UserError, match=said), unpacked(tmp_path / "a") as file:
            file.read()


def test_an_error_of_who_reads_a_plain_file_is_no_damage(tmp_path):
    (tmp_path / "a").write_bytes(TEXT)
    with pytest.raises(ValueError, match=r"^mine$"), unpacked(tmp_path / "a"):
        raise ValueError("mine")


def test_zstd_is_read_by_its_package_or_said_to_need_it(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"\x28\xb5\x2f\xfd\x04")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(UserError, match="needs the package zstandard"), unpacked(path):
        pass
    package = SimpleNamespace(open=lambda opened, mode: io.BytesIO(TEXT if (opened, mode) == (path, "rb") else b""))
    monkeypatch.setitem(sys.modules, "zstandard", package)
    with unpacked(path) as file:
        assert file.read() == TEXT


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("run.dcd.gz", "run.dcd"),
        ("run.DCD.GZ", "run.DCD"),
        ("run.traj.zstd", "run.traj"),
        ("run.traj", "run.traj"),
        ("run", "run"),
    ],
)
def test_a_plain_copy_has_the_name_without_that_of_the_packing(tmp_path, name, plain):
    path = tmp_path / name
    path.write_bytes(gzip.compress(TEXT))
    with as_plain_file(path) as copy:
        assert copy.name == plain
        assert copy.read_bytes() == TEXT
        assert copy.parent != tmp_path
    assert not copy.parent.exists()
    path.write_bytes(TEXT)
    with as_plain_file(path) as same:
        assert same == path
    assert path.read_bytes() == TEXT
