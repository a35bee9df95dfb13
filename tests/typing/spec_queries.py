"""What checkers are told of queries inside queries and of choices. Each line marked `# Enn` must be an error, every other line none."""
# ruff: noqa: F403, F405 - the lines are for checkers, the names are the package's own

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any, assert_type

from modelkit import *
from modelkit.expressions import BoolExpr, Expr, NumExpr, StrExpr


class City(Model):
    name = CharField(max_length=9)
    size = IntegerField(null=True)
    founded = DateField(null=True)
    citizens: Reverse[Citizen] = Reverse("city")

    class Meta:
        app_label = "spec_queries"


class Citizen(Model):
    name = CharField(max_length=9)
    nick = CharField(max_length=9, null=True)
    age = IntegerField()
    born = DateField(default=datetime.date(2000, 1, 1))
    voter = BooleanField(default=True)
    wealth = DecimalField(max_digits=9, decimal_places=2)
    city = ForeignKey(City, CASCADE, related_name="citizens")

    class Meta:
        app_label = "spec_queries"


def choices() -> None:
    stage = case((Citizen.age >= 18, "adult"), (Citizen.age >= 13, "teen"), default="child")
    assert_type(stage, StrExpr[Citizen, str])
    assert_type(stage.upper().length(), NumExpr[Citizen, int])
    assert_type(case((Citizen.age >= 18, Citizen.name), default="child"), StrExpr[Citizen, str])
    assert_type(case((Citizen.age >= 18, Citizen.nick), default="child"), StrExpr[Citizen, str | None])
    assert_type(case((Citizen.age >= 18, "adult")), StrExpr[Citizen, str | None])
    assert_type(case((Citizen.age >= 18, 1), default=0), NumExpr[Citizen, int])
    assert_type(case((Citizen.age >= 18, 1)), NumExpr[Citizen, int | None])
    assert_type(case((Citizen.age >= 18, Citizen.age), default=0), NumExpr[Citizen, int])
    assert_type(case((Citizen.age >= 18, True), default=False), BoolExpr[Citizen, bool])
    assert_type(case((Citizen.age >= 18, Citizen.born), default=datetime.date.max), Expr[Citizen, datetime.date])
    assert_type(Citizen.objects.values_list(stage, flat=True).get(), str)
    assert_type(Citizen.objects.aggregate(case((Citizen.voter.is_true(), 1), default=0).sum()), int | None)
    Citizen.objects.order_by(stage, Citizen.name)
    Citizen.objects.filter(stage == "teen")
    Citizen.objects.filter(stage == 3)  # E01
    City.objects.filter(stage == "teen")  # E02
    Citizen.objects.order_by(case((City.name == "x", 1), default=0))  # E03
    City.objects.update(City.size.set(stage))  # E04


def functions() -> None:
    assert_type(Citizen.name.trim().replace("a", "b").upper(), StrExpr[Citizen, str])
    assert_type(Citizen.nick.trim(), StrExpr[Citizen, str | None])
    assert_type(Citizen.name[:3], StrExpr[Citizen, str])
    assert_type(Citizen.nick[0], StrExpr[Citizen, str | None])
    assert_type(Citizen.nick.coalesce("-"), StrExpr[Citizen, str])
    assert_type(Citizen.nick.coalesce(Citizen.name).length(), NumExpr[Citizen, int])
    assert_type(City.size.coalesce(0).abs().round(-1), NumExpr[City, int])
    assert_type(City.size.floor(), NumExpr[City, int | None])
    assert_type(City.founded.coalesce(datetime.date.max).year, NumExpr[City, int])
    assert_type(Citizen.objects.values_list(Citizen.nick.coalesce("-"), flat=True).get(), str)
    Citizen.objects.filter(Citizen.name[:1] == "x").order_by(Citizen.name.trim())
    Citizen.name["x"]  # E14
    Citizen.nick.coalesce(3)  # E15
    City.size.coalesce("x")  # E16
    Citizen.name.round()  # E17
    Citizen.age.trim()  # E18
    Citizen.objects.order_by(City.name[:3])  # E19
    Citizen.name.replace("a", 3)  # E20


