"""The names of jobs and of what they compute: made and read here alone."""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple, get_args

from iondrill.config.base import Event

StageName = Literal[
    "relax",
    "md",
    "elf",
    "adsorption",
    "intercalation",
    "barriers",
    "convergence",
    "potential",
    "verify",
    "free_energy",
    "interstitials",
    "shells",
    "insertion",
]
Part = Literal["nd", "rest"]
Cut = Literal["piece", "whole"]

ATOM = "atom"
"""Instead of the structure: an isolated atom."""
CLEAN = "clean"
"""Instead of ion and site: a facet without ion."""

_NAME = r"(?P<structure>[A-Za-z0-9][A-Za-z0-9+_-]*)"
_ION = r"(?P<n>\d*)(?P<ion>[A-Z][a-z]?)"
_SUBJECT = rf"{_NAME}(?:\.(?:{_ION}(?:-(?P<site>[a-z0-9-]+))?|(?P<clean>{CLEAN})))?"
_GRAMMAR = {
    "relax": rf"{_NAME}(?:\.m(?P<spin>\d+))?",
    "md": _NAME,
    "elf": rf"{_NAME}\.(?:(?P<step>\d+)|(?P<event>{'|'.join(get_args(Event))}))(?:\.(?P<part>nd|rest))?",
    "verify": rf"{_NAME}\.f(?P<slot>\d+)\.(?P<cut>piece|whole)",
    "adsorption": _SUBJECT,
    "intercalation": rf"{_NAME}\.(?P<variant>a\d+c\d+)",
    "barriers": rf"{_NAME}\.{_ION}-(?P<site>[a-z0-9-]+)_(?P<end>[a-z0-9-]+)",
    "free_energy": rf"{_NAME}\.(?P<variant>(?:pull|w\d+)-(?:in|out)-s\d+)",
    "interstitials": rf"{_SUBJECT}\.(?P<variant>x\d)",
    "shells": rf"{_NAME}\.(?P<variant>{CLEAN}|(?:[A-Z][a-z]?\d+)+)",
    "insertion": rf"{_SUBJECT}\.(?P<variant>g\d+)",
    "convergence": rf"{_SUBJECT}\.(?P<variant>[A-Za-z0-9_+-]+)",
}
_FIELDS = ("end", "step", "event", "part", "slot", "cut", "spin", "variant")
_OF_STAGE = {stage: re.compile(pattern) for stage, pattern in _GRAMMAR.items()}


class Subject(NamedTuple):
    """What is computed: a structure, a facet without or with ions on a site, or an isolated atom.

    Attributes
    ----------
    structure : str
        Name of a recipe; of molecular dynamics and the single points on its frames that of the run; `ATOM`.
    ion : str
        Chemical symbol of the ions, or of the atom; empty without.
    n : int
        Number of the ions.
    site : str
        Label of the site that they are on; `CLEAN` for a facet without ion.
    """

    structure: str
    ion: str = ""
    n: int = 1
    site: str = ""

    @property
    def is_atom(self) -> bool:
        """Whether it is an isolated atom."""
        return self.structure == ATOM and bool(self.ion)

    @property
    def is_facet(self) -> bool:
        """Whether it is a facet, without or with ions."""
        return bool(self.site)

    @property
    def ions(self) -> str:
        """The ions with their number if there are several: ``Li``, ``2Li``."""
        return f"{self.n if self.n > 1 else ''}{self.ion}"

    @property
    def recipe(self) -> str | None:
        """The recipe it is built from; None for an atom."""
        return None if self.is_atom else self.structure

    @property
    def clean(self) -> Subject:
        """The facet without its ions."""
        return Subject(self.structure, site=CLEAN)

    @property
    def atom(self) -> Subject:
        """The isolated atom of its ion."""
        return Subject(ATOM, self.ion)

    @property
    def name(self) -> str:
        """Its text: ``nd29``, ``atom.Li``, ``C100-2x1.clean``, ``C100-2x1.2Li-cave``."""
        placed = "-".join(filter(None, [self.ions, self.site])) if self.ion else self.site
        return ".".join(filter(None, [self.structure, placed]))

    @classmethod
    def parse(cls, text: str) -> Subject:
        """Read what `name` writes.

        Raises
        ------
        ValueError
            If it is something else.
        """
        found = re.fullmatch(_SUBJECT, text)
        if found is None:
            raise ValueError(f"'{text}' names no structure, facet with ions, or atom")
        return cls(**_subject_fields(found))


