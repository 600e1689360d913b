"""Map the ELF of a frame on the plane of insertion, and read it at the contacts."""

from dataclasses import astuple, fields
from pathlib import Path

from iondrill.analyse.elf import ContactElf, Plane, contact_elf, elf_on_plane
from iondrill.analyse.tables import write_table
from iondrill.analyse.wavefunction import read_molden
from iondrill.build.checks import read_structure
from iondrill.engines.base import read_result
from iondrill.errors import UserError
from iondrill.files import replacing
from iondrill.report.elf_map import draw_elf_map
from iondrill.scripting import logged

with logged(snakemake.log[0]):
    if (status := read_result(Path(snakemake.input.result)).status) != "converged":
        raise UserError.of(snakemake.input.result, f"the wavefunction is {status}", "allowed: converged")
    wavefunction = read_molden(Path(snakemake.input.wavefunction))
    atoms = wavefunction.place(read_structure(Path(snakemake.input.structure)))
    # the insertion axis runs through the middle of the flake
    middle = atoms.positions[atoms.arrays["fragment"] != "nd"].mean(axis=0)
    elf_map = elf_on_plane(wavefunction, Plane.of_insertion(atoms, middle, **snakemake.params.settings))
    elf_map.write(Path(snakemake.output.data))
    step = int(snakemake.wildcards.step)
    time_fs = step * snakemake.params.timestep_fs
    figure = draw_elf_map(elf_map, atoms, title=f"{time_fs:g} fs, {snakemake.params.level}")
    with replacing(Path(snakemake.output.figure)) as temporary:
        figure.savefig(temporary, dpi=150)
    contacts = [astuple(contact) for contact in contact_elf(wavefunction, atoms)]
    header = ["step", "time_fs", *(field.name for field in fields(ContactElf))]
    write_table(Path(snakemake.output.contacts), header, [(step, time_fs, *contact) for contact in contacts])
