"""Map the ELF of a frame on the plane of insertion, and read it at the contacts."""

from dataclasses import astuple, fields
from pathlib import Path

from iondrill.analyse.elf import ContactElf, contact_elf, elf_on_plane
from iondrill.analyse.point import plane_of_run, read_point
from iondrill.analyse.tables import write_table
from iondrill.files import replacing
from iondrill.report.elf_map import draw_elf_map
from iondrill.scripting import logged

with logged(snakemake.log[0]):
    wavefunction, atoms = read_point(snakemake.input.result, snakemake.input.structure)
    plane = plane_of_run(atoms, snakemake.input.trajectory, snakemake.params.steps, **snakemake.params.settings)
    elf_map = elf_on_plane(wavefunction, plane)
    elf_map.write(Path(snakemake.output.data))
    step = int(snakemake.wildcards.step)
    time_fs = step * snakemake.params.timestep_fs
    figure = draw_elf_map(elf_map, atoms, title=f"{time_fs:g} fs, {snakemake.params.level}")
    with replacing(Path(snakemake.output.figure)) as temporary:
        figure.savefig(temporary, dpi=150)
    contacts = [astuple(contact) for contact in contact_elf(wavefunction, atoms)]
    header = ["step", "time_fs", *(field.name for field in fields(ContactElf))]
    write_table(Path(snakemake.output.contacts), header, [(step, time_fs, *contact) for contact in contacts])
