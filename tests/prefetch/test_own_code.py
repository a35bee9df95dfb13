"""What is prefetched stands on instances whose models answer for attributes, take them, make instances or finalize them themselves."""

from __future__ import annotations

import gc
from typing import Any

import pytest

import modelkit as models
from modelkit import Registry
from modelkit.database import capture_statements
from modelkit.signals import post_init


class Plain:
    """No code of its own."""


class Answering:
    """Has every attribute."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return f"answer to {name}"


class Asked:
    """Is told of every attribute that is read."""

    def __getattribute__(self, name: str) -> Any:
        return super().__getattribute__(name)


class Taking:
    """Refuses attributes that it does not know."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_") and name != "_adding":
            raise TypeError(f"{name} is not to be set")
        super().__setattr__(name, value)


class Making:
    """Makes its instances itself."""

    @classmethod
    def from_db(cls, db: str, names: list[str], values: list[Any]) -> Any:
        made = super().from_db(db, names, values)  # type: ignore[misc]
        made.made = True
        return made


def shelves_and_books(mixin: type) -> tuple[Any, Any, Any]:
    apps = Registry()

    class Shelf(mixin, models.Model):  # type: ignore[misc]
        name = models.CharField(max_length=10)

        class Meta:
            registry = apps
            app_label = "own"

    class Label(mixin, models.Model):  # type: ignore[misc]
        name = models.CharField(max_length=10)

        class Meta:
            registry = apps
            app_label = "own"

    class Book(mixin, models.Model):  # type: ignore[misc]
        title = models.CharField(max_length=10)
        shelf = models.ForeignKey(Shelf, models.CASCADE, null=True, related_name="books")
        labels = models.ManyToMany(Label, related_name="books")

        class Meta:
            registry = apps
            app_label = "own"

    return Shelf, Label, Book


def check(shelf: Any, label: Any, book: Any) -> None:
    first, second = shelf.objects.create(name="a"), shelf.objects.create(name="b")
    red, blue = label.objects.create(name="red"), label.objects.create(name="blue")
    for title, on, labels in (("x", first, [blue, red]), ("y", first, []), ("z", None, [red])):
        book.objects.create(title=title, shelf=on).labels.set(labels)
    with capture_statements() as log:
        shelves = list(shelf.objects.order_by("pk").prefetch_related("books__labels"))
        assert [[each.title for each in one.books.all()] for one in shelves] == [["x", "y"], []]
        assert all(each.shelf is shelves[0] for each in shelves[0].books.all())
        assert [each.name for each in shelves[0].books.all()[0].labels.all()] == ["red", "blue"]
        books = list(book.objects.order_by("pk").prefetch_related("shelf", "labels"))
        assert [each.shelf and each.shelf.name for each in books] == ["a", "a", None]
        assert [len(each.labels.all()) for each in books] == [2, 0, 1]
    assert len(log) == 6
    models.prefetch_related_objects([*shelves, second], "books")
    assert len(shelves[0].books.all()) == 2
    assert len(second.books.all()) == 0
    unread = shelf.objects.get(pk=first.pk)
    assert unread.books.count() == 2
    assert [each.title for each in unread.books.filter(title="y")] == ["y"]


@pytest.mark.parametrize("mixin", [Plain, Answering, Asked, Taking, Making], ids=lambda mixin: mixin.__name__)
def test_a_models_own_code_does_not_get_in_the_way(mixin: type) -> None:
    check(*shelves_and_books(mixin))


def test_a_listener_to_new_instances_does_not_get_in_the_way() -> None:
    told: list[Any] = []

    def note(instance: Any, **_: Any) -> None:
        told.append(instance)

    post_init.connect(note)
    try:
        check(*shelves_and_books(Plain))
    finally:
        post_init.disconnect(note)
    assert told


def test_what_made_an_instance_may_have_set_its_owner() -> None:
    class Elsewhere:
        @classmethod
        def from_db(cls, db: str, names: list[str], values: list[Any]) -> Any:
            made = super().from_db(db, names, values)  # type: ignore[misc]
            if "shelf_id" in names:
                made.shelf = same
            return made

    shelf, _, book = shelves_and_books(Elsewhere)
    owner = shelf.objects.create(name="a")
    same = shelf.objects.get()
    book.objects.create(title="x", shelf=owner)
    (found,) = shelf.objects.filter(pk=owner.pk).prefetch_related("books")[0].books.all()
    assert found.shelf is same


def test_declaring_a_model_finalizes_no_instance() -> None:
    finalized: list[str] = []

    class Ending:
        def __del__(self) -> None:
            finalized.append(type(self).__name__)

    shelf, _, _ = shelves_and_books(Ending)
    gc.collect()
    assert finalized == []
    shelf.objects.create(name="a")
    gc.collect()
    assert finalized == ["Shelf"]
