"""Curves over time, and bars of adsorption energies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iondrill.geometry.labels import FACING
from iondrill.report.figures.svg import INK, OKABE_ITO, STYLE, canvas, to_svg
from iondrill.report.table import position_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from iondrill.analyse.tables import Table
    from iondrill.report.data import Results, Run

    Floats = NDArray[np.float64]

DASHES = ("-", "--", "-.", ":")
COUNTS = ("number", "mean number", "fraction")
"""Units whose axis starts at zero."""
PANEL_IN = (4.3, 2.7)
BAR_IN = 0.21
WHITE = "#ffffff"


class Curve(NamedTuple):
    """Values (n,) at times (n,); NaN where there is none."""

    time_fs: Floats
    values: Floats


@dataclass(frozen=True)
class Panel:
    """Curves that share an axis.

    Parameters
    ----------
    run, title, unit, level : str
        Of which run, what is shown, and the title of the level of theory.
    curves : mapping of str to Curve
        By label; at least one, each with at least one value.
    target_K : float, optional
        A temperature that was asked for.
    files : tuple of Path
        Tables with the curves.
    """

    run: str
    title: str
    unit: str
    level: str
    curves: Mapping[str, Curve]
    target_K: float | None = None
    files: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        """A name for files."""
        return "-".join("".join(c if c.isalnum() else " " for c in f"{self.run} {self.title}".lower()).split())

    @property
    def alt(self) -> str:
        """The picture in words: ends and range of each curve."""
        words = []
        for label, curve in self.curves.items():
            known = curve.values[np.isfinite(curve.values)]
            ends = f"{label} from {known[0]:.4g} to {known[-1]:.4g}"
            words.append(f"{ends}, between {known.min():.4g} and {known.max():.4g}")
        return f"{self.title} ({self.unit}) over time in run {self.run}, {self.level}: {'; '.join(words)}."

    @property
    def csv(self) -> str:
        """The curves as CSV, with level and unit on every line."""
        lines = ["curve,time_fs,value,unit,level"]
        for label, (times, values) in self.curves.items():
            known = np.isfinite(values)
            rows = zip(times[known], values[known], strict=True)
            lines += [f'{label},{t:.7g},{v:.7g},{self.unit},"{self.level}"' for t, v in rows]
        return "\n".join(lines) + "\n"


ORDER_PANELS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("Temperature", "K", {"temperature": "temperature_K"}),
    ("Energy since the first frame", "eV", {"potential": "potential_eV", "conserved quantity": "conserved_eV"}),
    ("Gap between the layers", "Å", {"at the edge": "gap_edge_A", "at the centre": "gap_centre_A"}),
    ("Opening angle of the layers", "degrees", {"opening angle": "opening_angle_deg"}),
    ("Tip of the nanodiamond past the edge", "Å", {"penetration": "penetration_A"}),
    ("Bonds from nanodiamond to flake", "number", {"bonds": "nd_flake_bonds"}),
    ("Fourfold carbon in the nanodiamond", "fraction", {"sp³": "nd_sp3_fraction"}),
    ("Carbon around an ion", "mean number", {"coordination": "ion_carbon_cn"}),
    ("Ions outside the flake", "number", {"ions outside": "ions_expelled"}),
)
"""Title, unit and columns of each panel; energies are drawn from their first value on."""
CONTACT_WORDS = {
    "ion-carbon": "ion to carbon",
    "nd-flake": "nanodiamond to flake",
    "flake-sigma": "C–C bond in a layer",
    "between-layers": "layer to layer",
}
"""Kinds of shortest contacts, in words."""
FRAGMENTS = {"nd": "nanodiamond", "ion": "ions", **{name: f"{name} layer" for name in FACING}}
FRAGMENTS |= {"above": "layer above", "below": "layer below"}


def order_panels(run: Run, level: str, most: int) -> list[Panel]:
    """Return the panels of a run's order parameters and charges; none for what the run does not have.

    Parameters
    ----------
    run : Run
        The run.
    level : str
        Title of its level of theory.
    most : int
        Frames drawn at most, evenly spaced.
    """
    return [panel for panel in _all_panels(run, level, most) if panel.curves]


def _all_panels(run: Run, level: str, most: int) -> Iterator[Panel]:
    order = run.order.thinned(most)
    for title, unit, columns in ORDER_PANELS:
        first = {column: run.order.numbers(column)[0] if unit == "eV" else 0.0 for column in columns.values()}
        curves = {
            label: Curve(order.numbers("time_fs"), order.numbers(column) - first[column])
            for label, column in columns.items()
        }
        target_K = run.settings.temperature_K if unit == "K" else None
        yield Panel(run.name, title, unit, level, _known(curves), target_K, (order.path,))
    for scheme in dict.fromkeys(row["scheme"] for row in run.charges.rows):
        curves = _curves_by("fragment", "charge_e", run.charges.where("scheme", scheme), most)
        named = {FRAGMENTS.get(label, label): curve for label, curve in curves.items()}
        files = (run.charges.path,)
        yield Panel(run.name, f"Charges of the fragments, {scheme}", "e", level, named, files=files)


def contact_panel(run: Run, level: str, most: int) -> Panel | None:
    """Return the ELF half-way between the atoms of each shortest contact; None without maps."""
    curves = {} if run.contacts is None else _curves_by("pair", "elf_midpoint", run.contacts, most)
    curves = {CONTACT_WORDS.get(pair, pair): curve for pair, curve in curves.items()}
    if run.contacts is None or not curves:
        return None
    title, files = "ELF half-way along the shortest contacts", (run.contacts.path,)
    return Panel(run.name, title, "ELF", level, curves, files=files)


def _curves_by(key: str, column: str, table: Table, most: int) -> dict[str, Curve]:
    """Return a curve of a column for each value of a key."""
    parts = {value: table.where(key, value).thinned(most) for value in dict.fromkeys(row[key] for row in table.rows)}
    return _known({value: Curve(part.numbers("time_fs"), part.numbers(column)) for value, part in parts.items()})


def _known(curves: Mapping[str, Curve]) -> dict[str, Curve]:
    return {label: curve for label, curve in curves.items() if np.isfinite(curve.values).any()}


def draw_panel(panel: Panel) -> str:
    """Return one panel as SVG."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        figure, (axes,) = canvas(1, 1, PANEL_IN)
        _draw_curves(axes, panel)
        return to_svg(figure)


