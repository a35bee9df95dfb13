"""Groups, aggregates over them, and queries put together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modelkit.expressions import accumulators
from modelkit.ir import expr as ir
from modelkit.ir.query import Compound, RowOutput, Select, Source, ValueOutput
from modelkit.stores.memory.compiler import compile_query
from tests.compiler.shop import (
    AUTHOR,
    AUTHORS_AND_BOOKS,
    BOOK,
    BOOL,
    INT,
    TEXT,
    Ran,
    col,
    compare,
    param,
    rows_of,
)

COUNT = accumulators.COUNT
SUM = ir.AggregateDef("SUM", int, lambda state, value: state + value, lambda state: state)
JOIN = ir.AggregateDef("JOIN", list, lambda state, value: [*state, value], "".join)
ALL = ir.Aggregate(INT, False, COUNT, ())
NAME, COUNTRY, AGE = (col(0, AUTHOR, name) for name in ("name", "country", "age"))
TITLE = col(1, BOOK, "title", nullable=True)


def grouped(group: tuple[ir.Expr, ...], *outputs: ir.Expr, sources: Any = None, **options: Any) -> Select:
    return Select(sources or (Source(AUTHOR),), tuple(map(ValueOutput, outputs)), group=group, **options)


def test_rows_are_counted_by_group_in_the_order_in_which_groups_are_met() -> None:
    ran = Ran(grouped((COUNTRY,), COUNTRY, ALL))
    assert ran.result == [("fr", 1), ("de", 2), (None, 1)]
    assert "Counter_0(keys)" in ran.compiled.source


def test_no_group_is_one_group_even_of_no_rows() -> None:
    total = ir.Aggregate(INT, True, SUM, (AGE,))
    assert Ran(grouped((), ALL, total)).result == [(4, 120)]
    assert Ran(grouped((), ALL, total, where=compare(AGE, "gt", param(0))), 99).result == [(0, None)]
    assert Ran(grouped((), ALL, total, where=compare(param(0), "gt", param(0))), 99).result == [(0, None)]
    assert Ran(grouped((), ALL, result="count"), 99).result == 1
    assert Ran(grouped((COUNTRY,), ALL, where=compare(AGE, "gt", param(0)), result="exists"), 99).result is False


def test_an_aggregate_over_a_left_join_leaves_out_nulls() -> None:
    books = ir.Aggregate(INT, False, COUNT, (col(1, BOOK, "id", nullable=True),))
    ran = Ran(grouped((col(0, AUTHOR, "id"),), NAME, books, sources=AUTHORS_AND_BOOKS))
    assert ran.result == [("cy", 0), ("ann", 2), ("bob", 1), ("di", 1)]


def test_aggregates_take_a_condition_distinct_values_and_an_order() -> None:
    ages = ir.Aggregate(INT, True, SUM, (AGE,), where=compare(AGE, "lt", param(0)))
    countries = ir.Aggregate(INT, False, COUNT, (COUNTRY,), distinct=True)
    titles = ir.Aggregate(TEXT, True, JOIN, (TITLE,), order=(ir.SortKey(TITLE, True),))
    assert Ran(grouped((), ages, countries), 50).result == [(70, 2)]
    assert Ran(grouped((), titles, sources=AUTHORS_AND_BOOKS)).result == [("yxyloxax",)]


def test_having_order_and_limit_are_of_groups() -> None:
    many = compare(ALL, "ge", param(0))
    assert Ran(grouped((COUNTRY,), COUNTRY, having=many, bare=True), 2).result == ["de"]
    by_count = grouped((COUNTRY,), COUNTRY, ALL, order=(ir.SortKey(ALL, True), ir.SortKey(COUNTRY)), limit=param(0))
    assert Ran(by_count, 2).result == [("de", 2), (None, 1)]
    assert Ran(grouped((COUNTRY,), COUNTRY, result="count")).result == 3


def test_an_aggregate_named_twice_is_computed_once() -> None:
    source = compile_query(grouped((COUNTRY,), ALL, ALL, having=compare(ALL, "ge", param(0)))).source
    assert "[(count0, count0) for count0 in Counter_0(keys).values() if count0 >= p0]" in source


def test_an_inner_query_may_be_grouped_and_read_the_outer_groups() -> None:
    own = compare(col(0, BOOK, "author_id"), "eq", ir.Outer(INT, False, col(0, AUTHOR, "id")))
    counted = Select((Source(BOOK),), (ValueOutput(ALL),), own, group=(), bare=True)
    ran = Ran(Select((Source(AUTHOR),), (ValueOutput(NAME), ValueOutput(ir.Subquery(INT, True, counted)))))
    assert ran.result == [("cy", 0), ("ann", 2), ("bob", 1), ("di", 1)]
    above = compare(AGE, "gt", ir.Outer(INT, True, ALL))
    nested = Select((Source(AUTHOR),), (ValueOutput(ALL),), above, group=(), bare=True)
    assert Ran(grouped((COUNTRY,), COUNTRY, ir.Subquery(INT, True, nested))).result == [("fr", 3), ("de", 3), (None, 3)]


def test_a_value_may_be_how_many_rows_an_inner_query_has() -> None:
    own = compare(col(0, BOOK, "author_id"), "eq", ir.Outer(INT, False, col(0, AUTHOR, "id")))
    books = Select((Source(BOOK),), (ValueOutput(ir.Const(INT, False, 1)),), own, result="count")
    ran = Ran(Select((Source(AUTHOR),), (ValueOutput(NAME), ValueOutput(ir.Subquery(INT, False, books)))))
    assert ran.result == [("cy", 0), ("ann", 2), ("bob", 1), ("di", 1)]
    many = Ran(rows_of(AUTHOR, compare(ir.Subquery(INT, False, books), "gt", param(0))), 1)
    assert many.keys == [1]
    assert "where the number of rows of query 1 > $0" in many.compiled.explain()
    both = Compound("union all", (replace(books, result="rows"), replace(books, result="rows")), result="count")
    assert Ran(Select((Source(AUTHOR),), (ValueOutput(ir.Subquery(INT, False, both)),), bare=True)).result == [
        0,
        4,
        2,
        2,
    ]


def test_the_first_group_for_each_value_of_an_aggregate() -> None:
    order = (ir.SortKey(COUNTRY, True),)
    query = grouped((COUNTRY,), COUNTRY, ALL, order=order, distinct_on=(ALL,))
    assert Ran(query).result == [("fr", 1), ("de", 2)]


def test_a_query_can_stand_for_a_table() -> None:
    ages = Select((Source(AUTHOR),), (ValueOutput(AGE),), order=(ir.SortKey(AGE, True, "last"),), limit=param(0))
    total = ir.Aggregate(INT, True, SUM, (ir.Col(INT, True, 0, 0),))
    assert Ran(Select((Source(None, rows=ages),), (ValueOutput(total),), group=(), bare=True), 2).result == [90]


PARTS = (
    rows_of(AUTHOR, compare(COUNTRY, "eq", param(0, TEXT))),
    rows_of(AUTHOR, compare(AGE, "ge", param(1))),
)


@pytest.mark.parametrize(
    ("operator", "expected"),
    [("union", [1, 4, 2]), ("union all", [1, 4, 2, 4]), ("intersect", [4]), ("except", [1])],
)
def test_queries_are_put_together_in_the_order_of_their_parts(operator: Any, expected: list[int]) -> None:
    assert [row[0] for row in Ran(Compound(operator, PARTS, bare=True), "de", 40).result] == expected
    assert Ran(Compound(operator, PARTS, result="count"), "de", 40).result == len(expected)
    assert Ran(Compound(operator, PARTS, result="exists"), "de", 40).result is True
    assert operator.capitalize() in compile_query(Compound(operator, PARTS)).explain()


def test_a_compound_query_is_ordered_and_sliced_as_a_whole() -> None:
    parts = tuple(Select((Source(AUTHOR),), (ValueOutput(expr), ValueOutput(AGE))) for expr in (NAME, COUNTRY))
    query = Compound("union", parts, order=((0, True, "last"),), limit=param(0), offset=param(1))
    assert Ran(query, 3, 1).result == [("di", 50), ("de", 30), ("de", 50)]
    inner = Compound("union all", tuple(Select((Source(AUTHOR),), (ValueOutput(expr),)) for expr in (NAME, COUNTRY)))
    assert Ran(rows_of(AUTHOR, ir.In(BOOL, True, COUNTRY, inner))).keys == [3, 1, 4]


def test_rows_of_a_left_joined_source_may_stand_beside_aggregates() -> None:
    query = Select(AUTHORS_AND_BOOKS, (RowOutput(0), ValueOutput(ALL)), group=(col(0, AUTHOR, "id"),), limit=param(0))
    assert Ran(query, 1).result == [((3, "cy", "fr", None), 1)]


def test_an_aggregate_begins_with_its_group_where_every_row_has_a_value() -> None:
    number = ir.Aggregate(INT, False, accumulators.COUNT, (NAME,))
    ages = ir.Aggregate(INT, True, accumulators.SUM, (AGE,))
    source = compile_query(grouped((COUNTRY,), COUNTRY, number, ages)).source
    assert "= [1, None]" in source
    assert "if group[1] is None:" in source
    assert "r0" not in source.partition("out = ")[2], "what is grouped by is the key, and no row is kept"


def test_all_rows_as_one_group_have_states_in_names_of_their_own() -> None:
    oldest = ir.Aggregate(INT, True, accumulators.MAX, (AGE,))
    source = compile_query(grouped((), oldest)).source
    assert "groups" not in source
    assert "if max0 is None:" in source


def test_a_group_keeps_its_first_row_where_more_than_its_key_is_read() -> None:
    ran = Ran(grouped((COUNTRY,), NAME, ALL))
    assert [count for _, count in ran.result] == [1, 2, 1]
    assert "groups[key] = [r0, 1]" in ran.compiled.source


def test_a_key_is_known_by_its_name_in_an_inner_query() -> None:
    fellow = Select(
        (Source(AUTHOR),),
        (ValueOutput(ir.Aggregate(INT, False, accumulators.COUNT, ())),),
        where=compare(COUNTRY, "eq", ir.Outer(TEXT, True, COUNTRY)),
        group=(COUNTRY,),
        bare=True,
    )
    ran = Ran(grouped((COUNTRY,), COUNTRY, ir.Subquery(INT, True, fellow)))
    assert ran.result == [("fr", 1), ("de", 2), (None, None)]
