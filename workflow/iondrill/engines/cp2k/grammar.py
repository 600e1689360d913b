"""CP2K's input grammar, from the program at hand or as cp2k-input-tools brings it, and a reader that obeys it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from functools import cache
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pint
from cp2k_input_tools import DEFAULT_CP2K_INPUT_XML
from cp2k_input_tools.lineiterator import LineContinuationError
from cp2k_input_tools.parser import CP2KInputParser, Section
from cp2k_input_tools.parser_errors import NameRepetitionError, ParserError
from cp2k_input_tools.tokenizer import TokenizerError

from iondrill.errors import Problem, nearest
from iondrill.files import cache_folder, replacing

if TYPE_CHECKING:
    from collections.abc import Sequence

# All but names, types, units and allowed words: nine tenths of the file, and of the time to read it
PROSE = {"DESCRIPTION", "LOCATION", "REFERENCE", "USAGE", "DEFAULT_VALUE"}
PATIENCE_S = 60
# what the reader raises: its own errors, and what int(), float(), pint and an assertion make of a value
_REFUSALS = (ParserError, TokenizerError, LineContinuationError, ValueError, AssertionError, pint.PintError)
_UNKNOWN = ET.Element("SECTION")  # a section that is not in the grammar: what is inside is not judged


class Reading(NamedTuple):
    """What an input holds, and all that the grammar refuses in it."""

    tree: dict[str, Any]
    problems: list[Problem]


class Grammar(CP2KInputParser):
    """A reader that continues after a mistake, so that all are reported at once.

    Parameters
    ----------
    xml : Path
        As ``cp2k --xml`` writes it.
    """

    def __init__(self, xml: Path) -> None:
        super().__init__(str(xml))
        self.version = self._spec.findtext("CP2K_VERSION", "CP2K").strip()
        self._handle = StringIO()
        self._where = ""
        self._problems: list[Problem] = []

    def read(self, text: str, where: object) -> Reading:
        """Read an input.

        Parameters
        ----------
        text : str
            The input.
        where : object
            The file to name in problems.

        Returns
        -------
        Reading
            The tree as `CP2KInputParser.parse` gives it, and the problems in the order of the file.
        """
        self._handle, self._where, self._problems = StringIO(text), str(where), []
        try:
            tree = self.parse(self._handle)
        except (*_REFUSALS, IndexError) as error:
            self._note(f"{_words(error)}")
            tree = {}
        return Reading(tree, self._problems)

    def _note(self, found: str, allowed: str = "") -> None:
        # everything up to the line in hand has been taken from the handle
        line = self._handle.getvalue()[: self._handle.tell()].count("\n")
        self._problems.append(Problem(f"{self._where} (line {line})", found, allowed))

    def _parse_as_section(self, line: str) -> None:
        name = line[1:].split(maxsplit=1)[0].upper() if line[1:].strip() else ""
        here = self._treerefs[-1]
        if name == "END" and here.node is _UNKNOWN:
            self._treerefs.pop()
        elif name == "END" and len(self._treerefs) == 1:
            self._note(f"'{line.strip()}' closes nothing")
        elif here.node is _UNKNOWN or (name != "END" and here.find_node_by_name("SECTION", name) is None):
            if here.node is not _UNKNOWN:
                self._note(f"unknown section '{name}' in {here.name}", nearest(name, filter(None, here.section_names)))
            self._treerefs.append(Section(name, node=_UNKNOWN))
        else:
            self._judge(super()._parse_as_section, line, name)

    def _parse_as_keyword(self, line: str) -> None:
        here, name = self._treerefs[-1], line.split(maxsplit=1)[0].upper()
        if here.node is _UNKNOWN:
            return
        known = here.find_node_by_name("KEYWORD", name)
        if known is None and here.find_node_by_name("DEFAULT_KEYWORD", "DEFAULT_KEYWORD") is None:
            self._note(f"unknown keyword '{name}' in {here.name}", nearest(name, filter(None, here.keyword_names)))
        else:
            self._judge(super()._parse_as_keyword, line, name)

    def _judge(self, parse: Any, line: str, name: str) -> None:
        """Let the reader of cp2k-input-tools take a line, and note what it refuses."""
        depth, here = len(self._treerefs), self._treerefs[-1]
        try:
            parse(line)
        except _REFUSALS as error:
            self._note(f"'{line.strip()}' in {here.name}: {_words(error)}", _allowed(here, name, line, error))
            if line.startswith("&") and name != "END" and len(self._treerefs) == depth:
                self._treerefs.append(Section(name, node=_UNKNOWN))


def _words(error: BaseException) -> str:
    """Return the reader's own words, the innermost ones."""
    error = error.__cause__ or error
    return str(error.args[0]) if error.args else type(error).__name__


def _allowed(here: Any, name: str, line: str, error: BaseException) -> str:
    """Say what a refused keyword may hold."""
    node = here.find_node_by_name("KEYWORD", name)
    if node is None or isinstance(error, NameRepetitionError):
        return ""
    datatype = node.find("DATA_TYPE")
    words = [word.text for word in datatype.iterfind(".//NAME")]
    if words:
        return nearest(line.split()[1].upper() if len(line.split()) > 1 else "", words)
    count = int(datatype.findtext("N_VAR", "1"))
    return f"allowed: {'any number of' if count < 0 else count} value(s) of kind {datatype.get('kind')}"


@cache
def bundled() -> Grammar:
    """Return the grammar of CP2K 2024.1, which cp2k-input-tools brings along."""
    return Grammar(_slim(Path(DEFAULT_CP2K_INPUT_XML)))


def of_command(command: Sequence[str]) -> Grammar | None:
    """Return the grammar of the program that a level names, or None if it is not here or cannot say it."""
    program = shutil.which(command[0])
    return None if program is None else _of_program(Path(program).resolve())


@cache
def _of_program(program: Path) -> Grammar | None:
    if (kept := _kept(program)).is_file():
        return Grammar(kept)
    with tempfile.TemporaryDirectory() as folder:
        try:
            subprocess.run(
                [program, "--xml"],
                cwd=folder,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
                capture_output=True,
                check=True,
                timeout=PATIENCE_S,
            )
            return Grammar(_slim(Path(folder) / "cp2k_input.xml", kept))
        except (OSError, subprocess.SubprocessError, ET.ParseError):
            return None


def _kept(source: Path) -> Path:
    """Return where the grammar of a program or file is kept: one file for each path and time of change."""
    key = hashlib.sha256(f"{source} {source.stat().st_mtime_ns}".encode()).hexdigest()[:16]
    return cache_folder() / f"cp2k-{key}.xml"


def _slim(xml: Path, kept: Path | None = None) -> Path:
    """Write the grammar without its prose to the cache; return the slim file, or `xml` if it cannot be written."""
    kept = kept or _kept(xml)
    if kept.is_file():
        return kept
    spec = ET.parse(xml)  # noqa: S314  (from the program or package that we run anyway)
    for node in list(spec.iter()):
        for child in [child for child in node if child.tag in PROSE]:
            node.remove(child)
    try:
        with replacing(kept) as temporary:
            spec.write(temporary, encoding="utf-8")
    except OSError:
        return xml
    return kept
