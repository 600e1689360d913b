"""What the samples showed, as docs/tests.md."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from mutants.trial import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mutants.verdict import Verdict

PAGE = ROOT / "docs/tests.md"
REASONS = Path(__file__).with_name("reasons.yaml")
HEAD = """\
# Would a test notice?

`make mutants` changes the code that decides or computes, one position at a time, and runs the tests of that module
until one fails: the mutant is *killed*. A mutant that *survives* shows what no test would notice. The changes are the
likely slips among those of [cosmic-ray](https://cosmic-ray.readthedocs.io) (`+` for `-`, `<` for `<=` and `>`, a number
one more or less, `not`, `and` for `or`, a loop that never runs), and a few more: `min` for `max`, no `abs`, `not in`
for `in`, a statement left out.

A seed draws a sample, spread over the modules by their number of positions, at least {least} of each
(`make mutants SEEDS="3 4"` draws others). Tests that take over four times as long as without a change count as failed.
The modules, and the tests of those whose tests have another name, are in `tools/mutants/modules.yaml`.
`PYTHONPATH=tools python -m mutants --all-of analyse/barrier.py` tries everything in one module.

Left out by rule, since they are the same program by construction: type annotations and what only a type checker reads;
decorators that keep a result (`cache`, `dataclass` and the like), with their arguments; constants that say how much is
done at once (`CHUNK_…`, `BLOCK_…`, `TILE_…`); `strict=` of `zip`; another number than the 1 in the -1 of `reshape`; the
wording of what is raised (whether it is raised counts). Texts are not changed.
"""


def write_page(results: Mapping[int, Sequence[Verdict]], least: int) -> None:
    """Write docs/tests.md.

    Parameters
    ----------
    results : mapping of int to sequence of Verdict
        By seed.
    least : int
        Mutants of each module in a sample.
    """
    lines = [HEAD.format(least=least), "## Killed, by module and seed", ""]
    lines += ["| module | " + " | ".join(f"seed {seed}" for seed in results) + " |", "|---" * (len(results) + 1) + "|"]
    for name in sorted({each.module for some in results.values() for each in some}):
        lines.append(f"| `{name}` | " + " | ".join(_share(some, name) for some in results.values()) + " |")
    lines += [
        "| all | " + " | ".join(f"{_share(some)}, {_percent(some):.1f} %" for some in results.values()) + " |",
        "",
    ]
    lines += ["## Survivors", "", "Each with the reason why it is left."]
    reasons = yaml.safe_load(REASONS.read_text(encoding="utf-8")) or {}
    for seed, some in results.items():
        lines += ["", f"### Seed {seed}", ""]
        for each in some:
            if each.survived:
                because = reasons.get(each.module, {}).get(each.diff[-1][1:].strip(), "not looked into")
                lines += [
                    f"- `{each.module}:{each.line}`: {because}",
                    "",
                    "  ```diff",
                    *(f"  {line}" for line in each.diff),
                ]
                lines += ["  ```"]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _share(results: Sequence[Verdict], module: str = "") -> str:
    some = [each for each in results if each.module == module or not module]
    return f"{sum(not each.survived for each in some)} of {len(some)}"


def _percent(results: Sequence[Verdict]) -> float:
    return 100 * sum(not each.survived for each in results) / len(results)
