"""Functions of dates, times and moments: the present, parts, truncations. Symbolic; NULL gives NULL.

An aware moment is read on a clock of `tzinfo`, or where none was passed of the current time zone when the query runs; a naive
one as it stands.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, ClassVar, Literal, TypeAlias

from modelkit.errors import did_you_mean
from modelkit.expressions.builtins import DATE_PARTS, TIME_PARTS
from modelkit.expressions.functions import Func, Transform, known_to_sql
from modelkit.ir.expr import INTEGER, FunctionDef
from modelkit.ir.types import DateTimeType, DateType, TimeType
from modelkit.records import dataclass
from modelkit.timezone import get_current_timezone, get_default_timezone
from modelkit.transaction import datetime_policies

__all__ = [
    "DATE_KINDS",
    "DURATION_PARTS",
    "TIME_KINDS",
    "Extract",
    "ExtractDay",
    "ExtractHour",
    "ExtractIsoWeekDay",
    "ExtractIsoYear",
    "ExtractMinute",
    "ExtractMonth",
    "ExtractQuarter",
    "ExtractSecond",
    "ExtractWeek",
    "ExtractWeekDay",
    "ExtractYear",
    "Now",
    "Trunc",
    "TruncBase",
    "TruncDate",
    "TruncDay",
    "TruncHour",
    "TruncMinute",
    "TruncMonth",
    "TruncQuarter",
    "TruncSecond",
    "TruncTime",
    "TruncWeek",
    "TruncYear",
    "extraction",
    "truncation",
]

Zone: TypeAlias = datetime.tzinfo | None
Form: TypeAlias = Literal["date", "time", "datetime"]

DATE_KINDS = ("year", "quarter", "month", "week", "day")
TIME_KINDS = ("hour", "minute", "second")


# -- the present


def _now() -> datetime.datetime:
    """The present moment, as the stores in use keep moments."""
    present = datetime.datetime.now(datetime.UTC)
    if datetime_policies() == {"naive"}:
        return present.astimezone(get_default_timezone()).replace(tzinfo=None)
    return present


NOW = FunctionDef("now", _now, sql="CURRENT_TIMESTAMP", pure=False, steady=True)

known_to_sql(NOW)


class Now(Func):
    """The present moment: one for all rows of a statement."""

    __slots__ = ()
    arity = 0
    function = NOW
    result = DateTimeType()


# -- parts


def _days(duration: datetime.timedelta) -> int:
    return duration.days


def _hours(duration: datetime.timedelta) -> int:
    return duration.seconds // 3600


def _minutes(duration: datetime.timedelta) -> int:
    return duration.seconds // 60 % 60


def _seconds(duration: datetime.timedelta) -> int:
    return duration.seconds % 60


DURATION_PARTS: dict[str, Callable[[datetime.timedelta], int]] = {
    "day": _days, "hour": _hours, "minute": _minutes, "second": _seconds,
}  # fmt: skip


@lru_cache(maxsize=256)
def extraction(part: str, zone: Zone, *, of_duration: bool = False) -> FunctionDef:
    """What gives `part` of a date, time or moment (on a clock of `zone`), or of a duration; KeyError for a part that there is not."""
    if of_duration:
        return FunctionDef(f"duration_{part}", DURATION_PARTS[part])
    known = {**DATE_PARTS, **TIME_PARTS}[part]
    if zone is None:
        return known
    return FunctionDef(f"{part}_in_zone", partial(_read_on_clock, known.python, zone), sql=known.sql)


def _read_on_clock(read: Callable[[Any], int], zone: Zone, value: Any) -> int:
    """A part of what a clock of `zone` shows."""
    return read(_clock(value, zone))


def _clock(value: Any, zone: Zone) -> Any:
    """What a clock of `zone` (None: the current time zone) shows at an aware moment, naive; anything else as it is."""
    if isinstance(value, datetime.datetime) and value.tzinfo is not None:
        return value.astimezone(zone if zone is not None else get_current_timezone()).replace(tzinfo=None, fold=0)
    return value


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Extract(Transform):
    """A part of a date, time, moment or duration, as a whole number: "year", "iso_year", "quarter", "month", "week" (ISO), "week_day"
    (Sunday is 1), "iso_week_day" (Monday is 1), "day", "hour", "minute", "second".

    Raises ValueError for an unknown part, when the query is built also for one that the value's type lacks, and for a
    `tzinfo` with anything but a moment.
    """

    part: str
    tzinfo: Zone

    result = INTEGER

    def __init__(
        self, expression: object, lookup_name: str | None = None, tzinfo: Zone = None, *, output_field: Any = None
    ) -> None:
        part = self.lookup_name or lookup_name
        if part is None:
            raise ValueError("lookup_name must be provided")
        if part not in DATE_PARTS and part not in TIME_PARTS:
            raise ValueError(f"A date or time has no part {part!r}.{did_you_mean(part, (*DATE_PARTS, *TIME_PARTS))}")
        Func.__init__(self, expression, output_field=output_field)
        object.__setattr__(self, "part", part)
        object.__setattr__(self, "tzinfo", tzinfo)


class ExtractYear(Extract):
    """The year."""

    __slots__ = ()
    lookup_name = "year"


class ExtractIsoYear(Extract):
    """The year that the ISO week belongs to."""

    __slots__ = ()
    lookup_name = "iso_year"


class ExtractQuarter(Extract):
    """The quarter, 1 to 4."""

    __slots__ = ()
    lookup_name = "quarter"


class ExtractMonth(Extract):
    """The month, 1 to 12."""

    __slots__ = ()
    lookup_name = "month"


class ExtractWeek(Extract):
    """The ISO week, 1 to 53; weeks begin on Monday."""

    __slots__ = ()
    lookup_name = "week"


class ExtractWeekDay(Extract):
    """The day of the week: Sunday is 1, Saturday 7."""

    __slots__ = ()
    lookup_name = "week_day"


class ExtractIsoWeekDay(Extract):
    """The day of the week: Monday is 1, Sunday 7."""

    __slots__ = ()
    lookup_name = "iso_week_day"


class ExtractDay(Extract):
    """The day of the month."""

    __slots__ = ()
    lookup_name = "day"


class ExtractHour(Extract):
    """The hour, 0 to 23."""

    __slots__ = ()
    lookup_name = "hour"


class ExtractMinute(Extract):
    """The minute, 0 to 59."""

    __slots__ = ()
    lookup_name = "minute"


class ExtractSecond(Extract):
    """The second, 0 to 59, its fraction left out."""

    __slots__ = ()
    lookup_name = "second"


# -- truncations


def _cut_date(value: Any, kind: str) -> Any:
    """A date, or the date of a moment, cut to `kind`."""
    match kind:
        case "year":
            return value.replace(month=1, day=1)
        case "quarter":
            return value.replace(month=value.month - (value.month - 1) % 3, day=1)
        case "month":
            return value.replace(day=1)
        case "week":
            return value - datetime.timedelta(days=value.weekday())
        case _:
            return value


def _cut_time(value: Any, kind: str) -> Any:
    """A time, or the time of a moment, cut to `kind`: what is finer than it is 0."""
    match kind:
        case "second":
            return value.replace(microsecond=0)
        case "minute":
            return value.replace(second=0, microsecond=0)
        case "hour":
            return value.replace(minute=0, second=0, microsecond=0)
        case "date" | "time":
            return value
        case _:
            return value.replace(hour=0, minute=0, second=0, microsecond=0)


def _truncated(value: Any, kind: str) -> Any:
    """A naive date, time or moment cut to `kind`."""
    if isinstance(value, datetime.datetime):
        return _cut_time(_cut_date(value, kind), kind)
    return _cut_date(value, kind) if isinstance(value, datetime.date) else _cut_time(value, kind)


def _truncated_as(kind: str, zone: Zone, form: Form, value: Any) -> Any:
    """A date, time or moment (on a clock of `zone`) cut to `kind`, as `form`."""
    cut = _truncated(_clock(value, zone), kind)
    match form:
        case "date" if isinstance(cut, datetime.datetime):
            return cut.date()
        case "time" if isinstance(cut, datetime.datetime):
            return cut.time()
        case "datetime" if isinstance(value, datetime.datetime) and value.tzinfo is not None:
            return cut.replace(tzinfo=zone if zone is not None else get_current_timezone())
        case _:
            return cut


@lru_cache(maxsize=1024)
def truncation(kind: str, zone: Zone, form: Form) -> FunctionDef:
    """What cuts a date, time or moment (on a clock of `zone`; None: the current time zone) to `kind`, and gives it as `form`."""
    function = partial(_truncated_as, kind, zone, form)
    return FunctionDef(f"trunc_{form}_{kind}", function, sql="DATE_TRUNC", pure=zone is not None)


@dataclass(frozen=True, slots=True, eq=False, init=False)
class TruncBase(Transform):
    """A date, time or moment cut to its `kind`: what is finer than it is gone.

    `output_field`: a DateField, TimeField or DateTimeField; the type of the expression where there is none. Raises, when the query is
    built, TypeError for an expression of another type, and ValueError for a kind that the type lacks, for an `output_field` of another
    type, and for a `tzinfo` with anything but a moment.
    """

    unit: str
    tzinfo: Zone

    kind: ClassVar[str | None] = None

    def __init__(self, expression: object, output_field: Any = None, tzinfo: Zone = None) -> None:
        Func.__init__(self, expression, output_field=output_field)
        object.__setattr__(self, "unit", _checked_kind(self.kind or "day"))
        object.__setattr__(self, "tzinfo", tzinfo)


def _checked_kind(kind: str) -> str:
    kinds = (*DATE_KINDS, *TIME_KINDS, "date", "time")
    if kind not in kinds:
        raise ValueError(f"A moment cannot be cut to {kind!r}.{did_you_mean(str(kind), kinds)}")
    return kind


class Trunc(TruncBase):
    """A date, time or moment cut to `kind`: "year", "quarter", "month", "week" (its Monday), "day", "hour", "minute", "second"."""

    __slots__ = ()

    def __init__(self, expression: object, kind: str, output_field: Any = None, tzinfo: Zone = None) -> None:
        TruncBase.__init__(self, expression, output_field, tzinfo)
        object.__setattr__(self, "unit", _checked_kind(kind))


class TruncYear(TruncBase):
    """Cut to the year: its first day."""

    __slots__ = ()
    kind = "year"


class TruncQuarter(TruncBase):
    """Cut to the quarter: its first day."""

    __slots__ = ()
    kind = "quarter"


class TruncMonth(TruncBase):
    """Cut to the month: its first day."""

    __slots__ = ()
    kind = "month"


class TruncWeek(TruncBase):
    """Cut to the week: its Monday."""

    __slots__ = ()
    kind = "week"


class TruncDay(TruncBase):
    """Cut to the day: midnight."""

    __slots__ = ()
    kind = "day"


class TruncDate(TruncBase):
    """The date of a moment."""

    __slots__ = ()
    kind = "date"
    lookup_name = "date"
    result = DateType()


class TruncTime(TruncBase):
    """The time of day of a moment."""

    __slots__ = ()
    kind = "time"
    lookup_name = "time"
    result = TimeType()


class TruncHour(TruncBase):
    """Cut to the hour."""

    __slots__ = ()
    kind = "hour"


class TruncMinute(TruncBase):
    """Cut to the minute."""

    __slots__ = ()
    kind = "minute"


class TruncSecond(TruncBase):
    """Cut to the second."""

    __slots__ = ()
    kind = "second"
