"""Aggregates: as parts of annotate() and the like, and aggregate() over whole queries.

Knows scopes, expressions and groups. The invariant: an aggregate reads rows or, in aggregate(), the rows of the query that it
summarises; none reads another aggregate of its own query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple

from modelkit.errors import FieldError, shorten
from modelkit.expressions.aggregates import Aggregate
from modelkit.expressions.base import Combined, Face, Node
from modelkit.expressions.conditions import RelatedAggregate, RelatedCount
from modelkit.ir import expr as ir
from modelkit.ir.analysis import children, nodes_of, replaced
from modelkit.ir.expr import INTEGER, Col, Const, Expr, TupleNode
from modelkit.ir.query import Output, Select, Source, ValueOutput
from modelkit.ir.types import (
    AnyType,
    DecimalType,
    DurationType,
    FloatType,
    IntegerType,
    ScalarType,
)
from modelkit.resolve import conditions, expressions, finishers
from modelkit.resolve.casts import cast
from modelkit.resolve.expressions import resolve, resolve_whole, resolver
from modelkit.resolve.functions import field_of, type_of
from modelkit.resolve.grouping import has_aggregate, has_window, parts, split
from modelkit.resolve.joins import Context, Scope, conjoined
from modelkit.resolve.query import Annotation, Binding, Fetch, Query, Shape, Term, refuse
from modelkit.resolve.skeleton import Marker, key_of
from modelkit.resolve.tuples import is_null

__all__ = ["SUMMED", "Summary", "aggregated", "over_nothing", "summarised"]

_PLACES: Final = frozenset({"annotate", "alias", "aggregate", "values", "values_list", "into"})
"""Where an aggregate may be written; elsewhere it is used by the name that it was given there."""


# -- one aggregate


@resolver(Aggregate)
def _aggregate(scope: Scope, node: Aggregate, context: Context) -> Term:
    _check_place(scope, node, context)
    return aggregated(scope, node, context, over_groups=scope.verb == "aggregate")


def aggregated(scope: Scope, node: Aggregate, context: Context, *, over_groups: bool) -> Term:
    """The term of an aggregate, wherever it stands; `over_groups`: its arguments may be aggregates themselves."""
    function = node.called
    if node.distinct and not node.args:
        raise ValueError(f"{scope.verb}(): {node!r} counts rows, of which no two are the same: count a field.")
    inside = replace(context, within=type(node).__name__)
    terms = [_argument(scope, node, arg, inside, over_groups) for arg in node.args]
    where = None if node.filter is None else _filter(scope, node, node.filter, inside, over_groups)
    type_ = _result_type(scope, node, terms)
    args = tuple(_converted(node, term.expr, type_) for term in terms)
    given = INTEGER if isinstance(node.result, IntegerType) else type_
    expr: Expr = ir.Aggregate(given, function.empty is None, function, args, node.distinct, where)
    field = field_of(node.declared)
    if field is None and node.declared is None and node.result in {"first", "sum"} and terms:
        field = terms[0].field
    term = Term(cast(expr, type_), field)
    return term if node.default is None else _with_default(scope, node, term, context)


def _check_place(scope: Scope, node: Aggregate, context: Context) -> None:
    """FieldError where an aggregate has no group to be over."""
    if context.within:
        raise FieldError(f"Cannot compute {context.within}({node!r}): {node!r} is an aggregate.")
    if not context.joins:
        raise FieldError(f"Aggregates have no value for one row alone: {scope.verb}() cannot use {node!r}.")
    if scope.verb not in _PLACES:
        raise FieldError(
            f"Using an aggregate in {scope.verb}() without also including it in annotate() is not allowed: {node!r}. "
            "Name it in annotate() or alias(), and use the name."
        )


def _argument(scope: Scope, node: Aggregate, arg: Node, inside: Context, over_groups: bool) -> Term:
    """What is aggregated: a value of rows or, in aggregate(), of groups."""
    if isinstance(arg, Combined) and node.declared is not None:
        term = expressions.combined(scope, arg, inside, node.declared)
    elif node.counts_keys:
        term = _counted(scope, node, resolve_whole(scope, arg, inside))
    else:
        term = resolve(scope, arg, inside)
    shown = getattr(arg, "name", None) or repr(arg)
    if not over_groups and has_window(term.expr):
        raise FieldError(f"Cannot compute {type(node).__name__}('{shown}'): windows are computed after aggregates.")
    if not over_groups and has_aggregate(term.expr):
        raise FieldError(f"Cannot compute {type(node).__name__}('{shown}'): '{shown}' is an aggregate.")
    return term


def _is_key(scope: Scope, items: tuple[Expr, ...]) -> bool:
    """Whether these are the columns of a primary key, of which none is NULL where the row is there."""
    first = items[0]
    if not isinstance(first, Col):
        return False
    table = scope.sources[first.source].table
    return table is not None and all(
        isinstance(item, Col) and item.source == first.source and item.column in table.key for item in items
    )


def _counted(scope: Scope, node: Aggregate, term: Term) -> Term:
    """What is counted: for a composite key its first value, where none of its values is NULL.

    ValueError where different keys are to be counted, which SQL has no word for.
    """
    if not isinstance(term.expr, TupleNode):
        return term
    if node.distinct:
        raise ValueError(f"COUNT(DISTINCT) doesn't support composite primary keys: {node!r}. Count one of its fields.")
    first = term.expr.items[0]
    if _is_key(scope, term.expr.items):
        return Term(first)
    whole = ir.Case(first.type, True, ((is_null(term.expr, False), first),), Const(first.type, True, None))
    return Term(whole)


def _filter(scope: Scope, node: Aggregate, condition: Node, inside: Context, over_groups: bool) -> Expr | None:
    """The condition on the rows that an aggregate counts in."""
    where = conditions.resolve_condition(scope, condition, replace(inside, split=False))
    if where is not None and not over_groups and (has_aggregate(where) or has_window(where)):
        raise FieldError(
            f"{type(node).__name__}(filter={condition!r}) reads an aggregate or a window: filter() after annotate() can."
        )
    return where


_NUMBERS: Final = (IntegerType, FloatType, DecimalType)
SUMMED: Final = (*_NUMBERS, DurationType)
"""What has a sum and a mean."""


def _result_type(scope: Scope, node: Aggregate, terms: list[Term]) -> ScalarType:
    """The type of the result; FieldError where the argument's values have no sum or mean."""
    declared = type_of(node.declared)
    argument = terms[0].expr.type if terms else AnyType()
    if node.result in {"sum", "mean"} and not isinstance(argument, (*SUMMED, AnyType)):
        raise FieldError(
            f"{scope.verb}(): {type(node).__name__} takes numbers and durations, and {node.args[0]!r} holds {argument.name} values."
        )
    if declared is not None:
        return declared
    match node.result:
        case ScalarType() as fixed:
            return fixed
        case "mean" if isinstance(argument, IntegerType):
            return FloatType()
        case "sum" if isinstance(argument, IntegerType):
            return INTEGER
        case _:
            return argument


