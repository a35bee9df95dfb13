"""What save(), refresh_from_db() and deferred fields promise."""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import modelkit as models
from modelkit import (
    F,
    IntegrityError,
    ObjectNotUpdated,
    OuterRef,
    Subquery,
    Value,
    atomic,
    capture_statements,
)
from modelkit.database import use_store
from modelkit.errors import TransactionManagementError
from modelkit.expressions import Node
from modelkit.functions import Coalesce, Now
from modelkit.signals import post_save, pre_save
from modelkit.stores.memory.store import MemoryStore
from tests.persistence.models import Bar, Keyed, Owner, Place, Pub, QuietPlace, Thing


@contextmanager
def heard(*senders: Any) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    events: list[tuple[str, dict[str, Any]]] = []

    def before(sender: Any, **named: Any) -> None:
        events.append(("pre", named))

    def after(sender: Any, **named: Any) -> None:
        events.append(("post", named))

    for sender in senders:
        pre_save.connect(before, sender=sender)
        post_save.connect(after, sender=sender)
    try:
        yield events
    finally:
        for sender in senders:
            pre_save.disconnect(before, sender=sender)
            post_save.disconnect(after, sender=sender)


class TestInsertAndUpdate:
    def test_a_new_instance_gets_its_key(self) -> None:
        thing = Thing(name="x")
        assert thing._state.adding
        assert thing._state.db is None
        thing.save()
        assert thing.pk == 1
        assert not thing._state.adding
        assert thing._state.db == "default"

    def test_saving_again_updates(self) -> None:
        thing = Thing.objects.create(name="x")
        thing.name = "y"
        with capture_statements() as log:
            thing.save()
        assert list(log) == ["update persistence.Thing"]
        assert Thing.objects.get().name == "y"

    def test_a_given_key_updates_or_inserts(self) -> None:
        Owner.objects.create(name="x")
        Owner(pk=1, name="y").save()
        assert [owner.name for owner in Owner.objects.all()] == ["y"]
        Owner(pk=5, name="z").save()
        assert Owner.objects.count() == 2
        assert Owner.objects.create(name="next").pk == 6

    def test_a_key_from_a_default_is_inserted_at_once(self) -> None:
        with capture_statements() as log:
            made = Keyed(name="x")
            made.save()
        assert list(log) == ["insert persistence.Keyed (1)"]
        made.name = "y"
        made.save()
        assert Keyed.objects.get().name == "y"
        other = Keyed(key=uuid.uuid4(), name="z")
        other._state.adding = False
        other.save()
        assert Keyed.objects.count() == 2

    def test_force_insert(self) -> None:
        Thing.objects.create(name="x")
        with pytest.raises(IntegrityError):
            Thing(pk=1, name="y").save(force_insert=True)
        with pytest.raises(ValueError, match="both"):
            Thing(name="y").save(force_insert=True, force_update=True)
        for wrong in (1, [], "x"):
            with pytest.raises(TypeError):
                Thing(name="y").save(force_insert=wrong)  # type: ignore[arg-type]

    def test_force_update(self) -> None:
        with pytest.raises(ObjectNotUpdated):
            Thing(pk=1, name="y").save(force_update=True)
        with pytest.raises(ValueError, match="no primary key"):
            Thing(name="y").save(force_update=True)
        assert not Thing.objects.exists()

    def test_update_fields(self) -> None:
        thing = Thing.objects.create(name="x", size=1)
        Thing.objects.update(size=5)
        thing.name = "y"
        thing.size = 9
        thing.save(update_fields=["name"])
        assert Thing.objects.values_list("name", "size").get() == ("y", 5)
        with capture_statements() as log:
            thing.save(update_fields=[])
        assert not log.statements
        thing.save(update_fields=["owner_id", "size"])
        assert Thing.objects.get().size == 9

    @pytest.mark.parametrize("names", [["naem"], ["id"], ["pk"], ["things"], "name"])
    def test_update_fields_names_columns_that_can_change(self, names: Any) -> None:
        thing = Thing.objects.create(name="x")
        with pytest.raises(ValueError):
            thing.save(update_fields=names)

    def test_update_fields_has_the_near_miss(self) -> None:
        with pytest.raises(ValueError, match="Did you mean 'name'"):
            Thing.objects.create(name="x").save(update_fields=["naem"])

    def test_a_row_that_is_gone(self) -> None:
        thing = Thing.objects.create(name="x")
        Thing.objects.all().delete()
        with pytest.raises(ObjectNotUpdated):
            thing.save(update_fields=["name"])
        thing.save()
        assert Thing.objects.get() == thing

    def test_saving_to_another_store(self) -> None:
        with use_store(MemoryStore(), alias="archive"):
            thing = Thing(name="x")
            thing.save(using="archive")
            assert thing._state.db == "archive"
            thing.name = "y"
            thing.save()
            assert Thing.objects.using("archive").get().name == "y"
            assert not Thing.objects.exists()
            thing.save(using="default")
            assert thing._state.db == "default"
        assert Thing.objects.get().name == "y"

    def test_a_failure_leaves_the_instance_unsaved(self) -> None:
        Owner.objects.create(pk=1, name="x")
        owner = Owner(pk=1, name="y")
        with pytest.raises(IntegrityError):
            owner.save(force_insert=True)
        assert owner._state.adding

    def test_a_failure_breaks_the_block(self) -> None:
        Owner.objects.create(pk=1, name="x")
        with pytest.raises(TransactionManagementError) as caught, atomic():
            with pytest.raises(IntegrityError):
                Owner(pk=1, name="y").save(force_insert=True)
            Owner.objects.count()
        assert isinstance(caught.value.__cause__, IntegrityError)
        assert Owner.objects.get().name == "x"


