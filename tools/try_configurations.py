"""Random mutations of the shipped configurations through `iondrill check`: no traceback, nothing executed.

    python tools/try_configurations.py --count 10000 --seed 1

Every outcome must be a summary or a `UserError`; nothing may be started, connected to or written outside the cache; and
what passes must be read by Snakemake's own reader too. Each mutant follows from the seed and its number alone.
"""

from __future__ import annotations

import argparse
import os
import pickle
import random
import re
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from copy import deepcopy
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml
from snakemake.common.configfile import load_configfile

from iondrill.config.document import dump
from iondrill.engines.advice import advice
from iondrill.errors import UserError
from iondrill.files import cache_folder
from iondrill.geometry import registry
from iondrill.geometry.surfaces import sites
from iondrill.prepare.checks.configuration import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
PATIENCE_S = 60
"""A mutant that takes more CPU time is a fault."""
STARTED = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect", "os.remove")
PLAIN = """
no on yes off ~ null true 010 0x1f 0o17 0b1 1_000 1e3 1e-7 1e400 .inf .nan -1 0 1 2 1:30 12:30:45 = << < 2026-11-28
2026-13-45 2026-11-28T99:00:00Z 0x_ 0b_ 99999999999999999999 1e21 [] {} [[]] } *a &a !!int gfn2 pbe-d3 cave C100-2x1
drill-nd35-li nd29 Li Na K H Xx cp2k vasp xtb / .. ../.. /etc/passwd \\ é Å 日本
"""
WORDS = (
    *PLAIN.split(),
    "''",
    '"\\0"',
    '"\\ud800"',
    "!!python/object/apply:os.system ['touch {canary}']",
    "!!python/name:os.system",
    "$(touch {canary})",
    "`touch {canary}`",
    "'; touch {canary} #'",
    "?open('{canary}', 'w')",
    "'{{{{ ().__class__ }}}}'",
    "[sh, -c, 'touch {canary}']",
    "x" * 300,
    "[" * 60 + "]" * 60,
    "9" * 5000,
)
"""What replaces a word; ``{canary}`` is a file that must not appear."""
LINES = (
    "__use_yte__: true",
    "?open('{canary}', 'w'): 1",
    "\ttitle: tab",
    "---",
    "...",
    "%YAML 1.1",
    "# only a comment",
    "<<: {levels: 3}",
    "title: twice",
    "levels: {gfn2: {engine: cp2k, command: [sh, -c, 'touch {canary}']}}",
    "\ufeff",
    "\x00",
    "\x85",
)


class Verdict(NamedTuple):
    """What came of a mutant: how it ended, and what was wrong with that."""

    outcome: str
    fault: str = ""


class Watch:
    """What a check does that it must not: reported by Python's audit hook, which cannot be taken out again."""

    def __init__(self, folder: Path) -> None:
        self.allowed = (str(folder), str(cache_folder()), "/dev/null")
        self.seen: list[str] = []
        self.on = False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event == "open":
            path, mode, flags = arguments
            writes = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) or set(mode or "") & set("wax+")
            if not writes or str(path).startswith(self.allowed) or str(path).endswith(".pyc") or "pyc." in str(path):
                return
            self.seen.append(f"writes {path}")
        elif event in STARTED and not str(arguments[0]).startswith(self.allowed):
            self.seen.append(f"{event} {arguments[0]!r}")


def shipped() -> dict[str, str]:
    """Return the shipped configurations, each alone or over the default one, by name."""
    return {
        path.name: path.read_text(encoding="utf-8")
        for path in [ROOT / "config.yaml", *sorted(ROOT.glob("examples/*.yaml"))]
    }


def mutant(seed: int, number: int, texts: dict[str, str], canary: Path) -> tuple[bytes, bool]:
    """Return a mutant as bytes, and whether it is read over the default configuration."""
    chance = random.Random(f"{seed}.{number}")
    name = chance.choice(sorted(texts))
    text = texts[name]
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        text = chance.choice(MUTATIONS)(text, chance)
    content = text.replace("{canary}", str(canary)).encode("utf-8", "surrogatepass")
    if chance.random() < 0.05:
        at = chance.randrange(len(content) + 1)
        content = content[:at] + bytes([chance.randrange(256)]) + content[at + chance.randrange(2) :]
    if chance.random() < 0.02:
        encoding = chance.choice(("utf-16", "utf-8-sig", "latin-1"))
        content = content.decode("utf-8", "replace").encode(encoding, "replace")
    return content, name != "config.yaml" or chance.random() < 0.2


def _other_word(text: str, chance: random.Random) -> str:
    """Put another word instead of one."""
    spans = [found.span() for found in re.finditer(r"[\w.+/-]+", text)]
    start, end = chance.choice(spans) if spans else (0, 0)
    return text[:start] + chance.choice(WORDS) + text[end:]


def _other_number(text: str, chance: random.Random) -> str:
    """Change a number by a factor, or its sign."""
    spans = [found.span() for found in re.finditer(r"(?<![\w.])-?\d+(?:\.\d+)?\b", text)]
    if not spans:
        return text
    start, end = chance.choice(spans)
    changed = float(text[start:end]) * chance.choice((-1, 0, 0.1, 0.5, 2, 10, 1000, 1e6, 1e20))
    return text[:start] + (f"{changed:.0f}" if chance.random() < 0.7 else f"{changed:g}") + text[end:]


