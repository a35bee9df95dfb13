"""dates() and datetimes(): the different moments of a field, cut to a unit.

It knows queries and functions of values; querysets come by duck type. The invariant: each moment is given once, in order,
and NULL is none.
"""

from __future__ import annotations

import datetime
from functools import lru_cache, partial
from typing import Any, Final

from modelkit.expressions.base import F
from modelkit.expressions.functions import Func
from modelkit.ir.expr import FunctionDef
from modelkit.ir.types import DateTimeType, DateType, TimeType
from modelkit.modelinfo import ModelInfo
from modelkit.resolve import annotating, conditions, outputs, shapes
from modelkit.resolve.query import Query
from modelkit.timezone import get_current_timezone

__all__ = ["dates", "datetimes"]

DATES: Final = ("year", "month", "week", "day")
TIMES: Final = ("hour", "minute", "second")


def _first_day(day: datetime.date, kind: str) -> datetime.date:
    """The first day of the year, month or (from Monday on) week that `day` is in."""
    match kind:
        case "year":
            return day.replace(month=1, day=1)
        case "month":
            return day.replace(day=1)
        case "week":
            return day - datetime.timedelta(days=day.weekday())
        case _:
            return day


def _cut_clock(value: datetime.datetime, kind: str) -> datetime.datetime:
    """A naive datetime, cut."""
    match kind:
        case "hour":
            return value.replace(minute=0, second=0, microsecond=0)
        case "minute":
            return value.replace(second=0, microsecond=0)
        case "second":
            return value.replace(microsecond=0)
        case _:
            return datetime.datetime.combine(_first_day(value.date(), kind), datetime.time())


def _as_date(kind: str, value: Any) -> datetime.date:
    if isinstance(value, datetime.datetime):
        value = (value if value.tzinfo is None else value.astimezone(get_current_timezone())).date()
    return _first_day(value, kind)


def _as_datetime(kind: str, zone: datetime.tzinfo | None, value: datetime.datetime) -> datetime.datetime:
    if value.tzinfo is None:
        return _cut_clock(value, kind)
    clock = zone if zone is not None else get_current_timezone()
    return _cut_clock(value.astimezone(clock).replace(tzinfo=None, fold=0), kind).replace(tzinfo=clock)


@lru_cache(maxsize=256)
def _date_function(kind: str) -> FunctionDef:
    return FunctionDef(f"trunc_date_{kind}", partial(_as_date, kind), pure=False)


@lru_cache(maxsize=256)
def _datetime_function(kind: str, zone: datetime.tzinfo | None) -> FunctionDef:
    return FunctionDef(f"trunc_{kind}", partial(_as_datetime, kind, zone), pure=False)


def dates(queryset: Any, field_name: str, kind: str, order: str) -> Any:
    """The query of the dates of a field, cut to `kind`. ValueError for a kind, order or field of another sort."""
    _check(kind, DATES, order)
    return _cut(queryset.query, field_name, _date_function(kind), DateType(), order, (DateType, DateTimeType))


def datetimes(queryset: Any, field_name: str, kind: str, order: str, tzinfo: datetime.tzinfo | None) -> Any:
    """The query of the datetimes of a field, cut to `kind` on a clock of `tzinfo` (None: the current time zone)."""
    _check(kind, (*DATES, *TIMES), order)
    function = _datetime_function(kind, tzinfo)
    return _cut(queryset.query, field_name, function, DateTimeType(), order, (DateTimeType,))


def _check(kind: str, kinds: tuple[str, ...], order: str) -> None:
    if kind not in kinds:
        raise ValueError(f"'kind' must be one of {', '.join(map(repr, kinds))}, not {kind!r}.")
    if order not in {"ASC", "DESC"}:
        raise ValueError(f"'order' must be 'ASC' or 'DESC', not {order!r}.")


def _cut(query: Query, name: str, function: FunctionDef, output: Any, order: str, kinds: tuple[type, ...]) -> Query:
    info = query.info
    cut, whole = _free(info, "cut"), _free(info, "moment")
    named = {cut: Func(F(name), function=function, output_field=output), whole: F(name)}
    made = annotating.annotated(query, (), named, select=True)
    term = made.shape.annotations[whole].term
    if not isinstance(term.expr.type, kinds):
        kind = type(term.field).__name__ if term.field is not None else term.expr.type.name
        if not isinstance(term.expr.type, (DateType, DateTimeType, TimeType)):
            raise TypeError(f"'{name}' isn't a DateField, TimeField, or DateTimeField: it is a {kind}.")
        wanted = "datetimes" if DateType not in kinds else "dates or datetimes"
        raise ValueError(f"'{name}' holds no {wanted}: it is a {kind}.")  # noqa: TRY004 - as Django: the name is at fault
    values = outputs.values(made, (cut,), style="flat")
    found = conditions.filtered(shapes.distinct(values, ()), (), {f"{whole}__isnull": False})
    return shapes.ordered(found, (f"-{cut}" if order == "DESC" else cut,))


def _free(info: ModelInfo, name: str) -> str:
    """`name`, made longer until no field of the model has it."""
    while name in info.named or name in info.relations:
        name += "x"
    return name
