"""A potential that needs no fit: its numbers are any, and as good as others to see what is done with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from iondrill.config.levels import AseLevel
from iondrill.engines.ase.grade import Grade
from iondrill.engines.ase.learned import MODEL, PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ase import Atoms

RADIAL, ANGULAR = (4, 6), (3, 5)


def random_potential(
    path: Path,
    elements: Sequence[str] = ("C", "H"),
    neurons: int = 8,
    cutoff_A: tuple[int, int] = (5, 4),
) -> AseLevel:
    """Write a ``nep.txt`` as GPUMD's manual describes it: heads, network of each element, descriptor."""
    n_inputs = RADIAL[0] + 1 + (ANGULAR[0] + 1) * 4
    n_network = len(elements) * (n_inputs + 2) * neurons + 1
    n_descriptor = len(elements) ** 2 * ((RADIAL[0] + 1) * (RADIAL[1] + 1) + (ANGULAR[0] + 1) * (ANGULAR[1] + 1))
    rng = np.random.default_rng(4)
    head = [
        f"nep4 {len(elements)} {' '.join(elements)}",
        f"cutoff {cutoff_A[0]} {cutoff_A[1]} 200 150",
        f"n_max {RADIAL[0]} {ANGULAR[0]}",
        f"basis_size {RADIAL[1]} {ANGULAR[1]}",
        "l_max 4 0 0",
        f"ANN {neurons} 0",
    ]
    values = [*rng.normal(scale=0.3, size=n_network + n_descriptor), *np.full(n_inputs, 0.5)]
    path.write_text("\n".join([*head, *(f"{value:.7e}" for value in values)]) + "\n")
    return AseLevel(engine="ase", calculator="NEP", arguments={"model_file": str(path)})


def potential_of(folder: Path, training: Sequence[Atoms], held: Sequence[Atoms]) -> Path:
    """Make the folder of a potential of hydrocarbons: its forces are any, its grade is real."""
    folder.mkdir()
    random_potential(folder / MODEL)
    parameters = {"elements_eV": {"C": 0.0, "H": 0.0}, "dispersion": "learned", "cutoff_A": 5.0}
    (folder / PARAMETERS).write_text(json.dumps(parameters))
    Grade.fitted(training, held).write(folder)
    return folder
