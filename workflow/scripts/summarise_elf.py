"""Put the tables of all mapped frames of a run into one each: contacts, profiles, bonds, charges."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.elf.contacts import CONTACTS
from iondrill.analyse.elf.event_frames import read_events, step_of
from iondrill.analyse.elf.lines import BONDS, PROFILES
from iondrill.analyse.elf.summary import join, write_charges
from iondrill.files import is_empty

with logged(snakemake.log[0]):
    events = read_events(map(Path, snakemake.input.events))
    for name, form in (("contacts", CONTACTS), ("profiles", PROFILES), ("bonds", BONDS)):
        said = events if name == "contacts" else []
        join(form, map(Path, snakemake.input.get(name)), Path(snakemake.output.get(name)), said)
    steps = [step_of(frame, events) for frame in snakemake.params.frames]
    structures = zip(steps, map(Path, snakemake.input.structures), strict=True)
    there = {step: path for step, path in structures if step is not None and not is_empty(path)}
    write_charges(there, snakemake.params.timestep_fs, snakemake.params.charge, Path(snakemake.output.charges))
