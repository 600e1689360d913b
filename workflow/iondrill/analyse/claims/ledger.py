"""The ledger: what each claim is, what decides it, and of which level a number has to be."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from iondrill.config.base import Ion, Strict
from iondrill.config.load import load

Pattern = Literal["some", "none", "Li", "Na", "K"]
"""What a factor of a case is: there at all, not there, or ions of an element."""
Factors = dict[Literal["nanodiamond", "ions"], Pattern]
Needed = Literal["any", "verified", "reference"]


class Contrast(Strict):
    """A quantity's change in cases of one kind less that in cases of another, which differ in one factor alone."""

    kind: Literal["contrast"]
    factor: Literal["nanodiamond", "ions"]
    quantity: str
    plus: Pattern
    minus: Pattern
    both: Factors = {}


class OfCase(Strict):
    """A quantity of the cases of a kind, late in their runs, or how it changed."""

    kind: Literal["case"]
    quantity: str
    what: Literal["late", "change"]
    case: Factors


class FrameCharge(Strict):
    """How the charge of the nanodiamond changed from the first mapped frame to the last."""

    kind: Literal["frame_charge"]
    case: Factors


class ElfBond(Strict):
    """The ELF half-way along bonds of nanodiamond and flake, in the mapped frames."""

    kind: Literal["elf_bond"]
    nearer_A: float
    case: Factors


class FreeEnergy(Strict):
    """The highest point of a free-energy profile, perhaps less that of another."""

    kind: Literal["free_energy"]
    coordinate: str
    case: Factors
    less: Factors | None = None


class Facets(Strict):
    """The weakest of the strongest: an energy on the best site of each facet and ion, where it is least negative."""

    kind: Literal["facets"]
    column: str
    facets: list[str]
    """What the names of the facets begin with, one of each kind at least."""
    ions: list[Ion]
    least_coverage_ML: float = 0.0
    error_eV: float
    """Of the level: it makes the interval, with the error of the row where that is larger."""


class Inside(Strict):
    """Energy of an ion inside the nanodiamond's bulk less that on its surface, for the ion where it is least."""

    kind: Literal["inside"]
    facets: list[str]
    ions: list[Ion]
    error_eV: float


class Mixing(Strict):
    """The energy of mixing two kinds of ions on a nanodiamond, at the largest number of ions."""

    kind: Literal["mixing"]
    error_eV: float


class Widened(Strict):
    """The energy of an ion between layers that are far apart, less that where they are near."""

    kind: Literal["widened"]
    ion: Ion
    near_A: float
    far_A: float
    error_eV: float


class Compound(Strict):
    """The formation energy of a compound."""

    kind: Literal["compound"]
    compound: str
    error_eV: float


class Spacing(Strict):
    """The widest distance of layers that the paper's reflections are of."""

    kind: Literal["spacing"]
    error_A: float


class Pulse(Strict):
    """The length of a titration's pulse over the times of diffusion L²/D, by the paper's own numbers."""

    kind: Literal["pulse"]
    pulse_s: float
    diffusion_s: tuple[float, float]


class Nothing(Strict):
    """Nothing is computed yet."""

    kind: Literal["none"]


Test = Annotated[
    Contrast
    | OfCase
    | FrameCharge
    | ElfBond
    | FreeEnergy
    | Facets
    | Inside
    | Mixing
    | Widened
    | Compound
    | Spacing
    | Pulse
    | Nothing,
    Field(discriminator="kind"),
]


class Region(Strict):
    """Where an interval has to lie as a whole, and how large the number itself has to be.

    Attributes
    ----------
    above, below : float, optional
        Bounds on one side.
    apart, within : float, optional
        Bounds on the absolute value.
    value : float, optional
        The number is this or farther out.
    """

    above: float | None = None
    below: float | None = None
    apart: float | None = None
    within: float | None = None
    value: float | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        """Refuse none and several bounds."""
        given = [name for name in ("above", "below", "apart", "within") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"found {', '.join(given) or 'no bound'}; allowed: one of above, below, apart, within")
        return self

    @property
    def differs_from_zero(self) -> bool:
        """Whether it says that there is an effect, however small: what chance makes too."""
        return 0 in (self.above, self.below, self.apart)

    def holds(self, value: float, low: float, high: float) -> bool:
        """Say whether a number with its interval is in it."""
        if self.above is not None:
            return low > self.above and (self.value is None or value >= self.value)
        if self.below is not None:
            return high < self.below and (self.value is None or value <= self.value)
        if self.apart is not None:
            out = low > self.apart or high < -self.apart
            return out and (self.value is None or abs(value) >= self.value)
        return self.within is not None and -self.within < low and high < self.within

    def words(self, unit: str) -> str:
        """Return it in words."""
        bounds = {"above": "above", "below": "below", "apart": "farther from 0 than", "within": "nearer to 0 than"}
        name = next(name for name in bounds if getattr(self, name) is not None)
        text = f"the whole interval is {bounds[name]} {getattr(self, name):g} {unit}".rstrip()
        return text if self.value is None else f"{text}, and the number {self.value:g} {unit}".rstrip() + " or beyond"


class Claim(Strict):
    """A claim of the paper: see ``claims.yaml``."""

    id: str
    claim: str
    source: str
    quantity: str
    unit: str = ""
    computed: str
    controls: list[str]
    level: Needed
    test: Test
    supported: Region | None = None
    refuted: Region | None = None
    changes: str
    """What would change our mind."""
    needs: str = ""
    command: str = ""

    @model_validator(mode="after")
    def _decidable(self) -> Self:
        """Refuse a test without both regions, and none without a word on what it would need."""
        if isinstance(self.test, Nothing):
            if not self.needs:
                raise ValueError("found no test and no needs; allowed: what is missing, in words")
        elif self.supported is None or self.refuted is None:
            raise ValueError("found a test without supported and refuted; allowed: a region for each")
        return self


class Ledger(Strict):
    """What ``claims.yaml`` holds."""

    paper: str
    claims: list[Claim]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        """Refuse two claims of one id."""
        ids = [claim.id for claim in self.claims]
        if len(set(ids)) < len(ids):
            raise ValueError(f"found ids {', '.join(ids)}; allowed: each once")
        return self


@cache
def ledger() -> Ledger:
    """Return the claims."""
    return load(Ledger, Path(__file__).with_name("claims.yaml"))