def _converted(node: Aggregate, arg: Expr, result: ScalarType) -> Expr:
    """An argument as what is summed: where the result is wanted in another type of number, the values are made such first.

    A mean of integers divides their sum, which is exact, and needs no floats.
    """
    exact = node.result == "mean" and isinstance(arg.type, IntegerType) and isinstance(result, FloatType)
    return (
        cast(arg, result)
        if node.result in {"sum", "mean"} and not exact and not isinstance(result, IntegerType)
        else arg
    )


def _with_default(scope: Scope, node: Aggregate, term: Term, context: Context) -> Term:
    assert node.default is not None
    default = expressions.beside(scope, node.default, context, term).expr
    items = (term.expr, cast(default, term.expr.type))
    return Term(ir.Coalesce(term.expr.type, default.nullable, items), term.field)


@resolver(RelatedCount)
def _related_count(scope: Scope, node: RelatedCount, context: Context) -> Term:
    """How many related rows there are: a query of its own for each row, which no other join multiplies."""
    select = conditions.related_rows(scope, node.path, node.conditions, context)
    return Term(ir.Subquery(INTEGER, False, replace(select, result="count")))


@resolver(RelatedAggregate)
def _related_aggregate(scope: Scope, node: RelatedAggregate, context: Context) -> Term:
    """An aggregate over related rows: a query of its own for each row, which no other join multiplies."""
    of = node.aggregate
    assert isinstance(of, Aggregate)
    select, term = conditions.over_related(
        scope,
        node.path,
        node.conditions,
        context,
        lambda inner: aggregated(inner, of, Context(None), over_groups=False),
    )
    return Term(ir.Subquery(term.expr.type, term.expr.nullable, select), term.field)


