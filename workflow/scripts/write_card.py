"""Publish the potential with its labels, and its card with what it says to questions whose answer is known."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.verification.gates import of_potential
from iondrill.config.models import Config
from iondrill.potential.card import card
from iondrill.potential.plan import PotentialPlan

with logged(snakemake.log[0], snakemake.resources.get("runtime")):
    plan = PotentialPlan(Config.model_validate(snakemake.params.config))
    given, made = snakemake.input, snakemake.output
    fit = Path(given.fit).parent
    outputs = {"folder": Path(made.card).parent, "card": Path(made.card), "labels": Path(made.labels)}
    card(plan, given.judged, fit, given.labels, outputs, gates=of_potential(fit))
