"""Read YAML into models: every problem at once, each with its file, key, line and what is allowed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, TypeAdapter, ValidationError

from iondrill.config.models import Config
from iondrill.errors import Problem, UserError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic_core import ErrorDetails

Model = TypeVar("Model")
Path_ = tuple[str | int, ...]


class Document:
    """A YAML file: its content and the line of every key.

    Parameters
    ----------
    path : Path
        The file. Repeated keys, tags and anything that is not YAML raise `UserError`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[Path_, int] = {}
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise UserError.of(path, f"cannot be read: {error.strerror or error}") from None
        except UnicodeDecodeError as error:
            raise UserError.of(path, f"is not UTF-8 text (byte {error.start})") from None
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            self.content: Any = {} if node is None else yaml.load(text, Loader=_Loader)  # noqa: S506
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise UserError(_yaml_problem(path, error)) from None
        if not isinstance(self.content, dict):
            raise UserError.of(path, f"holds a {type(self.content).__name__}", "allowed: keys with values")
        problems = list(self._walk(node, ()))
        if problems:
            raise UserError(*problems)

    def _walk(self, node: yaml.Node | None, at: Path_) -> Iterator[Problem]:
        """Note the line of each key; yield a problem for each repeated one."""
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                here = (*at, str(key.value))
                if key.value in seen:
                    yield Problem(self.where(at, key.start_mark.line + 1), f"key '{key.value}' stands twice")
                seen.add(key.value)
                self.lines[here] = key.start_mark.line + 1
                yield from self._walk(value, here)
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self.lines[(*at, index)] = value.start_mark.line + 1
                yield from self._walk(value, (*at, index))

    def where(self, at: Path_, line: int | None = None) -> str:
        """Return ``file: key (line n)`` of a place in the document."""
        parents = (at[:length] for length in range(len(at), 0, -1))
        line = line or next((self.lines[parent] for parent in parents if parent in self.lines), None)
        key = ".".join(str(part) for part in at)
        return f"{self.path}" + (f": {key}" if key else "") + (f" (line {line})" if line else "")


_YAML_1_1 = {"bool", "float", "timestamp"}


class _Loader(yaml.SafeLoader):
    """SafeLoader of YAML 1.2 numbers and booleans: ``1e-7`` is a number, ``no`` and ``on`` are words."""

    yaml_implicit_resolvers = {
        first: [(tag, regexp) for tag, regexp in resolvers if tag.rsplit(":", 1)[-1] not in _YAML_1_1]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_BOOL = re.compile(r"^(?:true|True|false|False)$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _BOOL, list("tTfF"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\d+\.\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+|\.inf|\.nan)$"),
    list("-+0123456789."),
)


def _yaml_problem(path: Path, error: Exception) -> Problem:
    mark = getattr(error, "problem_mark", None)
    where = f"{path} (line {mark.line + 1})" if mark else str(path)
    return Problem(where, f"is not valid YAML: {getattr(error, 'problem', None) or error}")


def parse(model: type[Model], documents: Sequence[Document], content: Any = None) -> Model:
    """Validate the merged content of documents.

    Parameters
    ----------
    model : type
        The pydantic model, or a union of models.
    documents : sequence of Document
        Where the content comes from; later ones override earlier ones.
    content : dict, optional
        The merged content; by default `merge` of the documents.

    Returns
    -------
    model
        The validated instance.

    Raises
    ------
    UserError
        All problems at once, each naming file, key, line, what was found and what is allowed.
    """
    content = merge(documents) if content is None else content
    adapter: TypeAdapter[Model] = TypeAdapter(model)
    try:
        return adapter.validate_python(content)
    except ValidationError as error:
        raise UserError(*(_problem(model, documents, detail, content) for detail in error.errors())) from None


def merge(documents: Sequence[Document]) -> dict[str, Any]:
    """Merge mappings key by key, as Snakemake merges configuration files: lists and values replace."""
    merged: dict[str, Any] = {}
    for document in documents:
        _update(merged, document.content)
    return merged


def _update(into: dict[str, Any], new: dict[str, Any]) -> None:
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _update(into[key], value)
        else:
            into[key] = _copy(value)


