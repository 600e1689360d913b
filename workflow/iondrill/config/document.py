"""YAML files as plain data, with the line of every key; and plain data as YAML.

Numbers, booleans and null are those of YAML 1.2: ``1e-7`` is a number, ``no``, ``on`` and ``1:30`` are words.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

import yaml

from iondrill.errors import Problem, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KeyPath = tuple[str | int, ...]
"""Keys and indices that lead to a value."""

MOST_VALUES = 100_000
"""Aliases of aliases grow without bound; no configuration is this large."""

EXPECTED = "allowed: keys with values"
TAG = "tag:yaml.org,2002:"
WORDS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9]+", list("-+0123456789")),
    "float": (
        r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
    "merge": (r"<<", ["<"]),
}
"""What a word without quotes may be besides text (YAML 1.2.2, section 10.3.2), by its first characters."""


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


class _FastLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


class _SnakemakesLoader(yaml.FullLoader):
    """What Snakemake takes YAML 1.1 apart with; it says where it fails."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, TypeError, OverflowError, yaml.constructor.ConstructorError) as error:
            what = f"{shown(node.value)} ({error})" if isinstance(node, yaml.ScalarNode) else str(error)
            raise yaml.MarkedYAMLError(problem=what, problem_mark=node.start_mark) from None


for _name, (_pattern, _first) in WORDS.items():
    for _class in (_Loader, _FastLoader, _Dumper):
        _class.add_implicit_resolver(TAG + _name, re.compile(rf"^(?:{_pattern})\Z"), _first)
# a text that YAML 1.1 takes for something else (yes, 1:30, =, 2024-01-01) is quoted, too: Snakemake may read it
for _letter, _resolvers in yaml.FullLoader.yaml_implicit_resolvers.items():
    for _tag, _regexp in _resolvers:
        _Dumper.add_implicit_resolver(_tag, _regexp, [_letter])


