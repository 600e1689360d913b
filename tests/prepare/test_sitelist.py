"""Sites that are remembered are those that are found."""

from pathlib import Path

import pytest

from iondrill.build import sites
from iondrill.build.registry import build
from iondrill.build.sites import find_sites
from iondrill.prepare.sitelist import sites_of

STRUCTURES = Path(__file__).parents[2] / "structures"


@pytest.fixture(scope="module")
def slab():
    return build("C100-2x1", STRUCTURES)


@pytest.fixture
def no_search(monkeypatch):
    def fail(slab):
        raise AssertionError("the sites were looked for again")

    return lambda: monkeypatch.setattr(sites, "find_sites", fail)


def test_remembered_sites_are_those_found_to_the_last_bit(slab, tmp_path, no_search):
    found = find_sites(slab)
    assert sites_of(slab, tmp_path) == found
    no_search()
    assert sites_of(slab, tmp_path) == found


@pytest.mark.parametrize("change", ["position", "tag", "sites"])
def test_another_slab_has_sites_of_its_own(slab, tmp_path, change):
    sites_of(slab, tmp_path)
    other = slab.copy()
    other.info = dict(slab.info)
    if change == "position":
        other.positions[0, 2] += 1e-9
    elif change == "tag":
        other.set_tags(slab.get_tags() + 1)
    else:
        other.info["sites"] = {"mine": (0.21, 0.13)}
    assert sites_of(other, tmp_path) == find_sites(other)
    assert len(list(tmp_path.iterdir())) == 2


def test_what_cannot_be_read_or_written_is_looked_for(slab, tmp_path):
    (tmp_path / "file").write_text("")
    assert sites_of(slab, tmp_path / "file") == find_sites(slab)
    sites_of(slab, tmp_path / "cache")
    (remembered,) = (tmp_path / "cache").iterdir()
    remembered.write_text(remembered.read_text()[:-5])
    assert sites_of(slab, tmp_path / "cache") == find_sites(slab)
