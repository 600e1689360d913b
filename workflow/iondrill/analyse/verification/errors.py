"""Forces and energies of a run's level against those of the reference, and what they say of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from iondrill.analyse.columns import TableForm, number, text
from iondrill.potential.judge import Error, force_error, parts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ase import Atoms
    from numpy.typing import NDArray

    from iondrill.analyse.verification.record import Verdict
    from iondrill.config.verification import VerdictCriteria

    Array = NDArray[np.float64]

ALL = "all"


class Compared(NamedTuple):
    """A frame, or a piece of one, at both levels.

    Attributes
    ----------
    slot : int
        Number of the frame, in the order in which frames were chosen.
    cut : str
        ``piece`` or ``whole``.
    atoms : Atoms
        With fragments; of a piece also ``cap``.
    own, reference : (n_atoms, 3) array
        Forces, eV/Å.
    own_eV, reference_eV : float
        Energies.
    """

    slot: int
    cut: str
    atoms: Atoms
    own: Array
    reference: Array
    own_eV: float
    reference_eV: float

    @property
    def counts(self) -> NDArray[np.bool_]:
        """Which atoms count: not the hydrogens that stand in for atoms cut off."""
        return np.asarray(~self.atoms.arrays.get("cap", np.zeros(len(self.atoms), dtype=bool)).astype(bool))


class PartError(NamedTuple):
    """A row of ``md/<run>/verification.csv``."""

    cut: str
    part: str
    error: Error


class FrameError(NamedTuple):
    """A row of ``md/<run>/verified_frames.csv``."""

    slot: int
    step: int
    time_fs: float
    why: str
    cut: str
    n_atoms: int
    largest_grade: float | None
    status: str
    error: Error | None
    energy_error_meV_atom: float | None


VERIFICATION = TableForm[PartError](
    "a part of the structure, in all compared frames together",
    (
        text("cut", "`whole` frames, or a `piece` round the contact of each, saturated with hydrogen"),
        text("part", "`all`, `nanodiamond`, `flake` (its carbon), `H`, or an ion's element"),
        number("n", "force vectors", lambda row: row.error.n),
        number(
            "force_rms_eV_A",
            "root mean square of the reference's force components: an error as large says that nothing is known",
            lambda row: row.error.force_rms_eV_A,
            heading="force of the reference, rms",
        ),
        number(
            "force_rmse_eV_A",
            "root mean square error of the components at the run's level",
            lambda row: row.error.force_rmse_eV_A,
            heading="force error, RMSE",
        ),
        number("correlation", "of the components at the two levels", lambda row: row.error.correlation),
    ),
)
"""``md/<run>/verification.csv``."""

FRAMES = TableForm[FrameError](
    "a frame that was compared, or a piece of it",
    (
        number("slot", "number of the frame, in the order in which frames were chosen"),
        number("step", "of the frame"),
        number("time_fs", "the same"),
        text("why", "it was chosen: `first contact`, `largest grade`, `evenly spaced`; `recorded`: of an earlier run"),
        text("cut", "`whole`, or a `piece` round the contact"),
        number("n_atoms", "computed, hydrogens that stand in for others among them"),
        number("largest_grade", "of the whole frame: 1 at the limit of what a fitted potential's errors are known on"),
        text("status", "`compared`, or which level did not converge"),
        number("force_rms_eV_A", "of the reference", lambda row: row.error and row.error.force_rms_eV_A),
        number("force_rmse_eV_A", "of the run's level", lambda row: row.error and row.error.force_rmse_eV_A),
        number(
            "energy_error_meV_atom",
            "error of the energy of this frame less that of the mean frame, for frames of one composition: what the "
            "run's level gets wrong of energy differences along the path",
            heading="energy error along the path, meV/atom",
        ),
    ),
)
"""``md/<run>/verified_frames.csv``."""


def errors_by_part(compared: Sequence[Compared]) -> list[PartError]:
    """Return the errors of all frames of one cut together: of all atoms, then of each part of the structure."""
    found = []
    for cut in dict.fromkeys(one.cut for one in compared):
        several = [one for one in compared if one.cut == cut]
        counts = np.concatenate([one.counts for one in several])
        parts = np.concatenate([parts_of(one.atoms) for one in several])[counts]
        own, reference = (np.concatenate([getattr(one, name) for one in several])[counts] for name in _LEVELS)
        found.append(PartError(cut, ALL, force_error(own, reference)))
        for part in np.unique(parts).tolist():
            here = parts == part
            found.append(PartError(cut, part, force_error(own[here], reference[here])))
    return found


_LEVELS = ("own", "reference")


def of_frame(one: Compared) -> Error:
    """Return the error of one frame's forces."""
    return force_error(one.own[one.counts], one.reference[one.counts])


