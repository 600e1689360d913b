"""Map what the electron density of a frame gains and loses as nanodiamond and flake meet.

Where the single point of the whole or of a part did not converge, the files are empty.
"""

from pathlib import Path

from iondrill.scripting import all_converged, logged
from iondrill.analyse.elf.difference import check_balance, difference_on_plane, planar_integral
from iondrill.analyse.elf.event_frames import own_steps, read_events, step_of
from iondrill.analyse.elf.point import plane_of_run, read_point
from iondrill.files import leave_empty, replacing
from iondrill.report.figures.difference_map import draw_difference_map


def draw(step, steps):
    """Write map and integrals of the frame of a step; `steps` are all that are mapped."""
    points = zip(snakemake.input.results, snakemake.input.structures, strict=True)
    (whole, atoms), *parts = (read_point(*files) for files in points)
    alone = [wavefunction for wavefunction, _ in parts]
    plane = plane_of_run(atoms, snakemake.input.trajectory, steps, **snakemake.params.settings)
    profile = planar_integral(whole, alone, atoms, axis=0)
    check_balance(profile, snakemake.input.results[0])
    difference_map = difference_on_plane(whole, alone, plane)
    difference_map.write(Path(snakemake.output.data), profile)
    time_fs = step * snakemake.params.timestep_fs
    figure = draw_difference_map(difference_map, atoms, title=f"{time_fs:g} fs, {snakemake.params.level}")
    with replacing(Path(snakemake.output.figure)) as temporary:
        figure.savefig(temporary, dpi=150)


with logged(snakemake.log[0]):
    events = read_events(map(Path, snakemake.input.events))
    step = step_of(snakemake.wildcards.frame, events)
    if all_converged(snakemake.input.results):
        draw(step, [*snakemake.params.steps, *own_steps(events)])
    else:
        leave_empty(map(Path, snakemake.output))
