"""Typed expressions that give dates, times, moments and durations, with their parts as attributes.

Knows the faces of numbers, which parts are. The invariant: a face builds nodes and keeps none but its own.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, TypeVar, overload

from modelkit.expressions import aggregates
from modelkit.expressions.base import NamedTransform, node_of
from modelkit.expressions.faces import AggOver, Arithmetic, Cond, Expr, NumExpr, combined, where_node
from modelkit.expressions.functions import Coalesce

__all__ = ["DateExpr", "DateTimeExpr", "DurationExpr", "TimeExpr"]

M = TypeVar("M")
M_con = TypeVar("M_con", contravariant=True)  # noqa: PLC0105 - the ending says it
T = TypeVar("T")
V = TypeVar("V")


class DurationExpr(Arithmetic[M_con, T]):
    """An expression that gives a timedelta."""

    __slots__ = ()

    def coalesce(self: DurationExpr[M_con, V | None], other: V | Expr[M_con, V]) -> DurationExpr[M_con, V]:
        """The value, or `other` where it is NULL."""
        return DurationExpr(Coalesce(self.node, node_of(other)))

    if TYPE_CHECKING:  # what is done is the same

        def max(
            self, *, where: Cond[M_con] | None = None
        ) -> AggOver[M_con, T | None, DurationExpr[M_con, T | None]]: ...
        def min(
            self, *, where: Cond[M_con] | None = None
        ) -> AggOver[M_con, T | None, DurationExpr[M_con, T | None]]: ...

    def __add__(self, other: T | Expr[M_con, T]) -> DurationExpr[M_con, T]:
        return DurationExpr(combined(self, "+", other))

    def __sub__(self, other: T | Expr[M_con, T]) -> DurationExpr[M_con, T]:
        return DurationExpr(combined(self, "-", other))

    def sum(self, *, where: Cond[M_con] | None = None) -> AggOver[M_con, T | None, DurationExpr[M_con, T | None]]:
        """The sum; None over no rows."""
        return AggOver(super().sum(where=where).node, DurationExpr)

    def avg(self, *, where: Cond[M_con] | None = None) -> AggOver[M_con, T | None, DurationExpr[M_con, T | None]]:
        """The mean; None over no rows."""
        return AggOver(aggregates.Avg(self.node, filter=where_node(where)), DurationExpr)


class _Part:
    """A part of a date or time as an attribute, as Python's own have: `User.born.year`. An int, or None where the whole may be."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> _Part: ...
    @overload
    def __get__(
        self, instance: Expr[M, datetime.date] | Expr[M, datetime.datetime] | Expr[M, datetime.time], owner: type
    ) -> NumExpr[M, int]: ...
    @overload
    def __get__(self, instance: Expr[M, Any], owner: type) -> NumExpr[M, int | None]: ...
    def __get__(self, instance: Expr[Any, Any] | None, owner: type) -> Any:
        return self if instance is None else NumExpr(NamedTransform(instance.node, self._name))


class DateExpr(Expr[M_con, T]):
    """An expression that gives a date."""

    __slots__ = ()

    def coalesce(self: DateExpr[M_con, V | None], other: V | Expr[M_con, V]) -> DateExpr[M_con, V]:
        """The value, or `other` where it is NULL."""
        return DateExpr(Coalesce(self.node, node_of(other)))

    if TYPE_CHECKING:  # what is done is the same

        def max(self, *, where: Cond[M_con] | None = None) -> AggOver[M_con, T | None, DateExpr[M_con, T | None]]: ...
        def min(self, *, where: Cond[M_con] | None = None) -> AggOver[M_con, T | None, DateExpr[M_con, T | None]]: ...

    year = _Part()
    iso_year = _Part()
    month = _Part()
    day = _Part()
    week = _Part()
    week_day = _Part()
    iso_week_day = _Part()
    quarter = _Part()

    def __add__(
        self, other: datetime.timedelta | Expr[M_con, datetime.timedelta]
    ) -> DateTimeExpr[M_con, datetime.datetime]:
        return DateTimeExpr(combined(self, "+", other))

    @overload
    def __sub__(  # type: ignore[overload-overlap]
        self, other: datetime.timedelta | Expr[M_con, datetime.timedelta]
    ) -> DateTimeExpr[M_con, datetime.datetime]: ...
    @overload
    def __sub__(self, other: T | Expr[M_con, T]) -> DurationExpr[M_con, datetime.timedelta]: ...
    def __sub__(self, other: Any) -> Any:
        return _minus(self, other)


