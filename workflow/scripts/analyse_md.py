"""Write the trajectory of a run, its order parameters and events, those before its launch, and charges of fragments."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.dynamics.of_run import Asked, RunFiles, analyse_run
from iondrill.config.models import EventCriteria
from iondrill.engines.base import read_converged
from iondrill.engines.folder import THERMALISED
from iondrill.engines.length import FRAMES
from iondrill.geometry.checks import read_structure
from iondrill.jobs.frames import Frames

with logged(snakemake.log[0]):
    atoms = read_structure(Path(snakemake.input.structure))
    record, params = Path(snakemake.input.result), snakemake.params
    read_converged(record)
    frames = Frames(record.with_name(FRAMES), stride=params.save_every)
    first = Frames(record.parent / THERMALISED / FRAMES, stride=params.save_every) if params.thermalised else None
    asked = Asked(params.temperature_K, EventCriteria.model_validate(params.events), params.scheme, params.charge)
    files = RunFiles(**{name: Path(snakemake.output[name]) for name in RunFiles._fields})
    analyse_run(frames, first, atoms, asked, files)
