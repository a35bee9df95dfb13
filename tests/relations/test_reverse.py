"""Managers of the many side of a foreign key."""

from __future__ import annotations

import asyncio

import pytest

from modelkit import Prefetch
from modelkit.database import capture_statements
from tests.relations.models import Book, Novel, Person, Team


@pytest.fixture
def red() -> Team:
    return Team.objects.create(name="red")


@pytest.fixture
def blue() -> Team:
    return Team.objects.create(name="blue")


def names(queryset) -> list[str]:
    return [each.name for each in queryset]


def test_all_gives_the_instances_own_rows(red, blue):
    red.members.create(name="Ada")
    blue.members.create(name="Bob")
    assert names(red.members.all()) == ["Ada"]
    assert names(red.members) == ["Ada"]
    assert red.members.count() == 1
    assert red.members.exists()
    assert red.members.get(name="Ada").team_id == red.pk
    with pytest.raises(Person.DoesNotExist):
        red.members.get(name="Bob")


def test_found_rows_know_the_instance(red):
    red.members.create(name="Ada")
    with capture_statements() as log:
        assert red.members.all()[0].team is red
        assert red.members.filter(age=30).get().team is red
        assert red.members.get().team is red
    assert len(log.statements) == 3


def test_rows_found_beside_an_instances_own_do_not_become_its(red, blue):
    red.members.create(name="Ada")
    blue.members.create(name="Bob")
    either = (red.members.all() | Person.objects.all()).only("pk")
    for found in (either, red.members.only("pk").union(Person.objects.only("pk"))):
        assert [each.team for each in found.order_by("pk")] == [red, blue]
    assert [each.team for each in (red.members.all() & Person.objects.all()).only("pk")] == [red]


def test_rows_prefetched_through_an_instances_own_know_it(red):
    Book.objects.create(author=red.members.create(name="Ada"))
    (found,) = Book.objects.prefetch_related(Prefetch("author", red.members.all()))
    assert found.author.team is red


def test_values_have_no_instance_to_know(red):
    red.members.create(name="Ada")
    assert list(red.members.values_list("name", flat=True)) == ["Ada"]
    assert list(red.members.values("name")) == [{"name": "Ada"}]


def test_manager_class_is_made_once(red, blue):
    assert type(red.members) is type(blue.members)


def test_queryset_methods_of_the_model_stay(red):
    red.members.create(name="Ada")
    red.members.create(name="Bob")
    assert names(red.members.named("Ada")) == ["Ada"]
    assert names(red.members.all().named("Bob")) == ["Bob"]


def test_another_manager_can_be_asked_for(red):
    red.members.create(name="Ada", age=40)
    red.members.create(name="Kid", age=8)
    assert names(red.members(manager="adults").all()) == ["Ada"]
    with pytest.raises(AttributeError):
        red.members(manager="nobody")


def test_add_points_rows_here_in_one_update(red, blue):
    people = [blue.members.create(name=name) for name in "abc"]
    with capture_statements() as log:
        red.members.add(*people)
    assert len(log.statements) == 1
    assert red.members.count() == 3
    assert people[0].team is red


def test_add_without_bulk_saves_new_ones(red):
    ada = Person(name="Ada")
    with pytest.raises(ValueError, match="not saved"):
        red.members.add(ada)
    red.members.add(ada, bulk=False)
    assert names(red.members.all()) == ["Ada"]


def test_add_refuses_another_model(red):
    with pytest.raises(TypeError, match="'Person' instance is expected"):
        red.members.add(red)


def test_get_or_create_relates(red):
    ada, created = red.members.get_or_create(name="Ada", defaults={"age": 50})
    assert created
    assert (ada.team, ada.age) == (red, 50)
    assert red.members.get_or_create(name="Ada") == (ada, False)


def test_update_or_create_relates(red):
    ada, created = red.members.update_or_create(name="Ada", defaults={"age": 50})
    assert created
    assert red.members.update_or_create(name="Ada", defaults={"age": 51}) == (ada, False)
    assert Person.objects.get().age == 51


def test_remove_and_clear_only_where_the_key_may_be_null(red):
    assert not hasattr(red.members, "remove")
    assert not hasattr(red.members, "clear")
    assert hasattr(red.coaches, "remove")


def test_remove_takes_off(red, blue):
    ada = Person.objects.create(name="Ada", team=red, coach_of=red)
    bob = Person.objects.create(name="Bob", team=red, coach_of=red)
    red.coaches.remove(ada)
    assert names(red.coaches.all()) == ["Bob"]
    with pytest.raises(Team.DoesNotExist, match="not related"):
        blue.coaches.remove(bob)
    red.coaches.clear()
    assert not red.coaches.exists()
    assert Person.objects.count() == 2


@pytest.mark.parametrize("bulk", [True, False])
@pytest.mark.parametrize("clear", [True, False])
def test_set_replaces(red, bulk, clear):
    ada, bob, eve = (Person.objects.create(name=name, team=red) for name in ("Ada", "Bob", "Eve"))
    red.coaches.set([ada, bob], bulk=bulk, clear=clear)
    assert names(red.coaches.order_by("name")) == ["Ada", "Bob"]
    red.coaches.set(Person.objects.filter(name__in=["Bob", "Eve"]), bulk=bulk, clear=clear)
    assert names(red.coaches.order_by("name")) == ["Bob", "Eve"]
    assert eve in red.coaches.all()
    red.coaches.set([], bulk=bulk, clear=clear)
    assert not red.coaches.exists()


def test_set_on_a_key_that_must_not_be_null_adds_only(red, blue):
    ada, bob = (Person.objects.create(name=name, team=blue) for name in ("Ada", "Bob"))
    red.members.set([ada])
    blue.members.set([])
    assert names(red.members.all()) == ["Ada"]
    assert names(blue.members.all()) == [bob.name]


def test_unsaved_instance_has_no_related_rows():
    team = Team(name="red")
    for use in (
        team.members.all,
        team.members.count,
        lambda: team.members.create(name="Ada"),
        team.members.add,
        lambda: team.members.set([]),
        team.coaches.clear,
    ):
        with pytest.raises(ValueError, match="save it first"):
            use()


def test_assignment_names_the_way_out(red):
    with pytest.raises(TypeError, match=r"members\.set\(\)"):
        red.members = []


def test_creating_by_an_instance_that_points_elsewhere_points_here(red, blue):
    assert red.members.create(name="Ada", team=blue).team == red


def test_update_and_delete_stay_inside(red, blue):
    red.members.create(name="Ada")
    blue.members.create(name="Bob")
    assert red.members.update(age=1) == 1
    assert Person.objects.get(name="Bob").age == 30
    assert red.members.all().delete()[0] == 1
    assert names(Person.objects.all()) == ["Bob"]


def test_inherited_relations_work_on_the_child(red):
    ada = red.members.create(name="Ada")
    novel = Novel.objects.create(title="Emma", author=ada, pages=2)
    assert [type(book) for book in ada.books.all()] == [Book]
    assert novel.author is ada
    assert Novel.objects.get().author == ada


def test_async_names_do_the_same(red):
    async def run() -> None:
        ada = await red.members.acreate(name="Ada")
        await red.coaches.aadd(ada)
        assert await red.coaches.acount() == 1
        await red.coaches.aremove(ada)
        await red.coaches.aset([ada])
        await red.coaches.aclear()
        assert not await red.coaches.aexists()
        assert (await red.members.aget_or_create(name="Ada"))[1] is False
        assert (await red.members.aupdate_or_create(name="Eve"))[1] is True

    asyncio.run(run())
