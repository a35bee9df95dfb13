"""The a-methods: each gives what its sync one gives, in the task that calls it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from datetime import date
from threading import Barrier
from typing import Any

import pytest

from modelkit import (
    IntegrityError,
    MemoryStore,
    Model,
    Prefetch,
    Q,
    aprefetch_related_objects,
    atomic,
    capture_statements,
)
from modelkit.contrib.contenttypes.managers import GenericManager
from modelkit.managers import Manager
from modelkit.queryset.aio import AsyncQueries
from modelkit.queryset.queries import QuerySet
from modelkit.queryset.queryset import RelatedSet
from modelkit.relations.managers import NullableReverseManager, ReverseManager
from modelkit.relations.many import ManyManager
from tests.queryset.models import Person, PersonQuerySet, Tag, Team, Ticket

pytestmark = pytest.mark.usefixtures("people")

CONTENDERS = 100


@pytest.fixture
def people() -> None:
    red, blue = Team.objects.create(name="red"), Team.objects.create(name="blue")
    Person.objects.create(name="Ada", age=36, team=red, joined=date(2020, 1, 1))
    Person.objects.create(name="Bob", age=17, team=red, joined=date(2021, 1, 1))
    Person.objects.create(name="Cyd", age=50, team=blue, joined=date(2022, 1, 1))


def done(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


async def listed(found: Any) -> list[Any]:
    return [row async for row in found]


READS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("get", (), {"name": "Ada"}),
    ("get", (Q(name="Ada") | Q(name="Dan"),), {}),
    ("first", (), {}),
    ("last", (), {}),
    ("earliest", (), {}),
    ("latest", (), {}),
    ("latest", ("age",), {}),
    ("earliest", ("-age", "name"), {}),
    ("count", (), {}),
    ("exists", (), {}),
    ("in_bulk", (), {}),
    ("in_bulk", ([1, 3],), {}),
    ("explain", (), {}),
    ("explain", ("text",), {"verbose": True}),
    ("aggregate", (), {}),
]


class TestReading:
    @pytest.mark.parametrize(("name", "args", "named"), READS)
    @pytest.mark.parametrize(
        "start",
        [lambda: Person.objects, Person.objects.all, lambda: Person.objects.filter(age__gt=20), Person.objects.none],
    )
    def test_each_gives_what_its_sync_one_gives(
        self, start: Callable[[], Any], name: str, args: tuple[Any, ...], named: dict[str, Any]
    ) -> None:
        def outcome(call: Callable[[], Any]) -> Any:
            try:
                return call()
            except (Person.DoesNotExist, Person.MultipleObjectsReturned) as error:
                return type(error), str(error)

        plain = outcome(lambda: getattr(start(), name)(*args, **named))
        assert outcome(lambda: done(getattr(start(), f"a{name}")(*args, **named))) == plain

    def test_rows_of_values_and_typed_expressions(self) -> None:
        names = Person.objects.order_by("name").values_list("name", flat=True)
        assert done(names.afirst()) == "Ada"
        assert done(names.alast()) == "Cyd"
        assert done(Person.objects.values("name").aget(age=17)) == {"name": "Bob"}
        assert done(listed(Person.objects.order_by("age").values_list("name", "age"))) == [
            ("Bob", 17),
            ("Ada", 36),
            ("Cyd", 50),
        ]

    def test_contains(self) -> None:
        ada = Person.objects.get(name="Ada")
        assert done(Person.objects.acontains(ada)) is True
        assert done(Person.objects.exclude(name="Ada").acontains(ada)) is False

    def test_a_loop_over_a_queryset_keeps_its_rows(self) -> None:
        async def main() -> None:
            found = Person.objects.order_by("age")
            first = await listed(found)
            with capture_statements() as log:
                again = await listed(found)
                assert await found.acount() == 3
                assert await found.aexists()
            assert [id(row) for row in again] == [id(row) for row in first]
            assert len(log) == 0

        done(main())

    def test_a_loop_over_managers_starts_with_their_queryset(self) -> None:
        red = Team.objects.get(name="red")
        assert done(listed(Person.adults)) == list(Person.adults.all())
        assert done(listed(red.members)) == list(red.members.all())
        assert done(listed(red.members.order_by("age"))) == list(red.members.order_by("age"))

    def test_aiterator_reads_one_snapshot_across_awaits(self) -> None:
        async def main() -> list[str]:
            names = []
            async for person in Person.objects.order_by("pk").aiterator(chunk_size=1):
                await asyncio.create_task(Person.objects.filter(pk__gt=person.pk).aupdate(name="changed"))
                names.append(person.name)
            return names

        assert done(main()) == ["Ada", "Bob", "Cyd"]

    def test_aiterator_gives_other_tasks_their_turn_after_each_chunk(self) -> None:
        Tag.objects.bulk_create([Tag(word=str(number)) for number in range(10)])
        seen: list[str] = []
        note = seen.append

        async def reader() -> None:
            async for _ in Tag.objects.aiterator(chunk_size=5):
                note("row")

        async def other() -> None:
            while seen.count("row") < 10:
                seen.append("turn")
                await asyncio.sleep(0)

        async def both() -> None:
            await asyncio.gather(reader(), other())

        done(both())
        assert seen[:5] == ["row"] * 5
        assert seen[5] == "turn"

    def test_aiterator_prefetches_with_its_own_default_chunk(self) -> None:
        found = Team.objects.prefetch_related(Prefetch("members", to_attr="found")).order_by("name")
        read = {team.name: [person.name for person in team.found] for team in done(listed(found.aiterator()))}
        assert read == {"blue": ["Cyd"], "red": ["Ada", "Bob"]}

    def test_a_left_aiterator_lets_its_snapshot_go(self, store: MemoryStore) -> None:
        async def main() -> None:
            rows = Person.objects.aiterator(chunk_size=1)
            async for _ in rows:
                assert store.stats()["open_snapshots"] == 1
                break
            await rows.aclose()  # type: ignore[attr-defined]
            assert store.stats()["open_snapshots"] == 0

        done(main())

    @pytest.mark.parametrize("size", [0, -1])
    def test_aiterator_wants_a_positive_chunk(self, size: int) -> None:
        with pytest.raises(ValueError, match="chunk_size"):
            done(listed(Person.objects.aiterator(chunk_size=size)))

    def test_an_unknown_format_is_named(self) -> None:
        with pytest.raises(ValueError, match=r"'XML' is not a recognized format.*TEXT"):
            done(Person.objects.aexplain("XML"))
        assert Person.objects.explain(format="Text") == Person.objects.explain()

    def test_prefetched_rows_are_there_without_a_statement(self) -> None:
        async def main() -> dict[str, list[str]]:
            teams = await listed(Team.objects.prefetch_related("members").order_by("name"))
            later = await listed(Team.objects.order_by("name"))
            await aprefetch_related_objects(later, "members__tags")
            with capture_statements() as log:
                first = {team.name: [person.name for person in team.members.all()] for team in teams}
                again = {team.name: [person.name async for person in team.members.all()] for team in later}
            assert len(log) == 0
            assert first == again
            return first

        assert done(main()) == {"blue": ["Cyd"], "red": ["Ada", "Bob"]}


class TestWriting:
    def test_create_and_bulk(self) -> None:
        async def main() -> None:
            made = await Team.objects.acreate(name="green")
            assert made == Team.objects.get(name="green")
            many = await Team.objects.abulk_create([Team(name="a"), Team(name="b")], batch_size=1)
            assert [team.pk for team in many] == [made.pk + 1, made.pk + 2]
            for team in many:
                team.name = team.name.upper()
            assert await Team.objects.abulk_update(many, ["name"], batch_size=1) == 2
            assert await Team.objects.filter(name__in=["A", "B"]).acount() == 2

        done(main())

    def test_conflict_options_of_abulk_create(self) -> None:
        async def main() -> None:
            with pytest.raises(IntegrityError):
                await Ticket.objects.abulk_create([Ticket(title="x"), Ticket(title="x")])
            await Ticket.objects.acreate(title="x", count=1)
            await Ticket.objects.abulk_create([Ticket(title="x", count=2)], ignore_conflicts=True)
            assert (await Ticket.objects.aget()).count == 1
            await Ticket.objects.abulk_create(
                [Ticket(title="x", count=3)], update_conflicts=True, update_fields=["count"], unique_fields=["title"]
            )
            assert (await Ticket.objects.aget()).count == 3

        done(main())

    def test_get_or_create_and_update_or_create(self) -> None:
        async def main() -> None:
            made, created = await Ticket.objects.aget_or_create({"count": 4}, title="x")
            assert (made.count, created) == (4, True)
            assert await Ticket.objects.aget_or_create({"count": 5}, title="x") == (made, False)
            found, created = await Ticket.objects.aupdate_or_create({"count": 6}, title="x")
            assert (found, found.count, created) == (made, 6, False)
            other, created = await Ticket.objects.aupdate_or_create({"count": 7}, {"count": 8}, title="y")
            assert (other.count, created) == (8, True)

        done(main())

    def test_update_and_delete(self) -> None:
        async def main() -> None:
            assert await Person.objects.filter(age__lt=40).aupdate(age=40) == 2
            assert await Person.objects.filter(age=40).acount() == 2
            assert await Person.objects.filter(age=40).adelete() == (2, {"querysets.Person": 2})
            assert [person.name async for person in Person.objects.all()] == ["Cyd"]

        done(main())

    def test_instances(self) -> None:
        async def main() -> None:
            team = Team(name="green")
            await team.asave()
            await Team.objects.filter(pk=team.pk).aupdate(name="lime")
            await team.arefresh_from_db(fields=["name"])
            assert team.name == "lime"
            team.name = "olive"
            await team.asave(update_fields=["name"])
            assert await Team.objects.aget(pk=team.pk) == team
            assert await team.adelete() == (1, {"querysets.Team": 1})
            with pytest.raises(Team.DoesNotExist):
                await team.arefresh_from_db()

        done(main())

    def test_an_overridden_sync_method_is_what_the_a_method_calls(self) -> None:
        class Shouting(PersonQuerySet):  # type: ignore[misc]
            def count(self) -> int:
                return 100 + int(super().count())

        assert done(Shouting(Person).acount()) == 103


class TestRelated:
    def test_rows_that_point_here(self) -> None:
        async def main() -> None:
            red, blue = await Team.objects.aget(name="red"), await Team.objects.aget(name="blue")
            cyd = await blue.members.aget()
            await red.members.aadd(cyd)
            assert await red.members.acount() == 3
            await red.members.aremove(cyd)
            assert not await red.members.acontains(cyd)
            await red.members.aset([cyd])
            assert await listed(red.members.all()) == [cyd]
            dan = await red.members.acreate(name="Dan")
            assert dan.team_id == red.pk
            assert await red.members.aget_or_create(name="Dan") == (dan, False)
            found, created = await red.members.aupdate_or_create({"age": 9}, name="Dan")
            assert (found.age, created) == (9, False)
            await red.members.aclear()
            assert not await red.members.aexists()

        done(main())

    def test_many_to_many_both_ways(self) -> None:
        async def main() -> None:
            ada = await Person.objects.aget(name="Ada")
            wise = await Tag.objects.acreate(word="wise")
            await ada.tags.aadd(wise)
            assert await listed(wise.people.all()) == [ada]
            await wise.people.aremove(ada)
            tall = await ada.tags.acreate(word="tall")
            await ada.tags.aset([wise, tall.pk])
            assert await listed(ada.tags.all()) == [tall, wise]
            assert await ada.tags.aget_or_create(word="wise") == (wise, False)
            new, created = await ada.tags.aupdate_or_create(word="kind")
            assert created
            assert await ada.tags.acontains(new)
            await ada.tags.aclear()
            assert await ada.tags.acount() == 0

        done(main())


class TestTransactions:
    def test_a_block_takes_back_what_a_methods_wrote(self) -> None:
        async def main() -> None:
            with pytest.raises(ZeroDivisionError):
                async with atomic():
                    await Team.objects.acreate(name="green")
                    await asyncio.sleep(0)
                    assert await Team.objects.acount() == 3
                    raise ZeroDivisionError
            assert await Team.objects.acount() == 2

        done(main())

    def test_an_inner_block_is_a_savepoint(self) -> None:
        async def main() -> None:
            async with atomic():
                await Team.objects.acreate(name="green")
                with pytest.raises(IntegrityError):
                    async with atomic():
                        await Team.objects.acreate(name="black")
                        await Team.objects.acreate(name="red")
            assert [team.name async for team in Team.objects.order_by("pk")] == ["red", "blue", "green"]

        done(main())

    def test_others_see_a_block_when_it_is_left(self) -> None:
        async def main() -> list[int]:
            counts = []
            begun, seen = asyncio.Event(), asyncio.Event()

            async def watch() -> None:
                await begun.wait()
                counts.append(await Team.objects.acount())
                seen.set()

            watcher = asyncio.create_task(watch())
            async with atomic():
                await Team.objects.acreate(name="green")
                begun.set()
                await seen.wait()
            await watcher
            return [*counts, await Team.objects.acount()]

        assert done(main()) == [2, 3]


class TestContention:
    def test_of_tasks_that_get_or_create_one_creates(self) -> None:
        async def contend() -> bool:
            await asyncio.sleep(0)
            return (await Ticket.objects.aget_or_create(title="x"))[1]

        self._one_creates(contend)

    def test_of_tasks_in_blocks_one_creates(self) -> None:
        async def contend() -> bool:
            async with atomic():
                return (await Ticket.objects.aget_or_create(title="x"))[1]

        self._one_creates(contend)

    def test_of_threads_that_get_or_create_one_creates(self) -> None:
        together = Barrier(4)

        def contend() -> list[bool]:
            together.wait()
            return [Ticket.objects.get_or_create(title=f"{number}")[1] for number in range(CONTENDERS)]

        async def main() -> list[list[bool]]:
            return await asyncio.gather(*(asyncio.to_thread(contend) for _ in range(together.parties)))

        for outcomes in zip(*done(main()), strict=True):
            assert sum(outcomes) == 1
        assert Ticket.objects.count() == CONTENDERS

    def test_of_tasks_and_threads_one_creates(self) -> None:
        async def contend() -> bool:
            return (await Ticket.objects.aget_or_create(title="x"))[1]

        async def main() -> list[bool]:
            threads = [asyncio.to_thread(Ticket.objects.get_or_create, title="x") for _ in range(4)]
            tasks = asyncio.gather(*(contend() for _ in range(CONTENDERS)))
            return [created for _, created in await asyncio.gather(*threads)] + await tasks

        assert sum(done(main())) == 1
        assert Ticket.objects.count() == 1

    def _one_creates(self, contend: Callable[[], Awaitable[bool]]) -> None:
        async def main() -> list[bool]:
            return await asyncio.gather(*(contend() for _ in range(CONTENDERS)))

        assert sum(done(main())) == 1
        assert Ticket.objects.count() == 1


FACES = [QuerySet, Manager, Model, RelatedSet, ReverseManager, NullableReverseManager, ManyManager, GenericManager]


def _a_methods(face: type[Any]) -> list[str]:
    """The names of a-methods: those whose name without the `a` is a method too."""
    return [
        name
        for name, method in inspect.getmembers(face, inspect.isfunction)
        if (inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method)) and not name.startswith("_")
    ]


class TestNames:
    @pytest.mark.parametrize("face", FACES)
    def test_an_a_method_takes_what_its_sync_one_takes(self, face: type[Any]) -> None:
        names = set(_a_methods(face)) - {"aiterator"}  # whose chunk has a default, since it may prefetch
        assert names
        for name in names:
            plain = inspect.signature(getattr(face, name[1:])).parameters.values()
            given = inspect.signature(getattr(face, name)).parameters.values()
            assert [(each.name, each.kind, each.default) for each in given] == [
                (each.name, each.kind, each.default) for each in plain
            ], f"{face.__name__}.{name}"

    def test_managers_delete_no_more_in_async_than_in_sync(self) -> None:
        for manager in (Person.objects, Team.objects.get(name="red").members):
            with pytest.raises(AttributeError, match="adelete"):
                _ = manager.adelete

    def test_everything_that_asks_the_store_has_an_a_method(self) -> None:
        asking = """aggregate bulk_create bulk_update contains count create delete earliest exists explain first get
            get_or_create in_bulk iterator last latest update update_or_create""".split()
        assert sorted(name[1:] for name in _a_methods(AsyncQueries)) == asking

    def test_managers_pass_coroutine_functions_on_as_such(self) -> None:
        names = set(_a_methods(QuerySet)) - {"aiterator"}
        assert names - set(_a_methods(Manager)) == {"adelete"}
        assert all(inspect.iscoroutinefunction(getattr(Person.objects, name)) for name in names - {"adelete"})
