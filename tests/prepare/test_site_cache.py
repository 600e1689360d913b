"""Sites that are remembered are those that are found."""

from pathlib import Path

import pytest

from iondrill.geometry.registry import build
from iondrill.geometry.surfaces import sites
from iondrill.geometry.surfaces.sites import find_sites
from iondrill.prepare import site_cache as sitelist
from iondrill.prepare.site_cache import site_spacings, sites_of

STRUCTURES = Path(__file__).parents[2] / "structures"
RECIPE = STRUCTURES / "facets/C100-2x1.yaml"


@pytest.fixture(scope="module")
def slab():
    return build("C100-2x1", STRUCTURES)


@pytest.fixture
def no_search(monkeypatch):
    def fail(slab):
        raise AssertionError("the sites were looked for again")

    return lambda: monkeypatch.setattr(sites, "find_sites", fail)


@pytest.fixture(autouse=True)
def kept(tmp_path, monkeypatch):
    """Return where the sites are kept, here alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "iondrill"


def test_remembered_sites_are_those_found_to_the_last_bit(slab, no_search):
    found = find_sites(slab)
    assert sites_of(slab) == found
    no_search()
    assert sites_of(slab) == found


@pytest.mark.parametrize("change", ["position", "tag", "sites"])
def test_another_slab_has_sites_of_its_own(slab, kept, change):
    sites_of(slab)
    other = slab.copy()
    other.info = dict(slab.info)
    if change == "position":
        other.positions[0, 2] += 1e-9
    elif change == "tag":
        other.set_tags(slab.get_tags() + 1)
    else:
        other.info["sites"] = {"mine": (0.21, 0.13)}
    assert sites_of(other) == find_sites(other)
    assert len(list(kept.iterdir())) == 2


def test_sites_that_another_version_of_the_code_found_are_looked_for_again(slab, kept, monkeypatch):
    sites_of(slab)
    monkeypatch.setattr(sitelist, "_code", lambda: "another")
    sites_of(slab)
    assert len(list(kept.iterdir())) == 2


@pytest.mark.parametrize("content", ["", "[cut", "{}", "5", '[["top", "special", [[1, 2]]]]', "[[1]]", '{"top": 3}'])
def test_what_cannot_be_read_is_looked_for(slab, kept, content):
    found, spacings_A = sites_of(slab), site_spacings(RECIPE, STRUCTURES)
    for path in kept.iterdir():
        path.write_text(content)
    assert sites_of(slab) == found
    assert site_spacings(RECIPE, STRUCTURES) == spacings_A


def test_where_nothing_can_be_remembered_sites_are_found(slab, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert sites_of(slab) == find_sites(slab)
    assert set(site_spacings(RECIPE, STRUCTURES)) == {site.label for site in find_sites(slab)}
