"""The page: it is HTML, needs nothing from outside, tells the numbers of the files, and what failed first."""

import base64
import csv
import io
import re
from html.parser import HTMLParser

import pytest
import yaml

from iondrill.analyse.forms import FORMS
from iondrill.config.document import Document
from iondrill.config.project import check_config
from iondrill.report.layout import layout
from iondrill.report.page.build import cell, render, write_page
from iondrill.report.sections.findings import findings, signed
from iondrill.report.sections.highlights import highlights
from iondrill.report.sections.made import duration

VOID = {"meta", "img", "br", "input", "link", "hr"}


class Page(HTMLParser):
    """Elements in order, with what is in them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[dict] = []
        self.elements: list[dict] = []
        self.feed(text)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "text": "", "inside": [e["tag"] for e in self.open], **dict(attrs)}
        element["sections"] = [e.get("id") for e in self.open if e["tag"] == "section"]
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open.pop()["tag"] == tag

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def all(self, tag, section=None):
        return [e for e in self.elements if e["tag"] == tag and (section is None or section in e["sections"])]

    def rows(self, section):
        """Return the cells of each row of the tables in a section."""
        rows, taken = [], [e for e in self.elements if section in e["sections"] and e["tag"] in {"tr", "td", "th"}]
        for element in taken:
            rows.append([]) if element["tag"] == "tr" else rows[-1].append(element)
        return rows


@pytest.fixture(scope="session")
def text(whole):
    """Return the page as it is, with all its figures."""
    return render(whole.read())


@pytest.fixture(scope="session")
def page(text):
    return Page(text)


@pytest.fixture
def parsed(monkeypatch):
    """Return the page of other results; its curves and bars, tested on their own, stay blank."""
    for name in ("draw_panel", "draw_adsorption"):
        monkeypatch.setattr(f"iondrill.report.sections.pictures.{name}", lambda _: "<svg></svg>")
    return lambda results: Page(render(results))


def test_nothing_is_fetched_from_outside(page, text):
    for element in page.elements:
        for key in ("src", "srcset", "poster", "action"):
            assert element.get(key, "data:").startswith("data:")
        assert element.get("href", "#").startswith(("#", "data:", "https://doi.org/")) or ":" not in element["href"]
    assert not {e["tag"] for e in page.elements} & {"link", "iframe", "object", "embed", "base", "form"}
    (style,) = page.all("style")
    assert "url(" not in style["text"]
    assert "@import" not in style["text"]
    assert "default-src 'none'" in text


def test_inlined_pictures_fetch_nothing_either(page):
    for image in page.all("img"):
        kind, _, payload = image["src"].partition(";base64,")
        if kind == "data:image/svg+xml":
            svg = base64.b64decode(payload).decode()
            assert 'href="http' not in svg
            assert "<script" not in svg
            assert svg.count("<image") == svg.count('href="data:image/png;base64,')


def test_every_number_of_the_adsorption_table_is_that_of_the_file(page, whole):
    form = layout(FORMS["adsorption.csv"], whole.rows())
    (table,) = [e for e in page.all("table") if e.get("data-file") == "adsorption"]
    rows = [row for row in page.rows("adsorption") if row[0].get("data-value") == "C100-2x1"]
    assert len(rows) == len(whole.rows())
    for shown, row in zip(rows, whole.rows(), strict=True):
        assert len(shown) == len(form.shown)
        for column, element in zip(form.shown, shown, strict=True):
            raw = row[column.name]
            if not column.numeric:
                assert element.get("data-value", element["text"]) == raw
                continue
            assert element["data-value"] == raw
            digits = len(element["text"].partition(".")[2])
            assert element["text"] == (f"{float(raw):.{digits}f}".replace("-", "−") if raw else "")
    assert {"E_ads_eV", "E_ads_vs_metal_eV", "height_A", "core_s"} <= {column.name for column in form.shown}
    # what is the same in every row is said once, above; what is empty is not there
    said = table["text"].partition(".Facet")[0]
    assert "termination clean" in said
    assert "n 1," in said
    assert "level GFN2-xTB, Γ point" in said
    empty = {name for name in whole.rows()[0] if not any(row[name] for row in whole.rows())}
    assert empty
    assert not empty & {column.name for column in [*form.shown, *(column for column, _ in form.same)]}


def test_what_did_not_converge_is_counted_first_and_shown_after_the_answer(page):
    assert [section["id"] for section in page.all("section")][:2] == ["summary", "failed"]
    (lead,) = [p for p in page.all("p") if p.get("class") == "lead"]
    assert lead["text"].startswith("1 of 16 jobs did not converge; 3 of 4 adsorption energies;")
    assert next(a["href"] for a in page.all("a") if "nav" not in a["inside"]) == "#failed"
    shown = [[c["text"].strip() for c in row] for row in page.rows("failed")]
    assert ["adsorption/C100-2x1.Na-cave.gfn2", "not converged", "GFN2-xTB, Γ point", "300 steps"] in shown
    assert any(row[:3] == ["C(100)-2×1", "Na", "cave"] for row in shown)


def test_a_run_without_failures_has_no_such_section(folder, parsed):
    folder.job("adsorption", "C100-2x1.Na-cave")
    table = folder.results / "adsorption.csv"
    table.write_text("\n".join(line for line in table.read_text().splitlines() if "not_converged" not in line) + "\n")
    page = parsed(folder.read())
    assert page.all("section")[0]["id"] == "summary"
    assert "failed" not in [section["id"] for section in page.all("section")]
    assert "all converged" in page.all("p")[0]["text"]


def test_nothing_is_told_of_a_run_that_did_not_converge(folder, parsed):
    folder.job("md", "drill", "not_converged", "SCF not converged at step 12")
    results = folder.read()
    page = parsed(results)
    assert not any("Run drill" in heading["text"] for heading in page.all("h3"))
    assert any("Run control" in heading["text"] for heading in page.all("h3", "dynamics"))
    assert not any("Run drill" in finding.text for finding in findings(results))
    assert any("SCF not converged at step 12" in cell["text"] for row in page.rows("failed") for cell in row)


def test_strings_of_the_user_do_not_become_markup(folder, parsed):
    attack = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    folder.config["title"] = attack
    folder.job("adsorption", "C100-2x1.Na-cave", "failed", attack)
    table = folder.results / "adsorption.csv"
    table.write_text(table.read_text().replace("slab with ion not_converged: 300 steps", "<script>alert(2)</script>"))
    page = parsed(folder.read())
    (script,) = [e for e in page.all("script") if "type" not in e]
    assert "alert(" not in script["text"]
    for data in (e for e in page.all("script") if e.get("type") == "application/json"):
        assert "<" not in data["text"]
    assert not any("onerror" in element for element in page.elements)
    assert page.all("h1")[0]["text"] == attack
    assert page.all("title")[0]["text"] == attack
    assert any(attack in c["text"] for row in page.rows("failed") for c in row)


@pytest.mark.parametrize("stage", ["md", "elf", "adsorption", "relax"])
def test_a_stage_that_is_empty_gives_no_empty_heading(folder, parsed, stage):
    folder.config[stage] = {"frames": 0} if stage == "elf" else {}
    page = parsed(folder.read())
    gone = {"md": {"dynamics", "elf"}, "elf": {"elf"}, "adsorption": {"adsorption"}, "relax": set()}[stage]
    sections = [s["id"] for s in page.all("section")]
    assert not gone & set(sections)
    assert [a["href"] for a in page.all("a") if "nav" in a["inside"]] == [f"#{name}" for name in sections]
    headings = [e for e in page.elements if e["tag"] in {"h2", "h3", "section"}]
    for heading, follower in zip(headings, [*headings[1:], {"tag": "section"}], strict=True):
        assert heading["tag"] != "h3" or follower["tag"] in {"h3", "section"}


def test_a_configuration_without_jobs_still_gives_a_page(folder, parsed):
    folder.config |= {"md": {}, "elf": {"frames": 0}, "adsorption": {}, "relax": {}}
    results = folder.read()
    bare = type(results)(results.config, [], [], [], None)
    assert [s["id"] for s in parsed(bare).all("section")] == ["summary", "how"]


def test_pictures_have_words_level_and_data(page):
    figures = page.all("figure")
    in_figures = [i for i in page.all("img") if "figure" in i["inside"] and i.get("class") != "safe"]
    assert len(in_figures) == len(figures) > 20
    for image in page.all("img"):
        assert len(image["alt"]) > 20
    captions = page.all("figcaption")
    assert len(captions) == len(figures)
    assert all("GFN2-xTB" in figure["data-level"] or "not computed" in figure["data-level"] for figure in figures)
    downloads = [a for a in page.all("a") if "figcaption" in a["inside"] and "download" in a]
    assert len({a["download"] for a in downloads}) == len(downloads)
    assert len(downloads) == len(figures)
    assert all(a["download"] and len(base64.b64decode(a["href"].partition(",")[2])) > 20 for a in downloads)


def test_each_figure_links_to_its_files(page, whole):
    links, at = {}, None
    for element in page.elements:
        if element["tag"] == "figure":
            at = links.setdefault(element["data-name"], [])
        elif element["tag"] == "a" and "figcaption" in element["inside"] and "download" not in element:
            at.append(element["href"])
    assert [name for name, files in links.items() if not files] == []
    assert links["adsorption"] == ["adsorption.csv"]
    assert links["drill-20-elf"] == ["elf/drill/20.png", "elf/drill/20.npz"]
    assert links["drill-temperature"] == ["md/drill/order_parameters.csv"]
    for href in (href for files in links.values() for href in files):
        assert (whole.results / href).is_file(), href


def test_data_of_the_adsorption_figure_are_the_table(page, whole):
    (link,) = [a for a in page.all("a") if a.get("download") == "adsorption.csv"]
    content = base64.b64decode(link["href"].partition(",")[2]).decode()
    assert list(csv.DictReader(io.StringIO(content))) == whole.rows()


def test_tables_can_be_read_aloud(page):
    assert len(page.all("caption")) == len(page.all("table"))
    for head in page.all("th"):
        assert head["scope"] == ("col" if "thead" in head["inside"] else "row")
        assert head["text"].strip()
    assert page.all("html")[0]["lang"] == "en"
    identifiers = [e["id"] for e in page.elements if "id" in e]
    assert len(identifiers) == len(set(identifiers))


def test_nothing_is_escaped_twice(page):
    (body,) = page.all("body")
    assert not re.search(r"&(#\d+|amp|lt|gt|quot);", body["text"])


def test_maps_are_a_grid_without_script(page):
    films = [e for e in page.all("div") if e.get("class") == "film"]
    assert len(films) == 2
    drawn = {colours: [i for i in page.all("img", "elf") if i.get("class") == colours] for colours in ("paper", "safe")}
    for maps in drawn.values():
        assert len(maps) == 6
        assert all(i["src"].startswith("data:image/svg+xml") for i in maps)
    assert all(one["src"] != other["src"] for one, other in zip(*drawn.values(), strict=True))


def test_each_energy_has_a_picture_of_its_site_and_the_lowest_comes_first(page):
    shown = [i["alt"] for i in page.all("img", "adsorption") if "ol" in i["inside"]]
    assert [alt.partition(", ")[0] for alt in shown] == [
        "Li on C100-2x1 from above: started at cave",
        "Li on C100-2x1 from above: started at bridge",
        "Na on C100-2x1 from above: started at bridge",
    ]
    labels = [e["text"] for e in page.all("span", "adsorption") if e.get("class") == "name"]
    assert labels == ["cave", "bridge", "bridge → pedestal", "cave"]
    bars = [e for e in page.all("a", "adsorption") if "bar" in e.get("class", "").split()]
    names = ("Li-cave", "Li-bridge", "Na-bridge", "Na-cave")
    assert [bar["href"] for bar in bars] == [f"#row-C100-2x1-1-{name}-gfn2" for name in names]
    assert {bar["href"] for bar in bars} == {f"#{e['id']}" for e in page.all("tr") if "data-row" in e}
    assert "not converged" in bars[-1]["text"]
    lengths = [float(e["style"].partition(":")[2].rstrip("%")) for e in page.all("i") if "ol" in e["inside"]]
    assert lengths[1] / lengths[0] == pytest.approx(3.30456789 / 3.97123456, abs=0.01)
    assert lengths[-1] == 0


def test_new_bonds_are_told_with_their_attractors(page):
    (table,) = [e for e in page.all("table", "elf") if "shared pair" in e["text"]]
    assert "0–1" in table["text"]
    assert any("No bond between nanodiamond and flake" in p["text"] for p in page.all("p", "elf"))


def test_the_configuration_can_be_used_again(page, whole, tmp_path):
    (link,) = [a for a in page.all("a") if a.get("download") == "config.yaml"]
    content = base64.b64decode(link["href"].partition(",")[2]).decode()
    assert page.all("pre")[0]["text"].strip() == content.strip()
    path = tmp_path / "again.yaml"
    path.write_text(content)
    assert check_config([Document(path)]) == whole.read().config
    assert yaml.safe_load(content)["title"] == whole.config["title"]


def test_the_same_results_give_the_same_bytes_and_a_small_page(whole, text):
    assert render(whole.read()) == text
    assert len(text) < 10e6


def test_figures_are_written_for_each_run(folder, tmp_path):
    write_page(folder.read(), tmp_path / "report.html", tmp_path / "figures")
    found = {p.relative_to(tmp_path / "figures").as_posix() for p in (tmp_path / "figures").rglob("*.svg")}
    assert {"drill.svg", "control.svg", "adsorption.svg"} < found
    assert {"structures/nd-as-built.svg", "structures/nd-relaxed.svg"} < found
    assert {"structures/C100-2x1-from-above-as-built.svg", "structures/C100-2x1-from-the-side-as-built.svg"} < found
    assert "elf/drill-elf-profiles.svg" in found
    assert all("prefers-color-scheme" not in (tmp_path / "figures" / name).read_text() for name in found)


def test_findings_follow_from_the_numbers(folder):
    said = [finding.text for finding in findings(folder.read())]
    assert any(
        "Run drill" in s
        and "gap at the edge widened, from 3.70 Å in the first frame to 4.60 Å" in s
        and "2 at the end" in s
        for s in said
    )
    assert any("Run control" in s and "neither widened nor narrowed" in s and "nanodiamond" not in s for s in said)
    assert any("Li binds with E_ads = −3.97 eV" in s and "started at cave" in s for s in said)
    assert any(
        "Na binds with E_ads = −2.84 eV" in s and "moved to pedestal" in s and "the only converged of 2 sites" in s
        for s in said
    )
    assert any("Li and Na are not compared: their lowest sites are of two kinds, cave and pedestal" in s for s in said)
    assert any("nd: 0 of 64 C (0%)" in s for s in said)


def test_findings_leave_out_what_the_error_of_the_settings_covers(folder):
    table = folder.results / "adsorption.csv"
    text = table.read_text()
    before = findings(folder.read())
    table.write_text(text.replace("gfn2,converged", "gfn2,converged; error estimate covers cutoff_Ry"))
    assert findings(folder.read()) == before


def test_findings_turn_with_the_numbers(folder):
    table = folder.results / "adsorption.csv"
    text = table.read_text()
    text = text.replace("moved to pedestal", "moved to cave")
    table.write_text(text)
    assert any("Li binds more strongly than Na, by 1.13 eV" in finding.text for finding in findings(folder.read()))
    table.write_text(text.replace("-2.84,-1.76", "-3.92,-2.84"))
    assert any("Li and Na bind about as strongly, 0.05 eV apart" in finding.text for finding in findings(folder.read()))
    table.write_text(text.replace("-2.84,-1.76", "-4.84,0.76"))
    order = folder.results / "md/drill/order_parameters.csv"
    lines = order.read_text().splitlines()
    order.write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")
    said = " ".join(finding.text for finding in findings(folder.read()))
    assert "Na binds more strongly than Li" in said
    assert "bulk metal is preferred" in said
    assert "gap at the edge narrowed" in said


def thermalised(folder, run, gap_A):
    """Let a run be thermalised, its edge gap changing like this."""
    order = (folder.results / f"md/{run}/order_parameters.csv").read_text().splitlines()
    cells = [line.split(",") for line in order[1 : len(gap_A) + 1]]
    rows = [[*row[:5], f"{gap:.4f}", *row[6:]] for row, gap in zip(cells, gap_A, strict=True)]
    folder.text(f"md/{run}/thermalisation.csv", "\n".join([order[0], *map(",".join, rows)]) + "\n")


def test_a_gap_is_told_from_its_rest_before_the_run(folder):
    """From the first frame, 3.70 Å, to 4.60 ± 0.07 Å; what it did by itself before is not what the run did."""

    def said():
        return next(finding.text for finding in findings(folder.read()) if "Run drill" in finding.text)

    assert "gap at the edge widened, from 3.70 Å in the first frame" in said()
    thermalised(folder, "drill", [3.7] * 10 + [4.55] * 10)
    assert "gap at the edge neither widened nor narrowed, from 4.55 Å before the run" in said()
    thermalised(folder, "drill", [3.7] * 10 + [3.9] * 10)
    assert "gap at the edge widened, from 3.90 Å before the run" in said()
    # still changing, by as much as it then changes
    thermalised(folder, "drill", [3.7] * 10 + [3.6] * 5 + [4.2] * 5)
    assert "gap at the edge neither widened nor narrowed, from 3.90 Å" in said()
    values = [each.value for each in highlights(folder.read()) if "gap at the edge, run drill: before" in each.what]
    assert values
    assert values[0].startswith("3.90 → ")


def test_a_run_that_was_not_at_its_temperature_says_so(folder):
    """It ends at 318 K on average."""
    words = "318 K on average in the last quarter, 300 K asked for"
    assert words in render(folder.read())
    assert "not at its temperature" not in " ".join(finding.text for finding in findings(folder.read()))
    folder.config["md"]["runs"]["drill"]["temperature_K"] = 280
    texts = [finding.text for finding in findings(folder.read()) if "not at its temperature" in finding.text]
    assert len(texts) == 1
    assert "318 K on average in the last quarter, 280 K asked for: more than 30 K off" in texts[0]


def test_each_block_names_a_level_once_with_its_trust(page):
    """The sections that show numbers: none repeats the level under each of them."""
    for section in ("summary", "dynamics", "elf", "adsorption"):
        badges = [
            e["text"] for e in page.elements if section in e["sections"] and "badge" in e.get("class", "").split()
        ]
        blocks = max(1, len([e for e in page.all("h3", section) if e["text"].startswith("Run")]))
        assert len(badges) == blocks
        assert all("GFN2-xTB, Γ point preview" in text for text in badges)
        assert all("confirm energies with DFT" in text for text in badges)
    named = [e["text"] for e in page.elements if e["tag"] == "section" and "summary" in e["sections"] + [e.get("id")]]
    assert named[0].count("GFN2-xTB, Γ point") == 1


@pytest.mark.parametrize(
    ("value", "digits", "shown"), [(-1.234, 2, "−1.23"), (-0.001, 2, "0.00"), (3.0, 0, "3"), (1e-9, 3, "0.000")]
)
def test_numbers_have_a_true_minus(value, digits, shown):
    assert signed(value, digits) == shown


def test_cells_keep_the_whole_number():
    assert cell("-1.23456", 2) == '<td class="number" data-value="-1.23456">−1.23</td>'
    assert cell(None) == cell("") == '<td class="number" data-value=""></td>'


@pytest.mark.parametrize(("seconds", "shown"), [(0.25, "0.2 s"), (59, "59 s"), (300, "5.0 min"), (9000, "2.5 h")])
def test_durations_have_a_unit_that_suits(seconds, shown):
    assert duration(seconds) == shown


def test_what_is_not_there_stands_first(folder, parsed):
    (folder.results / "jobs/md/control.gfn2/result.json").unlink()
    (folder.results / "md/control/order_parameters.csv").unlink()
    page = parsed(folder.read_so_far())
    first = page.all("section")[1]
    assert first["id"] == "failed"
    assert "md/control.gfn2waiting" in first["text"].replace("\n", "")
    assert "order_parameters.csv" in first["text"]
    assert "not everything is there" in next(e["text"] for e in page.all("p") if e.get("class") == "lead")
