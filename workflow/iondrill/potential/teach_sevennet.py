"""Fine-tune a pretrained SevenNet and label frames by it: a program of its own, for a Python that has torch and sevenn.

    python teach_sevennet.py FOLDER             train on FOLDER/train.xyz as FOLDER/settings.json says; resumes
    python teach_sevennet.py FOLDER FRAMES OUT  label frames (extended XYZ) by what was trained

Energies are those of the reference: what each element adds to the network's own is found by least squares first.
"""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

NETWORK, CHECKPOINT, ELEMENTS = "network.pth", "network.part.pth", "elements.json"
FORCE_DELTA, ENERGY_DELTA = 0.3, 0.02
"""Errors beyond these, eV/Å and eV/atom, count by their size, smaller ones by its square (Huber)."""
AVERAGED, WARM_UP, STEEPEST = 0.98, 20, 5.0
"""Memory of the averaged weights, steps until the full learning rate, largest norm of a gradient."""


def built(network: str) -> tuple[Any, float]:
    """Return a pretrained network of the installed package, and its cutoff (Å)."""
    from sevenn.util import load_checkpoint

    checkpoint = load_checkpoint(network)
    model = checkpoint.build_model()
    model.set_is_batch_data(True)
    return model, float(checkpoint.config["cutoff"])


def graphs_of(frames: Sequence[Any], cutoff_A: float) -> list[Any]:
    """Return the graphs of some frames, each with its number."""
    from sevenn.atom_graph_data import AtomGraphData
    from sevenn.train.dataload import unlabeled_atoms_to_graph

    found = []
    for number, frame in enumerate(frames):
        graph = AtomGraphData.from_numpy_dict(unlabeled_atoms_to_graph(frame, cutoff_A))
        graph["number"] = number
        found.append(graph)
    return found


def batches(graphs: Sequence[Any], size: int, *, seed: int | None = None) -> Any:
    """Return batches of graphs, in order or shuffled."""
    import torch
    from torch_geometric.loader import DataLoader

    if seed is None:
        return DataLoader(list(graphs), batch_size=size)
    return DataLoader(list(graphs), batch_size=size, shuffle=True, generator=torch.Generator().manual_seed(seed))


