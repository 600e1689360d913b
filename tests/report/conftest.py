"""A small folder of results, written as the contract says: two runs, two ions, one facet, some of it unconverged."""

import csv
import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write
from ase.io.trajectory import Trajectory
from PIL import Image

from iondrill.analyse.density.plane import Plane
from iondrill.analyse.elf.grid import ElfGrid
from iondrill.analyse.elf.lines import BONDS, PROFILES
from iondrill.analyse.elf.map import ElfMap
from iondrill.analyse.energies.adsorption_table import ADSORPTION
from iondrill.config.models import Config
from iondrill.geometry.io import write_structure
from iondrill.geometry.labels import set_fragment
from iondrill.geometry.registry import build
from iondrill.geometry.surfaces.adsorbate import add_adsorbate
from iondrill.geometry.surfaces.sites import find_sites
from iondrill.report.figures.charts import draw_panel
from iondrill.report.sections import pictures

ORDER = (
    "step,time_fs,temperature_K,potential_eV,conserved_eV,gap_edge_A,gap_centre_A,opening_angle_deg,penetration_A,"
    "nd_flake_bonds,nd_sp3_fraction,ion_carbon_cn,ions_expelled"
)
ADSORPTION_ROWS = [
    "C100-2x1,clean,Li,bridge,1,0.25,-3.30456789,-1.70456789,1.91,gfn2,converged,31,402,25.5,,0.02,0.09,0.61,Mulliken,0.012,0.05,2.1,30.5",
    "C100-2x1,clean,Li,cave,1,0.25,-3.97123456,-2.37123456,0.87,gfn2,converged,28,377,24.1,,0.03,0.11,0.64,Mulliken,0.012,0.19,4.9,6.3",
    (
        "C100-2x1,clean,Na,bridge,1,0.25,-2.84,-1.76,2.31,gfn2,converged; moved to pedestal,44,512,31.0,"
        ",0.02,0.08,0.66,Mulliken,,0.07,1.5,93.9"
    ),
    "C100-2x1,clean,Na,cave,1,0.25,,,,gfn2,not_converged; slab with ion not_converged: 300 steps,300,4100,190,,,,,,,,,",
]
FRAMES = 21
ROOT = Path(__file__).parents[2]
GRAPHICS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
PATIENCE_MS = 180_000
"""For 3D drawn by a processor that does other things too."""


