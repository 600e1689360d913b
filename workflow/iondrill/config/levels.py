"""Levels of theory: a named engine with its settings. Every number that leaves the workflow carries one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Self, get_args

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from iondrill.config.base import REMOVE, KeysError, Number, Removable, Strict
from iondrill.config.calculators import Calculator, arguments_of_the_list, calculator, elements_of, files_among
from iondrill.config.quantities import (
    LARGEST_GRADE,
    Accuracy,
    Cutoff,
    Cycles,
    Few,
    Length,
    Ranks,
    Temperature,
    Threshold,
    Weight,
    Width,
)
from iondrill.files import digest_of, or_shipped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Grid = tuple[Few, Few, Few]
Command = Annotated[list[str], Field(min_length=1, description="the program and its arguments")]
SpinD0 = Literal["6pi2", "3pi2"]
"""D₀ of one spin in the engine's own ELF: (3/10)(6π²)^⅔ ρσ^(5/3), or what is due to both spins, with (3π²)^⅔."""
RANKS = "{ranks}"
PLACEHOLDER = re.compile(r"(?<!\$)\{[A-Za-z_][^{},\s]*\}")
"""What looks as if it were filled in; ``${NAME}`` is a shell's."""


def _only_ranks(word: str) -> str:
    """Refuse a placeholder that would reach the launcher unchanged."""
    if unknown := [found for found in PLACEHOLDER.findall(word) if found != RANKS]:
        raise ValueError(f"found '{unknown[0]}'; allowed: {RANKS}, the number of ranks")
    return word


def _known_calculator(name: str) -> str:
    """Refuse what is neither in the list nor a dotted path."""
    calculator(name)
    return name


def _of_the_list(schema: dict[str, Any]) -> None:
    """Tell the schema, which nothing needs at the start, the arguments that calculators of the list take."""
    schema["properties"] = {name: {} for name in arguments_of_the_list()}


def started_by(launcher: list[str], ranks: int) -> list[str]:
    """Return a launcher with the number of ranks filled in."""
    return [word.replace(RANKS, str(ranks)) for word in launcher]


TaskName = Literal["relax", "static", "md", "umbrella", "neb"]
VALENCE_ELECTRONS: dict[str, int] = {"H": 1, "C": 4, "Li": 1, "Na": 1, "K": 1, "Si": 4}
"""Valence electrons whose parity decides the spin; semicore shells are closed and do not matter."""


class Offer(NamedTuple):
    """For which elements a level can be used.

    Attributes
    ----------
    key : str
        The setting of the level that decides.
    what : str
        What an element needs, such as a basis set.
    elements : list of str or None
        Those that have it; None: not known before it runs.
    remedy : str
        What else may be done for an element whose valence electrons are known.
    """

    key: str
    what: str
    elements: list[str] | None
    remedy: str = ""


