"""Chapters of other stages: any table is shown as it is, what runs support is said, damage is named first."""

import json

import pytest

from iondrill.analyse.dynamics.diffraction import DIFFRACTION, known_stacks, reflections
from iondrill.analyse.forms import FORMS
from iondrill.errors import UserError
from iondrill.report.page.build import render
from iondrill.report.sections.chapters import chapters, events, sheet
from iondrill.report.sections.highlights import highlights

CONTRASTS = """case,run,quantity,start,late,change,error,low,high,n_runs,method,level
a,a-1,gap_edge_A,3.7,4.123456,0.423456,,,,1,blocks,gfn2
a,,gap_edge_A,3.7,4.1,0.4,0.01,-0.39,0.41,2,seeds,gfn2
"""
FINDING = {"comparison": "nanodiamond or <none>", "text": "gap_edge_A changes", "verdict": "supported", "level": "gfn2"}


@pytest.fixture
def written(folder):
    folder.text("contrasts.csv", CONTRASTS)
    folder.text("contrasts.json", json.dumps({"criterion": "By what.", "left_out": ["b-1"], "findings": [FINDING]}))
    return folder


def test_a_table_keeps_its_numbers_and_names_its_levels(written):
    results = written.read()
    shown = sheet(results, written.results / "contrasts.csv", FORMS["contrasts.csv"])
    names = [column.label for column in shown.columns]
    assert names[2:5] == ["quantity", "start", "late"]
    first = dict(zip(names, shown.rows[0], strict=True))
    assert (first["late"].shown, first["late"].value) == ("4.123", "4.123456")
    assert first["error"].value == ""
    assert "level" not in first
    assert shown.levels == ["gfn2"]
    assert dict(zip(names, shown.rows[1], strict=True))["95 % from"].shown == "−0.390"


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        ("E_ads_eV", "E ads (eV)"),
        ("two_theta_deg", "2θ (°)"),
        ("max_force_eV_A", "max force (eV/Å)"),
        ("n", "n"),
    ],
)
def test_columns_have_their_units(column, shown):
    assert DIFFRACTION.label(column) == shown


def test_tables_that_the_configuration_no_longer_asks_for_are_not_shown(written):
    for name in ("barriers", "intercalation", "convergence/old", "convergence/new"):
        written.text(f"{name}.csv", "quantity,value_eV\na,1.5\n")
    ids = [chapter.id for chapter in chapters(written.read(), written.results)]
    assert ids == ["contrasts"]
    written.config["convergence"] = {
        "studies": {"new": {"structure": "nd", "level": "gfn2", "sweep": {"accuracy": [10]}}}
    }
    written.config["barriers"] = {"level": "gfn2", "facets": ["C100-2x1"]}
    by_id = {chapter.id: chapter for chapter in chapters(written.read(), written.results)}
    assert list(by_id) == ["contrasts", "barriers", "convergence"]
    assert [each.name for each in by_id["convergence"].sheets] == ["new"]


def test_rows_that_another_configuration_made_are_left_out_and_counted(written):
    rows = ["C100-2x1,Li,a-b,0.5,gfn2", "C100-2x1,Na,a-b,0.6,gfn2", "C111,Li,a-b,0.7,gfn2", "C100-2x1,Li,a-b,0.8,old"]
    written.text("barriers.csv", "\n".join(["facet,ion,path,E_forward_eV,level", *rows]) + "\n")
    written.text("figures/barriers.svg", "<svg xmlns='http://www.w3.org/2000/svg'></svg>")
    written.config["barriers"] = {"level": "gfn2", "facets": ["C100-2x1"], "ions": ["Li"]}
    (chapter,) = (one for one in chapters(written.read(), written.results) if one.id == "barriers")
    ((row,),) = (each.rows for each in chapter.sheets)
    assert [cell.value for cell in row if cell.value] == ["0.5"]
    assert any("3 rows that this configuration does not ask for" in note for note in chapter.notes)
    assert not chapter.pictures
    written.text("barriers.csv", "\n".join(["facet,ion,path,E_forward_eV,level", rows[0]]) + "\n")
    (chapter,) = (one for one in chapters(written.read(), written.results) if one.id == "barriers")
    assert len(chapter.notes) == len(chapter.pictures) == 1


