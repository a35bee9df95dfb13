"""What conflicts at each isolation level and what does not, over every way to read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from modelkit import (
    CASCADE,
    CharField,
    Count,
    F,
    ForeignKey,
    Func,
    IntegerField,
    MemoryStore,
    Model,
    NotSupportedError,
    Registry,
    TransactionConflict,
)
from modelkit.ir.expr import FunctionDef
from modelkit.stores.base import Isolation
from modelkit.transaction import Running, atomic, entries

REGISTRY = Registry()


class Author(Model):
    name = CharField(max_length=20)

    class Meta:
        app_label = "isolation"
        registry = REGISTRY


class Book(Model):
    title = CharField(max_length=20)
    pages = IntegerField(db_index=True)
    author = ForeignKey(Author, CASCADE)

    class Meta:
        app_label = "isolation"
        registry = REGISTRY


@pytest.fixture(autouse=True)
def rows(store: MemoryStore) -> None:
    """Two authors with three books each, of 10 to 60 pages; a third author without any."""
    for number, name in enumerate(["a", "b"], 1):
        author = Author.objects.create(pk=number, name=name)
        for book in range(3):
            Book.objects.create(title=f"{name}{book}", pages=30 * (number - 1) + 10 * (book + 1), author=author)
    Author.objects.create(pk=3, name="c")


def outside(work: Callable[[], object]) -> None:
    """Do `work` as somebody else would, outside the transaction that runs here."""
    present = entries.get()
    running: Any = (present or {})["default"]
    assert isinstance(running, Running)
    entries.set({**(present or {}), "default": running.before})
    try:
        work()
    finally:
        entries.set(present)


def conflicts(read: Callable[[], object], other: Callable[[], object], isolation: Isolation = "serializable") -> bool:
    """Whether a transaction that reads, and then writes elsewhere, fails where somebody does `other` in between."""
    try:
        with atomic(isolation=isolation):
            read()
            outside(other)
            Author.objects.filter(pk=3).update(name=F("name"))
    except TransactionConflict as error:
        return error.kind == "read"
    return False


def rename(pk: int) -> Callable[[], object]:
    return lambda: Author.objects.filter(pk=pk).update(name="new")


def resize(title: str, pages: int) -> Callable[[], object]:
    return lambda: Book.objects.filter(title=title).update(pages=pages)


def add(pages: int, author: int) -> Callable[[], object]:
    return lambda: Book.objects.create(title="new", pages=pages, author_id=author)


def of(queryset: Any) -> Callable[[], object]:
    return lambda: list(queryset.all())


TOUCHED: list[tuple[Callable[[], object], Callable[[], object]]] = [
    (lambda: Author.objects.get(pk=1), rename(1)),
    (
        lambda: Author.objects.get(pk=1),
        lambda: Book.objects.filter(author=1).delete() and Author.objects.get(pk=1).delete(),
    ),
    (lambda: Author.objects.in_bulk([1, 2]), rename(2)),
    (lambda: Book.objects.filter(pages=40).exists(), add(40, 1)),
    (lambda: Book.objects.filter(pages__gt=50).count(), resize("a0", 55)),
    (lambda: Book.objects.filter(pages__gt=50).count(), resize("b2", 5)),
    (Book.objects.count, add(1, 1)),
    (of(Book.objects.filter(title__startswith="a")), lambda: Book.objects.filter(title="b0").update(title="ax")),
    (of(Book.objects.order_by("pages")[:1]), add(1, 1)),
    (of(Book.objects.select_related("author").filter(pages=10)), rename(1)),
    (of(Book.objects.filter(author__name="a")), add(99, 1)),
    (of(Book.objects.filter(author__name="a")), rename(2)),
    (of(Author.objects.filter(book__pages__gte=50)), resize("a0", 51)),
    (of(Author.objects.prefetch_related("book_set").filter(pk=1)), add(7, 1)),
    (of(Author.objects.annotate(n=Count("book"))), add(7, 1)),
    (of(Author.objects.filter(pk__in=Book.objects.filter(pages__gt=70).values("author"))), add(80, 1)),
    (lambda: list(Book.objects.filter(pages=10).iterator()), resize("a0", 11)),
    (lambda: Book.objects.filter(pages__gt=100).update(pages=0), resize("a0", 101)),
    (lambda: Book.objects.filter(pages__gt=100).delete(), resize("a0", 101)),
    (lambda: list(Author.objects.get(pk=1).book_set.all()), add(7, 1)),
    (of(Book.objects.filter(pages=10).union(Book.objects.filter(pages=60))), resize("b2", 61)),
]


@pytest.mark.parametrize("number", range(len(TOUCHED)))
def test_what_was_read_must_stay_as_it_was(number: int) -> None:
    read, other = TOUCHED[number]
    assert conflicts(read, other)


@pytest.mark.parametrize("number", range(len(TOUCHED)))
def test_a_snapshot_is_not_held_to_what_it_read(number: int) -> None:
    read, other = TOUCHED[number]
    assert not conflicts(read, other, "snapshot")


UNTOUCHED: list[tuple[Callable[[], object], Callable[[], object]]] = [
    (lambda: Author.objects.get(pk=1), rename(2)),
    (lambda: Author.objects.in_bulk([1, 2]), lambda: Author.objects.create(name="d")),
    (lambda: Book.objects.filter(pages=40).exists(), add(41, 1)),
    (lambda: Book.objects.filter(pages__gt=50).count(), resize("a0", 50)),
    (of(Book.objects.filter(title__startswith="a")), lambda: Book.objects.filter(title="b0").update(title="bx")),
    (of(Book.objects.select_related("author").filter(pages=10)), rename(2)),
    (of(Book.objects.select_related("author").filter(pages__lte=30)), resize("b0", 41)),
    (of(Author.objects.prefetch_related("book_set").filter(pk=1)), add(7, 2)),
    (lambda: list(Author.objects.get(pk=1).book_set.all()), add(7, 2)),
    (of(Book.objects.filter(pages=10).union(Book.objects.filter(pages=60))), resize("b1", 51)),
]


@pytest.mark.parametrize("number", range(len(UNTOUCHED)))
def test_what_was_not_read_does_not_matter(number: int) -> None:
    read, other = UNTOUCHED[number]
    assert not conflicts(read, other)


def test_a_transaction_that_only_reads_always_commits() -> None:
    with atomic():
        before = list(Book.objects.values_list("pages", flat=True))
        outside(lambda: Book.objects.update(pages=0))
        outside(lambda: Book.objects.filter(title="a0").delete())
        assert list(Book.objects.values_list("pages", flat=True)) == before


def test_own_writes_are_no_conflict() -> None:
    with atomic():
        assert Book.objects.count() == 6
        Book.objects.create(title="own", pages=1, author_id=1)
        assert Book.objects.filter(pages=1).update(pages=2) == 1
        assert Book.objects.count() == 7


def test_many_reads_are_put_together_and_still_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelkit.stores.memory.footprint.FOLDED", 4)

    def read() -> None:
        for pages in range(20):
            list(Book.objects.filter(pages=pages))
        for pk in (1, 2):
            Author.objects.get(pk=pk)

    assert conflicts(read, add(19, 1))
    assert not conflicts(read, add(20, 1))
    assert conflicts(read, rename(2))


def test_a_footprint_without_end_counts_as_the_whole_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelkit.stores.memory.footprint.MOST_PREDICATES", 5)
    assert conflicts(lambda: [list(Book.objects.filter(pages=pages)) for pages in range(20)], add(77, 1))


def test_a_condition_that_calls_a_registered_function_counts_as_the_whole_table() -> None:
    calls = []

    def halved(pages: int) -> int:
        calls.append(pages)
        return pages // 2

    half = FunctionDef("halved", halved)
    halves = Book.objects.annotate(half=Func("pages", function=half, output_field=IntegerField())).filter(half__gt=25)

    def reading(query: Any) -> Callable[[], object]:
        def read() -> object:
            found = list(query.all())
            calls.append(-1)
            return found

        return read

    assert conflicts(reading(halves), resize("a0", 5)), "a row that the condition neither finds nor found"
    assert calls[-1] == -1, "no function of the user's runs where commits are judged"
    assert not conflicts(reading(halves), rename(2))
    assert conflicts(reading(halves.filter(pages__gt=20)), resize("b0", 41)), "the conditions beside it find the row"
    assert not conflicts(reading(halves.filter(pages__gt=20)), resize("a0", 6))


def test_where_nobody_else_commits_nothing_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("footprint.Footprint.refuse_changed", "commit.Committer.check_unchanged"):
        monkeypatch.setattr(f"modelkit.stores.memory.{name}", lambda *_: pytest.fail("it was judged"))
    with atomic():
        assert Book.objects.filter(pages__gt=10).count() == 5
        assert Author.objects.get(pk=1).book_set.count() == 3
        Book.objects.filter(title="a0").update(pages=1)
        Author.objects.create(name="d")
    with pytest.raises(pytest.fail.Exception), atomic():
        list(Author.objects.filter(name="a"))
        outside(rename(2))
        Author.objects.create(name="e")


def test_serializable_is_the_default() -> None:
    with pytest.raises(TransactionConflict), atomic():
        Author.objects.get(pk=1)
        outside(rename(1))
        Author.objects.create(name="d")

    @atomic
    def decorated() -> None:
        Author.objects.get(pk=1)
        outside(rename(1))
        Author.objects.create(name="d")

    with pytest.raises(TransactionConflict):
        decorated()


def test_a_conflict_names_the_row() -> None:
    with pytest.raises(TransactionConflict, match=r"Author 2.*nothing was saved.*retry") as caught, atomic():
        Author.objects.get(pk=2)
        outside(rename(2))
        Author.objects.create(name="x")
    assert (caught.value.model, caught.value.pk, caught.value.kind) == ("isolation.Author", 2, "read")
    with pytest.raises(TransactionConflict, match=r"Author 1.*first") as caught, atomic(isolation="snapshot"):
        Author.objects.filter(pk=1).update(name="mine")
        outside(rename(1))
    assert (caught.value.model, caught.value.pk, caught.value.kind) == ("isolation.Author", 1, "write")


def test_select_for_update_joins_the_validated_rows_of_a_snapshot() -> None:
    def read() -> object:
        return list(Author.objects.select_for_update().filter(pk=1))

    assert conflicts(read, rename(1), "snapshot")
    assert not conflicts(read, rename(2), "snapshot")

    def joined() -> object:
        return list(Book.objects.select_for_update().select_related("author").filter(pages=10))

    assert conflicts(joined, rename(1), "snapshot")
    assert not conflicts(joined, rename(2), "snapshot")


def test_select_for_update_waits_for_nobody() -> None:
    for option in ("nowait", "skip_locked"):
        with pytest.raises(NotSupportedError):
            Author.objects.select_for_update(**{option: True})
