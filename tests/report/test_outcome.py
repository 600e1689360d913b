"""How a run ended is one word, and Snakemake, the page and status.json say the same."""

import pytest

from iondrill.errors import UserError
from iondrill.report.outcome import Outcome, outcome
from iondrill.report.page.build import render


def spoiled(folder, kept):
    """Refuse every adsorption energy but the first so many."""
    path = folder.results / "adsorption.csv"
    head, *rows = path.read_text().splitlines()
    names = head.split(",")
    for number, row in enumerate(rows[kept:], start=kept):
        cells = dict(zip(names, row.split(","), strict=True))
        rows[number] = ",".join((cells | {"E_ads_eV": "", "status": "refused; the slab fell apart"}).values())
    path.write_text("\n".join([head, *rows]) + "\n")
    for record in folder.results.glob("jobs/*/*/result.json"):
        record.write_text(record.read_text().replace("not_converged", "converged").replace("null", "-1.0"))
    return outcome(sorted(folder.results.glob("jobs/*/*/result.json")), path)


def test_where_every_row_is_refused_no_one_says_all_converged(folder):
    found = spoiled(folder, 0)
    assert (found.status, found.rows, found.refused_rows) == ("refused", 4, 4)
    with pytest.raises(UserError, match=r"adsorption.csv: 4 of 4 rows are refused; see report.html"):
        found.accept("report.html")
    assert "all converged" not in render(folder.read())
    assert "0 of 4 adsorption energies, 4 refused" in render(folder.read())


def test_a_row_that_stands_lets_the_run_end_well_and_the_others_are_counted(folder):
    found = spoiled(folder, 1)
    assert (found.status, found.refused_rows) == ("converged", 3)
    found.accept("report.html")
    page = render(folder.read())
    assert "all converged" not in page
    assert "1 of 4 adsorption energies, 3 refused" in page


def test_what_did_not_converge_counts_more_than_what_was_refused(folder, tmp_path):
    spoiled(folder, 0)
    folder.job("relax", "nd", "not_converged", "300 steps were not enough")
    found = outcome(sorted(folder.results.glob("jobs/*/*/result.json")), folder.results / "adsorption.csv")
    assert found.status == "not_converged"
    found.write(tmp_path / "status.json")
    with pytest.raises(UserError, match="not_converged: 300 steps were not enough"):
        Outcome.read(tmp_path / "status.json").accept("report.html")


def test_a_job_that_had_nothing_to_compute_is_no_failure_and_no_success(folder):
    folder.job("relax", "nd")
    folder.job("elf", "drill.bonded", "not_due", "there was no such event in the run: bonded")
    records = [folder.results / f"jobs/{name}.gfn2/result.json" for name in ("relax/nd", "elf/drill.bonded")]
    found = outcome(records, None)
    assert (found.status, found.reasons) == ("converged", {})
    found.accept("report.html")
    before = render(folder.read())
    records[1].unlink()
    told = [page.split('class="lead">')[1].split("</p>")[0] for page in (before, render(folder.read()))]
    assert told[0] == told[1]
    assert "there was no such event in the run: bonded" in before


def test_a_run_without_adsorption_is_judged_by_its_jobs(folder):
    folder.job("relax", "nd")
    (record,) = folder.results.glob("jobs/relax/nd.gfn2/result.json")
    assert outcome([record], None) == Outcome(
        status="converged", jobs={str(record): "converged"}, reasons={}, rows=0, refused_rows=0
    )
