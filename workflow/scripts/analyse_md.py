"""Write the trajectory of a run, its order parameters and events, those before its launch, and charges of fragments.

Of a run that did not converge the files are empty, so that what is made of the others goes on.
"""

from pathlib import Path

from iondrill.scripting import all_converged, logged
from iondrill.analyse.dynamics.of_run import Asked, RunFiles, analyse_run
from iondrill.config.models import EventCriteria
from iondrill.engines.folder import THERMALISED
from iondrill.engines.length import FRAMES
from iondrill.files import leave_empty
from iondrill.geometry.checks import read_structure
from iondrill.jobs.frames import Frames


def analyse(record):
    """Write all that is analysed of a run that converged."""
    atoms, params = read_structure(Path(snakemake.input.structure)), snakemake.params
    frames = Frames(record.with_name(FRAMES), stride=params.save_every)
    first = Frames(record.parent / THERMALISED / FRAMES, stride=params.save_every) if params.thermalised else None
    asked = Asked(params.temperature_K, EventCriteria.model_validate(params.events), params.scheme, params.charge)
    files = RunFiles(**{name: Path(snakemake.output[name]) for name in RunFiles._fields})
    analyse_run(frames, first, atoms, asked, files)


with logged(snakemake.log[0]):
    record = Path(snakemake.input.result)
    if all_converged([record]):
        analyse(record)
    else:
        leave_empty(map(Path, snakemake.output))
