"""What a file holds is known by digests, of templates what they say to a program; caches lie outside results."""

from pathlib import Path

import pytest

from iondrill import files
from iondrill.config.project import read_config
from iondrill.errors import UserError
from iondrill.files import cache_folder, digest_of, replacing, templates_digest
from iondrill.prepare.plan import Plan

ROOT = Path(__file__).parents[1]
TEMPLATE = "&GLOBAL\n  RUN_TYPE {{ kind }}\n&END GLOBAL\n"


@pytest.fixture
def templates(tmp_path, monkeypatch):
    """Return the folder of an engine's templates, of which nothing is remembered."""
    (tmp_path / "cp2k").mkdir()
    (tmp_path / "cp2k/base.inp.j2").write_text(TEMPLATE)
    monkeypatch.setattr(files, "TEMPLATES", tmp_path)
    monkeypatch.setattr(files, "templates_digest", templates_digest.__wrapped__)
    return tmp_path / "cp2k"


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (f"{{# why,\nand why not #}}\n\n! a remark\n  # another\n{TEMPLATE}\n", True),
        (TEMPLATE.replace("RUN_TYPE", "PROJECT"), False),
        (TEMPLATE.replace("kind", "sort"), False),
    ],
)
def test_templates_are_told_apart_by_what_they_say(templates, text, same):
    before = files.templates_digest("cp2k")
    (templates / "base.inp.j2").write_text(text)
    assert (files.templates_digest("cp2k") == before) == same
    (templates / "base.inp.j2").rename(templates / "other.inp.j2")
    assert files.templates_digest("cp2k") != before
    assert files.templates_digest("xtb") == ""


def test_another_template_or_potential_makes_another_job_of_its_engine_alone():
    plan = Plan(read_config(ROOT / "config.yaml").model_copy(update={"structures": str(ROOT / "structures")}))
    by_engine = {job.level.engine: job for job in map(plan.job, [*plan.executed(), *plan.written()])}
    assert {engine for engine, job in by_engine.items() if job.templates} == {"cp2k", "vasp", "ase"}
    for engine, job in by_engine.items():
        with_others = job.model_copy(update={"templates": "others" if job.templates else ""})
        assert (job.input_hash() == with_others.input_hash()) == (engine == "xtb")


def test_a_digest_goes_by_what_files_hold_and_their_order(tmp_path):
    for name, text in {"a": "ab", "b": "c", "c": "a", "d": "bc"}.items():
        (tmp_path / name).write_text(text)
    a, b, c, d = (tmp_path / name for name in "abcd")
    assert digest_of(a, b) not in {digest_of(b, a), digest_of(c, d)}
    assert digest_of(a) == digest_of(a.rename(tmp_path / "moved"))


def test_the_cache_is_where_caches_are_also_without_a_home(tmp_path, monkeypatch):
    assert cache_folder() == Path(files.os.environ["XDG_CACHE_HOME"]) / "iondrill"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache/iondrill"

    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    assert cache_folder() == Path(".cache/iondrill")


def test_what_cannot_be_written_is_named_as_the_user_knows_it(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written") as caught, replacing(tmp_path / "file/table.csv"):
        pass
    assert caught.value.problems[0].where == str(tmp_path / "file/table.csv")