def aggregates() -> None:
    assert_type(Citizen.objects.aggregate(Citizen.age.avg(), Citizen.age.max()), tuple[float | None, int | None])
    assert_type(Citizen.objects.aggregate(Citizen.wealth.avg(), Citizen.wealth.sum()), tuple[Decimal | None, Decimal | None])
    assert_type(Citizen.objects.aggregate(Citizen.wealth.stddev(sample=True)), Decimal | None)
    assert_type(Citizen.objects.aggregate(Citizen.name.count(distinct=True, where=Citizen.age > 3)), int)
    assert_type(Citizen.objects.aggregate(Citizen.nick.min()), str | None)
    assert_type(City.objects.annotate(City.citizens.count(Citizen.age > 3)).first(), tuple[City, int] | None)
    rank = Citizen.age.avg().over(partition_by=Citizen.voter, order_by=[Citizen.born, Citizen.name.desc()])
    assert_type(rank, NumExpr[Citizen, float | None])
    assert_type(Citizen.age.count().over(), NumExpr[Citizen, int])
    assert_type((Citizen.wealth.sum().over() * 2).round(2), NumExpr[Citizen, Decimal | None])
    assert_type(Citizen.name.max().over(), StrExpr[Citizen, str | None])
    assert_type(Citizen.age.max().over(partition_by=Citizen.name), NumExpr[Citizen, int | None])
    assert_type(Citizen.born.min().over().year, NumExpr[Citizen, int | None])
    assert_type(Citizen.voter.max().over(), BoolExpr[Citizen, bool | None])
    Citizen.objects.filter(Citizen.age.max().over() > 3, Citizen.name.min().over().startswith("x"))
    assert_type(Citizen.objects.annotate(rank).first(), tuple[Citizen, float | None] | None)
    Citizen.objects.filter(rank > 3.5).order_by(rank.desc())
    Citizen.objects.aggregate(City.size.sum())  # E21
    Citizen.objects.aggregate(Citizen.age)  # E22
    Citizen.objects.aggregate(Citizen.age.sum(where=City.size > 3))  # E23
    City.objects.annotate(City.citizens.count(City.size > 3))  # E24
    Citizen.name.sum()  # E25
    Citizen.age.avg().over(partition_by=City.name)  # E26
    Citizen.age.avg().over(order_by=City.name.desc())  # E27
    City.objects.filter(rank > 3.5)  # E28
    Citizen.objects.filter(rank > "x")  # E29
    City.citizens.count(Citizen.age)  # E30


def inner() -> None:
    assert_type(outer(City.name), StrExpr[Any, str])
    assert_type(outer(City.size), NumExpr[Any, int | None])
    older = Citizen.objects.filter(Citizen.city[City.id] == outer(City.id), Citizen.age > outer(City.size))
    assert_type(City.objects.filter(exists(older)).first(), City | None)
    City.objects.filter(exists(older) & (City.size > 3))
    City.objects.filter((City.size > 3) & ~exists(older))
    names = older.order_by(Citizen.age).values_list(Citizen.name, flat=True)
    assert_type(subquery(names), StrExpr[Any, str | None])
    assert_type(subquery(older.values_list(Citizen.nick, flat=True)), StrExpr[Any, str | None])
    assert_type(subquery(older.values_list(Citizen.age, flat=True)), NumExpr[Any, int | None])
    assert_type(subquery(older.values_list(Citizen.voter, flat=True)), BoolExpr[Any, bool | None])
    assert_type(subquery(older.values_list(Citizen.born, flat=True)), Expr[Any, datetime.date | None])
    assert_type(City.objects.annotate(subquery(names[:1])).first(), tuple[City, str | None] | None)
    eldest = City.citizens.aggregate(Citizen.age.max())
    assert_type(eldest, Expr[City, int | None])
    assert_type(City.citizens.aggregate(Citizen.age.avg(), Citizen.voter.is_true()), Expr[City, float | None])
    assert_type(City.objects.annotate(eldest).first(), tuple[City, int | None] | None)
    City.objects.filter(eldest > 90).order_by(eldest.desc())
    City.objects.filter(exists(3))  # E05
    City.objects.filter(subquery(older))  # E06
    Citizen.objects.filter(exists(older) & (City.size > 3))  # E07
    Citizen.objects.filter(Citizen.name == outer(City.size))  # E08
    City.citizens.aggregate(City.size.max())  # E09
    City.citizens.aggregate(Citizen.age)  # E10
    City.citizens.aggregate(Citizen.age.max(), City.size > 3)  # E11
    Citizen.objects.filter(eldest > 90)  # E12
    City.objects.filter(eldest > "x")  # E13
