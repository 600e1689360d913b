"""For which elements CP2K's data files hold basis sets and potentials: ``templates/cp2k/elements.yaml``."""

from __future__ import annotations

from iondrill.config.base import PositiveFloat, PositiveInt, Strict
from iondrill.config.load import load
from iondrill.errors import UserError
from iondrill.files import template_folder


class BasisSet(Strict):
    """The file of a basis set, and its elements."""

    file: str
    elements: list[str]


class Elements(Strict):
    """What the file holds."""

    potentials: dict[str, PositiveInt]
    cutoffs_Ry: dict[str, PositiveFloat]
    basis_sets: dict[str, BasisSet]

    def offered(self, basis: str) -> list[str]:
        """Return the elements that have a basis set of this name, and a potential."""
        return [element for element in self.basis_sets[basis].elements if element in self.potentials]


def cp2k_elements(basis: str | None = None) -> Elements:
    """Read the file.

    Parameters
    ----------
    basis : str, optional
        A basis set that it must know.

    Raises
    ------
    UserError
        If it does not.
    """
    path = template_folder("cp2k") / "elements.yaml"
    table = load(Elements, path)
    if basis is not None and basis not in table.basis_sets:
        raise UserError.of(path, f"has no basis set {basis}", f"allowed: {', '.join(table.basis_sets)}")
    return table
