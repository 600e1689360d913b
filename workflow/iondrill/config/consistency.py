"""What is wrong between the keys of a configuration, found in plain data, so that other mistakes hide nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from iondrill.config.convergence import GEOMETRY, Sweep
from iondrill.config.levels import LEVELS
from iondrill.config.models import Config, MdMatrix
from iondrill.config.schema import schema_of, value_at
from iondrill.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iondrill.config.document import Place
    from iondrill.config.explain import Mistake

STAGES = ("relax", "md", "elf", "adsorption")
RELAXING = ("relax", "adsorption")
DFT = ("cp2k", "vasp")


def mistakes(content: dict[str | int, Any]) -> Iterator[Mistake]:
    """Yield names of levels and runs that do not exist, and levels that cannot do what is asked of them.

    Parameters
    ----------
    content : dict
        The merged content of the configuration files, valid or not.
    """
    known = _known_runs(content)
    yield from _metal_mistakes(content)
    yield from _facet_mistakes(content)
    for place, refers_to, name in references(content):
        if refers_to == "level":
            yield from _level_mistakes(content, place, name)
        elif refers_to == "run" and known is not None and name not in known:
            yield place, f"there is no run '{name}'", nearest(name, known)
        elif refers_to == "run" and place[0] == "md":
            yield from _thermostat_mistakes(content, name)
    for study in _mapping(content, "convergence", "studies"):
        yield from _sweep_mistakes(content, str(study))


def references(content: dict[str | int, Any]) -> Iterator[tuple[Place, str, str]]:
    """Yield each name that refers to something else: its place, to what, and the name.

    Levels that the stages name by default are among them.
    """
    for stage in STAGES:
        if _readable(content, stage) and "level" not in _mapping(content, stage):
            yield (stage, "level"), "level", Config.model_fields[stage].get_default().level
    for stage in RELAXING:
        default = Config.model_fields[stage].get_default()
        level = _mapping(content, stage).get("level", default.level)
        levels = [name for name in (level if isinstance(level, list) else [level]) if isinstance(name, str)]
        engines = [_mapping(content, "levels", name).get("engine") for name in levels]
        if "prerelax" not in _mapping(content, stage) and any(engine in DFT for engine in engines):
            yield (stage, "prerelax"), "level", default.prerelax
    yield from schema_of(Config).references(content)


def _level_mistakes(content: dict[str | int, Any], place: Place, name: str) -> Iterator[Mistake]:
    """Yield what is wrong with a level where it is named; one that cannot be read is wrong only where it stands."""
    levels = _mapping(content, "levels")
    if levels and name not in levels:
        default = "" if value_at(content, place) else ", the default"
        allowed = nearest(name, map(str, levels))
        allowed += ", or null" if place[-1] == "prerelax" and allowed.startswith("allowed") else ""
        yield place, f"there is no level '{name}'{default}", allowed
        return
    yield from _vasp_mistakes(content, place, name)
    yield from _route_mistakes(content, place, name)
    engine = _mapping(content, "levels", name).get("engine")
    if place[0] == "intercalation" and engine == "xtb":
        found = f"level '{name}' is of engine xtb, which samples Γ alone: no metal converges with its cell"
        yield place, found, "allowed: a level of engine cp2k or vasp"
    if place[0] == "barriers" and engine in DFT:
        yield place, f"level '{name}' is not of engine xtb", "allowed: a level of engine xtb"


def _vasp_mistakes(content: dict[str | int, Any], place: Place, name: str) -> Iterator[Mistake]:
    """Yield where VASP is named for what it is not offered for."""
    level = _mapping(content, "levels", name)
    stage = place[1] if place[0] == "inputs" else place[0]
    if level.get("engine") != "vasp":
        return
    if stage == "md":
        yield place, f"level '{name}' is of engine vasp", "allowed: a level of engine xtb or cp2k"
    elif stage == "elf" and place[0] == "elf" and _mapping(content, "elf").get("difference"):
        yield ("elf", "difference"), f"level '{name}' is of engine vasp", "allowed: false, or a level of xtb or cp2k"
    if place == ("elf", "level") and level.get("elf_spin_D0") is None:
        found = f"level '{name}' does not say elf_spin_D0, without which an ELFCAR of two spins means nothing"
        yield place, found, f"allowed: '6pi2' or '3pi2'; `iondrill elf-check {name}` finds out which"


def _route_mistakes(content: dict[str | int, Any], place: Place, name: str) -> Iterator[Mistake]:
    """Yield the route of the ELF stage if its level writes no cubes."""
    engine = _mapping(content, "levels", name).get("engine")
    if place == ("elf", "level") and engine in ("xtb", "vasp") and _mapping(content, "elf").get("route") == "cube":
        yield ("elf", "route"), f"found 'cube', and level '{name}' is of engine {engine}", "allowed: wavefunction"


def _metal_mistakes(content: dict[str | int, Any]) -> Iterator[Mistake]:
    """Yield where the bulk metals of adsorption energies are to be computed, and are not, or at no level of these."""
    stage, place = _mapping(content, "adsorption"), ("adsorption", "metal")
    if stage.get("metal") != "computed":
        return
    computed = _mapping(content, "intercalation")
    if content.get("intercalation") is None:
        yield place, "found 'computed'", "allowed: tabulated; computed needs intercalation"
    level = computed.get("level")
    wanted = stage.get("level", Config.model_fields["adsorption"].get_default().level)
    if isinstance(level, str) and level not in (wanted if isinstance(wanted, list) else [wanted]):
        found = f"found 'computed', and intercalation is at level '{level}', none of adsorption's"
        yield place, found, f"allowed: tabulated, or level '{level}' in adsorption"


def _facet_mistakes(content: dict[str | int, Any]) -> Iterator[Mistake]:
    """Yield the facets that get sites, and are none of the stage's."""
    facets = _mapping(content, "adsorption").get("facets", [])
    if not isinstance(facets, list):
        return
    for facet in _mapping(content, "adsorption", "sites"):
        if facet not in facets:
            allowed = nearest(str(facet), (name for name in facets if isinstance(name, str)))
            yield ("adsorption", "sites", facet), f"adsorption.facets does not name '{facet}'", allowed


