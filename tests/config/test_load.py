"""Whatever a file holds, reading it gives a valid configuration or a UserError that says where and what."""

import itertools
import re
import string
import tempfile
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from iondrill.config.document import Document, dump
from iondrill.config.load import as_yaml, merge
from iondrill.config.models import Config
from iondrill.config.project import check_config, read_config, read_documents
from iondrill.errors import UserError

ROOT = Path(__file__).parents[2]
DEFAULT = Document(ROOT / "config.yaml").content
FULL = read_config(ROOT / "config.yaml").model_dump(mode="json")
FREE = {
    ("levels",),
    ("md", "runs"),
    ("md", "matrix"),
    ("convergence", "studies"),
    ("adsorption", "sites"),
}  # mappings whose keys the user chooses

unprintable = ("Cc", "Cs")
words = st.text(st.characters(exclude_categories=unprintable), max_size=12)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | words | st.sampled_from(["no", "1e-7", "1:30", "~", "0x1f", "<<", "="])
keys = (
    words | st.integers(0, 9) | st.sampled_from(["levels", "md", "runs", "relax", "level", "engine", "gfn2", "steps"])
)
plain = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)


FOLDER = tempfile.TemporaryDirectory(prefix="iondrill-test-")  # hypothesis refuses tmp_path
NUMBERS = itertools.count()


def file_with(content: str | bytes) -> Path:
    path = Path(FOLDER.name) / f"{next(NUMBERS)}.yaml"
    path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    return path


def outcome(*paths: Path) -> Config | UserError:
    """Read files; check what holds of every outcome."""
    read: Config | UserError
    try:
        read = read_config(*paths)
    except UserError as error:
        read = error
    for problem in getattr(read, "problems", ()):
        assert len(str(problem).splitlines()) == 1, problem
        assert any(problem.where.startswith(str(path)) for path in paths)
        found = re.search(r" \((line|byte) (\d+)\)$", problem.where)
        assert found, problem
        if found[1] == "line":
            longest = max(len(re.findall(rb"[\r\n\x85\xa8\xa9]", path.read_bytes())) for path in paths)
            assert 1 <= int(found[2]) <= longest + 1
    assert len(set(getattr(read, "problems", ()))) == len(getattr(read, "problems", ()))
    return read


def problems_of(content: str | bytes) -> list[str]:
    """Return the problems of a file's content, its path shortened."""
    path = file_with(content)
    error = outcome(path)
    assert isinstance(error, UserError), error
    return [str(problem).replace(str(path), "F") for problem in error.problems]


def key_paths(content: object, at: tuple = ()) -> list[tuple]:
    """Return the key paths of all values below the root."""
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [key_path for key, value in inner for key_path in ((*at, key), *key_paths(value, (*at, key)))]


def parent_of(content: object, key_path: tuple) -> object:
    for part in key_path[:-1]:
        content = content[part]
    return content


MAPPED = [key_path for key_path in key_paths(DEFAULT) if isinstance(key_path[-1], str)]
FIXED_KEYS = [
    key_path
    for key_path in key_paths(FULL)
    if isinstance(key_path[-1], str) and key_path[:-1] not in FREE and key_path[-2:-1] != ("potcars",)
]
OFF = {"engine", "sites", "potential", "verify", "free_energy", "interstitials", "shells", "insertion"}
LEAVES = [
    key_path
    for key_path in key_paths(FULL)
    # the sites and sections that are off may be a mapping too, and without its engine a level means nothing
    if not isinstance(parent_of(FULL, key_path)[key_path[-1]], dict | list)
    and key_path[-1]
    not in {"engine", "sites", "potential", "verify", "free_energy", "interstitials", "shells", "insertion"}
]


WORDS = "levels gfn2 engine xtb md : - { } [ ] , &a *a ? !!int !x ' # ~ true 1e-7 \\ud800"
TOKENS = [*WORDS.split(), '"']
TOKENS += ["\n", "\n  ", ": ", "- ", "&a ", "*a ", "? ", "<<: ", "|\n", "\t", "\r\n", "---\n", " "]


