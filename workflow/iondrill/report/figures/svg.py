"""Pictures as text: one style for all, the same bytes from the same numbers, and inlined in a page."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, PAPER, RULE = "#1b1f24", "#fefefe", "#c9ced6"
"""Text, ground and grid; in the page they follow the reader's light or dark theme."""
INK_ON_DARK = "#e6e8eb"
OKABE_ITO = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Colours that colour-blind readers tell apart (Okabe and Ito 2008)."""
STYLE: dict[str, Any] = {
    "svg.hashsalt": "iondrill",
    "svg.fonttype": "none",
    "text.parse_math": False,  # names may hold a dollar sign
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.formatter.useoffset": False,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.facecolor": PAPER,
    "axes.facecolor": "none",
}


def canvas(rows: int, columns: int, size_in: tuple[float, float], **grid: Any) -> tuple[Figure, list[Axes]]:
    """Return a figure that needs no display, and its axes in reading order.

    Parameters
    ----------
    rows, columns : int
        Of axes.
    size_in : tuple of float
        Width and height in inches.
    **grid
        For matplotlib's GridSpec.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size_in, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(rows, columns, squeeze=False, gridspec_kw=grid).flat)


def to_svg(figure: Figure) -> str:
    """Return a figure as SVG, without the date and with names that do not change."""
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def themed(svg: str) -> str:
    """Return an SVG whose ink and ground follow the reader's light or dark theme."""
    start = svg.index(">", svg.index("<svg")) + 1
    style = f"<style>svg{{color:{INK}}}@media(prefers-color-scheme:dark){{svg{{color:{INK_ON_DARK}}}}}</style>"
    colours = {INK: "currentColor", PAPER: "none", RULE: "#80808050"}
    head, body = svg[:start], svg[start:]
    for fixed, themed_colour in colours.items():
        head, body = head.replace(fixed, themed_colour), body.replace(fixed, themed_colour)
    return head + style + body


def lit(svg: str) -> str:
    """Return an SVG of `themed` for a light ground alone."""
    dark = svg.partition("@media(prefers-color-scheme:dark)")[2].partition("}}")[0]
    return svg.replace(f"@media(prefers-color-scheme:dark){dark}}}}}", "") if dark else svg


def data_uri(content: str | bytes, kind: str) -> str:
    """Return content as a data URI, so that a page needs no other file."""
    raw = content.encode() if isinstance(content, str) else content
    return f"data:{kind};base64,{base64.b64encode(raw).decode()}"
