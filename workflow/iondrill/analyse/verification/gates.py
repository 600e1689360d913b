"""Questions whose answer is known, asked of a learned level before anything of it is believed: ``gates.yaml``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from iondrill.analyse.verification.questions import NotCoveredError, Questions, gates
from iondrill.analyse.verification.record import Record
from iondrill.config.base import Strict
from iondrill.config.quantities import LARGEST_GRADE
from iondrill.engines.ase.grade import Grade, grade_of
from iondrill.engines.ase.learned import calculator_of
from iondrill.engines.embedded.calculator import ScfNotConvergedError
from iondrill.engines.embedded.engine import EmbeddedEngine
from iondrill.engines.registry import engine
from iondrill.errors import UserError
from iondrill.jobs.job import Job, Static

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ase import Atoms
    from ase.calculators.calculator import Calculator

    from iondrill.jobs.job import Kind
    from iondrill.prepare.plan import Plan


class Answer(Strict):
    """What a level says to a gate.

    Attributes
    ----------
    value : float or None
        Å or eV, by the gate's name; None where it was not computed.
    said : str
        ``passed``, ``failed``, or why it was not computed.
    """

    what: str
    known: str
    allowed: tuple[float, float]
    elements: list[str]
    value: float | None
    said: str

    @property
    def failed(self) -> bool:
        """Whether the level is wrong."""
        return self.said == FAILED


PASSED, FAILED = "passed", "failed"


class Passed(Record):
    """``gates/<level>.json``."""

    level: str
    title: str
    answers: dict[str, Answer]

    def failures(self, elements: set[str]) -> list[str]:
        """Return what is wrong of the gates of these elements, a sentence each."""
        found = []
        for one in self.answers.values():
            if one.failed and set(one.elements) <= elements:
                value = "no number" if one.value is None else f"{one.value:.2f}"
                found.append(f"{one.what}: {value}, allowed {one.allowed[0]:g} to {one.allowed[1]:g}")
        return found


def ask(plan: Plan, level_name: str, path: Path) -> None:
    """Ask a level of a plan all gates, and write what it says.

    Parameters
    ----------
    plan : Plan
        With the level.
    level_name : str
        Of an engine in this process.
    path : Path
        Written: ``gates/<level>.json``.
    """
    level, grade = plan.config.levels[level_name], grade_of(plan.config.levels[level_name])
    offered, chosen = level.offer.elements, engine(level.engine)
    if not isinstance(chosen, EmbeddedEngine):
        found = f"engine {level.engine} is a program of its own"
        raise UserError.of(f"levels.{level_name}", found, "allowed: a level that is computed in this process")

    def make(atoms: Atoms) -> Calculator:
        kind: Kind = "slab" if atoms.pbc.any() else "atom"
        job = Job(
            stage=plan.verify.name,
            name=f"gate.{level_name}",
            level_name=level_name,
            level=level,
            task=Static(),
            kind=kind,
        )
        return chosen.new_calculator(job, atoms, path.parent / level_name)

    limit = plan.verify.settings.verdict.largest_grade
    said = answers(make, None if offered is None else set(offered), partial(_outside, grade, limit))
    Passed(level=level_name, title=level.title, answers=said).write(path)


def of_potential(folder: Path) -> dict[str, dict[str, object]]:
    """Ask a fitted potential all gates, for its card.

    Parameters
    ----------
    folder : Path
        With ``nep.txt``, ``potential.json`` and ``environments.npz``.
    """
    calculator, grade = calculator_of(folder), Grade.read(folder)

    known = set(calculator.parameters_of_fit["elements_eV"])
    said = answers(lambda _: calculator, known, partial(_outside, grade, LARGEST_GRADE))
    return {name: answer.model_dump(mode="json") for name, answer in said.items()}


def _outside(grade: Grade | None, limit: float, atoms: Atoms) -> str:
    """Say why nothing is known of a structure; nothing if it is inside the training, or there is no grade."""
    found = 0.0 if grade is None else grade.of(atoms)
    return "" if found <= limit else f"outside the training: grade {found:.1f}"


def answers(
    make: Callable[[Atoms], Calculator], known: set[str] | None, outside: Callable[[Atoms], str]
) -> dict[str, Answer]:
    """Ask a level all gates.

    Parameters
    ----------
    make : callable
        Returns its calculator for a structure that is periodic, a sheet, or an atom.
    known : set of str, optional
        The elements that it has; None: as the calculator says.
    outside : callable
        Says of a structure why nothing is known of the level there; nothing if it is inside its training.
    """
    asked = Questions(make, outside)
    found = {}
    for name, gate in gates().gates.items():
        value, said = None, ""
        if known is not None and (lacking := sorted(set(gate.elements) - known)):
            said = f"it has no {', '.join(lacking)}"
        else:
            try:
                found_value = asked.value(name)
                low, high = gate.allowed
                said = PASSED if low <= found_value <= high else FAILED
                value = found_value if np.isfinite(found_value) else None
            except (NotCoveredError, ScfNotConvergedError) as error:
                said = str(error)
            except UserError as error:
                said = "; ".join(problem.found for problem in error.problems)
        found[name] = Answer(**gate.model_dump(), value=value, said=said)
    return found