def energy_errors_meV(compared: Sequence[Compared]) -> dict[tuple[int, str], float]:
    """Return the error of the energy of each frame less the mean error of its composition, meV per atom.

    Frames whose composition no other has are left out: between levels, energies have no common zero.

    Returns
    -------
    dict
        By slot and cut.
    """
    groups: dict[str, list[Compared]] = {}
    for one in compared:
        groups.setdefault(one.atoms.get_chemical_formula(), []).append(one)
    found = {}
    for several in groups.values():
        if len(several) > 1:
            errors = np.array([one.own_eV - one.reference_eV for one in several])
            for one, error in zip(several, errors - errors.mean(), strict=True):
                found[one.slot, one.cut] = float(1000 * error / len(one.atoms))
    return found


def cutting_eV_A(piece: Atoms, of_piece: Array, of_whole: Array, parents: NDArray[np.int_]) -> Error:
    """Return what cutting changes: forces on a piece's atoms against those on the same atoms of the whole frame.

    Hydrogens that stand in for others, and the atoms that they are bonded to, are left out: their bonds are others.

    Parameters
    ----------
    piece : Atoms
        With the array ``cap``.
    of_piece : (n, 3) array
        Forces at one level, eV/Å.
    of_whole : (n_whole, 3) array
        Those on the whole frame, at the same level.
    parents : (n,) int array
        Index of each atom in the whole frame; −1 of a stand-in.
    """
    inside = parents >= 0
    caps = piece.positions[~inside]
    if len(caps):
        apart = np.linalg.norm(piece.positions[:, None] - caps[None], axis=2).min(axis=1)
        inside &= apart > NEXT_TO_CAP_A
    return force_error(of_piece[inside], of_whole[parents[inside]])


NEXT_TO_CAP_A = 1.3
"""An atom nearer than this to a stand-in hydrogen is bonded to it."""


def verdict(
    errors: Sequence[PartError],
    n: tuple[int, int],
    largest_grade: float | None,
    criteria: VerdictCriteria,
    wrong: Sequence[str] = (),
) -> tuple[Verdict, list[str]]:
    """Say whether a run is trusted, and why not.

    Parameters
    ----------
    errors : sequence of PartError
        Of all cuts.
    n : (int, int)
        Frames that converged at both levels, and frames that were chosen: 0 where none fits of those recorded.
    largest_grade : float, optional
        Of the run's frames; None where the level has no grade.
    criteria : VerdictCriteria
        ``md.verify.verdict``.
    wrong : sequence of str
        What the level says wrongly to known questions: it is refused whatever else it does.

    Returns
    -------
    verdict : str
        Refused if anything refuses it, else doubtful if anything makes it so.
    reasons : list of str
        A sentence each; none of a trusted run.
    """
    n_compared, n_wanted = n
    refused, doubtful = list(wrong), list[str]()
    if not (n_compared or refused):
        none = "no frame converged at both levels" if n_wanted else "no recorded frame holds the run's elements alone"
        return "not verified", [none]
    if largest_grade is not None and not largest_grade <= criteria.largest_grade:
        refused.append(
            f"a frame left the region that the potential was trained on: grade {largest_grade:.1f}, "
            f"allowed {criteria.largest_grade:g}"
        )
    if 2 * n_compared < n_wanted:
        doubtful.append(f"only {n_compared} of {n_wanted} frames converged at both levels")
    for cut, part, error in errors:
        if error.n < criteria.least_atoms:
            continue
        where = f"{'all atoms' if part == ALL else part} ({cut})"
        share = criteria.refused_share * error.force_rms_eV_A
        if not error.force_rmse_eV_A <= share:
            refused.append(
                f"{where}: force error {error.force_rmse_eV_A:.2f} eV/Å of a force of {error.force_rms_eV_A:.2f}, "
                f"allowed {share:.2f}"
            )
        elif error.force_rmse_eV_A > criteria.trusted_eV_A:
            doubtful.append(f"{where}: force error {error.force_rmse_eV_A:.2f} eV/Å, trusted {criteria.trusted_eV_A:g}")
    if refused:
        return "refused", refused + doubtful
    return ("doubtful", doubtful) if doubtful else ("trusted", [])
