"""Each database function, by a table: its value for each row beside what plain Python makes of it, and SQLite where it has it.

The rows have NULLs in every column. A function that is not in the table fails the last test.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import math
import pickle
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from modelkit import (
    BigIntegerField,
    BooleanField,
    CharField,
    DataError,
    DateField,
    DateTimeField,
    DecimalField,
    DurationField,
    F,
    FieldError,
    FloatField,
    IntegerField,
    JSONField,
    Model,
    NotSupportedError,
    TextField,
    TimeField,
    UUIDField,
    Value,
    functions,
    timezone,
)
from modelkit.functions import (
    KT,
    MD5,
    SHA1,
    SHA224,
    SHA256,
    SHA384,
    SHA512,
    Abs,
    ACos,
    ASin,
    ATan,
    ATan2,
    Cast,
    Ceil,
    Chr,
    Coalesce,
    Collate,
    Concat,
    ConcatPair,
    Cos,
    Cot,
    Degrees,
    Exp,
    Extract,
    ExtractDay,
    ExtractHour,
    ExtractIsoWeekDay,
    ExtractIsoYear,
    ExtractMinute,
    ExtractMonth,
    ExtractQuarter,
    ExtractSecond,
    ExtractWeek,
    ExtractWeekDay,
    ExtractYear,
    Floor,
    Greatest,
    JSONArray,
    JSONObject,
    KeyTextTransform,
    KeyTransform,
    Least,
    Left,
    Length,
    Ln,
    Log,
    Lower,
    LPad,
    LTrim,
    Mod,
    Now,
    NullIf,
    Ord,
    Pi,
    Power,
    Radians,
    Random,
    Repeat,
    Replace,
    Reverse,
    Right,
    Round,
    RPad,
    RTrim,
    Sign,
    Sin,
    Sqrt,
    StrIndex,
    Substr,
    Tan,
    Trim,
    Trunc,
    TruncDate,
    TruncDay,
    TruncHour,
    TruncMinute,
    TruncMonth,
    TruncQuarter,
    TruncSecond,
    TruncTime,
    TruncWeek,
    TruncYear,
    Upper,
)

UTC = datetime.UTC
NEW_YORK = ZoneInfo("America/New_York")


class Row(Model):
    text = CharField(max_length=40, null=True)
    part = CharField(max_length=10, null=True)
    number = IntegerField(null=True)
    other = IntegerField(null=True)
    real = FloatField(null=True)
    price = DecimalField(max_digits=8, decimal_places=3, null=True)
    at = DateTimeField(null=True)
    day = DateField(null=True)
    clock = TimeField(null=True)
    span = DurationField(null=True)
    data = JSONField(null=True)

    as_text = TextField(null=True)
    as_number = BigIntegerField(null=True)
    as_real = FloatField(null=True)
    as_price = DecimalField(max_digits=20, decimal_places=6, null=True)
    as_moment = DateTimeField(null=True)
    as_day = DateField(null=True)
    as_time = TimeField(null=True)
    as_data = JSONField(null=True)
    as_truth = BooleanField(null=True)

    class Meta:
        app_label = "each_function"


COLUMNS = ("text", "part", "number", "other", "real", "price", "at", "day", "clock", "span", "data")
ROWS: list[tuple[Any, ...]] = [
    (
        " Ann ", "n", 5, 2, 0.25, Decimal("2.500"), datetime.datetime(2024, 2, 29, 23, 30, 15, 7, tzinfo=UTC),
        datetime.date(2024, 2, 29), datetime.time(23, 30, 15, 7), datetime.timedelta(days=2, hours=3, minutes=4, seconds=5),
        {"a": {"b": "x"}, "n": 1},
    ),
    (
        "bob", "", -7, 3, 0.5, Decimal("-2.500"), datetime.datetime(2020, 12, 31, 4, 0, tzinfo=UTC), datetime.date(2021, 1, 3),
        datetime.time(0, 0), datetime.timedelta(seconds=59), {"a": None},
    ),
    (
        "ÉMILE", "É", 12, -5, 1.0, Decimal("0.001"), datetime.datetime(2023, 7, 1, 12, 59, 59, tzinfo=UTC),
        datetime.date(1999, 10, 31), datetime.time(12, 59), datetime.timedelta(days=-1), ["x", "y"],
    ),
    (None, None, None, None, None, None, None, None, None, None, None),
]  # fmt: skip


@pytest.fixture(autouse=True)
def rows() -> None:
    Row.objects.bulk_create([Row(**dict(zip(COLUMNS, values, strict=True))) for values in ROWS])


class R(NamedTuple):
    """A row for Python's side."""

    text: Any
    part: Any
    number: Any
    other: Any
    real: Any
    price: Any
    at: Any
    day: Any
    clock: Any
    span: Any
    data: Any


