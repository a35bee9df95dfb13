"""Operations of several statements that stand alone end on the latest commit: they never conflict, however often others are first."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

import pytest

from modelkit import (
    CASCADE,
    SET_NULL,
    CharField,
    F,
    ForeignKey,
    IntegerField,
    IntegrityError,
    ManyToMany,
    MemoryStore,
    Model,
    OptimisticLockError,
    TransactionConflict,
    TransactionManagementError,
    VersionField,
    atomic,
    retrying,
)
from modelkit.database import use_store
from modelkit.errors import ConcurrentIntegrityError
from modelkit.signals import post_init, pre_delete
from modelkit.stores.memory.transactions import MemoryTransaction
from modelkit.transaction import set_rollback


class Group(Model):
    name = CharField(max_length=20, unique=True)

    class Meta:
        app_label = "standing"


class Person(Model):
    name = CharField(max_length=20, unique=True)
    age = IntegerField(default=0)
    groups = ManyToMany(Group, related_name="members")
    boss = ForeignKey("self", SET_NULL, null=True, related_name="staff")

    class Meta:
        app_label = "standing"


class Worker(Person):
    wage = IntegerField(default=0)

    class Meta:
        app_label = "standing"


class Page(Model):
    text = CharField(max_length=20)
    views = IntegerField(default=0)
    version = VersionField()

    class Meta:
        app_label = "standing"


class Line(Model):
    page = ForeignKey(Page, CASCADE, related_name="lines")

    class Meta:
        app_label = "standing"


@pytest.fixture(autouse=True)
def _rows(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying.pauses, "sleep", lambda _: None)
    groups = [Group.objects.create(name=name) for name in ("a", "b", "c")]
    ann = Person.objects.create(name="ann")
    ann.groups.set(groups[:2])
    Person.objects.create(name="bob", boss=ann)
    Worker.objects.create(name="cid", wage=3)
    page = Page.objects.create(text="first")
    Line.objects.create(page=page)


def ann() -> Person:
    return Person.objects.get(name="ann")


def save_new_worker() -> None:
    Worker(name="dora", age=4, wage=5).save()


def save_old_worker() -> None:
    cid = Worker.objects.get()
    cid.age, cid.wage = 7, F("wage") + 1
    cid.save()


def save_with_expression() -> None:
    found = ann()
    found.age = F("age") + 1
    found.save()


def save_counted_expression() -> None:
    page = Page.objects.get()
    page.views = F("views") + 1
    page.save()


def clear_groups() -> None:
    ann().groups.clear()


def bulk_update() -> None:
    found = list(Person.objects.order_by("name"))
    for number, person in enumerate(found):
        person.age = number
    Person.objects.bulk_update(found, ["age"], batch_size=1)


OPERATIONS: list[Callable[[], object]] = [
    lambda: ann().delete(),
    lambda: Person.objects.filter(name__in=["ann", "cid"]).delete(),
    lambda: Page.objects.get().delete(),
    lambda: Worker.objects.update(age=9, wage=9),
    save_new_worker,
    save_old_worker,
    save_with_expression,
    save_counted_expression,
    lambda: ann().groups.add(Group.objects.get(name="c")),
    lambda: ann().groups.remove(Group.objects.get(name="a")),
    lambda: ann().groups.set([Group.objects.get(name="c")]),
    clear_groups,
    lambda: ann().staff.set([Worker.objects.get().person_ptr], bulk=False),
    lambda: ann().staff.clear(bulk=False),
    lambda: Person.objects.bulk_create([Person(name="x"), Person(name="y")], batch_size=1),
    bulk_update,
]


def dump() -> list[Any]:
    """All rows, without keys that a rolled-back attempt takes and that are not used again."""
    return [
        list(Group.objects.order_by("pk").values_list("name")),
        list(Person.objects.order_by("pk").values_list("name", "age", "boss__name")),
        list(Worker.objects.order_by("pk").values_list("name", "wage")),
        list(Page.objects.order_by("pk").values_list("text", "views", "version", "lines__page__text")),
        sorted(Person.groups.through.objects.values_list("person__name", "group__name")),
    ]


def first_fails(times: int) -> Callable[..., None]:
    """Trouble for the first `times` commits."""
    left = times

    def trouble(*, transaction: bool) -> None:
        nonlocal left
        if transaction and left:
            left -= 1
            raise TransactionConflict("Another transaction was first.")

    return trouble


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("number", range(len(OPERATIONS)))
def test_an_operation_that_others_outran_is_done_again_whole(number: int, times: int, store: MemoryStore) -> None:
    snapshot = store.snapshot()
    OPERATIONS[number]()
    expected = dump()
    store.restore(snapshot)
    snapshot.close()
    with store.troubled(first_fails(times)):
        OPERATIONS[number]()
    assert dump() == expected


class Stop(Exception):
    """What the n-th call fails by."""


class Calls:
    """Lets one of the calls of what it wraps fail: that with the number `left`, counted from now."""

    left = -1

    def failing(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                raise Stop
            return method(*args, **kwargs)

        return called


@pytest.mark.parametrize("number", range(len(OPERATIONS)))
def test_an_operation_that_fails_at_any_of_its_statements_leaves_nothing(
    number: int, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dump()
    snapshot = store.snapshot()
    OPERATIONS[number]()
    expected = dump()
    calls = Calls()
    for kind, name in itertools.product(
        (MemoryStore, MemoryTransaction), ("select", "insert", "update", "delete", "cascade")
    ):
        monkeypatch.setattr(kind, name, calls.failing(getattr(kind, name)))
    monkeypatch.setattr(MemoryTransaction, "commit", calls.failing(MemoryTransaction.commit))
    statements = 0
    while True:
        statements += 1
        store.restore(snapshot)
        calls.left = statements
        try:
            OPERATIONS[number]()
        except Stop:
            assert dump() == before, f"half an operation after statement {statements}"
            continue
        break
    calls.left = -1
    assert dump() == expected
    assert statements > 1
    snapshot.close()


@pytest.mark.parametrize("number", range(len(OPERATIONS)))
def test_an_operation_that_fails_at_any_of_its_writes_breaks_the_block_it_stands_in(
    number: int, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dump()
    calls = Calls()
    for name in ("insert", "update", "delete", "cascade"):
        monkeypatch.setattr(MemoryTransaction, name, calls.failing(getattr(MemoryTransaction, name)))
    writes = 0
    while True:
        writes += 1
        with atomic():
            Group.objects.create(name="outer")
            with atomic():
                calls.left = writes
                try:
                    OPERATIONS[number]()
                except Stop:
                    with pytest.raises(TransactionManagementError, match="leave the innermost"):
                        Group.objects.count()
                else:
                    set_rollback(True)
                ended = calls.left > 0
            calls.left = -1
            assert Group.objects.filter(name="outer").delete()
            assert dump() == before
        if ended:
            break
    assert writes > 1


def test_a_query_and_its_prefetches_read_one_commit(store: MemoryStore) -> None:
    Line.objects.create(page=Page.objects.get())

    def interfere(**_: Any) -> None:
        post_init.disconnect(interfere, sender=Page)
        elsewhere(store, lambda: Line.objects.all().delete())

    post_init.connect(interfere, sender=Page)
    try:
        (page,) = Page.objects.prefetch_related("lines")
    finally:
        post_init.disconnect(interfere, sender=Page)
    assert len(page.lines.all()) == 2
    assert Line.objects.count() == 0


def test_in_a_transaction_a_conflict_is_the_transactions(store: MemoryStore) -> None:
    with store.troubled(first_fails(1)), pytest.raises(TransactionConflict), atomic():
        ann().delete()
    assert ann().pk


def test_after_many_attempts_the_conflict_propagates(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "ATTEMPTS", 4)
    with store.troubled(first_fails(3)):
        ann().groups.clear()
    with store.troubled(first_fails(4)), pytest.raises(TransactionConflict):
        ann().groups.set(Group.objects.all())
    assert ann().groups.count() == 0


def elsewhere(store: MemoryStore, work: Callable[[], object]) -> None:
    def run() -> None:
        with use_store(store):
            work()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def test_a_deletion_that_is_outrun_while_it_collects_deletes_what_is_there_then(store: MemoryStore) -> None:
    calls = []

    def interfere(**_: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            elsewhere(store, lambda: Line.objects.create(page=Page.objects.get()))

    pre_delete.connect(interfere, sender=Page)
    try:
        counted = Page.objects.all().delete()
    finally:
        pre_delete.disconnect(interfere, sender=Page)
    assert counted == (3, {"standing.Line": 2, "standing.Page": 1})
    assert len(calls) == 2


def test_a_stale_version_is_not_tried_again(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying.pauses, "sleep", lambda _: pytest.fail("it was tried again"))
    mine = Page.objects.get()
    Page.objects.get().save()
    with pytest.raises(OptimisticLockError):
        mine.delete()
    mine.views = F("views") + 1
    with pytest.raises(OptimisticLockError):
        mine.save()


def test_a_key_that_another_took_is_a_plain_integrity_error(store: MemoryStore) -> None:
    calls = []

    def taken(*, transaction: bool) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise ConcurrentIntegrityError("Another transaction took the name.")

    with store.troubled(taken), pytest.raises(IntegrityError, match="taken already") as caught:
        ann().groups.through.objects.bulk_create(
            [Person.groups.through(person=ann(), group_id=number) for number in (3, 1)]
        )
    assert not isinstance(caught.value, TransactionConflict)
