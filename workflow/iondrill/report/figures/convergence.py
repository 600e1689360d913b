"""The figure of a convergence study: errors of energy and forces, and the cost, over each setting."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iondrill.analyse.columns import UNITS
from iondrill.analyse.energies.convergence_table import shown
from iondrill.report.figures.svg import INK, OKABE_ITO, STYLE, canvas, to_svg

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from iondrill.analyse.energies.convergence import Curve, Difference, SweepPoint
    from iondrill.config.convergence import Tolerance

PANEL_IN = (3.0, 2.5)
NOTHING = "nothing to compare"


class Error(NamedTuple):
    """What a panel shows."""

    axis: str
    value: Callable[[Difference], float | None]
    tolerance: float


def draw_convergence(found: Sequence[Curve], tolerance: Tolerance, title: str) -> str:
    """Return a study as SVG: a row of three panels for each setting, its errors on logarithmic axes.

    Parameters
    ----------
    found : sequence of Curve
        One for each setting.
    tolerance : Tolerance
        Drawn as a line.
    title : str
        What was computed, and the title of its level.
    """
    from matplotlib import rc_context

    energy = Error("the energy (meV/atom)", lambda d: d.energy_meV_atom, tolerance.energy_meV_atom)
    if any(point.parts for curve in found for point in curve.points):
        energy = Error("E_ads (meV per ion)", lambda d: d.E_ads_meV, tolerance.E_ads_meV)
    force = Error("the forces, largest (eV/Å)", lambda d: d.force_max_eV_A, tolerance.force_eV_A)
    with rc_context(STYLE):
        size = (3 * PANEL_IN[0], len(found) * PANEL_IN[1] + 0.4)
        figure, axes = canvas(len(found), 3, size)
        figure.suptitle(title, fontsize=11)
        for row, curve in enumerate(found):
            panels = axes[3 * row : 3 * row + 3]
            chosen = curve.cheapest(tolerance)
            _draw_errors(panels[0], curve, energy, chosen)
            _draw_errors(panels[1], curve, force, chosen)
            _draw_cost(panels[2], curve, chosen)
            panels[0].set_title(_verdict(curve, chosen))
            for panel in panels:
                _name_values(panel, curve)
        return to_svg(figure)


def _draw_errors(axes: Axes, curve: Curve, error: Error, chosen: SweepPoint | None) -> None:
    """Draw the absolute differences to the finest value, which has none, and the tolerance."""
    found = [error.value(curve.difference(point)) for point in curve.points]
    values = np.array([np.nan if value is None or value == 0 else abs(value) for value in found])
    axes.plot(values, "o-", color=OKABE_ITO[0], lw=1.3, ms=4)
    axes.set_ylabel(f"error of {error.axis}")
    if np.isfinite(values).any():
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_formatter(lambda *_: "")
        axes.axhline(error.tolerance, color=INK, lw=0.9, ls=":")
        axes.annotate(
            f"tolerance {error.tolerance:g}",
            (1, error.tolerance),
            (-2, 2),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            fontsize=7.5,
        )
        _mark(axes, curve, chosen, values)
    else:
        axes.text(0.5, 0.5, NOTHING, transform=axes.transAxes, ha="center", va="center")
        axes.set_yticks([])


def _draw_cost(axes: Axes, curve: Curve, chosen: SweepPoint | None) -> None:
    """Draw the core time of each value that converged."""
    costs = np.array([point.result.core_s if point.converged else np.nan for point in curve.points])
    axes.plot(costs, "o-", color=OKABE_ITO[1], lw=1.3, ms=4)
    axes.set_ylabel("cost (core s)")
    axes.set_ylim(0, 1.1 * max(np.nanmax([*costs, 0]), 1e-3))
    _mark(axes, curve, chosen, costs)


def _mark(axes: Axes, curve: Curve, chosen: SweepPoint | None, values: NDArray[np.float64]) -> None:
    """Ring the value that will do."""
    if chosen is not None and np.isfinite(values[index := list(curve.points).index(chosen)]):
        axes.plot(index, values[index], "o", ms=10, mfc="none", mec=OKABE_ITO[2], mew=1.6)


def _name_values(axes: Axes, curve: Curve) -> None:
    """Write the values below the axis, coarse to fine; the reference setting in brackets, what failed with a cross."""
    labels = [
        f"{'[' * point.own}{shown(point.value)}{']' * point.own}{'' if point.status == 'converged' else ' ✗'}"
        for point in curve.points
    ]
    axes.set_xticks(range(len(labels)), labels, rotation=30 if max(map(len, labels)) > 5 else 0)
    axes.set_xlim(-0.4, len(labels) - 0.6)
    axes.set_xlabel(_axis(curve.parameter))


def _axis(parameter: str) -> str:
    """Return the name of a setting with its unit: ``cutoff (Ry)``."""
    name, _, unit = parameter.rpartition("_")
    return f"{name.replace('_', '. ')} ({UNITS[unit]})" if unit in UNITS else parameter


def _verdict(curve: Curve, chosen: SweepPoint | None) -> str:
    name = _axis(curve.parameter)
    if curve.finest is None:
        return f"{name}: nothing converged"
    return f"{name}: {'needs finer values' if chosen is None else f'{shown(chosen.value)} will do'}"