def _copy(value: Any) -> Any:
    return {key: _copy(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def _problem(model: Any, documents: Sequence[Document], detail: ErrorDetails, content: Any) -> Problem:
    """Say one pydantic error in words, at the last document that holds its key."""
    at = _real_path(detail["loc"], content)
    where = _locate(documents, at)
    if detail["type"] == "extra_forbidden":
        key = str(detail["loc"][-1])
        return Problem(where, f"unknown key '{key}'", nearest(key, _siblings(model, detail["loc"])))
    if detail["type"] == "missing":
        return Problem(where, f"key '{detail['loc'][-1]}' is missing")
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if detail["type"] in {"value_error", "assertion_error"}:
        return Problem(where, message)
    found = repr(detail["input"])
    found = found if len(found) <= 60 else found[:57] + "..."
    if detail["type"] == "literal_error":
        words = re.findall(r"'([^']*)'", message)
        hint = nearest(str(detail["input"]), words) if words else f"allowed: {message}"
        return Problem(where, f"found {found}", hint)
    if detail["type"] == "string_pattern_mismatch":
        message = "letters, digits, '+', '_' and '-', starting with a letter or digit"
    if detail["type"] == "union_tag_invalid":
        message = str(detail["ctx"]["expected_tags"]) + f" for {detail['ctx']['discriminator']}"
        found = f"{detail['ctx']['tag']!r}"
    return Problem(where, f"found {found}", f"allowed: {message}")


def _real_path(loc: Path_, content: Any) -> Path_:
    """Drop from pydantic's location the parts (tags of unions) that are not keys of the content."""
    at: list[str | int] = []
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        inside = (isinstance(content, dict) and part in content) or (
            isinstance(content, list) and isinstance(part, int) and part < len(content)
        )
        if inside:
            content = content[part]
            at.append(part)
        elif last and isinstance(content, dict) and part != "[key]":
            break  # a missing key: its parent is the place
    return tuple(at)


def _siblings(model: Any, loc: Path_) -> set[str]:
    """Return the keys that are allowed beside an unknown one, found by walking the JSON Schema."""
    schema = TypeAdapter(model).json_schema()
    definitions = schema.get("$defs", {})

    def options(node: Any) -> Iterator[dict[str, Any]]:
        """Yield the node without references, and every alternative of a union."""
        if isinstance(node, dict):
            if "$ref" in node:
                node = definitions[node["$ref"].rsplit("/", 1)[-1]]
            yield node
            for option in (*node.get("anyOf", ()), *node.get("oneOf", ())):
                yield from options(option)

    def children(node: dict[str, Any], part: str | int) -> Iterator[dict[str, Any]]:
        """Yield what may stand under a key, an index or the tag of a union."""
        yield from options(node.get("properties", {}).get(part))
        for inner in (node.get("additionalProperties"), *node.get("patternProperties", {}).values()):
            yield from options(inner)
        if isinstance(part, int):
            yield from options(node.get("items"))
        if part in node.get("discriminator", {}).get("mapping", {}):
            yield from options({"$ref": node["discriminator"]["mapping"][part]})

    nodes = list(options(schema))
    for part in loc[:-1]:
        nodes = [child for node in nodes for child in children(node, part)] or nodes
    return {key for node in nodes for key in node.get("properties", {})}


def load(model: type[Model], *paths: Path) -> Model:
    """Read one or more YAML files, later ones overriding earlier ones, into a model.

    Raises
    ------
    UserError
        If a file cannot be read, is not YAML, or holds what the model refuses.
    """
    return parse(model, [Document(Path(path)) for path in paths])


def read_config(*paths: Path) -> Config:
    """Read the run configuration, later files overriding earlier ones as with Snakemake's ``--configfile``.

    Raises
    ------
    UserError
        All that is wrong in the files, and between their keys.
    """
    return check_config([Document(Path(path)) for path in paths])


def check_config(documents: Sequence[Document], content: Any = None) -> Config:
    """Validate merged content as a configuration, its cross-references included."""
    config = parse(Config, documents, content)
    problems = [Problem(_locate(documents, at), what) for at, what in config.mistakes()]
    if problems:
        raise UserError(*problems)
    return config


def _locate(documents: Sequence[Document], at: Path_) -> str:
    """Return file, key and line of a place, in the last document that holds it or its nearest parent."""
    for parent in (at[:length] for length in range(len(at), 0, -1)):
        for document in reversed(documents):
            if parent in document.lines:
                return document.where(at)
    return documents[-1].where(at)


def as_yaml(model: BaseModel) -> str:
    """Return the model, defaults included, as YAML."""
    return yaml.safe_dump(model.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