class LevelModel(Strict):
    """What every level of theory declares; each engine has a model of its own.

    Attributes
    ----------
    tasks : frozenset of str
        What its engine can do.
    thermostats : tuple of str
        Kinds that its dynamics offers.
    in_process : bool
        Whether it is computed in this very process, which takes seconds and writes no input files.
    samples_kpoints : bool
        Whether it has k-points; without, metals do not converge with their cell.
    writes_cubes : bool
        Whether it can write its own ELF and density on its grid.
    reuses_wavefunction : bool
        Whether an SCF can start from the wavefunction of another job.
    maps_parts : bool
        Whether the densities of a frame and its parts can be subtracted.
    boxes : frozenset of str
        Isolated kinds of structure, ``cluster`` and ``atom``, whose box can be chosen.
    has_electrons : bool
        Whether there is a wavefunction or density, and so an ELF.
    has_own_elf : bool
        Whether the engine computes the ELF itself, by its own D0 of one spin.
    asks_spin_D0 : bool
        Whether the level has to say what D0 of one spin is in the engine's own ELF: versions of the program differ.
    later : frozenset of str
        Settings that count in the hash of a job only where they are not the default: what was computed before there
        was such a setting stays valid.
    revision : int
        Version of what computes: raised by one where an engine comes to other numbers for the same settings, so that
        what an earlier revision computed is computed again.
    """

    tasks: ClassVar[frozenset[TaskName]]
    thermostats: ClassVar[tuple[str, ...]] = ("csvr", "none")
    in_process: ClassVar[bool] = False
    samples_kpoints: ClassVar[bool] = True
    writes_cubes: ClassVar[bool] = False
    reuses_wavefunction: ClassVar[bool] = False
    maps_parts: ClassVar[bool] = True
    boxes: ClassVar[frozenset[str]] = frozenset()
    has_electrons: ClassVar[bool] = True
    has_own_elf: ClassVar[bool] = False
    asks_spin_D0: ClassVar[bool] = False
    later: ClassVar[frozenset[str]] = frozenset()
    revision: ClassVar[int] = 1

    @property
    def reference(self) -> str:
        """Functional or tight-binding method, whose tabulated values and warnings are those of this level."""
        raise NotImplementedError

    @property
    def offer(self) -> Offer:
        """For which elements it can be used."""
        raise NotImplementedError

    @property
    def charge_scheme(self) -> str | None:
        """How the charges in frames of its dynamics are assigned to atoms; None: there are none."""
        return None

    @property
    def compares_spins(self) -> bool:
        """Whether energies of different multiplicities can be compared."""
        return True

    @property
    def has_d4(self) -> bool:
        """Whether D4 is part of the level."""
        return False

    @property
    def content(self) -> str:
        """Digest of the files that its settings name and that decide its result; "" if there are none."""
        return ""

    @property
    def takes_seconds(self) -> bool:
        """Whether a relaxation does: then many of them are one job of the workflow."""
        return False

    @property
    def learned(self) -> bool:
        """Whether it was fitted to another level: of structures that were not compared, nothing is known."""
        return False

    @property
    def fitted_in(self) -> Path | None:
        """The folder of the potential that it runs, which also says what was in its training; None for all others."""
        return None


class XtbLevel(LevelModel):
    """Extended tight binding by tblite, in process: the preview level."""

    tasks = frozenset({"relax", "static", "md", "umbrella", "neb"})
    in_process = True
    samples_kpoints = False

    engine: Literal["xtb"] = Field(description="the program")
    method: Literal["GFN2-xTB", "GFN1-xTB"] = Field("GFN2-xTB", description="GFN1 over-binds Na: not for energies")
    dispersion: Literal["own", "none"] = Field(
        "own",
        description="own: D4 in GFN2, D3 in GFN1; none: for ions on slabs, where D4 treats an ion as a free atom as "
        "soon as it is 0.3 Å higher. Without dispersion, layers do not bind to each other",
    )
    accuracy: Accuracy = Field(1.0, description="tblite's accuracy; SCF thresholds scale with it")
    electronic_temperature_K: Temperature = Field(300.0, description="of the Fermi–Dirac occupations")
    max_scf_cycles: Cycles = Field(250, description="more than this: not converged")
    spin_polarisation: bool = Field(
        False,
        description="exchange between unpaired electrons (Neugebauer et al. 2023): without it low spin is always lower",
    )

    @property
    def reference(self) -> str:
        """The method."""
        return self.method

    @property
    def offer(self) -> Offer:
        """Every element whose valence electrons are known."""
        return Offer("engine", "valence electrons", list(VALENCE_ELECTRONS))

    @property
    def charge_scheme(self) -> str:
        """GFN-xTB's own charges are Mulliken's."""
        return "Mulliken"

    @property
    def compares_spins(self) -> bool:
        """Whether unpaired electrons exchange: else low spin is always lower."""
        return self.spin_polarisation

    @property
    def has_d4(self) -> bool:
        """Whether D4 is part of the level."""
        return self.method == "GFN2-xTB" and self.dispersion == "own"

    @property
    def ranks(self) -> int:
        """Cores that a job occupies: it runs in one process, on one core."""
        return 1

    @property
    def title(self) -> str:
        """The level in a few words, for tables and figures."""
        spin = "spin-polarised " if self.spin_polarisation else ""
        warm = "" if self.electronic_temperature_K == 300.0 else f", electrons at {self.electronic_temperature_K:g} K"
        bare = " without dispersion" if self.dispersion == "none" else ""
        return f"{spin}{self.method}{bare}, Γ point{warm}"


