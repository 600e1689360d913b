"""A library of invented PAW datasets, and levels that run the double of VASP."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DOUBLE = [sys.executable, str(Path(__file__).with_name("vasp_double.py"))]
DATASETS = {"C": ("C", 4), "H": ("H", 1), "Li_sv": ("Li", 3), "Na_pv": ("Na", 7)}
DATASET = """\
  PAW_PBE {name} 31Feb1999
   {valence:.8f}
 parameters from PSCTR are:
   VRHFIN ={element}: invented shells of {name}
   LEXCH  = PE
   EATOM  =    {valence}1.2345 eV,    9.8765 Ry

   TITEL  = PAW_PBE {name} 31Feb1999
   LULTRA =        F    use ultrasoft PP ?
   POMASS =   12.345; ZVAL   =    {valence:.3f}    mass and valenz
   RCORE  =    1.234    outmost cutoff radius
   RWIGS  =    1.234; RWIGS  =    0.653    wigner-seitz radius (au A)
   ENMAX  =  123.456; ENMIN  =  100.000 eV
   Description
     l       E           TYP  RCUT    TYP  RCUT
     0  -11.2233445      23  1.234
END of PSCTR-controll parameters
 local part
   987.65432109876
  0.1357924680E+02  0.2468013579E+01  0.{valence}234567890E+03
 Non local Part
   5.5443322110  0.9988776655E-01
 End of Dataset
"""


def make_library(folder: Path) -> dict[str, str]:
    """Write invented datasets; return the environment that names them, and keeps private files below the folder."""
    for name, (element, valence) in DATASETS.items():
        path = folder / "library/POT_GGA_PAW_PBE_54" / name / "POTCAR"
        path.parent.mkdir(parents=True)
        path.write_text(DATASET.format(name=name, element=element, valence=valence))
    return {"PMG_VASP_PSP_DIR": str(folder / "library"), "XDG_CACHE_HOME": str(folder / "cache")}


@pytest.fixture(scope="session")
def double() -> list[str]:
    """Return the command of the double of VASP."""
    return DOUBLE


@pytest.fixture(scope="module")
def module_library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Name a library in the environment for a module."""
    with pytest.MonkeyPatch.context() as patch:
        for key, value in make_library(tmp_path_factory.mktemp("psp")).items():
            patch.setenv(key, value)
        yield


@pytest.fixture
def library(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a library and name it in the environment; return the folder that holds it, and private files."""
    folder = tmp_path_factory.mktemp("psp")
    for key, value in make_library(folder).items():
        monkeypatch.setenv(key, value)
    return folder


@pytest.fixture(scope="session")
def look_for_potcar() -> Callable[..., list[str]]:
    """Return what looks into every file below some folders for lines of the datasets, titles aside."""
    lines = {
        line.strip()
        for name, (element, valence) in DATASETS.items()
        for line in DATASET.format(name=name, element=element, valence=valence).splitlines()
        if len(line.strip()) > 11 and "PAW_PBE" not in line
    }
    marks = [line.encode() for line in {*lines, "VRHFIN", "PSCTR", "Non local Part", "End of Dataset"}]

    def look(*folders: Path) -> list[str]:
        files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        assert files
        found = [f"{path}: {mark!r}" for path in files for mark in marks if mark in path.read_bytes()]
        return found + [f"{path} is there" for folder in folders for path in folder.rglob("POTCAR")]

    return look
