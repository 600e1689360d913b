"""The energy along the path of each ion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.report.figures.svg import OKABE_ITO, STYLE, canvas, to_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iondrill.analyse.energies.barrier import Barrier

DASHES = ("-", "--", "-.", ":")
PANEL_IN = (5.2, 2.9)


def draw_profiles(rows: Sequence[Barrier], level: str) -> str:
    """Return the energy along each path as SVG, a panel for each facet; words where no path converged.

    Parameters
    ----------
    rows : sequence of Barrier
        At one level.
    level : str
        Its title.
    """
    from matplotlib import rc_context

    facets = list(dict.fromkeys(row.facet for row in rows))
    with rc_context(STYLE):
        figure, axes = canvas(max(1, len(facets)), 1, (PANEL_IN[0], PANEL_IN[1] * max(1, len(facets))))
        for ax, facet in zip(axes, facets, strict=False):
            for k, row in enumerate(each for each in rows if each.facet == facet and len(each.profile[0])):
                colour, dash = OKABE_ITO[k % len(OKABE_ITO)], DASHES[k % len(DASHES)]
                label = f"{row.ion}: {row.start} to {row.end}"
                ax.plot(*row.profile, color=colour, ls=dash, marker="o", ms=4, lw=1.3, label=label)
            ax.set_title(f"{facet}: {level}")
            ax.set_xlabel("path of the ion (Å)")
            ax.set_ylabel("energy (eV)")
            if ax.lines:
                ax.legend(fontsize=8)
            else:
                ax.text(0.5, 0.5, "no path converged", ha="center", va="center", transform=ax.transAxes)
        return to_svg(figure)
