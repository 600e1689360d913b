"""In a real browser: a workflow that runs, on a page that renews itself, and two folders of results on one page."""

import json
import re
import shutil
import threading
from contextlib import contextmanager
from urllib.parse import urljoin

import pytest
import yaml
from playwright.sync_api import expect

from iondrill.cli import main
from iondrill.jobs.frames import FrameLog
from iondrill.jobs.journal import Journal
from iondrill.report.follow import follow

from .conftest import PATIENCE_MS, append

pytestmark = [pytest.mark.chromium]

expect.set_options(timeout=PATIENCE_MS)
FAILS = "adsorption/C100-2x1.Na-bridge"


@contextmanager
def opened(browser, address):
    """Open an address; yield the page and what it asked for; at the end nothing was complained of."""
    page, troubles, asked = browser.new_page(viewport={"width": 1000, "height": 800}), [], []
    page.set_default_timeout(PATIENCE_MS)
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    yield page, asked
    page.close()
    assert troubles == []


@pytest.fixture
def workflow(going_on, start):
    """Return a folder with a run and another job under way, and the log of the run's frames, three so far."""
    folder, path = going_on
    (folder.results / f"jobs/{FAILS}.gfn2/result.json").unlink()
    folder.text("jobs/md/drill.gfn2/job.json", json.dumps({"input_hash": "abc", "task": {"task": "md", "steps": 40}}))
    Journal(path.with_name("journal.json")).begin()
    with FrameLog.open(path, len(start), forces=False, charges=False) as log:
        append(log, (0, 2, 4), start)
        yield folder, log


@pytest.fixture
def address(workflow):
    """Serve the page of the workflow, and return where."""
    folder, _ = workflow
    config, said, there = folder.read_so_far().config, [], threading.Event()

    def say(line):
        said.append(line)
        there.set()

    server = threading.Thread(target=follow, args=(config, 0, say), kwargs={"pause_s": 0.5}, daemon=True)
    server.start()
    assert there.wait(PATIENCE_MS / 1000)
    return said[0].rpartition(" ")[2]


def test_a_page_that_is_followed_shows_new_frames_and_a_job_that_fails(browser, workflow, address, start):
    folder, log = workflow
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", address)
    with opened(browser, address) as (page, asked):
        expect(page.locator("#dynamics")).to_contain_text("Run drill goes on: 3 frames, 2 of 20 fs.")
        assert page.locator("#player-drill input[type=range]").get_attribute("max") == "2"
        row = page.locator("#failed tr", has_text=FAILS)
        expect(row.locator(".status")).to_have_text("waiting")
        append(log, (6, 8), start)
        expect(page.locator("#dynamics")).to_contain_text("Run drill goes on: 5 frames, 4 of 20 fs.")
        assert page.locator("#player-drill input[type=range]").get_attribute("max") == "4"
        folder.job(*FAILS.split("/"), "failed", "the SCF did not converge in any way that is known")
        expect(row.locator(".status")).to_have_text("failed")
        assert "the SCF did not converge in any way" in row.inner_text()
        note = page.locator("header .follow")
        expect(note).to_contain_text(re.compile(r"Followed while the workflow runs: \d+ of \d+ jobs have ended"))
        assert asked[0] == address
        assert {url.rpartition("/")[0] + "/" for url in asked if not url.startswith(("data:", "blob:"))} == {address}
        links = page.locator("a[href]").evaluate_all("links => links.map((link) => link.getAttribute('href'))")
        files = {link for link in links if not re.match(r"#|\w+:", link)}
        assert "adsorption.csv" in files
        for file in files:
            assert page.request.get(urljoin(address, file)).status == 200, file


def test_two_folders_are_compared_on_one_page(browser, folder, tmp_path, monkeypatch):
    other = tmp_path / "other"
    shutil.copytree(folder.results, other)
    table = other / "adsorption.csv"
    table.write_text(table.read_text().replace("-3.97123456", "-3.47123456"))
    config = folder.text("../config.yaml", yaml.safe_dump(folder.read_so_far().config.model_dump(mode="json")))
    both = tmp_path / "both.html"
    monkeypatch.chdir(tmp_path)
    assert main(["report", str(folder.results), str(other), "--configfile", str(config), "-o", str(both)]) == 0
    with opened(browser, both.as_uri()) as (page, asked):
        assert page.locator("#answers article .answer").count() == 2
        rows = page.locator("#energies tbody tr")
        cave = rows.filter(has_text="cave").filter(has_text="Li")
        assert cave.locator("td").last.inner_text() == "0.500"
        page.locator("#energies").get_by_role("button", name="B − A").click()
        values = rows.evaluate_all("rows => rows.map((row) => row.lastElementChild.dataset.value)")
        assert [value != "" for value in values] == [True, True, True, False]
        assert list(map(float, values[:3])) == pytest.approx([0, 0, 0.5])
        page.locator("#energies").get_by_role("searchbox").fill("cave")
        assert page.locator("#energies tbody tr:visible").count() == 2
        assert page.locator("#curves figure").count() > 0
        assert [url for url in asked if not url.startswith("data:")] == [both.as_uri()]
