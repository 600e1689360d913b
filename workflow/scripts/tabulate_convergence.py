"""Tabulate and draw a convergence study; a point that did not converge says why and has no number."""

import json
from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.energies.convergence import SweepPoint, curves, vacuum_A
from iondrill.analyse.energies.convergence_table import CONVERGENCE, convergence_rows, summary
from iondrill.config.models import Config
from iondrill.engines.base import read_result
from iondrill.files import write_text
from iondrill.geometry.checks import read_structure
from iondrill.prepare.estimates import made_of
from iondrill.prepare.plan import Plan
from iondrill.report.figures.convergence import draw_convergence


def sweep_point(plan, row):
    """Return a row of a study with what was computed for it."""
    folders = [plan.folder(point.id) for point in row.points]
    result, *parts = (read_result(folder / "result.json") for folder in folders)
    geometry = read_structure(folders[0] / "structure.extxyz")
    return SweepPoint(
        parameter=row.parameter,
        value=vacuum_A(geometry) if row.value is None else row.value,
        own=row.own,
        result=result,
        geometry=geometry,
        parts=dict(zip(row.parts, parts, strict=True)),
    )


with logged(snakemake.log[0]):
    plan = Plan(Config.model_validate(snakemake.params.config))
    name = snakemake.wildcards.study
    study = plan.config.convergence.studies[name]
    title = plan.config.levels[study.level].title
    found = curves([sweep_point(plan, row) for row in plan.convergence.studies[name]])
    CONVERGENCE.write(convergence_rows(found, study.tolerance), Path(snakemake.output.table))
    report = made_of(plan, study) | summary(study, title, found)
    write_text(Path(snakemake.output.summary), json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    figure = draw_convergence(found, study.tolerance, f"{name}: {study.structure}, {title}")
    write_text(Path(snakemake.output.figure), figure)
