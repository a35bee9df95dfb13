"""The table of lookups: complete, consistent, and each function what it says."""

import datetime
import decimal
import uuid
import zoneinfo

import pytest

from modelkit import timezone
from modelkit.expressions import builtins, faces, temporal
from modelkit.expressions.lookups import JSON_LOOKUPS, LOOKUPS, TRANSFORMS, find_lookup, find_transform, names_for
from modelkit.ir import types
from modelkit.ir.codec import JSON_NULL

DJANGO = set(
    """exact iexact contains icontains in gt gte lt lte startswith istartswith endswith iendswith range isnull regex iregex
    date year iso_year month day week week_day iso_week_day quarter time hour minute second""".split()
)


def test_every_field_lookup_of_django_is_there_and_no_name_is_both():
    assert set(LOOKUPS) | set(TRANSFORMS) == DJANGO
    assert not set(LOOKUPS) & set(TRANSFORMS)


def test_each_name_is_its_entry_s_own():
    for table in (LOOKUPS, JSON_LOOKUPS, TRANSFORMS):
        assert all(entry.name == name for name, entry in table.items())


def test_calls_and_only_calls_have_a_function():
    for entry in (*LOOKUPS.values(), *JSON_LOOKUPS.values()):
        assert (entry.function is not None) == (entry.form == "call")


@pytest.mark.parametrize("kind", [types.TextType(), types.IntegerType(), types.DateType(), types.JsonType()])
def test_text_lookups_exist_where_a_value_has_a_text(kind):
    assert find_lookup("icontains", kind) is LOOKUPS["icontains"]


@pytest.mark.parametrize("kind", [types.BooleanType(), types.BinaryType(), types.DurationType()])
def test_text_lookups_are_missing_where_it_has_none(kind):
    assert find_lookup("icontains", kind) is None
    assert "icontains" not in names_for(kind)


def test_json_has_containment_of_its_own():
    assert find_lookup("contains", types.JsonType()) is JSON_LOOKUPS["contains"]
    assert find_lookup("contains", types.TextType()) is LOOKUPS["contains"]
    assert find_lookup("has_key", types.TextType()) is None


def test_transforms_exist_on_what_has_the_part():
    assert find_transform("year", types.DateType())
    assert find_transform("hour", types.DateType()) is None
    assert find_transform("hour", types.TimeType())
    assert find_transform("year", types.TimeType()) is None
    assert find_transform("date", types.DateTimeType())
    assert find_transform("year", types.IntegerType()) is None


def test_names_for_a_type_are_what_finding_finds():
    for kind in (types.TextType(), types.IntegerType(), types.DateTimeType(), types.JsonType(), types.AnyType()):
        for name in names_for(kind):
            assert find_lookup(name, kind) or find_transform(name, kind)


def test_typed_expressions_have_every_text_lookup_of_the_table():
    for name, entry in LOOKUPS.items():
        if entry.form == "match":
            assert hasattr(faces.StrExpr, name)
    for name in JSON_LOOKUPS:
        assert hasattr(faces.JsonExpr, name)


def test_typed_expressions_have_every_transform_of_the_table():
    holders = {"DateType": temporal.DateExpr, "TimeType": temporal.TimeExpr, "DateTimeType": temporal.DateTimeExpr}
    for name, entry in TRANSFORMS.items():
        for kind in entry.types:
            assert hasattr(holders[kind.__name__], name)


PARTS = {
    "year": 2024,
    "iso_year": 2025,
    "month": 12,
    "day": 30,
    "week": 1,
    "week_day": 2,
    "iso_week_day": 1,
    "quarter": 4,
}


@pytest.mark.parametrize(("part", "expected"), PARTS.items())
def test_parts_of_a_date(part, expected):
    assert builtins.DATE_PARTS[part].python(datetime.date(2024, 12, 30)) == expected
    assert builtins.DATE_PARTS[part].python(datetime.datetime(2024, 12, 30, 23)) == expected


def test_sunday_is_day_one_of_the_week_and_seven_of_the_iso_week():
    sunday = datetime.date(2024, 12, 29)
    assert builtins.DATE_PARTS["week_day"].python(sunday) == 1
    assert builtins.DATE_PARTS["iso_week_day"].python(sunday) == 7


