"""Levels of theory: a named engine with its settings. Every number that leaves the workflow carries one."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from iondrill.config.base import REMOVE, NonNegativeFloat, Number, PositiveFloat, PositiveInt, Removable, Strict

Grid = tuple[PositiveInt, PositiveInt, PositiveInt]
Command = Annotated[list[str], Field(min_length=1, description="the program and its arguments")]
RANKS = "{ranks}"
PLACEHOLDER = re.compile(r"(?<!\$)\{[A-Za-z_][^{},\s]*\}")
"""What looks as if it were filled in; ``${NAME}`` is a shell's."""


def _only_ranks(word: str) -> str:
    """Refuse what would reach the launcher as it is."""
    if unknown := [found for found in PLACEHOLDER.findall(word) if found != RANKS]:
        raise ValueError(f"found '{unknown[0]}'; allowed: {RANKS}, the number of ranks")
    return word


def started_by(launcher: list[str], ranks: int) -> list[str]:
    """Return a launcher with the number of ranks filled in."""
    return [word.replace(RANKS, str(ranks)) for word in launcher]


class XtbLevel(Strict):
    """Extended tight binding by tblite, in process: the preview level."""

    engine: Literal["xtb"] = Field(description="the program")
    method: Literal["GFN2-xTB", "GFN1-xTB"] = Field("GFN2-xTB", description="GFN1 over-binds Na: not for energies")
    accuracy: PositiveFloat = Field(1.0, description="tblite's accuracy; SCF thresholds scale with it")
    electronic_temperature_K: PositiveFloat = Field(300.0, description="of the Fermi–Dirac occupations")
    max_scf_cycles: PositiveInt = Field(250, description="more than this: not converged")
    spin_polarisation: bool = Field(
        False,
        description="exchange between unpaired electrons (Neugebauer et al. 2023): without it low spin is always lower",
    )

    @property
    def ranks(self) -> int:
        """Cores that a job occupies: it runs in one process, on one core."""
        return 1

    @property
    def title(self) -> str:
        """The level in a few words, for tables and figures."""
        spin = "spin-polarised " if self.spin_polarisation else ""
        warm = "" if self.electronic_temperature_K == 300.0 else f", electrons at {self.electronic_temperature_K:g} K"
        return f"{spin}{self.method}, Γ point{warm}"


class DftLevel(Strict):
    """Density-functional theory by a program that is started with MPI."""

    engine: Literal["cp2k", "vasp"] = Field(description="the program")
    functional: Literal["PBE"] = Field("PBE", description="exchange and correlation")
    dispersion: Literal["D3(BJ)", "D3(0)", "none"] = Field("D3(BJ)", description="Grimme's D3, by its damping")
    command: Command
    ranks: PositiveInt = Field(1, description="MPI ranks: cores that a job occupies; schedulers are asked for them")
    launcher: list[Annotated[str, AfterValidator(_only_ranks)]] = Field(
        [], description="put before the command, e.g. [mpirun, -n, '{ranks}'] or [srun]; {ranks} is filled in"
    )

    @property
    def program(self) -> list[str]:
        """Launcher and command, as they are started."""
        return [*started_by(self.launcher, self.ranks), *self.command]

    @property
    def theory(self) -> str:
        """Functional and dispersion."""
        return self.functional if self.dispersion == "none" else f"{self.functional}-{self.dispersion}"


