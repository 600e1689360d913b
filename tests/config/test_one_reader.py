"""One reader decides what a configuration says: what `iondrill check` accepts means the same in Snakemake."""

from pathlib import Path

import pytest
import yaml
from snakemake.common.configfile import load_configfile

from iondrill.config.load import merge
from iondrill.config.project import project_first, read_config, read_documents
from iondrill.errors import UserError

MEANINGS = {
    "seed: 010": ("seed", 10),
    "seed: 1e3": ("seed", 1000),
    "title: 2026-11-28": ("title", "2026-11-28"),
    "title: 1:30": ("title", "1:30"),
    "title: no": ("title", "no"),
    "title: on": ("title", "on"),
    "title: 1_000": ("title", "1_000"),
    "title: ~yes": ("title", "~yes"),
    "\ufefftitle: marked": ("title", "marked"),
}


@pytest.mark.parametrize(("text", "meaning"), MEANINGS.items())
def test_a_word_means_what_yaml_1_2_says(tmp_path, text, meaning):
    path = tmp_path / "c.yaml"
    path.write_text(f"{text}\nlevels: {{gfn2: {{engine: xtb}}}}\n", encoding="utf-8")
    key, value = meaning
    assert getattr(read_config(path), key) == value


@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        ("title: a\nseed: 3\ntitle: 2026-13-45", "title (line 3)", "twice"),
        ("seed: 3\ntitle: 2026-13-45", "title (line 2)", "month must be in 1..12"),
        ("seed: 3\nlevels:\n  a:\n    engine: =", "levels.a.engine (line 4)", "Snakemake cannot read '='"),
        ("title: 0x_", "title (line 1)", "invalid literal"),
        ("title:\ttab", "(line 1)", "\\t"),
        ("# nothing\n\n", "(line 1)", "holds nothing but blanks and comments"),
        ("", "(line 1)", "holds nothing but blanks and comments"),
        ("---\n", "(line 1)", "found nothing"),
        ("__use_yte__: true\ntitle: a", "__use_yte__", "unknown key"),
        ("title: !!python/name:os.system", "title (line 1)", "tag"),
    ],
)
def test_what_the_other_reader_stops_at_is_refused_with_key_and_line(tmp_path, text, where, found):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_config(path)
    said = [str(problem) for problem in caught.value.problems]
    assert any(where in one for one in said), said
    assert any(found in one for one in said), said


@pytest.mark.parametrize("text", MEANINGS)
def test_what_is_accepted_is_also_read_by_snakemake(tmp_path, text):
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    (document,) = read_documents(path)
    assert isinstance(load_configfile(str(path)), dict)
    assert document.refused_by_snakemake() is None


def test_the_command_line_overrides_what_files_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(yaml.safe_dump({"md": {"run": ["a"], "runs": {"a": 1, "b": 2}}}))
    Path("more.yaml").write_text("md: {run: [b]}\n")
    documents = read_documents(*project_first([Path("more.yaml")]))
    assert merge(documents, {"md": {"runs": {"b": 3}}}) == {"md": {"run": ["b"], "runs": {"a": 1, "b": 3}}}
