"""Which plan the rules choose, and what explain() says of it."""

from __future__ import annotations

from typing import Any

import pytest

from modelkit.ir import expr as ir
from modelkit.ir.query import Delete, RowOutput, Select, Source
from modelkit.stores.memory import planner, steps
from modelkit.stores.memory.compiler import compile_query
from tests.compiler.shop import (
    AUTHOR,
    AUTHORS_AND_BOOKS,
    BOOK,
    BOOKS_AND_AUTHORS,
    BOOL,
    JSON,
    ROWS,
    TEXT,
    WORD,
    Ran,
    both,
    col,
    compare,
    param,
    rows_of,
)
from tests.compiler.views import ListView

AGE, NAME, COUNTRY, KEY = (col(0, AUTHOR, name) for name in ("age", "name", "country", "id"))


def access(query: Select, **options: Any) -> steps.Access:
    return planner.plan(query, **options).steps[0].access


def test_a_primary_key_is_probed() -> None:
    ran = Ran(rows_of(AUTHOR, compare(KEY, "eq", param(0))), 2)
    assert ran.keys == [2]
    assert ran.calls == {"find"}
    assert ran.compiled.probes
    assert ran.compiled.source == (
        "def run(views, params):\n"
        "    r0 = views[0].find(0, params[0])\n"
        "    if r0 is not None:\n"
        "        return [r0]\n"
        "    return []\n"
    )


def test_a_unique_column_is_probed_whatever_else_is_asked() -> None:
    ran = Ran(
        rows_of(AUTHOR, both(compare(COUNTRY, "eq", param(1, TEXT)), compare(NAME, "eq", param(0, TEXT)))), "di", "de"
    )
    assert ran.keys == [4]
    assert ran.calls == {"find"}


def test_equality_and_null_read_a_bucket() -> None:
    assert Ran(rows_of(AUTHOR, compare(COUNTRY, "eq", param(0, TEXT))), "de").calls == {"bucket"}
    absent = Ran(rows_of(AUTHOR, ir.IsNull(BOOL, False, COUNTRY)))
    assert absent.calls == {"bucket"}
    assert absent.keys == [2]


def test_a_parameter_that_may_be_null_finds_no_nulls_in_a_bucket() -> None:
    ran = Ran(rows_of(AUTHOR, compare(COUNTRY, "eq", param(0, TEXT, nullable=True))), None)
    assert ran.result == []


def test_a_composite_index_serves_equality_of_all_its_columns() -> None:
    where = both(compare(col(0, BOOK, "year"), "eq", param(1)), compare(col(0, BOOK, "author_id"), "eq", param(0)))
    chosen = access(rows_of(BOOK, where))
    assert isinstance(chosen, steps.Shorter | steps.Bucket)
    assert Ran(rows_of(BOOK, where), 1, 2000).keys == [1]


def test_of_two_buckets_the_shorter_is_read_at_run_time() -> None:
    where = both(compare(COUNTRY, "eq", param(0, TEXT)), compare(AGE, "eq", param(1)))
    query = rows_of(AUTHOR, where)
    assert isinstance(access(query), steps.Shorter)
    assert Ran(query, "de", 50).keys == [4]


def test_members_are_probed_and_come_in_slot_order() -> None:
    ran = Ran(rows_of(AUTHOR, ir.In(BOOL, True, KEY, param(0))), (4, 99))
    assert isinstance(access(rows_of(AUTHOR, ir.In(BOOL, True, KEY, param(0)))), steps.Keys)
    assert ran.keys == [4]
    assert Ran(rows_of(AUTHOR, ir.In(BOOL, True, KEY, param(0))), (4, 3, 2, 1)).keys == [3, 1, 2, 4]


def either(*items: ir.Expr) -> ir.Expr:
    return ir.Or(BOOL, True, items)


def test_alternatives_that_all_have_a_path_are_read_together_in_slot_order() -> None:
    where = either(
        compare(COUNTRY, "eq", param(0, TEXT)), ir.In(BOOL, True, KEY, param(1)), compare(AGE, "eq", param(2))
    )
    query = rows_of(AUTHOR, where)
    assert isinstance(access(query), steps.Union)
    ran = Ran(query, "de", (1, 4), 50)
    assert ran.calls == {"bucket", "find"}
    assert ran.compiled.probes
    assert ran.keys == [row[0] for row in ROWS[AUTHOR] if row and (row[2] == "de" or row[0] in (1, 4) or row[3] == 50)]
    assert "where" not in ran.compiled.explain()
    assert ran.compiled.explain() == (
        "Select from author\n"
        "  find author by any of index by_country (country = $0), primary key (id in $1), index by_age (age = $2)"
    )


