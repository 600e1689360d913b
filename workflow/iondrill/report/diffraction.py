"""Where (00l) reflections lie, beside those of the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.analyse.diffraction import PAPER_DEG
from iondrill.report.svg import INK, OKABE_ITO, STYLE, canvas, to_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iondrill.analyse.diffraction import Reflection

SHOWN_DEG = (10, 30)


def draw_diffraction(reflections: Sequence[Reflection]) -> str:
    """Return the strongest (00l) reflection of each phase as SVG, with the paper's two as lines."""
    from matplotlib import rc_context

    phases = {row.phase: [one for one in reflections if one.phase == row.phase] for row in reflections}
    rows = [max(several, key=lambda row: row.intensity) for several in phases.values()]
    with rc_context(STYLE):
        figure, (axes,) = canvas(1, 1, (6.4, 0.24 * len(rows) + 1.1))
        for angle, dash in zip(PAPER_DEG, ("--", ":"), strict=True):
            axes.axvline(angle, color=OKABE_ITO[1], ls=dash, lw=1, label=f"Sun et al. 2024, {angle:g}°")
        axes.plot([row.two_theta_deg for row in rows], range(len(rows)), "o", color=OKABE_ITO[0], ms=5)
        for k, row in enumerate(rows):
            note = f"{row.two_theta_deg:.2f}° ({row.off_by_deg:+.2f}°)".replace("-", "−")
            axes.annotate(note, (row.two_theta_deg, k), (-6, 0), textcoords="offset points", ha="right", va="center")
        axes.set_yticks(range(len(rows)), [f"{row.phase} ({row.hkl})" for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(*SHOWN_DEG)
        axes.set_xlabel("2θ (degrees), Cu Kα1; in brackets, how far from the nearer line of the paper", color=INK)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", ncols=2)
        return to_svg(figure)
