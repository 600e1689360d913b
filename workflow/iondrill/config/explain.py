"""What pydantic found, said in the words of the YAML file."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from iondrill.config.base import NAME_RULE, KeysError
from iondrill.config.document import KeyPath, shown
from iondrill.config.schema import Node, Schema, Spot, schema_of, value_at
from iondrill.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

KEY = "key: "
KEYS = {
    KEY + "string_pattern_mismatch": NAME_RULE,
    **dict.fromkeys([KEY + "int_parsing", KEY + "greater_than_equal"], "a whole number ≥ 0"),
    KEY + "less_than_equal": "a smaller number",
}
"""What a key may be, by what pydantic says of it."""
NOTHING = f"found {shown(None)}"

Mistake = tuple[KeyPath, str, str]
"""The key path of a mistake, what was found there, and what is allowed."""


class Mishap(NamedTuple):
    """An error of pydantic, and where it is."""

    kind: str
    location: tuple[str | int, ...]
    message: str
    spot: Spot

    def chosen(self, depth: int) -> tuple[KeyPath, str] | None:
        """Return a choice between types above the error, and the type that it is about, if there is one."""
        return self.spot.unions[depth] if depth < len(self.spot.unions) else None

    def within(self, depth: int) -> bool:
        """Say whether the value is of the type chosen there, and only what it holds is wrong."""
        if self.kind in {"missing", "extra_forbidden"}:
            return isinstance(self.location[-1], str)
        return len(self.spot.key_path) > len(self.spot.unions[depth][0])


def explain(model: Any, error: ValidationError, content: Any) -> Iterator[Mistake]:
    """Yield one mistake of the user for each thing that is wrong.

    Parameters
    ----------
    model : type
        The pydantic model, or a union of models, that refused the content.
    error : ValidationError
        The refusal.
    content : object
        Plain data.
    """
    schema = schema_of(model)
    details = error.errors(include_url=False, include_input=False)
    mishaps = [_mishap(detail, schema, content) for detail in details]
    for mishap in _nearest_type(_without_misspelt(mishaps, schema), schema, content):
        key_path, found, allowed = _mistake(mishap, schema, content)
        if found == NOTHING and schema.loses_entries(key_path[:-1], content):
            allowed += ", or null for an entry of an earlier file"
        yield key_path, found, allowed


def _mishap(detail: ErrorDetails, schema: Schema, content: Any) -> Mishap:
    """Find the key path of an error; for a wrong key, pydantic gives the key and the mark [key].

    For several keys together it gives the mapping, and the error names the key that is meant.
    """
    kind, location = detail["type"], detail["loc"]
    raised = detail.get("ctx", {}).get("error")
    if isinstance(raised, KeysError):
        mapping = value_at(content, schema.spot(location).key_path)
        location = (*location, next((key for key in raised.keys if key in mapping), raised.keys[0]))
    if location[-1:] == ("[key]",) and kind != "extra_forbidden":
        parent = value_at(content, location[:-1])
        if not (isinstance(parent, dict) and "[key]" in parent):
            kind, location = KEY + kind, location[:-1]
    return Mishap(kind, location, detail["msg"], schema.spot(location))


def _suggestion(mishap: Mishap, schema: Schema) -> str:
    """Say which of the allowed keys an unknown one perhaps misspells."""
    parent = schema.spot(mishap.location[:-1]).node
    return nearest(str(mishap.location[-1]), parent.get("properties", {}))


def _without_misspelt(mishaps: Sequence[Mishap], schema: Schema) -> list[Mishap]:
    """Drop a missing key where an unknown one of the same mapping is its misspelling: that is one mistake."""
    unknown = [mishap for mishap in mishaps if mishap.kind == "extra_forbidden"]
    meant = {(mishap.location[:-1], _suggestion(mishap, schema)) for mishap in unknown}
    return [
        mishap
        for mishap in mishaps
        if mishap.kind != "missing" or (mishap.location[:-1], f"did you mean '{mishap.location[-1]}'?") not in meant
    ]


def _nearest_type(mishaps: Sequence[Mishap], schema: Schema, content: Any, depth: int = 0) -> Iterator[Mishap]:
    """Of a value that fits none of several types, keep what is wrong by the type that comes nearest."""

    def choice(mishap: Mishap) -> KeyPath | None:
        chosen = mishap.chosen(depth)
        return None if chosen is None else chosen[0]

    for union, group in groupby(mishaps, key=choice):
        if union is None:
            yield from group
            continue
        types = [list(one) for _, one in groupby(group, key=lambda mishap: mishap.chosen(depth))]
        near = [one for one in types if all(mishap.within(depth) for mishap in one)]
        if near:
            yield from _nearest_type(min(near, key=len), schema, content, depth + 1)
        else:
            yield Mishap("union", union, "", Spot(union, schema.at(union, content), ()))


def _mistake(mishap: Mishap, schema: Schema, content: Any) -> Mistake:
    """Say one error in words."""
    kind, _, message, (key_path, node, _) = mishap
    if kind == "extra_forbidden":
        return key_path, f"unknown key {shown(key_path[-1])}", _suggestion(mishap, schema)
    if kind == "missing" and isinstance(key_path[-1], str):
        return key_path[:-1], f"key '{key_path[-1]}' is missing", ""
    if kind == "missing":  # an item of a list of fixed length
        key_path, node = key_path[:-1], schema.at(key_path[:-1], content)
    if kind in {"value_error", "assertion_error"}:
        return key_path, message.split(", ", 1)[1], ""
    if kind.startswith("union_tag"):
        return _tag_mistake(key_path, node, schema, value_at(content, key_path))
    if kind == "invalid_key" or kind.startswith(KEY):
        names = schema.at(key_path[:-1], content).get("propertyNames", {})
        rule = names.get("x-rule") if "string_" in kind else None
        allowed = rule or KEYS.get(kind, "text; put it in quotes")
        return key_path, f"found the key {shown(key_path[-1])}", f"allowed: {allowed}"
    rule = node.get("x-rule") if kind == "string_pattern_mismatch" else None
    return key_path, f"found {shown(value_at(content, key_path))}", f"allowed: {rule or schema.describe(node)}"


def _tag_mistake(key_path: KeyPath, node: Node, schema: Schema, value: Any) -> Mistake:
    """Say what is wrong with the key that decides between models."""
    key = node["discriminator"]["propertyName"]
    allowed = f"allowed: {', '.join(repr(word) for word in schema.tagged(node))}"
    if not isinstance(value, dict):
        return key_path, f"found {shown(value)}", "allowed: keys with values"
    if key not in value:
        return key_path, f"key '{key}' is missing", allowed
    return (*key_path, key), f"found {shown(value[key])}", allowed
