"""Read YAML into models: every problem at once, each with its file, key, line and what is allowed."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

from iondrill.config.document import Document, Place, dump, parents
from iondrill.errors import Problem, UserError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from iondrill.config.models import Config

__all__ = [
    "Document",
    "as_yaml",
    "check_config",
    "config_content",
    "load",
    "locate",
    "located",
    "merge",
    "parse",
    "project_first",
    "read_config",
    "read_documents",
]

PROJECT = Path("config.yaml")
"""The configuration that the Snakefile names, in the working directory."""
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
    parsed, found = _validate(model, documents, content)
    return _unless(found, documents, parsed)


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


def project_first(paths: Sequence[Path]) -> list[Path]:
    """Return the configuration files that Snakemake merges, where it is given these: the project's own goes first.

    Parameters
    ----------
    paths : sequence of Path
        What ``--configfile`` names.

    Returns
    -------
    list of Path
        The same, after ``config.yaml`` of the working directory if that is there and not among them; that one alone if
        they are none.
    """
    if not paths:
        return [PROJECT]
    named = {path.resolve() for path in paths}
    return [*([PROJECT] if PROJECT.is_file() and PROJECT.resolve() not in named else []), *paths]


def read_documents(*paths: Path) -> list[Document]:
    """Read configuration files.

    Snakemake reads them here too, in the place of its own reader: what a word means is decided once.

    Raises
    ------
    UserError
        What is wrong in each of the files.
    """
    documents: list[Document] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            documents.append(Document(Path(path)))
        except UserError as error:
            problems += error.problems
    for document in documents:
        # tags and repeated keys are told of as they are
        if not document.problems and (problem := document.refused_by_snakemake()):
            problems.append(problem)
    if problems:
        raise UserError(*problems, *(problem for document in documents for problem in document.problems))
    return documents


def read_config(*paths: Path) -> Config:
    """Read the run configuration, later files overriding earlier ones as with Snakemake's ``--configfile``.

    Raises
    ------
    UserError
        All that is wrong in the files, and between their keys.
    """
    return check_config(read_documents(*paths))


def config_content(documents: Sequence[Document], content: Any = None) -> dict[str | int, Any]:
    """Return what configuration files say together: merged, without the entries that later ones take out.

    Parameters
    ----------
    documents : sequence of Document
        The files.
    content : dict, optional
        What Snakemake merged from them; by default `merge` of them.
    """
    from iondrill.config.models import Config
    from iondrill.config.removal import without_removed

    return without_removed(Config, documents, merge(documents) if content is None else content)


def check_config(documents: Sequence[Document], content: Any = None) -> Config:
    """Validate merged content as a configuration, with what only several keys together can get wrong.

    Raises
    ------
    UserError
        All problems at once, in the order of the files.
    """
    # jobs read their own records with this module, and not the configuration
    from iondrill.config.consistency import mistakes
    from iondrill.config.models import Config

    content = config_content(documents, content)
    config, problems = _validate(Config, documents, content)
    for place, found, allowed in mistakes(content):
        problems.append((place, Problem(locate(documents, place), found, allowed)))
    return _unless(problems, documents, config)


def locate(documents: Sequence[Document], at: Place) -> str:
    """Return file, key and line of a place, in the last document that holds it or its nearest parent."""
    return documents[_holder(documents, at)[0]].where(at)


def located(documents: Sequence[Document], problems: Iterable[Problem]) -> list[Problem]:
    """Return problems, those that name a key of the configuration with the file and the line where it stands.

    Parameters
    ----------
    documents : sequence of Document
        The files of the configuration.
    problems : iterable of Problem
        A key is one like ``barriers.paths.0``; what names a file stays as it is.
    """
    from iondrill.config.models import Config

    found = []
    for problem in problems:
        place = tuple(int(part) if part.isdecimal() else part for part in problem.where.split("."))
        is_key = place[0] in Config.model_fields
        found.append(replace(problem, where=locate(documents, place)) if is_key else problem)
    return found


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


def _holder(documents: Sequence[Document], at: Place) -> tuple[int, int]:
    """Return the number of the last document that holds a place or its nearest parent, and the line there."""
    for parent in parents(at):
        for number in range(len(documents) - 1, -1, -1):
            if parent and parent in documents[number].lines:
                return number, documents[number].lines[parent]
    return len(documents) - 1, 1


@cache
def _adapter(model: Hashable) -> TypeAdapter[Any]:
    """Return the validator of a model; that of a union takes longer to build than a file to read."""
    return TypeAdapter(cast("Any", model))


def _validate(
    model: type[Model], documents: Sequence[Document], content: Any
) -> tuple[Model | None, list[tuple[Place, Problem]]]:
    """Return the instance, or None and what is wrong."""
    try:
        return _adapter(cast("Hashable", model)).validate_python(content), []
    except ValidationError as error:
        from iondrill.config.explain import explain

        return None, [
            (place, Problem(locate(documents, place), found, allowed))
            for place, found, allowed in explain(model, error, content)
        ]


def _unless(found: list[tuple[Place, Problem]], documents: Sequence[Document], parsed: Model | None) -> Model:
    """Return what was parsed, unless problems were found: those are raised as they stand in the files."""
    problems = [problem for document in documents for problem in document.problems]
    problems += [problem for _, problem in sorted(found, key=lambda item: _holder(documents, item[0]))]
    if parsed is None or problems:
        raise UserError(*dict.fromkeys(problems))
    return parsed