def test_what_an_alternative_asks_beside_its_key_is_tested() -> None:
    where = either(
        both(compare(COUNTRY, "eq", param(0, TEXT)), compare(AGE, "gt", param(1))), compare(KEY, "eq", param(2))
    )
    ran = Ran(rows_of(AUTHOR, where), "de", 30, 1)
    assert ran.keys == [
        row[0] for row in ROWS[AUTHOR] if row and ((row[2] == "de" and row[3] and row[3] > 30) or row[0] == 1)
    ]


def test_an_alternative_without_a_path_leaves_a_scan() -> None:
    where = either(compare(col(0, BOOK, "id"), "eq", param(0)), compare(col(0, BOOK, "year"), "eq", param(1)))
    assert isinstance(access(rows_of(BOOK, where)), steps.Scan)


def test_a_bucket_comes_before_alternatives() -> None:
    where = both(
        compare(COUNTRY, "eq", param(0, TEXT)), either(compare(AGE, "eq", param(1)), compare(KEY, "eq", param(2)))
    )
    assert isinstance(access(rows_of(AUTHOR, where)), steps.Bucket)


def test_a_write_finds_alternatives_once() -> None:
    where = either(compare(COUNTRY, "eq", param(0, TEXT)), compare(AGE, "ge", param(1)))
    compiled = compile_query(Delete(rows_of(AUTHOR, where)))
    found = compiled.run([ListView(AUTHOR, ROWS[AUTHOR])], ("de", 0))
    expected = [(slot, row) for slot, row in enumerate(ROWS[AUTHOR]) if row and (row[2] == "de" or row[3] is not None)]
    assert found == expected


def test_a_range_is_a_span_whose_rows_come_in_slot_order() -> None:
    where = both(compare(AGE, "ge", param(0)), compare(param(1), "gt", AGE))
    ran = Ran(rows_of(AUTHOR, where), 30, 50)
    assert "span" in ran.calls
    assert ran.keys == [1, 2]


def test_a_prefix_is_a_span() -> None:
    where = ir.Match(BOOL, True, "startswith", False, col(0, BOOK, "title"), param(0, TEXT))
    ran = Ran(rows_of(BOOK, where), "x")
    assert "span" in ran.calls
    assert ran.keys == [5, 3, 1]
    assert Ran(rows_of(BOOK, where), "").keys == [5, 2, 3, 4, 1]


def test_an_order_by_an_indexed_column_is_walked_where_few_rows_are_asked_for() -> None:
    order = (ir.SortKey(AGE, True),)
    few = Ran(rows_of(AUTHOR, order=order, limit=param(0)), 2)
    assert few.keys == [4, 2]
    assert few.calls == {"span"}
    assert "span" not in Ran(rows_of(AUTHOR, order=order)).calls


def test_an_order_that_wants_nulls_elsewhere_is_sorted() -> None:
    order = (ir.SortKey(AGE, False, "last"),)
    ran = Ran(rows_of(AUTHOR, order=order, limit=param(0)), 4)
    assert ran.keys == [1, 2, 4, 3]
    assert "span" not in ran.calls


@pytest.mark.parametrize("nulls", ["first", "last"])
def test_the_store_says_where_nulls_stand(nulls: Any) -> None:
    query = rows_of(AUTHOR, order=(ir.SortKey(AGE),))
    assert Ran(query, nulls=nulls).keys == ([3, 1, 2, 4] if nulls == "first" else [1, 2, 4, 3])
    backwards = rows_of(AUTHOR, order=(ir.SortKey(AGE, True),), limit=param(0))
    assert Ran(backwards, 4, nulls=nulls).keys == ([4, 2, 1, 3] if nulls == "first" else [3, 4, 2, 1])


def test_a_filter_on_a_joined_table_starts_there() -> None:
    query = Select(
        BOOKS_AND_AUTHORS, (RowOutput(0),), compare(col(1, AUTHOR, "country"), "eq", param(0, TEXT)), bare=True
    )
    ran = Ran(query, "de")
    assert ran.keys == [5, 3, 1]
    assert ran.calls == {"bucket"}
    assert ran.compiled.probes


def test_a_filter_on_a_to_many_table_gives_a_row_for_each_match_in_slot_order() -> None:
    query = Select(AUTHORS_AND_BOOKS, (RowOutput(0),), compare(col(1, BOOK, "title"), "eq", param(0, TEXT)), bare=True)
    assert Ran(query, "xa").keys == [1]
    either = ir.In(BOOL, True, col(1, BOOK, "title"), param(0, TEXT))
    assert Ran(Select(AUTHORS_AND_BOOKS, (RowOutput(0),), either, bare=True), ("x", "xa", "y", "xylo")).keys == [
        1,
        1,
        2,
        4,
    ]


def test_a_table_without_a_path_is_joined_by_a_hash_table() -> None:
    sources = (Source(AUTHOR), Source(WORD, 0, (1,), (0,), many=True, optional=True))
    ran = Ran(Select(sources, (RowOutput(0), RowOutput(1))))
    assert [row[1] for row in ran.result] == [("cy", 3), ("ann", 1), None, None]