# -- aggregate()


class Summary(NamedTuple):
    """What computes aggregates over all rows of a query. `typed`: they were asked for without names.

    `stores` are the aliases of the querysets inside of the aggregates.
    """

    fetch: Fetch
    typed: bool
    stores: frozenset[str]


def summarised(query: Query, args: tuple[Any, ...], named: Mapping[str, Any]) -> Summary:
    """aggregate(): `args` are typed aggregates, or some that name themselves.

    Raises TypeError for what is no aggregate, FieldError for one that reads an alias() or another aggregate of the call.
    """
    typed = bool(args) and all(isinstance(arg, Face) for arg in args)
    pairs = _pairs(args, named, typed)
    leaves: list[Any] = []
    key: Any = ("aggregate", typed, *[(name, key_of(node, leaves)) for name, node in pairs])
    shape = query.shape
    try:
        made = shape.next.get(key)
    except TypeError:
        key, made = None, None
    if made is None:
        made = _summary(shape, Marker(leaves), pairs)
        if key is not None:
            shape.cache.add(shape.next, key, made)
    select, bindings, names, fields, stores = made
    filled = leaves or (None,)
    params = query.params + tuple([convert(filled[leaf]) for leaf, convert in bindings])
    return Summary(Fetch(select, params, "tuple" if typed else "dict", None, names, fields), typed, stores)


def _pairs(args: tuple[Any, ...], named: Mapping[str, Any], typed: bool) -> list[tuple[str, Node]]:
    """The aggregates of a call by their names."""
    pairs: dict[str, Node] = {}
    for number, arg in enumerate(args):
        node = arg.node if isinstance(arg, Face) else arg
        pairs[f"_{number}" if typed else expressions.alias_of(node, "aggregate")] = node
    for name, value in named.items():
        node = value.node if isinstance(value, Face) else value
        if not isinstance(node, Node):
            raise TypeError(f"aggregate({name}=...) takes an expression over aggregates, not {shorten(value)}.")
        if name in pairs:
            raise ValueError(f"aggregate({name}=...): '{name}' is the name of another aggregate of the call already.")
        expressions.checked_alias(name)
        pairs[name] = node
    return list(pairs.items())


def _summary(
    shape: Shape, marker: Marker, pairs: list[tuple[str, Node]]
) -> tuple[Select, tuple[Binding, ...], tuple[str, ...], tuple[Any, ...], frozenset[str]]:
    refuse(shape, "aggregate")
    scope = Scope.of(shape, "aggregate")
    terms: list[Term] = []
    for name, node in pairs:
        term = resolve(scope, marker.marked(node), Context(None))
        if not has_aggregate(term.expr):
            raise TypeError(f"aggregate({name}=...): {node!r} is no aggregate.")
        scope.annotations[name] = Annotation(term, True, name, summary=True)
        terms.append(term)
    exprs = [term.expr for term in terms]
    select = _over_rows(shape, scope, exprs) if _needs_rows(shape, exprs) else _directly(shape, scope, exprs)
    for (name, node), output in zip(pairs, select.outputs, strict=True):
        assert isinstance(output, ValueOutput)
        _check_summed(name, node, output.expr)
    names, fields = tuple(name for name, _ in pairs), tuple(term.field for term in terms)
    return select, tuple(scope.slots.bindings), names, fields, scope.slots.stores


def _check_summed(name: str, node: Node, expr: Expr) -> None:
    """FieldError where a summary reads a column beside its aggregates: over all rows it has no one value."""
    if any(isinstance(node, Col) for part in parts(expr) for node in nodes_of(part)):
        raise FieldError(f"aggregate({name}=...): {node!r} reads a field outside of its aggregates.")