def test_a_chapter_for_what_is_there(written):
    results = written.read()
    (chapter,) = chapters(results, written.results)
    assert (chapter.id, [s.name for s in chapter.sheets]) == ("contrasts", [])  # one case is no comparison
    assert not chapter.quiet
    ((comparison, (claim,)),) = chapter.claims.items()
    assert (comparison, claim.verdict, claim.level) == ("nanodiamond or <none>", "supported", results.title_of("gfn2"))
    assert chapter.notes[1:] == ["By what.", "Left out, not converged, refused or not there: b-1."]
    written.text("contrasts.csv", CONTRASTS + "b,b-1,gap_edge_A,3.7,4.1,0.4,,,,1,blocks,gfn2\n")
    (chapter,) = chapters(results, written.results)
    assert chapter.sheets[0].rows[0][2].shown == "gap at the edge (Å)"
    assert chapter.levels == ["gfn2"]
    written.text("contrasts.json", json.dumps({"criterion": "By what.", "left_out": [], "findings": []}))
    (alone,) = chapters(results, written.results)
    assert alone.quiet
    assert alone.notes[1:] == ["No two cases differ in exactly one factor, so no effect can be attributed."]


def test_diffraction_says_how_far_the_paper_is_from_what_is_known(written):
    DIFFRACTION.write(list(reflections(known_stacks())), written.results / "diffraction.csv")
    _, chapter = chapters(written.read(), written.results)
    first, second = chapter.notes[1:3]
    assert first.startswith("The paper's reflection at 26.0° means planes 3.42 Å apart")
    assert "graphite (002), is off by 0.55°" in first
    assert "LiC12 (002), is off by 0.65°" in second
    assert "Two layers alone have no sharp reflection" in chapter.notes[3]


def test_the_page_tells_chapters_and_events(written):
    found = {"event": "layers_opened", "step": 4, "time_fs": 2.0, "until_fs": 20.0, "atoms": [3, 4]}
    content = {
        "criteria": {"lasting_fs": 50, "opened_by_A": 1, "start_gap_A": 3.7},
        "watched_fs": 20,
        "events": [found],
    }
    written.text("md/drill/events.json", json.dumps(content))
    happened = events(written.results / "md/drill")
    assert happened.rows[0]["what"] == "layers opened"
    assert "for 20 fs for events that last at least 50 fs: a gap at the edge more than 1 Å wider" in happened.watched
    assert events(written.results / "md/control") is None
    uneventful = {**content, "events": [], "criteria": {**content["criteria"], "start_gap_A": None}}
    written.text("md/control/events.json", json.dumps(uneventful))
    assert events(written.results / "md/control").watched.endswith("None of these events was seen.")
    assert "gap" not in events(written.results / "md/control").watched
    page = render(written.read())
    for words in ('<section id="contrasts">', "nanodiamond or &lt;none&gt;", "layers opened", 'href="#contrasts"'):
        assert words in page
    summary = page[page.index('<section id="summary">') : page.index('<section id="dynamics">')]
    assert "In run drill: layers opened at 2 fs." in summary
    assert "The data support 1 of 1 comparisons of runs." in summary
    assert "2 fs: layers opened." in summary  # under the picture of that moment
    assert "The run was watched for 20 fs for events" in page
    assert "318 K on average in the last quarter" in page


@pytest.mark.parametrize("name", ["contrasts.csv", "contrasts.json", "md/drill/events.json", "elf/drill/bonds.csv"])
def test_a_damaged_file_does_not_keep_the_page_back_but_comes_first(written, name):
    written.text(name, "a,b\n1\n")
    page = render(written.read())
    assert "what is not there" in page
    assert page.index('<section id="failed">') < page.index(name) < page.index('<section id="dynamics">')


def test_a_cut_table_is_named(written):
    path = written.text("contrasts.csv", CONTRASTS[:-20])
    with pytest.raises(UserError, match=r"contrasts\.csv \(line 3\)"):
        sheet(written.read(), path, FORMS["contrasts.csv"])


def test_highlights_are_the_numbers_of_the_files(folder):
    values = {h.what.partition(":")[0]: h.value for h in highlights(folder.read())}
    assert values["gap at the edge, run drill"] == "3.70 → 4.60 Å"
    assert values["bonds of nanodiamond and flake, run drill"] == "0 → 2"
    assert values["lowest E_ads of Li"] == "−3.97 eV"
    assert values["tip before the edge, run drill"] == "3.00 → 1.00 Å"
    assert not [what for what in values if "tip" in what and "control" in what]


def test_highlights_tell_nothing_of_what_did_not_converge(folder):
    folder.job("md", "drill", "not_converged")
    assert not any("run drill" in h.what for h in highlights(folder.read()))
