"""Reading: laziness, caching, slices, single rows, counting."""

from __future__ import annotations

import asyncio
import copy
import datetime
import gc
import pickle
from types import MappingProxyType
from typing import Any

import pytest

from modelkit import F, FieldError, NotSupportedError, Prefetch, Q, capture_statements
from modelkit.database import connect, disconnect, use_store
from modelkit.queryset import EmptyQuerySet
from modelkit.signals import post_init, pre_init
from modelkit.stores.memory.store import MemoryStore
from tests.queryset.models import Loud, Person, Place, Restaurant, Tag, Team, Ticket

NAMES = ["Ada", "Bob", "Cyd", "Dan", "Eve"]


@pytest.fixture
def people(store: MemoryStore) -> list[Person]:
    return [Person.objects.create(name=name, age=10 * number) for number, name in enumerate(NAMES, start=1)]


def names(queryset: Any) -> list[str]:
    return [person.name for person in queryset]


class TestLaziness:
    def test_building_asks_nothing(self, people: list[Person]) -> None:
        with capture_statements() as log:
            queryset = Person.objects.filter(age__gt=10).exclude(name="Eve").order_by("-age").distinct()[:2]
            queryset.values_list("name")
            assert not log.statements
            list(queryset)
        assert len(log) == 1

    def test_results_are_kept(self, people: list[Person]) -> None:
        queryset = Person.objects.all()
        with capture_statements() as log:
            assert len(queryset) == 5
            assert queryset
            assert next(iter(queryset)) is queryset[0]
            assert queryset[1:3] == queryset._result_cache[1:3]
            assert people[0] in queryset
            assert queryset.count() == 5
            assert queryset.exists()
        assert len(log) == 1

    def test_chaining_never_changes_a_queryset(self, people: list[Person]) -> None:
        queryset = Person.objects.order_by("name")
        list(queryset)
        narrowed = queryset.filter(name="Ada")
        assert names(narrowed) == ["Ada"]
        assert names(queryset) == NAMES
        assert queryset.all() is not queryset

    def test_all_reads_anew(self, people: list[Person]) -> None:
        queryset = Person.objects.all()
        assert len(queryset) == 5
        Person.objects.create(name="Fay")
        assert len(queryset) == 5
        assert len(queryset.all()) == 6

    def test_unknown_names_raise_where_they_are_written(self) -> None:
        with pytest.raises(FieldError, match="Did you mean 'name'"):
            Person.objects.filter(nmae="x")


class TestSlices:
    def test_slices_are_querysets_and_add_up(self, people: list[Person]) -> None:
        queryset = Person.objects.order_by("name")
        assert names(queryset[1:4]) == ["Bob", "Cyd", "Dan"]
        assert names(queryset[1:4][1:]) == ["Cyd", "Dan"]
        assert names(queryset[1:4][1:2]) == ["Cyd"]
        assert names(queryset[3:][:5]) == ["Dan", "Eve"]
        assert names(queryset[2:2]) == []
        assert queryset[1].name == "Bob"
        assert queryset[1:4].count() == 3
        assert queryset[4:9].count() == 1
        assert not queryset[5:].exists()

    def test_a_step_makes_a_list(self, people: list[Person]) -> None:
        found = Person.objects.order_by("name")[0:5:2]
        assert isinstance(found, list)
        assert names(found) == ["Ada", "Cyd", "Eve"]

    @pytest.mark.parametrize("index", [-1, slice(-2, None), slice(None, -1)])
    def test_negative_indexes_are_refused(self, people: list[Person], index: Any) -> None:
        with pytest.raises(ValueError, match="negative"):
            Person.objects.all()[index]

    @pytest.mark.parametrize("index", ["1", 1.0, None, (1, 2)])
    def test_other_indexes_are_refused(self, index: Any) -> None:
        with pytest.raises(TypeError):
            Person.objects.all()[index]

    def test_an_index_past_the_end(self, people: list[Person]) -> None:
        with pytest.raises(IndexError):
            Person.objects.all()[5]

    @pytest.mark.parametrize(
        "change",
        [
            lambda queryset: queryset.filter(name="x"),
            lambda queryset: queryset.exclude(name="x"),
            lambda queryset: queryset.order_by("name"),
            lambda queryset: queryset.reverse(),
            lambda queryset: queryset.last(),
            lambda queryset: queryset.distinct(),
            lambda queryset: queryset.update(name="x"),
            lambda queryset: queryset.delete(),
            lambda queryset: queryset.in_bulk([1]),
            lambda queryset: queryset.earliest("name"),
            lambda queryset: queryset & Person.objects.all(),
        ],
    )
    def test_a_slice_is_the_last_step(self, people: list[Person], change: Any) -> None:
        with pytest.raises(TypeError, match="slice"):
            change(Person.objects.order_by("name")[:3])
        assert Person.objects.count() == 5


