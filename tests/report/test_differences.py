"""Several levels in one report: none hides another, and their differences are next to them."""

from __future__ import annotations

from iondrill.report.figures.charts import draw_adsorption
from iondrill.report.page.build import render
from iondrill.report.sections.findings import findings

DIFFERENCES = """facet,adsorbate,site,n,level,against,dE_ads_eV,dheight_A,ion_shift_A,slab_rms_A,status
C100-2x1,Li,cave,1,gfn2,dft,-2.01,-0.11,0.12,0.02,converged
C100-2x1,Na,cave,1,gfn2,dft,,,,,dft: not_converged; atom not_converged: 300 cycles
"""


def with_two_levels(folder):
    table = folder.results / "adsorption.csv"
    header, *rows = table.read_text().splitlines()
    others = [row.replace(",gfn2,", ",dft,").replace("-3.97123456,-2.37123456", "-1.96,-0.36") for row in rows]
    table.write_text("\n".join([header, *rows, *others]) + "\n")
    (folder.results / "adsorption_levels.csv").write_text(DIFFERENCES)
    folder.config["levels"]["dft"] = {"engine": "cp2k"}
    folder.config["adsorption"]["level"] = ["gfn2", "dft"]
    return folder.read()


def test_each_level_has_findings_and_bars_of_its_own(folder):
    results = with_two_levels(folder)
    by_level = {level: text for text, level in findings(results) if "Li binds with E_ads" in text}
    assert "−3.97 eV" in by_level["gfn2"]
    assert "−1.96 eV" not in by_level["gfn2"]
    assert "−3.30 eV" in by_level["dft"]
    assert "lowest of 2 sites" in by_level["gfn2"]
    picture = draw_adsorption(results)
    assert all(results.title_of(level) in picture for level in ("gfn2", "dft"))


def test_the_page_shows_level_against_level(folder):
    page = render(with_two_levels(folder))
    assert "Level against level" in page
    assert 'data-value="-2.01"' in page
    assert "atom not_converged: 300 cycles" in page


def test_one_level_is_not_compared(folder):
    results = folder.read()
    assert results.differences is None
    assert "Level against level" not in render(results)
