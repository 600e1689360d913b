"""Schema and reference pages say what the models say, judged by an independent validator."""

import json
import re
from copy import deepcopy
from importlib.metadata import requires
from pathlib import Path

import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement

from iondrill.cli import parser
from iondrill.cli.docs import generated, outdated, schemas, write
from iondrill.config.document import Document
from iondrill.config.models import Config
from iondrill.config.schema import Schema
from iondrill.geometry.recipes import Recipe

ROOT = Path(__file__).parents[2]
CONFIG, RECIPE = (json.loads(schemas()[what]) for what in ("config", "recipe"))
CRYSTALS = sorted((ROOT / "structures/crystals").glob("*.yaml"))
RECIPES = sorted(set((ROOT / "structures").rglob("*.yaml")) - set(CRYSTALS))


def accepts(schema, content):
    return jsonschema.Draft202012Validator(schema).is_valid(content)


def test_committed_files_are_what_the_models_say():
    assert outdated(ROOT, parser()) == []


def test_drift_is_noticed(tmp_path):
    for name in ("structures", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/claims.json").symlink_to(ROOT / "docs/claims.json")
    page = (ROOT / "docs/science.md").read_text()
    (tmp_path / "docs/science.md").write_text(page.replace("**refuted**", "**supported**"))
    assert outdated(tmp_path, parser()) == list(generated(tmp_path, parser()))
    write(tmp_path, parser())
    assert outdated(tmp_path, parser()) == []
    page = tmp_path / "docs/configuration.md"
    page.write_text(page.read_text().replace("0.05", "0.06"))
    assert outdated(tmp_path, parser()) == [page]


def test_conda_gets_what_pip_gets():
    environment = yaml.safe_load(generated(ROOT, parser())[ROOT / "workflow/envs/iondrill.yaml"])
    conda = {entry.partition(" ")[0]: entry.partition(" ")[2] for entry in environment["dependencies"]}
    wanted = [Requirement(word) for word in requires("iondrill") if "extra ==" not in word]
    names = {"matplotlib": "matplotlib-base", "tblite": "tblite-python"}
    of_pip = {one.name: str(one.specifier) for one in wanted}
    of_conda = {names.get(name, name): version for name, version in of_pip.items()}
    assert conda.keys() - of_conda.keys() == {"python", "pip", "libopenblas"}
    assert of_conda.keys() - conda.keys() == {name for name in of_pip if name.startswith(("snakemake", "rocrate"))}
    assert {name: of_conda[name] for name in conda.keys() & of_conda.keys()} == {
        name: conda[name] for name in conda.keys() & of_conda.keys()
    }


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
    ("key_path", "value"),
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
def test_the_schema_refuses_mistakes(key_path, value):
    content = deepcopy(Document(ROOT / "config.yaml").content)
    parent = content
    for part in key_path[:-1]:
        parent = parent[part]
    parent[key_path[-1]] = value
    assert not accepts(CONFIG, content)


@pytest.mark.parametrize(("model", "name"), [(Config, "configuration.md"), (Recipe, "recipes.md")])
def test_the_page_names_every_key_with_its_default(model, name):
    text = generated(ROOT, parser())[ROOT / "docs" / name]
    schema = Schema(model)
    for node in [schema.root, *schema.definitions.values()]:
        for key, child in node.get("properties", {}).items():
            row = next(line for line in text.splitlines() if line.startswith(f"| `{key}` |"))
            assert row.count("|") == 5
            if isinstance(child.get("default"), str | int) and child["default"] != "":
                default = f"`{json.dumps(child['default'], ensure_ascii=False)}`"
                assert any(default in line for line in text.splitlines() if line.startswith(f"| `{key}` |"))


def test_headings_of_a_page_differ():
    for path, text in generated(ROOT, parser()).items():
        headings = [line for line in text.splitlines() if line.startswith("#") and path.suffix == ".md"]
        assert len(headings) == len(set(headings))


def test_the_page_of_commands_says_what_their_help_says(capsys):
    text = generated(ROOT, parser())[ROOT / "docs/commands.md"]
    sections = dict(re.findall(r"^#+ `iondrill ([^`]+)`\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL))
    left = [()]  # to ask for help
    while left:
        words = left.pop()
        with pytest.raises(SystemExit):
            parser().parse_args([*words, "--help"])
        said = capsys.readouterr().out
        left += [(*words, command) for command in re.findall(r"^ {4}([a-z][\w-]*)(?= |$)", said, re.MULTILINE)]
        if words:
            own = sections.pop(" ".join(words))
            told = re.findall(r"^\| `([^`]+)` \| (?:yes)? \| (.*) \|$", own, re.MULTILINE)
            offered = " ".join(re.findall(r"^ {2}(-.*?)(?=  |$)", said, re.MULTILINE))
            options = set(re.findall(r"(?<!\S)-[\w-]+", offered)) - {"-h", "--help"}
            assert set(re.findall(r"(?<!\S)-[\w-]+", " ".join(name for name, _ in told))) == options, words
            assert all(meaning for _, meaning in told), words
    assert sections == {}
    assert text.count("\n## ") > 10
