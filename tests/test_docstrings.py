"""What docstrings describe is there, and described once."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for folder in ("workflow/iondrill", "tools") for path in (ROOT / folder).rglob("*.py"))
ENTRY = re.compile(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: : .*)?$")


def described(docstring, section):
    """Return the names that a section of a docstring describes, in order."""
    _, _, rest = docstring.partition(f"\n{section}\n{'-' * len(section)}\n")
    body = re.split(r"\n\n[A-Z]\w+\n---", rest)[0]
    entries = (ENTRY.match(line) for line in body.splitlines() if line and not line.startswith(" "))
    return [name for found in entries if found for name in found[1].split(", ")]


def parameters(node):
    """Return the parameters of a function, as a docstring spells them."""
    arguments = node.args
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    names += [stars + one.arg for stars, one in (("*", arguments.vararg), ("**", arguments.kwarg)) if one]
    return set(names)


def members(node):
    """Return what a class holds: fields, properties, attributes that its methods set; and what makes it."""
    inner = list(ast.walk(node))
    fields = {one.target.id for one in node.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)}
    attributes = {
        one.attr for one in inner if isinstance(one, ast.Attribute) and getattr(one.value, "id", None) == "self"
    }
    functions = [one for one in node.body if isinstance(one, ast.FunctionDef)]
    made = next((parameters(one) for one in functions if one.name == "__init__"), set())
    return fields | attributes | made | {one.name for one in functions}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_described_is_there_and_once(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ClassDef | ast.FunctionDef) or not (docstring := ast.get_docstring(node)):
            continue
        for section in ("Parameters", "Attributes"):
            names = described(docstring, section)
            assert len(names) == len(set(names)), f"{node.name}: {names}"
            there = members(node) if isinstance(node, ast.ClassDef) else parameters(node)
            inherits = isinstance(node, ast.ClassDef) and node.bases
            assert inherits or set(names) <= there, f"{node.name}: {set(names) - there}"
