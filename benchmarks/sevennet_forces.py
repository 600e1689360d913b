"""Print the CPU time of a step of SevenNet-0, in seconds, for each file: run by `nep_others.py` with torch's Python.

A step at positions that moved a little, after a first one; one thread. Of `LARGE` atoms
and more the convolutions are not kept for the gradient but computed again (`torch.utils.checkpoint`): the forces are
the same, the memory is a fourth, and 225 atoms take a tenth longer.
"""

from __future__ import annotations

import json
import resource
import sys

import numpy as np
import torch
from ase.io import read
from sevenn.calculator import SevenNetCalculator
from torch.utils.checkpoint import checkpoint

LARGE = 2000


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
    atoms.get_forces()
    atoms.positions += np.random.default_rng(1).normal(scale=1e-4, size=atoms.positions.shape)
    before = resource.getrusage(resource.RUSAGE_SELF)
    atoms.get_forces()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    torch.set_num_threads(1)
    found = []
    for path in sys.argv[1:]:
        structure = read(path, format="extxyz")
        structure.calc = SevenNetCalculator("7net-0", device="cpu")
        if len(structure) >= LARGE:
            without_memory(structure.calc.model)
        found.append(step_s(structure))
    print(json.dumps(found))
