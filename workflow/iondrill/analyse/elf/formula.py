"""The electron localisation function from densities, their gradients and kinetic energy densities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from iondrill.analyse.density.wavefunction import LocalDensity
    from iondrill.config.levels import SpinD0

    Array = NDArray[np.float64]

# Kinetic energy density of the homogeneous electron gas, C_F ρ^(5/3), in hartree atomic units.
C_F = 0.3 * (3 * np.pi**2) ** (2 / 3)
D0_OF_SPIN: dict[SpinD0, float] = {"6pi2": 2 ** (2 / 3), "3pi2": 1.0}
"""What programs take for D₀ of one spin, in units of C_F ρσ^(5/3)."""
# CP2K (qs_elf_methods.F): added to D so that ELF vanishes with the density; it is C_F ρ^(5/3) at ρ = 10⁻³.
ELF_CUTOFF = 2.87e-5
ELF_FLOOR = 1e-4
# D is at most of the order of the density: below this it is negligible against 2.87·10⁻⁵.
RHO_NEGLIGIBLE = 1e-6
RHO_MASK = 1e-3
"""1/bohr³: where the density is lower, the ELF means nothing."""
D0_TINY = 1e-100  # keeps χ² finite where there is no density


def pauli_excess(rho: Array, gradient: Array, tau: Array) -> Array:
    """Return D = τ − |∇ρ|²/(8ρ), the kinetic energy density that the Pauli principle adds.

    Parameters
    ----------
    rho : array (...)
        Density, in atomic units: the total, or of one spin.
    gradient : array (3, ...)
        Its gradient.
    tau : array (...)
        ½ Σ nᵢ |∇ψᵢ|² of the same electrons.

    Returns
    -------
    array (...)
        Not below zero.

    References
    ----------
    Becke, Edgecombe, J. Chem. Phys. 92, 5397 (1990); Savin et al., Angew. Chem. Int. Ed. 31, 187 (1992).
    """
    weizsaecker = np.sum(gradient**2, axis=0) / (8 * np.maximum(rho, np.finfo(float).tiny))
    return np.asarray(np.maximum(tau - weizsaecker, 0.0))


def localisation(excess: Array, homogeneous: Array) -> Array:
    """Return ELF = 1/(1 + (D/D₀)²) with CP2K's conventions.

    Parameters
    ----------
    excess : array
        D, the sum over spins.
    homogeneous : array
        D₀ of the homogeneous electron gas of the same density, the sum over spins.

    Returns
    -------
    array
        0 to 1. As in CP2K (``qs_elf_methods.F``), 2.87·10⁻⁵ is added to D, and what is below 10⁻⁴ is 0.
    """
    chi = (excess + ELF_CUTOFF) / np.maximum(homogeneous, D0_TINY)
    elf = 1 / (1 + chi**2)
    return np.where(elf < ELF_FLOOR, 0.0, elf)


def elf_closed_shell(rho: Array, gradient: Array, tau: Array) -> Array:
    """Return the ELF of a closed shell, with D₀ = (3/10)(3π²)^⅔ ρ^(5/3).

    Parameters
    ----------
    rho, gradient, tau : array (...), (3, ...), (...)
        Of all electrons, in atomic units.

    References
    ----------
    Savin et al., Angew. Chem. Int. Ed. 31, 187 (1992).
    """
    return localisation(pauli_excess(rho, gradient, tau), C_F * rho ** (5 / 3))


def elf_spin_polarised(rho: Array, gradient: Array, tau: Array) -> Array:
    """Return the ELF of an open shell: D and D₀ are summed over the spins.

    D₀ of one spin is (3/10)(6π²)^⅔ ρσ^(5/3). For equal spins this is `elf_closed_shell`.

    Parameters
    ----------
    rho, gradient, tau : array (2, ...), (2, 3, ...), (2, ...)
        Of alpha and beta electrons, in atomic units.

    References
    ----------
    Kohout, Savin, Int. J. Quantum Chem. 60, 875 (1996); Lu, Chen, J. Comput. Chem. 33, 580 (2012) (Multiwfn).
    """
    excess = sum(pauli_excess(*spin) for spin in zip(rho, gradient, tau, strict=True))
    return localisation(np.asarray(excess), _homogeneous_of_spins(rho))


def _homogeneous_of_spins(rho: Array) -> Array:
    return np.asarray(D0_OF_SPIN["6pi2"] * C_F * np.sum(rho ** (5 / 3), axis=0))


def repair_uks_elf(elf: Array, rho: Array, spin_D0: SpinD0) -> Array:
    """Return the ELF of an open shell from the two ELF cubes of a spin-polarised CP2K run.

    For each spin CP2K (seen in 2023.1, source and runs) takes (3π²)^⅔ where (6π²)^⅔ is due, so that D/D₀ is 2^⅔ too
    large. D of each spin follows from its cube, and the ELF is built again from both.

    Parameters
    ----------
    elf : array (2, ...)
        ``…-ELF_S1-…`` and ``…-ELF_S2-…`` cubes.
    rho : array (2, ...)
        Density of alpha and beta electrons, (total ± spin density)/2, in 1/bohr³.
    spin_D0 : {"6pi2", "3pi2"}
        The level's ``elf_spin_D0``.

    Returns
    -------
    array (...)
        NaN where CP2K cut the cube of a spin to 0 although it has electrons (about ρσ < 6·10⁻⁵): its D is lost
        there, and it can matter next to the other spin.
    """
    rho = np.maximum(rho, 0)
    chi = np.sqrt(1 / np.maximum(elf, ELF_FLOOR) - 1)
    excess = np.maximum(chi * D0_OF_SPIN[spin_D0] * C_F * rho ** (5 / 3) - ELF_CUTOFF, 0.0)
    lost = (elf < ELF_FLOOR) & (rho > RHO_NEGLIGIBLE)
    repaired = localisation(excess.sum(axis=0), _homogeneous_of_spins(rho))
    return np.where(lost.any(axis=0), np.nan, repaired)


def elf_of(density: LocalDensity) -> Array:
    """Return the ELF of what was evaluated on points, closed shell or spin-polarised."""
    if len(density.rho) == 1:
        return elf_closed_shell(density.rho[0], density.gradient[0], density.tau[0])
    return elf_spin_polarised(density.rho, density.gradient, density.tau)
