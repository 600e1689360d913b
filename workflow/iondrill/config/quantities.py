"""Kinds of numbers that YAML files hold, each with the range in which it makes sense.

The bounds are wide: they keep out slips (a missing point, a unit too large) and what would end in an overflow, a full
memory or a division by nothing, not unusual work.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from iondrill.config.base import Number

Length = Annotated[float, Field(ge=0.01, le=500), Number]
"""Å: of bonds, cells, boxes, steps between points."""
Margin = Annotated[float, Field(ge=0, le=500), Number]
"""Å."""
Radius = Annotated[float, Field(ge=0.1, le=50), Number]
"""Å, from the centre of a cut: the largest holds 90 000 atoms."""
Spacing = Annotated[float, Field(ge=0.01, le=5), Number]
"""Å, from point to point of a map."""
Coordinate = Annotated[float, Field(ge=-1000, le=1000), Number]
"""Å, or in units of an edge."""
Force = Annotated[float, Field(ge=1e-5, le=100), Number]
"""eV/Å."""
Energy = Annotated[float, Field(ge=1e-6, le=1e5), Number]
"""eV or meV, up to which a difference is small, or down to which an SCF goes."""
Width = Annotated[float, Field(ge=0, le=10), Number]
"""eV, of a smearing."""
Temperature = Annotated[float, Field(ge=0.1, le=100_000), Number]
"""K."""
Cutoff = Annotated[float, Field(ge=1, le=10_000), Number]
"""Ry or eV, of plane waves."""
Threshold = Annotated[float, Field(ge=1e-12, le=1), Number]
"""Of an SCF."""
Accuracy = Annotated[float, Field(ge=1e-6, le=1000), Number]
"""By which thresholds are multiplied."""
TimeStep = Annotated[float, Field(ge=0.001, le=20), Number]
"""fs."""
Duration = Annotated[float, Field(ge=0, le=1e9), Number]
"""fs."""
Weight = Annotated[float, Field(ge=1e-6, le=1e4), Number]
"""Without a unit: of one quantity against another, of a step."""
Steps = Annotated[int, Field(ge=1, le=10**9), Number]
"""Of dynamics."""
Cycles = Annotated[int, Field(ge=1, le=100_000), Number]
"""Steps of a relaxation, cycles of an SCF."""
Ranks = Annotated[int, Field(ge=1, le=100_000), Number]
"""Processes of a job."""
Few = Annotated[int, Field(ge=1, le=100), Number]
"""Layers, images, k-points along an edge."""
Frames = Annotated[int, Field(ge=0, le=10_000), Number]
"""Of a run."""
Atoms = Annotated[int, Field(ge=1, le=100_000), Number]
"""Of a structure."""
Neighbours = Annotated[int, Field(ge=0, le=20), Number]
"""Of an atom."""
PerCell = Annotated[float, Field(ge=0.01, le=100), Number]
"""Bonds or atoms for each 1×1 cell of a surface."""
Electrons = Annotated[int, Field(ge=-1000, le=1000), Number]
"""A charge."""
SpinStates = Annotated[int, Field(ge=1, le=1000), Number]
"""A multiplicity, 2S+1."""
MillerIndex = Annotated[int, Field(ge=-50, le=50), Number]
"""Of a plane or a direction."""
Shift = Annotated[float, Field(ge=-1.5, le=1.5), Number]
"""Å, by which an ion is lifted."""

LARGEST_GRADE = 2.0
"""Of an atom: what a fitted potential is asked for beyond it is outside its training."""