class TestValues:
    def test_values_are_stored_in_their_canonical_form(self) -> None:
        thing = Thing.objects.create(name=5, size="3", price="1.005")
        thing.refresh_from_db()
        assert (thing.name, thing.size, thing.price) == ("5", 3, decimal.Decimal("1.01"))

    def test_values_that_do_not_fit_are_refused_by_name(self) -> None:
        with pytest.raises(ValueError, match="size"):
            Thing.objects.create(name="x", size="many")
        with pytest.raises(Exception, match="name"):
            Thing.objects.create(name="x" * 21)
        with pytest.raises(IntegrityError, match="name"):
            Thing.objects.create(name=None)
        assert not Thing.objects.exists()

    def test_custom_fields_convert_both_ways(self) -> None:
        Thing.objects.create(name="x", code="aBc")
        assert Thing.objects.get(code="ABC").code == "abc"
        assert Thing.objects.values_list("code", flat=True).get() == "abc"
        assert Thing.objects.values("code").get() == {"code": "abc"}
        assert Thing.objects.annotate(other=F("code")).get().other == "abc"

    def test_moments_are_noted(self) -> None:
        thing = Thing.objects.create(name="x")
        added, changed = thing.added, thing.changed
        assert isinstance(added, datetime.datetime)
        thing.save()
        assert thing.added == added
        assert thing.changed > changed
        stored = Thing.objects.get()
        assert (stored.added, stored.changed) == (thing.added, thing.changed)

    def test_what_the_store_fills_in_is_taken_over(self) -> None:
        assert Thing.objects.create(name="x").level == 7
        assert Thing.objects.create(name="x", level=2).level == 2
        (made,) = Thing.objects.bulk_create([Thing(name="y")])
        assert made.level == 7

    def test_expressions_are_applied_at_each_save(self) -> None:
        thing = Thing.objects.create(name="x", size=1)
        thing.size = F("size") + 1
        thing.save()
        assert Thing.objects.get().size == 2
        thing.save()
        assert Thing.objects.get().size == 3
        thing.refresh_from_db()
        assert thing.size == 3

    def test_expressions_in_new_rows_read_no_columns(self) -> None:
        with pytest.raises(ValueError, match=r"size of a new row cannot be .*save\(\) the row first"):
            Thing.objects.create(name="x", size=F("size") + 1)
        with pytest.raises(ValueError, match=r"cannot be Subquery.*reads a column"):
            Thing.objects.create(name="x", size=Subquery(Thing.objects.filter(name=OuterRef("name")).values("size")))
        assert not Thing.objects.exists()

    def test_a_new_row_may_hold_what_a_query_gives(self) -> None:
        most = Thing.objects.order_by("-size").values("size")[:1]
        first = Thing.objects.create(name="x", size=Coalesce(Subquery(most), 5) + 1, price=Value("1.50"))
        assert isinstance(first.size, Node)
        first.refresh_from_db()
        assert (first.size, first.price) == (6, decimal.Decimal("1.50"))
        Thing.objects.bulk_create([Thing(name="y", size=Subquery(most)), Thing(name="z", size=2)])
        assert list(Thing.objects.order_by("pk").values_list("size", flat=True)) == [6, 6, 2]
        with pytest.raises(IntegrityError, match="size"):
            Thing.objects.create(name="x", size=Subquery(Thing.objects.none().values("size")))


