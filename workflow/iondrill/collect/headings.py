"""What the frames of a trajectory say of themselves: step, time, energy and cell, in the words of many programs."""

from __future__ import annotations

import math
import re
from array import array
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from ase.units import Hartree, Rydberg, kcal, kJ, mol

from iondrill.collect.branches import kept
from iondrill.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray

    from iondrill.collect.remarks import Remarks

    Floats = NDArray[np.float64]

TIMES_fs = {"fs": 1.0, "ps": 1e3, "ns": 1e6}
ENERGIES_eV = {
    "ev": 1.0,
    "mev": 1e-3,
    "ry": Rydberg,
    "kcal/mol": kcal / mol,
    "kj/mol": kJ / mol,
    **dict.fromkeys(("hartree", "ha", "eh", "a.u.", "au"), Hartree),
}
STEP_KEYS = {"i", "step", "timestep", "iter", "istep", "nstep", "mdstep", "md_step"}
TIME_KEYS = {"time", "t"}
ENERGY_KEYS = {"e", "energy", "epot", "e_pot", "potential", "potential_energy"}

CP2K = re.compile(rb" i = +(\d+), time = +(-?\d+\.\d+), E = +(-?\d+\.\d+)\s*")
"""The comment that CP2K writes most often: taken at once."""

PAIR = re.compile(
    r"""(?<!\w)([A-Za-z]\w*)(?:[ ]?[\[(]([\w./]+)[\])])?\s*([=:])\s*("[^"]*"|'[^']*'|[^\s,;"]+)"""
    r"""(?:[ ]+((?i:fs|ps|ns|m?eV|hartree|ha|eh|ry|a\.u\.|au|kcal/mol|kJ/mol))(?![\w=:]))?"""
)
BARE_STEP = re.compile(r"\bstep\s+(\d+)", re.IGNORECASE)

UNSAID = -math.inf
"""Kept for what a frame does not say; NaN is for what is no number."""

TIME_WITHOUT_UNIT = "the time of its frames has no unit: taken as femtoseconds"
ENERGY_WITHOUT_UNIT = (
    "the energy of its frames has no unit that is known: left empty (known: 'energy=' in eV, 'E_pot=-1.2 Ha')"
)


class Word(NamedTuple):
    """A key with its value in a comment: ``time[fs] = 2.5``, ``t: 2.5 fs``."""

    key: str
    sign: str
    value: str
    unit: str


class Heading(NamedTuple):
    """What a frame says: None for what it does not say, NaN for what is no number."""

    step: int | None = None
    time_fs: float | None = None
    potential_eV: float | None = None
    cell: str = ""


def read_comment(comment: bytes, remarks: Remarks) -> Heading:
    """Return what the comment line of a frame says.

    Known are CP2K's ``i = 5, time = 2.5, E = -345.9`` and ``Step=5 Time=2.5 Energy=-345.9``, both in fs and hartree;
    ASE's ``step=5 time_fs=2.5 energy=-9412.1`` in eV; and other spellings of these keys, with units of their own
    (``t=2.5 fs``, ``time_ps=…``, ``E_Pot=-345.9 Hartree``). An energy of a unit that is not known is not taken.

    Parameters
    ----------
    comment : bytes
        The second line of a frame.
    remarks : Remarks
        What is guessed or left out.

    Raises
    ------
    ValueError
        If the step is not a whole number.
    """
    if usual := CP2K.fullmatch(comment):
        return Heading(int(usual[1]), float(usual[2]), float(usual[3]) * Hartree)
    text = comment.decode("utf-8", "replace")
    words = [
        Word(key, sign, value.strip("\"' ,"), unit or after) for key, unit, sign, value, after in PAIR.findall(text)
    ]
    heading = read_words(words, remarks)
    if heading.step is None and (bare := BARE_STEP.search(text)):
        heading = heading._replace(step=int(bare[1]))
    return heading


def read_info(info: Mapping[str, Any], energy_eV: float | None, remarks: Remarks) -> Heading:
    """Return what ASE's info, and the energy of its calculator, say of a frame."""
    heading = read_words([Word(str(key), "=", str(value), "") for key, value in info.items()], remarks)
    return heading if energy_eV is None else heading._replace(potential_eV=float(energy_eV))


def read_words(words: Sequence[Word], remarks: Remarks) -> Heading:
    """Return what keys and values say; see `read_comment`."""
    step, time_fs, potential_eV, cell = None, None, None, ""
    given = {word.key for word in words if word.sign == "="}
    for word in words:
        name, unit = _name_and_unit(word)
        if name in STEP_KEYS and step is None:
            step = _whole(word)
        elif name in TIME_KEYS and (name != "t" or unit in TIMES_fs):
            if unit not in TIMES_fs and not _is_cp2k(given):
                remarks.add(TIME_WITHOUT_UNIT)
            time_fs = number(word.value) * TIMES_fs.get(unit, 1.0)
        elif name in ENERGY_KEYS and potential_eV is None:
            factor = _energy_unit(word, unit, given, {word.key for word in words})
            if factor is None:
                remarks.add(ENERGY_WITHOUT_UNIT)
            else:
                potential_eV = number(word.value) * factor
        elif name == "lattice":
            cell = word.value
    return Heading(step, time_fs, potential_eV, cell)


def _name_and_unit(word: Word) -> tuple[str, str]:
    """Return the key in lower case, and the unit in lower case: after the value, or at the end of the key."""
    key, unit = word.key.lower(), word.unit.lower()
    stem, _, last = key.rpartition("_")
    if stem and (last in TIMES_fs or last in ENERGIES_eV):
        return stem, last
    return key, unit


