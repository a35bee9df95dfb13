"""The scalar functions that lookups, transforms and typed expressions stand on, as FunctionDefs.

Knows values only. All are strict: none sees NULL. Parts of aware datetimes are those on a clock of the current time zone,
so these functions are not pure.
"""

from __future__ import annotations

import datetime
import decimal
import json
import uuid
from typing import Any

from modelkit.ir.codec import JSON_NULL, freeze_json
from modelkit.ir.expr import FunctionDef
from modelkit.timezone import get_current_timezone

__all__ = [
    "DATE",
    "DATE_PARTS",
    "JSON_CONTAINED_BY",
    "JSON_CONTAINS",
    "JSON_HAS_ANY_KEYS",
    "JSON_HAS_KEY",
    "JSON_HAS_KEYS",
    "JSON_NUMBER",
    "JSON_STRING",
    "JSON_TEXT",
    "LENGTH",
    "LOWER",
    "TIME",
    "TIME_PARTS",
    "TO_TEXT",
    "UPPER",
    "WITHOUT_HYPHENS",
]


def _local(value: Any) -> Any:
    """`value` as a clock of the current time zone shows it, where it is an aware datetime."""
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(get_current_timezone())
    return value


def _date(value: datetime.datetime) -> datetime.date:
    local: datetime.datetime = _local(value)
    return local.date()


def _time(value: datetime.datetime) -> datetime.time:
    local: datetime.datetime = _local(value)
    return local.time().replace(fold=0)


def _year(value: Any) -> int:
    return int(_local(value).year)


def _iso_year(value: Any) -> int:
    return int(_local(value).isocalendar().year)


def _month(value: Any) -> int:
    return int(_local(value).month)


def _day(value: Any) -> int:
    return int(_local(value).day)


def _week(value: Any) -> int:
    return int(_local(value).isocalendar().week)


def _week_day(value: Any) -> int:
    return int(_local(value).isoweekday()) % 7 + 1


def _iso_week_day(value: Any) -> int:
    return int(_local(value).isoweekday())


def _quarter(value: Any) -> int:
    return (int(_local(value).month) + 2) // 3


def _hour(value: Any) -> int:
    return int(_local(value).hour)


def _minute(value: Any) -> int:
    return int(_local(value).minute)


def _second(value: Any) -> int:
    return int(_local(value).second)


DATE = FunctionDef("date", _date, sql="DATE", pure=False)
TIME = FunctionDef("time", _time, sql="TIME", pure=False)

DATE_PARTS = {
    "year": FunctionDef("year", _year, sql="YEAR", pure=False),
    "iso_year": FunctionDef("iso_year", _iso_year, sql="ISOYEAR", pure=False),
    "month": FunctionDef("month", _month, sql="MONTH", pure=False),
    "day": FunctionDef("day", _day, sql="DAY", pure=False),
    "week": FunctionDef("week", _week, sql="WEEK", pure=False),
    "week_day": FunctionDef("week_day", _week_day, sql="DOW", pure=False),
    "iso_week_day": FunctionDef("iso_week_day", _iso_week_day, sql="ISODOW", pure=False),
    "quarter": FunctionDef("quarter", _quarter, sql="QUARTER", pure=False),
}
TIME_PARTS = {
    "hour": FunctionDef("hour", _hour, sql="HOUR", pure=False),
    "minute": FunctionDef("minute", _minute, sql="MINUTE", pure=False),
    "second": FunctionDef("second", _second, sql="SECOND", pure=False),
}

LOWER = FunctionDef("lower", str.lower, sql="LOWER", inline="{0}.lower()")
UPPER = FunctionDef("upper", str.upper, sql="UPPER", inline="{0}.upper()")
LENGTH = FunctionDef("length", len, sql="LENGTH", inline="len({0})")


def _to_text(value: Any) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case datetime.datetime():
            utc = value.astimezone(datetime.UTC).replace(tzinfo=None) if value.tzinfo is not None else value
            return utc.isoformat(" ")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case uuid.UUID():
            return value.hex
        case decimal.Decimal():
            return format(value, "f")
        case _:
            return str(value)


TO_TEXT = FunctionDef("to_text", _to_text, sql="CAST_TEXT")


def _without_hyphens(text: str) -> str:
    return text.replace("-", "")


WITHOUT_HYPHENS = FunctionDef("without_hyphens", _without_hyphens, sql="WITHOUT_HYPHENS")
"""A part of a UUID as it stands in the text of one here, which has no hyphens."""


def _json_text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if value is JSON_NULL or value is None:
        return None
    return json.dumps(value, ensure_ascii=False)


def _json_number(value: Any) -> int | float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _json_string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _json_has_key(value: Any, key: Any) -> bool:
    return isinstance(value, dict) and str(key) in value


def _json_has_keys(value: Any, keys: Any) -> bool:
    return isinstance(value, dict) and all(str(key) in value for key in keys)


def _json_has_any_keys(value: Any, keys: Any) -> bool:
    return isinstance(value, dict) and any(str(key) in value for key in keys)


def _holds(outer: Any, inner: Any) -> bool:
    """Whether JSON `outer` contains JSON `inner`, as PostgreSQL's @> defines it below the top level."""
    if isinstance(inner, dict):
        return isinstance(outer, dict) and all(key in outer and _holds(outer[key], item) for key, item in inner.items())
    if isinstance(inner, list):
        return isinstance(outer, list) and all(any(_holds(own, item) for own in outer) for item in inner)
    return freeze_json(outer) == freeze_json(inner)


def _json_contains(outer: Any, inner: Any) -> bool:
    if isinstance(outer, list) and not isinstance(inner, (dict, list)):
        return any(_holds(own, inner) for own in outer)
    return _holds(outer, inner)


def _json_contained_by(inner: Any, outer: Any) -> bool:
    return _json_contains(outer, inner)


JSON_TEXT = FunctionDef("json_text", _json_text, sql="JSON_TEXT")
JSON_NUMBER = FunctionDef("json_number", _json_number, sql="JSON_NUMBER")
JSON_STRING = FunctionDef("json_string", _json_string, sql="JSON_STRING")
JSON_HAS_KEY = FunctionDef("json_has_key", _json_has_key, strict=False, sql="JSON_HAS_KEY")
JSON_HAS_KEYS = FunctionDef("json_has_keys", _json_has_keys, strict=False, sql="JSON_HAS_KEYS")
JSON_HAS_ANY_KEYS = FunctionDef("json_has_any_keys", _json_has_any_keys, strict=False, sql="JSON_HAS_ANY_KEYS")
JSON_CONTAINS = FunctionDef("json_contains", _json_contains, sql="JSON_CONTAINS")
JSON_CONTAINED_BY = FunctionDef("json_contained_by", _json_contained_by, sql="JSON_CONTAINED_BY")
