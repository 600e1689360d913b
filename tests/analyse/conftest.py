"""Wavefunctions for tests of what is made from them."""

import pytest
from ase.units import Bohr

from iondrill.analyse.density.wavefunction import read_molden


@pytest.fixture(scope="session")
def embedded(tmp_path_factory):
    """Return a function from atoms to their GFN2 wavefunction."""
    from tblite.interface import Calculator

    from iondrill.engines.xtb.wavefunction import write_molden

    def compute(atoms, uhf=0):
        calculator = Calculator("GFN2-xTB", atoms.numbers, atoms.positions / Bohr, uhf=uhf)
        calculator.set("verbosity", 0)
        calculator.set("accuracy", 0.01)
        path = tmp_path_factory.mktemp("gfn2") / "wavefunction.molden"
        write_molden(path, atoms, calculator.singlepoint())
        return read_molden(path)

    return compute