# --- any content ---------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80) | st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes(content):
    outcome(file_with(content))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), max_size=25).map("".join))
def test_any_mixture_of_yaml_tokens(content):
    outcome(file_with(content))


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(keys, plain, max_size=5))
def test_any_data(content):
    outcome(file_with(dump(content)))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(MAPPED), plain), min_size=1, max_size=3))
def test_any_values_in_the_default_configuration(changes):
    content = deepcopy(DEFAULT)
    for key_path, value in changes:
        parent = content
        for part in key_path[:-1]:
            parent = parent.get(part) if isinstance(parent, dict) else None
        if isinstance(parent, dict):
            parent[key_path[-1]] = value
    outcome(file_with(dump(content)))


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(keys, plain, max_size=5))
def test_what_is_written_is_read_back(content):
    document = Document(file_with(dump(content)))
    assert document.content == content
    assert not document.problems


# --- mistakes in a configuration that was right ----------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(FIXED_KEYS), st.data())
def test_a_misspelt_key_is_named_with_the_right_one_and_its_line(key_path, data):
    position = data.draw(st.integers(0, len(key_path[-1])))
    wrong = key_path[-1][:position] + "q" + key_path[-1][position:]
    content = deepcopy(FULL)
    parent = parent_of(content, key_path)
    parent[wrong] = parent.pop(key_path[-1])
    text = dump(content)
    found = problems_of(text)
    line = next(n for n, row in enumerate(text.splitlines(), 1) if row.strip().startswith(f"{wrong}:"))
    if key_path[-1] == "engine":  # without it the other keys of a level mean nothing
        assert any("key 'engine' is missing" in problem for problem in found)
        return
    expected = f"F: {'.'.join(map(str, (*key_path[:-1], wrong)))} (line {line}): unknown key '{wrong}'; did you mean"
    assert f"{expected} '{key_path[-1]}'?" in found
    assert not any("is missing" in problem for problem in found if key_path != ("levels",))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(LEAVES), min_size=2, max_size=8, unique=True))
def test_all_wrong_types_are_reported_each_at_its_line(wrong):
    content = deepcopy(FULL)
    for number, key_path in enumerate(wrong):
        parent_of(content, key_path)[key_path[-1]] = {f"marker_{number}": 1}
    text = dump(content)
    rows = [row.strip().lstrip("- ") for row in text.splitlines()]
    found = problems_of(text)
    for number, key_path in enumerate(wrong):
        line = rows.index(f"marker_{number}: 1") + (1 if isinstance(key_path[-1], int) else 0)
        key = ".".join(map(str, key_path))
        assert any(problem.startswith(f"F: {key} (line {line}): found ") for problem in found), (key, line, found)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(FIXED_KEYS))
def test_a_deleted_key_is_missed_or_has_a_default(key_path):
    content = deepcopy(FULL)
    del parent_of(content, key_path)[key_path[-1]]
    read = outcome(file_with(dump(content)))
    if isinstance(read, Config):
        assert key_path[-1] not in {"engine", "assembly", "steps", "levels"}
    elif key_path[-1] in {"engine", "assembly", "steps", "levels"}:
        assert any(f"key '{key_path[-1]}' is missing" in problem.found for problem in read.problems)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(LEAVES), st.sampled_from([-1, -0.5, 1e400, float("nan"), 10**30, True]))
def test_numbers_out_of_range(key_path, value):
    before = parent_of(FULL, key_path)[key_path[-1]]
    content = deepcopy(FULL)
    parent_of(content, key_path)[key_path[-1]] = value
    read = outcome(file_with(dump(content)))
    if type(before) in {int, float} and (value is True or value < 0 or value != value or value == 1e400):  # noqa: PLR0124
        if (key_path[-1] == "ismear" and value == -1) or ("look_around_A" in key_path and value in {-1, -0.5}):
            return  # a method of VASP; an ion may be looked for lower down
        assert isinstance(read, UserError)
        assert f": {'.'.join(map(str, key_path))} (line" in read.problems[0].where


