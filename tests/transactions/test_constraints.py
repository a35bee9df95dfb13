"""When each constraint is checked, what its error says, and in which order a commit does its work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelkit import (
    DO_NOTHING,
    CharField,
    CheckConstraint,
    Deferrable,
    F,
    ForeignKey,
    IntegerField,
    IntegrityError,
    MemoryStore,
    Model,
    Q,
    TransactionConflict,
    TransactionManagementError,
    UniqueConstraint,
    ValidationError,
    atomic,
    on_commit,
)
from modelkit.database import use_store
from modelkit.fields.validators import MinValueValidator
from modelkit.stores.memory.commit import Committer
from modelkit.stores.memory.constraints import TableWrites
from modelkit.stores.memory.files.journal import Journal
from modelkit.stores.memory.files.system import System


class Shelf(Model):
    name = CharField(max_length=20, unique=True)

    class Meta:
        app_label = "constraints"


class Book(Model):
    title = CharField(max_length=10, choices=[("a", "A"), ("b", "B")])
    place = IntegerField(unique=True, null=True)
    rank = IntegerField(default=0, validators=[MinValueValidator(0)])
    shelf = ForeignKey(Shelf, DO_NOTHING, null=True)
    order = IntegerField(default=0)

    class Meta:
        app_label = "constraints"
        constraints = (
            CheckConstraint(condition=Q(rank__lt=100), name="ranked"),
            UniqueConstraint(fields=["shelf", "order"], name="ordered", deferrable=Deferrable.DEFERRED),
        )


@pytest.fixture
def shelf() -> Shelf:
    return Shelf.objects.create(name="s")


REFUSED: list[tuple[Callable[[Shelf], object], dict[str, Any]]] = [
    (
        lambda _: Shelf.objects.create(name="s"),
        {"model": "constraints.Shelf", "kind": "unique", "fields": ("name",), "values": ("s",), "conflicting_pk": 1},
    ),
    (
        lambda _: Book.objects.create(title=None),
        {"model": "constraints.Book", "kind": "not_null", "fields": ("title",)},
    ),
    (
        lambda _: Book.objects.create(title="a", rank=100),
        {"model": "constraints.Book", "kind": "check", "constraint": "ranked", "fields": ("rank",), "values": (100,)},
    ),
    (
        lambda _: Book.objects.create(title="a", shelf_id=77),
        {"model": "constraints.Book", "kind": "reference", "fields": ("shelf",), "values": (77,)},
    ),
    (
        lambda shelf: Book.objects.create(title="a", shelf=shelf) and shelf.delete(),
        {"model": "constraints.Book", "kind": "reference", "fields": ("shelf",), "conflicting_pk": 1},
    ),
]


@pytest.mark.parametrize("filed", [False, True], ids=["in memory", "in a file"])
@pytest.mark.parametrize(("work", "told"), REFUSED)
def test_an_error_tells_what_was_broken_by_which_row(
    work: Callable[[Shelf], object], told: dict[str, Any], filed: bool, tmp_path: Path
) -> None:
    store = MemoryStore(file=tmp_path / "db.json" if filed else None)
    with use_store(store):
        shelf = Shelf.objects.create(name="s")
        with pytest.raises(IntegrityError) as caught:
            work(shelf)
        assert {name: getattr(caught.value, name) for name in told} == told
    store.close()


@pytest.mark.parametrize(("work", "told"), REFUSED[:3])
def test_after_a_failed_statement_the_innermost_block_must_be_left(
    work: Callable[[Shelf], object], told: dict[str, Any], shelf: Shelf
) -> None:
    asked: list[Callable[[], object]] = [
        Shelf.objects.count,
        lambda: Shelf.objects.create(name="x"),
        lambda: Shelf.objects.update(name="x"),
        lambda: Shelf.objects.all().delete(),
        lambda: Shelf.objects.get(pk=1),
        lambda: list(Shelf.objects.iterator()),
        lambda: Shelf.objects.bulk_create([Shelf(name="x")]),
        shelf.save,
        shelf.refresh_from_db,
    ]
    with atomic():
        Shelf.objects.create(name="kept")
        with atomic():
            with pytest.raises(IntegrityError):
                work(shelf)
            for ask in asked:
                with pytest.raises(TransactionManagementError) as caught:
                    ask()
                assert isinstance(caught.value.__cause__, IntegrityError)
        assert Shelf.objects.count() == 2
    assert list(Shelf.objects.values_list("name", flat=True)) == ["s", "kept"]


def test_saving_asks_neither_choices_nor_validators_and_full_clean_does() -> None:
    book = Book(title="z", rank=-1)
    with pytest.raises(ValidationError) as caught:
        book.full_clean()
    assert {"title", "rank"} <= set(caught.value.message_dict)
    book.save()
    assert Book.objects.filter(rank=-1).update(title="y") == 1


def test_a_unique_column_is_judged_at_the_end_of_the_statement() -> None:
    Book.objects.bulk_create([Book(title="a", place=place) for place in range(5)] + [Book(title="b"), Book(title="b")])
    for more in (1, -1):
        with atomic():
            Book.objects.update(place=F("place") + more)
        Book.objects.update(place=F("place") + more)
    assert list(Book.objects.exclude(place=None).values_list("place", flat=True)) == list(range(5))
    with atomic(), pytest.raises(IntegrityError, match="taken"):
        Book.objects.filter(place=1).update(place=2)
    with atomic(), pytest.raises(IntegrityError, match="taken"):
        Book.objects.create(title="a", place=3)


def test_a_deferred_unique_is_judged_when_the_outermost_block_ends(shelf: Shelf) -> None:
    one, two = (Book.objects.create(title="a", shelf=shelf, order=number) for number in (1, 2))
    with atomic():
        with atomic():
            Book.objects.filter(pk=one.pk).update(order=2)
        assert Book.objects.filter(order=2).count() == 2
        Book.objects.filter(pk=two.pk).update(order=1)
    assert dict(Book.objects.values_list("pk", "order")) == {one.pk: 2, two.pk: 1}
    with pytest.raises(IntegrityError) as caught, atomic():
        with atomic():
            Book.objects.create(title="a", shelf=shelf, order=1)
        Shelf.objects.create(name="gone")
    assert (caught.value.constraint, caught.value.fields) == ("ordered", ("shelf", "order"))
    assert Shelf.objects.count() == 1
    with pytest.raises(IntegrityError):
        Book.objects.create(title="a", shelf=shelf, order=1)


def test_references_are_judged_when_the_outermost_block_ends(shelf: Shelf) -> None:
    with atomic():
        with atomic():
            book = Book.objects.create(title="a", shelf_id=50)
        Shelf.objects.create(pk=50, name="late")
    with atomic():
        Shelf.objects.filter(pk=50).delete()
        book.delete()
    with pytest.raises(IntegrityError) as caught, atomic():
        with atomic():
            Book.objects.create(title="a", shelf_id=99)
        Shelf.objects.create(name="gone")
    assert caught.value.fields == ("shelf",)
    assert Shelf.objects.count() == 1


def test_what_was_free_in_the_snapshot_is_judged_again_at_commit(store: MemoryStore, shelf: Shelf) -> None:
    def elsewhere(work: Callable[[], object]) -> None:
        def run() -> None:
            with use_store(store):
                work()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()

    for isolation in ("serializable", "snapshot"):
        with pytest.raises(IntegrityError) as caught, atomic(isolation=isolation):  # type: ignore[arg-type]
            Shelf.objects.create(name=isolation)
            elsewhere(lambda: Shelf.objects.create(name=isolation))  # noqa: B023 - done at once
        assert isinstance(caught.value, TransactionConflict)
        assert caught.value.fields == ("name",)
        parent = Shelf.objects.create(name=f"of {isolation}")
        with pytest.raises(IntegrityError) as caught, atomic(isolation=isolation):  # type: ignore[arg-type]
            Book.objects.create(title="a", shelf=parent)
            elsewhere(lambda: Shelf.objects.filter(pk=parent.pk).delete())  # noqa: B023 - done at once
        assert isinstance(caught.value, TransactionConflict)
    assert Book.objects.count() == 0


def test_a_commit_is_judged_then_on_the_disk_then_visible_and_then_its_hooks_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore(file=tmp_path / "db.json")
    done: list[tuple[str, bool]] = []

    def noted(owner: type, name: str) -> None:
        method = getattr(owner, name)

        def called(*args: Any, **kwargs: Any) -> Any:
            # An RLock tells whether the present thread holds it.
            done.append((name, store._lock._is_owned()))  # type: ignore[attr-defined]
            return method(*args, **kwargs)

        monkeypatch.setattr(owner, name, called)

    with use_store(store):
        Shelf.objects.create(name="warm")
        feed = store.changes()
        for owner, name in (
            (TableWrites, "place"),
            (Committer, "judge"),
            (Journal, "append"),
            (System, "write"),
            (System, "sync"),
            (Committer, "publish"),
        ):
            noted(owner, name)
        with atomic():
            Shelf.objects.create(name="a")
            on_commit(lambda: done.append((f"hook sees {Shelf.objects.count()}, told {len(feed)}", False)))
            assert done == []
        assert done == [
            ("judge", True), ("place", True), ("append", True), ("write", True), ("sync", True), ("publish", True),
            ("hook sees 2, told 1", False),
        ]  # fmt: skip
    monkeypatch.undo()
    store.close()
