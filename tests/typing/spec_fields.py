"""What checkers are told of fields and expressions. Each line marked `# Enn` must be an error, every other line none."""
# ruff: noqa: B015, B018, F403, F405 - the lines are for checkers, the names are the package's own

from __future__ import annotations

import datetime
import decimal
import uuid
from typing import Any, assert_type

from modelkit import *
from modelkit.expressions import (
    BoolExpr,
    Cond,
    DateExpr,
    DateTimeExpr,
    DurationExpr,
    Expr,
    JsonExpr,
    ManyRef,
    NumExpr,
    OptRef,
    Ref,
    StrExpr,
    TimeExpr,
)


class Town(Model):
    name = CharField(max_length=9)
    founded = DateField()

    class Meta:
        app_label = "spec_fields"


class Size(IntegerChoices):
    SMALL = 1, "small"
    LARGE = 2, "large"


class Thing(Model):
    text = TextField("what it says")
    slug = SlugField(null=True)
    mail = EmailField(blank=True, default="")
    link = URLField(unique=True)
    address = GenericIPAddressField(null=True, protocol="IPv4")
    key = UUIDField(default=uuid.uuid4)
    flag = BooleanField(default=False)
    maybe = BooleanField(null=True)
    small = SmallIntegerField(choices=Size, default=Size.SMALL)
    big = BigIntegerField(null=True, default=lambda: 3)
    count = PositiveIntegerField(db_default=0)
    ratio = FloatField(validators=[print])
    price = DecimalField(max_digits=5, decimal_places=2)
    born = DateField(null=True)
    at = DateTimeField(auto_now=True)
    clock = TimeField()
    span = DurationField(default=datetime.timedelta)
    blob = BinaryField(null=True)
    data = JSONField(default=dict)
    town = ForeignKey(Town, CASCADE)
    old_town = ForeignKey(Town, CASCADE, null=True, related_name="+")

    class Meta:
        app_label = "spec_fields"


def values(thing: Thing) -> None:
    assert_type(thing.text, str)
    assert_type(thing.slug, str | None)
    assert_type(thing.mail, str)
    assert_type(thing.link, str)
    assert_type(thing.address, str | None)
    assert_type(thing.key, uuid.UUID)
    assert_type(thing.flag, bool)
    assert_type(thing.maybe, bool | None)
    assert_type(thing.small, int)
    assert_type(thing.big, int | None)
    assert_type(thing.count, int)
    assert_type(thing.ratio, float)
    assert_type(thing.price, decimal.Decimal)
    assert_type(thing.born, datetime.date | None)
    assert_type(thing.at, datetime.datetime)
    assert_type(thing.clock, datetime.time)
    assert_type(thing.span, datetime.timedelta)
    assert_type(thing.blob, bytes | None)
    assert_type(Size.SMALL.label, str)


def expressions(town: Town) -> None:
    assert_type(Thing.text, StrExpr[Thing, str])
    assert_type(Thing.slug, StrExpr[Thing, str | None])
    assert_type(Thing.key, Expr[Thing, uuid.UUID])
    assert_type(Thing.flag, BoolExpr[Thing, bool])
    assert_type(Thing.big, NumExpr[Thing, int | None])
    assert_type(Thing.price + 1, NumExpr[Thing, decimal.Decimal])
    assert_type(Thing.price >= 10, Cond[Thing])
    assert_type(Thing.ratio * 2, NumExpr[Thing, float])
    assert_type(2 - Thing.small, NumExpr[Thing, int])
    assert_type(Thing.born, DateExpr[Thing, datetime.date | None])
    assert_type(Thing.born.year, NumExpr[Thing, int | None])
    assert_type(Thing.at.year, NumExpr[Thing, int])
    assert_type(Thing.at.date(), DateExpr[Thing, datetime.date])
    assert_type(Thing.at.time().hour, NumExpr[Thing, int])
    assert_type(Thing.clock, TimeExpr[Thing, datetime.time])
    assert_type(Thing.at - Thing.at, DurationExpr[Thing, datetime.timedelta])
    assert_type(Thing.at - datetime.timedelta(1), DateTimeExpr[Thing, datetime.datetime])
    assert_type(Thing.at + Thing.span, DateTimeExpr[Thing, datetime.datetime])
    assert_type(Thing.text.length(), NumExpr[Thing, int])
    assert_type(Thing.slug.length(), NumExpr[Thing, int | None])
    assert_type(Thing.slug.lower(), StrExpr[Thing, str | None])
    assert_type(Thing.data["a"][0], JsonExpr[Thing, Any])
    assert_type(Thing.town, Ref[Thing, Town])
    assert_type(Thing.old_town, OptRef[Thing, Town])
    assert_type(Thing.town[Town.founded].year, NumExpr[Thing, int])
    assert_type(Thing.old_town[Town.founded], DateExpr[Thing, datetime.date | None])
    assert_type((Thing.small > 3) & ~(Thing.text == "x"), Cond[Thing])
    assert_type((Thing.small > 3) & Q(text="x"), Q)
    assert_type(Q(text="x") | (Thing.small > 3), Q)
    Thing.objects.filter(Thing.small.between(1, 3), Thing.flag.is_true(), Thing.data["a"].icontains("x"))
    Thing.objects.filter(Thing.town[Town.name].in_(["a"]), Thing.key == uuid.uuid4())
    Thing.objects.update(Thing.town.set(town), Thing.old_town.set(None), Thing.born.set(None))


def lists(many: ManyRef[Town, Thing]) -> None:
    assert_type(many.any(Thing.small > 3), Cond[Town])
    assert_type(many.count(Thing.small > 3), NumExpr[Town, int])


def bad(thing: Thing, many: ManyRef[Town, Thing]) -> None:
    Thing.price >= 1.5  # E01
    CharField(max_length="x")  # E02
    IntegerField(default="x")  # E03
    IntegerField(default=None)  # E04
    IntegerField(null=True, default="x")  # E05
    IntegerField(max_lenght=3)  # E06
    IntegerField(3)  # E07
    thing.small = "x"  # E08
    thing.small = None  # E09
    thing.at = datetime.date(2024, 1, 1)  # E10
    Thing.small + "x"  # E11
    Thing.text + "x"  # E12
    Thing.text.year  # E13
    Thing.clock.year  # E14
    Thing.born.hour  # E15
    Thing.flag.icontains("x")  # E16
    Thing.small.between(1, "x")  # E17
    Thing.data[1.5]  # E18
    Thing.town[Thing.text]  # E19
    Thing.town.set(None)  # E20
    Thing.objects.filter(many.any(Thing.small > 3))  # E21
    many.any(Town.name == "x")  # E22
    many.contains(Town())  # E23
    (Thing.small > 3) & (Town.name == "x")  # E24
    (Thing.small > 3) & True  # E25
    Thing.at - 3  # E26
    Thing.objects.order_by(Town.name.desc())  # E27
    Thing.objects.update(Thing.small.set(None))  # E28
    Thing.objects.aggregate(Thing.flag.sum())  # E29
