"""JSON Schema for editors and reference pages for readers, both made from the models."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from iondrill.config.schema import Node, Schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOTE = "<!-- Made from the models by `iondrill docs`; change those instead. -->"


def json_schema(model: Any, title: str) -> str:
    """Return the JSON Schema (draft 2020-12) of a model, as text.

    Parameters
    ----------
    model : type
        A pydantic model, or an annotated union of models.
    title : str
        What the file describes.
    """
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return json.dumps({**Schema(model).root, **head}, indent=2, ensure_ascii=False) + "\n"


def page(model: Any, title: str, introduction: str, examples: Mapping[str, str] | None = None) -> str:
    """Return a reference page in Markdown: a section with a table of keys for each mapping.

    Parameters
    ----------
    model : type
        A pydantic model, or an annotated union of models.
    title, introduction : str
        Heading and first paragraphs.
    examples : mapping of str, optional
        YAML text to put into the section of each model of a union, by its tag.
    """
    schema = Schema(model)
    root = schema.resolve(schema.root)
    parts = [f"# {title}", NOTE, introduction.strip()]
    for heading, tag, node in _sections(schema, root, ""):
        example = (examples or {}).get(tag, "")
        parts += [f"## {heading}"] if heading else []
        parts += [_description(schema, node)] if heading else []
        parts += [f"```yaml\n{example.strip()}\n```"] if example and "." not in heading else []
        parts += [_table(schema, node)]
    return "\n\n".join(parts) + "\n"


def _sections(schema: Schema, node: Node, path: str, tag: str = "") -> Iterator[tuple[str, str, Node]]:
    """Yield heading, tag and schema of each mapping at or below a node."""
    node = schema.resolve(node)
    if tagged := schema.tagged(node):
        key = node["discriminator"]["propertyName"]
        for word, model in tagged.items():
            yield from _sections(schema, model, f"{path}, `{key}: {word}`" if path else f"`{key}: {word}`", word)
    elif "properties" in node:
        yield (path, tag, node)
        for key, child in node["properties"].items():
            yield from _sections(schema, child, f"{path}{', ' if tag else '.'}{key}" if path else key)
    else:
        for choice in node.get("anyOf", ()):
            title = schema.resolve(choice).get("title")
            yield from _sections(schema, choice, f"{path}: {title}")
        for values in (node.get("additionalProperties"), *node.get("patternProperties", {}).values()):
            if isinstance(values, dict):
                yield from _sections(schema, values, f"{path}.&lt;name&gt;")
        if "items" in node:
            yield from _sections(schema, node["items"], f"{path}, each")


def _description(schema: Schema, node: Node) -> str:
    """Return the first sentence of a model's own docstring."""
    model = schema.definitions.get(node.get("title", ""), node)
    return str(model.get("description", "")).split("\n\n")[0].replace("``", "`")


def _table(schema: Schema, node: Node) -> str:
    """Return the keys of a mapping as a table."""
    rows = ["| key | what it holds | default | meaning |", "|---|---|---|---|"]
    for key, child in node["properties"].items():
        required = key in node.get("required", ())
        meaning = child.get("description") or (_description(schema, schema.resolve(child)) if "$ref" in child else "")
        rows.append(f"| `{key}` | {_holds(schema, child)} | {_default(child, required=required)} | {meaning} |")
    return "\n".join(rows)


def _holds(schema: Schema, node: Node) -> str:
    nullable = any(choice.get("type") == "null" for choice in node.get("anyOf", ()))
    return schema.describe(node).replace("'", "`") + (", or null" if nullable else "")


def _default(node: Node, *, required: bool) -> str:
    if required:
        return "(required)"
    default = node.get("default")
    if "$ref" in node or default == {}:
        return "as below" if "$ref" in node else "none"
    return f"`{json.dumps(default, ensure_ascii=False)}`"
