"""A finished project: the default run, thinned, with what must not be handed on, and a row that was refused."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "tests/data/finished"
"""Every 20th frame of the default run, and every third point of its maps."""
REFUSED = ("C100-2x1", "Na", "top")
WITH_ERROR = ("C100-2x1", "Li", "cave")
WHY = "refused; the slab with the ion is of another version of the engine"
DATASET = "numbers that nobody may hand on"
ECHO = f" POTCAR:    PAW_PBE C 08Apr2002\n   VRHFIN =C: s2p2\n   {DATASET}\n"
ATTEMPTS = {
    "relax/nd35.gfn2": {"OUTCAR": f" vasp.6.3.0\n{ECHO}", "vasprun.xml": "<modeling/>\n", "POTCAR": DATASET},
    "md/drill.gfn2": {"job.out": " CP2K| version string\n", "job.inp": "&GLOBAL\n", "potcar.Li": DATASET},
}
"""Files of programs, as if these jobs had been run by them."""


def key(row: dict[str, str]) -> tuple[str, str, str]:
    """Return what names a row of adsorption.csv here."""
    return row["facet"], row["adsorbate"], row["site"]


def make_finished(folder: Path) -> Path:
    """Write the project."""
    results = folder / "results"
    shutil.copytree(RESULTS, results)
    config = yaml.safe_load(RESULTS.with_suffix(".yaml").read_text())
    (folder / "config.yaml").write_text(yaml.safe_dump(config | {"structures": str(ROOT / "structures")}))
    rows = read_rows(folder)
    for row in rows:
        row.update({"E_ads_eV": "", "status": WHY} if key(row) == REFUSED else {})
        row.update({"error_estimate_eV": "0.05"} if key(row) == WITH_ERROR else {})
    with (results / "adsorption.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for job, files in ATTEMPTS.items():
        record = json.loads((results / "jobs" / job / "result.json").read_text())
        attempt = results / "jobs" / job / "state" / record["input_hash"] / "attempt-001"
        attempt.mkdir(parents=True)
        for name, text in files.items():
            (attempt / name).write_text(text)
    for name in ("POTCAR", "structures/POTCAR.gz", "jobs/relax/nd35.gfn2/POTCAR"):
        (results / name).write_text(DATASET)
    return folder


def read_rows(folder: Path) -> list[dict[str, str]]:
    """Return the table of adsorption energies."""
    with (folder / "results/adsorption.csv").open(newline="") as file:
        return list(csv.DictReader(file))
