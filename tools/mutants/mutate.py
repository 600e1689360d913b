"""The mutants of one source: positions where it can be made wrong, and how; the changes are those of cosmic-ray."""

from __future__ import annotations

import ast
import difflib
import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING

import parso
from cosmic_ray.ast import ast_nodes
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

from mutants.operators import MORE

if TYPE_CHECKING:
    from collections.abc import Iterator

    Position = tuple[int, int]

NEAR = re.compile(
    r"""core/(?:
    ReplaceBinaryOperator_(?:Add_Sub|Sub_Add|Mul_Div|Div_Mul|Pow_Mul|FloorDiv_Div|FloorDiv_Mul|Mod_Div|BitAnd_BitOr|
        BitOr_BitAnd|BitXor_BitAnd)
    |ReplaceComparisonOperator_(?:Eq_NotEq|NotEq_Eq|Lt_LtE|Lt_Gt|LtE_Lt|LtE_Gt|Gt_GtE|Gt_Lt|GtE_Gt|GtE_Lt|Is_IsNot|
        IsNot_Is)
    |ReplaceUnaryOperator_Delete_\w+
    |AddNot|Replace(?:True|False|And|Or|Break|Continue)With\w+|ExceptionReplacer|NumberReplacer|RemoveDecorator
    |ZeroIterationForLoop)""",
    re.VERBOSE,
)
"""The changes of cosmic-ray that are likely slips; ``a >> b`` for ``a + b`` is noticed by any test that comes by."""
DRY = {"cache", "lru_cache", "cached_property", "dataclass"}
"""Decorators that change how fast a result comes, or what a caller may do with it, and no result."""
PORTION = re.compile(r"(?:CHUNK|BLOCK|TILE)_\w+|AT_ONCE|SLAB|PATCH")
"""Constants that say how much is done at once."""


@dataclass(frozen=True)
class Mutant:
    """One wrong version of a source.

    Parameters
    ----------
    source : str
        The right version.
    position : tuple of int
        Line, from 1, and column of what is changed.
    operator : str
        Kind of change.
    occurrence : int
        The how manieth of this kind in the source, from 0.
    """

    source: str
    position: Position
    operator: str
    occurrence: int

    @cached_property
    def code(self) -> str:
        """The whole source, changed; empty if that is no Python, or Python of the same meaning."""
        try:
            code = mutate_code(self.source, _operators()[self.operator](), self.occurrence)
            compile(code, "mutant", "exec")
            return "" if ast.dump(ast.parse(code)) == ast.dump(ast.parse(self.source)) else code
        except (AttributeError, SyntaxError, ValueError):  # the first: cosmic-ray cannot change ``except csv.Error``
            return ""

    @property
    def diff(self) -> list[str]:
        """The lines that differ, with - and +."""
        lines = difflib.unified_diff(self.source.splitlines(), self.code.splitlines(), lineterm="", n=0)
        return [line for line in lines if line[0] in "-+" and line[:3] not in {"---", "+++"}]


@cache
def candidates(source: str) -> dict[Position, list[Mutant]]:
    """Return the mutants of a source by position, without those that are the same program by construction (`inert`)."""
    skipped = list(inert(source))
    tree = parso.parse(source)
    nodes = list(ast_nodes(tree))
    found: dict[Position, list[Mutant]] = {}
    for name, operator in _operators().items():
        positions = [start for node in nodes for start, _ in operator().mutation_positions(node)]
        for occurrence, position in enumerate(positions):
            if not any(start <= position < end for start, end in skipped) and not _bare(tree, position):
                found.setdefault(position, []).append(Mutant(source, position, name, occurrence))
    return found


def inert(source: str) -> Iterator[tuple[Position, Position]]:
    """Yield the spans of a source where no change makes another result; where each begins and ends.

    Type annotations and what only a type checker reads (``if TYPE_CHECKING``, ``cast``); decorators that keep a result
    (`DRY`), with their arguments; how much is done at once (`PORTION`); ``strict=`` of ``zip``, which guards against
    what the code around it rules out; the 1 in the -1 of ``reshape``, of which NumPy reads the sign; what is raised,
    which is wording: that it is raised counts, and is changed with the condition before it.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = node.args
            every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
            yield from (_span(each) for each in [node.returns, *(a.annotation for a in every if a)] if each)
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield from (_whole_line(each) for each in node.decorator_list if _called(each) in DRY)
        if isinstance(node, ast.AnnAssign):
            yield _span(node.annotation)
        if isinstance(node, ast.Assign) and any(PORTION.fullmatch(getattr(each, "id", "")) for each in node.targets):
            yield _span(node.value)
        if isinstance(node, ast.If) and _called(node.test) == "TYPE_CHECKING":
            yield (node.lineno, 0), _span(node)[1]
        if isinstance(node, ast.Call):
            yield from _inert_in_call(node)
        if isinstance(node, ast.Raise) and node.exc is not None:
            yield _span(node.exc)


def _inert_in_call(node: ast.Call) -> Iterator[tuple[Position, Position]]:
    match _called(node):
        case "cast":
            yield _span(node.args[0])
        case "zip":
            yield from (_span(each.value) for each in node.keywords if each.arg == "strict")
        case "reshape":
            yield from (_span(each.operand) for each in node.args if isinstance(each, ast.UnaryOp))


def _bare(tree: parso.python.tree.Module, position: Position) -> bool:
    """Whether the star of ``def f(a, *, b)`` is there: no product."""
    leaf = tree.get_leaf_for_position(position)
    return leaf.value in {"*", "/"} and leaf.parent.type in {"parameters", "param"}


def _span(node: ast.AST) -> tuple[Position, Position]:
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)


def _whole_line(node: ast.AST) -> tuple[Position, Position]:
    return (node.lineno, 0), (node.end_lineno + 1, 0)


def _called(node: ast.AST) -> str:
    name = node.func if isinstance(node, ast.Call) else node
    return name.id if isinstance(name, ast.Name) else name.attr if isinstance(name, ast.Attribute) else ""


@cache
def _operators() -> dict[str, type]:
    return {name: get_operator(name) for name in operator_names() if NEAR.fullmatch(name)} | MORE
