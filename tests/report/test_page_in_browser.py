"""The page in a real browser: it needs no network, plays, jumps, sorts and filters, and fits a phone."""

import shutil
import time

import pytest
from axe_playwright_python.sync_playwright import Axe

from iondrill.report.page.build import render

pytestmark = [pytest.mark.chromium]

GRAPHICS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
PATIENCE_MS = 180_000
"""For 3D drawn by a processor that does other things too."""


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=GRAPHICS, timeout=PATIENCE_MS
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def file(whole, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render(whole.read()), encoding="utf-8")
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
    player.scroll_into_view_if_needed()
    player.locator(".view canvas").wait_for()
    return player


def wait_for_another_picture(canvas, before):
    """Wait until a canvas does not look as before: what draws it may be slower than the page around it."""
    until = time.monotonic() + PATIENCE_MS / 1000
    while canvas.screenshot() == before:
        assert time.monotonic() < until, "it looks as before"


def test_what_failed_is_seen_first(page):
    first = page.locator("main section").first
    assert "did not converge" in first.locator("h2").inner_text()
    page.evaluate("scrollTo(0, 0)")
    assert first.bounding_box()["y"] < 700
    assert "300 steps" in first.inner_text()


def test_the_player_plays(page, player):
    player.locator("input").fill("0")
    before = player.locator(".view canvas").screenshot()
    player.get_by_role("button", name="Play").click()
    page.wait_for_function("() => Number(document.querySelector('#player-drill').dataset.frame) > 3")
    player.get_by_role("button", name="Pause").click()
    frame = int(player.get_attribute("data-frame"))
    assert player.locator("output").inner_text() == f"{frame} fs"  # two steps of 0.5 fs each
    wait_for_another_picture(player.locator(".view canvas"), before)


def test_a_press_on_a_plot_jumps_there(page, player):
    plot = player.locator("svg.strip").first
    box = plot.bounding_box()
    left, right = 44, 8
    plot.click(position={"x": left + 0.75 * (box["width"] - left - right), "y": 40})
    assert player.get_attribute("data-frame") == "15"
    assert player.locator("input").input_value() == "15"
    assert player.locator("output").inner_text() == "15 fs"
    assert "4.45" in player.locator(".strip-title").first.inner_text()  # gap 3.7 + 0.05 × 15
    moment = plot.locator(".moment").get_attribute("x1")
    assert float(moment) == pytest.approx(left + 0.75 * (box["width"] - left - right), abs=1)


def test_the_keyboard_steps_and_turns(page, player):
    player.locator("input").focus()
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


def test_the_adsorption_table_sorts(page):
    table = page.locator("#adsorption table")
    heading = table.get_by_role("button", name="E_ads (eV)")
    energies = "rows => rows.map(row => row.cells[7].dataset.value)"
    for order in ("ascending", "descending"):
        heading.click()
        assert table.locator(f"th[aria-sort={order}]").count() == 1
        found = table.locator("tbody tr").evaluate_all(energies)
        assert found.pop() == ""  # what has no energy stays last
        assert [float(e) for e in found] == sorted(map(float, found), reverse=order == "descending")


def test_the_adsorption_table_filters(page):
    section = page.locator("#adsorption")
    rows = section.locator("tbody tr:visible")
    assert rows.count() == 4
    section.locator("label", has_text="Ion").locator("select").select_option("Na")
    assert rows.count() == 2
    section.get_by_role("searchbox").fill("pedestal")
    assert rows.count() == 1
    assert section.locator(".filters output").inner_text() == "1 of 4 rows"


def test_keys_alone_sort_filter_step_and_play(page):
    section = page.locator("#adsorption")
    section.get_by_role("button", name="E_ads (eV)").press("Enter")
    assert section.locator("th[aria-sort]").count() == 1
    section.get_by_role("searchbox").fill("")
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
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Save adsorption as {kind}").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    start = path.read_bytes()[:400]
    assert start.startswith(b"\x89PNG") if kind == "PNG" else b"<svg" in start
    assert path.name == f"adsorption.{kind.lower()}"


def test_it_fits_a_phone(browser, file):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


def test_it_is_there_without_script(browser, file):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(file.as_uri())
    assert page.locator("#dynamics").is_visible()
    assert page.locator("#elf figure img.paper, #elf figure img:not([class])").first.is_visible()
    context.close()