class TestOne:
    def test_get(self, people: list[Person]) -> None:
        assert Person.objects.get(pk=people[1].pk) == people[1]
        assert Person.objects.get(Q(name="Bob") | Q(name="nobody")).age == 20
        assert Person.objects.filter(age=30).get().name == "Cyd"

    def test_get_finds_none_or_several(self, people: list[Person]) -> None:
        with pytest.raises(Person.DoesNotExist, match="Person"):
            Person.objects.get(name="nobody")
        with pytest.raises(Person.MultipleObjectsReturned, match="found 4 Person"):
            Person.objects.get(age__gt=10)
        Person.objects.bulk_create([Person(name="x") for _ in range(30)])
        with pytest.raises(Person.MultipleObjectsReturned, match="more than 20"):
            Person.objects.get(name="x")
        with pytest.raises(Person.DoesNotExist):
            Person.objects.none().get()

    def test_get_names_itself_where_its_lookups_are_refused(self) -> None:
        for every in (Person.objects, Person.objects.all()):
            with pytest.raises(FieldError, match=r"in get\(nmae=\.\.\.\)"):
                every.get(nmae="Ada")
            with pytest.raises(FieldError, match=r"in filter\(nmae=\.\.\.\)"):
                every.filter(nmae="Ada")
            with pytest.raises(TypeError, match=r"^get\(\) takes conditions"):
                every.get("Ada")

    @pytest.mark.parametrize(
        "lookups",
        [
            {"pk": 1},
            {"pk": "2"},
            {"pk": 2**70},
            {"pk": -(2**70), "name": "Ada"},
            {"pk": None},
            {"pk": True},
            {"pk": "x"},
            {"pk": [1]},
            {"name": "nobody"},
            {"age__gt": 10},
            {"age__in": [10]},
            {"age__in": []},
            {"age__isnull": False, "name": "Bob"},
            {"age__isnull": True, "name": "Bob"},
            {"team__name": "red"},
            {"nmae": "Ada"},
        ],
        ids=str,
    )
    def test_a_manager_finds_each_time_what_its_queryset_finds(
        self, people: list[Person], lookups: dict[str, Any]
    ) -> None:
        def outcome(source: Any) -> Any:
            try:
                return source.get(**lookups)
            except Exception as error:  # noqa: BLE001 - whatever is raised is the outcome
                return type(error), str(error)

        people[0].team = Team.objects.create(name="red")
        people[0].save()
        once = outcome(Person.objects.all())
        assert [outcome(Person.objects) for _ in range(3)] == [once] * 3
        Team.objects.filter(name="red").update(name="blue")
        Person.objects.filter(pk__gt=0).update(age=None)
        assert outcome(Person.objects) == outcome(Person.objects.all())

    def test_get_after_values_and_slices(self, people: list[Person]) -> None:
        assert Person.objects.values("name").get(age=10) == {"name": "Ada"}
        assert Person.objects.values_list("name", flat=True).get(age=10) == "Ada"
        assert Person.objects.order_by("name")[1:2].get().name == "Bob"

    def test_first_and_last(self, people: list[Person]) -> None:
        assert Person.objects.first() == people[0]
        assert Person.objects.last() == people[-1]
        assert Person.objects.order_by("-age").first().name == "Eve"
        assert Person.objects.order_by("-age").last().name == "Ada"
        assert Person.objects.filter(name="nobody").first() is None
        assert Person.objects.none().last() is None

    def test_earliest_and_latest(self, people: list[Person]) -> None:
        assert Person.objects.earliest("-age").name == "Eve"
        assert Person.objects.latest("age", "name").name == "Eve"
        with pytest.raises(Person.DoesNotExist):
            Person.objects.filter(name="nobody").latest("age")
        with pytest.raises(ValueError, match="get_latest_by"):
            Team.objects.latest()
        Person.objects.filter(name="Cyd").update(joined="2020-01-01")
        Person.objects.exclude(name="Cyd").update(joined="2019-01-01")
        assert Person.objects.latest().name == "Cyd"

    def test_contains(self, people: list[Person]) -> None:
        assert Person.objects.contains(people[0])
        assert not Person.objects.filter(age__gt=10).contains(people[0])
        assert not Person.objects.contains(Team.objects.create(name="x"))
        with pytest.raises(ValueError):
            Person.objects.contains(Person())
        with pytest.raises(TypeError):
            Person.objects.contains("Ada")
        with pytest.raises(TypeError):
            Person.objects.values("name").contains(people[0])

    def test_in_bulk(self, people: list[Person]) -> None:
        first, second = people[0].pk, people[1].pk
        assert Person.objects.in_bulk([second, first, 99]) == {first: people[0], second: people[1]}
        assert len(Person.objects.in_bulk()) == 5
        assert Person.objects.in_bulk([]) == {}
        team = Team.objects.create(name="red")
        assert Team.objects.in_bulk(["red"], field_name="name") == {"red": team}
        with pytest.raises(ValueError, match="unique"):
            Person.objects.in_bulk(["Ada"], field_name="name")
        with pytest.raises(FieldError):
            Person.objects.in_bulk(["Ada"], field_name="nam")
        with pytest.raises(TypeError):
            Person.objects.values().in_bulk()


