"""Read YAML into models: every problem at once, each with its file, key, line and what is allowed."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

from iondrill.config.document import Document, KeyPath, dump, parents
from iondrill.errors import Problem, UserError

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from pathlib import Path

Model = TypeVar("Model")


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
    parsed, found = validate(model, documents, content)
    return unless(found, documents, parsed)


def merge(documents: Sequence[Document], last: Mapping[str, Any] | None = None) -> dict[str | int, Any]:
    """Merge mappings key by key, as Snakemake merges configuration files: lists and values replace.

    Parameters
    ----------
    documents : sequence of Document
        Later ones override earlier ones.
    last : mapping, optional
        Overrides them all.
    """
    merged: dict[str | int, Any] = {}
    for document in documents:
        _update(merged, document.content)
    _update(merged, last or {})
    return merged


def load(model: type[Model], path: Path) -> Model:
    """Read a YAML file into a model.

    Raises
    ------
    UserError
        If it cannot be read, is not YAML, or holds what the model refuses.
    """
    return parse(model, [Document(path)])


def locate(documents: Sequence[Document], at: KeyPath) -> str:
    """Return file, key and line of a key path, in the last document that holds it or its nearest parent.

    A configuration that comes from no file, but from another workflow, has nothing but keys.
    """
    if not documents:
        return f"the module's configuration: {'.'.join(map(str, at))}"
    return documents[_holder(documents, at)[0]].where(at)


def as_yaml(model: BaseModel) -> str:
    """Return the model, defaults included, as YAML."""
    return dump(model.model_dump(mode="json"))


def _update(into: dict[str | int, Any], new: Mapping[Any, Any]) -> None:
    for key, value in new.items():
        old = into.get(key)
        if isinstance(value, dict):
            into[key] = dict(old) if isinstance(old, dict) else {}
            _update(into[key], value)
        else:
            into[key] = value


def _holder(documents: Sequence[Document], at: KeyPath) -> tuple[int, int]:
    """Return the number of the last document that holds a key path or its nearest parent, and the line there."""
    for parent in parents(at):
        for number in range(len(documents) - 1, -1, -1):
            if parent and parent in documents[number].lines:
                return number, documents[number].lines[parent]
    return len(documents) - 1, 1


@cache
def _adapter(model: Hashable) -> TypeAdapter[Any]:
    """Return the validator of a model; that of a union takes longer to build than a file to read."""
    return TypeAdapter(cast("Any", model))


def validate(
    model: type[Model], documents: Sequence[Document], content: Any
) -> tuple[Model | None, list[tuple[KeyPath, Problem]]]:
    """Return the instance, or None and what is wrong."""
    try:
        return _adapter(cast("Hashable", model)).validate_python(content), []
    except ValidationError as error:
        from iondrill.config.explain import explain

        return None, [
            (key_path, Problem(locate(documents, key_path), found, allowed))
            for key_path, found, allowed in explain(model, error, content)
        ]


def unless(found: list[tuple[KeyPath, Problem]], documents: Sequence[Document], parsed: Model | None) -> Model:
    """Return what was parsed, unless problems were found: those are raised in the order of the files."""
    problems = [problem for document in documents for problem in document.problems]
    unread = {problem.where for problem in problems}  # values that could not be read have placeholders
    ordered = (problem for _, problem in sorted(found, key=lambda item: _holder(documents, item[0])))
    problems += [problem for problem in ordered if problem.where not in unread]
    if parsed is None or problems:
        raise UserError(*dict.fromkeys(problems))
    return parsed
