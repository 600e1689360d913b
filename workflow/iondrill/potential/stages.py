"""The stages of `snakemake potential`, from files to files."""

from __future__ import annotations

import json
import re
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.io import read, write

from iondrill.engines.ase.grade import FILE as GRADE
from iondrill.engines.ase.grade import Grade
from iondrill.engines.ase.learned import MODEL, PARAMETERS, calculator_of
from iondrill.errors import UserError
from iondrill.files import replacing, write_text
from iondrill.geometry.descriptor import Space
from iondrill.potential import explore as exploring
from iondrill.potential.choose import select
from iondrill.potential.fit import fit
from iondrill.potential.judge import errors_on, held_out, spread, verdict
from iondrill.potential.labels import Store, agrees, label, read_label, read_labels, sampled, settings_of
from iondrill.potential.own_run import own_run
from iondrill.potential.plan import as_exploration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ase import Atoms

    from iondrill.config.levels import Level
    from iondrill.potential.plan import PotentialPlan

OWN_RUN = re.compile(r"generation-(\d+)-")
"""What the groups of own runs begin with."""
CHEAP = "cheap.extxyz"
"""All labels that a potential was pretrained on."""
NOTHING = "nothing"
"""Status of a label's record where fewer frames were chosen than there are slots."""


def read_frames(paths: Iterable[str | Path]) -> list[Atoms]:
    """Read all frames of some files; an empty file holds none."""
    return [
        frame for path in map(Path, paths) if path.stat().st_size for frame in read(path, index=":", format="extxyz")
    ]


def write_frames(frames: Sequence[Atoms], path: Path) -> None:
    """Write frames, whole or not at all."""
    with replacing(path) as temporary:
        if frames:
            write(temporary, list(frames), format="extxyz", write_results=False)


def write_labels(labels: Sequence[Atoms], path: Path) -> None:
    """Write frames with their energies and forces, whole or not at all."""
    with replacing(path) as temporary:
        write(temporary, list(labels), format="extxyz")


def explore(plan: PotentialPlan, name: str, output: Path) -> None:
    """Run a trajectory of an exploration and cut what is labelled out of its frames."""
    trajectory, one = plan.trajectories()[name], plan.exploration(name)
    level = one.level or plan.stage.level
    whole = exploring.explore(plan.config, one, trajectory, level, plan.folder / "jobs" / name)
    write_frames(list(exploring.frames_of(one, trajectory, whole, plan.stage.vacuum_A)), output)


def choose(plan: PotentialPlan, generation: int, files: Sequence[str], records: Sequence[str], output: Path) -> None:
    """Choose the frames of a generation among new ones; labelled ones of earlier generations are known."""
    known = labels_of(records)
    frames = read_frames(files)
    elements = elements_of([*frames, *known])
    if not frames:
        write_frames([], output)
        return
    space = Space.of([*known, *frames], elements)
    settings = plan.stage.select
    chosen = select(frames, space, settings.count, settings.least_distance, known)
    picked = []
    for one in chosen:
        frame = frames[one.frame].copy()
        # of frames with an element that nobody has seen there is no distance
        frame.info["novelty"] = round(one.novelty, 4) if np.isfinite(one.novelty) else -1.0
        frame.info["generation"] = generation
        picked.append(frame)
    write_frames(picked, output)
    print(f"generation {generation}: {len(picked)} of {len(frames)} frames chosen")


def label_slot(plan: PotentialPlan, selected: Path, slot: int, output: Path) -> None:
    """Label one of the chosen frames; a reference that does not converge is said in the record."""
    frames = read_frames([selected])
    if slot >= len(frames):
        write_text(output, json.dumps({"status": NOTHING}) + "\n")
        return
    name, store = plan.stage.reference, Store(plan.labels)
    work = plan.folder / "jobs" / f"{selected.parent.name}-label-{slot:04d}"
    level = sampled(plan.config.levels[name], frames[slot], plan.stage.kpoint_length_A)
    path, result = label(frames[slot], name, level, store, work)
    record: dict[str, Any] = {
        "status": "converged" if path is not None or result is None else result.status,
        "file": None if path is None else path.as_posix(),
        "reused": result is None,
        "core_s": 0.0 if result is None else result.core_s,
    }
    if path is None and result is not None:
        record["reason"] = result.attempts[-1].reason
    write_text(output, json.dumps(record, indent=1) + "\n")
    shutil.rmtree(work, ignore_errors=True)


def records_of(paths: Iterable[str | Path]) -> list[dict[str, Any]]:
    """Read the records of labels."""
    return [json.loads(Path(path).read_text(encoding="utf-8")) for path in paths]


def labels_of(paths: Iterable[str | Path]) -> list[Atoms]:
    """Return the labels that records name, each once."""
    files = [record["file"] for record in records_of(paths) if record.get("file")]
    return [read_label(Path(file)) for file in dict.fromkeys(files)]


def known_labels(plan: PotentialPlan, records: Iterable[str | Path], generation: int) -> list[Atoms]:
    """Return the labels that a generation learns from: those of this run, and those of the files in ``learn_from``.

    Of several generations, labels of own runs in those files are known to later ones than their own alone, or the
    judgement on the own run would be one of the training.

    Parameters
    ----------
    plan : PotentialPlan
        Names the files.
    records : iterable of path
        Of the labels of this run.
    generation : int
        That learns from them.

    Raises
    ------
    UserError
        If a file is damaged, or a label says that it was made with other settings.
    """
    known = labels_of(records)
    there = {str(one.info["digest"]) for one in known}
    for path in map(Path, plan.known):
        for number, one in enumerate(read_labels(path)):
            level = sampled(plan.config.levels[plan.stage.reference], one, plan.stage.kpoint_length_A)
            if "settings" in one.info and not agrees(one, level):
                reference = f"potential.reference ({plan.stage.reference})"
                raise UserError.of(path, f"frame {number} was labelled at another level than {reference}")
            came = OWN_RUN.match(str(one.info["group"])) if plan.last else None
            if one.info.get("digest") not in there and (came is None or int(came[1]) < generation):
                known.append(one)
    return known


