"""Cascades that the store takes as one request do what the collector does, row by row and label by label."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

import modelkit as models
from modelkit import MemoryStore, Registry
from modelkit.database import capture_statements, use_store
from modelkit.errors import IntegrityError, ProtectedError
from modelkit.signals import pre_delete
from modelkit.transaction import atomic, set_rollback


class Base(models.Model):
    class Meta:
        abstract = True
        app_label = "chain"


class Library(Base):
    name = models.CharField(max_length=20, default="")


class Shelf(Base):
    library = models.ForeignKey(Library, models.CASCADE, null=True, related_name="shelves")
    code = models.CharField(max_length=20, unique=True, null=True)


class Keyword(Base):
    name = models.CharField(max_length=20, default="")


class Volume(Base):
    shelf = models.ForeignKey(Shelf, models.CASCADE, null=True, to_field="code", related_name="volumes")
    keywords = models.ManyToMany(Keyword)


class Page(Base):
    volume = models.ForeignKey(Volume, models.CASCADE, related_name="pages")


class Loan(Base):
    shelf = models.ForeignKey(Shelf, models.DO_NOTHING, null=True)


ALL = (Library, Shelf, Keyword, Volume, Page, Volume.keywords.through, Loan)


def fill(seed: int) -> None:
    source = random.Random(seed)
    Library.objects.bulk_create([Library() for _ in range(4)])
    Shelf.objects.bulk_create(
        [
            Shelf(library_id=source.choice([None, 1, 2, 3, 4]), code=source.choice([f"s{n}", f"s{n}", None]))
            for n in range(10)
        ]
    )
    codes = [*Shelf.objects.exclude(code=None).values_list("code", flat=True), None]
    Keyword.objects.bulk_create([Keyword() for _ in range(3)])
    for _ in range(25):
        volume = Volume.objects.create(shelf_id=source.choice(codes))
        volume.keywords.set(source.sample(range(1, 4), source.randrange(3)))
    Page.objects.bulk_create([Page(volume_id=source.randint(1, 25)) for _ in range(60)])


def contents() -> dict[str, list[Any]]:
    return {model.__name__: list(model.objects.order_by("pk").values_list()) for model in ALL}


def listener(**_: Any) -> None:
    """Makes deletions of its sender go through instances."""


def outcome(seed: int, delete: Callable[[], Any]) -> tuple[Any, dict[str, list[Any]], int]:
    with use_store(MemoryStore()):
        fill(seed)
        with capture_statements() as log:
            deleted = delete()
        return deleted, contents(), len(log)


DELETIONS: dict[str, Callable[[], Any]] = {
    "a row by key": lambda: Library.objects.filter(pk=2).delete(),
    "rows by keys": lambda: Library.objects.filter(pk__in=[1, 3]).delete(),
    "rows by a scan": lambda: Shelf.objects.filter(library__isnull=False).delete(),
    "all": lambda: Library.objects.all().delete(),
    "none": lambda: Library.objects.filter(pk=99).delete(),
    "an instance": lambda: Library.objects.get(pk=1).delete(),
    "an instance, by another attribute": lambda: Shelf.objects.get(pk=5).delete(),
    "the end of a chain": lambda: Keyword.objects.filter(pk__lt=3).delete(),
    "rows of the middle": lambda: Volume.objects.filter(pk__in=range(5, 15)).delete(),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("which", DELETIONS)
def test_a_chain_deletes_what_the_collector_deletes(which, seed):
    deleted, rest, _ = outcome(seed, DELETIONS[which])
    for model in ALL:
        pre_delete.connect(listener, sender=model)
    try:
        assert outcome(seed, DELETIONS[which])[:2] == (deleted, rest)
    finally:
        for model in ALL:
            pre_delete.disconnect(listener, sender=model)


def test_a_chain_takes_a_statement_to_read_and_one_to_delete_for_each_model():
    _, _, statements = outcome(1, DELETIONS["rows by keys"])
    assert statements == 8


def test_a_chain_is_undone_with_its_transaction():
    fill(1)
    before = contents()
    with atomic():
        Library.objects.all().delete()
        assert not Page.objects.filter(volume__shelf__library__isnull=False).exists()
        set_rollback(True)
    assert contents() == before


def test_in_a_transaction_a_chain_takes_along_what_it_wrote():
    with atomic():
        library = Library.objects.create()
        Volume.objects.create(shelf=Shelf.objects.create(library=library, code="new"))
        assert library.delete() == (3, {"chain.Library": 1, "chain.Shelf": 1, "chain.Volume": 1})
    assert not Shelf.objects.exists()
    assert not Volume.objects.exists()


def test_a_reference_that_stays_undoes_a_chain():
    fill(1)
    shelf = Shelf.objects.filter(library__isnull=False).first()
    Loan.objects.create(shelf=shelf)
    before = contents()
    with pytest.raises(IntegrityError, match="Shelf"):
        Library.objects.all().delete()
    assert contents() == before


def test_a_relation_that_comes_later_is_followed():
    apps = Registry()

    def declare(name: str, **fields: Any) -> Any:
        meta = type("Meta", (), {"registry": apps, "app_label": "late"})
        return type(name, (models.Model,), {"__module__": __name__, "Meta": meta, **fields})

    first = declare("First")
    second = declare("Second", first=models.ForeignKey(first, models.CASCADE))
    second.objects.create(first=first.objects.create())
    assert first.objects.all().delete()[0] == 2
    third = declare("Third", second=models.ForeignKey(second, models.CASCADE))
    third.objects.create(second=second.objects.create(first=first.objects.create()))
    assert first.objects.all().delete()[0] == 3
    guard = declare("Guard", third=models.ForeignKey(third, models.PROTECT))
    guard.objects.create(third=third.objects.create(second=second.objects.create(first=first.objects.create())))
    with pytest.raises(ProtectedError):
        first.objects.all().delete()
    assert second.objects.count() == 1


def test_a_listener_to_any_model_of_a_chain_is_told():
    fill(1)
    told = []

    def note(instance: Any, **_: Any) -> None:
        told.append(instance.pk)

    expected = sorted(Page.objects.filter(volume__shelf__library=1).values_list("pk", flat=True))
    pre_delete.connect(note, sender=Page)
    try:
        Library.objects.filter(pk=1).delete()
    finally:
        pre_delete.disconnect(note, sender=Page)
    assert sorted(told) == expected
