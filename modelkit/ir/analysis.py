"""What can be known of a query before it runs: what it reads, which predicates reject NULLs, which sources may go.

Shared by every store. Knows the IR alone: no access paths, no values. Its one invariant: an answer holds for every
content of the tables and every parameter.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any, Final, TypeAlias

from modelkit.ir.expr import (
    BOOLEAN,
    Aggregate,
    And,
    Arith,
    Call,
    Case,
    Coalesce,
    Col,
    Compare,
    Const,
    Exists,
    Expr,
    FunctionDef,
    In,
    IsNull,
    JsonKey,
    Match,
    Node,
    Not,
    Or,
    Outer,
    Param,
    SortKey,
    Subquery,
    Subselect,
    TupleNode,
    Window,
    Xor,
)
from modelkit.ir.query import Compound, Delete, RowOutput, Select, Source, Update
from modelkit.ir.schema import Table
from modelkit.ir.types import IntegerType, ScalarType, TextType, UuidType

__all__ = [
    "Query",
    "before",
    "children",
    "conjunction",
    "conjuncts",
    "inner_sources",
    "is_correlated",
    "is_inner",
    "joinable",
    "joined_as",
    "local_conditions",
    "may_be_null",
    "nodes_of",
    "nullable_sources",
    "own_expressions",
    "preorder",
    "readings",
    "rejects_null",
    "renumbered",
    "replaced",
    "row_by_row",
    "runs_functions",
    "source_columns",
    "sources_of",
    "subselects",
    "tables_of",
    "used_sources",
    "windows_of",
]

Query: TypeAlias = Select | Compound | Update | Delete

_TRUE: Final = 1
_FALSE: Final = 2
_NULL: Final = 4
_ANY: Final = _TRUE | _FALSE | _NULL


def children(expr: Expr) -> Iterator[Expr]:
    """The direct parts of `expr` that are expressions of the same query; inner queries are not entered."""
    match expr:
        case Compare(left=left, right=right) | Arith(left=left, right=right):
            yield left
            yield right
        case And(items=items) | Or(items=items) | Xor(items=items) | TupleNode(items=items) | Coalesce(items=items):
            yield from items
        case Not(item=item) | IsNull(item=item):
            yield item
        case In(item=item, choices=choices):
            yield item
            if isinstance(choices, Param):
                yield choices
            elif isinstance(choices, tuple):
                yield from choices
        case Match(item=item, pattern=pattern):
            yield item
            yield pattern
        case Call(args=args):
            yield from args
        case JsonKey(item=item, key=key):
            yield item
            yield key
        case Case(branches=branches, default=default):
            for condition, value in branches:
                yield condition
                yield value
            yield default
        case Aggregate(args=args, where=where, order=order):
            yield from args
            if where is not None:
                yield where
            for sort in order:
                yield sort.expr
        case Window(args=args, partition=partition, order=order, where=where):
            yield from args
            yield from partition
            for sort in order:
                yield sort.expr
            if where is not None:
                yield where
        case _:
            return


def subselects(expr: Expr, *, around: bool = False) -> Iterator[Subselect]:
    """The inner queries that stand in `expr` itself, not those inside of them; `around`: in what it asks of the rows around it, too."""
    match expr:
        case Exists(select=select) | Subquery(select=select):
            yield select
        case In(choices=Subselect() as select):
            yield select
        case Outer(item=item) if around:
            yield from subselects(item, around=True)
        case _:
            pass
    for child in children(expr):
        yield from subselects(child, around=around)


def conjuncts(expr: Expr | None) -> tuple[Expr, ...]:
    """`expr` as a list of conditions that must all be true; empty for None. Linear."""
    if expr is None or (isinstance(expr, Const) and expr.value is True):
        return ()
    if isinstance(expr, And):
        return tuple(part for item in expr.items for part in conjuncts(item))
    if isinstance(expr, Not):
        if isinstance(expr.item, Or):
            return tuple(part for item in expr.item.items for part in conjuncts(Not(item.type, item.nullable, item)))
        if isinstance(expr.item, Not):
            return conjuncts(expr.item.item)
    return (expr,)


def conjunction(items: tuple[Expr, ...]) -> Expr | None:
    """The conditions as one; None where there is none."""
    if not items:
        return None
    if len(items) == 1:
        return items[0]
    return And(BOOLEAN, any(item.nullable for item in items), items)


def own_expressions(query: Select | Compound) -> Iterator[Expr]:
    """All expressions that a query evaluates over its own sources, its limits included."""
    if isinstance(query, Select):
        for source in query.sources:
            if source.condition is not None:
                yield source.condition
        if query.where is not None:
            yield query.where
        for output in query.outputs:
            if not isinstance(output, RowOutput):
                yield output.expr
        yield from query.group or ()
        if query.having is not None:
            yield query.having
        if query.qualify is not None:
            yield query.qualify
        yield from (key.expr for key in query.order)
        yield from query.distinct_on
    for bound in (query.limit, query.offset):
        if bound is not None:
            yield bound


def _inner_queries(query: Select | Compound) -> Iterator[Select | Compound]:
    if isinstance(query, Compound):
        yield from query.parts
        return
    for source in query.sources:
        if source.rows is not None:
            yield source.rows
    for expr in own_expressions(query):
        yield from _queries_in(expr)


def _queries_in(expr: Expr) -> Iterator[Select | Compound]:
    """The inner queries that are read for `expr`, by the rows around it too."""
    return (select for select in subselects(expr, around=True) if isinstance(select, (Select, Compound)))


def _reads(expr: Expr, depth: int) -> Iterator[int]:
    """The sources that `expr` reads in the query `depth` levels further out."""
    match expr:
        case Col(source=source):
            if depth == 0:
                yield source
            return
        case Outer(item=item):
            if depth:
                yield from _reads(item, depth - 1)
            return
        case Exists(select=select) | Subquery(select=select) | In(choices=Subselect() as select):
            if isinstance(select, (Select, Compound)):
                yield from _query_reads(select, depth + 1)
        case _:
            pass
    for child in children(expr):
        yield from _reads(child, depth)


def _query_reads(query: Select | Compound, depth: int) -> Iterator[int]:
    if isinstance(query, Compound):
        for part in query.parts:
            yield from _query_reads(part, depth)
        return
    for expr in own_expressions(query):
        yield from _reads(expr, depth)
    for source in query.sources:
        if source.rows is not None:
            yield from _query_reads(source.rows, depth)


def nodes_of(expr: Expr, depth: int = 0) -> Iterator[Expr]:
    """All nodes that are evaluated in the query in which `expr` stands (`depth` levels further out), inner queries' `Outer` included."""
    if depth == 0:
        yield expr
    match expr:
        case Outer(item=item):
            if depth:
                yield from nodes_of(item, depth - 1)
            return
        case Exists(select=select) | Subquery(select=select) | In(choices=Subselect() as select):
            if isinstance(select, (Select, Compound)):
                yield from _query_nodes(select, depth + 1)
        case _:
            pass
    for child in children(expr):
        yield from nodes_of(child, depth)