class Case(NamedTuple):
    """An expression, what Python makes of a row that has no NULL in `reads`, and SQLite's words for it."""

    expression: Any
    value: Callable[[Any], Any]
    reads: tuple[str, ...]
    sql: str | None = None


def case(expression: Any, value: Callable[[Any], Any], *reads: str, sql: str | None = None) -> Any:
    return pytest.param(Case(expression, value, reads, sql), id=repr(expression))


def digest(name: str) -> Callable[[Any], str]:
    return lambda row: hashlib.new(name, row.text.encode()).hexdigest()


def half_up(number: Decimal, places: str) -> Decimal:
    return number.quantize(Decimal(places), rounding="ROUND_HALF_UP")


def cut(moment: datetime.datetime, zone: datetime.tzinfo, **parts: Any) -> datetime.datetime:
    return moment.astimezone(zone).replace(**parts)


MIDNIGHT = {"hour": 0, "minute": 0, "second": 0, "microsecond": 0}

TEXT = [
    case(Lower("text"), lambda r: r.text.lower(), "text"),
    case(Upper("text"), lambda r: r.text.upper(), "text"),
    case(Length("text"), lambda r: len(r.text), "text", sql="LENGTH(text)"),
    case(LTrim("text"), lambda r: r.text.lstrip(" "), "text", sql="LTRIM(text)"),
    case(RTrim("text"), lambda r: r.text.rstrip(" "), "text", sql="RTRIM(text)"),
    case(Trim("text"), lambda r: r.text.strip(" "), "text", sql="TRIM(text)"),
    case(Reverse("text"), lambda r: r.text[::-1], "text"),
    case(Ord("text"), lambda r: ord(r.text[0]), "text", sql="UNICODE(text)"),
    case(Chr(F("number") + 70), lambda r: chr(r.number + 70), "number"),
    case(Left("text", 2), lambda r: r.text[:2], "text", sql="SUBSTR(text, 1, 2)"),
    case(Right("text", 2), lambda r: r.text[-2:], "text", sql="SUBSTR(text, -2)"),
    case(Substr("text", 2), lambda r: r.text[1:], "text", sql="SUBSTR(text, 2)"),
    case(Substr("text", 2, 2), lambda r: r.text[1:3], "text", sql="SUBSTR(text, 2, 2)"),
    case(
        Substr("text", "number", 2),
        lambda r: r.text[r.number - 1 : r.number + 1] if r.number > 0 else "",
        "text",
        "number",
    ),
    case(
        Replace("text", Value("n"), Value("--")),
        lambda r: r.text.replace("n", "--"),
        "text",
        sql="REPLACE(text, 'n', '--')",
    ),
    case(Replace("text", Value("b")), lambda r: r.text.replace("b", ""), "text", sql="REPLACE(text, 'b', '')"),
    case(Repeat("text", 2), lambda r: r.text * 2, "text"),
    case(Repeat("text", "other"), lambda r: r.text * r.other, "text", "other"),
    case(LPad("text", 7, Value("ab")), lambda r: "ababab"[: 7 - len(r.text)] + r.text, "text"),
    case(RPad("text", 7, Value("ab")), lambda r: r.text + "ababab"[: 7 - len(r.text)], "text"),
    case(LPad("text", 2), lambda r: r.text[:2], "text"),
    case(StrIndex("text", Value("n")), lambda r: r.text.find("n") + 1, "text", sql="INSTR(text, 'n')"),
    case(StrIndex("text", "part"), lambda r: r.text.find(r.part) + 1, "text", "part", sql="INSTR(text, part)"),
    case(Concat("text", Value("-"), "part"), lambda r: (r.text or "") + "-" + (r.part or "")),
    case(ConcatPair("text", "part"), lambda r: (r.text or "") + (r.part or "")),
    case(Collate("text", "nocase"), lambda r: r.text.casefold(), "text"),
    case(Collate("text", "BINARY"), lambda r: r.text, "text", sql="text COLLATE BINARY"),
    *(
        case(kind("text"), digest(kind.__name__.lower()), "text")
        for kind in (MD5, SHA1, SHA224, SHA256, SHA384, SHA512)
    ),
]

