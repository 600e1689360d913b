"""Tabulate ions between layers; a row of which a part did not converge says so and has no number."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.energies.insertion import INSERTION, Insertion
from iondrill.config.models import Config
from iondrill.engines.base import read_result
from iondrill.prepare.plan import Plan

with logged(snakemake.log[0]):
    plan = Plan(Config.model_validate(snakemake.params.config))
    stage = plan.insertion

    def result(part):
        return read_result(plan.folder(part) / "result.json")

    rows = [
        Insertion(
            stage.settings.flake,
            ion,
            stage.gap_A(stage.clean(variant)),
            [result(place) for place in stage.way(ion, variant)],
            result(stage.clean(variant)),
            result(stage.atom(ion)),
        )
        for ion in stage.settings.ions
        for variant in stage.variants
    ]
    INSERTION.write(rows, Path(snakemake.output[0]))
