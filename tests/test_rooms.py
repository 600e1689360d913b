"""The rooms of the house: who may import whom, and what the start costs."""

import subprocess
import sys
from pathlib import Path

import grimp
import networkx as nx
import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ["ase", "pymatgen", "pyscf", "scipy", "tblite", "matplotlib", "snakemake", "jinja2"]


def test_every_folder_with_modules_is_a_package():
    folders = {file.parent for file in (ROOT / "workflow/iondrill").rglob("*.py")}
    assert len(folders) > 20
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_data_flows_one_way():
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 kept, 0 broken" in done.stdout


def test_no_files_import_one_another_in_a_circle():
    graph = grimp.build_graph("iondrill", cache_dir=None)  # what is imported for its types, too
    imports = nx.DiGraph((a, b) for a in graph.modules for b in graph.find_modules_directly_imported_by(a))
    assert len(imports) > 200
    assert [sorted(part) for part in nx.strongly_connected_components(imports) if len(part) > 1] == []


@pytest.mark.parametrize(
    "code",
    [
        "import iondrill",
        "from pathlib import Path; from iondrill.config.project import read_config; read_config(Path('config.yaml'))",
        "from iondrill.cli import parser; parser()",
        "from iondrill.prepare.checks.configuration import check",
    ],
)
def test_the_start_is_light(code):
    probe = f"{code}; import sys; print(*sorted(set(sys.modules) & set({HEAVY!r})))"
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_package_knows_nothing_of_snakemake():
    files = sorted((ROOT / "workflow/iondrill").rglob("*.py"))
    assert len(files) > 20
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    assert not [line for line in lines if line.strip().startswith(("import snakemake", "from snakemake"))]
