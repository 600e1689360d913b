"""Kinds of change that cosmic-ray lacks, in its manner: calls swapped or dropped, statements left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cosmic_ray.operators.operator import Operator
from parso.python.tree import Keyword, Name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cosmic_ray.operators.operator import Example
    from parso.tree import NodeOrLeaf

    Span = tuple[tuple[int, int], tuple[int, int]]

PAIRS = [("min", "max"), ("argmin", "argmax"), ("any", "all"), ("sin", "cos"), ("floor", "ceil")]
OTHER = dict(PAIRS) | {b: a for a, b in PAIRS}


class _OneChange(Operator):
    """An operator with at most one change at a node."""

    def applies(self, node: NodeOrLeaf) -> bool:
        raise NotImplementedError

    def mutation_positions(self, node: NodeOrLeaf) -> Iterator[Span]:
        if self.applies(node):
            yield node.start_pos, node.end_pos

    @classmethod
    def examples(cls) -> Sequence[Example]:
        return ()


class SwapCall(_OneChange):
    """``min`` for ``max``, ``any`` for ``all``, and the like."""

    def applies(self, node: NodeOrLeaf) -> bool:
        following = node.get_next_leaf() if isinstance(node, Name) and node.value in OTHER else None
        return following is not None and following.value == "("

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:
        node.value = OTHER[node.value]
        return node


class DropAbs(_OneChange):
    """``x`` for ``abs(x)``."""

    def applies(self, node: NodeOrLeaf) -> bool:
        return isinstance(node, Name) and node.value == "abs" and node.get_next_leaf().value == "("

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:
        node.value = ""
        return node


class SwapIn(_OneChange):
    """``not in`` for ``in`` in a comparison, and the reverse."""

    def applies(self, node: NodeOrLeaf) -> bool:
        return isinstance(node, Keyword) and node.value == "in" and node.parent.type in {"comparison", "comp_op"}

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:
        if node.parent.type == "comp_op":
            node.parent.children[0].value = ""
        else:
            node.value = "not in"
        return node


class DropStatement(_OneChange):
    """No statement where a function was called for its effect, or a name was changed in place."""

    def applies(self, node: NodeOrLeaf) -> bool:
        if node.parent is None or node.parent.type != "simple_stmt":
            return False
        called = node.type == "atom_expr" and node.children[-1].type == "trailer"
        return called or _augmented(node)

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:
        return Name("pass", node.start_pos, prefix=node.get_first_leaf().prefix)


def _augmented(node: NodeOrLeaf) -> bool:
    return node.type == "expr_stmt" and getattr(node.children[1], "value", "=") not in {"=", ""}


MORE = {f"more/{each.__name__}": each for each in (SwapCall, DropAbs, SwapIn, DropStatement)}