def _query_nodes(query: Select | Compound, depth: int) -> Iterator[Expr]:
    for part in query.parts if isinstance(query, Compound) else ():
        yield from _query_nodes(part, depth)
    for expr in own_expressions(query):
        yield from nodes_of(expr, depth)


def windows_of(query: Select) -> tuple[Window, ...]:
    """The window functions that `query` evaluates, each once, in the order met."""
    found = (node for expr in own_expressions(replace(query, sources=())) for node in nodes_of(expr))
    return tuple(dict.fromkeys(node for node in found if isinstance(node, Window)))


def row_by_row(query: Select) -> bool:
    """Whether each result row can be told from one row of the sources: there are neither groups nor windows."""
    return query.group is None and not windows_of(query)


def sources_of(expr: Expr) -> frozenset[int]:
    """The sources of its own query that `expr` reads, through inner queries' `Outer` too. Linear."""
    return frozenset(_reads(expr, 0))


def _outer_depth(expr: Expr, level: int) -> bool:
    match expr:
        case Outer(item=item):
            return level == 0 or _outer_depth(item, level - 1)
        case Exists(select=select) | Subquery(select=select) | In(choices=Subselect() as select):
            if isinstance(select, (Select, Compound)) and is_correlated(select, level + 1):
                return True
        case _:
            pass
    return any(_outer_depth(child, level) for child in children(expr))


def is_correlated(query: Select | Compound, level: int = 0) -> bool:
    """Whether `query` reads any row of a query that encloses it (more than `level` levels around it)."""
    if isinstance(query, Compound):
        return any(is_correlated(part, level) for part in query.parts)
    return any(_outer_depth(expr, level) for expr in own_expressions(query)) or any(
        is_correlated(source.rows, level) for source in query.sources if source.rows is not None
    )