class Document:
    """A YAML file: its content, the line of every key, and what is wrong with it.

    Parameters
    ----------
    path : Path
        The file.

    Attributes
    ----------
    content : dict
        Text, numbers, booleans, None, lists and dicts. Repeated and unusable keys are left out.
    lines : dict
        The line of each key path, counted from 1.
    problems : list of Problem
        Repeated keys, keys that are not text, tags; `iondrill.config.load.parse` raises them with its own.

    Raises
    ------
    UserError
        If the file cannot be read, is not YAML, or does not hold keys with values.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[KeyPath, int] = {(): 1}
        self.problems: list[Problem] = []
        self._values = 0
        self._open: set[int] = set()
        try:
            text = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise UserError.of(path, f"cannot be read: {error.strerror or error}") from None
        except UnicodeDecodeError as error:
            raise UserError.of(f"{path} (byte {error.start})", "is not UTF-8 text") from None
        try:
            self._text = text
            node = _compose(text)
            if node is None:
                raise UserError.of(f"{path} (line 1)", "holds nothing but blanks and comments", EXPECTED)
            content = self._read(node, ())
        except yaml.YAMLError as error:
            raise UserError(_syntax_problem(path, text, error)) from None
        except RecursionError:
            raise UserError.of(f"{path} (line 1)", "is nested too deeply") from None
        if not isinstance(content, dict):
            raise UserError.of(f"{path} (line 1)", f"found {shown(content)}", EXPECTED)
        self.content: dict[str | int, Any] = content

    def where(self, at: KeyPath, line: int | None = None) -> str:
        """Return ``file: key (line n)`` of a key path, by default with its own or its nearest parent's line."""
        line = line or next(self.lines[parent] for parent in parents(at) if parent in self.lines)
        key = ".".join(_key(part) for part in at)
        return f"{self.path}" + (f": {key}" if key else "") + f" (line {line})"

    def refused_by_snakemake(self) -> Problem | None:
        """Return what Snakemake, which reads each ``--configfile`` before us, stops at; it throws its result away.

        Such are ``=`` and ``2026-13-45``, a date that there is not: words of YAML 1.2.
        """
        try:
            yaml.load(self._text, _SnakemakesLoader)  # noqa: S506  (tags are refused before; nothing is kept)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else 1
            before = [key_path for key_path, its_line in self.lines.items() if its_line <= line]
            at = max(before, key=lambda key_path: (self.lines[key_path], len(key_path)))
            what = " ".join(str(getattr(error, "problem", None) or error).split())
            return Problem(self.where(at, line), f"Snakemake cannot read {what}", "allowed: words in quotes, no tabs")
        return None

    def _read(self, node: yaml.Node, at: KeyPath) -> Any:
        """Return the plain value of a node, noting lines and problems."""
        self.lines.setdefault(at, node.start_mark.line + 1)
        self._values += 1
        if self._values > MOST_VALUES:
            raise yaml.MarkedYAMLError(problem=f"more than {MOST_VALUES} values", problem_mark=node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, at)
        if id(node) in self._open:
            raise yaml.MarkedYAMLError(problem="an alias refers to what holds it", problem_mark=node.start_mark)
        if node.tag not in {TAG + "map", TAG + "seq"}:
            self._problem(at, f"found the tag {shown(node.tag)}", "allowed: no tags")
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self._read(value, (*at, index)) for index, value in enumerate(node.value)]
            return self._mapping(node, at)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.Node, at: KeyPath) -> dict[str | int, Any]:
        """Return the keys and values of a mapping; its own keys go before merged ones."""
        content: dict[str | int, Any] = {}
        merged: list[yaml.Node] = []
        for key_node, value_node in node.value:
            if key_node.tag == TAG + "merge":
                merged += value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]
                continue
            line = key_node.start_mark.line + 1
            key = self._scalar(key_node, at) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str | int) or isinstance(key, bool):
                found = shown(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "a list or mapping"
                self._problem(at, f"found {found} as a key", "allowed: text; put it in quotes", line)
            elif key in content:
                first = self.lines[(*at, key)]
                self._problem((*at, key), f"the key is there twice, first in line {first}", "allowed: once", line)
            else:
                self.lines[(*at, key)] = line
                content[key] = self._read(value_node, (*at, key))
        for other in merged:
            value = self._read(other, (*at, "<<"))
            if not isinstance(value, dict):
                self._problem((*at, "<<"), f"found {shown(value)}", "allowed: a mapping")
                continue
            for key, inner in value.items():
                if key not in content:
                    content[key] = inner
                    self._move_lines((*at, "<<", key), (*at, key))
        return content

    def _move_lines(self, old: KeyPath, new: KeyPath) -> None:
        """Move the lines of a merged key to the key path it was merged into."""
        moved = {key_path: line for key_path, line in self.lines.items() if key_path[: len(old)] == old}
        self.lines.update({(*new, *key_path[len(old) :]): line for key_path, line in moved.items()})

    def _scalar(self, node: yaml.ScalarNode, at: KeyPath) -> Any:
        """Return text, number, boolean or None."""
        word: str = node.value
        kind = node.tag.removeprefix(TAG)
        if kind == "null":
            return None
        if kind == "bool" and word.lower() in {"true", "false"}:
            return word.lower() == "true"
        try:
            if kind == "int":
                return int(word)
            if kind == "float":
                return float(word.lower().replace(".inf", "inf").replace(".nan", "nan"))
        except ValueError:  # beyond Python's limit of digits, or tagged as a number without being one
            self._problem(at, f"found {shown(word)}", "allowed: a number of fewer digits", node.start_mark.line + 1)
            return float("nan")  # no model takes it
        if kind not in {"str", "merge"}:
            self._problem(at, f"found the tag {shown(node.tag)}", "allowed: no tags")
        bad = next((char for char in word if char not in "\n\t" and unicodedata.category(char) in {"Cc", "Cs"}), "")
        if bad:
            self._problem(at, f"found {shown(word)}", f"allowed: text without U+{ord(bad):04X}")
        return word

    def _problem(self, at: KeyPath, found: str, allowed: str, line: int | None = None) -> None:
        self.problems.append(Problem(self.where(at, line), found, allowed))


def dump(content: Any) -> str:
    """Return plain data as YAML that `Document` reads back as it was."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def parents(at: KeyPath) -> Iterator[KeyPath]:
    """Yield a key path and those of all its parents, the root last."""
    return (at[:length] for length in range(len(at), -1, -1))


def shown(value: Any) -> str:
    """Return a value in a few words, for messages."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _key(part: str | int) -> str:
    """Return a key as messages show it: in quotes if it would be misread."""
    text = str(part)
    return text if re.fullmatch(r"[\w+<-]{1,64}", text) else shown(text)


def _compose(text: str) -> yaml.Node | None:
    """Return what a text holds, read by libyaml where PyYAML has it; PyYAML's own reader says what is wrong."""
    try:
        return yaml.compose(text, Loader=_FastLoader)
    except yaml.YAMLError:
        return yaml.compose(text, Loader=_Loader)


def _syntax_problem(path: Path, text: str, error: yaml.YAMLError) -> Problem:
    """Say what a YAML reader complains about, and where."""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return Problem(f"{path} (line {line})", f"is not valid YAML: character U+{int(error.character):04X} in text")
    mark = getattr(error, "problem_mark", None)
    what = " ".join(str(getattr(error, "problem", None) or error).split())
    context = getattr(error, "context", None)
    return Problem(
        f"{path} (line {mark.line + 1 if mark else 1})",
        f"is not valid YAML: {what}" + (f" {context}" if context else ""),
    )
