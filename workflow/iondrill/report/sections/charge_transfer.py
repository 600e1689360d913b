"""Where the electrons go as nanodiamond and flake meet: the density difference, integrated over planes along x."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iondrill.analyse.elf.difference import read_profile
from iondrill.analyse.tables import evenly
from iondrill.report.figures.svg import OKABE_ITO, STYLE, canvas, data_uri, themed, to_svg
from iondrill.report.sections.elf_maps import difference_frames
from iondrill.report.sections.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from iondrill.analyse.elf.difference import Profile
    from iondrill.report.data import Results, Run

MOST_FRAMES = 6
PLOT_IN = (4.3, 2.6)


def transfer_picture(results: Results, run: Run) -> Picture | None:
    """Return the integrals of a run's density differences; None without any.

    Raises
    ------
    UserError
        If a file is cut.
    """
    level = results.title_of(results.config.elf.level)
    files = {frame.time_fs: image.with_suffix(".npz") for frame, image in difference_frames(results, run)}
    profiles = {time_fs: read_profile(path) for time_fs, path in files.items()}
    if not profiles:
        return None
    moved = {time_fs: float(max(profile.transferred_e, key=abs)) for time_fs, profile in profiles.items()}
    words = "; ".join(f"{time_fs:g} fs: at most {moved_e:.3f} e" for time_fs, moved_e in moved.items())
    rows = [
        f'{time_fs:g},{position:.3f},{density:.6g},{passed:.6g},"{level}"'
        for time_fs, profile in profiles.items()
        for position, density, passed in zip(
            profile.position_A.tolist(), profile.difference_e_A.tolist(), profile.transferred_e.tolist(), strict=True
        )
    ]
    return Picture(
        src=data_uri(themed(draw_transfer(profiles)), "image/svg+xml"),
        alt=f"Density difference of run {run.name} along x, {level}. Electrons that moved to smaller x: {words}.",
        title="The density difference along the insertion axis",
        caption="left: integrated over each plane; right: the electrons that moved through it towards smaller x, where "
        "the nanodiamond is; the first frame is dark, the last light",
        level=level,
        data=data_uri("\n".join(["time_fs,x_A,difference_e_A,transferred_e,level", *rows]) + "\n", "text/csv"),
        data_name=f"{run.name}-density-difference.csv",
        shape="wide",
        files=tuple(files[time_fs] for time_fs in _drawn(profiles)),
    )


def draw_transfer(profiles: Mapping[float, Profile]) -> str:
    """Return the integrals as SVG: over each plane, and up to each plane, a curve for each of some frames.

    Parameters
    ----------
    profiles : mapping of float to Profile
        By time in fs.
    """
    from matplotlib import colormaps, rc_context

    times = _drawn(profiles)
    with rc_context(STYLE):
        figure, (density, moved) = canvas(1, 2, (2 * PLOT_IN[0], PLOT_IN[1]))
        for k, time_fs in enumerate(times):
            profile, colour = profiles[time_fs], colormaps["cividis"](0.3 + 0.55 * k / max(1, len(times) - 1))
            density.plot(profile.position_A, profile.difference_e_A, color=colour, lw=1.3, label=f"{time_fs:g} fs")
            moved.plot(profile.position_A, profile.transferred_e, color=colour, lw=1.3)
        density.set(xlabel="x (Å)", ylabel="density difference (e/Å)")
        moved.set(xlabel="x (Å)", ylabel="moved to smaller x (e)")
        for axes in (density, moved):
            axes.axhline(0, color=OKABE_ITO[1], lw=0.6, ls=":")
        figure.legend(loc="outside upper center", ncols=len(times), fontsize=8)
        return to_svg(figure)


def _drawn(profiles: Mapping[float, Profile]) -> list[float]:
    """Return the times of the frames that are drawn."""
    return [list(profiles)[i] for i in evenly(len(profiles), MOST_FRAMES)]
