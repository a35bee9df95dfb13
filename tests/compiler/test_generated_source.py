"""What may stand in generated source: identifiers and operators, never a value; never more than the query is long."""

from __future__ import annotations

import datetime
import tokenize
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest

from modelkit.codegen import identifier
from modelkit.errors import DataError, QueryTooComplex
from modelkit.ir import expr as ir
from modelkit.ir.analysis import children
from modelkit.ir.codec import JSON_NULL
from modelkit.ir.query import Assignment, Select, Source, Update, ValueOutput
from modelkit.ir.schema import Column, Formula, Table
from modelkit.ir.types import DateTimeType, DateType, DecimalType, DurationType, FloatType, IntegerType, ScalarType
from modelkit.stores.memory.compiler import compile_formula, compile_query
from tests.compiler.shop import (
    AUTHOR,
    BOOK,
    BOOL,
    INT,
    JSON,
    TEXT,
    Ran,
    both,
    col,
    compare,
    param,
    rows_of,
)
from tests.compiler.views import ListView

NAME, AGE = col(0, AUTHOR, "name"), col(0, AUTHOR, "age")


def tree(depth: int, leaf: ir.Expr, other: ir.Expr) -> ir.Expr:
    """A binary tree of And, Or, Xor and Not with 2 ** depth leaves."""
    if depth == 0:
        return leaf
    left, right = tree(depth - 1, leaf, other), tree(depth - 1, other, leaf)
    match depth % 4:
        case 0:
            return ir.And(BOOL, True, (left, right))
        case 1:
            return ir.Or(BOOL, True, (left, ir.Not(BOOL, True, right)))
        case 2:
            return ir.Xor(BOOL, True, (left, right))
        case _:
            return ir.Not(BOOL, True, ir.And(BOOL, True, (left, ir.IsNull(BOOL, False, right))))


def nested(depth: int) -> ir.Expr:
    """A chain of `depth` conditions, each inside the other."""
    found: ir.Expr = compare(AGE, "gt", param(0))
    for level in range(depth):
        other = compare(NAME, "ne", param(1, TEXT))
        found = (
            ir.Not(BOOL, True, ir.And(BOOL, True, (other, found))),
            ir.Or(BOOL, True, (other, found)),
            ir.Xor(BOOL, True, (other, found)),
        )[level % 3]
    return found


def count(expr: ir.Expr) -> int:
    return 1 + sum(map(count, children(expr)))


def test_source_is_linear_in_the_nodes_of_a_condition() -> None:
    sizes = []
    for depth in (4, 6, 8, 10, 12):
        where = tree(depth, compare(AGE, "gt", param(0)), compare(NAME, "eq", param(1, TEXT)))
        sizes.append(len(compile_query(rows_of(AUTHOR, where)).source) / count(where))
    assert max(sizes) < 1.5 * min(sizes)


@pytest.mark.parametrize("depth", [12, 60, 110])
def test_deep_conditions_compile_and_run(depth: int) -> None:
    source = compile_query(rows_of(AUTHOR, nested(depth))).source
    assert Ran(rows_of(AUTHOR, nested(depth)), 35, "x").result is not None
    assert len(source) < 400 * depth + 1000


def test_a_deep_condition_compiles_where_the_caller_left_little_stack() -> None:
    def deep(frames: int) -> Any:
        return Ran(rows_of(AUTHOR, nested(100)), 35, "x").result if frames == 0 else deep(frames - 1)

    assert deep(600) == Ran(rows_of(AUTHOR, nested(100)), 35, "x").result


def test_a_condition_that_is_too_deep_says_so() -> None:
    with pytest.raises(QueryTooComplex, match="nested"):
        compile_query(rows_of(AUTHOR, nested(2000)))


def test_deep_values_compile_and_run() -> None:
    deep: ir.Expr = col(0, AUTHOR, "id")
    for _ in range(100):
        deep = ir.Arith(INT, False, "+", deep, param(0))
    query = Select((Source(AUTHOR),), (ValueOutput(deep),), bare=True)
    assert Ran(query, 1).result == [103, 101, 102, 104]
    long = ir.Case(INT, False, tuple((compare(AGE, "eq", param(n)), param(n)) for n in range(150)), param(0))
    assert Ran(Select((Source(AUTHOR),), (ValueOutput(long),), bare=True), *range(150)).result == [0, 30, 40, 50]


