"""The notebook of the documentation runs, and gives what it shows."""

from __future__ import annotations

import nbformat

from notebooks import NOTEBOOK, PAGE, executed, page


def outputs(notebook):
    """Return what cells show as text, pictures by their kind alone."""
    shown = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            shown[cell.source] = [
                output.get("text") or {kind: "" if "image" in kind else text for kind, text in output.data.items()}
                for output in cell.outputs
            ]
    return shown


def test_the_notebook_gives_what_it_shows():
    kept = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(kept)
    assert outputs(executed()) == outputs(kept)  # else: python tools/notebooks.py
    shown = outputs(kept)
    assert sum(bool(each) for each in shown.values()) > 8
    assert any("image/png" in output for each in shown.values() for output in each)


def test_its_page_shows_the_same():
    text, pictures = page(nbformat.read(NOTEBOOK, as_version=4))
    assert PAGE.read_text(encoding="utf-8") == text  # else: python tools/notebooks.py
    assert len(pictures) == 1
    for path, content in pictures.items():
        assert (PAGE.parent / path).read_bytes() == content
        assert f"]({path})" in text