def tables_of(query: Query) -> tuple[Table, ...]:
    """All tables that `query` names, inner queries' too, each once, in the order met."""
    found: dict[Table, None] = {}

    def visit(part: Select | Compound) -> None:
        if isinstance(part, Select):
            for source in part.sources:
                if source.table is not None:
                    found[source.table] = None
        for inner in _inner_queries(part):
            visit(inner)

    if isinstance(query, (Update, Delete)):
        visit(query.target)
        if isinstance(query, Update):
            for assignment in query.assignments:
                for inner in _queries_in(assignment.value):
                    visit(inner)
    else:
        visit(query)
    return tuple(found)


def readings(query: Query) -> list[Table]:
    """The tables of all sources of `query` and of its inner queries, as often as they are read. Linear."""
    if isinstance(query, Delete):
        return readings(query.target)
    if isinstance(query, Update):
        inner = [part for assignment in query.assignments for part in _queries_in(assignment.value)]
        return readings(query.target) + [table for part in inner for table in readings(part)]
    found = (
        [] if isinstance(query, Compound) else [source.table for source in query.sources if source.table is not None]
    )
    for part in _inner_queries(query):
        found += readings(part)
    return found


def local_conditions(query: Select) -> tuple[Expr, ...]:
    """What a row of source 0 must pass to matter to `query` at all, judged by that row alone, without functions. Linear."""
    return tuple(
        expr
        for expr in conjuncts(query.where)
        if sources_of(expr) <= {0} and not runs_functions(expr) and not any(True for _ in subselects(expr))
    )


def runs_functions(part: Query | Expr) -> bool:
    """Whether a function that somebody registered may run in `part`, inner queries included: any call but those that a
    compiler writes out, any aggregate and any window function. Linear.
    """
    match part:
        case Update(target=target, assignments=assignments):
            return runs_functions(target) or any(runs_functions(assignment.value) for assignment in assignments)
        case Delete(target=target):
            return runs_functions(target)
        case Select() | Compound():
            return any(map(_calls, own_expressions(part))) or any(map(runs_functions, _inner_queries(part)))
        case _:
            return _calls(part) or any(map(runs_functions, _queries_in(part)))


def _calls(expr: Expr) -> bool:
    match expr:
        case Aggregate() | Window():
            return True
        case Call(function=function) if function.inline is None:
            return True
        case Outer(item=item):
            return _calls(item)
        case _:
            return any(map(_calls, children(expr)))


def joinable(left: ScalarType, right: ScalarType) -> bool:
    """Whether columns of these types may be joined: of one type, or text with what has one text for each value."""
    kinds = {type(left), type(right)}
    return len(kinds) == 1 or (TextType in kinds and bool(kinds & _FROM_TEXT.keys()))


def joined_as(expr: Expr, wanted: ScalarType) -> Expr:
    """`expr`, a column that is joined with one of type `wanted`, as a value of that type; NULL where it is the text of none."""
    if type(expr.type) is type(wanted):
        return expr
    if isinstance(wanted, TextType) and type(expr.type) in _FROM_TEXT:
        return Call(wanted, expr.nullable, _AS_TEXT, (expr,))
    function = _FROM_TEXT.get(type(wanted)) if isinstance(expr.type, TextType) else None
    return expr if function is None else Call(wanted, True, function, (expr,))


