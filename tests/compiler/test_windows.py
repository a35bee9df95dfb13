"""Window functions: what each gives, and how their rows are found, kept and sorted."""

from __future__ import annotations

from typing import Any

import pytest

from modelkit.ir import expr as ir
from modelkit.ir.query import RowOutput, Select, Source, ValueOutput
from modelkit.stores.memory.compiler import frames
from tests.compiler.shop import AUTHOR, AUTHORS_AND_BOOKS, BOOK, BOOL, INT, Ran, col, compare, param

COUNT = ir.AggregateDef("COUNT", int, lambda state, _: state + 1, int, empty=0)
SUM = ir.AggregateDef("SUM", int, lambda state, value: state + value, int)
MERGED = ir.AggregateDef("SUM", int, lambda state, value: state + value, int, merge=lambda one, two: one + two)
NAME, COUNTRY, AGE = (col(0, AUTHOR, name) for name in ("name", "country", "age"))
BY_AGE, BY_NAME = (ir.SortKey(AGE),), (ir.SortKey(NAME),)


def window(function: Any, *args: ir.Expr, by: tuple[ir.Expr, ...] = (), order: Any = (), **options: Any) -> ir.Window:
    return ir.Window(INT, True, function, args, by, order, **options)


def of_authors(*windows: ir.Expr, **options: Any) -> Select:
    """The authors cy (fr, no age), ann (de, 30), bob (no country, 40), di (de, 50), in this order, with `windows`."""
    return Select((Source(AUTHOR),), tuple(map(ValueOutput, (NAME, *windows))), **options)


def column(function: Any, *args: ir.Expr, **options: Any) -> list[Any]:
    return [row[1] for row in Ran(of_authors(window(function, *args, **options)), 1, 2, 3).result]


def test_ranks_count_rows_and_peers() -> None:
    assert column("row_number", order=BY_NAME) == [3, 1, 2, 4]
    country = (ir.SortKey(COUNTRY),)
    assert column("rank", order=country) == [4, 2, 1, 2]
    assert column("dense_rank", order=country) == [3, 2, 1, 2]
    assert column("percent_rank", order=country) == [1.0, 1 / 3, 0.0, 1 / 3]
    assert column("cume_dist", order=country) == [1.0, 0.75, 0.25, 0.75]
    assert column("rank") == [1, 1, 1, 1]
    assert column("percent_rank", by=(NAME,)) == [0.0] * 4


def test_tiles_are_even_and_the_first_take_one_more() -> None:
    assert column("ntile", param(2), order=BY_NAME) == [2, 1, 1, 3]
    assert column("ntile", param(1), order=BY_NAME) == [2, 1, 1, 2]


def test_neighbours_stay_inside_the_partition() -> None:
    assert column("lag", NAME, param(0), by=(COUNTRY,), order=BY_NAME) == [None, None, None, "ann"]
    assert column("lead", NAME, param(0), by=(COUNTRY,), order=BY_NAME) == [None, "di", None, None]
    assert column("lead", NAME, param(0), COUNTRY, by=(COUNTRY,), order=BY_NAME) == ["fr", "di", None, "de"]
    assert column("lag", NAME, param(1), order=BY_NAME) == ["ann", None, None, "bob"]


def test_nulls_sort_where_the_key_says() -> None:
    assert column("row_number", order=(ir.SortKey(AGE),)) == [1, 2, 3, 4]
    assert column("row_number", order=(ir.SortKey(AGE, nulls="last"),)) == [4, 1, 2, 3]
    assert column("row_number", order=(ir.SortKey(AGE, True),)) == [4, 3, 2, 1]


@pytest.mark.parametrize("total", [SUM, MERGED])
def test_an_aggregate_reads_its_frame(total: ir.AggregateDef) -> None:
    assert column(total, AGE) == [120] * 4
    assert column(total, AGE, order=BY_AGE) == [None, 30, 70, 120]
    assert column(total, AGE, order=BY_AGE, frame=ir.Frame("rows", -1, 0)) == [None, 30, 70, 90]
    assert column(total, AGE, order=BY_AGE, frame=ir.Frame("rows", 1, None)) == [120, 90, 50, None]
    assert column(total, AGE, order=BY_AGE, frame=ir.Frame("range", -10, 10)) == [None, 70, 120, 90]
    assert column(total, AGE, order=BY_AGE, frame=ir.Frame("rows", None, None, "current row")) == [120, 90, 80, 70]
    assert column(COUNT, order=(ir.SortKey(COUNTRY),), frame=ir.Frame("rows", None, None, "group")) == [3, 2, 3, 2]
    assert column(COUNT, order=(ir.SortKey(COUNTRY),), frame=ir.Frame("rows", None, None, "ties")) == [4, 3, 4, 3]


