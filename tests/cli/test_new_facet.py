"""`iondrill new facet`: a file that can be used at once, explains itself, and never replaces another."""

from pathlib import Path

import pytest
import yaml

from iondrill.cli import main
from iondrill.cli.new import THICKNESS_A
from iondrill.geometry.recipes import load_recipe
from iondrill.geometry.registry import build
from iondrill.geometry.surfaces.facet import FacetRecipe


@pytest.fixture
def structures(tmp_path, monkeypatch):
    (tmp_path / "structures").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "structures"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], {"miller": (1, 0, 0), "expect_coordination": {2: 1}}),
        (["--miller", "3", "3", "1", "--cell", "3", "1"], {"miller": (3, 3, 1), "expect_coordination": {3: 3}}),
        (["--miller", "1", "-1", "0"], {"miller": (1, -1, 0), "expect_coordination": {3: 2}}),
        (["--reconstruction", "2x1", "--element", "Si", "--layers", "6"], {"element": "Si", "layers": 6}),
        (["--miller", "0", "0", "1", "--crystal", "graphite"], {"crystal": "graphite", "expect_coordination": {3: 2}}),
    ],
)
def test_the_starter_builds_what_was_asked_for(options, expected, structures, capsys):
    assert main(["new", "facet", "mine", *options]) == 0
    recipe = load_recipe("mine", structures)
    assert {key: getattr(recipe, key) for key in expected} == expected
    slab = build("mine", structures)
    heights_A = slab.positions[slab.numbers > 1, 2]
    assert "--layers" in options or heights_A.max() - heights_A.min() > THICKNESS_A
    assert slab.get_chemical_formula() in capsys.readouterr().out


def test_every_key_is_explained_and_its_line_can_be_uncommented(structures):
    main(["new", "facet", "mine", "--miller", "1", "1", "0"])
    text = (structures / "facets/mine.yaml").read_text()
    keys = FacetRecipe.model_fields
    for field in keys.values():
        assert f"# {field.description}" in text
    opened = "\n".join(
        line.removeprefix("# ") if line.removeprefix("# ").partition(":")[0] in keys else line
        for line in text.splitlines()
    )
    assert set(yaml.safe_load(opened)) == set(keys)
    recipe = FacetRecipe.model_validate(yaml.safe_load(opened))
    assert recipe.expect_bonds
    assert recipe.sites


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mine", "--element", "Sn"], "--element: found 'Sn'; allowed: 'C' or 'Si'"),
        (["mine", "--miller", "2", "0", "0"], "without a common divisor"),
        (["mine", "--reconstruction", "pandey"], "not of [1, 0, 0]"),
        (["mine", "--layers", "7", "--miller", "1", "1", "1"], "singly bonded C at the back; use 8"),
        (["a b"], "is not a name"),
        (["../mine"], "is not a name"),
        (["mine", "--structures", "nowhere"], "there is no such folder"),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(arguments, said, structures, capsys):
    assert main(["new", "facet", *arguments]) == 1
    assert said in capsys.readouterr().err
    assert not list(structures.iterdir())


@pytest.mark.parametrize("taken", ["facets/mine.yaml", "facets/mine.cif", "clusters/mine.yaml"])
def test_what_is_there_is_left_alone(taken, structures, capsys):
    path = structures / taken
    path.parent.mkdir()
    path.write_text("mine own")
    assert main(["new", "facet", "mine"]) == 1
    assert f"{Path('structures') / taken}: exists already" in capsys.readouterr().err
    assert path.read_text() == "mine own"
    assert [found for found in structures.rglob("*") if found.is_file()] == [path]
