"""``python -m faultdrill``: the whole drill, and its table in docs/reliability.md."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from faultdrill.campaign import Outcome, campaign, failures
from faultdrill.table import write_page

FULL = [("local", "gfn2", 22), ("Slurm", "gfn2", 28), ("local", "pbe-d3", 4), ("Slurm", "pbe-d3", 3)]


def read_record(path: Path) -> list[Outcome]:
    """Return what became of the runs of an earlier drill."""
    return [Outcome(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def main() -> int:
    """Run the drill; return 1 if a run did not end as the undisturbed one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first; each run has the next")
    parser.add_argument("--only", action="append", help="executor,level,number of faults: Slurm,gfn2,5; several times")
    parser.add_argument("--record", type=Path, help="a JSON line for each run; what is there is kept, and counts")
    parser.add_argument("--no-page", action="store_true", help="do not write docs/reliability.md")
    options = parser.parse_args()
    plan = FULL if options.only is None else [tuple(words.split(",")) for words in options.only]
    outcomes = read_record(options.record) if options.record and options.record.exists() else []
    with tempfile.TemporaryDirectory(prefix="iondrill-drill-") as folder:
        for outcome in campaign(Path(folder) / "drill", [(a, b, int(n)) for a, b, n in plan], options.seed):
            outcomes.append(outcome)
            if options.record:
                with options.record.open("a", encoding="utf-8") as record:
                    record.write(json.dumps(outcome.plain()) + "\n")
    if not options.no_page:
        write_page(outcomes)
    wrong = failures(outcomes)
    print(
        f"{sum(len(each.faults) for each in outcomes)} faults in {len(outcomes)} runs, {len(wrong)} not as undisturbed"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
