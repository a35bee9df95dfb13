"""Functions in filters, orders, constraints and defaults, against what plain Python makes of the same values."""

from __future__ import annotations

from decimal import Decimal

import pytest

from modelkit import CharField, DataError, DecimalField, F, IntegerField, IntegrityError, Model, UniqueConstraint
from modelkit.functions import Abs, Coalesce, Length, Lower, Sqrt, Upper


class Sample(Model):
    name = CharField(max_length=20, null=True)
    number = IntegerField(null=True)
    price = DecimalField(max_digits=6, decimal_places=2, null=True)

    class Meta:
        app_label = "functions"


class Folded(Model):
    name = CharField(max_length=20)

    class Meta:
        app_label = "functions"
        ordering = [Lower("name").desc()]
        constraints = [UniqueConstraint(Lower("name"), name="folded_name")]


@pytest.fixture
def samples() -> list[Sample]:
    rows = [("Ann", -3, None), ("bob", None, Decimal("1.50")), (None, 16, Decimal(-2)), ("ÉMILE", 4, None)]
    return [Sample.objects.create(name=name, number=number, price=price) for name, number, price in rows]


def found(**values: object) -> list[object]:
    return list(Sample.objects.order_by("pk").annotate(**values).values_list(*values, flat=True))


def test_text_functions_are_pythons_and_null_stays_null(samples: list[Sample]) -> None:
    names = [sample.name for sample in samples]
    assert found(x=Lower("name")) == [None if name is None else name.lower() for name in names]
    assert found(x=Upper("name")) == [None if name is None else name.upper() for name in names]
    assert found(x=Length("name")) == [None if name is None else len(name) for name in names]


def test_abs_keeps_the_type_and_sqrt_gives_a_float(samples: list[Sample]) -> None:
    assert found(x=Abs("number")) == [3, None, 16, 4]
    assert found(x=Abs("price")) == [None, Decimal("1.50"), Decimal(2), None]
    assert found(x=Sqrt(Abs(F("number") * 4))) == [pytest.approx(12**0.5), None, 8.0, 4.0]
    with pytest.raises(DataError):
        list(Sample.objects.annotate(x=Sqrt("number")))


def test_coalesce_is_the_first_value_that_is_not_null(samples: list[Sample]) -> None:
    assert found(x=Coalesce("price", 0)) == [Decimal(0), Decimal("1.50"), Decimal(-2), Decimal(0)]
    assert found(x=Coalesce("name", Lower("name"))) == ["Ann", "bob", None, "ÉMILE"]
    assert found(x=Coalesce("price", "number")) == [Decimal(-3), Decimal("1.50"), Decimal(-2), Decimal(4)]
    assert Sample.objects.filter(name__isnull=True).values_list(Coalesce("name", "name"), flat=True).get() is None
    with pytest.raises(ValueError, match="at least two"):
        Coalesce("price")


def test_functions_stand_in_filters_orders_and_constraints() -> None:
    for name in ("b", "A", "c"):
        Folded.objects.create(name=name)
    assert [row.name for row in Folded.objects.all()] == ["c", "b", "A"]
    assert Folded.objects.filter(name=Lower("name")).count() == 2
    with pytest.raises(IntegrityError):
        Folded.objects.create(name="a")
