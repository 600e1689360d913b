"""Where (00l) reflections are, next to those of the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.analyse.dynamics.diffraction import PAPER_DEG, bragg_spacing, known_compounds
from iondrill.report.figures.svg import INK, OKABE_ITO, STYLE, canvas, to_svg
from iondrill.report.sections.findings import signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iondrill.analyse.dynamics.diffraction import Reflection
    from iondrill.analyse.tables import Table

SHOWN_DEG = (15, 30)


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
            off = "" if row.off_by_deg is None else f" ({signed(row.off_by_deg)}°)"
            row_axes = axes.get_yaxis_transform()
            axes.annotate(f"{row.two_theta_deg:.2f}°{off}", (1.01, k), xycoords=row_axes, ha="left", va="center")
        axes.set_yticks(range(len(rows)), [f"{row.phase} ({row.hkl})" for row in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_xlim(*SHOWN_DEG)
        axes.set_xlabel("2θ of Cu Kα1 (°); in brackets: off the paper's nearer line", color=INK)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", ncols=2)
        return to_svg(figure)


def disagreement(table: Table) -> list[str]:
    """Return in words how the paper's reflections lie to those of the known compounds, from ``diffraction.csv``."""
    compounds = {stack.phase for stack in known_compounds()}
    rows = [row for row in table.rows if row["phase"] in compounds and row["nearest_paper_deg"]]
    said = []
    for paper_deg in PAPER_DEG:
        off = {f"{row['phase']} ({row['hkl']})": float(row["two_theta_deg"]) - paper_deg for row in rows}
        if off:
            nearest = min(off, key=lambda name: abs(off[name]))
            planes = f"The paper's reflection at {paper_deg:.1f}° means planes {bragg_spacing(paper_deg):.2f} Å apart"
            said.append(f"{planes}; the nearest one of a known compound, {nearest}, is off by {signed(off[nearest])}°.")
    return said