# --- round trip ------------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(
    title=words,
    seed=st.integers(0, 2**31 - 1),
    accuracy=st.floats(1e-6, 1000),
    steps=st.integers(1, 10**9),
    command=st.lists(words, min_size=1, max_size=3),
    results=st.text(string.ascii_letters + string.digits + "/._-~", min_size=1, max_size=20),
)
def test_a_configuration_survives_writing_and_reading(command, accuracy, steps, **top):
    content = deepcopy(FULL) | top
    content["levels"]["gfn2"]["accuracy"] = accuracy
    content["levels"]["pbe-d3"]["command"] = command
    content["md"]["runs"]["drill"] |= {"steps": steps, "save_every": 1}
    config = Config.model_validate(content)
    assert read_config(file_with(as_yaml(config))) == config


@pytest.mark.parametrize("title", ["=", "<<", "yes", "010", "1:30", "2024-01-01", "1_000", "~", "1e-7", ".5", "off"])
def test_a_text_that_looks_like_something_else_stays_a_text(title):
    content = deepcopy(FULL) | {"title": title}
    config = Config.model_validate(content)
    written = as_yaml(config)
    assert read_config(file_with(written)).title == title
    assert yaml.safe_load(written)["title"] == title


def test_the_default_configuration_survives_writing_and_reading():
    config = read_config(ROOT / "config.yaml")
    assert read_config(file_with(as_yaml(config))) == config


# --- particular mistakes ---------------------------------------------------------------------------------------------

