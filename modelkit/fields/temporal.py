"""Fields that hold dates, times, moments and durations. Text is read as ISO 8601."""

from __future__ import annotations

import datetime
import importlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar, Literal, overload

from typing_extensions import TypeVar, Unpack

from modelkit import timezone
from modelkit.checks import CheckMessage, warning
from modelkit.database import session
from modelkit.expressions.faces import Expr, Instance
from modelkit.expressions.temporal import DateExpr, DateTimeExpr, DurationExpr, TimeExpr
from modelkit.fields.base import Field, evaluated, plain
from modelkit.fields.options import NOT_PROVIDED, Options

__all__ = ["DateField", "DateTimeField", "DurationField", "TimeField", "duration_text", "parse_duration"]

M = TypeVar("M")
T = TypeVar("T")


class MomentOptions(Options[T], total=False):
    """The options of DateField, TimeField and DateTimeField."""

    auto_now: bool
    auto_now_add: bool


@lru_cache(maxsize=1)
def _dateutil() -> Any:
    """The parser of dateutil, loaded when a text first needs it."""
    return importlib.import_module("dateutil.parser")


class _Moment(Field[T]):
    """What fields of dates and times share: reading text, auto_now and auto_now_add."""

    empty_strings_allowed = False
    option_defaults: ClassVar[Mapping[str, Any]] = {"auto_now": False, "auto_now_add": False}

    auto_now: bool
    auto_now_add: bool

    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        automatic = options.get("auto_now") or options.get("auto_now_add")
        if automatic:
            if options.get("auto_now") and options.get("auto_now_add"):
                raise ValueError("auto_now and auto_now_add exclude each other.")
            if "default" in options:
                raise ValueError("auto_now and auto_now_add set the value themselves: drop the default.")
            options = {"editable": False, "blank": True, **options}
        super().__init__(verbose_name, **options)

    @plain
    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(evaluated(value))

    def pre_save(self, instance: Any, add: bool) -> Any:
        if self.auto_now or (self.auto_now_add and add):
            value = self.present(getattr(instance._state, "db", None))
            setattr(instance, self.attname, value)
            return value
        return getattr(instance, self.attname)

    def check(self, **options: Any) -> list[CheckMessage]:
        """What may be wrong; a default that is the moment at which the program started is hardly meant."""
        found = super().check(**options)
        if self.default is not NOT_PROVIDED and _is_about_now(self.default):
            hint = "Pass a function that gives the present one, such as timezone.now, or auto_now_add=True."
            found.append(
                warning(self, "fields.W161", f"The default {self.shown(self.default)} will never change.", hint)
            )
        return found

    def present(self, alias: str | None) -> Any:
        """The present moment as this field holds it in the store of that alias."""
        raise NotImplementedError

    def value_to_string(self, obj: Any) -> str:
        value = self.value_from_object(obj)
        return "" if value is None else str(value.isoformat())


def _is_about_now(value: Any) -> bool:
    """Whether `value` is a date or moment within a day of the present one."""
    if isinstance(value, datetime.datetime):
        return abs(datetime.datetime.now(value.tzinfo) - value) <= _DAY
    return isinstance(value, datetime.date) and abs(datetime.datetime.now(datetime.UTC).date() - value) <= _DAY


_DAY = datetime.timedelta(days=1)


class DateField(_Moment[T]):
    """A date."""

    internal_type = "DateField"
    face: ClassVar[type[Expr[Any, Any]]] = DateExpr
    default_error_messages: ClassVar[Mapping[str, str]] = {
        "invalid": "%(shown)s is not a date in ISO form (YYYY-MM-DD)."
    }

    @overload
    def __init__(
        self: DateField[datetime.date | None],
        verbose_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[MomentOptions[datetime.date | None]],
    ) -> None: ...
    @overload
    def __init__(
        self: DateField[datetime.date],
        verbose_name: str | None = ...,
        *,
        null: Literal[False] = ...,
        **options: Unpack[MomentOptions[datetime.date]],
    ) -> None: ...
    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        super().__init__(verbose_name, **options)

    @overload
    def __get__(self, instance: None, owner: type[M]) -> DateExpr[M, T]: ...
    @overload
    def __get__(self, instance: Instance, owner: type[Any]) -> T: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        return Field.__get__(self, instance, owner)

    @plain
    def to_python(self, value: Any) -> Any:
        match value:
            case None:
                return None
            case datetime.datetime():
                if value.tzinfo is not None:
                    try:
                        value = value.astimezone(timezone.get_default_timezone())
                    except OverflowError:
                        raise self.invalid(value) from None
                return value.date()
            case datetime.date():
                return value
            case str():
                return self._parsed(value)
            case _:
                raise self.invalid(value)

    def _parsed(self, text: str) -> datetime.date:
        try:
            return datetime.date.fromisoformat(text)
        except ValueError:
            pass
        try:
            moment: datetime.datetime = _dateutil().isoparse(text)
        except ValueError:
            raise self.invalid(text) from None
        return moment.date()

    def present(self, alias: str | None) -> datetime.date:
        return timezone.localdate(timezone=timezone.get_default_timezone())


