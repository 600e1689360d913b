"""Print the CPU time of a step of SevenNet-0, in seconds, for each file: run by `nep_others.py` with torch's Python.

The median of `STEPS` steps at positions that move a little each time, after a first one; one thread. Of `LARGE` atoms
and more the convolutions are not kept for the gradient but computed again (`torch.utils.checkpoint`): the forces are
the same, the memory is a fourth, and 225 atoms take a tenth longer.
"""

from __future__ import annotations

import json
import resource
import sys
from statistics import median

import numpy as np
import torch
from ase.io import read
from sevenn.calculator import SevenNetCalculator
from torch.utils.checkpoint import checkpoint

STEPS, LARGE = 1, 2000


def computed_again(forward):
    """Return a part of the network that keeps its input alone."""
    return lambda data: checkpoint(lambda given: forward(dict(given)), data, use_reentrant=False)


def without_memory(network):
    """Let the convolutions of a network compute anew what its gradient needs."""
    for name, part in network.named_children():
        if name.endswith("convolution"):
            part.forward = computed_again(part.forward)


def step_s(atoms):
    """Return what a step takes, once the first is over."""
    rng, taken = np.random.default_rng(1), []
    for _ in range(STEPS + 1):
        atoms.positions += rng.normal(scale=1e-4, size=atoms.positions.shape)
        before = resource.getrusage(resource.RUSAGE_SELF)
        atoms.get_forces()
        after = resource.getrusage(resource.RUSAGE_SELF)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return median(taken[1:])


if __name__ == "__main__":
    torch.set_num_threads(1)
    calculator = SevenNetCalculator("7net-0", device="cpu")
    found = []
    for path in sys.argv[1:]:
        structure = read(path, format="extxyz")
        if len(structure) >= LARGE:
            calculator = SevenNetCalculator("7net-0", device="cpu")
            without_memory(calculator.model)
        structure.calc = calculator
        found.append(step_s(structure))
    print(json.dumps(found))
