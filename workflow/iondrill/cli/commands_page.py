"""The page of the documentation on the command ``iondrill``: every command, and every argument of each."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTE = "<!-- Made from the parser of arguments by `iondrill docs`; change that instead. -->"
INTRODUCTION = """
What `iondrill` does besides the workflow, which `snakemake` runs. `iondrill COMMAND --help` says the same in a
terminal. The exit status is 0 if all is well, 1 if something must be mended, 2 if the arguments are wrong, 130 after an
interrupt. What must be mended is one line each on stderr: where, what was found, what is allowed.
"""


def commands_page(parser: argparse.ArgumentParser) -> str:
    """Return the page in Markdown.

    Parameters
    ----------
    parser : ArgumentParser
        Of all commands.
    """
    parts = ["# Commands", NOTE, INTRODUCTION.strip()]
    for depth, words, one in _commands(parser):
        parts += [f"{'#' * (depth + 1)} `{one.prog}`", f"{words[:1].upper()}{words[1:]}."]
        arguments = [action for action in _arguments(one) if not isinstance(action, argparse._HelpAction)]  # noqa: SLF001
        if arguments:
            rows = ["| argument | needed | meaning |", "|---|---|---|"]
            parts.append("\n".join([*rows, *(_row(action) for action in arguments)]))
    return "\n\n".join(parts) + "\n"


def _commands(parser: argparse.ArgumentParser, depth: int = 1) -> Iterator[tuple[int, str, argparse.ArgumentParser]]:
    """Yield each command below a parser with its depth and what it is for, in order."""
    for action in parser._actions:  # noqa: SLF001
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for told in action._choices_actions:  # noqa: SLF001
                one = action.choices[told.dest]
                yield depth, told.help or "", one
                yield from _commands(one, depth + 1)


def _arguments(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return the arguments of a command, without those that name a command of its own."""
    return [action for action in parser._actions if not isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001


def _row(action: argparse.Action) -> str:
    needed = action.required if action.option_strings else action.nargs not in {"?", "*"}
    meaning = (action.help or "").replace("|", "\\|")
    return f"| `{_written(action)}` | {'yes' if needed else ''} | {meaning} |"


def _written(action: argparse.Action) -> str:
    """Return how an argument is written: its name and what follows."""
    name = ", ".join(action.option_strings)
    if action.nargs == 0:
        return name
    allowed = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else ""
    value = action.metavar or allowed or action.dest.upper()
    values = " ".join(value) if isinstance(value, tuple) else value
    return f"{name} {values}{' …' if action.nargs in {'+', '*'} else ''}".strip()
