"""Write the trajectory of a run, its order parameters and the charges of its fragments."""

from pathlib import Path

from iondrill.analyse.charges import fragment_charges, write_csv as write_charges
from iondrill.analyse.order import order_parameters, write_csv
from iondrill.build.checks import read_structure
from iondrill.collect.trajectory import write_trajectory
from iondrill.prepare.frames import Frames
from iondrill.scripting import logged

with logged(snakemake.log[0]):
    atoms = read_structure(Path(snakemake.input.structure))
    frames = Frames(Path(snakemake.input.frames), stride=snakemake.params.save_every)
    write_trajectory(frames, atoms, Path(snakemake.output.trajectory))
    write_csv(order_parameters(frames, atoms), Path(snakemake.output.order_parameters))
    write_charges(fragment_charges(frames, atoms), Path(snakemake.output.charges))
