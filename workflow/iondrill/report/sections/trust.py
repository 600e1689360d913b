"""How far a level of theory, or a run at it, is to be trusted: one word for its badge, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import RootModel

from iondrill.analyse.claims.evaluate import standings
from iondrill.analyse.claims.found import Found
from iondrill.config.base import Strict
from iondrill.config.load import load

if TYPE_CHECKING:
    from iondrill.report.data import Results, Run

VERDICTS = {"trusted": "verified"}
"""Verdicts of a verification that the page says otherwise."""
OF_ENERGIES = {**VERDICTS, "refused": "doubtful"}
"""The same where energies alone were compared: they decide no claim, and each has its error beside it."""


class Caveat(Strict):
    """What a reader must know of a method before believing a number of it.

    Attributes
    ----------
    trust
        A word.
    says
        A sentence or two.
    """

    trust: str
    says: str


class Caveats(RootModel[dict[str, Caveat]]):
    """What ``caveats.yaml`` holds: a caveat by method."""


class Badge(NamedTuple):
    """A level of theory as the page shows it."""

    title: str
    trust: str
    """A word; empty where nothing is known."""
    says: str
    """Why; empty where there is nothing to say."""

    @property
    def kind(self) -> str:
        """The word, for a style sheet."""
        return self.trust.lower().replace(" ", "-")


def badge(results: Results, level: str, run: Run | None = None) -> Badge:
    """Return the badge of a level, or of a run at it.

    Parameters
    ----------
    results : Results
        The run of the workflow.
    level : str
        Name of the level; one that the configuration no longer has is known by its name alone.
    run : Run, optional
        Its verification counts more than its level.
    """
    title, known = results.title_of(level), results.config.levels.get(level)
    if run is not None and run.verification is not None:
        verdict = run.verification.verdict
        return Badge(title, VERDICTS.get(verdict, verdict), f"{run.verification.sentence}.")
    if known is None:
        return Badge(title, "", "")
    if known.learned:
        return Badge(title, "not verified", "The level is a fit to another one, and nothing of it was compared here.")
    caveat = load(Caveats, Path(__file__).with_name("caveats.yaml")).root.get(known.reference)
    return Badge(title, caveat.trust, caveat.says) if caveat else Badge(title, "", "")


def badge_of_energies(results: Results, level: str) -> Badge:
    """Return the badge of adsorption energies at a level: of a fitted one, by those of its reference beside them."""
    known = results.config.levels.get(level)
    if known is None or not known.learned or results.differences is None:
        return badge(results, level)
    found = Found(levels=standings(results.config), differences=results.differences.rows)
    check = found.spot_checks(level)
    trust = OF_ENERGIES.get(check.verdict, check.verdict)
    return Badge(results.title_of(level), trust, f"A fit to another level: {check.sentence}.")
