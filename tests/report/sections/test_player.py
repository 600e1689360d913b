"""The player's data: the positions and curves of the files, small and in the page's form."""

import base64
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import iondrill.report.page
from iondrill.errors import UserError
from iondrill.report.sections.player import pack, player_data

VENDOR = Path(iondrill.report.page.__file__).with_name("vendor")


def unpack(packed, n_atoms):
    positions = np.frombuffer(base64.b64decode(packed["places"]), "<i2").reshape(-1, n_atoms, 3)
    return positions * packed["scale_A"] + packed["middle_A"]


@pytest.fixture
def drill(folder):
    (run,) = [run for run in folder.read().runs if run.name == "drill"]
    return run


def data_of(folder, run, most=100):
    return player_data(run, folder.results / "md/drill/trajectory.traj", "GFN2-xTB", most)


@given(arrays(float, (3, 4, 3), elements=st.floats(-200, 200)))
def test_packed_places_are_those_of_the_frames(positions_A):
    packed = pack(positions_A)
    assert np.abs(unpack(packed, 4) - positions_A).max() <= 0.51 * packed["scale_A"]
    assert packed["scale_A"] == pytest.approx(max(1e-3, np.ptp(positions_A, axis=(0, 1)).max() / 2 / 32767))


def test_frames_and_curves_have_the_same_moments(folder, drill):
    data = data_of(folder, drill)
    positions = unpack(data["frames"], len(data["atoms"]))
    assert data["step"] == list(range(0, 41, 2))
    assert np.allclose(np.diff(positions[:, 2, 0]), 0.05, atol=2e-3)
    assert np.allclose(positions[:, :2], positions[0, :2])
    (gap,) = [series for series in data["series"] if series["title"] == "Gap between the layers"]
    (edge,) = [curve["values"] for curve in gap["curves"] if curve["label"] == "at the edge"]
    assert np.allclose(edge, drill.order.numbers("gap_edge_A"), rtol=1e-4)


def test_a_long_run_is_thinned_ends_included(folder, drill):
    data = data_of(folder, drill, most=5)
    assert data["step"] == [0, 10, 20, 30, 40]
    assert {len(curve["values"]) for series in data["series"] for curve in series["curves"]} == {5}
    assert unpack(data["frames"], 3)[-1, 2, 0] - unpack(data["frames"], 3)[0, 2, 0] == pytest.approx(1.0, abs=2e-3)


def test_ions_have_no_bonds_and_carbon_is_named_by_fragment(folder, drill):
    looks = data_of(folder, drill)["atoms"]
    assert [look["radius_A"] > 0 for look in looks] == [True, True, False]
    assert looks[0]["meaning"] == "C, flake"


def test_no_trajectory_no_player(folder, drill):
    (folder.results / "md/drill/trajectory.traj").unlink()
    assert data_of(folder, drill) is None


@pytest.mark.parametrize(("spoil", "says"), [("cut", "cannot be read"), ("other", "other steps")])
def test_a_trajectory_that_does_not_fit_is_told(folder, drill, spoil, says):
    path = folder.results / "md/drill/trajectory.traj"
    if spoil == "cut":
        path.write_bytes(path.read_bytes()[:600])
    else:
        folder.trajectory("drill", 3 * np.arange(21))
    with pytest.raises(UserError, match=says):
        data_of(folder, drill)


def test_the_library_is_the_one_that_is_named():
    said = (VENDOR / "README.md").read_text()
    (digest,) = re.findall(r"[0-9a-f]{64}", said)
    content = (VENDOR / "3Dmol-min.js").read_bytes()
    assert hashlib.sha256(content).hexdigest() == digest
    assert b"</script" not in content  # it is part of a page
    assert "University of Pittsburgh" in (VENDOR / "3Dmol-LICENSE.txt").read_text()