class TimeExpr(Expr[M_con, T]):
    """An expression that gives a time of day."""

    __slots__ = ()

    def coalesce(self: TimeExpr[M_con, V | None], other: V | Expr[M_con, V]) -> TimeExpr[M_con, V]:
        """The value, or `other` where it is NULL."""
        return TimeExpr(Coalesce(self.node, node_of(other)))

    if TYPE_CHECKING:  # what is done is the same

        def max(self, *, where: Cond[M_con] | None = None) -> AggOver[M_con, T | None, TimeExpr[M_con, T | None]]: ...
        def min(self, *, where: Cond[M_con] | None = None) -> AggOver[M_con, T | None, TimeExpr[M_con, T | None]]: ...

    hour = _Part()
    minute = _Part()
    second = _Part()


class DateTimeExpr(Expr[M_con, T]):
    """An expression that gives a moment. Its parts are those on a clock of the current time zone."""

    __slots__ = ()

    def coalesce(self: DateTimeExpr[M_con, V | None], other: V | Expr[M_con, V]) -> DateTimeExpr[M_con, V]:
        """The value, or `other` where it is NULL."""
        return DateTimeExpr(Coalesce(self.node, node_of(other)))

    if TYPE_CHECKING:  # what is done is the same

        def max(
            self, *, where: Cond[M_con] | None = None
        ) -> AggOver[M_con, T | None, DateTimeExpr[M_con, T | None]]: ...
        def min(
            self, *, where: Cond[M_con] | None = None
        ) -> AggOver[M_con, T | None, DateTimeExpr[M_con, T | None]]: ...

    year = _Part()
    iso_year = _Part()
    month = _Part()
    day = _Part()
    week = _Part()
    week_day = _Part()
    iso_week_day = _Part()
    quarter = _Part()
    hour = _Part()
    minute = _Part()
    second = _Part()

    @overload
    def date(self: DateTimeExpr[M_con, datetime.datetime]) -> DateExpr[M_con, datetime.date]: ...
    @overload
    def date(self) -> DateExpr[M_con, datetime.date | None]: ...
    def date(self) -> DateExpr[M_con, Any]:
        """The date of the moment."""
        return DateExpr(NamedTransform(self.node, "date"))

    @overload
    def time(self: DateTimeExpr[M_con, datetime.datetime]) -> TimeExpr[M_con, datetime.time]: ...
    @overload
    def time(self) -> TimeExpr[M_con, datetime.time | None]: ...
    def time(self) -> TimeExpr[M_con, Any]:
        """The time of day of the moment."""
        return TimeExpr(NamedTransform(self.node, "time"))

    def __add__(self, other: datetime.timedelta | Expr[M_con, datetime.timedelta]) -> DateTimeExpr[M_con, T]:
        return DateTimeExpr(combined(self, "+", other))

    @overload
    def __sub__(  # type: ignore[overload-overlap]
        self, other: datetime.timedelta | Expr[M_con, datetime.timedelta]
    ) -> DateTimeExpr[M_con, T]: ...
    @overload
    def __sub__(self, other: T | Expr[M_con, T]) -> DurationExpr[M_con, datetime.timedelta]: ...
    def __sub__(self, other: Any) -> Any:
        return _minus(self, other)


def _minus(left: Expr[Any, Any], right: object) -> Expr[Any, Any]:
    """A moment minus a duration is a moment; minus a moment, a duration."""
    result = combined(left, "-", right)
    return DateTimeExpr(result) if isinstance(right, (datetime.timedelta, DurationExpr)) else DurationExpr(result)
