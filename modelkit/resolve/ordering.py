"""Orders: names with a sign, nodes and the orders of related models, to sort keys.

Knows scopes and expressions. The invariant: keys stay symbolic until a query is finished, so that they read the joins that
were made last, and a key that only orders costs a count nothing.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from modelkit.errors import FieldError
from modelkit.expressions.base import F, Face, Node, OrderBy
from modelkit.expressions.conditions import Q
from modelkit.ir.expr import Call, Expr, FunctionDef, Nulls, SortKey, TupleNode
from modelkit.ir.types import FloatType
from modelkit.modelinfo import Relation
from modelkit.resolve import expressions, lookups
from modelkit.resolve.joins import Context, Scope
from modelkit.resolve.paths import SEPARATOR, Route, split
from modelkit.resolve.query import Shape, Term

__all__ = ["node_keys", "normalised", "sort_keys"]


def _random() -> float:
    return random.random()


RANDOM: Final = FunctionDef("random", _random, sql="RANDOM", pure=False)


def normalised(keys: tuple[Any, ...]) -> tuple[Any, ...]:
    """Keys as a shape keeps them: texts and nodes. FieldError for anything else."""
    kept: list[Any] = []
    for key in keys:
        node = key.node if isinstance(key, Face) else key
        if not isinstance(node, (str, Node)) or isinstance(node, Q):
            raise FieldError(f"order_by() takes names and expressions, not {key!r}.")
        kept.append(node)
    return tuple(kept)


def sort_keys(scope: Scope, shape: Shape) -> tuple[SortKey, ...]:
    """The order of a query, its joins made in `scope`. A key that repeats an earlier one is left out."""
    values: Mapping[str, Term] = dict(shape.values) if shape.values is not None else {}
    found: dict[Any, SortKey] = {}
    for key in shape.ordering:
        for sort in _keys(scope, key, values, flip=shape.backwards):
            found.setdefault(sort.expr, sort)
    return tuple(found.values())


def _keys(scope: Scope, key: str | Node, values: Mapping[str, Term], *, flip: bool) -> list[SortKey]:
    if isinstance(key, str):
        if key == "?":
            return [SortKey(Call(FloatType(), False, RANDOM, ()))]
        descending = key.startswith("-") != flip
        name = key.removeprefix("-")
        if name in values:
            return _sorts(values[name].expr, descending)
        return _named(scope, name, descending, f"order_by({key!r})", ())
    order = key if isinstance(key, OrderBy) else OrderBy(key)
    if flip:
        order = order.flipped()
    return node_keys(scope, order, values)


def _sorts(expr: Expr, descending: bool, nulls: Nulls | None = None) -> list[SortKey]:
    """The sort keys of an expression: one, or one for each of several values side by side."""
    items = expr.items if isinstance(expr, TupleNode) else (expr,)
    return [SortKey(item, descending, nulls) for item in items]


def node_keys(scope: Scope, node: Node, values: Mapping[str, Term] = MappingProxyType({})) -> list[SortKey]:
    """The keys of one node of an order; `values` are the terms that names stand for before all others."""
    order = node if isinstance(node, OrderBy) else OrderBy(node)
    inner = order.expression
    known = values.get(inner.name) if isinstance(inner, F) else None
    term = known if known is not None else expressions.resolve_whole(scope, inner, Context(None))
    return _sorts(term.expr, order.descending, "first" if order.nulls_first else "last" if order.nulls_last else None)


def _named(scope: Scope, name: str, descending: bool, shown: str, above: tuple[Relation, ...]) -> list[SortKey]:
    """The keys of a name: one, or for a relation to a model with an order of its own, that order."""
    names = split(name)
    if expressions.annotation_of(scope, names) is not None:
        return _sorts(expressions.resolve_name(scope, name, Context(None), shown).expr, descending)
    found = scope.route(names, shown)
    if _expands(found):
        return _expanded(scope, name, found, descending, shown, above)
    if found.relation is not None and found.rest:
        lookups.related_chain(found, found.type, shown)
    term = expressions.route_term(scope, found, Context(None))
    links = lookups.links_of(
        term.expr.type, found.rest, found.field.label, shown, lookups.registrant(found) or term.field
    )
    return _sorts(lookups.transformed(scope.slots, term, links).expr, descending)


def _expands(found: Route) -> bool:
    if found.relation is None or found.target is None or found.rest or not found.target.ordering:
        return False
    last = found.names[-1]
    return last != "pk" and not (last == found.attribute.attname and last != found.attribute.name)


def _expanded(
    scope: Scope, name: str, found: Route, descending: bool, shown: str, above: tuple[Relation, ...]
) -> list[SortKey]:
    assert found.relation is not None
    assert found.target is not None
    if found.relation in above:
        raise FieldError(f"The orders of {found.target.name} and its relations lead in a circle (in {shown}).")
    above = (*above, found.relation)
    keys: list[SortKey] = []
    for item in found.target.ordering:
        if isinstance(item, str):
            inner = f"{name}{SEPARATOR}{item.removeprefix('-')}"
            keys.extend(_named(scope, inner, descending != item.startswith("-"), shown, above))
        else:
            node = item.node if isinstance(item, Face) else item
            order = node if isinstance(node, OrderBy) else OrderBy(node, descending)
            keys.extend(node_keys(scope, _prefixed(order, name)))
    return keys


def _prefixed(node: Any, prefix: str) -> Any:
    """A node whose names start at the model that `prefix` leads to, as it reads from the prefix's own start."""
    if isinstance(node, F):
        return F(f"{prefix}{SEPARATOR}{node.name}")
    if isinstance(node, tuple):
        return tuple(_prefixed(item, prefix) for item in node)
    if not isinstance(node, Node):
        return node
    copied = object.__new__(type(node))
    for field in dataclasses.fields(node):  # type: ignore[arg-type]  # every node but Q is a dataclass
        object.__setattr__(copied, field.name, _prefixed(getattr(node, field.name), prefix))
    return copied