def _needs_rows(shape: Shape, exprs: list[Expr]) -> bool:
    """Whether the rows must be made before they are aggregated: they are groups, distinct, cut, or hold what must be."""
    if shape.group is not None or shape.distinct or shape.sliced or split(shape.where)[2] is not None:
        return True
    outermost = (node for expr in exprs for node in nodes_of(expr) if isinstance(node, ir.Aggregate))
    return any(isinstance(part, (ir.Aggregate, ir.Window)) for node in outermost for part in _inside(node))


def _inside(node: ir.Aggregate) -> Iterator[Expr]:
    for part in children(node):
        yield from nodes_of(part)


def _directly(shape: Shape, scope: Scope, exprs: list[Expr]) -> Select:
    made = tuple(ValueOutput(expr) for expr in exprs)
    return Select(tuple(scope.sources), made, conjoined(shape.where), group=())


def _over_rows(shape: Shape, scope: Scope, exprs: list[Expr]) -> Select:
    """The aggregates over the rows of `shape` as an inner query, of which all that they read is an output."""
    identity = finishers.distinguishing(shape, scope) if shape.distinct else ()
    whole = {*identity, *finishers.selected(shape)}
    columns: dict[Expr, None] = dict.fromkeys(identity)

    def column(part: Expr) -> Expr | None:
        """The inner query's output, for what has its value there: named expressions, columns, aggregates."""
        if part not in whole and not isinstance(part, _OF_ROWS) and not _asks_rows(part):
            return None
        columns.setdefault(part)
        return Col(part.type, part.nullable, 0, list(columns).index(part))

    outer = [replaced(expr, partial(_outermost, column)) for expr in exprs]
    made: list[Output] = [ValueOutput(expr) for expr in columns] or finishers.telling(scope, shape)[0]
    order = shape.sliced or bool(shape.distinct_on)
    rows = finishers.select_of(shape, replace(scope, verb="query"), made, order=order, identity=tuple(columns))
    return Select((Source(None, rows=rows),), tuple(map(ValueOutput, outer)), group=())


def _asks_rows(part: Expr) -> bool:
    """Whether `part` itself is an inner query, or compares with one: it may read the row around it."""
    return isinstance(part, (ir.Exists, ir.Subquery)) or (
        isinstance(part, ir.In) and isinstance(part.choices, ir.Subselect)
    )


_OF_ROWS: Final = (Col, ir.Aggregate, ir.Window)


def _outermost(column: Callable[[Expr], Expr | None], expr: Expr) -> Expr | None:
    """An aggregate over the inner query's outputs, for one whose parts are these."""
    if not isinstance(expr, ir.Aggregate):
        return None
    where = None if expr.where is None else replaced(expr.where, column)
    order = tuple(replace(key, expr=replaced(key.expr, column)) for key in expr.order)
    return replace(expr, args=tuple(replaced(arg, column) for arg in expr.args), where=where, order=order)


# -- over nothing


class _Unknown(Exception):
    """A value that only the store can tell."""


def over_nothing(fetch: Fetch) -> tuple[Any, ...] | None:
    """The row of aggregates over no rows, where it can be told without asking the store."""
    try:
        outputs = [output for output in fetch.select.outputs if isinstance(output, ValueOutput)]
        return tuple(_constant(output.expr, fetch.params) for output in outputs)
    except _Unknown:
        return None


def _constant(expr: Expr, params: tuple[Any, ...]) -> Any:
    match expr:
        case ir.Aggregate(function=function):
            return function.empty
        case Const(value=value):
            return value
        case ir.Param(slot=slot):
            return params[slot]
        case ir.Coalesce(items=items):
            return next((value for item in items if (value := _constant(item, params)) is not None), None)
        case ir.Call(function=function, args=args) if function.pure and function.strict:
            values = [_constant(arg, params) for arg in args]
            return None if None in values else function.python(*values)
        case ir.Arith(left=left, right=right) if _constant(left, params) is None or _constant(right, params) is None:
            return None
        case _:
            raise _Unknown
