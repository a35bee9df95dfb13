"""Writing through querysets."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from modelkit import (
    Count,
    F,
    FieldDoesNotExist,
    FieldError,
    IntegrityError,
    Max,
    ObjectDoesNotExist,
    OuterRef,
    Q,
    RowNumber,
    Subquery,
    Value,
    Window,
    atomic,
    capture_statements,
)
from modelkit.database import use_store
from modelkit.errors import TransactionManagementError
from modelkit.stores.memory.store import MemoryStore
from tests.queryset.models import Person, Place, Restaurant, Tag, Team, Ticket


class TestCreate:
    def test_create_saves(self) -> None:
        made = Team.objects.create(name="red")
        assert made.pk
        assert Team.objects.get() == made
        assert not made._state.adding

    def test_create_takes_what_the_constructor_takes(self) -> None:
        team = Team.objects.create(pk=7, name="red")
        assert team.pk == 7
        assert Person.objects.create(name="Ada", team=team).team_id == 7
        with pytest.raises(TypeError, match="Did you mean 'name'"):
            Team.objects.create(nmae="x")

    def test_create_never_updates(self) -> None:
        Team.objects.create(pk=7, name="red")
        with pytest.raises(IntegrityError):
            Team.objects.create(pk=7, name="blue")
        assert Team.objects.get().name == "red"

    def test_the_other_side_of_a_one_to_one_is_refused(self) -> None:
        with pytest.raises(ValueError, match="restaurant"):
            Place.objects.create(name="x", restaurant=None)


class TestGetOrCreate:
    def test_it_makes_one_once(self) -> None:
        made, created = Person.objects.get_or_create(name="Ada", defaults={"age": 36})
        assert created
        found, created = Person.objects.get_or_create(name="Ada", defaults={"age": 1})
        assert not created
        assert (found, found.age) == (made, 36)

    def test_callables_among_defaults_are_called_when_needed(self) -> None:
        calls: list[int] = []

        def age() -> int:
            calls.append(1)
            return 5

        Person.objects.get_or_create(name="Ada", defaults={"age": age})
        Person.objects.get_or_create(name="Ada", defaults={"age": age})
        assert calls == [1]
        assert Person.objects.get().age == 5

    def test_lookups_are_no_values(self) -> None:
        made, _ = Person.objects.get_or_create(name__iexact="ada", defaults={"name": "Ada"})
        assert made.name == "Ada"
        assert not Person.objects.get_or_create(name__iexact="ADA", defaults={"name": "x"})[1]

    def test_unknown_names_are_refused(self) -> None:
        with pytest.raises(FieldError, match="Did you mean 'age'"):
            Person.objects.get_or_create(name="Ada", defaults={"aeg": 1})
        assert not Person.objects.exists()

    def test_a_failure_leaves_the_block_usable(self) -> None:
        Ticket.objects.create(title="x")
        with atomic():
            with pytest.raises(IntegrityError):
                Ticket.objects.get_or_create(count=5, defaults={"title": "x"})
            assert Ticket.objects.count() == 1

    def test_threads_make_one_row(self, store: MemoryStore) -> None:
        results: list[bool] = []
        start = threading.Barrier(8)

        def work() -> None:
            with use_store(store):
                start.wait()
                results.extend([Team.objects.get_or_create(name="red")[1] for _ in range(20)])

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == 160
        assert sum(results) == 1
        assert Team.objects.count() == 1


class TestUpdateOrCreate:
    def test_it_updates_or_creates(self) -> None:
        made, created = Person.objects.update_or_create(name="Ada", defaults={"age": 1})
        assert created
        found, created = Person.objects.update_or_create(name="Ada", defaults={"age": 2})
        assert not created
        assert found == made
        assert Person.objects.get().age == 2

    def test_create_defaults_are_for_new_rows_alone(self) -> None:
        made, _ = Person.objects.update_or_create(name="Ada", defaults={"age": 1}, create_defaults={"age": lambda: 9})
        assert made.age == 9
        found, _ = Person.objects.update_or_create(name="Ada", defaults={"age": lambda: 1}, create_defaults={"age": 9})
        assert found.age == 1

    def test_only_what_changed_is_written(self) -> None:
        ticket = Ticket.objects.create(title="x")
        before = ticket.changed
        Ticket.objects.filter(pk=ticket.pk).update(count=7)
        found, _ = Ticket.objects.update_or_create(title="x", defaults={"title": "y"})
        assert Ticket.objects.get().count == 7
        assert Ticket.objects.get().changed > before
        assert found.title == "y"

    def test_inherited_fields_are_written(self) -> None:
        Restaurant.objects.create(name="Chez", stars=1)
        Restaurant.objects.update_or_create(stars=1, defaults={"name": "Chez nous"})
        assert Place.objects.get().name == "Chez nous"


class TestUpdate:
    def test_it_counts_rows(self) -> None:
        for number in range(3):
            Person.objects.create(name=str(number), age=number)
        assert Person.objects.filter(age__gt=0).update(age=F("age") + 10) == 2
        assert sorted(Person.objects.values_list("age", flat=True)) == [0, 11, 12]
        assert Person.objects.filter(age=99).update(age=1) == 0
        assert Person.objects.update(Person.age.set(Person.age + 1)) == 3

    def test_it_forgets_results(self) -> None:
        Person.objects.create(name="x", age=1)
        queryset = Person.objects.all()
        list(queryset)
        queryset.update(age=2)
        assert queryset[0].age == 2

    def test_it_reaches_all_tables_of_a_lineage(self) -> None:
        Restaurant.objects.create(name="a", stars=1)
        Restaurant.objects.create(name="b", stars=1)
        assert Restaurant.objects.filter(name="a").update(name="c", stars=5) == 1
        assert list(Restaurant.objects.order_by("name").values_list("name", "stars")) == [("b", 1), ("c", 5)]
        assert Restaurant.objects.filter(stars=5).update(name="d", stars=6) == 1
        assert Restaurant.objects.get(stars=6).name == "d"

    def test_unknown_names_are_refused(self) -> None:
        with pytest.raises(Exception, match="Did you mean 'age'"):
            Person.objects.update(aeg=1)

    def test_a_failure_breaks_the_block(self) -> None:
        Team.objects.create(name="a")
        Team.objects.create(name="b")
        with pytest.raises(TransactionManagementError), atomic():
            with pytest.raises(IntegrityError):
                Team.objects.update(name="c")
            Team.objects.count()
        with pytest.raises(IntegrityError):
            Team.objects.update(name="c")
        assert set(Team.objects.values_list("name", flat=True)) == {"a", "b"}

    def test_shifting_a_unique_column_works(self) -> None:
        for number in range(1, 4):
            Team.objects.create(pk=number, name=str(number))
        assert Team.objects.update(name=F("name")) == 3

    def test_it_takes_no_values_of_groups_and_no_order_by_them(self) -> None:
        people = Person.objects.annotate(oldest=Max("age"), rank=Window(RowNumber(), order_by="pk"))
        for name in ("oldest", "rank"):
            with pytest.raises(FieldError, match=rf"update\(age=\.\.\.\): F\({name}\) has a value for groups"):
                people.update(age=F(name))
        with pytest.raises(FieldError, match=r"update\(\) after order_by\('-oldest'\).*aggregate"):
            people.order_by("-oldest").update(age=1)
        team = Team.objects.create(name="red")
        Person.objects.create(name="Ada", age=3, team=team)
        oldest = Person.objects.filter(team=OuterRef("team")).order_by("-age").values("age")[:1]
        assert Person.objects.annotate(n=Count("tags")).filter(n=0).update(age=Subquery(oldest)) == 1


class TestDelete:
    def test_it_counts_by_model(self) -> None:
        red = Team.objects.create(name="red")
        Person.objects.create(name="x", team=red)
        Person.objects.create(name="y")
        assert Team.objects.filter(name="red").delete() == (2, {"querysets.Team": 1, "querysets.Person": 1})
        assert Person.objects.get().name == "y"

    @pytest.mark.parametrize(
        "queryset",
        [
            lambda: Person.objects.values("name"),
            lambda: Person.objects.values_list("name"),
            lambda: Person.objects.distinct("name"),
        ],
    )
    def test_what_is_no_set_of_instances_is_not_deleted(self, queryset: Any) -> None:
        with pytest.raises(TypeError):
            queryset().delete()


class TestExpressions:
    def test_a_new_row_takes_an_expression_over_constants(self) -> None:
        ticket = Ticket.objects.create(title="a", count=Value(2) * 3)
        Ticket.objects.bulk_create([Ticket(title="b", count=Value(1) + 1)])
        assert Ticket.objects.get(pk=ticket.pk).count == 6
        assert Ticket.objects.get(title="b").count == 2

    def test_a_new_row_has_no_columns_to_read(self) -> None:
        with pytest.raises(ValueError, match=r"Ticket\.count.*new row"):
            Ticket.objects.create(title="a", count=F("count") + 1)

    def test_a_truth_value_is_negated(self) -> None:
        tag = Tag.objects.create(word="a")
        assert Tag.objects.annotate(long=Q(word="b")).annotate(short=~F("long")).get() == tag
        assert Tag.objects.annotate(long=Q(word="b")).annotate(short=~F("long")).get().short is True
        with pytest.raises(TypeError, match="word"):
            Tag.objects.annotate(odd=~F("word"))


class TestBulkUpdate:
    def test_rows_take_their_own_values_in_one_statement(self) -> None:
        made = [Person.objects.create(name=name, age=1) for name in "abc"]
        for number, person in enumerate(made):
            person.name, person.age = person.name.upper(), number or None
        with capture_statements() as log:
            assert Person.objects.bulk_update(made, ["age"]) == 3
        assert len(log.statements) == 1
        assert sorted(Person.objects.values_list("name", "age")) == [("a", None), ("b", 1), ("c", 2)]

    def test_batches_are_all_written_or_none(self) -> None:
        made = [Ticket.objects.create(title=title) for title in "abc"]
        for ticket in made:
            ticket.title = "same"
        with pytest.raises(IntegrityError):
            Ticket.objects.bulk_update(made, ["title"], batch_size=1)
        assert sorted(Ticket.objects.values_list("title", flat=True)) == ["a", "b", "c"]

    def test_only_rows_of_the_queryset_are_written(self) -> None:
        made = [Person.objects.create(name=name, age=1) for name in "ab"]
        for person in made:
            person.age = 5
        assert Person.objects.filter(name="a").bulk_update(made, ["age"]) == 1
        assert Person.objects.get(name="b").age == 1

    def test_inherited_fields_and_expressions(self) -> None:
        first, second = (Restaurant.objects.create(name=name, stars=1) for name in "ab")
        first.name, first.stars, second.name, second.stars = "x", 2, "y", F("stars") + 5
        assert Restaurant.objects.bulk_update([first, second], ["name", "stars"]) == 2
        assert sorted(Restaurant.objects.values_list("name", "stars")) == [("x", 2), ("y", 6)]

    def test_json_is_copied(self) -> None:
        person = Person.objects.create(name="a", data={"n": [1]})
        person.data["n"].append(2)
        Person.objects.bulk_update([person], ["data"])
        person.data["n"].append(3)
        assert Person.objects.get().data == {"n": [1, 2]}

    @pytest.mark.parametrize("fields", [[], ["id"], ["pk"], ["tags"], ["nmae"]])
    def test_what_cannot_be_written_is_refused(self, fields: list[str]) -> None:
        person = Person.objects.create(name="a")
        with pytest.raises((ValueError, FieldDoesNotExist)):
            Person.objects.bulk_update([person], fields)
        with pytest.raises(ValueError, match="save"):
            Person.objects.bulk_update([Person(name="b")], ["name"])


class TestBulkCreate:
    def test_keys_are_set_and_nothing_is_asked_in_between(self) -> None:
        with capture_statements() as log:
            made = Team.objects.bulk_create([Team(name=str(number)) for number in range(5)])
        assert len(log) == 1
        assert [team.pk for team in made] == [1, 2, 3, 4, 5]
        assert not any(team._state.adding for team in made)
        assert [team.name for team in Team.objects.order_by("pk")] == ["0", "1", "2", "3", "4"]

    def test_all_or_none(self) -> None:
        with pytest.raises(IntegrityError):
            Team.objects.bulk_create([Team(name="a"), Team(name="b"), Team(name="a")])
        assert not Team.objects.exists()
        with pytest.raises(IntegrityError):
            Team.objects.bulk_create([Team(name="a"), Team(name="b"), Team(name="a")], batch_size=1)
        assert not Team.objects.exists()

    def test_given_keys_and_automatic_ones(self) -> None:
        made = Team.objects.bulk_create([Team(name="a"), Team(pk=1, name="b"), Team(name="c")])
        assert made[1].pk == 1
        assert len({team.pk for team in made}) == 3

    def test_keys_from_defaults(self) -> None:
        made = Ticket.objects.bulk_create([Ticket(title="a"), Ticket(title="b")])
        assert Ticket.objects.in_bulk().keys() == {ticket.pk for ticket in made}
        assert made[0].changed is not None

    def test_generators_and_nothing(self) -> None:
        assert len(Team.objects.bulk_create(Team(name=str(number)) for number in range(3))) == 3
        assert Team.objects.bulk_create([]) == []

    @pytest.mark.parametrize("size", [0, -1])
    def test_batches_hold_something(self, size: int) -> None:
        with pytest.raises(ValueError, match="batch_size"):
            Team.objects.bulk_create([], batch_size=size)

    def test_ignoring_conflicts(self) -> None:
        Team.objects.create(name="a")
        Team.objects.bulk_create([Team(name="a"), Team(name="b"), Team(name="b")], ignore_conflicts=True)
        assert sorted(Team.objects.values_list("name", flat=True)) == ["a", "b"]

    def test_updating_on_conflict(self) -> None:
        Ticket.objects.create(title="a", count=1)
        Ticket.objects.bulk_create(
            [Ticket(title="a", count=5), Ticket(title="b", count=6)],
            update_conflicts=True,
            update_fields=["count"],
            unique_fields=["title"],
        )
        assert sorted(Ticket.objects.values_list("title", "count")) == [("a", 5), ("b", 6)]

    @pytest.mark.parametrize(
        "options",
        [
            {"ignore_conflicts": True, "update_conflicts": True},
            {"update_conflicts": True},
            {"update_conflicts": True, "update_fields": ["count"]},
            {"update_conflicts": True, "update_fields": ["code"], "unique_fields": ["title"]},
        ],
    )
    def test_options_that_do_not_go_together(self, options: Any) -> None:
        with pytest.raises(ValueError):
            Ticket.objects.bulk_create([Ticket(title="a")], **options)

    def test_a_mistyped_option_names_the_near_miss(self) -> None:
        options: Any = {"update_fields": ["cuont"], "unique_fields": ["title"]}
        with pytest.raises(FieldDoesNotExist, match=r"cuont.*'count'"):
            Ticket.objects.bulk_create([Ticket(title="a")], update_conflicts=True, **options)

    def test_other_models_and_lineages_are_refused(self) -> None:
        with pytest.raises(ValueError, match="save"):
            Restaurant.objects.bulk_create([Restaurant(name="a")])
        with pytest.raises(TypeError):
            Team.objects.bulk_create([Person(name="x")])

    def test_unsaved_related_instances_are_refused(self) -> None:
        with pytest.raises(ValueError, match="team"):
            Person.objects.bulk_create([Person(name="x", team=Team(name="y"))])
        team = Team(name="y")
        person = Person(name="x", team=team)
        team.save()
        Person.objects.bulk_create([person])
        assert Person.objects.get().team == team

    def test_a_failure_breaks_the_block(self) -> None:
        with pytest.raises(TransactionManagementError), atomic():
            with pytest.raises(IntegrityError):
                Team.objects.bulk_create([Team(name="a"), Team(name="a")])
            Team.objects.count()

    def test_missing_rows_are_not_found(self) -> None:
        with pytest.raises(ObjectDoesNotExist):
            Team.objects.get(name="nobody")
