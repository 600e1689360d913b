"""One and several ions on a site in one report: neither hides the other, and neither lends the other its numbers."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from iondrill.geometry.surfaces.adsorbate import add_adsorbate
from iondrill.geometry.surfaces.facet import FacetRecipe
from iondrill.geometry.surfaces.sites import find_sites
from iondrill.geometry.surfaces.slab import build_slab
from iondrill.jobs.name import Subject
from iondrill.report.figures.charts import draw_adsorption, draw_differences
from iondrill.report.figures.drawing import ELEMENTS
from iondrill.report.page.build import render
from iondrill.report.sections.findings import findings, signed
from iondrill.report.sections.highlights import highlights
from iondrill.report.sections.pictures import adsorption_picture, difference_picture
from iondrill.report.sections.site_pictures import relaxed_of, site_picture

SVG = "{http://www.w3.org/2000/svg}"
ENERGIES = {
    ("Li", "bridge", 1): -3.30,
    ("Li", "cave", 1): -3.97,
    ("Na", "cave", 1): -3.10,
    ("Li", "bridge", 2): -2.75,
    ("Li", "cave", 2): -2.61,
    ("Na", "cave", 2): -4.20,
}


def write_table(folder, energies, ions_of_one=1):
    """Write a table of these energies by ion, site and n, the number of ions on a side."""
    header = (folder.results / "adsorption.csv").read_text().splitlines()[0]
    rows = []
    for (ion, site, n), energy in energies.items():
        there = [
            "C100-2x1",
            "clean",
            ion,
            site,
            n * ions_of_one,
            0.25 * n,
            energy,
            "",
            1.0,
            "gfn2",
            "converged",
            3,
            40,
            9,
        ]
        rows.append(",".join(map(str, [*there, *[""] * (header.count(",") + 1 - len(there))])))
    (folder.results / "adsorption.csv").write_text("\n".join([header, *rows]) + "\n")


@pytest.fixture
def several(folder):
    folder.config["adsorption"]["n"] = [1, 2]
    write_table(folder, ENERGIES)
    return folder


def relaxed(folder, slab, filling):
    """Write the geometry of a job where the workflow has it."""
    site = next(site for site in find_sites(slab) if site.label == filling.site)
    atoms = add_adsorbate(slab, site, filling.ion, filling.n)
    folder.structure(f"jobs/adsorption/{filling.name}.gfn2/relaxed", atoms)
    return atoms


def ions_drawn(picture):
    """Return how many Li four cells of a picture show."""
    svg = base64.b64decode(picture.src.partition(",")[2]).decode()
    return sum(node.get("fill") == ELEMENTS["Li"] for node in ET.fromstring(svg).iter(f"{SVG}circle"))  # noqa: S314


@pytest.mark.parametrize("two_sided", [False, True])
def test_each_row_has_the_picture_of_its_own_job(folder, two_sided):
    keys = {"miller": (1, 0, 0), "reconstruction": "2x1", "two_sided": two_sided}
    slab = build_slab(FacetRecipe.model_validate({"kind": "facet", **keys}))
    folder.config["adsorption"]["n"] = [1, 2]
    sides = 1 + two_sided
    write_table(folder, {key: energy for key, energy in ENERGIES.items() if key[:2] == ("Li", "cave")}, sides)
    for n in (1, 2):
        atoms = relaxed(folder, slab, Subject("C100-2x1", "Li", n, "cave"))
        assert (atoms.arrays["fragment"] == "adsorbate").sum() == n * sides
    results = folder.read()
    one, two = (site_picture(row, relaxed_of(results, row)) for row in results.adsorption.rows)
    assert [ions_drawn(picture) for picture in (one, two)] == [4 * sides, 8 * sides]
    assert f"n = {2 * sides}" in two.alt
    assert ("n = " in one.alt) == two_sided
    # without the job of two, its row has no picture, and that of one keeps its own
    (folder.results / "jobs/adsorption/C100-2x1.2Li-cave.gfn2/relaxed.extxyz").unlink()
    assert [site_picture(row, relaxed_of(results, row)) for row in results.adsorption.rows] == [one, None]


def heights_of(svg, energies):
    """Return where on the page the bars of these energies are labelled."""
    labels = {signed(energy) for energy in energies}
    found = {}
    for node in ET.fromstring(svg).iter(f"{SVG}text"):  # noqa: S314
        text = "".join(node.itertext())
        if text in labels:
            found[text] = float(node.get("y"))
    assert set(found) == labels
    return list(found.values())


def words(svg):
    return {"".join(node.itertext()) for node in ET.fromstring(svg).iter(f"{SVG}text")}  # noqa: S314


def test_no_bar_is_drawn_over_another(several):
    svg = draw_adsorption(several.read())
    heights = sorted(heights_of(svg, ENERGIES.values()))
    assert min(after - before for before, after in pairwise(heights)) > 5  # px: the height of a letter
    assert {"cave", "cave, n = 2", "bridge", "bridge, n = 2"} <= words(svg)
    assert "Li on C100-2x1, cave, n = 2: -2.61" in adsorption_picture(several.read()).alt


def test_each_number_of_ions_has_findings_of_its_own(several):
    said = [finding.text for finding in findings(several.read())]
    (one,) = (s for s in said if s.startswith("C100-2x1: Li binds with"))
    (two,) = (s for s in said if s.startswith("C100-2x1, n = 2: Li binds with"))
    assert "−3.97 eV per ion (lowest of 2 sites; started at cave; its neighbourhood was not scanned)" in one
    assert "−2.75 eV per ion (lowest of 2 sites; started at bridge; its neighbourhood was not scanned)" in two
    # ions are compared at the same coverage, and at positions of a kind
    assert "C100-2x1: Li binds more strongly than Na, by 0.87 eV at their lowest sites." in said
    assert "C100-2x1, n = 2: Na and Li are not compared: their lowest sites are of two kinds, cave and bridge." in said


def test_the_lowest_of_all_says_how_many_ions_it_is_of(several):
    tiles = {tile.what.partition(":")[0]: tile.what for tile in highlights(several.read())}
    assert tiles["lowest E_ads of Na"].endswith("C100-2x1, cave, n = 2")
    assert tiles["lowest E_ads of Li"].endswith("C100-2x1, cave")


def test_levels_are_compared_with_as_many_ions(several):
    several.config["levels"]["dft"] = {"engine": "cp2k"}
    several.config["adsorption"]["level"] = ["gfn2", "dft"]
    rows = [f"C100-2x1,Li,cave,{n},gfn2,dft,{-n / 8},-0.1,0.1,0.0,converged" for n in (1, 2)]
    header = "facet,adsorbate,site,n,level,against,dE_ads_eV,dheight_A,ion_shift_A,slab_rms_A,status"
    several.text("adsorption_levels.csv", "\n".join([header, *rows]) + "\n")
    results = several.read()
    one, two = heights_of(draw_differences(results), [-0.125, -0.25])
    assert abs(one - two) > 5
    assert "cave, n = 2: -0.25" in difference_picture(results).alt
    page = render(results)
    table = page[page.index("Differences between levels; a heading") :]
    cells = [re.findall(r"<t[hd][^>]*>([^<]*)", row) for row in re.findall(r"<tr>(.*?)</tr>", table)[:3]]
    assert [row[3] for row in cells] == ["n", "1", "2"]
    assert [row[2] for row in cells] == ["Site", "cave", "cave"]


def test_what_has_no_energy_says_of_how_many_ions(several):
    table = several.results / "adsorption.csv"
    table.write_text(table.read_text().replace("2,0.5,-2.61,,1.0,gfn2,converged", "2,0.5,,,,gfn2,not_converged; why"))
    page = render(several.read())
    (row,) = re.findall(r"<tr>(.*?)</tr>", page[page.index("are not given") : page.index('<section id="dynamics">')])[
        1:
    ]
    assert re.findall(r"<t[hd][^>]*>([^<]*)", row)[:4] == ["C(100)-2×1", "Li", "cave", "2"]
