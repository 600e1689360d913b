"""Calculators that are made in more than one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator


def orb(model: str, device: str = "cpu", **loading: Any) -> Calculator:
    """Return the calculator of a pretrained Orb model.

    Parameters
    ----------
    model : str
        Name of a function of `orb_models.forcefield.pretrained`.
    device : str
        Of torch.
    **loading
        Handed to that function.
    """
    from orb_models.forcefield import pretrained

    try:  # the module moved in version 0.6, which also returns an adapter of the atoms
        from orb_models.forcefield.inference.calculator import ORBCalculator
    except ImportError:
        from orb_models.forcefield.calculator import ORBCalculator
    loaded = getattr(pretrained, model)(device=device, **loading)
    network, *adapter = loaded if isinstance(loaded, tuple) else (loaded,)
    return ORBCalculator(network, *adapter, device=device)