@pytest.mark.parametrize(("month", "quarter"), [(1, 1), (3, 1), (4, 2), (6, 2), (7, 3), (9, 3), (10, 4), (12, 4)])
def test_quarters(month, quarter):
    assert builtins.DATE_PARTS["quarter"].python(datetime.date(2024, month, 1)) == quarter


def test_parts_of_a_moment_are_those_of_the_current_time_zone():
    moment = datetime.datetime(2024, 12, 31, 23, 30, 15, tzinfo=datetime.UTC)
    with timezone.override("Asia/Tokyo"):
        assert builtins.DATE_PARTS["year"].python(moment) == 2025
        assert builtins.TIME_PARTS["hour"].python(moment) == 8
        assert builtins.DATE.python(moment) == datetime.date(2025, 1, 1)
        assert builtins.TIME.python(moment) == datetime.time(8, 30, 15)
    assert builtins.DATE_PARTS["year"].python(moment) == 2024


def test_the_second_half_of_a_repeated_hour_has_a_plain_time():
    moment = datetime.datetime(2024, 10, 27, 1, 30, tzinfo=datetime.UTC)
    with timezone.override(zoneinfo.ZoneInfo("Europe/Berlin")):
        assert builtins.TIME.python(moment).fold == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (decimal.Decimal("1E+2"), "100"),
        (datetime.date(2024, 1, 2), "2024-01-02"),
        (datetime.datetime(2024, 1, 2, 3, 4), "2024-01-02 03:04:00"),
        (
            datetime.datetime(2024, 1, 2, 3, 4, tzinfo=datetime.timezone(datetime.timedelta(hours=1))),
            "2024-01-02 02:04:00",
        ),
        (datetime.time(3, 4), "03:04:00"),
        (uuid.UUID(int=1), "0" * 31 + "1"),
        ("x", "x"),
        (True, "true"),
    ],
)
def test_the_text_of_a_value(value, text):
    assert builtins.TO_TEXT.python(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [("a", "a"), (1, "1"), (True, "true"), (JSON_NULL, None), ({"a": [1, "é"]}, '{"a": [1, "é"]}')]
)
def test_the_text_of_a_json_value(value, text):
    assert builtins.JSON_TEXT.python(value) == text


def test_only_numbers_are_json_numbers_and_only_texts_json_strings():
    assert [builtins.JSON_NUMBER.python(value) for value in (1, 1.5, True, "1", JSON_NULL, [1])] == [
        1,
        1.5,
        None,
        None,
        None,
        None,
    ]
    assert [builtins.JSON_STRING.python(value) for value in ("a", 1, JSON_NULL)] == ["a", None, None]


@pytest.mark.parametrize(
    ("outer", "inner", "holds"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": True}, {"a": 1}, False),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": {"b": [1, 2, {"c": 3}]}}, {"a": {"b": [{"c": 3}, 1]}}, True),
        ([1, 2, 3], [3, 1], True),
        ([1, 2], [4], False),
        ([1, "x"], "x", True),
        ([["x"]], "x", False),
        ({"a": ["x"]}, {"a": "x"}, False),
        ("x", "x", True),
        ("x", ["x"], False),
        ({}, {}, True),
        ([], {}, False),
        (JSON_NULL, JSON_NULL, True),
    ],
)
def test_json_containment(outer, inner, holds):
    assert builtins.JSON_CONTAINS.python(outer, inner) is holds
    assert builtins.JSON_CONTAINED_BY.python(inner, outer) is holds


def test_json_keys():
    value = {"a": JSON_NULL, "1": 2}
    assert builtins.JSON_HAS_KEY.python(value, "a")
    assert builtins.JSON_HAS_KEY.python(value, 1)
    assert not builtins.JSON_HAS_KEY.python(value, "b")
    assert not builtins.JSON_HAS_KEY.python(["a"], "a")
    assert builtins.JSON_HAS_KEYS.python(value, ("a", "1"))
    assert not builtins.JSON_HAS_KEYS.python(value, ("a", "b"))
    assert builtins.JSON_HAS_ANY_KEYS.python(value, ("b", "a"))
    assert not builtins.JSON_HAS_ANY_KEYS.python(value, ("b",))
    assert not builtins.JSON_HAS_ANY_KEYS.python("a", ("a",))
