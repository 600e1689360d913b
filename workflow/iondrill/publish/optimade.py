"""A run as an OPTIMADE database: structures and properties, which optimade-maker converts and serves.

https://github.com/materialscloud-org/optimade-maker: ``optimake convert FOLDER``, ``optimake serve FOLDER``.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import RootModel

from iondrill.config.base import Strict
from iondrill.config.document import dump
from iondrill.config.load import load
from iondrill.publish.geometries import geometries

if TYPE_CHECKING:
    from ase import Atoms

    from iondrill.prepare.plan import Plan
    from iondrill.publish.geometries import Geometry

FORM = "0.2.0"
"""Version of ``optimade.yaml``."""


class Property(Strict):
    """A property that is served; see ``optimade_properties.yaml``."""

    title: str
    type: Literal["float", "string"]
    unit: str | None = None
    description: str


class Served(RootModel[dict[str, Property]]):
    """What ``optimade_properties.yaml`` holds."""


def optimade(plan: Plan) -> dict[str, str]:
    """Return the files of a run for optimade-maker by their paths.

    Parameters
    ----------
    plan : Plan
        Of the run.

    Returns
    -------
    dict of str to str
        ``optimade.yaml``, ``properties.json`` and a structure for each job that ended.
    """
    found = list(geometries(plan))
    structures = {f"structures/{each.identifier}.extxyz": _plain(each.atoms) for each in found}
    properties = {each.identifier: _properties(plan, each) for each in found}
    served = load(Served, Path(__file__).with_name("optimade_properties.yaml")).root
    definitions = [{"name": name, **each.model_dump(exclude_none=True)} for name, each in served.items()]
    content = {
        "config_version": FORM,
        "database_description": f"{plan.config.title}: structures, energies and adsorption energies by iondrill",
        "entries": [
            {
                "entry_type": "structures",
                "entry_paths": [{"path": "structures", "matches": ["*.extxyz"]}],
                "property_paths": [{"path": "properties.json"}],
                "property_definitions": definitions,
            }
        ],
    }
    return {"optimade.yaml": dump(content), "properties.json": json.dumps(properties, indent=1) + "\n", **structures}


def _plain(atoms: Atoms) -> str:
    """Return elements, positions and cell as extended XYZ."""
    from ase import Atoms as Plain
    from ase.io import write

    out = io.StringIO()
    write(out, Plain(atoms.symbols, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc), format="extxyz")
    return out.getvalue()


def _properties(plan: Plan, each: Geometry) -> dict[str, Any]:
    """Return what is served of a structure; nothing stands for what there is not."""
    energy, subject, record = each.energy, each.job.subject, each.record
    level = plan.config.levels.get(each.job.level)
    return {
        "e_ads": energy and energy.E_ads_eV,
        "e_ads_error": energy and energy.error_eV,
        "ion_height": energy and energy.height_A,
        "energy": record.energy_eV,
        "max_force": record.max_force_eV_A,
        "facet": subject.structure if subject.is_facet else None,
        "adsorbate": subject.ions if subject.ion else None,
        "site": subject.site if subject.ion and subject.is_facet else None,
        "status": energy.status if energy else record.status,
        "level": each.job.level if level is None else level.title,
        "engine_version": record.engine_version,
        "job": f"{each.job.stage}/{each.job.name}",
        "input_hash": record.input_hash,
    }
