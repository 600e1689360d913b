"""The POTCAR of a run: put together from the user's own library, never in the job's folder, and gone once it is read.

PAW datasets are licensed. The file is written to a private folder of the user's cache, which every node must see
(``$XDG_CACHE_HOME/iondrill/potcar``, by default below ``~/.cache``), and VASP finds it by a link. VASP reads it once,
before the first electronic step; then file and link are removed. What VASP echoes of it in the OUTCAR is blanked.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Self

from iondrill.errors import Problem, UserError
from iondrill.files import cache_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from iondrill.config.levels import VaspLevel

POTCAR = "POTCAR"
LIBRARY = "PMG_VASP_PSP_DIR"
SET_LIBRARY = f"set {LIBRARY} to the folder that holds POT_GGA_PAW_PBE_54/ (pymatgen: `pmg config -p`)"
STALE_S = 86400.0
HEAD_BYTES = 1 << 22
"""The echo of the datasets is at the top of the OUTCAR: no more than this is searched for it."""
_ECHO = re.compile(rb"^ *POTCAR: .*?(?=^ *POSCAR[: ]|^ ?-{40}|\Z)", re.MULTILINE | re.DOTALL)
_VISIBLE = re.compile(rb"[^\s]")


def library() -> Path | None:
    """Return the user's library of PAW datasets, as pymatgen has it: from the environment or ``.pmgrc.yaml``."""
    from pymatgen.core import SETTINGS

    found = os.environ.get(LIBRARY) or SETTINGS.get(LIBRARY)
    return Path(found).expanduser() if found else None


def library_problem() -> str:
    """Say what is wrong with the library, if anything."""
    found = library()
    if found is None:
        return f"no library of PAW datasets: {LIBRARY} is not set"
    return "" if found.is_dir() else f"{LIBRARY} is {found}, and there is no such folder"


def dataset_file(name: str, functional: str) -> Path:
    """Return the file of a PAW dataset in the user's library.

    Raises
    ------
    UserError
        If there is no library, or it has no such dataset.
    """
    from pymatgen.core import SETTINGS
    from pymatgen.io.vasp.inputs import PotcarSingle

    folder = library()
    if folder is None or not folder.is_dir():
        raise UserError.of(POTCAR, library_problem(), SET_LIBRARY)
    subfolder: Path = folder / SETTINGS.get("PMG_VASP_PSP_SUB_DIRS", {}).get(
        functional, PotcarSingle.functional_dir[functional]
    )
    for stem in (subfolder / f"POTCAR.{name}", subfolder / name / "POTCAR"):
        for ending in ("", ".gz", ".bz2", ".xz", ".Z"):
            path = stem.with_name(stem.name + ending)
            if path.is_file():
                return path
    raise UserError.of(
        POTCAR, f"no PAW dataset {name} in {subfolder}", f"needed: {name}/POTCAR or POTCAR.{name}, or its .gz"
    )


def read_dataset(name: str, functional: str, element: str) -> str:
    """Return a PAW dataset.

    Raises
    ------
    UserError
        If it is missing, damaged, or of another element.
    """
    from pymatgen.io.vasp.inputs import PotcarSingle

    path = dataset_file(name, functional)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = PotcarSingle.from_file(str(path))
            found, text = dataset.element, str(dataset.data)
    except Exception as error:  # noqa: BLE001 -- pymatgen raises whatever a damaged file leads to
        raise UserError.of(path, f"cannot be read as a PAW dataset ({type(error).__name__})") from None
    if found != element or "End of Dataset" not in text:
        raise UserError.of(path, f"is no whole dataset of {element}")
    return text.strip("\n") + "\n"


class Potcar:
    """The POTCAR of an attempt; it is there while this is entered, or until `remove`.

    Parameters
    ----------
    level : VaspLevel
        Names the datasets.
    elements : sequence of str
        In the order of the POSCAR.
    folder : Path
        Where VASP will run.

    Raises
    ------
    UserError
        If a dataset is missing or damaged, or the cache cannot be written.
    """

    def __init__(self, level: VaspLevel, elements: Sequence[str], folder: Path) -> None:
        self._texts: list[str] = []
        problems: list[Problem] = []
        for element in elements:
            try:
                self._texts.append(read_dataset(level.potcars[element], level.potcar_functional, element))
            except UserError as error:
                problems += error.problems
        if problems:
            raise UserError(*dict.fromkeys(problems))
        self._link = folder / POTCAR
        self._private = private_folder(folder)

    def __enter__(self) -> Self:
        self.remove()
        try:
            self._private.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            sweep(self._private.parent)
            self._private.mkdir(mode=0o700)
            file = self._private / POTCAR
            file.touch(mode=0o600)
            file.write_text("".join(self._texts), encoding="utf-8")
        except OSError as error:
            allowed = "needed: a folder that every node sees; set XDG_CACHE_HOME"
            raise UserError.of(self._private, f"cannot be written: {error.strerror}", allowed) from None
        self._link.symlink_to(file)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def remove(self) -> None:
        """Remove file and link."""
        remove_potcar(self._link.parent)


def private_folder(folder: Path) -> Path:
    """Return the private folder that belongs to a folder of work."""
    return cache_folder() / "potcar" / hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]


def remove_potcar(folder: Path) -> None:
    """Remove what a run in this folder had of a POTCAR, also one that was killed."""
    shutil.rmtree(private_folder(folder), ignore_errors=True)
    (folder / POTCAR).unlink(missing_ok=True)


def sweep(cache: Path) -> None:
    """Remove the POTCARs of runs that were killed before VASP had read them, and were never continued."""
    for path in cache.iterdir():
        try:
            if time.time() - path.stat().st_mtime > STALE_S:
                shutil.rmtree(path, ignore_errors=True)
        except OSError:  # another process was faster
            continue


def blank_echo(outcar: Path) -> None:
    """Blank what VASP repeats of the datasets at the top of an OUTCAR: its length and its other lines stay.

    The titles of the datasets, which POTCAR.spec and vasprun.xml name too, go with it. A missing file is left alone.
    """
    try:
        with outcar.open("r+b") as file:
            head = file.read(HEAD_BYTES)
            for echo in _ECHO.finditer(head):
                file.seek(echo.start())
                file.write(_VISIBLE.sub(b" ", echo.group()))
    except FileNotFoundError:
        return