class TestRows:
    def test_values(self, people: list[Person]) -> None:
        found = Person.objects.filter(name="Ada")
        assert list(found.values("name", "age")) == [{"name": "Ada", "age": 10}]
        assert list(found.values_list("name", "age")) == [("Ada", 10)]
        assert list(found.values_list("name", flat=True)) == ["Ada"]
        (row,) = found.values_list("name", "age", named=True)
        assert (row.name, row.age) == ("Ada", 10)
        assert pickle.loads(pickle.dumps(row)) == row
        with pytest.raises(TypeError):
            found.values_list("name", "age", flat=True)
        with pytest.raises(TypeError):
            found.values_list("name", flat=True, named=True)

    def test_typed_rows(self, people: list[Person]) -> None:
        found = Person.objects.filter(Person.name == "Ada")
        assert list(found.values_list(Person.name, Person.age)) == [("Ada", 10)]
        assert list(found.values_list(Person.age, flat=True)) == [10]
        assert found.into(lambda name, age: f"{name} {age}", Person.name, Person.age).first() == "Ada 10"
        person, more = found.annotate(Person.age + 1).get()
        assert (person.name, more) == ("Ada", 11)

    @pytest.mark.parametrize(
        "mixed",
        [
            lambda: Person.objects.values_list("name", Person.age),
            lambda: Person.objects.annotate(Person.age, more=F("age")),
            lambda: Person.objects.values(Person.name),
            lambda: Person.objects.into(str, "name", Person.name),
        ],
    )
    def test_names_and_faces_do_not_mix_in_one_call(self, mixed: Any) -> None:
        with pytest.raises(TypeError):
            mixed()

    def test_annotations_are_attributes(self, people: list[Person]) -> None:
        person = Person.objects.annotate(more=F("age") + 1).get(name="Bob")
        assert person.more == 21
        assert names(Person.objects.alias(more=F("age") + 1).filter(more=21)) == ["Bob"]

    def test_only_and_defer(self, people: list[Person]) -> None:
        person = Person.objects.only("name").get(name="Ada")
        assert person.get_deferred_fields() == {"age", "team_id", "data", "joined"}
        with capture_statements() as log:
            assert person.age == 10
            assert person.age == 10
        assert len(log) == 1
        assert Person.objects.defer("age").first().get_deferred_fields() == {"age"}
        assert Person.objects.defer("age").defer(None).first().get_deferred_fields() == set()

    def test_select_related_takes_one_statement(self) -> None:
        team = Team.objects.create(name="red")
        Person.objects.create(name="Ada", team=team)
        Person.objects.create(name="Bob")
        with capture_statements() as log:
            ada, bob = Person.objects.select_related("team").order_by("name")
            assert ada.team == team
            assert bob.team is None
        assert len(log) == 1
        with pytest.raises(TypeError):
            Person.objects.values("name").select_related("team")

    def test_a_member_of_an_empty_list_is_not_looked_for(self, people: list[Person]) -> None:
        nobody = Person.objects.filter(age__gt=1, pk__in=[])
        with capture_statements() as log:
            assert (list(nobody), nobody.count(), nobody.exists(), nobody.update(age=1), nobody.delete()[0]) == (
                [],
                0,
                False,
                0,
                0,
            )
            assert nobody.first() is None
        assert not log.statements
        assert Person.objects.exclude(pk__in=[]).count() == len(people)
        assert Person.objects.filter(Q(pk__in=[]) | Q(age=10)).count() == 1

    def test_rows_of_values_have_nothing_to_prefetch_for(self, people: list[Person]) -> None:
        with capture_statements() as log:
            assert list(Person.objects.prefetch_related("tags").values("name")) == list(Person.objects.values("name"))
        assert len(log.statements) == 2

    def test_iterator(self, people: list[Person]) -> None:
        assert names(Person.objects.order_by("name").iterator(chunk_size=2)) == NAMES
        assert names(Person.objects.order_by("name").iterator()) == NAMES
        queryset = Person.objects.prefetch_related("tags")
        with pytest.raises(ValueError, match="chunk_size"):
            queryset.iterator()
        assert len(list(queryset.iterator(chunk_size=2))) == 5
        with pytest.raises(ValueError, match="positive"):
            Person.objects.iterator(chunk_size=0)

    def test_an_iterator_reads_one_snapshot(self, people: list[Person]) -> None:
        rows = Person.objects.order_by("pk").iterator(chunk_size=1)
        assert next(rows).name == "Ada"
        Person.objects.update(name="x")
        Person.objects.filter(age=50).delete()
        assert names(rows) == NAMES[1:]

    def test_an_iterators_prefetches_are_of_its_snapshot(self) -> None:
        for name in ("red", "blue"):
            Person.objects.create(name=name, team=Team.objects.create(name=name))
        teams = Team.objects.order_by("pk").prefetch_related("members").iterator(chunk_size=1)
        assert names(next(teams).members.all()) == ["red"]
        Person.objects.update(name="x")
        assert names(next(teams).members.all()) == ["blue"]
        assert list(teams) == []
        abandoned = Team.objects.prefetch_related("members").iterator(chunk_size=1)
        next(abandoned)
        del abandoned

    def test_get_prefetches(self) -> None:
        Person.objects.create(name="x", team=Team.objects.create(name="red"))
        with capture_statements() as log:
            assert names(Team.objects.prefetch_related("members").get(name="red").members.all()) == ["x"]
        assert len(log) == 2

    def test_own_construction_is_honoured(self) -> None:
        Loud.objects.create(name="x")
        loud = Loud.objects.get()
        assert (loud.name, loud.size, loud.made, loud.loaded_from) == ("x", 1, "init", "default")
        assert not loud._state.adding
        slim = Loud.objects.only("name").get()
        assert slim.get_deferred_fields() == {"size"}
        assert slim.size == 1

    def test_init_signals_are_sent_while_someone_listens(self, people: list[Person]) -> None:
        heard: list[str] = []

        def listen(signal: Any, **named: Any) -> None:
            heard.append("pre" if signal is pre_init else "post")

        Person.objects.get(name="Ada")
        pre_init.connect(listen, sender=Person)
        post_init.connect(listen, sender=Person)
        try:
            assert Person.objects.get(name="Ada").age == 10
            assert heard == ["pre", "post"]
            Team.objects.create(name="red")
            assert heard == ["pre", "post"]
        finally:
            pre_init.disconnect(listen, sender=Person)
            post_init.disconnect(listen, sender=Person)
        list(Person.objects.all())
        assert heard == ["pre", "post"]

    def test_inherited_rows(self) -> None:
        made = Restaurant.objects.create(name="Chez", stars=2, menu=["soup"])
        found = Restaurant.objects.get(stars=2)
        assert (found.name, found.menu, found.pk) == ("Chez", ["soup"], made.pk)
        assert Place.objects.get().restaurant == found
        assert Restaurant.objects.only("stars").get().name == "Chez"

    def test_large_results_leave_the_collector_as_it_was(self) -> None:
        Team.objects.bulk_create([Team(name=str(number)) for number in range(2000)])
        assert len(Team.objects.all()) == 2000
        assert gc.isenabled()
        gc.disable()
        try:
            assert len(Team.objects.all()) == 2000
            assert not gc.isenabled()
        finally:
            gc.enable()


