"""The configuration of a run: its files, read together as Snakemake merges them, and checked as a whole."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from iondrill.config.document import Document
from iondrill.config.load import locate, merge, unless, validate
from iondrill.errors import Problem, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from iondrill.config.models import Config

Section = TypeVar("Section")
PROJECT = Path("config.yaml")
"""The configuration that the Snakefile names, in the working directory."""


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

    Raises
    ------
    UserError
        If they are none, and there is no ``config.yaml`` either.
    """
    if not paths and not PROJECT.is_file():
        raise UserError.of(
            PROJECT, f"there is no such file in {Path.cwd()}", "`iondrill init` writes one; --configfile names others"
        )
    if not paths:
        return [PROJECT]
    named = {path.resolve() for path in paths}
    return [*([PROJECT] if PROJECT.is_file() and PROJECT.resolve() not in named else []), *paths]


def read_documents(*paths: Path) -> list[Document]:
    """Read configuration files.

    Snakemake reads them here too, instead of its own reader: what a word means is decided once.

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
        # tags and repeated keys are reported as such
        if not document.problems and (problem := document.refused_by_snakemake()):
            problems.append(problem)
    if problems:
        raise UserError(*problems, *(problem for document in documents for problem in document.problems))
    return documents


def readable(*paths: Path) -> list[Document]:
    """Return those configuration files in which nothing is wrong: where only the place of a key is asked for."""
    documents: list[Document] = []
    for path in paths:
        with suppress(UserError):
            documents += [one for one in read_documents(path) if not one.problems]
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
    """Return the merged content of configuration files, without the entries that later ones remove.

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
    config, problems = validate(Config, documents, content)
    for key_path, found, allowed in mistakes(content):
        problems.append((key_path, Problem(locate(documents, key_path), found, allowed)))
    return unless(problems, documents, config)


def required(section: Section | None, name: str, needed: str) -> Section:
    """Return a section of the configuration that a target needs.

    Raises
    ------
    UserError
        If there is none: its name, and which keys are needed in it.
    """
    if section is None:
        raise UserError.of(name, "the configuration has no such section", f"needed: {needed}")
    return section


def located(documents: Sequence[Document], problems: Iterable[Problem]) -> list[Problem]:
    """Return problems, those that name a key of the configuration with its file and line.

    Parameters
    ----------
    documents : sequence of Document
        The files of the configuration.
    problems : iterable of Problem
        Keys look like ``barriers.paths.0``; problems that name a file are returned unchanged.
    """
    from iondrill.config.models import Config

    found = []
    for problem in problems:
        key_path = tuple(int(part) if part.isdecimal() else part for part in problem.where.split("."))
        is_key = key_path[0] in Config.model_fields
        found.append(replace(problem, where=locate(documents, key_path)) if is_key else problem)
    return found