def draw_panels(panels: Sequence[Panel], title: str) -> str:
    """Return the panels of a run as one SVG, two in a row."""
    from matplotlib import rc_context

    rows = -(-len(panels) // 2)
    with rc_context(STYLE):
        figure, axes = canvas(rows, 2, (2 * PANEL_IN[0], rows * (PANEL_IN[1] + 0.3) + 0.4))
        figure.suptitle(title, fontsize=11)
        for ax, panel in zip(axes, panels, strict=False):
            _draw_curves(ax, panel)
            ax.set_title(panel.title, pad=20)
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
        return to_svg(figure)


def _draw_curves(axes: Axes, panel: Panel) -> None:
    from matplotlib.ticker import MaxNLocator

    for k, (label, curve) in enumerate(panel.curves.items()):
        marker = "o" if len(curve.values) < 12 else None
        colour, dash = OKABE_ITO[k % len(OKABE_ITO)], DASHES[k % len(DASHES)]
        style = "steps-post" if panel.unit == "number" else "default"
        axes.plot(*curve, dash, color=colour, lw=1.3, marker=marker, ms=4, label=label, drawstyle=style)
    if panel.target_K is not None:
        axes.axhline(panel.target_K, color=INK, lw=0.9, ls=":", label=f"asked for: {panel.target_K:g} K")
    if len(axes.lines) > 1:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=2 if len(axes.lines) == 4 else 3,
            fontsize=8,
            handlelength=1.8,
        )
    axes.set_xlabel("time (fs)")
    axes.set_ylabel(panel.unit)
    axes.margins(x=0.01)
    if panel.unit in COUNTS:
        highest = max(1.0, 1.1 * axes.get_ylim()[1])
        axes.set_ylim(-0.04 * highest, highest)
    if panel.unit == "number":
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))


class Bars(NamedTuple):
    """What bars show: a column, in words, and what became of a row that has no number in it."""

    column: str
    label: str
    outcome: Callable[[Mapping[str, str]], str]


