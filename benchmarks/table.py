"""Print one table of all that benchmarks/measured/ holds, and write docs/benchmarks.md and its figure."""

from __future__ import annotations

import json

import matplotlib as mpl
import numpy as np
from frame import RESULTS, ROOT, Growth, Row, line
from matplotlib.ticker import LogLocator, NullLocator

from iondrill.report.figures.svg import OKABE_ITO, STYLE, canvas, to_svg

PAGE = ROOT / "docs" / "benchmarks.md"
FIGURE = ROOT / "docs" / "images" / "benchmarks-growth.svg"
ORDER = (
    "elf_slice",
    "elf_grid",
    "cube_reading",
    "order_parameters",
    "gfn2_step",
    "nep_step",
    "nep_others",
    "md_step",
    "md_forces",
    "slab_relaxation",
    "adsorption_sites",
    "adsorption_rows",
    "noop_jobs",
    "startup",
    "default_run",
)
HEAD = """# Faster than what?

The workflow, measured against what users would take instead, by `make bench`, and with CP2K by
`make bench-cp2k`; both write this page from `benchmarks/measured/`. What each file of `benchmarks/` compares, and how,
its first lines say. `make bench` takes some 20 minutes on two cores, `make bench-cp2k` some 35;
`benchmarks/default_run.py` is run by hand after `make run`, and `benchmarks/nep_others.py`, which takes more than an
hour and 13 GB of memory.

A ratio is theirs over ours, more is better: median (least–most) of the paired runs, by CPU time (user and system, child
processes included). A row without theirs is a limit for ours. **short**: below the figure that was asked for.

| work | against | ours | theirs | ratio | by wall time | asked for | |
|---|---|---|---|---|---|---|---|
"""

SHORT = """
## What falls short, and why

- The slice of the ELF in the fitted box: a quarter of our time is reading the orbitals, two thirds are computing 212 of
  them and their slopes on 90 000 points, from broad Gaussians on a fifth of as many nodes and sharp ones on the points
  themselves (`workflow/iondrill/analyse/density/tiles.py`), the rest is the picture. A fiftieth of what the cube takes
  there would be over before the orbitals are read. CP2K's cube holds the ELF already; what CP2K takes to compute and
  write it is not counted. The larger and the emptier the box, the more the cube costs, and the orbitals not.
- The disk for that slice in the fitted box: text of nine digits. Packed by gzip it would be less than half of it, but
  Multiwfn and others read the file as it is.
- ELF and density of C₂H₂Li₂ against a density alone: all 48 functions reach all points, and value and slopes of each
  are more to compute than its value.
- SCF cycles of lithium on a slab: the pre-relaxation and the first Hessian save geometries (6 for 8), the density of
  the one before saves cycles of each (11 for 16).
- Jobs that do nothing: each of ours is a process with a log, so that none that dies takes others with it; to start
  Python and import what a job needs is most of it.
- A row of adsorption energies: that many structures are checked, written and read, and its points looked at, is the
  overhead. With forces, it is the relaxation: 150 steps in a potential of eight labels. Of a step of 65 atoms two
  fifths are the NEP and a third is BFGS, which diagonalises the Hessian of all atoms.

## What the forces in two boxes differ by

The forces of the step in CP2K differ by 4·10⁻⁴ Ha/bohr at 63 Ry, 1.2·10⁻⁴ at 99, 1.4·10⁻⁴ at 112 and 1.1·10⁻⁵ at 162.
It is the gradient of the density that PBE takes by an FFT: where a grid does not resolve the density (the forces sum up
to 5.9 Ha/bohr at 63 Ry, 0.76 at 99), it depends on all points up to the faces of the box, about as 1/edge². By LDA,
without a gradient, the forces of C₂H₄ in 10 and 20 Å at 99 Ry differ by 1.6·10⁻⁷, by PBE by 1.5·10⁻⁴. At 314 Ry and PBE
those of LiCH₃ in two such boxes differ by 5.5·10⁻⁶ (`docs/validation-cp2k.md`).
"""


