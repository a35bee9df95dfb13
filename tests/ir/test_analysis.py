"""What the analysis of a query claims holds for every content of its tables."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelkit.errors import DataError
from modelkit.ir import analysis
from modelkit.ir import expr as ir
from modelkit.ir.query import RowOutput, Select, Source, ValueOutput
from modelkit.ir.schema import Table
from modelkit.ir.types import BooleanType, IntegerType
from tests.compiler.shop import AUTHOR, AUTHORS_AND_BOOKS, BOOK, BOOKS_AND_AUTHORS, both, col, compare, param
from tests.properties.queries import Queries, Scope, random_tables
from tests.reference import Environment, Reference

BOOL, INT = BooleanType(), IntegerType()
AGE = col(1, AUTHOR, "age", nullable=True)
YEAR = col(0, BOOK, "year")


def no(item: ir.Expr) -> ir.Not:
    return ir.Not(BOOL, True, item)


def either(*items: ir.Expr) -> ir.Or:
    return ir.Or(BOOL, True, items)


REJECTING: list[tuple[str, ir.Expr, bool]] = [
    ("a comparison", compare(AGE, "gt", param(0)), True),
    ("a negated comparison", no(compare(AGE, "gt", param(0))), True),
    ("is null", ir.IsNull(BOOL, False, AGE), False),
    ("is not null", no(ir.IsNull(BOOL, False, AGE)), True),
    ("or with another source", either(compare(AGE, "gt", param(0)), compare(YEAR, "gt", param(1))), False),
    ("or of two", either(compare(AGE, "gt", param(0)), compare(AGE, "lt", param(1))), True),
    ("not or with another", no(either(compare(AGE, "gt", param(0)), compare(YEAR, "gt", param(1)))), True),
    ("not and with another", no(both(compare(AGE, "gt", param(0)), compare(YEAR, "gt", param(1)))), False),
    ("django's exclude", no(both(compare(AGE, "eq", param(0)), no(ir.IsNull(BOOL, False, AGE)))), False),
    ("in a parameter", ir.In(BOOL, True, AGE, param(0)), True),
    ("not in a parameter, which may be empty", no(ir.In(BOOL, True, AGE, param(0))), False),
    ("coalesce", compare(ir.Coalesce(INT, False, (AGE, param(0))), "eq", param(1)), False),
    ("arithmetic", compare(ir.Arith(INT, True, "+", AGE, YEAR), "eq", param(1)), True),
    ("a strict function", compare(ir.Call(INT, True, ir.FunctionDef("f", abs), (AGE,)), "eq", param(1)), True),
    (
        "a lenient function",
        compare(ir.Call(INT, True, ir.FunctionDef("f", id, strict=False), (AGE,)), "eq", param(1)),
        False,
    ),
    ("xor", ir.Xor(BOOL, True, (compare(AGE, "gt", param(0)), compare(YEAR, "gt", param(1)))), True),
    ("another source alone", compare(YEAR, "gt", param(1)), False),
]


@pytest.mark.parametrize(
    ("condition", "rejects"), [case[1:] for case in REJECTING], ids=[case[0] for case in REJECTING]
)
def test_a_null_rejecting_condition_makes_a_join_inner(condition: ir.Expr, rejects: bool) -> None:
    query = Select(BOOKS_AND_AUTHORS, (RowOutput(0),), condition)
    assert analysis.inner_sources(query) == (frozenset({1}) if rejects else frozenset())


def test_a_rejecting_condition_makes_the_joins_above_it_inner() -> None:
    sources = (Source(AUTHOR), *[Source(AUTHOR, n, (3,), (0,), optional=True) for n in range(3)])
    query = Select(sources, (RowOutput(0),), compare(col(2, AUTHOR, "name"), "eq", param(0)))
    assert analysis.inner_sources(query) == {1, 2}
    assert analysis.nullable_sources(sources, frozenset({1, 2})) == {3}


def test_unread_to_one_sources_are_not_used_and_those_above_read_ones_are() -> None:
    sources = (Source(AUTHOR), *[Source(AUTHOR, n, (3,), (0,), optional=True) for n in range(3)])
    assert analysis.used_sources(Select(sources, (RowOutput(0),))) == {0}
    assert analysis.used_sources(Select(sources, (RowOutput(2),))) == {0, 1, 2}
    assert analysis.used_sources(Select(AUTHORS_AND_BOOKS, (RowOutput(0),))) == {0, 1}
    assert analysis.used_sources(Select(AUTHORS_AND_BOOKS, (RowOutput(0),)), multiplicity=False) == {0}


def test_what_an_inner_query_reads_of_the_query_around_it() -> None:
    outer = ir.Outer(INT, True, AGE)
    inner = Select((Source(BOOK),), (RowOutput(0),), compare(YEAR, "eq", outer))
    deeper = Select((Source(BOOK),), (RowOutput(0),), compare(YEAR, "eq", ir.Outer(INT, True, outer)))
    middle = Select((Source(BOOK),), (RowOutput(0),), ir.Exists(BOOL, False, deeper))
    free = Select((Source(BOOK),), (RowOutput(0),), ir.Exists(BOOL, False, inner))
    assert analysis.sources_of(ir.Exists(BOOL, False, inner)) == {1}
    assert analysis.sources_of(ir.Exists(BOOL, False, middle)) == {1}
    assert analysis.sources_of(ir.Exists(BOOL, False, free)) == frozenset()
    assert [analysis.is_correlated(query) for query in (inner, middle, free)] == [True, True, False]
    assert analysis.tables_of(Select((Source(AUTHOR),), (RowOutput(0),), ir.Exists(BOOL, False, inner))) == (
        AUTHOR,
        BOOK,
    )


def test_the_tables_of_a_query_are_those_too_that_an_inner_one_asks_for_around_it() -> None:
    asked = ir.Subquery(INT, True, Select((Source(BOOK),), (ValueOutput(YEAR),)))
    inner = Select((Source(AUTHOR),), (RowOutput(0),), compare(ir.Outer(INT, True, asked), "eq", param(0)))
    query = Select((Source(AUTHOR),), (RowOutput(0),), ir.Exists(BOOL, False, inner))
    assert analysis.tables_of(query) == (AUTHOR, BOOK)
    assert analysis.readings(query) == [AUTHOR, AUTHOR, BOOK]


def test_preorder_puts_a_branch_before_the_next() -> None:
    sources = (Source(AUTHOR), *[Source(BOOK, parent) for parent in (0, 0, 1, 2, 1)])
    assert analysis.preorder(sources) == (0, 1, 3, 5, 2, 4)


def test_conjuncts_open_and_and_not_or() -> None:
    a, b, c = (compare(YEAR, "eq", param(n)) for n in range(3))
    assert analysis.conjuncts(both(a, both(b, c))) == (a, b, c)
    assert analysis.conjuncts(no(either(a, no(b)))) == (no(a), b)
    assert analysis.conjuncts(None) == ()
    assert analysis.conjunction((a,)) is a


@settings(deadline=None, max_examples=400)
@given(st.integers(0, 2**32))
def test_a_condition_said_to_reject_nulls_is_never_true_for_them(seed: int) -> None:
    rng = Random(seed)
    tables = random_tables(rng)
    queries = Queries(rng)
    sources = queries.sources(3)
    if any(source.table is None or not _first(tables, source.table) for source in sources):
        return
    condition = Scope(queries, sources).condition(2)
    missing = frozenset({len(sources) - 1})
    rows: list[Any] = [None if n in missing else _first(tables, source.table) for n, source in enumerate(sources)]
    if analysis.rejects_null(condition, missing):
        try:
            assert Reference(tables, queries.params).value(condition, Environment(rows)) is not True
        except DataError:
            return


def _first(tables: dict[Table, Any], table: Table | None) -> Any:
    return next((row for row in tables[table] if row is not None), None) if table is not None else None