def _thermostat_mistakes(content: dict[str | int, Any], run: str) -> Iterator[Mistake]:
    """Yield the thermostat of a run if its level does not offer it."""
    key = "runs" if run in _mapping(content, "md", "runs") else "matrix"
    settings = _mapping(content, "md", key, run)
    default = _mapping(content, "md").get("level", Config.model_fields["md"].get_default().level)
    level = settings.get("level") or default
    nose = _mapping(settings, "thermostat").get("kind") == "nose"
    if nose and isinstance(level, str) and _mapping(content, "levels", level).get("engine") == "xtb":
        yield ("md", key, run, "thermostat", "kind"), "found 'nose' at a level of engine xtb", "allowed: csvr, none"


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
    engine = _mapping(content, "levels", chosen).get("engine") if isinstance(chosen, str) else None
    if not isinstance(engine, str) or engine not in LEVELS:
        return
    for parameter, values in _mapping(study, "sweep").items():
        if values and parameter in Sweep.model_fields and parameter not in {*GEOMETRY, *LEVELS[engine].model_fields}:
            place = ("convergence", "studies", name, "sweep", parameter)
            there = [key for key in Sweep.model_fields if key in {*GEOMETRY, *LEVELS[engine].model_fields}]
            yield place, f"level '{chosen}' is of engine {engine}, without this setting", f"allowed: {', '.join(there)}"


def _mapping(content: Any, *keys: str) -> dict[str | int, Any]:
    """Return the mapping at a place, empty where there is none."""
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content if isinstance(content, dict) else {}


def _readable(content: Any, *keys: str) -> bool:
    """Say whether there is a mapping at a place, or it is left out."""
    for key in keys:
        content = content.get(key, {}) if isinstance(content, dict) else None
    return isinstance(content, dict)
