"""The command ``iondrill echem``: the paper's electrochemistry on tidy CSV or a cycler's workbook."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iondrill.errors import MESSAGE_PREFIX

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable


def register(commands: Any) -> None:
    """Add the command to those of ``iondrill``."""
    echem = commands.add_parser("echem", help="electrochemistry: savings, GITT, b-value, capacitive share, reflections")
    whats = echem.add_subparsers(metavar="what", required=True)
    saving = whats.add_parser("saving", help="Eq. 1: what mixed ions save of the cost of raw materials")
    saving.add_argument("--x", type=float, required=True, metavar="SHARE", help="of sodium, 0 to 1")
    saving.add_argument("--y", type=float, default=0.0, metavar="SHARE", help="of sodium in the reference (default: 0)")
    for ion, material in (("Li", "Li2CO3"), ("Na", "Na2CO3")):
        words = f"of {material}, for a unit of mass; by default the ratio that the paper's saving implies"
        saving.add_argument(f"--price-{ion}", type=float, metavar="PRICE", help=words)
    saving.set_defaults(command=_saving)

    gitt = whats.add_parser("gitt", help="Eq. 2: diffusion coefficients from pulses between rests")
    _add_files(gitt, "time, current and potential")
    gitt.add_argument(
        "--length-um", type=float, required=True, metavar="L", help="how deep ions can go: m V_M/(M S), or a radius"
    )
    gitt.set_defaults(command=_gitt)
    pulse = whats.add_parser("pulse", help="say whether Eq. 2 can hold for a pulse, before or after measuring it")
    for name, words in (
        ("tau-s", "its length"),
        ("length-um", "how deep ions can go"),
        ("D-cm2-s", "diffusion coefficient"),
    ):
        pulse.add_argument(f"--{name}", type=float, required=True, metavar="NUMBER", help=words)
    pulse.set_defaults(command=_pulse)

    exponent = whats.add_parser("b-value", help="the exponent b of i = a·v^b, with its error")
    _add_files(exponent, "scan rate and peak current", table=False)
    exponent.set_defaults(command=_exponent)
    shares = whats.add_parser("capacitive", help="the part of the charge that k1·v carries, of i = k1·v + k2·√v")
    _add_files(shares, "scan rate, potential and current of one sweep")
    shares.set_defaults(command=_capacitive)

    reflections = whats.add_parser("reflections", help="distances of layers from positions of in-situ XRD")
    _add_files(reflections, "2θ; the paper's two positions without a file", optional=True)
    reflections.set_defaults(command=_reflections)


def _add_files(parser: argparse.ArgumentParser, columns: str, *, table: bool = True, optional: bool = False) -> None:
    parser.add_argument(
        "measured", type=Path, metavar="FILE", nargs="?" if optional else None, help=f".csv or .xlsx with {columns}"
    )
    if table:
        parser.add_argument("-o", "--output", type=Path, metavar="CSV", help="table to write")


def _saving(options: argparse.Namespace) -> int:
    """Say what a mixture saves."""
    from iondrill.echem.materials import saving

    given = {"Li": options.price_Li, "Na": options.price_Na}
    found = saving(options.x, options.y, {ion: price for ion, price in given.items() if price is not None})
    print(f"saved: {found.by_mass:.1%} by mass of raw materials, {found.by_mole:.1%} by mole of metal")
    return 0


def _gitt(options: argparse.Namespace) -> int:
    """Write what each pulse gives; fail if all are refused."""
    from iondrill.echem.gitt import GITT, read_gitt
    from iondrill.echem.series import read_series

    series = read_series(options.measured, ("time_s", "current_A", "potential_V"))
    rows = read_gitt(options.measured, series, options.length_um)
    if options.output:
        GITT.write(rows, options.output)
    for row in rows:
        number = "" if row.D_cm2_s is None else f" D = {row.D_cm2_s:.4g} ± {row.D_error_cm2_s:.2g} cm²/s (99 %),"
        print(f"pulse {row.pulse} at {row.start_s:g} s, {row.E_V:.4f} V:{number} {row.status}")
    return 0 if any(row.D_cm2_s is not None for row in rows) else 1


def _pulse(options: argparse.Namespace) -> int:
    """Say how long a pulse is against the diffusion time."""
    from iondrill.echem.gitt import validity

    print(f"τ = {validity(options.tau_s, options.length_um, options.D_cm2_s):.3g} L²/D")
    return 0


def _exponent(options: argparse.Namespace) -> int:
    """Say b."""
    from iondrill.echem.kinetics import exponent
    from iondrill.echem.series import read_series

    series = read_series(options.measured, ("scan_rate_mV_s", "current_A"))
    found = exponent(options.measured, series["scan_rate_mV_s"], series["current_A"])
    print(f"b = {found.b:.4f} ± {found.b_error:.4f} (99 %), from {found.rates} scan rates")
    _remark(found.remarks)
    return 0


def _capacitive(options: argparse.Namespace) -> int:
    """Write the capacitive share at each scan rate."""
    from iondrill.echem.kinetics import SHARES, capacitive
    from iondrill.echem.series import read_series

    series = read_series(options.measured, ("scan_rate_mV_s", "potential_V", "current_A"))
    found = capacitive(options.measured, *series.values())
    if options.output:
        SHARES.write(found.rows, options.output)
    for row in found.rows:
        share = f"{row.capacitive_share:.1%} ± {row.capacitive_share_error:.1%} capacitive (99 %)"
        print(f"{row.scan_rate_mV_s:g} mV/s: {share}")
    _remark(found.remarks)
    return 0


def _reflections(options: argparse.Namespace) -> int:
    """Write what positions say."""
    from iondrill.echem.reflections import POSITIONS, positions, positions_of_paper
    from iondrill.echem.series import read_series

    if options.measured is None:
        rows = positions_of_paper()
    else:
        series = read_series(options.measured, ("two_theta_deg",), ("two_theta_error_deg",))
        rows = positions(options.measured, series)
    if options.output:
        POSITIONS.write(rows, options.output)
    for row in rows:
        error = "" if row.d_error_A is None else f" ± {row.d_error_A:.3f}"
        print(f"{row.two_theta_deg:g}°: {row.d_A:.3f}{error} Å; {row.off_by_deg:+.2f}° from {row.nearest}")
    return 0


def _remark(remarks: Iterable[str]) -> None:
    for remark in remarks:
        print(f"{MESSAGE_PREFIX}remark: {remark}", file=sys.stderr)
