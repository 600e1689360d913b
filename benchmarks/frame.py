"""What the benchmarks share: paired runs, rows of the table, growth curves, and one JSON file for each script.

A pair runs ours and theirs one after the other, in turns first, so that whatever else the machine does falls on both.
Ratios are of CPU time (user and system, children included), which other work on the machine disturbs less than wall
time; wall time is kept beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import sys
import time
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "measured"
PAIRS = 5
PACKAGES = ("numpy", "scipy", "ase", "pymatgen", "pyscf", "tblite", "snakemake")


class Cost(NamedTuple):
    """What a piece of work took, in seconds."""

    cpu_s: float
    wall_s: float

    def __truediv__(self, share: float) -> Cost:
        return Cost(self.cpu_s / share, self.wall_s / share)


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes
    ----------
    work, against : str
        What is compared with what.
    ours, theirs : float
        Medians; `theirs` is None where `ours` has a limit of its own.
    unit : str
        Of both.
    ratio : tuple of float
        How many times better ours is: median, least and most of the pairs. Empty for a limit.
    wall_ratio : float
        The same by wall time, median.
    wanted : float
        The ratio is to be at least, or `ours` at most, this; None: stated only.
    note : str
        What else there is to say, such as why a row falls short.
    """

    work: str
    against: str
    unit: str
    ours: float | None = None
    theirs: float | None = None
    ratio: tuple[float, ...] = ()
    wall_ratio: float | None = None
    wanted: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the row reaches its figure; None if it has none or was left out."""
        if self.wanted is None or self.ours is None:
            return None
        return self.ratio[0] >= self.wanted if self.ratio else self.ours <= self.wanted


@dataclass(frozen=True)
class Growth:
    """How the cost of a work grows with its size."""

    work: str
    axis: str
    sizes: list[float]
    cpu_s: list[float]
    exponent: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "exponent", float(np.polyfit(np.log(self.sizes), np.log(self.cpu_s), 1)[0]))


def cost(work: Callable[[], object]) -> Cost:
    """Run a piece of work and return what it took, its child processes included once they have ended."""
    wall, cpu = time.perf_counter(), _cpu_s()
    work()
    return Cost(_cpu_s() - cpu, time.perf_counter() - wall)


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def paired(
    ours: Callable[[], Cost | object], theirs: Callable[[], Cost | object], pairs: int
) -> list[tuple[Cost, Cost]]:
    """Run two works in turn; one that returns a `Cost` has measured itself."""
    return [(one["ours"], one["theirs"]) for one in in_turn({"ours": ours, "theirs": theirs}, pairs)]


def in_turn(works: dict[str, Callable[[], Cost | object]], rounds: int) -> list[dict[str, Cost]]:
    """Run some works one after the other, each round in the other order; one that returns a `Cost` measured itself."""
    found = []
    for k in range(rounds):
        names = list(works) if k % 2 == 0 else list(works)[::-1]
        found.append({name: _measured(works[name]) for name in names})
    return found


def _measured(work: Callable[[], Cost | object]) -> Cost:
    returned: list[object] = []
    taken = cost(lambda: returned.append(work()))
    return returned[0] if isinstance(returned[0], Cost) else taken


def compare(
    work: str, against: str, pairs: Sequence[tuple[Cost, Cost]], *, wanted: float | None = None, note: str = ""
) -> Row:
    """Return the row of a paired comparison."""
    ratios = [theirs.cpu_s / ours.cpu_s for ours, theirs in pairs]
    return Row(
        work,
        against,
        "s",
        ours=median(ours.cpu_s for ours, _ in pairs),
        theirs=median(theirs.cpu_s for _, theirs in pairs),
        ratio=(median(ratios), min(ratios), max(ratios)),
        wall_ratio=median(theirs.wall_s / ours.wall_s for ours, theirs in pairs),
        wanted=wanted,
        note=note,
    )


def benchmark(
    name: str, rows: Callable[[argparse.Namespace], Iterable[Row | Growth]], *packages: str, pairs: int = PAIRS
) -> None:
    """Run a benchmark as a script: print its rows, and keep them in benchmarks/measured/.

    Parameters
    ----------
    name : str
        Of the file of results.
    rows : callable
        Given the options: `pairs`, `quick` and `extra`.
    *packages : str
        Whose versions to state, beside those of all benchmarks.
    pairs : int
        Paired runs, unless the command line says otherwise: 1 for what is counted, not timed.
    """
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--pairs", type=int, default=pairs, help=f"paired runs (default: {pairs})")
    parser.add_argument("--quick", action="store_true", help="once and small: does it run? Nothing is kept")
    parser.add_argument("--output", type=Path, default=RESULTS / f"{name}.json", metavar="JSON")
    options = parser.parse_args()
    options.pairs = 1 if options.quick else options.pairs
    found: list[Row | Growth] = []
    started = _cpu_s()
    for one in rows(options):
        found.append(one)
        print(line(one), flush=True)
    if options.quick:
        return
    content = {
        "machine": machine(),
        "versions": versions(*PACKAGES, *packages),
        "pairs": options.pairs,
        "cpu_s": round(_cpu_s() - started, 1),
        "rows": [_rounded(asdict(row)) for row in found if isinstance(row, Row)],
        "growth": [_rounded(asdict(one)) for one in found if isinstance(one, Growth)],
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def line(one: Row | Growth) -> str:
    """Return a row or a growth curve in one line."""
    if isinstance(one, Growth):
        return f"{one.work}: grows as {one.axis}^{one.exponent:.2f}"
    if one.ours is None:
        return f"{one.work} | {one.against} | left out: {one.note}"
    verdict = {True: "met", False: "SHORT", None: ""}[one.met]
    if one.ratio:
        middle, least, most = one.ratio
        figure = f"{one.ours:.3g} and {one.theirs:.3g} {one.unit}: {middle:.3g}× ({least:.3g}–{most:.3g})"
    else:
        figure = f"{one.ours:.3g} {one.unit}"
    wanted = "" if one.wanted is None else f", wanted {'≥' if one.ratio else '≤'} {one.wanted:g}"
    return f"{one.work} | {one.against} | {figure}{wanted} {verdict}{f' ({one.note})' if one.note else ''}"


def machine() -> dict[str, str]:
    """Return what the figures were measured on: processor, cores, memory, system; nothing that names the host."""
    model = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{memory / 2**30:.0f} GiB",
        "system": platform.freedesktop_os_release()["PRETTY_NAME"],
    }


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python and of those packages that are installed."""
    found = {"Python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _rounded(value: object) -> object:
    """Return what JSON shall hold: no more digits than the measurement has."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return value