def test_a_moving_frame_is_merged_from_runs_in_their_order() -> None:
    joined = ir.AggregateDef("JOIN", str, str.__add__, str, merge=str.__add__)
    letters = [chr(97 + number) for number in range(26)]
    order = frames.partitions(26, None, [(letters, False, None)])
    found = frames.framed(order, letters, joined, ir.Frame("rows", -11, 9))
    text = "".join(letters)
    assert found == [text[max(at - 11, 0) : at + 10] for at in range(26)]


def test_values_of_the_frame() -> None:
    assert column("first_value", NAME, order=BY_NAME) == ["ann"] * 4
    assert column("last_value", NAME, order=BY_NAME) == ["cy", "ann", "bob", "di"]
    assert column("nth_value", NAME, param(1), order=BY_NAME) == ["bob", None, "bob", "bob"]
    empty = ir.Frame("rows", 4, 5)
    assert column("first_value", NAME, order=BY_NAME, frame=empty) == [None] * 4


def test_windows_read_the_rows_that_where_keeps_and_qualify_keeps_some_of_these() -> None:
    number = window("row_number", order=BY_NAME)
    adult = compare(AGE, "ge", param(0))
    second = compare(number, "eq", param(1))
    assert Ran(of_authors(number, where=adult, qualify=second), 35, 1).result == [("bob", 1)]
    assert Ran(of_authors(where=adult, qualify=second, result="count"), 35, 1).result == 1
    assert Ran(of_authors(where=adult, qualify=second, result="exists"), 35, 9).result is False
    assert Ran(of_authors(qualify=compare(number, "gt", param(0)), limit=param(1)), 1, 2).result == [("cy",), ("bob",)]


def test_a_filter_of_an_aggregate_keeps_rows_of_its_frame() -> None:
    older = window(SUM, AGE, where=compare(AGE, "gt", param(0)))
    assert [row[1] for row in Ran(of_authors(older), 35).result] == [90] * 4


def test_windows_over_groups_read_their_aggregates() -> None:
    total = ir.Aggregate(INT, True, SUM, (AGE,))
    ranked = window("rank", order=(ir.SortKey(total, True, "last"),))
    share = window(SUM, total)
    query = Select(
        (Source(AUTHOR),), tuple(map(ValueOutput, (COUNTRY, total, ranked, share))), group=(COUNTRY,),
        having=compare(total, "gt", param(0)), order=(ir.SortKey(ranked),),
    )  # fmt: skip
    assert Ran(query, 0).result == [("de", 80, 1, 120), (None, 40, 2, 120)]


def test_rows_are_numbered_as_they_are_stored_on_every_path() -> None:
    number = window("row_number")
    ran = Ran(of_authors(number, order=(ir.SortKey(AGE, True),)))
    assert ran.result == [("di", 4), ("bob", 3), ("ann", 2), ("cy", 1)]


def test_windows_of_one_order_sort_once_and_share_their_columns() -> None:
    by, order = (COUNTRY,), BY_AGE
    source = Ran(of_authors(window("rank", by=by, order=order), window(SUM, AGE, by=by, order=order))).compiled.source
    assert source.count("= partitions") == 1
    assert source.count("[r0[3] for r0 in rows]") == 1


def test_joined_rows_are_kept_side_by_side() -> None:
    books = window(COUNT, col(1, BOOK, "id", nullable=True), by=(NAME,))
    query = Select(AUTHORS_AND_BOOKS, (RowOutput(1), ValueOutput(books)), order=BY_NAME)
    assert [row[1] for row in Ran(query).result] == [2, 2, 1, 0, 1]


def test_an_inner_query_ranks_for_each_outer_row() -> None:
    other = col(0, AUTHOR, "country")
    same = compare(other, "eq", ir.Outer(other.type, True, other))
    ranked = window("rank", order=(ir.SortKey(AGE, True),))
    best = Select((Source(AUTHOR),), (ValueOutput(NAME),), same, (ir.SortKey(ranked),), limit=param(0), bare=True)
    query = Select((Source(AUTHOR),), (ValueOutput(ir.Subquery(NAME.type, True, best)),), bare=True)
    assert Ran(query, 1).result == ["cy", "di", None, "di"]


def test_explain_says_what_a_window_is_over() -> None:
    ranked = window("rank", by=(COUNTRY,), order=(ir.SortKey(AGE, True),))
    total = window(SUM, AGE, order=BY_AGE, frame=ir.Frame("rows", -1, None, "ties"))
    text = Ran(of_authors(ranked, total, qualify=ir.Compare(BOOL, False, "eq", ranked, param(0))), 1).compiled.explain()
    assert "over rows: rank() for each country in order of age descending" in text
    assert "over rows: SUM(age) in order of age over rows from 1 before to the last without its peers" in text
    assert "of these, where rank() for each country in order of age descending = $0" in text