def test_each_parameter_is_bound_once() -> None:
    where = both(*[compare(AGE, "gt", param(0)) for _ in range(20)], *[ir.In(BOOL, True, NAME, param(1, TEXT))] * 5)
    source = compile_query(rows_of(AUTHOR, where)).source
    assert source.count("params[0]") == 1
    assert source.count("params[1]") == 1


def test_a_query_over_many_joins_compiles() -> None:
    joins = [
        Source(BOOK, number, (0,), (2 if number % 2 == 0 else 0,), many=True, optional=True) for number in range(30)
    ]
    sources = [Source(AUTHOR), *joins]
    query = Select(tuple(sources), (ValueOutput(ir.Const(INT, False, 1)),), bare=True, limit=param(0))
    compiled = compile_query(query)
    assert compiled.run([ListView(table, []) for table in compiled.tables], (1,)) == []


def test_values_never_stand_in_source() -> None:
    hostile = ['"); raise SystemExit #', "'''", "{p0}\n    raise", "%s", "\\"]
    for text in hostile:
        where = ir.Or(
            BOOL,
            True,
            (
                compare(NAME, "eq", param(0, TEXT)),
                ir.Match(BOOL, True, "contains", True, NAME, param(0, TEXT)),
                ir.In(BOOL, True, NAME, param(1, TEXT)),
            ),
        )
        ran = Ran(rows_of(AUTHOR, where), text, (text,))
        assert ran.result == []
        strings = [
            part.string
            for part in tokenize.generate_tokens(StringIO(ran.compiled.source).readline)
            if part.type == tokenize.STRING
        ]
        assert strings == []


def test_names_of_tables_and_columns_never_stand_in_source() -> None:
    odd = Table('x"; import os #', (Column("a\nb", INT), Column("{p0}", INT)), (0,))
    compiled = compile_query(rows_of(odd, compare(ir.Col(INT, False, 0, 1), "gt", param(0))))
    assert "import" not in compiled.source
    assert compiled.run([ListView(odd, [(1, 2), (2, 0)])], (1,)) == [(1, 2)]


@pytest.mark.parametrize("name", ["ﬁ", "class", "a b", "1a", "", "a;b", "ªx"])
def test_what_is_not_its_own_identifier_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="identifier"):
        identifier(name)


def test_three_hundred_thousand_members_work() -> None:
    members = tuple(range(-300_000, 2))
    for column in ("id", "age"):
        query = rows_of(AUTHOR, ir.In(BOOL, True, col(0, AUTHOR, column), param(0)))
        assert Ran(query, members).keys == ([1] if column == "id" else [])
    assert (
        len(Ran(rows_of(BOOK, ir.Not(BOOL, True, ir.In(BOOL, True, col(0, BOOK, "year"), param(0)))), members).keys)
        == 5
    )


def test_json_values_of_outputs_are_copies() -> None:
    query = Select((Source(BOOK),), (ValueOutput(col(0, BOOK, "data")),), bare=True)
    first, *_ = Ran(query).result
    first["n"] = 9
    assert Ran(query).result[0] == {"n": 1}


def test_json_is_compared_and_probed_by_content() -> None:
    where = compare(col(0, BOOK, "data"), "eq", param(0, JSON))
    assert Ran(rows_of(BOOK, where), {"n": 1}).keys == [5, 1]
    distinct = Select((Source(BOOK),), (ValueOutput(col(0, BOOK, "data")),), bare=True, distinct=True)
    assert Ran(distinct).result == [{"n": 1}, None, [1]]


ARITHMETIC: list[tuple[ScalarType, str, Any, Any, Any]] = [
    (INT, "/", 7, 2, 3),
    (INT, "/", -7, 2, -3),
    (INT, "%", -7, 3, -1),
    (INT, "%", 7, -3, 1),
    (INT, "^", 2, 10, 1024),
    (INT, "&", 6, 3, 2),
    (INT, "|", 6, 3, 7),
    (INT, "#", 6, 3, 5),
    (INT, "<<", 1, 4, 16),
    (INT, ">>", 16, 4, 1),
    (FloatType(), "/", 7, 2.0, 3.5),
    (FloatType(), "%", -7.5, 2.0, -1.5),
    (FloatType(), "^", 2.0, -1, 0.5),
    (DecimalType(), "*", Decimal("1.10"), 3, Decimal("3.30")),
    (DecimalType(), "+", Decimal("9" * 60), Decimal("0.1"), Decimal("9" * 60 + ".1")),
    (DecimalType(), "/", Decimal(1), Decimal(4), Decimal("0.25")),
    (DateType(), "+", datetime.date(2024, 2, 28), datetime.timedelta(days=2), datetime.date(2024, 3, 1)),
    (DateTimeType(), "+", datetime.date(2024, 2, 28), datetime.timedelta(hours=5), datetime.datetime(2024, 2, 28, 5)),
    (DurationType(), "-", datetime.date(2024, 3, 1), datetime.date(2024, 2, 28), datetime.timedelta(days=2)),
    (DurationType(), "*", datetime.timedelta(days=2), 3, datetime.timedelta(days=6)),
    (INT, "+", None, 1, None),
    (INT, "/", None, 0, None),
]
NAMES = {
    int: INT,
    float: FloatType(),
    Decimal: DecimalType(),
    datetime.date: DateType(),
    datetime.timedelta: DurationType(),
}


