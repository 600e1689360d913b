"""What runs in this process ask of a calculator, besides what ASE's calculators do."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from iondrill.engines.embedded.restart_points import guess_file, kept_steps, point_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ase import Atoms
    from numpy.typing import NDArray


class ScfNotConvergedError(RuntimeError):
    """A calculator has no energy for a geometry; the message says why."""


class OutsideTrainingError(RuntimeError):
    """A geometry is unlike all that the calculator was fitted to: its numbers mean nothing; the message says why."""


class EmbeddedCalculator(Calculator):
    """A calculator of ASE that counts its SCF cycles and can be resumed.

    One whose energy depends on the geometry alone has nothing to add but `calculate`, which gives ``energy`` (eV),
    ``forces`` (eV/Å) and, if it has them, ``charges`` (e), or raises `ScfNotConvergedError`.

    Attributes
    ----------
    n_scf_cycles : int
        SCF cycles so far, those of failed attempts included; 0 where there is no SCF.
    remarks : list of str
        What else than a plain start was needed, in order.
    keep_every_s : float
        Seconds between two points that are kept, at least: where a step takes less than to write it, a killed job
        repeats some. The digits are the same.
    """

    keep_every_s = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.n_scf_cycles = 0
        self.remarks: list[str] = []

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Take the atoms; raise a ScfNotConvergedError if their positions are no numbers: compiled code may crash."""
        super().calculate(atoms, list(properties), list(system_changes))
        if not np.isfinite(self.atoms.positions).all():
            raise ScfNotConvergedError("the position of an atom is not finite")

    def save_guess(self, path: Path) -> None:
        """Write what the next SCF starts from; nothing by default."""

    def load_guess(self, path: Path) -> bool:  # noqa: ARG002
        """Take what `save_guess` wrote; say whether it could be read."""
        return True

    def forget(self) -> None:
        """Drop what `save_guess` does not keep, so that a resumed run equals this one; nothing by default."""

    def outside(self, atoms: Atoms) -> str:  # noqa: ARG002
        """Say how a geometry is unlike all that the calculator was fitted to; nothing, as by default, if it is not."""
        return ""

    def check_trained(self, atoms: Atoms, what: str) -> None:
        """Raise an OutsideTrainingError if the geometry, which `what` names, is `outside`."""
        if why := self.outside(atoms):
            raise OutsideTrainingError(f"{what} is outside the trained region: {why}")

    @contextmanager
    def keeping(self, state: Path, step: int) -> Iterator[Path]:
        """Keep the guess of a step, and give the file that its caller keeps the step's point in.

        From this guess the next SCF starts digit for digit as it would here. The step kept before stays too, for the
        case that a file of this one is damaged; older ones are forgotten.
        """
        self.save_guess(guess_file(state, step))
        yield point_file(state, step)
        for old in kept_steps(state)[2:]:
            point_file(state, old).unlink(missing_ok=True)
            guess_file(state, old).unlink(missing_ok=True)

    def resume(
        self,
        atoms: Atoms,
        positions: NDArray[Any],
        state: Path,
        step: int,
        results: dict[str, Any] | None = None,
    ) -> bool:
        """Take atoms back to a step whose guess was kept; say whether its file can be read.

        Parameters
        ----------
        atoms : Atoms
            Moved in place. They are this calculator's own from here on, or it would drop the guess.
        positions : array (n, 3)
            Where they were then, Å.
        state : Path
            The folder that `keeping` wrote to.
        step : int
            Of the guess.
        results : dict, optional
            What was computed for these positions.
        """
        if not self.load_guess(guess_file(state, step)):
            return False
        atoms.set_positions(positions, apply_constraint=False)
        self.atoms, self.results = atoms.copy(), results or {}
        return True