class DftLevel(LevelModel):
    """Density-functional theory by a program that is started with MPI."""

    engine: Literal["cp2k", "vasp"] = Field(description="the program")
    functional: Literal["PBE"] = Field("PBE", description="exchange and correlation")
    dispersion: Literal["D3(BJ)", "D3(0)", "none"] = Field("D3(BJ)", description="Grimme's D3, by its damping")
    command: Command
    ranks: Ranks = Field(1, description="MPI ranks: cores that a job occupies; schedulers are asked for them")
    launcher: list[Annotated[str, AfterValidator(_only_ranks)]] = Field(
        [], description="put before the command, e.g. [mpirun, -n, '{ranks}'] or [srun]; {ranks} is filled in"
    )

    @property
    def reference(self) -> str:
        """The functional."""
        return self.functional

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

    tasks = frozenset({"relax", "static", "md"})
    thermostats = ("csvr", "nose", "none")
    writes_cubes = True
    reuses_wavefunction = True
    has_own_elf = True
    boxes = frozenset({"cluster", "atom"})

    engine: Literal["cp2k"] = Field(description="the program")
    command: Command = ["cp2k.psmp"]
    basis: Literal["DZVP-MOLOPT-SR-GTH", "DZVP-GTH", "TZV2P-GTH"] = Field(
        "DZVP-MOLOPT-SR-GTH",
        description="Gaussian basis set, with GTH pseudopotentials; MOLOPT for slabs: the diffuse Li functions of the "
        "other sets keep the SCF from converging",
    )
    cutoff_Ry: Cutoff = Field(400.0, description="300–350 for MD, 400 for energies, 600–1000 for MD and ELF with Na")
    rel_cutoff_Ry: Cutoff = Field(50.0, description="plane-wave cutoff of the grid that holds the narrowest Gaussian")
    gapw: list[Literal["H", "C", "Si", "Li", "Na", "K"]] = Field(
        ["Na"],
        description="elements whose density near the nucleus is computed on a grid of the atom's own in relaxations "
        "and energies (GAPW; not in MD and for the ELF): on the grid of the box the force on Na is off by up to "
        "1.5 eV/Å",
    )
    eps_scf: Threshold = Field(1e-6, description="SCF threshold")
    max_scf_cycles: Cycles = Field(300, description="inner cycles of one SCF")
    kpoints: Grid = Field((3, 3, 1), description="Monkhorst–Pack grid of slabs; clusters use Γ")
    smearing_K: Temperature = Field(300.0, description="Fermi–Dirac temperature where diagonalisation is used")
    fractional: bool = Field(
        False,
        description="clusters too start with diagonalisation and Fermi–Dirac occupations at `smearing_K`: one smooth "
        "energy surface for all frames that a potential is fitted to, dangling bonds included",
    )
    restricted_slabs: bool = Field(
        False,
        description="slabs with an odd number of electrons: fill the orbitals of both spins alike. This halves the "
        "cost, and is right where the electron of an ion joins those of a metal and leaves no moment",
    )
    dipole_correction: bool = Field(
        False,
        description="slabs: cancel the field between unlike faces, so that the vacuum does not matter; off by default: "
        "with it CP2K's SCF often fails to converge",
    )
    trust_radius_A: Length = Field(
        0.25,
        description="longest step of an atom in a relaxation by BFGS. CP2K keeps a step that goes uphill: where the "
        "energy surface around an ion is soft, 0.1 is slower and more reliable",
    )
    poisson: Literal["WAVELET", "MT", "PERIODIC"] = Field(
        "WAVELET",
        description="solver of clusters. PERIODIC: images in a box that need be no cube, at half the cost for a flat "
        "piece; for single points with vacuum to spare, as labels of a potential",
    )
    elf_spin_D0: SpinD0 = Field(
        "3pi2",
        description="for CP2K's own ELF of open shells (`elf.route: cube`): D₀ of one spin with (3π²)^⅔, as in CP2K "
        "2023.1 to 2026.2, or with the correct (6π²)^⅔; `iondrill elf-check` finds out which",
    )

    @property
    def charge_scheme(self) -> str:
        """Those of the frames are Hirshfeld's."""
        return "Hirshfeld"

    @property
    def title(self) -> str:
        """The level in a few words, for tables and figures."""
        spin = ", slabs spin-restricted" if self.restricted_slabs else ""
        return f"{self.theory}, {self.basis}, {self.cutoff_Ry:g} Ry{spin}"

    @property
    def offer(self) -> Offer:
        """Every element that has the basis set, and a potential."""
        from iondrill.config.cp2k_elements import cp2k_elements

        return Offer("basis", f"{self.basis} basis set", cp2k_elements(self.basis).offered(self.basis))


