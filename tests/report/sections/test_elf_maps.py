"""The data of maps: what is in the file of a figure is what it shows."""

import base64
import csv
import gzip

import numpy as np
import pytest

from iondrill.analyse.density.plane import Plane
from iondrill.analyse.elf.difference import DifferenceMap, Profile
from iondrill.report.page.build import render
from iondrill.report.sections.charge_transfer import transfer_picture
from iondrill.report.sections.elf_maps import difference_pictures, map_csv, map_pictures


def table(raw):
    head, names, *rows = csv.reader(gzip.decompress(raw).decode().splitlines())
    values = np.array([[float(cell) if cell else np.nan for cell in row] for row in rows])
    return head, names, values


def test_a_map_as_csv_has_a_row_for_each_z_and_a_column_for_each_x():
    plane = Plane(np.array([1.0, 5.0, -2.0]), np.array([[0.5, 0, 0], [0, 0, 0.25]]), (4, 3))
    values = np.arange(12.0).reshape(4, 3) / 100
    values[3, 0] = np.nan
    head, names, found = table(map_csv(plane, values, "ELF", "%.3f"))
    assert head == ["# ELF"]
    assert names == ["z_A/x_A", "1.000", "1.500", "2.000", "2.500"]
    assert found[:, 0].tolist() == [-2, -1.75, -1.5]
    np.testing.assert_allclose(found[:, 1:], values.T, atol=5e-4)


def test_each_map_has_its_values_and_a_damaged_one_is_told(folder):
    results, problems = folder.read(), []
    first, *_ = map_pictures(results, results.runs[0], problems)
    head, _, found = table(base64.b64decode(first.data.partition(",")[2]))
    assert head[0].startswith("# ELF")
    assert "GFN2-xTB" in ",".join(head)
    assert (first.name, first.kind, problems) == ("drill-0-elf", "CSV.GZ", [])
    assert found[6, 7] == pytest.approx(1.0)  # the middle of the ball
    folder.text("elf/drill/20.npz", "cut")
    assert len(map_pictures(results, results.runs[0], problems)) == 2
    assert "20.npz" in problems[0].where


def test_the_density_difference_is_shown_on_the_plane_and_along_x(folder):
    plane = Plane(np.zeros(3), 0.5 * np.eye(3)[[0, 2]], (3, 2))
    gain = np.array([[1e-3, 0], [0, 0], [-1e-3, 0]])
    position_A = np.arange(5.0)
    for step, moved in ((0, 0.0), (40, 0.25)):
        image = folder.results / f"elf/drill/{step}.difference.png"
        image.write_bytes((folder.results / "elf/drill/0.png").read_bytes())
        profile = Profile(position_A, moved * np.array([0, 1, 0, -1, 0]))
        DifferenceMap(plane, gain).write(image.with_suffix(".npz"), profile)
    results = folder.read()
    maps = difference_pictures(results, results.runs[0], [])
    assert [picture.title for picture in maps] == ["0 fs", "20 fs"]
    picture = transfer_picture(results, results.runs[0])
    rows = list(csv.DictReader(base64.b64decode(picture.data.partition(",")[2]).decode().splitlines()))
    late = [(float(row["x_A"]), float(row["transferred_e"])) for row in rows if row["time_fs"] == "20"]
    assert late == [(0, 0), (1, 0.25), (2, 0.25), (3, 0), (4, 0)]
    assert "20 fs: at most 0.250 e" in picture.alt
    assert transfer_picture(results, results.runs[1]) is None
    assert "The density difference along the insertion axis" in render(results)