def own_run_labels(plan: PotentialPlan, generation: int) -> list[Atoms]:
    """Return the labels of own runs of the generation before: what this one adds, and those in ``learn_from``."""
    before = f"generation-{generation - 1}-"
    there = [label for path in map(Path, plan.known) for label in read_labels(path)]
    return [*labels_of(plan.added(generation)), *(one for one in there if str(one.info["group"]).startswith(before))]


def left_out(labels: Iterable[Atoms], plan: PotentialPlan) -> set[str]:
    """Return the trajectories that no fit sees.

    Of the explorations the configuration alone decides which, whatever has been labelled of them; of labels that were
    there already the labels. Own runs are not held out: each is judged by a fit that has not seen it, the one before.
    """
    explored = plan.groups()
    kinds = {str(one.info["group"]): str(one.info["kind"]) for one in labels}
    later = {group: kind for group, kind in kinds.items() if group not in explored and not OWN_RUN.match(group)}
    share = plan.stage.judge.hold_out
    return held_out(explored, share) | held_out(later, share)


def split(labels: Sequence[Atoms], plan: PotentialPlan) -> tuple[list[Atoms], list[Atoms]]:
    """Return the labels that fits see, and those of the trajectories that are held out; see `left_out`."""
    out = left_out(labels, plan)
    return (
        [one for one in labels if one.info["group"] not in out],
        [one for one in labels if one.info["group"] in out],
    )


def elements_of(frames: Iterable[Atoms]) -> list[str]:
    """Return the elements of some frames, in alphabetical order."""
    return sorted({symbol for frame in frames for symbol in frame.get_chemical_symbols()})


def mixed(reference: Sequence[Atoms], cheap: Sequence[Atoms], copies: int) -> list[Atoms]:
    """Return cheap labels with several copies of each of the reference's among them."""
    return [*cheap, *(one for one in reference for _ in range(copies))]


def fit_generation(plan: PotentialPlan, fitted: tuple[int, int], records: Sequence[str], folder: Path) -> None:
    """Fit a potential to the labels of all generations so far, those held out apart; add its grade.

    With a pretrained potential that is the start.

    Parameters
    ----------
    plan : PotentialPlan
        What is made.
    fitted : (int, int)
        Generation and seed.
    records : sequence of str
        Of all labels so far.
    folder : Path
        Of the fit.
    """
    generation, seed = fitted
    training, held = split(known_labels(plan, records, generation), plan)
    also: list[str] = []
    learned = training
    if plan.pretrained is not None:
        parameters = json.loads((plan.pretrained / PARAMETERS).read_text(encoding="utf-8"))
        also = sorted(parameters["elements_eV"])
        copies = plan.pretraining.reference_copies
        learned = mixed(training, read_frames([plan.pretrained / CHEAP]), copies) if copies else training
    fit(learned, plan.stage.fit, folder, seed, plan.pretrained, also=also)
    Grade.fitted(training, held).write(folder)


def judge_generation(
    plan: PotentialPlan, generation: int, folders: Sequence[str], records: Sequence[str], output: Path
) -> None:
    """Judge a generation's fit on the trajectories held out, on its training, and the one before on its own run.

    The labels that a generation adds are of frames of the runs of the potential before, which had not seen them.

    Parameters
    ----------
    plan : PotentialPlan
        What is made.
    generation : int
        From 0 on.
    folders : sequence of str
        Of the generation's fits.
    records : sequence of str
        Of all labels so far.
    output : Path
        ``judged.json``.
    """
    training, held = split(known_labels(plan, records, generation), plan)
    potential = Path(folders[0])
    rows = errors_on(held, potential)
    content: dict[str, Any] = {
        "generation": generation,
        "n_training": len(training),
        "n_held_out": len(held),
        "held_out_trajectories": sorted({str(one.info["group"]) for one in held}),
        "held_out": rows,
        "training": errors_on(training, potential),
        "verdicts": {name: verdict(row, plan.stage) for name, row in rows.items()},
        "two_fits_differ_eV_A": spread(held, [Path(folder) for folder in folders]),
    }
    if generation:
        before = Path(plan.fits(generation - 1)[0])
        content["own_run_of_the_generation_before"] = errors_on(own_run_labels(plan, generation), before)
    write_text(output, json.dumps(content, indent=1, allow_nan=True) + "\n")


def run_own(plan: PotentialPlan, generation: int, name: str, potential: Path, output: Path) -> None:
    """Run dynamics with a generation's potential, and cut what the next one may label."""
    run = plan.stage.runs[name]
    one = as_exploration(run)
    start = exploring.start_of(one, generation + 1, Path(plan.config.structures))
    calculator, grade = calculator_of(potential), Grade.read(potential)
    ran = own_run(start, calculator, run, plan.config.seed + generation, grade)
    print(ran.stopped or f"{name}: {run.steps} steps")
    trajectory = exploring.Trajectory(f"generation-{generation}-{name}", run.temperature_K, plan.config.seed)
    write_frames(list(exploring.frames_of(one, trajectory, ran.frames, plan.stage.vacuum_A)), output)


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
        "fit": {"fitter": "torchnep (NEP4)", **plan.stage.fit.model_dump(mode="json", exclude={"python"})},
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


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