class Cp2kLevel(DftLevel):
    """Density-functional theory by CP2K (Gaussians and plane waves)."""

    engine: Literal["cp2k"] = Field(description="the program")
    command: Command = ["cp2k.psmp"]
    basis: Literal["DZVP-MOLOPT-SR-GTH", "DZVP-GTH", "TZV2P-GTH"] = Field(
        "DZVP-MOLOPT-SR-GTH",
        description="Gaussian basis set, with GTH pseudopotentials; MOLOPT for slabs: with the far-reaching "
        "functions that Li has in the others the SCF does not settle",
    )
    cutoff_Ry: PositiveFloat = Field(
        400.0, description="300–350 for MD, 400 for energies, 600–1000 for MD and ELF with Na"
    )
    rel_cutoff_Ry: PositiveFloat = Field(
        50.0, description="plane-wave cutoff of the grid that holds the narrowest Gaussian"
    )
    gapw: list[Literal["H", "C", "Si", "Li", "Na", "K"]] = Field(
        ["Na"],
        description="elements whose density near the nucleus stands on a grid of the atom's own in relaxations and "
        "energies (GAPW; MD and ELF stay without): on the grid of the box the force on Na is off by up to 1.5 eV/Å",
    )
    eps_scf: PositiveFloat = Field(1e-6, description="SCF threshold")
    max_scf_cycles: PositiveInt = Field(300, description="inner cycles of one SCF")
    kpoints: Grid = Field((3, 3, 1), description="Monkhorst–Pack grid of slabs; clusters use Γ")
    smearing_K: PositiveFloat = Field(300.0, description="Fermi–Dirac temperature where diagonalisation is used")
    fractional: bool = Field(
        False,
        description="clusters too start with diagonalisation and Fermi–Dirac occupations at `smearing_K`: one smooth "
        "energy surface for all frames that a potential is fitted to, dangling bonds included",
    )
    restricted_slabs: bool = Field(
        False,
        description="of slabs with an odd number of electrons: fill the orbitals of both spins alike; half the cost, "
        "and right where the electron of an ion joins those of a metal and leaves no moment",
    )
    dipole_correction: bool = Field(
        False, description="of slabs: cancel the field between unlike faces, so that the vacuum does not matter"
    )
    trust_radius_A: PositiveFloat = Field(
        0.25,
        description="longest step of an atom in a relaxation by BFGS. CP2K keeps a step that goes uphill: where an ion "
        "lies in a soft place, 0.1 is slower and surer",
    )
    poisson: Literal["WAVELET", "MT"] = Field("WAVELET", description="solver of non-periodic boxes")

    @property
    def title(self) -> str:
        """The level in a few words, for tables and figures."""
        spin = ", slabs spin-restricted" if self.restricted_slabs else ""
        return f"{self.theory}, {self.basis}, {self.cutoff_Ry:g} Ry{spin}"


class VaspLevel(DftLevel):
    """Density-functional theory by VASP (projector augmented waves)."""

    engine: Literal["vasp"] = Field(description="the program")
    command: Command = ["vasp_std"]
    encut_eV: PositiveFloat = Field(520.0, description="Li_sv needs about 499")
    ediff_eV: PositiveFloat = Field(1e-6, description="SCF threshold")
    max_scf_cycles: PositiveInt = Field(
        200, description="electronic steps of one SCF; more: the next rung of the ladder"
    )
    ismear: Annotated[int, Number] = Field(0, description="smearing; 0 is Gaussian")
    sigma_eV: NonNegativeFloat = Field(0.05, description="width of the smearing")
    kpoints: Grid = Field((3, 3, 1), description="Γ-centred grid of slabs; atoms use Γ")
    potcars: Annotated[dict[str, str], Removable()] = Field(
        {"C": "C", "H": "H", "Li": "Li_sv", "Na": "Na_pv", "K": "K_sv"},
        description=f"name of each element's PAW dataset in the user's own library; {REMOVE}",
    )
    potcar_functional: Literal["PBE_54", "PBE_52", "PBE_64", "PBE", "PBE_54_W_HASH", "PBE_52_W_HASH"] = Field(
        "PBE_54", description="pymatgen's name of the release that the datasets are taken from"
    )
    ncore: PositiveInt = Field(1, description="cores that share a band; the ELF needs 1")

    @property
    def title(self) -> str:
        """The level in a few words, for tables and figures."""
        return f"{self.theory}, PAW, {self.encut_eV:g} eV"


Level = Annotated[XtbLevel | Cp2kLevel | VaspLevel, Field(discriminator="engine")]
LEVELS: dict[str, type[XtbLevel | Cp2kLevel | VaspLevel]] = {"xtb": XtbLevel, "cp2k": Cp2kLevel, "vasp": VaspLevel}