LEVELS = "levels: {gfn2: {engine: xtb}}\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"title: a\0b\n", "F (line 1): is not valid YAML: character U+0000 in text"),
        (b"a: 1\ntitle: \xff\n", "F (byte 12): is not UTF-8 text"),
        ("levels:\n\tgfn2: 1\n", "F (line 2): is not valid YAML: found character '\\t' that cannot start any token"),
        ("a: [1,\nb: 2\n", "F (line 3): is not valid YAML: "),
        ("a: 1\n---\nb: 2\n", "F (line 2): is not valid YAML: but found another document"),
        ("[" * 1000, "F (line 1): is nested too deeply"),
        ("null", "F (line 1): found nothing; allowed: keys with values"),
        ("[1]", "F (line 1): found [1]; allowed: keys with values"),
        ("", "F (line 1): holds nothing"),
        ("levels: {}", "F: levels (line 1): found {}; allowed: keys with values"),
        (LEVELS + "seed: 1\nseed: 2\n", "F: seed (line 3): the key is there twice, first in line 2; allowed: once"),
        (LEVELS + "null: 1\n", "F (line 2): found 'null' as a key; allowed: text; put it in quotes"),
        (LEVELS + "true: 1\n", "F (line 2): found 'true' as a key; allowed: text; put it in quotes"),
        (LEVELS + "[1]: 1\n", "F (line 2): found a list or mapping as a key; allowed: text; put it in quotes"),
        (LEVELS + "1: 2\n", "F: 1 (line 2): found the key 1; allowed: text; put it in quotes"),
        (LEVELS + 'title: "\\ud800"\n', "F: title (line 2): found '\\ud800'; allowed: text without U+D800"),
        (LEVELS + "title: !!binary abc\n", "F: title (line 2): found the tag 'tag:yaml.org,2002:binary'; allowed: no"),
        (LEVELS + "md: &a {runs: *a}\n", "F (line 2): is not valid YAML: an alias refers to what holds it"),
        (LEVELS + "seed: " + "9" * 5000, "F: seed (line 2): found '9999"),
        (
            LEVELS + "seed: 99999999999",
            "F: seed (line 2): found 99999999999; allowed: a whole number ≥ 0 and < 2147483648",
        ),
        (LEVELS + "seed: 1:30", "F: seed (line 2): found '1:30'; allowed: a whole number ≥ 0"),
        (LEVELS + "md:\n", "F: md (line 2): found nothing; allowed: keys with values"),
        (LEVELS + "results: a{b}", "F: results (line 2): found 'a{b}'; allowed: no braces"),
        (
            "levels: {gfn2: {}}",
            "F: levels.gfn2 (line 1): key 'engine' is missing; allowed: 'xtb', 'cp2k', 'vasp', 'ase'",
        ),
        (
            "levels: {gfn2: {engine: x}}",
            "F: levels.gfn2.engine (line 1): found 'x'; allowed: 'xtb', 'cp2k', 'vasp', 'ase'",
        ),
        ("levels: {a b: {engine: xtb}}", "F: levels.'a b' (line 1): found the key 'a b'; allowed: letters, digits"),
        (
            "levels: {gfn2: {engine: cp2k, kpoints: [1, 2]}}",
            "F: levels.gfn2.kpoints (line 1): found [1, 2]; allowed: 3 whole numbers ≥ 1 and ≤ 100",
        ),
        (
            "levels: {a: {engine: cp2k, launcher: [mpirun, -n, '{rank}']}}",
            "F: levels.a.launcher.2 (line 1): found '{rank}'; allowed: {ranks}, the number of ranks",
        ),
        (
            "levels: {a: {engine: vasp, launcher: [srun, '--ntasks={ranks}{nodes}']}}",
            "F: levels.a.launcher.1 (line 1): found '{nodes}'; allowed: {ranks}, the number of ranks",
        ),
        (LEVELS + "relax: {level: gfn3}", "F: relax.level (line 2): there is no level 'gfn3'; did you mean 'gfn2'?"),
        ("levels: {a: {engine: ase}}", "F: levels.a (line 1): key 'calculator' is missing"),
        (
            "levels: {a: {engine: ase, calculator: MACEE}}",
            "F: levels.a.calculator (line 1): found 'MACEE'; did you mean 'MACE'?, or the dotted path of a calculator",
        ),
        (
            "levels: {a: {engine: ase, calculator: ../x.y}}",
            "F: levels.a.calculator (line 1): found '../x.y'; allowed: CHGNet",
        ),
        (
            "levels: {a: {engine: ase, calculator: EMT, dispersion: D3(BJ)}}",
            "F: levels.a.dispersion (line 1): found 'D3(BJ)' without a functional; allowed: functional: PBE, or",
        ),
        (
            "levels: {a: {engine: ase, calculator: fitted, arguments: {potential: b}, dispersion: D3(BJ)}}",
            "F: levels.a.dispersion (line 1): found 'D3(BJ)', which calculator fitted adds itself; allowed: none",
        ),
        (
            "levels: {a: {engine: ase, calculator: fitted}}",
            "F: levels.a.calculator (line 1): found no arguments; fitted needs potential",
        ),
        (
            "levels: {a: {engine: ase, calculator: fitted, arguments: {potential: b, potentials: c}}}",
            "F: levels.a.arguments.potentials (line 1): unknown key 'potentials'; did you mean 'potential'?",
        ),
        (
            LEVELS + "potential: {reference: gfn2, learn_from: [a], pretrain: {}, fit: {start: b}}",
            "F: potential (line 2): found both pretrain and fit.start, and fits start from either",
        ),
        ("levels: {a: {engine: xtb}}", "F: relax.level (line 1): there is no level 'gfn2', the default; allowed: a"),
        (LEVELS + "md: {run: [x]}", "F: md.run.0 (line 2): there is no run 'x'; allowed: nothing"),
        (
            LEVELS + "adsorption: {sites: 3}",
            "F: adsorption.sites (line 2): found 3; allowed: a list of names, or keys with values, or 'all'",
        ),
        (
            LEVELS + "adsorption: {facets: [a], sites: {a: 3}}",
            "F: adsorption.sites.a (line 2): found 3; allowed: a list of names, or 'all'",
        ),
        (
            LEVELS + "adsorption: {facets: [a], sites: {a: [x, 3]}}",
            "F: adsorption.sites.a.1 (line 2): found 3; allowed: a name",
        ),
        (LEVELS + "adsorption: {sites: [x, 3]}", "F: adsorption.sites.1 (line 2): found 3; allowed: a name"),
        (
            LEVELS + "adsorption: {facets: [a], sites: {a b: all}}",
            "F: adsorption.sites.'a b' (line 2): found the key 'a b'; allowed: letters, digits",
        ),
        (LEVELS + "adsorption: {ions: [Rb]}", "F: adsorption.ions.0 (line 2): found 'Rb'; allowed: 'Li', 'Na' or 'K'"),
        (
            LEVELS + "md: {runs: {a: {assembly: b, steps: 10, save_every: 3}}}",
            "F: md.runs.a.save_every (line 2): found 3; allowed: a divisor of steps (10)",
        ),
    ],
)
def test_a_mistake_is_named(content, expected):
    found = problems_of(content)
    assert any(problem.startswith(expected) for problem in found), found


