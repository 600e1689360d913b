"""What led to what in a crate: profile Provenance Run Crate 0.5.

https://www.researchobject.org/workflow-run-crate/profiles/0.5/provenance_run_crate: the workflow has a step for each
stage and engine; Snakemake's action organises one control action a job, which ties the step to the job's own action.
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

from iondrill.files import INSTALL
from iondrill.publish.energies import energies
from iondrill.publish.entities import add_context, add_file, add_software, one_or_more

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rocrate.model.entity import Entity
    from rocrate.rocrate import ROCrate

    from iondrill.engines.base import Result
    from iondrill.jobs.name import JobId
    from iondrill.prepare.plan import Plan

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/ro/wfrun/provenance/0.5": "Provenance Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
TERMS = {"resourceUsage": "https://w3id.org/ro/terms/workflow-run#resourceUsage"}
"""Of the profile's own context, written out: a reader needs no network for them."""
CORE_TIME = "https://w3id.org/ro/terms/iondrill#coreSeconds"
SNAKEFILE = "Snakefile"
STATUS = "http://schema.org/{}ActionStatus"
ELECTRONVOLT, SECOND = "A53", "SEC"
"""UN/CEFACT common codes."""


class Acted(NamedTuple):
    """The action of a job, and the program that it ran."""

    job: JobId
    action: Entity
    engine: Entity


def add_action(crate: ROCrate, plan: Plan, job: JobId, record: Result, files: Mapping[str, Entity]) -> Acted:
    """Add what a job did.

    Parameters
    ----------
    crate : ROCrate
        To be added to.
    plan : Plan
        Of the run.
    job, record : JobId, Result
        The job and its record.
    files : mapping of str to Entity
        The files of its folder by name, ``result.json`` among them.
    """
    done = record.status == "converged"
    ended = datetime.fromtimestamp((plan.folder(job) / "result.json").stat().st_mtime, UTC)
    identifier = f"{job.stage}-{job.name}"
    usage = {
        "propertyID": CORE_TIME,
        "name": "core time",
        "value": str(record.core_s),
        "unitText": "s",
        "unitCode": SECOND,
    }
    properties = {
        "@type": "CreateAction",
        "name": f"{job.stage} {job.stem} at {job.level}",
        "actionStatus": STATUS.format("Completed" if done else "Failed"),
        "endTime": ended.isoformat(timespec="seconds"),
        "description": f"{record.status}; {record.n_ionic_steps} steps, {record.core_s:.1f} core-seconds",
        **({} if done else {"error": record.why}),
    }
    engine = add_software(crate, record.engine, record.engine_version)
    inputs = [entity for name, entity in files.items() if name != "result.json"]
    action = crate.add_action(
        instrument=engine,
        identifier=f"#{identifier}",
        object=one_or_more(inputs),
        result=files["result.json"],
        properties=properties,
    )
    action["resourceUsage"] = add_context(crate, f"#core-time-{identifier}", "PropertyValue", **usage)
    crate.root_dataset.append_to("mentions", action)
    return Acted(job, action, engine)


def add_provenance(crate: ROCrate, plan: Plan, acted: list[Acted], inputs: list[Entity], outputs: list[Entity]) -> None:
    """Add the workflow, its run, its steps, and which job was which step.

    Parameters
    ----------
    crate : ROCrate
        To be added to.
    plan : Plan
        Of the run.
    acted : list of Acted
        The jobs that ran; at least one.
    inputs, outputs : list of Entity
        Configuration and recipes; tables and page.
    """
    workflow = _workflow(crate, acted)
    properties = {
        "name": f"Run of {plan.config.title}",
        "description": f"{len(acted)} jobs",
        "actionStatus": STATUS.format("Completed" if _all_done(acted) else "Failed"),
        "endTime": max(each.action["endTime"] for each in acted),
        **({} if _all_done(acted) else {"error": "a job did not converge, or failed"}),
    }
    run = crate.add_action(
        instrument=workflow,
        identifier="#workflow-run",
        object=one_or_more(inputs),
        result=one_or_more(outputs),
        properties=properties,
    )
    crate.root_dataset.append_to("mentions", run)
    controls = list(_controls(crate, workflow, acted))
    words = {"name": "Snakemake's run of the workflow", "endTime": properties["endTime"]}
    organised = add_context(crate, "#snakemake-run", "OrganizeAction", **words)
    organised["instrument"] = add_software(crate, "snakemake", version("snakemake"))
    organised["object"] = one_or_more(controls)
    organised["result"] = run
    crate.root_dataset.append_to("mentions", organised)
    crate.metadata.extra_terms.update(TERMS)
    crate.root_dataset["conformsTo"] = [
        add_context(crate, address, "CreativeWork", name=name, version=address.rpartition("/")[2])
        for address, name in PROFILES.items()
    ]


