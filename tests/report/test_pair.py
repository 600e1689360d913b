"""Two folders of results on one page: the numbers of both under one another, and their difference."""

import shutil

import pytest

from iondrill.cli import main
from iondrill.config.models import Config
from iondrill.errors import UserError
from iondrill.report.page.build import write_page
from iondrill.report.pair import config_of, rows_of_both, write_pair

from .conftest import Folder


@pytest.fixture
def two(folder, tmp_path):
    """Return two folders; in the second Li in the cave is 0.5 eV less bound, and its page is there."""
    shutil.copytree(folder.results, tmp_path / "other/results")
    other = Folder(tmp_path / "other")
    table = other.results / "adsorption.csv"
    table.write_text(table.read_text().replace("-3.97123456", "-3.47123456"))
    other.config["title"] = "Another one"
    return folder, other


def test_energies_of_both_and_their_difference(two):
    first, second = (each.read() for each in two)
    rows = {(row.adsorbate, row.site): row for row in rows_of_both(first, second)}
    assert rows["Li", "cave"].difference_eV == pytest.approx(0.5)
    assert rows["Li", "bridge"].difference_eV == 0
    assert rows["Na", "cave"].difference_eV is None


def test_a_page_holds_the_configuration_of_its_folder(two):
    first, second = two
    write_page(second.read(), second.results / "report.html")
    mine = Config.model_validate(first.config)
    assert config_of(second.results, mine).title == "Another one"
    assert config_of(first.results, mine) == mine
    (second.results / "report.html").write_text("<p>no configuration</p>")
    with pytest.raises(UserError, match="holds no configuration"):
        config_of(second.results, mine)


def test_one_page_shows_both(two, tmp_path, monkeypatch):
    first, second = two
    monkeypatch.setattr("iondrill.report.sections.pictures.draw_panel", lambda _: "<svg></svg>")
    path = tmp_path / "both.html"
    config = first.read_so_far().config
    write_pair([first.results, second.results], config, path)
    text = path.read_text()
    assert text.count('<p class="answer">') == 2
    assert 'data-value="0.5' in text
    assert "A, at the edge" in text
    assert "default-src 'none'" in text


def test_two_folders_are_needed(tmp_path, capsys):
    assert main(["report", str(tmp_path / "a"), str(tmp_path / "b")]) == 1
    assert "no folder of results; needed: two such folders" in capsys.readouterr().err