class VaspLevel(DftLevel):
    """Density-functional theory by VASP (projector augmented waves)."""

    tasks = frozenset({"relax", "static"})
    maps_parts = False
    boxes = frozenset({"cluster"})
    has_own_elf = True
    asks_spin_D0 = True

    engine: Literal["vasp"] = Field(description="the program")
    command: Command = ["vasp_std"]
    encut_eV: Cutoff = Field(520.0, description="Li_sv needs about 499")
    ediff_eV: Threshold = Field(1e-6, description="SCF threshold")
    max_scf_cycles: Cycles = Field(200, description="electronic steps of one SCF; more: the next fallback is tried")
    ismear: Annotated[int, Field(ge=-15, le=20), Number] = Field(0, description="smearing; 0 is Gaussian")
    sigma_eV: Width = Field(0.05, description="width of the smearing")
    kpoints: Grid = Field((3, 3, 1), description="Γ-centred grid of slabs; atoms use Γ")
    potcars: Annotated[dict[str, str], Removable()] = Field(
        {"C": "C", "H": "H", "Li": "Li_sv", "Na": "Na_pv", "K": "K_sv"},
        description=f"name of each element's PAW dataset in the user's own library; {REMOVE}",
    )
    potcar_functional: Literal["PBE_54", "PBE_52", "PBE_64", "PBE", "PBE_54_W_HASH", "PBE_52_W_HASH"] = Field(
        "PBE_54", description="pymatgen's name of the release that the datasets are taken from"
    )
    ncore: Ranks = Field(1, description="cores that share a band; the ELF needs 1")
    elf_spin_D0: SpinD0 | None = Field(
        None,
        description="for an ELFCAR of two spins: D₀ of one spin with the correct (6π²)^⅔, or with (3π²)^⅔, as in VASP "
        "5.4.4 to 6.3 as published. The stage elf needs this key, since it is not documented which version corrects "
        "it; `iondrill elf-check` finds out which",
    )

    @property
    def title(self) -> str:
        """The level in a few words, for tables and figures."""
        return f"{self.theory}, PAW, {self.encut_eV:g} eV"

    @property
    def offer(self) -> Offer:
        """Every element that has the name of a PAW dataset."""
        known = [element for element in self.potcars if element in VALENCE_ELECTRONS]
        return Offer("potcars", "PAW dataset", sorted(known), "; or an entry for it")