def draw_adsorption(results: Results) -> str:
    """Return adsorption energies as SVG: a bar for each facet, level, site, n and ion; words where there is no energy.

    Raises
    ------
    ValueError
        If the results hold no adsorption.
    """

    def title(facet: str, level: str) -> str:
        return f"{facet}: {results.title_of(level)}"

    def outcome(row: Mapping[str, str]) -> str:
        return results.adsorption.status(row).word if results.adsorption else ""

    label = "adsorption energy (eV per ion), negative where bound"
    return _draw_bars_of(_panels(results.adsorption, ("facet", "level"), title), Bars("E_ads_eV", label, outcome))


def draw_differences(results: Results) -> str:
    """Return differences of adsorption energies between levels as SVG, a bar for each facet, site, n and ion.

    Raises
    ------
    ValueError
        If the results hold no differences.
    """

    def title(facet: str, level: str, against: str) -> str:
        return f"{facet}: {results.title_of(level)} minus {results.title_of(against)}"

    def outcome(row: Mapping[str, str]) -> str:
        """Return what became of the first of both rows that is not simply converged."""
        for level in (row["level"], row["against"]):
            status = results.adsorption and results.adsorption.status_at(row, level)
            if status and (status.word != "converged" or any(note.code != "error_covers" for note in status.notes)):
                return f"{level}: {status.word}"
        return "none"

    label = "difference of the adsorption energies (eV per ion)"
    bars = Bars("dE_ads_eV", label, outcome)
    return _draw_bars_of(_panels(results.differences, ("facet", "level", "against"), title), bars)


def _panels(table: Table | None, keys: Sequence[str], title: Callable[..., str]) -> dict[str, Table]:
    """Return a part of a table for each combination of the keys that it holds, by its title."""
    if table is None or not table.rows:
        raise ValueError("nothing to draw")
    panels = {}
    for values in dict.fromkeys(tuple(row[key] for key in keys) for row in table.rows):
        part = table
        for key, value in zip(keys, values, strict=True):
            part = part.where(key, value)
        panels[title(*values)] = part
    return panels


def _draw_bars_of(panels: Mapping[str, Table], bars: Bars) -> str:
    """Return bars as SVG, a panel for each table, by its title; a row without a number says what became of it."""
    from matplotlib import rc_context

    tables = list(panels.values())
    ions = list(dict.fromkeys(row["adsorbate"] for table in tables for row in table.rows))
    kinds = [list(dict.fromkeys(map(position_of, table.rows))) for table in tables]
    lengths = [len(some) * len(ions) + 2.0 for some in kinds]
    values = np.concatenate([table.numbers(bars.column) for table in tables])
    reach = np.nanmin([*values, -0.5]), np.nanmax([*values, 0.0])
    with rc_context(STYLE):
        figure, axes = canvas(len(panels), 1, (4.9, BAR_IN * sum(lengths) + 0.8), height_ratios=lengths)
        for ax, (title, table), some in zip(axes, panels.items(), kinds, strict=True):
            _draw_bars(ax, table, bars, some, ions)
            ax.set_xlim(1.22 * reach[0], 1.22 * reach[1])
            ax.set_title(title)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=len(ions))
        axes[-1].set_xlabel(bars.label)
        return to_svg(figure)


def _draw_bars(axes: Axes, table: Table, bars: Bars, kinds: Sequence[str], ions: Sequence[str]) -> None:
    thickness = 0.8 / len(ions)
    for k, ion in enumerate(ions):
        rows = table.where("adsorbate", ion)
        energies = rows.numbers(bars.column)
        heights = np.array([kinds.index(position_of(row)) + (k - (len(ions) - 1) / 2) * thickness for row in rows.rows])
        colour, hatch = OKABE_ITO[k % len(OKABE_ITO)], ("", "////", "....")[k % 3]
        axes.barh(heights, np.nan_to_num(energies), thickness, color=colour, label=ion, hatch=hatch, ec=WHITE, lw=0.4)
        for height, energy, row in zip(heights, energies, rows.rows, strict=True):
            known, positive = bool(np.isfinite(energy)), energy > 0
            axes.annotate(
                f"{energy:.2f}".replace("-", "−") if known else f"{ion}: {bars.outcome(row).replace('_', ' ')}",
                (energy if known else 0.0, height),
                (3 if positive else -3, 0),
                textcoords="offset points",
                fontsize=7.5,
                ha="left" if positive else "right",
                va="center",
            )
    axes.set_yticks(range(len(kinds)), kinds)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
