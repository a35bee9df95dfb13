"""`retry` runs a transaction again, `adopt` hands one over, and a version field tells of stale instances."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from modelkit import (
    CharField,
    F,
    IntegerField,
    MemoryStore,
    Model,
    OptimisticLockError,
    Registry,
    TransactionConflict,
    TransactionError,
    VersionField,
    adopt,
    atomic,
    on_commit,
    retry,
)
from modelkit.database import use_store
from modelkit.retrying import LONGEST, Pauses, pauses
from modelkit.transaction import running

REGISTRY = Registry()


class Counter(Model):
    number = IntegerField(default=0)

    class Meta:
        app_label = "retrying"
        registry = REGISTRY


class Page(Model):
    title = CharField(max_length=20)
    hits = IntegerField(default=0)
    version = VersionField()

    class Meta:
        app_label = "retrying"
        registry = REGISTRY


class Chapter(Page):
    part = IntegerField(default=1)

    class Meta:
        app_label = "retrying"
        registry = REGISTRY


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were asked for; nobody sleeps."""
    asked: list[float] = []

    async def asleep(seconds: float) -> None:
        asked.append(seconds)

    monkeypatch.setattr(pauses, "sleep", asked.append)
    monkeypatch.setattr(pauses, "asleep", asleep)
    return asked


def elsewhere(store: MemoryStore) -> None:
    """Add one to the counter as another thread would."""

    def work() -> None:
        with use_store(store):
            Counter.objects.update(number=F("number") + 1)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_a_conflict_is_tried_again_on_what_is_new(store: MemoryStore, waits: list[float]) -> None:
    Counter.objects.create()
    calls, hooks = [], []

    @retry
    def work(more: int) -> int:
        counter = Counter.objects.get()
        calls.append(counter.number)
        on_commit(lambda: hooks.append(counter.number))
        if len(calls) < 3:
            elsewhere(store)
        counter.number += more
        counter.save()
        return counter.number

    assert work(10) == 12
    assert calls == [0, 1, 2]
    assert hooks == [12], "hooks of failed attempts are dropped"
    assert len(waits) == 2


def test_the_last_conflict_propagates(store: MemoryStore, waits: list[float]) -> None:
    Counter.objects.create()
    calls = []

    @retry(attempts=4)
    def work() -> None:
        calls.append(Counter.objects.get().number)
        elsewhere(store)
        Counter.objects.update(number=0)

    with pytest.raises(TransactionConflict):
        work()
    assert calls == [0, 1, 2, 3]
    assert len(waits) == 3


def test_other_errors_are_not_tried_again() -> None:
    calls = []

    @retry
    def work() -> None:
        calls.append(1)
        raise ValueError

    with pytest.raises(ValueError):
        work()
    assert calls == [1]


def test_inside_a_transaction_it_is_part_of_that_one(store: MemoryStore) -> None:
    Counter.objects.create()
    calls = []

    @retry
    def inner() -> None:
        calls.append(1)
        assert running() is not None
        Counter.objects.get()
        elsewhere(store)
        Counter.objects.update(number=7)

    with pytest.raises(TransactionConflict), atomic():
        inner()
    assert calls == [1]


def test_async_functions_are_tried_again(store: MemoryStore, waits: list[float]) -> None:
    Counter.objects.create()
    calls = []

    @retry(attempts=5, isolation="snapshot")
    async def work() -> str:
        counter = await Counter.objects.aget()
        calls.append(counter.number)
        if len(calls) < 3:
            elsewhere(store)
        await counter.asave()
        return "done"

    assert asyncio.run(work()) == "done"
    assert calls == [0, 1, 2]
    assert len(waits) == 2

    @retry(attempts=2)
    async def hopeless() -> None:
        counter = await Counter.objects.aget()
        elsewhere(store)
        await counter.asave()

    with pytest.raises(TransactionConflict):
        asyncio.run(hopeless())


def test_pauses_are_drawn_from_nothing_to_a_bound_that_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = Pauses()
    drawn: list[tuple[float, float]] = []
    monkeypatch.setattr(pauses.random, "uniform", lambda low, high: drawn.append((low, high)) or high)
    lengths = [pauses.length(attempt) for attempt in range(1, 31)]
    assert drawn == [(0, length) for length in lengths]
    growing = [length for length in lengths if length < LONGEST]
    assert len(growing) > 5
    assert growing == [growing[0] * 2**number for number in range(len(growing))]
    assert set(lengths[len(growing) :]) == {LONGEST}


def test_each_attempt_waits_as_its_number_says(
    store: MemoryStore, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pauses, "length", float)

    @retry(attempts=4)
    def work() -> None:
        raise TransactionConflict("Always.")

    @retry(attempts=3)
    async def aside() -> None:
        raise TransactionConflict("Always.")

    with pytest.raises(TransactionConflict):
        work()
    assert waits == [1, 2, 3]
    with pytest.raises(TransactionConflict):
        asyncio.run(aside())
    assert waits == [1, 2, 3, 1, 2]


