"""`iondrill analyse` on a trajectory from any program."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.units import Hartree

from iondrill.cli import main
from iondrill.geometry.io import write_structure
from iondrill.geometry.registry import build


@pytest.fixture
def files(tmp_path, recipes):
    atoms = build("drill-nd29-li", recipes)
    write_structure(atoms, tmp_path / "start.extxyz")
    images = []
    for k in range(4):
        images.append(atoms.copy())
        images[-1].positions[atoms.arrays["fragment"] == "nd", 0] += 0.25 * k
        images[-1].info = {"time_fs": 50.0 * k}
    ase.io.write(tmp_path / "run.extxyz", images)
    return tmp_path


def test_a_table_and_events(files, capsys):
    words = [str(files / "run.extxyz"), "--structure", str(files / "start.extxyz"), "-o", str(files / "out.csv")]
    assert main(["analyse", *words, "--events", str(files / "events.json")]) == 0
    with (files / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    depth = [float(row["penetration_A"]) for row in rows]
    assert np.allclose(np.diff(depth), 0.25, atol=1e-7)
    assert depth[0] == pytest.approx(-3.0, abs=1e-6)
    assert [row["temperature_K"] for row in rows] == [""] * 4
    assert json.loads((files / "events.json").read_text())["watched_fs"] == 150.0


def rows_of(folder, name, *words):
    main(
        [
            "analyse",
            str(folder / name),
            "--structure",
            str(folder / "start.extxyz"),
            "-o",
            str(folder / "o.csv"),
            *words,
        ]
    )
    with (folder / "o.csv").open() as file:
        return list(csv.DictReader(file))


def frames_as_xyz(folder, comment, steps=range(4)):
    images = ase.io.read(folder / "run.extxyz", ":")
    text = ""
    for step in steps:
        atoms = images[step]
        text += f"{len(atoms)}\n{comment(step)}\n"
        text += "".join(
            f"{s} {x:.10f} {y:.10f} {z:.10f}\n" for s, (x, y, z) in zip(atoms.symbols, atoms.positions, strict=True)
        )
    return text


def as_cp2k(step):
    return f" i = {step:8d}, time = {50 * step:12.3f}, E = {-100 - step:20.10f}"


NAMES = [
    "a.xyz",
    "A.XYZ",
    "a",
    "a.xmol",
    "a-pos-1.xyz.bak-1",
    "a@1.xyz",
    "a@b",
    "a.xyz.gz",
    "packed",
    "a.XYZ.BZ2",
    "a.xz",
]


def test_a_file_is_what_it_holds_whatever_its_name(files, capsys):
    text = frames_as_xyz(files, as_cp2k).encode()
    packers = {"a.xyz.gz": gzip.compress, "packed": gzip.compress, "a.XYZ.BZ2": bz2.compress, "a.xz": lzma.compress}
    found = []
    for name in NAMES:
        (files / name).write_bytes(packers.get(name, bytes)(text))
        found.append(rows_of(files, name))
    assert [row["step"] for row in found[0]] == ["0", "1", "2", "3"]
    assert float(found[0][3]["potential_eV"]) == pytest.approx(-103 * Hartree, rel=1e-14)
    assert all(rows == found[0] for rows in found)
    assert capsys.readouterr().err == ""
    for name in ("a.xyz.gz", "a.XYZ.BZ2", "a.xz"):
        packed = (files / name).read_bytes()
        (files / name).write_bytes(packed[: len(packed) // 2])
        assert rows_of(files, name) == found[0]  # what was there before
        assert f"{name}: is packed by " in capsys.readouterr().err


@pytest.mark.parametrize(("magic", "what"), [(b"PK\x03\x04", "zip"), (b"\x04\x22\x4d\x18", "lz4")])
def test_what_cannot_be_unpacked_is_named(files, capsys, magic, what):
    (files / "a.xyz").write_bytes(magic + b"whatever")
    words = ["--structure", str(files / "start.extxyz"), "-o", str(files / "o.csv")]
    assert main(["analyse", str(files / "a.xyz"), *words]) == 1
    assert f"a.xyz: is packed by {what}; allowed: gzip" in capsys.readouterr().err


def test_an_event_of_a_branch_that_was_given_up_is_none(files, capsys):
    """The gap is wide in the first branch alone."""
    images = ase.io.read(files / "run.extxyz", ":")
    upper = images[0].arrays["fragment"] == "upper"
    branches = [(0, 0), (1, 3), (2, 3), (3, 3), (1, 0), (2, 0), (3, 0), (4, 0)]
    frames = [images[0].copy() for _ in branches]
    for atoms, (step, lift) in zip(frames, branches, strict=True):
        atoms.positions[upper, 2] += lift
        atoms.info = {"step": step, "time_fs": 50.0 * step}
    ase.io.write(files / "b.extxyz", frames)
    for atoms in frames:
        del atoms.arrays["fragment"]
    ase.io.write(files / "b.traj", frames)
    for name in ("b.extxyz", "b.traj"):
        rows = rows_of(files, name, "--events", str(files / "events.json"))
        assert [row["step"] for row in rows] == ["0", "1", "2", "3", "4"]
        assert np.ptp([float(row["gap_edge_A"]) for row in rows]) < 1e-6
        assert json.loads((files / "events.json").read_text())["events"] == []
        assert "steps go back" in capsys.readouterr().err
    ase.io.write(files / "c.extxyz", frames[:4])
    assert rows_of(files, "c.extxyz", "--events", str(files / "events.json"))
    first, *_ = json.loads((files / "events.json").read_text())["events"]
    assert first["event"] == "layers_opened"


def test_one_odd_energy_leaves_the_others(files, capsys):
    text = frames_as_xyz(files, as_cp2k).replace("-102.0000000000", "************")
    (files / "a.xyz").write_text(text)
    energies = [row["potential_eV"] for row in rows_of(files, "a.xyz")]
    assert [bool(energy) for energy in energies] == [True, True, False, True]
    assert "the energy is not a number: left empty (frame 3)" in capsys.readouterr().err


def test_a_dcd_takes_the_elements_of_the_start(files, capsys):
    from scipy.io import FortranFile

    images = ase.io.read(files / "run.extxyz", ":")
    header = np.array([4, 20, 10, *[0] * 17], dtype="<i4")
    header[9], header[10], header[19] = np.array([0.5], "<f4").view("<i4")[0], 1, 24
    titles = b"REMARK CORD DCD file created by CP2K".ljust(160)
    with FortranFile(files / "a.dcd", "w") as file:
        file.write_record(np.frombuffer(b"CORD" + header.tobytes(), np.uint8))
        file.write_record(np.frombuffer(np.int32(2).tobytes() + titles, np.uint8))
        file.write_record(np.array([len(images[0])], dtype="<i4"))
        for atoms in images:
            file.write_record(np.array([50, 90, 50, 90, 90, 50], dtype="<f8"))
            for axis in range(3):
                file.write_record(atoms.positions[:, axis].astype("<f4"))
    expected, rows = rows_of(files, "run.extxyz"), rows_of(files, "a.dcd")
    assert [row["step"] for row in rows] == ["20", "30", "40", "50"]
    assert [row["time_fs"] for row in rows] == ["10.0", "15.0", "20.0", "25.0"]
    for ours, theirs in zip(rows, expected, strict=True):
        assert float(ours["penetration_A"]) == pytest.approx(float(theirs["penetration_A"]), abs=1e-5)
        assert ours["ion_carbon_cn"] == theirs["ion_carbon_cn"]
    assert "does not say elements" in capsys.readouterr().err
    whole = (files / "a.dcd").read_bytes()
    (files / "a.dcd").write_bytes(whole[:-100])
    rows_of(files, "a.dcd")
    assert f"{files}/a.dcd, frame 4: is cut" in capsys.readouterr().err


def test_what_cannot_be_written_is_said_in_one_line_before_any_work(files, capsys, monkeypatch):
    (files / "a-file").write_text("x")
    monkeypatch.setattr("iondrill.cli.analyse.read_structure", None)  # it would fail
    trajectory, start = files / "run.extxyz", files / "start.extxyz"
    before = trajectory.read_bytes()
    for output, what in (
        (files, "cannot be written: it is a folder"),
        (files / "a-file" / "o.csv", "cannot be written: "),
        (Path("/dev/null"), "cannot be written: it is no ordinary file"),
        (Path("/proc/o.csv"), "cannot be written: "),
        (trajectory, "is given as the table, and is the trajectory"),
        (start, "is given as the table, and is the start"),
    ):
        assert main(["analyse", str(trajectory), "--structure", str(start), "-o", str(output)]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"iondrill: {output}: {what}")
    same = [str(files / "o.csv")] * 2
    assert main(["analyse", str(trajectory), "--structure", str(start), "-o", same[0], "--events", same[1]]) == 1
    assert trajectory.read_bytes() == before
    assert not (files / "o.csv").exists()


def test_damage_leaves_what_was_there_and_is_said_in_one_line(files, capsys):
    (files / "out.csv").write_text("old")
    text = (files / "run.extxyz").read_text()
    (files / "cut.extxyz").write_text(text[: len(text) * 3 // 5])
    words = [str(files / "cut.extxyz"), "--structure", str(files / "start.extxyz"), "-o", str(files / "out.csv")]
    assert main(["analyse", *words]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"iondrill: {files}/cut.extxyz, frame 3: is cut")
    assert (files / "out.csv").read_text() == "old"
