"""Figures of the report: what they show, that they say at which level, and that they come out the same again."""

import csv
import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from ase import Atoms
from ase.build import diamond100

from iondrill.report.figures.charts import contact_panel, draw_adsorption, draw_panel, draw_panels, order_panels
from iondrill.report.figures.drawing import INK, SITE, Mark, Scene, by_element, by_layer, by_neighbours, draw_scene
from iondrill.report.figures.svg import OKABE_ITO, PAPER, themed

SVG = "{http://www.w3.org/2000/svg}"
LEVEL = "GFN2-xTB, Γ point"


def texts(svg):
    return ["".join(node.itertext()) for node in ET.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314


@pytest.fixture
def panels(folder):
    drill, control = folder.read().runs
    return order_panels(drill, LEVEL, 1000), order_panels(control, LEVEL, 1000)


def test_a_run_has_no_panel_of_what_it_does_not_have(panels):
    drill, control = ({panel.title for panel in each} for each in panels)
    assert drill - control == {
        "Tip of the nanodiamond past the edge",
        "Bonds from nanodiamond to flake",
        "Fourfold carbon in the nanodiamond",
    }
    assert control < drill


def test_data_of_a_panel_are_its_curves(panels, folder):
    gap = next(panel for panel in panels[0] if panel.title.startswith("Gap"))
    rows = list(csv.DictReader(io.StringIO(gap.csv)))
    edge = [float(row["value"]) for row in rows if row["curve"] == "at the edge"]
    np.testing.assert_allclose(edge, folder.read().runs[0].order.numbers("gap_edge_A"))
    assert {row["level"] for row in rows} == {LEVEL}


def test_energies_are_counted_from_the_first_frame(panels):
    energy = next(panel for panel in panels[0] if panel.title.startswith("Energy"))
    for curve in energy.curves.values():
        assert curve.values[0] == 0
    np.testing.assert_allclose(energy.curves["potential"].values[-1], 0.2)
    np.testing.assert_allclose(energy.curves["conserved quantity"].values[-1], 0.02)


def test_words_of_a_panel_name_level_unit_and_range(panels):
    alt = next(panel for panel in panels[0] if panel.title.startswith("Gap")).alt
    assert all(word in alt for word in (LEVEL, "Å", "drill", "from 3.7 to 4.7"))


def test_long_runs_are_thinned_with_their_ends(folder):
    run = folder.read().runs[0]
    temperature = order_panels(run, LEVEL, 5)[0].curves["temperature"]
    assert len(temperature.time_fs) == 5
    assert temperature.time_fs[[0, -1]].tolist() == [0, 20]


def test_figures_come_out_the_same_and_carry_the_level(panels, folder):
    results = folder.read()
    first, second = (draw_panels(panels[0][:2], f"Run drill, {LEVEL}") for _ in range(2))
    assert first == second
    assert any(LEVEL in text for text in texts(first))
    assert any(LEVEL in text for text in texts(draw_adsorption(results)))
    assert "date" not in first.lower()


def test_bars_show_each_energy_and_a_word_where_there_is_none(folder):
    words = texts(draw_adsorption(folder.read()))
    energies = [row["E_ads_eV"] for row in folder.rows() if row["E_ads_eV"]]
    assert len(energies) == 3
    assert all(f"{float(energy):.2f}".replace("-", "−") in words for energy in energies)
    assert "Na: not converged" in words


def test_names_are_not_read_as_formulas(folder):
    run = folder.read().runs[0]
    (panel,) = [p for p in order_panels(run, r"$\frac{<b>$", 10) if p.title == "Temperature"]
    assert r"$\frac{<b>$" in " ".join(texts(draw_panels([panel], panel.level)))


def test_maps_that_were_not_made_have_no_panel(folder):
    assert contact_panel(folder.read().runs[0], LEVEL, 10).curves["ion to carbon"].time_fs.tolist() == [0, 10, 20]
    folder.config["elf"] = {"frames": 0}
    assert contact_panel(folder.read().runs[0], LEVEL, 10) is None


def test_ink_follows_the_theme(panels):
    svg = themed(draw_panel(panels[0][0]))
    style, body = svg.split("</style>", 1)
    assert "prefers-color-scheme:dark" in style
    assert INK not in body
    assert PAPER not in body
    assert OKABE_ITO[0] in body
    ET.fromstring(svg)  # noqa: S314


def luminance(colour):
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("colour", OKABE_ITO[:3])
@pytest.mark.parametrize("ground", ["#fdfdfc", "#14171b", "#f4f4f1", "#1c2026"])
def test_curves_stand_out_from_either_ground(colour, ground):
    # WCAG 2.2, success criterion 1.4.11: graphical objects need 3:1
    low, high = sorted((luminance(colour), luminance(ground)))
    assert (high + 0.05) / (low + 0.05) >= 3


def circles(svg, colour):
    nodes = ET.fromstring(svg).iter(f"{SVG}circle")  # noqa: S314
    return [node for node in nodes if node.get("fill") == colour]


def test_atoms_are_coloured_by_their_number_of_neighbours():
    # C at the centre of a tetrahedron of C
    arms = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 1.54 / np.sqrt(3)
    colours = by_neighbours(Atoms("C5", [[0, 0, 0], *arms]))
    assert [colour.meaning for colour in colours] == ["4 neighbours"] + ["1 neighbour"] * 4


def test_what_is_nearer_to_the_reader_is_drawn_later():
    atoms = Atoms("LiNa", [[0, 0, 0], [0, 5, 9]])
    atoms.arrays["fragment"] = np.array(["ion", "ion"])

    def order(view):
        svg = draw_scene(Scene(atoms, view, by_element(atoms)))
        lithium, sodium = (svg.index(f'fill="{colour.fill}"') for colour in by_element(atoms))
        return "Li first" if lithium < sodium else "Na first"

    assert order("top") == "Li first"
    assert order("side") == "Na first"


@pytest.mark.parametrize(("pair", "lines"), [("C2", 1), ("CLi", 0)])
def test_contacts_of_ions_are_no_bonds(pair, lines):
    atoms = Atoms(pair, [[0, 0, 0], [1.5, 0, 0]])
    assert draw_scene(Scene(atoms, "side", by_element(atoms))).count("<line") == lines


def test_slabs_show_cell_layers_and_sites():
    slab = diamond100("C", (2, 2, 3), vacuum=5)
    position = slab.positions[-1, :2]
    svg = draw_scene(Scene(slab, "top", by_layer(slab), [Mark("a<b", tuple(position))]))
    assert "<polygon" in svg
    assert "a<b" in texts(svg)
    assert {"C, layer 1", "C, layer 2", "C, layers below"} <= set(texts(svg))
    mark, _ = circles(svg, SITE)  # in the picture and in the legend
    assert [mark.get(key) for key in ("cx", "cy")] in [
        [ball.get(key) for key in ("cx", "cy")] for ball in circles(svg, by_layer(slab)[-1].fill)
    ]
