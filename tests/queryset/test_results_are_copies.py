"""Mutating what a query returned never changes the store: one test over all ways out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from modelkit import F, Prefetch
from tests.queryset.models import Person, Restaurant, Tag, Team


def spoil(value: Any, seen: set[int] | None = None) -> int:
    """Change everything mutable in `value`, as deep as it goes; how many lists and dicts were changed."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return 0
    seen.add(id(value))
    match value:
        case dict():
            number = sum(spoil(item, seen) for item in list(value.values()))
            value["spoilt"] = True
            return number + 1
        case list():
            number = sum(spoil(item, seen) for item in list(value))
            value.append("spoilt")
            return number + 1
        case tuple():
            return sum(spoil(item, seen) for item in value)
        case Person() | Tag() | Restaurant() | Team():
            number = sum(spoil(item, seen) for item in list(value.__dict__.values()))
            for name in list(value.__dict__):
                value.__dict__[name] = "spoilt"
            return number
        case _:
            return 0


@pytest.fixture(autouse=True)
def rows() -> None:
    team = Team.objects.create(name="red")
    person = Person.objects.create(name="Ada", age=36, team=team, data={"a": [1, {"b": 2}], "n": None})
    Person.objects.create(name="Bob", age=20, team=team, data=[[1], [2]])
    person.tags.add(Tag.objects.create(word="x", extra={"k": [1]}))
    Restaurant.objects.create(name="Chez", stars=2, menu=["soup", ["fish"]])


def contents() -> Any:
    """All rows of all tables, as text."""
    return [
        list(map(repr, Person.objects.order_by("pk").values_list())),
        list(map(repr, Tag.objects.order_by("pk").values_list())),
        list(map(repr, Team.objects.order_by("pk").values_list())),
        list(map(repr, Restaurant.objects.order_by("pk").values_list())),
    ]


WAYS: dict[str, Callable[[], Any]] = {
    "instances": lambda: list(Person.objects.all()),
    "the result cache": lambda: Person.objects.all()._results(),
    "get": lambda: [Person.objects.get(name="Ada")],
    "first": lambda: [Person.objects.first()],
    "latest": lambda: [Person.objects.latest("pk")],
    "an index": lambda: [Person.objects.order_by("pk")[0]],
    "iterator": lambda: list(Person.objects.iterator(chunk_size=1)),
    "in_bulk": Person.objects.in_bulk,
    "only": lambda: list(Person.objects.only("data")),
    "deferred, read later": lambda: [person.data for person in Person.objects.defer("data")],
    "select_related": lambda: list(Person.objects.select_related("team")),
    "prefetched": lambda: [list(person.tags.all()) for person in Person.objects.prefetch_related("tags")],
    "prefetched to a list": lambda: [
        person.found for person in Person.objects.prefetch_related(Prefetch("tags", to_attr="found"))
    ],
    "related manager": lambda: list(Team.objects.get().members.all()),
    "values": lambda: list(Person.objects.values()),
    "values of one": lambda: list(Person.objects.values("data")),
    "values over a relation": lambda: list(Team.objects.values("members__data")),
    "values_list": lambda: list(Person.objects.values_list("name", "data")),
    "values_list flat": lambda: list(Person.objects.values_list("data", flat=True)),
    "values_list named": lambda: list(Person.objects.values_list("name", "data", named=True)),
    "distinct values": lambda: list(Person.objects.values("data").distinct()),
    "a part of a JSON value": lambda: list(Person.objects.values_list("data__a", flat=True)),
    "typed values_list": lambda: list(Person.objects.values_list(Person.name, Person.data)),
    "into": lambda: list(Person.objects.into(lambda name, data: [name, data], Person.name, Person.data)),
    "an annotation": lambda: list(Person.objects.annotate(copy=F("data"))),
    "a typed annotation": lambda: list(Person.objects.annotate(Person.data)),
    "inherited": lambda: list(Restaurant.objects.all()),
    "refreshed": lambda: [_refreshed(Person.objects.get(name="Ada"))],
    "get_or_create": lambda: list(Person.objects.get_or_create(name="Ada")),
    "update_or_create": lambda: list(Person.objects.update_or_create(name="Ada", defaults={"age": 36})),
}


def _refreshed(person: Person) -> Person:
    person.refresh_from_db()
    return person


@pytest.mark.parametrize("way", WAYS)
def test_what_a_query_gave_is_the_callers_own(way: str) -> None:
    before = contents()
    given = WAYS[way]()
    assert spoil(given), f"{way}: nothing mutable came out, so nothing was tested"
    assert contents() == before
    WAYS[way]()
    assert contents() == before


INPUT: dict[str, Callable[[Any], Any]] = {
    "create": lambda data: Person.objects.create(name="new", data=data),
    "save": lambda data: Person(name="new", data=data).save(),
    "bulk_create": lambda data: Person.objects.bulk_create([Person(name="new", data=data)]),
    "update": lambda data: Person.objects.filter(name="Bob").update(data=data),
    "save of a change": lambda data: _changed(Person.objects.get(name="Bob"), data),
    "get_or_create": lambda data: Person.objects.get_or_create(name="new", defaults={"data": data}),
}


def _changed(person: Person, data: Any) -> None:
    person.data = data
    person.save()


@pytest.mark.parametrize("way", INPUT)
def test_what_was_saved_is_the_stores_own(way: str) -> None:
    data = {"deep": [{"er": [1]}]}
    INPUT[way](data)
    before = contents()
    assert spoil(data) == 4
    assert contents() == before


def test_a_default_is_not_shared() -> None:
    first = Tag(word="1")
    first.extra["spoilt"] = True
    assert Tag(word="2").extra == {}
