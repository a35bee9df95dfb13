"""Which store serves an alias, and what is known of the statements that ran."""

from __future__ import annotations

import asyncio
import threading

import pytest

from modelkit import CASCADE, CharField, ForeignKey, Model, NotYetSupported, Registry
from modelkit.database import aliases, capture_statements, connect, disconnect, session, use_store
from modelkit.errors import ImproperlyConfigured, ProgrammingError
from modelkit.ir.query import RowOutput, Select, Source
from modelkit.ir.schema import Column, Table
from modelkit.ir.types import IntegerType
from modelkit.stores.memory.store import MemoryStore
from modelkit.transaction import atomic

REGISTRY = Registry()


class Shelf(Model):
    name = CharField(max_length=10)

    class Meta:
        app_label = "database"
        registry = REGISTRY


class Book(Model):
    title = CharField(max_length=10)
    shelf = ForeignKey(Shelf, CASCADE)

    class Meta:
        app_label = "database"
        registry = REGISTRY


def test_an_alias_is_served_by_what_it_was_connected_to() -> None:
    store = MemoryStore()
    assert connect(store, alias="elsewhere") is store
    try:
        assert session("elsewhere") is store
        assert "elsewhere" in aliases()
    finally:
        disconnect("elsewhere")
    assert "elsewhere" not in aliases()
    disconnect("elsewhere")


def test_an_unknown_alias_has_the_near_miss() -> None:
    connect("memory:", alias="archive")
    try:
        with pytest.raises(ImproperlyConfigured, match="Did you mean 'archive'"):
            session("archiv")
    finally:
        disconnect("archive")


@pytest.mark.parametrize("url", ["memory", "", "mongo:"])
def test_what_names_no_store_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        connect(url, alias="elsewhere")


@pytest.mark.parametrize("url", ["sqlite:///x.db", "postgresql+psycopg://x"])
def test_stores_to_come_say_so(url: str) -> None:
    with pytest.raises(NotYetSupported):
        connect(url, alias="elsewhere")


def test_a_store_for_one_context(store: MemoryStore) -> None:
    inner = MemoryStore()
    seen: list[object] = []
    with use_store(inner):
        assert session() is inner
        thread = threading.Thread(target=lambda: seen.append(session("default")))
        thread.start()
        thread.join()
    assert session() is store
    assert seen[0] is not inner


def test_tasks_may_use_stores_of_their_own() -> None:
    async def work(name: str) -> list[str]:
        with use_store(MemoryStore()):
            await Shelf.objects.acreate(name=name)
            await asyncio.sleep(0)
            return [shelf.name async for shelf in Shelf.objects.all()]

    async def main() -> list[list[str]]:
        return await asyncio.gather(work("a"), work("b"))

    assert asyncio.run(main()) == [["a"], ["b"]]


def test_captures_nest() -> None:
    with capture_statements() as outer:
        Shelf.objects.create(name="x")
        with capture_statements() as inner:
            Shelf.objects.count()
        with atomic():
            Shelf.objects.update(name="y")
    assert list(inner) == ["count database.Shelf"]
    assert list(outer) == ["insert database.Shelf (1)", "count database.Shelf", "update database.Shelf"]
    Shelf.objects.count()
    assert len(outer) == 3


def test_a_capture_tells_on_which_alias_each_statement_ran() -> None:
    connect(MemoryStore(), alias="archive")
    try:
        with capture_statements() as log:
            Shelf.objects.using("archive").create(name="x")
            Shelf.objects.count()
    finally:
        disconnect("archive")
    assert log.entries == [("archive", "insert database.Shelf (1)"), ("default", "count database.Shelf")]


def test_a_store_learns_of_tables_when_it_meets_them(store: MemoryStore) -> None:
    assert "database.Book" not in store.stats()["rows"]
    assert Book.objects.count() == 0
    assert {"database.Book", "database.Shelf"} <= store.stats()["rows"].keys()
    fresh = MemoryStore()
    with use_store(fresh), atomic():
        Book.objects.create(title="x", shelf=Shelf.objects.create(name="y"))
    assert fresh.stats()["rows"]["database.Book"] == 1


def test_a_table_that_is_nobodys_is_not_taken_in() -> None:
    table = Table("nobody", (Column("n", IntegerType()),), (0,))
    with pytest.raises(ProgrammingError, match="nobody"):
        session().select(Select((Source(table),), (RowOutput(0),)), ())