def _moved_line(text: str, chance: random.Random) -> str:
    """Drop, double, move or indent a line, or put another one there."""
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    act = chance.randrange(5)
    if act == 0:
        del lines[at]
    elif act == 1:
        lines.insert(at, lines[at])
    elif act == 2:
        lines.insert(chance.randrange(len(lines)), lines.pop(at))
    elif act == 3:
        lines[at] = chance.choice((" ", "  ", "\t")) + lines[at]
    else:
        lines.insert(at, chance.choice(LINES))
    return "\n".join(lines)


def _other_character(text: str, chance: random.Random) -> str:
    """Put a character of meaning somewhere, or cut the text there."""
    at = chance.randrange(len(text) + 1)
    if chance.random() < 0.1:
        return text[:at]
    return text[:at] + chance.choice(list(":-[]{},&*#?|>!%@`'\"\t\n ")) + text[at + chance.randrange(2) :]


def _other_value(text: str, chance: random.Random) -> str:
    """Put another value at a position of the data: one of another position, of another kind, or nothing."""
    try:
        positions = list(_positions(content := yaml.safe_load(text)))
    except (yaml.YAMLError, ValueError, TypeError, IndexError, RecursionError):  # the reader's own; aliases in a circle
        return text
    if not positions:
        return text
    parent, key = chance.choice(positions)
    other, there = chance.choice(positions)
    own = parent[key]
    parent[key] = chance.choice((other[there], None, [], {}, [own], {"a": own}, -1, 0, 10**9, "x", True))
    try:
        return dump(content)
    except (yaml.YAMLError, RecursionError):
        return text


def _positions(content: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each mapping or list with each of its keys."""
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in list(inner):
        yield content, key
        yield from _positions(value)


MUTATIONS = (_other_word, _other_word, _other_number, _moved_line, _other_character, _other_value)


def remember_what_is_built() -> None:
    """Build each structure, and look for the sites of each slab, only once: mutants have the recipes in common."""
    registry.build = _once(registry.build)  # type: ignore[assignment]
    sites.find_sites = _once(sites.find_sites)  # type: ignore[assignment]


def _once(work: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that does its work once for the same arguments, errors included."""
    known: dict[bytes, tuple[Any, UserError | None]] = {}

    @wraps(work)
    def remembered(*arguments: Any) -> Any:
        key = pickle.dumps(arguments)
        if key not in known:
            try:
                known[key] = deepcopy(work(*arguments)), None
            except UserError as error:
                known[key] = None, error
        found, error = known[key]
        if error is not None:
            raise error
        return deepcopy(found)

    return remembered


def judge(files: list[Path], watch: Watch, canary: Path) -> Verdict:
    """Check files as `iondrill check` does, and judge what it does."""
    watch.seen.clear()
    watch.on = True
    try:
        advice(files, check(*files).elements)
        outcome, fault = "passed", ""
    except UserError as error:
        torn = [str(problem) for problem in error.problems if len(str(problem).splitlines()) != 1]
        outcome, fault = "refused", f"more than a line: {torn}" if torn else ""
    except Exception:  # noqa: BLE001
        outcome, fault = "fault", traceback.format_exc()
    finally:
        watch.on = False
    if canary.exists():
        canary.unlink()
        fault = fault or "something of the configuration was executed"
    if watch.seen:
        fault = fault or f"not only looked: {watch.seen[:3]}"
    if outcome == "passed":
        for path in files:
            try:
                load_configfile(str(path))
            except Exception:  # noqa: BLE001  (whatever it is, it is one)
                fault = fault or f"Snakemake cannot read it:\n{traceback.format_exc(limit=-2)}"
    return Verdict(outcome, fault)


def too_slow(_signal: int, _frame: object) -> None:
    """End a mutant that takes too long."""
    raise TimeoutError(f"more than {PATIENCE_S} s of CPU time")


def run(count: int, seed: int, first: int = 0) -> tuple[Counter[str], dict[int, str]]:
    """Try mutants; return how many ended how, and the faults by number."""
    texts, outcomes, faults = shipped(), Counter[str](), dict[int, str]()
    check(ROOT / "config.yaml")  # imports what is needed, so that no mutant ends in the middle of that
    signal.signal(signal.SIGPROF, too_slow)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        canary, watch = folder.parent / f"iondrill-canary-{os.getpid()}", Watch(folder)
        for number in range(first, first + count):
            content, over = mutant(seed, number, texts, canary)
            path = folder / "mutant.yaml"
            path.write_bytes(content)
            signal.setitimer(signal.ITIMER_PROF, PATIENCE_S)
            try:
                verdict = judge([ROOT / "config.yaml", path] if over else [path], watch, canary)
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
            outcomes[verdict.outcome] += 1
            if verdict.fault:
                faults[number] = verdict.fault
    return outcomes, faults


def main() -> int:
    """Try mutants and say how they ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant")
    given = parser.parse_args()
    os.chdir(ROOT)
    remember_what_is_built()
    began = time.process_time()
    outcomes, faults = run(given.count, given.seed, given.first)
    for number, fault in faults.items():
        print(f"--- seed {given.seed}, number {number}\n{fault}")
    said = ", ".join(f"{n} {outcome}" for outcome, n in sorted(outcomes.items()))
    spent = f"{time.process_time() - began:.0f} s of CPU time"
    print(f"{given.count} mutants, seed {given.seed}: {said}; {len(faults)} faults; {spent}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
