"""Every node of the IR over every combination of NULL, true and false, in every mode it is written in."""

from __future__ import annotations

import itertools
import typing
from collections.abc import Iterator
from typing import Any

import pytest

from modelkit.ir import expr as ir
from modelkit.ir.codec import JSON_NULL
from modelkit.ir.query import RowOutput, Select, Source, ValueOutput
from modelkit.ir.schema import Column, Formula, Table
from modelkit.ir.types import BooleanType, IntegerType, JsonType, ScalarType, TextType
from modelkit.stores.memory.compiler import compile_formula, compile_query
from tests.compiler.views import ListView
from tests.reference import Environment, Reference

BOOL, INT, TEXT, JSON = BooleanType(), IntegerType(), TextType(), JsonType()
KINDS: tuple[tuple[ScalarType, tuple[Any, ...]], ...] = (
    (BOOL, (None, True, False)),
    (INT, (None, 0, 3)),
    (TEXT, (None, "", "aB")),
    (JSON, (None, JSON_NULL, {"a": 1})),
)
ROW = Table("row", tuple(Column(f"{kind.name}{n}", kind, nullable=True) for kind, _ in KINDS for n in range(3)), ())
MEMBERS = Table("members", (Column("value", INT, nullable=True), Column("group", INT)), ())
MEMBER_ROWS = ((0, 0), (None, 1), (0, 2), (None, 2))


def col(kind: ScalarType, number: int) -> ir.Col:
    place = next(place for place, (known, _) in enumerate(KINDS) if known is kind)
    return ir.Col(kind, True, 0, place * 3 + number)


def operands(kind: ScalarType) -> tuple[ir.Expr, ir.Expr, ir.Expr]:
    return (col(kind, 0), col(kind, 1), col(kind, 2))


def members(group: int | None, *, correlated: bool = False) -> Select:
    """The values of one group (3: empty), or of the group that the row's third integer names."""
    same: ir.Expr = ir.Const(INT, False, group)
    if correlated:
        same = ir.Outer(INT, True, col(INT, 2))
    where = ir.Compare(BOOL, True, "eq", ir.Col(INT, False, 0, 1), same)
    return Select((Source(MEMBERS),), (ValueOutput(ir.Col(INT, True, 0, 0)),), where)


def conditions() -> Iterator[tuple[str, ir.Expr]]:
    a, b, c = operands(BOOL)
    for node in (ir.And, ir.Or, ir.Xor):
        yield node.__name__, node(BOOL, True, (a, b, c))
        yield f"{node.__name__} of two nots", node(BOOL, True, (ir.Not(BOOL, True, a), ir.Not(BOOL, True, b)))
        yield f"{node.__name__} within", ir.Or(BOOL, True, (node(BOOL, True, (a, b)), ir.And(BOOL, True, (b, c))))
    yield "Not", ir.Not(BOOL, True, a)
    yield "Not not", ir.Not(BOOL, True, ir.Not(BOOL, True, a))
    yield "IsNull", ir.IsNull(BOOL, False, a)
    yield "IsNull of a condition", ir.IsNull(BOOL, False, ir.And(BOOL, True, (a, b)))
    yield "Const", ir.And(BOOL, True, (a, ir.Const(BOOL, True, None)))
    yield "Param", ir.Or(BOOL, True, (a, ir.Param(BOOL, True, 0)))
    for kind, _ in KINDS:
        one, two, three = operands(kind)
        for op in ("eq", "ne", "lt", "le", "gt", "ge"):
            yield f"Compare {op} {kind.name}", ir.Compare(BOOL, True, op, one, two)  # type: ignore[arg-type]
        yield f"In expressions {kind.name}", ir.In(BOOL, True, one, (two, three))
        yield f"In no expressions {kind.name}", ir.In(BOOL, True, one, ())
        yield f"In one computed {kind.name}", ir.In(BOOL, True, ir.Coalesce(kind, True, (one, two)), (two, three))
        yield f"Case {kind.name}", ir.Compare(BOOL, True, "eq", ir.Case(kind, True, ((a, one), (b, two)), three), two)
        yield f"Coalesce {kind.name}", ir.Compare(BOOL, True, "ne", ir.Coalesce(kind, True, (one, two)), three)
    one, two, three = operands(INT)
    yield "In param", ir.In(BOOL, True, one, ir.Param(INT, False, 1))
    yield "In empty param", ir.In(BOOL, True, one, ir.Param(INT, False, 2))
    yield "In param json", ir.In(BOOL, True, col(JSON, 0), ir.Param(JSON, False, 3))
    for group in range(4):
        yield f"In query {group}", ir.In(BOOL, True, one, members(group))
        yield f"Exists {group}", ir.Exists(BOOL, False, members(group))
        yield f"Subquery {group}", ir.Compare(BOOL, True, "eq", one, ir.Subquery(INT, True, members(group)))
    yield "In correlated query", ir.In(BOOL, True, one, members(None, correlated=True))
    yield "Exists correlated", ir.Exists(BOOL, False, members(None, correlated=True))
    row, other = ir.TupleNode(INT, True, (one, a)), ir.TupleNode(INT, True, (two, b))
    for op in ("eq", "ne", "lt", "le", "gt", "ge"):
        yield f"TupleNode {op}", ir.Compare(BOOL, True, op, row, other)  # type: ignore[arg-type]
    yield "TupleNode in", ir.In(BOOL, True, row, (other, ir.TupleNode(INT, True, (three, c))))
    yield "TupleNode in param", ir.In(BOOL, True, row, ir.Param(INT, False, 4))
    for kind in ("exact", "contains", "startswith", "endswith"):
        for fold in (True, False):
            yield f"Match {kind} {fold}", ir.Match(BOOL, True, kind, fold, col(TEXT, 0), col(TEXT, 1))  # type: ignore[arg-type]
    yield "Match regex", ir.Match(BOOL, True, "regex", True, col(TEXT, 0), col(TEXT, 1))
    plus = ir.Arith(INT, True, "+", one, two)
    yield "Arith", ir.Compare(BOOL, True, "ge", plus, three)
    strict, lenient = ir.FunctionDef("f", max), ir.FunctionDef("g", lambda *values: values.count(None), strict=False)
    inline = ir.FunctionDef("h", max, inline="max({0}, {1}, {0})")
    for function in (strict, lenient, inline):
        yield f"Call {function.name}", ir.Compare(BOOL, True, "eq", ir.Call(INT, True, function, (one, two)), three)
    key = ir.JsonKey(JSON, True, col(JSON, 0), ir.Param(TEXT, False, 5))
    yield "JsonKey", ir.Compare(BOOL, True, "eq", key, col(JSON, 1))
    yield "JsonKey is null", ir.IsNull(BOOL, False, key)