@pytest.mark.parametrize("sites", ["3", "{a: 3}", "{a: [3]}", "{a: [x y], c: all}", "[3]", "{b: [x y]}"])
def test_sites_that_are_wrong_are_one_mistake(sites):
    """Whatever of the ways to name them comes nearest."""
    assert len(problems_of(LEVELS + "adsorption: {facets: [a, b], sites: " + sites + "}")) == 1


def test_aliases_of_aliases_do_not_blow_up():
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert "more than 100000 values" in problems_of("\n".join(rows))[0]


@pytest.mark.parametrize("path", ["nowhere.yaml", "."])
def test_a_file_that_cannot_be_read(tmp_path, path):
    with pytest.raises(UserError, match="cannot be read"):
        read_config(tmp_path / path)


def test_every_unreadable_file_is_named(tmp_path):
    with pytest.raises(UserError) as caught:
        read_documents(tmp_path / "one.yaml", file_with("a: ["), tmp_path / "two.yaml")
    assert len(caught.value.problems) == 3


# --- what is allowed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        LEVELS.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + LEVELS.encode(),
        b"levels: {gfn2: &a {engine: xtb}, b: *a}\n",
        b"levels: {gfn2: &a {engine: xtb, accuracy: 2}, b: {<<: *a, accuracy: 1e-5}, c: {<<: [*a]}}\n",
    ],
)
def test_ways_of_writing(content):
    levels = read_config(file_with(content)).levels
    assert levels["gfn2"].engine == "xtb"
    if "b" in levels:
        assert levels["b"].accuracy == (1e-5 if "c" in levels else 1.0)


def test_a_mistake_in_a_merged_key_has_the_line_where_it_stands():
    found = problems_of("levels:\n  gfn2: &a\n    engine: xtb\n    accuracy: no\n  b:\n    <<: *a\n")
    assert found == [
        f"F: levels.{name}.accuracy (line 4): found 'no'; allowed: a number ≥ 1e-06 and ≤ 1000"
        for name in ("gfn2", "b")
    ]


def test_words_of_yaml_1_1_stay_words():
    content = Document(file_with("a: no\nb: on\nc: 1e-7\nd: 1_000\ne: 0777\nf: 2024-01-01\ng: 0x10\n")).content
    assert content == {"a": "no", "b": "on", "c": 1e-7, "d": "1_000", "e": 777, "f": "2024-01-01", "g": "0x10"}


def test_later_files_override_and_are_named():
    first, second = file_with(LEVELS + "seed: 1\nelf: {frames: 3, margin_A: 1}\n"), file_with("elf: {frames: 4}\n")
    config = read_config(first, second)
    assert (config.seed, config.elf.frames, config.elf.margin_A) == (1, 4, 1.0)
    wrong = file_with("\nelf: {frames: x}\n")
    with pytest.raises(UserError) as caught:
        read_config(first, wrong)
    assert [problem.where for problem in caught.value.problems] == [f"{wrong}: elf.frames (line 2)"]


WITH_ENTRIES = """\
levels: {gfn2: {engine: xtb}, spare: {engine: xtb}, v: {engine: vasp, potcars: {C: C, K: K_sv}}}
md:
  runs: {a: {assembly: x, steps: 1}, b: {assembly: y, steps: 1}}
  matrix: {m: {assemblies: {with: x, without: y}, seeds: [1], steps: 1}}
convergence: {studies: {s: {structure: nd29, level: gfn2, sweep: {accuracy: [0.1]}}}}
"""