def _is_cp2k(keys: set[str]) -> bool:
    """Say whether these are CP2K's keys, in one of its two dialects: in fs and hartree."""
    return "i" in keys or {"Step", "Energy"} <= keys or {"Step", "Time"} <= keys


def _energy_unit(word: Word, unit: str, keys: set[str], others: set[str]) -> float | None:
    if unit in ENERGIES_eV:
        return float(ENERGIES_eV[unit])
    if _is_cp2k(keys) and word.key in {"E", "Energy"}:
        return float(Hartree)
    if word.key == "energy":  # ASE's; xtb's has a colon, and is in hartree
        return 1.0 if word.sign == "=" else float(Hartree) if "gnorm" in others else None
    return None


def _whole(word: Word) -> int | None:
    """Return a step; None of a key such as ``timestep = 0.5``, which is none."""
    if word.key.lower() == "timestep" and word.sign == "=":
        return None
    value = number(word.value)
    if not value.is_integer():
        raise ValueError(f"its step is no whole number: '{word.key} {word.sign} {word.value}'")
    return int(value)


def number(word: str) -> float:
    """Return a number, Fortran's exponents included; NaN for what is no finite number."""
    try:
        value = float(word.replace("D", "E").replace("d", "e"))
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


class Headings:
    """The headings of all frames, and which frames count.

    Parameters
    ----------
    path : object
        The file, for messages.
    remarks : Remarks
        What is left out.
    """

    def __init__(self, path: object, remarks: Remarks) -> None:
        self._path, self._remarks = path, remarks
        self._steps, self._times, self._energies, self._cells = array("d"), array("d"), array("d"), array("l")
        self._known = {"": 0}

    def __len__(self) -> int:
        return len(self._steps)

    def add_comment(self, comment: bytes) -> None:
        """Add a frame by its comment line."""
        try:
            self.add(read_comment(comment, self._remarks))
        except ValueError as error:
            raise self._error(len(self), str(error)) from None

    def add_info(self, info: Mapping[str, Any], energy_eV: float | None) -> None:
        """Add a frame by ASE's info, and the energy of its calculator."""
        try:
            self.add(read_info(info, energy_eV, self._remarks))
        except ValueError as error:
            raise self._error(len(self), str(error)) from None

    def add(self, heading: Heading) -> None:
        """Add a frame."""
        self._steps.append(UNSAID if heading.step is None else heading.step)
        self._times.append(UNSAID if heading.time_fs is None else heading.time_fs)
        self._energies.append(UNSAID if heading.potential_eV is None else heading.potential_eV)
        self._cells.append(self._known.setdefault(heading.cell, len(self._known)))

    def _error(self, frame: int, found: str, allowed: str = "") -> UserError:
        return UserError.of(f"{self._path}, frame {frame + 1}", found, allowed)

    def columns(self) -> tuple[dict[str, NDArray[Any]], NDArray[np.bool_]]:
        """Return ``step``, ``time_fs``, ``potential_eV``, ``cell_A`` as far as they are said, and which frames count.

        Raises
        ------
        UserError
            If only some frames say their step, or the frames are in no order; see `kept`.
        """
        steps, times = self._whole_steps(), self._numbers("time", self._times)
        if times is not None and len(times) > 1 and (times == times[0]).all():
            self._remarks.add("all its frames have the same time: left empty")
            times = None
        keep = kept(len(self), steps, times, self._path, self._remarks)
        energies, cells = self._numbers("energy", self._energies), self._vectors()
        columns = {
            "step": np.arange(len(self)) if steps is None else steps,
            "time_fs": times,
            "potential_eV": energies,
            "cell_A": cells,
        }
        return {name: values for name, values in columns.items() if values is not None}, keep

    def _whole_steps(self) -> NDArray[np.int64] | None:
        steps = np.array(self._steps)
        unsaid = steps == UNSAID
        if unsaid.all():
            self._remarks.add("its frames do not say their step: they are counted from 0")
            return None
        if unsaid.any():
            raise self._error(int(unsaid.argmax()), "its comment does not say the step, as others do")
        return steps.astype(np.int64)

    def _numbers(self, word: str, said: array[float]) -> Floats | None:
        values = np.array(said)
        unsaid = values == UNSAID
        if unsaid.all():
            self._remarks.add(f"its frames do not say their {word}: left empty")
            return None
        for frame in np.flatnonzero(unsaid).tolist():
            self._remarks.add(f"the {word} is not said: left empty", frame=frame)
        for frame in np.flatnonzero(np.isnan(values)).tolist():
            self._remarks.add(f"the {word} is not a number: left empty", frame=frame)
        return np.asarray(np.where(unsaid, np.nan, values))

    def _vectors(self) -> Floats | None:
        """Return the cells (n_frames, 3, 3), zeros where a frame has none; None if no frame has one."""
        if len(self._known) == 1:
            return None
        cells = np.zeros((len(self._known), 3, 3))
        which = np.array(self._cells)
        for text, k in self._known.items():
            values = [number(word) for word in text.split()]
            if text and (len(values) != 9 or not all(map(math.isfinite, values))):
                raise self._error(int((which == k).argmax()), f"its Lattice is '{text}'", "needed: nine numbers")
            cells[k] = np.reshape(values, (3, 3)) if text else 0
        return np.asarray(cells[which])
