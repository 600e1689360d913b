"""What the box of a drill does to the forces: the one that is fitted to it, against the paper's cube of 50 Å.

As `md_step.py`, at the highest cutoff that 24 GB allow. What the boxes differ in is the gradient of the density, by an
FFT, of which PBE is made, and it falls with the cutoff (LDA's forces differ a thousand times less).
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from frame import benchmark
from md_step import FITTED_A, PAPER_A, Boxes

CUTOFF_RY = 162
"""Of the highest whose finest grids in both boxes have 384³ and 192³ points: 15 GB."""


def rows(options):
    large_A, cutoff_Ry = (FITTED_A * 1.2, 112) if options.quick else (PAPER_A, CUTOFF_RY)
    with tempfile.TemporaryDirectory() as name:
        boxes = Boxes(Path(name, "boxes"), cutoff_Ry, large_A)
        boxes.start()
        yield boxes.apart(limit=1e-4)


if __name__ == "__main__":
    benchmark("md_forces", rows, pairs=1)
