"""Convergence studies: which settings are swept, and how small an error is small enough."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from iondrill.config.base import REMOVE, Entries, LevelName, Strict
from iondrill.config.levels import Grid
from iondrill.config.quantities import Accuracy, Cutoff, Energy, Few, Force, Length

GEOMETRY = ("vacuum_A", "layers")
"""Settings of the structure; all others that can be swept are keys of the level."""
SUBJECT_RULE = "a structure, atom.<ion> or <facet>.<ion>-<site>, e.g. nd29, atom.Li, C100-2x1.Li-cave"
Subject = Annotated[
    str,
    Field(
        pattern=r"^(atom\.(Li|Na|K)|[A-Za-z0-9][A-Za-z0-9+_-]{0,63}(\.[2-9]?(Li|Na|K)-[a-z0-9-]+)?)$",
        json_schema_extra={"x-means": "structure", "x-rule": SUBJECT_RULE, "x-refers-to": "subject"},
    ),
]
"""What is computed: a structure, an atom, or a facet with an ion, and then its adsorption energy."""


class Sweep(Strict):
    """Values of the settings that are varied, one at a time; the reference setting is always among them."""

    cutoff_Ry: list[Cutoff] = Field([], description="engine cp2k")
    rel_cutoff_Ry: list[Cutoff] = Field([], description="engine cp2k")
    encut_eV: list[Cutoff] = Field([], description="engine vasp")
    accuracy: list[Accuracy] = Field([], description="engine xtb; the smaller, the finer")
    kpoints: list[Grid] = Field([], description="slabs; engines cp2k and vasp")
    vacuum_A: list[Length] = Field(
        [], description="between the outermost atoms and their images: in the cube of clusters and atoms, above slabs"
    )
    layers: list[Few] = Field([], description="carbon layers of a facet")

    @model_validator(mode="after")
    def _sweeps_something(self) -> Sweep:
        if not any(values for _, values in self):
            raise ValueError(f"sweeps nothing; allowed: values of {', '.join(type(self).model_fields)}")
        return self

    @property
    def values(self) -> dict[str, list[Any]]:
        """The settings that have values, with these."""
        return {parameter: values for parameter, values in self if values}


class Tolerance(Strict):
    """Differences from the finest value of a sweep up to which a coarser one is sufficient."""

    energy_meV_atom: Energy = Field(1.0, description="total energy; where there is no adsorption energy")
    force_eV_A: Force = Field(0.01, description="longest difference of the forces on an atom that moves")
    E_ads_meV: Energy = Field(10.0, description="adsorption energy, per ion")


class Study(Strict):
    """Single points of one structure, from coarse to fine."""

    structure: Subject = Field(description=SUBJECT_RULE)
    level: LevelName = Field(description="level of theory; its settings are the reference settings")
    sweep: Sweep
    tolerance: Tolerance = Tolerance()


class ConvergenceStage(Strict):
    """What ``snakemake convergence`` computes: how results depend on cutoff, box, k-points and layers."""

    studies: Entries[Study] = Field({}, description=f"studies by name; {REMOVE}")