class Folder:
    """The results of a configuration, to be spoiled by a test."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.config = {
            "title": "A drill & two ions",
            "results": str(root / "results"),
            "levels": {"gfn2": {"engine": "xtb"}},
            "relax": {"structures": ["nd"]},
            "md": {
                "run": ["drill", "control"],
                "runs": {name: {"assembly": "assembly", "steps": 40, "save_every": 2} for name in ("drill", "control")},
            },
            "elf": {"frames": 3},
            "adsorption": {"facets": ["C100-2x1"]},
        }

    @property
    def results(self) -> Path:
        return self.root / "results"

    def read(self):
        from iondrill.report.data import read_results

        records = sorted(self.results.glob("jobs/*/*/result.json"))
        structures = sorted(self.results.glob("structures/*.extxyz"))
        return read_results(Config.model_validate(self.config), records, structures)

    def read_so_far(self):
        from iondrill.report.data import read_results_so_far

        runs = {name: {**run, "relax_parts": False} for name, run in self.config["md"]["runs"].items()}
        recipes = shutil.copytree(ROOT / "structures", self.root / "recipes", dirs_exist_ok=True)
        write(recipes / "clusters/nd.xyz", diamond(3.567))
        own = {"structures": str(recipes), "md": {**self.config["md"], "runs": runs}}
        return read_results_so_far(Config.model_validate({**self.config, **own}))

    def text(self, name: str, content: str) -> Path:
        path = self.results / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path

    def job(self, stage: str, name: str, status: str = "converged", reason: str = "finished") -> None:
        record = {
            "status": status,
            "level": "gfn2",
            "engine": "xtb",
            "engine_version": "tblite 0.5",
            "energy_eV": -12.5 if status == "converged" else None,
            "n_scf_cycles": 40,
            "n_ionic_steps": 7,
            "wall_s": 3.5,
            "core_s": 7.0,
            "attempts": [{"reason": reason, "changed": ""}],
            "input_hash": "0123456789abcdef",
        }
        self.text(f"jobs/{stage}/{name}.gfn2/result.json", json.dumps(record))

    def run(self, name: str, *, nanodiamond: bool) -> None:
        steps = 2 * np.arange(FRAMES)
        gap = 3.7 + 0.05 * steps / 2 if nanodiamond else 3.7 + 0.01 * np.sin(steps)
        rows = []
        for k, step in enumerate(steps):
            nd = f"{-3 + 0.1 * k:.3f},{k // 10},0.25" if nanodiamond else ",,"
            start = f"{step},{step / 2},{300 + k},{-900.0 + 0.01 * k},{-890.0 + 0.001 * k},{gap[k]:.4f},3.7,0.5"
            rows.append(f"{start},{nd},12.0,0")
        self.text(f"md/{name}/order_parameters.csv", "\n".join([ORDER, *rows]) + "\n")
        self.text(f"md/{name}/thermalisation.csv", ORDER + "\n")
        self.trajectory(name, steps)
        charges = [f"{s},{s / 2},{f},Mulliken,{c}" for s in steps for f, c in (("ion", 1.5), ("upper", -1.5))]
        self.text(f"charges/{name}.csv", "\n".join(["step,time_fs,fragment,scheme,charge_e", *charges]) + "\n")
        contacts = [f"{s},{s / 2},{p},2.1,{0.1 + s / 1000},0.05,0.2" for s in (0, 20, 40) for p in ("ion-carbon",)]
        header = "step,time_fs,pair,distance_A,elf_midpoint,elf_min,elf_max"
        self.text(f"elf/{name}/summary.csv", "\n".join([header, *contacts]) + "\n")
        self.localisation(name)
        for step in (0, 20, 40):
            shade = np.random.default_rng(step).integers(0, 255, (90, 160, 3), dtype=np.uint8)
            Image.fromarray(shade).save(self.results / "elf" / name / f"{step}.png")
            Image.fromarray(255 - shade).save(self.results / "elf" / name / f"{step}.cividis.png")
            self.structure(f"jobs/elf/{name}.{step}.gfn2/structure", flake())
            self.job("elf", f"{name}.{step}")
        self.job("md", name)
        self.structure(f"jobs/md/{name}.gfn2/last", flake())

    def localisation(self, name: str) -> None:
        """Write profiles of a contact, one bond, a grid with a ball of high ELF, and maps."""
        x = np.linspace(0, 2.1, 22)
        rows = [f"{s},{s / 2},ion-carbon,2,0,2.1,{p},{p / 3},0.1" for s in (0, 20, 40) for p in x]
        self.text(f"elf/{name}/profiles.csv", "\n".join([",".join(PROFILES.names), *rows]) + "\n")
        bonds = ["40,20.0,0,1,1.54,0.94,1,0.95,0.77"] if name == "drill" else []
        self.text(f"elf/{name}/bonds.csv", "\n".join([",".join(BONDS.names), *bonds]) + "\n")
        axis = np.linspace(-3, 3, 13)
        distance = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
        ball = np.rint(255 * np.exp(-((distance / 3) ** 2))).astype(np.uint8)
        ElfGrid(np.full(3, -3.0), 0.5, ball).write(self.results / f"elf/{name}/40.grid.npz")
        plane = Plane(np.array([-3.0, 0.0, -3.0]), 0.5 * np.eye(3)[[0, 2]], (13, 13))
        for step in (0, 20, 40):
            ElfMap(plane, ball[:, 6] / 255, np.ones((13, 13))).write(self.results / f"elf/{name}/{step}.npz")

    def trajectory(self, name: str, steps: np.ndarray) -> None:
        """Write the frames of a run: the ion moves by 0.05 Å along x from frame to frame."""
        with Trajectory(self.results / f"md/{name}/trajectory.traj", "w") as file:
            atoms = flake()
            file.set_description({"fragment": atoms.arrays["fragment"].tolist()})
            del atoms.arrays["fragment"]
            for k, step in enumerate(steps.tolist()):
                frame = atoms.copy()
                frame.positions[2, 0] += 0.05 * k
                frame.calc = SinglePointCalculator(frame, charges=[-0.4, -0.4, 0.8 + 0.001 * k])
                frame.info |= {"step": step, "time_fs": step / 2}
                file.write(frame)

    def structure(self, name: str, atoms: Atoms) -> None:
        path = self.results / f"{name}.extxyz"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_structure(atoms, path)

    def rows(self) -> list[dict[str, str]]:
        with (self.results / "adsorption.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


def flake() -> Atoms:
    atoms = Atoms("C2Li", [[0, 0, 0], [1.42, 0, 0], [0.7, 0, 2.2]])
    set_fragment(atoms, ["lower", "lower", "ion"])
    return atoms


def diamond(a_A: float) -> Atoms:
    """Return 64 C: diamond, or stretched until nothing is bonded."""
    atoms = Atoms(bulk("C", "diamond", a=a_A, cubic=True).repeat(2))
    atoms.pbc, atoms.cell = False, np.zeros((3, 3))
    set_fragment(atoms, "nd")
    return atoms


@pytest.fixture(scope="session", autouse=True)
def draw_once():
    """Draw the same curves once for all pages: they are four fifths of what a page takes."""
    drawn = {}

    def remembered(panel):
        key = pickle.dumps(replace(panel, files=()))
        if key not in drawn:
            drawn[key] = draw_panel(panel)
        return drawn[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "draw_panel", remembered)
        yield


@pytest.fixture(scope="session")
def whole(tmp_path_factory, recipes):
    """Return a folder that no test changes."""
    folder, slab = Folder(tmp_path_factory.mktemp("whole")), build("C100-2x1", recipes)
    folder.structure("structures/nd", diamond(3.567))
    folder.structure("structures/assembly.gfn2", flake())
    folder.structure("structures/C100-2x1", slab)
    folder.structure("jobs/relax/nd.gfn2/relaxed", diamond(6.0))
    folder.job("relax", "nd")
    for name in ("drill", "control"):
        folder.run(name, nanodiamond=name == "drill")
    folder.structure("jobs/adsorption/C100-2x1.clean.gfn2/relaxed", slab)
    for name in (
        "C100-2x1.clean",
        "atom.Li",
        "atom.Na",
        "C100-2x1.Li-bridge",
        "C100-2x1.Li-cave",
        "C100-2x1.Na-bridge",
    ):
        folder.job("adsorption", name)
    folder.job("adsorption", "C100-2x1.Na-cave", "not_converged", "300 steps")
    sites = {site.label: site for site in find_sites(slab)}
    for ion, site in (("Li", "bridge"), ("Li", "cave"), ("Na", "bridge")):
        name = f"jobs/adsorption/C100-2x1.{ion}-{site}.gfn2/relaxed"
        folder.structure(name, add_adsorbate(slab, sites[site], ion))
    last = len(ADSORPTION.names) - 1
    rows = [row + "," * (last - row.count(",")) for row in ADSORPTION_ROWS]
    folder.text("adsorption.csv", "\n".join([",".join(ADSORPTION.names), *rows]) + "\n")
    return folder


@pytest.fixture
def folder(tmp_path, whole):
    """Return a folder of one's own."""
    shutil.copytree(whole.results, tmp_path / "results")
    return Folder(tmp_path)


@pytest.fixture
def start(recipes):
    return build("c24-aa-li", recipes)


def append(log, steps, atoms):
    """Append frames, each with the last ion 0.1 Å further than in the one before."""
    for step in steps:
        positions_A = atoms.positions.copy()
        positions_A[-1, 0] += 0.1 * step
        numbers = {
            "step": step,
            "time_fs": step / 2,
            "temperature_K": 300.0,
            "potential_eV": -9.0,
            "conserved_eV": -8.0,
        }
        log.append(**numbers, positions_A=positions_A, velocities_A_fs=np.zeros((len(atoms), 3)))
    log.sync()


@pytest.fixture
def going_on(folder, start):
    """Return a folder whose run drill has no result yet, and the log of its frames."""
    record = folder.results / "jobs/md/drill.gfn2/result.json"
    record.unlink()
    (folder.results / "md/drill/order_parameters.csv").unlink()
    folder.structure("jobs/md/drill.gfn2/structure", start)
    state = folder.results / "jobs/md/drill.gfn2/state/abc"
    state.mkdir(parents=True)
    return folder, state / "frames.bin"


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=GRAPHICS, timeout=PATIENCE_MS
        )
        yield browser
        browser.close()
