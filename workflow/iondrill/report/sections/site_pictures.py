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


class Relaxed(NamedTuple):
    """The job of a row, and its relaxed geometry."""

    job: JobId
    geometry: Atoms


def facet_with_sites(results: Results, slab: Structure) -> Scene:
    """Return the top of a slab from above, with the sites that were filled."""
    filled = results.adsorption.where("facet", slab.name).rows if results.adsorption else []
    labels = {row["site"] for row in filled}
    cell = slab.atoms.cell.array[:2, :2]
    marks = [Mark(site.label, tuple(site.xy @ cell)) for site in find_sites(slab.atoms) if site.label in labels]
    around = _around(slab.atoms)
    return Scene(around, "top", by_layer(around), marks)


def site_picture(row: dict[str, str], relaxed: Relaxed | None) -> SitePicture | None:
    """Return where an ion came to rest; None where nothing converged, or the geometry is not there.

    Parameters
    ----------
    row : dict
        Of ``adsorption.csv``. A row without energy is drawn from the side: what became of it is seen there.
    relaxed : Relaxed, optional
        Its geometry, see `relaxed_of`.
    """
    if relaxed is None:
        return None
    name = f"{row['adsorbate']} on {row['facet']}"
    if row["E_ads_eV"]:
        around = _around(relaxed.geometry)
        scene = Scene(around, "top", by_layer(around))
        words = f"{name} from above: started at {position_of(row)}, as relaxed"
    else:
        scene = Scene(relaxed.geometry, "side", by_layer(relaxed.geometry))
        words = f"{name} from the side: started at {position_of(row)}; {row['status']}"
    return SitePicture(src=data_uri(themed(draw_scene(scene, legend=False)), "image/svg+xml"), alt=words)


def relaxed_of(results: Results, row: dict[str, str]) -> Relaxed | None:
    """Return the job and the relaxed geometry of a row, if it is there.

    The table counts the ions of both sides of a slab, the name of a job those of one: of the jobs on this site it is
    the one that holds as many.
    """
    plan = Plan(results.config)
    for n in results.config.adsorption.n:
        job = JobId("adsorption", Subject(row["facet"], row["adsorbate"], n, row["site"]), row["level"])
        path = plan.folder(job) / "relaxed.extxyz"
        if path.exists():
            geometry = read_structure(path)
            if str((geometry.arrays["fragment"] == "adsorbate").sum()) == row["n"]:
                return Relaxed(job, geometry)
    return None


def _around(slab: Atoms) -> Atoms:
    """Return the top layers of four cells; the outline stays that of one."""
    top = slab[slab.get_tags() <= TOP_LAYERS]
    around: Atoms = top.repeat((2, 2, 1))
    around.cell = top.cell
    return around