class TestObjects:
    def test_repr_shows_twenty_rows(self) -> None:
        assert repr(Tag.objects.all()) == "<QuerySet []>"
        assert repr(Person.objects.all()) == "<PersonQuerySet []>"
        Tag.objects.bulk_create([Tag(word=f"{number:02}") for number in range(25)])
        text = repr(Tag.objects.all())
        assert text.startswith("<QuerySet [<Tag: ")
        assert text.count("<Tag:") == 20
        assert text.endswith("'...(remaining elements truncated)...']>")
        with capture_statements() as log:
            repr(Tag.objects.all())
        assert len(log) == 1

    def test_pickling_keeps_results_and_query(self, people: list[Person]) -> None:
        queryset = Person.objects.filter(age__gt=20).order_by("-age")
        loaded = pickle.loads(pickle.dumps(queryset))
        with capture_statements() as log:
            assert names(loaded) == ["Eve", "Dan", "Cyd"]
        assert not log.statements
        assert names(loaded.filter(age__lt=50)) == ["Dan", "Cyd"]

    def test_pickling_reads_nothing_for_what_was_prefetched_through_a_queryset(self, people: list[Person]) -> None:
        Team.objects.create(name="red").members.set(people)
        teams = Team.objects.prefetch_related(Prefetch("members", Person.objects.order_by("age"))).order_by("pk")
        found = [[person.name for person in team.members.all()] for team in teams]
        with capture_statements() as log:
            loaded = pickle.loads(pickle.dumps(teams))
            assert [[person.name for person in team.members.all()] for team in loaded] == found
        assert not log.statements
        assert loaded[0].members.filter(age__gt=0).count() == teams[0].members.filter(age__gt=0).count()

    @pytest.mark.parametrize("kind", ["year", "month", "day"])
    def test_cut_moments_are_pickled(self, people: list[Person], kind: str) -> None:
        Person.objects.filter(age__gt=20).update(joined=datetime.date(2020, 5, 17))
        moments = Person.objects.dates("joined", kind)
        assert len(moments) == 1
        assert list(pickle.loads(pickle.dumps(moments)).reverse()) == list(moments.reverse())

    def test_copies_share_nothing_that_changes(self, people: list[Person]) -> None:
        queryset = Person.objects.filter(age__gt=20)
        assert copy.deepcopy(queryset)._result_cache is None
        list(queryset)
        assert copy.deepcopy(queryset)._result_cache is None
        assert len(copy.copy(queryset)) == 3

    def test_combining(self, people: list[Person]) -> None:
        young, old = Person.objects.filter(age__lt=40), Person.objects.filter(age__gt=20)
        assert set(names(young & old)) == {"Cyd"}
        assert set(names(young | old)) == set(NAMES)
        assert set(names(young ^ old)) == set(NAMES) - {"Cyd"}
        nothing = Person.objects.none()
        assert names(young & nothing) == []
        assert set(names(nothing | young)) == set(names(young)) == set(names(young | nothing))
        assert set(names(young ^ nothing)) == set(names(young))
        with pytest.raises(TypeError):
            young & Team.objects.all()
        with pytest.raises(TypeError):
            young | "x"

    def test_none(self, people: list[Person]) -> None:
        nothing = Person.objects.none()
        with capture_statements() as log:
            assert list(nothing) == []
            assert nothing.count() == 0
            assert not nothing.exists()
            assert nothing.filter(age=1).update(age=2) == 0
            assert list(nothing.values("name")) == []
            assert list(nothing.iterator()) == []
        assert not log.statements
        assert isinstance(nothing, EmptyQuerySet)
        assert not isinstance(Person.objects.all(), EmptyQuerySet)

    def test_ordered_says_whether_an_order_was_asked_for(self) -> None:
        assert not Person.objects.all().ordered
        assert Person.objects.order_by("name").ordered
        assert Tag.objects.all().ordered
        assert not Tag.objects.order_by().ordered

    def test_explain(self) -> None:
        assert "Person" in Person.objects.filter(age=1).explain() or "age" in Person.objects.filter(age=1).explain()
        assert "def " in Person.objects.filter(age=1).explain(verbose=True)

    def test_using_another_store(self, people: list[Person]) -> None:
        with use_store(MemoryStore(), alias="archive"):
            Person.objects.using("archive").create(name="Zoe")
            assert names(Person.objects.using("archive")) == ["Zoe"]
            assert Person.objects.db_manager("archive").count() == 1
            zoe = Person.objects.using("archive").get()
            assert zoe._state.db == "archive"
            zoe.age = 5
            zoe.save()
            assert Person.objects.using("archive").get().age == 5
        assert Person.objects.count() == 5

    def test_connecting_an_alias(self) -> None:
        store = connect("memory:", alias="elsewhere")
        try:
            Team.objects.using("elsewhere").create(name="x")
            assert Team.objects.using("elsewhere").count() == 1
        finally:
            disconnect("elsewhere")
        del store

    @pytest.mark.parametrize("name", ["raw", "extra"])
    def test_sql_is_refused_with_the_way_out(self, name: str) -> None:
        for start in (Person.objects, Person.objects.filter(age=3)):
            with pytest.raises(NotSupportedError, match=f"{name} is not supported: modelkit runs no SQL: say it with"):
                getattr(start, name)("select 1")

    def test_locks_never_wait(self, people: list[Person]) -> None:
        assert Person.objects.select_for_update().count() == 5
        with pytest.raises(NotSupportedError):
            Person.objects.select_for_update(nowait=True)


