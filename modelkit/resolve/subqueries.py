"""A query inside another: its parameters move behind the outer query's, its one column is chosen.

Knows shapes and the IR. The invariant: a moved query reads the same rows with the moved parameters as alone with its own.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

from modelkit.ir.expr import Col, Outer, Param, SortKey, Subselect
from modelkit.ir.query import Select, Source, ValueOutput
from modelkit.modelinfo import Attribute
from modelkit.resolve.joins import Context, Leaf, Scope, Slots, conjoined, constant
from modelkit.resolve.operands import akin
from modelkit.resolve.ordering import sort_keys
from modelkit.resolve.paths import Route, path_of
from modelkit.resolve.query import Convert, Query, Shape, itself
from modelkit.resolve.skeleton import query_in

__all__ = ["inner_select", "moved", "moved_select"]


@cache
def _parts(kind: type) -> tuple[str, ...]:
    return tuple(name for name in getattr(kind, "__dataclass_fields__", ()) if name not in {"type", "nullable"})


def moved(expr: Any, slots: int, sources: tuple[int, ...] | None = None, depth: int = 0) -> Any:
    """`expr` with its parameters `slots` further on, and its sources (of the query `depth` levels out) renumbered."""
    if isinstance(expr, tuple):
        return tuple([moved(item, slots, sources, depth) for item in expr])
    if isinstance(expr, Param):
        return dataclasses.replace(expr, slot=expr.slot + slots)
    if isinstance(expr, Col):
        return expr if depth or sources is None else dataclasses.replace(expr, source=sources[expr.source])
    if isinstance(expr, Outer):
        return dataclasses.replace(expr, item=moved(expr.item, slots, sources, depth - 1)) if depth else expr
    if isinstance(expr, Subselect):
        return moved_select(expr, slots, sources, depth + 1)
    kind: type = type(expr)
    names = _parts(kind) if hasattr(kind, "__dataclass_fields__") else ()
    if not names or not (isinstance(expr, (Source, SortKey, ValueOutput)) or hasattr(expr, "nullable")):
        return expr
    changes = {}
    for name in names:
        held = getattr(expr, name)
        made = moved(held, slots, sources, depth)
        if made is not held:
            changes[name] = made
    return dataclasses.replace(expr, **changes) if changes else expr


def moved_select(select: Any, slots: int, sources: tuple[int, ...] | None = None, depth: int = 0) -> Any:
    """A whole query, moved. `sources` renumbers those of the query `depth` levels out of it."""
    changes = {}
    for name in select.__dataclass_fields__:
        held = getattr(select, name)
        if isinstance(held, (str, bool, int)) or held is None:
            continue
        changes[name] = moved(held, slots, sources, depth)
    return dataclasses.replace(select, **changes)


def _target(way: Route | None, shape: Shape) -> Attribute:
    """The attribute of an inner query's rows that a lookup on a relation compares with.

    What the relation refers to; for rows of the relation's own model, whose key it is, that key; else the rows' key.
    ValueError where the rows are of another model.
    """
    relation, target = (way.relation, way.target) if way is not None else (None, None)
    if way is None or relation is None or target is None:
        return shape.info.pk
    if not akin(shape.info.concrete, target):
        if not way.own_key or not akin(shape.info.concrete, way.owner):
            raise ValueError(
                f"{way.owner.name}.{'__'.join(way.names)} leads to {target.name}: "
                f"a queryset of {shape.info.name} has no rows of it."
            )
        return shape.info.named.get(way.attribute.name, shape.info.pk)
    if not relation.many and not relation.kind.startswith("reverse"):
        return shape.info.named.get(relation.remote[0], shape.info.pk)
    return shape.info.pk


def _nth(number: int) -> Convert:
    return lambda query: query.params[number]


def _one(number: int, label: str) -> Convert:
    def limit(query: Query) -> Any:
        value = query.params[number]
        if value > 1:
            raise ValueError(
                f"{label}: a queryset stands for one value only where it is cut to one row, as in queryset[:1]."
            )
        return value

    return limit


def inner_select(slots: Slots, leaf: Leaf, lookup: str, way: Route | None) -> Select:
    """The queryset in `leaf` as a query of one column inside the one that owns `slots`."""
    query = query_in(leaf.value)
    assert query is not None
    leaf = Leaf(leaf.number, query)
    shape = query.shape
    label = "__".join(way.names) if way is not None else "a lookup"
    limited = _one if lookup != "in" else None
    if limited is not None and shape.limit is None:
        raise ValueError(
            f"{label}: a queryset stands for one value only where it is cut to one row, as in queryset[:1]."
        )
    scope = Scope.of(shape, "in")
    if shape.values is not None:
        if len(shape.values) != 1:
            raise ValueError(
                f"{label}__{lookup}: the queryset has {len(shape.values)} values a row, and one is needed."
            )
        column = shape.values[0][1].expr
    else:
        attribute = _target(way, shape)
        source = scope.follow(path_of(attribute), Context(None))
        column = scope.column(source, attribute.column)
    order = sort_keys(scope, shape) if shape.sliced else ()
    select = Select(
        tuple(scope.sources), (ValueOutput(column),), conjoined(shape.where), order, shape.distinct,
        limit=shape.limit, offset=shape.offset, bare=True,
    )  # fmt: skip
    base = slots.width
    for number in range(shape.width):
        own = shape.limit is not None and number == shape.limit.slot
        convert = limited(number, label) if limited is not None and own else _nth(number)
        slots.bind(leaf, convert)
    for _, convert in scope.slots.bindings:
        slots.bind(constant(convert(None)), itself)
    moved_inner: Select = moved_select(select, base)
    return moved_inner
