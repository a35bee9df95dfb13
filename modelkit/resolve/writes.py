"""Updates: which fields become what, table by table of a model's lineage.

Knows scopes and expressions. The invariant: an assignment reads the row it changes and no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from modelkit.errors import FieldDoesNotExist, FieldError, did_you_mean, shorten
from modelkit.expressions.base import Assignment as Assigned
from modelkit.expressions.base import Face, Node, Value
from modelkit.expressions.conditional import Subquery
from modelkit.ir.expr import BOOLEAN, Const, Expr, In, TupleNode
from modelkit.ir.query import Assignment, RowOutput, Select, Source, Update, ValueOutput
from modelkit.ir.types import JsonType
from modelkit.modelinfo import Attribute, Level, ModelInfo, info_of
from modelkit.records import dataclass
from modelkit.resolve import expressions, finishers, operands, ordering
from modelkit.resolve.correlation import check_closed
from modelkit.resolve.grouping import has_aggregate, has_window, row_by_row
from modelkit.resolve.joins import Context, Leaf, Scope, Slots, conjoined
from modelkit.resolve.paths import SEPARATOR, Step, names_of, refuse_virtual, route
from modelkit.resolve.query import Annotation, Binding, Query, Shape, check_stores
from modelkit.resolve.skeleton import Marker, operand_key, query_in

__all__ = ["updates"]


def updates(
    query: Query, assignments: tuple[Any, ...], values: Mapping[str, Any], alias: str | None
) -> list[tuple[Update, tuple[Any, ...]]]:
    """What sets fields of the rows: one Update for each table of the lineage that is touched, the root's first.

    Where there are several, the first may change what the next is looked for by: read `finishers.keys(query)` before, and make
    the updates again for the query of these keys. Raises FieldDoesNotExist, FieldError, and what a field raises for a value
    that does not fit; TypeError on a slice; ValueError for a value that is a queryset of another store than `alias`.
    """
    if query.is_sliced:
        raise TypeError("update() after a slice: filter by the primary keys of the slice instead.")
    named = _named(query.info, assignments, values)
    leaves: list[Any] = []
    key: Any = ("update", *[(name, operand_key(value, leaves)) for name, value in named])
    shape = query.shape
    try:
        made = shape.next.get(key)
    except TypeError:
        key, made = None, None
    if made is None:
        made, shared = _made(shape, Marker(leaves), named)
        if key is not None and shared:
            shape.cache.add(shape.next, key, made)
    check_closed(shape)
    steps, stores = made
    check_stores(stores, alias)
    filled = leaves or (None,)
    return [
        (update, query.params + tuple([convert(filled[leaf]) for leaf, convert in bindings]))
        for update, bindings in steps
    ]


def _named(info: ModelInfo, assignments: tuple[Any, ...], values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    named: list[tuple[str, Any]] = []
    for assignment in assignments:
        node = assignment.node if isinstance(assignment, Face) else assignment
        if not isinstance(node, Assigned):
            raise TypeError(f"update() takes assignments (Model.field.set(...)) and names, not {shorten(assignment)}.")
        expressions.owned_by(Scope.over(info, "update"), node.path)
        named.append((SEPARATOR.join(node.path.names), node.value))
    named.extend(values.items())
    return named


def _attribute(info: ModelInfo, name: str) -> Attribute:
    if name == "pk":
        if len(info.key) > 1:
            names = ", ".join(part.name for part in info.key)
            raise FieldError(f"update(pk=...): the key of {info.name} is composite: set {names} one by one.")
        return info.pk
    attribute = info.named.get(name)
    if attribute is None:
        if name in info.relations:
            raise FieldError(
                f"update({name}=...): {info.name}.{name} is no column of {info.name}; only fields and foreign keys can be set."
            )
        refuse_virtual(info, name, f"update({name}=...)")
        raise FieldDoesNotExist(
            f"{info.name} has no field '{name}' (in update({name}=...)).{did_you_mean(name, names_of(info))}"
        )
    if attribute.field.generated:
        raise FieldError(f"update({name}=...): {info.name}.{name} is generated from other fields; set these instead.")
    return attribute


@dataclass(frozen=True, slots=True)
class _Change:
    """What update() sets `attribute` to: `value`, or part `part` of it where `name` is a relation that goes by several fields."""

    attribute: Attribute
    name: str
    value: Any
    part: int | None = None


def _changes(info: ModelInfo, name: str, value: Any) -> list[_Change]:
    """The columns that `name=value` sets: one, or each that a relation goes by. None lets go by those that may be NULL."""
    relation = None if name in info.named else info.relations.get(name)
    if relation is None or relation.kind != "foreign_key":
        return [_Change(_attribute(info, name), name, value)]
    attributes = [info.named[attname] for attname in relation.local]
    changes = [_Change(attribute, name, value, part) for part, attribute in enumerate(attributes)]
    if isinstance(value, Leaf) and value.value is None:
        changes = [change for change in changes if change.attribute.field.null]
        if not changes:
            raise FieldError(f"update({name}=None): none of the fields that {info.name}.{name} goes by may be NULL.")
    return changes


def _made(
    shape: Shape, marker: Marker, named: list[tuple[str, Any]]
) -> tuple[tuple[list[tuple[Update, tuple[Binding, ...]]], frozenset[str]], bool]:
    """The updates of a shape, each with its own bindings, the root's table first; whose stores' querysets are in the values."""
    info = shape.info
    _refuse_aggregate_order(shape)
    by_level: dict[int, list[_Change]] = {}
    for name, value in named:
        for change in _changes(info, name, marker.operand(value)):
            by_level.setdefault(change.attribute.level, []).append(change)
    made: list[tuple[Update, tuple[Binding, ...]]] = []
    stores: frozenset[str] = frozenset()
    shared = True
    for number in sorted(by_level):
        level = info.levels[number]
        own = number == len(info.levels) - 1
        slots = Slots(shape.width)
        model = info if own else info_of(level.model)
        annotations: dict[str, Annotation] = dict(shape.annotations) if own else {}
        scope = Scope(model, [Source(level.table)], slots, "update", annotations)
        changes = tuple(_assignment(scope, change) for change in by_level[number])
        target = _own_rows(shape) if own else _level_rows(shape, level)
        made.append((Update(target, changes), tuple(slots.bindings)))
        if slots.open:
            raise ValueError(
                "update(): there is no query around this one for OuterRef to read; F() names its own fields."
            )
        stores |= slots.stores
        shared = shared and slots.shared
    return (made, stores), shared


def _refuse_aggregate_order(shape: Shape) -> None:
    if shape.order and any(has_aggregate(key.expr) for key in ordering.sort_keys(Scope.of(shape, "update"), shape)):
        keys = ", ".join(map(repr, shape.order))
        raise FieldError(f"update() after order_by({keys}): rows to update cannot be ordered by an aggregate.")


def _own_rows(shape: Shape) -> Select:
    if not row_by_row(shape):
        return finishers.targets(_all_rows(shape), Scope.of(shape, "update"))[0]
    return Select(shape.sources, (RowOutput(0),), conjoined(shape.where), bare=True)


def _all_rows(shape: Shape) -> Shape:
    """`shape` for a write, which meets a row once however often it is found."""
    return shape.evolve(distinct=False, distinct_on=()) if shape.distinct else shape


def _level_rows(shape: Shape, level: Level) -> Select:
    """The rows of a parent's table that belong to the query's rows."""
    scope = Scope.of(shape, "update")
    link = level.lineage[-1]
    source = scope.follow(_before(level), Context(None))
    column = scope.column(source, link.left[0])
    inner = finishers.select_of(_all_rows(shape), scope, (ValueOutput(column),), order=False, bare=True)
    outside = Scope(shape.info, [Source(level.table)], Slots(0), "update")
    where = In(BOOLEAN, True, outside.column(0, link.right[0]), inner)
    return Select((Source(level.table),), (RowOutput(0),), where, bare=True)


def _before(level: Level) -> tuple[Step, ...]:
    return tuple(Step(hop, True) for hop in level.lineage[:-1])


def _assignment(scope: Scope, change: _Change) -> Assignment:
    """One assignment: its value coerced as the field says, related instances by their key."""
    attribute = change.attribute
    if change.part is not None:
        return Assignment(attribute.column, _part(scope, change, change.part))
    return Assignment(attribute.column, _assigned(scope, attribute, change.name, change.value))


def _part(scope: Scope, change: _Change, number: int) -> Expr:
    """One value of a relation that goes by several fields."""
    attribute, shown = change.attribute, f"update({change.name}=...)"
    if isinstance(change.value, Node):
        raise FieldError(f"{shown}: {scope.info.name}.{change.name} goes by several fields: set these one by one.")
    leaf: Leaf = expressions.leaf_of(change.value)
    if leaf.value is None:
        return Const(attribute.type, True, None)
    way = route(scope.info, (change.name,), shown)
    key_of, convert = partial(operands.instance_key, way), operands.value_of(attribute.type, attribute.field)

    def part(value: Any) -> Any:
        key = key_of(value) if operands.is_instance(value) else value
        if not isinstance(key, (tuple, list)) or len(key) != len(way.columns):
            raise ValueError(f"{shown} takes an instance or a tuple of {len(way.columns)} values, not {shorten(key)}.")
        return convert(key[number])

    return scope.slots.param(attribute.type, leaf, part, nullable=attribute.field.null)


def _assigned(scope: Scope, attribute: Attribute, name: str, value: Any) -> Expr:
    type_ = attribute.type
    if isinstance(value, Value) and value.declared is None and not isinstance(type_, JsonType):
        value = expressions.leaf_of(value.value)
    if isinstance(value, Node):
        expr = expressions.resolve_whole(scope, value, Context(None, joins=False)).expr
        if isinstance(expr, TupleNode):
            raise FieldError(f"update({name}={value!r}): a composite key is several values, and {name!r} holds one.")
        if has_aggregate(expr) or has_window(expr):
            raise FieldError(
                f"update({name}=...): {value!r} has a value for groups of rows, not for one. "
                "A Subquery() can compute it for each row."
            )
        return expr
    leaf: Leaf = expressions.leaf_of(value)
    if leaf.value is None:
        return Const(type_, True, None)
    if query_in(leaf.value) is not None:
        return expressions.resolve(scope, Subquery(leaf), Context(None, joins=False)).expr
    way = route(scope.info, (name if name != "pk" else attribute.name,), f"update({name}=...)")
    convert = operands.value_of(type_, way.field)
    if way.relation is not None:
        convert = operands.related(partial(operands.instance_key, way), convert)
    elif operands.is_instance(leaf.value):
        raise TypeError(
            f"update({name}=...): {scope.info.name}.{name} is no relation, and takes no {type(leaf.value).__name__}."
        )
    return scope.slots.param(type_, leaf, convert)
