"""What may be called lowest, and which rows may be compared."""

from pathlib import Path

import pytest

from iondrill.analyse.energies.adsorption_table import AdsorptionTable
from iondrill.analyse.energies.row_status import status_of_text
from iondrill.report.ranking import kind_of_position
from iondrill.report.sections.findings import of_adsorption

COLUMNS = ("facet", "adsorbate", "site", "n", "E_ads_eV", "E_ads_vs_metal_eV", "level", "status", "lowest_neighbour_eV")


def row(ion, site, energy, note="", *, metal="", around="0.1"):
    status = "converged" + (f"; {note}" if note else "")
    return dict(zip(COLUMNS, ("C111", ion, site, "1", str(energy), str(metal), "gfn2", status, around), strict=True))


def said(*rows):
    return [finding.text for finding in of_adsorption(AdsorptionTable(Path("adsorption.csv"), COLUMNS, list(rows)))]


SECOND = "second minimum 0.31 eV lower at +0.4 Å"
FREE = "D4 takes the ion for a free atom"


@pytest.mark.parametrize(("Li", "Na", "first", "second"), [(-3.0, -2.0, "Li", "Na"), (-2.0, -3.0, "Na", "Li")])
def test_the_ion_of_lower_energy_binds_more_strongly(Li, Na, first, second):
    texts = said(row("Li", "trough-1", Li), row("Na", "trough-2", Na))
    assert texts[-1] == f"C111: {first} binds more strongly than {second}, by 1.00 eV at their lowest sites."


def test_energies_that_are_alike_are_not_ranked():
    assert "bind about as strongly, 0.09 eV apart" in said(row("Li", "cave", -2.0), row("Na", "cave", -2.09))[-1]


@pytest.mark.parametrize(("metal", "word"), [(0.2, "bulk metal is preferred"), (-0.2, "the facet is preferred")])
def test_the_lower_of_facet_and_metal_is_preferred(metal, word):
    (text,) = said(row("Li", "cave", -1.4, metal=metal))
    assert text.endswith(f": {word}.")


@pytest.mark.parametrize("metal", [0.09, -0.09])
def test_neither_is_preferred_where_both_are_alike(metal):
    assert said(row("Na", "trough-1", -1.06, metal=metal))[0].endswith("neither is preferred.")


def test_places_of_two_kinds_are_not_compared():
    texts = said(row("Li", "trough-1", -3.0), row("Na", "trough-bridge", -2.0))
    assert (
        texts[-1] == "C111: Li and Na are not compared: their lowest sites are of two kinds, trough and trough-bridge."
    )
    # where an ion came to rest counts, not where it was put
    moved = said(row("Li", "trough-1", -3.0), row("Na", "trough-bridge", -2.0, "moved to trough-2"))
    assert "Li binds more strongly than Na" in moved[-1]


def test_a_place_that_is_as_low_as_the_lowest_serves_to_compare():
    rows = row("Na", "chain-bridge", -1.84), row("Na", "trough-2", -1.82), row("Li", "trough-1", -2.33)
    assert said(*rows)[-1] == (
        "C111: Li binds more strongly than Na, by 0.51 eV at trough, which for both is as low as the lowest site."
    )
    higher = row("Na", "trough-2", -1.70)
    assert "not compared" in said(rows[0], higher, rows[2])[-1]


def test_a_row_with_a_lower_place_beside_it_is_not_called_lowest():
    texts = said(row("Na", "trough-1", -1.95, SECOND, around="-0.31"), row("Na", "cave", -1.80))
    assert texts == ["C111: no site of Na is called lowest: near that at trough-1 there is a lower point."]
    # nor is one that lies higher than what was seen there
    assert said(row("Na", "trough-1", -1.95, SECOND, around="-0.31"), row("Na", "cave", -2.1)) == texts
    below = said(row("Na", "trough-1", -1.95, SECOND, around="-0.31"), row("Na", "cave", -2.5))
    assert "Na binds with E_ads = −2.50 eV per ion (lowest of 2 sites; started at cave)" in below[0]


def test_nothing_is_compared_with_what_is_not_lowest():
    texts = said(row("Li", "trough-1", -3.0), row("Na", "trough-1", -1.95, SECOND, around="-0.31"))
    assert not any("more strongly" in text or "about as strongly" in text for text in texts)


def test_rows_on_the_two_sides_of_d4s_step_are_not_compared():
    texts = said(row("Na", "trough-1", -2.26, FREE), row("Na", "cave", -1.95))
    assert texts == ["C111: no site of Na is called lowest: D4 takes the ion for a free atom at some sites alone."]
    assert "lowest of 2 sites" in said(row("Na", "trough-1", -2.26, FREE), row("Na", "cave", -1.95, FREE))[0]
    two = said(row("Na", "cave", -2.26, FREE), row("Li", "cave", -3.0))
    assert two[-1] == "C111: Li and Na are not compared: D4 takes one of them for a free atom."


def test_where_nobody_has_looked_the_sentence_says_so():
    assert "its neighbourhood was not scanned" in said(row("Li", "cave", -3.0, around=""))[0]
    assert "nobody" not in said(row("Li", "cave", -3.0))[0]


def test_a_refused_row_is_neither():
    refused = row("Na", "cave", "") | {"status": "refused; E_ads_eV -16.00 is not within -6 to 1"}
    assert said(refused) == []
    assert "(the only converged of 2 sites" in said(refused, row("Na", "pedestal", -2.0))[0]


@pytest.mark.parametrize(
    ("site", "note", "kind"),
    [
        ("trough-2", "", "trough"),
        ("trough-bridge", "", "trough-bridge"),
        ("top-1", "moved to trough-1, trough-2", "trough"),
        ("top", "moved to cave, shallow-1", "cave and shallow"),
    ],
)
def test_kinds_of_places_have_no_numbers(site, note, kind):
    found = row("Li", site, -1.0, note)
    assert kind_of_position(found, status_of_text(found["status"])) == kind