def _parsed(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """What gives the value whose text it is called with, or None."""

    def value_of(text: str) -> Any:
        try:
            value = parse(text)
        except ValueError:
            return None
        return value if str(value) == text else None

    return value_of


_AS_TEXT: Final = FunctionDef("key_as_text", str, sql="CAST_TEXT", inline="str({0})")
_FROM_TEXT: Final[Mapping[type[ScalarType], FunctionDef]] = {
    IntegerType: FunctionDef("text_as_integer_key", _parsed(int)),
    UuidType: FunctionDef("text_as_uuid_key", _parsed(uuid.UUID)),
}


def source_columns(source: Source) -> int:
    """How many columns the rows of a source have."""
    if source.table is not None:
        return len(source.table.columns)
    rows = source.rows
    while isinstance(rows, Compound):
        rows = rows.parts[0]
    return len(rows.outputs) if rows is not None else 0


def preorder(sources: tuple[Source, ...]) -> tuple[int, ...]:
    """The source tree's numbers, each parent before its children, children in the order of their numbers.

    Sources that a source's condition reads come before it, ahead of their turn.
    """
    offspring: dict[int, list[int]] = {}
    for number, source in enumerate(sources[1:], 1):
        offspring.setdefault(source.parent, []).append(number)
    order: dict[int, None] = {}

    def place(number: int) -> None:
        if number not in order:
            for other in before(sources, number):
                place(other)
            order[number] = None

    waiting = [0]
    while waiting:
        number = waiting.pop()
        place(number)
        waiting.extend(reversed(offspring.get(number, ())))
    return tuple(order)


def before(sources: tuple[Source, ...], number: int) -> tuple[int, ...]:
    """The sources that must be read before source `number`: its parent, and those that its condition reads."""
    if not number:
        return ()
    source = sources[number]
    if source.condition is None:
        return (source.parent,)
    return tuple(dict.fromkeys((source.parent, *sorted(sources_of(source.condition) - {number}))))


def is_inner(source: Source) -> bool:
    """Whether a row of the parent is left out where none of `source` matches: a join with a condition, not optional."""
    return source.condition is not None and not source.optional


def nullable_sources(sources: tuple[Source, ...], inner: frozenset[int]) -> frozenset[int]:
    """The sources whose row may be missing: optional ones that are not `inner`, and all below them."""
    missing: set[int] = set()
    for number, source in enumerate(sources):
        if number and number not in inner and (source.optional or source.parent in missing):
            missing.add(number)
    return frozenset(missing)


def inner_sources(query: Select) -> frozenset[int]:
    """The sources whose missing row would make `where` not true, and their ancestors: LEFT may be INNER there."""
    conditions = conjuncts(query.where)
    found: set[int] = set()
    offspring = _descendants(query.sources)
    for number in range(len(query.sources) - 1, 0, -1):
        if number in found:
            continue
        missing = offspring[number]
        if any(rejects_null(condition, missing) for condition in conditions):
            while number > 0:
                found.add(number)
                number = query.sources[number].parent
    return frozenset(found)


def _descendants(sources: tuple[Source, ...]) -> list[frozenset[int]]:
    below: list[set[int]] = [{number} for number in range(len(sources))]
    for number in range(len(sources) - 1, 0, -1):
        below[sources[number].parent] |= below[number]
    return [frozenset(part) for part in below]


def rejects_null(condition: Expr, missing: frozenset[int]) -> bool:
    """Whether `condition` cannot be true for a row in which all columns of the sources `missing` are NULL."""
    return not _outcomes(condition, missing) & _TRUE


def _is_null(expr: Expr, missing: frozenset[int]) -> bool:
    """Whether the value of `expr` is certainly NULL where the sources `missing` are."""
    match expr:
        case Col(source=source):
            return source in missing
        case Const(value=value):
            return value is None
        case Arith(left=left, right=right):
            return _is_null(left, missing) or _is_null(right, missing)
        case Call(function=function, args=args):
            return function.strict and any(_is_null(arg, missing) for arg in args)
        case Coalesce(items=items):
            return all(_is_null(item, missing) for item in items)
        case JsonKey(item=item):
            return _is_null(item, missing)
        case Case(branches=branches, default=default):
            return _is_null(default, missing) and all(
                _is_null(value, missing) or not _outcomes(condition, missing) & _TRUE for condition, value in branches
            )
        case Compare() | And() | Or() | Xor() | Not() | In() | Match():
            return _outcomes(expr, missing) == _NULL
        case _:
            return False


def _outcomes(expr: Expr, missing: frozenset[int]) -> int:
    """Which of true, false and NULL the condition `expr` may be where the sources `missing` are NULL."""
    match expr:
        case Const(value=value):
            return _NULL if value is None else _TRUE if value else _FALSE
        case Compare(left=left, right=right) | Match(item=left, pattern=right):
            if isinstance(left, TupleNode) and isinstance(right, TupleNode):
                return _tuple_outcomes(expr, left, right, missing)
            return _NULL if _is_null(left, missing) or _is_null(right, missing) else _ANY
        case And(items=items):
            return _all_outcomes([_outcomes(item, missing) for item in items], _FALSE, _TRUE)
        case Or(items=items):
            return _all_outcomes([_outcomes(item, missing) for item in items], _TRUE, _FALSE)
        case Xor(items=items):
            return _NULL if any(_outcomes(item, missing) == _NULL for item in items) else _ANY
        case Not(item=item):
            inside = _outcomes(item, missing)
            return (inside & _NULL) | (_TRUE if inside & _FALSE else 0) | (_FALSE if inside & _TRUE else 0)
        case IsNull(item=item):
            return _TRUE if _is_null(item, missing) else _TRUE | _FALSE
        case In(item=item, choices=choices):
            if isinstance(item, TupleNode) and any(_is_null(part, missing) for part in item.items):
                return _NULL | _FALSE
            if not _is_null(item, missing):
                return _ANY
            return _FALSE if choices == () else _NULL | _FALSE
        case Exists():
            return _TRUE | _FALSE
        case _:
            return _NULL if _is_null(expr, missing) else _ANY


def _tuple_outcomes(expr: Expr, left: TupleNode, right: TupleNode, missing: frozenset[int]) -> int:
    """The same of two rows of values: a NULL in them decides nothing, but where it is met first."""
    nulls = [_is_null(one, missing) or _is_null(two, missing) for one, two in zip(left.items, right.items, strict=True)]
    if not any(nulls) or not isinstance(expr, Compare):
        return _ANY
    match expr.op:
        case "eq":
            return _NULL | _FALSE
        case "ne":
            return _NULL | _TRUE
        case _:
            return _NULL if nulls[0] else _ANY


def _all_outcomes(parts: list[int], decisive: int, neutral: int) -> int:
    """What a conjunction may be: `decisive` is false and `neutral` true (the reverse for a disjunction)."""
    if decisive in parts:
        return decisive
    result = neutral if all(part & neutral for part in parts) else 0
    if any(part & decisive for part in parts):
        result |= decisive
    if any(part & _NULL for part in parts) and all(part & (_NULL | neutral) for part in parts):
        result |= _NULL
    return result


def used_sources(query: Select, *, multiplicity: bool = True) -> frozenset[int]:
    """The sources that a query cannot do without.

    A to-one source that nothing reads is left out, if it neither multiplies rows nor removes any. Where `multiplicity`
    does not matter (exists, writes), so are to-many ones that are LEFT.
    """
    sources = query.sources
    used = {0}
    for number, source in enumerate(sources):
        if (multiplicity and source.many) or is_inner(source):
            used.add(number)
        if number and source.table is None:
            used.add(number)
    for output in query.outputs:
        if isinstance(output, RowOutput):
            used.add(output.source)
    conditions = {number: source.condition for number, source in enumerate(sources) if source.condition is not None}
    for expr in own_expressions(replace(query, sources=())):
        used |= sources_of(expr)
    waiting = list(used)
    while waiting:
        number = waiting.pop()
        needed = set(sources_of(conditions[number])) if number in conditions else set()
        if number:
            needed.add(sources[number].parent)
        waiting.extend(needed - used)
        used |= needed
    return frozenset(used)


def may_be_null(expr: Expr, sources: tuple[Source, ...], missing: frozenset[int]) -> bool:
    """Whether the value of `expr` may be NULL over `sources`, of which the rows of `missing` may not be there."""

    def some(*items: Expr) -> bool:
        return any(may_be_null(item, sources, missing) for item in items)

    match expr:
        case Col(source=source, column=column):
            table = sources[source].table
            return source in missing or (table.columns[column].nullable if table is not None else expr.nullable)
        case Compare(left=left, right=right) | Arith(left=left, right=right) | Match(item=left, pattern=right):
            return some(left, right) or (expr.nullable and isinstance(expr, Arith))
        case And(items=items) | Or(items=items) | Xor(items=items) | TupleNode(items=items):
            return some(*items)
        case Not(item=item):
            return some(item)
        case Coalesce(items=items):
            return all(may_be_null(item, sources, missing) for item in items)
        case IsNull() | Exists():
            return False
        case In(item=item, choices=choices):
            if isinstance(choices, Subselect):
                return True
            return some(item) or (isinstance(choices, tuple) and some(*choices))
        case Case(branches=branches, default=default):
            return some(default, *[value for _, value in branches])
        case Const(value=value):
            return value is None
        case JsonKey() | Subquery():
            return True
        case _:
            return expr.nullable


def replaced(expr: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """`expr` with each part, from the outside in, for which `change` gives another; inner queries are not entered. Linear."""
    made: Expr = _replaced(expr, change)
    return made


def _replaced(part: Any, change: Callable[[Expr], Expr | None]) -> Any:
    match part:
        case tuple():
            return tuple([_replaced(item, change) for item in part])
        case SortKey(expr=expr):
            return replace(part, expr=_replaced(expr, change))
        case Node():
            other = change(part)  # type: ignore[arg-type]  # all nodes are of the closed union
            if other is not None:
                return other
            if isinstance(part, (Col, Param, Const, Outer)):
                return part
            values = {field.name: _replaced(getattr(part, field.name), change) for field in fields(part)}
            return type(part)(**values)
        case _:
            return part


def renumbered(expr: Expr, numbers: Mapping[int, int]) -> Expr:
    """`expr` with the numbers of its own sources replaced; its inner queries must read none of them. Linear."""

    def change(part: Expr) -> Expr | None:
        return replace(part, source=numbers.get(part.source, part.source)) if isinstance(part, Col) else None

    return replaced(expr, change)