class TestAsync:
    def test_the_async_names(self, people: list[Person]) -> None:
        async def main() -> None:
            assert (await Person.objects.aget(name="Ada")).age == 10
            assert await Person.objects.acount() == 5
            assert await Person.objects.filter(age=10).aexists()
            assert (await Person.objects.order_by("age").alast()).name == "Eve"
            made = await Person.objects.acreate(name="Fay")
            assert await Person.objects.acontains(made)
            assert [person.name async for person in Person.objects.order_by("name")] == [*NAMES, "Fay"]
            assert [person.name async for person in Person.objects.order_by("name").aiterator()] == [*NAMES, "Fay"]
            assert (await Person.objects.aget_or_create(name="Fay"))[1] is False
            assert await Person.objects.filter(name="Fay").aupdate(age=1) == 1
            assert (await Person.objects.filter(name="Fay").adelete())[0] == 1

        asyncio.run(main())


def test_uuid_keys() -> None:
    made = Ticket.objects.create(title="x")
    assert Ticket.objects.get(pk=made.pk) == made
    assert Ticket.objects.get(pk=str(made.pk)) == made


@pytest.mark.parametrize(
    "condition",
    [{"age__gt": 40}, Q(age__gt=40), Person.age > 40, ~Q(age__lte=40), MappingProxyType({"age__gt": 40})],
    ids=["dict", "Q", "typed", "negated", "mapping"],
)
def test_complex_filter_takes_what_filter_takes_and_mappings(people, condition):
    assert names(Person.objects.complex_filter(condition)) == ["Eve"]
    assert names(Person.objects.exclude(name="Eve").complex_filter(condition)) == []


def test_complex_filter_takes_nothing_else(people):
    assert names(Person.objects.complex_filter({})) == NAMES
    with pytest.raises(TypeError):
        Person.objects.complex_filter("age__gt")
    with pytest.raises(FieldError, match="Did you mean 'age'"):
        Person.objects.complex_filter({"aeg": 3})
