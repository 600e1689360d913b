"""Draw the paper's figures from this run."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.config.models import Config
from iondrill.report.data import read_results
from iondrill.report.page.paper import write_paper_figures

with logged(snakemake.log[0]):
    files = [Path(path) for path in snakemake.input]
    results = read_results(
        Config.model_validate(snakemake.params.config),
        records=[path for path in files if path.name == "result.json"],
        structures=[path for path in files if path.suffix == ".extxyz"],
    )
    write_paper_figures(results, Path(snakemake.output.page).parent)
