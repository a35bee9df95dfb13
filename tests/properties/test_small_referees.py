"""Cheap referees for mistakes that no large one catches."""

from __future__ import annotations

import datetime
import gc
import itertools
import uuid
import weakref
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

import modelkit as models
from modelkit import F, MemoryStore, Q, Registry, timezone
from modelkit.codegen import identifier
from modelkit.database import use_store
from tests.interpreter import CLASSES_STAY


class Everything(models.Model):
    number = models.IntegerField(null=True)
    text = models.CharField(max_length=20, null=True)
    flag = models.BooleanField(null=True)
    ratio = models.FloatField(null=True)
    price = models.DecimalField(max_digits=9, decimal_places=2, null=True)
    day = models.DateField(null=True)
    moment = models.DateTimeField(null=True)
    clock = models.TimeField(null=True)
    span = models.DurationField(null=True)
    blob = models.BinaryField(null=True)
    key = models.UUIDField(null=True)
    data = models.JSONField(null=True)


class Indexed(models.Model):
    number = models.IntegerField(null=True, db_index=True)
    text = models.CharField(max_length=20, null=True, db_index=True)
    flag = models.BooleanField(null=True, db_index=True)
    ratio = models.FloatField(null=True, db_index=True)
    price = models.DecimalField(max_digits=9, decimal_places=2, null=True, db_index=True)
    day = models.DateField(null=True, db_index=True)
    moment = models.DateTimeField(null=True, db_index=True)


UTC = datetime.UTC
VALUES = {
    "number": [1, 0, -5, 1, None, 2**31 - 1],
    "text": ["", "a", "Ä", "a", None, "1"],
    "flag": [True, False, None, True, False, None],
    "ratio": [1.0, 0.0, -2.5, float("inf"), None, 1.0],
    "price": [Decimal("1.00"), Decimal(0), Decimal("-2.50"), Decimal(1), None, Decimal("99.99")],
    "day": [
        datetime.date(2024, 2, 29),
        datetime.date(1, 1, 1),
        None,
        datetime.date(9999, 12, 31),
        datetime.date(2024, 2, 29),
        None,
    ],
    "moment": [datetime.datetime(2024, 1, day, 3, tzinfo=UTC) if day else None for day in (1, 2, 0, 1, 5, 0)],
    "clock": [datetime.time(1), datetime.time(0), None, datetime.time(23, 59, 59, 999999), datetime.time(1), None],
    "span": [
        datetime.timedelta(0),
        datetime.timedelta(-1),
        None,
        datetime.timedelta(5, 3),
        datetime.timedelta(0),
        None,
    ],
    "blob": [b"", b"a", b"\x00", b"a", None, b"z"],
    "key": [uuid.UUID(int=1), uuid.UUID(int=0), None, uuid.UUID(int=1), uuid.UUID(int=7), None],
    "data": [{"a": 1, "b": [2]}, {"b": [2], "a": 1.0}, [1], None, True, 1],
}


def fill(model: type[models.Model], names: list[str]) -> None:
    model.objects.bulk_create(model(**{name: VALUES[name][row] for name in names}) for row in range(6))


@pytest.mark.parametrize("name", list(VALUES))
def test_every_clause_takes_every_type(name: str) -> None:
    fill(Everything, list(VALUES))
    some = VALUES[name][0]
    rows = Everything.objects.all()
    assert rows.filter(**{f"{name}__isnull": True}).count() == sum(value is None for value in VALUES[name])
    exact = set(rows.filter(**{name: some}).values_list("pk", flat=True))
    assert exact
    assert set(rows.filter(**{f"{name}__in": [some]}).values_list("pk", flat=True)) == exact
    assert not exact & set(rows.exclude(**{name: some}).values_list("pk", flat=True))
    assert len(rows.order_by(name, "pk")) == 6
    assert len(rows.order_by(f"-{name}", "pk")) == 6
    assert rows.values_list(name).distinct().count() < 6
    assert rows.filter(**{name: F(name)}).count() == sum(value is not None for value in VALUES[name])
    assert [row[name] for row in rows.order_by("pk").values(name)] == VALUES[name]
    assert rows.filter(pk=1).update(**{name: some}) == 1
    assert getattr(Everything.objects.get(pk=1), name) == some


@pytest.mark.parametrize("name", [field.name for field in Indexed._meta.fields if field.name != "id"])
def test_an_index_and_a_scan_find_the_same_rows_whatever_the_type_of_the_operand(name: str) -> None:
    names = [field.name for field in Indexed._meta.fields if field.name != "id"]
    fill(Indexed, names)
    fill(Everything, names)
    for lookup, value in itertools.product(("exact", "in", "gt", "lte", "isnull"), VALUES[name]):
        if value is None and lookup != "isnull":
            continue
        operand = {"in": [value, VALUES[name][0]], "isnull": value is None}.get(lookup, value)
        condition = {f"{name}__{lookup}": operand}
        by_index = list(Indexed.objects.filter(**condition).values_list("pk", flat=True))
        assert by_index == list(Everything.objects.filter(**condition).values_list("pk", flat=True))