def computed(into: ScalarType, op: Any, left: Any, right: Any) -> Any:
    kinds = [NAMES.get(type(value), into) for value in (left, right)]
    parts = [
        ir.Param(kind, value is None, slot) for slot, (kind, value) in enumerate(zip(kinds, (left, right), strict=True))
    ]
    return compile_formula(Formula(ir.Arith(into, True, op, *parts), (left, right)))(())


@pytest.mark.parametrize(("into", "op", "left", "right", "expected"), ARITHMETIC)
def test_arithmetic_follows_sql(into: ScalarType, op: str, left: Any, right: Any, expected: Any) -> None:
    result = computed(into, op, left, right)
    assert (type(result), result) == (type(expected), expected)


@pytest.mark.parametrize(
    ("op", "left", "right"),
    [
        ("/", 1, 0), ("%", 1, 0), ("/", 1.0, 0.0), ("/", Decimal(1), 0), ("%", Decimal(1), Decimal(0)),
        ("+", 2**63 - 1, 1), ("*", 2**62, 2), ("-", -(2**63), 1), ("^", 10, 10**9), ("<<", 1, 63), ("<<", 1, -1), ("<<", 1, 10**9),
        ("^", 0, -1), ("*", 1e308, 10.0), ("+", datetime.date.max, datetime.timedelta(days=1)),
    ],
)  # fmt: skip
def test_arithmetic_without_a_value_is_a_data_error(op: str, left: Any, right: Any) -> None:
    into = DateType() if isinstance(left, datetime.date) else NAMES[type(left)]
    with pytest.raises(DataError):
        computed(into, op, left, right)


def test_an_update_gives_slots_old_rows_and_new_rows() -> None:
    target = rows_of(AUTHOR, compare(AGE, "ge", param(0)))
    update = Update(target, (Assignment(3, ir.Arith(INT, True, "+", AGE, param(1))), Assignment(2, NAME)))
    assert Ran(update, 40, 1).result == [
        (3, (2, "bob", None, 40), (2, "bob", "bob", 41)),
        (4, (4, "di", "de", 50), (4, "di", "di", 51)),
    ]


def test_a_value_of_another_type_becomes_the_columns() -> None:
    table = Table("t", (Column("id", INT), Column("price", DecimalType()), Column("n", IntegerType())), (0,))
    update = Update(
        rows_of(table), (Assignment(1, ir.Col(INT, False, 0, 0)), Assignment(2, ir.Col(DecimalType(), False, 0, 1)))
    )
    compiled = compile_query(update)
    [(_, _, new)] = compiled.run([ListView(table, [(1, Decimal("2.5"), 3)])], ())
    assert (new, [type(value) for value in new]) == ((1, Decimal(1), 2), [int, Decimal, int])


def test_streaming_reads_no_further_than_it_is_asked() -> None:
    view = ListView(AUTHOR, [(n, "x", None, n) for n in range(100)], chunk=10)
    read: list[int] = []
    chunks = view.chunks
    view.chunks = lambda: (read.append(1) or chunk for chunk in chunks())  # type: ignore[func-returns-value, method-assign]
    compiled = compile_query(rows_of(AUTHOR, compare(NAME, "ne", param(0, TEXT))))
    stream = compiled.rows([view], ("y",))
    assert next(stream)[0] == 0
    assert len(read) == 1
    assert compile_query(rows_of(AUTHOR, limit=param(0))).run([view], (15,))[-1][0] == 14
    assert len(read) <= 4


def test_a_json_null_is_a_value() -> None:
    value = Formula(ir.IsNull(BOOL, False, ir.Param(JSON, True, 0)), (JSON_NULL,))
    assert compile_formula(value)(()) is False
