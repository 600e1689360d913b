"""Execute the notebook of the documentation on the results of the tests: `python tools/notebooks.py` writes it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "docs/notebook.ipynb"
FINISHED = ROOT / "tests/data/finished"


def executed() -> nbformat.NotebookNode:
    """Return the notebook with what its cells give, in a folder where `results` are those of the tests."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "results").symlink_to(FINISHED, target_is_directory=True)
        manager = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=f"{folder}/kernel")  # opens no port
        where = {"metadata": {"path": folder}}
        NotebookClient(notebook, km=manager, timeout=120, resources=where).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # when it ran
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


if __name__ == "__main__":
    nbformat.write(executed(), NOTEBOOK)
