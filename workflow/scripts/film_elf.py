"""Put the ELF maps of a run into a film."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.elf.event_frames import read_events, step_of
from iondrill.files import is_empty, leave_empty
from iondrill.report.figures.film import write_film

with logged(snakemake.log[0]):
    events = read_events(map(Path, snakemake.input.events))
    steps = {path: step_of(path.stem, events) for path in map(Path, snakemake.input.maps)}
    maps = sorted(
        (path for path, step in steps.items() if step is not None and not is_empty(path)), key=lambda path: steps[path]
    )
    if maps:
        write_film(maps, Path(snakemake.output.film))
    else:
        leave_empty([Path(snakemake.output.film)])
