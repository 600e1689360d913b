"""A teacher: a large pretrained network, fine-tuned to the reference's labels, that labels many frames cheaply."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write

from iondrill.engines.ase.dispersion import d3_of
from iondrill.errors import UserError
from iondrill.files import replacing, write_text
from iondrill.potential import teach_sevennet
from iondrill.potential.fit import Trainer, run_trainer, targets, train_in
from iondrill.potential.judge import table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from ase import Atoms

    from iondrill.config.potential import FitSettings, Teacher

SEVENNET = Trainer(
    str(teach_sevennet.__file__),
    ("train.xyz", "settings.json"),
    teach_sevennet.CHECKPOINT,
    teach_sevennet.NETWORK,
    "needed in that Python: torch and sevenn; `make fit-environment` makes one (docs/potential.md)",
)
BEYOND_EV_A = 30.0
"""A frame with a larger force is an overlap of atoms, and no lesson."""


def teach(
    labels: Sequence[Atoms], teacher: Teacher, fit: FitSettings, folder: Path, seed: int, *, threads: int = 1
) -> Path:
    """Fine-tune the network; a killed training resumes from its last whole epoch.

    Parameters
    ----------
    labels : sequence of Atoms
        The training set.
    teacher : Teacher
        Network and training.
    fit : FitSettings
        Its Python; and whether D3 is left out of what is learned.
    folder : Path
        Of the teacher.
    seed : int
        Of the batches.
    threads : int
        That the training uses.

    Raises
    ------
    UserError
        If there is no label, or the training fails.
    """
    if not labels:
        raise UserError.of(folder, "there is no label to learn from")
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "train.xyz") as temporary:
        write(temporary, [_bare(one, *targets(one, fit.dispersion)) for one in labels], format="extxyz")
    own = teacher.model_dump(mode="json") | {"seed": seed, "dispersion": fit.dispersion}
    write_text(folder / "settings.json", json.dumps(own, indent=1) + "\n")
    train_in(folder, SEVENNET, fit, threads)
    return folder


def taught(frames: Sequence[Atoms], folder: Path, fit: FitSettings) -> list[Atoms]:
    """Return frames as a teacher labels them, D3 included; those whose atoms overlap are left out.

    Parameters
    ----------
    frames : sequence of Atoms
        Isolated or periodic; their info is kept.
    folder : Path
        Of the teacher.
    fit : FitSettings
        Its Python.
    """
    return [one for one in _answered(frames, folder, fit) if np.abs(one.get_forces()).max() <= BEYOND_EV_A]


def _answered(frames: Sequence[Atoms], folder: Path, fit: FitSettings) -> list[Atoms]:
    """Return all frames as the teacher labels them, D3 included."""
    if not frames:
        return []
    asked, answered = folder / "asked.xyz", folder / "answered.xyz"
    write(asked, [_bare(frame) for frame in frames], format="extxyz")
    run_trainer(SEVENNET.program, [folder, asked, answered], folder / "labelling.log", fit, SEVENNET.needed)
    found = []
    for frame, answer in zip(frames, read(answered, index=":", format="extxyz"), strict=True):
        energy, forces = answer.get_potential_energy(), answer.get_forces()
        if fit.dispersion == "added":
            d3_eV, d3_eV_A = d3_of(frame)
            energy, forces = energy + d3_eV, forces + d3_eV_A
        label = frame.copy()
        label.set_constraint()
        label.calc = SinglePointCalculator(label, energy=energy, forces=forces)
        found.append(label)
    asked.unlink()
    answered.unlink()
    return found


def errors_of(held: Sequence[Atoms], folder: Path, fit: FitSettings) -> dict[str, dict[str, Any]]:
    """Return the errors of a teacher on labels that it has not seen."""
    found = _answered(held, folder, fit)
    return table(
        held,
        [one.get_forces(apply_constraint=False) for one in found],
        [one.get_potential_energy() for one in found],
    )


def _bare(atoms: Atoms, energy: float | None = None, forces: Any = None) -> Atoms:
    """Return species, positions and cell alone, with what is learned of them."""
    bare = atoms.__class__(atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    if energy is not None:
        bare.calc = SinglePointCalculator(bare, energy=energy, forces=forces)
    return bare
