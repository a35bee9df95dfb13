"""Tells what changes a query's structure from what is a value, in conditions and expressions as users wrote them.

Knows symbolic nodes; gives them no meaning. The invariant: two calls with equal keys differ in their leaves alone, and
`Marker` numbers leaves in the order in which `key_of` collects them.
"""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, Final

from modelkit.errors import QueryTooComplex
from modelkit.expressions.base import Assignment, Face, Node, Path, Value
from modelkit.expressions.conditional import Exists, Subquery
from modelkit.expressions.conditions import NamedLookup, Q
from modelkit.expressions.predicates import Lookup
from modelkit.expressions.structure import extras, part_names
from modelkit.fields.base import Field
from modelkit.resolve.joins import Leaf
from modelkit.resolve.query import Placed, Query

__all__ = ["DEPTH", "Marker", "alias_in", "children_key", "key_of", "kind_of", "operand_key", "plain", "query_in"]

DEPTH: Final = 100
"""How deep conditions and expressions may nest."""


def query_in(value: object) -> Query | None:
    """The query of a queryset (or manager), None for anything else."""
    if isinstance(value, Query):
        return value
    if isinstance(value, (str, int, float, list, tuple, dict, set)):
        return None
    query = getattr(value, "query", None)
    return query if isinstance(query, Query) else None


def alias_in(value: object) -> str | None:
    """The alias that using() gave a queryset, or the one whose query this is; None where it was given none."""
    alias: str | None = value.alias if isinstance(value, Placed) else getattr(value, "_db", None)
    return alias


def plain(value: object) -> bool:
    """Whether nothing but the type and truth of `value` may change a query's structure, and it can be read twice."""
    return not isinstance(value, (Node, Face, Iterator)) and query_in(value) is None


def kind_of(value: object) -> Any:
    """What of a plain value belongs to the key: its type, and which of the two truth values it is."""
    return value if value is True or value is False else type(value)


def _too_deep() -> QueryTooComplex:
    return QueryTooComplex(
        f"Conditions or expressions are nested more than {DEPTH} levels deep. "
        "Join many alternatives in one Q with `_connector`, or use __in."
    )


_LEAVES: Final = {
    Value: "value",
    NamedLookup: "right",
    Lookup: "rhs",
    Assignment: "value",
    Exists: "queryset",
    Subquery: "queryset",
}
"""The attribute of a node that holds a constant, a node or an inner query."""


@cache
def _leaf_slot(kind: Any) -> str | None:
    return next((name for base, name in _LEAVES.items() if issubclass(kind, base)), None)


_PLAIN: Final = frozenset({
    int, str, float, bytes, type(None), datetime.date, datetime.datetime, datetime.timedelta, decimal.Decimal, uuid.UUID,
    list, tuple, set, frozenset,
})  # fmt: skip
"""Types of values that are leaves, whatever they hold."""


def key_of(part: Any, leaves: list[Any], depth: int = 0) -> Hashable:
    """The structure of `part` (a node, a tuple, a constant of a node); its values go to `leaves`. Linear."""
    if part is None:
        return None
    if depth > DEPTH:
        raise _too_deep()
    depth += 1
    if isinstance(part, Face):
        part = part.node
    if isinstance(part, Q):
        return (part.connector, part.negated, *children_key(part.children, leaves, depth))
    if type(part) is NamedLookup and type(part.left) is Path:
        right = operand_key(part.right, leaves, depth)
        return (NamedLookup, part.left.owner, part.left.names, part.lookup, part.transforms, right)
    if isinstance(part, Node):
        kind: Any = type(part)
        leaf = _leaf_slot(kind)
        parts = [
            (operand_key if name == leaf else key_of)(getattr(part, name), leaves, depth) for name in part_names(kind)
        ]
        for name, held in extras(part).items():
            parts += (name, key_of(held, leaves, depth))
        return (kind, *parts)
    if isinstance(part, tuple):
        return (tuple, *[key_of(item, leaves, depth) for item in part])
    if isinstance(part, Field) and part.name is None:
        return (type(part), *part.deconstruct()[3].items())
    return (type(part), part)


def children_key(children: Iterable[Any], leaves: list[Any], depth: int = 0) -> list[Hashable]:
    """The structure of a Q's children: nodes, and names with what stands right of them."""
    keys: list[Any] = []
    for child in children:
        if type(child) is tuple:
            name, value = child
            keys.append(name)
            if type(value) in _PLAIN:
                leaves.append(value)
                keys.append(type(value))
            else:
                keys.append(operand_key(value, leaves, depth))
        else:
            keys.append(key_of(child, leaves, depth))
    return keys


def operand_key(value: Any, leaves: list[Any], depth: int = 0) -> Hashable:
    """The structure of what stands right of a lookup: a node's own, an inner query's shape, a value's kind."""
    if isinstance(value, (Node, Face)):
        return key_of(value, leaves, depth)
    query = query_in(value)
    if query is not None:
        alias = alias_in(value)
        leaves.append(query if alias is None else Placed(query, alias))
        return (Query, query.shape, alias)
    leaves.append(list(value) if isinstance(value, Iterator) else value)
    kind: Hashable = kind_of(value)
    return kind


class Marker:
    """Copies nodes with a Leaf in place of each value; one that stands there already gets the value of its number."""

    def __init__(self, leaves: Sequence[Any]) -> None:
        self._leaves = leaves
        self._next = 0

    def marked(self, part: Any) -> Any:
        """`part` with its values numbered on, in the order of `key_of`."""
        if isinstance(part, Face):
            part = part.node
        if isinstance(part, Q):
            children = [
                (child[0], self.operand(child[1])) if isinstance(child, tuple) else self.marked(child)
                for child in part.children
            ]
            return Q.create(tuple(children), part.connector, part.negated)
        if isinstance(part, Node):
            kind: Any = type(part)
            leaf = _leaf_slot(kind)
            copied = object.__new__(kind)
            for name in part_names(kind):
                held = getattr(part, name)
                object.__setattr__(copied, name, self.operand(held) if name == leaf else self.marked(held))
            for name, held in extras(part).items():
                object.__setattr__(copied, name, self.marked(held))
            return copied
        if isinstance(part, tuple):
            return tuple([self.marked(item) for item in part])
        return part

    def operand(self, value: Any) -> Any:
        """What stands right of a lookup: a node, else the next leaf."""
        if isinstance(value, (Node, Face)):
            return self.marked(value)
        if isinstance(value, Leaf):
            return Leaf(value.number, self._leaves[value.number])
        leaf = Leaf(self._next, self._leaves[self._next])
        self._next += 1
        return leaf
