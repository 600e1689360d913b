"""Order parameters of a CP2K trajectory: 20 000 frames of 225 atoms, and the memory that 100 000 take.

Ours is what `iondrill analyse` does: read, compute, write the table. Theirs: chemfiles (https://chemfiles.org) reading
alone; the same formulas in a loop over `ase.io.iread` with ASE's neighbour list; our functions called for each frame
that ASE or MDAnalysis (https://mdanalysis.org) reads. The ASE loops and MDAnalysis are timed on 200 frames and scaled.
"""

from __future__ import annotations

import importlib.util
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from frame import ROOT, Growth, Row, benchmark, compare, cost, in_turn

from iondrill.analyse.dynamics.order import CC_BOND_A, CH_BOND_A, geometry, order_parameters, write_order
from iondrill.collect.readers import read_chunks
from iondrill.geometry.checks import read_structure
from iondrill.geometry.io import write_structure
from iondrill.geometry.layers import flake_axes, gap, layer_normal, opening_angle, outside, penetration
from iondrill.geometry.registry import build
from iondrill.geometry.selection import CONTACT_A, select

PART = 200
"""Frames that the slow ones are timed on."""


def write_trajectory(path, atoms, frames):
    """Write a smooth motion, as CP2K does: every atom on an orbit of its own, of 0.1 Å and some ten femtoseconds."""
    random = np.random.default_rng(0)
    phase, swing = random.uniform(0, 2 * np.pi, (2, len(atoms), 3))
    symbols = atoms.get_chemical_symbols()
    bodies = []
    for k in range(PART):  # a whole number of periods: frames repeat without a jump
        moved = atoms.positions + 0.1 * np.sin(2 * np.pi * k / PART * (4 + np.round(swing)) + phase)
        rows = zip(symbols, moved.tolist(), strict=True)
        bodies.append("".join(f"{s:>3s}{x:20.10f}{y:20.10f}{z:20.10f}\n" for s, (x, y, z) in rows))
    with path.open("w") as file:
        for k in range(frames):
            file.write(
                f"{len(atoms):8d}\n i = {k:8d}, time = {k / 2:12.3f}, E = {-1300 - k / 8:20.10f}\n{bodies[k % PART]}"
            )


def ours(path, atoms):
    write_order((part.columns for part in order_parameters(read_chunks(path, atoms), atoms)), path.with_suffix(".csv"))


def chemfiles_reads(path, atoms):
    import chemfiles

    with chemfiles.Trajectory(str(path)) as trajectory:
        for k in range(trajectory.nsteps):
            assert len(trajectory.read_step(k).positions) == len(atoms)


def ase_loop(path, atoms):
    """Do the same as one writes it with ASE: a frame at a time, neighbours from its list."""
    from ase.io import iread
    from ase.neighborlist import neighbor_list

    selection = select(atoms, atoms.positions)
    cutoffs = {("C", "C"): CC_BOND_A, ("C", "H"): CH_BOND_A, ("Li", "C"): CONTACT_A["Li"]}
    for image in iread(path, index=f":{PART}"):
        positions = image.positions[None]
        axes = flake_axes(positions[:, selection.flake], selection.reference_A)
        normals = [layer_normal(positions[:, layer.carbon], axes[:, :, 2]) for layer in selection.layers]
        for part in ("edge", "centre"):
            gap(*(positions[:, getattr(layer, part)] for layer in selection.layers), *normals)
        opening_angle(*normals, axes)
        penetration(positions[:, selection.nd], positions[:, np.concatenate([x.edge for x in selection.layers])], axes)
        outside(positions, axes, normals, selection).sum(axis=1)
        i, j = neighbor_list("ij", image, cutoffs)
        nd, flake = np.isin(i, selection.nd), np.isin(j, selection.flake)
        (nd & flake).sum()
        (np.bincount(i[nd], minlength=len(image))[selection.nd] == 4).mean()
        np.isin(i, selection.ions).sum()


def frame_by_frame(path, atoms):
    """Read with ASE, and call our own function for each frame."""
    from ase.io import iread

    selection = select(atoms, atoms.positions)
    for image in iread(path, index=f":{PART}"):
        geometry(image.positions[None], selection)


def mdanalysis_loop(path, atoms):
    import MDAnalysis

    selection = select(atoms, atoms.positions)
    universe = MDAnalysis.Universe(str(path), format="XYZ", topology_format="XYZ")
    for frame in universe.trajectory[:PART]:
        geometry(frame.positions[None].astype(float), selection)


def peak_MB(path, start):
    """Return the peak resident memory of `iondrill analyse` in a process of its own."""
    words = ["analyse", str(path), "--structure", str(start), "-o", str(path.with_suffix(".csv"))]
    code = f"from iondrill.cli import main; assert main({words!r}) == 0"
    subprocess.run([sys.executable, "-c", code], check=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def rows(options):
    frames, many = (400, 0) if options.quick else (20_000, 100_000)
    work = f"order parameters of {frames} frames of 225 atoms, CP2K xyz"
    with tempfile.TemporaryDirectory() as folder:
        start, path = Path(folder, "start.extxyz"), Path(folder, "run.xyz")
        write_structure(build("paper-li", ROOT / "structures"), start)
        atoms = read_structure(start)
        if many:  # first: the peak of children never falls
            write_trajectory(path, atoms, many)
            peak, size_MB = peak_MB(path, start), path.stat().st_size / 1e6
            name = f"memory of order parameters of {many} frames ({size_MB:.0f} MB)"
            yield Row(name, "a limit", "MB", ours=peak, wanted=500)
        write_trajectory(path, atoms, frames)
        peers = (
            ("chemfiles, reading alone", "chemfiles", chemfiles_reads, 1, 0.5),
            ("an ASE loop with its neighbour list", "ase", ase_loop, PART / frames, 50),
            ("ASE read + our functions for each frame", "ase", frame_by_frame, PART / frames, 1),
            ("MDAnalysis read + our functions for each frame", "MDAnalysis", mdanalysis_loop, PART / frames, 1),
        )
        here = {
            name: lambda f=theirs, share=share: cost(lambda: f(path, atoms)) / share
            for name, module, theirs, share, _ in peers
            if importlib.util.find_spec(module)
        }
        taken = in_turn({"ours": lambda: ours(path, atoms)} | here, options.pairs)
        for name, module, _, _, wanted in peers:
            if name in here:
                yield compare(work, name, [(one["ours"], one[name]) for one in taken], wanted=wanted)
            else:
                yield Row(work, name, "s", note=f"{module} is not installed")
        sizes = (100, 200, 400) if options.quick else (2500, 5000, 10_000, 20_000)
        cpu_s = []
        for n in sizes:
            write_trajectory(path, atoms, n)
            cpu_s.append(min(cost(lambda: ours(path, atoms)).cpu_s for _ in range(2)))
        yield Growth("order parameters", "frames", [float(n) for n in sizes], cpu_s)


if __name__ == "__main__":
    benchmark("order_parameters", rows, "chemfiles", "MDAnalysis")
