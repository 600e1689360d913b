"""Facets from above: with their sites, and with an ion where it came to rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from iondrill.geometry.checks import read_structure
from iondrill.geometry.surfaces.sites import find_sites
from iondrill.jobs.name import JobId, Subject
from iondrill.prepare.plan import Plan
from iondrill.report.figures.drawing import Mark, Scene, by_layer, draw_scene
from iondrill.report.figures.svg import data_uri, themed
from iondrill.report.table import position_of

if TYPE_CHECKING:
    from ase import Atoms

    from iondrill.report.data import Results, Structure

TOP_LAYERS = 3


class SitePicture(NamedTuple):
    """An ion on its facet, from above, as relaxed; `src` is a data URI."""

    src: str
    alt: str


def facet_with_sites(results: Results, slab: Structure) -> Scene:
    """Return the top of a slab from above, with the sites that were filled."""
    filled = results.adsorption.where("facet", slab.name).rows if results.adsorption else []
    labels = {row["site"] for row in filled}
    cell = slab.atoms.cell.array[:2, :2]
    marks = [Mark(site.label, tuple(site.xy @ cell)) for site in find_sites(slab.atoms) if site.label in labels]
    around = _around(slab.atoms)
    return Scene(around, "top", by_layer(around), marks)


def site_picture(results: Results, row: dict[str, str]) -> SitePicture | None:
    """Return where an ion came to rest; None where nothing converged, or the geometry is not there.

    Parameters
    ----------
    results : Results
        The run.
    row : dict
        Of ``adsorption.csv``.
    """
    geometry = _relaxed(results, row) if row["E_ads_eV"] else None
    if geometry is None:
        return None
    around = _around(geometry)
    return SitePicture(
        src=data_uri(themed(draw_scene(Scene(around, "top", by_layer(around)), legend=False)), "image/svg+xml"),
        alt=f"{row['adsorbate']} on {row['facet']} from above: started at {position_of(row)}, as relaxed",
    )


def _relaxed(results: Results, row: dict[str, str]) -> Atoms | None:
    """Return the relaxed geometry of a row, if it is there.

    The table counts the ions of both sides of a slab, the name of a job those of one: of the jobs on this site it is
    the one that holds as many.
    """
    plan = Plan(results.config)
    for n in results.config.adsorption.n:
        filling = Subject(row["facet"], row["adsorbate"], n, row["site"])
        path = plan.folder(JobId("adsorption", filling, row["level"])) / "relaxed.extxyz"
        if path.exists():
            geometry = read_structure(path)
            if str((geometry.arrays["fragment"] == "adsorbate").sum()) == row["n"]:
                return geometry
    return None


def _around(slab: Atoms) -> Atoms:
    """Return the top layers of four cells; the outline stays that of one."""
    top = slab[slab.get_tags() <= TOP_LAYERS]
    around: Atoms = top.repeat((2, 2, 1))
    around.cell = top.cell
    return around