class TimeField(_Moment[T]):
    """A time of day, without a time zone."""

    internal_type = "TimeField"
    face: ClassVar[type[Expr[Any, Any]]] = TimeExpr
    default_error_messages: ClassVar[Mapping[str, str]] = {
        "invalid": "%(shown)s is not a time in ISO form (HH:MM[:SS[.ffffff]])."
    }

    @overload
    def __init__(
        self: TimeField[datetime.time | None],
        verbose_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[MomentOptions[datetime.time | None]],
    ) -> None: ...
    @overload
    def __init__(
        self: TimeField[datetime.time],
        verbose_name: str | None = ...,
        *,
        null: Literal[False] = ...,
        **options: Unpack[MomentOptions[datetime.time]],
    ) -> None: ...
    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        super().__init__(verbose_name, **options)

    @overload
    def __get__(self, instance: None, owner: type[M]) -> TimeExpr[M, T]: ...
    @overload
    def __get__(self, instance: Instance, owner: type[Any]) -> T: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        return Field.__get__(self, instance, owner)

    @plain
    def to_python(self, value: Any) -> Any:
        match value:
            case None:
                return None
            case datetime.time():
                return value
            case datetime.datetime():
                return value.time()
            case str():
                return self._parsed(value)
            case _:
                raise self.invalid(value)

    def _parsed(self, text: str) -> datetime.time:
        try:
            return datetime.time.fromisoformat(text)
        except ValueError:
            pass
        try:
            parsed: datetime.time = _dateutil().isoparser().parse_isotime(text)
        except ValueError:
            raise self.invalid(text) from None
        return parsed

    def present(self, alias: str | None) -> datetime.time:
        return timezone.localtime(timezone=timezone.get_default_timezone()).time()