def read():
    """Return the results that there are, by benchmark."""
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in RESULTS.glob("*.json")}
    for content in found.values():
        content["rows"] = [Row(**row | {"ratio": tuple(row["ratio"])}) for row in content["rows"]]
        content["growth"] = [Growth(*(g[key] for key in ("work", "axis", "sizes", "cpu_s"))) for g in content["growth"]]
    return {name: found[name] for name in ORDER if name in found}


def cells(row):
    """Return the cells of a row as Markdown shows them."""
    if row.ours is None:
        return [row.work, row.against, "", "", "", "", "", f"left out: {row.note}"]
    verdict = {True: "met", False: "**short**", None: ""}[row.met]
    theirs = "" if row.theirs is None else f"{row.theirs:.3g} {row.unit}"
    ratio = f"{row.ratio[0]:.3g}× ({row.ratio[1]:.3g}–{row.ratio[2]:.3g})" if row.ratio else ""
    wall = f"{row.wall_ratio:.3g}×" if row.wall_ratio else ""
    wanted = "" if row.wanted is None else f"≥ {row.wanted:g}×" if row.ratio else f"≤ {row.wanted:g} {row.unit}".strip()
    last = "; ".join(part for part in (verdict, row.note) if part)
    return [row.work, row.against, f"{row.ours:.3g} {row.unit}".strip(), theirs, ratio, wall, wanted, last]


def page(found):
    """Return docs/benchmarks.md."""
    text = HEAD
    for content in found.values():
        for row in content["rows"]:
            text += f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells(row))} |\n"
    text += SHORT
    text += "\n## How the cost grows\n\n![CPU time against size](images/benchmarks-growth.svg)\n\n"
    text += "| work | grows with | from, to | exponent |\n|---|---|---|---|\n"
    for content in found.values():
        for one in content["growth"]:
            text += f"| {one.work} | {one.axis} | {one.sizes[0]:g}, {one.sizes[-1]:g} | {one.exponent:.2f} |\n"
    text += "\nThe exponent is that of a power law through all points; at small sizes what is fixed draws it down.\n"
    text += "\n## Where and with what\n\n| benchmark | pairs | machine | versions |\n|---|---|---|---|\n"
    for name, content in found.items():
        machine = ", ".join(f"{value} {key}" if key == "cores" else value for key, value in content["machine"].items())
        versions = ", ".join(f"{package} {version}" for package, version in content["versions"].items())
        text += f"| `{name}.py` | {content['pairs']} | {machine} | {versions} |\n"
    return text


def figure(curves):
    """Return the growth curves as SVG: CPU time against size, both logarithmic."""
    columns = 3
    n_rows = -(-len(curves) // columns)
    drawing, axes = canvas(n_rows, columns, (8.0, 2.4 * n_rows))
    for k, (ax, one) in enumerate(zip(axes, curves, strict=False)):
        sizes, taken = np.array(one.sizes), np.array(one.cpu_s)
        slope, offset = np.polyfit(np.log(sizes), np.log(taken), 1)
        colour = OKABE_ITO[k % len(OKABE_ITO)]
        ax.loglog(sizes, np.exp(offset) * sizes**slope, color=colour, linewidth=1)
        ax.loglog(sizes, taken, "o", color=colour, markersize=4)
        # plain numbers: the style writes no formulas
        ax.set_xticks(sizes, [f"{size:g}" for size in sizes])
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=6))
        ax.yaxis.set_major_formatter("{x:g}")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_minor_locator(NullLocator())
        ax.set_title(f"{one.work}: exponent {one.exponent:.2f}")
        ax.set_xlabel(one.axis)
        ax.set_ylabel("CPU time (s)")
    for ax in axes[len(curves) :]:
        ax.set_axis_off()
    return to_svg(drawing)


def main():
    found = read()
    for content in found.values():
        for one in (*content["rows"], *content["growth"]):
            print(line(one))
    PAGE.write_text(page(found), encoding="utf-8")
    with mpl.rc_context(STYLE):
        FIGURE.write_text(figure([one for content in found.values() for one in content["growth"]]), encoding="utf-8")


if __name__ == "__main__":
    main()
