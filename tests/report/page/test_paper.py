"""The paper's figures: those that the run has, each next to a line on the paper; nothing of what did not converge."""

import io
import re

import pytest
from PIL import Image

from iondrill.report.figures.film import write_film
from iondrill.report.page.paper import write_paper_figures


@pytest.fixture(scope="module")
def made(whole, tmp_path_factory):
    folder = tmp_path_factory.mktemp("paper")
    write_paper_figures(whole.read(), folder)
    return folder


def test_each_run_and_facet_has_its_figures(made):
    assert {path.name for path in made.iterdir()} == {
        *("fig4a-drill.png", "fig4a-control.png", "fig4b-drill.svg", "fig4b-control.svg"),
        *("figS9-C100-2x1.svg", "figS9-energies.svg", "index.html"),
    }


def test_each_stands_beside_a_line_on_the_paper(made):
    page = (made / "index.html").read_text()
    assert page.count("<blockquote>") == page.count("<figure>") == 6
    for words in ("Fig. 4a shows", "Fig. 4b shows", "Fig. S9 shows", "GFN2-xTB", "A drill &amp; two ions"):
        assert words in page
    assert 'src="http' not in page


def test_snapshots_hold_all_moments_at_one_scale(made):
    text = (made / "fig4b-drill.svg").read_text()
    assert re.findall(r">([0-9.]+ fs)</text>", text) == ["0 fs", "10 fs", "20 fs"]
    (_, height), *scenes = re.findall(r'<svg [^>]*width="(\d+)" height="(\d+)"', text)
    assert len({width for width, _ in scenes}) == 1
    assert int(height) >= sum(int(part) for _, part in scenes)


def test_a_run_that_did_not_converge_is_left_out(folder, tmp_path):
    folder.job("md", "drill", "not_converged")
    write_paper_figures(folder.read(), tmp_path)
    assert not list(tmp_path.glob("*drill*"))
    assert list(tmp_path.glob("fig4a-control.png"))


def test_a_film_has_every_frame(whole, tmp_path):
    frames = [whole.results / f"elf/drill/{step}.png" for step in (0, 20, 40)]
    write_film(frames, tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 3
        assert film.size == Image.open(io.BytesIO(frames[0].read_bytes())).size
        assert film.info["loop"] == 0
