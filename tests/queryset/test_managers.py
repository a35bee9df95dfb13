"""Managers: where queries start."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from modelkit import CharField, IntegerField, Manager, Model, ModelQuerySet, Registry
from modelkit.managers import EmptyManager
from tests.queryset.models import Person, Restaurant, Team


def test_a_model_has_objects() -> None:
    assert isinstance(Team.objects, Manager)
    assert Team.objects == Team._default_manager
    assert Team.objects.model is Team
    assert str(Team.objects) == "querysets.Team.objects"


def test_managers_belong_to_the_class() -> None:
    with pytest.raises(AttributeError, match="use Team"):
        _ = Team().objects


def test_get_queryset_is_where_everything_starts() -> None:
    for name, age in (("Ada", 36), ("Kid", 7)):
        Person.objects.create(name=name, age=age)
    adults = Person.adults
    assert adults.count() == 1
    assert [person.name for person in adults.all()] == ["Ada"]
    assert [person.name for person in adults] == ["Ada"]
    assert adults.filter(name="Kid").count() == 0
    assert not adults.exclude(age__gte=18).exists()
    assert adults.first().name == "Ada"
    with pytest.raises(Person.DoesNotExist):
        adults.get(name="Kid")
    assert adults.update(age=40) == 1
    assert Person.objects.get(name="Kid").age == 7
    assert adults[0].name == "Ada"
    assert list(adults.values_list("name", flat=True)) == ["Ada"]


def test_deleting_asks_for_all() -> None:
    assert not hasattr(Team.objects, "delete")
    with pytest.raises(AttributeError, match="all"):
        Team.objects.delete()
    assert Team.objects.all().delete() == (0, {})


def test_querysets_lend_their_public_methods() -> None:
    Person.objects.create(name="Ada")
    assert Person.objects.named("Ada").get().name == "Ada"
    assert Person.objects.filter(name="Ada").named("Bob").count() == 0
    assert Person.objects._shown() == "shown"
    assert not hasattr(Person.objects, "_hidden")
    assert not hasattr(Person.objects, "as_manager")


def test_from_queryset_keeps_the_managers_own_methods() -> None:
    registry = Registry()

    class Things(ModelQuerySet[Any]):
        def big(self) -> Any:
            return self.filter(size__gt=1)

        def greet(self) -> str:
            return "queryset"

    class Base(Manager[Any]):
        def greet(self) -> str:
            return "manager"

        def get_queryset(self) -> Any:
            return super().get_queryset().filter(size__lt=10)

    class Thing(Model):
        size = IntegerField()
        objects = Base.from_queryset(Things)()

        class Meta:
            registry = None

    del registry
    for size in (1, 5, 20):
        Thing.objects.create(size=size)
    assert Thing.objects.greet() == "manager"
    assert Thing.objects.all().greet() == "queryset"
    assert [thing.size for thing in Thing.objects.big()] == [5]
    assert type(Thing.objects).__name__ == "BaseFromThings"
    assert isinstance(Thing.objects, Base)


def test_managers_are_inherited_from_abstract_bases_as_copies() -> None:
    class Shy(Manager[Any]):
        def get_queryset(self) -> Any:
            return super().get_queryset().exclude(name="hidden")

    class Base(Model):
        name = CharField(max_length=10)
        shown = Shy()

        class Meta:
            abstract = True

    class First(Base):
        pass

    class Second(Base):
        pass

    First.shown.create(name="x")
    First.shown.create(name="hidden")
    assert First.shown.model is First
    assert Second.shown.model is Second
    assert First.shown is not Second.shown
    assert First._default_manager == Second._default_manager
    assert First.shown.count() == 1
    assert First._base_manager.count() == 2
    with pytest.raises(AttributeError, match="abstract"):
        _ = Base.shown


def test_children_of_concrete_models_have_managers_of_their_own() -> None:
    assert Restaurant.objects.model is Restaurant
    Restaurant.objects.create(name="x", stars=1)
    assert Restaurant.objects.get().stars == 1


def test_managers_compare_by_class_and_arguments() -> None:
    class Taking(Manager[Any]):
        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    assert Taking(1) == Taking(1)
    assert Taking(1) != Taking(2)
    assert Taking(1) != Manager()
    assert copy.copy(Taking(1)) == Taking(1)
    assert bool(Team.objects)


def test_an_empty_manager_finds_nothing() -> None:
    Team.objects.create(name="x")
    assert EmptyManager(Team).count() == 0
    assert list(EmptyManager(Team).all()) == []


def test_querysets_that_override_get_and_filter_are_asked() -> None:
    class Loud(ModelQuerySet[Any]):
        def filter(self, *conditions: Any, **lookups: Any) -> Any:
            return super().filter(*conditions, size__gt=1, **lookups)

        def get(self, *conditions: Any, **lookups: Any) -> Any:
            return ("got", super().get(*conditions, **lookups))

    class Sized(Model):
        size = IntegerField()
        objects = Loud.as_manager()

    Sized.objects.create(size=1)
    Sized.objects.create(size=2)
    assert Sized.objects.filter().count() == 1
    assert Sized.objects.get(size=1)[0] == "got"


def test_subclasses_may_keep_more_on_querysets() -> None:
    class Marked(ModelQuerySet[Any]):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.mark = ""

        def _clone(self) -> Any:
            clone = super()._clone()
            clone.mark = self.mark
            return clone

        def marked(self, mark: str) -> Any:
            clone = self._chain()
            clone.mark = mark
            return clone

    class Markable(Model):
        size = IntegerField()
        objects = Marked.as_manager()

    Markable.objects.create(size=1)
    queryset = Markable.objects.marked("x").filter(size=1)
    assert queryset.mark == "x"
    assert Markable.objects.all().mark == ""
    assert queryset.get().size == 1


class Rows(ModelQuerySet[Any]):
    """A queryset with a name."""


class Numbered(Manager[Any]):
    def __init__(self, first: int, *, second: int = 2) -> None:
        super().__init__()


def test_a_manager_says_what_makes_an_equal_one() -> None:
    assert Rows.as_manager().deconstruct() == (True, None, f"{__name__}.Rows", (), {})
    assert Numbered(1, second=3).deconstruct() == (False, f"{__name__}.Numbered", None, (1,), {"second": 3})
    with pytest.raises(ValueError, match="ManagerFromRows"):
        Manager.from_queryset(Rows)().deconstruct()
