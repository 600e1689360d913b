"""JSON Schema of the models: what is allowed at a key path, in words, for messages and the reference pages."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import TypeAdapter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from iondrill.config.document import KeyPath

Node = dict[str, Any]


class Spot(NamedTuple):
    """Where one error of pydantic lies."""

    key_path: KeyPath
    """Keys and indices in the content."""
    node: Node
    """The schema of the values that are allowed there."""
    unions: tuple[tuple[KeyPath, str], ...]
    """The choices between types above it, outermost first, each with the type that this error is about."""


class Schema:
    """The JSON Schema of a model, to be walked.

    Parameters
    ----------
    model : type
        A pydantic model, or an annotated union of models.
    """

    def __init__(self, model: Any) -> None:
        self.root: Node = TypeAdapter(model).json_schema()
        self.definitions: dict[str, Node] = self.root.get("$defs", {})

    def resolve(self, node: Node) -> Node:
        """Return the node without reference and without the choice of null."""
        while True:
            if "$ref" in node:
                own = {key: value for key, value in node.items() if key != "$ref"}
                node = {**self.definitions[node["$ref"].rsplit("/", 1)[-1]], **own}
            elif len(choices := _choices(node)) == 1:
                node = {**choices[0], **{key: value for key, value in node.items() if key != "anyOf"}}
            else:
                return node

    def tagged(self, node: Node) -> dict[str, Node]:
        """Return the models of a union that a key decides, by the value of the key."""
        mapping = node.get("discriminator", {}).get("mapping", {})
        order = [choice["$ref"] for choice in node.get("oneOf", ())]
        tags = sorted(mapping, key=lambda tag: order.index(mapping[tag]))
        return {tag: self.resolve({"$ref": mapping[tag]}) for tag in tags}

    def child(self, node: Node, part: str | int) -> Node:
        """Return what is allowed under a key or index."""
        inner: Any = node.get("properties", {}).get(part)
        if inner is None and isinstance(part, int):
            inner = dict(enumerate(node.get("prefixItems", ()))).get(part, node.get("items"))
        if inner is None:
            inner = next(iter(node.get("patternProperties", {}).values()), node.get("additionalProperties"))
        return inner if isinstance(inner, dict) else {}

    def spot(self, location: KeyPath) -> Spot:
        """Follow a location of pydantic, which names the members of unions besides keys and indices."""
        key_path: list[str | int] = []
        unions: list[tuple[KeyPath, str]] = []
        node = self.resolve(self.root)
        for part in location:
            if tagged := self.tagged(node):
                node = tagged.get(str(part), {})
            elif len(choices := _choices(node)) > 1:
                unions.append((tuple(key_path), str(part)))
                node = self.resolve(self._labelled(choices, str(part)))
            else:
                key_path.append(part)
                node = self.resolve(self.child(node, part))
        return Spot(tuple(key_path), node, tuple(unions))

    def _labelled(self, choices: list[Node], label: str) -> Node:
        """Return the member of a union that pydantic means by a label."""
        for choice in choices:
            if choice.get("$ref", "").endswith(f"/{label}"):
                return choice
        kind = "object" if label.startswith("dict") else "array" if label.startswith(("list", "tuple")) else None
        return next((choice for choice in choices if kind and choice.get("type") == kind), {})

    def at(self, key_path: KeyPath, content: Any) -> Node:
        """Return what is allowed at a key path of the content; of a choice between types, the choice."""
        node = self.resolve(self.root)
        for part in key_path:
            tagged = self.tagged(node)
            if tagged and isinstance(content, dict):
                node = tagged.get(str(content.get(node["discriminator"]["propertyName"])), {})
            kind = "object" if isinstance(content, dict) else "array"
            fitting = (choice for choice in _choices(node) if choice.get("type") == kind)
            node = self.resolve(self.child(next(fitting, node), part))
            content = value_at(content, (part,))
        return node

    def loses_entries(self, key_path: KeyPath, content: Any) -> bool:
        """Say whether a later file can remove entries from the mapping at a key path."""
        node = self.at(key_path, content)
        return any(choice.get("x-removable") for choice in (node, *_choices(node)))

    def references(
        self, content: Any, node: Node | None = None, at: KeyPath = ()
    ) -> Iterator[tuple[KeyPath, str, str]]:
        """Yield each name in the content that refers to something else: its key path, to what, and the name.

        Parameters
        ----------
        content : object
            Plain data, valid or not.
        """
        node = self.resolve(self.root if node is None else node)
        if isinstance(content, str) and "x-refers-to" in node:
            yield at, node["x-refers-to"], content
        for choice in _choices(node):
            yield from self.references(content, choice, at)
        if isinstance(content, dict):
            for part, inner in content.items():
                yield from self.references(part, node.get("propertyNames", {}), (*at, part))
                yield from self.references(inner, self.child(node, part), (*at, part))
        elif isinstance(content, list):
            for index, inner in enumerate(content):
                yield from self.references(inner, self.child(node, index), (*at, index))

    def describe(self, node: Node, *, many: bool = False) -> str:
        """Say in words what a node allows, in the singular or plural."""
        node = self.resolve(node)
        if choices := _choices(node):
            return ", or ".join(dict.fromkeys(self.describe(choice, many=many) for choice in choices))
        if "const" in node or "enum" in node:
            words = [repr(word) for word in node.get("enum", [node.get("const")])]
            return " or ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
        if "x-means" in node:
            return _plain(node["x-means"], many=many)
        kind = node.get("type", "object")
        if kind == "array":
            return self._describe_array(node)
        return _plain(KINDS[kind], many=many) + _range(node)

    def _describe_array(self, node: Node) -> str:
        if "prefixItems" in node:
            return f"{len(node['prefixItems'])} {self.describe(node['prefixItems'][0], many=True)}"
        least = f"at least {node['minItems']} " if node.get("minItems") else ""
        return f"a list of {least}{self.describe(node.get('items', {}), many=True)}"


KINDS = {
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "string": "text",
    "object": "keys with values",
}
LIMITS = {"exclusiveMinimum": ">", "minimum": "≥", "exclusiveMaximum": "<", "maximum": "≤"}


def _plain(what: str, *, many: bool) -> str:
    """Return a countable word with its article or in the plural, and any other as it is."""
    if what in {"true or false", "keys with values"} or (what == "text" and not many):
        return what
    return f"{what}s" if many else f"{'an' if what[0] in 'aeiou' else 'a'} {what}"


def _range(node: Node) -> str:
    limits = [f"{sign} {node[key]}" for key, sign in LIMITS.items() if key in node]
    return f" {' and '.join(limits)}" if limits else ""


def _choices(node: Node) -> list[Node]:
    """Return the members of a union of types, null left out."""
    return [choice for choice in node.get("anyOf", ()) if choice.get("type") != "null"]


@cache
def schema_of(model: Any) -> Schema:
    """Return the schema of a model, which is made only once."""
    return Schema(model)


def value_at(content: Any, key_path: KeyPath) -> Any:
    """Return the value at a key path; None where there is none."""
    for part in key_path:
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            return None
    return content
