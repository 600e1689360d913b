"""The potential that is published, with its labels and its card: what it was made of, and how wrong it is."""

from __future__ import annotations

import json
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iondrill.engines.ase.grade import FILE as GRADE
from iondrill.engines.ase.grade import Grade
from iondrill.engines.ase.learned import MODEL, PARAMETERS
from iondrill.files import replacing, write_text
from iondrill.potential.labels import settings_of
from iondrill.potential.sets import known_labels, records_of, write_labels
from iondrill.potential.stages import NOTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iondrill.config.levels import Level
    from iondrill.potential.plan import PotentialPlan


def card(
    plan: PotentialPlan,
    judged: Sequence[str],
    folder: Path,
    records: Sequence[str],
    outputs: dict[str, Path],
    *,
    gates: dict[str, Any],
) -> None:
    """Publish the last generation's potential with its labels and its card.

    Parameters
    ----------
    plan : PotentialPlan
        What was made.
    judged : sequence of str
        Judgements of all generations.
    folder : Path
        Of the fit that is published.
    records : sequence of str
        Of all labels.
    outputs : dict
        ``folder``, ``card`` and ``labels``.
    gates : dict
        What the potential says to questions whose answer is known.
    """
    level: Level = plan.config.levels[plan.stage.reference]
    labels, every = known_labels(plan, records, plan.last), records_of(records)
    generations = [json.loads(Path(path).read_text(encoding="utf-8")) for path in judged]
    parameters = json.loads((folder / PARAMETERS).read_text(encoding="utf-8"))
    kinds = sorted({str(one.info["kind"]) for one in labels})
    content = {
        "name": plan.stage.name,
        "reference": {
            "level": plan.stage.reference,
            "title": level.title,
            "settings": settings_of(level),
            "engines": sorted({str(one.info.get("engine_version", "not said")) for one in labels}),
        },
        "fit": {"fitter": "torchnep (NEP4), SOAP", **plan.stage.fit.model_dump(mode="json", exclude={"python"})},
        "elements": sorted(parameters["elements_eV"]),
        "dispersion": parameters["dispersion"],
        "labels": {
            "n": len(labels),
            "atoms": sum(map(len, labels)),
            "by_kind": {kind: sum(one.info["kind"] == kind for one in labels) for kind in kinds},
            "failed": sum(record["status"] not in {"converged", NOTHING} for record in every),
            "core_s": round(sum(float(one.info.get("core_s", 0.0)) for one in labels), 1),
        },
        "errors": generations[-1],
        **taught_by(plan),
        "gates": gates,
        "generations": [
            {
                "generation": one["generation"],
                "held_out_eV_A": one["held_out"].get("all", {}).get("force_rmse_eV_A"),
                "own_run_before_eV_A": one.get("own_run_of_the_generation_before", {})
                .get("all", {})
                .get("force_rmse_eV_A"),
            }
            for one in generations
        ],
        "grade": {"file": GRADE, "limit": Grade.read(folder).limit, "meaning": "1 at the limit of what was judged"},
        "not_for": [
            "elements that are not listed",
            "kinds of structures that are not among the labels",
            "frames whose grade is above 1",
            *(
                f"{name}: the verdict is refused"
                for name, said in generations[-1]["verdicts"].items()
                if said == "refused"
            ),
            *(f"{gate['what']}: wrong" for gate in gates.values() if gate["said"] == "failed"),
        ],
        "versions": {name: _version(name) for name in ("iondrill", "ase", "numpy", "nep-adapters", "dftd3")},
    }
    for name in (MODEL, PARAMETERS, GRADE):
        outputs["folder"].mkdir(parents=True, exist_ok=True)
        with replacing(outputs["folder"] / name) as temporary:
            shutil.copyfile(folder / name, temporary)
    write_labels(labels, outputs["labels"])
    write_text(outputs["card"], json.dumps(content, indent=1, allow_nan=True, ensure_ascii=False) + "\n")


def taught_by(plan: PotentialPlan) -> dict[str, Any]:
    """Return what a card says of the teacher, and of the own runs of the potential that was pretrained; or nothing."""
    found: dict[str, Any] = {}
    if plan.teacher is not None:
        judged = json.loads((plan.teacher / "judged.json").read_text(encoding="utf-8"))
        settings = plan.pretraining.model_dump(mode="json")["teacher"]
        found["teacher"] = {"what": "SevenNet, fine-tuned to the labels", **settings, **judged}
    if plan.pretrained is not None:
        found["rounds"] = json.loads((plan.pretrained / "rounds.json").read_text(encoding="utf-8"))
    return found


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
