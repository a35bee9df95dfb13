"""What a deletion looked for is looked at again when it commits, at every level: what nobody enforces must not be left behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from modelkit import (
    CASCADE,
    PROTECT,
    SET_NULL,
    CharField,
    CompositePrimaryKey,
    ForeignKey,
    IntegerField,
    Model,
    PositiveIntegerField,
    Q,
    TransactionConflict,
    atomic,
)
from modelkit.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from modelkit.contrib.contenttypes.models import ContentType
from modelkit.stores.base import Isolation
from tests.transactions.test_isolation import outside


class Tag(Model):
    name = CharField(max_length=20)
    content_type = ForeignKey(ContentType, CASCADE, related_name="scans_tags")
    object_id = PositiveIntegerField()
    content_object = GenericForeignKey("content_type", "object_id")

    class Meta:
        app_label = "scans"


class Item(Model):
    name = CharField(max_length=20)
    tags = GenericRelation(Tag)

    class Meta:
        app_label = "scans"


class Loose(Model):
    item = ForeignKey(Item, CASCADE, db_constraint=False, related_name="loose")

    class Meta:
        app_label = "scans"


class Guard(Model):
    item = ForeignKey(Item, PROTECT, db_constraint=False, related_name="guards")

    class Meta:
        app_label = "scans"


class Note(Model):
    item = ForeignKey(Item, SET_NULL, null=True, db_constraint=False, related_name="notes")

    class Meta:
        app_label = "scans"


class Tied(Model):
    item = ForeignKey(Item, CASCADE, related_name="tied")

    class Meta:
        app_label = "scans"


class Cell(Model):
    pk = CompositePrimaryKey("row", "column")
    row = IntegerField()
    column = IntegerField()
    value = IntegerField(default=0)

    class Meta:
        app_label = "scans"


@pytest.fixture(autouse=True)
def items() -> None:
    for name in ("a", "b"):
        item = Item.objects.create(name=name)
        Tag.objects.create(name=name, content_object=item)
    Cell.objects.bulk_create(Cell(row=number // 40, column=number % 40) for number in range(1600))


NEW: list[Callable[[Item], Model]] = [
    lambda item: Tag(name="new", content_object=item),
    lambda item: Loose(item=item),
    lambda item: Guard(item=item),
    lambda item: Note(item=item),
    lambda item: Tied(item=item),
]


@pytest.mark.parametrize("how", ["instance", "queryset"])
@pytest.mark.parametrize("level", ["snapshot", "serializable"])
@pytest.mark.parametrize("number", range(len(NEW)))
def test_a_row_that_came_to_point_to_what_is_deleted_is_a_conflict(number: int, level: Isolation, how: str) -> None:
    item, other = Item.objects.order_by("name")
    with pytest.raises(TransactionConflict), atomic(isolation=level):
        item.delete() if how == "instance" else Item.objects.filter(name="a").delete()
        outside(lambda: NEW[number](Item.objects.get(name="a")).save())
    assert Item.objects.count() == 2
    with atomic(isolation=level):
        Item.objects.get(name="a").tags.all().delete()
        outside(lambda: NEW[number](other).save())
    assert Item.objects.count() == 2


@pytest.mark.parametrize("level", ["snapshot", "serializable"])
def test_a_row_that_came_to_point_elsewhere_is_none(level: Isolation) -> None:
    item, other = Item.objects.order_by("name")
    with atomic(isolation=level):
        item.delete()
        for new in NEW:
            outside(new(other).save)
    assert [found.name for found in Item.objects.all()] == ["b"]
    assert Tag.objects.count() == 2


def asked(key: Any) -> Any:
    return Cell.objects.filter(pk=key)


@pytest.mark.parametrize(
    "ask",
    [asked, lambda key: Cell.objects.filter(row=key[0], column=key[1]), lambda key: Cell.objects.filter(Q(pk=key))],
)
def test_any_number_of_composite_keys_is_compared_key_by_key(ask: Callable[[Any], Any]) -> None:
    def read() -> None:
        for number in range(800):
            assert ask((number // 40, number % 40)).get().value == 0

    def commit_after(row: int) -> None:
        with atomic():
            read()
            outside(lambda: asked((row, 3)).update(value=0))
            Cell.objects.create(row=row, column=100)

    commit_after(30)
    with pytest.raises(TransactionConflict):
        commit_after(7)