def predicted(model: Any, graphs: Sequence[Any], size: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Return energies (n,) and forces of all atoms, without what the elements add."""
    model.eval()
    energies, forces = [], []
    for batch in batches(graphs, size):
        found = model(batch)
        energies.append(found["inferred_total_energy"].detach().double().numpy().reshape(-1))
        forces.append(found["inferred_force"].detach().double().numpy())
    return np.concatenate(energies), np.concatenate(forces)


def compositions(frames: Sequence[Any], elements: Sequence[str]) -> np.ndarray:
    """Return how many atoms of each element each frame has."""
    return np.array([[frame.get_chemical_symbols().count(one) for one in elements] for frame in frames], dtype=float)


def train(folder: Path) -> None:
    """Fine-tune, or resume from the last whole epoch."""
    import torch
    from ase.io import read

    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    torch.manual_seed(settings["seed"])
    frames = read(folder / "train.xyz", index=":", format="extxyz")
    model, cutoff_A = built(settings["network"])
    graphs = graphs_of(frames, cutoff_A)
    elements = sorted({symbol for frame in frames for symbol in frame.get_chemical_symbols()})
    counts, energies_eV = compositions(frames, elements), np.array([frame.get_potential_energy() for frame in frames])
    checkpoint, first = folder / CHECKPOINT, 0
    steps = torch.optim.AdamW(model.parameters(), lr=settings["learning_rate"], weight_decay=0.0, amsgrad=True)
    if checkpoint.is_file():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        steps.load_state_dict(state["steps"])
        added, averaged, first = np.array(state["elements_eV"]), state["averaged"], state["epoch"]
    else:
        added = np.linalg.lstsq(counts, energies_eV - predicted(model, graphs)[0], rcond=None)[0]
        averaged = [weights.detach().clone() for weights in model.parameters()]
    for graph, frame, own in zip(graphs, frames, energies_eV - counts @ added, strict=True):
        graph["wanted_energy"] = torch.tensor([own / len(frame)], dtype=torch.float32)
        graph["n"] = torch.tensor([len(frame)], dtype=torch.float32)
        graph["wanted_force"] = torch.tensor(frame.get_forces(apply_constraint=False), dtype=torch.float32)
    for epoch in range(first, settings["epochs"]):
        loader = batches(graphs, settings["batch"], seed=settings["seed"] + epoch)
        one_epoch(Learner(model, steps, averaged), loader, settings, epoch)
        torch.save(
            {
                "model": model.state_dict(),
                "steps": steps.state_dict(),
                "averaged": averaged,
                "elements_eV": added.tolist(),
                "epoch": epoch + 1,
            },
            checkpoint.with_suffix(".new"),
        )
        checkpoint.with_suffix(".new").replace(checkpoint)
    with torch.no_grad():
        for weights, mean in zip(model.parameters(), averaged, strict=True):
            weights.copy_(mean)
    (folder / ELEMENTS).write_text(json.dumps(dict(zip(elements, added.tolist(), strict=True)), indent=1) + "\n")
    torch.save(model.state_dict(), folder / NETWORK)


class Learner(NamedTuple):
    """A network, what moves its weights, and the average of these, which is kept in the end."""

    model: Any
    steps: Any
    averaged: list[Any]


def one_epoch(learner: Learner, loader: Any, settings: dict[str, Any], epoch: int) -> None:
    """Pass once over the labels; the learning rate falls as half a cosine over all epochs."""
    import torch

    model, steps, averaged = learner

    huber, total = torch.nn.functional.huber_loss, 0.0
    model.train()
    for number, batch in enumerate(loader):
        done = (epoch + number / len(loader)) / settings["epochs"]
        warm = min(1.0, (epoch * len(loader) + number + 1) / WARM_UP)
        for group in steps.param_groups:
            group["lr"] = settings["learning_rate"] * warm * 0.5 * (1 + math.cos(math.pi * done))
        found = model(batch)
        forces = huber(found["inferred_force"], batch["wanted_force"], delta=FORCE_DELTA)
        energies = huber(found["inferred_total_energy"] / batch["n"], batch["wanted_energy"], delta=ENERGY_DELTA)
        loss = forces + settings["energy_weight"] * energies
        steps.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), STEEPEST)
        steps.step()
        with torch.no_grad():
            for weights, mean in zip(model.parameters(), averaged, strict=True):
                mean.mul_(AVERAGED).add_(weights, alpha=1 - AVERAGED)
        total += float(forces.detach())
    print(f"epoch {epoch + 1}: {total / len(loader):.5f}", flush=True)


def label(folder: Path, source: Path, output: Path) -> None:
    """Write frames with the energies and forces of the trained network."""
    import torch
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.io import read, write

    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    elements_eV = json.loads((folder / ELEMENTS).read_text(encoding="utf-8"))
    model, cutoff_A = built(settings["network"])
    model.load_state_dict(torch.load(folder / NETWORK, weights_only=True))
    frames = read(source, index=":", format="extxyz")
    energies_eV, forces = predicted(model, graphs_of(frames, cutoff_A))
    energies_eV = energies_eV + compositions(frames, list(elements_eV)) @ np.array(list(elements_eV.values()))
    first = 0
    for frame, energy in zip(frames, energies_eV.tolist(), strict=True):
        frame.calc = SinglePointCalculator(frame, energy=energy, forces=forces[first : first + len(frame)])
        first += len(frame)
    write(output, frames, format="extxyz")


if __name__ == "__main__":
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    if len(sys.argv) == 2:
        train(Path(sys.argv[1]))
    else:
        label(*map(Path, sys.argv[1:4]))
