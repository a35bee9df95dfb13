"""Finishers: what a store is asked for a query: its rows, how many they are, whether there are any, their keys, their removal.

Knows all of resolve but the steps that made the query. The invariant: a finisher's result is remembered on its shape, so
that a store meets the same Select for every query of a shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from modelkit.ir.expr import BOOLEAN, INTEGER, Const, Expr, In, TupleNode
from modelkit.ir.query import Delete, Output, RowOutput, Select, ValueOutput
from modelkit.resolve import expressions, ordering, outputs
from modelkit.resolve.combinations import Combined, combined_rows
from modelkit.resolve.correlation import check_closed
from modelkit.resolve.grouping import grouping, key_columns, row_by_row
from modelkit.resolve.joins import Context, Enclosing, Scope, side_by_side
from modelkit.resolve.query import Fetch, Plan, Query, Shape

__all__ = [
    "counted",
    "distinguishing",
    "entered",
    "existing",
    "fetch",
    "finished",
    "keys",
    "removal",
    "select_of",
    "selected",
    "targets",
    "telling",
]

_ONE: Final = (ValueOutput(Const(INTEGER, False, 1)),)


def fetch(query: Query) -> Fetch:
    """What reads the rows of `query`. Remembered by shape, as are all finishers."""
    shape = query.shape
    plan = shape.compiled.get("fetch")
    if plan is None:
        check_closed(shape)
        plan = shape.compiled["fetch"] = _fetching(shape)
    params = query.params + plan.extra if plan.extra else query.params
    return Fetch(plan.select, params, shape.style, plan.entity, plan.names, plan.fields, shape.into)


def finished(shape: Shape, scope: Scope, made: Sequence[Output], **options: Any) -> tuple[Select, tuple[Any, ...]]:
    """The Select of a shape, as `select_of` makes it, and the values of the parameters that finishing it added."""
    select = select_of(shape, scope, made, **options)
    return select, tuple(convert(None) for _, convert in scope.slots.bindings)


def select_of(
    shape: Shape,
    scope: Scope,
    made: Sequence[Output],
    *,
    order: bool = True,
    identity: tuple[Expr, ...] = (),
    **options: Any,
) -> Select:
    """The Select of a shape with these outputs; `identity` are expressions that tell its result rows apart."""
    keys = ordering.sort_keys(scope, shape) if order else ()
    on: tuple[Expr, ...] = side_by_side(
        expressions.resolve_name(scope, name, Context(None)).expr for name in shape.distinct_on
    )
    plain = shape.distinct and not on
    if plain and keys:
        more = tuple(key.expr for key in keys if key.expr not in identity)
        if more:
            on, plain = (*identity, *more), False
    shown = (output.expr for output in made if isinstance(output, ValueOutput))
    grouped = grouping(scope, shape, (*selected(shape), *shown, *on), keys)
    return Select(
        tuple(scope.sources),
        tuple(made),
        grouped.where,
        keys,
        distinct=plain,
        distinct_on=on,
        group=grouped.group,
        having=grouped.having,
        qualify=grouped.qualify,
        limit=shape.limit,
        offset=shape.offset,
        locks=shape.locks,
        **options,
    )


def selected(shape: Shape) -> tuple[Expr, ...]:
    """What a row of `shape` consists of, besides the columns of the model."""
    if shape.values is not None:
        return tuple(term.expr for _, term in shape.values)
    return tuple(annotation.term.expr for annotation in shape.annotations.values() if annotation.selected)


def distinguishing(shape: Shape, scope: Scope) -> tuple[Expr, ...]:
    """What tells the rows of `shape` apart, as distinct() does."""
    return selected(shape) if shape.values is not None else (*key_columns(scope, 0), *selected(shape))


def entered(shape: Shape, verb: str, around: Enclosing | None = None) -> tuple[Shape, Scope]:
    """A shape to finish and its scope; for a combined one, the query over the rows of its parts."""
    if shape.combination is None:
        return shape, Scope.of(shape, verb, around)
    combined = combined_rows(shape, verb, around, _part, shape.width)
    return combined.shape, combined.scope


def _part(shape: Shape, around: Enclosing | None, base: int, more: tuple[str, ...]) -> Plan:
    """What reads one of the queries that are combined."""
    if shape.combination is not None:
        return _over_parts(combined_rows(shape, "query", around, _part, base, more))
    scope = Scope.of(shape, "query", around)
    scope.slots.base = base
    return _reading(shape, scope, more)


def _over_parts(combined: Combined) -> Plan:
    """What reads a combined query."""
    shape, scope, made = combined.shape, combined.scope, list(combined.outputs)
    bare = shape.style == "flat" or (combined.entity is not None and len(made) == 1)
    select, extra = finished(shape, scope, made, bare=bare)
    return Plan(select, extra, combined.entity, combined.names, combined.fields)


def _fetching(shape: Shape) -> Plan:
    if shape.combination is not None:
        return _over_parts(combined_rows(shape, "query", None, _part, shape.width))
    return _reading(shape, Scope.of(shape, "query"))


def _reading(shape: Shape, scope: Scope, more: tuple[str, ...] = ()) -> Plan:
    """What reads the rows of a shape, with the values of `more` names behind the others."""
    made: list[Output] = []
    if shape.values is not None:
        chosen = outputs.values_outputs(shape)
        made.extend(ValueOutput(term.expr) for _, term in chosen)
        identity = tuple(term.expr for _, term in chosen)
        bare = shape.style == "flat" and not more
        made.extend(_named(scope, more))
        select, extra = finished(shape, scope, made, identity=identity, bare=bare)
        return Plan(select, extra, None, tuple(name for name, _ in chosen), tuple(term.field for _, term in chosen))
    entity = outputs.entity(scope, shape, made)
    shown = [annotation for annotation in shape.annotations.values() if annotation.selected]
    made.extend(ValueOutput(annotation.term.expr) for annotation in shown)
    identity = _identity(scope, made)
    made.extend(_named(scope, more))
    select, extra = finished(shape, scope, made, identity=identity, bare=len(made) == 1)
    fields = tuple(annotation.term.field for annotation in shown)
    return Plan(select, extra, entity, tuple(annotation.shown for annotation in shown), fields)


def _named(scope: Scope, names: tuple[str, ...]) -> list[Output]:
    return [ValueOutput(expressions.resolve_name(scope, name, Context(None)).expr) for name in names]


def _identity(scope: Scope, made: list[Output]) -> tuple[Expr, ...]:
    """What tells result rows of entities apart: their keys, and the values beside them."""
    found: list[Expr] = []
    for output in made:
        if isinstance(output, RowOutput):
            table = scope.sources[output.source].table
            assert table is not None
            found.extend(scope.column(output.source, column) for column in table.key)
        else:
            found.append(output.expr)
    return tuple(found)


def _once(query: Query, purpose: Literal["count", "exists", "keys", "delete"]) -> tuple[Any, tuple[Any, ...]]:
    shape = query.shape
    plan = shape.compiled.get(purpose)
    if plan is None:
        check_closed(shape)
        plan = shape.compiled[purpose] = _FINISHERS[purpose](shape)
    statement, extra = plan
    return statement, query.params + extra if extra else query.params


def _told(shape: Shape, result: Literal["count", "exists"]) -> tuple[Select, tuple[Any, ...]]:
    """How many rows, or whether there are any. The order counts where it multiplies the rows that a slice cuts."""
    shape, scope = entered(shape, result)
    made, identity = telling(scope, shape)
    order = result == "count" and (shape.sliced or bool(shape.distinct_on))
    return finished(shape, scope, made, order=order, identity=identity, result=result)


def telling(scope: Scope, shape: Shape) -> tuple[list[Output], tuple[Expr, ...]]:
    """The outputs where only the number of rows matters, and what tells rows apart where it matters which are distinct."""
    if not shape.distinct:
        return list(_ONE), ()
    identity = distinguishing(shape, scope)
    return [ValueOutput(expr) for expr in identity], identity


def counted(query: Query) -> tuple[Select, tuple[Any, ...]]:
    """What counts the rows: an int."""
    counting: tuple[Select, tuple[Any, ...]] = _once(query, "count")
    return counting


def existing(query: Query) -> tuple[Select, tuple[Any, ...]]:
    """What says whether there is a row: a bool."""
    asking: tuple[Select, tuple[Any, ...]] = _once(query, "exists")
    return asking


def _keys(shape: Shape) -> tuple[Select, tuple[Any, ...]]:
    scope = Scope.of(shape, "keys")
    columns = tuple(scope.column(0, attribute.column) for attribute in shape.info.key)
    made: list[Output] = [ValueOutput(column) for column in columns]
    return finished(shape, scope, made, order=True, identity=columns, bare=len(made) == 1)


def keys(query: Query) -> tuple[Select, tuple[Any, ...]]:
    """What reads the primary keys: bare values; tuples where the key is composite."""
    reading: tuple[Select, tuple[Any, ...]] = _once(query, "keys")
    return reading


def _removal(shape: Shape) -> tuple[Delete, tuple[Any, ...]]:
    scope = Scope.of(shape, "delete")
    select, extra = targets(shape, scope)
    return Delete(select), extra


def targets(shape: Shape, scope: Scope) -> tuple[Select, tuple[Any, ...]]:
    """The rows of the model's own table, to be changed. Groups, and rows that windows choose, are named by their keys."""
    if row_by_row(shape):
        return finished(shape, scope, [RowOutput(0)], order=shape.sliced, bare=True)
    keys = key_columns(scope, 0)
    inner, extra = finished(shape, scope, [ValueOutput(key) for key in keys], order=shape.sliced)
    item = keys[0] if len(keys) == 1 else TupleNode(BOOLEAN, False, keys)
    return Select((shape.sources[0],), (RowOutput(0),), In(BOOLEAN, False, item, inner), bare=True), extra


def removal(query: Query) -> tuple[Delete, tuple[Any, ...]]:
    """What removes the rows from the model's own table; parents' rows and cascades are the caller's."""
    removing: tuple[Delete, tuple[Any, ...]] = _once(query, "delete")
    return removing


_FINISHERS: Final[dict[str, Any]] = {
    "count": lambda shape: _told(shape, "count"),
    "exists": lambda shape: _told(shape, "exists"),
    "keys": _keys,
    "delete": _removal,
}
