"""Compute some labels of a file, or of a folder of files, again, and say how far they are from those that are kept.

    python tools/recompute_labels.py config.yaml examples/potential.yaml --labels PATH --count 3

The level and its k-points are those of the section `potential`. Ends with 1 if a force differs by more than 0.01 eV/Å.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from iondrill.config.project import read_config
from iondrill.files import files_named
from iondrill.potential.labels import Store, label, read_label, read_labels, sampled

ALLOWED_EV_A = 0.01


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("configfiles", nargs="+", type=Path)
    parser.add_argument("--labels", type=Path, required=True, help="extended XYZ, or a folder of such files")
    parser.add_argument("--count", type=int, default=3, help="how many, drawn at random")
    parser.add_argument("--seed", type=int, default=1, help="of the draw")
    given = parser.parse_args()
    stage = read_config(*given.configfiles).potential
    if stage is None:
        sys.exit("the configuration has no section `potential`")
    level = read_config(*given.configfiles).levels[stage.reference]
    kept = [one for file in files_named(given.labels, ".extxyz") for one in read_labels(Path(file))]
    drawn = np.random.default_rng(given.seed).choice(len(kept), size=min(given.count, len(kept)), replace=False)
    largest = 0.0
    for number in sorted(drawn.tolist()):
        old = kept[number]
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder) / "labels")
            bare = old.copy()
            path, result = label(
                bare, stage.reference, sampled(level, bare, stage.kpoint_length_A), store, Path(folder) / "job"
            )
            if path is None:
                print(f"{number} {old.info['group']}: {result.status if result else 'not computed'}")
                return 1
            new = read_label(path)
        off = float(np.abs(new.get_forces() - old.get_forces(apply_constraint=False)).max())
        energy_meV = 1000 * (new.get_potential_energy() - old.get_potential_energy()) / len(old)
        largest = max(largest, off)
        what = f"{number} {old.info['group']} {old.get_chemical_formula()}"
        print(f"{what}: forces {off:.5f} eV/Å, {energy_meV:.3f} meV/atom")
    return int(largest > ALLOWED_EV_A)


if __name__ == "__main__":
    sys.exit(main())