def test_true_one_and_decimal_one_stay_what_their_columns_say() -> None:
    Everything.objects.create(number=1, flag=True, ratio=1, price=1, data=1)
    Everything.objects.create(number=1, flag=True, ratio=1, price=1, data=True)
    one, two = Everything.objects.order_by("pk")
    assert (type(one.number), type(one.flag), type(one.ratio), type(one.price)) == (int, bool, float, Decimal)
    assert (type(one.data), type(two.data)) == (int, bool)
    assert Everything.objects.filter(data=True).get() == two
    assert Everything.objects.values("data").distinct().count() == 2


def test_a_plan_made_on_an_empty_table_visits_no_more_rows_than_one_made_on_a_full_one() -> None:
    def query() -> models.QuerySet[Indexed, Indexed]:
        return Indexed.objects.filter(number=7, text="x")

    assert list(query()) == []
    early = query().explain()
    Indexed.objects.bulk_create(Indexed(number=row % 1000, text="x") for row in range(20_000))
    assert len(query()) == 20
    with use_store(MemoryStore()):
        Indexed.objects.bulk_create(Indexed(number=row % 1000, text="x") for row in range(2_000))
        fresh = query().explain()
    assert query().explain() == early == fresh


@pytest.mark.skipif(CLASSES_STAY, reason="this interpreter never collects classes and functions")
def test_a_thousand_isolated_registries_are_all_collected() -> None:
    alive = []
    for number in range(1000):
        registry = Registry()
        meta = type("Meta", (), {"registry": registry, "app_label": "passing"})
        team = type(
            "Team", (models.Model,), {"__module__": __name__, "name": models.CharField(max_length=5), "Meta": meta}
        )
        user = type(
            "User",
            (models.Model,),
            {
                "__module__": __name__,
                "team": models.ForeignKey(team, models.CASCADE, related_name="members"),
                "Meta": type("Meta", (), {"registry": registry, "app_label": "passing"}),
            },
        )
        if number % 100 == 0:
            first = team.objects.create(name="x")
            user.objects.create(team=first)
            assert first.members.filter(team__name="x").count() == 1
            del first
        alive.append(weakref.ref(registry))
        alive.append(weakref.ref(user))
        del registry, meta, team, user
    gc.collect()
    assert sum(reference() is not None for reference in alive) == 0


def test_many_distinct_shapes_leave_memory_bounded() -> None:
    Indexed.objects.create(number=1)
    info = Indexed._meta.info

    def shapes() -> int:
        gc.collect()
        return sum(type(item).__name__ == "Select" for item in gc.get_objects())

    for size in range(1, 300):
        Indexed.objects.filter(Q(*[Q(number__gt=place) for place in range(size % 30)]), pk__gt=0).order_by(
            *["number", "text", "flag", "ratio"][: size % 5]
        ).exists()
    assert info.roots
    assert shapes() < 20_000


@pytest.mark.parametrize("depth", [12, 30])
def test_the_source_of_a_deep_condition_grows_linearly(depth: int) -> None:
    def deep(levels: int) -> Q:
        condition = Q(number=1)
        for level in range(levels):
            condition = ~(condition & Q(text=str(level))) | Q(ratio__gt=level)
        return condition

    def length(levels: int) -> int:
        return len(Everything.objects.filter(deep(levels)).explain(verbose=True))

    step = length(6) - length(5)
    assert length(depth) - length(6) <= 2 * step * (depth - 6)


def test_a_ligature_is_no_identifier() -> None:
    with pytest.raises(ValueError, match="identifier"):
        identifier("\ufb01eld")
    with pytest.raises((ValueError, TypeError, models.FieldError, models.FieldDoesNotExist)):
        type("Bad", (models.Model,), {"__module__": __name__, "\ufb01eld": models.IntegerField()})


def test_a_folded_datetime_is_the_moment_that_its_zone_says() -> None:
    zone = ZoneInfo("Europe/Zurich")
    first = datetime.datetime(2024, 10, 27, 2, 30, tzinfo=zone, fold=0)
    second = datetime.datetime(2024, 10, 27, 2, 30, tzinfo=zone, fold=1)
    for moment in (first, second):
        Everything.objects.create(moment=moment)
    one, two = Everything.objects.order_by("moment").values_list("moment", flat=True)
    assert two - one == datetime.timedelta(hours=1)
    assert Everything.objects.filter(moment=first).count() == 1
    assert Everything.objects.filter(moment__gt=first).count() == 1
    with timezone.override(zone):
        assert Everything.objects.filter(moment__hour=2).count() == 2
        assert Everything.objects.filter(moment__date=datetime.date(2024, 10, 27)).count() == 2
    with timezone.override(UTC):
        assert Everything.objects.filter(moment__hour=0).count() == 1


def test_three_hundred_thousand_choices_work() -> None:
    Indexed.objects.bulk_create(Indexed(number=number) for number in range(10))
    assert Indexed.objects.filter(number__in=range(300_000)).count() == 10
    assert Everything.objects.filter(number__in=list(range(300_000))).count() == 0