def test_an_unread_to_one_source_is_left_out() -> None:
    query = Select(BOOKS_AND_AUTHORS, (RowOutput(0),), bare=True)
    assert compile_query(query).tables == (BOOK,)
    counted = Select(BOOKS_AND_AUTHORS, (RowOutput(0), RowOutput(1)), result="count")
    assert compile_query(counted).tables == (BOOK,)


def test_an_unread_to_many_source_multiplies_rows_but_not_existence() -> None:
    assert len(Ran(Select(AUTHORS_AND_BOOKS, (RowOutput(0),), bare=True)).result) == 5
    assert compile_query(Select(AUTHORS_AND_BOOKS, (RowOutput(0),), result="exists")).tables == (AUTHOR,)
    assert compile_query(Delete(Select(AUTHORS_AND_BOOKS, (RowOutput(0),), bare=True))).tables == (AUTHOR,)


def test_counts_that_a_view_knows_read_no_rows() -> None:
    assert "size()" in compile_query(rows_of(AUTHOR, result="count")).source
    bucket = compile_query(rows_of(AUTHOR, compare(COUNTRY, "eq", param(0, TEXT)), result="count"))
    assert "bucket_size" in bucket.source
    assert bucket.run([ListView(AUTHOR, ROWS[AUTHOR])], ("de",)) == 2


def test_a_json_parameter_probes_json_columns_only() -> None:
    where = compare(col(0, AUTHOR, "id"), "eq", param(0, JSON))
    assert isinstance(access(rows_of(AUTHOR, where)), steps.Scan)
    assert Ran(rows_of(AUTHOR, where), [1]).result == []


def test_conditions_are_tested_before_the_next_join() -> None:
    where = both(
        compare(col(1, AUTHOR, "age", nullable=True), "gt", param(0)), compare(col(0, BOOK, "year"), "ge", param(1))
    )
    plan = next(
        p
        for p in planner.plans(Select(BOOKS_AND_AUTHORS, (RowOutput(0),), where))
        if isinstance(p.steps[0].access, steps.Scan)
    )
    assert [len(step.conditions) for step in plan.steps] == [1, 1]
    assert not plan.missing


def test_explain_names_tables_indexes_and_conditions() -> None:
    where = both(
        compare(col(1, AUTHOR, "country", nullable=True), "eq", param(0, TEXT)),
        compare(col(0, BOOK, "year"), "ge", param(1)),
    )
    query = Select(
        BOOKS_AND_AUTHORS,
        (RowOutput(0), RowOutput(1)),
        where,
        (ir.SortKey(col(0, BOOK, "title"), True),),
        limit=param(2),
    )
    assert compile_query(query).explain() == (
        "Select from book\n"
        "  find author by index by_country (country = $0)\n"
        "  from each its book by index its_author\n"
        "  where book.year >= $1\n"
        "  join author by primary key (id = book.author_id)\n"
        "  keep the first by book.title descending\n"
        "  stop after $2"
    )
    scan = compile_query(rows_of(WORD, compare(col(0, WORD, "weight"), "gt", param(0))))
    assert (
        scan.explain(views=[ListView(WORD, ROWS[WORD])])
        == "Select from word\n  scan word (3 rows)\n  where weight > $0"
    )
    assert scan.explain(verbose=True).endswith(scan.source)


def test_every_entry_is_listed() -> None:
    where = both(compare(AGE, "ge", param(0)), compare(COUNTRY, "eq", param(1, TEXT)))
    kinds = {
        type(plan.steps[0].access).__name__ for plan in planner.plans(rows_of(AUTHOR, where, order=(ir.SortKey(AGE),)))
    }
    assert kinds == {"Scan", "Bucket", "Span"}


def test_an_unindexed_filter_on_a_to_one_table_is_answered_once_unless_that_table_is_much_larger() -> None:
    sources = (Source(BOOK), Source(WORD, 0, (1,), (0,), optional=True))
    query = Select(sources, (RowOutput(0),), compare(col(1, WORD, "weight", nullable=True), "gt", param(0)), bare=True)
    compiled = compile_query(query)
    assert compiled.tables == (BOOK, WORD)
    books: list[Any] = [(1, "a", None, 2000, None), (2, "b", None, 2001, None)]
    few, many = [("b", 1), ("a", 0)], [("b", 1), ("a", 0), *[(f"w{n}", n) for n in range(100)]]
    for words, expected in ((few, "members0"), (many, "by_key0")):
        views = [ListView(BOOK, books), ListView(WORD, words)]
        assert compiled.run(views, (0,)) == [books[1]]
        assert list(compiled.rows(views, (0,))) == [books[1]]
        assert expected in compiled.explain(verbose=True, views=views)
    assert "members0" in compiled.source