class TestRelated:
    def test_an_unsaved_related_instance_is_refused(self) -> None:
        with pytest.raises(ValueError, match="owner"):
            Thing(name="x", owner=Owner(name="y")).save()
        assert not Thing.objects.exists()

    def test_a_related_instance_saved_later_is_taken_over(self) -> None:
        owner = Owner(name="y")
        thing = Thing(name="x", owner=owner)
        assert thing.owner_id is None
        owner.save()
        thing.save()
        assert thing.owner_id == owner.pk
        assert Thing.objects.get().owner == owner

    def test_a_key_that_was_changed_wins_over_the_instance(self) -> None:
        first, second = Owner.objects.create(name="1"), Owner.objects.create(name="2")
        thing = Thing.objects.create(name="x", owner=first)
        thing.owner_id = second.pk
        thing.save()
        assert thing.owner == second

    def test_a_reference_to_nothing_is_refused(self) -> None:
        with pytest.raises(IntegrityError):
            Thing.objects.create(name="x", owner_id=99)
        with pytest.raises(IntegrityError), atomic():
            Thing.objects.create(name="x", owner_id=99)
        assert not Thing.objects.exists()

    def test_a_reference_may_come_first_in_a_block(self) -> None:
        with atomic():
            Thing.objects.create(name="x", owner_id=5)
            Owner.objects.create(pk=5, name="y")
        assert Thing.objects.get().owner.name == "y"


class TestLineage:
    def test_all_tables_are_written(self) -> None:
        pub = Pub.objects.create(name="x", beers=3, darts=True)
        assert pub.pk == Place.objects.get().pk == Bar.objects.get().pk
        pub.name, pub.beers, pub.darts = "y", 4, False
        pub.save()
        assert Place.objects.get().name == "y"
        assert Bar.objects.get().beers == 4
        assert Pub.objects.values_list("name", "beers", "darts").get() == ("y", 4, False)

    def test_a_child_of_a_row_that_is_there(self) -> None:
        place = Place.objects.create(name="x")
        bar = Bar(place_ptr=place, beers=2)
        bar.save_base(raw=True)
        assert Bar.objects.get().name == "x"
        other = Bar(place_ptr_id=place.pk, name="z", beers=9)
        other.save()
        assert Place.objects.get().name == "z"

    def test_update_fields_reach_the_right_table(self) -> None:
        pub = Pub.objects.create(name="x", beers=3)
        pub.name, pub.beers = "y", 9
        pub.save(update_fields=["name"])
        assert Pub.objects.values_list("name", "beers").get() == ("y", 3)
        with pytest.raises(ValueError):
            pub.save(update_fields=["id"])

    def test_a_failure_leaves_no_parent(self) -> None:
        Pub.objects.create(pk=5, name="x")
        with pytest.raises(IntegrityError):
            Pub(pk=5, name="y").save(force_insert=True)
        assert Place.objects.get().name == "x"
        with pytest.raises(ValueError):
            Pub(name="y", beers="many").save()
        assert Place.objects.count() == 1

    def test_parents_are_inserted_by_name(self) -> None:
        pub = Pub(pk=5, name="y")
        with capture_statements() as log:
            pub.save(force_insert=(Place,))
        assert [line.split()[0] for line in log] == ["insert", "insert", "insert"]
        with pytest.raises(TypeError, match="base"):
            Pub(name="z").save(force_insert=(Owner,))

    def test_proxies_share_rows(self) -> None:
        quiet = QuietPlace.objects.create(name="x")
        assert Place.objects.get().pk == quiet.pk
        quiet.name = "y"
        quiet.save()
        assert Place.objects.get().name == "y"