def test_hooks_of_failed_async_attempts_are_dropped_too(store: MemoryStore) -> None:
    Counter.objects.create()
    hooks, calls = [], []

    @retry
    async def work() -> None:
        counter = await Counter.objects.aget()
        calls.append(counter.number)
        on_commit(lambda: hooks.append(counter.number))
        if len(calls) < 3:
            elsewhere(store)
        await counter.asave()

    asyncio.run(work())
    assert calls == [0, 1, 2]
    assert hooks == [2]


def test_inside_an_async_transaction_it_is_part_of_that_one() -> None:
    calls = []

    @retry
    async def inner() -> None:
        calls.append(1)
        raise TransactionConflict("Once.")

    async def main() -> None:
        async with atomic():
            await inner()

    with pytest.raises(TransactionConflict):
        asyncio.run(main())
    assert calls == [1]


def test_what_cannot_be_run_again_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        retry(attempts=0)
    with pytest.raises(TypeError, match="generator"):

        @retry
        def rows() -> Iterator[int]:
            yield 1


# -- handing a transaction over


def test_a_transaction_is_handed_to_another_thread_and_back(store: MemoryStore) -> None:
    created: list[Counter] = []

    def work() -> None:
        with adopt(transaction):
            created.append(Counter.objects.create(number=2))

    with atomic() as transaction:
        Counter.objects.create(number=1)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert sorted(Counter.objects.values_list("number", flat=True)) == [1, 2]
    assert len(created) == 1
    assert store.stats()["rows"]["retrying.Counter"] == 2


def test_a_transaction_is_handed_to_a_child_task() -> None:
    async def child(transaction: object) -> None:
        with pytest.raises(TransactionError, match="adopt"):
            await Counter.objects.acount()
        with adopt(transaction):  # type: ignore[arg-type]
            await Counter.objects.acreate(number=2)
            async with atomic():
                await Counter.objects.acreate(number=3)

    async def main() -> list[int]:
        async with atomic() as transaction:
            await Counter.objects.acreate(number=1)
            await asyncio.create_task(child(transaction))
            return [counter.number async for counter in Counter.objects.order_by("number")]

    assert asyncio.run(main()) == [1, 2, 3]


def test_its_owner_may_not_use_it_meanwhile_and_nobody_adopts_it_twice() -> None:
    with atomic() as transaction:
        owner = transaction.owner
        with adopt(transaction), pytest.raises(TransactionError, match="already"), adopt(transaction):
            pass
        assert transaction.owner == owner
    with pytest.raises(TransactionError, match="ended"), adopt(transaction):
        pass


# -- versions


def test_saves_count_versions() -> None:
    page = Page.objects.create(title="a")
    assert page.version == 1
    page.save()
    page.title = "b"
    page.save(update_fields=["title"])
    assert page.version == 3
    assert Page.objects.get().version == 3


def test_a_stale_instance_is_not_saved() -> None:
    Page.objects.create(title="a")
    first, second = Page.objects.get(), Page.objects.get()
    first.title = "first"
    first.save()
    second.title = "second"
    with pytest.raises(
        OptimisticLockError, match=r"loaded as version 1.*saved as version 2.*nothing was saved"
    ) as caught:
        second.save()
    error = caught.value
    assert isinstance(error, TransactionConflict)
    assert (error.expected, error.found, error.pk, error.kind) == (1, 2, first.pk, "version")
    assert Page.objects.get().title == "first"
    second.refresh_from_db()
    second.save()
    assert second.version == 3


def test_a_deleted_row_is_not_inserted_again() -> None:
    page = Page.objects.create(title="a")
    Page.objects.all().delete()
    with pytest.raises(OptimisticLockError, match="deleted") as caught:
        page.save()
    assert caught.value.found is None
    assert not Page.objects.exists()


def test_a_stale_instance_deletes_nothing() -> None:
    page, same = Page.objects.create(title="a"), Page.objects.get()
    same.save()
    with pytest.raises(OptimisticLockError, match="version 2"):
        page.delete()
    assert Page.objects.count() == 1
    same.delete()
    assert not Page.objects.exists()


def test_expressions_and_inherited_rows_count_too() -> None:
    page = Page.objects.create(title="a")
    page.hits = F("hits") + 1  # type: ignore[assignment]
    page.save()
    assert (page.version, Page.objects.get().hits) == (2, 1)
    stale = Page.objects.get()
    page.save(update_fields=["title"])
    stale.hits = F("hits") + 1  # type: ignore[assignment]
    with pytest.raises(OptimisticLockError):
        stale.save()
    chapter = Chapter.objects.create(title="c")
    other = Chapter.objects.get()
    chapter.part = 2
    chapter.save()
    with pytest.raises(OptimisticLockError):
        other.save()
    with pytest.raises(OptimisticLockError):
        other.delete()


def test_a_version_is_counted_from_1_and_takes_no_default() -> None:
    with pytest.raises(TypeError, match="no default"):
        VersionField(default=3)
    assert not Page._meta.get_field("version").editable
