"""Expressions outside of queries: their output_field, and conditions checked against values."""

from __future__ import annotations

import datetime
import decimal
import uuid
from typing import Any

import pytest

from modelkit import (
    Aggregate,
    AutoField,
    BinaryField,
    BooleanField,
    Case,
    CharField,
    Count,
    DateField,
    DateTimeField,
    DecimalField,
    DurationField,
    Exists,
    Expression,
    ExpressionWrapper,
    F,
    FieldError,
    FloatField,
    Func,
    IntegerField,
    JSONField,
    OuterRef,
    PositiveIntegerField,
    Q,
    Subquery,
    Sum,
    TimeField,
    UUIDField,
    Value,
    When,
    Window,
)
from modelkit.expressions import Combined
from modelkit.functions import Coalesce, Extract, Lower, Rank, Trunc
from modelkit.ir.expr import FunctionDef
from modelkit.ir.types import IntegerType
from modelkit.lookups import Exact
from tests.resolve.models import Author, Book

MOMENT = datetime.datetime(2024, 5, 6, 7, 8, 9, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("x", CharField),
        (True, BooleanField),
        (4, IntegerField),
        (2.5, FloatField),
        (decimal.Decimal("2.5"), DecimalField),
        (b"x", BinaryField),
        (MOMENT.date(), DateField),
        (datetime.time(7, 8), TimeField),
        (MOMENT, DateTimeField),
        (datetime.timedelta(1), DurationField),
        (uuid.uuid4(), UUIDField),
        ({"a": 1}, JSONField),
    ],
)
def test_a_constant_has_the_field_of_its_type(value: Any, kind: type) -> None:
    field = Value(value).output_field
    assert type(field) is kind
    assert field.clean(value, None) == value


@pytest.mark.parametrize(
    ("left", "operator", "right", "kind"),
    [
        (IntegerField, "+", IntegerField, IntegerField),
        (IntegerField, "+", AutoField, IntegerField),
        (PositiveIntegerField, "+", PositiveIntegerField, PositiveIntegerField),
        (PositiveIntegerField, "-", PositiveIntegerField, IntegerField),
        (PositiveIntegerField, "*", IntegerField, IntegerField),
        (IntegerField, "*", DecimalField, DecimalField),
        (FloatField, "/", IntegerField, FloatField),
        (DateField, "+", DurationField, DateTimeField),
        (DurationField, "+", TimeField, TimeField),
        (DateTimeField, "-", DateTimeField, DurationField),
    ],
)
def test_arithmetic_has_the_type_that_its_sides_give(left: Any, operator: Any, right: Any, kind: type) -> None:
    assert type(Combined(Expression(left()), operator, Expression(right())).output_field) is kind


@pytest.mark.parametrize(
    "expression",
    [
        Expression(DateField()) + Expression(DateField()),
        Expression(DurationField()) - Expression(DateField()),
        Expression(CharField()) + Expression(DateField()),
        Expression(IntegerField()) + Expression(Value(None)),
        Expression(),
        Value(1j),
        Value(None),
        F("age") + 1,
        Author.age.node + 1,
        OuterRef("age") * 2,
        Sum("age"),
        Lower(Coalesce("name", "nick")) + F("x"),
    ],
    ids=repr,
)
def test_what_only_a_query_would_tell_is_refused(expression: Expression) -> None:
    with pytest.raises(FieldError):
        expression.output_field  # noqa: B018 - it is asked for


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        (Count("age"), IntegerField),
        (Window(Count("age")), IntegerField),
        (Window(Rank(), order_by="age"), IntegerField),
        (Lower("name"), CharField),
        (Extract("born", "year"), IntegerField),
        (Trunc(Value(MOMENT), "day"), DateTimeField),
        (Case(When(age__gt=3, then=Value("old")), default=Value("young")), CharField),
        (~Value(True), BooleanField),
        (Exact(F("age"), 3), BooleanField),
        (Exists(Author.objects.all()), BooleanField),
        (Subquery(Author.objects.values("born")), DateField),
        (ExpressionWrapper(F("age") * 2, output_field=FloatField()), FloatField),
        (Value(2) ** 3, IntegerField),
    ],
    ids=repr,
)
def test_the_type_follows_from_the_parts_where_they_say_it(expression: Any, kind: type) -> None:
    assert type(expression.output_field) is kind


