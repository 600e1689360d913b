"""Execute the notebook of the documentation on the results of the tests, and write it and its page of the site.

`python tools/notebooks.py` writes ``docs/notebook.ipynb``, ``docs/notebook.md`` and the page's pictures.
"""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "docs/notebook.ipynb"
PAGE = NOTEBOOK.with_suffix(".md")
FINISHED = ROOT / "tests/data/finished"
NOTE = "<!-- Made from notebook.ipynb by `python tools/notebooks.py`; change that instead. -->"


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


def page(notebook: nbformat.NotebookNode) -> tuple[str, dict[str, bytes]]:
    """Return the notebook as a page in Markdown, and its pictures by their paths in the documentation."""
    parts, pictures = list[str](), dict[str, bytes]()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        for output in cell.outputs:
            data: dict[str, Any] = output.get("data", {})
            if "image/png" in data:
                name = f"images/notebook-{len(pictures) + 1}.png"
                pictures[name] = base64.b64decode(data["image/png"])
                parts.append(f"![what the cell above draws]({name})")
            else:
                parts.append(f"```text\n{(output.get('text') or data['text/plain']).rstrip()}\n```")
    title, *rest = parts[0].split("\n", 1)
    return "\n\n".join([title, NOTE, *(each.strip() for each in rest), *parts[1:]]) + "\n", pictures


if __name__ == "__main__":
    written = executed()
    nbformat.write(written, NOTEBOOK)
    text, drawn = page(written)
    PAGE.write_text(text, encoding="utf-8")
    for path, content in drawn.items():
        (NOTEBOOK.parent / path).write_bytes(content)