NUMBERS = [
    case(Abs("number"), lambda r: abs(r.number), "number", sql="ABS(number)"),
    case(Abs("price"), lambda r: abs(r.price), "price"),
    case(Ceil("real"), lambda r: float(math.ceil(r.real)), "real", sql="CEIL(real)"),
    case(Floor("real"), lambda r: float(math.floor(r.real)), "real", sql="FLOOR(real)"),
    case(Ceil("price"), lambda r: Decimal(math.ceil(r.price)), "price"),
    case(Sign("number"), lambda r: (r.number > 0) - (r.number < 0), "number", sql="SIGN(number)"),
    case(Round("real"), lambda r: float(half_up(Decimal(str(r.real)), "1")), "real", sql="ROUND(real)"),
    case(Round("price", 2), lambda r: half_up(r.price, "0.01"), "price"),
    case(Round("number", precision=-1), lambda r: int(half_up(Decimal(r.number).scaleb(-1), "1") * 10), "number"),
    case(Sqrt("real"), lambda r: math.sqrt(r.real), "real", sql="SQRT(real)"),
    case(Exp("real"), lambda r: math.exp(r.real), "real", sql="EXP(real)"),
    case(Ln("real"), lambda r: math.log(r.real), "real", sql="LN(real)"),
    case(Log(Value(2.0), "real"), lambda r: math.log2(r.real), "real", sql="LOG(2.0, real)"),
    case(Power("other", Value(2)), lambda r: float(r.other**2), "other", sql="POWER(other, 2)"),
    case(Mod("number", "other"), lambda r: math.fmod(r.number, r.other), "number", "other", sql="MOD(number, other)"),
    case(ACos("real"), lambda r: math.acos(r.real), "real", sql="ACOS(real)"),
    case(ASin("real"), lambda r: math.asin(r.real), "real", sql="ASIN(real)"),
    case(ATan("number"), lambda r: math.atan(r.number), "number", sql="ATAN(number)"),
    case(
        ATan2("number", "other"), lambda r: math.atan2(r.number, r.other), "number", "other", sql="ATAN2(number, other)"
    ),
    case(Cos("number"), lambda r: math.cos(r.number), "number", sql="COS(number)"),
    case(Cot("number"), lambda r: 1 / math.tan(r.number), "number"),
    case(Sin("number"), lambda r: math.sin(r.number), "number", sql="SIN(number)"),
    case(Tan("number"), lambda r: math.tan(r.number), "number", sql="TAN(number)"),
    case(Degrees("real"), lambda r: math.degrees(r.real), "real", sql="DEGREES(real)"),
    case(Radians("real"), lambda r: math.radians(r.real), "real", sql="RADIANS(real)"),
    case(Pi() + F("number"), lambda r: math.pi + r.number, "number", sql="PI() + number"),
]