class DateTimeField(DateField[T]):
    """A moment. Whether it carries a time zone is the store's policy."""

    internal_type = "DateTimeField"
    face: ClassVar[type[Expr[Any, Any]]] = DateTimeExpr
    default_error_messages: ClassVar[Mapping[str, str]] = {
        "invalid": "%(shown)s is not a date and time in ISO form (YYYY-MM-DD HH:MM[:SS[.ffffff]][+HH:MM])."
    }

    @overload
    def __init__(
        self: DateTimeField[datetime.datetime | None],
        verbose_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[MomentOptions[datetime.datetime | None]],
    ) -> None: ...
    @overload
    def __init__(
        self: DateTimeField[datetime.datetime],
        verbose_name: str | None = ...,
        *,
        null: Literal[False] = ...,
        **options: Unpack[MomentOptions[datetime.datetime]],
    ) -> None: ...
    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        _Moment.__init__(self, verbose_name, **options)

    @overload  # type: ignore[override]  # its expression has a date and a time
    def __get__(self, instance: None, owner: type[M]) -> DateTimeExpr[M, T]: ...
    @overload
    def __get__(self, instance: Instance, owner: type[Any]) -> T: ...
    def __get__(self, instance: Any, owner: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Field.__get__(self, instance, owner)

    @plain
    def to_python(self, value: Any) -> Any:
        match value:
            case None | datetime.datetime():
                return value
            case datetime.date():
                return datetime.datetime.combine(value, datetime.time())
            case str():
                return self._parsed(value)
            case _:
                raise self.invalid(value)

    def _parsed(self, text: str) -> datetime.datetime:
        try:
            return datetime.datetime.fromisoformat(text)
        except ValueError:
            pass
        try:
            parsed: datetime.datetime = _dateutil().isoparse(text)
        except ValueError:
            raise self.invalid(text) from None
        return parsed

    def present(self, alias: str | None) -> datetime.datetime:
        if session(alias).store.capabilities.datetimes == "naive":
            return timezone.make_naive(timezone.now(), timezone.get_default_timezone())
        return timezone.now()


_CLOCK = re.compile(
    r"(?:(?P<days>[-+]?\d+)\s*(?:days?,?)?\s+)?"
    r"(?P<sign>[-+]?)(?:(?:(?P<hours>\d+):)?(?P<minutes>\d+):)?(?P<seconds>\d+(?:[.,]\d{1,6})?)\d*"
)
_ISO = re.compile(
    r"(?P<sign>[-+]?)P(?:(?P<weeks>\d+(?:[.,]\d+)?)W)?(?:(?P<days>\d+(?:[.,]\d+)?)D)?"
    r"(?:T(?:(?P<hours>\d+(?:[.,]\d+)?)H)?(?:(?P<minutes>\d+(?:[.,]\d+)?)M)?(?:(?P<seconds>\d+(?:[.,]\d+)?)S)?)?"
)


_DAYS = re.compile(r"(?P<days>[-+]?\d+)\s*days?")


def parse_duration(text: str) -> datetime.timedelta | None:
    """The duration that `text` gives, None where it gives none.

    The forms are "[days ][[hours:]minutes:]seconds" (the days may be negative on their own), "3 days", and ISO 8601 ("P1DT2H").
    """
    for pattern in (_CLOCK, _DAYS, _ISO):
        found = pattern.fullmatch(text.strip())
        if found is None:
            continue
        groups = found.groupdict()
        factor = -1 if groups.pop("sign", None) == "-" else 1
        parts = {name: float(value.replace(",", ".")) for name, value in groups.items() if value}
        if not parts:
            continue
        if pattern is _ISO:
            return factor * datetime.timedelta(**parts)
        return datetime.timedelta(parts.pop("days", 0.0)) + factor * datetime.timedelta(**parts)
    return None


def duration_text(duration: datetime.timedelta) -> str:
    """`duration` as "[days ]hours:minutes:seconds[.microseconds]", which parse_duration() reads; the days alone may be negative."""
    minutes, seconds = divmod(duration.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days = f"{duration.days} " if duration.days else ""
    fraction = f".{duration.microseconds:06}" if duration.microseconds else ""
    return f"{days}{hours:02}:{minutes:02}:{seconds:02}{fraction}"


class DurationField(Field[T]):
    """A length of time."""

    internal_type = "DurationField"
    face: ClassVar[type[Expr[Any, Any]]] = DurationExpr
    empty_strings_allowed = False
    default_error_messages: ClassVar[Mapping[str, str]] = {
        "invalid": "%(shown)s is not a duration in the form [DD] [[HH:]MM:]SS[.ffffff] or in ISO form."
    }

    @overload
    def __init__(
        self: DurationField[datetime.timedelta | None],
        verbose_name: str | None = ...,
        *,
        null: Literal[True],
        **options: Unpack[Options[datetime.timedelta | None]],
    ) -> None: ...
    @overload
    def __init__(
        self: DurationField[datetime.timedelta],
        verbose_name: str | None = ...,
        *,
        null: Literal[False] = ...,
        **options: Unpack[Options[datetime.timedelta]],
    ) -> None: ...
    def __init__(self, verbose_name: str | None = None, **options: Any) -> None:
        super().__init__(verbose_name, **options)

    @overload
    def __get__(self, instance: None, owner: type[M]) -> DurationExpr[M, T]: ...
    @overload
    def __get__(self, instance: Instance, owner: type[Any]) -> T: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        return Field.__get__(self, instance, owner)

    @plain
    def to_python(self, value: Any) -> Any:
        if value is None or isinstance(value, datetime.timedelta):
            return value
        try:
            parsed = parse_duration(value) if isinstance(value, str) else None
        except OverflowError:
            parsed = None
        if parsed is None:
            raise self.invalid(value)
        return parsed

    @plain
    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(evaluated(value))

    def value_to_string(self, obj: Any) -> str:
        value = self.value_from_object(obj)
        return "" if value is None else duration_text(value)