def _all_done(acted: Iterable[Acted]) -> bool:
    return all("Completed" in each.action["actionStatus"] for each in acted)


def _workflow(crate: ROCrate, acted: list[Acted]) -> Entity:
    """Add the Snakefile and its rules; return the main workflow."""
    from rocrate.model.computationalworkflow import ComputationalWorkflow

    words: dict[str, Any] = {"name": "iondrill", "version": version("iondrill"), "encodingFormat": "text/plain"}
    words |= {"@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]}
    workflow = crate.add_workflow(
        INSTALL / SNAKEFILE,
        SNAKEFILE,
        main=True,
        lang="snakemake",
        lang_version=version("snakemake"),
        cls=ComputationalWorkflow,
        properties={**words, "contentSize": str((INSTALL / SNAKEFILE).stat().st_size)},
    )
    workflow["hasPart"] = one_or_more(list({each.engine.id: each.engine for each in acted}.values()))
    for rules in sorted((INSTALL / "workflow/rules").glob("*.smk")):
        add_file(crate, rules, f"workflow/rules/{rules.name}", f"rules of {rules.stem}, which the Snakefile includes")
    return workflow


def _controls(crate: ROCrate, workflow: Entity, acted: list[Acted]) -> Iterable[Entity]:
    """Add a step for each stage and engine, and yield for each job the action that ties it to its step."""
    steps: list[Entity] = []
    for job, action, engine in acted:
        identifier = f"#step-{job.stage}-{engine.id.removeprefix('#')}"
        step = crate.get(identifier)
        if step is None:
            words = {"name": f"{job.stage}, by {engine['name']}"}
            step = add_context(crate, identifier, "HowToStep", **words, position=str(len(steps) + 1))
            step["workExample"] = engine
            steps.append(step)
        control = add_context(crate, f"#control-{action.id.removeprefix('#')}", "ControlAction", name=f"{job.name}")
        control["instrument"], control["object"] = step, action
        control["actionStatus"] = action["actionStatus"]
        yield control
    workflow["step"] = one_or_more(steps)


def add_energies(crate: ROCrate, plan: Plan) -> None:
    """Add each adsorption energy as a property value with unit, method and, if there is one, error.

    A row without energy is added as such: without a value, its status as the description.
    """
    for row in energies(plan):
        name = row.job.name
        words = {
            "name": row.title,
            "propertyID": "E_ads_eV",
            "unitCode": ELECTRONVOLT,
            "unitText": "eV",
            "measurementTechnique": row.method,
            "description": row.status,
        }
        value = add_context(crate, f"#E_ads-{name}", "PropertyValue", **words)
        if row.E_ads_eV is not None:
            value["value"] = row.E_ads_eV
            if row.error_eV is not None:
                error = {
                    "name": "error estimate",
                    "propertyID": "error_estimate_eV",
                    "value": row.error_eV,
                }
                units = {"unitCode": ELECTRONVOLT, "unitText": "eV"}
                value["valueReference"] = add_context(
                    crate, f"#error-of-E_ads-{name}", "PropertyValue", **error, **units
                )
        crate.root_dataset.append_to("variableMeasured", value)