CHOICES = [
    case(Coalesce("text", "part", Value("none")), lambda r: r.text if r.text is not None else "none"),
    case(Coalesce("number", 0), lambda r: r.number or 0, sql="COALESCE(number, 0)"),
    case(NullIf("part", Value("")), lambda r: r.part or None, sql="NULLIF(part, '')"),
    case(NullIf("number", Value(12)), lambda r: None if r.number == 12 else r.number, sql="NULLIF(number, 12)"),
    case(Greatest("number", "other"), lambda r: max(r.number, r.other), "number", "other", sql="MAX(number, other)"),
    case(
        Least("number", "other", Value(1)),
        lambda r: min(r.number, r.other, 1),
        "number",
        "other",
        sql="MIN(number, other, 1)",
    ),
    case(Greatest("number", "real"), lambda r: float(max(r.number, r.real)), "number", "real", sql="MAX(number, real)"),
    case(Cast("number", CharField(max_length=2)), lambda r: str(r.number)[:2], "number"),
    case(Cast("real", IntegerField()), lambda r: int(r.real), "real", sql="CAST(real AS integer)"),
    case(Cast("number", FloatField()), lambda r: float(r.number), "number", sql="CAST(number AS real)"),
    case(Cast("price", DecimalField(max_digits=8, decimal_places=1)), lambda r: half_up(r.price, "0.1"), "price"),
    case(Cast("at", DateField()), lambda r: r.at.date(), "at"),
    case(
        Cast("day", DateTimeField()), lambda r: datetime.datetime(r.day.year, r.day.month, r.day.day, tzinfo=UTC), "day"
    ),
    case(Cast("data", TextField()), lambda r: json.dumps(r.data, ensure_ascii=False), "data"),
    case(KT("data__n"), lambda r: str(r.data["n"]) if isinstance(r.data, dict) and "n" in r.data else None),
    case(KeyTextTransform("0", "data"), lambda r: r.data[0] if isinstance(r.data, list) else None),
    case(KeyTransform("0", "data"), lambda r: r.data[0] if isinstance(r.data, list) else None),
    case(JSONArray("number", "text"), lambda r: [r.number, r.text]),
    case(JSONObject(n="number", t=Lower("text")), lambda r: {"n": r.number, "t": r.text and r.text.lower()}),
]

