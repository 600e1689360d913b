"""The free energy along order parameters, with its error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from iondrill.analyse.dynamics.cases import QUANTITIES
from iondrill.report.figures.svg import OKABE_ITO, STYLE, canvas, to_svg

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from iondrill.analyse.energies.sampled import Profile

PANEL_IN = (5.2, 2.9)
SIGMAS = 1.96


def draw_free_energies(profiles: Sequence[Profile], coordinates: Mapping[str, str], levels: Mapping[str, str]) -> str:
    """Return profiles as SVG, a panel for each order parameter; bands are 95 % intervals.

    Parameters
    ----------
    profiles : sequence of Profile
        Those without a curve are named.
    coordinates, levels : mapping of str to str
        Order parameter of each, and the title of its level.
    """
    from matplotlib import rc_context

    panels = list(dict.fromkeys(coordinates.values()))
    with rc_context(STYLE):
        figure, axes = canvas(len(panels), 1, (PANEL_IN[0], PANEL_IN[1] * len(panels)))
        for ax, coordinate in zip(axes, panels, strict=False):
            own = [profile for profile in profiles if coordinates[profile.name] == coordinate]
            for k, profile in enumerate(own):
                if (curve := profile.curve) is None:
                    continue
                colour = OKABE_ITO[k % len(OKABE_ITO)]
                flaw = "" if profile.status == "converged" else ", not converged"
                label = f"{profile.name} ({levels[profile.name]}{flaw})"
                ax.plot(curve.coordinate_A, curve.free_energy_eV, color=colour, marker="o", ms=3, lw=1.3, label=label)
                band = SIGMAS * np.nan_to_num(curve.error_eV)
                ends = curve.free_energy_eV - band, curve.free_energy_eV + band
                ax.fill_between(curve.coordinate_A, *ends, color=colour, alpha=0.2, lw=0)
            words, unit = QUANTITIES[coordinate]
            ax.set_xlabel(f"{words} ({unit})")
            ax.set_ylabel("free energy (eV)")
            if ax.lines:
                ax.legend(fontsize=8)
            else:
                ax.text(0.5, 0.5, "no profile: windows did not converge", ha="center", transform=ax.transAxes)
        return to_svg(figure)