def test_null_takes_out_an_entry_of_an_earlier_file():
    first = file_with(WITH_ENTRIES)
    second = file_with(
        "levels: {spare: null, v: {potcars: {K: null}}}\nconvergence: {studies: {s: null}}\n"
        "md: {runs: {a: null}, matrix: {m: {assemblies: {without: null}}}}\n"
    )
    config = read_config(first, second)
    assert config.levels.keys() == {"gfn2", "v"}
    assert config.levels["v"].potcars == {"C": "C"}
    assert config.md.runs.keys() == {"b", "m-with-s1"}
    assert not config.convergence.studies
    assert read_config(first, file_with("md: {matrix: {m: }}\n")).md.runs.keys() == {"a", "b"}
    again = file_with("convergence: {studies: {s: {structure: nd35, level: gfn2, sweep: {accuracy: [9]}}}}\n")
    assert read_config(first, second, again).convergence.studies["s"].structure == "nd35"
    merged = merge(read_documents(first, second))
    assert check_config(read_documents(first, second), merged) == config
    assert merged["levels"]["spare"] is None  # what Snakemake gives is its own


def test_null_takes_out_the_sites_of_a_facet():
    first = file_with(LEVELS + "adsorption: {facets: [a, b], sites: {a: [x], b: [y]}}\n")
    stage = read_config(first, file_with("adsorption: {sites: {a: null}}\n")).adsorption
    assert (stage.sites, stage.sites_on("a"), stage.sites_on("b")) == ({"b": ["y"]}, "all", ["y"])


def test_what_is_taken_out_is_not_there_for_others():
    first, second = file_with(WITH_ENTRIES + "relax: {level: spare}\n"), file_with("levels: {spare: ~}\n")
    with pytest.raises(UserError) as caught:
        read_config(first, second)
    assert [str(problem) for problem in caught.value.problems] == [
        f"{first}: relax.level (line 6): there is no level 'spare'; allowed: gfn2, v",
    ]


@pytest.mark.parametrize(
    "text", ["md: {runs: {a: }}", "md: {matrix: {a: }}", "convergence: {studies: {a: }}", "levels:"]
)
def test_null_where_there_is_nothing_to_take_out_is_a_mistake(text):
    (found,) = problems_of(LEVELS + text if text != "levels:" else "levels:\n  {gfn2: {engine: xtb}, a: null}")
    assert found.endswith(
        ".a (line 2): found nothing; allowed: keys with values, or null for an entry of an earlier file"
    )


def test_null_takes_out_no_setting():
    wrong = file_with("elf: {frames: null}\nmd: null\n")
    with pytest.raises(UserError) as caught:
        read_config(file_with(LEVELS + "elf: {frames: 3}\nmd: {level: gfn2}\n"), wrong)
    assert [problem.found for problem in caught.value.problems] == ["found nothing", "found nothing"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.dictionaries(keys, plain, max_size=3), min_size=1, max_size=3))
def test_merging_changes_no_document(contents):
    documents = [Document(file_with(dump(content))) for content in contents]
    merge(documents)
    assert [document.content for document in documents] == contents


def test_a_matrix_is_named_as_a_run_is(tmp_path):
    text = (
        "levels: {gfn2: {engine: xtb}}\nmd:\n  run: [m, m-nd-s1, m-nd-s9]\n  matrix:\n"
        "    m: {assemblies: {nd: a}, seeds: [1], steps: 5, thermostat: {kind: nose}}\n"
    )
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(UserError) as caught:
        read_config(tmp_path / "config.yaml")
    assert [str(problem).removeprefix(str(tmp_path)) for problem in caught.value.problems] == [
        "/config.yaml: md.run.2 (line 3): there is no run 'm-nd-s9'; did you mean 'm-nd-s1'?",
        (
            "/config.yaml: md.matrix.m.thermostat.kind (line 5): "
            "found 'nose' at a level of engine xtb; allowed: csvr, none"
        ),
    ]
