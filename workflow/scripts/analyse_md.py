"""Write the trajectory of a run, its order parameters and events, those before its launch, and charges of fragments."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.dynamics.charges import CHARGES, fragment_charges
from iondrill.analyse.dynamics.events import watch_for
from iondrill.analyse.dynamics.order import order_parameters, write_order
from iondrill.analyse.dynamics.rest import late_temperature, rests
from iondrill.analyse.tables import read_columns
from iondrill.collect.readers import log_chunks
from iondrill.collect.trajectory import write_trajectory
from iondrill.config.models import EventCriteria
from iondrill.engines.base import read_converged
from iondrill.engines.folder import THERMALISED
from iondrill.engines.length import FRAMES
from iondrill.geometry.checks import read_structure
from iondrill.jobs.frames import Frames

with logged(snakemake.log[0]):
    atoms = read_structure(Path(snakemake.input.structure))
    record = Path(snakemake.input.result)
    read_converged(record)
    frames = Frames(record.with_name(FRAMES), stride=snakemake.params.save_every)
    write_trajectory(frames, atoms, Path(snakemake.output.trajectory))
    thermalisation = Path(snakemake.output.thermalisation)
    before = []
    if snakemake.params.thermalised:
        first = Frames(record.parent / THERMALISED / FRAMES, stride=snakemake.params.save_every)
        before = [seen.columns for seen in order_parameters(log_chunks(first, len(atoms)), atoms)]
    write_order(before, thermalisation)
    rest = rests(read_columns(thermalisation)).get("gap_edge_A")
    watch = watch_for(EventCriteria.model_validate(snakemake.params.events), atoms, rest.mean if rest else None)
    seen = order_parameters(log_chunks(frames, len(atoms)), atoms)
    write_order(watch.over(seen), Path(snakemake.output.order_parameters))
    temperature_K = read_columns(Path(snakemake.output.order_parameters))["temperature_K"]
    watch.write(Path(snakemake.output.events), late_temperature(temperature_K, snakemake.params.temperature_K))
    rows = (
        row
        for chunk in (frames.chunks() if "charges_e" in frames.fields else ())
        for frame in chunk
        for row in fragment_charges(
            int(frame["step"]),
            float(frame["time_fs"]),
            frame["charges_e"],
            atoms.arrays["fragment"],
            scheme=snakemake.params.scheme,
            total_charge_e=snakemake.params.charge,
            source=frames.path,
        )
    )
    CHARGES.write(rows, Path(snakemake.output.charges))
