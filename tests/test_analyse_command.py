"""`iondrill analyse` on a trajectory made elsewhere."""

from __future__ import annotations

import csv
import json

import ase.io
import numpy as np
import pytest

from iondrill.build.io import write_structure
from iondrill.build.registry import build
from iondrill.cli import main


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


def test_damage_leaves_what_was_there_and_is_said_in_one_line(files, capsys):
    (files / "out.csv").write_text("old")
    text = (files / "run.extxyz").read_text()
    (files / "cut.extxyz").write_text(text[: len(text) * 3 // 5])
    words = [str(files / "cut.extxyz"), "--structure", str(files / "start.extxyz"), "-o", str(files / "out.csv")]
    assert main(["analyse", *words]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"iondrill: {files}/cut.extxyz, frame 3: is cut")
    assert (files / "out.csv").read_text() == "old"