class TestSignals:
    def test_who_listens_is_told(self) -> None:
        with heard(Thing) as events:
            thing = Thing(name="x")
            thing.save()
            thing.save(update_fields=["name"])
            Owner.objects.create(name="y")
        assert [kind for kind, _ in events] == ["pre", "post", "pre", "post"]
        assert [named.get("created") for _, named in events] == [None, True, None, False]
        assert events[0][1]["update_fields"] is None
        assert events[3][1]["update_fields"] == frozenset({"name"})
        assert all(named["instance"] is thing and named["using"] == "default" for _, named in events)

    def test_the_class_that_was_saved_is_the_sender(self) -> None:
        with heard(Place, Pub, QuietPlace) as events:
            Pub.objects.create(name="x")
            QuietPlace.objects.create(name="y")
        assert [kind for kind, _ in events] == ["pre", "post", "pre", "post"]

    def test_bulk_writes_tell_nobody(self) -> None:
        with heard(Thing) as events:
            Thing.objects.bulk_create([Thing(name="x")])
            Thing.objects.update(name="y")
        assert events == []


class TestReadingAgain:
    def test_refresh(self) -> None:
        thing = Thing.objects.create(name="x", owner=Owner.objects.create(name="a"))
        Thing.objects.update(name="y", owner=Owner.objects.create(name="b"))
        thing.refresh_from_db()
        assert (thing.name, thing.owner.name) == ("y", "b")

    def test_refresh_of_some_fields(self) -> None:
        thing = Thing.objects.create(name="x", size=1)
        Thing.objects.update(name="y", size=2)
        thing.refresh_from_db(fields=["size"])
        assert (thing.name, thing.size) == ("x", 2)
        with pytest.raises(ValueError, match="owner__name"):
            thing.refresh_from_db(fields=["owner__name"])

    def test_refresh_from_a_queryset(self) -> None:
        thing = Thing.objects.create(name="x", owner=Owner.objects.create(name="a"))
        with capture_statements() as log:
            thing.refresh_from_db(from_queryset=Thing.objects.select_related("owner"))
            assert thing.owner.name == "a"
        assert len(log) == 1

    def test_a_row_that_is_gone(self) -> None:
        thing = Thing.objects.create(name="x")
        Thing.objects.all().delete()
        with pytest.raises(Thing.DoesNotExist):
            thing.refresh_from_db()

    def test_deferred_fields_stay_deferred(self) -> None:
        Thing.objects.create(name="x")
        thing = Thing.objects.defer("size", "code").get()
        thing.refresh_from_db()
        assert thing.get_deferred_fields() == {"size", "code"}

    def test_saving_writes_what_was_loaded(self) -> None:
        Thing.objects.create(name="x", size=1)
        thing = Thing.objects.only("name").get()
        Thing.objects.update(size=5)
        thing.name = "y"
        thing.save()
        assert Thing.objects.values_list("name", "size").get() == ("y", 5)

    def test_a_deferred_key_of_a_parent_is_known(self) -> None:
        Pub.objects.create(name="x")
        pub = Pub.objects.only("darts").get()
        with capture_statements() as log:
            assert pub.id == pub.bar_ptr_id == pub.pk
        assert not log.statements


class _Stamped(models.DateTimeField):
    db_returning = True


class Letter(models.Model):
    sent = _Stamped(default=Now)
    read = models.DateTimeField(default=Now)

    class Meta:
        app_label = "persistence"


def test_a_field_that_asks_for_it_takes_in_what_its_expression_came_to():
    letter = Letter.objects.create()
    assert letter.sent == Letter.objects.get().sent
    assert isinstance(letter.read, Now)
    (other,) = Letter.objects.bulk_create([Letter()])
    assert other.sent == Letter.objects.get(pk=other.pk).sent