class JobId(NamedTuple):
    """A job folder: ``jobs/<stage>/<name>``.

    Attributes
    ----------
    stage : str
        It runs in.
    subject : Subject
        What it computes.
    level : str
        Name of the level of theory.
    end : str
        Of a path: label of the site that the ion goes to.
    step : int or None
        Of a single point on a frame: that of this step.
    event : str
        Of a single point on a frame: that in which this event begins, if it happens in the run.
    part : str
        The part of the frame that is computed alone; empty for all of it.
    slot : int or None
        Of a verification: number of the frame, in the order in which frames were chosen.
    cut : str
        Of a verification: whether the frame is whole, or a piece of it.
    spin : int or None
        Of a relaxation of several multiplicities: 2S+1 of this one.
    variant : str
        Strain of a crystal; the setting that a convergence study varies, with its value; of a free energy the window or
        the steering, its direction and its seed; of an interstitial the size of the supercell; of a shell its ions; of
        an insertion the distance of the layers.
    """

    stage: StageName
    subject: Subject
    level: str
    end: str = ""
    step: int | None = None
    part: Part | Literal[""] = ""
    spin: int | None = None
    variant: str = ""
    slot: int | None = None
    cut: Cut | Literal[""] = ""
    event: Event | Literal[""] = ""

    @property
    def structure(self) -> str:
        """The structure or the run that it is of."""
        return self.subject.structure

    @property
    def stem(self) -> str:
        """Its name without the level."""
        words = [
            self.subject.name + (f"_{self.end}" if self.end else ""),
            self.event if self.step is None else str(self.step),
            self.part,
            "" if self.slot is None else f"f{self.slot}",
            self.cut,
            "" if self.spin is None else f"m{self.spin}",
            self.variant,
        ]
        return ".".join(filter(None, words))

    @property
    def name(self) -> str:
        """Name of its folder."""
        return f"{self.stem}.{self.level}"

    @classmethod
    def parse(cls, stage: str, name: str) -> JobId:
        """Read what `name` writes.

        Raises
        ------
        ValueError
            If there is no such stage, or the name is none of its.
        """
        stem, _, level = name.rpartition(".")
        found = _OF_STAGE[stage].fullmatch(stem) if stage in _OF_STAGE else None
        if found is None:
            raise ValueError(f"'{stage}/{name}' names no job")
        given = {key: value for key, value in found.groupdict().items() if value}
        fields: dict[str, Any] = {key: given[key] for key in _FIELDS if key in given}
        fields |= {key: int(fields[key]) for key in ("step", "spin", "slot") if key in fields}
        return cls(stage, Subject(**_subject_fields(found)), level, **fields)  # type: ignore[arg-type]


def structure_name(recipe: str, level: str | None = None) -> str:
    """Return the name of a structure's file: of one as built, or assembled from parts relaxed at a level."""
    return recipe if level is None else f"{recipe}.{level}"


def parse_structure_name(name: str) -> tuple[str, str | None]:
    """Read what `structure_name` writes: the recipe, and the level of its parts."""
    recipe, _, level = name.partition(".")
    return recipe, level or None


def _subject_fields(found: re.Match[str]) -> dict[str, Any]:
    """Return the fields of a `Subject` that a name gives."""
    groups = found.groupdict(default="")
    return {
        "structure": groups["structure"],
        "ion": groups.get("ion", ""),
        "n": int(groups.get("n") or 1),
        "site": CLEAN if groups.get("clean") else groups.get("site", ""),
    }
