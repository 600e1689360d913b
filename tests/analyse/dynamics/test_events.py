"""Events of synthetic trajectories, whose times are known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iondrill.analyse.dynamics.events import Lasting, watch_for
from iondrill.analyse.dynamics.order import order_parameters
from iondrill.config.models import EventCriteria
from iondrill.errors import UserError
from iondrill.geometry.registry import build


@pytest.fixture(scope="module")
def atoms(recipes):
    return build("drill-nd29-li", recipes)


def of(atoms, name):
    return atoms.arrays["fragment"] == name


def watch(atoms, positions, times, chunk=7, **criteria):
    seen = watch_for(EventCriteria(**criteria), atoms)
    pieces = [slice(start, start + chunk) for start in range(0, len(times), chunk)]
    steps = np.arange(len(times)) * 10
    chunks = [{"positions_A": positions[p], "step": steps[p], "time_fs": times[p]} for p in pieces]
    for _ in seen.over(order_parameters(chunks, atoms)):
        pass
    return seen


def test_layers_that_open_for_good_and_before_that_for_a_moment(atoms):
    times = np.arange(100) * 2.0
    opening = np.where((times >= 20) & (times < 40), 1.5, 0) + np.where(times >= 100, 1.001, 0)
    positions = np.repeat(atoms.positions[None], 100, axis=0)
    positions[:, of(atoms, "upper"), 2] += opening[:, None]
    (event,) = watch(atoms, positions, times, lasting_fs=50).events()
    assert event == {"event": "layers_opened", "step": 500, "time_fs": 100.0, "until_fs": 198.0, "atoms": []}
    short = watch(atoms, positions, times, lasting_fs=18).events()
    assert [(event["time_fs"], event["until_fs"]) for event in short] == [(20.0, 38.0)]
    assert watch(atoms, positions, times, opened_by_A=1.6).events() == []
    assert watch(atoms, positions, times, lasting_fs=99).events() == []


def test_a_nanodiamond_pushed_in_bonds_when_it_is_near_enough(atoms):
    # 0.01 Å/fs, the tip 3 Å before the edge of the upper layer: nearer than 1.85 Å from a known time on
    times = np.arange(150) * 1.0
    atoms = atoms.copy()
    atoms.positions[of(atoms, "nd"), 2] += 1.6
    positions = np.repeat(atoms.positions[None], 150, axis=0)
    positions[:, of(atoms, "nd"), 0] += 0.01 * times[:, None]
    carbon = atoms.symbols == "C"
    nd, flake = (np.flatnonzero(carbon & which) for which in (of(atoms, "nd"), of(atoms, "upper") | of(atoms, "lower")))
    apart = atoms.positions[flake][None] - atoms.positions[nd][:, None]
    aside = np.hypot(apart[..., 1], apart[..., 2])
    # a pair touches from x = apart_x - sqrt(1.85² - aside²) on
    onset = (apart[..., 0] - np.sqrt(np.maximum(1.85**2 - aside**2, 0))) / 0.01
    onset[aside >= 1.85] = np.inf
    i, j = np.unravel_index(onset.argmin(), onset.shape)
    events = watch(atoms, positions, times, lasting_fs=5).events()
    assert np.isfinite(onset[i, j])
    assert events[0]["event"] == "bonded"
    assert events[0]["time_fs"] == np.ceil(onset[i, j])
    assert events[0]["atoms"] in [[nd[a], flake[b]] for a, b in np.argwhere(onset < onset.min() + 1e-6)]


def test_pairs_that_take_turns_are_no_lasting_bond():
    lasting = Lasting(10)
    for step in range(40):
        lasting.see(step, float(step), [(1, 2)] if step // 5 % 2 else [(3, 4)])
    assert lasting.found == {}


def test_an_ion_that_leaves(atoms, tmp_path):
    times = np.arange(60) * 5.0
    positions = np.repeat(atoms.positions[None], 60, axis=0)
    ion = np.flatnonzero(of(atoms, "ion"))[1]
    positions[20:, ion, 2] += 30
    seen = watch(atoms, positions, times)
    seen.write(tmp_path / "md/events.json")
    content = json.loads((tmp_path / "md/events.json").read_text())
    assert content["events"] == [
        {"event": "ion_expelled", "step": 200, "time_fs": 100.0, "until_fs": 295.0, "atoms": [int(ion)]}
    ]
    assert content["watched_fs"] == 295.0
    assert content["criteria"] == {"opened_by_A": 1.0, "lasting_fs": 50.0, "start_gap_A": pytest.approx(3.7)}


def test_a_flake_alone_has_no_bonds(atoms):
    alone = atoms[of(atoms, "lower") | of(atoms, "upper")]
    positions = np.repeat(alone.positions[None], 9, axis=0)
    assert watch(alone, positions, np.arange(9) * 50.0).events() == []
    one = atoms[of(atoms, "lower")]
    assert watch(one, np.repeat(one.positions[None], 9, axis=0), np.arange(9) * 50.0).events() == []


def test_events_need_times(atoms):
    chunks = [{"positions_A": atoms.positions[None], "step": np.array([0])}]
    with pytest.raises(UserError, match="does not say the time of its frames"):
        list(watch_for(EventCriteria(), atoms).over(order_parameters(chunks, atoms)))


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(0, 10))
def test_the_first_long_enough_spell_is_found(holds, length):
    lasting = Lasting(float(length))
    for step, present in enumerate(holds):
        lasting.see(step, float(step), [()] if present else [])
    spells = "".join("x" if present else "." for present in holds)
    at = spells.find("x" * (length + 1))
    assert (lasting.found[()]["step"] if lasting.found else -1) == at


def test_a_gap_that_is_just_as_much_wider_has_not_opened(atoms):
    """Exactly by the threshold, in numbers that a computer holds exactly."""
    seen = watch_for(EventCriteria(opened_by_A=0.5, lasting_fs=0), atoms)
    seen.start_gap_A = 3.5
    for gap_A, opened in ((4.0, []), (4.0078125, ["layers_opened"])):
        (part,) = order_parameters([{"positions_A": atoms.positions[None], "step": np.array([3])}], atoms)
        part.columns.update(gap_edge_A=np.array([gap_A]), time_fs=np.array([1.5]))
        list(seen.over([part]))
        assert [event["event"] for event in seen.events()] == opened


def test_nothing_was_watched_before_the_first_frame(atoms, tmp_path):
    seen = watch_for(EventCriteria(), atoms)
    seen.write(tmp_path / "events.json")
    assert json.loads((tmp_path / "events.json").read_text())["watched_fs"] == 0


def test_events_come_in_the_order_of_time(atoms):
    times = np.arange(40) * 5.0
    positions = np.repeat(atoms.positions[None], 40, axis=0)
    positions[5:, of(atoms, "upper"), 2] += 2.0
    positions[:, of(atoms, "nd"), 0] -= 30
    first, second = np.flatnonzero(of(atoms, "ion"))[:2]
    positions[3:, second, 2] += 60
    positions[9:, first, 2] += 60
    found = [(event["event"], event["step"], event["atoms"]) for event in watch(atoms, positions, times).events()]
    assert found == [
        ("ion_expelled", 30, [int(second)]),
        ("layers_opened", 50, []),
        ("ion_expelled", 90, [int(first)]),
    ]
