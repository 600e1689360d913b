"""Reading a cube file of 54 MB, and a plane of it, against pymatgen, ASE and the machine's raw read.

Ours is `iondrill.analyse.density.cube.Cube.read`; theirs `pymatgen.io.common.VolumetricData.from_cube`
(https://pymatgen.org) and `ase.io.cube.read_cube` (https://ase-lib.org). Raw is the file read as bytes. All find the
file in the page cache. The values are those of a Gaussian, written as CP2K writes them (6 values of 13 characters in
a line).
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from ase.io.cube import read_cube
from frame import Growth, benchmark, compare, cost, paired
from pymatgen.io.common import VolumetricData

from iondrill.analyse.density.cube import Cube


def write_cube(path, n):
    """Write n³ values."""
    x = np.linspace(-4, 4, n)
    values = 0.3 * np.exp(-(x[:, None, None] ** 2 + x[None, :, None] ** 2 + x**2))
    head = ["-Quickstep-", " ELECTRON DENSITY", "    1    0.000000    0.000000    0.000000"]
    head += [f"{n:5d}" + "".join(f"{0.1 * (k == axis):12.6f}" for k in range(3)) for axis in range(3)]
    with path.open("w") as file:
        file.write("\n".join([*head, "    6    4.000000    8.000000    8.000000    8.000000"]) + "\n")
        for row in values.reshape(-1, n):
            words = [f"{value:13.5E}" for value in row.tolist()]
            file.write("\n".join("".join(words[k : k + 6]) for k in range(0, n, 6)) + "\n")


def ase_reads(path):
    with path.open() as file:
        return read_cube(file)["data"]


def rows(options):
    with tempfile.TemporaryDirectory() as folder:
        sizes = (20, 40) if options.quick else (40, 80, 160)
        paths = {n: Path(folder, f"{n}.cube") for n in sizes}
        for n, path in paths.items():
            write_cube(path, n)
        path = paths[sizes[-1]]
        size_MB = path.stat().st_size / 1e6
        values = Cube(path).read()
        assert np.allclose(values, ase_reads(path), rtol=1e-15, atol=0)  # beyond 10²² the last bit differs
        assert np.allclose(values, VolumetricData.from_cube(path).data["total"], rtol=1e-15, atol=0)
        work = f"reading a cube of {size_MB:.0f} MB"
        for name, theirs, wanted in (
            ("pymatgen VolumetricData", lambda: VolumetricData.from_cube(path), 5),
            ("ase.io.cube", lambda: ase_reads(path), None),
            ("the bytes alone", path.read_bytes, None),
        ):
            pairs = paired(lambda: Cube(path).read(), theirs, options.pairs)
            speeds = [size_MB / np.median([one.cpu_s for one in side]) for side in zip(*pairs, strict=True)]
            note = f"{speeds[0]:.0f} against {speeds[1]:.0f} MB/s"
            yield compare(work, name, pairs, wanted=wanted, note=note)
        n = sizes[-1]
        pairs = paired(
            lambda: Cube(path).read((0, n // 2, 0), (n, n // 2 + 1, n)), lambda: ase_reads(path), options.pairs
        )
        yield compare(f"a plane of a cube of {size_MB:.0f} MB", "ase.io.cube", pairs)
        taken = [min(cost(lambda p=p: Cube(p).read()).cpu_s for _ in range(3)) for p in paths.values()]
        yield Growth("reading a cube", "points", [float(n**3) for n in sizes], taken)


if __name__ == "__main__":
    benchmark("cube_reading", rows)
