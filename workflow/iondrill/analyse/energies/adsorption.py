"""Adsorption energies of ions on facets, and the table of them: no number from an unconverged part."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase.geometry import find_mic
from pydantic import RootModel

from iondrill.analyse.energies.bounds import out_of_bounds
from iondrill.analyse.energies.dispersion import IonDispersion, ion_dispersion
from iondrill.analyse.energies.row_status import FREE_LIKE, Note, RowStatus, Word, moved_to
from iondrill.analyse.energies.surroundings import around
from iondrill.config.base import Ion, PositiveFloat, Strict
from iondrill.config.load import load
from iondrill.errors import UserError
from iondrill.geometry.constraints import moving_atoms
from iondrill.geometry.surfaces.adsorbate import relaxed_sites
from iondrill.geometry.surfaces.from_file import LAYER_A

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.config.levels import Level
    from iondrill.engines.base import Result
    from iondrill.prepare.estimates import ErrorEstimate

TWO_SIDED_A = 2.5
"""First layers as far apart as this are one of each side; nearer ones may be, too."""


class Metal(Strict):
    """Cohesive energies at one method."""

    source: str
    dispersion: str = ""
    cohesive_energy_eV: dict[Ion, PositiveFloat]


class Metals(RootModel[dict[str, Metal]]):
    """What ``cohesive.yaml`` holds."""


@dataclass(frozen=True, kw_only=True)
class Adsorption:
    """One row of ``adsorption.csv``: ions on a site of a facet.

    Parameters
    ----------
    facet, termination, adsorbate, site : str
        Names; the site is where the ions were put at the start.
    level : Level
        Of all three calculations.
    combined, substrate, atom : Result
        Of the slab with the ions, the clean slab and the free atom.
    geometry : Atoms
        The last geometry of the slab with the ions, or the one it started from: fragments "slab" and "adsorbate",
        tags that count the slab's layers from 1 at the top.
    sites : mapping of str to (n_positions, 3) array
        *All* positions of each kind of site in the cell, equivalent ones included; their x and y are used.
    faults : mapping of str to str
        What is wrong with the relaxed "clean slab" and "slab with ion", in one line; empty where nothing is.
    clean : Atoms, optional
        The relaxed clean slab, atom by atom that of `geometry`: for the displacement of the substrate.
    metal_eV : float, optional
        Energy of the bulk metal at this level, per atom; by default the tabulated cohesive energy is used, if any.
    error : ErrorEstimate, optional
        Error of E_ads from the settings of the level, as a convergence study found it.
    """

    facet: str
    termination: str
    adsorbate: Ion
    site: str
    level: Level
    combined: Result
    substrate: Result
    atom: Result
    geometry: Atoms
    sites: Mapping[str, NDArray[np.float64]]
    faults: Mapping[str, str] = field(default_factory=dict)
    clean: Atoms | None = None
    metal_eV: float | None = None
    error: ErrorEstimate | None = None

    @property
    def parts(self) -> dict[str, Result]:
        """The calculations by the names that ``status`` gives them."""
        return {"slab with ion": self.combined, "clean slab": self.substrate, "atom": self.atom}

    @property
    def n(self) -> int:
        """Number of ions."""
        return int(_ions(self.geometry).sum())

    @cached_property
    def dispersion(self) -> IonDispersion | None:
        """What D4 takes the ions for; None where the level has no D4."""
        return ion_dispersion(self.geometry) if self.level.has_d4 and self.combined.status == "converged" else None

    @property
    def coverage_ML(self) -> float:
        """Ions for each atom of the topmost layer, H left out."""
        return self.n / int(_top_layer(self.geometry).sum())

    @cached_property
    def status(self) -> RowStatus:
        """What became of it; see `status`."""
        return status(self)

    @property
    def E_ads_eV(self) -> float | None:
        """Adsorption energy, eV per ion.

        None unless all three parts converged, with whole slabs, at one level with one version of the engine.
        """
        return _numbers(self)["E_ads_eV"] if self.status.word == "converged" else None

    @property
    def against_metal(self) -> tuple[float | None, str]:
        """E_ads against the bulk metal, eV per ion, and what that is; None and nothing if it is not known."""
        return (None, "") if self.E_ads_eV is None else against_metal(self, self.E_ads_eV)

    @property
    def error_estimate(self) -> ErrorEstimate | None:
        """Error of E_ads from the settings; None where there is no E_ads."""
        return self.error if self.status.word == "converged" else None

    @property
    def height_A(self) -> float | None:
        """Height of the ions; None unless the slab with the ions converged."""
        return height(self.geometry) if self.combined.status == "converged" else None

    @cached_property
    def displaced_A(self) -> tuple[float | None, float | None]:
        """How far the substrate is displaced, root mean square and largest, Å; None unless both slabs converged."""
        if self.clean is None or not self.combined.status == self.substrate.status == "converged":
            return None, None
        return displaced_substrate(self.geometry, self.clean)

    @property
    def charge(self) -> tuple[float | None, str]:
        """Mean charge of the ions, e, and the scheme; None and nothing unless the slab with the ions converged."""
        return ion_charge(self.geometry) if self.combined.status == "converged" else (None, "")


def adsorption_energy(combined_eV: float, substrate_eV: float, atom_eV: float, n: int) -> float:
    """Return E_ads = (E_tot - E_sub - n E_atom) / n in eV per ion; negative: bound.

    Sun et al., Energy Environ. Mater. 2024, doi 10.1002/eem2.12749.
    """
    return (combined_eV - substrate_eV - n * atom_eV) / n


@cache
def cohesive_energies() -> Metals:
    """Return the table of cohesive energies."""
    return load(Metals, Path(__file__).with_name("cohesive.yaml"))


def cohesive_energy(level: Level, element: Ion) -> float | None:
    """Return the cohesive energy of the bulk metal in eV per atom, if it is known at the level's method.

    Parameters
    ----------
    level : Level
        Its functional, or tight-binding method, counts; dispersion does not (see ``cohesive.yaml``).
    element : str
        The metal.
    """
    metal = cohesive_energies().root.get(level.reference)
    return None if metal is None else metal.cohesive_energy_eV.get(element)


def against_metal(row: Adsorption, E_ads_eV: float) -> tuple[float | None, str]:
    """Return E_ads against the bulk metal, and what that is: computed at this level, or tabulated at its method.

    Parameters
    ----------
    row : Adsorption
        With the energy of the atom.
    E_ads_eV : float
        Against the free atom.
    """
    if row.metal_eV is not None and row.atom.energy_eV is not None:
        return E_ads_eV + row.atom.energy_eV - row.metal_eV, f"bulk {row.adsorbate} at {row.combined.level}"
    E_coh_eV = cohesive_energy(row.level, row.adsorbate)
    return (None, "") if E_coh_eV is None else (E_ads_eV + E_coh_eV, "tabulated cohesive energy")


def displaced_substrate(geometry: Atoms, clean: Atoms) -> tuple[float, float]:
    """Return how far the ions displace the substrate: root mean square and largest, over its free atoms, Å.

    Parameters
    ----------
    geometry : Atoms
        Slab and ions, relaxed.
    clean : Atoms
        The same slab without ions, relaxed, with its fixed atoms.
    """
    slab = geometry[geometry.arrays["fragment"] != "adsorbate"]
    arms = find_mic(slab.positions - clean.positions, clean.cell, clean.pbc)[1]
    moved = arms[moving_atoms(clean)]
    return (float(np.sqrt((moved**2).mean())), float(moved.max())) if len(moved) else (0.0, 0.0)


def ion_charge(geometry: Atoms) -> tuple[float | None, str]:
    """Return the mean charge of the ions, e, and the scheme: Hirshfeld's where there is one, else Mulliken's."""
    for scheme in ("hirshfeld", "mulliken"):
        charges = geometry.arrays.get(f"{scheme}_e")
        if charges is not None:
            return float(charges[_ions(geometry)].mean()), scheme.capitalize()
    return None, ""


def status(row: Adsorption) -> RowStatus:
    """Return what became of a row: a word, and what there is to say.

    ``converged`` (``converged; moved to bridge``); ``not_converged`` or ``failed``, with each part that is and
    why; ``refused`` if a slab fell apart, the parts are not of one level and version of the engine, or a number lies
    outside its bounds. What lies around the ion, and on which side of D4's step it is, follows.
    """
    words, notes = set[Word]({"converged"}), list[Note]()
    for name, result in row.parts.items():
        if result.status in {"not_converged", "failed"}:
            words.add(result.status)
            notes.append(Note(text=f"{name} {result.status}: {result.why}"))
        elif result.energy_eV is None:
            words.add("refused")
            notes.append(Note(text=f"{name} has no energy"))
        if result.status == "converged" and (fault := row.faults.get(name)):
            words.add("refused")
            notes.append(Note(text=f"{name} fell apart: {fault}"))
        differences = [
            Note(text=f"{field} of {name} is {getattr(result, field)}, of slab with ion {getattr(row.combined, field)}")
            for field in ("level", "engine", "engine_version")
            if getattr(result, field) != getattr(row.combined, field)
        ]
        words |= {"refused"} if differences else set()
        notes += differences
    if row.combined.status == "converged":
        if words == {"converged"}:
            beyond = [Note(text=text) for text in out_of_bounds(_numbers(row), row.adsorbate)]
            notes += beyond
            words |= {"refused"} if beyond else set()
        found = relaxed_sites(row.geometry, row.sites)
        notes += [moved_to(found)] if found != [row.site] else []
        notes += around(row.combined.neighbourhood, row.n)
        if (dispersion := row.dispersion) and dispersion.free_like:
            notes.append(Note(text=FREE_LIKE, code="free_like"))
    return RowStatus.worst(words, notes)


def _numbers(row: Adsorption) -> dict[str, float]:
    """Return what of a row has bounds, by column; all three parts have an energy."""
    combined_eV, substrate_eV, atom_eV = (part.energy_eV or 0.0 for part in row.parts.values())
    charge_e, _ = ion_charge(row.geometry)
    return {
        "E_ads_eV": adsorption_energy(combined_eV, substrate_eV, atom_eV, row.n),
        "height_A": height(row.geometry),
        **({} if charge_e is None else {"charge_e": charge_e}),
    }


def height(geometry: Atoms) -> float:
    """Return the height of the ions above the topmost layer, in Å, in the relaxed geometry.

    Mean z of the ions minus mean z of the slab's first layer (tag 1): the dimers of (100), the upper chains of
    Pandey's (111). On a hydrogenated facet this is the layer that carries the hydrogen; on a two-sided slab, the
    mean of both sides, which a single layer has in common.

    Parameters
    ----------
    geometry : Atoms
        Slab and ions; see `Adsorption`.

    Raises
    ------
    UserError
        If there is no ion, or no atom but H with tag 1.
    """
    z = geometry.positions[:, 2]
    ions, layer = z[_ions(geometry)], z[_top_layer(geometry)]
    middle_A = z[geometry.arrays["fragment"] == "slab"].mean()
    # no ion gets below the middle of a slab whose back is not a side, too
    if np.ptp(layer) > TWO_SIDED_A or ions.min() < middle_A < ions.max():
        apart = np.diff(np.sort(layer)).max(initial=0.0) > LAYER_A
        ions, layer = abs(ions - layer.mean()), abs(layer - layer.mean()) if apart else np.zeros(1)
    return float(ions.mean() - layer.mean())


def _ions(geometry: Atoms) -> NDArray[np.bool_]:
    return _some(geometry, geometry.arrays["fragment"] == "adsorbate", "an atom of fragment 'adsorbate'")


def _top_layer(geometry: Atoms) -> NDArray[np.bool_]:
    top = (geometry.arrays["fragment"] == "slab") & (geometry.get_tags() == 1) & (geometry.numbers > 1)
    return _some(geometry, top, "atoms of fragment 'slab' with tag 1, the topmost layer")


def _some(geometry: Atoms, mask: NDArray[np.bool_], what: str) -> NDArray[np.bool_]:
    if not mask.any():
        raise UserError.of(f"slab with ion, {geometry.get_chemical_formula()}", "incomplete", f"needed: {what}")
    return mask
