"""Memory does not grow with the length of a trajectory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from iondrill.analyse.dynamics.events import watch_for
from iondrill.analyse.dynamics.order import order_parameters, write_order
from iondrill.collect.readers import read_chunks
from iondrill.config.models import EventCriteria
from iondrill.geometry.registry import build
from iondrill.jobs.frames import FrameLog


def write_xyz(path, atoms, frames):
    rows = zip(atoms.get_chemical_symbols(), atoms.positions.tolist(), strict=True)
    body = "".join(f"{s:>3s}{x:20.10f}{y:20.10f}{z:20.10f}\n" for s, (x, y, z) in rows)
    heads = (f"{len(atoms):8d}\n i = {k:8d}, time = {k / 2:12.3f}, E = {-k / 8:20.10f}\n" for k in range(frames))
    path.write_text("".join(head + body for head in heads))


def write_log(path, atoms, frames):
    with FrameLog.open(path, len(atoms), forces=False, charges=False) as log:
        for k in range(frames):
            scalars = {"time_fs": k / 2, "temperature_K": 0, "potential_eV": 0, "conserved_eV": 0}
            log.append(step=k, positions_A=atoms.positions, velocities_A_fs=0 * atoms.positions, **scalars)


def peak_bytes(path, atoms):
    watch = watch_for(EventCriteria(), atoms)
    tracemalloc.start()
    try:
        write_order(watch.over(order_parameters(read_chunks(path, atoms), atoms)), path.with_suffix(".csv"))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("ending", "write"), [("xyz", write_xyz), ("bin", write_log)])
def test_ten_times_the_frames_take_no_more_memory(tmp_path, monkeypatch, recipes, ending, write):
    monkeypatch.setattr("iondrill.collect.xyz.CHUNK_BYTES", 1 << 16)
    monkeypatch.setattr("iondrill.jobs.frame_format.CHUNK_BYTES", 1 << 16)
    atoms = build("drill-nd29-li", recipes)
    peaks = []
    for frames in (30, 30, 300):  # the first also pays for what is imported
        path = tmp_path / f"{frames}.{ending}"
        path.unlink(missing_ok=True)
        write(path, atoms, frames)
        peaks.append(peak_bytes(path, atoms))
    frame_bytes = path.stat().st_size / frames
    assert peaks[2] - peaks[1] < 30 * frame_bytes  # of the 270 frames more
    lines = (tmp_path / "300.csv").read_text().splitlines()
    assert len(lines) == 301
    assert np.allclose(float(lines[-1].split(",")[5]), 3.7)
