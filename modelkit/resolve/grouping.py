"""What a query groups by, and which of its conditions are about groups: Django's rules over resolved expressions.

Knows the IR and shapes; reads no names. The invariant: what is not an aggregate in a grouped query's outputs, order and
conditions is one of its group's expressions, or read from a row that these decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

from modelkit.ir.analysis import children, conjunction, conjuncts, nodes_of, sources_of, subselects
from modelkit.ir.expr import (
    BOOLEAN,
    Aggregate,
    And,
    Case,
    Col,
    Compare,
    Exists,
    Expr,
    In,
    IsNull,
    Match,
    Not,
    Or,
    SortKey,
    Subquery,
    Subselect,
    TupleNode,
    Window,
    Xor,
)
from modelkit.ir.query import Source
from modelkit.resolve.joins import Scope, side_by_side
from modelkit.resolve.query import Shape, Term

__all__ = [
    "Grouping",
    "group_of",
    "grouping",
    "has_aggregate",
    "has_window",
    "key_columns",
    "parts",
    "row_by_row",
    "split",
]

_CONDITIONS: Final = (Compare, And, Or, Xor, Not, IsNull, In, Match, TupleNode)


class Grouping(NamedTuple):
    """The clauses of a query that depend on its groups; `group` None: it has none."""

    where: Expr | None
    group: tuple[Expr, ...] | None
    having: Expr | None
    qualify: Expr | None


def has_aggregate(expr: Expr) -> bool:
    """Whether `expr` has a value for groups alone."""
    return any(isinstance(node, Aggregate) for node in nodes_of(expr))


def has_window(expr: Expr) -> bool:
    """Whether `expr` has a value only once all rows are known."""
    return any(isinstance(node, Window) for node in nodes_of(expr))


def row_by_row(shape: Shape) -> bool:
    """Whether each row of `shape` is found by what it holds: neither groups nor windows decide."""
    return shape.group is None and not any(map(has_window, shape.where))


def split(conditions: Iterable[Expr]) -> tuple[Expr | None, Expr | None, Expr | None]:
    """Conditions that must all be true, as those on rows, on groups and on what windows give.

    An OR, an XOR and a negated AND that hold an aggregate (a window) anywhere are whole conditions on groups (windows).
    """
    where: list[Expr] = []
    having: list[Expr] = []
    qualify: list[Expr] = []
    for condition in conditions:
        for part in conjuncts(condition):
            kinds = {type(node) for node in nodes_of(part)}
            (qualify if Window in kinds else having if Aggregate in kinds else where).append(part)
    return conjunction(tuple(where)), conjunction(tuple(having)), conjunction(tuple(qualify))


def parts(expr: Expr) -> Iterator[Expr]:
    """What must be grouped by for `expr` to have one value in a group: itself, or what stands beside its aggregates.

    An inner query, and a condition with one, has one value where the columns that it reads have; where these are of joined
    rows, it is one itself.
    """
    kinds = {type(node) for node in nodes_of(expr)}
    asks = isinstance(expr, _ASKING) and any(True for _ in subselects(expr))
    if kinds & _NOT_GROUPED_BY or asks:
        yield from _beside_aggregates(expr)
    elif Col in kinds:
        yield expr


_ASKING: Final = (*_CONDITIONS, Exists, Subquery)
_NOT_GROUPED_BY: Final = frozenset({Aggregate, Window})


def _beside_aggregates(expr: Expr) -> Iterator[Expr]:
    match expr:
        case Aggregate():
            return
        case Case(branches=branches, default=default):
            for condition, value in branches:
                yield from _parts_of_condition(condition)
                yield from parts(value)
            yield from parts(default)
        case Exists() | Subquery():
            computed = [node for node in nodes_of(expr) if type(node) in _NOT_GROUPED_BY]
            inside = {id(node) for whole in computed for node in nodes_of(whole)}
            columns = [node for node in nodes_of(expr) if isinstance(node, Col) and id(node) not in inside]
            yield from columns if computed or all(column.source == 0 for column in columns) else (expr,)
        case _ if isinstance(expr, _CONDITIONS):
            yield from _parts_of_condition(expr)
        case _:
            for child in children(expr):
                yield from parts(child)


def _read_by_choices(expr: Expr) -> Iterator[Expr]:
    """The columns of this query that an inner query among the choices of an In reads."""
    if isinstance(expr, In) and isinstance(expr.choices, Subselect):
        yield from parts(Exists(BOOLEAN, False, expr.choices))


def _parts_of_condition(condition: Expr) -> Iterator[Expr]:
    """As `parts`, of what a condition compares rather than of its truth."""
    if isinstance(condition, _CONDITIONS):
        for child in children(condition):
            yield from _parts_of_condition(child)
        yield from _read_by_choices(condition)
    else:
        yield from parts(condition)


def group_of(values: Iterable[tuple[str, Term]] | None) -> tuple[Expr, ...] | Literal[True]:
    """What a query groups by once it has an aggregate: its model's own rows, or its values before."""
    if values is None:
        return True
    found: dict[Expr, None] = {}
    for expr in side_by_side(term.expr for _, term in values):
        whole = not has_aggregate(expr) and any(isinstance(node, Col) for node in nodes_of(expr))
        found.update(dict.fromkeys((expr,) if whole else parts(expr)))
    return tuple(found)


def key_columns(scope: Scope, source: int) -> tuple[Col, ...]:
    """The columns that tell the rows of a source apart."""
    table = scope.sources[source].table
    assert table is not None
    return tuple(scope.column(source, column) for column in table.key)


def grouping(scope: Scope, shape: Shape, selected: Iterable[Expr], order: Sequence[SortKey]) -> Grouping:
    """How a query of `shape` that selects these expressions, besides the model's own rows, is grouped in this order."""
    where, having, qualify = split(shape.where)
    if shape.group is None:
        return Grouping(where, None, None, qualify)
    found = dict.fromkeys(key_columns(scope, 0) if shape.group is True else shape.group)
    for expr in (*side_by_side(selected), *(key.expr for key in order)):
        if expr not in found:
            found.update(dict.fromkeys(parts(expr)))
    for condition in (having, qualify):
        if condition is not None:
            found.update(dict.fromkeys(_parts_of_condition(condition)))
    return Grouping(where, _decisive(tuple(found), tuple(scope.sources)), having, qualify)


def _decisive(group: tuple[Expr, ...], sources: tuple[Source, ...]) -> tuple[Expr, ...]:
    """`group` without what the rest of it decides: columns of rows whose key is in it, and of rows that these refer to."""
    given = {(expr.source, expr.column) for expr in group if isinstance(expr, Col)}
    decided: set[int] = set()
    keys: set[tuple[int, int]] = set()
    for number, source in enumerate(sources):
        if number and not source.many and source.parent in decided and _decides(source, decided | {number}):
            decided.add(number)
            continue
        key = {(number, column) for column in source.table.key} if source.table is not None else set()
        if key and key <= given:
            decided.add(number)
            keys |= key
    return tuple(
        expr
        for expr in group
        if (isinstance(expr, Col) and (expr.source, expr.column) in keys) or not sources_of(expr) <= decided
    )


def _decides(source: Source, rows: set[int]) -> bool:
    """Whether which row a to-one source has follows from `rows` alone."""
    return source.condition is None or sources_of(source.condition) <= rows
