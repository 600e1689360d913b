"""Tabulate shells of ions on nanodiamonds; a row of which a part did not converge says so and has no number."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.energies.adsorption import cohesive_energy
from iondrill.analyse.energies.shell import SHELLS, Shell
from iondrill.config.models import Config
from iondrill.engines.base import read_result
from iondrill.prepare.plan import Plan
from iondrill.prepare.stages.shells import filling_of

with logged(snakemake.log[0]):
    plan = Plan(Config.model_validate(snakemake.params.config))
    stage = plan.shells
    rows = []
    for job in stage.rows():
        filling = filling_of(job)
        whole = sum(filling.values())
        alone = {ion: stage.shell(job.structure, {ion: whole}) for ion in filling if len(filling) > 1}
        known = {ion: cohesive_energy(stage.level(job), ion) for ion in filling}

        def result(part):
            return read_result(plan.folder(part) / "result.json")

        rows.append(
            Shell(
                job.structure,
                filling,
                result(job),
                result(stage.clean(job.structure)),
                {ion: result(stage.atom(ion)) for ion in filling},
                {ion: result(part) for ion, part in alone.items()},
                {ion: energy for ion, energy in known.items() if energy is not None},
            )
        )
    SHELLS.write(rows, Path(snakemake.output[0]))
