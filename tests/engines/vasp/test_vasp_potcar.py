"""The POTCAR: put together from the user's library, seen by VASP alone, and gone afterwards."""

from __future__ import annotations

import os
import stat

import pytest
from pymatgen.io.vasp.inputs import Potcar as PymatgenPotcar

from iondrill.config.levels import VaspLevel
from iondrill.engines.vasp import VaspEngine
from iondrill.engines.vasp.potcar import STALE_S, Potcar, blank_echo, private_folder, remove_potcar
from iondrill.errors import UserError

LEVEL = VaspLevel(engine="vasp")


def test_it_holds_the_datasets_in_order_and_vasp_finds_it(library, tmp_path):
    with Potcar(LEVEL, ["H", "Li", "C"], tmp_path):
        file = tmp_path / "POTCAR"
        assert PymatgenPotcar.from_file(file).symbols == ["H", "Li_sv", "C"]
        assert file.is_symlink()
        assert library in file.resolve().parents
        assert tmp_path not in file.resolve().parents
        assert stat.S_IMODE(file.resolve().stat().st_mode) == 0o600
        assert stat.S_IMODE(file.resolve().parent.stat().st_mode) == 0o700
    assert not list(tmp_path.iterdir())
    assert not any(path.is_file() for path in (library / "cache").rglob("*"))


def test_it_goes_in_every_ending(library, tmp_path):
    with pytest.raises(KeyboardInterrupt), Potcar(LEVEL, ["C"], tmp_path) as potcar:
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())
    with Potcar(LEVEL, ["C"], tmp_path) as potcar:
        potcar.remove()  # VASP has read it
        assert not list(tmp_path.iterdir())
    # killed, without a chance: the next attempt in this folder, or any later one, sweeps
    Potcar(LEVEL, ["C"], tmp_path).__enter__()
    other = tmp_path / "other"
    other.mkdir()
    Potcar(LEVEL, ["H"], other).__enter__()
    os.utime(private_folder(other), (0, 0))
    remove_potcar(tmp_path)
    assert not (tmp_path / "POTCAR").is_symlink()
    with Potcar(LEVEL, ["C"], tmp_path):
        assert [path.name for path in private_folder(tmp_path).parent.iterdir()] == [private_folder(tmp_path).name]
    assert STALE_S > 3600


@pytest.mark.parametrize("ending", [".gz", ""])
def test_both_layouts_of_libraries_serve(ending, library, tmp_path):
    import gzip

    folder = library / "library/POT_GGA_PAW_PBE_54"
    content = (folder / "C/POTCAR").read_bytes()
    (folder / "C/POTCAR").rename(folder / "POTCAR.C")
    if ending:
        (folder / "POTCAR.C").unlink()
        (folder / "POTCAR.C.gz").write_bytes(gzip.compress(content))
    with Potcar(LEVEL, ["C"], tmp_path):
        assert "End of Dataset" in (tmp_path / "POTCAR").read_text()


def test_all_missing_datasets_are_named_at_once(library, tmp_path):
    level = VaspLevel(engine="vasp", potcars={"C": "C_h", "H": "H", "Li": "Li_GW"})
    with pytest.raises(UserError) as caught:
        Potcar(level, ["C", "H", "Li"], tmp_path)
    assert "C_h" in str(caught.value)
    assert "Li_GW" in str(caught.value)


@pytest.mark.parametrize(("old", "new"), [(" End of Dataset", ""), ("VRHFIN =C", "VRHFIN =N"), ("", None)])
def test_a_damaged_dataset_is_refused(old, new, library, tmp_path):
    path = library / "library/POT_GGA_PAW_PBE_54/C/POTCAR"
    path.write_text("" if new is None else path.read_text().replace(old, new))
    with pytest.raises(UserError, match=str(path)):
        Potcar(LEVEL, ["C"], tmp_path)


def test_doctor_says_that_the_library_is_missing(make_job, library, double, monkeypatch):
    job = make_job("vasp", "atom", "static", level={"command": double})
    assert VaspEngine().available(job).found
    monkeypatch.setenv("PMG_VASP_PSP_DIR", str(library / "nowhere"))
    found = VaspEngine().available(job)
    assert not found.found
    assert "there is no such folder" in found.detail
    assert "PMG_VASP_PSP_DIR" in found.install


HEAD = """ vasp.6.4.2 20Jul23 (build) complex
 INCAR:
   ENCUT = 520
 POTCAR:    PAW_PBE C 31Feb1999
 POTCAR:    PAW_PBE H 31Feb1999
 POTCAR:    PAW_PBE C 31Feb1999
   SHA256 =  00aa11bb
   VRHFIN =C: secret shells
   EATOM  =   147.1560 eV,   10.8157 Ry
   Description
     l     E           TYP  RCUT
  local pseudopotential read in
   number of l-projection  operators is LMAX  =           4
 POTCAR:    PAW_PBE H 31Feb1999
   VRHFIN =H: secret
  PAW_PBE C 31Feb1999                   :
 energy of atom  1       EATOM= -147.1560
"""
BODY = """ POSCAR: C H
  positions in direct lattice
   POMASS =  12.01  1.00
   energy  without entropy=      -10.0  energy(sigma->0) =      -10.0
"""


def test_the_echo_in_the_outcar_is_blanked_and_nothing_else(tmp_path):
    path = tmp_path / "OUTCAR"
    path.write_text(HEAD + BODY)
    blank_echo(path)
    text = path.read_text()
    assert len(text) == len(HEAD + BODY)
    assert text.endswith(BODY)
    assert text.split() == ["vasp.6.4.2", "20Jul23", "(build)", "complex", "INCAR:", "ENCUT", "=", "520", *BODY.split()]
    blank_echo(path)
    assert path.read_text() == text
    path.write_text(HEAD)  # cut within the echo
    blank_echo(path)
    assert "secret" not in path.read_text()
    assert "EATOM" not in path.read_text()
    blank_echo(tmp_path / "none")
