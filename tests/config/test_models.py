"""The models: what they allow by default, and that they say what every key means."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from iondrill.config.base import Folder, Name
from iondrill.config.consistency import mistakes
from iondrill.config.levels import Cp2kLevel, Level, VaspLevel, XtbLevel
from iondrill.config.models import Config, MdRun, Thermostat
from iondrill.config.schema import Schema
from iondrill.geometry.recipes import Recipe


def test_a_level_is_all_that_must_be_given():
    assert Config.model_validate({"levels": {"gfn2": {"engine": "xtb"}}}).levels["gfn2"].method == "GFN2-xTB"


@pytest.mark.parametrize(
    ("model", "name"),
    [(Config, "Config")] + [(model, name) for model in (Config, Recipe) for name in Schema(model).definitions],
)
def test_every_key_says_what_it_means(model, name):
    schema = Schema(model)
    for key, node in schema.definitions.get(name, schema.root)["properties"].items():
        assert node.get("description") or "$ref" in node, f"{name}.{key}"


@pytest.mark.parametrize("engine", [XtbLevel, Cp2kLevel, VaspLevel])
def test_every_level_has_a_title_of_its_own(engine):
    word = engine.__name__.removesuffix("Level").lower()
    level = TypeAdapter(Level).validate_python({"engine": word})
    assert isinstance(level, engine)
    assert len(level.title) < 60


def test_ranks_are_filled_in_and_what_is_a_shells_stays():
    launcher = ["env", "HOME=${HOME}", "mpirun", "-n{ranks}", "{}", "{ echo; }"]
    level = Cp2kLevel(engine="cp2k", ranks=3, launcher=launcher)
    assert level.program == ["env", "HOME=${HOME}", "mpirun", "-n3", "{}", "{ echo; }", "cp2k.psmp"]


def test_a_level_says_its_dispersion():
    titles = {Cp2kLevel(engine="cp2k", dispersion=word).title for word in ("D3(BJ)", "D3(0)", "none")}
    assert len(titles) == 3
    assert not any("none" in title for title in titles)


def test_models_do_not_change_and_can_be_sent_to_other_processes():
    config = Config.model_validate({"levels": {"gfn2": {"engine": "xtb"}}})
    assert pickle.loads(pickle.dumps(config)) == config  # noqa: S301
    with pytest.raises(ValidationError):
        config.seed = 2


@given(st.integers(1, 10**6), st.integers(1, 10**3))
def test_the_last_frame_is_the_last_step(steps, save_every):
    fields = {"assembly": "a", "steps": steps, "save_every": save_every}
    if steps % save_every:
        with pytest.raises(ValidationError, match="a divisor of steps"):
            MdRun(**fields)
    else:
        assert MdRun(**fields).steps == steps


@pytest.mark.parametrize("model", [MdRun, Thermostat, XtbLevel, Cp2kLevel, VaspLevel])
def test_true_is_no_number(model):
    for key, field in model.model_fields.items():
        if field.annotation in {int, float}:
            with pytest.raises(ValidationError) as caught:
                model.model_validate({key: True})
            assert any(error["loc"] == (key,) for error in caught.value.errors())


@given(st.text(max_size=70))
def test_names_are_safe_in_file_names(text):
    try:
        TypeAdapter(Name).validate_python(text)
    except ValidationError:
        return
    assert 0 < len(text) <= 64
    assert not set(text) & set("./\\{} \n\t*?'\"$`")


@given(st.text(max_size=20))
def test_folders_are_safe_in_patterns(text):
    try:
        TypeAdapter(Folder).validate_python(text)
    except ValidationError:
        return
    assert text == text.strip(" ") != ""
    assert not set(text) & set("{}*?[]\n\t\0")


MATRIX = {"assemblies": {"with": "a", "without": "b"}, "seeds": [1, 2], "steps": 10, "launch_m_s": 5}


def found(**content):
    levels = {"gfn2": {"engine": "xtb"}, "dft": {"engine": "cp2k"}, "vasp": {"engine": "vasp", "elf_spin_D0": "6pi2"}}
    return list(mistakes({"levels": levels} | content))


def test_a_level_without_electrons_has_no_elf():
    levels = {"gfn2": {"engine": "xtb"}, "emt": {"engine": "ase", "calculator": "EMT"}}
    content = {"levels": levels, "elf": {"level": "emt"}, "md": {"level": "emt"}, "barriers": {"level": "emt"}}
    assert list(mistakes(content)) == [
        (("elf", "level"), "level 'emt' is of engine ase", "allowed: a level of engine xtb or cp2k or vasp")
    ]


def test_where_no_elf_is_mapped_no_level_has_to_have_electrons():
    levels = {"emt": {"engine": "ase", "calculator": "EMT"}}
    stages = {name: {"level": "emt"} for name in ("relax", "md", "adsorption")}
    assert list(mistakes({"levels": levels, **stages, "elf": {"level": "emt", "frames": 0}})) == []
    of_events = {"level": "emt", "frames": 0, "events": ["first_contact"]}
    (mistake,) = mistakes({"levels": levels, **stages, "elf": of_events})
    assert mistake[0] == ("elf", "level")
    inputs = {"elf": ["emt"]}
    (mistake,) = mistakes({"levels": levels, **stages, "elf": {"level": "emt", "frames": 0}, "inputs": inputs})
    assert mistake[0] == ("inputs", "elf", 0)


def test_the_level_of_a_second_fit_must_do_dynamics_the_reference_need_not():
    levels = {"dft": {"engine": "vasp", "elf_spin_D0": "6pi2"}, "gfn2": {"engine": "xtb"}}
    (mistake,) = mistakes({"levels": levels, "md": {"verify": {"level": "dft", "twin": "dft"}}})
    assert mistake[0] == ("md", "verify", "twin")


def test_levels_and_runs_must_exist():
    assert set(found(md={"run": ["a", "b"], "runs": {"a": {}}, "level": "gfn"})) == {
        (("md", "run", 1), "there is no run 'b'", "allowed: a"),
        (("md", "level"), "there is no level 'gfn'", "did you mean 'gfn2'?"),
    }


@pytest.mark.parametrize("levels", [3, None, {}, {"gfn2": 3}, {"gfn2": {"engine": "xtbb"}}, {"gfn2": {"engine": [1]}}])
def test_levels_that_cannot_be_read_are_no_mistake_of_others(levels):
    """They are refused where they are written."""
    stages = {name: {"level": "gfn2"} for name in ("barriers", "intercalation", "relax", "adsorption")}
    assert list(mistakes({"levels": levels, **stages})) == []


@pytest.mark.parametrize(
    "md",
    [3, None, {"runs": 3}, {"matrix": 3}, {"matrix": {"m": 3}}, {"matrix": {"m": {**MATRIX, "step": 1}}}],
    ids=str,
)
def test_runs_that_cannot_be_read_are_not_missed(md):
    assert not found(md=md, inputs={"runs": ["m-with-s1"]})
    assert found(md={"runs": {"m": {}}}, inputs={"runs": ["m-with-s1"]})


def test_a_stage_that_cannot_be_read_has_no_default():
    levels = {"dft": {"engine": "cp2k"}}
    stages = dict.fromkeys(["relax", "md", "elf"], 3)
    assert list(mistakes({"levels": levels, "adsorption": 3, **stages})) == []
    computed = {"level": "dft", "prerelax": None, "metal": "computed"}
    assert list(mistakes({"levels": levels, "adsorption": computed, "intercalation": 3, **stages})) == []


def test_vasp_runs_no_dynamics_and_gives_no_density_differences():
    content = {"md": {"level": "vasp"}, "elf": {"level": "vasp"}, "inputs": {"elf": ["dft", "vasp"], "md": ["vasp"]}}
    assert [key_path for key_path, what, _ in found(**content) if "vasp" in what] == [
        ("md", "level"),
        ("inputs", "md", 0),
    ]
    problems = found(elf={"level": "vasp", "difference": True}, inputs={"elf": ["vasp"]})
    assert [key_path for key_path, what, _ in problems if "vasp" in what] == [("elf", "difference")]


def test_the_elf_of_vasp_needs_what_two_spins_mean():
    levels = {"vasp": {"engine": "vasp"}}
    (wrong,) = [one for one in found(levels=levels, elf={"level": "vasp"}) if "gfn2" not in one[1]]
    assert wrong[0] == ("elf", "level")
    assert "does not say elf_spin_D0" in wrong[1]
    assert "iondrill elf-check vasp" in wrong[2]
    said = {"vasp": {"engine": "vasp", "elf_spin_D0": "3pi2"}}
    # inputs that are only written are for others to read
    for content in ({"levels": said, "elf": {"level": "vasp"}}, {"levels": levels, "inputs": {"elf": ["vasp"]}}):
        assert not [one for one in found(**content) if "elf_spin_D0" in one[1]]


def test_xtb_offers_no_nose_thermostat():
    runs = {"a": {"thermostat": {"kind": "nose"}}, "b": {"thermostat": {"kind": "nose"}, "level": "dft"}}
    assert [key_path for key_path, *_ in found(md={"run": ["a", "b"], "runs": runs})] == [
        ("md", "runs", "a", "thermostat", "kind")
    ]


plain = st.recursive(
    st.none() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["levels", "md", "runs", "run", "level", "engine", "a", 1]), inner, max_size=4
        )
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["levels", "md", "relax", "inputs", "adsorption", "elf", "x"]), plain))
def test_cross_checks_bear_any_content(content):
    assert all(len(mistake) == 3 for mistake in mistakes(content))


def stage(**fields):
    return Config.model_validate({"levels": {"gfn2": {"engine": "xtb"}}, "md": fields})


def test_a_matrix_names_its_runs():
    single = {"assembly": "a", "steps": 3}
    config = stage(run=["m", "single", "m-with-s1"], runs={"single": single}, matrix={"m": MATRIX})
    cells = ["m-with-s1", "m-with-s2", "m-without-s1", "m-without-s2"]
    assert config.md.run == [*cells, "single"]
    assert [config.md.runs[name].assembly for name in cells] == ["a", "a", "b", "b"]
    assert [config.md.runs[name].seed for name in cells] == [1, 2, 1, 2]
    assert {(config.md.runs[name].steps, config.md.runs[name].launch_m_s) for name in cells} == {(10, 5.0)}
    assert config.md.runs["single"] == MdRun(**single)


def test_a_matrix_once_written_out_stays_what_it_is():
    config = stage(run=["m"], matrix={"m": MATRIX})
    assert Config.model_validate(config.model_dump(mode="json")) == config
    inputs = Config.model_validate({**config.model_dump(), "inputs": {"runs": ["m"]}}).inputs.runs
    assert inputs == config.md.run


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"runs": {"m": {"assembly": "a", "steps": 1}}}, "'m' names a run and a matrix"),
        ({"runs": {"m-with-s2": {"assembly": "a", "steps": 1}}}, "a run named 'm-with-s2'; allowed: no other"),
        ({"matrix": {"m": {**MATRIX, "assemblies": {"a" * 63: "a"}}}}, "allowed: at most 64"),
        ({"matrix": {"m": {**MATRIX, "assemblies": {}}}}, "at least 1 item"),
        ({"matrix": {"m": {**MATRIX, "seeds": []}}}, "at least 1 item"),
        ({"matrix": {"m": {**MATRIX, "save_every": 3}}}, "a divisor of steps"),
    ],
)
def test_a_matrix_that_cannot_be(fields, message):
    with pytest.raises(ValidationError, match=message):
        stage(**{"matrix": {"m": MATRIX}, **fields})


def test_a_level_of_prerelaxation_must_exist_where_it_is_needed():
    levels = {"dft": {"engine": "cp2k"}, "gfn1": {"engine": "xtb"}}
    stages = {stage: {"level": "gfn1"} for stage in ("relax", "md", "elf", "adsorption")}
    assert not list(mistakes({"levels": levels} | stages))
    assert list(mistakes({"levels": levels} | stages | {"relax": {"level": "dft"}})) == [
        (("relax", "prerelax"), "there is no level 'gfn2', the default", "did you mean 'gfn1'?")
    ]
    assert not list(mistakes({"levels": levels} | stages | {"relax": {"level": "dft", "prerelax": None}}))
    assert [
        key_path for key_path, *_ in mistakes({"levels": levels} | stages | {"adsorption": {"level": ["gfn1", "dft"]}})
    ] == [("adsorption", "prerelax")]
    (wrong,) = mistakes({"levels": levels} | stages | {"adsorption": {"level": "gfn1", "prerelax": "zero"}})
    assert wrong == (("adsorption", "prerelax"), "there is no level 'zero'", "allowed: dft, gfn1, or null")
