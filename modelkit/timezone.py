"""The current time zone, as Django users know it: what date parts and truncations of aware datetimes are read in.

Knows nothing of models or stores, which keep UTC. The current zone belongs to the context (thread or task), the default to the process.
"""

from __future__ import annotations

import datetime
import zoneinfo
from contextlib import ContextDecorator
from contextvars import ContextVar

__all__ = [
    "activate",
    "deactivate",
    "get_current_timezone",
    "get_current_timezone_name",
    "get_default_timezone",
    "is_aware",
    "is_naive",
    "localdate",
    "localtime",
    "make_aware",
    "make_naive",
    "now",
    "override",
    "set_default_timezone",
]

_current: ContextVar[datetime.tzinfo | None] = ContextVar("modelkit_timezone", default=None)
_default: datetime.tzinfo = datetime.UTC


def _zone(timezone: datetime.tzinfo | str) -> datetime.tzinfo:
    if isinstance(timezone, datetime.tzinfo):
        return timezone
    if isinstance(timezone, str):
        return zoneinfo.ZoneInfo(timezone)
    raise ValueError(f"Expected a time zone or the name of one, not {type(timezone).__name__}.")


def get_default_timezone() -> datetime.tzinfo:
    """The zone where none is active: UTC unless set_default_timezone() said otherwise."""
    return _default


def set_default_timezone(timezone: datetime.tzinfo | str) -> None:
    """Make `timezone` (or the one of that name) the process's default."""
    global _default  # noqa: PLW0603 - the process has one default
    _default = _zone(timezone)


def get_current_timezone() -> datetime.tzinfo:
    """The active zone, else the default."""
    return _current.get() or _default


def get_current_timezone_name() -> str:
    """The current zone's name, or its offset where it has none."""
    timezone = get_current_timezone()
    return str(timezone) or timezone.tzname(None) or ""


def activate(timezone: datetime.tzinfo | str) -> None:
    """Make `timezone` current for this thread or task."""
    _current.set(_zone(timezone))


def deactivate() -> None:
    """Return this thread or task to the default zone."""
    _current.set(None)


class override(ContextDecorator):  # noqa: N801 - Django's name
    """A block, or a decorated function, with another current zone; None is the default one."""

    def __init__(self, timezone: datetime.tzinfo | str | None) -> None:
        self._timezone = None if timezone is None else _zone(timezone)
        self._before: list[datetime.tzinfo | None] = []

    def __enter__(self) -> None:
        self._before.append(_current.get())
        _current.set(self._timezone)

    def __exit__(self, *_error: object) -> None:
        _current.set(self._before.pop())


def now() -> datetime.datetime:
    """The present moment, aware, in UTC."""
    return datetime.datetime.now(datetime.UTC)


def is_aware(value: datetime.datetime | datetime.time) -> bool:
    """Whether `value` says which moment it is."""
    return value.utcoffset() is not None


def is_naive(value: datetime.datetime | datetime.time) -> bool:
    """Whether `value` lacks a zone."""
    return value.utcoffset() is None


def make_aware(value: datetime.datetime, timezone: datetime.tzinfo | None = None) -> datetime.datetime:
    """Naive `value` as a moment of `timezone` (the current one); ValueError where it is aware already."""
    if is_aware(value):
        raise ValueError(f"make_aware() expects a naive datetime, got {value!r}.")
    return value.replace(tzinfo=timezone or get_current_timezone())


def make_naive(value: datetime.datetime, timezone: datetime.tzinfo | None = None) -> datetime.datetime:
    """Aware `value` as read on a clock of `timezone` (the current one); ValueError where it is naive."""
    if is_naive(value):
        raise ValueError(f"make_naive() expects an aware datetime, got {value!r}.")
    return value.astimezone(timezone or get_current_timezone()).replace(tzinfo=None)


def localtime(value: datetime.datetime | None = None, timezone: datetime.tzinfo | None = None) -> datetime.datetime:
    """Aware `value` (the present moment) in `timezone` (the current one); ValueError where it is naive."""
    moment = now() if value is None else value
    if is_naive(moment):
        raise ValueError(f"localtime() expects an aware datetime, got {moment!r}.")
    return moment.astimezone(timezone or get_current_timezone())


def localdate(value: datetime.datetime | None = None, timezone: datetime.tzinfo | None = None) -> datetime.date:
    """The date of `localtime(value, timezone)`."""
    return localtime(value, timezone).date()