class AseLevel(LevelModel):
    """Any calculator of ASE, in process: a learned potential, another program's DFT, one of your own."""

    tasks = frozenset({"relax", "static", "md", "umbrella", "neb"})
    in_process = True
    maps_parts = False
    has_electrons = False
    later = frozenset({"largest_grade"})

    engine: Literal["ase"] = Field(description="the program")
    calculator: Annotated[str, AfterValidator(_known_calculator)] = Field(
        description="a name of [the list](ase-calculators.md), or the dotted path of a class or function that returns "
        "a calculator, from an installed package or a file in the project's folder",
        json_schema_extra={"x-means": "calculator of ASE"},
    )
    arguments: dict[str, Any] = Field(
        {},
        description="what it is called with, besides the defaults of the list; files are sought from the project",
        json_schema_extra=_of_the_list,
    )
    dispersion: Literal["none", "D3(BJ)"] = Field(
        "none", description="D3(BJ) of atom pairs, added by the package dftd3 to a potential that lacks it"
    )
    quick: bool | None = Field(
        None,
        description="whether a relaxation takes seconds: then whole facets, all their sites, are one job of the "
        "workflow; null: as the list says",
    )
    functional: str | None = Field(
        None, description="whose D3(BJ) parameters are added; null: that of the calculator in the list"
    )

    largest_grade: Weight | None = Field(
        LARGEST_GRADE,
        description="of a potential made by `snakemake potential`: dynamics that come to a larger "
        "[grade](potential.md) are stopped, a relaxation or path that ends at one has not converged; null: they go on",
    )

    @field_validator("arguments")
    @classmethod
    def _are_taken(cls, arguments: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        """Refuse arguments that a calculator of the list is known not to take."""
        if "calculator" in info.data:
            calculator(info.data["calculator"]).check(arguments)
        return arguments

    @model_validator(mode="after")
    def _has_arguments(self) -> Self:
        """Refuse a calculator that needs arguments where none are given."""
        if not self.arguments and self.entry.takes:
            raise KeysError(f"found no arguments; {self.calculator} needs {', '.join(self.entry.takes)}", "calculator")
        return self

    @model_validator(mode="after")
    def _one_dispersion(self) -> Self:
        """Refuse D3 twice, and D3 of no functional."""
        if self.dispersion == "none":
            return self
        if self.entry.has_dispersion:
            message = f"found '{self.dispersion}', which calculator {self.calculator} adds itself; allowed: none"
            raise KeysError(message, "dispersion")
        if self.d3_functional is None:
            message = f"found '{self.dispersion}' without a functional; allowed: functional: PBE, or another of dftd3"
            raise KeysError(message, "dispersion")
        return self

    @property
    def entry(self) -> Calculator:
        """What is known of the calculator."""
        return calculator(self.calculator)

    @property
    def d3_functional(self) -> str | None:
        """Whose D3 parameters are added."""
        return self.functional or self.entry.functional

    @property
    def reference(self) -> str:
        """The calculator: what is tabulated for a functional is not for what was fitted to it."""
        return self.calculator

    @property
    def offer(self) -> Offer:
        """The elements that the list knows of, or that the file of a fitted potential names."""
        return Offer("calculator", f"parameters of {self.calculator}", elements_of(self.entry, self.arguments))

    @property
    def charge_scheme(self) -> str | None:
        """That of the calculator."""
        return self.entry.charges

    @property
    def compares_spins(self) -> bool:
        """No: a potential does not know of spin."""
        return False

    @property
    def content(self) -> str:
        """Digest of the files that the arguments name."""
        paths = files_among(self.arguments)
        return digest_of(*paths) if paths else ""

    @property
    def takes_seconds(self) -> bool:
        """Whether a relaxation does, by the level or by the list."""
        return self.entry.quick if self.quick is None else self.quick

    @property
    def learned(self) -> bool:
        """Whether the list says what it was trained on; of a calculator of the user's own it is not known."""
        return bool(self.entry.trained_on)

    @property
    def fitted_in(self) -> Path | None:
        """The folder that a potential of `snakemake potential` is called with."""
        folder = self.arguments.get("potential")
        return or_shipped(folder) if self.entry.make.endswith(".learned.calculator_of") and folder else None

    @property
    def ranks(self) -> int:
        """Cores that a job occupies: it runs in one process, on one core."""
        return 1

    @property
    def title(self) -> str:
        """The level in a few words, for tables and figures."""
        own = ", ".join(f"{key} {value}" for key, value in self.arguments.items())
        more = f" + {self.dispersion} of {self.d3_functional}" if self.dispersion != "none" else ""
        return f"{self.calculator}{own and f' ({own})'}{more}"


AnyLevel = XtbLevel | Cp2kLevel | VaspLevel | AseLevel
Level = Annotated[AnyLevel, Field(discriminator="engine")]
LEVELS: dict[str, type[AnyLevel]] = {
    get_args(model.model_fields["engine"].annotation)[0]: model for model in get_args(AnyLevel)
}
"""The model of each engine's levels, by the name of the engine."""


def engines_that(able: Callable[[type[AnyLevel]], bool]) -> str:
    """Return the names of the engines whose levels are able to do something: ``xtb or cp2k``."""
    return " or ".join(name for name, model in LEVELS.items() if able(model))
