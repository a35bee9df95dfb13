"""Generated code says what the reference says, by every plan."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelkit.errors import DataError
from modelkit.ir.query import Select, Update
from modelkit.ir.schema import Row, Table
from modelkit.stores.memory import planner
from modelkit.stores.memory.compiler import Compiled, compile_plan, compile_query
from tests.compiler.views import ListView
from tests.properties.queries import Queries, random_tables
from tests.reference import Reference

Tables = dict[Table, list[Row | None]]
MANY = settings(deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))


def typed(value: Any) -> Any:
    """`value` with the types of all its parts, so that 1, 1.0 and True differ."""
    if isinstance(value, (list, tuple)):
        return (type(value), [typed(part) for part in value])
    if isinstance(value, dict):
        return {key: typed(part) for key, part in value.items()}
    return (type(value), value)


class NoValueError(Exception):
    """A plan evaluated an expression without a value on a row that the reference never came to (x / 0)."""


def run(compiled: Compiled, tables: Tables, params: list[Any]) -> Any:
    try:
        return compiled.run([ListView(table, tables[table]) for table in compiled.tables], tuple(params))
    except DataError as error:
        raise NoValueError from error


def check_select(seed: int) -> None:
    rng = Random(seed)
    tables = random_tables(rng)
    queries = Queries(rng)
    query = queries.query()
    nulls: Any = rng.choice(("first", "last"))
    try:
        expected = typed(Reference(tables, queries.params, nulls).select(query))
    except DataError:
        return
    compiled = compile_query(query, nulls=nulls)
    assert typed(run(compiled, tables, queries.params)) == expected, compiled.source
    if query.result == "rows":
        views = [ListView(table, tables[table]) for table in compiled.tables]
        assert typed(list(compiled.rows(views, tuple(queries.params)))) == expected
    assert compiled.explain(verbose=True)
    for plan in planner.plans(query, nulls=nulls) if isinstance(query, Select) else ():
        other = compile_plan(plan)
        assert typed(run(other, tables, queries.params)) == expected, other.source


def shares(rows: list[Any], query: Select) -> dict[str, list[Any]]:
    """The rows of each owner, in their order, of a query that is dealt."""
    found: dict[str, list[Any]] = {}
    for *row, last in rows:
        dealt = [(tuple(row), owner) for owner in last] if query.dealt == "by row" else [(one, last) for one in row[0]]
        for one, owner in dealt:
            found.setdefault(repr(owner), []).append(typed((one,) if query.bare else one))
    return found


def check_dealt(seed: int) -> None:
    rng = Random(seed)
    tables = random_tables(rng)
    queries = Queries(rng)
    query = queries.dealt()
    expected: dict[str, list[Any]] = {}
    try:
        for *row, owner in Reference(tables, queries.params).select(replace(query, bare=False, dealt="")):
            expected.setdefault(repr(owner), []).append(typed(tuple(row)))
    except DataError:
        return
    compiled = compile_query(query)
    views = [ListView(table, tables[table]) for table in compiled.tables]
    assert shares(list(compiled.rows(views, tuple(queries.params))), query) == expected
    for plan in planner.plans(query):
        other = compile_plan(plan)
        assert shares(run(other, tables, queries.params), query) == expected, other.source
        assert other.explain()


def check_write(seed: int) -> None:
    rng = Random(seed)
    tables = random_tables(rng)
    queries = Queries(rng)
    statement = queries.write()
    reference = Reference(tables, queries.params)
    table = statement.target.sources[0].table
    assert table is not None
    try:
        expected = reference.update(statement) if isinstance(statement, Update) else reference.delete(statement)
    except DataError:
        return
    for plan in planner.plans(statement.target, purpose="writes"):
        compiled = compile_plan(plan, statement)
        found = sorted(run(compiled, tables, queries.params), key=lambda change: change[0])
        assert [typed(tables[table][change[0]]) for change in found] == [typed(change[1]) for change in found]
        shown = [change[1:] if isinstance(statement, Update) else change[1] for change in found]
        assert typed(shown) == typed(expected), compiled.source
        assert compiled.explain()


@MANY
@given(st.integers(0, 2**32))
def test_a_query_gives_what_the_reference_gives_by_every_plan(seed: int) -> None:
    with suppress(NoValueError):
        check_select(seed)


@MANY
@given(st.integers(0, 2**32))
def test_each_owner_is_dealt_what_is_theirs_in_order_by_every_plan(seed: int) -> None:
    with suppress(NoValueError):
        check_dealt(seed)


@MANY
@given(st.integers(0, 2**32))
def test_a_write_finds_each_row_once_by_every_plan(seed: int) -> None:
    with suppress(NoValueError):
        check_write(seed)
