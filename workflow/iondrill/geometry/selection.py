"""Which atoms of a run count for what: decided once, from the start structure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from iondrill.errors import UserError
from iondrill.geometry.labels import FACING, SHEETS

if TYPE_CHECKING:
    from ase import Atoms

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

EDGE_DEPTH_A = 0.5
"""The edge is the outermost row of C: in graphene the next is 0.71 Å (zigzag) or 1.23 Å (armchair) behind it."""

CENTRE_RADIUS_A = 2.13
"""1.5 bonds: the hexagon about the centre of a flake; its next C are 2 bonds away."""

CONTACT_A = {"Li": 2.86, "Na": 3.14, "K": 3.47}
"""Ion-carbon contacts: half-way between the first and the second ring of C around an ion over a hexagon, 1 and 2
bonds aside and half a gap above; gaps 3.70 (LiC6), 4.5 (Na, stage 1, computed) and 5.35 Å (KC8)."""


LEAST_SPREAD_A = 0.1
"""Of a layer's C about their line in the xy plane; one bond to a side of it makes 0.8 Å and more."""


@dataclass(frozen=True)
class Layer:
    """Indices of a layer's carbon: all, those of the edge that faces the nanodiamond, and those at the centre."""

    carbon: Indices
    edge: Indices
    centre: Indices


@dataclass(frozen=True)
class Selection:
    """Which atoms count for what, decided once; see `select`: sheets are the C of all layers, further ones too."""

    lower: Layer
    upper: Layer | None
    sheets: Indices
    nd: Indices
    carbon: Indices
    hydrogen: Indices
    ions: Indices
    contact_A: Floats
    reference_A: Floats
    outline: Floats

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers there are."""
        return (self.lower,) if self.upper is None else (self.lower, self.upper)

    @property
    def flake(self) -> Indices:
        """The carbon of the layers that face each other."""
        return np.concatenate([layer.carbon for layer in self.layers])


def select(atoms: Atoms, positions_A: Floats) -> Selection:
    """Decide from the start structure which atoms count for what.

    The edge of a layer is its C within 0.5 Å of its smallest x; its centre, the C within 2.13 Å of the mean of its
    C. The outline of the flake is the convex hull, in the xy plane, of the C of all layers.

    Parameters
    ----------
    atoms : Atoms
        Species, and fragments "nd", "lower", "upper", "ion" in the array fragment.
    positions_A : (n_atoms, 3) array
        Of the start: layers in the xy plane, nanodiamond at smaller x.

    Raises
    ------
    UserError
        If fragments are not labelled, there is no layer, the C of a layer do not make a plane, a layer has a hole at
        its centre, or an ion has no known contact distance.
    """
    from scipy.spatial import ConvexHull

    if "fragment" not in atoms.arrays:
        raise UserError.of(
            "fragment", "the structure has no such array", "needed: nd, lower, upper or ion for each atom"
        )
    fragment, symbols = atoms.arrays["fragment"], np.array(atoms.get_chemical_symbols())
    carbon = symbols == "C"
    ions = np.flatnonzero(fragment == "ion")
    unknown = sorted(set(symbols[ions].tolist()) - set(CONTACT_A))
    if unknown:
        raise UserError.of("ions", f"found {', '.join(unknown)}", f"allowed: {', '.join(CONTACT_A)}")
    lower, upper = (_layer(name, np.flatnonzero(carbon & (fragment == name)), positions_A) for name in FACING)
    if lower is None:
        raise UserError.of("fragment", "no C is labelled 'lower'", "a run needs a flake")
    flake = positions_A[lower.carbon if upper is None else np.concatenate([lower.carbon, upper.carbon])]
    reference = flake - flake.mean(axis=0)
    return Selection(
        lower=lower,
        upper=upper,
        sheets=np.flatnonzero(carbon & np.isin(fragment, SHEETS)),
        nd=np.flatnonzero(carbon & (fragment == "nd")),
        carbon=np.flatnonzero(carbon),
        hydrogen=np.flatnonzero(symbols == "H"),
        ions=ions,
        contact_A=np.array([CONTACT_A[symbol] for symbol in symbols[ions]]),
        reference_A=reference,
        outline=ConvexHull(reference[:, :2]).equations,
    )


def _layer(name: str, carbon: Indices, positions_A: Floats) -> Layer | None:
    if not len(carbon):
        return None
    positions = positions_A[carbon]
    spread = np.linalg.svd(positions[:, :2] - positions[:, :2].mean(axis=0), compute_uv=False)
    if len(carbon) < 3 or spread[1] < LEAST_SPREAD_A:
        found = f"the layer '{name}' has {len(carbon)} C, all on one line"
        raise UserError.of("flake", found, "needed: three that are not: they make the layer's plane and outline")
    edge = positions[:, 0] < positions[:, 0].min() + EDGE_DEPTH_A
    centre = np.linalg.norm(positions - positions.mean(axis=0), axis=1) < CENTRE_RADIUS_A
    if not centre.any():
        raise UserError.of("flake", "a layer has no C at its centre", f"allowed: some within {CENTRE_RADIUS_A} Å")
    return Layer(carbon, carbon[edge], carbon[centre])