def test_a_field_that_was_declared_is_handed_out_itself() -> None:
    passed = CharField(max_length=3)

    class Declaring(Func):
        output_field = CharField(max_length=7)

    class Following(Func):
        pass

    assert Func("x", output_field=passed).output_field is passed
    assert Declaring().output_field is Declaring.output_field
    assert Declaring(output_field=passed).declared is passed
    assert Following(Declaring()).output_field is Declaring.output_field


def test_a_class_says_by_a_property_what_its_values_are(rows: None) -> None:
    class Longest(Func):
        function = FunctionDef("longest", max)

        @property
        def output_field(self) -> Any:
            return IntegerField()

    found = Author.objects.annotate(n=Longest(F("age"), Value(40))).values_list("n", flat=True)
    assert all(age >= 40 for age in found)


def test_an_expression_that_computes_nothing_is_refused_in_a_query() -> None:
    with pytest.raises(FieldError, match="Func, a Transform or an Aggregate"):
        Author.objects.annotate(n=Expression(IntegerField()))


def test_what_an_instance_of_ones_own_class_holds_is_part_of_it(rows: None) -> None:
    class Times(Func):
        result = IntegerType()

        def __init__(self, value: object, factor: int) -> None:
            super().__init__(value)
            self.factor = factor

        @property
        def called(self) -> FunctionDef:
            return FunctionDef(f"times_{self.factor}", lambda value: value * self.factor)

    assert Times("age", 2) == Times("age", 2)
    assert Times("age", 2) != Times("age", 3)
    ages = list(Author.objects.order_by("pk").values_list("age", flat=True))
    for factor in (2, 3):
        found = Author.objects.annotate(n=Times("age", factor)).order_by("pk").values_list("n", flat=True)
        assert list(found) == [age * factor for age in ages]


def test_rows_counted_apart_are_refused_where_the_query_is_built() -> None:
    count = Count("*", distinct=True)
    assert repr(count) == "Count('*', distinct=True)"
    with pytest.raises(ValueError, match="counts rows"):
        Author.objects.aggregate(n=count)


# -- conditions on values


@pytest.mark.parametrize(
    ("condition", "values", "holds"),
    [
        (Q(age__gte=18), {"age": 18}, True),
        (Q(age__gte=18), {"age": 17}, False),
        (Q(age__gte=18), {"age": None}, True),
        (~Q(age__gte=18), {"age": 17}, True),
        (Q(age=F("limit") + 1), {"age": 3, "limit": 2}, True),
        (Q(name="x"), {"name": Lower(Value("X"))}, True),
        (Q(name__startswith="a") | Q(age__in=[1, 2]), {"name": "b", "age": 2}, True),
        (Q(born__year=2024), {"born": MOMENT.date()}, True),
        (Q(ExpressionWrapper(Q(age__gt=20), output_field=BooleanField())), {"age": Value(10)}, False),
        (Q(), {}, True),
    ],
)
def test_a_condition_is_checked_against_values(condition: Q, values: dict[str, Any], holds: bool) -> None:
    assert condition.check(values) is holds


def test_a_name_without_a_value_is_refused_with_its_near_miss() -> None:
    with pytest.raises(FieldError, match=r"'prise'.*Did you mean 'price'"):
        Q(prise__gt=3).check({"price": 4})
    with pytest.raises(FieldError, match=r"Author\.age"):
        Q(Author.age > 3).check({"age": 4})


@pytest.mark.parametrize(
    "condition",
    [Q(age=OuterRef("x")), Q(Exists(Book.objects.filter(author=OuterRef("age")))), Q(Exact(Sum("age"), 3))],
    ids=repr,
)
def test_what_reads_a_query_is_refused_by_check(condition: Q) -> None:
    with pytest.raises((FieldError, ValueError)):
        condition.check({"age": 3})


def test_an_aggregate_knows_its_own_class_attributes() -> None:
    class Mine(Sum):
        output_field = FloatField()

    assert issubclass(Mine, Aggregate)
    assert Mine("age").output_field is Mine.output_field