PARAMS: tuple[Any, ...] = (None, (3, 7), (), (JSON_NULL, {"a": 1.0}), ((0, True), (3, False)), "a")
CONDITIONS = dict(conditions())
TABLE = {ROW: (), MEMBERS: MEMBER_ROWS}


def rows_for(expr: ir.Expr) -> list[tuple[Any, ...]]:
    """Every combination of values for the columns that `expr` reads; the others are NULL."""
    read = sorted({node.column for node in nodes(expr) if isinstance(node, ir.Col) and node.source == 0})
    values = [values for _, values in KINDS for _ in range(3)]
    chosen = [values[place] if place in read else (None,) for place in range(len(ROW.columns))]
    return list(itertools.product(*chosen))


def nodes(part: Any) -> Iterator[Any]:
    if isinstance(part, tuple):
        for item in part:
            yield from nodes(item)
    elif isinstance(part, Select):
        for node in nodes(part.where):
            if isinstance(node, ir.Outer):
                yield from nodes(node.item)
    elif isinstance(part, ir.Node):
        yield part
        if not isinstance(part, ir.Outer):
            for name in type(part).__slots__:
                yield from nodes(getattr(part, name))


def run(query: Select, rows: list[tuple[Any, ...]]) -> Any:
    compiled = compile_query(query)
    tables: dict[Table, Any] = {**TABLE, ROW: rows}
    return compiled.run([ListView(table, tables[table]) for table in compiled.tables], PARAMS)


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_is_true_false_or_null_where_the_reference_says_so(name: str) -> None:
    expr = CONDITIONS[name]
    rows = rows_for(expr)
    reference = Reference({**TABLE, ROW: rows}, PARAMS)
    expected = [reference.value(expr, Environment([row])) for row in rows]
    source = (Source(ROW),)

    found_true = run(Select(source, (RowOutput(0),), expr, bare=True), rows)
    assert found_true == [row for row, truth in zip(rows, expected, strict=True) if truth is True]
    found_false = run(Select(source, (RowOutput(0),), ir.Not(BOOL, True, expr), bare=True), rows)
    assert found_false == [row for row, truth in zip(rows, expected, strict=True) if truth is False]
    values = run(Select(source, (ValueOutput(expr),), bare=True), rows)
    assert [(type(value), value) for value in values] == [(type(value), value) for value in expected]


def asks_a_query(expr: ir.Expr) -> bool:
    return any(isinstance(getattr(node, name, None), Select) for node in nodes(expr) for name in ("select", "choices"))


@pytest.mark.parametrize("name", [name for name, expr in CONDITIONS.items() if not asks_a_query(expr)])
def test_a_formula_gives_the_value_that_a_query_gives(name: str) -> None:
    expr = CONDITIONS[name]
    rows = rows_for(expr)
    reference = Reference({ROW: rows}, PARAMS)
    formula = compile_formula(Formula(expr, PARAMS))
    assert [formula(row) for row in rows] == [reference.value(expr, Environment([row])) for row in rows]


def test_the_table_covers_every_node() -> None:
    later = {ir.Aggregate, ir.Window}
    covered = {type(node) for expr in CONDITIONS.values() for node in nodes(expr)}
    covered |= {ir.Outer}
    assert covered == set(typing.get_args(ir.Expr)) - later
