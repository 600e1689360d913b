"""Write the report, and its main figures as files of their own."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.config.models import Config
from iondrill.files import leave_empty
from iondrill.report.data import read_results
from iondrill.report.page.build import write_page

with logged(snakemake.log[0]):
    results = read_results(
        Config.model_validate(snakemake.params.config),
        records=[Path(path) for path in snakemake.input.results],
        structures=[path for path in map(Path, snakemake.input.shown) if path.suffix == ".extxyz"],
    )
    page = Path(snakemake.output.page)
    write_page(results, page, page.parent / "figures")
    # a run that did not converge has no curves
    leave_empty(path for path in map(Path, snakemake.output.order) if not path.exists())