DATES = [
    case(ExtractYear("at"), lambda r: r.at.year, "at"),
    case(ExtractYear("at", tzinfo=NEW_YORK), lambda r: r.at.astimezone(NEW_YORK).year, "at"),
    case(ExtractIsoYear("day"), lambda r: r.day.isocalendar().year, "day"),
    case(ExtractQuarter("day"), lambda r: (r.day.month + 2) // 3, "day"),
    case(ExtractMonth("day"), lambda r: r.day.month, "day"),
    case(ExtractWeek("day"), lambda r: r.day.isocalendar().week, "day"),
    case(ExtractWeekDay("day"), lambda r: r.day.isoweekday() % 7 + 1, "day"),
    case(ExtractIsoWeekDay("day"), lambda r: r.day.isoweekday(), "day"),
    case(ExtractDay("day"), lambda r: r.day.day, "day"),
    case(ExtractDay("span"), lambda r: r.span.days, "span"),
    case(ExtractHour("clock"), lambda r: r.clock.hour, "clock"),
    case(ExtractHour("at", tzinfo=NEW_YORK), lambda r: r.at.astimezone(NEW_YORK).hour, "at"),
    case(ExtractMinute("at"), lambda r: r.at.minute, "at"),
    case(ExtractSecond("at"), lambda r: r.at.second, "at"),
    case(Extract("span", "minute"), lambda r: r.span.seconds // 60 % 60, "span"),
    case(Trunc("day", "quarter"), lambda r: r.day.replace(month=(r.day.month - 1) // 3 * 3 + 1, day=1), "day"),
    case(TruncYear("day"), lambda r: r.day.replace(month=1, day=1), "day"),
    case(TruncQuarter("day"), lambda r: r.day.replace(month=(r.day.month - 1) // 3 * 3 + 1, day=1), "day"),
    case(TruncMonth("day"), lambda r: r.day.replace(day=1), "day"),
    case(TruncWeek("day"), lambda r: r.day - datetime.timedelta(r.day.weekday()), "day"),
    case(TruncDay("at"), lambda r: cut(r.at, UTC, **MIDNIGHT), "at"),
    case(TruncDay("at", tzinfo=NEW_YORK), lambda r: cut(r.at, NEW_YORK, **MIDNIGHT), "at"),
    case(TruncHour("at"), lambda r: cut(r.at, UTC, minute=0, second=0, microsecond=0), "at"),
    case(TruncMinute("clock"), lambda r: r.clock.replace(second=0, microsecond=0), "clock"),
    case(TruncSecond("clock"), lambda r: r.clock.replace(microsecond=0), "clock"),
    case(TruncDate("at"), lambda r: r.at.date(), "at"),
    case(TruncDate("at", tzinfo=NEW_YORK), lambda r: r.at.astimezone(NEW_YORK).date(), "at"),
    case(TruncTime("at"), lambda r: r.at.time(), "at"),
]  # fmt: skip

CASES = [*TEXT, *NUMBERS, *CHOICES, *DATES]


def expected(tried: Case) -> list[Any]:
    """What Python makes of each row; NULL where one of the columns that are read is."""
    found = []
    for values in ROWS:
        row = R(*values)
        found.append(None if any(getattr(row, name) is None for name in tried.reads) else tried.value(row))
    return found


def alike(value: Any) -> Any:
    return pytest.approx(value) if isinstance(value, float) else value


def values(expression: Any) -> list[Any]:
    return list(Row.objects.order_by("pk").values_list(expression, flat=True))


@pytest.mark.parametrize("tried", CASES)
def test_the_value_is_pythons_and_null_gives_null(tried: Case) -> None:
    wanted = expected(tried)
    found = values(tried.expression)
    assert found == [alike(value) for value in wanted]
    assert [type(value) for value in found] == [type(value) for value in wanted]


@pytest.mark.parametrize("tried", CASES)
def test_a_condition_on_the_value_finds_the_rows_that_have_it(tried: Case) -> None:
    found = values(tried.expression)
    for value in found:
        if value is None or isinstance(value, (list, dict)):
            continue
        same = (
            Row.objects.annotate(made=tried.expression).filter(made=value).order_by("pk").values_list("pk", flat=True)
        )
        assert list(same) == [number for number, other in enumerate(found, 1) if other == value]
    missing = Row.objects.annotate(made=tried.expression).filter(made__isnull=True).order_by("pk")
    assert [row.pk for row in missing] == [number for number, value in enumerate(found, 1) if value is None]


@pytest.mark.parametrize("tried", CASES)
def test_an_order_by_the_value_has_null_first(tried: Case) -> None:
    found = values(tried.expression)
    if any(isinstance(value, (list, dict)) for value in found):
        return
    keys = [(value is not None, value if value is not None else 0) for value in found]
    wanted = [number for _, number in sorted(zip(keys, range(1, 5), strict=True))]
    assert list(Row.objects.order_by(tried.expression, "pk").values_list("pk", flat=True)) == wanted


TARGETS: list[tuple[type, str]] = [
    (bool, "as_truth"), (int, "as_number"), (float, "as_real"), (Decimal, "as_price"), (str, "as_text"),
    (datetime.datetime, "as_moment"), (datetime.date, "as_day"), (datetime.time, "as_time"), (list, "as_data"), (dict, "as_data"),
]  # fmt: skip


@pytest.mark.parametrize("tried", CASES)
def test_an_update_stores_the_value(tried: Case) -> None:
    found = values(tried.expression)
    kind = next(type(value) for value in found if value is not None)
    target = next(name for base, name in TARGETS if issubclass(kind, base))
    Row.objects.update(**{target: tried.expression})
    assert values(F(target)) == found


@pytest.mark.parametrize("tried", CASES)
def test_a_pickled_query_gives_the_same(tried: Case) -> None:
    made = Row.objects.order_by("pk").annotate(made=tried.expression)
    again = Row.objects.all()
    again.query = pickle.loads(pickle.dumps(made.query))
    assert list(again.values_list("made", flat=True)) == values(tried.expression)


IN_SQLITE = [param for param in CASES if param.values[0].sql is not None]


@pytest.mark.parametrize("tried", IN_SQLITE)
def test_sqlite_gives_the_same(tried: Case) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text, part, number INTEGER, other INTEGER, real REAL)")
    connection.executemany(
        "INSERT INTO t (text, part, number, other, real) VALUES (?, ?, ?, ?, ?)", [row[:5] for row in ROWS]
    )
    try:
        there = [value for (value,) in connection.execute(f"SELECT {tried.sql} FROM t ORDER BY id")]
    except sqlite3.OperationalError as error:
        pytest.skip(f"SQLite {sqlite3.sqlite_version} was built without it: {error}")
    finally:
        connection.close()
    assert values(tried.expression) == [alike(value) for value in there]


REFUSED = [
    (lambda: Coalesce("text"), ValueError, "at least two"),
    (lambda: Greatest("text"), ValueError, "Greatest.*at least two"),
    (lambda: Least("text"), ValueError, "Least.*at least two"),
    (lambda: Concat("text"), ValueError, "at least two"),
    (lambda: Lower("text", "part"), TypeError, "exactly 1"),
    (lambda: NullIf("text"), TypeError, "exactly 2"),
    (lambda: Left("text", 0), ValueError, "length"),
    (lambda: Repeat("text", -1), ValueError, "number"),
    (lambda: Substr("text", 0), ValueError, "pos"),
    (lambda: Collate("text", "no such; collation"), ValueError, "collation"),
    (lambda: Collate("text", "de_DE"), NotSupportedError, "de_DE"),
    (lambda: Extract("at", "century"), ValueError, "century"),
    (lambda: Trunc("at", "century"), ValueError, "century"),
    (lambda: KT("data"), ValueError, "keys"),
]


@pytest.mark.parametrize(("make", "error", "message"), REFUSED)
def test_wrong_arguments_are_refused_where_the_function_is_written(
    make: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make()


UNFIT = [
    (ExtractHour("day"), ValueError, "hour"),
    (ExtractYear("clock"), ValueError, "year"),
    (ExtractYear("text"), ValueError, "text"),
    (ExtractYear("span"), ValueError, "year"),
    (ExtractYear("day", tzinfo=NEW_YORK), ValueError, "tzinfo"),
    (TruncHour("day"), ValueError, "day"),
    (TruncYear("clock"), ValueError, "clock"),
    (TruncYear("number"), TypeError, "number"),
    (TruncYear("at", output_field=IntegerField()), ValueError, "output_field"),
    (Greatest("number", "text"), FieldError, "mixed types"),
    (Coalesce("number", "text"), FieldError, "mixed types"),
    (Cast("number", DateField()), FieldError, "cast"),
    (Cast("number", UUIDField()), FieldError, "cast"),
    (KeyTransform("a", "text"), FieldError, "JSON"),
    (Lower("nmae"), FieldError, "nmae"),
]


@pytest.mark.parametrize(("expression", "error", "message"), UNFIT, ids=repr)
def test_arguments_of_a_wrong_type_are_refused_where_the_query_is_built(
    expression: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Row.objects.annotate(made=expression)


OUTSIDE = [
    Sqrt("number"), Ln(F("number") - 5), Log(Value(1), "real"), ACos("number"), Exp(F("number") * 1000), Mod("number", Value(0)),
    Power(Value(0), Value(-1)), Cot(Value(0.0)), Chr("other"), Chr(Value(0)), Cast("text", IntegerField()),
    Cast("text", DateTimeField()), Cast("number", DecimalField(max_digits=2, decimal_places=1)), Repeat("text", Value(2**40)),
]  # fmt: skip


@pytest.mark.parametrize("expression", OUTSIDE, ids=repr)
def test_a_value_that_a_function_does_not_have_is_a_data_error(expression: Any) -> None:
    with pytest.raises(DataError):
        values(expression)


def test_a_moment_is_read_in_the_current_time_zone() -> None:
    with timezone.override(NEW_YORK):
        assert values(ExtractDay("at"))[:2] == [29, 30]
        assert values(TruncDate("at"))[1] == datetime.date(2020, 12, 30)
        assert values(ExtractDay("at", tzinfo=UTC))[:2] == [29, 31]
        day = values(TruncDay("at"))[1]
    assert day == datetime.datetime(2020, 12, 30, tzinfo=NEW_YORK)


def test_now_is_one_moment_of_a_statement() -> None:
    before = timezone.now()
    moments = set(values(Now()))
    assert len(moments) == 1
    assert before <= moments.pop() <= timezone.now()


def test_random_numbers_differ_from_row_to_row() -> None:
    found = values(Random())
    assert all(0 <= number < 1 for number in found)
    assert len(set(found)) == len(found)


WINDOWS = {
    "CumeDist", "DenseRank", "FirstValue", "Lag", "LastValue", "Lead", "NthValue", "Ntile", "PercentRank", "Rank", "RowNumber",
}  # fmt: skip
"""Tested with windows."""


def test_no_function_is_left_out() -> None:
    def inside(node: Any) -> set[str]:
        return {type(node).__name__}.union(*(inside(part) for part in node.parts()))

    tried = set().union(*(inside(param.values[0].expression) for param in CASES))
    apart = {"Now", "Random", "TruncBase", "KeyTransformFactory"}
    assert set(functions.__all__) - WINDOWS - apart <= tried
