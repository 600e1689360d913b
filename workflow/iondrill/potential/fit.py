"""Fit a potential to labels: what is taken off them first, and the training in a Python of its own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from ase.io import write

from iondrill.engines.ase.boxes import in_wide_box
from iondrill.engines.ase.dispersion import d3_of
from iondrill.engines.ase.learned import MODEL, PARAMETERS, calculator_of, sum_over_atoms_eV
from iondrill.errors import UserError
from iondrill.files import replacing, write_text
from iondrill.potential import train_nep
from iondrill.potential.sets import elements_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.config.potential import FitSettings

MADE_FOR_IT = Path(__file__).resolve().parents[3] / ".venv-fit" / "bin" / "python"
"""What ``make fit-environment`` makes."""
SOFT_EV_A = 0.3
"""An error of a force is held against the force that is there, but no smaller one than this."""
NEEDED = "needed in that Python: torch, torchnep and pytorch-optimizer: `make fit-environment` (docs/potential.md)"


class Trainer(NamedTuple):
    """A program that trains in a folder.

    Attributes
    ----------
    program : str
        Its file.
    inputs : tuple of str
        Files in the folder that decide on what comes out.
    left : str
        File or folder that a killed training resumes from.
    made : str
        File that it leaves.
    needed : str
        What its Python must have.
    """

    program: str
    inputs: tuple[str, ...]
    left: str
    made: str
    needed: str


NEP = Trainer(str(train_nep.__file__), ("train.xyz", "nep.in", "settings.json"), "training", MODEL, NEEDED)


def element_energies_eV(labels: Sequence[Atoms], energies_eV: Sequence[float]) -> dict[str, float]:
    """Return the energy of each element that, summed over the atoms, comes nearest to the labels' energies.

    Least squares of the smallest norm: elements that the compositions do not distinguish get equal shares.

    Parameters
    ----------
    labels : sequence of Atoms
        Their compositions count.
    energies_eV : sequence of float
        Of each.
    """
    elements = elements_of(labels)
    counts = np.array([[label.get_chemical_symbols().count(one) for one in elements] for label in labels], dtype=float)
    solution = np.linalg.lstsq(counts, np.asarray(energies_eV, dtype=float), rcond=None)[0]
    return dict(zip(elements, solution.tolist(), strict=True))


def targets(label: Atoms, dispersion: str) -> tuple[float, NDArray[np.float64]]:
    """Return what is learned of a label: energy (eV) and forces (eV/Å), without D3 where that is added at run time."""
    energy, forces = label.get_potential_energy(), label.get_forces(apply_constraint=False)
    if dispersion == "added":
        d3_eV, d3_eV_A = d3_of(label)
        return energy - d3_eV, forces - d3_eV_A
    return energy, forces


def weights_of(forces: Sequence[NDArray[np.float64]], weighting: str) -> list[float]:
    """Return how much each frame counts; the mean is 1.

    Parameters
    ----------
    forces : sequence of arrays (n_atoms, 3)
        eV/Å.
    weighting : str
        ``even``, or ``relative``: by the inverse square of the rms of the forces, `SOFT_EV_A` added.
    """
    if weighting == "even":
        return [1.0] * len(forces)
    inverse = np.array([(SOFT_EV_A + np.sqrt((one**2).mean())) ** -2 for one in forces])
    # torchnep's bounds
    return [float(one) for one in np.clip(inverse / inverse.mean(), 0.01, 100.0).round(4)]


def fit(
    labels: Sequence[Atoms],
    settings: FitSettings,
    folder: Path,
    seed: int,
    start: Path | None = None,
    *,
    also: Sequence[str] = (),
) -> Path:
    """Fit a potential; what `iondrill.engines.ase.learned.calculator_of` reads is in the folder then.

    Parameters
    ----------
    labels : sequence of Atoms
        The training set.
    settings : FitSettings
        How.
    folder : Path
        Of the potential; a killed training resumes there.
    seed : int
        Of weights and batches.
    start : Path, optional
        A potential of the same elements and sizes, whose weights are the start.
    also : sequence of str
        Elements that the potential has beside those of the labels.

    Raises
    ------
    UserError
        If there is no label, the start has other sizes, or the training fails.
    """
    if not labels:
        raise UserError.of(folder, "there is no label to fit to")
    if start is not None:
        check_sizes(start, settings)
    folder.mkdir(parents=True, exist_ok=True)
    both = [targets(label, settings.dispersion) for label in labels]
    elements_eV = elements_after(labels, [energy for energy, _ in both], start, also)
    lines = []
    weights = weights_of([forces for _, forces in both], settings.weighting)
    for label, (energy, forces), weight in zip(labels, both, weights, strict=True):
        frame = in_wide_box(label, settings.cutoff_A)
        bare = frame.__class__(frame.numbers, positions=frame.positions, cell=frame.cell, pbc=True)
        bare.info["energy"] = energy - sum_over_atoms_eV(elements_eV, label)
        bare.info["weight"] = weight
        bare.set_array("forces", forces)
        lines.append(bare)
    with replacing(folder / "train.xyz") as temporary:
        write(temporary, lines, format="extxyz", write_results=False)
    write_text(folder / "nep.in", nep_input(sorted(elements_eV), settings))
    own: dict[str, Any] = {
        "seed": seed,
        "finetune_from": None if start is None else str((start / MODEL).resolve()),
        "compile": settings.compile,
        "epochs": settings.epochs,
    }
    write_text(folder / "settings.json", json.dumps(own, indent=1) + "\n")
    train_in(folder, NEP, settings)
    parameters = {
        "format": "nep",
        "elements_eV": elements_eV,
        "dispersion": "D3(BJ) PBE" if settings.dispersion == "added" else "learned",
        "cutoff_A": settings.cutoff_A,
    }
    write_text(folder / PARAMETERS, json.dumps(parameters, indent=1) + "\n")
    return folder


def train_in(folder: Path, how: Trainer, settings: FitSettings, threads: int = 1) -> None:
    """Train on what a folder holds; a killed training of the same inputs goes on.

    Raises
    ------
    UserError
        If the training fails, or leaves nothing.
    """
    log = folder / "training.log"
    forget_unless(folder, how.inputs, folder / how.left)
    run_trainer(how.program, [folder], log, settings, how.needed, threads=threads)
    if not (folder / how.made).is_file():
        raise UserError.of(log, f"the training failed: it left no {how.made}", how.needed)


def forget_unless(folder: Path, inputs: Sequence[str], left: Path) -> None:
    """Remove what a killed training left, unless it was one of the same inputs.

    Parameters
    ----------
    folder : Path
        Of the training.
    inputs : sequence of str
        Its files that decide on what comes out.
    left : Path
        File or folder that the training resumes from.
    """
    digest = hashlib.sha256(b"".join((folder / name).read_bytes() for name in inputs)).hexdigest()
    key = folder / "trained-on.txt"
    if not key.is_file() or key.read_text(encoding="utf-8") != digest:
        if left.is_dir():
            shutil.rmtree(left)
        left.unlink(missing_ok=True)
    write_text(key, digest)


def elements_after(
    labels: Sequence[Atoms], energies_eV: Sequence[float], start: Path | None, also: Sequence[str]
) -> dict[str, float]:
    """Return the elements' energies; those of a start are moved by what it leaves, or it would have to learn that.

    Parameters
    ----------
    labels : sequence of Atoms
        Their compositions count, and what the start says of them.
    energies_eV : sequence of float
        Of each, without D3 where that is added.
    start : Path or None
        A potential.
    also : sequence of str
        Elements that the potential has beside those of the labels.
    """
    if start is None:
        return dict.fromkeys(also, 0.0) | element_energies_eV(labels, energies_eV)
    potential = calculator_of(start)
    before: dict[str, float] = potential.parameters_of_fit["elements_eV"]
    if unknown := sorted(set(elements_of(labels)) - set(before)):
        raise UserError.of(start, f"has no parameters for {', '.join(unknown)}", f"allowed: {', '.join(before)}")
    known = dict.fromkeys(also, 0.0) | before
    left = [
        energy - potential.network(label)[0] - sum_over_atoms_eV(known, label)
        for label, energy in zip(labels, energies_eV, strict=True)
    ]
    moved = element_energies_eV(labels, left)
    return {element: energy + moved.get(element, 0.0) for element, energy in known.items()}


def check_sizes(start: Path, settings: FitSettings) -> None:
    """Refuse a potential whose network has other sizes than the fit that is to start from it.

    Parameters
    ----------
    start : Path
        Its folder; the head of its ``nep.txt`` says the sizes (GPUMD's manual, nep.txt).
    settings : FitSettings
        Of the fit.

    Raises
    ------
    UserError
        That names the setting, what the potential has, and what is asked for.
    """
    with (start / MODEL).open(encoding="utf-8") as file:
        head = {words[0]: words[1:] for words in (line.split() for line in islice(file, 7)) if len(words) > 2}
    asked = {
        "neurons": (head["ANN"][0], settings.neurons),
        "n_max": (head["n_max"][0], settings.n_max),
        "basis_size": (head["basis_size"][0], settings.basis_size),
        "cutoff_A": (head["cutoff"][0], settings.cutoff_A),
        "angular_cutoff_A": (head["cutoff"][1], settings.angular_cutoff_A),
    }
    for name, (has, wanted) in asked.items():
        if float(has) != wanted:
            raise UserError.of(start / MODEL, f"has {name} {has}, the fit {wanted:g}", f"allowed: fit.{name}: {has}")


def nep_input(elements: Sequence[str], settings: FitSettings) -> str:
    """Return the ``nep.in`` of a training."""
    rows = {
        "type": f"{len(elements)} {' '.join(elements)}",
        "version": "4",
        "zbl": "2",
        "cutoff": f"{settings.cutoff_A:g} {settings.angular_cutoff_A:g}",
        "n_max": f"{settings.n_max} {settings.n_max}",
        "basis_size": f"{settings.basis_size} {settings.basis_size}",
        "l_max": "4 2 1",
        "neuron": f"{settings.neurons}",
        "lambda_e": f"{settings.energy_weight:g}",
        "lambda_f": "1",
        "lambda_v": "0",
        "batch": f"{settings.batch}",
        "epoch": f"{settings.epochs}",
        "lr": f"{settings.learning_rate:g}",
        "lr_scheduler": "step",
    }
    return "".join(f"{key} {value}\n" for key, value in rows.items())


def trainer(settings: FitSettings) -> str:
    """Return the Python that trains: as the settings say, else that of ``make fit-environment``, else this one."""
    if settings.python:
        return str(Path(settings.python).expanduser())
    return str(MADE_FOR_IT) if MADE_FOR_IT.is_file() else sys.executable


def run_trainer(
    program: str, given: Sequence[Path], log: Path, settings: FitSettings, needed: str, *, threads: int = 1
) -> None:
    """Run a program in the Python that trains.

    Parameters
    ----------
    program : str
        Its file.
    given : sequence of Path
        Its arguments.
    log : Path
        Written: what it says.
    settings : FitSettings
        Name the Python.
    needed : str
        What that Python must have.
    threads : int
        That it may use.

    Raises
    ------
    UserError
        If it cannot be run, or fails; with the last line that it said.
    """
    # isolated: modules in the folder of the program must not replace those of the standard library or of that Python
    command = [trainer(settings), "-I", program, *(str(path.resolve()) for path in given)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    with log.open("w", encoding="utf-8") as stream:
        try:
            ended = subprocess.run(command, stdout=stream, stderr=subprocess.STDOUT, check=False, env=environment)
        except OSError as error:
            raise UserError.of("potential.fit.python", f"cannot be run: {error.strerror}: {command[0]}") from None
    if ended.returncode:
        said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise UserError.of(log, f"the training failed: {said[-1] if said else 'no word'}", needed)
