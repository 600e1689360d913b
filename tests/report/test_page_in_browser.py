"""The page in a real browser: it needs no network, plays, jumps, sorts and filters, and fits a phone."""

import csv
import io
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from ase.io import read
from ase.io.trajectory import Trajectory
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from iondrill.report.page.build import render

from .conftest import PATIENCE_MS, Folder

pytestmark = [pytest.mark.chromium]


@pytest.fixture(scope="module")
def file(whole, tmp_path_factory):
    """Return the page of a run with its ledger, which a run always has."""
    folder = Folder(tmp_path_factory.mktemp("page"))
    shutil.copytree(whole.results, folder.results, dirs_exist_ok=True)
    shutil.copy(Path(__file__).parents[2] / "docs/claims.json", folder.results)
    path = folder.results.parent / "report.html"
    path.write_text(render(folder.read()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def page(browser, file):
    """Open the report; at the end nothing was complained of, and nothing fetched."""
    page = browser.new_page(viewport={"width": 900, "height": 700})
    page.set_default_timeout(PATIENCE_MS)
    troubles, fetched = [], []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(file.as_uri())
    yield page
    page.close()
    assert troubles == []
    assert [url for url in fetched if not url.startswith("data:")] == [file.as_uri()]


@pytest.fixture(scope="module")
def player(page):
    """Return the player of the first run, its picture drawn."""
    player = page.locator("#player-drill")
    player.locator(".view").scroll_into_view_if_needed()
    player.locator(".view canvas").wait_for()
    return player


def wait_for_another_picture(canvas, before):
    """Wait until a canvas does not look as before: what draws it may be slower than the page around it."""
    until = time.monotonic() + PATIENCE_MS / 1000
    while canvas.screenshot() == before:
        assert time.monotonic() < until, "it looks as before"


def colours_of(canvas):
    """Return the colours in the middle of a canvas."""
    with Image.open(io.BytesIO(canvas.screenshot())) as picture:
        wide, tall = picture.size
        return {*picture.convert("RGB").crop((wide // 4, tall // 4, 3 * wide // 4, 3 * tall // 4)).getdata()}


def test_the_first_screen_counts_what_failed_answers_and_shows_the_moment(page):
    lead = page.locator("header .lead")
    assert "did not converge" in lead.inner_text()
    assert lead.locator("a").get_attribute("href") == "#failed"
    for part in ("#summary .answer", "#summary .tiles", "#summary .still img", "#summary .next"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] <= 700
    assert "300 steps" in page.locator("#failed").inner_text()
    assert len(page.locator("#summary").inner_text().split()) <= 120


def test_the_player_plays(page, player):
    player.locator("input[type=range]").fill("0")
    before = player.locator(".view canvas").screenshot()
    player.get_by_role("button", name="Play").click()
    page.wait_for_function("() => Number(document.querySelector('#player-drill').dataset.frame) > 3")
    player.get_by_role("button", name="Pause").click()
    frame = int(player.get_attribute("data-frame"))
    assert player.locator(".moment").first.inner_text() == f"{frame} fs"  # two steps of 0.5 fs each
    wait_for_another_picture(player.locator(".view canvas"), before)


def test_a_press_on_a_plot_jumps_there(page, player):
    plot = player.locator("svg.strip").first
    box = plot.bounding_box()
    left, right = 44, 8
    plot.click(position={"x": left + 0.75 * (box["width"] - left - right), "y": 40})
    assert player.get_attribute("data-frame") == "15"
    assert player.locator("input[type=range]").input_value() == "15"
    assert player.locator(".moment").first.inner_text() == "15 fs"
    assert "4.45" in player.locator(".strip-title").first.inner_text()  # gap 3.7 + 0.05 × 15
    moment = plot.locator(".moment").get_attribute("x1")
    assert float(moment) == pytest.approx(left + 0.75 * (box["width"] - left - right), abs=1)


def test_the_molecule_fills_its_box_at_the_scale_of_the_bar(page, player):
    """Atom 0 is at the left end of the first bond, 1.42 Å long; the marks of both are drawn where they are."""
    player.get_by_role("button", name="Reset view").click()
    player.locator("input[type=range]").fill("0")
    player.get_by_label("Atoms").fill("0 1")
    assert "1.420 Å" in player.locator(".picked").inner_text()
    marks = player.locator(".overlay circle.chosen")
    marks.nth(1).wait_for(state="attached")
    ends = [float(marks.nth(k).get_attribute("cx")) for k in (0, 1)]
    words, shape = (player.locator(f".overlay {kind}.scale") for kind in ("text", "path"))
    bar_A, start = float(words.text_content().split()[0]), shape.get_attribute("d")
    bar_px = float(start.split("H")[1].split("v")[0]) - float(start[1:].split(",")[0])
    assert (ends[1] - ends[0]) / 1.42 == pytest.approx(bar_px / bar_A, rel=0.01)
    box = player.locator(".view").bounding_box()
    heights = [float(marks.nth(k).get_attribute("cy")) for k in (0, 1)]
    player.get_by_label("Atoms").fill("2")
    top = float(marks.nth(0).get_attribute("cy"))
    assert 0 < top < heights[0] < box["height"]
    assert (heights[0] - top + 2.2 * bar_px / bar_A) / box["height"] == pytest.approx(1, abs=0.05)


def test_a_click_names_an_atom_and_two_their_distance(page, player):
    player.locator("input[type=range]").fill("0")
    marks = player.locator(".overlay circle.chosen")
    places = []
    for atom in ("0", "2"):
        player.get_by_label("Atoms").fill(atom)
        places.append({key: float(marks.first.get_attribute(f"c{key}")) for key in "xy"})
    player.get_by_label("Atoms").fill("")
    view = player.locator(".view")
    view.click(position=places[0])
    assert player.locator(".picked").inner_text() == "C 0, lower layer, −0.40 e, 1 neighbour"
    view.click(position=places[1])
    said = player.locator(".picked").inner_text()
    assert "Li 2, ions, 0.80 e, 0 neighbours" in said
    assert said.endswith(f"{(0.7**2 + 2.2**2) ** 0.5:.3f} Å")
    view.click(position={"x": 5, "y": 5})
    assert player.locator(".picked").inner_text() == ""


def test_colours_and_trails_follow_what_is_asked_for(page, player):
    player.locator("input[type=range]").fill("20")
    canvas = player.locator(".view canvas")
    for colours, key in (("coordination", "2 neighbours"), ("charge", "+1 e or more"), ("fragment", "lower layer")):
        before = canvas.screenshot()
        player.get_by_label("Colour").select_option(colours)
        assert key in player.locator(".keys").inner_text()
        wait_for_another_picture(canvas, before)
    player.get_by_label("Colour").select_option("element")
    player.get_by_label("Trails").check()
    (points,) = player.locator(".overlay .trail").evaluate_all("lines => lines.map((line) => line.points.length)")
    assert points == 21
    player.get_by_label("Trails").uncheck()


def test_the_frames_can_be_saved_as_they_are(page, player, whole, tmp_path):
    with page.expect_download() as download:
        player.get_by_label("Save from").select_option("extxyz")
    download.value.save_as(tmp_path / "drill.extxyz")
    saved = read(tmp_path / "drill.extxyz", index=":")
    with Trajectory(whole.results / "md/drill/trajectory.traj") as frames:
        for frame, one in zip(frames, saved, strict=True):
            assert np.abs(one.positions - frame.positions).max() < 2e-3
            assert np.abs(one.get_charges() - frame.get_charges()).max() < 1e-3
            assert one.info["time_fs"] == frame.info["time_fs"]


def test_hidden_curves_are_remembered(page, player):
    chip = player.get_by_role("button", name="Opening angle of the layers")
    assert player.locator("svg.strip:visible").count() == len(player.locator(".chip").all())
    chip.click()
    assert chip.get_attribute("aria-pressed") == "false"
    assert "Opening angle of the layers" in page.evaluate("localStorage.getItem('iondrill.hidden-curves')")
    assert player.locator("svg.strip:visible").count() == len(player.locator(".chip").all()) - 1
    chip.click()


def test_the_keyboard_steps_and_turns(page, player):
    player.locator("input[type=range]").focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert player.get_attribute("data-frame") == "19"
    before = player.locator(".view canvas").screenshot()
    player.locator(".view").focus()
    page.keyboard.press("ArrowRight")
    wait_for_another_picture(player.locator(".view canvas"), before)


def test_the_film_of_the_elf_plays(page):
    film = page.locator(".film").first
    film.get_by_role("slider").fill("0")
    shown = film.locator("figure.now b")
    assert shown.inner_text() == "0 fs"
    film.get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelector('.film figure.now b').textContent === '10 fs'")
    film.get_by_role("button", name="Pause").click()  # or it would play on in the tests after this


def test_the_film_has_colours_for_all_readers(page):
    film = page.locator(".film").first
    shown = film.locator("figure.now img:visible")
    assert shown.get_attribute("class") == "paper"
    film.get_by_role("combobox").select_option("safe")
    assert shown.get_attribute("class") == "safe"


def test_a_surface_of_equal_elf_is_drawn_anew_for_another_value(page):
    surface = page.locator(".surface").first
    surface.scroll_into_view_if_needed()
    surface.locator(".view canvas").wait_for()
    before = surface.locator(".view canvas").screenshot()
    surface.get_by_role("slider").fill("0.5")
    assert surface.locator("output").inner_text() == "0.50"
    wait_for_another_picture(surface.locator(".view canvas"), before)


@pytest.fixture
def energies(page):
    """Return the chapter of adsorption, its table open and nothing filtered."""
    page.evaluate("document.getElementById('adsorption-table').open = true")
    section = page.locator("#adsorption")
    section.get_by_role("searchbox").fill("")
    section.locator("label", has_text="Ion").locator("select").select_option("")
    return section


VALUES = "rows => rows.map((row) => row.querySelector('[data-label^=Eads]').dataset.value)"


def test_the_adsorption_table_sorts(energies):
    heading = energies.get_by_role("button", name="Eads (eV)")
    for order in ("ascending", "descending"):
        heading.click()
        assert energies.locator(f"th[aria-sort={order}]").count() == 1
        found = energies.locator("tbody tr").evaluate_all(VALUES)
        assert found.pop() == ""  # what has no energy stays last
        assert [float(e) for e in found] == sorted(map(float, found), reverse=order == "descending")


def test_the_adsorption_table_filters_is_linked_to_and_saved(page, energies, tmp_path):
    rows = energies.locator("tbody tr:visible")
    assert rows.count() == 4
    energies.locator("label", has_text="Ion").locator("select").select_option("Na")
    assert rows.count() == 2
    energies.get_by_role("searchbox").fill("pedestal")
    assert rows.count() == 1
    assert energies.locator(".filters output").inner_text() == "1 of 4 rows"
    with page.expect_download() as download:
        energies.get_by_role("button", name="CSV of these rows").click()
    download.value.save_as(tmp_path / "adsorption.csv")
    (row,) = csv.DictReader((tmp_path / "adsorption.csv").read_text().splitlines())
    assert (row["facet"], row["adsorbate"], row["site"], row["E_ads_eV"]) == ("C100-2x1", "Na", "bridge", "-2.84")
    assert "adsorbate=Na&find=pedestal" in page.url


def test_a_row_opens_to_its_structure_and_its_record(page, energies):
    energies.locator("a.bar").first.click()
    opened = energies.locator("tr.detail")
    opened.locator(".view canvas").wait_for()
    until = time.monotonic() + PATIENCE_MS / 1000
    while len(colours_of(opened.locator(".view canvas"))) < 20:
        assert time.monotonic() < until, "nothing is drawn"
    assert opened.locator("a").get_attribute("href") == "jobs/adsorption/C100-2x1.Li-cave.gfn2/result.json"
    # the energies of the fixture's jobs do not give those of its table, so the parts are not shown
    assert opened.locator("dl").count() == 0
    energies.locator("[id='row-C100-2x1-1-Na-bridge-gfn2'] button.opens").click()
    assert "moved to pedestal" in energies.locator("tr.detail").inner_text()
    assert page.url.endswith("#row-C100-2x1-1-Na-bridge-gfn2")


def test_links_lead_to_a_moment_a_selection_and_a_row(browser, file):
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{file.as_uri()}#adsorption-table?adsorbate=Li&sort=-E_ads_eV")
    assert page.locator("#adsorption tbody tr:visible").evaluate_all(VALUES) == ["-3.30456789", "-3.97123456"]
    page.goto(f"{file.as_uri()}#player-drill?fs=15")
    page.wait_for_function("() => document.querySelector('#player-drill').dataset.frame === '15'")
    page.goto(f"{file.as_uri()}#row-C100-2x1-1-Na-cave-gfn2")
    page.locator("tr.detail").wait_for()
    assert "slab with ion not_converged: 300 steps" in page.locator("tr.detail").inner_text()
    page.close()


def test_keys_alone_sort_filter_step_and_play(page, energies):
    section = energies
    section.get_by_role("button", name="Eads (eV)").press("Enter")
    assert section.locator("th[aria-sort]").count() == 1
    section.locator("label", has_text="Ion").locator("select").press("L")  # as one types in a list
    assert section.locator(".filters output").inner_text() == "2 of 4 rows"
    film = page.locator(".film").first
    for key, moment in (("End", "20 fs"), ("ArrowLeft", "10 fs")):
        film.get_by_role("slider").press(key)
        assert film.locator("figure.now b").inner_text() == moment
    film.get_by_role("button", name="Play").press("Space")
    film.get_by_role("button", name="Pause").press("Space")
    film.get_by_role("slider").press("End")
    film.get_by_role("button", name="Play").press("Space")
    film.get_by_role("slider").press("End")  # which may not move it
    film.get_by_role("button", name="Play").wait_for(timeout=500)
    unreachable = "parts => parts.filter((part) => part.tabIndex < 0).map((part) => part.outerHTML)"
    assert page.locator("a, button, select, input, summary, .view, .scroll").evaluate_all(unreachable) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_of(browser, file, scheme):
    page = browser.new_page(color_scheme=scheme, viewport={"width": 900, "height": 700})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    found = Axe().run(page).response
    assert {each["id"]: each["nodes"][0]["html"] for each in found["violations"]} == {}
    assert {"color-contrast", "image-alt", "label", "scrollable-region-focusable"} <= {x["id"] for x in found["passes"]}
    page.evaluate("document.querySelector('img').removeAttribute('alt')")
    assert [each["id"] for each in Axe().run(page).response["violations"]] == ["image-alt"]
    page.close()


@pytest.mark.parametrize("kind", ["SVG", "PNG"])
def test_a_figure_can_be_saved(page, kind, tmp_path):
    page.evaluate("document.querySelectorAll('#adsorption details').forEach((part) => { part.open = true; })")
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Save adsorption as {kind}").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    start = path.read_bytes()[:400]
    assert start.startswith(b"\x89PNG") if kind == "PNG" else b"<svg" in start
    assert kind == "PNG" or "GFN2-xTB, Γ point</desc>" in path.read_text()  # the level leaves with the figure
    assert path.name == f"adsorption.{kind.lower()}"


def test_it_fits_a_phone(browser, file):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    picture, answer = (page.locator(f"#summary {part}").bounding_box()["y"] for part in (".still", ".answer"))
    assert picture < answer
    end = page.evaluate("document.querySelector('#summary').getBoundingClientRect().bottom")
    assert end <= 8 * 844
    page.close()


def test_on_a_phone_the_controls_of_the_player_open(browser, file):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(file.as_uri())
    player = page.locator("#player-drill")
    colour, more = player.get_by_label("Colour"), player.locator(".further")
    assert not colour.is_visible()
    assert (more.inner_text(), more.get_attribute("aria-expanded")) == ("More", "false")
    more.press("Enter")
    assert more.get_attribute("aria-expanded") == "true"
    for name in ("Colour", "Speed", "Save from"):
        player.get_by_label(name).scroll_into_view_if_needed()
        box = player.get_by_label(name).bounding_box()
        assert 0 <= box["x"] <= box["x"] + box["width"] <= 390
    colour.select_option("fragment")
    assert "lower layer" in player.locator(".keys").inner_text()
    assert player.locator(".stage").bounding_box()["height"] < 844
    more.click()
    assert not colour.is_visible()
    page.set_viewport_size({"width": 1000, "height": 800})
    assert colour.is_visible()
    assert not more.is_visible()
    page.close()


def test_it_is_there_without_script(browser, file):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(file.as_uri())
    assert page.locator("#dynamics").is_visible()
    assert page.locator("#elf figure img.paper, #elf figure img:not([class])").first.is_visible()
    context.close()
