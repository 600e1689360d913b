"""Every number on the page is under its own heading, table by table."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from iondrill.report.page.build import render

ADSORPTION = {
    "Facet": "facet",
    "Termination": "termination",
    "Ion": "adsorbate",
    "Site": "site",
    "n": "n",
    "Coverage (ML)": "coverage_ML",
    "Eads(eV)": "E_ads_eV",
    "against metal (eV)": "E_ads_vs_metal_eV",
    "Height (Å)": "height_A",
    "Status": "status",
    "Steps": "n_ionic_steps",
    "SCF cycles": "n_scf_cycles",
    "Core time (s)": "core_s",
    "Substrate moved, rms (Å)": "displaced_rms_A",
    "most (Å)": "displaced_max_A",
    "Charge of the ion (e)": "charge_e",
    "by": "charge_scheme",
    "Error (eV)": "error_estimate_eV",
}
DIFFERENCES = {
    "Facet": "facet",
    "Ion": "adsorbate",
    "Site": "site",
    "ΔEads(eV)": "dE_ads_eV",
    "Δheight (Å)": "dheight_A",
    "Ion shift (Å)": "ion_shift_A",
    "Slab rms (Å)": "slab_rms_A",
    "Status": "status",
}
JOBS = {
    "Energy (eV)": -12.5,
    "Attempts": 1,
    "SCF cycles": 40,
    "Ionic steps": 7,
    "Wall time (s)": 3.5,
    "Core time (s)": 7.0,
}


class Tables(HTMLParser):
    """The tables of a page: each a list of rows, each row a dict of the text of its cells by heading."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[list[dict[str, str]]] = []
        self.cells: list[str] | None = None
        self.headings: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, _attrs):
        if tag == "thead":
            self.headings = []
            self.tables.append([])
        elif tag == "tr":
            self.cells = []
        elif tag in {"td", "th"} and self.cells is not None:
            self.cells.append("")

    def handle_endtag(self, tag):
        if tag == "tr" and self.cells is not None:
            if not self.headings:
                self.headings = self.cells
            else:
                assert len(self.cells) == len(self.headings)
                self.tables[-1].append(dict(zip(self.headings, self.cells, strict=True)))
            self.cells = None

    def handle_data(self, data):
        if self.cells:
            self.cells[-1] += data.strip()

    def having(self, *headings):
        (table,) = [table for table in self.tables if table and set(headings) <= set(table[0])]
        return table


@pytest.fixture
def drawn(monkeypatch):
    """Return the tables of a page; its curves and bars stay blank."""
    for name in ("draw_panel", "draw_adsorption", "draw_differences"):
        monkeypatch.setattr(f"iondrill.report.sections.pictures.{name}", lambda *_: "<svg></svg>", raising=False)
    return lambda results: Tables(render(results))


def same(shown, expected):
    """Whether a cell shows a value, rounded as it may be, with a true minus sign."""
    number = shown.replace("−", "-").replace("\u202f", "").replace(" ", "")
    if expected == "" or not re.fullmatch(r"[-+.\de]+", str(expected)):
        return shown in {expected, "–", "—"} if expected == "" else expected in shown
    digits = len(number.partition(".")[2])
    return abs(float(number) - float(expected)) <= 0.51 * 10**-digits


def test_adsorption_energies_stand_under_their_headings(folder, drawn):
    expected = folder.rows()
    table = drawn(folder.read()).having("Eads(eV)", "SCF cycles")
    assert len(table) == len(expected)
    written = {"C100-2x1": "C(100)-2×1"}
    for shown, row in zip(table, expected, strict=True):
        there = {heading: key for heading, key in ADSORPTION.items() if heading in shown}
        assert len(there) > 10  # those that say the same in every row are not there
        assert len({row[key] for row in expected for key in ADSORPTION.values() if key not in there.values()}) <= 5
        status = shown.pop("Status")
        assert all(word.replace("_", " ") in status.replace("_", " ") for word in row["status"].split("; "))
        wrong = {
            heading: (shown[heading], row[key])
            for heading, key in there.items()
            if heading != "Status" and not same(shown[heading], written.get(row[key], row[key]))
        }
        assert wrong == {}


def test_differences_between_levels_stand_under_their_headings(folder, drawn):
    keys = "facet,adsorbate,site,n,level,against,dE_ads_eV,dheight_A,ion_shift_A,slab_rms_A,status"
    values = "slab,Li,cave,1,gfn2,gfn2,-2.01,-0.11,0.12,0.02,converged"
    (folder.results / "adsorption_levels.csv").write_text(f"{keys}\n{values}\n")
    folder.config["levels"]["dft"] = {"engine": "cp2k"}
    folder.config["adsorption"]["level"] = ["gfn2", "dft"]
    (shown,) = drawn(folder.read()).having("Slab rms (Å)")
    row = dict(zip(keys.split(","), values.split(","), strict=True))
    assert {heading: shown[heading] for heading, key in DIFFERENCES.items() if not same(shown[heading], row[key])} == {}


def test_the_costs_of_jobs_stand_under_their_headings(folder, drawn):
    table = drawn(folder.read()).having("Ionic steps", "SCF cycles")
    shown = next(row for row in table if "C100-2x1.Li-cave" in row["Job"])
    assert {heading: shown[heading] for heading, value in JOBS.items() if not same(shown[heading], str(value))} == {}
