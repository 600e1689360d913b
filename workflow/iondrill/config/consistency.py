"""What is wrong between the keys of a configuration, found in plain data, so that other mistakes hide nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from iondrill.config.base import Thermostat
from iondrill.config.convergence import GEOMETRY, Sweep
from iondrill.config.levels import LEVELS, engines_that
from iondrill.config.models import Config, MdMatrix
from iondrill.config.schema import schema_of, value_at
from iondrill.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iondrill.config.document import KeyPath
    from iondrill.config.explain import Mistake

THERMOSTATS = get_args(Thermostat.model_fields["kind"].annotation)
STAGES = ("relax", "md", "elf", "adsorption")
RELAXING = ("relax", "adsorption")


def mistakes(content: dict[str | int, Any]) -> Iterator[Mistake]:
    """Yield names of levels and runs that do not exist, and levels that cannot do what is asked of them.

    Parameters
    ----------
    content : dict
        The merged content of the configuration files, valid or not.
    """
    known = _known_runs(content)
    yield from _metal_mistakes(content)
    for key_path, refers_to, name in references(content):
        if refers_to == "level":
            yield from _level_mistakes(content, key_path, name)
        elif refers_to == "run" and known is not None and name not in known:
            yield key_path, f"there is no run '{name}'", nearest(name, known)
        elif refers_to == "run" and key_path[0] == "md":
            yield from _thermostat_mistakes(content, name)
    for study in _mapping(content, "convergence", "studies"):
        yield from _sweep_mistakes(content, str(study))


def references(content: dict[str | int, Any]) -> Iterator[tuple[KeyPath, str, str]]:
    """Yield each name that refers to something else: its key path, to what, and the name.

    Levels that the stages name by default are among them.
    """
    for stage in STAGES:
        if _readable(content, stage) and "level" not in _mapping(content, stage):
            yield (stage, "level"), "level", Config.model_fields[stage].get_default().level
    for stage in RELAXING:
        default = Config.model_fields[stage].get_default()
        level = _mapping(content, stage).get("level", default.level)
        levels = [name for name in (level if isinstance(level, list) else [level]) if isinstance(name, str)]
        engines = [engine for name in levels if (engine := _engine(content, name))]
        if "prerelax" not in _mapping(content, stage) and not all(map(_in_process, engines)):
            yield (stage, "prerelax"), "level", default.prerelax
    yield from schema_of(Config).references(content)


def _level_mistakes(content: dict[str | int, Any], key_path: KeyPath, name: str) -> Iterator[Mistake]:
    """Yield what is wrong with a level where it is named; one that cannot be read is reported where it is defined."""
    levels = _mapping(content, "levels")
    if levels and name not in levels:
        default = "" if value_at(content, key_path) else ", the default"
        allowed = nearest(name, map(str, levels))
        allowed += ", or null" if key_path[-1] == "prerelax" and allowed.startswith("allowed") else ""
        yield key_path, f"there is no level '{name}'{default}", allowed
        return
    if engine := _engine(content, name):
        yield from _ability_mistakes(content, key_path, name, engine)


def _ability_mistakes(content: dict[str | int, Any], key_path: KeyPath, name: str, engine: str) -> Iterator[Mistake]:
    """Yield where a level is named for what its engine cannot do."""
    model, elf = LEVELS[engine], _mapping(content, "elf")
    stage = key_path[1] if key_path[0] == "inputs" else key_path[0]
    found = f"level '{name}' is of engine {engine}"
    if key_path == ("elf", "level") and elf.get("frames") == 0 and not elf.get("events"):
        return  # nothing is mapped
    if stage == "intercalation" and not model.samples_kpoints:
        allowed = engines_that(lambda other: other.samples_kpoints)
        more = f"{found}, which samples Γ alone: no metal converges with its cell"
        yield key_path, more, f"allowed: a level of engine {allowed}"
    if stage == "barriers" and "neb" not in model.tasks:
        allowed = engines_that(lambda other: "neb" in other.tasks)
        yield key_path, f"level '{name}' is not of engine {allowed}", f"allowed: a level of engine {allowed}"
    if stage == "md" and key_path != ("md", "verify", "level") and "md" not in model.tasks:
        yield key_path, found, f"allowed: a level of engine {engines_that(lambda other: 'md' in other.tasks)}"
    if stage == "free_energy" and "umbrella" not in model.tasks:
        allowed = engines_that(lambda other: "umbrella" in other.tasks)
        yield key_path, f"{found}, which has no restraint", f"allowed: a level of engine {allowed}"
    if stage == "elf" and not model.has_electrons:
        yield key_path, found, f"allowed: a level of engine {engines_that(lambda other: other.has_electrons)}"
    if key_path[0] == "elf" and elf.get("difference") and not model.maps_parts:
        allowed = engines_that(lambda other: other.maps_parts)
        yield ("elf", "difference"), found, f"allowed: false, or a level of {allowed}"
    if key_path == ("elf", "level") and elf.get("route") == "cube" and not model.writes_cubes:
        yield ("elf", "route"), f"found 'cube', and {found}", "allowed: wavefunction"
    said = _mapping(content, "levels", name).get("elf_spin_D0")
    if key_path == ("elf", "level") and model.asks_spin_D0 and said is None:
        found = f"level '{name}' does not say elf_spin_D0, without which an ELFCAR of two spins means nothing"
        yield key_path, found, f"allowed: '6pi2' or '3pi2'; `iondrill elf-check {name}` finds out which"


def _metal_mistakes(content: dict[str | int, Any]) -> Iterator[Mistake]:
    """Yield where the bulk metals of adsorption energies are to be computed, and are not, or at no level of these."""
    stage, key_path = _mapping(content, "adsorption"), ("adsorption", "metal")
    if stage.get("metal") != "computed":
        return
    computed = _mapping(content, "intercalation")
    if content.get("intercalation") is None:
        yield key_path, "found 'computed'", "allowed: tabulated; computed needs intercalation"
    level = computed.get("level")
    wanted = stage.get("level", Config.model_fields["adsorption"].get_default().level)
    if isinstance(level, str) and level not in (wanted if isinstance(wanted, list) else [wanted]):
        found = f"found 'computed', and intercalation is at level '{level}', none of adsorption's"
        yield key_path, found, f"allowed: tabulated, or level '{level}' in adsorption"


def _thermostat_mistakes(content: dict[str | int, Any], run: str) -> Iterator[Mistake]:
    """Yield the thermostat of a run if its level does not offer it."""
    key = "runs" if run in _mapping(content, "md", "runs") else "matrix"
    settings = _mapping(content, "md", key, run)
    default = _mapping(content, "md").get("level", Config.model_fields["md"].get_default().level)
    level = settings.get("level") or default
    kind = _mapping(settings, "thermostat").get("kind")
    engine = _engine(content, level) if isinstance(level, str) else None
    if engine and kind in THERMOSTATS and kind not in LEVELS[engine].thermostats:
        allowed = ", ".join(LEVELS[engine].thermostats)
        yield (
            ("md", key, run, "thermostat", "kind"),
            f"found '{kind}' at a level of engine {engine}",
            f"allowed: {allowed}",
        )


def _known_runs(content: dict[str | int, Any]) -> set[str] | None:
    """Return the names of runs, matrices and the runs of these; None if some cannot be read."""
    if not (_readable(content, "md", "runs") and _readable(content, "md", "matrix")):
        return None
    runs, matrices = _mapping(content, "md", "runs"), _mapping(content, "md", "matrix")
    known = {str(name) for name in (*runs, *matrices)}
    try:
        for name, matrix in matrices.items():
            known |= MdMatrix.model_validate(matrix).cells(str(name)).keys()
    except ValidationError:
        return None
    return known


def _sweep_mistakes(content: dict[str | int, Any], name: str) -> Iterator[Mistake]:
    """Yield the settings swept that are none of the level's."""
    study = _mapping(content, "convergence", "studies", name)
    chosen = study.get("level")
    engine = _engine(content, chosen) if isinstance(chosen, str) else None
    if engine is None:
        return
    for parameter, values in _mapping(study, "sweep").items():
        if values and parameter in Sweep.model_fields and parameter not in {*GEOMETRY, *LEVELS[engine].model_fields}:
            key_path = ("convergence", "studies", name, "sweep", parameter)
            there = [key for key in Sweep.model_fields if key in {*GEOMETRY, *LEVELS[engine].model_fields}]
            yield (
                key_path,
                f"level '{chosen}' is of engine {engine}, without this setting",
                f"allowed: {', '.join(there)}",
            )


def _engine(content: dict[str | int, Any], level: str) -> str | None:
    """Return the engine of a level; None if there is none of that name."""
    engine = _mapping(content, "levels", level).get("engine")
    return engine if isinstance(engine, str) and engine in LEVELS else None


def _in_process(engine: str) -> bool:
    return LEVELS[engine].in_process


def _mapping(content: Any, *keys: str) -> dict[str | int, Any]:
    """Return the mapping at a key path, empty where there is none."""
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content if isinstance(content, dict) else {}


def _readable(content: Any, *keys: str) -> bool:
    """Say whether there is a mapping at a key path, or it is left out."""
    for key in keys:
        content = content.get(key, {}) if isinstance(content, dict) else None
    return isinstance(content, dict)
