"""Functions and choices at their edges: constants that are NULL, empty texts, types known from a NULL alone."""

from __future__ import annotations

import datetime
import warnings

import pytest

from modelkit import (
    CASCADE,
    BooleanField,
    Case,
    CharField,
    Count,
    DateTimeField,
    ExpressionWrapper,
    F,
    ForeignKey,
    IntegerField,
    Model,
    OuterRef,
    Q,
    Subquery,
    Sum,
    Value,
    When,
    Window,
    capture_statements,
)
from modelkit.functions import ExtractHour, Ord, Reverse
from modelkit.lookups import GreaterThan


class Shelf(Model):
    name = CharField(max_length=20, null=True)

    class Meta:
        app_label = "edges"


class Item(Model):
    name = CharField(max_length=20)
    weight = IntegerField(null=True)
    seen = DateTimeField(null=True)
    shelf = ForeignKey(Shelf, on_delete=CASCADE, related_name="items", null=True)

    class Meta:
        app_label = "edges"


NOON = datetime.datetime(2021, 1, 1, 12, 0, tzinfo=datetime.UTC)


@pytest.fixture
def shelf() -> Shelf:
    made = Shelf.objects.create(name="x")
    Item.objects.create(name="a", weight=1, seen=NOON, shelf=made)
    Item.objects.create(name="", weight=2, shelf=made)
    Item.objects.create(name="c", weight=2)
    return made


def test_a_function_of_a_constant_null_is_null_without_a_warning_from_its_source(shelf: Shelf) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = Shelf.objects.annotate(x=Reverse(Value(None, output_field=CharField()))).get()
    assert found.x is None


def test_no_text_has_no_first_character(shelf: Shelf) -> None:
    assert list(Item.objects.order_by("pk").values_list(Ord("name"), flat=True)) == [97, None, 99]


def test_a_choice_of_null_has_the_type_that_the_null_was_given(shelf: Shelf) -> None:
    never = Case(When(weight=7, then=Value(None, output_field=DateTimeField())))
    assert Item.objects.aggregate(x=Sum(never - F("seen"))) == {"x": None}


def test_a_part_of_an_outer_moment_in_a_time_zone(shelf: Shelf) -> None:
    hour = Shelf.objects.annotate(hour=ExtractHour(OuterRef("seen"), tzinfo=datetime.UTC)).values("hour")[:1]
    assert list(Item.objects.order_by("pk").values_list(Subquery(hour), flat=True)) == [12, None, None]


def test_groups_are_by_the_columns_that_the_conditions_beside_an_aggregate_read(shelf: Shelf) -> None:
    some = Shelf.objects.annotate(n=Count("items")).annotate(
        x=Case(When(items__weight=1, then=F("n")), default=Value(-1))
    )
    assert sorted(some.values_list("n", "x")) == [(1, -1), (1, 1)]
    truth = ExpressionWrapper(Q(n__gt=0) & Q(items__weight=1), output_field=BooleanField())
    assert sorted(Shelf.objects.annotate(n=Count("items")).annotate(x=truth).values_list("n", "x")) == [
        (1, False),
        (1, True),
    ]


def test_exclude_takes_an_or_with_a_window_as_a_whole(shelf: Shelf) -> None:
    counted = Item.objects.annotate(n=Window(Count("pk")))
    assert list(counted.exclude(Q(name="a") | Q(n=1)).order_by("pk").values_list("name", "n")) == [("", 3), ("c", 3)]
    assert list(counted.filter(~(Q(name="a") | Q(n=1))).order_by("pk").values_list("name", "n")) == [("", 2), ("c", 2)]


def test_a_lookup_as_an_object_is_a_condition(shelf: Shelf) -> None:
    assert Item.objects.filter(GreaterThan(F("weight"), 1)).count() == 2


def test_showing_an_expression_runs_no_query(shelf: Shelf) -> None:
    inner = Item.objects.filter(shelf=OuterRef("pk")).values("name")[:1]
    node = Case(When(Q(name=Subquery(inner)) | Q(pk__in=Item.objects.all()), then=Value(1)), default=Value(2))
    with capture_statements() as statements:
        assert "Subquery(<QuerySet of Item>)" in repr(node)
        assert Shelf.objects.order_by(node).get() == shelf
    assert len(statements) == 1
