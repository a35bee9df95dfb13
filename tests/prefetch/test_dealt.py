"""However a relation's rows are read and dealt to the instances, each has what its own manager would find."""

from __future__ import annotations

from typing import Any

import pytest

import modelkit as models
from modelkit import F, Registry, Window
from modelkit.functions import RowNumber
from modelkit.prefetch import Prefetch
from modelkit.signals import post_init


class Badge:
    """The value of a key that is not what is stored."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Badge) and self.number == other.number

    def __hash__(self) -> int:
        return hash(("badge", self.number))


class BadgeField(models.IntegerField):
    """Stores the number of a badge."""

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else Badge(value)

    def to_python(self, value: Any) -> Any:
        return value if value is None or isinstance(value, Badge) else Badge(int(value))

    def get_prep_value(self, value: Any) -> Any:
        return value.number if isinstance(value, Badge) else value


def club(key: Any) -> tuple[Any, Any, Any]:
    """Members with keys of a field, their cards and the rooms that they may enter."""
    apps = Registry()

    class Room(models.Model):
        id = key()
        name = models.CharField(max_length=10)
        plan = models.JSONField(default=list)

        class Meta:
            registry = apps
            app_label = "club"

    class Member(models.Model):
        id = key()
        rooms = models.ManyToMany(Room, related_name="members")

        class Meta:
            registry = apps
            app_label = "club"

    class Card(models.Model):
        number = models.IntegerField(default=0)
        member = models.ForeignKey(Member, models.CASCADE, related_name="cards")

        class Meta:
            registry = apps
            app_label = "club"

    for number, name in enumerate("dcba", 1):
        Room.objects.create(id=str(number), name=name)
    rooms = list(Room.objects.order_by("-name"))
    for number in (3, 1, 2):
        Member.objects.create(id=str(number))
        member = Member.objects.get(id=str(number))
        for count in range(number):
            member.rooms.add(rooms[(number + count) % 4])
            Card.objects.create(member=member, number=9 - count)
    Member.objects.create(id="4")
    return Member, Card, Room


def of_badge() -> Any:
    return BadgeField(primary_key=True)


def of_number() -> Any:
    return models.IntegerField(primary_key=True)


def of_text() -> Any:
    return models.CharField(primary_key=True, max_length=10)


QUERYSETS = {
    "all": lambda rows: rows.all(),
    "ordered": lambda rows: rows.order_by("-pk"),
    "filtered": lambda rows: rows.exclude(pk=2),
    "distinct": lambda rows: rows.distinct(),
    "annotated": lambda rows: rows.annotate(again=F("pk")),
    "deferred": lambda rows: rows.only("pk"),
    "numbered": lambda rows: rows.annotate(place=Window(RowNumber(), order_by="-pk")).filter(place__gt=0),
    "sliced": lambda rows: rows.order_by("pk")[:2],
    "combined": lambda rows: rows.filter(pk__lt=3) | rows.filter(pk=3),
}


@pytest.mark.parametrize("key", [of_number, of_text, of_badge])
@pytest.mark.parametrize("name", QUERYSETS)
@pytest.mark.parametrize("relation", ["cards", "rooms"])
@pytest.mark.parametrize("listened", [False, True])
def test_each_instance_has_what_its_manager_finds(key: Any, name: str, relation: str, listened: bool) -> None:
    Member, Card, Room = club(key)
    choose, related = QUERYSETS[name], {"cards": Card, "rooms": Room}[relation]
    heard: list[Any] = []

    def hear(instance: Any, **_: Any) -> None:
        heard.append(instance)

    if listened:
        post_init.connect(hear, sender=related)
    try:
        members = list(Member.objects.prefetch_related(Prefetch(relation, queryset=choose(related.objects.all()))))
        shown = [[each.pk for each in getattr(member, relation).all()] for member in members]
    finally:
        post_init.disconnect(hear, sender=related)
    assert shown == [[each.pk for each in choose(getattr(member, relation).all())] for member in Member.objects.all()]
    assert len(heard) >= listened * sum(map(len, shown))
    assert sum(map(len, shown)) >= 3


def test_instances_of_one_row_share_nothing_that_can_change() -> None:
    Member, _, Room = club(of_number)
    rooms = Prefetch("rooms", queryset=Room.objects.annotate(drawn=F("plan")))
    found = [room for member in Member.objects.prefetch_related(rooms) for room in member.rooms.all()]
    first, second = (room for room in found if room.pk == 4)
    assert first is not second
    first.plan.append(1)
    first.drawn.append(2)
    assert (second.plan, second.drawn) == ([], [])
    assert (first.plan, first.drawn) == ([1], [2])


def test_what_was_written_in_a_transaction_is_dealt_in_it() -> None:
    Member, _, Room = club(of_number)

    def shown() -> dict[int, list[str]]:
        return {
            member.pk: [room.name for room in member.rooms.all()] for member in Member.objects.prefetch_related("rooms")
        }

    assert shown() == {3: ["d", "c", "a"], 1: ["c"], 2: ["b", "a"], 4: []}
    with models.atomic():
        Member.objects.get(pk=4).rooms.add(1)
        Member.objects.get(pk=1).rooms.clear()
        Room.objects.filter(pk=4).delete()
        changed = {3: ["d", "c"], 1: [], 2: ["b"], 4: ["d"]}
        assert shown() == changed
    assert shown() == changed
    Member.objects.get(pk=4).rooms.add(2)
    assert shown()[4] == ["d", "c"]
    through = Member.rooms.through
    through.objects.filter(member=4, room=1).update(room=3)
    assert shown()[4] == ["c", "b"]
