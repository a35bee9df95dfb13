"""The parts of mypy's syntax trees, whatever their kind: mypy's own visitors cannot be derived from outside of it.

The invariant: each part of a body is given once, and nothing that a name only refers to.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mypy.nodes import CallExpr, Decorator, Expression, FuncBase, IndexExpr, MemberExpr, Node, SymbolNode

__all__ = ["chain", "children", "descendants"]

_REFERENCES: Final = frozenset(
    {
        *("node", "info", "analyzed", "expanded", "original_def", "def_var", "variable", "var", "impl"),
        *("unanalyzed_items", "original_decorators", "removed_statements", "removed_base_type_exprs", "subject_dummy"),
    }
)
"""Attributes of nodes that lead to other places of the program, or to the same parts once more."""


_ATTRIBUTES: Final[dict[str, tuple[str, ...]]] = {}
"""By the name of a class of nodes, the attributes in which they keep their parts."""


def _attributes(node: Node) -> tuple[str, ...]:
    kind = type(node)
    known = _ATTRIBUTES.get(kind.__name__)
    if known is None:
        found: dict[str, None] = {}
        for base in kind.__mro__:
            found.update(dict.fromkeys(getattr(base, "__mypyc_attrs__", getattr(base, "__slots__", ()))))
        known = tuple(name for name in found if name not in _REFERENCES and not name.startswith("_"))
        _ATTRIBUTES[kind.__name__] = known
    return known


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below a node."""
    for name in _attributes(node):
        yield from _nodes(getattr(node, name, None))


def _nodes(value: Any) -> Iterator[Node]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _nodes(item)
    elif isinstance(value, Node) and (not isinstance(value, SymbolNode) or isinstance(value, (FuncBase, Decorator))):
        yield value


def descendants(node: Node) -> Iterator[Node]:
    """A node and all below it."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        waiting.extend(children(found))


def chain(expression: Expression) -> Iterator[Expression]:
    """The expressions that `a.b(...).c(...)[:3]` is made of, from the whole to what it starts with."""
    while True:
        yield expression
        match expression:
            case CallExpr(callee=MemberExpr() as callee):
                expression = callee.expr
            case IndexExpr():
                expression = expression.base
            case _:
                return
