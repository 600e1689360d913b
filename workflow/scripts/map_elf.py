"""Map the ELF of a frame on the plane of insertion, and read it along the lines between atoms that touch.

Of a single point that did not converge the files are empty.
"""

from pathlib import Path

from iondrill.scripting import all_converged, logged
from iondrill.analyse.elf.contacts import CONTACTS, FrameContact, contact_elf
from iondrill.analyse.elf.event_frames import own_steps, read_events, step_of
from iondrill.analyse.elf.lines import BONDS, PROFILES, bond_rows, elf_lines, profile_rows
from iondrill.analyse.elf.map import elf_on_plane
from iondrill.analyse.elf.point import cube_map, plane_of_run, read_point
from iondrill.files import leave_empty, replacing
from iondrill.report.figures.elf_map import PAPER, SAFE, draw_elf_map


def draw(step, steps):
    """Write maps and tables of the frame of a step; `steps` are all that are mapped."""
    spin_D0 = snakemake.params.spin_D0
    wavefunction, atoms = read_point(snakemake.input.result, snakemake.input.structure, spin_D0)
    plane = plane_of_run(atoms, snakemake.input.trajectory, steps, **snakemake.params.settings)
    cubes = snakemake.input.get("cubes")
    elf_map = cube_map(cubes, plane, spin_D0) if cubes else elf_on_plane(wavefunction, plane)
    elf_map.write(Path(snakemake.output.data))
    time_fs = step * snakemake.params.timestep_fs
    for path, colours in ((snakemake.output.figure, PAPER), (snakemake.output.safe, SAFE)):
        figure = draw_elf_map(elf_map, atoms, title=f"{time_fs:g} fs, {snakemake.params.level}", colours=colours)
        with replacing(Path(path)) as temporary:
            figure.savefig(temporary, dpi=150)
    contacts = [FrameContact(step, time_fs, contact) for contact in contact_elf(wavefunction, atoms)]
    CONTACTS.write(contacts, Path(snakemake.output.contacts))
    lines = elf_lines(wavefunction, atoms)
    PROFILES.write(profile_rows(lines, step, time_fs), Path(snakemake.output.profiles))
    BONDS.write(bond_rows(lines, step, time_fs), Path(snakemake.output.bonds))


with logged(snakemake.log[0]):
    events = read_events(map(Path, snakemake.input.events))
    step = step_of(snakemake.wildcards.frame, events)
    if all_converged([snakemake.input.result]):
        draw(step, [*snakemake.params.steps, *own_steps(events)])
    else:
        leave_empty(map(Path, snakemake.output))
