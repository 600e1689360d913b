"""Tabulate and draw free energies; a profile of which a window did not converge says so and has no number."""

from pathlib import Path

from iondrill.scripting import logged
from iondrill.analyse.energies.sampled import profile_of, write_profiles
from iondrill.config.models import Config
from iondrill.files import write_text
from iondrill.prepare.plan import Plan
from iondrill.report.figures.free_energy import draw_free_energies

with logged(snakemake.log[0]):
    plan = Plan(Config.model_validate(snakemake.params.config))
    settings = plan.free_energy.profiles
    profiles = [profile_of(plan, name) for name in settings]
    write_profiles(plan, profiles, Path(snakemake.output.table), Path(snakemake.output.data))
    coordinates = {name: profile.coordinate for name, profile in settings.items()}
    levels = {name: plan.config.levels[plan.free_energy.level_of(name)].title for name in settings}
    write_text(Path(snakemake.output.figure), draw_free_energies(profiles, coordinates, levels))
    for profile in profiles:
        print(f"{profile.name}: {profile.status}")
