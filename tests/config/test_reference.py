"""Schema and reference pages say what the models say, judged by an independent validator."""

import json
from copy import deepcopy
from pathlib import Path

import jsonschema
import pytest

from iondrill.build.recipes import Recipe
from iondrill.cli.docs import generated, outdated, schemas, write
from iondrill.config.document import Document
from iondrill.config.models import Config
from iondrill.config.schema import Schema

ROOT = Path(__file__).parents[2]
CONFIG, RECIPE = (json.loads(schemas()[what]) for what in ("config", "recipe"))
CRYSTALS = sorted((ROOT / "structures/crystals").glob("*.yaml"))
RECIPES = sorted(set((ROOT / "structures").rglob("*.yaml")) - set(CRYSTALS))


def accepts(schema, content):
    return jsonschema.Draft202012Validator(schema).is_valid(content)


def test_committed_files_are_what_the_models_say():
    assert outdated(ROOT) == []


def test_drift_is_noticed(tmp_path):
    (tmp_path / "structures").symlink_to(ROOT / "structures")
    assert len(outdated(tmp_path)) == 6
    write(tmp_path)
    assert outdated(tmp_path) == []
    page = tmp_path / "docs/configuration.md"
    page.write_text(page.read_text().replace("0.05", "0.06"))
    assert outdated(tmp_path) == [page]


@pytest.mark.parametrize("schema", [CONFIG, RECIPE])
def test_schemas_are_schemas(schema):
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    "path", [ROOT / "config.yaml", *sorted(ROOT.glob("examples/*.yaml"))], ids=lambda path: path.name
)
def test_the_schema_accepts_what_is_shipped(path):
    content = Document(ROOT / "config.yaml").content | Document(path).content
    assert accepts(CONFIG, content)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_schema_accepts_every_recipe(path):
    content = json.loads(json.dumps(Document(path).content))  # keys of JSON are text
    assert accepts(RECIPE, content)
    assert not accepts(RECIPE, content | {"colour": "blue"})
    assert not accepts(RECIPE, {**content, "kind": "crystal"})


def test_the_schema_accepts_null_for_an_entry_and_for_no_setting():
    studies, runs = {"studies": {"li-on-diamond": None}}, {"runs": {"drill": None}, "matrix": {"m": None}}
    levels = {"gfn2": None, "v": {"engine": "vasp", "potcars": {"Na": None}}}
    assert accepts(CONFIG, {"levels": levels, "convergence": studies, "md": runs})
    assert not accepts(CONFIG, {"levels": levels, "convergence": {"studies": None}})
    assert not accepts(CONFIG, {"levels": levels, "relax": {"level": None}})


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("elff",), {}),
        (("levels",), {}),
        (("levels", "gfn2", "accuracy"), -1),
        (("levels", "gfn2", "engine"), "gaussian"),
        (("levels", "pbe-d3", "kpoints"), [1, 1]),
        (("md", "runs", "drill", "steps"), "many"),
        (("md", "runs", "drill", "launch_m_s"), 5000),
        (("adsorption", "ions"), ["Rb"]),
    ],
)
def test_the_schema_refuses_mistakes(place, value):
    content = deepcopy(Document(ROOT / "config.yaml").content)
    parent = content
    for part in place[:-1]:
        parent = parent[part]
    parent[place[-1]] = value
    assert not accepts(CONFIG, content)


@pytest.mark.parametrize(("model", "name"), [(Config, "configuration.md"), (Recipe, "recipes.md")])
def test_the_page_names_every_key_with_its_default(model, name):
    text = generated(ROOT)[ROOT / "docs" / name]
    schema = Schema(model)
    for node in [schema.root, *schema.definitions.values()]:
        for key, child in node.get("properties", {}).items():
            row = next(line for line in text.splitlines() if line.startswith(f"| `{key}` |"))
            assert row.count("|") == 5
            if isinstance(child.get("default"), str | int) and child["default"] != "":
                default = f"`{json.dumps(child['default'], ensure_ascii=False)}`"
                assert any(default in line for line in text.splitlines() if line.startswith(f"| `{key}` |"))


def test_headings_of_a_page_differ():
    for path, text in generated(ROOT).items():
        headings = [line for line in text.splitlines() if line.startswith("#") and path.suffix == ".md"]
        assert len(headings) == len(set(headings))
