"""Queries and writes on the memory store itself, in autocommit, under a snapshot, and over a transaction's own writes."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from modelkit.errors import DataError, IntegrityError
from modelkit.ir.query import Delete, RowOutput, Select, Source, Update
from modelkit.ir.schema import Row, Table
from modelkit.stores.memory.store import MemoryStore
from tests.properties.queries import SCHEMA, Queries, random_tables
from tests.properties.test_generated_code import MANY, typed
from tests.reference import Reference

Tables = dict[Table, list[Row | None]]

ANYTHING = Select((Source(SCHEMA[0]),), (RowOutput(0),))


def filled(tables: Tables) -> MemoryStore:
    """A store with the rows of `tables`."""
    store = MemoryStore()
    store.define(SCHEMA)
    transaction = store.begin(isolation="snapshot")
    for table, rows in tables.items():
        transaction.insert(table, [row for row in rows if row is not None])
    transaction.commit()
    return store


def check(session: Any, tables: Tables, rng: Random, count: int = 3) -> None:
    """Random queries on `session` give what the reference gives over `tables`."""
    for _ in range(count):
        queries = Queries(rng)
        query = queries.query()
        try:
            expected = typed(Reference(tables, queries.params).select(query))
        except DataError:
            continue
        with suppress(DataError):
            found = session.select(query, tuple(queries.params))
            assert typed(found) == expected, session.explain(query, verbose=True)
            if query.result == "rows":
                streamed = [row for rows in session.stream(query, tuple(queries.params), 2) for row in rows]
                assert typed(streamed) == expected


def write(session: Any, tables: Tables, rng: Random) -> None:
    """A random write on `session` and on `tables`; neither where the store refuses it."""
    queries = Queries(rng)
    statement = queries.write()
    table = statement.target.sources[0].table
    assert table is not None
    reference = Reference(tables, queries.params)
    try:
        old: list[Any] = reference.delete(statement) if isinstance(statement, Delete) else reference.update(statement)
        done = (
            session.delete(statement, tuple(queries.params))
            if isinstance(statement, Delete)
            else session.update(statement, tuple(queries.params))
        )
    except (DataError, IntegrityError):
        return
    assert done == len(old)
    pairs = old if isinstance(statement, Update) else [(row, None) for row in old]
    changes = {id(before): after for before, after in pairs}
    tables[table] = [changes.get(id(row), row) if row is not None else None for row in tables[table]]


@MANY
@given(st.integers(0, 2**32))
def test_a_session_answers_as_the_reference_does_after_every_write(seed: int) -> None:
    rng = Random(seed)
    tables = random_tables(rng)
    compare(rng, tables)


def compare(rng: Random, tables: Tables) -> None:
    store = filled(tables)
    try:
        check(store, tables, rng, 2)
        reader = store.begin(isolation="snapshot")
        reader.select(
            ANYTHING, ()
        )  # its snapshot is of its first statement, which a random query that is refused is not
        before = {table: list(rows) for table, rows in tables.items()}
        check(reader, before, rng, 1)
        for _ in range(2):
            write(store, tables, rng)
            check(store, tables, rng, 1)
        check(reader, before, rng, 2)
        reader.rollback()
        writer = store.begin(isolation="snapshot")
        try:
            for _ in range(3):
                write(writer, tables, rng)
                writer.check_references()
                check(writer, tables, rng, 1)
        except IntegrityError:
            writer.rollback()  # a reference that leads nowhere: what a join that is not optional gives is not defined
        else:
            writer.commit()
            check(store, tables, rng, 2)
    finally:
        store.close()
